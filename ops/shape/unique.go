package shape

import (
	"cmp"
	"fmt"
	"slices"

	"ingot/internal/kernel/move"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type uniqueAttrs struct {
	Axis   *int
	Sorted bool `onnx:",1"`
}

var opUnique = ops.Def(ops.Spec[uniqueAttrs]{
	Name: "Unique", In: "X:T", Out: "Y:T, indices:int64?, inverse_indices:int64?, counts:int64?", Types: "T=all4",
	Vers: []ops.Ver{{Since: 28}, {Since: 11, Types: "T=all"}},
	Infer: func(c *ops.Infer, a *uniqueAttrs) error {
		t := c.In(0)
		n := c.Fresh()
		shape := []ops.Dim{n}
		if a.Axis != nil && t.Ranked {
			axis, err := ops.Axis(*a.Axis, len(t.Shape))
			if err != nil {
				return fmt.Errorf("attribute axis: %w", err)
			}
			shape = append([]ops.Dim{}, t.Shape...)
			shape[axis] = n
		}
		for o := 1; o < 4; o++ {
			m := n
			if o == 2 {
				m = c.Fresh()
			}
			if err := c.Out(o, tensor.Int64, m); err != nil {
				return err
			}
		}
		if a.Axis != nil && !t.Ranked {
			return c.OutUnranked(0, t.DT)
		}
		return c.Out(0, t.DT, shape...)
	},
	Eval: evalUnique,
})

func evalUnique(c *ops.Call, a *uniqueAttrs) error {
	x := c.In(0)
	dims, axis := []int{x.Len()}, 0
	if a.Axis != nil {
		var err error
		if axis, err = ops.Axis(*a.Axis, x.Rank()); err != nil {
			return err
		}
		dims = x.Dims()
	}
	compare, err := rowComparer(x, dims, axis)
	if err != nil {
		return err
	}
	g := group(dims[axis], compare, a.Sorted)
	if c.Wants(0) {
		if err := takeRows(c, 0, dims, axis, g.first); err != nil {
			return err
		}
	}
	for o, list := range [][]int{1: g.first, 2: g.inverse, 3: g.count} {
		if o == 0 || !c.Wants(o) {
			continue
		}
		y, err := c.OutOrAlloc(o, tensor.Int64, len(list))
		if err != nil {
			return err
		}
		for i, v := range list {
			tensor.View[int64](y)[i] = int64(v)
		}
	}
	return nil
}

// groups are rows put together with their equals: the first row of each group and the number of its rows, and the group of each row.
type groups struct{ first, count, inverse []int }

func group(n int, compare func(i, j int) int, sorted bool) groups {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, compare)
	g := groups{inverse: make([]int, n)}
	for i, r := range order {
		if i == 0 || compare(order[i-1], r) != 0 {
			g.first, g.count = append(g.first, r), append(g.count, 0)
		}
		k := len(g.first) - 1
		g.count[k]++
		g.inverse[r] = k
	}
	if sorted {
		return g
	}
	// In the order of first occurrence.
	byFirst := make([]int, len(g.first))
	for i := range byFirst {
		byFirst[i] = i
	}
	slices.SortFunc(byFirst, func(i, j int) int { return cmp.Compare(g.first[i], g.first[j]) })
	place := make([]int, len(byFirst))
	out := groups{inverse: g.inverse}
	for k, i := range byFirst {
		place[i] = k
		out.first, out.count = append(out.first, g.first[i]), append(out.count, g.count[i])
	}
	for r, k := range g.inverse {
		out.inverse[r] = place[k]
	}
	return out
}

// rowComparer returns a function that compares rows along an axis, element by element.
func rowComparer(x *tensor.Tensor, dims []int, axis int) (func(i, j int) int, error) {
	switch dt := x.DType(); dt {
	case tensor.String:
		return comparer(tensor.View[string](x), dims, axis, 1), nil
	case tensor.Bool, tensor.Uint8:
		return comparer(tensor.View[uint8](x), dims, axis, 1), nil
	case tensor.Uint16:
		return comparer(tensor.View[uint16](x), dims, axis, 1), nil
	case tensor.Uint32:
		return comparer(tensor.View[uint32](x), dims, axis, 1), nil
	case tensor.Uint64:
		return comparer(tensor.View[uint64](x), dims, axis, 1), nil
	case tensor.Int8:
		return comparer(tensor.View[int8](x), dims, axis, 1), nil
	case tensor.Int16:
		return comparer(tensor.View[int16](x), dims, axis, 1), nil
	case tensor.Int32:
		return comparer(tensor.View[int32](x), dims, axis, 1), nil
	case tensor.Int64:
		return comparer(tensor.View[int64](x), dims, axis, 1), nil
	case tensor.Float32:
		return comparer(tensor.View[float32](x), dims, axis, 1), nil
	case tensor.Float64:
		return comparer(tensor.View[float64](x), dims, axis, 1), nil
	case tensor.Complex64:
		return comparer(partsOf[float32](x), dims, axis, 2), nil
	case tensor.Complex128:
		return comparer(partsOf[float64](x), dims, axis, 2), nil
	default:
		if num.Narrow.Has(dt) {
			v := make([]float32, x.Len())
			num.Load32(v, x, 0)
			return comparer(v, dims, axis, 1), nil
		}
	}
	return nil, fmt.Errorf("elements of %s have no order", x.DType())
}

// comparer compares rows whose elements are of a number of parts each. NaNs are equal to each other and stand last.
func comparer[T cmp.Ordered](v []T, dims []int, axis, parts int) func(i, j int) int {
	inner := numel(dims[axis+1:]) * parts
	n := dims[axis]
	rows := v
	outer := numel(dims[:axis])
	if outer != 1 { // put rows in one piece
		rows = make([]T, len(v))
		c := move.NewCopy(0, 0, 0, move.Dim{N: n, Dst: outer * inner, Src: inner}, move.Dim{N: outer, Dst: inner, Src: n * inner}, move.Dim{N: inner, Dst: 1, Src: 1})
		move.Slices(&c, rows, v)
	}
	size := outer * inner
	return func(i, j int) int {
		a, b := rows[i*size:(i+1)*size], rows[j*size:(j+1)*size]
		for k, x := range a {
			y := b[k]
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			case x != x && y == y:
				return 1
			case x == x && y != y:
				return -1
			}
		}
		return 0
	}
}
