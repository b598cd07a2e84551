package elem

import (
	"math/bits"
	"unsafe"
)

// Raw is a slice that has forgotten its elements' type. What depends on geometry only works on Raws, so that it is compiled once instead of
// once for each type; how long an element is, its [Width] says. A Raw keeps its elements reachable as the slice does.
type Raw struct {
	p      unsafe.Pointer
	n, cap int // the very words of a slice: see [RawOf]
}

// RawOf makes a Raw of a slice.
func RawOf[T any](s []T) Raw { return *(*Raw)(unsafe.Pointer(&s)) }

// RawBytes makes a Raw of the bytes of elements, whose address suits them. w isn't [Text].
func RawBytes(b []byte, w Width) Raw {
	n := len(b) / int(w)
	return Raw{unsafe.Pointer(unsafe.SliceData(b)), n, n}
}

// View is the slice that r was, or one of another type of the same width. Strings are strings only.
func View[T any](r Raw) []T { return *(*[]T)(unsafe.Pointer(&r)) }

// Len returns the number of elements.
func (d Raw) Len() int { return d.n }

// Slice returns elements lo … hi. (It is written to be inlined.)
func (d Raw) Slice(w Width, lo, hi int) Raw {
	if uint(hi) > uint(d.n) || uint(lo) > uint(hi) {
		d.refuse(lo, hi)
	}
	// The mask is 0 where nothing is left: a pointer past the end would be one to a neighbour.
	return Raw{unsafe.Add(d.p, lo*int(w&0xff)&((lo-hi)>>(bits.UintSize-1))), hi - lo, hi - lo}
}

// refuse panics as slicing does.
func (d Raw) refuse(lo, hi int) { _ = make([]struct{}, d.n)[lo:hi] }

// Width is the number of bytes of an element, or [Text].
type Width int

// Text is the width of strings, which the garbage collector must know apart from others of as many bytes.
const Text = 0x100 | Width(unsafe.Sizeof(""))

// WidthOf returns the width of a T, which holds no pointers unless it is a string.
func WidthOf[T any]() Width {
	var z T
	if _, ok := any(z).(string); ok {
		return Text
	}
	return Width(unsafe.Sizeof(z))
}

// Bytes returns the bytes that an element takes.
func (w Width) Bytes() int {
	return int(w & 0xff)
}

// Loop1 is a func(d []R, s []T) of any two types. That a slice is passed alike whatever its elements are makes it one type of function.
type Loop1 func(d, s Raw)

// Loop1Of makes a Loop1 of a loop; of nil, nil.
func Loop1Of[R, T any](f func(d []R, s []T)) Loop1 { return *(*Loop1)(unsafe.Pointer(&f)) }

// Loop2 is a func(d []R, a, b []T) of any two types.
type Loop2 func(d, a, b Raw)

// Loop2Of makes a Loop2 of a loop; of nil, nil.
func Loop2Of[R, T any](f func(d []R, a, b []T)) Loop2 { return *(*Loop2)(unsafe.Pointer(&f)) }

// Fill sets all of d to s[0].
func (d Raw) Fill(w Width, s Raw) {
	switch w {
	case 1:
		Fill(View[uint8](d), View[uint8](s)[0])
	case 2:
		Fill(View[uint16](d), View[uint16](s)[0])
	case 4:
		Fill(View[uint32](d), View[uint32](s)[0])
	case 8:
		Fill(View[uint64](d), View[uint64](s)[0])
	case 16:
		Fill(View[[2]uint64](d), View[[2]uint64](s)[0])
	case Text:
		Fill(View[string](d), View[string](s)[0])
	}
}

// Copy is copy.
func (d Raw) Copy(w Width, s Raw) {
	if w == Text {
		copy(View[string](d), View[string](s))
		return
	}
	n := min(d.n, s.n) * int(w)
	copy(unsafe.Slice((*byte)(d.p), n), unsafe.Slice((*byte)(s.p), n))
}
