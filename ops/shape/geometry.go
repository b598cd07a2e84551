package shape

import (
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// numel is the product of dimensions that are known to be few enough.
func numel(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// strides returns the elements between neighbours along each dimension.
func strides(dims []int) []int {
	out := make([]int, len(dims))
	n := 1
	for i := len(dims) - 1; i >= 0; i-- {
		out[i] = n
		n *= dims[i]
	}
	return out
}

// bufOf returns a tensor's elements for package move.
func bufOf(t *tensor.Tensor) move.Buf {
	if t.DType() == tensor.String {
		return move.Buf{Strings: tensor.View[string](t)}
	}
	return move.Buf{Bytes: t.Bytes(), Width: t.DType().Size()}
}

// outSized sets output o to a tensor whose size comes from values in the model, so that it may be absurd.
func outSized(c *ops.Infer, o int, dt tensor.DType, shape ...ops.Dim) error {
	dims := make([]int, len(shape))
	for i, d := range shape {
		n, ok := d.Int()
		if !ok {
			dims[i] = 1
			continue
		}
		if dims[i] = int(n); int64(dims[i]) != n {
			return fmt.Errorf("the output %s is larger than the address space", sym.ShapeString(shape))
		}
	}
	if _, err := tensor.NumBytes(dt, dims); err != nil {
		return err
	}
	return c.Out(o, dt, shape...)
}

// intsOf returns the value of a small integer tensor that a shape rule has asked for already.
func intsOf(t *ops.Type) ([]int64, bool) {
	if t.Val != nil {
		return sym.Ints(t.Val)
	}
	if t.Empty() {
		return []int64{}, true
	}
	if t.Data == nil {
		return nil, false
	}
	v, err := ops.Int64s(t.Data)
	return v, err == nil
}

// errLate is the error of a kernel that is bound without a value which its shape rule asked for.
func errLate(what string) error { return fmt.Errorf("%s isn't known", what) }

// passVals tells what output o is, element by element, of a small integer input that is known, where one copy makes the output of it.
func passVals(c *ops.Infer, o, in int, g func(dims []int) (move.Copy, bool)) {
	t := c.In(in)
	if o >= c.NumOut() || t.Val == nil {
		return
	}
	dims, ok := t.Dims()
	out := &c.Outs()[o]
	od, okOut := out.Dims()
	if !ok || !okOut || numel(dims) != len(t.Val) {
		return
	}
	n, err := tensor.NumElements(od)
	if err != nil || n > sym.MaxValue {
		return
	}
	cp, ok := g(dims)
	if !ok || cp.Len() != n {
		return
	}
	v := make([]ops.Dim, n)
	copyVals(&cp, v, t.Val)
	c.SetVal(o, v)
}

// copyVals does a copy on what is known of elements.
func copyVals(c *move.Copy, dst, src []ops.Dim) {
	places := make([]uint64, len(dst)+len(src))
	from, to := places[:len(src)], places[len(src):]
	for i := range from {
		from[i] = uint64(i) + 1
	}
	c.Places(to, from)
	for i, k := range to {
		if k > 0 {
			dst[i] = src[k-1]
		}
	}
}

// viewOf tells where in its input an output of one copy lies, if it lies there as it stands.
func viewOf(t *ops.Type, g move.Copy) (off int, ok bool) {
	return g.Src * t.DT.Size(), g.Contiguous() && g.Dst == 0
}

// piece is a copy from an input to an output.
type piece struct {
	move.Copy
	in, out int
	first   int // its first tile
	s, d    move.Buf
}

// copyKernel runs copies, tiles of all of them at once.
type copyKernel struct {
	pieces []piece
	tiles  int
}

// add adds a copy, unless it is empty.
func (k *copyKernel) add(in, out int, c move.Copy) {
	if n := c.Tiles(); n > 0 {
		k.pieces = append(k.pieces, piece{Copy: c, in: in, out: out, first: k.tiles})
		k.tiles += n
	}
}

func (k *copyKernel) Run(c *ops.Call) error {
	for i := range k.pieces {
		p := &k.pieces[i]
		p.s, p.d = bufOf(c.In(p.in)), bufOf(c.Out(p.out))
	}
	return c.Parallel(k.tiles, k)
}

func (k *copyKernel) Tile(_ ops.Worker, i int) {
	lo, hi := 0, len(k.pieces)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; k.pieces[mid].first <= i {
			lo = mid
		} else {
			hi = mid
		}
	}
	p := &k.pieces[lo]
	p.Tile(p.d, p.s, i-p.first)
}

// bindCopy prepares one copy from input 0 to output 0.
func bindCopy(c move.Copy) ops.Kernel {
	k := &copyKernel{}
	k.add(0, 0, c)
	return k
}
