package shape

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

func find(t testing.TB, name string) *ops.Op {
	t.Helper()
	for _, op := range slices.Concat(Ops, More()) {
		if op.Name == name {
			if err := op.Err(); err != nil {
				t.Fatal(err)
			}
			return op
		}
	}
	t.Fatalf("no operator %s", name)
	return nil
}

// eval computes a node.
func eval(t testing.TB, name string, attrs ops.Attrs, outs int, in ...*tensor.Tensor) ([]*tensor.Tensor, error) {
	t.Helper()
	op := find(t, name)
	a, err := op.ParseAttrs(attrs)
	if err != nil {
		return nil, err
	}
	vals := make([]tensor.Value, len(in))
	for i, v := range in {
		if v != nil {
			vals[i] = v
		}
	}
	wants := make([]bool, outs)
	for i := range wants {
		wants[i] = true
	}
	res, err := ops.Evaluate(context.Background(), op, a, vals, wants, nil, nil)
	if err != nil {
		return nil, err
	}
	list := make([]*tensor.Tensor, outs)
	for i, v := range res {
		list[i], _ = v.(*tensor.Tensor)
	}
	return list, nil
}

func ints(v ...int64) *tensor.Tensor { return tensor.Of(v) }

func floats(v ...float32) *tensor.Tensor { return tensor.Of(v) }

func reshaped(t *tensor.Tensor, shape ...int) *tensor.Tensor {
	out, err := t.Reshape(shape...)
	if err != nil {
		panic(err)
	}
	return out
}

func nan() float32 { return float32(math.NaN()) }

func negZero() float32 { return float32(math.Copysign(0, -1)) }

func iota32(shape ...int) *tensor.Tensor {
	v := make([]float32, numel(shape))
	for i := range v {
		v[i] = float32(i)
	}
	return tensor.Of(v, append([]int{}, shape...)...)
}

func attr(pairs ...any) ops.Attrs {
	out := ops.Attrs{}
	for i := 0; i < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		switch v := pairs[i+1].(type) {
		case int:
			out[name] = ops.IntAttr(v)
		case []int64:
			out[name] = ops.IntsAttr(v...)
		case float32:
			out[name] = ops.FloatAttr(v)
		case string:
			out[name] = ops.StringAttr(v)
		case *tensor.Tensor:
			out[name] = ops.TensorAttr(v)
		}
	}
	return out
}

// TestOutputs holds corners that the official suite doesn't reach.
func TestOutputs(t *testing.T) {
	for _, tt := range []struct {
		name  string
		op    string
		attrs ops.Attrs
		in    []*tensor.Tensor
		want  *tensor.Tensor
	}{
		{"0 copies and -1 fills, of nothing", "Reshape", nil, []*tensor.Tensor{iota32(0, 3), ints(0, -1)}, iota32(0, 3)},
		{"allowzero", "Reshape", attr("allowzero", 1), []*tensor.Tensor{iota32(0, 3), ints(3, 0)}, iota32(3, 0)},
		{"to a scalar", "Reshape", nil, []*tensor.Tensor{iota32(1, 1), tensor.Of([]int64{}, 0)}, iota32()},
		{"axis behind the last", "Flatten", attr("axis", 2), []*tensor.Tensor{iota32(2, 3)}, iota32(6, 1)},
		{"of a scalar", "Flatten", attr("axis", 0), []*tensor.Tensor{iota32()}, iota32(1, 1)},
		{"all ones", "Squeeze", nil, []*tensor.Tensor{iota32(1, 2, 1)}, iota32(2)},
		{"no axis", "Squeeze", nil, []*tensor.Tensor{iota32(1, 2), tensor.Of([]int64{}, 0)}, iota32(1, 2)},
		{"negative", "Unsqueeze", nil, []*tensor.Tensor{iota32(2), ints(-1, 0)}, iota32(1, 2, 1)},
		{"strings", "Transpose", nil, []*tensor.Tensor{tensor.Of([]string{"a", "b", "c", "d"}, 2, 2)}, tensor.Of([]string{"a", "c", "b", "d"}, 2, 2)},
		{"with nothing", "Concat", attr("axis", -1), []*tensor.Tensor{iota32(2, 0), iota32(2, 2), iota32(2, 0)}, iota32(2, 2)},
		{"start before the axis", "Slice", nil, []*tensor.Tensor{iota32(4), ints(-100), ints(2)}, iota32(2)},
		{"backwards to before the axis", "Slice", nil, []*tensor.Tensor{iota32(3), ints(-1), ints(-1 << 63), ints(0), ints(-1)}, floats(2, 1, 0)},
		{"backwards by the least integer", "Slice", nil, []*tensor.Tensor{iota32(3), ints(2), ints(-1 << 63), ints(0), ints(-1 << 63)}, floats(2)},
		{"end before start", "Slice", nil, []*tensor.Tensor{iota32(3), ints(2), ints(1)}, iota32(0)},
		{"of nothing, backwards", "Slice", nil, []*tensor.Tensor{iota32(0), ints(-1), ints(-9), ints(0), ints(-1)}, iota32(0)},
		{"of smaller rank", "Expand", nil, []*tensor.Tensor{iota32(2, 1), ints(2)}, reshaped(floats(0, 0, 1, 1), 2, 2)},
		{"shape of smaller dimensions", "Expand", nil, []*tensor.Tensor{iota32(2, 2), ints(1)}, iota32(2, 2)},
		{"to nothing", "Expand", nil, []*tensor.Tensor{iota32(1), ints(3, 0)}, iota32(3, 0)},
		{"zero times", "Tile", nil, []*tensor.Tensor{iota32(2), ints(0)}, iota32(0)},
		{"crop and reflect", "Pad", attr("mode", "reflect"), []*tensor.Tensor{iota32(4), ints(-1, 2)}, floats(1, 2, 3, 2, 1)},
		{"reflect twice", "Pad", attr("mode", "reflect"), []*tensor.Tensor{iota32(3), ints(4, 0)}, floats(0, 1, 2, 1, 0, 1, 2)},
		{"wrap", "Pad", attr("mode", "wrap"), []*tensor.Tensor{iota32(3), ints(4, 4)}, floats(2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0)},
		{"nothing to the fill", "Pad", nil, []*tensor.Tensor{iota32(0), ints(1, 1), floats(7)}, floats(7, 7)},
		{"scalar index", "Gather", attr("axis", 1), []*tensor.Tensor{iota32(2, 3), tensor.Scalar(int32(-1))}, floats(2, 5)},
		{"no index", "Gather", nil, []*tensor.Tensor{iota32(2, 3), tensor.Of([]int64{}, 0)}, iota32(0, 3)},
		{"the whole", "GatherND", nil, []*tensor.Tensor{iota32(2, 2), tensor.Of([]int64{}, 2, 0)}, reshaped(floats(0, 1, 2, 3, 0, 1, 2, 3), 2, 2, 2)},
		{"later updates win", "ScatterElements", nil, []*tensor.Tensor{iota32(3), ints(1, 1), floats(8, 9)}, floats(0, 9, 2)},
		{"max of bools is or", "ScatterND", attr("reduction", "add"), []*tensor.Tensor{tensor.Of([]bool{false, true}), reshaped(ints(0, 1), 2, 1), tensor.Of([]bool{true, false})}, tensor.Of([]bool{true, true})},
		{"below minus depth", "OneHot", nil, []*tensor.Tensor{ints(-3, -2, 1), tensor.Scalar(int64(2)), floats(5, 6)}, reshaped(floats(5, 5, 6, 5, 5, 6), 3, 2)},
		{"negative zero is zero", "NonZero", nil, []*tensor.Tensor{floats(0, negZero(), 1)}, reshaped(ints(2), 1, 1)},
		{"of a scalar", "NonZero", nil, []*tensor.Tensor{tensor.Scalar(float32(2))}, tensor.Of([]int64{}, 0, 1)},
		{"clamped", "Shape", attr("start", -9, "end", 9), []*tensor.Tensor{iota32(4, 2)}, ints(4, 2)},
		{"end before start", "Shape", attr("start", 1, "end", 0), []*tensor.Tensor{iota32(4, 2)}, tensor.Of([]int64{}, 0)},
		{"downwards", "Range", nil, []*tensor.Tensor{tensor.Scalar(int32(3)), tensor.Scalar(int32(-2)), tensor.Scalar(int32(-2))}, tensor.Of([]int32{3, 1, -1})},
		{"away from the limit", "Range", nil, []*tensor.Tensor{tensor.Scalar(float32(0)), tensor.Scalar(float32(5)), tensor.Scalar(float32(-1))}, iota32(0)},
		{"strings", "Trilu", nil, []*tensor.Tensor{tensor.Of([]string{"a", "b", "c", "d"}, 2, 2)}, tensor.Of([]string{"a", "b", "", "d"}, 2, 2)},
		{"far below", "Trilu", attr("upper", 0), []*tensor.Tensor{iota32(2, 2), tensor.Scalar(int64(-1 << 63))}, reshaped(floats(0, 0, 0, 0), 2, 2)},
		{"condition shorter than the axis", "Compress", attr("axis", 1), []*tensor.Tensor{iota32(2, 3), tensor.Of([]bool{false, true})}, reshaped(floats(1, 4), 2, 1)},
		{"NaNs are equal", "Unique", nil, []*tensor.Tensor{floats(nan(), 1, nan())}, nil},
		{"uint8 rounds to even", "Resize", attr("mode", "linear", "coordinate_transformation_mode", "align_corners"), []*tensor.Tensor{tensor.Of([]uint8{0, 3}), nil, nil, ints(3)}, tensor.Of([]uint8{0, 2, 3})},
		{"cubic doesn't wrap", "Resize", attr("mode", "cubic"), []*tensor.Tensor{tensor.Of([]uint8{0, 255, 255, 0}), nil, floats(2)}, tensor.Of([]uint8{0, 58, 197, 255, 255, 197, 58, 0})},
		{"strings", "Resize", nil, []*tensor.Tensor{tensor.Of([]string{"a", "b"}), nil, floats(2)}, tensor.Of([]string{"a", "a", "b", "b"})},
		{"complex", "Resize", attr("mode", "linear", "coordinate_transformation_mode", "align_corners"), []*tensor.Tensor{tensor.Of([]complex64{0, 2 + 4i}), nil, nil, ints(3)}, tensor.Of([]complex64{0, 1 + 2i, 2 + 4i})},
		{"wraps around", "TensorScatter", attr("mode", "circular", "axis", 1), []*tensor.Tensor{iota32(1, 4), reshaped(floats(7, 8), 1, 2), ints(3)}, reshaped(floats(8, 1, 2, 7), 1, 4)},
	} {
		t.Run(tt.op+" "+tt.name, func(t *testing.T) {
			got, err := eval(t, tt.op, tt.attrs, 1, tt.in...)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				if got[0].Len() != 2 {
					t.Errorf("got %s", got[0])
				}
				return
			}
			if !got[0].Equal(tt.want) {
				t.Errorf("got %s %v%v, want %s", got[0], tensor.View[float32](got[0]), got[0].Bytes(), tt.want)
			}
		})
	}
}

// TestErrors gives operators what they must refuse in plain words.
func TestErrors(t *testing.T) {
	huge := int64(1) << 62
	for _, tt := range []struct {
		op    string
		attrs ops.Attrs
		in    []*tensor.Tensor
		want  string
	}{
		{"Reshape", nil, []*tensor.Tensor{iota32(2, 3), ints(4, -1)}, "divide"},
		{"Reshape", nil, []*tensor.Tensor{iota32(2, 3), ints(-1, -1)}, "more than once"},
		{"Reshape", nil, []*tensor.Tensor{iota32(2, 3), ints(5)}, "elements differ"},
		{"Reshape", attr("allowzero", 1), []*tensor.Tensor{iota32(0), ints(0, -1)}, "both 0 and -1"},
		{"Reshape", nil, []*tensor.Tensor{iota32(2), ints(2, 0)}, "doesn't have"},
		{"Flatten", attr("axis", 4), []*tensor.Tensor{iota32(2, 3)}, "axis"},
		{"Squeeze", nil, []*tensor.Tensor{iota32(2, 3), ints(0)}, "isn't 1"},
		{"Unsqueeze", nil, []*tensor.Tensor{iota32(2), ints(0, 0)}, "twice"},
		{"Transpose", attr("perm", []int64{0, 0}), []*tensor.Tensor{iota32(2, 3)}, "perm"},
		{"Transpose", attr("perm", []int64{0}), []*tensor.Tensor{iota32(2, 3)}, "perm"},
		{"Concat", attr("axis", 0), []*tensor.Tensor{iota32(2, 3), iota32(2, 4)}, "join"},
		{"Concat", attr("axis", 2), []*tensor.Tensor{iota32(2, 3)}, "axis"},
		{"Split", nil, []*tensor.Tensor{iota32(4)}, "num_outputs"},
		{"Split", nil, []*tensor.Tensor{iota32(4), ints(huge, huge, huge, huge)}, "add up"},
		{"Split", nil, []*tensor.Tensor{iota32(4), ints(5, -1)}, "add up"},
		{"Slice", nil, []*tensor.Tensor{iota32(4), ints(0), ints(1), ints(0), ints(0)}, "zero"},
		{"Slice", nil, []*tensor.Tensor{iota32(4), ints(0), ints(1), ints(1)}, "axes"},
		{"Slice", nil, []*tensor.Tensor{iota32(4), ints(0, 0), ints(1)}, "starts"},
		{"Expand", nil, []*tensor.Tensor{iota32(2), ints(3)}, "broadcast"},
		{"Expand", nil, []*tensor.Tensor{iota32(1), ints(huge, huge)}, "too many"},
		{"Expand", nil, []*tensor.Tensor{iota32(1), ints(-1)}, "negative"},
		{"Tile", nil, []*tensor.Tensor{iota32(2), ints(2, 2)}, "repeats"},
		{"Tile", nil, []*tensor.Tensor{iota32(2), ints(-1)}, "negative"},
		{"Pad", attr("mode", "mirror"), []*tensor.Tensor{iota32(2), ints(1, 1)}, "mode"},
		{"Pad", nil, []*tensor.Tensor{iota32(2), ints(1)}, "pads"},
		{"Pad", nil, []*tensor.Tensor{iota32(2), ints(-2, -2)}, "take more"},
		{"Pad", attr("mode", "edge"), []*tensor.Tensor{iota32(0), ints(1, 1)}, "nothing to repeat"},
		{"Gather", nil, []*tensor.Tensor{iota32(2), ints(0, 2)}, "index 2 (place 1 of the indices) is outside of [-2,1]"},
		{"Gather", nil, []*tensor.Tensor{iota32(2), ints(-3)}, "index -3"},
		{"Gather", nil, []*tensor.Tensor{iota32(0), ints(0)}, "index 0"},
		{"GatherElements", nil, []*tensor.Tensor{iota32(2), ints(5)}, "index 5"},
		{"GatherElements", nil, []*tensor.Tensor{iota32(2, 2), reshaped(ints(0, 0, 0), 1, 3)}, "beyond"},
		{"GatherND", nil, []*tensor.Tensor{iota32(2), reshaped(ints(-3), 1, 1)}, "index -3"},
		{"GatherND", nil, []*tensor.Tensor{iota32(2), reshaped(ints(0, 0), 1, 2)}, "name 2 dimensions"},
		{"ScatterElements", nil, []*tensor.Tensor{iota32(2), ints(9), floats(1)}, "index 9"},
		{"ScatterElements", attr("reduction", "sum"), []*tensor.Tensor{iota32(2), ints(0), floats(1)}, "reduction"},
		{"ScatterND", nil, []*tensor.Tensor{iota32(2), reshaped(ints(0), 1, 1), floats(1, 2)}, "updates"},
		{"ScatterND", attr("reduction", "add"), []*tensor.Tensor{tensor.Of([]string{"a"}), reshaped(ints(0), 1, 1), tensor.Of([]string{"b"})}, "string"},
		{"ConstantOfShape", nil, []*tensor.Tensor{ints(-1)}, "negative"},
		{"ConstantOfShape", nil, []*tensor.Tensor{ints(huge, 2)}, "elements"},
		{"Range", nil, []*tensor.Tensor{tensor.Scalar(int64(0)), tensor.Scalar(int64(5)), tensor.Scalar(int64(0))}, "delta"},
		{"Range", nil, []*tensor.Tensor{tensor.Scalar(float32(0)), tensor.Scalar(nan()), tensor.Scalar(float32(1))}, "no range"},
		{"Constant", nil, nil, "attributes"},
		{"OneHot", nil, []*tensor.Tensor{ints(0), tensor.Scalar(int64(-1)), floats(0, 1)}, "depth"},
		{"OneHot", nil, []*tensor.Tensor{ints(0), tensor.Scalar(int64(2)), floats(0)}, "values"},
		{"Trilu", nil, []*tensor.Tensor{iota32(2)}, "rank"},
		{"DepthToSpace", attr("blocksize", 2), []*tensor.Tensor{iota32(1, 3, 1, 1)}, "divisible"},
		{"DepthToSpace", attr("blocksize", 0), []*tensor.Tensor{iota32(1, 4, 1, 1)}, "blocksize"},
		{"ReverseSequence", nil, []*tensor.Tensor{iota32(2, 2), ints(1, 3)}, "sequence_lens"},
		{"Resize", nil, []*tensor.Tensor{iota32(2), nil, floats(-1)}, "scales"},
		{"Resize", nil, []*tensor.Tensor{iota32(2)}, "scales and sizes"},
		{"Resize", nil, []*tensor.Tensor{iota32(2), nil, floats(2), ints(4)}, "not both"},
		{"Resize", attr("mode", "lanczos"), []*tensor.Tensor{iota32(2), nil, floats(2)}, "mode"},
		{"Resize", nil, []*tensor.Tensor{iota32(0), nil, nil, ints(4)}, "empty"},
		{"Resize", attr("mode", "linear"), []*tensor.Tensor{tensor.Of([]string{"a", "b"}), nil, floats(2)}, "interpolated"},
		{"Col2Im", nil, []*tensor.Tensor{iota32(1, 4, 3), ints(3, 3), ints(2, 2)}, "blocks"},
		{"Col2Im", attr("strides", []int64{0, 0}), []*tensor.Tensor{iota32(1, 4, 4), ints(3, 3), ints(2, 2)}, "stride"},
		{"NonMaxSuppression", nil, []*tensor.Tensor{iota32(1, 2, 4), iota32(1, 1, 3)}, "boxes"},
		{"TensorScatter", attr("axis", 1), []*tensor.Tensor{iota32(1, 4), iota32(1, 2), ints(3)}, "write_indices"},
		{"EyeLike", nil, []*tensor.Tensor{iota32(2)}, "rank"},
		{"Dropout", nil, []*tensor.Tensor{iota32(2), floats(1), tensor.Scalar(true)}, "ratio"},
	} {
		_, err := eval(t, tt.op, tt.attrs, 1, tt.in...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %v: error %v, want one with %q", tt.op, tt.in, err, tt.want)
		}
	}
}

// TestValues follows the arithmetic that exporters emit to keep a symbolic batch and length through a reshape into heads.
func TestValues(t *testing.T) {
	batch, seq := sym.Symbol("batch"), sym.Symbol("seq")
	x := sym.TensorType(tensor.Float32, batch, seq, sym.Num(384))
	run := func(name string, attrs ops.Attrs, in ...*ops.Type) *ops.Type {
		t.Helper()
		op := find(t, name)
		a, err := op.ParseAttrs(attrs)
		if err != nil {
			t.Fatal(err)
		}
		c := ops.NewInfer(in, []bool{true}, nil)
		if err := op.InferTypes(c, a); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return &c.Outs()[0]
	}
	value := func(v *tensor.Tensor) *ops.Type {
		ty := sym.TypeOf(v, true)
		ty.Data = v
		return &ty
	}
	shape := run("Shape", nil, &x)
	b := run("Unsqueeze", nil, run("Gather", nil, shape, value(tensor.Scalar(int64(0)))), value(ints(0)))
	s := run("Slice", nil, shape, value(ints(1)), value(ints(2)))
	want := run("Concat", attr("axis", 0), b, s, value(ints(12, -1)))
	heads := run("Reshape", nil, &x, want)
	if got := sym.ShapeString(heads.Shape); got != "[batch,seq,12,32]" {
		t.Errorf("heads have shape %s", got)
	}
	if got := sym.ShapeString(run("Transpose", attr("perm", []int64{0, 2, 1, 3}), heads).Shape); got != "[batch,12,seq,32]" {
		t.Errorf("transposed: %s", got)
	}
	if got := sym.ShapeString(run("Expand", nil, value(iota32(1, 1)), run("Unsqueeze", nil, run("Squeeze", nil, s, value(ints(0))), value(ints(0)))).Shape); got != "[1,seq]" {
		t.Errorf("expanded: %s", got)
	}
	if got := sym.ShapeString(run("Slice", nil, &x, value(ints(1)), value(ints(1<<62)), value(ints(1))).Shape); got != "[batch,max(0,seq-1),384]" {
		t.Errorf("sliced: %s", got)
	}
	r := run("Range", nil, value(tensor.Scalar(int64(0))), run("Gather", nil, shape, value(tensor.Scalar(int64(1)))), value(tensor.Scalar(int64(1))))
	if got := sym.ShapeString(r.Shape); got != "[seq]" {
		t.Errorf("range: %s", got)
	}
	if got := sym.ShapeString(run("ConstantOfShape", nil, run("Concat", attr("axis", 0), b, s)).Shape); got != "[batch,seq]" {
		t.Errorf("constant: %s", got)
	}
}
