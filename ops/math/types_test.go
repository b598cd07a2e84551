package math

import (
	"math"
	"testing"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// TestUnaryTypes computes every function of one element in every type of its newest version.
func TestUnaryTypes(t *testing.T) {
	relu := func(v float64) float64 { return max(v, 0) }
	for name, f := range map[string]func(float64) float64{
		"Abs": math.Abs, "Acos": math.Acos, "Acosh": math.Acosh, "Asin": math.Asin, "Asinh": math.Asinh, "Atan": math.Atan, "Atanh": math.Atanh,
		"Ceil": math.Ceil, "Cos": math.Cos, "Cosh": math.Cosh, "Erf": math.Erf, "Exp": math.Exp, "Floor": math.Floor, "Log": math.Log,
		"Neg": func(v float64) float64 { return -v }, "Reciprocal": func(v float64) float64 { return 1 / v }, "Round": math.RoundToEven,
		"Sin": math.Sin, "Sinh": math.Sinh, "Sqrt": math.Sqrt, "Tan": math.Tan, "Tanh": math.Tanh, "Relu": relu,
		"Sign": func(v float64) float64 {
			switch {
			case v > 0:
				return 1
			case v < 0:
				return -1
			}
			return v
		},
		"Sigmoid": sigmoid, "Softplus": softplus, "Softsign": func(v float64) float64 { return v / (1 + math.Abs(v)) },
		"Mish": func(v float64) float64 { return v * math.Tanh(math.Log1p(math.Exp(v))) }, "Swish": func(v float64) float64 { return v / (1 + math.Exp(-v)) },
		"HardSwish": func(v float64) float64 { return v * max(0, min(1, v/6+0.5)) }, "HardSigmoid": func(v float64) float64 { return max(0, min(1, float64(float32(0.2))*v+0.5)) },
		"Gelu": func(v float64) float64 { return v / 2 * (1 + math.Erf(v/math.Sqrt2)) }, "Elu": func(v float64) float64 { return relu(v) + min(0, math.Expm1(v)) },
		"Celu": func(v float64) float64 { return relu(v) + min(0, math.Expm1(v)) },
		"Selu": func(v float64) float64 {
			return float64(float32(1.05070102214813232421875)) * (relu(v) + float64(float32(1.67326319217681884765625))*min(0, math.Expm1(v)))
		},
		"LeakyRelu": func(v float64) float64 { return relu(v) + float64(float32(0.01))*min(0, v) },
		"ThresholdedRelu": func(v float64) float64 {
			if v > 1 {
				return v
			}
			return 0
		},
		"Shrink": func(v float64) float64 {
			if math.Abs(v) > 0.5 {
				return v
			}
			return 0
		},
	} {
		op := lookup(t, name)
		for _, dt := range op.Newest().Types["T"].Tensor.List() {
			vals := make([]float64, 1300)
			for i := range vals {
				vals[i] = float64(i%17) - 8
				if dt.IsUnsigned() {
					vals[i] += 8
				}
				if dt.IsFloat() {
					vals[i] = vals[i]/4 + 0.125
				}
			}
			if dt.IsFloat() {
				vals[5], vals[6], vals[7] = math.NaN(), 0, 1
			}
			x := of(t, dt, vals, 13, 100)
			want := make([]float64, len(vals))
			for i, v := range vals {
				want[i] = f(v)
			}
			check(t, name+" of "+dt.String(), eval(t, name, nil, x), want)
		}
	}
}

// TestBinaryTypes computes every function of two elements in every type, with a row and a scalar broadcast.
func TestBinaryTypes(t *testing.T) {
	truth := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	for name, f := range map[string]func(a, b float64) float64{
		"Add": func(a, b float64) float64 { return a + b }, "Sub": func(a, b float64) float64 { return a - b }, "Mul": func(a, b float64) float64 { return a * b },
		"Div": func(a, b float64) float64 { return a / b }, "Mod": func(a, b float64) float64 { return math.Mod(a, b) },
		"Max": math.Max, "Min": math.Min, "Sum": func(a, b float64) float64 { return a + b }, "Mean": func(a, b float64) float64 { return (a + b) / 2 },
		"Pow": math.Pow, "PRelu": func(a, b float64) float64 { return a },
		"Equal": func(a, b float64) float64 { return truth(a == b) }, "Less": func(a, b float64) float64 { return truth(a < b) },
		"LessOrEqual": func(a, b float64) float64 { return truth(a <= b) }, "Greater": func(a, b float64) float64 { return truth(a > b) },
		"GreaterOrEqual": func(a, b float64) float64 { return truth(a >= b) },
		"And":            func(a, b float64) float64 { return a * b }, "Or": math.Max, "Xor": func(a, b float64) float64 { return math.Abs(a - b) },
		"BitwiseAnd": func(a, b float64) float64 { return float64(int(a) & int(b)) }, "BitwiseOr": func(a, b float64) float64 { return float64(int(a) | int(b)) },
		"BitwiseXor": func(a, b float64) float64 { return float64(int(a) ^ int(b)) },
	} {
		op := lookup(t, name)
		for _, dt := range op.Newest().Types["T"].Tensor.List() {
			if dt == tensor.String {
				continue // TestStrings
			}
			a, b := make([]float64, 70*9), make([]float64, 9)
			for i := range a {
				a[i] = float64(i%7 + 1)
			}
			for i := range b {
				b[i] = float64(i%3 + 1)
			}
			if dt == tensor.Bool {
				for i := range a {
					a[i] = float64(i & 1)
				}
				for i := range b {
					b[i] = float64(i >> 1 & 1)
				}
			}
			x := of(t, dt, a, 70, 9)
			for _, shape := range [][]int{{9}, {1, 9}, {}} {
				y := of(t, dt, b[:product(shape)], shape...)
				want := make([]float64, len(a))
				for i := range want {
					want[i] = f(a[i], b[i%product(shape)])
					if dt.IsInteger() {
						want[i] = math.Trunc(want[i])
					}
				}
				if dt.IsUnsigned() {
					want = floats(of(t, dt, want)) // wrapped
				}
				check(t, name+" of "+dt.String(), eval(t, name, nil, x, y), want)
			}
		}
	}
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// TestReduceTypes folds every type both along rows and along columns.
func TestReduceTypes(t *testing.T) {
	type fold struct {
		init float64
		f    func(acc, v float64) float64
		last func(acc, n float64) float64
	}
	add := func(acc, v float64) float64 { return acc + v }
	keep := func(acc, _ float64) float64 { return acc }
	for name, r := range map[string]fold{
		"ReduceSum": {0, add, keep}, "ReduceMean": {0, add, func(acc, n float64) float64 { return acc / n }},
		"ReduceProd": {1, func(acc, v float64) float64 { return acc * v }, keep},
		"ReduceMax":  {-100, math.Max, keep}, "ReduceMin": {100, math.Min, keep},
		"ReduceL1":        {0, func(acc, v float64) float64 { return acc + math.Abs(v) }, keep},
		"ReduceL2":        {0, func(acc, v float64) float64 { return acc + v*v }, func(acc, _ float64) float64 { return math.Sqrt(acc) }},
		"ReduceLogSum":    {0, add, func(acc, _ float64) float64 { return math.Log(acc) }},
		"ReduceSumSquare": {0, func(acc, v float64) float64 { return acc + v*v }, keep},
		"ReduceLogSumExp": {0, func(acc, v float64) float64 { return acc + math.Exp(v) }, func(acc, _ float64) float64 { return math.Log(acc) }},
	} {
		op := lookup(t, name)
		for _, dt := range op.Newest().Types["T"].Tensor.List() {
			const rows, cols = 3, 4
			vals := make([]float64, rows*cols)
			for i := range vals {
				vals[i] = float64(i%3 + 1)
				if dt == tensor.Bool {
					vals[i] = float64(i % 3 & 1)
				}
			}
			x := of(t, dt, vals, rows, cols)
			for axis, n := range []int{cols, rows} {
				want := make([]float64, n)
				for o := range want {
					want[o] = r.init
					for k := range rows * cols / n {
						i := k*cols + o // axis 0
						if axis == 1 {
							i = o*cols + k
						}
						want[o] = r.f(want[o], vals[i])
					}
					want[o] = r.last(want[o], float64(rows*cols/n))
					if dt.IsInteger() {
						want[o] = math.Trunc(want[o])
					}
				}
				check(t, name+" of "+dt.String(), eval(t, name, nil, x, tensor.Of([]int64{int64(axis)})), want)
			}
		}
	}
}

// TestOtherTypes runs what the tables above don't, in every type, on an example that has an obvious result.
func TestOtherTypes(t *testing.T) {
	one := tensor.Of([]int64{1})
	for _, c := range []struct {
		name  string
		v     string // type variable
		attrs ops.Attrs
		vals  []float64
		more  []*tensor.Tensor
		want  []float64
	}{
		{"Clip", "T", nil, []float64{1, 2, 3}, nil, []float64{1, 2, 3}},
		{"CumSum", "T", nil, []float64{1, 2, 3}, []*tensor.Tensor{tensor.Scalar(int32(0))}, []float64{1, 3, 6}},
		{"CumProd", "T", ops.Attrs{"reverse": ops.IntAttr(int64(1))}, []float64{1, 2, 3}, []*tensor.Tensor{tensor.Scalar(int64(-1))}, []float64{6, 6, 3}},
		{"ArgMax", "T", nil, []float64{1, 3, 2}, nil, []float64{1}},
		{"ArgMin", "T", nil, []float64{2, 3, 1}, nil, []float64{2}},
		{"TopK", "T", nil, []float64{1, 3, 2}, []*tensor.Tensor{one}, []float64{3}},
		{"Softmax", "T", nil, []float64{2, 2}, nil, []float64{0.5, 0.5}},
		{"LogSoftmax", "T", nil, []float64{2, 2}, nil, []float64{-math.Ln2, -math.Ln2}},
		{"Hardmax", "T", nil, []float64{1, 3, 3}, nil, []float64{0, 1, 0}},
		{"IsNaN", "T1", nil, []float64{1, 0}, nil, []float64{0, 0}},
		{"IsInf", "T1", nil, []float64{1, 0}, nil, []float64{0, 0}},
		{"Einsum", "T", ops.Attrs{"equation": ops.StringAttr("i->")}, []float64{1, 2, 3}, nil, []float64{6}},
		{"BitwiseNot", "T", nil, []float64{1}, nil, nil},
		{"Not", "T", nil, []float64{0, 1}, nil, []float64{1, 0}},
	} {
		op := lookup(t, c.name)
		for _, dt := range op.Newest().Types[c.v].Tensor.List() {
			x := of(t, dt, c.vals)
			got := eval(t, c.name, c.attrs, append([]*tensor.Tensor{x}, c.more...)...)
			if c.want != nil {
				check(t, c.name+" of "+dt.String(), got, c.want)
			}
		}
	}
	for _, dt := range lookup(t, "Det").Newest().Types["T"].Tensor.List() {
		check(t, "Det of "+dt.String(), eval(t, "Det", nil, of(t, dt, []float64{0, 2, 3, 4, 1, 0, 0, 1}, 2, 2, 2)), []float64{-6, 1})
	}
	for _, dt := range lookup(t, "SwiGLU").Newest().Types["T"].Tensor.List() {
		check(t, "SwiGLU of "+dt.String(), eval(t, "SwiGLU", nil, of(t, dt, []float64{0, 2}), of(t, dt, []float64{3, 4})), []float64{0, 8 / (1 + math.Exp(-2))})
	}
	for _, dir := range []string{"LEFT", "RIGHT"} {
		for _, dt := range lookup(t, "BitShift").Newest().Types["T"].Tensor.List() {
			want := map[string][]float64{"LEFT": {16, 0}, "RIGHT": {1, 0}}[dir]
			check(t, dir+" shift of "+dt.String(), eval(t, "BitShift", ops.Attrs{"direction": ops.StringAttr(dir)},
				of(t, dt, []float64{4, 4}), of(t, dt, []float64{2, 64})), want)
		}
	}
	cond := tensor.Of([]bool{true, false})
	for _, dt := range lookup(t, "Where").Newest().Types["T"].Tensor.List() {
		switch {
		case num.Numeric.Has(dt):
			check(t, "Where of "+dt.String(), eval(t, "Where", nil, cond, of(t, dt, []float64{1, 1}), of(t, dt, []float64{0}, 1)), []float64{1, 0})
		case dt == tensor.String:
			got := eval(t, "Where", nil, cond, tensor.Of([]string{"a", "b"}), tensor.Scalar("c"))
			if s := tensor.View[string](got); s[0] != "a" || s[1] != "c" {
				t.Errorf("Where of strings: %q", s)
			}
		case dt == tensor.Complex128:
			got := eval(t, "Where", nil, cond, tensor.Of([]complex128{1i, 2}), tensor.Scalar(complex128(3)))
			if s := tensor.View[complex128](got); s[0] != 1i || s[1] != 3 {
				t.Errorf("Where of complex numbers: %v", s)
			}
		}
	}
	// Pow takes any pair of types.
	pow := lookup(t, "Pow").Newest()
	for _, x := range pow.Types["T"].Tensor.List() {
		for _, y := range pow.Types["T1"].Tensor.List() {
			got := eval(t, "Pow", nil, of(t, x, []float64{1, 2, 3}), of(t, y, []float64{3, 2, 1}))
			check(t, x.String()+"^"+y.String(), got, []float64{1, 4, 3})
		}
	}
}
