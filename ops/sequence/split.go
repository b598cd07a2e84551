package sequence

import (
	"errors"
	"fmt"
	"slices"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type concatAttrs struct {
	Axis    int `onnx:",required"`
	NewAxis int `onnx:",0"`
}

// ConcatFromSequence joins the elements along an axis, or stacks them along a new one.
var ConcatFromSequence = Ops.Add(ops.Def(ops.Spec[concatAttrs]{
	Name: "ConcatFromSequence", In: "input_sequence:S", Out: "concat_result:T", Types: "S=seq(all); T=all", Vers: []ops.Ver{{Since: 11}},
	Infer: func(c *ops.Infer, _ *concatAttrs) error {
		elem := elemType(c.In(0))
		return c.OutUnranked(0, elem.DT)
	},
	Eval: evalConcat,
}))

func evalConcat(c *ops.Call, a *concatAttrs) error {
	if a.NewAxis != 0 && a.NewAxis != 1 {
		return fmt.Errorf("attribute new_axis: %d; must be 0 or 1", a.NewAxis)
	}
	s, err := sequenceIn(c, 0)
	if err != nil {
		return err
	}
	if len(s.Items) == 0 {
		return errors.New("the sequence is empty")
	}
	list := make([]*tensor.Tensor, len(s.Items))
	for i, v := range s.Items {
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return fmt.Errorf("element %d isn't a tensor", i)
		}
		if list[i] = t; t.Rank() != list[0].Rank() {
			return fmt.Errorf("element %d is %s, but the first is %s", i, t, list[0])
		}
	}
	rank := list[0].Rank() + a.NewAxis
	axis, err := ops.Axis(a.Axis, rank)
	if err != nil {
		return err
	}
	if a.NewAxis != 0 {
		for i, t := range list {
			if list[i], err = t.Reshape(slices.Insert(t.Shape(), axis, 1)...); err != nil {
				return err
			}
		}
	}
	shape := list[0].Shape()
	total := 0
	for i, t := range list {
		d := t.Shape()
		if len(d) != rank || t.DType() != list[0].DType() {
			return fmt.Errorf("element %d is %s, but the first is %s", i, t, list[0])
		}
		total += d[axis]
		if d[axis] = shape[axis]; !slices.Equal(d, shape) {
			return fmt.Errorf("element %d is %s, which doesn't join %s along axis %d", i, t, list[0], axis)
		}
	}
	shape[axis] = total
	out, err := c.OutOrAlloc(0, list[0].DType(), shape...)
	if err != nil {
		return err
	}
	at := 0
	for _, t := range list {
		n := t.Dims()[axis]
		copyRows(out, total, at, t, n, 0, n, axis)
		at += n
	}
	return nil
}

// copyRows copies n rows along an axis, from row `from` of src, which has srcRows, to row `to` of dst, which has dstRows.
func copyRows(dst *tensor.Tensor, dstRows, to int, src *tensor.Tensor, srcRows, from, n, axis int) {
	outer, inner := 1, max(1, dst.DType().Size())
	for i, d := range dst.Dims() {
		if i < axis {
			outer *= d
		} else if i > axis {
			inner *= d
		}
	}
	for o := range outer {
		d, s := (o*dstRows+to)*inner, (o*srcRows+from)*inner
		if dst.DType() == tensor.String {
			copy(tensor.View[string](dst)[d:d+n*inner], tensor.View[string](src)[s:])
		} else {
			copy(dst.Bytes()[d:d+n*inner], src.Bytes()[s:])
		}
	}
}

type splitAttrs struct {
	Axis     int `onnx:",0"`
	Keepdims int `onnx:",1"`
}

// SplitToSequence cuts a tensor along an axis: into rows, into pieces of one size, or of given sizes.
var SplitToSequence = Ops.Add(ops.Def(ops.Spec[splitAttrs]{
	Name: "SplitToSequence", In: "input:T, split:I?", Out: "output_sequence:S", Types: "T=all4; I=int32|int64; S=seq(all4)",
	Vers: []ops.Ver{{Since: 24}, {Since: 11, Types: "T=all; S=seq(all)"}}, Flags: ops.Escapes,
	Infer: func(c *ops.Infer, a *splitAttrs) error {
		t := c.In(0)
		if t.Ranked {
			if _, err := ops.Axis(a.Axis, len(t.Shape)); err != nil {
				return err
			}
		}
		return c.OutType(0, seqOf(ops.Type{Kind: sym.Tensor, DT: t.DT}))
	},
	Eval: evalSplit,
}))

func evalSplit(c *ops.Call, a *splitAttrs) error {
	t := c.In(0)
	axis, err := ops.Axis(a.Axis, t.Rank())
	if err != nil {
		return err
	}
	rows := t.Dims()[axis]
	sizes, err := splitSizes(c.In(1), rows)
	if err != nil {
		return err
	}
	s := &tensor.Sequence{Elem: t.DType()}
	at := 0
	for _, n := range sizes {
		shape := t.Shape()
		shape[axis] = n
		p, err := c.Env.Alloc(t.DType(), shape)
		if err != nil {
			return err
		}
		copyRows(p, n, 0, t, rows, at, n, axis)
		if !c.Has(1) && a.Keepdims == 0 {
			if p, err = p.Reshape(slices.Delete(shape, axis, axis+1)...); err != nil {
				return err
			}
		}
		s.Items = append(s.Items, p)
		at += n
	}
	c.Set(0, s)
	return nil
}

// splitSizes returns the rows of each piece.
func splitSizes(split *tensor.Tensor, rows int) ([]int, error) {
	if split == nil {
		return slices.Repeat([]int{1}, rows), nil
	}
	v, err := ops.Int64s(split)
	if err != nil {
		return nil, err
	}
	if split.Rank() == 0 {
		if len(v) != 1 || v[0] < 1 {
			return nil, fmt.Errorf("split must be positive, not %v", v)
		}
		var sizes []int
		for left := int64(rows); left > 0; left -= v[0] {
			sizes = append(sizes, int(min(left, v[0])))
		}
		return sizes, nil
	}
	sizes := make([]int, len(v))
	left := int64(rows)
	for i, n := range v {
		if n < 0 || n > left {
			return nil, fmt.Errorf("split %v doesn't add up to %d", v, rows)
		}
		sizes[i] = int(n)
		left -= n
	}
	if left != 0 {
		return nil, fmt.Errorf("split %v doesn't add up to %d", v, rows)
	}
	return sizes, nil
}
