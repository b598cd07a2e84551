package vec

import "math"

// The functions of this file are exact: correctly rounded where they round at all, unless a bound is stated.

// Relu is
//
//	for i, x := range src { if x < 0 { x = 0 }; dst[i] = x }
func Relu(dst, src []float32) {
	dst = dst[:len(src)]
	if reluAsm(dst, src) {
		return
	}
	for i, x := range src {
		if x < 0 {
			x = 0
		}
		dst[i] = x
	}
}

// LeakyRelu is
//
//	for i, x := range src { if x < 0 { x *= alpha }; dst[i] = x }
func LeakyRelu(dst, src []float32, alpha float32) {
	dst = dst[:len(src)]
	if leakyReluAsm(dst, src, alpha) {
		return
	}
	for i, x := range src {
		if x < 0 {
			x *= alpha
		}
		dst[i] = x
	}
}

// ThresholdedRelu is
//
//	for i, x := range src { if !(x > alpha) { x = 0 }; dst[i] = x }
func ThresholdedRelu(dst, src []float32, alpha float32) {
	dst = dst[:len(src)]
	if thresholdedReluAsm(dst, src, alpha) {
		return
	}
	for i, x := range src {
		if !(x > alpha) {
			x = 0
		}
		dst[i] = x
	}
}

// Clip is
//
//	for i, x := range src { dst[i] = min(max(x, lo), hi) }
//
// where a NaN bound doesn't bind and a NaN element stays; hi wins if lo is above it.
func Clip(dst, src []float32, lo, hi float32) {
	dst = dst[:len(src)]
	if clipAsm(dst, src, lo, hi) {
		return
	}
	for i, x := range src {
		dst[i] = clip1(x, lo, hi)
	}
}

// HardSigmoid is
//
//	for i, x := range src { dst[i] = min(max(alpha*x+beta, 0), 1) }
//
// where the product may be fused with the sum.
func HardSigmoid(dst, src []float32, alpha, beta float32) {
	dst = dst[:len(src)]
	if hardSigmoidAsm(dst, src, alpha, beta) {
		return
	}
	for i, x := range src {
		dst[i] = clip1(mad(alpha, x, beta), 0, 1)
	}
}

// HardSwish is
//
//	for i, x := range src { dst[i] = x * min(max(x/6+0.5, 0), 1) }
//
// within 2 ulp plus 1e-7·|x|; NaN at -Inf.
func HardSwish(dst, src []float32) {
	dst = dst[:len(src)]
	if hardSwishAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = clip1(mad(x, 1.0/6, 0.5), 0, 1) * x
	}
}

// Softsign is
//
//	for i, x := range src { dst[i] = x / (1 + abs(x)) }
//
// within 2 ulp.
func Softsign(dst, src []float32) {
	dst = dst[:len(src)]
	if softsignAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = x / (abs1(x) + 1)
	}
}

// Sqrt is
//
//	for i, x := range src { dst[i] = sqrt(x) }
func Sqrt(dst, src []float32) {
	dst = dst[:len(src)]
	if sqrtAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = float32(math.Sqrt(float64(x)))
	}
}

// Rsqrt is
//
//	for i, x := range src { dst[i] = 1 / sqrt(x) }
//
// with both steps rounded: within 1.5 ulp. There is no approximate reciprocal in it.
func Rsqrt(dst, src []float32) {
	dst = dst[:len(src)]
	if rsqrtAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = 1 / float32(math.Sqrt(float64(x)))
	}
}

// Reciprocal is
//
//	for i, x := range src { dst[i] = 1 / x }
func Reciprocal(dst, src []float32) {
	dst = dst[:len(src)]
	if reciprocalAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = 1 / x
	}
}

// Abs is
//
//	for i, x := range src { dst[i] = abs(x) }
func Abs(dst, src []float32) {
	dst = dst[:len(src)]
	if absAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = abs1(x)
	}
}

// Neg is
//
//	for i, x := range src { dst[i] = -x }
func Neg(dst, src []float32) {
	dst = dst[:len(src)]
	if negAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = -x
	}
}

// Floor is
//
//	for i, x := range src { dst[i] = floor(x) }
func Floor(dst, src []float32) {
	dst = dst[:len(src)]
	if floorAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = float32(math.Floor(float64(x)))
	}
}

// Ceil is
//
//	for i, x := range src { dst[i] = ceil(x) }
func Ceil(dst, src []float32) {
	dst = dst[:len(src)]
	if ceilAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = float32(math.Ceil(float64(x)))
	}
}

// Round rounds halves to even:
//
//	for i, x := range src { dst[i] = roundToEven(x) }
func Round(dst, src []float32) {
	dst = dst[:len(src)]
	if roundAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = float32(math.RoundToEven(float64(x)))
	}
}

// Sign is 1, -1 or +0 by the sign of the element; a NaN stays.
func Sign(dst, src []float32) {
	dst = dst[:len(src)]
	if signAsm(dst, src) {
		return
	}
	for i, x := range src {
		switch {
		case x > 0:
			x = 1
		case x < 0:
			x = -1
		case x == 0:
			x = 0
		}
		dst[i] = x
	}
}
