package elem

import (
	"math"

	"ingot/internal/kernel/vec"
)

// Add is
//
//	for i := range d { d[i] = a[i] + b[i] }
func Add[T Number](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] + b[i]
	}
}

// Sub is
//
//	for i := range d { d[i] = a[i] - b[i] }
func Sub[T Number](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] - b[i]
	}
}

// Mul is
//
//	for i := range d { d[i] = a[i] * b[i] }
func Mul[T Number](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] * b[i]
	}
}

// Div is the quotient of floats.
func Div[T Float](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = a[i] / b[i]
	}
}

// DivInt is the quotient truncated toward zero; x/0 is 0, and the least number divided by -1 is itself.
func DivInt[T Integer](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		if b[i] == 0 {
			d[i] = 0
			continue
		}
		d[i] = a[i] / b[i]
	}
}

// Max is Go's max: NaN where either is.
func Max[T Number](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = max(a[i], b[i])
	}
}

// Min is Go's min: NaN where either is.
func Min[T Number](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = min(a[i], b[i])
	}
}

// RemInt is the remainder with the dividend's sign; x%0 is 0.
func RemInt[T Integer](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		if b[i] == 0 {
			d[i] = 0
			continue
		}
		d[i] = a[i] % b[i]
	}
}

// ModInt is the remainder with the divisor's sign; x mod 0 is 0.
func ModInt[T Integer](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		if b[i] == 0 {
			d[i] = 0
			continue
		}
		r := a[i] % b[i]
		if r != 0 && (r < 0) != (b[i] < 0) {
			r += b[i]
		}
		d[i] = r
	}
}

// Rem is the remainder with the dividend's sign, as C's fmod.
func Rem[T Float](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = T(math.Mod(float64(a[i]), float64(b[i])))
	}
}

// Mod is the remainder with the divisor's sign, as Python's %; zeros have the divisor's sign too.
func Mod[T Float](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		r := T(math.Mod(float64(a[i]), float64(b[i])))
		switch {
		case r == 0:
			r = T(math.Copysign(0, float64(b[i])))
		case (r < 0) != (b[i] < 0):
			r += b[i]
		}
		d[i] = r
	}
}

// PRelu is
//
//	for i := range d { d[i] = a[i] < 0 ? a[i]*b[i] : a[i] }
func PRelu[T Number](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		v := a[i]
		if v < 0 {
			v *= b[i]
		}
		d[i] = v
	}
}

// Pow is math.Pow.
func Pow(d, a, b []float64) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		d[i] = math.Pow(a[i], b[i])
	}
}

// Pow32 is math.Pow computed in float64 and rounded to float32. Ordinary operands take a way of half the time, whose error in float64,
// 2^-46, is far below the rounding.
func Pow32(d, a, b []float32) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		x, y := float64(a[i]), float64(b[i])
		if p := y * math.Log(x); p > -80 && p < 80 {
			d[i] = float32(math.Exp(p))
			continue
		}
		d[i] = float32(math.Pow(x, y))
	}
}

// PowS is [Pow32] with one exponent for all, and short ways for the exponents that models have.
func PowS(d, a []float32, y float32) {
	a = a[:len(d)]
	switch y {
	case 0.5:
		if vec.MinOf(a) > float32(math.Inf(-1)) {
			vec.Sqrt(d, a)
			vec.AddS(d, d, 0) // Pow makes +0 of -0
			return
		}
		for i, x := range a { // Pow makes +Inf of -Inf
			d[i] = float32(math.Pow(float64(x), 0.5))
		}
	case 2:
		vec.Mul(d, a, a)
	case 3:
		for i, x := range a {
			d[i] = x * x * x
		}
	case 1:
		copy(d, a)
	case 0:
		Fill(d, 1)
	case -1:
		vec.Reciprocal(d, a)
	default:
		for i, x := range a {
			if p := float64(y) * math.Log(float64(x)); p > -80 && p < 80 {
				d[i] = float32(math.Exp(p))
				continue
			}
			d[i] = float32(math.Pow(float64(x), float64(y)))
		}
	}
}

// PowInt raises integers. The result wraps. A negative exponent gives the truncated reciprocal: 0 unless a is 1 or -1; 0 to a negative
// power is 0.
func PowInt[T Signed](d, a, b []T) {
	a, b = a[:len(d)], b[:len(d)]
	for i := range d {
		x, y := a[i], b[i]
		if y < 0 {
			switch {
			case x == 1, x == -1 && y&1 == 0:
				d[i] = 1
			case x == -1:
				d[i] = -1
			default:
				d[i] = 0
			}
			continue
		}
		p := T(1)
		for y > 0 {
			if y&1 == 1 {
				p *= x
			}
			x *= x
			y >>= 1
		}
		d[i] = p
	}
}
