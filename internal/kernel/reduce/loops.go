package reduce

import (
	"math"

	"ingot/internal/kernel/vec"
)

// Sum adds.
func Sum[T Number]() Loops { return newLoops(0, sum[T], addRow[T], addRow[T]) }

// SumAbs adds magnitudes.
func SumAbs[T Number]() Loops { return newLoops(0, sumAbs[T], addAbsRow[T], addRow[T]) }

// SumSq adds squares.
func SumSq[T Number]() Loops { return newLoops(0, sumSq[T], addSqRow[T], addRow[T]) }

// Prod multiplies.
func Prod[T Number]() Loops { return newLoops(1, prod[T], mulRow[T], mulRow[T]) }

// Max is the greatest element; init is the result of none.
func Max[T Number](init T) Loops { return newLoops(init, maxOf[T], maxRow[T], maxRow[T]) }

// Min is the least element; init is the result of none.
func Min[T Number](init T) Loops { return newLoops(init, minOf[T], minRow[T], minRow[T]) }

// The same over float32, with the loops of package vec.
var (
	Sum32    = newLoops(0, sum32, addRow32, addRow32)
	SumAbs32 = newLoops(0, sumAbs32, addAbsRow[float32], addRow32)
	SumSq32  = newLoops(0, sumSq32, addSqRow32, addRow32)
	Prod32   = newLoops(1, prod[float32], mulRow32, mulRow32)
	Max32    = newLoops(float32(math.Inf(-1)), max32, maxRow32, maxRow32)
	Min32    = newLoops(float32(math.Inf(1)), min32, minRow32, minRow32)
)

func sum32(acc, x []float32)    { acc[0] += vec.Sum(x) }
func sumAbs32(acc, x []float32) { acc[0] += vec.SumAbs(x) }
func sumSq32(acc, x []float32)  { acc[0] += vec.SumSq(x) }
func max32(acc, x []float32)    { acc[0] = max(acc[0], vec.MaxOf(x)) }
func min32(acc, x []float32)    { acc[0] = min(acc[0], vec.MinOf(x)) }

func addRow32(acc, x []float32)   { vec.Add(acc, acc, x) }
func addSqRow32(acc, x []float32) { vec.MulAdd(acc, x, x, acc) }
func mulRow32(acc, x []float32)   { vec.Mul(acc, acc, x) }
func maxRow32(acc, x []float32)   { vec.Max(acc, acc, x) }
func minRow32(acc, x []float32)   { vec.Min(acc, acc, x) }

func sum[T Number](acc, x []T) {
	var s T
	for _, v := range x {
		s += v
	}
	acc[0] += s
}

func sumAbs[T Number](acc, x []T) {
	var s T
	for _, v := range x {
		if v < 0 {
			v = -v
		}
		s += v
	}
	acc[0] += s
}

func sumSq[T Number](acc, x []T) {
	var s T
	for _, v := range x {
		s += v * v
	}
	acc[0] += s
}

func prod[T Number](acc, x []T) {
	s := T(1)
	for _, v := range x {
		s *= v
	}
	acc[0] *= s
}

// maxOf is Go's max of at least one element.
func maxOf[T Number](acc, x []T) {
	s := x[0]
	for _, v := range x[1:] {
		s = max(s, v)
	}
	acc[0] = max(acc[0], s)
}

// minOf is Go's min of at least one element.
func minOf[T Number](acc, x []T) {
	s := x[0]
	for _, v := range x[1:] {
		s = min(s, v)
	}
	acc[0] = min(acc[0], s)
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
