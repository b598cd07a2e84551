package math

import (
	"math"
	"slices"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

func TestStrings(t *testing.T) {
	words := tensor.Of([]string{"a", "b", "a", "c"}, 2, 2)
	got := tensor.View[uint8](eval(t, "Equal", nil, words, tensor.Of([]string{"a", "c"})))
	if !slices.Equal(got, []uint8{1, 0, 1, 1}) {
		t.Errorf("Equal: %v", got)
	}
	to := func(dt tensor.DType) ops.Attrs { return ops.Attrs{"to": ops.IntAttr(dt)} }
	nums := eval(t, "Cast", to(tensor.String), tensor.Of([]float32{3.14, -1000, 0.1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 1e10}))
	if s := tensor.View[string](nums); !slices.Equal(s, []string{"3.14", "-1000", "0.1", "INF", "-INF", "NaN", "10000000000"}) {
		t.Errorf("float32 → string: %q", s)
	}
	if s := tensor.View[string](eval(t, "Cast", to(tensor.String), of(t, tensor.Float16, []float64{0.5, 2}))); s[0] != "0.5" || s[1] != "2" {
		t.Errorf("float16 → string: %q", s)
	}
	if s := tensor.View[string](eval(t, "Cast", to(tensor.String), tensor.Of([]uint64{math.MaxUint64}))); s[0] != "18446744073709551615" {
		t.Errorf("uint64 → string: %q", s)
	}
	if s := tensor.View[string](eval(t, "Cast", to(tensor.String), tensor.Of([]bool{true, false}))); s[0] != "1" || s[1] != "0" {
		t.Errorf("bool → string: %q", s)
	}
	in := tensor.Of([]string{"3.14", "1000", "1e-5", "1E8", "+INF", "inf", "-INF", "nan", " 7 "})
	check(t, "string → float64", eval(t, "Cast", to(tensor.Float64), in), []float64{3.14, 1000, 1e-5, 1e8, math.Inf(1), math.Inf(1), math.Inf(-1), math.NaN(), 7})
	check(t, "string → float32", eval(t, "Cast", to(tensor.Float32), in), []float64{3.14, 1000, 1e-5, 1e8, math.Inf(1), math.Inf(1), math.Inf(-1), math.NaN(), 7})
	big := eval(t, "Cast", to(tensor.Int64), tensor.Of([]string{"9007199254740993", "-5", "2.7"}))
	if v := tensor.View[int64](big); !slices.Equal(v, []int64{1<<53 + 1, -5, 2}) {
		t.Errorf("string → int64: %v", v)
	}
	if _, err := try(t, "Cast", to(tensor.Float32), 1, tensor.Of([]string{"hello"})); err == nil {
		t.Error("hello is a number")
	}
	if s := tensor.View[string](eval(t, "Cast", to(tensor.String), words)); s[3] != "c" {
		t.Errorf("string → string: %q", s)
	}
}

func TestBitCast(t *testing.T) {
	for _, c := range []struct {
		from, to tensor.DType
		in, want uint8
	}{
		{tensor.Int4, tensor.Uint4, 0xff, 0x0f}, {tensor.Uint4, tensor.Int4, 0x0f, 0xff}, {tensor.Float4E2M1, tensor.Int4, 0x08, 0xf8},
		{tensor.Int2, tensor.Uint2, 0xfe, 0x02}, {tensor.Uint2, tensor.Int2, 0x02, 0xfe}, {tensor.Uint8, tensor.Float8E5M2, 0x7c, 0x7c}, {tensor.Bool, tensor.Uint8, 1, 1},
	} {
		x, err := tensor.FromBytes(c.from, []int{1}, []byte{c.in}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := eval(t, "BitCast", ops.Attrs{"to": ops.IntAttr(c.to)}, x); got.Bytes()[0] != c.want {
			t.Errorf("%s → %s: %#x → %#x, want %#x", c.from, c.to, c.in, got.Bytes()[0], c.want)
		}
	}
	if _, err := try(t, "BitCast", ops.Attrs{"to": ops.IntAttr(tensor.Int64)}, 1, tensor.Of([]float32{1})); err == nil {
		t.Error("bits of different widths are cast")
	}
}

// TestAxes works along every axis of tensors with inner dimensions of all sorts, and compares with the same along a last axis.
func TestAxes(t *testing.T) {
	for _, dims := range [][]int{{5}, {3, 4}, {2, 3, 4}, {2, 7, 600}, {40, 2, 3}, {2, 300, 70}, {0, 3}, {3, 0}, {9000, 3}} {
		n := product(dims)
		vals := make([]float64, n)
		for i := range vals {
			vals[i] = float64(i*7919%23)/4 - 2
		}
		for axis := range dims {
			outer, rows, inner := product(dims[:axis]), dims[axis], product(dims[axis+1:])
			// The axis moved to the end.
			moved := make([]float64, n)
			for i := range vals {
				o, r, c := i/(rows*inner), i/inner%rows, i%inner
				moved[(o*inner+c)*rows+r] = vals[i]
			}
			for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16} {
				x, y := of(t, dt, vals, dims...), of(t, dt, moved, outer*inner, rows)
				back := func(m []float64) []float64 {
					out := make([]float64, n)
					for i := range out {
						o, r, c := i/(rows*inner), i/inner%rows, i%inner
						out[i] = m[(o*inner+c)*rows+r]
					}
					return out
				}
				at := func(k int) ops.Attrs { return ops.Attrs{"axis": ops.IntAttr(int64(k))} }
				for _, name := range []string{"Softmax", "LogSoftmax", "Hardmax"} {
					want := back(floats(eval(t, name, at(1), y)))
					check(t, name+" along an axis", eval(t, name, at(axis-len(dims)), x), want)
				}
				for _, name := range []string{"CumSum", "CumProd"} {
					for _, flags := range []ops.Attrs{nil, {"exclusive": ops.IntAttr(int64(1))}, {"reverse": ops.IntAttr(int64(1))}} {
						want := back(floats(eval(t, name, flags, y, tensor.Scalar(int64(1)))))
						got := eval(t, name, flags, x, tensor.Scalar(int64(axis)))
						if g := floats(got); !slices.Equal(g, want) && !slices.ContainsFunc(want, func(v float64) bool { return v != v }) {
							t.Errorf("%s along axis %d of %v, %s: differs", name, axis, dims, dt)
						}
					}
				}
				if n == 0 {
					continue
				}
				for _, name := range []string{"ArgMax", "ArgMin"} {
					want := floats(eval(t, name, at(1), y))
					if got := floats(eval(t, name, at(axis), x)); !slices.Equal(got, want) {
						t.Errorf("%s along axis %d of %v, %s: differs", name, axis, dims, dt)
					}
				}
				k := tensor.Of([]int64{int64((rows + 1) / 2)})
				got, err1 := try(t, "TopK", at(axis), 2, x, k)
				want, err2 := try(t, "TopK", at(1), 2, y, k)
				if err1 != nil || err2 != nil {
					t.Fatal(err1, err2)
				}
				for o := range 2 {
					g, w := floats(got[o]), floats(want[o])
					kk := (rows + 1) / 2
					for i := range g {
						if g[i] != w[(i/(kk*inner)*inner+i%inner)*kk+i/inner%kk] {
							t.Fatalf("TopK along axis %d of %v, %s, output %d: differs", axis, dims, dt, o)
						}
					}
				}
			}
		}
	}
}

func TestSoftmaxSums(t *testing.T) {
	x := of(t, tensor.Float32, []float64{1, 2, 3, 1000, 1000, -1000}, 2, 3)
	check(t, "Softmax", eval(t, "Softmax", nil, x), []float64{0.09003057, 0.24472847, 0.66524096, 0.5, 0.5, 0})
	check(t, "LogSoftmax", eval(t, "LogSoftmax", nil, x), []float64{-2.4076059, -1.4076059, -0.40760595, -math.Ln2, -math.Ln2, -2000.6931})
}

func TestVariadic(t *testing.T) {
	a, b, c := of(t, tensor.Float32, []float64{1, 5, 3, 4}, 2, 2), of(t, tensor.Float32, []float64{4, 2}, 2), of(t, tensor.Float32, []float64{3}, 1, 1)
	check(t, "Max", eval(t, "Max", nil, a, b, c), []float64{4, 5, 4, 4})
	check(t, "Min", eval(t, "Min", nil, c, b, a), []float64{1, 2, 3, 2})
	check(t, "Sum", eval(t, "Sum", nil, b, a, c), []float64{8, 10, 10, 9})
	check(t, "Mean", eval(t, "Mean", nil, a, b, c), []float64{8. / 3, 10. / 3, 10. / 3, 3})
	check(t, "Max of one", eval(t, "Max", nil, a), []float64{1, 5, 3, 4})
	h := func(v ...float64) *tensor.Tensor { return of(t, tensor.Float16, v) }
	// 2048 + 1 + 1 is 2050 when it is rounded once.
	check(t, "Sum of halves", eval(t, "Sum", nil, h(2048), h(1), h(1)), []float64{2050})
	check(t, "Max of bytes", eval(t, "Max", nil, tensor.Of([]uint8{1, 200}), tensor.Of([]uint8{100}), tensor.Of([]uint8{150})), []float64{150, 200})
}

func TestReduceForms(t *testing.T) {
	x := of(t, tensor.Float32, []float64{1, 2, 3, 4, 5, 6}, 1, 2, 3)
	yes := func(name string, v int64) ops.Attrs { return ops.Attrs{name: ops.IntAttr(v)} }
	for _, c := range []struct {
		attrs ops.Attrs
		axes  *tensor.Tensor
		shape []int
		want  []float64
	}{
		{nil, nil, []int{1, 1, 1}, []float64{21}},
		{yes("keepdims", 0), nil, []int{}, []float64{21}},
		{nil, tensor.Of([]int64{}), []int{1, 1, 1}, []float64{21}},
		{yes("noop_with_empty_axes", 1), nil, []int{1, 2, 3}, []float64{1, 2, 3, 4, 5, 6}},
		{yes("noop_with_empty_axes", 1), tensor.Of([]int64{}), []int{1, 2, 3}, []float64{1, 2, 3, 4, 5, 6}},
		{yes("keepdims", 0), tensor.Of([]int64{-1, 0}), []int{2}, []float64{6, 15}},
		{yes("keepdims", 0), tensor.Of([]int64{1}), []int{1, 3}, []float64{5, 7, 9}},
	} {
		got := eval(t, "ReduceSum", c.attrs, x, c.axes)
		if !slices.Equal(got.Dims(), c.shape) {
			t.Errorf("axes %v: shape %v, want %v", c.axes, got.Dims(), c.shape)
		}
		check(t, "ReduceSum", got, c.want)
	}
	check(t, "squares without axes", eval(t, "ReduceSumSquare", yes("noop_with_empty_axes", 1), x), []float64{1, 4, 9, 16, 25, 36})
	none := of(t, tensor.Float32, nil, 2, 0)
	check(t, "max of nothing", eval(t, "ReduceMax", nil, none, tensor.Of([]int64{1})), []float64{math.Inf(-1), math.Inf(-1)})
	check(t, "mean of nothing", eval(t, "ReduceMean", nil, none, tensor.Of([]int64{1})), []float64{math.NaN(), math.NaN()})
	check(t, "integer mean of nothing", eval(t, "ReduceMean", nil, of(t, tensor.Int32, nil, 0)), []float64{0})
	check(t, "scalar", eval(t, "ReduceMean", nil, tensor.Scalar(float32(3))), []float64{3})
	// Half precision is folded in float32: 4096 ones are 4096, though 2048+1 isn't a float16.
	ones := make([]float64, 4096)
	for i := range ones {
		ones[i] = 1
	}
	check(t, "sum of halves", eval(t, "ReduceSum", nil, of(t, tensor.Float16, ones)), []float64{4096})
}

func TestClip(t *testing.T) {
	x := of(t, tensor.Float32, []float64{-2, 0.5, 9, math.NaN()})
	lo, hi := tensor.Scalar(float32(-1)), tensor.Scalar(float32(2))
	check(t, "both", eval(t, "Clip", nil, x, lo, hi), []float64{-1, 0.5, 2, math.NaN()})
	check(t, "max", eval(t, "Clip", nil, x, nil, hi), []float64{-2, 0.5, 2, math.NaN()})
	check(t, "min", eval(t, "Clip", nil, x, lo), []float64{-1, 0.5, 9, math.NaN()})
	check(t, "crossed", eval(t, "Clip", nil, x, hi, lo), []float64{-1, -1, -1, math.NaN()})
	check(t, "inf", eval(t, "Clip", nil, of(t, tensor.Float32, []float64{math.Inf(1)})), []float64{math.Inf(1)})
}

func TestErrors(t *testing.T) {
	m := of(t, tensor.Float32, []float64{1, 2, 3, 4, 5, 6}, 2, 3)
	v := of(t, tensor.Float32, []float64{1, 2}, 2)
	axis := func(k int64) ops.Attrs { return ops.Attrs{"axis": ops.IntAttr(k)} }
	for _, c := range []struct {
		what, op string
		attrs    ops.Attrs
		ins      []*tensor.Tensor
	}{
		{"shapes that don't broadcast", "Add", nil, []*tensor.Tensor{m, v}},
		{"slope larger than X", "PRelu", nil, []*tensor.Tensor{v, of(t, tensor.Float32, []float64{1, 2, 3, 4}, 2, 2)}},
		{"axis", "Softmax", axis(2), []*tensor.Tensor{m}},
		{"softmax of a scalar", "Softmax", nil, []*tensor.Tensor{tensor.Scalar(float32(1))}},
		{"axis", "ArgMax", axis(-3), []*tensor.Tensor{m}},
		{"empty axis", "ArgMax", axis(0), []*tensor.Tensor{of(t, tensor.Float32, nil, 0, 2)}},
		{"axis", "ReduceSum", nil, []*tensor.Tensor{m, tensor.Of([]int64{2})}},
		{"axis", "CumSum", nil, []*tensor.Tensor{m, tensor.Scalar(int64(2))}},
		{"axis of two numbers", "CumSum", nil, []*tensor.Tensor{m, tensor.Of([]int64{0, 1})}},
		{"K too large", "TopK", nil, []*tensor.Tensor{m, tensor.Of([]int64{4})}},
		{"negative K", "TopK", nil, []*tensor.Tensor{m, tensor.Of([]int64{-1})}},
		{"direction", "BitShift", ops.Attrs{"direction": ops.StringAttr("UP")}, []*tensor.Tensor{tensor.Of([]uint8{1}), tensor.Of([]uint8{1})}},
		{"approximation", "Gelu", ops.Attrs{"approximate": ops.StringAttr("fast")}, []*tensor.Tensor{m}},
		{"target type", "Cast", ops.Attrs{"to": ops.IntAttr(int64(14))}, []*tensor.Tensor{m}},
		{"rounding", "Cast", ops.Attrs{"to": ops.IntAttr(int64(1)), "round_mode": ops.StringAttr("odd")}, []*tensor.Tensor{m}},
		{"not square", "Det", nil, []*tensor.Tensor{m}},
		{"bound of two", "Clip", nil, []*tensor.Tensor{m, v}},
		{"unknown attribute", "Relu", axis(1), []*tensor.Tensor{m}},
		{"condition", "Where", nil, []*tensor.Tensor{tensor.Of([]bool{true, false}), m, m}},
	} {
		if _, err := try(t, c.op, c.attrs, max(1, map[string]int{"TopK": 2}[c.op]), c.ins...); err == nil {
			t.Errorf("%s: %s is no error", c.op, c.what)
		}
	}
}

// TestValues follows values of shapes through arithmetic, as numbers and as symbols.
func TestValues(t *testing.T) {
	vec := func(ds ...ops.Dim) ops.Type {
		return ops.Type{DT: tensor.Int64, Shape: []ops.Dim{ops.Num(len(ds))}, Ranked: true, Val: ds}
	}
	n, seq := ops.Num[int], sym.Symbol("seq")
	for _, c := range []struct {
		op    string
		attrs ops.Attrs
		ins   []ops.Type
		want  string
	}{
		{"Add", nil, []ops.Type{vec(n(2), seq), vec(n(3))}, "[5,seq+3]"},
		{"Sub", nil, []ops.Type{vec(seq), vec(n(1))}, "[seq-1]"},
		{"Mul", nil, []ops.Type{vec(seq, n(4)), vec(n(2), n(3))}, "[2*seq,12]"},
		{"Div", nil, []ops.Type{vec(seq.Mul(n(4)), n(-7)), vec(n(2))}, "[2*seq,-3]"},
		{"Mod", nil, []ops.Type{vec(n(-7)), vec(n(3))}, "[2]"},
		{"Max", nil, []ops.Type{vec(seq), vec(seq.Add(n(1)))}, "[seq+1]"},
		{"Equal", nil, []ops.Type{vec(seq, n(1)), vec(seq, n(-1))}, "[1,0]"},
		{"Greater", nil, []ops.Type{vec(n(3)), vec(n(2))}, "[1]"},
		{"Cast", ops.Attrs{"to": ops.IntAttr(tensor.Int32)}, []ops.Type{vec(seq, n(3))}, "[seq,3]"},
		{"ReduceProd", ops.Attrs{"keepdims": ops.IntAttr(int64(0))}, []ops.Type{vec(seq, n(3), n(2))}, "[6*seq]"},
		{"Where", nil, []ops.Type{{DT: tensor.Bool, Shape: []ops.Dim{n(2)}, Ranked: true, Val: []ops.Dim{n(1), n(0)}}, vec(seq, seq), vec(n(7), n(8))}, "[seq,8]"},
	} {
		got, err := symbolic(t, c.op, c.attrs, c.ins...)
		if err != nil || sym.ShapeString(got.Val) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.op, sym.ShapeString(got.Val), err, c.want)
		}
	}
	// What can't be known isn't told.
	for _, c := range []struct {
		op    string
		attrs ops.Attrs
		ins   []ops.Type
	}{
		{"Equal", nil, []ops.Type{vec(seq), vec(n(3))}},
		{"Cast", ops.Attrs{"to": ops.IntAttr(tensor.Float32)}, []ops.Type{vec(seq)}},
		{"Cast", ops.Attrs{"to": ops.IntAttr(tensor.Int32)}, []ops.Type{vec(ops.Num(int64(1) << 40))}},
		{"Add", nil, []ops.Type{vec(seq), {DT: tensor.Int64, Shape: []ops.Dim{n(1)}, Ranked: true}}},
	} {
		if got, err := symbolic(t, c.op, c.attrs, c.ins...); err != nil || got.Val != nil {
			t.Errorf("%s: %v, %v", c.op, got.Val, err)
		}
	}
}

// TestUnknownShapes asks the rules when ranks or values aren't known yet.
func TestUnknownShapes(t *testing.T) {
	f := ops.Type{DT: tensor.Float32}
	b, n := sym.Symbol("batch"), ops.Num[int]
	m := sym.TensorType(tensor.Float32, b, n(3))
	axes := ops.Type{DT: tensor.Int64, Shape: []ops.Dim{n(1)}, Ranked: true}
	for _, c := range []struct {
		op    string
		attrs ops.Attrs
		ins   []ops.Type
		rank  int
	}{
		{"Add", nil, []ops.Type{f, m}, -1}, {"Relu", nil, []ops.Type{f}, -1}, {"Softmax", nil, []ops.Type{f}, -1}, {"ReduceSum", nil, []ops.Type{f, axes}, -1},
		{"ReduceSum", nil, []ops.Type{m, axes}, 2}, {"ReduceSum", ops.Attrs{"keepdims": ops.IntAttr(int64(0))}, []ops.Type{m, axes}, -1},
		{"ArgMax", nil, []ops.Type{f}, -1}, {"TopK", nil, []ops.Type{m, axes}, 2}, {"TopK", nil, []ops.Type{f, axes}, -1}, {"Einsum", ops.Attrs{"equation": ops.StringAttr("ij->j")}, []ops.Type{f}, -1},
		{"Det", nil, []ops.Type{f}, -1}, {"Where", nil, []ops.Type{{DT: tensor.Bool}, m, m}, -1}, {"Cast", ops.Attrs{"to": ops.IntAttr(int64(1))}, []ops.Type{f}, -1},
		{"PRelu", nil, []ops.Type{m, sym.TensorType(tensor.Float32, sym.Symbol("c"))}, 2},
	} {
		got, err := symbolic(t, c.op, c.attrs, c.ins...)
		if err != nil || got.Rank() != c.rank || got.DT == tensor.Invalid {
			t.Errorf("%s: %s, %v; want rank %d", c.op, &got, err, c.rank)
		}
	}
	if got, err := symbolic(t, "ReduceMean", ops.Attrs{"keepdims": ops.IntAttr(int64(0))}, m, ops.Type{DT: tensor.Int64, Shape: []ops.Dim{n(1)}, Ranked: true, Val: []ops.Dim{n(-1)}}); err != nil || got.String() != "float32[batch]" {
		t.Errorf("ReduceMean: %s, %v", &got, err)
	}
}
