package num

import (
	"ingot/internal/kernel/vec"
	"ingot/tensor"
)

func part[T any](t *tensor.Tensor, off, n int) []T { return tensor.View[T](t)[off:][:n] }

// Load32 sets dst to the elements of t from off on. It reports false, and does nothing, for a type outside of [Numeric].
func Load32(dst []float32, t *tensor.Tensor, off int) bool {
	if len(dst) == 0 {
		return Numeric.Has(t.DType())
	}
	n := len(dst)
	switch dt := t.DType(); dt {
	case tensor.Float32:
		copy(dst, part[float32](t, off, n))
	case tensor.Float64:
		widen(dst, part[float64](t, off, n))
	case tensor.Float16:
		vec.FromHalf(dst, part[uint16](t, off, n))
	case tensor.BFloat16:
		vec.FromBrain(dst, part[uint16](t, off, n))
	default:
		if tab := tables[dt]; tab != nil {
			table(dst, part[uint8](t, off, n), tab)
			return true
		}
		return loadInts(dst, t, off)
	}
	return true
}

// Load64 is [Load32] for float64.
func Load64(dst []float64, t *tensor.Tensor, off int) bool {
	if len(dst) == 0 {
		return Numeric.Has(t.DType())
	}
	n := len(dst)
	switch dt := t.DType(); dt {
	case tensor.Float32:
		widen(dst, part[float32](t, off, n))
	case tensor.Float64:
		copy(dst, part[float64](t, off, n))
	case tensor.Float16, tensor.BFloat16:
		var buf [128]float32
		for n > 0 {
			k := min(n, len(buf))
			Load32(buf[:k], t, off)
			widen(dst[:k], buf[:k])
			dst, off, n = dst[k:], off+k, n-k
		}
	default:
		if tab := tables[dt]; tab != nil {
			table(dst, part[uint8](t, off, n), tab)
			return true
		}
		return loadInts(dst, t, off)
	}
	return true
}

// LoadInt is [Load32] for int64.
func LoadInt(dst []int64, t *tensor.Tensor, off int) bool {
	if len(dst) == 0 {
		return Numeric.Has(t.DType())
	}
	switch t.DType() {
	case tensor.Float32:
		truncate(dst, part[float32](t, off, len(dst)))
	case tensor.Float64:
		truncate(dst, part[float64](t, off, len(dst)))
	default:
		if !Narrow.Has(t.DType()) {
			return loadInts(dst, t, off)
		}
		var buf [128]float32
		for len(dst) > 0 {
			k := min(len(dst), len(buf))
			Load32(buf[:k], t, off)
			truncate(dst[:k], buf[:k])
			dst, off = dst[k:], off+k
		}
	}
	return true
}

// LoadUint is [Load32] for uint64.
func LoadUint(dst []uint64, t *tensor.Tensor, off int) bool {
	if len(dst) == 0 {
		return Numeric.Has(t.DType())
	}
	switch t.DType() {
	case tensor.Float32:
		truncateUnsigned(dst, part[float32](t, off, len(dst)))
	case tensor.Float64:
		truncateUnsigned(dst, part[float64](t, off, len(dst)))
	default:
		if !Narrow.Has(t.DType()) {
			return loadInts(dst, t, off)
		}
		var buf [128]float32
		for len(dst) > 0 {
			k := min(len(dst), len(buf))
			Load32(buf[:k], t, off)
			truncateUnsigned(dst[:k], buf[:k])
			dst, off = dst[k:], off+k
		}
	}
	return true
}

func loadInts[D float32 | float64 | int64 | uint64](dst []D, t *tensor.Tensor, off int) bool {
	n := len(dst)
	switch t.DType() {
	case tensor.Int8, tensor.Int4, tensor.Int2:
		widen(dst, part[int8](t, off, n))
	case tensor.Uint8, tensor.Bool, tensor.Uint4, tensor.Uint2:
		widen(dst, part[uint8](t, off, n))
	case tensor.Int16:
		widen(dst, part[int16](t, off, n))
	case tensor.Uint16:
		widen(dst, part[uint16](t, off, n))
	case tensor.Int32:
		widen(dst, part[int32](t, off, n))
	case tensor.Uint32:
		widen(dst, part[uint32](t, off, n))
	case tensor.Int64:
		widen(dst, part[int64](t, off, n))
	case tensor.Uint64:
		widen(dst, part[uint64](t, off, n))
	default:
		return false
	}
	return true
}
