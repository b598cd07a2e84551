package math

import (
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/reduce"
	"ingot/ops"
	"ingot/tensor"
)

type topKAttrs struct {
	Axis    int  `onnx:",-1"`
	Largest bool `onnx:",1"`
	Sorted  bool `onnx:",1"` // the order of an unsorted result is free: it is sorted as well
}

var _ = Ops.Add(ops.Def(ops.Spec[topKAttrs]{
	Name: "TopK", In: "X:T, K:int64", Out: "Values:T, Indices:I", Types: "T=num4; I=int64",
	Vers: []ops.Ver{{Since: 24}, {Since: 11, Types: "T=num"}, {Since: 10, Types: "T=floats", Attrs: "-largest -sorted"},
		{Since: 1, In: "X:T", Attrs: "+k:int=required", Up: topKAttr}},
	Infer: inferTopK,
	Bind: func(b *ops.Bind, a *topKAttrs) (ops.Kernel, error) {
		switch dt := b.In(0).DT; {
		case dt == tensor.Float64:
			return bindTopK(b, a, &via64, reduce.TopK[float64]), nil
		case dt == tensor.Uint64:
			return bindTopK(b, a, &viaUint, reduce.TopK[uint64]), nil
		case dt.IsInteger():
			return bindTopK(b, a, &viaInt, reduce.TopK[int64]), nil
		}
		return bindTopK(b, a, &via32, reduce.TopK[float32]), nil
	},
}))

func topKAttr(r *ops.Rewrite) error {
	r.SetInput(1, r.Graph.Const(tensor.Of([]int64{r.Take("k").I})))
	return nil
}

func inferTopK(c *ops.Infer, a *topKAttrs) error {
	t := c.In(0)
	k, known := c.Ints(1)
	if !t.Ranked {
		_ = c.OutUnranked(0, t.DT)
		return c.OutUnranked(1, tensor.Int64)
	}
	axis, err := ops.Axis(a.Axis, t.Rank())
	if err != nil {
		return fmt.Errorf("attribute axis: %w", err)
	}
	shape := append([]ops.Dim{}, t.Shape...)
	if vals, ok := c.Vals(1); ok && len(vals) == 1 {
		shape[axis] = vals[0]
	} else {
		shape[axis] = c.Fresh()
	}
	if known {
		if len(k) != 1 || k[0] < 0 {
			return fmt.Errorf("input K must be one number that isn't negative, but is %v", k)
		}
		if n, ok := t.Shape[axis].Int(); ok && k[0] > n {
			return fmt.Errorf("input K is %d, more than the %d elements of axis %d", k[0], n, axis)
		}
	}
	if err := c.Out(0, t.DT, shape...); err != nil {
		return err
	}
	return c.Out(1, tensor.Int64, shape...)
}

// topKKernel selects row by row, which it converts to via's type.
type topKKernel struct {
	via                *exchange
	topK               func(row elem.Raw, idx []int32, largest bool)
	largest            bool
	outer, rows, inner int
	k, group           int
	in, vals           *tensor.Tensor
	idx                []int64
}

func bindTopK[T reduce.Number](b *ops.Bind, a *topKAttrs, via *exchange, topK func(row []T, idx []int32, largest bool)) ops.Kernel {
	return newTopK(b, a, via, func(row elem.Raw, idx []int32, largest bool) { topK(elem.View[T](row), idx, largest) })
}

func newTopK(b *ops.Bind, a *topKAttrs, via *exchange, topK func(row elem.Raw, idx []int32, largest bool)) ops.Kernel {
	dims, axis := b.Dims(0), a.Axis
	if axis < 0 {
		axis += len(dims)
	}
	k := &topKKernel{via: via, topK: topK, largest: a.Largest, k: b.OutDims(0)[axis]}
	k.outer, k.rows, k.inner = numel(dims[:axis]), dims[axis], numel(dims[axis+1:])
	k.group = max(1, tileLen(numel(dims), 4*costLoop)/max(1, k.rows))
	return k
}

func (k *topKKernel) Run(c *ops.Call) error {
	k.in, k.vals, k.idx = c.In(0), c.Out(0), nil
	if t := c.Out(1); t != nil {
		k.idx = tensor.View[int64](t)
	}
	if k.k == 0 {
		return nil
	}
	return c.Parallel(tileCount(k.outer*k.inner, k.group), k)
}

func (k *topKKernel) Tile(w ops.Worker, i int) {
	width := k.via.width
	size := k.rows * width.Bytes()
	scratch := w.Scratch(size + 4*k.k)
	row, idx := elem.RawBytes(scratch[:size], width), elem.Of[int32](scratch[size:], k.k)
	for s := i * k.group; s < min(k.outer*k.inner, (i+1)*k.group); s++ {
		o, c := s/k.inner, s%k.inner
		if off := o*k.rows*k.inner + c; k.inner == 1 {
			k.via.get(row, k.in, off)
		} else {
			for r := range k.rows {
				k.via.get(row.Slice(width, r, r+1), k.in, off+r*k.inner)
			}
		}
		k.topK(row, idx, k.largest)
		for j, r := range idx {
			at := (o*k.k+j)*k.inner + c
			if k.idx != nil {
				k.idx[at] = int64(r)
			}
			if k.vals != nil {
				k.via.put(k.vals, at, row.Slice(width, int(r), int(r)+1))
			}
		}
	}
}
