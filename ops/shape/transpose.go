package shape

import (
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/ops"
)

type transposeAttrs struct {
	Perm []int
}

var _ = Ops.Add(ops.Def(ops.Spec[transposeAttrs]{
	Name: "Transpose", In: "data:T", Out: "transposed:T", Types: "T=all13",
	Vers: since25("T", ops.Ver{Since: 13, Types: "T=all4"}, ops.Ver{Since: 1, Types: "T=all"}),
	Infer: func(c *ops.Infer, a *transposeAttrs) error {
		t := c.In(0)
		if !t.Ranked {
			if a.Perm != nil {
				if _, err := a.perm(len(a.Perm)); err != nil {
					return err
				}
				return c.OutRank(0, t.DT, len(a.Perm))
			}
			return c.OutUnranked(0, t.DT)
		}
		perm, err := a.perm(len(t.Shape))
		if err != nil {
			return err
		}
		out := make([]ops.Dim, len(perm))
		for i, p := range perm {
			out[i] = t.Shape[p]
		}
		if err := c.Out(0, t.DT, out...); err != nil {
			return err
		}
		passVals(c, 0, 0, func(dims []int) (move.Copy, bool) { return transposeOf(8, dims, perm), true })
		return nil
	},
	View: func(c *ops.Infer, a *transposeAttrs, _ int) (int, int, bool) {
		t := c.In(0)
		dims, ok := t.Dims()
		perm, err := a.perm(len(dims))
		if !ok || err != nil {
			return 0, 0, false
		}
		off, ok := viewOf(t, transposeOf(t.DT.Size(), dims, perm))
		return 0, off, ok
	},
	Bind: func(b *ops.Bind, a *transposeAttrs) (ops.Kernel, error) {
		perm, err := a.perm(len(b.Dims(0)))
		if err != nil {
			return nil, err
		}
		return bindCopy(transposeOf(b.In(0).DT.Size(), b.Dims(0), perm)), nil
	},
}))

// perm returns the order of dimensions for a rank; reversed when the attribute is absent.
func (a *transposeAttrs) perm(rank int) ([]int, error) {
	if a.Perm == nil {
		out := make([]int, rank)
		for i := range out {
			out[i] = rank - 1 - i
		}
		return out, nil
	}
	if len(a.Perm) != rank {
		return nil, fmt.Errorf("attribute perm: %v orders %d dimensions, but the input has %d", a.Perm, len(a.Perm), rank)
	}
	for _, p := range a.Perm {
		if p < 0 { // the standard counts no dimension from the end here
			return nil, fmt.Errorf("attribute perm: %v has a negative dimension", a.Perm)
		}
	}
	out, err := ops.Axes(a.Perm, rank)
	if err != nil {
		return nil, fmt.Errorf("attribute perm: %v: %w", a.Perm, err)
	}
	return out, nil
}

// transposeOf returns the copy that transposes a tensor.
func transposeOf(width int, dims, perm []int) move.Copy {
	src := strides(dims)
	loops := make([]move.Dim, len(perm))
	n := 1
	for i := len(perm) - 1; i >= 0; i-- {
		loops[i] = move.Dim{N: dims[perm[i]], Dst: n, Src: src[perm[i]]}
		n *= loops[i].N
	}
	return move.NewCopy(width, 0, 0, loops...)
}
