package shape

import (
	"errors"
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type concatAttrs struct {
	Axis int `onnx:",required"`
}

var _ = Ops.Add(ops.Def(ops.Spec[concatAttrs]{
	Name: "Concat", In: "inputs:T*", Out: "concat_result:T", Types: "T=all4",
	Vers: []ops.Ver{{Since: 13}, {Since: 11, Types: "T=all"}, {Since: 4},
		{Since: 1, Types: "T=floats", Attrs: "axis:int", Up: ops.SetAttr("axis", ops.IntAttr(1))}},
	Infer: inferConcat,
	View: func(c *ops.Infer, _ *concatAttrs, _ int) (int, int, bool) {
		return 0, 0, c.NumIn() == 1
	},
	Bind: func(b *ops.Bind, a *concatAttrs) (ops.Kernel, error) {
		out := b.OutDims(0)
		axis, err := ops.Axis(a.Axis, len(out))
		if err != nil {
			return nil, err
		}
		k, at := &copyKernel{}, 0
		for i := range b.Ins {
			d := b.Dims(i)
			k.add(i, 0, sliceCopy(b.In(0).DT.Size(), out, at, d, 0, d[axis], axis))
			at += d[axis]
		}
		return k, nil
	},
	Layout: ops.Layout{Kind: ops.AxisAttr},
}))

// sliceCopy returns the copy of n rows along an axis: from row `from` of a tensor of shape src to row `to` of one of shape dst. The other
// dimensions agree.
func sliceCopy(width int, dst []int, to int, src []int, from, n, axis int) move.Copy {
	outer, inner := numel(dst[:axis]), numel(dst[axis+1:])
	return move.NewCopy(width, to*inner, from*inner,
		move.Dim{N: outer, Dst: dst[axis] * inner, Src: src[axis] * inner}, move.Dim{N: n * inner, Dst: 1, Src: 1})
}

func inferConcat(c *ops.Infer, a *concatAttrs) error {
	var out []ops.Dim
	first, whole := -1, true
	axis := 0
	sum := ops.Num(0)
	for i := range c.NumIn() {
		if !c.Has(i) {
			return fmt.Errorf("input %d is absent", i)
		}
		s, ok := c.Shape(i)
		if !ok {
			whole = false
			continue
		}
		if first < 0 {
			var err error
			if axis, err = ops.Axis(a.Axis, len(s)); err != nil {
				return fmt.Errorf("attribute axis: %w", err)
			}
			first, out = i, append(out, s...)
		}
		if err := joinShape(out, s, axis); err != nil {
			return fmt.Errorf("input %d has shape %s, which doesn't join %s of input %d along axis %d", i, sym.ShapeString(s), sym.ShapeString(out), first, axis)
		}
		sum = sum.Add(s[axis])
	}
	dt := c.In(0).DT
	if first < 0 {
		return c.OutUnranked(0, dt)
	}
	if !whole {
		sum = sym.Unknown()
	}
	out[axis] = sum
	if err := c.Out(0, dt, out...); err != nil {
		return err
	}
	concatVals(c, axis)
	return nil
}

// joinShape checks that a shape may be joined to others along an axis, and takes over what it knows better than out does.
func joinShape(out, s []ops.Dim, axis int) error {
	if len(s) != len(out) {
		return errors.New("ranks differ")
	}
	for k, d := range s {
		switch {
		case k == axis || d.Equal(out[k]) || !d.Known():
		case !out[k].Known():
			out[k] = d
		default:
			return errors.New("dimensions differ")
		}
	}
	return nil
}

// concatVals joins small integer values.
func concatVals(c *ops.Infer, axis int) {
	dims, ok := c.Outs()[0].Dims()
	n, err := tensor.NumElements(dims)
	if !ok || err != nil || n > sym.MaxValue {
		return
	}
	out := make([]ops.Dim, n)
	at := 0
	for i := range c.NumIn() {
		t := c.In(i)
		d, ok := t.Dims()
		if !ok || t.Val == nil || len(t.Val) != numel(d) {
			return
		}
		cp := sliceCopy(8, dims, at, d, 0, d[axis], axis)
		copyVals(&cp, out, t.Val)
		at += d[axis]
	}
	c.SetVal(0, out)
}

type splitAttrs struct {
	Axis       int `onnx:",0"`
	NumOutputs *int
}

var _ = Ops.Add(ops.Def(ops.Spec[splitAttrs]{
	Name: "Split", In: "input:T, split:int64?", Out: "outputs:T*", Types: "T=all4",
	Vers: []ops.Ver{{Since: 18}, {Since: 13, Attrs: "-num_outputs", Up: splitEvenly},
		{Since: 11, In: "input:T", Types: "T=all", Attrs: "+split:ints", Up: ops.AttrToInput("split", 1)}, {Since: 2},
		{Since: 1, In: "input:T, split:T?", Out: "outputs...:T*", Types: "T=floats", Attrs: "axis:int", Up: splitOfFloats}},
	Infer: inferSplit,
	View: func(c *ops.Infer, a *splitAttrs, o int) (int, int, bool) {
		t := c.In(0)
		dims, ok := t.Dims()
		sizes, err := a.sizes(t, c.In(1), c.Has(1))
		axis, axisErr := ops.Axis(a.Axis, len(dims))
		if !ok || err != nil || axisErr != nil || o >= len(sizes) {
			return 0, 0, false
		}
		off, ok := viewOf(t, splitCopy(t.DT.Size(), dims, sizes, axis, o))
		return 0, off, ok
	},
	Bind: func(b *ops.Bind, a *splitAttrs) (ops.Kernel, error) {
		dims := b.Dims(0)
		axis, err := ops.Axis(a.Axis, len(dims))
		if err != nil {
			return nil, err
		}
		sizes, err := a.sizes(b.In(0), b.In(1), b.Has(1))
		if err != nil {
			return nil, err
		}
		k := &copyKernel{}
		for o := range b.Outs {
			if b.Wants(o) {
				k.add(0, o, splitCopy(b.In(0).DT.Size(), dims, sizes, axis, o))
			}
		}
		return k, nil
	},
	Layout: ops.Layout{Kind: ops.AxisAttr},
}))

// splitEvenly makes explicit that a Split without sizes has a piece for each output.
func splitEvenly(r *ops.Rewrite) error {
	if r.Input(1) == nil {
		r.Attrs["num_outputs"] = ops.IntAttr(len(r.Out))
	}
	return nil
}

// splitOfFloats turns the sizes of version 1, which may be an input of the data's type, into the attribute of version 2.
func splitOfFloats(r *ops.Rewrite) error {
	if r.Attrs["axis"] == nil {
		r.Attrs["axis"] = ops.IntAttr(0)
	}
	in := r.Input(1)
	if in == nil {
		return nil
	}
	t := r.Type(1).Data
	if t == nil || t.DType() != tensor.Float32 {
		return errors.New("input split must be a constant of float32 in this version")
	}
	sizes := make([]int64, t.Len())
	for i, v := range tensor.View[float32](t) {
		sizes[i] = int64(v)
	}
	r.Attrs["split"] = ops.IntsAttr(sizes...)
	r.In = r.In[:1]
	return nil
}

func splitCopy(width int, dims, sizes []int, axis, o int) move.Copy {
	at := 0
	for _, n := range sizes[:o] {
		at += n
	}
	out := append([]int{}, dims...)
	out[axis] = sizes[o]
	return sliceCopy(width, out, 0, dims, at, sizes[o], axis)
}

// sizes returns the rows of each piece along the axis, all of them known.
func (a *splitAttrs) sizes(t, split *ops.Type, has bool) ([]int, error) {
	axis, err := ops.Axis(a.Axis, len(t.Shape))
	if err != nil {
		return nil, err
	}
	rows, ok := t.Shape[axis].Int()
	if !ok {
		return nil, errLate("the axis")
	}
	if !has {
		return a.evenly(int(rows)), nil
	}
	v, ok := intsOf(split)
	if !ok {
		return nil, errLate("split")
	}
	out := make([]int, len(v))
	left := rows
	for i, n := range v {
		if n < 0 || n > left {
			return nil, fmt.Errorf("split %v doesn't add up to the %d rows along axis %d", v, rows, axis)
		}
		out[i] = int(n)
		left -= n
	}
	if left != 0 {
		return nil, fmt.Errorf("split %v doesn't add up to the %d rows along axis %d", v, rows, axis)
	}
	return out, nil
}

// evenly cuts rows into equal pieces, the last of which may be shorter.
func (a *splitAttrs) evenly(rows int) []int {
	n := *a.NumOutputs
	per := (rows + n - 1) / n
	out := make([]int, n)
	for i := range out {
		out[i] = min(per, rows)
		rows -= out[i]
	}
	return out
}

func inferSplit(c *ops.Infer, a *splitAttrs) error {
	t := c.In(0)
	outs := c.NumOut()
	switch {
	case c.Has(1) && a.NumOutputs != nil:
		return errors.New("input split and attribute num_outputs exclude each other")
	case !c.Has(1) && a.NumOutputs == nil:
		return errors.New("either input split or attribute num_outputs must be there")
	case a.NumOutputs != nil && *a.NumOutputs < max(1, outs):
		return fmt.Errorf("attribute num_outputs: %d pieces for %d outputs", *a.NumOutputs, outs)
	case a.NumOutputs != nil && *a.NumOutputs > 1<<20:
		return fmt.Errorf("attribute num_outputs: %d is too large", *a.NumOutputs)
	}
	if !t.Ranked {
		for o := range outs {
			if err := c.OutUnranked(o, t.DT); err != nil {
				return err
			}
		}
		return nil
	}
	axis, err := ops.Axis(a.Axis, len(t.Shape))
	if err != nil {
		return fmt.Errorf("attribute axis: %w", err)
	}
	rows, err := a.dims(c, t.Shape[axis])
	if err != nil {
		return err
	}
	if outs > len(rows) {
		return fmt.Errorf("split into %d pieces, but there are %d outputs", len(rows), outs)
	}
	for o := range outs {
		shape := append([]ops.Dim{}, t.Shape...)
		shape[axis] = rows[o]
		if err := c.Out(o, t.DT, shape...); err != nil {
			return err
		}
		passVals(c, o, 0, func(dims []int) (move.Copy, bool) {
			sizes, err := a.sizes(t, c.In(1), c.Has(1))
			if err != nil {
				return move.Copy{}, false
			}
			return splitCopy(8, dims, sizes, axis, o), true
		})
	}
	return nil
}

// dims returns the rows of each piece as far as they are known.
func (a *splitAttrs) dims(c *ops.Infer, d ops.Dim) ([]ops.Dim, error) {
	t := c.In(0)
	if c.Has(1) {
		if _, ok := c.Ints(1); !ok {
			out := make([]ops.Dim, c.NumOut())
			for i := range out {
				out[i] = sym.Unknown()
			}
			if v, ok := c.Vals(1); ok && len(v) >= len(out) {
				return v, nil
			}
			return out, nil
		}
		if d.Known() {
			sizes, err := a.sizes(t, c.In(1), true)
			return sym.Nums(sizes), err
		}
		v, _ := c.Vals(1)
		for _, n := range v {
			if k, _ := n.Int(); k < 0 {
				return nil, fmt.Errorf("split %s has a negative size", sym.ShapeString(v))
			}
		}
		return v, nil
	}
	if n, ok := d.Int(); ok {
		return sym.Nums(a.evenly(int(n))), nil
	}
	out := make([]ops.Dim, *a.NumOutputs)
	n := ops.Num(len(out))
	for i := range out {
		out[i] = sym.Unknown()
	}
	if whole := d.FloorDiv(n); whole.Mul(n).Equal(d) {
		for i := range out {
			out[i] = whole
		}
	}
	return out, nil
}
