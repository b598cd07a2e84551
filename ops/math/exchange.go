package math

import (
	"unsafe"

	"ingot/internal/kernel/elem"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// exchange moves blocks of elements between tensors of any type and slices of one computing type. Kernels that work by blocks have one, so
// that they need not be compiled for each computing type; see [elem.Raw].
type exchange struct {
	width elem.Width // of the computing type
	get   func(dst elem.Raw, t *tensor.Tensor, off int) bool
	put   func(t *tensor.Tensor, off int, src elem.Raw) bool
}

var (
	via32   = exchangeOf(num.Load32, num.Store32)
	via64   = exchangeOf(num.Load64, num.Store64)
	viaInt  = exchangeOf(num.LoadInt, num.StoreInt)
	viaUint = exchangeOf(num.LoadUint, num.StoreUint)
)

func exchangeOf[H any](load func([]H, *tensor.Tensor, int) bool, store func(*tensor.Tensor, int, []H) bool) exchange {
	return exchange{
		width: elem.WidthOf[H](),
		get:   *(*func(elem.Raw, *tensor.Tensor, int) bool)(unsafe.Pointer(&load)), // as elem.Loop1Of does
		put:   *(*func(*tensor.Tensor, int, elem.Raw) bool)(unsafe.Pointer(&store)),
	}
}

// load sets dst to an operand's elements for the output's positions from pos on.
func (e *exchange) load(dst elem.Raw, t *tensor.Tensor, m *elem.Map, pos int) {
	for dst.Len() > 0 {
		off, step, run := m.At(pos)
		run = min(run, dst.Len())
		if step == 0 {
			one := dst.Slice(e.width, 0, 1)
			e.get(one, t, off)
			dst.Slice(e.width, 0, run).Fill(e.width, one)
		} else {
			e.get(dst.Slice(e.width, 0, run), t, off)
		}
		dst, pos = dst.Slice(e.width, run, dst.Len()), pos+run
	}
}

// storeBytes puts the bytes of a bool result into its tensor.
func storeBytes(t *tensor.Tensor, off int, src elem.Raw) bool {
	return copy(tensor.View[uint8](t)[off:], elem.View[uint8](src)) == src.Len()
}

// widthOf is the width of a tensor's elements.
func widthOf(dt tensor.DType) elem.Width {
	if dt == tensor.String {
		return elem.Text
	}
	return elem.Width(dt.Size())
}

// rawOf is a tensor's payload.
func rawOf(t *tensor.Tensor) elem.Raw {
	if t.DType() == tensor.String {
		return elem.RawOf(tensor.View[string](t))
	}
	return elem.RawBytes(t.Bytes(), elem.Width(t.DType().Size()))
}

// scratchOf returns n elements of the worker's scratch. T must hold no pointers.
func scratchOf[T any](w ops.Worker, n int) []T { return elem.Of[T](w.Scratch(n*elem.SizeOf[T]()), n) }

// rawScratch is scratchOf for elements of a width.
func rawScratch(w ops.Worker, width elem.Width, n int) elem.Raw {
	return elem.RawBytes(w.Scratch(n*width.Bytes()), width).Slice(width, 0, n)
}
