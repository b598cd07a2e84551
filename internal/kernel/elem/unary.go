package elem

import "math"

// Abs is the magnitude; that of the least integer is itself.
func Abs[T Signed](d, s []T) {
	s = s[:len(d)]
	for i, v := range s {
		d[i] = max(v, -v)
	}
}

// Neg is
//
//	for i, v := range s { d[i] = -v }
func Neg[T Signed](d, s []T) {
	s = s[:len(d)]
	for i, v := range s {
		d[i] = -v
	}
}

// Sign is 1, 0 or -1; NaN for NaN.
func Sign[T Number](d, s []T) {
	s = s[:len(d)]
	for i, v := range s {
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = 0
			v--
		}
		d[i] = v
	}
}

// Relu is
//
//	for i, v := range s { d[i] = v < 0 ? 0 : v }
func Relu[T Number](d, s []T) {
	s = s[:len(d)]
	for i, v := range s {
		if v < 0 {
			v = 0
		}
		d[i] = v
	}
}

// Not inverts all bits.
func Not[T Unsigned](d, s []T) {
	s = s[:len(d)]
	for i, v := range s {
		d[i] = ^v
	}
}

// NotBool is
//
//	for i, v := range s { d[i] = 1 - v }
func NotBool(d, s []uint8) {
	s = s[:len(d)]
	for i, v := range s {
		d[i] = v ^ 1
	}
}

// Clip is min(max(v, lo), hi); NaN stays NaN.
func Clip[T Number](d, s []T, lo, hi T) {
	s = s[:len(d)]
	for i, v := range s {
		d[i] = min(max(v, lo), hi)
	}
}

// IsNaN sets bytes to 1 where s is NaN, else to 0.
func IsNaN[T Float](d []uint8, s []T) {
	s = s[:len(d)]
	for i, v := range s {
		var b uint8
		if v != v {
			b = 1
		}
		d[i] = b
	}
}

// IsInf sets bytes to 1 where s is infinite with one of the wanted signs, else to 0.
func IsInf[T Float](d []uint8, s []T, positive, negative bool) {
	s = s[:len(d)]
	for i, v := range s {
		var b uint8
		if positive && math.IsInf(float64(v), 1) || negative && math.IsInf(float64(v), -1) {
			b = 1
		}
		d[i] = b
	}
}

// Map64 applies f to each element. For functions that cost far more than a call.
func Map64(d, s []float64, f func(float64) float64) {
	s = s[:len(d)]
	for i, v := range s {
		d[i] = f(v)
	}
}

// Map32 is [Map64] computed in float64 and rounded once.
func Map32(d, s []float32, f func(float64) float64) {
	s = s[:len(d)]
	for i, v := range s {
		d[i] = float32(f(float64(v)))
	}
}

// MapInt is [Map64] on integers: the result is truncated toward zero.
func MapInt[T Integer](d, s []T, f func(float64) float64) {
	s = s[:len(d)]
	for i, v := range s {
		d[i] = T(int64(f(float64(v))))
	}
}
