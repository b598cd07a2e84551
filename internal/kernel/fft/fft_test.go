package fft

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// direct is the definition.
func direct(x []complex128) []complex128 {
	n := len(x)
	out := make([]complex128, n)
	for k := range out {
		for j, v := range x {
			s, c := math.Sincos(-2 * math.Pi * float64(j*k%n) / float64(n))
			out[k] += v * complex(c, s)
		}
	}
	return out
}

func worst(a, b []complex128) float64 {
	w := 0.0
	for i, v := range a {
		w = max(w, cmplx.Abs(v-b[i]))
	}
	return w
}

// sizes has every small length, and large ones of each kind: powers of two, smooth numbers, primes and products of large primes.
func sizes() []int {
	var list []int
	for n := 1; n <= 200; n++ {
		list = append(list, n)
	}
	return append(list, 256, 400, 480, 512, 1009, 1024, 31*31, 37*41, 1200, 1331, 2*509)
}

func TestTransforms(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range sizes() {
		x := make([]complex128, n)
		for i := range x {
			x[i] = complex(r.NormFloat64(), r.NormFloat64())
		}
		want := direct(x)
		p := New(n)
		dirty := func(n int) []complex128 {
			s := make([]complex128, n)
			for i := range s {
				s[i] = cmplx.NaN()
			}
			return s
		}
		got := append([]complex128{}, x...)
		p.Forward(got, dirty(p.Scratch()))
		limit := 1e-14 * float64(n+4)
		if w := worst(got, want); !(w <= limit) {
			t.Errorf("length %d: off by %g", n, w)
		}
		p.Inverse(got, dirty(p.Scratch()))
		if w := worst(got, x); !(w <= limit) {
			t.Errorf("length %d, inverse: off by %g", n, w)
		}
		for i := range x {
			x[i] = complex(real(x[i]), 0)
		}
		want = direct(x)
		q := NewReal(n)
		in := make([]float64, 2*n)
		for i, v := range x {
			in[i] = real(v)
		}
		for i := n; i < 2*n; i++ {
			in[i] = math.NaN()
		}
		z := Complex(in)
		q.Forward(z, dirty(q.Scratch()))
		if w := worst(z[:n/2+1], want); !(w <= limit) {
			t.Errorf("length %d, real: off by %g", n, w)
		}
	}
}

func TestRoots(t *testing.T) {
	for n, k := range map[int]int{4: 1, 8: 2, 12: 3, 400: 100} {
		if got := root(k, n); got != complex(0, -1) {
			t.Errorf("a quarter of %d is %v", n, got)
		}
	}
	for n := 1; n < 50; n++ {
		for k := range n {
			want := cmplx.Exp(complex(0, -2*math.Pi*float64(k)/float64(n)))
			if cmplx.Abs(root(k, n)-want) > 2e-15 {
				t.Errorf("root %d of %d: %v, want %v", k, n, root(k, n), want)
			}
		}
	}
}

func BenchmarkForward(b *testing.B) {
	for _, n := range []int{400, 512, 1009, 4096} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := New(n)
			x, s := make([]complex128, n), make([]complex128, p.Scratch())
			for b.Loop() {
				p.Forward(x, s)
			}
		})
		b.Run(fmt.Sprintf("real%d", n), func(b *testing.B) {
			p := NewReal(n)
			x, s := make([]complex128, n), make([]complex128, p.Scratch())
			for b.Loop() {
				p.Forward(x, s)
			}
		})
	}
}
