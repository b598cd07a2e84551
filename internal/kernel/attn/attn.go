// Package attn holds loops of the layers around attention: rotations of positional embeddings, the state of linear attention, and causal
// convolutions of single channels.
package attn

import "ingot/internal/kernel/vec"

// Rotate turns the pairs (x[i], x[i+n]), n = len(cos), by angles given by their cosines and sines. dst may be x; both hold 2n elements.
func Rotate(dst, x, cos, sin []float32) {
	n := len(cos)
	sin = sin[:n]
	x1, x2 := x[:n], x[n:][:n]
	d1, d2 := dst[:n], dst[n:][:n]
	for i, c := range cos {
		a, b, s := x1[i], x2[i], sin[i]
		d1[i] = c*a - s*b
		d2[i] = s*a + c*b
	}
}

// RotatePairs turns the pairs (x[2i], x[2i+1]).
func RotatePairs(dst, x, cos, sin []float32) {
	n := len(cos)
	sin = sin[:n]
	x, dst = x[:2*n], dst[:2*n]
	for i, c := range cos {
		a, b, s := x[2*i], x[2*i+1], sin[i]
		dst[2*i] = c*a - s*b
		dst[2*i+1] = s*a + c*b
	}
}

// State is the matrix S of linear attention: a row of v elements for each element of a key.
type State struct {
	S []float32
	V int
}

func (s State) row(i int) []float32 { return s.S[i*s.V:][:s.V] }

// Decay multiplies row i with decay[i], or all with the one there is.
func (s State) Decay(decay []float32) {
	if len(decay) == 1 {
		vec.MulS(s.S, s.S, decay[0])
		return
	}
	for i, d := range decay {
		vec.MulS(s.row(i), s.row(i), d)
	}
}

// Read is out = scale·Sᵀ·x.
func (s State) Read(out, x []float32, scale float32) {
	clear(out)
	for i, v := range x {
		vec.Axpy(out, scale*v, s.row(i))
	}
}

// Write is S += k⊗v.
func (s State) Write(k, v []float32) {
	for i, x := range k {
		vec.Axpy(s.row(i), x, v)
	}
}

// shortRun is the length below which a convolution goes output by output.
const shortRun = 16

// Convolve is
//
//	for i := range dst { dst[i] = bias + Σ_j w[j]·x[i+j] }
//
// x holds len(dst) + len(w) - 1 elements.
func Convolve(dst, x, w []float32, bias float32) {
	if len(dst) < shortRun {
		for i := range dst {
			sum := bias
			for j, v := range x[i:][:len(w)] {
				sum += w[j] * v
			}
			dst[i] = sum
		}
		return
	}
	for i := range dst {
		dst[i] = bias
	}
	for j, v := range w {
		vec.Axpy(dst, v, x[j:][:len(dst)])
	}
}
