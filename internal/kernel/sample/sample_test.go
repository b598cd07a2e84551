package sample

import (
	"math"
	"slices"
	"testing"
)

// TestPlace checks the taps of a point on one axis of four pixels.
func TestPlace(t *testing.T) {
	for _, c := range []struct {
		s  Sampler
		x  float64
		at []int64
		w  []float64
	}{
		{Sampler{Filter: Nearest}, 1.5, []int64{2}, []float64{1}},
		{Sampler{Filter: Nearest}, 2.5, []int64{2}, []float64{1}},
		{Sampler{Filter: Nearest}, -0.5, []int64{0}, []float64{1}},
		{Sampler{Filter: Nearest}, -0.75, []int64{-1}, []float64{1}},
		{Sampler{Filter: Nearest, Padding: Reflection, Corners: true}, -2, []int64{2}, []float64{1}},
		{Sampler{Filter: Nearest, Padding: Reflection}, -2, []int64{1}, []float64{1}},
		{Sampler{Filter: Nearest, Padding: Reflection}, 9, []int64{1}, []float64{1}},
		{Sampler{Filter: Linear}, 3.25, []int64{3, -1}, []float64{0.75, 0.25}},
		{Sampler{Filter: Linear, Padding: Border}, 3.25, []int64{3, 3}, []float64{0.75, 0.25}},
		{Sampler{Filter: Linear, Padding: Border}, 99, []int64{3, 3}, []float64{1, 0}},
		{Sampler{Filter: Linear, Padding: Reflection, Corners: true}, 3.25, []int64{2, 3}, []float64{0.25, 0.75}},
		{Sampler{Filter: Linear}, math.NaN(), []int64{-1, -1}, []float64{0, 0}},
		{Sampler{Filter: Linear}, 1e300, []int64{-1, -1}, []float64{0, 0}},
		{Sampler{Filter: Cubic, Padding: Reflection}, 0, []int64{0, 0, 1, 2}, []float64{0, 1, 0, 0}},
		{Sampler{Filter: Cubic, Padding: Reflection, Corners: true}, 0, []int64{1, 0, 1, 2}, []float64{0, 1, 0, 0}},
		{Sampler{Filter: Cubic, Padding: Border}, -0.5, []int64{0, 0, 0, 1}, []float64{-0.09375, 0.59375, 0.59375, -0.09375}},
		{Sampler{Filter: Cubic, Padding: Border}, 99, []int64{3, 3, 3, 3}, []float64{0, 1, 0, 0}},
		{Sampler{Filter: Cubic}, 2.5, []int64{1, 2, 3, -1}, []float64{-0.09375, 0.59375, 0.59375, -0.09375}},
	} {
		c.s.Dims = []int{4}
		n := c.s.Taps()
		at, w := make([]int64, n), make([]float64, n)
		Place(&c.s, at, w, []float64{c.x})
		if !slices.Equal(at, c.at) || !slices.Equal(w, c.w) {
			t.Errorf("%+v at %v: taps %v with weights %v, want %v with %v", c.s, c.x, at, w, c.at, c.w)
		}
	}
	s := Sampler{Filter: Linear, Dims: []int{2, 3}}
	at, w := make([]int64, 4), make([]float32, 4)
	Place(&s, at, w, []float64{0.25, 1.5})
	if !slices.Equal(at, []int64{1, 2, 4, 5}) || !slices.Equal(w, []float32{0.375, 0.375, 0.125, 0.125}) {
		t.Errorf("in two dimensions: taps %v with weights %v", at, w)
	}
}

// TestWeigh has a tap outside beside an infinity, whose product with a weight of 0 would be NaN.
func TestWeigh(t *testing.T) {
	src := []float32{1, 2, 4, float32(math.Inf(1))}
	at := []int64{0, 1, 2, 2, -1, 1, -1, 0, -1, -1, -1, -1}
	w := []float32{1, 0.5, 0.25, 0.25, 0, 2, 0, 1, 1, 1, 1, 1}
	dst := make([]float32, 3)
	Weigh(dst, src, at, w, 4, 1)
	if want := []float32{4, 5, 0}; !slices.Equal(dst, want) {
		t.Errorf("four taps: %v, want %v", dst, want)
	}
	pairs := make([]float32, 3)
	Weigh(pairs, []float32{1, 10, 2, 20}[1:], []int64{0, 1, -1, 1}, []float32{1, 0.5, 1, 1}, 2, 2)
	if want := []float32{20, 0, 20}; !slices.Equal(pairs, want) {
		t.Errorf("second parts of pairs: %v, want %v", pairs, want)
	}
}

func BenchmarkWeigh4(b *testing.B) {
	const n = 1024
	s := Sampler{Filter: Linear, Dims: []int{64, 64}}
	src, dst, at, w := make([]float32, 64*64), make([]float32, n), make([]int64, 4*n), make([]float32, 4*n)
	b.Run("Place", func(b *testing.B) {
		for b.Loop() {
			for i := range n {
				Place(&s, at[4*i:][:4], w[4*i:], []float64{float64(i%61) + 0.3, float64(i%59) + 0.6})
			}
		}
	})
	b.Run("Weigh", func(b *testing.B) {
		for b.Loop() {
			Weigh(dst, src, at, w, 4, 1)
		}
	})
}
