package vec

import (
	"math"
	"testing"
)

const places = 67 // longer than any unrolled loop

// few are inputs for the tests of places: ordinary and special values, in a mixed order.
func few(seed int) []float32 {
	s := specials()
	x := make([]float32, places)
	for i := range x {
		if i%3 == 0 {
			x[i] = s[(i*7+seed*31)%len(s)]
		} else {
			x[i] = float32((i*37+seed*11)%200-100) / 9
		}
	}
	return x
}

// TestPlaces checks that a result depends neither on its place, nor on the length of the slice, nor on the address, and that nothing
// beside the slice is written.
func TestPlaces(t *testing.T) {
	const canary = 123456
	x, y, z := few(0), few(1), few(2)
	room := make([]float32, places+2)
	for _, f := range functions {
		t.Run(f.name, func(t *testing.T) {
			onTiers(t, func(t *testing.T) {
				alone := make([]float32, places)
				for i := range alone {
					f.call(alone[i:i+1], x[i:i+1], y[i:i+1], z[i:i+1])
				}
				for at := range places {
					for n := 0; n <= places-at; n++ {
						for i := range room {
							room[i] = canary
						}
						f.call(room[1:1+n], x[at:at+n], y[at:at+n], z[at:at+n])
						for i, g := range room[1 : 1+n] {
							if math.Float32bits(g) != math.Float32bits(alone[at+i]) {
								t.Fatalf("element %d of %d, input %g: %g, alone %g", i, n, x[at+i], g, alone[at+i])
							}
						}
						if room[0] != canary || room[1+n] != canary {
							t.Fatalf("%d elements: wrote beside the slice", n)
						}
					}
				}
				// In place.
				copy(room, x)
				in := room[:places]
				if f.name != "Axpy" {
					f.call(in, in, y, z)
					for i, g := range in {
						if math.Float32bits(g) != math.Float32bits(alone[i]) {
							t.Fatalf("in place, element %d: %g, else %g", i, g, alone[i])
						}
					}
				}
			})
		})
	}
}

// TestLong crosses the length at which calls into assembly are cut.
func TestLong(t *testing.T) {
	n := 2*longest + 19
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i%1000)/100 - 5
	}
	got, want := make([]float32, n), make([]float32, n)
	onTiers(t, func(t *testing.T) {
		for _, f := range functions {
			f.call(got, x, x, x)
			for at := 0; at < n; at += 160 {
				end := min(at+160, n)
				f.call(want[at:end], x[at:end], x[at:end], x[at:end])
			}
			for i := range got {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Fatalf("%s: element %d is %g, in tiles %g", f.name, i, got[i], want[i])
				}
			}
		}
	})
}

func TestShortDestinationPanics(t *testing.T) {
	onTiers(t, func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		Exp(make([]float32, 15), make([]float32, 16))
	})
}

func TestNoAllocations(t *testing.T) {
	x, y, z := few(0), few(1), few(2)
	dst := make([]float32, places)
	half := make([]uint16, places)
	bytes := make([]uint8, places)
	onTiers(t, func(t *testing.T) {
		run := func(name string, f func()) {
			if n := testing.AllocsPerRun(10, f); n != 0 {
				t.Errorf("%s: %g allocations", name, n)
			}
		}
		for _, f := range functions {
			run(f.name, func() { f.call(dst, x, y, z) })
		}
		run("rows", func() {
			MulAddRows(dst, x, y[:3], z[:3])
			AddRows(dst, x, y[:5])
			MulRows(dst, x, y[:20])
			PReluRows(dst, x, y[:2])
		})
		run("Softmax", func() { Softmax(dst, x); LogSoftmax(dst, x); LayerNorm(dst, x, y, z, 1e-5); RMSNorm(dst, x, y, 1e-5) })
		run("conversions", func() {
			ToHalf(half, x)
			FromHalf(dst, half)
			QuantizeU8(bytes, x, 0.1, 3)
			DequantizeU8(dst, bytes, 0.1, 3)
		})
		run("Transpose", func() { TransposeF32(dst, 8, x, 8, 8, 8) })
	})
}
