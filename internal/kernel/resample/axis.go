// Package resample holds the geometry and the loops of resizing.
//
// Resizing is done axis by axis: each place of an output axis is a weighted sum of a few places of the input axis, its taps. [New] computes
// places and weights from the standard's many modes; [Across] and [Along] apply them.
package resample

import "math"

// Coordinates says how a place of the output is mapped to the input.
type Coordinates uint8

// The coordinate transformations of the standard.
const (
	HalfPixel Coordinates = iota
	HalfPixelSymmetric
	PytorchHalfPixel
	AlignCorners
	Asymmetric
	TFHalfPixel // only for the nearest: (x+½)/scale
	CropAndResize
)

// Filter says how the taps are weighted.
type Filter uint8

// The interpolation modes of the standard.
const (
	Nearest Filter = iota
	Linear
	Cubic
)

// Rounding says which neighbour is the nearest one.
type Rounding uint8

// The rounding modes of the standard, and that of version 10: down when enlarging, up when shrinking.
const (
	PreferFloor Rounding = iota
	PreferCeil
	Floor
	Ceil
	Simple
)

// Spec is what the axes of one Resize have in common.
type Spec struct {
	Coordinates    Coordinates
	Filter         Filter
	Rounding       Rounding
	A              float64 // of the cubic filter
	Antialias      bool
	ExcludeOutside bool
}

// Axis is how an output axis is made of an input axis: place i is Σ W[i·Taps+t] · src[At[i·Taps+t]], t from 0 to Taps-1.
type Axis struct {
	In, Out  int
	Identity bool
	Taps     int
	At       []int     // never outside of the input
	W        []float64 // nil with one tap
	Outside  []bool    // places that lie outside of the cropped region; nil for none
}

// New computes the taps from a number of input places to a number of output places. scale is what the output's extent is over the input's,
// begin and end the region in CropAndResize, as fractions of the input.
func New(in, out int, scale, begin, end float64, s *Spec) Axis {
	a := Axis{In: in, Out: out, Taps: 1}
	if in == out && math.Abs(scale-1) < 1e-9 && (s.Coordinates != CropAndResize || begin == 0 && end == 1) && s.Coordinates != TFHalfPixel {
		a.Identity = true
		return a
	}
	if in == 0 || out == 0 {
		return a
	}
	var buf []float64
	for i := range out {
		x := s.source(i, in, out, scale, begin, end)
		if s.Coordinates == CropAndResize && (x < 0 || x > float64(in-1)) {
			if a.Outside == nil {
				a.Outside = make([]bool, out)
			}
			a.Outside[i] = true
		}
		x = max(-1e9, min(x, 1e9)) // an absurd region must not overflow
		if s.Filter == Nearest {
			a.At = append(a.At, max(0, min(s.nearest(x, scale), in-1)))
			continue
		}
		buf = s.weights(buf[:0], x, scale)
		a.Taps = len(buf)
		a.add(buf, s.first(x, len(buf)), s.ExcludeOutside)
	}
	return a
}

// source returns where place i of the output lies in the input.
func (s *Spec) source(i, in, out int, scale, begin, end float64) float64 {
	y, n := float64(i), float64(in)
	width := scale * n // the exact extent of the output
	switch s.Coordinates {
	case AlignCorners:
		if width == 1 {
			return 0
		}
		return y * (n - 1) / (width - 1)
	case Asymmetric:
		return y / scale
	case TFHalfPixel:
		return (y + 0.5) / scale
	case CropAndResize:
		if width == 1 {
			return (begin + end) * (n - 1) / 2
		}
		return begin*(n-1) + y*(end-begin)*(n-1)/(width-1)
	case PytorchHalfPixel:
		if out == 1 {
			return 0
		}
	case HalfPixelSymmetric:
		return n/2*(1-float64(out)/width) + (y+0.5)/scale - 0.5
	}
	return (y+0.5)/scale - 0.5
}

// nearest returns the neighbour of x that the rounding mode prefers.
func (s *Spec) nearest(x, scale float64) int {
	f := math.Floor(x)
	if f == x {
		return int(f)
	}
	up := false
	switch s.Rounding {
	case PreferFloor:
		up = x-f > 0.5
	case PreferCeil:
		up = x-f >= 0.5
	case Ceil:
		up = true
	case Simple:
		up = scale < 1
	}
	if up {
		return int(f) + 1
	}
	return int(f)
}

// first returns the first of the n places nearest to x.
func (s *Spec) first(x float64, n int) int {
	f := math.Floor(x)
	p, frac := int(f), x-f
	switch {
	case n%2 == 0 && frac == 0:
		return p - n/2
	case n%2 == 0:
		return p - n/2 + 1
	case frac <= 0.5:
		return p - (n-1)/2
	}
	return p - (n-1)/2 + 1
}

// weights appends the weights of the taps around x.
func (s *Spec) weights(w []float64, x, scale float64) []float64 {
	ratio := x - math.Floor(x)
	if ratio == 0 {
		ratio = 1 // the place to the left counts as the nearer one
	}
	reach := 1 // taps to either side
	if s.Filter == Cubic {
		reach = 2
	}
	if !s.Antialias || scale >= 1 {
		for t := 1 - reach; t <= reach; t++ {
			w = append(w, s.kernel(float64(t)-ratio))
		}
		if s.Antialias {
			normalise(w)
		}
		return w
	}
	first := int(math.Floor(-float64(reach)/scale)) + 1
	last := 2 - first
	if s.Filter == Linear {
		last = first + 2 - 2*first
	}
	for t := first; t < last; t++ {
		w = append(w, s.kernel((float64(t)-ratio)*scale))
	}
	normalise(w)
	return w
}

// kernel is the filter's weight at a distance.
func (s *Spec) kernel(x float64) float64 {
	x = math.Abs(x)
	if s.Filter == Linear {
		return max(0, 1-x)
	}
	switch {
	case x <= 1:
		return ((s.A+2)*x-(s.A+3))*x*x + 1
	case x < 2:
		return ((x-5)*x+8)*x*s.A - 4*s.A
	}
	return 0
}

func normalise(w []float64) {
	sum := 0.0
	for _, v := range w {
		sum += v
	}
	if sum == 0 {
		return
	}
	for i := range w {
		w[i] /= sum
	}
}

// add appends the taps of a place, those outside of the input moved to its border, or left out.
func (a *Axis) add(w []float64, first int, exclude bool) {
	if exclude {
		for t := range w {
			if at := first + t; at < 0 || at >= a.In {
				w[t] = 0
			}
		}
		normalise(w)
	}
	for t, v := range w {
		a.At = append(a.At, max(0, min(first+t, a.In-1)))
		a.W = append(a.W, v)
	}
}
