package vec

// Add is
//
//	for i := range dst { dst[i] = a[i] + b[i] }
func Add(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if addAsm(dst, a, b) {
		return
	}
	for i, x := range a {
		dst[i] = x + b[i]
	}
}

// Sub is
//
//	for i := range dst { dst[i] = a[i] - b[i] }
func Sub(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if subAsm(dst, a, b) {
		return
	}
	for i, x := range a {
		dst[i] = x - b[i]
	}
}

// Mul is
//
//	for i := range dst { dst[i] = a[i] * b[i] }
func Mul(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if mulAsm(dst, a, b) {
		return
	}
	for i, x := range a {
		dst[i] = x * b[i]
	}
}

// Div is
//
//	for i := range dst { dst[i] = a[i] / b[i] }
func Div(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if divAsm(dst, a, b) {
		return
	}
	for i, x := range a {
		dst[i] = x / b[i]
	}
}

// Max is
//
//	for i := range dst { dst[i] = max(a[i], b[i]) }
//
// with Go's max and min: a NaN in either operand wins, and +0 is above -0.
func Max(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if maxAsm(dst, a, b) {
		return
	}
	for i, x := range a {
		dst[i] = max(x, b[i])
	}
}

// Min is
//
//	for i := range dst { dst[i] = min(a[i], b[i]) }
//
// with Go's max and min: a NaN in either operand wins, and +0 is above -0.
func Min(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if minAsm(dst, a, b) {
		return
	}
	for i, x := range a {
		dst[i] = min(x, b[i])
	}
}

// PRelu is
//
//	for i := range dst { dst[i] = a[i] < 0 ? a[i]*b[i] : a[i] }
func PRelu(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if preluAsm(dst, a, b) {
		return
	}
	for i, x := range a {
		if x < 0 {
			x *= b[i]
		}
		dst[i] = x
	}
}

// AddS is
//
//	for i, x := range src { dst[i] = x + s }
//
// and with -s, exactly x - s.
func AddS(dst, src []float32, s float32) {
	dst = dst[:len(src)]
	if addSAsm(dst, src, s) {
		return
	}
	for i, x := range src {
		dst[i] = x + s
	}
}

// RSubS is
//
//	for i, x := range src { dst[i] = s - x }
func RSubS(dst, src []float32, s float32) {
	dst = dst[:len(src)]
	if rsubSAsm(dst, src, s) {
		return
	}
	for i, x := range src {
		dst[i] = s - x
	}
}

// MulS is
//
//	for i, x := range src { dst[i] = x * s }
func MulS(dst, src []float32, s float32) {
	dst = dst[:len(src)]
	if mulSAsm(dst, src, s) {
		return
	}
	for i, x := range src {
		dst[i] = x * s
	}
}

// DivS is
//
//	for i, x := range src { dst[i] = x / s }
func DivS(dst, src []float32, s float32) {
	dst = dst[:len(src)]
	if divSAsm(dst, src, s) {
		return
	}
	for i, x := range src {
		dst[i] = x / s
	}
}

// RDivS is
//
//	for i, x := range src { dst[i] = s / x }
func RDivS(dst, src []float32, s float32) {
	dst = dst[:len(src)]
	if rdivSAsm(dst, src, s) {
		return
	}
	for i, x := range src {
		dst[i] = s / x
	}
}

// MaxS is
//
//	for i, x := range src { dst[i] = max(x, s) }
//
// with Go's max and min: a NaN in either operand wins, and +0 is above -0.
func MaxS(dst, src []float32, s float32) {
	dst = dst[:len(src)]
	if maxSAsm(dst, src, s) {
		return
	}
	for i, x := range src {
		dst[i] = max(x, s)
	}
}

// MinS is
//
//	for i, x := range src { dst[i] = min(x, s) }
//
// with Go's max and min: a NaN in either operand wins, and +0 is above -0.
func MinS(dst, src []float32, s float32) {
	dst = dst[:len(src)]
	if minSAsm(dst, src, s) {
		return
	}
	for i, x := range src {
		dst[i] = min(x, s)
	}
}

// MulAdd is
//
//	for i, v := range x { dst[i] = v*scale[i] + bias[i] }
//
// where the product may be fused with the sum.
func MulAdd(dst, x, scale, bias []float32) {
	dst, scale, bias = dst[:len(x)], scale[:len(x)], bias[:len(x)]
	if mulAddAsm(dst, x, scale, bias) {
		return
	}
	for i, v := range x {
		dst[i] = mad(v, scale[i], bias[i])
	}
}

// MulAddS is
//
//	for i, v := range src { dst[i] = v*scale + bias }
//
// where the product may be fused with the sum.
func MulAddS(dst, src []float32, scale, bias float32) {
	dst = dst[:len(src)]
	if mulAddSAsm(dst, src, scale, bias) {
		return
	}
	for i, v := range src {
		dst[i] = mad(v, scale, bias)
	}
}

// Axpy is
//
//	for i, v := range x { dst[i] += alpha * v }
//
// where the product may be fused with the sum.
func Axpy(dst []float32, alpha float32, x []float32) {
	dst = dst[:len(x)]
	if axpyAsm(dst, x, alpha) {
		return
	}
	for i, v := range x {
		dst[i] = mad(alpha, v, dst[i])
	}
}
