package shape

import (
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/kernel/random"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type dropoutAttrs struct{ Seed *int64 }

// Dropout is an identity, except in training. The mask is then random, and the same as that of the standard's reference implementation if
// there is a seed.
var _ = Ops.Add(ops.Def(ops.Spec[dropoutAttrs]{
	Name: "Dropout", In: "data:T, ratio:T1?, training_mode:T2?", Out: "output:T, mask:T2?", Types: "T=floats4|float8; T1=floats4|float8; T2=bool",
	Vers: []ops.Ver{{Since: 22}, {Since: 13, Types: "T=floats4; T1=floats"}, {Since: 12, Types: "T=floats"},
		{Since: 10, In: "data:T", Out: "output:T, mask:T1?", Types: "T1=bool", Attrs: "-seed +ratio:float=0.5", Up: ops.DropAttrs("ratio")},
		{Since: 7, Out: "output:T, mask:T?", Up: maskOfType},
		{Since: 6, Attrs: "+is_test:int=0", Up: testAttr},
		{Since: 1, Attrs: "+consumed_inputs:ints", Up: ops.DropAttrs("consumed_inputs")}},
	Infer: inferDropout,
	View: func(c *ops.Infer, _ *dropoutAttrs, o int) (int, int, bool) {
		return 0, 0, o == 0 && !c.Has(2) || o == 0 && c.In(2).Data != nil && !isTrue(c.In(2).Data)
	},
	Eval: evalDropout, InPlace: [][2]int8{{0, 0}}, Flags: ops.Random,
}))

// testAttr makes explicit that version 6 trains unless told not to.
func testAttr(r *ops.Rewrite) error {
	test, ratio := r.Take("is_test"), r.Take("ratio")
	if test == nil || test.I == 0 {
		v := float32(0.5)
		if ratio != nil {
			v = ratio.F
		}
		r.SetInput(1, r.Graph.Const(tensor.Scalar(v)))
		r.SetInput(2, r.Graph.Const(tensor.Scalar(true)))
	}
	return nil
}

// maskOfType gives the mask the data's type, which it had before version 10.
func maskOfType(r *ops.Rewrite) error {
	if len(r.Out) < 2 || r.Out[1] == nil {
		return nil
	}
	old := r.Out[1]
	r.Out[1] = r.Graph.NewValue()
	return r.Graph.EmitAfter("CastLike", nil, old, r.Out[1], r.Input(0))
}

func inferDropout(c *ops.Infer, _ *dropoutAttrs) error {
	if err := c.OutLike(0, 0); err != nil {
		return err
	}
	t := c.In(0)
	return c.OutType(1, ops.Type{DT: tensor.Bool, Shape: t.Shape, Ranked: t.Ranked})
}

func isTrue(t *tensor.Tensor) bool {
	b := t.Bytes()
	return len(b) > 0 && b[0] != 0
}

func evalDropout(c *ops.Call, a *dropoutAttrs) error {
	x, y, mask := c.In(0), c.Out(0), c.Out(1)
	ratio := 0.5
	if c.Has(1) {
		var err error
		if ratio, err = scalar64(c.In(1), "ratio"); err != nil {
			return err
		}
		if !(ratio >= 0 && ratio < 1) {
			return fmt.Errorf("ratio %g is outside of [0,1)", ratio)
		}
	}
	if !c.Has(2) || !isTrue(c.In(2)) || ratio == 0 {
		if y != nil {
			copy(y.Bytes(), x.Bytes())
		}
		if mask != nil {
			move.Fill(mask.Bytes(), 1)
		}
		return nil
	}
	d := dropper{x: x, y: y, mask: mask, ratio: ratio, n: x.Len()}
	if a.Seed != nil {
		d.src = random.NewTwister(uint32(*a.Seed))
		d.run(0, d.n)
		return nil
	}
	d.src = random.Philox(c.Env.Seed())
	return c.For(d.n, 1<<12, d.run)
}

// dropper computes a range of a Dropout in training.
type dropper struct {
	x, y, mask *tensor.Tensor
	src        random.Source
	ratio      float64
	n          int
}

func (d *dropper) run(lo, hi int) {
	var u, v [256]float64
	scale := 1 / (1 - d.ratio)
	for lo < hi {
		n := min(len(u), hi-lo)
		d.src.Fill(u[:n], lo)
		num.Load64(v[:n], d.x, lo)
		for i, r := range u[:n] {
			keep := r >= d.ratio
			if d.mask != nil {
				d.mask.Bytes()[lo+i] = 0
				if keep {
					d.mask.Bytes()[lo+i] = 1
				}
			}
			if keep {
				v[i] *= scale
			} else {
				v[i] *= 0
			}
		}
		if d.y != nil {
			num.Store64(d.y, lo, v[:n])
		}
		lo += n
	}
}
