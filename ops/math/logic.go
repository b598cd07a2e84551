package math

import (
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/ops"
	"ingot/tensor"
)

// logical declares an operator on bools.
func logical(name string, f func(d, a, b []uint8)) *ops.Op {
	return binaryLogical(name, "T=bool; T1=bool", "C:T1", sinceLogical, binaryLoops{u8: f})
}

// bitwise declares an operator on the bits of integers.
func bitwise(name string, l binaryLoops) *ops.Op {
	return binaryLogical(name, "T=ints", "C:T", []ops.Ver{{Since: 18}}, l)
}

func binaryLogical(name, types, out string, vers []ops.Ver, l binaryLoops) *ops.Op {
	return binary(name, "A:T, B:T", out, types, vers, nil, l)
}

type shiftAttrs struct {
	Direction string `onnx:",required"`
}

type isInfAttrs struct {
	DetectNegative bool `onnx:",1"`
	DetectPositive bool `onnx:",1"`
}

var (
	_ = Ops.Add(logical("And", elem.And[uint8]))
	_ = Ops.Add(logical("Or", elem.Or[uint8]))
	_ = Ops.Add(logical("Xor", elem.Xor[uint8]))
	_ = Ops.Add(unary("Not", "X", "Y", "T=bool", []ops.Ver{{Since: 1}}, unaryLoops{u8: elem.NotBool}))

	_ = Ops.Add(bitwise("BitwiseAnd", binaryLoops{u8: elem.And[uint8], u32: elem.And[uint32], u64: elem.And[uint64]}))
	_ = Ops.Add(bitwise("BitwiseOr", binaryLoops{u8: elem.Or[uint8], u32: elem.Or[uint32], u64: elem.Or[uint64]}))
	_ = Ops.Add(bitwise("BitwiseXor", binaryLoops{u8: elem.Xor[uint8], u32: elem.Xor[uint32], u64: elem.Xor[uint64]}))
	_ = Ops.Add(unary("BitwiseNot", "X", "Y", "T=ints", []ops.Ver{{Since: 18}},
		unaryLoops{u8: elem.Not[uint8], u32: elem.Not[uint32], u64: elem.Not[uint64]}))

	_ = Ops.Add(binaryOf("BitShift", "X:T, Y:T", "Z:T", "T=ints", []ops.Ver{{Since: 28}, {Since: 11, Types: "T=uints"}}, nil, shiftLoops))

	_ = Ops.Add(test("IsNaN", []ops.Ver{{Since: 20}, {Since: 13, Types: "T1=floats4"}, {Since: 9, Types: "T1=floats"}},
		func(*noAttrs) (func([]uint8, []float32), func([]uint8, []float64)) {
			return elem.IsNaN[float32], elem.IsNaN[float64]
		}))
	_ = Ops.Add(test("IsInf", []ops.Ver{{Since: 20}, {Since: 10, Types: "T1=float|double"}},
		func(a *isInfAttrs) (func([]uint8, []float32), func([]uint8, []float64)) {
			pos, neg := a.DetectPositive, a.DetectNegative
			return func(d []uint8, s []float32) { elem.IsInf(d, s, pos, neg) }, func(d []uint8, s []float64) { elem.IsInf(d, s, pos, neg) }
		}))
)

func shiftLoops(a *shiftAttrs) (binaryLoops, error) {
	switch a.Direction {
	case "LEFT":
		return binaryLoops{i32: elem.Shl[int32], i64: elem.Shl[int64], u64: elem.Shl[uint64]}, nil
	case "RIGHT":
		return binaryLoops{i32: elem.Shr[int32], i64: elem.Shr[int64], u64: elem.Shr[uint64]}, nil
	}
	return binaryLoops{}, fmt.Errorf(`attribute direction: %q, must be "LEFT" or "RIGHT"`, a.Direction)
}

// test declares a function from a float to a bool.
func test[A any](name string, vers []ops.Ver, loops func(a *A) (func([]uint8, []float32), func([]uint8, []float64))) *ops.Op {
	return ops.Def(ops.Spec[A]{
		Name: name, In: "X:T1", Out: "Y:T2", Types: "T1=floats4|float8; T2=bool", Vers: vers,
		Infer: func(c *ops.Infer, _ *A) error {
			t := c.In(0)
			return c.OutType(0, ops.Type{DT: tensor.Bool, Shape: t.Shape, Ranked: t.Ranked})
		},
		Bind: func(b *ops.Bind, a *A) (ops.Kernel, error) {
			f32, f64 := loops(a)
			switch b.In(0).DT {
			case tensor.Float32:
				return bindUnary(b, elem.Loop1Of(f32), costLoop)
			case tensor.Float64:
				return bindUnary(b, elem.Loop1Of(f64), costLoop)
			}
			return bindVia(b, &via32, elem.Loop1Of(f32), costLoop)
		},
		Layout: ops.Layout{Kind: ops.Agnostic},
	})
}
