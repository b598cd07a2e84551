package num

import "ingot/tensor"

// Convert converts elements off … off+n of src to the type of dst, and puts them at the same place there. Both types must be in
// [Numeric]; it reports false otherwise. It converts by way of whichever computing type holds every value of src.
func (r Rules) Convert(dst, src *tensor.Tensor, off, n int) bool {
	from, to := src.DType(), dst.DType()
	switch {
	case n == 0 || !Numeric.Has(from) || !Numeric.Has(to):
		return Numeric.Has(from) && Numeric.Has(to)
	case from == to:
		size := from.Size()
		copy(dst.Bytes()[off*size:][:n*size], src.Bytes()[off*size:])
		return true
	case to == tensor.Float32:
		return Load32(part[float32](dst, off, n), src, off)
	case from == tensor.Float32:
		return r.Store32(dst, off, part[float32](src, off, n))
	case from == tensor.Float64:
		return r.Store64(dst, off, part[float64](src, off, n))
	case from == tensor.Int64:
		return r.StoreInt(dst, off, part[int64](src, off, n))
	case from == tensor.Uint64:
		return r.StoreUint(dst, off, part[uint64](src, off, n))
	case to == tensor.Float64:
		return Load64(part[float64](dst, off, n), src, off)
	case to == tensor.Int64:
		return LoadInt(part[int64](dst, off, n), src, off)
	case Narrow.Has(from):
		var buf [128]float32
		for n > 0 {
			k := min(n, len(buf))
			Load32(buf[:k], src, off)
			r.Store32(dst, off, buf[:k])
			off, n = off+k, n-k
		}
		return true
	}
	var buf [128]int64
	for n > 0 {
		k := min(n, len(buf))
		LoadInt(buf[:k], src, off)
		r.StoreInt(dst, off, buf[:k])
		off, n = off+k, n-k
	}
	return true
}
