package shape

import (
	"testing"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// sample returns a tensor of any type, with elements that are 0, 1, 0, 1, …
func sample(t *testing.T, dt tensor.DType, shape ...int) *tensor.Tensor {
	t.Helper()
	x, err := tensor.New(dt, shape...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Len() {
		switch {
		case i%2 == 0:
		case dt == tensor.String:
			tensor.View[string](x)[i] = "one"
		case dt == tensor.Complex64:
			tensor.View[complex64](x)[i] = 1
		case dt == tensor.Complex128:
			tensor.View[complex128](x)[i] = 1
		default:
			num.Store64(x, i, []float64{1})
		}
	}
	return x
}

// TestEveryType runs each operator with each type that its newest version declares for its data.
func TestEveryType(t *testing.T) {
	one := func(shape ...int) func(*testing.T, tensor.DType) []*tensor.Tensor {
		return func(t *testing.T, dt tensor.DType) []*tensor.Tensor { return []*tensor.Tensor{sample(t, dt, shape...)} }
	}
	with := func(shape []int, more ...*tensor.Tensor) func(*testing.T, tensor.DType) []*tensor.Tensor {
		return func(t *testing.T, dt tensor.DType) []*tensor.Tensor {
			return append([]*tensor.Tensor{sample(t, dt, shape...)}, more...)
		}
	}
	updates := func(ix *tensor.Tensor, n int) func(*testing.T, tensor.DType) []*tensor.Tensor {
		return func(t *testing.T, dt tensor.DType) []*tensor.Tensor {
			return []*tensor.Tensor{sample(t, dt, 4), ix, sample(t, dt, n)}
		}
	}
	refuses := func(dts ...tensor.DType) tensor.Types { return tensor.TypesOf(dts...) }
	text, cplx := refuses(tensor.String), refuses(tensor.Complex64, tensor.Complex128)
	for _, tt := range []struct {
		op      string
		types   string // the variable
		attrs   ops.Attrs
		in      func(*testing.T, tensor.DType) []*tensor.Tensor
		refuses tensor.Types // declared by the standard, but without a meaning
	}{
		{op: "Identity", types: "V", in: one(2, 3)},
		{op: "Reshape", types: "T", in: with([]int{2, 3}, ints(3, -1))},
		{op: "Flatten", types: "T", in: one(2, 3)},
		{op: "Squeeze", types: "T", in: one(2, 1)},
		{op: "Unsqueeze", types: "T", in: with([]int{2}, ints(0))},
		{op: "Transpose", types: "T", in: one(2, 3)},
		{op: "Concat", types: "T", attrs: attr("axis", 0), in: one(2, 3)},
		{op: "Split", types: "T", in: with([]int{4}, ints(1, 3))},
		{op: "Slice", types: "T", in: with([]int{4}, ints(3), ints(-9), ints(0), ints(-2))},
		{op: "Expand", types: "T", in: with([]int{2}, ints(3, 2))},
		{op: "Tile", types: "T", in: with([]int{2}, ints(3))},
		{op: "Pad", types: "T", in: with([]int{2}, ints(1, 1))},
		{op: "Gather", types: "T", in: with([]int{3}, ints(2, 0))},
		{op: "GatherElements", types: "T", in: with([]int{3}, ints(2, 0))},
		{op: "GatherND", types: "T", in: with([]int{3}, reshaped(ints(2, 0), 2, 1))},
		{op: "ScatterElements", types: "T", in: updates(ints(1, 2), 2)},
		{op: "ScatterElements", types: "T", attrs: attr("reduction", "add"), in: updates(ints(1, 1), 2), refuses: text},
		{op: "ScatterElements", types: "T", attrs: attr("reduction", "mul"), in: updates(ints(1, 1), 2), refuses: text},
		{op: "ScatterND", types: "T", in: updates(reshaped(ints(1, 2), 2, 1), 2)},
		{op: "ScatterND", types: "T", attrs: attr("reduction", "max"), in: updates(reshaped(ints(1, 1), 2, 1), 2), refuses: text | cplx},
		{op: "ScatterND", types: "T", attrs: attr("reduction", "min"), in: updates(reshaped(ints(1, 1), 2, 1), 2), refuses: text | cplx},
		{op: "TensorScatter", types: "T", attrs: attr("axis", 1), in: func(t *testing.T, dt tensor.DType) []*tensor.Tensor {
			return []*tensor.Tensor{sample(t, dt, 1, 4), sample(t, dt, 1, 2), ints(1)}
		}},
		{op: "Shape", types: "T", in: one(2, 3)},
		{op: "Size", types: "T", in: one(2, 3)},
		{op: "EyeLike", types: "T1", in: one(2, 3)},
		{op: "OneHot", types: "T3", in: func(t *testing.T, dt tensor.DType) []*tensor.Tensor {
			return []*tensor.Tensor{ints(1, 0), ints(3), sample(t, dt, 2)}
		}},
		{op: "OneHot", types: "T1", in: with([]int{4}, ints(3), floats(0, 1))},
		{op: "OneHot", types: "T2", in: func(t *testing.T, dt tensor.DType) []*tensor.Tensor {
			d, _ := sample(t, dt, 2).Slice(1, 2)
			return []*tensor.Tensor{ints(0), d, floats(0, 1)}
		}},
		{op: "Trilu", types: "T", in: one(2, 3)},
		{op: "CenterCropPad", types: "T", in: with([]int{2, 4}, ints(3, 3))},
		{op: "Compress", types: "T", in: with([]int{2}, tensor.Of([]bool{true, false}))},
		{op: "NonZero", types: "T", in: one(2, 3)},
		{op: "Unique", types: "T", in: one(4)},
		{op: "DepthToSpace", types: "T", attrs: attr("blocksize", 2), in: one(1, 4, 1, 1)},
		{op: "SpaceToDepth", types: "T", attrs: attr("blocksize", 2), in: one(1, 1, 2, 2)},
		{op: "ReverseSequence", types: "T", in: with([]int{2, 2}, ints(2, 1))},
		{op: "Resize", types: "T1", in: with([]int{2}, nil, floats(2))},
		{op: "Resize", types: "T1", attrs: attr("mode", "linear"), in: with([]int{2}, nil, floats(2)), refuses: text},
		{op: "Resize", types: "T1", attrs: attr("mode", "cubic"), in: with([]int{2}, nil, floats(2)), refuses: text},
		{op: "Resize", types: "T2", attrs: attr("coordinate_transformation_mode", "tf_crop_and_resize"), in: func(t *testing.T, dt tensor.DType) []*tensor.Tensor {
			return []*tensor.Tensor{iota32(4), sample(t, dt, 2), nil, ints(3)}
		}},
		{op: "Col2Im", types: "T", in: with([]int{1, 4, 1}, ints(2, 2), ints(2, 2)), refuses: text},
		{op: "Range", types: "T", in: func(t *testing.T, dt tensor.DType) []*tensor.Tensor {
			x := sample(t, dt, 2)
			zero, _ := x.Slice(0, 1)
			one, _ := x.Slice(1, 2)
			return []*tensor.Tensor{zero, one, one}
		}},
		{op: "Dropout", types: "T", in: with([]int{8}, floats(0.5), tensor.Scalar(true))},
		{op: "Bernoulli", types: "T1", in: one(8)},
		{op: "Multinomial", types: "T1", in: one(2, 4)},
		{op: "RandomNormalLike", types: "T1", attrs: attr("dtype", 1), in: one(3)},
		{op: "RandomUniformLike", types: "T1", attrs: attr("dtype", 10), in: one(3)},
	} {
		op := find(t, tt.op)
		for _, dt := range op.Newest().TypeSet(tt.types).Tensor.List() {
			_, err := eval(t, tt.op, tt.attrs, 1, tt.in(t, dt)...)
			if (err != nil) != tt.refuses.Has(dt) {
				t.Errorf("%s %v of %s: error %v", tt.op, tt.attrs, dt, err)
			}
		}
	}
}

// TestRandomTypes draws every type that the random operators can make.
func TestRandomTypes(t *testing.T) {
	for name, in := range map[string]*tensor.Tensor{"RandomNormal": nil, "RandomUniform": nil, "RandomNormalLike": iota32(300), "RandomUniformLike": iota32(300), "Bernoulli": iota32(300), "Multinomial": iota32(2, 3)} {
		ts := find(t, name).Newest().TypeSet("T")
		ins := []*tensor.Tensor{}
		if in != nil {
			ts, ins = find(t, name).Newest().TypeSet("T2"), append(ins, in)
		}
		for _, dt := range ts.Tensor.List() {
			attrs := attr("dtype", int(dt))
			if in == nil {
				attrs["shape"] = ops.IntsAttr(300)
			}
			a, err := eval(t, name, attrs, 1, ins...)
			if err != nil {
				t.Errorf("%s of %s: %v", name, dt, err)
				continue
			}
			if a[0].DType() != dt {
				t.Errorf("%s of %s: %s", name, dt, a[0])
			}
			if b, _ := eval(t, name, attrs, 1, ins...); !a[0].Equal(b[0]) {
				t.Errorf("%s of %s: another result in another run", name, dt)
			}
		}
	}
}

// TestMoments checks mean and spread of what is drawn.
func TestMoments(t *testing.T) {
	for _, tt := range []struct {
		op         string
		attrs      ops.Attrs
		mean, dev2 float64
	}{
		{"RandomUniform", attr("low", float32(2), "high", float32(4)), 3, 1.0 / 3},
		{"RandomNormal", attr("mean", float32(-1), "scale", float32(2)), -1, 4},
		{"RandomNormal", attr("seed", float32(7)), 0, 1},
	} {
		const n = 100001
		tt.attrs["shape"] = ops.IntsAttr(n)
		y, err := eval(t, tt.op, tt.attrs, 1)
		if err != nil {
			t.Fatal(err)
		}
		var sum, sq float64
		for _, v := range tensor.View[float32](y[0]) {
			sum += float64(v)
			sq += (float64(v) - tt.mean) * (float64(v) - tt.mean)
		}
		if m := sum / n; m < tt.mean-0.03 || m > tt.mean+0.03 {
			t.Errorf("%s: mean %g, want %g", tt.op, m, tt.mean)
		}
		if d := sq / n; d < tt.dev2*0.97 || d > tt.dev2*1.03 {
			t.Errorf("%s: variance %g, want %g", tt.op, d, tt.dev2)
		}
	}
}
