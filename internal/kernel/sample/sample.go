// Package sample reads images between their pixels: GridSample, RoiAlign and DeformConv stand on it.
//
// A [Sampler] turns a point into taps, the pixels around it with their weights, which serve all channels of an image; [Weigh] applies taps to one
// channel. The package allocates nothing while computing, and never forks.
package sample

import "math"

// Padding says what lies outside of an image.
type Padding uint8

// The paddings of the standard's GridSample.
const (
	Zeros      Padding = iota // nothing
	Border                    // the nearest pixel
	Reflection                // the image mirrored, as often as it takes
)

// Filter says how the pixels around a point are weighted.
type Filter uint8

// The filters, with 1, 2 and 4 taps a dimension.
const (
	Nearest Filter = iota // halves go to the even pixel
	Linear
	Cubic // with a = -0.75
)

func (f Filter) taps() int { return 1 << f }

// Sampler reads images of Dims pixels, at most MaxDims dimensions.
type Sampler struct {
	Dims    []int
	Filter  Filter
	Padding Padding
	Corners bool // images end at the centres of their outer pixels, not at their edges: where Reflection has its mirrors
}

// MaxDims is the largest number of dimensions of an image.
const MaxDims = 8

// Taps is the number of taps of a point.
func (s *Sampler) Taps() int {
	n := 1
	for range s.Dims {
		n *= s.Filter.taps()
	}
	return n
}

// Denormalize32 returns the place on an axis of n pixels, counted in pixels, of a coordinate that is -1 at the begin and 1 at the end.
// The conversions keep each step rounded, on machines that would fuse them too.
func Denormalize32(x float32, n int, corners bool) float64 {
	if corners {
		return float64(float32(float32(x+1)/2) * float32(n-1))
	}
	return float64((float32(float32(x+1)*float32(n)) - 1) / 2)
}

// Denormalize64 is Denormalize32 for float64.
func Denormalize64(x float64, n int, corners bool) float64 {
	if corners {
		return (x + 1) / 2 * float64(n-1)
	}
	return (float64((x+1)*float64(n)) - 1) / 2
}

// axisTaps are the taps along one dimension: places of pixels, -1 for nothing, and weights.
type axisTaps struct {
	at [4]int
	w  [4]float64
}

// Place sets at and w to the taps of the point x, given in pixels for each dimension: offsets into the image, -1 for what counts as zero.
func Place[T float32 | float64](s *Sampler, at []int64, w []T, x []float64) {
	var axes [MaxDims]axisTaps
	for d, n := range s.Dims {
		s.axis(&axes[d], x[d], n)
	}
	per := s.Filter.taps()
	for t := range at {
		off, weight := 0, 1.0
		step := 1
		for d, i := len(s.Dims)-1, t; d >= 0; d-- {
			a := &axes[d]
			p := a.at[i%per]
			weight *= a.w[i%per]
			if p < 0 || off < 0 {
				off = -1
			} else {
				off += p * step
			}
			step *= s.Dims[d]
			i /= per
		}
		at[t], w[t] = int64(off), T(weight)
	}
}

// axis computes the taps along a dimension of n pixels.
func (s *Sampler) axis(a *axisTaps, x float64, n int) {
	per := s.Filter.taps()
	if n == 0 {
		x = math.NaN()
	} else {
		x = s.inside(x, n)
	}
	if !(x > -3 && x < float64(n)+2) { // far outside, or NaN
		for t := range per {
			a.at[t], a.w[t] = -1, 0
		}
		return
	}
	first := int(math.Floor(x))
	f := x - float64(first)
	switch s.Filter {
	case Nearest:
		first = int(x)
		a.w[0] = 1
	case Linear:
		a.w[0], a.w[1] = 1-f, f
	case Cubic:
		first--
		cubic(&a.w, f)
	}
	for t := range per {
		a.at[t] = s.pixel(first+t, n)
	}
}

// inside rounds a point for Nearest, and moves one outside of the image by Border or Reflection.
func (s *Sampler) inside(x float64, n int) float64 {
	if s.Filter == Nearest {
		x = math.RoundToEven(x)
	}
	lo, hi := -0.5, float64(n)-0.5
	if s.Corners {
		lo, hi = 0, float64(n-1)
	}
	if s.Padding == Zeros || x >= lo && x <= hi {
		return x
	}
	switch {
	case s.Padding == Border && s.Filter == Cubic: // each of the four pixels is the nearest one, as PyTorch has it
		x = max(-2, min(x, float64(n+1)))
	case s.Padding == Border:
		x = max(0, min(x, float64(n-1)))
	case hi == lo:
		return lo
	default:
		x = math.Mod(math.Abs(x-lo), 2*(hi-lo))
		x = lo + min(x, 2*(hi-lo)-x)
	}
	if x != x {
		return 0 // there is no such place: the first pixel will do
	}
	return x
}

// pixel returns the pixel at place i of n > 0, -1 for none.
func (s *Sampler) pixel(i, n int) int {
	switch {
	case i >= 0 && i < n:
		return i
	case s.Padding == Zeros:
		return -1
	case s.Padding == Border || n == 1:
		return max(0, min(i, n-1))
	}
	period, last := 2*n, 2*n-1
	if s.Corners {
		period, last = 2*n-2, 2*n-2
	}
	if i = (i%period + period) % period; i >= n {
		i = last - i
	}
	return i
}

// cubic sets w to the weights of the four pixels around a point at f behind the second one, by R. Keys' cubic convolution.
func cubic(w *[4]float64, f float64) {
	const a = -0.75
	near := func(d float64) float64 { return ((a+2)*d-(a+3))*d*d + 1 }
	far := func(d float64) float64 { return ((a*d-5*a)*d+8*a)*d - 4*a }
	w[0], w[1], w[2], w[3] = far(1+f), near(f), near(1-f), far(2-f)
}

// Weigh is
//
//	for i := range points { dst[i*step] = Σ w[i*taps+t] * src[at[i*taps+t]*step] }
//
// over taps t whose at isn't negative. step is 1, or 2 for the parts of complex numbers.
func Weigh[T float32 | float64](dst, src []T, at []int64, w []T, taps, step int) {
	if taps == 4 && step == 1 {
		weigh4(dst, src, at, w)
		return
	}
	w = w[:len(at)]
	for i := 0; len(at) >= taps; i += step {
		var sum T
		for t, o := range at[:taps] {
			if o >= 0 {
				sum += w[t] * src[int(o)*step]
			}
		}
		dst[i] = sum
		at, w = at[taps:], w[taps:]
	}
}

// weigh4 is Weigh for bilinear sampling.
func weigh4[T float32 | float64](dst, src []T, at []int64, w []T) {
	for i := 0; len(at) >= 4 && len(w) >= 4; i++ {
		a, b, c, d := at[0], at[1], at[2], at[3]
		if a|b|c|d >= 0 {
			dst[i] = w[0]*src[a] + w[1]*src[b] + w[2]*src[c] + w[3]*src[d]
		} else {
			var sum T
			for t, o := range at[:4] {
				if o >= 0 {
					sum += w[t] * src[o]
				}
			}
			dst[i] = sum
		}
		at, w = at[4:], w[4:]
	}
}
