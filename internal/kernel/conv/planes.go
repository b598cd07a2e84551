package conv

import "math"

// Element lists the types that pools of planes take.
type Element interface {
	float32 | float64 | int8 | uint8
}

// Planes slides a window over images given as one plane of pixels a channel. It is the plain form of pooling, for any type and number of
// dimensions; see [Pool] for the quick one.
type Planes struct {
	Window
	End []int // padding behind the last element, see Padded

	strides []int
	pixels  int
	bounds  []span // of each dimension, of each output
}

// span is a part of a window along one dimension.
type span struct{ lo, hi, start int }

// NewPlanes prepares a window.
func NewPlanes(w Window, end []int) (*Planes, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	p := &Planes{Window: w, End: end, strides: make([]int, len(w.In)), pixels: 1}
	for d := len(w.In) - 1; d >= 0; d-- {
		p.strides[d] = p.pixels
		p.pixels *= w.In[d]
	}
	for d, n := range w.Out {
		for o := range n {
			lo, hi := w.span(d, o)
			p.bounds = append(p.bounds, span{lo, hi, o*w.Stride[d] - w.Begin[d]})
		}
	}
	return p, nil
}

// Each calls f for each output pixel of a plane, in order, with the window there.
func (p *Planes) Each(f func(o int, w *Cursor)) {
	c := Cursor{p: p, out: make([]int, len(p.Out)), at: make([]int, len(p.Out)), spans: make([]span, len(p.Out))}
	for o := range product(p.Out) {
		rest := o
		for d := len(p.Out) - 1; d >= 0; d-- {
			c.out[d] = rest % p.Out[d]
			rest /= p.Out[d]
		}
		base := 0
		for d, n := range p.Out {
			c.spans[d] = p.bounds[base+c.out[d]]
			base += n
		}
		f(o, &c)
	}
}

// Cursor is a window at one place.
type Cursor struct {
	p     *Planes
	out   []int
	at    []int
	spans []span
}

// Runs calls f for the elements of the window that lie inside of the image, line by line of the last dimension: n elements from off on, step apart.
func (c *Cursor) Runs(f func(off, step, n int)) {
	last := len(c.out) - 1
	for d, s := range c.spans {
		if s.lo >= s.hi {
			return
		}
		c.at[d] = s.lo
	}
	p := c.p
	for {
		off := 0
		for d := range last {
			off += (c.spans[d].start + c.at[d]*p.Dilation[d]) * p.strides[d]
		}
		s := c.spans[last]
		f(off+s.start+s.lo*p.Dilation[last], p.Dilation[last], s.hi-s.lo)
		d := last - 1
		for ; d >= 0; d-- {
			if c.at[d]++; c.at[d] < c.spans[d].hi {
				break
			}
			c.at[d] = c.spans[d].lo
		}
		if d < 0 {
			return
		}
	}
}

// Inside is the number of elements that lie inside of the image.
func (c *Cursor) Inside() int {
	n := 1
	for _, s := range c.spans {
		n *= max(s.hi-s.lo, 0)
	}
	return n
}

// Padded is the number of elements that lie inside of the image or of its padding.
func (c *Cursor) Padded() int {
	n := 1
	for d := range c.spans {
		n *= c.p.padded(d, c.out[d], c.p.End[d])
	}
	return n
}

// MaxPlane writes the largest element of each window of a plane, a NaN if there is one, and to index, if not nil, where the first such lies in
// the plane. lowest is the result for a window without elements.
func MaxPlane[T Element](p *Planes, y, x []T, index []int64, lowest T) {
	p.Each(func(o int, w *Cursor) {
		best, at := lowest, -1
		w.Runs(func(off, step, n int) {
			for range n {
				if v := x[off]; v > best || v != v || at < 0 {
					if best == best || at < 0 {
						best, at = v, off
					}
				}
				off += step
			}
		})
		y[o] = best
		if index != nil {
			index[o] = int64(max(at, 0))
		}
	})
}

// MeanPlane writes the mean of each window of a plane; with padded it counts padding as zeros. It is 0 where nothing is counted.
func MeanPlane[T Number](p *Planes, y, x []T, padded bool) {
	p.Each(func(o int, w *Cursor) {
		var sum T
		w.Runs(func(off, step, n int) {
			for range n {
				sum += x[off]
				off += step
			}
		})
		n := w.Inside()
		if padded {
			n = w.Padded()
		}
		if n > 0 {
			sum /= T(n)
		}
		y[o] = sum
	})
}

// NormPlane writes the p-norm of each window of a plane.
func NormPlane[T Number](p *Planes, y, x []T, norm int) {
	p.Each(func(o int, w *Cursor) {
		s := 0.0
		w.Runs(func(off, step, n int) {
			for range n {
				s += power(math.Abs(float64(x[off])), norm)
				off += step
			}
		})
		y[o] = T(root(s, norm))
	})
}

// Norm is the p-norm of x.
func Norm[T Number](x []T, norm int) T {
	s := 0.0
	for _, v := range x {
		s += power(math.Abs(float64(v)), norm)
	}
	return T(root(s, norm))
}

func power(v float64, p int) float64 {
	switch p {
	case 1:
		return v
	case 2:
		return v * v
	}
	return math.Pow(v, float64(p))
}

func root(v float64, p int) float64 {
	switch p {
	case 1:
		return v
	case 2:
		return math.Sqrt(v)
	}
	return math.Pow(v, 1/float64(p))
}
