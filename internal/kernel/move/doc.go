// Package move holds the loops that move elements without looking at them.
//
// Elements are told apart by their width only: a [Buf] is bytes of 1, 2, 4, 8 or 16 an element, or strings. A geometry is made once for a
// shape: [Copy] for what strides can say (transposes, slices, concatenation, expansion), [Pick] for what takes a table an axis (padding,
// resizing to the nearest), [Gather] and its like for indices. Each cuts its work into tiles, a pure function of the shapes; the caller runs
// the tiles, on as many threads as it likes.
package move

import "unsafe"

// Buf is the elements of a tensor.
type Buf struct {
	Bytes   []byte   // in memory form, aligned for the width (at most 8)
	Strings []string // instead of Bytes
	Width   int      // bytes an element; 0 for strings
}

// Bits128 stands for an element of 16 bytes.
type Bits128 = [2]uint64

// view returns the elements of b, whose width is that of T.
func view[T any](b *Buf) []T {
	var z T
	size := int(unsafe.Sizeof(z))
	if len(b.Bytes) < size {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b.Bytes))), len(b.Bytes)/size)
}

// Len returns the number of elements.
func (b *Buf) Len() int {
	if b.Width == 0 {
		return len(b.Strings)
	}
	return len(b.Bytes) / b.Width
}

// Fill sets all of dst to v.
func Fill[T any](dst []T, v T) {
	if len(dst) <= 64 {
		for i := range dst {
			dst[i] = v
		}
		return
	}
	for i := range dst[:32] {
		dst[i] = v
	}
	for n := 32; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:min(n, 4096)]) // from the first cache
		if n >= 4096 {
			for n += 4096; n < len(dst); n += 4096 {
				copy(dst[n:], dst[:4096])
			}
			return
		}
	}
}

// FillBuf sets elements lo to hi-1 of dst to the one element of v; to zero when v is empty.
func FillBuf(dst, v Buf, lo, hi int) {
	switch dst.Width {
	case 0:
		fillBuf(dst.Strings[lo:hi], v.Strings)
	case 1:
		fillBuf(view[uint8](&dst)[lo:hi], view[uint8](&v))
	case 2:
		fillBuf(view[uint16](&dst)[lo:hi], view[uint16](&v))
	case 4:
		fillBuf(view[uint32](&dst)[lo:hi], view[uint32](&v))
	case 8:
		fillBuf(view[uint64](&dst)[lo:hi], view[uint64](&v))
	case 16:
		fillBuf(view[Bits128](&dst)[lo:hi], view[Bits128](&v))
	}
}

func fillBuf[T any](dst, v []T) {
	if len(v) == 0 {
		clear(dst)
		return
	}
	Fill(dst, v[0])
}
