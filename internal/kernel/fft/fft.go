// Package fft computes discrete Fourier transforms of any length in float64, in O(n log n).
//
// A [Plan] holds the factors and the roots of unity of a length. It isn't changed by transforms: any number of goroutines may use one, each with
// scratch of its own.
//
//	p := fft.New(400)
//	p.Forward(x, scratch) // x and scratch are 400 and p.Scratch() complex numbers
//
// Lengths whose prime factors are at most 31 go through the self-sorting algorithm of Stockham with mixed radices; others through Bluestein's,
// which makes a convolution of the transform. Real input takes half the work, see [Real].
package fft

import (
	"math"
	"unsafe"
)

// largestRadix is the largest prime that is transformed directly: n² operations are fewer than a convolution's until about here.
const largestRadix = 31

// Plan transforms complex sequences of one length.
type Plan struct {
	n         int
	factors   []int        // nil for Bluestein's algorithm
	roots     []complex128 // e^(−2πik/n)
	bluestein *bluestein
}

// New makes a plan for length n, which is at least 1.
func New(n int) *Plan {
	p := &Plan{n: n}
	rest := n
	for _, r := range []int{4, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, largestRadix} {
		for rest%r == 0 {
			p.factors = append(p.factors, r)
			rest /= r
		}
	}
	if rest > 1 {
		p.factors, p.bluestein = nil, newBluestein(n)
		return p
	}
	p.roots = make([]complex128, n)
	for k := range p.roots {
		p.roots[k] = root(k, n)
	}
	return p
}

// root is e^(−2πik/n). The angle is reduced to an eighth of the circle first, so that the roots are symmetric and those on the axes exact.
func root(k, n int) complex128 {
	// In units of an eighth: 8k/n = octant + rest/n.
	octant, rest := 8*k/n, 8*k%n
	if octant&1 == 1 {
		rest = n - rest
	}
	s, c := math.Sincos(float64(rest) / float64(n) * (math.Pi / 4))
	switch octant & 7 {
	case 1, 2, 5, 6:
		s, c = c, s
	}
	if octant&7 >= 2 && octant&7 <= 5 {
		c = -c
	}
	if octant&7 >= 4 {
		s = -s
	}
	return complex(c, -s)
}

// Len is the length of the sequences.
func (p *Plan) Len() int { return p.n }

// Scratch is the number of complex numbers that a transform needs beside its data.
func (p *Plan) Scratch() int {
	if p.bluestein != nil {
		return 2 * len(p.bluestein.kernel)
	}
	return p.n
}

// Forward sets x[k] to Σ x[j]·e^(−2πijk/n), in place.
func (p *Plan) Forward(x, scratch []complex128) {
	x = x[:p.n]
	if p.bluestein != nil {
		p.bluestein.forward(x, scratch)
		return
	}
	src, dst := x, scratch[:p.n]
	stride := 1
	for _, r := range p.factors {
		p.stage(dst, src, r, stride)
		src, dst = dst, src
		stride *= r
	}
	if p.n > 0 && &src[0] != &x[0] {
		copy(x, src)
	}
}

// Inverse sets x[k] to 1/n·Σ x[j]·e^(2πijk/n), in place.
func (p *Plan) Inverse(x, scratch []complex128) {
	x = x[:p.n]
	conjugate(x, 1)
	p.Forward(x, scratch)
	conjugate(x, float64(p.n))
}

func conjugate(x []complex128, div float64) {
	for i, v := range x {
		x[i] = complex(real(v)/div, -imag(v)/div)
	}
}

// stage is one step of Stockham's algorithm: stride interleaved sequences of length n = m·r each become r·stride of length m.
//
//	for a := range m { for b := range stride { for k := range r {
//		dst[b + stride·(r·a + k)] = w(n)^(a·k) · Σ_j w(r)^(j·k) · src[b + stride·(a + m·j)]
//	} } }
//
// with w(n) = e^(−2πi/n).
func (p *Plan) stage(dst, src []complex128, r, stride int) {
	m := p.n / stride / r
	for a := range m {
		in, out := src[stride*a:], dst[stride*r*a:]
		switch r {
		case 2:
			w := p.roots[a*stride]
			x0, x1 := in[:stride], in[stride*m:][:stride]
			y0, y1 := out[:stride], out[stride:][:stride]
			for b, u := range x0 {
				v := x1[b]
				y0[b], y1[b] = u+v, (u-v)*w
			}
		case 3:
			radix3(out, in, stride, m, p.roots[a*stride], p.roots[2*a*stride])
		case 4:
			radix4(out, in, stride, m, p.roots[a*stride], p.roots[2*a*stride], p.roots[3*a*stride])
		case 5:
			radix5(out, in, stride, m, p.roots[a*stride], p.roots[2*a*stride], p.roots[3*a*stride], p.roots[4*a*stride])
		default:
			p.radix(out, in, r, stride, m, a)
		}
	}
}

// turn multiplies by −i.
func turn(x complex128) complex128 { return complex(imag(x), -real(x)) }

// times multiplies by a real number.
func times(x complex128, f float64) complex128 { return complex(real(x)*f, imag(x)*f) }

func radix3(out, in []complex128, stride, m int, w1, w2 complex128) {
	const sin60 = 0.866025403784438646763723170752936183
	x0, x1, x2 := in[:stride], in[stride*m:][:stride], in[2*stride*m:][:stride]
	y0, y1, y2 := out[:stride], out[stride:][:stride], out[2*stride:][:stride]
	for b, u := range x0 {
		s, d := x1[b]+x2[b], turn(times(x1[b]-x2[b], sin60))
		c := u - times(s, 0.5)
		y0[b], y1[b], y2[b] = u+s, (c+d)*w1, (c-d)*w2
	}
}

func radix4(out, in []complex128, stride, m int, w1, w2, w3 complex128) {
	x0, x1, x2, x3 := in[:stride], in[stride*m:][:stride], in[2*stride*m:][:stride], in[3*stride*m:][:stride]
	y0, y1, y2, y3 := out[:stride], out[stride:][:stride], out[2*stride:][:stride], out[3*stride:][:stride]
	for b, u := range x0 {
		s0, d0 := u+x2[b], u-x2[b]
		s1, d1 := x1[b]+x3[b], turn(x1[b]-x3[b])
		y0[b], y1[b], y2[b], y3[b] = s0+s1, (d0+d1)*w1, (s0-s1)*w2, (d0-d1)*w3
	}
}

func radix5(out, in []complex128, stride, m int, w1, w2, w3, w4 complex128) {
	const (
		cos1 = 0.309016994374947424102293417182819059 // of 72°
		cos2 = -0.809016994374947424102293417182819059
		sin1 = 0.951056516295153572116439333379382143
		sin2 = 0.587785252292473129168705954639072769
	)
	x0, x1, x2, x3, x4 := in[:stride], in[stride*m:][:stride], in[2*stride*m:][:stride], in[3*stride*m:][:stride], in[4*stride*m:][:stride]
	y0, y1, y2, y3, y4 := out[:stride], out[stride:][:stride], out[2*stride:][:stride], out[3*stride:][:stride], out[4*stride:][:stride]
	for b, u := range x0 {
		s1, d1 := x1[b]+x4[b], x1[b]-x4[b]
		s2, d2 := x2[b]+x3[b], x2[b]-x3[b]
		c1, c2 := u+times(s1, cos1)+times(s2, cos2), u+times(s1, cos2)+times(s2, cos1)
		t1, t2 := turn(times(d1, sin1)+times(d2, sin2)), turn(times(d1, sin2)-times(d2, sin1))
		y0[b] = u + s1 + s2
		y1[b], y2[b], y3[b], y4[b] = (c1+t1)*w1, (c2+t2)*w2, (c2-t2)*w3, (c1-t1)*w4
	}
}

// radix is the step for any other factor, by the definition.
func (p *Plan) radix(out, in []complex128, r, stride, m, a int) {
	var x [largestRadix]complex128
	unit := p.n / r // roots[unit] is e^(−2πi/r)
	for b := range stride {
		for j := range r {
			x[j] = in[b+stride*m*j]
		}
		for k := range r {
			sum, at := x[0], 0
			for _, v := range x[1:r] {
				if at += k; at >= r {
					at -= r
				}
				sum += v * p.roots[at*unit]
			}
			out[b+stride*k] = sum * p.roots[a*k*stride]
		}
	}
}

// bluestein writes jk as (j² + k² − (k−j)²)/2, which makes the transform a convolution with a chirp, done by transforms of a power of two.
type bluestein struct {
	chirp  []complex128 // e^(−πik²/n)
	kernel []complex128 // the transform of the conjugate chirp, divided by its length
	plan   *Plan
}

func newBluestein(n int) *bluestein {
	size := 1
	for size < 2*n-1 {
		size *= 2
	}
	b := &bluestein{chirp: make([]complex128, n), kernel: make([]complex128, size), plan: New(size)}
	square := 0 // k² mod 2n
	for k := range b.chirp {
		b.chirp[k] = root(square, 2*n)
		square = (square + 2*k + 1) % (2 * n)
	}
	for k, c := range b.chirp {
		c = complex(real(c), -imag(c))
		b.kernel[k] = c
		if k > 0 {
			b.kernel[size-k] = c
		}
	}
	b.plan.Forward(b.kernel, make([]complex128, size))
	for k := range b.kernel {
		b.kernel[k] /= complex(float64(size), 0)
	}
	return b
}

func (b *bluestein) forward(x, scratch []complex128) {
	size := len(b.kernel)
	y, scratch := scratch[:size], scratch[size:]
	clear(y[len(x):])
	for k, v := range x {
		y[k] = v * b.chirp[k]
	}
	b.plan.Forward(y, scratch)
	for k, v := range b.kernel {
		y[k] *= v
		y[k] = complex(real(y[k]), -imag(y[k])) // of the inverse transform
	}
	b.plan.Forward(y, scratch)
	for k := range x {
		x[k] = complex(real(y[k]), -imag(y[k])) * b.chirp[k]
	}
}

// Complex views pairs of float64 as complex numbers.
func Complex(f []float64) []complex128 {
	if len(f) < 2 {
		return nil
	}
	return unsafe.Slice((*complex128)(unsafe.Pointer(unsafe.SliceData(f))), len(f)/2)
}
