package fft

// Real transforms real sequences of one length, whose transform is conjugate symmetric: n/2+1 numbers say it all. It is immutable like [Plan].
type Real struct {
	n     int
	plan  *Plan        // of half the length if that is even
	roots []complex128 // e^(−2πik/n), k up to a quarter; nil for an odd length
}

// NewReal makes a plan for real sequences of length n, which is at least 1.
func NewReal(n int) *Real {
	r := &Real{n: n}
	if n%2 == 1 {
		r.plan = New(n)
		return r
	}
	r.plan = New(n / 2)
	r.roots = make([]complex128, n/4+1)
	for k := range r.roots {
		r.roots[k] = root(k, n)
	}
	return r
}

// Len is the length of the sequences.
func (r *Real) Len() int { return r.n }

// Scratch is the number of complex numbers that Forward needs beside its data.
func (r *Real) Scratch() int { return r.plan.Scratch() }

// Forward transforms n real numbers. x has room for n complex numbers; on entry the first n float64 in it, read as such, are the sequence. On
// return its first n/2+1 numbers are the transform.
func (r *Real) Forward(x, scratch []complex128) {
	if r.n%2 == 1 {
		for i := r.n - 1; i >= 0; i-- {
			x[i] = complex(half(x, i), 0)
		}
		r.plan.Forward(x, scratch)
		return
	}
	// Even and odd places as real and imaginary parts make one sequence of half the length. Its transform z holds that of the even places
	// in (z[k] + z̄[h−k])/2 and that of the odd ones in (z[k] − z̄[h−k])/2i.
	h := r.n / 2
	r.plan.Forward(x[:h], scratch)
	z := x[0]
	x[0], x[h] = complex(real(z)+imag(z), 0), complex(real(z)-imag(z), 0)
	for k := 1; k <= h/2; k++ {
		a, b := x[k], x[h-k]
		b = complex(real(b), -imag(b))
		even, odd := times(a+b, 0.5), times(turn(a-b), 0.5)*r.roots[k]
		x[k] = even + odd
		last := even - odd
		x[h-k] = complex(real(last), -imag(last))
	}
}

// half is element i of the float64 that x is made of.
func half(x []complex128, i int) float64 {
	if i%2 == 0 {
		return real(x[i/2])
	}
	return imag(x[i/2])
}
