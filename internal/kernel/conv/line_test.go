package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ingot/internal/kernel/cpu"
)

// onTiers runs a test on every tier that the machine has.
func onTiers(t *testing.T, f func(t *testing.T, tier cpu.Tier)) {
	for _, tier := range cpu.Supported() {
		t.Run(tier.String(), func(t *testing.T) { f(t, tier) })
	}
}

// lineCase is a line in a test.
type lineCase struct {
	channels, pixels, rows, taps, stride, dilation int
	bias, res, clip, count                         bool
}

func (c lineCase) make(op operation, get func(n int) []float32) *line {
	width := (c.pixels-1)*c.stride + (c.taps-1)*c.dilation + 1
	pitch := depthPitch(c.channels)
	l := &line{op: op, channels: c.channels, pixels: c.pixels, rows: c.rows, taps: c.taps,
		stepX: c.dilation * c.channels, pixX: c.stride * c.channels, rowX: width * c.channels,
		stepW: pitch, rowW: c.taps * pitch, pixY: c.channels, x: get(c.rows * width * c.channels), y: get(c.pixels * c.channels)}
	if op == multiply {
		l.w = get(c.rows * c.taps * pitch)
	}
	if op == multiply && c.bias {
		l.bias = get(c.channels)
	}
	if op == multiply && c.res {
		l.res = get(c.pixels * c.channels)
	}
	if op == multiply && c.clip {
		l.clip, l.lo, l.hi = true, -0.5, 0.75
	}
	if op == sum && c.count {
		l.count = 7
	}
	return l
}

func lineCases(f func(op operation, c lineCase)) {
	for _, op := range []operation{multiply, maximum, sum} {
		for _, channels := range []int{1, 3, 7, 8, 9, 16, 17, 24, 31, 32, 40, 65} {
			for _, pixels := range []int{1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 21} {
				for i, k := range [][4]int{{1, 1, 1, 1}, {3, 3, 1, 1}, {2, 3, 2, 1}, {5, 5, 1, 1}, {1, 5, 2, 1}, {2, 4, 1, 1}, {2, 3, 1, 2}, {2, 3, 2, 2}, {1, 7, 3, 1}, {3, 2, 5, 3}} {
					n := channels + pixels + i
					f(op, lineCase{channels, pixels, k[0], k[1], k[2], k[3], n%2 == 0, n%3 == 0, n%5 < 2, n%2 == 1})
				}
			}
		}
	}
}

// TestLines compares the assembly with the portable loop: maxima exactly, sums within the rounding of a fused multiply-add.
func TestLines(t *testing.T) {
	onTiers(t, func(t *testing.T, tier cpu.Tier) {
		r := rand.New(rand.NewPCG(5, 6))
		lineCases(func(op operation, c lineCase) {
			l := c.make(op, func(n int) []float32 { return floats[float32](r, n) })
			if c.pixels == 5 {
				l.x[len(l.x)/2] = float32(math.NaN())
				l.x[0] = float32(math.Inf(-1))
			}
			got := *l
			got.y = make([]float32, len(l.y)+1)
			got.y[len(l.y)] = 42
			l.runGo(0)
			got.run(tier)
			if got.y[len(l.y)] != 42 {
				t.Fatalf("%d %+v: wrote behind the line", op, c)
			}
			for i, want := range l.y {
				v := got.y[i]
				if v == want || v != v && want != want {
					continue
				}
				if d := math.Abs(float64(v - want)); op == maximum || !(d <= 3e-7*float64(c.rows*c.taps+2)) {
					t.Fatalf("%d %+v: element %d is %v, want %v", op, c, i, v, want)
				}
			}
		})
	})
}

// TestTransforms compares the assembly with the portable transforms.
func TestTransforms(t *testing.T) {
	onTiers(t, func(t *testing.T, tier cpu.Tier) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, channels := range []int{8, 16, 24, 32, 48} {
			lanes := 8
			if tier == cpu.AVX512 && channels%16 == 0 {
				lanes = 16
			}
			pixel, row, point := channels+3, 7*channels+30, channels+5
			in := floats[float32](r, 5*(row+pixel)+channels)
			got, want := make([]float32, 35*point+channels), make([]float32, 35*point+channels)
			transformInput(tier, lanes, got, point, in, row, pixel, channels)
			transformInputGo(want, point, in, row, pixel, channels)
			near32(t, fmt.Sprint("input of ", channels), got, want, 1e-5)

			m := floats[float32](r, 35*point+channels)
			for i := range 8 {
				e := finish{lo: -0.5, hi: 0.5, clip: i&1 != 0}
				if i&2 != 0 {
					e.bias = floats[float32](r, channels)
				}
				if i&4 != 0 {
					e.res = floats[float32](r, 3*(row+pixel)+channels)
				}
				got, want := make([]float32, 3*(row+pixel)+channels), make([]float32, 3*(row+pixel)+channels)
				transformOutput(tier, lanes, got, row, pixel, m, point, channels, &e)
				transformOutputGo(want, row, pixel, m, point, channels, &e)
				near32(t, fmt.Sprint("output of ", channels), got, want, 1e-5)
			}
		}
	})
}

func near32(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	for i, v := range got {
		if !(math.Abs(float64(v-want[i])) <= tol) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, v, want[i])
		}
	}
}

// TestCopyRows compares the copies of short rows.
func TestCopyRows(t *testing.T) {
	onTiers(t, func(t *testing.T, tier cpu.Tier) {
		r := rand.New(rand.NewPCG(9, 10))
		for size := range 140 {
			for _, n := range []int{0, 1, 2, 5} {
				src, dst := floats[float32](r, n*(size+3)), make([]float32, n*(size+2))
				copyRows(tier, dst, size+2, src, size+3, size, n)
				for i, v := range dst {
					want := float32(0)
					if i%(size+2) < size {
						want = src[i/(size+2)*(size+3)+i%(size+2)]
					}
					if v != want {
						t.Fatalf("%d rows of %d: element %d is %v, want %v", n, size, i, v, want)
					}
				}
			}
		}
	})
}
