package reduce

import (
	"math"

	"ingot/internal/kernel/vec"
)

// The functions of this file work along the first dimension of a block of rows × n elements, in which a row begins stride elements behind the
// one before. d may be x. tmp holds 4·n elements.

// Softmax32 is exp(x-max)/Σexp(x-max) in each column.
func Softmax32(d, x []float32, rows, n, stride int, tmp []float32) {
	if stride == 1 {
		vec.Softmax(d[:rows], x[:rows])
		return
	}
	top, sum, part := tmp[:n], tmp[n:2*n], tmp[2*n:3*n]
	columnMax(top, x, rows, stride)
	clear(sum)
	for lo := 0; lo < rows; lo += rowGroup {
		clear(part)
		for r := lo; r < min(rows, lo+rowGroup); r++ {
			y := d[r*stride:][:n]
			vec.Sub(y, x[r*stride:][:n], top)
			vec.Exp(y, y)
			vec.Add(part, part, y)
		}
		vec.Add(sum, sum, part)
	}
	vec.Reciprocal(sum, sum)
	for r := range rows {
		y := d[r*stride:][:n]
		vec.Mul(y, y, sum)
	}
}

// LogSoftmax32 is x-max-log(Σexp(x-max)) in each column.
func LogSoftmax32(d, x []float32, rows, n, stride int, tmp []float32) {
	if stride == 1 {
		vec.LogSoftmax(d[:rows], x[:rows])
		return
	}
	top, sum, part, y := tmp[:n], tmp[n:2*n], tmp[2*n:3*n], tmp[3*n:4*n]
	columnMax(top, x, rows, stride)
	clear(sum)
	for lo := 0; lo < rows; lo += rowGroup {
		clear(part)
		for r := lo; r < min(rows, lo+rowGroup); r++ {
			vec.Sub(y, x[r*stride:][:n], top)
			vec.Exp(y, y)
			vec.Add(part, part, y)
		}
		vec.Add(sum, sum, part)
	}
	vec.Log(sum, sum)
	for r := range rows {
		y := d[r*stride:][:n]
		vec.Sub(y, x[r*stride:][:n], top)
		vec.Sub(y, y, sum)
	}
}

func columnMax(top, x []float32, rows, stride int) {
	copy(top, x)
	for r := 1; r < rows; r++ {
		vec.Max(top, top, x[r*stride:][:len(top)])
	}
}

// Softmax64 is [Softmax32] in float64.
func Softmax64(d, x []float64, rows, n, stride int, _ []float64) {
	for c := range n {
		top, sum := math.Inf(-1), 0.0
		for i := c; i < rows*stride; i += stride {
			top = max(top, x[i])
		}
		for i := c; i < rows*stride; i += stride {
			d[i] = math.Exp(x[i] - top)
			sum += d[i]
		}
		for i := c; i < rows*stride; i += stride {
			d[i] /= sum
		}
	}
}

// LogSoftmax64 is [LogSoftmax32] in float64.
func LogSoftmax64(d, x []float64, rows, n, stride int, _ []float64) {
	for c := range n {
		top, sum := math.Inf(-1), 0.0
		for i := c; i < rows*stride; i += stride {
			top = max(top, x[i])
		}
		for i := c; i < rows*stride; i += stride {
			sum += math.Exp(x[i] - top)
		}
		sum = math.Log(sum)
		for i := c; i < rows*stride; i += stride {
			d[i] = x[i] - top - sum
		}
	}
}

// Hardmax is 1 at the first greatest element of each column, and 0 elsewhere.
func Hardmax[T float32 | float64](d, x []T, rows, n, stride int, _ []T) {
	for c := range n {
		best := c
		for i := c; i < rows*stride; i += stride {
			if x[i] > x[best] || x[i] != x[i] && x[best] == x[best] {
				best = i
			}
		}
		for i := c; i < rows*stride; i += stride {
			d[i] = 0
		}
		d[best] = 1
	}
}
