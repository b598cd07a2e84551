// Package quant holds the loops that turn numbers into integers of few bits: rounding to a range, and rescaling the sums of integer products.
//
// All of them round to the nearest integer, ties to even, before the zero point is added, and saturate; a NaN becomes the least number of the
// range. What is plain scaling is in package vec.
package quant

import "math"

// Small is an integer type that is quantised to. Types of 4 and 2 bits stand in a byte.
type Small interface {
	int8 | uint8 | int16 | uint16
}

// Range is the range of a quantised type.
type Range struct{ Lo, Hi int32 }

// magic, added to a number of at most 22 bits, leaves no room for its fraction: the addition rounds to even.
const (
	magic     = 3 << 22
	magicBits = 0x4b400000
)

// round clips first, so that what is rounded is small and the range of an int32 is never an issue.
func round(v, lo, hi float32) int32 {
	if !(v > lo) {
		v = lo
	}
	if !(v < hi) {
		v = hi
	}
	return int32(math.Float32bits(v+magic)) - magicBits
}

// Round is
//
//	for i, v := range src { dst[i] = saturate(roundToEven(v) + zero) }
//
// for zero within the range.
func Round[D Small](dst []D, src []float32, zero int32, r Range) {
	lo, hi := float32(r.Lo-zero), float32(r.Hi-zero)
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = D(round(v, lo, hi) + zero)
	}
}

// RoundEach is Round with a zero point for each element.
func RoundEach[D Small](dst []D, src []float32, zero []int32, r Range) {
	dst, zero = dst[:len(src)], zero[:len(src)]
	for i, v := range src {
		z := zero[i]
		dst[i] = D(round(v, float32(r.Lo-z), float32(r.Hi-z)) + z)
	}
}

// Round64 is RoundEach for float64; there may be one zero point for all.
func Round64[D Small](dst []D, src []float64, zero []int32, r Range) {
	dst = dst[:len(src)]
	z := zero[0]
	for i, v := range src {
		if len(zero) > 1 {
			z = zero[i]
		}
		v = math.RoundToEven(v)
		lo, hi := float64(r.Lo-z), float64(r.Hi-z)
		if !(v > lo) {
			v = lo
		}
		if !(v < hi) {
			v = hi
		}
		dst[i] = D(int32(v) + z)
	}
}

// Rescale is
//
//	for i, v := range src { dst[i] = saturate(roundToEven(float32(v)·scale) + zero) }
//
// over the whole range of an 8-bit type.
func Rescale[D int8 | uint8](dst []D, src []int32, scale float32, zero int32) {
	r := rangeOf[D]()
	lo, hi := float32(r.Lo-zero), float32(r.Hi-zero)
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = D(round(float32(float32(v)*scale), lo, hi) + zero)
	}
}

// RescaleEach is Rescale with a scale for each element.
func RescaleEach[D int8 | uint8](dst []D, src []int32, scale []float32, zero int32) {
	r := rangeOf[D]()
	lo, hi := float32(r.Lo-zero), float32(r.Hi-zero)
	dst, scale = dst[:len(src)], scale[:len(src)]
	for i, v := range src {
		dst[i] = D(round(float32(float32(v)*scale[i]), lo, hi) + zero)
	}
}

// Scale is
//
//	for i, v := range src { dst[i] = float32(v) · scale[i] }
//
// where a single scale counts for all.
func Scale(dst []float32, src []int32, scale []float32) {
	dst = dst[:len(src)]
	s := scale[0]
	for i, v := range src {
		if len(scale) > 1 {
			s = scale[i]
		}
		dst[i] = float32(v) * s
	}
}

func rangeOf[D int8 | uint8]() Range {
	var z D
	z--
	if z > 0 {
		return Range{0, math.MaxUint8}
	}
	return Range{math.MinInt8, math.MaxInt8}
}
