package num

import (
	"math"

	"ingot/tensor"
)

// builtin are the element types that Go has, as they lie in a tensor.
type builtin interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// Int64 truncates toward zero and clamps to the range of int64; NaN becomes 0.
func Int64(v float64) int64 {
	switch {
	case v >= 1<<63:
		return math.MaxInt64
	case v > -1<<63:
		return int64(v)
	case v != v:
		return 0
	}
	return math.MinInt64
}

// Int32 truncates toward zero and clamps to the range of int32; NaN becomes 0.
func Int32(v float64) int32 {
	return int32(min(max(Int64(v), math.MinInt32), math.MaxInt32))
}

// Uint64 truncates toward zero and clamps at the largest uint64. A negative number becomes the two's complement of its int64, NaN 0.
func Uint64(v float64) uint64 {
	switch {
	case v >= 1<<64:
		return math.MaxUint64
	case v >= 1<<63:
		return uint64(v)
	}
	return uint64(Int64(v))
}

// narrow rounds v to float32 so that rounding the result again, to fewer bits, is as if v had been rounded once: an inexact result
// gets an odd last bit ("round to odd").
func narrow(v float64) float32 {
	f := float32(v)
	if float64(f) == v || v != v || math.IsInf(float64(f), 0) {
		return f
	}
	b := math.Float32bits(f)
	if b&1 == 1 {
		return f
	}
	if math.Abs(float64(f)) > math.Abs(v) {
		return math.Float32frombits(b - 1)
	}
	return math.Float32frombits(b + 1)
}

func widen[D, S builtin](dst []D, src []S) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = D(v)
	}
}

// truncate is the conversion of floats to the integer hubs.
func truncate[S float32 | float64](dst []int64, src []S) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = Int64(float64(v))
	}
}

func truncateUnsigned[S float32 | float64](dst []uint64, src []S) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = Uint64(float64(v))
	}
}

func table[D float32 | float64](dst []D, src []uint8, t *[256]float32) {
	src = src[:len(dst)]
	for i, b := range src {
		dst[i] = D(t[b])
	}
}

// tables hold the values of the 8-bit and 4-bit floats by their bits.
var tables = func() (ts [tensor.NumDTypes]*[256]float32) {
	of := func(dt tensor.DType, f func(b uint8) float32) {
		t := new([256]float32)
		for i := range t {
			t[i] = f(uint8(i))
		}
		ts[dt] = t
	}
	of(tensor.Float8E4M3FN, func(b uint8) float32 { return tensor.F8E4M3FN(b).Float32() })
	of(tensor.Float8E4M3FNUZ, func(b uint8) float32 { return tensor.F8E4M3FNUZ(b).Float32() })
	of(tensor.Float8E5M2, func(b uint8) float32 { return tensor.F8E5M2(b).Float32() })
	of(tensor.Float8E5M2FNUZ, func(b uint8) float32 { return tensor.F8E5M2FNUZ(b).Float32() })
	of(tensor.Float8E8M0, func(b uint8) float32 { return tensor.F8E8M0(b).Float32() })
	of(tensor.Float4E2M1, func(b uint8) float32 { return tensor.F4E2M1(b).Float32() })
	return ts
}()
