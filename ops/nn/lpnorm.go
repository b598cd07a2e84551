package nn

import (
	"fmt"

	"ingot/ops"
)

type lpNormAttrs struct {
	Axis int `onnx:",-1"`
	P    int `onnx:",2"`
}

// LpNormalization divides the elements along an axis by their norm; where that is 0, so is the result.
func LpNormalization() *ops.Op {
	return ops.Def(ops.Spec[lpNormAttrs]{
		Name: "LpNormalization", In: "input:T", Out: "output:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 22}, {Since: 1, Types: "T=floats"}},
		Infer: func(c *ops.Infer, a *lpNormAttrs) error {
			if a.P != 1 && a.P != 2 {
				return fmt.Errorf("attribute p: %d; must be 1 or 2", a.P)
			}
			if s, ok := c.Shape(0); ok {
				if _, err := ops.Axis(a.Axis, len(s)); err != nil {
					return fmt.Errorf("attribute axis: %w", err)
				}
			}
			return c.OutLike(0, 0)
		},
		Bind: func(b *ops.Bind, a *lpNormAttrs) (ops.Kernel, error) {
			m := norm2
			if a.P == 1 {
				m = norm1
			}
			return bindAxes(b, []int{a.Axis}, m, 0)
		},
		InPlace: [][2]int8{{0, 0}},
	})
}
