package reduce

import (
	"math"

	"ingot/internal/kernel/vec"
)

// Sum adds.
func Sum[T Number]() Loops[T] {
	return Loops[T]{Init: 0, Run: sum[T], Join: add[T], Acc: addRow[T], JoinRow: addRow[T]}
}

// SumAbs adds magnitudes.
func SumAbs[T Number]() Loops[T] {
	return Loops[T]{Init: 0, Run: sumAbs[T], Join: add[T], Acc: addAbsRow[T], JoinRow: addRow[T]}
}

// SumSq adds squares.
func SumSq[T Number]() Loops[T] {
	return Loops[T]{Init: 0, Run: sumSq[T], Join: add[T], Acc: addSqRow[T], JoinRow: addRow[T]}
}

// Prod multiplies.
func Prod[T Number]() Loops[T] {
	return Loops[T]{Init: 1, Run: prod[T], Join: mul[T], Acc: mulRow[T], JoinRow: mulRow[T]}
}

// Max is the greatest element; init is the result of none.
func Max[T Number](init T) Loops[T] {
	return Loops[T]{Init: init, Run: maxOf[T], Join: greater[T], Acc: maxRow[T], JoinRow: maxRow[T]}
}

// Min is the least element; init is the result of none.
func Min[T Number](init T) Loops[T] {
	return Loops[T]{Init: init, Run: minOf[T], Join: lesser[T], Acc: minRow[T], JoinRow: minRow[T]}
}

// The same over float32, with the loops of package vec.
var (
	Sum32    = Loops[float32]{Init: 0, Run: vec.Sum, Join: add[float32], Acc: addRow32, JoinRow: addRow32}
	SumAbs32 = Loops[float32]{Init: 0, Run: vec.SumAbs, Join: add[float32], Acc: addAbsRow[float32], JoinRow: addRow32}
	SumSq32  = Loops[float32]{Init: 0, Run: vec.SumSq, Join: add[float32], Acc: addSqRow32, JoinRow: addRow32}
	Prod32   = Loops[float32]{Init: 1, Run: prod[float32], Join: mul[float32], Acc: mulRow32, JoinRow: mulRow32}
	Max32    = Loops[float32]{Init: float32(math.Inf(-1)), Run: vec.MaxOf, Join: greater[float32], Acc: maxRow32, JoinRow: maxRow32}
	Min32    = Loops[float32]{Init: float32(math.Inf(1)), Run: vec.MinOf, Join: lesser[float32], Acc: minRow32, JoinRow: minRow32}
)

func addRow32(acc, x []float32)   { vec.Add(acc, acc, x) }
func addSqRow32(acc, x []float32) { vec.MulAdd(acc, x, x, acc) }
func mulRow32(acc, x []float32)   { vec.Mul(acc, acc, x) }
func maxRow32(acc, x []float32)   { vec.Max(acc, acc, x) }
func minRow32(acc, x []float32)   { vec.Min(acc, acc, x) }

func add[T Number](a, b T) T     { return a + b }
func mul[T Number](a, b T) T     { return a * b }
func greater[T Number](a, b T) T { return max(a, b) }
func lesser[T Number](a, b T) T  { return min(a, b) }

func sum[T Number](x []T) T {
	var s T
	for _, v := range x {
		s += v
	}
	return s
}

func sumAbs[T Number](x []T) T {
	var s T
	for _, v := range x {
		if v < 0 {
			v = -v
		}
		s += v
	}
	return s
}

func sumSq[T Number](x []T) T {
	var s T
	for _, v := range x {
		s += v * v
	}
	return s
}

func prod[T Number](x []T) T {
	s := T(1)
	for _, v := range x {
		s *= v
	}
	return s
}

// maxOf is Go's max of at least one element.
func maxOf[T Number](x []T) T {
	s := x[0]
	for _, v := range x[1:] {
		s = max(s, v)
	}
	return s
}

// minOf is Go's min of at least one element.
func minOf[T Number](x []T) T {
	s := x[0]
	for _, v := range x[1:] {
		s = min(s, v)
	}
	return s
}

func addRow[T Number](acc, x []T) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] += x[i]
	}
}

func addAbsRow[T Number](acc, x []T) {
	x = x[:len(acc)]
	for i, v := range x {
		if v < 0 {
			v = -v
		}
		acc[i] += v
	}
}

func addSqRow[T Number](acc, x []T) {
	x = x[:len(acc)]
	for i, v := range x {
		acc[i] += v * v
	}
}

func mulRow[T Number](acc, x []T) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] *= x[i]
	}
}

func maxRow[T Number](acc, x []T) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] = max(acc[i], x[i])
	}
}

func minRow[T Number](acc, x []T) {
	x = x[:len(acc)]
	for i := range acc {
		acc[i] = min(acc[i], x[i])
	}
}
