package math

import (
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// bound prepares a node once, as a run's state does.
func bound(t testing.TB, name string, attrs ops.Attrs, ins ...*tensor.Tensor) (ops.Kernel, *ops.Call) {
	t.Helper()
	op := lookup(t, name)
	a, err := op.ParseAttrs(attrs)
	if err != nil {
		t.Fatal(err)
	}
	types := make([]*ops.Type, len(ins))
	call := &ops.Call{Env: &backwards{}, Wanted: []bool{true}}
	for i, x := range ins {
		typ := sym.TypeOf(x, true)
		types[i] = &typ
		call.Ins = append(call.Ins, x)
	}
	inf := ops.NewInfer(types, call.Wanted, nil)
	if err := op.InferTypes(inf, a); err != nil {
		t.Fatal(err)
	}
	b := &ops.Bind{Ins: types, Outs: inf.Outs(), Wanted: call.Wanted}
	k, err := op.BindKernel(b, a)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tensor.New(b.Out(0).DT, b.OutDims(0)...)
	if err != nil {
		t.Fatal(err)
	}
	call.Outs, call.Scratch = []tensor.Value{out}, tensor.AlignedBytes(b.ScratchLen())
	return k, call
}

// TestNoAllocations runs bound kernels of the operators that inference consists of.
func TestNoAllocations(t *testing.T) {
	x, row := of(t, tensor.Float32, make([]float64, 200*300), 200, 300), of(t, tensor.Float32, make([]float64, 300))
	h := of(t, tensor.Float16, make([]float64, 200*300), 200, 300)
	cond := tensor.Of(make([]bool, 300))
	axis := func(k int64) ops.Attrs { return ops.Attrs{"axis": ops.IntAttr(k)} }
	for _, c := range []struct {
		op    string
		attrs ops.Attrs
		ins   []*tensor.Tensor
	}{
		{"Relu", nil, []*tensor.Tensor{x}}, {"Sigmoid", nil, []*tensor.Tensor{h}}, {"Add", nil, []*tensor.Tensor{x, row}}, {"Mul", nil, []*tensor.Tensor{h, h}},
		{"Pow", nil, []*tensor.Tensor{x, tensor.Scalar(float32(2))}}, {"Where", nil, []*tensor.Tensor{cond, x, row}}, {"Clip", nil, []*tensor.Tensor{x, tensor.Scalar(float32(0))}},
		{"Softmax", axis(0), []*tensor.Tensor{x}}, {"Softmax", nil, []*tensor.Tensor{h}}, {"ReduceMean", nil, []*tensor.Tensor{x, tensor.Of([]int64{0})}},
		{"ReduceMean", nil, []*tensor.Tensor{h}}, {"ReduceLogSumExp", nil, []*tensor.Tensor{x, tensor.Of([]int64{1})}}, {"ArgMax", axis(1), []*tensor.Tensor{x}},
		{"CumSum", nil, []*tensor.Tensor{x, tensor.Scalar(int64(0))}}, {"Cast", ops.Attrs{"to": ops.IntAttr(tensor.Float16)}, []*tensor.Tensor{x}},
		{"Einsum", ops.Attrs{"equation": ops.StringAttr("ij,kj->ik")}, []*tensor.Tensor{x, x}}, {"Max", nil, []*tensor.Tensor{x, row, x}}, {"Equal", nil, []*tensor.Tensor{x, row}},
		{"TopK", nil, []*tensor.Tensor{x, tensor.Of([]int64{3})}}, {"Gelu", nil, []*tensor.Tensor{x}}, {"Det", nil, []*tensor.Tensor{of(t, tensor.Float32, []float64{1, 2, 3, 4}, 2, 2)}},
	} {
		k, call := bound(t, c.op, c.attrs, c.ins...)
		if n := testing.AllocsPerRun(3, func() {
			if err := k.Run(call); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times a run", c.op, n)
		}
	}
}

// BenchmarkKernels measures one core; the metric is nanoseconds an element of the first input.
func BenchmarkKernels(b *testing.B) {
	ones := func(dt tensor.DType, shape ...int) *tensor.Tensor {
		vals := make([]float64, product(shape))
		for i := range vals {
			vals[i] = float64(i*7919%101)/50 + 0.5
		}
		return of(b, dt, vals, shape...)
	}
	f32, f16, f64, i64, u8 := tensor.Float32, tensor.Float16, tensor.Float64, tensor.Int64, tensor.Uint8
	axis := func(k int64) ops.Attrs { return ops.Attrs{"axis": ops.IntAttr(k)} }
	to := func(dt tensor.DType) ops.Attrs { return ops.Attrs{"to": ops.IntAttr(dt)} }
	x := ones(f32, 1, 64, 28, 28)
	flat := ones(f32, 64, 784)
	for _, c := range []struct {
		name, op string
		attrs    ops.Attrs
		ins      []*tensor.Tensor
	}{
		{"same", "Add", nil, []*tensor.Tensor{x, x}}, {"channel", "Mul", nil, []*tensor.Tensor{x, ones(f32, 64, 1, 1)}}, {"row", "Add", nil, []*tensor.Tensor{flat, ones(f32, 784)}},
		{"short", "Add", nil, []*tensor.Tensor{ones(f32, 12544, 4), ones(f32, 4)}}, {"float16", "Add", nil, []*tensor.Tensor{ones(f16, 64, 784), ones(f16, 64, 784)}},
		{"int64", "Add", nil, []*tensor.Tensor{ones(i64, 64, 784), ones(i64, 64, 784)}}, {"float64", "Mul", nil, []*tensor.Tensor{ones(f64, 64, 784), ones(f64, 1)}},
		{"", "Relu", nil, []*tensor.Tensor{x}}, {"", "Gelu", nil, []*tensor.Tensor{x}}, {"float16", "Sigmoid", nil, []*tensor.Tensor{ones(f16, 64, 784)}},
		{"float64", "Exp", nil, []*tensor.Tensor{ones(f64, 64, 784)}}, {"", "Atan", nil, []*tensor.Tensor{x}},
		{"square", "Pow", nil, []*tensor.Tensor{x, tensor.Scalar(float32(2))}}, {"1.7", "Pow", nil, []*tensor.Tensor{x, tensor.Scalar(float32(1.7))}},
		{"last", "Softmax", nil, []*tensor.Tensor{flat}}, {"axis 0", "Softmax", axis(0), []*tensor.Tensor{flat}}, {"float16", "Softmax", nil, []*tensor.Tensor{ones(f16, 64, 784)}},
		{"plane", "ReduceMean", nil, []*tensor.Tensor{x, tensor.Of([]int64{2, 3})}}, {"channels", "ReduceMean", nil, []*tensor.Tensor{x, tensor.Of([]int64{1})}},
		{"", "ReduceLogSumExp", nil, []*tensor.Tensor{flat, tensor.Of([]int64{1})}},
		{"float16", "Cast", to(f16), []*tensor.Tensor{x}}, {"int64", "Cast", to(i64), []*tensor.Tensor{x}}, {"uint8", "Cast", to(u8), []*tensor.Tensor{x}},
		{"from int64", "Cast", to(f32), []*tensor.Tensor{ones(i64, 64, 784)}}, {"from uint8", "Cast", to(f32), []*tensor.Tensor{ones(u8, 64, 784)}}, {"bool", "Cast", to(tensor.Bool), []*tensor.Tensor{x}},
		{"float8", "Cast", to(tensor.Float8E4M3FN), []*tensor.Tensor{x}},
		{"mask", "Where", nil, []*tensor.Tensor{ones(tensor.Bool, 64, 784), flat, tensor.Scalar(float32(0))}}, {"", "Greater", nil, []*tensor.Tensor{x, tensor.Scalar(float32(1))}},
		{"", "ArgMax", axis(1), []*tensor.Tensor{flat}}, {"columns", "ArgMax", axis(0), []*tensor.Tensor{flat}}, {"5", "TopK", nil, []*tensor.Tensor{flat, tensor.Of([]int64{5})}},
		{"", "CumSum", nil, []*tensor.Tensor{flat, tensor.Scalar(int64(1))}}, {"three", "Max", nil, []*tensor.Tensor{flat, flat, flat}},
		{"int64", "Div", nil, []*tensor.Tensor{ones(i64, 64, 784), ones(i64, 1)}},
	} {
		name := c.op
		if c.name != "" {
			name += " " + c.name
		}
		b.Run(name, func(b *testing.B) {
			k, call := bound(b, c.op, c.attrs, c.ins...)
			call.Env = &backwards{clean: true}
			for b.Loop() {
				if err := k.Run(call); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.ins[0].Len()), "ns/elem")
		})
	}
}
