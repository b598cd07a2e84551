package vec

import (
	"math"
	"testing"
)

func TestHalf(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	onTiers(t, func(t *testing.T) {
		wide, back := make([]float32, len(all)), make([]uint16, len(all))
		FromHalf(wide, all)
		ToHalf(back, wide)
		for i, h := range all {
			sign, e, m := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023)
			want := sign * math.Ldexp(m+1024, e-25)
			switch {
			case e == 0:
				want = math.Copysign(math.Ldexp(m, -24), sign)
			case e == 31 && m == 0:
				want = math.Inf(int(sign))
			case e == 31:
				if b := math.Float32bits(wide[i]); b != uint32(h>>15)<<31|0x7fc00000|uint32(m)<<13 || back[i] != h|0x200 {
					t.Fatalf("NaN %#04x became %#08x, and that %#04x", h, b, back[i])
				}
				continue
			}
			if math.Float64bits(float64(wide[i])) != math.Float64bits(want) || back[i] != h {
				t.Fatalf("%#04x became %g, want %g, and that %#04x", h, wide[i], want, back[i])
			}
		}
	})
}

// halfRef is x rounded to half precision, by arithmetic.
func halfRef(x float64) float64 {
	_, e := math.Frexp(x)
	unit := math.Ldexp(1, max(e-11, -24))
	y := math.RoundToEven(x/unit) * unit
	if math.Abs(y) > 65504 {
		return math.Copysign(math.Inf(1), y)
	}
	return y
}

func TestToHalfAndBrain(t *testing.T) {
	x := specials()
	for _, v := range []float32{65504, 65519.996, 65520, 65536, 0x1p-14, 0x1p-15, 0x1p-24, 0x1p-25, 0x1p-26, 0x1.8p-25, 0x1.004p0, 0x1.00cp0} {
		for _, y := range []float32{math.Nextafter32(v, 0), v, math.Nextafter32(v, 1e38)} {
			x = append(x, y, -y)
		}
	}
	for b := uint64(0); b < 1<<32; b += 4099 {
		x = append(x, math.Float32frombits(uint32(b)))
	}
	for i := range 1 << 16 { // halfway between two bfloat16 numbers, and beside it
		x = append(x, math.Float32frombits(uint32(i)<<16|0x8000), math.Float32frombits(uint32(i)<<16|0x7fff))
	}
	onTiers(t, func(t *testing.T) {
		h := make([]uint16, len(x))
		y := make([]float32, len(x))
		ToHalf(h, x)
		FromHalf(y, h)
		for i, v := range x {
			if v != v {
				b := math.Float32bits(v)
				if want := uint16(b>>16&0x8000|0x7e00) | uint16(b>>13&0x3ff); h[i] != want {
					t.Fatalf("NaN %#08x became %#04x, want %#04x", b, h[i], want)
				}
			} else if want := halfRef(float64(v)); math.Float64bits(float64(y[i])) != math.Float64bits(want) && !(want == 0 && y[i] == 0) {
				t.Fatalf("%g (%#08x) became %g, want %g", v, math.Float32bits(v), y[i], want)
			} else if math.Signbit(float64(y[i])) != math.Signbit(float64(v)) {
				t.Fatalf("%g lost its sign", v)
			}
		}
		ToBrain(h, x)
		FromBrain(y, h)
		for i, v := range x {
			b, got := math.Float32bits(v), math.Float32bits(y[i])
			below := b &^ 0xffff
			want := below
			if rest := b & 0xffff; rest > 0x8000 || rest == 0x8000 && b&0x10000 != 0 {
				want += 0x10000
			}
			if v != v {
				want = below | 0x400000
			}
			if got != want {
				t.Fatalf("%g (%#08x) became %#08x, want %#08x", v, b, got, want)
			}
		}
	})
}

func TestQuantize(t *testing.T) {
	x := specials()
	for i := range 4000 {
		x = append(x, float32(i-2000)*0.125) // halves among them
	}
	onTiers(t, func(t *testing.T) {
		for _, scale := range []float32{1, 0.25, 0.1, 3e-3, 1e30} {
			for _, zero := range []int32{-128, -1, 0, 5, 127, 128, 255} {
				u, s, y := make([]uint8, len(x)), make([]int8, len(x)), make([]float32, len(x))
				want := func(v float32, lo, hi float64) float64 {
					q := math.RoundToEven(float64(v/scale)) + float64(zero)
					if v != v {
						return lo
					}
					return max(lo, min(hi, q))
				}
				if zero >= 0 {
					QuantizeU8(u, x, scale, zero)
					DequantizeU8(y, u, scale, zero)
					for i, v := range x {
						if float64(u[i]) != want(v, 0, 255) {
							t.Fatalf("uint8, scale %g, zero %d: %g became %d, want %g", scale, zero, v, u[i], want(v, 0, 255))
						}
						if y[i] != float32(int32(u[i])-zero)*scale {
							t.Fatalf("uint8, scale %g, zero %d: %d became %g", scale, zero, u[i], y[i])
						}
					}
				}
				if zero <= 127 {
					QuantizeI8(s, x, scale, zero)
					DequantizeI8(y, s, scale, zero)
					for i, v := range x {
						if float64(s[i]) != want(v, -128, 127) {
							t.Fatalf("int8, scale %g, zero %d: %g became %d, want %g", scale, zero, v, s[i], want(v, -128, 127))
						}
						if y[i] != float32(int32(s[i])-zero)*scale {
							t.Fatalf("int8, scale %g, zero %d: %d became %g", scale, zero, s[i], y[i])
						}
					}
				}
			}
		}
	})
}
