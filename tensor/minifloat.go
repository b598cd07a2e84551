package tensor

import "math"

// minifloat describes a binary floating-point format of at most 16 bits.
type minifloat struct {
	exp, man uint   // bits of exponent and mantissa
	bias     int    // exponent bias
	max      uint32 // bits of the largest finite value
	inf      uint32 // bits of +Inf; 0 when the format has none
	nan      uint32 // bits of a NaN; 0 when the format has none
	noNegZ   bool   // -0 becomes +0 (the FNUZ kinds)
}

var (
	fmtF16      = minifloat{exp: 5, man: 10, bias: 15, max: 0x7bff, inf: 0x7c00, nan: 0x7e00}
	fmtE4M3FN   = minifloat{exp: 4, man: 3, bias: 7, max: 0x7e, nan: 0x7f}
	fmtE4M3FNUZ = minifloat{exp: 4, man: 3, bias: 8, max: 0x7f, nan: 0x80, noNegZ: true}
	fmtE5M2     = minifloat{exp: 5, man: 2, bias: 15, max: 0x7b, inf: 0x7c, nan: 0x7e}
	fmtE5M2FNUZ = minifloat{exp: 5, man: 2, bias: 16, max: 0x7f, nan: 0x80, noNegZ: true}
	fmtE2M1     = minifloat{exp: 2, man: 1, bias: 1, max: 0x7}
	tabE4M3FN   = fmtE4M3FN.table()
	tabE4M3FNUZ = fmtE4M3FNUZ.table()
	tabE5M2     = fmtE5M2.table()
	tabE5M2FNUZ = fmtE5M2FNUZ.table()
	tabE2M1     = fmtE2M1.table()
	float32NaN  = float32(math.NaN())
)

// encode rounds v to the nearest value of the format, ties to even. A magnitude that rounds beyond the largest finite value becomes
// that value when saturate is set or the format has nothing else, else Inf or NaN. The double carries every narrower source
// exactly, so that rounding happens once.
func (m *minifloat) encode(v float64, saturate bool) uint32 {
	b := math.Float64bits(v)
	sign := uint32(b>>63) << (m.exp + m.man)
	if v != v {
		if m.nan == 0 {
			return 1 << (m.exp + m.man) // E2M1 has no NaN; the standard's reference gives -0
		}
		if m.noNegZ {
			return m.nan
		}
		return sign | m.nan
	}
	e := int(b>>52&0x7ff) - 1023
	frac := b&(1<<52-1) | 1<<52
	if e == -1023 { // zero, or a double denormal: far below every format
		return m.zero(sign)
	}
	over := func() uint32 {
		switch {
		case saturate || (m.inf == 0 && m.nan == 0):
			return sign | m.max
		case m.inf != 0:
			return sign | m.inf
		case m.noNegZ:
			return m.nan
		}
		return sign | m.nan
	}
	if e == 1024 {
		return over()
	}
	biased := e + m.bias
	shift := 52 - m.man
	if biased <= 0 { // denormal in the target
		shift += uint(1 - biased)
		biased = 0
		if shift > 63 {
			return m.zero(sign)
		}
	}
	q := frac >> shift
	if rest, half := frac&(1<<shift-1), uint64(1)<<(shift-1); rest > half || rest == half && q&1 == 1 {
		q++
	}
	var r uint64
	if biased == 0 {
		r = q // a carry into the exponent field is the smallest normal: right as it is
	} else {
		r = uint64(biased-1)<<m.man + q
	}
	if r > uint64(m.max) {
		return over()
	}
	if r == 0 {
		return m.zero(sign)
	}
	return sign | uint32(r)
}

func (m *minifloat) zero(sign uint32) uint32 {
	if m.noNegZ {
		return 0
	}
	return sign
}

// decode returns the exact value of the bits.
func (m *minifloat) decode(b uint32) float32 {
	signBit := uint32(1) << (m.exp + m.man)
	if m.noNegZ && b == m.nan {
		return float32NaN
	}
	mag := b & (signBit - 1)
	var v float64
	switch {
	case m.inf != 0 && mag == m.inf:
		v = math.Inf(1)
	case mag > m.max:
		return float32NaN
	case mag>>m.man == 0:
		v = math.Ldexp(float64(mag), 1-m.bias-int(m.man))
	default:
		v = math.Ldexp(float64(mag&(1<<m.man-1)|1<<m.man), int(mag>>m.man)-m.bias-int(m.man))
	}
	if b&signBit != 0 {
		v = -v
	}
	return float32(v)
}

func (m *minifloat) table() *[256]float32 {
	var t [256]float32
	for i := range t {
		t[i] = m.decode(uint32(i) & (1<<(1+m.exp+m.man) - 1))
	}
	return &t
}

// Float32 returns the value, exactly.
func (h F16) Float32() float32 {
	s := uint32(h&0x8000) << 16
	e := uint32(h) >> 10 & 0x1f
	f := uint32(h) & 0x3ff
	switch e {
	case 0:
		v := float32(f) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | s)
	case 31:
		return math.Float32frombits(s | 0x7f800000 | f<<13)
	}
	return math.Float32frombits(s | (e+112)<<23 | f<<13)
}

// ToF16 rounds to nearest, ties to even; too large magnitudes become infinite.
func ToF16(v float32) F16 {
	b := math.Float32bits(v)
	s := uint16(b >> 16 & 0x8000)
	a := b & 0x7fffffff
	switch {
	case a > 0x7f800000:
		return F16(s | 0x7e00)
	case a >= 0x477ff000: // 65520 and above
		return F16(s | 0x7c00)
	case a < 0x38800000: // below the smallest normal: let the adder round at 2^-24
		f := math.Float32frombits(a) + 0.5
		return F16(s | uint16(math.Float32bits(f)-0x3f000000))
	}
	a += 0xfff + a>>13&1
	return F16(s | uint16((a-0x38000000)>>13))
}

// F16FromFloat64 rounds once from double precision.
func F16FromFloat64(v float64) F16 { return F16(fmtF16.encode(v, false)) }

// Float32 returns the value, exactly.
func (h BF16) Float32() float32 { return math.Float32frombits(uint32(h) << 16) }

// ToBF16 rounds to nearest, ties to even.
func ToBF16(v float32) BF16 {
	b := math.Float32bits(v)
	if b&0x7fffffff > 0x7f800000 {
		return BF16(b>>16 | 0x40)
	}
	return BF16((b + 0x7fff + b>>16&1) >> 16)
}

// Float32 returns the value, exactly.
func (h F8E4M3FN) Float32() float32 { return tabE4M3FN[h] }

// Float32 returns the value, exactly.
func (h F8E4M3FNUZ) Float32() float32 { return tabE4M3FNUZ[h] }

// Float32 returns the value, exactly.
func (h F8E5M2) Float32() float32 { return tabE5M2[h] }

// Float32 returns the value, exactly.
func (h F8E5M2FNUZ) Float32() float32 { return tabE5M2FNUZ[h] }

// Float32 returns the value, exactly.
func (h F4E2M1) Float32() float32 { return tabE2M1[h&15] }

// Float32 returns the value, exactly.
func (h F8E8M0) Float32() float32 {
	switch h {
	case 0:
		return math.Float32frombits(0x00400000) // 2^-127, a denormal
	case 0xff:
		return float32NaN
	}
	return math.Float32frombits(uint32(h) << 23)
}

// ToF8E4M3FN rounds to nearest, ties to even. Beyond ±448 it gives ±448 when saturate is set, else NaN.
func ToF8E4M3FN(v float32, saturate bool) F8E4M3FN {
	return F8E4M3FN(fmtE4M3FN.encode(float64(v), saturate))
}

// ToF8E4M3FNUZ rounds to nearest, ties to even. Beyond ±240 it gives ±240 when saturate is set, else NaN.
func ToF8E4M3FNUZ(v float32, saturate bool) F8E4M3FNUZ {
	return F8E4M3FNUZ(fmtE4M3FNUZ.encode(float64(v), saturate))
}

// ToF8E5M2 rounds to nearest, ties to even. Beyond ±57344 it gives ±57344 when saturate is set, else ±Inf.
func ToF8E5M2(v float32, saturate bool) F8E5M2 {
	return F8E5M2(fmtE5M2.encode(float64(v), saturate))
}

// ToF8E5M2FNUZ rounds to nearest, ties to even. Beyond ±57344 it gives ±57344 when saturate is set, else NaN.
func ToF8E5M2FNUZ(v float32, saturate bool) F8E5M2FNUZ {
	return F8E5M2FNUZ(fmtE5M2FNUZ.encode(float64(v), saturate))
}

// ToF4E2M1 rounds to nearest, ties to even, and saturates at ±6.
func ToF4E2M1(v float32) F4E2M1 { return F4E2M1(fmtE2M1.encode(float64(v), true)) }

// Rounding says how ToF8E8M0 chooses between two powers of two.
type Rounding uint8

// The rounding modes of Cast to float8e8m0.
const (
	RoundUp      Rounding = iota // to the next larger magnitude
	RoundDown                    // to the next smaller magnitude
	RoundNearest                 // to the nearer, ties up
)

// ToF8E8M0 returns the power of two for |v|: the format has no sign. NaN and Inf without saturate give NaN.
func ToF8E8M0(v float32, saturate bool, mode Rounding) F8E8M0 {
	b := math.Float32bits(v) & 0x7fffffff
	if b > 0x7f800000 {
		return 0xff
	}
	if b == 0x7f800000 {
		if saturate {
			return 0xfe
		}
		return 0xff
	}
	e, frac := b>>23, b&0x7fffff
	up := false
	switch mode {
	case RoundUp:
		up = frac != 0
		if e == 0 { // denormals: 2^-127 is 0x400000
			up = frac > 0x400000
		}
	case RoundNearest:
		up = frac >= 0x400000
		if e == 0 {
			up = frac > 0x600000
		}
	}
	if up {
		e++
	}
	if e > 0xfe {
		if saturate {
			return 0xfe
		}
		return 0xff
	}
	return F8E8M0(e)
}
