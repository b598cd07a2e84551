package shape

import (
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type shapeAttrs struct {
	Start int `onnx:",0"`
	End   *int
}

var _ = Ops.Add(ops.Def(ops.Spec[shapeAttrs]{
	Name: "Shape", In: "data:T", Out: "shape:T1", Types: "T=all13; T1=int64",
	Vers: since25("T", ops.Ver{Since: 19, Types: "T=all9"}, ops.Ver{Since: 15, Types: "T=all4"}, ops.Ver{Since: 13, Attrs: "-start -end"},
		ops.Ver{Since: 1, Types: "T=all"}),
	Infer: func(c *ops.Infer, a *shapeAttrs) error {
		t := c.In(0)
		if !t.Ranked {
			return c.Out(0, tensor.Int64, sym.Unknown())
		}
		lo, hi := a.bounds(len(t.Shape))
		if err := c.Out(0, tensor.Int64, ops.Num(hi-lo)); err != nil {
			return err
		}
		c.SetVal(0, append([]ops.Dim{}, t.Shape[lo:hi]...))
		return nil
	},
	Eval: func(c *ops.Call, a *shapeAttrs) error {
		d := c.In(0).Dims()
		lo, hi := a.bounds(len(d))
		out, err := c.OutOrAlloc(0, tensor.Int64, hi-lo)
		if err != nil {
			return err
		}
		v := tensor.View[int64](out)
		for i := range v {
			v[i] = int64(d[lo+i])
		}
		return nil
	},
}))

// bounds returns the dimensions that are asked for, clamped to the rank.
func (a *shapeAttrs) bounds(rank int) (lo, hi int) {
	clamp := func(v int) int {
		if v < 0 {
			v += rank
		}
		return max(0, min(v, rank))
	}
	lo, hi = clamp(a.Start), rank
	if a.End != nil {
		hi = clamp(*a.End)
	}
	return lo, max(lo, hi)
}

var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Size", In: "data:T", Out: "size:T1", Types: "T=all13; T1=int64",
	Vers: since25("T", ops.Ver{Since: 19, Types: "T=all9"}, ops.Ver{Since: 13, Types: "T=all4"}, ops.Ver{Since: 1, Types: "T=all"}),
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		if t := c.In(0); t.Ranked {
			defer c.SetVal(0, []ops.Dim{sym.Prod(t.Shape)})
		}
		return c.Out(0, tensor.Int64)
	},
	Eval: func(c *ops.Call, _ *noAttrs) error {
		tensor.View[int64](c.Out(0))[0] = int64(c.In(0).Len())
		return nil
	},
}))
