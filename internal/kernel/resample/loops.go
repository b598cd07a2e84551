package resample

import "ingot/internal/kernel/vec"

// Float are the types that weighted sums are computed in.
type Float interface{ float32 | float64 }

// Taps are an axis's weights in the type that is computed in.
type Taps[T Float] struct {
	*Axis
	W []T
}

// TapsOf converts an axis's weights.
func TapsOf[T Float](a *Axis) Taps[T] {
	t := Taps[T]{Axis: a, W: make([]T, len(a.W))}
	for i, w := range a.W {
		t.W[i] = T(w)
	}
	return t
}

// Along resizes a row along itself: d[i] = Σ W[i,t]·s[At[i,t]].
func Along[T Float](d, s []T, a *Taps[T]) {
	d = d[:a.Out]
	switch {
	case a.Identity:
		copy(d, s[:a.In])
	case a.Taps == 1:
		for i, at := range a.At[:len(d)] {
			d[i] = s[at]
		}
	case a.Taps == 2:
		w, at := a.W[:2*len(d)], a.At[:2*len(d)]
		for i := range d {
			d[i] = T(s[at[2*i]]*w[2*i]) + T(s[at[2*i+1]]*w[2*i+1])
		}
	default:
		n := a.Taps
		for i := range d {
			w, at := a.W[i*n:(i+1)*n], a.At[i*n:(i+1)*n]
			var sum T
			for t, v := range w {
				sum += T(v * s[at[t]])
			}
			d[i] = sum
		}
	}
}

// Across adds up rows by their weights: d = Σ w[t]·rows[t].
func Across[T Float](d []T, rows [][]T, w []T) {
	if f, ok := any(d).([]float32); ok {
		r, _ := any(rows).([][]float32)
		w32, _ := any(w).([]float32)
		across32(f, r, w32)
		return
	}
	for i, v := range rows[0][:len(d)] {
		d[i] = v * w[0]
	}
	for t := 1; t < len(w); t++ {
		if w[t] == 0 {
			continue
		}
		r := rows[t][:len(d)]
		for i, v := range r {
			d[i] += T(v * w[t])
		}
	}
}

func across32(d []float32, rows [][]float32, w []float32) {
	vec.MulS(d, rows[0][:len(d)], w[0])
	for t := 1; t < len(w); t++ {
		if w[t] != 0 {
			vec.Axpy(d, w[t], rows[t][:len(d)])
		}
	}
}
