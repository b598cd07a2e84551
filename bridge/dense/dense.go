package dense

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"unsafe"

	gt "gorgonia.org/tensor"

	"ingot/internal/kernel/move"
	"ingot/tensor"
)

// Tensor returns d as a tensor. It shares d's memory where that holds the elements in C order, and else copies them into this order: those
// of a slice with gaps, of a transpose that hasn't been carried out (T without Transpose), of a column-major Dense. [View] doesn't copy, and
// tells why it would have to.
//
// The shape is d's: a scalar has rank 0, a dimension of 0 makes an empty tensor. A Dense of int becomes int64 and one of uint uint64,
// shared where int has 64 bits. It is an error, never a panic, if
// d is nil or has no memory, if its memory can't be reached from Go, if its shape and strides lead out of its memory, if elements are masked
// (a tensor has no mask: fill them, then d.SetMask(nil)), or if ONNX has no such element type ([DType]).
func Tensor(d *gt.Dense) (*tensor.Tensor, error) {
	return convert(d, true)
}

// View is [Tensor] that never copies. For a Dense which needs it the error wraps [ErrCopy] and says why.
func View(d *gt.Dense) (*tensor.Tensor, error) {
	return convert(d, false)
}

func convert(d *gt.Dense, mayCopy bool) (t *tensor.Tensor, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("dense: gorgonia/tensor panicked: %v", p)
		}
	}()
	if d == nil {
		return nil, errors.New("dense: the Dense is nil")
	}
	dt, err := DType(d.Dtype())
	if err != nil {
		return nil, err
	}
	if !d.IsNativelyAccessible() {
		return nil, errors.New("dense: the memory of the Dense can't be reached from Go: copy it to the host first")
	}
	raw := d.Raw
	size := int(d.Dtype().Size())
	l, err := layoutOf(&d.AP, len(raw)/size)
	if err != nil {
		return nil, err
	}
	if len(raw) > 0 && unsafe.SliceData(raw) == nil {
		return nil, errors.New("dense: the memory of the Dense is at address 0")
	}
	if err := checkMask(d, &l); err != nil {
		return nil, err
	}
	if l.n == 0 {
		return tensor.New(dt, l.shape...)
	}
	defer runtime.KeepAlive(d) // memory that isn't Go's may go with it
	return share(d, dt, l, raw, size, mayCopy)
}

// share makes the tensor of the elements that l finds in raw, size bytes each.
func share(d *gt.Dense, dt tensor.DType, l layout, raw []byte, size int, mayCopy bool) (*tensor.Tensor, error) {
	aligned := uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%uintptr(d.Dtype().Align()) == 0
	if dt != tensor.String {
		aligned = aligned && uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%uintptr(tensor.Align(dt)) == 0
	}
	why := ""
	switch {
	case !l.rows:
		why = fmt.Sprintf("strides %v of %s aren't those of C order: it is a transpose, a slice or column-major", d.Strides(), tensor.ShapeString(l.shape))
	case !aligned:
		why = "the memory isn't aligned to the element's size"
	case dt != tensor.String && size != dt.Size():
		why = "int has " + strconv.Itoa(8*size) + " bits on this machine, the tensor's elements 64"
	case loose(dt) && !canonical(dt, raw[:l.n]):
		why = "bytes of " + dt.String() + " have bits set that the type doesn't have"
	}
	if why != "" && !mayCopy {
		return nil, needsCopy(why)
	}
	if dt == tensor.String {
		if !aligned {
			return nil, errors.New("dense: strings at an address where strings can't be")
		}
		strs := unsafe.Slice((*string)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/size)
		if why != "" {
			strs = l.gather(0, move.Buf{Strings: strs}).Strings
		}
		return tensor.FromSlice(strs[:l.n:l.n], l.shape...)
	}
	if why == "" {
		return tensor.FromBytes(dt, l.shape, raw[:l.n*size:l.n*size], ownerOf(d))
	}
	if !aligned {
		raw = append(tensor.AlignedBytes(len(raw))[:0], raw...)
	}
	b := l.gather(size, move.Buf{Bytes: raw, Width: size}).Bytes
	if size != dt.Size() {
		b = widen(dt, b)
	}
	normalise(dt, b)
	return tensor.FromBytes(dt, l.shape, b, nil)
}

// widen turns the 32-bit int or uint of small machines into 64 bits.
func widen(dt tensor.DType, b []byte) []byte {
	out := tensor.AlignedBytes(2 * len(b))
	wide := unsafe.Slice((*int64)(unsafe.Pointer(unsafe.SliceData(out))), len(b)/4)
	for i, v := range unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4) {
		wide[i] = int64(v)
		if dt == tensor.Uint64 {
			wide[i] = int64(uint32(v))
		}
	}
	return out
}

// checkMask fails if an element of d is masked: the masked value would count as any other.
func checkMask(d *gt.Dense, l *layout) error {
	mask := d.Mask()
	if !d.IsMasked() || l.n == 0 || !slices.Contains(mask, true) {
		return nil
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(mask))), len(mask))
	if !slices.Contains(l.gather(1, move.Buf{Bytes: b, Width: 1}).Bytes, 1) {
		return nil // the masked ones are in the gaps of a slice
	}
	return errors.New("dense: the Dense has masked elements, which a tensor can't have: write values in their places, then SetMask(nil)")
}

// loose reports whether a byte can hold what isn't a value of dt.
func loose(dt tensor.DType) bool { return dt == tensor.Bool || dt != tensor.String && dt.Bits() < 8 }

// canonical reports whether the bytes are what package tensor wants of its elements: 0 or 1 for a bool, and nothing above 4 and 2 bits.
func canonical(dt tensor.DType, b []byte) bool {
	for _, v := range b {
		if v != canon(dt, v) {
			return false
		}
	}
	return true
}

func normalise(dt tensor.DType, b []byte) {
	if !loose(dt) {
		return
	}
	for i, v := range b {
		b[i] = canon(dt, v)
	}
}

func canon(dt tensor.DType, v byte) byte {
	shift := 8 - dt.Bits()
	switch {
	case dt == tensor.Bool:
		return min(v, 1)
	case dt.IsSigned() && !dt.IsFloat():
		return byte(int8(v<<shift) >> shift)
	}
	return v << shift >> shift
}
