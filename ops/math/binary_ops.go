package math

import (
	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
	"ingot/ops"
	"ingot/tensor"
)

// binaryOf declares a function of two elements, broadcast, whose result has their type. vals computes it on dimensions; nil where shapes
// are never computed with it.
func binaryOf[A any](name, in, out, types string, vers []ops.Ver, vals func(a *A, x, y ops.Dim) (ops.Dim, bool), loops func(a *A) (binaryLoops, error)) *ops.Op {
	return ops.Def(ops.Spec[A]{
		Name: name, In: in, Out: out, Types: types, Vers: vers,
		Infer: func(c *ops.Infer, a *A) error {
			if _, err := loops(a); err != nil {
				return err
			}
			if err := c.OutBroadcast(0, c.In(0).DT, 0, 1); err != nil {
				return err
			}
			if vals != nil {
				pairVals(c, c.In(0).DT, func(x, y ops.Dim) (ops.Dim, bool) { return vals(a, x, y) })
			}
			return nil
		},
		Bind: func(b *ops.Bind, a *A) (ops.Kernel, error) {
			l, err := loops(a)
			if err != nil {
				return nil, err
			}
			return l.bind(b)
		},
		InPlace: [][2]int8{{0, 0}, {0, 1}}, Layout: ops.Layout{Kind: ops.Agnostic},
	})
}

func binary(name, in, out, types string, vers []ops.Ver, vals func(x, y ops.Dim) (ops.Dim, bool), l binaryLoops) *ops.Op {
	var v func(_ *noAttrs, x, y ops.Dim) (ops.Dim, bool)
	if vals != nil {
		v = func(_ *noAttrs, x, y ops.Dim) (ops.Dim, bool) { return vals(x, y) }
	}
	return binaryOf(name, in, out, types, vers, v, func(*noAttrs) (binaryLoops, error) { return l, nil })
}

// compare declares a comparison, broadcast.
func compare(name, types string, vers []ops.Ver, vals func(x, y ops.Dim) (ops.Dim, bool), l compareLoops) *ops.Op {
	return ops.Def(ops.Spec[noAttrs]{
		Name: name, In: "A:T, B:T", Out: "C:T1", Types: types + "; T1=bool", Vers: vers,
		Infer: func(c *ops.Infer, _ *noAttrs) error {
			if err := c.OutBroadcast(0, tensor.Bool, 0, 1); err != nil {
				return err
			}
			pairVals(c, tensor.Bool, vals)
			return nil
		},
		Bind:   func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) { return l.bind(b) },
		Layout: ops.Layout{Kind: ops.Agnostic},
	})
}

// A loop that signed integers lack is that of the unsigned ones of their width, and what 8- and 16-bit integers lack is computed in int64.
var (
	_ = Ops.Add(binary("Add", "A:T, B:T", "C:T", "T=num4", sinceArith, addVal, binaryLoops{
		f32: vec.Add, vs: vec.AddS, sv: func(d []float32, s float32, b []float32) { vec.AddS(d, b, s) },
		f64: elem.Add[float64], u8: elem.Add[uint8], u32: elem.Add[uint32], u64: elem.Add[uint64]}))
	_ = Ops.Add(binary("Sub", "A:T, B:T", "C:T", "T=num4", sinceArith, subVal, binaryLoops{
		f32: vec.Sub, vs: func(d, a []float32, s float32) { vec.AddS(d, a, -s) },
		sv:  func(d []float32, s float32, b []float32) { vec.RSubS(d, b, s) },
		f64: elem.Sub[float64], u8: elem.Sub[uint8], u32: elem.Sub[uint32], u64: elem.Sub[uint64]}))
	_ = Ops.Add(binary("Mul", "A:T, B:T", "C:T", "T=num4", sinceArith, mulVal, binaryLoops{
		f32: vec.Mul, vs: vec.MulS, sv: func(d []float32, s float32, b []float32) { vec.MulS(d, b, s) },
		f64: elem.Mul[float64], u8: elem.Mul[uint8], u32: elem.Mul[uint32], u64: elem.Mul[uint64]}))
	_ = Ops.Add(binary("Div", "A:T, B:T", "C:T", "T=num4", sinceArith, divVal, binaryLoops{
		f32: vec.Div, vs: vec.DivS, sv: func(d []float32, s float32, b []float32) { vec.RDivS(d, b, s) },
		f64: elem.Div[float64], i32: elem.DivInt[int32], i64: elem.DivInt[int64], u64: elem.DivInt[uint64]}))

	_ = Ops.Add(binaryOf("Mod", "A:T, B:T", "C:T", "T=num4", []ops.Ver{{Since: 28}, {Since: 13}, {Since: 10, Types: "T=num"}}, modVal, modLoops))

	// Comparisons of signed and unsigned integers differ but for Equal.
	_ = Ops.Add(compare("Equal", "T=num4|bool|string", sinceEqual, equalVal, compareLoops{f32: elem.Equal[float32], f64: elem.Equal[float64],
		u8: elem.Equal[uint8], i32: elem.Equal[int32], i64: elem.Equal[int64], u64: elem.Equal[uint64], str: elem.Equal[string]}))
	_ = Ops.Add(compare("Less", "T=num4", sinceLess, lessVal, less))
	_ = Ops.Add(compare("LessOrEqual", "T=num4", sinceLessOrEqual, lessEqualVal, lessEqual))
	_ = Ops.Add(compare("Greater", "T=num4", sinceLess, swapped(lessVal), less.swapped()))
	_ = Ops.Add(compare("GreaterOrEqual", "T=num4", sinceLessOrEqual, swapped(lessEqualVal), lessEqual.swapped()))

	less = compareLoops{f32: elem.Less[float32], f64: elem.Less[float64],
		i32: elem.Less[int32], i64: elem.Less[int64], u64: elem.Less[uint64]}
	lessEqual = compareLoops{f32: elem.LessEqual[float32], f64: elem.LessEqual[float64],
		i32: elem.LessEqual[int32], i64: elem.LessEqual[int64], u64: elem.LessEqual[uint64]}

	sinceEqual = []ops.Ver{{Since: 19}, {Since: 13, Types: "T=num4|bool"}, {Since: 11, Types: "T=num|bool"},
		{Since: 7, Types: "T=bool|int32|int64"}, legacyBroadcast(1, "")}
	sinceLess        = []ops.Ver{{Since: 13}, {Since: 9, Types: "T=num"}, {Since: 7, Types: "T=floats"}, legacyBroadcast(1, "")}
	sinceLessOrEqual = []ops.Ver{{Since: 16}, {Since: 12, Types: "T=num"}}
)

type modAttrs struct {
	Fmod bool `onnx:",0"`
}

func modLoops(a *modAttrs) (binaryLoops, error) {
	if a.Fmod {
		return binaryLoops{f32: elem.Rem[float32], f64: elem.Rem[float64],
			i32: elem.RemInt[int32], i64: elem.RemInt[int64], u64: elem.RemInt[uint64], cost: costScalar}, nil
	}
	return binaryLoops{f32: elem.Mod[float32], f64: elem.Mod[float64],
		i32: elem.ModInt[int32], i64: elem.ModInt[int64], u64: elem.RemInt[uint64], cost: costScalar}, nil
}
