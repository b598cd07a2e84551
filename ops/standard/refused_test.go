package standard_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"ingot/ops"
	"ingot/ops/standard"
	"ingot/tensor"
)

func zeros(t *testing.T, dt tensor.DType, shape ...int) *tensor.Tensor {
	t.Helper()
	x, err := tensor.New(dt, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestHostileCalls holds calls that random ones found to end in a panic, or in memory that nobody could have. want is part of the error; ""
// where there is a result.
func TestHostileCalls(t *testing.T) {
	f := func(shape ...int) *tensor.Tensor { return zeros(t, tensor.Float32, shape...) }
	ints := func(v ...int64) *tensor.Tensor { return tensor.Of(v) }
	cubes := tensor.Of([]int64{1, 1, 1, 1}, 1, 2, 2)
	nan := tensor.Of([]float64{math.NaN(), 0, 0, 1, 1}, 1, 5)
	for _, c := range []struct {
		op    string
		attrs ops.Attrs
		in    []tensor.Value
		want  string
	}{
		{"Cast", ops.Attrs{"to": ops.IntAttr(0)}, []tensor.Value{f(2)}, "element type"},
		{"EyeLike", ops.Attrs{"k": ops.IntAttr(int64(math.MinInt64))}, []tensor.Value{f(9, 1)}, ""},
		{"EyeLike", ops.Attrs{"k": ops.IntAttr(int64(math.MaxInt64))}, []tensor.Value{f(9, 1)}, ""},
		{"ConcatFromSequence", ops.Attrs{"axis": ops.IntAttr(-2), "new_axis": ops.IntAttr(7)}, []tensor.Value{&tensor.Sequence{Elem: tensor.Float32, Items: []tensor.Value{f(7, 6)}}}, "new_axis"},
		{"ConcatFromSequence", ops.Attrs{"axis": ops.IntAttr(2), "new_axis": ops.IntAttr(1)}, []tensor.Value{&tensor.Sequence{Elem: tensor.Float32, Items: []tensor.Value{f(7, 6), f(7)}}}, "float32[7]"},
		{"Tile", nil, []tensor.Value{f(5, 2), ints(4, math.MaxInt64-1)}, "shape"},
		{"Tile", nil, []tensor.Value{f(5, 2), ints(1<<32, 1<<31)}, "too many elements"},
		{"Expand", nil, []tensor.Value{f(1), ints(1<<40, 1)}, "many"},
		{"Slice", nil, []tensor.Value{f(17, 9), tensor.Scalar(int32(-1)), tensor.Scalar(int32(-2))}, ""},
		{"Reshape", nil, []tensor.Value{f(4), cubes}, "vector"},
		{"ConstantOfShape", nil, []tensor.Value{cubes}, "vector"},
		{"ConstantOfShape", ops.Attrs{"value": ops.TensorAttr(tensor.Of([]string{"a"}))}, []tensor.Value{ints(2)}, "string"},
		{"Pad", nil, []tensor.Value{f(7, 7), ints(1, 1<<40, 4, 1)}, "many"},
		{"Pad", nil, []tensor.Value{f(0, 7), ints(0, 1<<40, 0, 1)}, ""}, // no elements: however long the other axis is
		{"AffineGrid", nil, []tensor.Value{f(1, 2, 3), ints()}, "0 elements"},
		{"AffineGrid", nil, []tensor.Value{f(1, 2, 3), tensor.Of(make([]int64, 0), 0, 4)}, "elements"},
		{"Gemm", nil, []tensor.Value{f(5, 1), f(1, 1), f(1, 0)}, "broadcast"},
		{"TensorScatter", nil, []tensor.Value{f(1, 2, 4, 3), f(1, 2, 1, 3), ints(math.MaxInt64)}, "don't fit"},
		{"LinearAttention", ops.Attrs{"kv_num_heads": ops.IntAttr(2), "q_num_heads": ops.IntAttr(2)},
			[]tensor.Value{f(1, 2, 0), f(1, 2, 0), f(1, 2, 4), nil, f(1, 2, 2), f(1, 2, 2)}, ""},
		{"MaxRoiPool", ops.Attrs{"pooled_shape": ops.IntsAttr(2, 2)}, []tensor.Value{zeros(t, tensor.Float64, 3, 2, 1, 3), nan}, ""},
		{"Relu", nil, []tensor.Value{f(0, 1<<40)}, ""},
		{"Reshape", ops.Attrs{"allowzero": ops.IntAttr(1)}, []tensor.Value{f(0, 7), ints(0, 9, 7)}, ""},
		{"Slice", nil, []tensor.Value{f(4), ints(), tensor.Scalar(int64(1))}, "0 starts, but 1 ends"},
		{"CenterCropPad", nil, []tensor.Value{f(), tensor.Scalar(int32(-2))}, "1 sizes for 0 axes"},
		{"com.microsoft.GroupQueryAttention", ops.Attrs{"kv_num_heads": ops.IntAttr(2), "num_heads": ops.IntAttr(4)},
			[]tensor.Value{f(4, 1, 56), f(4, 1, 28), f(), f(4, 2, 4, 14), f(4, 2, 4, 14), zeros(t, tensor.Int32, 4), tensor.Scalar(int32(3))}, "value is []"},
		{"com.microsoft.GatedDeltaNet", nil, []tensor.Value{f(6, 2, 8), f(6, 2, 8), f(6, 4, 6), tensor.Of([]int32{0, 3, 6}), f(0, 4), f(6, 4)}, "each of the tokens"},
		{"com.microsoft.MultiHeadAttention", ops.Attrs{"num_heads": ops.IntAttr(4)}, []tensor.Value{f(1, 1, 4), f(1, 4, 1, 1), f(0, 4, 1, 1)}, "value [0,4,1,1]"},
	} {
		set, err := standard.Set()
		if err != nil {
			t.Fatal(err)
		}
		domain, name := "", c.op
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			domain, name = name[:i], name[i+1:]
		}
		op := set.Lookup(domain, name)
		a, err := op.ParseAttrs(c.attrs)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		least, _ := ops.Arity(op.Newest().Out)
		_, err = ops.Evaluate(ctx, op, a, c.in, slices.Repeat([]bool{true}, max(1, least)), &limitedEnv{ctx: ctx}, nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s of %v: error %v, want %q", c.op, c.in, err, c.want)
		}
	}
}
