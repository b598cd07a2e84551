package nn

import (
	"math"

	"ingot/internal/kernel/real"
	"ingot/internal/kernel/reduce"
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

// softmaxHalf rounds to a half type after each step.
func softmaxHalf[T real.Float](dt tensor.DType, row []T) {
	roundTo(dt, row)
	if math.IsInf(float64(real.For[T]().MaxOf(row)), -1) {
		clear(row)
		return
	}
	reduce.SoftmaxRow(halfOf(dt), row)
}

// halfOf is what package reduce calls a half type.
func halfOf(dt tensor.DType) reduce.Half {
	if dt == tensor.BFloat16 {
		return reduce.BFloat16
	}
	return reduce.Float16
}

// roundTo rounds elements to a floating-point type and back.
func roundTo[T real.Float](dt tensor.DType, row []T) {
	switch dt {
	case tensor.Float16, tensor.BFloat16:
		reduce.Round(halfOf(dt), row)
	case tensor.Float32:
		for i, v := range row {
			row[i] = T(float32(v))
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
