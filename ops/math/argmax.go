package math

import (
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/reduce"
	"ingot/ops"
	"ingot/tensor"
)

type argAttrs struct {
	Axis            int  `onnx:",0"`
	Keepdims        bool `onnx:",1"`
	SelectLastIndex bool `onnx:",0"`
}

var (
	_ = Ops.Add(argExtreme("ArgMax", false))
	_ = Ops.Add(argExtreme("ArgMin", true))
)

func argExtreme(name string, least bool) *ops.Op {
	return ops.Def(ops.Spec[argAttrs]{
		Name: name, In: "data:T", Out: "reduced:int64", Types: "T=num4",
		Vers: []ops.Ver{{Since: 13}, {Since: 12, Types: "T=num"}, {Since: 11, Attrs: "-select_last_index"}, {Since: 1}},
		Infer: func(c *ops.Infer, a *argAttrs) error {
			t := c.In(0)
			if !t.Ranked {
				return c.OutUnranked(0, tensor.Int64)
			}
			marks := make([]bool, t.Rank())
			if t.Rank() > 0 || a.Axis != 0 && a.Axis != -1 {
				axis, err := ops.Axis(a.Axis, t.Rank())
				if err != nil {
					return fmt.Errorf("attribute axis: %w", err)
				}
				if t.Shape[axis].Is(0) {
					return fmt.Errorf("attribute axis: dimension %d is empty, so that no element is extreme", axis)
				}
				marks[axis] = true
			}
			return c.Out(0, tensor.Int64, reducedShape(t.Shape, marks, a.Keepdims)...)
		},
		Bind: func(b *ops.Bind, a *argAttrs) (ops.Kernel, error) {
			arg := reduce.Arg{Min: least, Last: a.SelectLastIndex}
			switch dt := b.In(0).DT; {
			case dt == tensor.Float32:
				return bindArg(b, a.Axis, arg, &arg32, &via32), nil
			case dt == tensor.Float64:
				return bindArg(b, a.Axis, arg, &arg64, &via64), nil
			case dt == tensor.Uint64:
				return bindArg(b, a.Axis, arg, &argUint, &viaUint), nil
			case dt.IsInteger():
				return bindArg(b, a.Axis, arg, &argInt, &viaInt), nil
			}
			return bindArg(b, a.Axis, arg, &arg32, &via32), nil
		},
	})
}

// argLoops find extremes in a row, or in neighbouring columns.
type argLoops struct {
	row     func(a reduce.Arg, src *reduce.Source, off, n int, buf elem.Raw) int64
	columns func(a reduce.Arg, idx []int64, src *reduce.Source, off, rows, stride int, buf elem.Raw)
}

var (
	arg32   = argLoops{reduce.ArgRow32, reduce.ArgColumns[float32]}
	arg64   = argLoops{reduce.ArgRow[float64], reduce.ArgColumns[float64]}
	argInt  = argLoops{reduce.ArgRow[int64], reduce.ArgColumns[int64]}
	argUint = argLoops{reduce.ArgRow[uint64], reduce.ArgColumns[uint64]}
)

// argKernel works through outer indices; where there are inner dimensions, each tile takes some columns of one.
type argKernel struct {
	arg                reduce.Arg
	loops              *argLoops
	outer, rows, inner int
	cols, group        int
	in                 *tensor.Tensor
	src                reduce.Source
	idx                []int64
}

// bindArg takes the loops' type from via, which only converts where the operand's is another.
func bindArg(b *ops.Bind, axis int, arg reduce.Arg, loops *argLoops, via *exchange) ops.Kernel {
	dims := b.Dims(0)
	if len(dims) == 0 {
		dims = []int{1}
	}
	if axis < 0 {
		axis += len(dims)
	}
	k := &argKernel{arg: arg, loops: loops, outer: numel(dims[:axis]), rows: dims[axis], inner: numel(dims[axis+1:])}
	k.src.Width = via.width
	if widthOf(b.In(0).DT) != via.width {
		k.src.Load = func(buf elem.Raw, off int) { via.get(buf, k.in, off) }
	}
	per := tileLen(numel(dims), 2*costLoop)
	k.cols, k.group = max(1, min(k.inner, reduce.Chunk)), 1
	if k.cols == k.inner {
		k.group = max(1, per/max(1, k.rows*k.inner))
	}
	return k
}

func (k *argKernel) Run(c *ops.Call) error {
	k.in, k.idx = c.In(0), tensor.View[int64](c.Out(0))
	if k.src.Load == nil {
		k.src.Data = rawOf(k.in)
	}
	return c.Parallel(tileCount(k.outer, k.group)*tileCount(k.inner, k.cols), k)
}

func (k *argKernel) Tile(w ops.Worker, i int) {
	buf := rawScratch(w, k.src.Width, 2*reduce.Chunk)
	per := tileCount(k.inner, k.cols)
	col := i % per * k.cols
	n := min(k.cols, k.inner-col)
	first := i / per * k.group
	for o := first; o < min(k.outer, first+k.group); o++ {
		off := o*k.rows*k.inner + col
		if k.inner == 1 {
			k.idx[o] = k.loops.row(k.arg, &k.src, off, k.rows, buf)
			continue
		}
		k.loops.columns(k.arg, k.idx[o*k.inner+col:][:n], &k.src, off, k.rows, k.inner, buf)
	}
}
