// Package real puts the float loops of both widths into one table, so that a kernel written once for float32 and float64 picks its loops when it
// is bound:
//
//	l := real.For[T]()
//	l.Mul(c, f, c)
//
// Those of float32 are package vec's; those of float64 are plain Go, in the same sense but not in the same order of summation.
package real

import (
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
)

// Float lists the types that are computed in.
type Float interface{ float32 | float64 }

// Map is a function of each element; dst may be src.
type Map[T Float] func(dst, src []T)

// Loops are the loops of one type. What they do is said at the functions of package vec that have their names.
type Loops[T Float] struct {
	Add, Sub, Mul, Div func(dst, a, b []T)
	AddS, MulS, DivS   func(dst, src []T, s T)
	MulAdd             func(dst, x, scale, bias []T)
	MulAddS            func(dst, src []T, scale, bias T)
	Axpy               func(dst []T, alpha T, x []T)
	Clip               func(dst, src []T, lo, hi T)

	Exp, Relu, Sigmoid, Tanh, Softplus, Softsign Map[T]
	LeakyRelu, ThresholdedRelu, Elu              func(dst, src []T, alpha T)
	HardSigmoid                                  func(dst, src []T, alpha, beta T)

	Sum, SumAbs, SumSq, MaxOf func(src []T) T
	SumDev, SumSqDev          func(src []T, mean T) T
	ExpSum                    func(dst, src []T, top T) T

	LayerNorm func(dst, src, gamma, beta []T, eps T) (mean, inv T)
	RMSNorm   func(dst, src, gamma []T, eps T) (inv T)
}

// For returns the loops of T.
func For[T Float]() *Loops[T] {
	if l, ok := any(&loops32).(*Loops[T]); ok {
		return l
	}
	l, _ := any(&loops64).(*Loops[T])
	return l
}

var loops32 = Loops[float32]{
	Add: vec.Add, Sub: vec.Sub, Mul: vec.Mul, Div: vec.Div, AddS: vec.AddS, MulS: vec.MulS, DivS: vec.DivS,
	MulAdd: vec.MulAdd, MulAddS: vec.MulAddS, Axpy: vec.Axpy, Clip: vec.Clip,
	Exp: vec.Exp, Relu: vec.Relu, Sigmoid: vec.Sigmoid, Tanh: vec.Tanh, Softplus: vec.Softplus, Softsign: vec.Softsign,
	LeakyRelu: vec.LeakyRelu, ThresholdedRelu: vec.ThresholdedRelu, Elu: vec.Elu, HardSigmoid: vec.HardSigmoid,
	Sum: vec.Sum, SumAbs: vec.SumAbs, SumSq: vec.SumSq, SumDev: vec.SumDev, SumSqDev: vec.SumSqDev, MaxOf: vec.MaxOf, ExpSum: vec.ExpSum,
	LayerNorm: vec.LayerNorm, RMSNorm: vec.RMSNorm,
}

var loops64 = Loops[float64]{
	Add: elem.Add[float64], Sub: elem.Sub[float64], Mul: elem.Mul[float64], Div: elem.Div[float64],
	AddS: func(dst, src []float64, s float64) { mulAdd(dst, src, 1, s) },
	MulS: mulS,
	DivS: func(dst, src []float64, s float64) {
		for i, x := range src {
			dst[i] = x / s
		}
	},
	MulAdd: func(dst, x, scale, bias []float64) {
		for i, v := range x {
			dst[i] = v*scale[i] + bias[i]
		}
	},
	MulAddS: mulAdd,
	Axpy:    axpy,
	Clip:    elem.Clip[float64],

	Exp:  func(dst, src []float64) { elem.Map64(dst[:len(src)], src, math.Exp) },
	Relu: func(dst, src []float64) { elem.Relu(dst[:len(src)], src) },
	Tanh: func(dst, src []float64) { elem.Map64(dst[:len(src)], src, math.Tanh) },
	Sigmoid: func(dst, src []float64) {
		elem.Map64(dst[:len(src)], src, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
	},
	Softplus: func(dst, src []float64) {
		elem.Map64(dst[:len(src)], src, func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) })
	},
	Softsign: func(dst, src []float64) {
		elem.Map64(dst[:len(src)], src, func(x float64) float64 { return x / (1 + math.Abs(x)) })
	},
	LeakyRelu:       leakyRelu,
	ThresholdedRelu: thresholdedRelu,
	Elu:             elu,
	HardSigmoid: func(dst, src []float64, alpha, beta float64) {
		for i, x := range src {
			dst[i] = min(max(alpha*x+beta, 0), 1)
		}
	},
	Sum: sum, SumAbs: sumAbs, SumDev: sumDev, SumSqDev: sumSqDev, MaxOf: maxOf, ExpSum: expSum, LayerNorm: layerNorm, RMSNorm: rmsNorm,
	SumSq: func(src []float64) float64 { return sumSqDev(src, 0) },
}

func mulS(dst, src []float64, s float64) {
	for i, x := range src {
		dst[i] = x * s
	}
}

func mulAdd(dst, src []float64, scale, bias float64) {
	for i, x := range src {
		dst[i] = x*scale + bias
	}
}

func axpy(dst []float64, alpha float64, x []float64) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] += alpha * v
	}
}

func leakyRelu(dst, src []float64, alpha float64) {
	for i, x := range src {
		if x < 0 {
			x *= alpha
		}
		dst[i] = x
	}
}

func thresholdedRelu(dst, src []float64, alpha float64) {
	for i, x := range src {
		if !(x > alpha) {
			x = 0
		}
		dst[i] = x
	}
}

func elu(dst, src []float64, alpha float64) {
	for i, x := range src {
		if x < 0 {
			x = alpha * math.Expm1(x)
		}
		dst[i] = x
	}
}

func sum(src []float64) (s float64) {
	for _, x := range src {
		s += x
	}
	return s
}

func sumAbs(src []float64) (s float64) {
	for _, x := range src {
		s += math.Abs(x)
	}
	return s
}

func sumDev(src []float64, mean float64) (s float64) {
	for _, x := range src {
		s += x - mean
	}
	return s
}

func sumSqDev(src []float64, mean float64) (s float64) {
	for _, x := range src {
		s += (x - mean) * (x - mean)
	}
	return s
}

func maxOf(src []float64) float64 {
	top := math.Inf(-1)
	for _, x := range src {
		top = max(top, x)
	}
	return top
}

func expSum(dst, src []float64, top float64) (s float64) {
	for i, x := range src {
		e := math.Exp(x - top)
		dst[i] = e
		s += e
	}
	return s
}

func layerNorm(dst, src, gamma, beta []float64, eps float64) (mean, inv float64) {
	n := float64(len(src))
	mean = sum(src) / n
	variance := sumSqDev(src, mean) / n
	if variance < mean*mean*vec.SmallVariance {
		mean += sumDev(src, mean) / n
		variance = sumSqDev(src, mean) / n
	}
	inv = 1 / math.Sqrt(variance+eps)
	for i, x := range src {
		y := (x - mean) * inv
		if gamma != nil {
			y *= gamma[i]
		}
		if beta != nil {
			y += beta[i]
		}
		dst[i] = y
	}
	return mean, inv
}

func rmsNorm(dst, src, gamma []float64, eps float64) float64 {
	inv := 1 / math.Sqrt(sumSqDev(src, 0)/float64(len(src))+eps)
	for i, x := range src {
		y := x * inv
		if gamma != nil {
			y *= gamma[i]
		}
		dst[i] = y
	}
	return inv
}
