package math

import (
	"ingot/internal/kernel/elem"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// Pow's result has the base's type. Integers with integer exponents are exact and wrap; any other pair is computed in floats of the wider
// kind, and converted to the base's type.
var opPow = ops.Def(ops.Spec[noAttrs]{
	Name: "Pow", In: "X:T, Y:T1", Out: "Z:T", Types: "T=floats4|int32|int64; T1=num4",
	Vers: []ops.Ver{{Since: 15}, {Since: 13, Types: "T1=num"}, {Since: 12, Types: "T=floats|int32|int64"},
		{Since: 7, In: "X:T, Y:T", Types: "T=floats"}, legacyBroadcast(1, "")},
	Infer: func(c *ops.Infer, _ *noAttrs) error { return c.OutBroadcast(0, c.In(0).DT, 0, 1) },
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		x, y := b.In(0).DT, b.In(1).DT
		switch {
		case x == tensor.Float32 && y == tensor.Float32:
			return bindBinary(b, elem.Binary[float32, float32]{VV: elem.Pow32, VS: elem.PowS}, costScalar)
		case x.IsInteger() && y.IsInteger():
			return bindBlocks(b, hubInt, elem.PowInt[int64], num.StoreInt, costScalar)
		case x == tensor.Float64 || x.IsInteger() || y == tensor.Float64:
			return bindBlocks(b, hub64, elem.Pow, num.Store64, costScalar)
		}
		return bindBlocks(b, hub32, elem.Pow32, num.Store32, costScalar)
	},
	InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
})
