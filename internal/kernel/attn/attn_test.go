package attn

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-6 {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}

func TestRotations(t *testing.T) {
	cos, sin := []float32{0, 1}, []float32{1, 0} // a quarter turn, and none
	near(t, "halves", rotated(Rotate, cos, sin), []float32{-3, 2, 1, 4})
	near(t, "pairs", rotated(RotatePairs, cos, sin), []float32{-2, 1, 3, 4})
}

// rotated turns in place.
func rotated(f func(dst, x, cos, sin []float32), cos, sin []float32) []float32 {
	x := []float32{1, 2, 3, 4}
	f(x, x, cos, sin)
	return x
}

func TestState(t *testing.T) {
	s := State{S: make([]float32, 6), V: 3}
	s.Write([]float32{1, 2}, []float32{1, 0, -1})
	near(t, "Write", s.S, []float32{1, 0, -1, 2, 0, -2})
	s.Decay([]float32{0.5, 2})
	near(t, "Decay", s.S, []float32{0.5, 0, -0.5, 4, 0, -4})
	s.Decay([]float32{2})
	out := []float32{9, 9, 9}
	s.Read(out, []float32{1, 1}, 0.5)
	near(t, "Read", out, []float32{4.5, 0, -4.5})
}

// TestConvolve has lengths on both sides of shortRun.
func TestConvolve(t *testing.T) {
	w := []float32{1, -2, 0.5}
	for n := range 40 {
		x, dst := make([]float32, n+2), make([]float32, n)
		for i := range x {
			x[i] = float32(i%7) - 2
		}
		want := make([]float32, n)
		for i := range want {
			want[i] = 0.25 + w[0]*x[i] + w[1]*x[i+1] + w[2]*x[i+2]
		}
		Convolve(dst, x, w, 0.25)
		near(t, "Convolve", dst, want)
	}
}
