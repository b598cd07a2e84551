package math

import (
	"fmt"

	"ingot/internal/kernel/vec"
	"ingot/ops"
)

// SwiGLU is Swish(A)·B. The first step goes to the output, so that A may be overwritten but B may not.
var _ = Ops.Add(ops.Def(ops.Spec[alphaOne]{
	Name: "SwiGLU", In: "A:T, B:T", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 28}},
	Infer: func(c *ops.Infer, _ *alphaOne) error {
		a, b := c.In(0), c.In(1)
		if a.Ranked && b.Ranked {
			same := a.Rank() == b.Rank()
			for i := 0; same && i < a.Rank(); i++ {
				same = !a.Shape[i].Known() || !b.Shape[i].Known() || a.Shape[i].Equal(b.Shape[i])
			}
			if !same {
				return fmt.Errorf("inputs A and B must have the same shape, but are %s and %s", a, b)
			}
		}
		return c.OutLike(0, 0)
	},
	Bind: func(b *ops.Bind, a *alphaOne) (ops.Kernel, error) {
		l := binaryLoops{cost: 2 * costVector,
			f32: func(d, x, y []float32) {
				for len(d) > 0 { // blocks that stay in the cache between the steps
					n := min(len(d), 4096)
					vec.Swish(d[:n], x[:n], a.Alpha)
					vec.Mul(d[:n], d[:n], y[:n])
					d, x, y = d[n:], x[n:], y[n:]
				}
			},
			f64: func(d, x, y []float64) {
				for i, v := range x {
					d[i] = v * sigmoid(float64(a.Alpha)*v) * y[i]
				}
			}}
		return l.bind(b)
	},
	InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
}))
