package math

import (
	"math"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Models compute shapes with ordinary operators on small integer tensors. These rules follow such values, numbers or symbols, through the
// arithmetic that exporters use for it. A value that can't be followed is simply not told.

// known returns the elements of an input if something is known of them, without asking for them: nothing of this operator's shape depends
// on them.
func known(t *ops.Type) ([]ops.Dim, bool) {
	if t.DT != tensor.Int64 && t.DT != tensor.Int32 && t.DT != tensor.Bool {
		return nil, false
	}
	if t.Val != nil {
		return t.Val, true
	}
	if t.Data == nil || t.Data.Len() > sym.MaxValue {
		return nil, false
	}
	v, err := ops.Int64s(t.Data)
	return sym.Nums(v), err == nil
}

// fits reports whether d may be an element of dt: a number in its range, or an expression.
func fits(d ops.Dim, dt tensor.DType) bool {
	n, isNum := d.Int()
	return !isNum || dt != tensor.Int32 || n >= math.MinInt32 && n <= math.MaxInt32
}

// pairVals tells output 0's value if both inputs' are known.
func pairVals(c *ops.Infer, dt tensor.DType, f func(x, y ops.Dim) (ops.Dim, bool)) {
	a, okA := known(c.In(0))
	b, okB := known(c.In(1))
	if !okA || !okB {
		return
	}
	n := max(len(a), len(b))
	if len(a) == 0 || len(b) == 0 || n%len(a) != 0 || n%len(b) != 0 || (len(a) != 1 && len(a) != n) || (len(b) != 1 && len(b) != n) || !sized(c, n) {
		return
	}
	out := make([]ops.Dim, n)
	for i := range out {
		d, ok := f(a[i%len(a)], b[i%len(b)])
		if !ok || !fits(d, dt) {
			return
		}
		out[i] = d
	}
	c.SetVal(0, out)
}

// sized reports whether output 0 has n elements for sure.
func sized(c *ops.Infer, n int) bool {
	t := &c.Outs()[0]
	return t.Ranked && sym.Prod(t.Shape).Is(int64(n))
}

func addVal(x, y ops.Dim) (ops.Dim, bool) { return x.Add(y), true }
func subVal(x, y ops.Dim) (ops.Dim, bool) { return x.Sub(y), true }
func mulVal(x, y ops.Dim) (ops.Dim, bool) { return x.Mul(y), true }
func maxVal(x, y ops.Dim) (ops.Dim, bool) { return x.Max(y), true }
func minVal(x, y ops.Dim) (ops.Dim, bool) { return x.Min(y), true }

// divVal truncates numbers. Of expressions it takes the floor: dimensions aren't negative.
func divVal(x, y ops.Dim) (ops.Dim, bool) {
	n, okN := x.Int()
	d, okD := y.Int()
	switch {
	case okN && okD && d == 0:
		return ops.Num(0), true
	case okN && okD:
		return ops.Num(n / d), true
	}
	return x.FloorDiv(y), !y.Is(0)
}

func modVal(a *modAttrs, x, y ops.Dim) (ops.Dim, bool) {
	n, okN := x.Int()
	d, okD := y.Int()
	switch {
	case !okN || !okD:
		return x.Sub(x.FloorDiv(y).Mul(y)), !y.Is(0)
	case d == 0:
		return ops.Num(0), true
	}
	r := n % d
	if !a.Fmod && r != 0 && (r < 0) != (d < 0) {
		r += d
	}
	return ops.Num(r), true
}

func equalVal(x, y ops.Dim) (ops.Dim, bool) {
	diff, ok := x.Sub(y).Int()
	return bit(diff == 0), ok
}

func lessVal(x, y ops.Dim) (ops.Dim, bool) {
	diff, ok := x.Sub(y).Int()
	return bit(diff < 0), ok
}

func lessEqualVal(x, y ops.Dim) (ops.Dim, bool) {
	diff, ok := x.Sub(y).Int()
	return bit(diff <= 0), ok
}

func swapped(f func(x, y ops.Dim) (ops.Dim, bool)) func(x, y ops.Dim) (ops.Dim, bool) {
	return func(x, y ops.Dim) (ops.Dim, bool) { return f(y, x) }
}

func bit(b bool) ops.Dim {
	if b {
		return ops.Num(1)
	}
	return ops.Num(0)
}
