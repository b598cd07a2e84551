package nn

import (
	"math"

	"ingot/internal/kernel/real"
	"ingot/internal/kernel/vec"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// The softmaxes here work in place. A row that is -Inf throughout becomes zeros: nothing is attended to.

// softmaxOf returns the softmax of a precision, an attribute, that is the type of Q when absent.
func (k *attention[T]) softmaxOf(precision *int) func(row []T) {
	dt := wide.DType[T]()
	if k.half != tensor.Invalid {
		dt = k.half
	}
	if precision != nil {
		dt = tensor.DType(*precision)
	}
	switch dt {
	case wide.DType[T]():
		return softmax[T]
	case tensor.Float64:
		return softmax64[T]
	case tensor.Float32:
		return func(row []T) {
			roundTo(dt, row)
			softmax(row)
			roundTo(dt, row)
		}
	}
	return func(row []T) { softmaxHalf(dt, row) }
}

func softmax[T real.Float](row []T) {
	l := real.For[T]()
	top := l.MaxOf(row)
	if math.IsInf(float64(top), -1) {
		clear(row)
		return
	}
	sum := l.ExpSum(row, row, top)
	l.MulS(row, row, 1/sum)
}

// softmax64 computes in float64.
func softmax64[T real.Float](row []T) {
	top := math.Inf(-1)
	for _, x := range row {
		top = max(top, float64(x))
	}
	if math.IsInf(top, -1) {
		clear(row)
		return
	}
	sum := 0.0
	for _, x := range row {
		sum += math.Exp(float64(x) - top)
	}
	for i, x := range row {
		row[i] = T(math.Exp(float64(x)-top) / sum)
	}
}

// brainRow is the length up to which a row of bfloat16 is summed in bfloat16, element by element, as the standard's reference does. Its eight
// bits would lose a longer sum, which is rounded once.
const brainRow = 32

// softmaxHalf rounds to a half type after each step.
func softmaxHalf[T real.Float](dt tensor.DType, row []T) {
	l := real.For[T]()
	roundTo(dt, row)
	top := l.MaxOf(row)
	if math.IsInf(float64(top), -1) {
		clear(row)
		return
	}
	l.AddS(row, row, -top)
	roundTo(dt, row)
	l.Exp(row, row)
	roundTo(dt, row)
	var sum [1]T
	if dt == tensor.BFloat16 && len(row) <= brainRow {
		for _, x := range row {
			sum[0] += x
			roundTo(dt, sum[:])
		}
	} else {
		sum[0] = l.Sum(row)
		roundTo(dt, sum[:])
	}
	for i, x := range row {
		row[i] = x / sum[0]
	}
	roundTo(dt, row)
}

// roundTo rounds elements to a type and back.
func roundTo[T real.Float](dt tensor.DType, row []T) {
	if x, ok := any(row).([]float32); ok {
		var bits [256]uint16
		for len(x) > 0 {
			n := min(len(x), len(bits))
			switch dt {
			case tensor.Float16:
				vec.ToHalf(bits[:n], x[:n])
				vec.FromHalf(x[:n], bits[:n])
			case tensor.BFloat16:
				vec.ToBrain(bits[:n], x[:n])
				vec.FromBrain(x[:n], bits[:n])
			}
			x = x[n:]
		}
		return
	}
	for i, v := range row {
		switch dt {
		case tensor.Float32:
			row[i] = T(float32(v))
		case tensor.Float16:
			row[i] = T(tensor.F16FromFloat64(float64(v)).Float32())
		case tensor.BFloat16:
			row[i] = T(tensor.ToBF16(float32(v)).Float32())
		}
	}
}

// allMasked reports whether a bias hides everything.
func allMasked[T real.Float](bias []T) bool {
	if bias == nil {
		return false
	}
	for _, v := range bias {
		if !math.IsInf(float64(v), -1) {
			return false
		}
	}
	return true
}
