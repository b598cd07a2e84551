package vec

import "math"

// Reductions. A chunk is folded into lanes, element i into lane i%32, and the lanes are joined: j with j+16, j+8, j+4, j+2, j+1.
// More than one chunk: the two halves, cut at a multiple of the chunk, are reduced and joined. The order is a function of the length alone,
// and the error of a sum grows with the logarithm of the length.

const (
	chunk = 4096
	lanes = 32
)

// half is where a reduction of n > chunk elements is cut.
func half(n int) int { return (n/chunk + 1) / 2 * chunk }

// joinSum adds the lanes.
func joinSum(s *[lanes]float32) float32 {
	for w := lanes / 2; w > 0; w /= 2 {
		for j := range w {
			s[j] += s[j+w]
		}
	}
	return s[0]
}

// Sum is
//
//	for _, x := range src { s += x }
func Sum(src []float32) float32 {
	if n := len(src); n > chunk {
		return Sum(src[:half(n)]) + Sum(src[half(n):])
	}
	if s, ok := sumAsm(src); ok {
		return s
	}
	var s [lanes]float32
	for i, x := range src {
		s[i&(lanes-1)] += x
	}
	return joinSum(&s)
}

// SumSq is
//
//	for _, x := range src { s += x * x }
func SumSq(src []float32) float32 {
	if n := len(src); n > chunk {
		return SumSq(src[:half(n)]) + SumSq(src[half(n):])
	}
	if s, ok := sumSqAsm(src); ok {
		return s
	}
	var s [lanes]float32
	for i, x := range src {
		s[i&(lanes-1)] = mad(x, x, s[i&(lanes-1)])
	}
	return joinSum(&s)
}

// SmallVariance is how small a variance is, beside the square of the mean, when the mean's rounding must be corrected: that of a sum of
// float32 stays below a thousandth of a deviation then.
const SmallVariance = 0x1p-20

// SumDev is
//
//	for _, x := range src { s += x - mean }
//
// It is for the rare case that the deviations are small, and has no assembly.
func SumDev(src []float32, mean float32) float32 {
	if n := len(src); n > chunk {
		return SumDev(src[:half(n)], mean) + SumDev(src[half(n):], mean)
	}
	var s [lanes]float32
	for i, x := range src {
		s[i&(lanes-1)] += x - mean
	}
	return joinSum(&s)
}

// SumSqDev is
//
//	for _, x := range src { s += (x - mean) * (x - mean) }
func SumSqDev(src []float32, mean float32) float32 {
	if n := len(src); n > chunk {
		return SumSqDev(src[:half(n)], mean) + SumSqDev(src[half(n):], mean)
	}
	if s, ok := sumSqDevAsm(src, mean); ok {
		return s
	}
	var s [lanes]float32
	for i, x := range src {
		d := x - mean
		s[i&(lanes-1)] = mad(d, d, s[i&(lanes-1)])
	}
	return joinSum(&s)
}

// SumAbs is
//
//	for _, x := range src { s += abs(x) }
func SumAbs(src []float32) float32 {
	if n := len(src); n > chunk {
		return SumAbs(src[:half(n)]) + SumAbs(src[half(n):])
	}
	if s, ok := sumAbsAsm(src); ok {
		return s
	}
	var s [lanes]float32
	for i, x := range src {
		s[i&(lanes-1)] += abs1(x)
	}
	return joinSum(&s)
}

// Dot is
//
//	for i, x := range a { s += x * b[i] }
func Dot(a, b []float32) float32 {
	b = b[:len(a)]
	if n := len(a); n > chunk {
		return Dot(a[:half(n)], b[:half(n)]) + Dot(a[half(n):], b[half(n):])
	}
	if s, ok := dotAsm(a, b); ok {
		return s
	}
	var s [lanes]float32
	for i, x := range a {
		s[i&(lanes-1)] = mad(x, b[i], s[i&(lanes-1)])
	}
	return joinSum(&s)
}

// SumExp is
//
//	for _, x := range src { s += exp(x - top) }
//
// for top no less than any element (or at most 43 less). An infinite top gives NaN, as Inf - Inf does.
func SumExp(src []float32, top float32) float32 {
	if n := len(src); n > chunk {
		return SumExp(src[:half(n)], top) + SumExp(src[half(n):], top)
	}
	if s, ok := sumExpAsm(src, top); ok {
		return s
	}
	var s [lanes]float32
	for i, x := range src {
		s[i&(lanes-1)] += expNeg1(x - top)
	}
	return joinSum(&s)
}

// ExpSum is
//
//	for i, x := range src { dst[i] = exp(x - top); s += dst[i] }
//
// for top no less than any element (or at most 43 less): Softmax before its division. The exponentials are within 2 ulp.
func ExpSum(dst, src []float32, top float32) float32 {
	dst = dst[:len(src)]
	if n := len(src); n > chunk {
		return ExpSum(dst[:half(n)], src[:half(n)], top) + ExpSum(dst[half(n):], src[half(n):], top)
	}
	if s, ok := expSumAsm(dst, src, top); ok {
		return s
	}
	var s [lanes]float32
	for i, x := range src {
		y := expNeg1(x - top)
		dst[i] = y
		s[i&(lanes-1)] += y
	}
	return joinSum(&s)
}

// MaxOf is the greatest element by Go's max: a NaN wins, and +0 is above -0. Of nothing it is -Inf.
func MaxOf(src []float32) float32 {
	if n := len(src); n > chunk {
		return max(MaxOf(src[:half(n)]), MaxOf(src[half(n):]))
	}
	if s, ok := maxOfAsm(src); ok {
		return s
	}
	s := -inf
	for _, x := range src {
		s = max(s, x)
	}
	return s
}

// MinOf is the least element by Go's min: a NaN wins, and -0 is below +0. Of nothing it is +Inf.
func MinOf(src []float32) float32 {
	if n := len(src); n > chunk {
		return min(MinOf(src[:half(n)]), MinOf(src[half(n):]))
	}
	if s, ok := minOfAsm(src); ok {
		return s
	}
	s := inf
	for _, x := range src {
		s = min(s, x)
	}
	return s
}

// MaxAbs is the greatest absolute value; a NaN wins. Of nothing it is 0.
func MaxAbs(src []float32) float32 {
	if n := len(src); n > chunk {
		return max(MaxAbs(src[:half(n)]), MaxAbs(src[half(n):]))
	}
	if s, ok := maxAbsAsm(src); ok {
		return s
	}
	var s uint32 // floats without a sign are in the order of their bits, NaNs last
	for _, x := range src {
		s = max(s, math.Float32bits(x)&^(1<<31))
	}
	return math.Float32frombits(s)
}

// topOf is the greatest element, NaNs left out: a quicker MaxOf for those who meet the NaNs later anyway. Of two zeros either may be it.
func topOf(src []float32) float32 {
	if n := len(src); n > chunk {
		return max(topOf(src[:half(n)]), topOf(src[half(n):]))
	}
	if s, ok := topOfAsm(src); ok {
		return s
	}
	s := -inf
	for _, x := range src {
		if x > s {
			s = x
		}
	}
	return s
}
