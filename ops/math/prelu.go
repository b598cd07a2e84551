package math

import (
	"errors"
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
	"ingot/ops"
	"ingot/tensor"
)

var preluLoops = binaryLoops{f32: vec.PRelu, vs: vec.LeakyRelu, f64: elem.PRelu[float64],
	i32: elem.PRelu[int32], i64: elem.PRelu[int64], u64: elem.PRelu[uint64]}

// PRelu broadcasts the slope to X, never X to the slope.
var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "PRelu", In: "X:T, slope:T", Out: "Y:T", Types: "T=math4",
	Vers: []ops.Ver{{Since: 16}, {Since: 9, Types: "T=math"}, {Since: 7, Types: "T=floats"}, {Since: 6, Up: alignSlope}, consumed},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		x, s := c.In(0), c.In(1)
		if x.Ranked && s.Ranked {
			both, err := ops.Broadcast(x.Shape, s.Shape)
			if err != nil {
				return err
			}
			for i, d := range both[len(both)-len(x.Shape):] {
				if len(both) > len(x.Shape) || (d.Known() && x.Shape[i].Known() && !d.Equal(x.Shape[i])) {
					return fmt.Errorf("slope of type %s doesn't broadcast to X of type %s", s, x)
				}
			}
		}
		return c.OutLike(0, 0)
	},
	Bind:    func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) { return preluLoops.bind(b) },
	InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
}))

// alignSlope serves versions in which a slope of C numbers belonged to the channels, dimension 1 of X.
func alignSlope(r *ops.Rewrite) error {
	x, s := r.Type(0), r.Type(1)
	if !s.Ranked {
		return errors.New("the rank of the slope must be known to place it")
	}
	if len(s.Shape) != 1 || s.Shape[0].Is(1) {
		return nil
	}
	if !x.Ranked {
		return errors.New("the rank of X must be known to place the slope")
	}
	return appendOnes(r, 1, 1, max(0, x.Rank()-2))
}

// Clip: newest form has its bounds as inputs. They are scalars, or vectors of one element.
var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Clip", In: "input:T, min:T?, max:T?", Out: "output:T", Types: "T=num4",
	Vers: []ops.Ver{{Since: 13}, {Since: 12, Types: "T=num"}, {Since: 11, Types: "T=floats"},
		{Since: 6, In: "input:T", Attrs: "+min:float=-3.4028234663852886e38 +max:float=3.4028234663852886e38", Up: clipBounds},
		{Since: 1, Attrs: "min:float max:float +consumed_inputs:ints", Up: ops.DropAttrs("consumed_inputs")}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		for i := 1; i <= 2; i++ {
			t := c.In(i)
			for _, d := range t.Shape {
				if n, ok := d.Int(); ok && n != 1 {
					return fmt.Errorf("input %d has shape %s, must be a scalar", i, t)
				}
			}
		}
		return c.OutLike(0, 0)
	},
	Bind:    bindClip,
	InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
}))

// clipBounds turns the bounds into inputs of the data's type. Absent ones stay absent.
func clipBounds(r *ops.Rewrite) error {
	dt := r.Type(0).DT
	for i, name := range []string{"min", "max"} {
		a := r.Take(name)
		if a == nil {
			continue
		}
		bound := r.Graph.Const(tensor.Scalar(a.F))
		if dt != tensor.Float32 {
			// CastLike works whether the data's type is known already or not.
			out, err := r.Graph.Emit("CastLike", nil, 1, bound, r.Input(0))
			if err != nil {
				return err
			}
			bound = out[0]
		}
		r.SetInput(i+1, bound)
	}
	return nil
}
