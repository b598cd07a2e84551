package control

import (
	"fmt"
	"slices"

	"ingot/ops"
	"ingot/tensor"
)

// blocks describes a tensor as outer × n × inner around an axis; inner counts bytes, or strings.
func blocks(t *tensor.Tensor, axis int) (outer, n, inner int) {
	outer, inner = 1, max(1, t.DType().Size())
	for i, d := range t.Dims() {
		switch {
		case i < axis:
			outer *= d
		case i == axis:
			n = d
		default:
			inner *= d
		}
	}
	return outer, n, inner
}

// take returns element i of t along an axis, a copy unless the axis is the first.
func take(t *tensor.Tensor, axis, i int) (*tensor.Tensor, error) {
	shape := slices.Delete(t.Shape(), axis, axis+1)
	if axis == 0 {
		s, err := t.Slice(i, i+1)
		if err != nil {
			return nil, err
		}
		return s.Reshape(shape...)
	}
	out, err := tensor.New(t.DType(), shape...)
	if err != nil {
		return nil, err
	}
	outer, n, inner := blocks(t, axis)
	for o := range outer {
		copyBlock(out, o*inner, t, (o*n+i)*inner, inner)
	}
	return out, nil
}

func copyBlock(dst *tensor.Tensor, to int, src *tensor.Tensor, from, n int) {
	if dst.DType() == tensor.String {
		copy(tensor.View[string](dst)[to:to+n], tensor.View[string](src)[from:from+n])
		return
	}
	copy(dst.Bytes()[to:to+n], src.Bytes()[from:from+n])
}

// giveStack makes output o the elements, which must be alike, stacked along a new axis. Without elements it has the planned shape, or size 0
// in every dimension that isn't known.
func giveStack(c *ops.Call, o int, list []*tensor.Tensor, axis int, reverse bool) error {
	if len(list) == 0 {
		if c.Out(o) != nil {
			return nil
		}
		dt, shape := c.EmptyShape(o)
		_, err := c.Alloc(o, dt, shape...)
		return err
	}
	first := list[0]
	if axis > first.Rank() {
		return fmt.Errorf("axis %d is outside of scan elements of rank %d", axis, first.Rank())
	}
	out, err := c.OutOrAlloc(o, first.DType(), slices.Insert(first.Shape(), axis, len(list))...)
	if err != nil {
		return err
	}
	outer, n, inner := blocks(out, axis)
	for i, t := range list {
		if t.DType() != first.DType() || !slices.Equal(t.Dims(), first.Dims()) {
			return fmt.Errorf("scan element %d is %s, but the first is %s", i, t, first)
		}
		if reverse {
			i = n - 1 - i
		}
		for k := range outer {
			copyBlock(out, (k*n+i)*inner, t, k*inner, inner)
		}
	}
	return nil
}
