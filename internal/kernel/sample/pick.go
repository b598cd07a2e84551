package sample

import (
	"unsafe"

	"ingot/internal/kernel/move"
)

// Pick moves elements of any width:
//
//	for i, p := range at { dst[d+i] = src[s+p] }
//
// with zeros, or empty strings, where p is negative.
func Pick(dst, src move.Buf, at []int64, d, s int) {
	switch dst.Width {
	case 0:
		pick(dst.Strings[d:], src.Strings[s:], at)
	case 1:
		pick(view[uint8](dst, d), view[uint8](src, s), at)
	case 2:
		pick(view[uint16](dst, d), view[uint16](src, s), at)
	case 4:
		pick(view[uint32](dst, d), view[uint32](src, s), at)
	case 8:
		pick(view[uint64](dst, d), view[uint64](src, s), at)
	case 16:
		pick(view[move.Bits128](dst, d), view[move.Bits128](src, s), at)
	}
}

func pick[T any](dst, src []T, at []int64) {
	dst = dst[:len(at)]
	for i, p := range at {
		var v T
		if p >= 0 {
			v = src[p]
		}
		dst[i] = v
	}
}

// view returns the elements of a buffer from off on.
func view[T any](b move.Buf, off int) []T {
	var zero T
	n := len(b.Bytes) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b.Bytes))), n)[off:]
}
