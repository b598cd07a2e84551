package shape

import (
	"fmt"
	"slices"

	"ingot/internal/kernel/move"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type compressAttrs struct {
	Axis *int
}

var _ = Ops.Add(ops.Def(ops.Spec[compressAttrs]{
	Name: "Compress", In: "input:T, condition:T1", Out: "output:T", Types: "T=all4; T1=bool",
	Vers: []ops.Ver{{Since: 28}, {Since: 11, Types: "T=all"}, {Since: 9}},
	Infer: func(c *ops.Infer, a *compressAttrs) error {
		t := c.In(0)
		if a.Axis == nil {
			return c.Out(0, t.DT, c.Fresh())
		}
		if !t.Ranked {
			return c.OutUnranked(0, t.DT)
		}
		axis, err := ops.Axis(*a.Axis, len(t.Shape))
		if err != nil {
			return fmt.Errorf("attribute axis: %w", err)
		}
		out := append([]ops.Dim{}, t.Shape...)
		out[axis] = c.Fresh()
		return c.Out(0, t.DT, out...)
	},
	Eval: func(c *ops.Call, a *compressAttrs) error {
		dims := []int{c.In(0).Len()}
		axis := 0
		if a.Axis != nil {
			var err error
			if axis, err = ops.Axis(*a.Axis, c.In(0).Rank()); err != nil {
				return err
			}
			dims = c.In(0).Dims()
		}
		var at []int
		for i, b := range tensor.View[uint8](c.In(1)) {
			if i < dims[axis] && b != 0 {
				at = append(at, i)
			}
		}
		return takeRows(c, 0, dims, axis, at)
	},
}))

// takeRows makes output o of the rows of input 0, seen as of shape dims, at places along an axis.
func takeRows(c *ops.Call, o int, dims []int, axis int, at []int) error {
	x := c.In(0)
	shape := slices.Clone(dims)
	shape[axis] = len(at)
	y, err := c.OutOrAlloc(o, x.DType(), shape...)
	if err != nil || len(at) == 0 {
		return err
	}
	rows := move.NewRows(x.DType().Size(), numel(dims[:axis]), dims[axis], len(at), numel(dims[axis+1:]))
	dst, src := bufOf(y), bufOf(x)
	return c.For(rows.Tiles(), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			rows.Tile(dst, src, at, i)
		}
	})
}

var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "NonZero", In: "X:T", Out: "Y:int64", Types: "T=all4", Vers: []ops.Ver{{Since: 13}, {Since: 9, Types: "T=all"}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		t := c.In(0)
		if !t.Ranked {
			return c.Out(0, tensor.Int64, sym.Unknown(), c.Fresh())
		}
		return c.Out(0, tensor.Int64, ops.Num(len(t.Shape)), c.Fresh())
	},
	Eval: func(c *ops.Call, _ *noAttrs) error {
		x := c.In(0)
		at, err := nonZeros(x)
		if err != nil {
			return err
		}
		y, err := c.OutOrAlloc(0, tensor.Int64, x.Rank(), len(at))
		if err != nil {
			return err
		}
		v := tensor.View[int64](y)
		for i, step := range strides(x.Dims()) {
			d := x.Dims()[i]
			for k, p := range at {
				v[i*len(at)+k] = int64(p / step % d)
			}
		}
		return nil
	},
}))

// nonZeros returns the places of the elements that aren't zero, false or empty.
func nonZeros(x *tensor.Tensor) ([]int, error) {
	switch dt := x.DType(); {
	case dt == tensor.String:
		return nonZero(tensor.View[string](x)), nil
	case dt == tensor.Float32:
		return nonZero(tensor.View[float32](x)), nil
	case dt == tensor.Float64:
		return nonZero(tensor.View[float64](x)), nil
	case dt == tensor.Complex64:
		return nonZero(tensor.View[complex64](x)), nil
	case dt == tensor.Complex128:
		return nonZero(tensor.View[complex128](x)), nil
	case num.Narrow.Has(dt):
		v := make([]float32, x.Len())
		num.Load32(v, x, 0)
		return nonZero(v), nil
	case dt.Size() == 1:
		return nonZero(tensor.View[uint8](x)), nil
	case dt.Size() == 2:
		return nonZero(tensor.View[uint16](x)), nil
	case dt.Size() == 4:
		return nonZero(tensor.View[uint32](x)), nil
	case dt.Size() == 8:
		return nonZero(tensor.View[uint64](x)), nil
	}
	return nil, fmt.Errorf("elements of %s have no zero", x.DType())
}

func nonZero[T comparable](x []T) []int {
	var zero T
	n := 0
	for _, v := range x {
		if v != zero {
			n++
		}
	}
	at := make([]int, 0, n)
	for i, v := range x {
		if v != zero {
			at = append(at, i)
		}
	}
	return at
}
