package num

import (
	"math"

	"ingot/internal/kernel/vec"
	"ingot/tensor"
)

// Rules say how the 8-bit floats are rounded. The zero value is the standard's default.
type Rules struct {
	NoSaturate bool            // too large magnitudes become Inf or NaN instead of the largest number
	Round      tensor.Rounding // of float8e8m0
}

// Store32 converts src to t's type and puts it at off. It reports false, and does nothing, for a type outside of [Numeric].
func Store32(t *tensor.Tensor, off int, src []float32) bool { return Rules{}.Store32(t, off, src) }

// Store64 is [Store32] for float64.
func Store64(t *tensor.Tensor, off int, src []float64) bool { return Rules{}.Store64(t, off, src) }

// Store32 is [Store32] by rules.
func (r Rules) Store32(t *tensor.Tensor, off int, src []float32) bool {
	n := len(src)
	if n == 0 {
		return Numeric.Has(t.DType())
	}
	switch t.DType() {
	case tensor.Float32:
		copy(part[float32](t, off, n), src)
	case tensor.Float64:
		widen(part[float64](t, off, n), src)
	case tensor.Float16:
		vec.ToHalf(part[uint16](t, off, n), src)
	case tensor.BFloat16:
		vec.ToBrain(part[uint16](t, off, n), src)
	case tensor.Bool:
		notZero(part[uint8](t, off, n), src)
	default:
		if Narrow.Has(t.DType()) {
			r.toSmall(t.DType(), part[uint8](t, off, n), src)
			return true
		}
		return storeFloats(t, off, src)
	}
	return true
}

// Store64 is [Store64] by rules.
func (r Rules) Store64(t *tensor.Tensor, off int, src []float64) bool {
	n := len(src)
	if n == 0 {
		return Numeric.Has(t.DType())
	}
	switch t.DType() {
	case tensor.Float32:
		widen(part[float32](t, off, n), src)
	case tensor.Float64:
		copy(part[float64](t, off, n), src)
	case tensor.Bool:
		notZero(part[uint8](t, off, n), src)
	default:
		if !Narrow.Has(t.DType()) {
			return storeFloats(t, off, src)
		}
		var buf [128]float32
		for len(src) > 0 {
			k := min(len(src), len(buf))
			for i, v := range src[:k] {
				buf[i] = narrow(v)
			}
			r.Store32(t, off, buf[:k])
			src, off = src[k:], off+k
		}
	}
	return true
}

// StoreInt is [Store32] for int64.
func StoreInt(t *tensor.Tensor, off int, src []int64) bool { return storeInts(Rules{}, t, off, src) }

// StoreUint is [Store32] for uint64.
func StoreUint(t *tensor.Tensor, off int, src []uint64) bool { return storeInts(Rules{}, t, off, src) }

// StoreInt is [StoreInt] by rules.
func (r Rules) StoreInt(t *tensor.Tensor, off int, src []int64) bool {
	return storeInts(r, t, off, src)
}

// StoreUint is [StoreUint] by rules.
func (r Rules) StoreUint(t *tensor.Tensor, off int, src []uint64) bool {
	return storeInts(r, t, off, src)
}

func storeInts[S int64 | uint64](r Rules, t *tensor.Tensor, off int, src []S) bool {
	n := len(src)
	if n == 0 {
		return Numeric.Has(t.DType())
	}
	switch t.DType() {
	case tensor.Int8:
		widen(part[int8](t, off, n), src)
	case tensor.Uint8:
		widen(part[uint8](t, off, n), src)
	case tensor.Int16:
		widen(part[int16](t, off, n), src)
	case tensor.Uint16:
		widen(part[uint16](t, off, n), src)
	case tensor.Int32:
		widen(part[int32](t, off, n), src)
	case tensor.Uint32:
		widen(part[uint32](t, off, n), src)
	case tensor.Int64:
		widen(part[int64](t, off, n), src)
	case tensor.Uint64:
		widen(part[uint64](t, off, n), src)
	case tensor.Float32:
		widen(part[float32](t, off, n), src)
	case tensor.Float64:
		widen(part[float64](t, off, n), src)
	case tensor.Bool:
		notZero(part[uint8](t, off, n), src)
	case tensor.Int4, tensor.Uint4, tensor.Int2, tensor.Uint2:
		d := part[uint8](t, off, n)
		widen(d, src)
		wrapSmall(t.DType(), d)
	default:
		if !Narrow.Has(t.DType()) {
			return false
		}
		var buf [128]float32
		for len(src) > 0 {
			k := min(len(src), len(buf))
			widen(buf[:k], src)
			r.Store32(t, off, buf[:k])
			src, off = src[k:], off+k
		}
	}
	return true
}

func storeFloats[S float32 | float64](t *tensor.Tensor, off int, src []S) bool {
	n := len(src)
	switch t.DType() {
	case tensor.Int8:
		floatBits(part[int8](t, off, n), src)
	case tensor.Uint8:
		floatBits(part[uint8](t, off, n), src)
	case tensor.Int16:
		floatBits(part[int16](t, off, n), src)
	case tensor.Uint16:
		floatBits(part[uint16](t, off, n), src)
	case tensor.Uint32:
		floatBits(part[uint32](t, off, n), src)
	case tensor.Int64:
		floatBits(part[int64](t, off, n), src)
	case tensor.Int32:
		d := part[int32](t, off, n)
		for i, v := range src {
			d[i] = Int32(float64(v))
		}
	case tensor.Uint64:
		truncateUnsigned(part[uint64](t, off, n), src)
	default:
		if !isSmallInt(t.DType()) {
			return false
		}
		d := part[uint8](t, off, n)
		for i, v := range src {
			d[i] = uint8(Int64(float64(v)))
		}
		wrapSmall(t.DType(), d)
	}
	return true
}

// floatBits keeps the low bits of the truncated int64.
func floatBits[D integer, S float32 | float64](dst []D, src []S) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = D(Int64(float64(v)))
	}
}

func isSmallInt(dt tensor.DType) bool {
	return dt == tensor.Int4 || dt == tensor.Uint4 || dt == tensor.Int2 || dt == tensor.Uint2
}

// wrapSmall reduces bytes to the range of a 4- or 2-bit type.
func wrapSmall(dt tensor.DType, d []uint8) {
	switch dt {
	case tensor.Uint4:
		for i := range d {
			d[i] &= 15
		}
	case tensor.Uint2:
		for i := range d {
			d[i] &= 3
		}
	case tensor.Int4:
		for i, v := range d {
			d[i] = uint8(int8(v<<4) >> 4)
		}
	case tensor.Int2:
		for i, v := range d {
			d[i] = uint8(int8(v<<6) >> 6)
		}
	}
}

func notZero[S float32 | float64 | int64 | uint64](dst []uint8, src []S) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = 0
		if v != 0 {
			dst[i] = 1
		}
	}
}

// toSmall rounds to the kinds that take a byte.
func (r Rules) toSmall(dt tensor.DType, dst []uint8, src []float32) {
	dst = dst[:len(src)]
	sat := !r.NoSaturate
	switch dt {
	case tensor.Float8E4M3FN:
		for i, v := range src {
			dst[i] = uint8(tensor.ToF8E4M3FN(v, sat))
		}
	case tensor.Float8E4M3FNUZ:
		for i, v := range src {
			dst[i] = uint8(tensor.ToF8E4M3FNUZ(v, sat))
		}
	case tensor.Float8E5M2:
		for i, v := range src {
			dst[i] = uint8(tensor.ToF8E5M2(v, sat))
		}
	case tensor.Float8E5M2FNUZ:
		for i, v := range src {
			dst[i] = uint8(tensor.ToF8E5M2FNUZ(v, sat))
		}
	case tensor.Float8E8M0:
		for i, v := range src {
			dst[i] = uint8(tensor.ToF8E8M0(v, sat, r.Round))
			if r.NoSaturate && math.Abs(float64(v)) < 0x1p-127 {
				dst[i] = 0xff // too small has no place either
			}
		}
	case tensor.Float4E2M1:
		for i, v := range src {
			dst[i] = uint8(tensor.ToF4E2M1(v))
			if v != v {
				dst[i] = 8 // no NaN; -0 is what ml_dtypes makes of it
			}
		}
	}
}
