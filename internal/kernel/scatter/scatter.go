// Package scatter holds loops that combine elements with others at places that indices give.
//
// Each does, for k from 0 on and i from 0 to n-1, dst[at[k]+i] = f(dst[at[k]+i], src[k·n+i]), in this order, so that what indices name twice is
// combined twice, always in the same order. A negative place is skipped.
package scatter

// Integer are the integers.
type Integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// Real are the types that have an order.
type Real interface {
	Integer | float32 | float64
}

// Number are the types that can be added.
type Number interface {
	Real | complex64 | complex128
}

// Add adds.
func Add[T Number](dst, src []T, at []int, n int) {
	for k, a := range at {
		if a < 0 {
			continue
		}
		d := dst[a : a+n]
		for i, v := range src[k*n : (k+1)*n] {
			d[i] += v
		}
	}
}

// Mul multiplies.
func Mul[T Number](dst, src []T, at []int, n int) {
	for k, a := range at {
		if a < 0 {
			continue
		}
		d := dst[a : a+n]
		for i, v := range src[k*n : (k+1)*n] {
			d[i] *= v
		}
	}
}

// Max keeps the greater; a NaN on either side gives NaN.
func Max[T Real](dst, src []T, at []int, n int) {
	for k, a := range at {
		if a < 0 {
			continue
		}
		d := dst[a : a+n]
		for i, v := range src[k*n : (k+1)*n] {
			d[i] = max(d[i], v)
		}
	}
}

// Min keeps the lesser; a NaN on either side gives NaN.
func Min[T Real](dst, src []T, at []int, n int) {
	for k, a := range at {
		if a < 0 {
			continue
		}
		d := dst[a : a+n]
		for i, v := range src[k*n : (k+1)*n] {
			d[i] = min(d[i], v)
		}
	}
}
