package npy

import (
	"unsafe"

	"ingot/tensor"
)

// toRowMajor returns the elements of buf, which lie in Fortran order, in C order. buf comes from tensor.AlignedBytes.
func toRowMajor(buf []byte, size int, shape []int) []byte {
	if len(buf) == 0 || isVector(shape) {
		return buf
	}
	out := tensor.AlignedBytes(len(buf))
	switch size {
	case 1:
		transpose(out, buf, shape)
	case 2:
		transpose(as[uint16](out), as[uint16](buf), shape)
	case 4:
		transpose(as[uint32](out), as[uint32](buf), shape)
	case 8:
		transpose(as[uint64](out), as[uint64](buf), shape)
	case 16:
		transpose(as[[2]uint64](out), as[[2]uint64](buf), shape)
	}
	return out
}

func as[T any](b []byte) []T {
	var z T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(z)))
}

// isVector reports whether at most one dimension differs from 1: both orders are the same then.
func isVector(shape []int) bool {
	n := 0
	for _, d := range shape {
		if d != 1 {
			n++
		}
	}
	return n <= 1
}

// transpose copies src, the first index of which varies fastest, to dst, where the last does. It goes through squares of the first
// and the last dimension, so that either side touches few cache lines at a time.
func transpose[T any](dst, src []T, shape []int) {
	const tile = 16
	last := len(shape) - 1
	rows, cols := shape[0], shape[last]
	rowStride, colStride := len(src)/rows, len(src)/cols // of rows in dst, of columns in src
	idx := make([]int, len(shape))                       // over the dimensions between
	for {
		s, d := 0, 0
		for k, stride := 1, rows; k < last; k++ {
			s += idx[k] * stride
			stride *= shape[k]
		}
		for k, stride := last-1, cols; k > 0; k-- {
			d += idx[k] * stride
			stride *= shape[k]
		}
		for i0 := 0; i0 < rows; i0 += tile {
			i1 := min(i0+tile, rows)
			for j0 := 0; j0 < cols; j0 += tile {
				j1 := min(j0+tile, cols)
				for i := i0; i < i1; i++ {
					out := dst[d+i*rowStride:]
					for j := j0; j < j1; j++ {
						out[j] = src[s+i+j*colStride]
					}
				}
			}
		}
		k := last - 1
		for ; k > 0; k-- {
			if idx[k]++; idx[k] < shape[k] {
				break
			}
			idx[k] = 0
		}
		if k <= 0 {
			return
		}
	}
}
