package ingot_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"ingot"
	"ingot/internal/num"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// This file tests where runtimes differ although each looks right: rounding, signs, NaN, infinities, overflow, nothing at all. The expectations
// are worked by hand from the standard's text, or are exact arithmetic rounded once; a comment says so where it isn't plain.

// numeric is a node with its inputs and what must come out.
type numeric struct {
	what  string
	op    string
	attrs []*loader.Attr
	in    []*tensor.Tensor // nil: absent
	want  []*tensor.Tensor
	tol   float64 // relative to each element; 0: to the bit, but one NaN is as good as another
	atol  float64
	opset int64 // 0: 21
}

var (
	nan     = math.NaN()
	inf     = math.Inf(1)
	negZero = math.Copysign(0, -1)
	attr    = onnxpb.Attr
)

// vals makes a vector of any numeric type; each value must be one of the type's, or becomes its nearest.
func vals(dt tensor.DType, v ...float64) *tensor.Tensor {
	x, err := tensor.New(dt, len(v))
	if err != nil || !num.Store64(x, 0, v) {
		panic(fmt.Sprint(dt, err)) // a mistake in the tables of this file
	}
	return x
}

// matrix makes rows of n elements.
func matrix(dt tensor.DType, n int, v ...float64) *tensor.Tensor {
	x, err := vals(dt, v...).Reshape(len(v)/n, n)
	if err != nil {
		panic(err)
	}
	return x
}

func shaped(x *tensor.Tensor, dims ...int) *tensor.Tensor {
	y, err := x.Reshape(dims...)
	if err != nil {
		panic(err)
	}
	return y
}

func f32(v ...float64) *tensor.Tensor               { return vals(tensor.Float32, v...) }
func f16(v ...float64) *tensor.Tensor               { return vals(tensor.Float16, v...) }
func i32(v ...float64) *tensor.Tensor               { return vals(tensor.Int32, v...) }
func i64(v ...int64) *tensor.Tensor                 { return tensor.Of(v, len(v)) }
func bools(v ...bool) *tensor.Tensor                { return tensor.Of(v, len(v)) }
func one(dt tensor.DType, v float64) *tensor.Tensor { return shaped(vals(dt, v)) }

func list(x ...*tensor.Tensor) []*tensor.Tensor { return x }
func attrs(pairs ...any) []*loader.Attr {
	var out []*loader.Attr
	for i := 0; i < len(pairs); i += 2 {
		v := pairs[i+1]
		if f, ok := v.(float64); ok {
			v = float32(f)
		}
		out = append(out, attr(pairs[i].(string), v))
	}
	return out
}

// anys gives dimensions as [value] takes them.
func anys(dims []int) (out []any) {
	for _, d := range dims {
		out = append(out, d)
	}
	return out
}

// repeat returns n times the same number.
func repeat(n int, v float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// check runs the node with its inputs as inputs, as constants (the optimiser computes it then), and without passes.
func (c *numeric) check(t *testing.T) {
	t.Helper()
	for _, way := range []string{"run", "constants", "plain"} {
		g, in := &loader.Graph{}, ingot.Inputs{}
		n := node(c.op, nil, nil, c.attrs...)
		for i, x := range c.in {
			if x == nil {
				n.Inputs = append(n.Inputs, "")
				continue
			}
			name := fmt.Sprint("in", i)
			n.Inputs = append(n.Inputs, name)
			if way == "constants" {
				g.Initializers = append(g.Initializers, loader.NewInitializer(name, x))
				continue
			}
			in[name] = x
			g.Inputs = append(g.Inputs, value(name, x.DType(), anys(x.Dims())...))
		}
		for i, w := range c.want {
			if w == nil {
				n.Outputs = append(n.Outputs, "")
				continue
			}
			n.Outputs = append(n.Outputs, fmt.Sprint("out", i))
			g.Outputs = append(g.Outputs, &loader.ValueInfo{Name: fmt.Sprint("out", i)})
		}
		g.Nodes = []*loader.Node{n}
		var opts []ingot.Option
		if way == "plain" {
			opts = append(opts, ingot.WithoutPasses("all"))
		}
		opset := c.opset
		if opset == 0 {
			opset = 21
		}
		m, err := ingot.LoadBytes(graph(t, g, loader.OpsetImport{Version: opset}), opts...)
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		out, err := m.Run(context.Background(), in)
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		for i, w := range c.want {
			if w != nil {
				c.compare(t, way, i, out[fmt.Sprint("out", i)], w)
			}
		}
		m.Close()
	}
}

func (c *numeric) compare(t *testing.T, way string, output int, got, want *tensor.Tensor) {
	t.Helper()
	if got.String() != want.String() {
		t.Errorf("%s: output %d is %s, want %s", way, output, got, want)
		return
	}
	g, w := make([]float64, got.Len()), make([]float64, want.Len())
	num.Load64(g, got, 0)
	num.Load64(w, want, 0)
	for i := range w {
		same := g[i] == w[i] && math.Signbit(g[i]) == math.Signbit(w[i]) || g[i] != g[i] && w[i] != w[i]
		if bound := c.atol + c.tol*math.Abs(w[i]); !same && !(c.atol+c.tol > 0 && math.Abs(g[i]-w[i]) <= bound) {
			end := min(len(w), i+8)
			t.Errorf("%s: element %d of output %d is %v, want %v (%v, want %v)", way, i, output, g[i], w[i], g[i:end], w[i:end])
			return
		}
	}
	if want.DType() == tensor.Int64 || want.DType() == tensor.Uint64 { // more digits than a float64 has
		if !got.Equal(want) {
			t.Errorf("%s: output %d is %v, want %v", way, output, got.Bytes(), want.Bytes())
		}
	}
}

func TestNumerics(t *testing.T) {
	for _, cases := range [][]numeric{roundingCases(), divisionCases(), nanCases(), emptyCases(), castCases(), powCases(), normalCases(), sumCases(),
		attentionCases(), quantCases()} {
		for _, c := range cases {
			t.Run(c.op+"/"+c.what, c.check)
		}
	}
}

func roundingCases() []numeric {
	return []numeric{
		{what: "half to even", op: "Round", in: list(f32(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 8388607.5, inf, nan)),
			want: list(f32(-2, -2, negZero, 0, 2, 2, 8388608, inf, nan))},
		{what: "just below a half", op: "Round", in: list(f32(0.49999997, -0.49999997, 8388609)), want: list(f32(0, negZero, 8388609))},
		{what: "float16", op: "Round", in: list(f16(0.5, 1.5, 2.5, 1023.5, -0.5)), want: list(f16(0, 2, 2, 1024, negZero))},
		{what: "float64", op: "Round", in: list(vals(tensor.Float64, 4503599627370495.5, 0.49999999999999994)), want: list(vals(tensor.Float64, 4503599627370496, 0))},
		// float16 has 11 bits, bfloat16 8.
		{what: "float16 half to even", op: "Cast", attrs: attrs("to", 10), in: list(f32(2049, 2051, 65519, 65520, 0x1p-25, 0x1.8p-24)),
			want: list(f16(2048, 2052, 65504, inf, 0, 0x1p-23))},
		{what: "bfloat16 half to even", op: "Cast", attrs: attrs("to", 16), in: list(f32(257, 259, 3.4e38, -1e-45)),
			want: list(vals(tensor.BFloat16, 256, 260, 0x1p128, negZero))},
		{what: "float64 to float16 rounds once", op: "Cast", attrs: attrs("to", 10), in: list(vals(tensor.Float64, 2049.0000000001, 65519.99999999)),
			want: list(f16(2050, 65504))}, // by way of float32 it would be 2048 and +Inf
		// 2^60 + 2^36 + 1 is above the middle of two float32; as a float64 it is the middle.
		{what: "int64 to float32 rounds once", op: "Cast", attrs: attrs("to", 1), in: list(i64(1<<60+1<<36+1, 1<<24+1, 1<<24+3, math.MinInt64)),
			want: list(f32(0x1p60+0x1p37, 0x1p24, 0x1p24+4, -0x1p63))},
		{what: "uint64 to float32", op: "Cast", attrs: attrs("to", 1), in: list(tensor.Of([]uint64{math.MaxUint64, 1<<63 + 1<<39 + 1})), want: list(f32(0x1p64, 0x1p63+0x1p40))},
	}
}

func divisionCases() []numeric {
	minInt := float64(math.MinInt32)
	return []numeric{
		{what: "toward zero", op: "Div", in: list(i32(7, -7, 7, -7, 1, -1), i32(2, 2, -2, -2, 2, 2)), want: list(i32(3, -3, -3, 3, 0, 0))},
		{what: "int64 beyond float64", op: "Div", in: list(i64(math.MaxInt64, math.MinInt64, 9007199254740993), i64(1, 3, 1)),
			want: list(i64(math.MaxInt64, -3074457345618258602, 9007199254740993))},
		{what: "the least by -1 wraps", op: "Div", in: list(i32(minInt), i32(-1)), want: list(i32(minInt))},
		{what: "uint8", op: "Div", in: list(vals(tensor.Uint8, 255, 7), vals(tensor.Uint8, 2, 8)), want: list(vals(tensor.Uint8, 127, 0))},
		{what: "float by zero", op: "Div", in: list(f32(1, -1, 0, 1), f32(0, 0, 0, negZero)), want: list(f32(inf, -inf, nan, -inf))},
		{what: "sign of the divisor", op: "Mod", in: list(i32(-4, 7, 5, 4, -7, 8), i32(2, -3, 8, -2, 3, 5)), want: list(i32(0, -2, 5, 0, 2, 3))},
		{what: "sign of the dividend", op: "Mod", attrs: attrs("fmod", 1), in: list(i32(-4, 7, 5, 4, -7, 8), i32(2, -3, 8, -2, 3, 5)), want: list(i32(0, 1, 5, 0, -1, 3))},
		{what: "the least by -1", op: "Mod", in: list(i32(minInt, minInt), i32(-1, 3)), want: list(i32(0, 1))}, // -2147483648 = 3·(-715827883) + 1
		{what: "int64 beyond float64", op: "Mod", in: list(i64(math.MaxInt64, math.MinInt64), i64(10, 10)), want: list(i64(7, 2))},
		{what: "uint64", op: "Mod", in: list(tensor.Of([]uint64{math.MaxUint64}), tensor.Of([]uint64{10})), want: list(tensor.Of([]uint64{5}))},
		{what: "floats", op: "Mod", attrs: attrs("fmod", 1), in: list(f32(-5.5, 5.5, 5, 1e30, 3), f32(2, -2, inf, 3, 0)),
			want: list(f32(-1.5, 1.5, 5, math.Mod(float64(float32(1e30)), 3), nan))},
		{what: "shift by the width", op: "BitShift", attrs: attrs("direction", "LEFT"), in: list(vals(tensor.Uint8, 255, 1), vals(tensor.Uint8, 7, 0)),
			want: list(vals(tensor.Uint8, 128, 1))},
		{what: "the least has no opposite", op: "Abs", in: list(i32(minInt, -5)), want: list(i32(minInt, 5))},
		{what: "wraps", op: "Add", in: list(i32(math.MaxInt32), i32(1)), want: list(i32(minInt))},
		{what: "wraps", op: "Mul", in: list(vals(tensor.Int8, 100, -128), vals(tensor.Int8, 3, -1)), want: list(vals(tensor.Int8, 44, -128))},
		{what: "wraps", op: "Sub", in: list(vals(tensor.Uint8, 3), vals(tensor.Uint8, 5)), want: list(vals(tensor.Uint8, 254))},
	}
}

func nanCases() []numeric {
	x := func() *tensor.Tensor { return f32(1, nan, 3, nan, -inf) }
	return []numeric{
		{what: "NaN wins", op: "Max", in: list(f32(1, nan, 3, negZero), f32(nan, 2, inf, 0)), want: list(f32(nan, nan, inf, 0))},
		{what: "NaN wins", op: "Min", in: list(f32(1, nan, 3, negZero), f32(nan, 2, -inf, 0)), want: list(f32(nan, nan, -inf, negZero))},
		{what: "NaN wins in float16", op: "Max", in: list(f16(1, nan), f16(nan, 2)), want: list(f16(nan, nan))},
		{what: "NaN wins among three", op: "Max", in: list(f32(nan, 1, 1), f32(1, nan, 1), f32(2, 2, nan)), want: list(f32(nan, nan, nan))},
		{what: "NaN wins", op: "ReduceMax", attrs: attrs("keepdims", 0), in: list(x()), want: list(one(tensor.Float32, nan))},
		{what: "NaN wins", op: "ReduceMin", attrs: attrs("keepdims", 0), in: list(x()), want: list(one(tensor.Float32, nan))},
		{what: "NaN in any lane", op: "ReduceMax", attrs: attrs("keepdims", 0), in: list(f32(append(repeat(37, 1), nan, 2, 3)...)), want: list(one(tensor.Float32, nan))},
		{what: "the first NaN", op: "ArgMax", attrs: attrs("keepdims", 0), in: list(x()), want: list(shaped(i64(1)))}, // as numpy.argmax
		{what: "the first NaN", op: "ArgMin", attrs: attrs("keepdims", 0), in: list(x()), want: list(shaped(i64(1)))},
		{what: "the last NaN", op: "ArgMax", attrs: attrs("keepdims", 0, "select_last_index", 1), in: list(x()), want: list(shaped(i64(3)))},
		{what: "the first of equals", op: "ArgMax", attrs: attrs("keepdims", 0), in: list(f32(negZero, 0, -1)), want: list(shaped(i64(0)))},
		// NaN sorts as the largest, as in NumPy and PyTorch; equals stand in the order of their indices.
		{what: "NaN is the largest", op: "TopK", in: list(x(), i64(5)), want: list(f32(nan, nan, 3, 1, -inf), i64(1, 3, 2, 0, 4))},
		{what: "NaN is the largest", op: "TopK", attrs: attrs("largest", 0), in: list(x(), i64(5)), want: list(f32(-inf, 1, 3, nan, nan), i64(4, 0, 2, 1, 3))},
		{what: "some of them", op: "TopK", in: list(x(), i64(3)), want: list(f32(nan, nan, 3), i64(1, 3, 2))},
		{what: "equals by index", op: "TopK", in: list(i64(2, 7, 7, 2, 7), i64(4)), want: list(i64(7, 7, 7, 2), i64(1, 2, 4, 0))},
		{what: "zeros are equal", op: "TopK", in: list(f32(negZero, 0, negZero), i64(3)), want: list(f32(negZero, 0, negZero), i64(0, 1, 2))},
		{what: "int64 beyond float64", op: "TopK", in: list(i64(9007199254740992, 9007199254740993), i64(1)), want: list(i64(9007199254740993), i64(1))},
		{what: "NaN stays", op: "Relu", in: list(f32(nan, -1)), want: list(f32(nan, 0))},
		{what: "NaN stays", op: "Clip", in: list(f32(nan, 9, -9), one(tensor.Float32, -1), one(tensor.Float32, 1)), want: list(f32(nan, 1, -1))},
		{what: "NaN is no number's equal", op: "Equal", in: list(f32(nan, 0), f32(nan, negZero)), want: list(bools(false, true))},
		{what: "NaN isn't less", op: "LessOrEqual", in: list(f32(nan, 1), f32(1, 1)), want: list(bools(false, true))},
		{what: "NaN in a window", op: "MaxPool", attrs: attrs("kernel_shape", []int{2}), in: list(shaped(f32(1, nan, 2, 3), 1, 1, 4)), want: list(shaped(f32(nan, nan, 3), 1, 1, 3))},
		{what: "minus infinity in a window", op: "MaxPool", attrs: attrs("kernel_shape", []int{2}, "pads", []int{1, 0}), in: list(shaped(f32(-inf, -inf), 1, 1, 2)),
			want: list(shaped(f32(-inf, -inf), 1, 1, 2))},
		{what: "rows of minus infinity", op: "Softmax", in: list(matrix(tensor.Float32, 2, -inf, -inf, -inf, 5, inf, 1, nan, 1)), want: list(matrix(tensor.Float32, 2, nan, nan, 0, 1, nan, nan, nan, nan))},
		{what: "a long row with a few numbers", op: "Softmax", in: list(matrix(tensor.Float32, 41, append(repeat(39, -inf), 3, 3)...)), want: list(matrix(tensor.Float32, 41, append(repeat(39, 0), 0.5, 0.5)...))},
		{what: "large", op: "Softmax", in: list(matrix(tensor.Float32, 2, 3e38, 3e38, -3e38, 3e38)), want: list(matrix(tensor.Float32, 2, 0.5, 0.5, 0, 1))},
		{what: "rows of minus infinity", op: "LogSoftmax", in: list(matrix(tensor.Float32, 2, -inf, -inf, -inf, 5)), want: list(matrix(tensor.Float32, 2, nan, nan, -inf, 0))},
		{what: "minus infinity alone", op: "ReduceLogSumExp", attrs: attrs("keepdims", 0), in: list(f32(-inf, -inf)), want: list(one(tensor.Float32, -inf))},
		{what: "large", op: "ReduceLogSumExp", attrs: attrs("keepdims", 0), in: list(f32(1000, 1000)), want: list(one(tensor.Float32, 1000+math.Ln2)), tol: 1e-7},
	}
}

func emptyCases() []numeric {
	var out []numeric
	reduce := func(op string, dt tensor.DType, want float64) {
		nothing := vals(dt)
		out = append(out, numeric{what: "of nothing, " + dt.String(), op: op, in: list(shaped(nothing, 2, 0, 3), i64(1)), want: list(shaped(vals(dt, repeat(6, want)...), 2, 1, 3))})
	}
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.Int32, tensor.Int64} {
		for _, op := range []string{"ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2"} {
			reduce(op, dt, 0)
		}
		reduce("ReduceProd", dt, 1)
	}
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.Float64} {
		reduce("ReduceMax", dt, -inf)
		reduce("ReduceMin", dt, inf)
		reduce("ReduceLogSum", dt, -inf)
		reduce("ReduceLogSumExp", dt, -inf)
		reduce("ReduceMean", dt, nan)
	}
	reduce("ReduceMax", tensor.Int32, math.MinInt32)
	reduce("ReduceMin", tensor.Int32, math.MaxInt32)
	reduce("ReduceMax", tensor.Uint8, 0)
	reduce("ReduceMin", tensor.Int8, 127)
	reduce("ReduceMax", tensor.Bool, 0)
	reduce("ReduceMin", tensor.Bool, 1)
	return append(out, []numeric{
		{what: "over nothing", op: "MatMul", in: list(shaped(f32(), 2, 0), shaped(f32(), 0, 3)), want: list(shaped(f32(0, 0, 0, 0, 0, 0), 2, 3))},
		{what: "over nothing", op: "Gemm", in: list(shaped(f32(), 2, 0), shaped(f32(), 0, 1), f32(7)), want: list(shaped(f32(7, 7), 2, 1))},
		{what: "over nothing", op: "Einsum", attrs: attrs("equation", "i,i->"), in: list(f32(), f32()), want: list(one(tensor.Float32, 0))},
		{what: "of nothing", op: "CumSum", in: list(f32(), shaped(i64(0))), want: list(f32())},
		{what: "of nothing", op: "Softmax", in: list(shaped(f32(), 3, 0)), want: list(shaped(f32(), 3, 0))},
		{what: "of nothing", op: "TopK", in: list(f32(), i64(0)), want: list(f32(), i64())},
		{what: "of nothing", op: "NonZero", in: list(f32()), want: list(shaped(i64(), 1, 0))},
		{what: "no axes at all", op: "ReduceSum", attrs: attrs("noop_with_empty_axes", 1), in: list(f32(1, 2), i64()), want: list(f32(1, 2))},
	}...)
}

// float8 is a row of the standard's table of conversions.
type float8 struct {
	dt   tensor.DType
	code int
	most float64 // the largest number
	zero float64 // what -0 becomes
	over float64 // what is too large becomes, unless it saturates
}

// exact makes a vector; infinity stays what it is.
func (f *float8) exact(v ...float64) *tensor.Tensor {
	x := vals(f.dt, v...)
	for i, v := range v {
		if math.IsInf(v, 0) {
			tensor.View[tensor.F8E5M2](x)[i] = tensor.ToF8E5M2(float32(v), false)
		}
	}
	return x
}

func castCases() []numeric {
	out := []numeric{
		{what: "to bool", op: "Cast", attrs: attrs("to", 9), in: list(f32(0, negZero, 0.1, nan, inf, 1e-45)), want: list(bools(false, false, true, true, true, true))},
		{what: "toward zero", op: "Cast", attrs: attrs("to", 6), in: list(f32(1.9, -1.9, 2147483520, -2147483648)), want: list(i32(1, -1, 2147483520, -2147483648))},
		{what: "higher bits go", op: "Cast", attrs: attrs("to", 3), in: list(vals(tensor.Int16, 200, -129, 256)), want: list(vals(tensor.Int8, -56, 127, 0))},
		{what: "higher bits go", op: "Cast", attrs: attrs("to", 6), in: list(i64(1<<40+5, -1<<40-5)), want: list(i32(5, -5))},
		{what: "of a sign", op: "Cast", attrs: attrs("to", 13), in: list(i32(-1)), want: list(tensor.Of([]uint64{math.MaxUint64}))},
		{what: "infinite where too large", op: "Cast", attrs: attrs("to", 1), in: list(vals(tensor.Float64, 1e39, -1e39, 1e-46)), want: list(f32(inf, -inf, 0))},
		{what: "infinite where too large", op: "Cast", attrs: attrs("to", 10), in: list(i32(65519, 65520, -70000)), want: list(f16(65504, inf, -inf))},
		// Out of an integer's range the standard leaves the result open. Ours is the same on every machine: see the package comment of internal/num.
		{what: "out of range", op: "Cast", attrs: attrs("to", 6), in: list(f32(3e9, -3e9, inf, -inf, nan)),
			want: list(i32(math.MaxInt32, math.MinInt32, math.MaxInt32, math.MinInt32, 0))},
		{what: "out of range", op: "Cast", attrs: attrs("to", 7), in: list(f32(1e19, -1e19, nan)), want: list(i64(math.MaxInt64, math.MinInt64, 0))},
		{what: "of float64, exact", op: "Cast", attrs: attrs("to", 7), in: list(vals(tensor.Float64, 9007199254740991, -0.9)), want: list(i64(9007199254740991, 0))},
	}
	x := func() *tensor.Tensor { return f32(0, negZero, nan, inf, -inf, 1e6, -1e6) }
	for _, c := range []float8{
		{tensor.Float8E4M3FN, 17, 448, negZero, nan}, {tensor.Float8E4M3FNUZ, 18, 240, 0, nan},
		{tensor.Float8E5M2, 19, 57344, negZero, inf}, {tensor.Float8E5M2FNUZ, 20, 57344, 0, nan},
	} {
		out = append(out,
			numeric{what: "saturates", op: "Cast", attrs: attrs("to", c.code), in: list(x()), want: list(vals(c.dt, 0, c.zero, nan, c.most, -c.most, c.most, -c.most))},
			numeric{what: "doesn't saturate", op: "Cast", attrs: attrs("to", c.code, "saturate", 0), in: list(x()), want: list(c.exact(0, c.zero, nan, c.over, -c.over, c.over, -c.over))},
			numeric{what: "saturates from float16", op: "Cast", attrs: attrs("to", c.code), in: list(f16(nan, inf, 65504)), want: list(vals(c.dt, nan, c.most, c.most))},
			numeric{what: "saturates", op: "QuantizeLinear", attrs: attrs("output_dtype", c.code), in: list(f32(1e7, -1e7, 2), one(tensor.Float32, 2)), want: list(vals(c.dt, c.most, -c.most, 1))},
		)
	}
	return append(out,
		// Beyond the largest number by less than half a step: still the largest. 464 = 448 + 16 is the middle, and 448's last bit is even.
		numeric{what: "rounds before it saturates", op: "Cast", attrs: attrs("to", 17, "saturate", 0), in: list(f32(464, 465, 17, 19, 0x1p-10, 0x1.8p-9)),
			want: list(vals(tensor.Float8E4M3FN, 448, nan, 16, 20, 0, 0x1p-8))},
		numeric{what: "bits", op: "Cast", attrs: attrs("to", 1), in: list(tensor.Of([]tensor.F8E4M3FN{0x7e, 0x01, 0x80, 0xff, 0x38})), want: list(f32(448, 0x1p-9, negZero, nan, 1))},
		numeric{what: "bits", op: "Cast", attrs: attrs("to", 1), in: list(tensor.Of([]tensor.F8E5M2{0x7b, 0x7c, 0x01, 0x3c})), want: list(f32(57344, inf, 0x1p-16, 1))},
	)
}

func powCases() []numeric {
	return []numeric{
		{what: "large exponents", op: "Pow", in: list(f32(2, 2, 2, 2, 10, 10, 1.0000001, 0.5), f32(127, 128, -149, -151, 38, -45, 1e7, -127)),
			// 1.0000001 is 1+2⁻²³ in float32.
			want: list(f32(0x1p127, inf, 0x1p-149, 0, 1e38, 1e-45, math.Exp(1e7*math.Log1p(0x1p-23)), 0x1p127)), tol: 2e-7},
		{what: "signs", op: "Pow", in: list(f32(-2, -2, -8, negZero, negZero, 0, -1, -1, -inf, -inf), f32(3, 2, 1./3, 3, -1, -1, inf, 16777215, 3, 2)),
			want: list(f32(-8, 4, nan, negZero, -inf, inf, 1, -1, -inf, inf))},
		{what: "one whatever else", op: "Pow", in: list(f32(0, nan, inf, 1, 1), f32(0, 0, 0, nan, -inf)), want: list(f32(1, 1, 1, 1, 1))},
		{what: "a constant exponent of two", op: "Pow", in: list(f32(-3, 1e20, 0x1.8p-75, nan), one(tensor.Float32, 2)), want: list(f32(9, inf, 0x1p-149, nan)), tol: 1e-7},
		{what: "a constant exponent of a half", op: "Pow", in: list(f32(4, -inf, negZero), one(tensor.Float32, 0.5)), want: list(f32(2, inf, 0))}, // pow(-∞, ½) is +∞, its root NaN
		{what: "a constant exponent of three", op: "Pow", in: list(f32(-2, 1e13, negZero), one(tensor.Float32, 3)), want: list(f32(-8, inf, negZero))},
		{what: "integers beyond float64", op: "Pow", in: list(i64(3, -3, 10), i64(39, 39, 18)), want: list(i64(4052555153018976267, -4052555153018976267, 1000000000000000000))},
		{what: "integers wrap", op: "Pow", in: list(i32(2, 3, -2), i32(31, 21, 33)), want: list(i32(math.MinInt32, 10460353203-2*4294967296-0, 0)), opset: 15},
		{what: "negative exponents of integers", op: "Pow", in: list(i64(1, -1, -1, 2, 5), i64(-5, -3, -4, -1, -20)), want: list(i64(1, -1, 1, 0, 0))},
		{what: "an integer and a float", op: "Pow", in: list(i64(3, 2, 10), f32(2.5, 0.5, 3)), want: list(i64(15, 1, 1000))}, // 15.588…
		{what: "a float and an integer", op: "Pow", in: list(f32(-1, -1, 1.5), i64(1<<53-1, 1<<62, -2)), want: list(f32(-1, 1, 1/2.25)), tol: 1e-7},
		{what: "float16 overflows", op: "Pow", in: list(f16(300, 200, 0.001), f16(2, 2, 3)), want: list(f16(inf, 40000, 0))},
		{what: "large arguments", op: "Exp", in: list(f32(88.72283, 88.8, -103.9, -104.1, -inf, nan)), want: list(f32(math.Exp(float64(float32(88.72283))), inf, 0x1p-149, 0, 0, nan)), tol: 1e-6},
		{what: "saturated", op: "Sigmoid", in: list(f32(-200, 200, -inf, inf, 0)), want: list(f32(0, 1, 0, 1, 0.5))},
		{what: "saturated", op: "Tanh", in: list(f32(-200, 200, -inf, inf, negZero, 1e-10)), want: list(f32(-1, 1, -1, 1, negZero, 1e-10))},
		{what: "large", op: "Softplus", in: list(f32(200, -200, 1e10)), want: list(f32(200, math.Exp(-200), 1e10))},
		{what: "large", op: "Gelu", in: list(f32(50, -50, inf)), want: list(f32(50, 0, inf)), tol: 2e-7},
	}
}

func normalCases() []numeric {
	var out []numeric
	// A row of one value is 0 after its mean is taken away: what is left is the bias. The mean of a row whose sum isn't exact must not be
	// off by an ulp, which the division by √ε would make visible, nor may E[x²]-E[x]² take its place.
	for _, n := range []int{1, 3, 7, 64, 100, 768} {
		for _, v := range []float64{0, 0.1, 10000.1, -3e7, 1e-30} {
			x := matrix(tensor.Float32, n, repeat(2*n, v)...)
			scale, bias := f32(repeat(n, 1.5)...), f32(repeat(n, 0.25)...)
			want := matrix(tensor.Float32, n, repeat(2*n, 0.25)...)
			out = append(out, numeric{what: fmt.Sprint("constant rows, ", n, " of ", v), op: "LayerNormalization", in: list(x, scale, bias), want: list(want)})
			image := shaped(x, 1, 2, n)
			out = append(out, numeric{what: fmt.Sprint("constant channels, ", n, " of ", v), op: "InstanceNormalization", in: list(image, f32(1.5, 1.5), f32(0.25, 0.25)), want: list(shaped(want, 1, 2, n))})
			out = append(out, numeric{what: fmt.Sprint("constant groups, ", n, " of ", v), op: "GroupNormalization", attrs: attrs("num_groups", 1), in: list(image, f32(1.5, 1.5), f32(0.25, 0.25)), want: list(shaped(want, 1, 2, n))})
			out = append(out, numeric{what: fmt.Sprint("constant rows, ", n, " of ", v), op: "MeanVarianceNormalization", attrs: attrs("axes", []int{1}), in: list(x), want: list(matrix(tensor.Float32, n, repeat(2*n, 0)...))})
		}
	}
	return append(out, []numeric{
		// Mean 1e4, deviations ±1: E[x²]-E[x]² in float32 would lose them.
		{what: "small deviations from a large mean", op: "LayerNormalization", attrs: attrs("epsilon", 1e-12), in: list(matrix(tensor.Float32, 4, 10001, 9999, 10001, 9999), f32(1, 1, 1, 1)),
			want: list(matrix(tensor.Float32, 4, 1, -1, 1, -1)), tol: 1e-6},
		{what: "float16 squares overflow", op: "LayerNormalization", attrs: attrs("epsilon", 1e-12), in: list(matrix(tensor.Float16, 2, 1000, -1000), f16(1, 1)), want: list(matrix(tensor.Float16, 2, 1, -1))},
		{what: "zeros", op: "RMSNormalization", in: list(matrix(tensor.Float32, 3, 0, 0, 0), f32(2, 2, 2)), want: list(matrix(tensor.Float32, 3, 0, 0, 0)), opset: 23},
		{what: "without epsilon", op: "LayerNormalization", attrs: attrs("epsilon", 0.0), in: list(matrix(tensor.Float32, 2, 5, 5), f32(1, 1)), want: list(matrix(tensor.Float32, 2, nan, nan))},
		{what: "a variance of zero", op: "BatchNormalization", attrs: attrs("epsilon", 1e-4), in: list(shaped(f32(3, 4), 1, 1, 2), f32(1), f32(0.5), f32(3), f32(0)),
			want: list(shaped(f32(0.5, 100.5), 1, 1, 2)), tol: 1e-6},
		{what: "zeros", op: "LpNormalization", in: list(matrix(tensor.Float32, 2, 0, 0, 3, 4)), want: list(matrix(tensor.Float32, 2, 0, 0, 0.6, 0.8)), tol: 1e-6},
	}...)
}

func sumCases() []numeric {
	return []numeric{
		// Added up in float16, 2048 would never grow; in float32, each partial sum is rounded once.
		{what: "float16", op: "CumSum", in: list(f16(2048, 1, 1, 1, 1, 1), shaped(i64(0))), want: list(f16(2048, 2048, 2050, 2052, 2052, 2052))},
		{what: "float16, from the end", op: "CumSum", attrs: attrs("reverse", 1), in: list(f16(1, 1, 1, 2048), shaped(i64(0))), want: list(f16(2052, 2050, 2048, 2048))},
		{what: "float16 past infinity", op: "CumSum", in: list(f16(65504, 65504, -65504, -65504), shaped(i64(0))), want: list(f16(65504, inf, 65504, 0))},
		{what: "bfloat16", op: "CumSum", in: list(vals(tensor.BFloat16, 256, 1, 1, 1, 1), shaped(i64(0))), want: list(vals(tensor.BFloat16, 256, 256, 258, 260, 260)), opset: 28},
		{what: "exclusive", op: "CumSum", attrs: attrs("exclusive", 1), in: list(f32(inf, 1, nan), shaped(i64(0))), want: list(f32(0, inf, inf))},
		{what: "float16", op: "ReduceSum", in: list(f16(append(repeat(2048, 1), 1, 1)...), i64(0)), want: list(f16(2050))},
		{what: "float16 squares", op: "ReduceSumSquare", in: list(f16(200, 200), i64(0)), want: list(f16(inf))},
		{what: "float16 squares", op: "ReduceL2", in: list(f16(300, 400), i64(0)), want: list(f16(500))}, // their sum is 250000, beyond float16
		{what: "float16", op: "ReduceMean", in: list(f16(60000, 60000, 60000, 60000), i64(0)), want: list(f16(60000))},
		{what: "float16", op: "MatMul", in: list(matrix(tensor.Float16, 3, 60000, 60000, -60000), shaped(f16(1, 1, 1), 3, 1)), want: list(shaped(f16(60000), 1, 1))},
		{what: "many of float32", op: "ReduceSum", in: list(f32(repeat(1<<20, 0.1)...), i64(0)), want: list(f32(float64(float32(0.1)) * (1 << 20))), tol: 1e-5},
		{what: "int64 beyond float64", op: "ReduceSum", in: list(i64(1<<62, 1, -1<<62, 2), i64(0)), want: list(i64(3))},
		{what: "int32 wraps", op: "ReduceSum", in: list(i32(math.MaxInt32, 1), i64(0)), want: list(i32(math.MinInt32))},
		{what: "int32", op: "ReduceMean", in: list(i32(math.MaxInt32, math.MaxInt32, 1), i64(0)), want: list(i32(1431655765))}, // (2³²-1)/3, though the sum is beyond int32
		{what: "int64 beyond float64", op: "ReduceProd", in: list(i64(3037000499, 3037000499), i64(0)), want: list(i64(9223372030926249001))},
		{what: "int64 beyond float64", op: "ReduceMax", in: list(i64(1<<53, 1<<53+1), i64(0)), want: list(i64(1<<53 + 1))},
	}
}

// attentionCases has queries that may look at nothing: the standard wants rows of zeros then.
func attentionCases() []numeric {
	q := func() *tensor.Tensor { return shaped(f32(1, 2, 3, 4), 1, 1, 2, 2) }
	return []numeric{
		{what: "a row that is masked", op: "Attention", opset: 23, in: list(q(), q(), q(), matrix(tensor.Bool, 2, 0, 0, 0, 1)),
			want: list(shaped(f32(0, 0, 3, 4), 1, 1, 2, 2))},
		{what: "a row of minus infinity", op: "Attention", opset: 23, in: list(q(), q(), q(), matrix(tensor.Float32, 2, -inf, -inf, 0, -inf)),
			want: list(shaped(f32(0, 0, 1, 2), 1, 1, 2, 2))},
		{what: "a row of large negatives", op: "Attention", opset: 23, in: list(shaped(f32(0, 0, 0, 0), 1, 1, 2, 2), q(), q(), matrix(tensor.Float32, 2, -3.4028234663852886e38, -3.4028234663852886e38, 0, -3.4028234663852886e38)),
			want: list(shaped(f32(2, 3, 1, 2), 1, 1, 2, 2)), tol: 1e-6},
		{what: "causal, more queries than keys", op: "Attention", opset: 23, attrs: attrs("is_causal", 1), in: list(shaped(f32(0, 0, 0), 1, 1, 3, 1), shaped(f32(1, 2), 1, 1, 2, 1), shaped(f32(4, 8), 1, 1, 2, 1)),
			want: list(shaped(f32(4, 6, 6), 1, 1, 3, 1)), tol: 1e-6},
	}
}
