package shape

import (
	"math"
	"slices"
	"testing"

	"ingot/ops"
	"ingot/tensor"
)

// lastForm returns a tensor in channels-last order.
func lastForm(t *testing.T, x *tensor.Tensor) *tensor.Tensor {
	t.Helper()
	perm := make([]int64, x.Rank())
	for i := range perm {
		perm[i] = int64(i)
	}
	y, err := eval(t, "Transpose", attr("perm", toLast(perm)), 1, x)
	if err != nil {
		t.Fatal(err)
	}
	return y[0]
}

// near allows for axes being interpolated in another order.
func near(a, b *tensor.Tensor) bool {
	x, y := tensor.View[float32](a), tensor.View[float32](b)
	for i := range y {
		if len(x) != len(y) || math.Abs(float64(x[i]-y[i])) > 1e-5*(1+math.Abs(float64(y[i]))) {
			return false
		}
	}
	return slices.Equal(a.Dims(), b.Dims())
}

// TestTwins compares each twin with its operator.
func TestTwins(t *testing.T) {
	for _, tt := range []struct {
		op    string
		attrs ops.Attrs
		in    []*tensor.Tensor
	}{
		{"Pad", nil, []*tensor.Tensor{iota32(2, 3, 4, 5), ints(0, 1, 2, 3, 1, 0, -1, 2), floats(9)}},
		{"Pad", attr("mode", "reflect"), []*tensor.Tensor{iota32(2, 3, 7), ints(1, 2), nil, ints(-1)}},
		{"Resize", nil, []*tensor.Tensor{iota32(1, 3, 4, 5), nil, floats(1, 1, 2, 3)}},
		{"Resize", attr("mode", "linear"), []*tensor.Tensor{iota32(2, 3, 4, 5), nil, nil, ints(2, 3, 9, 3)}},
		{"Resize", attr("mode", "cubic", "axes", []int64{3}), []*tensor.Tensor{iota32(2, 3, 4, 5), nil, floats(2.5)}},
		{"Resize", attr("mode", "linear"), []*tensor.Tensor{iota32(1, 2, 3, 4, 5), nil, floats(1, 1, 2, 2, 2)}},
		{"Slice", nil, []*tensor.Tensor{iota32(2, 6, 4, 5), ints(1, 3), ints(6, -9), ints(1, 2), ints(2, -1)}},
		{"Slice", nil, []*tensor.Tensor{iota32(1, 6, 1, 1), ints(2), ints(4), ints(1)}},
		{"DepthToSpace", attr("blocksize", 2), []*tensor.Tensor{iota32(2, 12, 3, 5)}},
		{"DepthToSpace", attr("blocksize", 3, "mode", "CRD"), []*tensor.Tensor{iota32(2, 18, 3, 5)}},
		{"SpaceToDepth", attr("blocksize", 2), []*tensor.Tensor{iota32(2, 3, 4, 6)}},
		{"SpaceToDepth", attr("blocksize", 2, "mode", "CRD"), []*tensor.Tensor{iota32(2, 3, 4, 6)}},
	} {
		want, err := eval(t, tt.op, tt.attrs, 1, tt.in...)
		if err != nil {
			t.Fatalf("%s: %v", tt.op, err)
		}
		in := append([]*tensor.Tensor{lastForm(t, tt.in[0])}, tt.in[1:]...)
		got, err := eval(t, find(t, tt.op).Layout.Twin, tt.attrs, 1, in...)
		if err != nil {
			t.Fatalf("twin of %s: %v", tt.op, err)
		}
		if w := lastForm(t, want[0]); !near(got[0], w) {
			t.Errorf("twin of %s gives %s, want %s", tt.op, got[0], w)
		}
	}
}
