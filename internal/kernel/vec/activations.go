package vec

import "math"

// Exp is
//
//	for i, x := range src { dst[i] = exp(x) }
//
// within 2 ulp.
func Exp(dst, src []float32) {
	dst = dst[:len(src)]
	if expAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = exp1(x)
	}
}

// Log is
//
//	for i, x := range src { dst[i] = log(x) }
//
// within 2 ulp.
func Log(dst, src []float32) {
	dst = dst[:len(src)]
	if logAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = log1(x)
	}
}

// Sigmoid is
//
//	for i, x := range src { dst[i] = 1 / (1 + exp(-x)) }
//
// within 3 ulp.
func Sigmoid(dst, src []float32) {
	dst = dst[:len(src)]
	if sigmoidAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = sigmoid1(x)
	}
}

// Tanh is
//
//	for i, x := range src { dst[i] = tanh(x) }
//
// within 3 ulp.
func Tanh(dst, src []float32) {
	dst = dst[:len(src)]
	if tanhAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = tanh1(x)
	}
}

// Erf is
//
//	for i, x := range src { dst[i] = erf(x) }
//
// within 3 ulp.
func Erf(dst, src []float32) {
	dst = dst[:len(src)]
	if erfAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = erf1(x)
	}
}

// Gelu is
//
//	for i, x := range src { dst[i] = x/2 * (1 + erf(x/√2)) }
//
// within 3 ulp plus 2e-7·|x|: where x is negative the sum in the formula cancels. It is 0 from about -5.6 down, and NaN at -Inf.
func Gelu(dst, src []float32) {
	dst = dst[:len(src)]
	if geluAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = gelu1(x)
	}
}

// GeluTanh is
//
//	for i, x := range src { dst[i] = x/2 * (1 + tanh(√(2/π)*(x+0.044715*x*x*x))) }
//
// within 3 ulp plus 1e-7·|x|; NaN at -Inf.
func GeluTanh(dst, src []float32) {
	dst = dst[:len(src)]
	if geluTanhAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = geluTanh1(x)
	}
}

// SiLU is
//
//	for i, x := range src { dst[i] = x / (1 + exp(-x)) }
//
// within 4 ulp plus 2⁻¹⁴⁹·|x|, which counts where the quotient of 1 is denormal; NaN at -Inf.
func SiLU(dst, src []float32) {
	dst = dst[:len(src)]
	if siluAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = sigmoid1(x) * x
	}
}

// Swish is
//
//	for i, x := range src { dst[i] = x / (1 + exp(-alpha*x)) }
//
// within 4 ulp plus 2⁻¹⁴⁹·|x|, counted with alpha*x rounded.
func Swish(dst, src []float32, alpha float32) {
	dst = dst[:len(src)]
	if swishAsm(dst, src, alpha) {
		return
	}
	for i, x := range src {
		dst[i] = sigmoid1(alpha*x) * x
	}
}

// Softplus is
//
//	for i, x := range src { dst[i] = log(1 + exp(x)) }
//
// within 3 ulp.
func Softplus(dst, src []float32) {
	dst = dst[:len(src)]
	if softplusAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = softplus1(x)
	}
}

// Mish is
//
//	for i, x := range src { dst[i] = x * tanh(log(1+exp(x))) }
//
// within 5 ulp plus 2⁻¹⁴⁹·|x|; NaN at -Inf.
func Mish(dst, src []float32) {
	dst = dst[:len(src)]
	if mishAsm(dst, src) {
		return
	}
	for i, x := range src {
		dst[i] = mish1(x)
	}
}

// Elu is
//
//	for i, x := range src { if x < 0 { x = alpha * (exp(x) - 1) }; dst[i] = x }
//
// within 3 ulp.
func Elu(dst, src []float32, alpha float32) {
	dst = dst[:len(src)]
	if eluAsm(dst, src, alpha) {
		return
	}
	for i, x := range src {
		if x < 0 {
			x = alpha * belowZero(x)
		}
		dst[i] = x
	}
}

// The constants of Selu, as the standard gives them.
const (
	seluScale = 1.0507009873554805
	seluAlpha = 1.6732632423543772
)

// Selu is
//
//	for i, x := range src { if x < 0 { x = 1.6732632 * (exp(x) - 1) }; dst[i] = 1.0507010 * x }
//
// within 3 ulp.
func Selu(dst, src []float32) {
	dst = dst[:len(src)]
	if seluAsm(dst, src) {
		return
	}
	for i, x := range src {
		if x < 0 {
			dst[i] = belowZero(x) * (seluScale * seluAlpha)
		} else {
			dst[i] = x * seluScale
		}
	}
}

// Celu is
//
//	for i, x := range src { if x < 0 { x = alpha * (exp(x/alpha) - 1) }; dst[i] = x }
//
// for alpha > 0, within 3 ulp, counted with x/alpha rounded.
func Celu(dst, src []float32, alpha float32) {
	dst = dst[:len(src)]
	if celuAsm(dst, src, alpha) {
		return
	}
	for i, x := range src {
		if x < 0 {
			x = alpha * belowZero(x/alpha)
		}
		dst[i] = x
	}
}

// Sin is
//
//	for i, x := range src { dst[i] = sin(x) }
//
// within 2 ulp, for arguments of any size.
func Sin(dst, src []float32) { trigonometric(dst, src, false) }

// Cos is
//
//	for i, x := range src { dst[i] = cos(x) }
//
// within 2 ulp, for arguments of any size.
func Cos(dst, src []float32) { trigonometric(dst, src, true) }

// smallAngle is up to where the assembly's reduction by π/2 is good.
const smallAngle = 1 << 17

// trigonometric works in blocks, so that a block without large or infinite arguments goes through assembly alone.
func trigonometric(dst, src []float32, cos bool) {
	const block = 256
	dst = dst[:len(src)]
	for len(src) > 0 {
		n := min(block, len(src))
		if !(MaxAbs(src[:n]) <= smallAngle) || !trigonometricSmall(dst[:n], src[:n], cos) {
			trigonometricMixed(dst[:n], src[:n], cos)
		}
		dst, src = dst[n:], src[n:]
	}
}

// trigonometricMixed does large arguments one by one, and the small ones as if they were alone.
func trigonometricMixed(dst, src []float32, cos bool) {
	var room [16]float32
	for len(src) > 0 {
		x := room[:copy(room[:], src)]
		vectors := trigonometricSmall(dst[:len(x)], x, cos)
		for i, v := range x {
			switch {
			case vectors && abs1(v) <= smallAngle:
			case cos:
				dst[i] = float32(math.Cos(float64(v)))
			default:
				dst[i] = float32(math.Sin(float64(v)))
			}
		}
		dst, src = dst[len(x):], src[len(x):]
	}
}

func trigonometricSmall(dst, src []float32, cos bool) bool {
	if cos {
		return cosSmallAsm(dst, src)
	}
	return sinSmallAsm(dst, src)
}
