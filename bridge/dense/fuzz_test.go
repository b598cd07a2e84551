package dense

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"unsafe"

	gt "gorgonia.org/tensor"

	"ingot/tensor"
)

// script hands out the bytes of a fuzzed input, and zeros when there are no more.
type script struct{ b []byte }

func (s *script) next(n int) int {
	if len(s.b) == 0 || n <= 0 {
		return 0
	}
	v := int(s.b[0])
	s.b = s.b[1:]
	return v % n
}

// number is mostly small, sometimes negative or huge.
func (s *script) number() int {
	switch v := s.next(64); {
	case v < 56:
		return v % 7
	case v < 60:
		return -v
	case v < 62:
		return math.MaxInt - s.next(4)
	default:
		return 1 << s.next(62)
	}
}

func (s *script) numbers() []int {
	out := make([]int, s.next(6))
	for i := range out {
		out[i] = s.number()
	}
	return out
}

// small is what gorgonia/tensor may be asked to make: it believes any shape and allocates it.
func (s *script) small() []int {
	out := make([]int, s.next(6))
	for i := range out {
		out[i] = s.next(7)
	}
	return out
}

// backings makes the slice of each type from bytes.
var backings = []func([]byte) any{
	slice[bool], slice[int], slice[int8], slice[int16], slice[int32], slice[int64], slice[uint], slice[uint8], slice[uint16], slice[uint32],
	slice[uint64], slice[float32], slice[float64], slice[complex64], slice[complex128], slice[uintptr], slice[tensor.F16], slice[tensor.I4],
	slice[tensor.F4E2M1], slice[tensor.U2], slice[celsius], slice[[3]byte],
	func(b []byte) any {
		// Constants: the package copies strings to where the collector doesn't look, see the package comment.
		out := make([]string, len(b)/2)
		for i := range out {
			out[i] = "strings of differing length"[:b[i]%28]
		}
		return out
	},
}

func slice[T any](b []byte) any {
	out := make([]T, len(b)/int(unsafe.Sizeof(*new(T))))
	if len(out) > 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&out[0])), len(b)), b[:len(out)*int(unsafe.Sizeof(out[0]))])
	}
	return out
}

// build makes a Dense as the script says. The package panics on much of it; what has come to be by then is given to the bridge all the same.
func build(s *script) (d *gt.Dense) {
	defer func() { _ = recover() }()
	kind := s.next(len(backings))
	text := kind == len(backings)-1
	backing := backings[kind](bytes.Repeat([]byte{1, 0, 5, 255, 16, 2, 127}, s.next(40)))
	d = gt.New(gt.WithBacking(backing))
	switch s.next(6) {
	case 0:
		d = gt.New(gt.WithBacking(backing), gt.WithShape(s.small()...))
	case 1:
		d = gt.New(gt.WithShape(s.small()...), gt.AsFortran(backing))
	case 2:
		d = gt.New(gt.FromScalar(1.5))
	case 3:
		d = new(gt.Dense)
		if s.next(2) == 0 {
			return nil
		}
	}
	for range s.next(6) {
		step(d, s, text)
	}
	switch s.next(4) {
	case 0:
		d.Init(s.numbers(), s.numbers())
	case 1:
		d.SetShape(s.numbers()...)
	}
	return d
}

func step(d *gt.Dense, s *script, text bool) {
	defer func() { _ = recover() }()
	switch s.next(8) {
	case 0:
		_ = d.Reshape(s.small()...)
	case 1:
		_ = d.T(s.small()...)
	case 2:
		_ = d.T()
	case 3:
		_ = d.Transpose()
	case 4:
		ranges := make([]gt.Slice, s.next(4))
		for i := range ranges {
			if s.next(3) > 0 {
				ranges[i] = slicer{s.next(7), s.next(7), s.next(3)}
			}
		}
		if v, err := d.Slice(ranges...); err == nil {
			*d = *v.(*gt.Dense)
		}
	case 5:
		mask := make([]bool, s.next(50))
		for i := range mask {
			mask[i] = s.next(2) == 1
		}
		d.SetMask(mask)
	case 6:
		lo := s.next(20)
		if !text { // a string may not begin within another
			d.Raw = d.Raw[min(lo, len(d.Raw)):]
		}
	case 7:
		d.Raw = d.Raw[:max(0, len(d.Raw)-s.next(20))]
	}
}

// FuzzTensor: whatever a Dense is, there is a good tensor with the elements that its strides lead to, or an error.
func FuzzTensor(f *testing.F) {
	f.Add([]byte{11, 6, 0, 3, 2, 3, 1, 0, 1, 2})
	f.Add([]byte{0, 12, 1, 2, 3, 2, 2, 4, 2, 1, 1, 3, 1})
	f.Add([]byte{22, 12, 0, 2, 2, 3, 3, 2, 6, 8, 1})
	f.Add([]byte{3, 30, 4, 0, 2, 5, 2, 4, 4, 2, 1, 9})
	f.Add([]byte{12, 20, 4, 1, 8, 3, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := build(&script{b})
		x, err := Tensor(d)
		v, verr := View(d)
		switch {
		case err == nil && x.Err() != nil:
			t.Fatalf("a bad tensor: %v", x.Err())
		case err != nil && (verr == nil || errors.Is(verr, ErrCopy)):
			t.Fatalf("Tensor: %v; View: %v, %v", err, v, verr)
		case err != nil:
			return
		case verr != nil && !errors.Is(verr, ErrCopy):
			t.Fatalf("View alone fails: %v", verr)
		case verr == nil && !v.Equal(x):
			t.Fatalf("View is %v, Tensor %v", v, x)
		}
		same(t, d, x)
		back, err := Of(x)
		if err != nil {
			t.Fatal(err)
		}
		if y, err := Tensor(back); err != nil || !y.Equal(x) {
			t.Fatalf("%v came back as %v, %v", x, y, err)
		}
	})
}

// same compares x, element by element, with the memory of d, by the definition of strides.
func same(t *testing.T, d *gt.Dense, x *tensor.Tensor) {
	t.Helper()
	shape, strides := d.Shape(), d.Strides()
	size := int(d.Dtype().Size())
	for i := range x.Len() {
		at, rest := 0, i
		for k := len(shape) - 1; k >= 0; k-- {
			if k < len(strides) && len(strides) == len(shape) {
				at += rest % shape[k] * strides[k]
			}
			rest /= shape[k]
		}
		if len(strides) != len(shape) {
			at = i
		}
		want := d.Raw[at*size:][:size]
		if x.DType() == tensor.String {
			if got := tensor.View[string](x)[i]; got != *(*string)(unsafe.Pointer(&want[0])) {
				t.Fatalf("%v: element %d is %q", x, i, got)
			}
			continue
		}
		want = bytes.Clone(want)
		normalise(x.DType(), want)
		if size != x.DType().Size() {
			want = widen(x.DType(), want)
		}
		size := x.DType().Size()
		if got := x.Bytes()[i*size:][:size]; !bytes.Equal(got, want) {
			t.Fatalf("%v: element %d is %x, want %x", x, i, got, want)
		}
	}
}
