package reduce

import (
	"math"

	"ingot/internal/kernel/real"
	"ingot/internal/kernel/vec"
)

// Half is a type of 16 bits that numbers which are computed wider are rounded to.
type Half uint8

// The half types.
const (
	Float16 Half = iota
	BFloat16
)

// brainRow is the length up to which bfloat16 numbers are summed in bfloat16, one after another, as the standard's reference does. Their eight
// bits would lose a longer sum, which is computed wider and rounded once.
const brainRow = 32

// Round rounds numbers to a half type and back, in place; those of float64 by way of float32.
func Round[T real.Float](h Half, x []T) {
	if x, ok := any(x).([]float32); ok {
		h.round(x)
		return
	}
	var block [256]float32
	for len(x) > 0 {
		n := min(len(x), len(block))
		for i, v := range x[:n] {
			block[i] = float32(v)
		}
		h.round(block[:n])
		for i, v := range block[:n] {
			x[i] = T(v)
		}
		x = x[n:]
	}
}

func (h Half) round(x []float32) {
	var bits [256]uint16
	for len(x) > 0 {
		n := min(len(x), len(bits))
		if h == BFloat16 {
			vec.ToBrain(bits[:n], x[:n])
			vec.FromBrain(x[:n], bits[:n])
		} else {
			vec.ToHalf(bits[:n], x[:n])
			vec.FromHalf(x[:n], bits[:n])
		}
		x = x[n:]
	}
}

// brainSum is the sum in bfloat16.
func brainSum[T real.Float](row []T) T {
	sum := float32(0)
	for _, x := range row {
		sum += float32(x)
		if sum == sum {
			b := math.Float32bits(sum)
			sum = math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
		}
	}
	return T(sum)
}

// SoftmaxRow is the softmax of a row of numbers of a half type, in place. It rounds after each step, as the standard's definition of Softmax by
// simpler operators does.
func SoftmaxRow[T real.Float](h Half, row []T) {
	l := real.For[T]()
	l.AddS(row, row, -l.MaxOf(row))
	Round(h, row)
	l.Exp(row, row)
	Round(h, row)
	var sum [1]T
	if h == BFloat16 && len(row) <= brainRow {
		sum[0] = brainSum(row)
	} else {
		sum[0] = l.Sum(row)
		Round(h, sum[:])
	}
	l.DivS(row, row, sum[0])
	Round(h, row)
}

// SoftmaxFloat16 is [Softmax32] for numbers that are float16, rounded after each step.
func SoftmaxFloat16(d, x []float32, rows, n, stride int, tmp []float32) {
	softmaxHalf(Float16, d, x, rows, n, stride, tmp)
}

// SoftmaxBFloat16 is [Softmax32] for numbers that are bfloat16, rounded after each step.
func SoftmaxBFloat16(d, x []float32, rows, n, stride int, tmp []float32) {
	softmaxHalf(BFloat16, d, x, rows, n, stride, tmp)
}

func softmaxHalf(h Half, d, x []float32, rows, n, stride int, tmp []float32) {
	if stride == 1 {
		SoftmaxRow(h, d[:copy(d, x[:rows])])
		return
	}
	top, sum := tmp[:n], tmp[n:2*n]
	columnMax(top, x, rows, stride)
	clear(sum)
	for r := range rows {
		y := d[r*stride:][:n]
		vec.Sub(y, x[r*stride:][:n], top)
		Round(h, y)
		vec.Exp(y, y)
		Round(h, y)
		vec.Add(sum, sum, y)
		if h == BFloat16 && rows <= brainRow {
			Round(h, sum)
		}
	}
	Round(h, sum)
	for r := range rows {
		y := d[r*stride:][:n]
		vec.Div(y, y, sum)
	}
}
