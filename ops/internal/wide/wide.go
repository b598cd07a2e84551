// Package wide gives kernels that compute in one float type the operands of another: a half-precision input is widened into the kernel's scratch
// before it computes, and its results are rounded once behind it.
//
// When a kernel is bound, it asks a [Room] for what it needs, operands, results and buffers alike, and tells [ops.Bind] with [Room.Claim]; when it
// runs, each of them gives its elements:
//
//	var room wide.Room[float32]
//	k.x, k.y, k.tmp = room.In(b, 0), room.Out(b, 0), room.Buffer(n)
//	room.Claim(b)
//	…
//	s := wide.Open[float32](c)
//	x, y := k.x.Load(c, s), k.y.Elements(c, s)
package wide

import (
	"unsafe"

	"ingot/internal/kernel/real"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// Room lays out a kernel's scratch.
type Room[T real.Float] struct{ size int }

// Scratch is a kernel's scratch during a run.
type Scratch[T real.Float] []T

// Buffer is a part of the scratch.
type Buffer struct{ off, len int }

// Len is the number of elements.
func (b Buffer) Len() int { return b.len }

// align is what parts are padded to, in elements: a cache line of float32.
const align = 16

// Buffer asks for n elements.
func (r *Room[T]) Buffer(n int) Buffer {
	b := Buffer{r.size, n}
	r.size += (n + align - 1) / align * align
	return b
}

// Claim asks b for what has been laid out. The layout is complete then.
func (r *Room[T]) Claim(b *ops.Bind) {
	var zero T
	b.NeedScratch(r.size * int(unsafe.Sizeof(zero)))
}

// Open returns the scratch of a run.
func Open[T real.Float](c *ops.Call) Scratch[T] { return view[T](c.Scratch) }

// view is [ops.Elements] for either type.
func view[T real.Float](b []byte) []T {
	var zero T
	n := len(b) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// Part returns the elements of a buffer.
func (s Scratch[T]) Part(b Buffer) []T { return s[b.off : b.off+b.len : b.off+b.len] }

// Operand is an input as elements of T.
type Operand[T real.Float] struct {
	in     int // -1: absent
	direct bool
	buf    Buffer
}

// None is an absent input.
func None[T real.Float]() Operand[T] { return Operand[T]{in: -1} }

// Unwanted is an output that isn't wanted.
func Unwanted[T real.Float]() Result[T] { return Result[T]{out: -1} }

// In asks for input i, which may be absent.
func (r *Room[T]) In(b *ops.Bind, i int) Operand[T] {
	if !b.Has(i) {
		return None[T]()
	}
	if b.In(i).DT == DType[T]() {
		return Operand[T]{in: i, direct: true}
	}
	return Operand[T]{in: i, buf: r.Buffer(Elements(b.Dims(i)))}
}

// Present reports whether there is such an input.
func (o *Operand[T]) Present() bool { return o.in >= 0 }

// Load returns the elements; nil when the input is absent.
func (o *Operand[T]) Load(c *ops.Call, s Scratch[T]) []T {
	if o.in < 0 {
		return nil
	}
	t := c.In(o.in)
	if o.direct {
		return tensor.View[T](t)
	}
	dst := s.Part(o.buf)
	Load(dst, t, 0)
	return dst
}

// Result is an output as elements of T.
type Result[T real.Float] struct {
	out    int // -1: not wanted
	direct bool
	buf    Buffer
}

// Out asks for output o, which may not be wanted.
func (r *Room[T]) Out(b *ops.Bind, o int) Result[T] {
	if !b.Wants(o) {
		return Unwanted[T]()
	}
	if b.Out(o).DT == DType[T]() {
		return Result[T]{out: o, direct: true}
	}
	return Result[T]{out: o, buf: r.Buffer(Elements(b.OutDims(o)))}
}

// Wanted reports whether the output is used.
func (r *Result[T]) Wanted() bool { return r.out >= 0 }

// Elements returns what to write to; nil when the output isn't wanted. Call Store when it is complete.
func (r *Result[T]) Elements(c *ops.Call, s Scratch[T]) []T {
	switch {
	case r.out < 0:
		return nil
	case r.direct:
		return tensor.View[T](c.Out(r.out))
	}
	return s.Part(r.buf)
}

// Store rounds the elements to the output's type.
func (r *Result[T]) Store(c *ops.Call, s Scratch[T]) {
	if r.out >= 0 && !r.direct {
		Store(c.Out(r.out), 0, s.Part(r.buf))
	}
}

// DType returns T's.
func DType[T real.Float]() tensor.DType {
	var zero T
	if unsafe.Sizeof(zero) == 4 {
		return tensor.Float32
	}
	return tensor.Float64
}

// Load sets dst to the elements of t from off on; t's type must be numeric.
func Load[T real.Float](dst []T, t *tensor.Tensor, off int) {
	switch d := any(dst).(type) {
	case []float32:
		num.Load32(d, t, off)
	case []float64:
		num.Load64(d, t, off)
	}
}

// Store converts src to t's type and puts it at off.
func Store[T real.Float](t *tensor.Tensor, off int, src []T) {
	switch s := any(src).(type) {
	case []float32:
		num.Store32(t, off, s)
	case []float64:
		num.Store64(t, off, s)
	}
}

// Values returns a tensor's elements as T: its own, or a widened copy on the heap. For constants that are packed.
func Values[T real.Float](t *tensor.Tensor) []T {
	if t.DType() == DType[T]() {
		return tensor.View[T](t)
	}
	dst := make([]T, t.Len())
	Load(dst, t, 0)
	return dst
}

// Scratchpad returns n elements of a worker's scratch.
func Scratchpad[T real.Float](w ops.Worker, n int) []T {
	var zero T
	return view[T](w.Scratch(n * int(unsafe.Sizeof(zero))))
}

// Elements is the product of known dimensions.
func Elements(dims []int) int {
	n, err := tensor.NumElements(dims)
	if err != nil {
		return 0
	}
	return n
}
