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

func opUnique() *ops.Op {
	return ops.Def(ops.Spec[uniqueAttrs]{
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
}

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

// rowComparer returns a function that compares rows along an axis, element by element. Types are compared as the widest of their kind.
func rowComparer(x *tensor.Tensor, dims []int, axis int) (func(i, j int) int, error) {
	n, inner, outer := dims[axis], numel(dims[axis+1:]), numel(dims[:axis])
	if outer != 1 { // put rows in one piece
		rows, err := tensor.New(x.DType(), x.Dims()...)
		if err != nil {
			return nil, err
		}
		c := move.NewCopy(bufOf(x).Width, 0, 0, move.Dim{N: n, Dst: outer * inner, Src: inner}, move.Dim{N: outer, Dst: inner, Src: n * inner}, move.Dim{N: inner, Dst: 1, Src: 1})
		for i := range c.Tiles() {
			c.Tile(bufOf(rows), bufOf(x), i)
		}
		x = rows
	}
	size := outer * inner
	switch dt := x.DType(); {
	case dt == tensor.String:
		return comparer(tensor.View[string](x), size), nil
	case dt == tensor.Uint64:
		return comparer(tensor.View[uint64](x), size), nil
	case dt == tensor.Bool || dt.IsInteger():
		v := make([]int64, x.Len())
		num.LoadInt(v, x, 0)
		return comparer(v, size), nil
	case dt == tensor.Complex64:
		parts, err := tensor.FromBytes(tensor.Float32, []int{2 * x.Len()}, x.Bytes(), nil)
		if err != nil {
			return nil, err
		}
		return floatComparer(parts, 2*size), nil
	case dt == tensor.Complex128:
		return comparer(partsOf[float64](x), 2*size), nil
	case num.Numeric.Has(dt):
		return floatComparer(x, size), nil
	}
	return nil, fmt.Errorf("elements of %s have no order", x.DType())
}

func floatComparer(x *tensor.Tensor, size int) func(i, j int) int {
	v := make([]float64, x.Len())
	num.Load64(v, x, 0)
	return comparer(v, size)
}

// comparer compares rows of a size. NaNs are equal to each other and stand last.
func comparer[T cmp.Ordered](rows []T, size int) func(i, j int) int {
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
