// Package move holds the loops that move elements without looking at them.
//
// Elements are told apart by their width only: a [Buf] is bytes of 1, 2, 4, 8 or 16 an element, or strings. A geometry is made once for a
// shape: [Copy] for what strides can say (transposes, slices, concatenation, expansion), [Pick] for what takes a table an axis (padding,
// resizing to the nearest), [Gather] and its like for indices. Each cuts its work into tiles, a pure function of the shapes; the caller runs
// the tiles, on as many threads as it likes.
package move

import (
	"unsafe"

	"ingot/internal/kernel/elem"
)

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
	d, w := dst.raw()
	one, _ := v.raw()
	switch {
	case one.Len() > 0:
		fill(w, d.Slice(w, lo, hi), one)
	case w == elem.Text:
		clear(dst.Strings[lo:hi])
	default:
		clear(dst.Bytes[lo*dst.Width : hi*dst.Width])
	}
}

// raw forgets the type of b's elements.
func (b *Buf) raw() (elem.Raw, elem.Width) {
	if b.Width == 0 {
		return elem.RawOf(b.Strings), elem.Text
	}
	return elem.RawBytes(b.Bytes, elem.Width(b.Width)), elem.Width(b.Width)
}

var (
	zero  Bits128
	empty [1]string
)

// oneOf returns v, or a zero element when it is empty.
func oneOf(w elem.Width, v elem.Raw) elem.Raw {
	switch {
	case v.Len() > 0:
		return v
	case w == elem.Text:
		return elem.RawOf(empty[:])
	}
	return elem.RawBytes(unsafe.Slice((*byte)(unsafe.Pointer(&zero)), 16), w)
}

// fill sets all of dst to v's first element.
func fill(w elem.Width, dst, v elem.Raw) {
	switch w {
	case 1:
		Fill(elem.View[uint8](dst), elem.View[uint8](v)[0])
	case 2:
		Fill(elem.View[uint16](dst), elem.View[uint16](v)[0])
	case 4:
		Fill(elem.View[uint32](dst), elem.View[uint32](v)[0])
	case 8:
		Fill(elem.View[uint64](dst), elem.View[uint64](v)[0])
	case 16:
		Fill(elem.View[Bits128](dst), elem.View[Bits128](v)[0])
	case elem.Text:
		Fill(elem.View[string](dst), elem.View[string](v)[0])
	}
}
