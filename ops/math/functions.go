package math

import (
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
)

// The functions of one number. Where package vec has no loop for float32, it is computed in float64 and rounded once.

var (
	_ = Ops.Add(unary("Acos", "input", "output", "T=floats4", since22and7, scalarLoops(math.Acos)))
	_ = Ops.Add(unary("Acosh", "input", "output", "T=floats4", since22and9, scalarLoops(math.Acosh)))
	_ = Ops.Add(unary("Asin", "input", "output", "T=floats4", since22and7, scalarLoops(math.Asin)))
	_ = Ops.Add(unary("Asinh", "input", "output", "T=floats4", since22and9, scalarLoops(math.Asinh)))
	_ = Ops.Add(unary("Atan", "input", "output", "T=floats4", since22and7, scalarLoops(math.Atan)))
	_ = Ops.Add(unary("Atanh", "input", "output", "T=floats4", since22and9, scalarLoops(math.Atanh)))
	_ = Ops.Add(unary("Cos", "input", "output", "T=floats4", since22and7, vectorLoops(vec.Cos, math.Cos)))
	_ = Ops.Add(unary("Cosh", "input", "output", "T=floats4", since22and9, scalarLoops(math.Cosh)))
	_ = Ops.Add(unary("Sin", "input", "output", "T=floats4", since22and7, vectorLoops(vec.Sin, math.Sin)))
	_ = Ops.Add(unary("Sinh", "input", "output", "T=floats4", since22and9, scalarLoops(math.Sinh)))
	_ = Ops.Add(unary("Tan", "input", "output", "T=floats4", since22and7, scalarLoops(math.Tan)))
	_ = Ops.Add(unary("Tanh", "input", "output", "T=floats4", since13and6, vectorLoops(vec.Tanh, math.Tanh)))

	_ = Ops.Add(unary("Ceil", "X", "Y", "T=floats4", since13and6, vectorLoops(vec.Ceil, math.Ceil).at(costMove)))
	_ = Ops.Add(unary("Exp", "input", "output", "T=floats4", since13and6, vectorLoops(vec.Exp, math.Exp)))
	_ = Ops.Add(unary("Floor", "X", "Y", "T=floats4", since13and6, vectorLoops(vec.Floor, math.Floor).at(costMove)))
	_ = Ops.Add(unary("Log", "input", "output", "T=floats4", since13and6, vectorLoops(vec.Log, math.Log)))
	_ = Ops.Add(unary("Reciprocal", "X", "Y", "T=floats4", since13and6,
		vectorLoops(vec.Reciprocal, func(v float64) float64 { return 1 / v }).at(costMove)))
	_ = Ops.Add(unary("Round", "X", "Y", "T=floats4", since22and11, vectorLoops(vec.Round, math.RoundToEven).at(costMove)))
	_ = Ops.Add(unary("Sqrt", "X", "Y", "T=floats4", since13and6, vectorLoops(vec.Sqrt, math.Sqrt).at(costMove)))

	_ = Ops.Add(unary("Abs", "X", "Y", "T=num4", sinceAbs, unaryLoops{f32: vec.Abs, f64: map64(math.Abs),
		i32: elem.Abs[int32], i64: elem.Abs[int64], u64: same}))
	_ = Ops.Add(unary("Neg", "X", "Y", "T=floats4|sints", sinceNeg, unaryLoops{f32: vec.Neg, f64: map64(func(v float64) float64 { return -v }),
		i32: elem.Neg[int32], i64: elem.Neg[int64]}))
	_ = Ops.Add(unary("Sign", "input", "output", "T=num4", sinceSign, unaryLoops{f32: vec.Sign, f64: elem.Sign[float64],
		i32: elem.Sign[int32], i64: elem.Sign[int64], u64: elem.Sign[uint64]}))
	_ = Ops.Add(unary("Erf", "input", "output", "T=floats4", sinceErf, vectorLoops(vec.Erf, math.Erf).withInts()))
)

func map64(f func(float64) float64) func(d, s []float64) {
	return func(d, s []float64) { elem.Map64(d, s, f) }
}

func same(d, s []uint64) { copy(d, s) }
