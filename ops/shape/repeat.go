package shape

import (
	"errors"
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Expand", In: "input:T, shape:int64", Out: "output:T", Types: "T=all4", Vers: []ops.Ver{{Since: 13}, {Since: 8, Types: "T=all"}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		t := c.In(0)
		c.Ints(1)
		want, ok := c.Vals(1)
		if !ok {
			return outAtLeast(c, t)
		}
		for _, d := range want {
			if n, isNum := d.Int(); isNum && n < 0 {
				return fmt.Errorf("shape %s has a negative dimension", sym.ShapeString(want))
			}
		}
		if !t.Ranked {
			return c.OutUnranked(0, t.DT)
		}
		out, err := ops.Broadcast(t.Shape, want)
		if err != nil {
			return err
		}
		if err := outSized(c, 0, t.DT, out...); err != nil {
			return err
		}
		o := &c.Outs()[0]
		passVals(c, 0, 0, func(dims []int) (move.Copy, bool) {
			od, _ := o.Dims()
			return expandCopy(8, dims, od), true
		})
		return nil
	},
	View: func(c *ops.Infer, _ *noAttrs, _ int) (int, int, bool) { return 0, 0, sameSize(c) },
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		return bindCopy(expandCopy(b.In(0).DT.Size(), b.Dims(0), b.OutDims(0))), nil
	},
}))

// outAtLeast sets output 0 to the broadcast of the input and of a shape of which at most the length is known.
func outAtLeast(c *ops.Infer, t *ops.Type) error {
	s, ok := c.Shape(1)
	if !ok || len(s) != 1 || !t.Ranked {
		return c.OutUnranked(0, t.DT)
	}
	n, ok := s[0].Int()
	if !ok || n > maxRank {
		return c.OutUnranked(0, t.DT)
	}
	return c.OutRank(0, t.DT, max(int(n), len(t.Shape)))
}

// sameSize reports whether output 0 has as many elements as input 0, both known: an operator that repeats had nothing to repeat.
func sameSize(c *ops.Infer) bool {
	a, okA := sym.Prod(c.In(0).Shape).Int()
	b, okB := sym.Prod(c.Outs()[0].Shape).Int()
	return okA && okB && a == b
}

// expandCopy returns the copy that broadcasts a tensor to a shape.
func expandCopy(width int, dims, out []int) move.Copy {
	src := strides(dims)
	loops := make([]move.Dim, len(out))
	n, off := 1, len(out)-len(dims)
	for i := len(out) - 1; i >= 0; i-- {
		loops[i] = move.Dim{N: out[i], Dst: n}
		if k := i - off; k >= 0 && dims[k] != 1 {
			loops[i].Src = src[k]
		}
		n *= out[i]
	}
	return move.NewCopy(width, 0, 0, loops...)
}

var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Tile", In: "input:T, repeats:T1", Out: "output:T", Types: "T=all4; T1=int64",
	Vers: []ops.Ver{{Since: 13}, {Since: 6, Types: "T=all"}, {Since: 1, In: "input:T, tiles:T, axis:T", Types: "T=floats", Up: tileAxis}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		t := c.In(0)
		c.Ints(1)
		reps, ok := c.Vals(1)
		if !t.Ranked {
			return outOfLen(c, 0, t.DT, 1)
		}
		if !ok {
			return c.OutRank(0, t.DT, len(t.Shape))
		}
		if len(reps) != len(t.Shape) {
			return fmt.Errorf("%d repeats for an input of rank %d", len(reps), len(t.Shape))
		}
		out := make([]ops.Dim, len(reps))
		for i, r := range reps {
			if n, isNum := r.Int(); isNum && n < 0 {
				return fmt.Errorf("repeats %s has a negative number", sym.ShapeString(reps))
			}
			out[i] = t.Shape[i].Mul(r)
		}
		if err := outSized(c, 0, t.DT, out...); err != nil {
			return err
		}
		o := &c.Outs()[0]
		passVals(c, 0, 0, func(dims []int) (move.Copy, bool) {
			od, _ := o.Dims()
			return tileCopy(8, dims, od), true
		})
		return nil
	},
	View: func(c *ops.Infer, _ *noAttrs, _ int) (int, int, bool) { return 0, 0, sameSize(c) },
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		return bindCopy(tileCopy(b.In(0).DT.Size(), b.Dims(0), b.OutDims(0))), nil
	},
}))

// tileCopy returns the copy that repeats a tensor until it fills a shape.
func tileCopy(width int, dims, out []int) move.Copy {
	src := strides(dims)
	loops := make([]move.Dim, 2*len(out))
	n := 1
	for i := len(out) - 1; i >= 0; i-- {
		loops[2*i+1] = move.Dim{N: dims[i], Dst: n, Src: src[i]}
		n *= dims[i]
		reps := 0
		if dims[i] > 0 {
			reps = out[i] / dims[i]
		}
		loops[2*i] = move.Dim{N: reps, Dst: n}
		n *= reps
	}
	return move.NewCopy(width, 0, 0, loops...)
}

// tileAxis makes the repeats of today of version 1's number of tiles along one axis.
func tileAxis(r *ops.Rewrite) error {
	rank := r.Type(0).Rank()
	if rank < 0 {
		return errors.New("the rank of the input must be known in this version")
	}
	ones := make([]int64, rank)
	for i := range ones {
		ones[i] = 1
	}
	vector := func(in ops.Ref) (ops.Ref, error) {
		out, err := r.Graph.Emit("Cast", ops.Attrs{"to": ops.IntAttr(tensor.Int64)}, 1, in)
		if err == nil {
			out, err = r.Graph.Emit("Reshape", nil, 1, out[0], r.Graph.Const(tensor.Of([]int64{1})))
		}
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}
	tiles, err := vector(r.Input(1))
	if err != nil {
		return err
	}
	axis, err := vector(r.Input(2))
	if err != nil {
		return err
	}
	out, err := r.Graph.Emit("ScatterElements", nil, 1, r.Graph.Const(tensor.Of(ones)), axis, tiles)
	if err != nil {
		return err
	}
	r.In = []ops.Ref{r.Input(0), out[0]}
	return nil
}
