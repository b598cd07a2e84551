package linalg

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestInverse multiplies inverses back.
func TestInverse(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 2, 3, 7, 20} {
		a := make([]float64, n*n)
		for i := range a {
			a[i] = r.NormFloat64()
		}
		if n > 1 {
			a[0] = 0 // rows must change places
		}
		b := append([]float64{}, a...)
		if !Inverse(b, n, make([]int, n)) {
			t.Fatalf("no inverse of %d×%[1]d", n)
		}
		for i := range n {
			for j := range n {
				sum, want := 0.0, 0.0
				for k := range n {
					sum += a[i*n+k] * b[k*n+j]
				}
				if i == j {
					want = 1
				}
				if math.Abs(sum-want) > 1e-9 {
					t.Fatalf("%d×%[1]d: A·A⁻¹ has %v at %d,%d", n, sum, i, j)
				}
			}
		}
	}
	if Inverse([]float64{1, 2, 2, 4}, 2, make([]int, 2)) {
		t.Error("a matrix without an inverse got one")
	}
}
