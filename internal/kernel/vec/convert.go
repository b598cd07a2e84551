package vec

import "math"

// Conversions give the same bits on all tiers.

// FromHalf widens IEEE half precision, exactly; a signalling NaN becomes quiet.
func FromHalf(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i := fromHalfFast(dst, src); i < len(src); i++ {
		dst[i] = fromHalf1(src[i])
	}
}

// ToHalf rounds to IEEE half precision, to nearest and ties to even; what is too large becomes infinite, and a NaN keeps the
// upper bits of its payload.
func ToHalf(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i := toHalfFast(dst, src); i < len(src); i++ {
		dst[i] = toHalf1(src[i])
	}
}

// FromBrain widens bfloat16, exactly.
func FromBrain(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i := fromBrainFast(dst, src); i < len(src); i++ {
		dst[i] = math.Float32frombits(uint32(src[i]) << 16)
	}
}

// ToBrain rounds to bfloat16, to nearest and ties to even; a NaN becomes quiet and keeps the upper bits of its payload.
func ToBrain(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i := toBrainFast(dst, src); i < len(src); i++ {
		dst[i] = toBrain1(src[i])
	}
}

// DequantizeU8 is
//
//	for i, q := range src { dst[i] = float32(q-zero) * scale }
func DequantizeU8(dst []float32, src []uint8, scale float32, zero int32) {
	dst = dst[:len(src)]
	for i := dequantizeU8Fast(dst, src, scale, zero); i < len(src); i++ {
		dst[i] = float32(int32(src[i])-zero) * scale
	}
}

// DequantizeI8 is
//
//	for i, q := range src { dst[i] = float32(q-zero) * scale }
func DequantizeI8(dst []float32, src []int8, scale float32, zero int32) {
	dst = dst[:len(src)]
	for i := dequantizeI8Fast(dst, src, scale, zero); i < len(src); i++ {
		dst[i] = float32(int32(src[i])-zero) * scale
	}
}

// QuantizeU8 is
//
//	for i, x := range src { dst[i] = saturate(roundToEven(x/scale) + zero) }
//
// for zero within 0 to 255. A NaN becomes 0.
func QuantizeU8(dst []uint8, src []float32, scale float32, zero int32) {
	dst = dst[:len(src)]
	lo, hi := float32(0-zero), float32(math.MaxUint8-zero)
	for i := quantizeU8Fast(dst, src, scale, lo, hi, zero); i < len(src); i++ {
		dst[i] = uint8(quantize1(src[i], scale, lo, hi) + zero)
	}
}

// QuantizeI8 is
//
//	for i, x := range src { dst[i] = saturate(roundToEven(x/scale) + zero) }
//
// for zero within -128 to 127. A NaN becomes -128.
func QuantizeI8(dst []int8, src []float32, scale float32, zero int32) {
	dst = dst[:len(src)]
	lo, hi := float32(math.MinInt8-zero), float32(math.MaxInt8-zero)
	for i := quantizeI8Fast(dst, src, scale, lo, hi, zero); i < len(src); i++ {
		dst[i] = int8(quantize1(src[i], scale, lo, hi) + zero)
	}
}

// quantize1 clips before it rounds, so that the conversion to an integer is defined.
func quantize1(x, scale, lo, hi float32) int32 {
	x /= scale
	if !(x > lo) {
		x = lo
	}
	if !(x < hi) {
		x = hi
	}
	return int32(math.RoundToEven(float64(x)))
}

func fromHalf1(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, fraction := uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exponent {
	case 0: // zero or a multiple of 2⁻²⁴
		return math.Float32frombits(math.Float32bits(float32(fraction)*0x1p-24) | sign)
	case 0x1f:
		if fraction != 0 {
			fraction |= 0x200
		}
		exponent = 0xff - 112
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

func toHalf1(x float32) uint16 {
	b := math.Float32bits(x)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= 0x477ff000: // rounds to 2¹⁶ or more
		return sign | 0x7c00
	case b < 0x38800000: // below the least normal: adding ½ rounds to a multiple of 2⁻²⁴, in the low bits
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-math.Float32bits(0.5))
	}
	b += 0xfff + b>>13&1
	return sign | uint16(b>>13-112<<10)
}

func toBrain1(x float32) uint16 {
	b := math.Float32bits(x)
	if x != x {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
