package conv

import (
	"math/rand/v2"
	"testing"
)

// benchShapes are layers of common networks.
var benchShapes = []struct {
	name string
	spec
}{
	{"3x3_224x64", spec{images: 1, channels: 64, filters: 64, in: []int{224, 224}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_224x32x9", spec{images: 1, channels: 32, filters: 9, in: []int{224, 224}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_56x64", spec{images: 1, channels: 64, filters: 64, in: []int{56, 56}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_28x128", spec{images: 1, channels: 128, filters: 128, in: []int{28, 28}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_14x256", spec{images: 1, channels: 256, filters: 256, in: []int{14, 14}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_7x512", spec{images: 1, channels: 512, filters: 512, in: []int{7, 7}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_28x16", spec{images: 1, channels: 16, filters: 16, in: []int{28, 28}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_112x32", spec{images: 1, channels: 32, filters: 32, in: []int{112, 112}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_14x512", spec{images: 1, channels: 512, filters: 512, in: []int{14, 14}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_56x24", spec{images: 1, channels: 24, filters: 24, in: []int{56, 56}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3_13x384", spec{images: 1, channels: 384, filters: 256, in: []int{13, 13}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"3x3s2_56x64", spec{images: 1, channels: 64, filters: 128, in: []int{56, 56}, kernel: []int{3, 3}, stride: []int{2, 2}, before: []int{1, 1}}},
	{"7x7s2_224x3", spec{images: 1, channels: 3, filters: 64, in: []int{224, 224}, kernel: []int{7, 7}, stride: []int{2, 2}, before: []int{3, 3}}},
	{"3x3s2_224x3", spec{images: 1, channels: 3, filters: 32, in: []int{224, 224}, kernel: []int{3, 3}, stride: []int{2, 2}, before: []int{1, 1}}},
	{"5x5_224x1", spec{images: 1, channels: 1, filters: 64, in: []int{224, 224}, kernel: []int{5, 5}, before: []int{2, 2}}},
	{"g32_3x3_56x128", spec{images: 1, channels: 128, filters: 128, groups: 32, in: []int{56, 56}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"g16_3x3_28x384", spec{images: 1, channels: 384, filters: 384, groups: 16, in: []int{28, 28}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"g64_3x3_28x64x128", spec{images: 1, channels: 64, filters: 128, groups: 64, in: []int{28, 28}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"1x1_112x32x64", spec{images: 1, channels: 32, filters: 64, in: []int{112, 112}, kernel: []int{1, 1}}},
	{"1x1_56x64x256", spec{images: 1, channels: 64, filters: 256, in: []int{56, 56}, kernel: []int{1, 1}}},
	{"1x1s2_56x64x128", spec{images: 1, channels: 64, filters: 128, in: []int{56, 56}, kernel: []int{1, 1}, stride: []int{2, 2}}},
	{"dw3_112x32", spec{images: 1, channels: 32, filters: 32, groups: 32, in: []int{112, 112}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"dw3_28x256", spec{images: 1, channels: 256, filters: 256, groups: 256, in: []int{28, 28}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"dw3s2_112x96", spec{images: 1, channels: 96, filters: 96, groups: 96, in: []int{112, 112}, kernel: []int{3, 3}, stride: []int{2, 2}, before: []int{1, 1}}},
	{"dw5_14x480", spec{images: 1, channels: 480, filters: 480, groups: 480, in: []int{14, 14}, kernel: []int{5, 5}, before: []int{2, 2}}},
	{"dw5s2_28x240", spec{images: 1, channels: 240, filters: 240, groups: 240, in: []int{28, 28}, kernel: []int{5, 5}, stride: []int{2, 2}, before: []int{2, 2}}},
	{"dw3_7x960", spec{images: 1, channels: 960, filters: 960, groups: 960, in: []int{7, 7}, kernel: []int{3, 3}, before: []int{1, 1}}},
	{"dw9_1000x144", spec{images: 1, channels: 144, filters: 144, groups: 144, in: []int{1000}, kernel: []int{9}, before: []int{4}}},
}

func BenchmarkConv(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	names := []string{"product", "depthwise", "winograd", "merged"}
	for _, bs := range benchShapes {
		s := bs.shape()
		x, w := floats[float32](r, s.Images*product(s.In)*s.Channels), floats[float32](r, s.Filters*s.Channels/s.Groups*s.Taps())
		for _, f := range formats[float32](&s) {
			if f == Product && s.Groups == s.Filters {
				continue // hopeless
			}
			b.Run(bs.name+"/"+names[f], func(b *testing.B) {
				p, err := Pack(&s, f, w)
				if err != nil {
					b.Fatal(err)
				}
				c := Conv[float32]{Shape: s, Weights: p, X: x, Y: make([]float32, s.pixels()*s.Filters)}
				if err := c.Prepare(); err != nil {
					b.Fatal(err)
				}
				scratch := make([]float32, c.ScratchLen())
				b.ResetTimer()
				for b.Loop() {
					for i := range c.Tiles() {
						c.Tile(i, scratch)
					}
				}
				flop := 2 * float64(s.pixels()*s.Filters*s.Channels/s.Groups*s.Taps())
				b.ReportMetric(flop*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
				b.ReportMetric(float64(c.Tiles()), "tiles")
			})
		}
	}
}
