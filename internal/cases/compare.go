package cases

import (
	"fmt"
	"math"
	"slices"

	"ingot/internal/num"
	"ingot/tensor"
)

// Diff is how far two tensors of one type are apart.
type Diff struct {
	MaxAbs float64 // largest |got-want|
	MaxRel float64 // largest |got-want|/|want|, where want isn't 0
	Cosine float64 // of the angle between them as vectors; NaN for a vector of zeros
	Bad    int     // elements outside of the tolerance
	First  int     // the first of them
	Got    float64 // its values
	Want   float64
	Total  int
}

// Compare compares got with want as numpy.testing.assert_allclose does: |got-want| ≤ atol + rtol·|want|, NaN equals NaN. Kind, dtype and
// shape must be equal. The error says what differs; nil when nothing does.
func Compare(want, got tensor.Value, rtol, atol float64) error {
	switch w := want.(type) {
	case *tensor.Tensor:
		g, ok := got.(*tensor.Tensor)
		if !ok {
			return fmt.Errorf("kind: want a tensor, got %T", got)
		}
		return compareTensors(w, g, rtol, atol)
	case *tensor.Sequence:
		g, ok := got.(*tensor.Sequence)
		if !ok || len(g.Items) != len(w.Items) {
			return fmt.Errorf("kind: want a sequence of %d, got %s", len(w.Items), describe(got))
		}
		for i := range w.Items {
			if err := Compare(w.Items[i], g.Items[i], rtol, atol); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	case *tensor.Optional:
		g, ok := got.(*tensor.Optional)
		if !ok {
			g = &tensor.Optional{V: got} // a value may stand for an optional that holds it
		}
		if (w.V == nil) != (g.V == nil) {
			return fmt.Errorf("kind: want an optional with a value: %t, got one: %t", w.V != nil, g.V != nil)
		}
		if w.V == nil {
			return nil
		}
		return Compare(w.V, g.V, rtol, atol)
	case *tensor.Map:
		g, ok := got.(*tensor.Map)
		if !ok {
			return fmt.Errorf("kind: want a map, got %s", describe(got))
		}
		if err := compareTensors(w.Keys, g.Keys, 0, 0); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		return compareTensors(w.Values, g.Values, rtol, atol)
	}
	return fmt.Errorf("kind: can't compare %T", want)
}

func describe(v tensor.Value) string {
	if s, ok := v.(*tensor.Sequence); ok {
		return fmt.Sprintf("a sequence of %d", len(s.Items))
	}
	return fmt.Sprintf("%T", v)
}

func compareTensors(want, got *tensor.Tensor, rtol, atol float64) error {
	if want.DType() != got.DType() {
		return fmt.Errorf("dtype: want %s, got %s", want.DType(), got.DType())
	}
	if !slices.Equal(want.Dims(), got.Dims()) {
		return fmt.Errorf("shape: want %s, got %s", tensor.ShapeString(want.Dims()), tensor.ShapeString(got.Dims()))
	}
	if want.DType() == tensor.String {
		w, g := tensor.View[string](want), tensor.View[string](got)
		for i := range w {
			if w[i] != g[i] {
				return fmt.Errorf("values: element %d is %q, want %q", i, g[i], w[i])
			}
		}
		return nil
	}
	d := Difference(want, got, rtol, atol)
	if d.Bad > 0 {
		return fmt.Errorf("values: %d of %d elements differ, the first at %d: got %v, want %v; largest difference %.3g, relative %.3g",
			d.Bad, d.Total, d.First, d.Got, d.Want, d.MaxAbs, d.MaxRel)
	}
	return nil
}

// Difference measures how far got is from want, which must have the same numeric dtype and length.
func Difference(want, got *tensor.Tensor, rtol, atol float64) Diff {
	w, g := floats(want), floats(got)
	d := Diff{Total: len(w)}
	var ww, gg, wg float64
	for i := range w {
		a, b := w[i], g[i]
		ww, gg, wg = ww+a*a, gg+b*b, wg+a*b
		if a == b || a != a && b != b {
			continue
		}
		abs := math.Abs(a - b)
		if math.IsNaN(abs) || math.IsInf(a, 0) || math.IsInf(b, 0) {
			abs = math.Inf(1)
		}
		d.MaxAbs = max(d.MaxAbs, abs)
		if a != 0 {
			d.MaxRel = max(d.MaxRel, abs/math.Abs(a))
		}
		if !(abs <= atol+rtol*math.Abs(a)) || math.IsInf(abs, 0) {
			if d.Bad == 0 {
				d.First, d.Want, d.Got = i, a, b
			}
			d.Bad++
		}
	}
	d.Cosine = wg / (math.Sqrt(ww) * math.Sqrt(gg))
	return d
}

// floats returns the elements as doubles; a complex number is two.
func floats(t *tensor.Tensor) []float64 {
	switch t.DType() {
	case tensor.Complex64:
		out := make([]float64, 0, 2*t.Len())
		for _, c := range tensor.View[complex64](t) {
			out = append(out, float64(real(c)), float64(imag(c)))
		}
		return out
	case tensor.Complex128:
		out := make([]float64, 0, 2*t.Len())
		for _, c := range tensor.View[complex128](t) {
			out = append(out, real(c), imag(c))
		}
		return out
	}
	out := make([]float64, t.Len())
	num.Load64(out, t, 0)
	return out
}

// Equal reports whether two values are of the same type and have the same bits.
func Equal(a, b tensor.Value) bool {
	switch a := a.(type) {
	case *tensor.Tensor:
		t, ok := b.(*tensor.Tensor)
		return ok && a.Equal(t)
	case *tensor.Sequence:
		s, ok := b.(*tensor.Sequence)
		if !ok || len(s.Items) != len(a.Items) {
			return false
		}
		for i := range a.Items {
			if !Equal(a.Items[i], s.Items[i]) {
				return false
			}
		}
		return true
	case *tensor.Optional:
		o, ok := b.(*tensor.Optional)
		return ok && (a.V == nil) == (o.V == nil) && (a.V == nil || Equal(a.V, o.V))
	case *tensor.Map:
		m, ok := b.(*tensor.Map)
		return ok && a.Keys.Equal(m.Keys) && a.Values.Equal(m.Values)
	}
	return false
}
