package control

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

type ifAttrs struct {
	ThenBranch *ops.Subgraph `onnx:",required"`
	ElseBranch *ops.Subgraph `onnx:",required"`
}

// If runs one of two bodies.
var If = Ops.Add(ops.Def(ops.Spec[ifAttrs]{
	Name: "If", In: "cond:B", Out: "outputs:~V*", Types: "B=bool; V=" + values25,
	Vers: []ops.Ver{{Since: 25}, {Since: 24, Types: "V=" + values24}, {Since: 23, Types: "V=" + values23}, {Since: 21, Types: "V=" + values21},
		{Since: 19, Types: "V=" + values19}, {Since: 16, Types: "V=" + values16}, {Since: 13, Types: "V=" + values13},
		{Since: 11, Types: "V=" + tensors11}, {Since: 1}},
	Infer: func(c *ops.Infer, a *ifAttrs) error {
		for _, g := range []*ops.Subgraph{a.ThenBranch, a.ElseBranch} {
			if g.NumIn != 0 || g.NumOut != c.NumOut() {
				return fmt.Errorf("a branch has %d inputs and %d outputs; it must have none and %d", g.NumIn, g.NumOut, c.NumOut())
			}
		}
		if d := c.In(0).Data; d != nil && d.Len() == 1 {
			outs, err := c.InferBody(a.branch(d), nil)
			for o := range outs {
				c.OutType(o, forget(outs[o]))
			}
			return err
		}
		then, errThen := c.InferBody(a.ThenBranch, nil)
		other, errElse := c.InferBody(a.ElseBranch, nil)
		switch {
		case errThen != nil && errElse != nil:
			return fmt.Errorf("then_branch: %w; else_branch: %w", errThen, errElse)
		case errThen != nil: // a branch that doesn't fit these shapes may be there for others
			then = other
		case errElse != nil:
			other = then
		}
		if errThen != nil || errElse != nil {
			for o := range then {
				if t := forget(then[o]); t.Kind == ops.KindTensor {
					c.OutUnranked(o, t.DT)
				} else {
					c.OutType(o, t)
				}
			}
			return nil
		}
		for o := range then {
			t, err := merge(then[o], other[o])
			if err != nil {
				return fmt.Errorf("output %d: %w", o, err)
			}
			c.OutType(o, t)
		}
		return nil
	},
	Eval: func(c *ops.Call, a *ifAttrs) error {
		if _, err := truth(c.Value(0), "the condition"); err != nil {
			return err
		}
		outs, err := c.RunBody(a.branch(c.In(0)), nil)
		for o := range outs {
			if err == nil {
				err = give(c, o, outs[o])
			}
		}
		return err
	},
}))

func (a *ifAttrs) branch(cond *tensor.Tensor) *ops.Subgraph {
	if cond.Bytes()[0] != 0 {
		return a.ThenBranch
	}
	return a.ElseBranch
}
