package math

import (
	"ingot/internal/kernel/elem"
	"ingot/ops"
	"ingot/tensor"
)

// Pow's result has the base's type. Integers with integer exponents are exact and wrap; any other pair is computed in floats of the wider
// kind, and converted to the base's type.
var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Pow", In: "X:T, Y:T1", Out: "Z:T", Types: "T=floats4|int32|int64; T1=num4",
	Vers: []ops.Ver{{Since: 15}, {Since: 13, Types: "T1=num"}, {Since: 12, Types: "T=floats|int32|int64"},
		{Since: 7, In: "X:T, Y:T", Types: "T=floats"}, legacyBroadcast(1, "")},
	Infer: func(c *ops.Infer, _ *noAttrs) error { return c.OutBroadcast(0, c.In(0).DT, 0, 1) },
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		x, y := b.In(0).DT, b.In(1).DT
		switch {
		case x == tensor.Float32 && y == tensor.Float32:
			return (&binaryLoops{f32: elem.Pow32, vs: elem.PowS, cost: costScalar}).bind(b)
		case x.IsInteger() && y.IsInteger():
			return bindBlocks(b, &viaInt, elem.Loop2Of(elem.PowInt[int64]), viaInt.put, viaInt.width, costScalar)
		case x == tensor.Float64 || x.IsInteger() || y == tensor.Float64 || y.IsInteger() && y.Bits() >= 32: // a float32 can't tell odd ones apart
			return bindBlocks(b, &via64, elem.Loop2Of(elem.Pow), via64.put, via64.width, costScalar)
		}
		return bindBlocks(b, &via32, elem.Loop2Of(elem.Pow32), via32.put, via32.width, costScalar)
	},
	InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
}))
