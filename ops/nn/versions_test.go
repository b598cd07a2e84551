package nn_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

// runOld runs a node of an old opset on float32 or int64 inputs.
func runOld(t *testing.T, opset int64, op string, outs []string, in []*tensor.Tensor, attrs ...*loader.Attr) (ingot.Outputs, error) {
	t.Helper()
	g := &loader.Graph{Name: "g"}
	inputs := ingot.Inputs{}
	var names []string
	for i, x := range in {
		name := fmt.Sprint("in", i)
		dims := make([]any, len(x.Dims()))
		for d, n := range x.Dims() {
			dims[d] = n
		}
		names = append(names, name)
		inputs[name] = x
		g.Inputs = append(g.Inputs, onnxpb.Value(name, x.DType(), dims...))
	}
	for _, o := range outs {
		if o != "" {
			g.Outputs = append(g.Outputs, onnxpb.Value(o, tensor.Float32))
		}
	}
	g.Nodes = []*loader.Node{onnxpb.Node(op, names, outs, attrs...)}
	b, err := onnxpb.Encode(&loader.Model{IRVersion: 8, Opsets: []loader.OpsetImport{{Version: opset}}, Graph: g})
	if err != nil {
		t.Fatal(err)
	}
	m, err := ingot.LoadBytes(b)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return m.Run(context.Background(), inputs)
}

func TestOldVersions(t *testing.T) {
	f := func(dims []int, v ...float64) *tensor.Tensor { return optest.Of(t, tensor.Float32, v, dims...) }
	at, attr := tensor.Of([]int64{0}), onnxpb.Attr
	// Two images of two channels of one row of two pixels; the statistics say mean 1 and variance 4.
	x := f([]int{2, 2, 1, 2}, 1, 3, 5, 7, 9, 11, 13, 15)
	two := func(a, b float64) *tensor.Tensor { return f([]int{2}, a, b) }
	bn := []*tensor.Tensor{x, two(2, 4), two(0, 1), two(1, 1), two(4, 4)}
	features := []int{2, 1, 2}
	byFeature := []*tensor.Tensor{x, f(features, 1, 1, 1, 2), f(features, 0, 0, 0, 1), f(features, 1, 1, 1, 1), f(features, 1, 1, 1, 4)}
	tested := []float64{0, 2, 9, 13, 8, 10, 25, 29}
	// In training, channel 0 has mean 6 and variance 17, channel 1 mean 10 and variance 17.
	r := math.Sqrt(17)
	trained := []float64{-10 / r, -6 / r, -20/r + 1, -12/r + 1, 6 / r, 10 / r, 12/r + 1, 20/r + 1}
	eps, all := attr("epsilon", float32(0)), []string{"Y", "mean", "var", "saved_mean", "saved_var"}
	half := attr("momentum", float32(0.5))
	square := f([]int{1, 1, 4, 4}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
	centre := f([]int{1, 1, 1, 2}, 0, 0)
	for _, c := range []struct {
		name  string
		opset int64
		op    string
		outs  []string
		in    []*tensor.Tensor
		attrs []*loader.Attr
		want  map[string][]float64
	}{
		{"test by number of outputs", 9, "BatchNormalization", []string{"Y"}, bn, []*loader.Attr{eps}, map[string][]float64{"Y": tested}},
		{"training", 9, "BatchNormalization", all, bn, []*loader.Attr{eps, half}, map[string][]float64{
			"Y": trained, "mean": {3.5, 5.5}, "var": {10.5, 10.5}, "saved_mean": {6, 10}, "saved_var": {17, 17}}},
		{"training, one saved", 8, "BatchNormalization", []string{"Y", "", "", "", "saved_var"}, bn, []*loader.Attr{eps}, map[string][]float64{"Y": trained, "saved_var": {17, 17}}},
		{"spatial", 7, "BatchNormalization", []string{"Y"}, bn, []*loader.Attr{eps, attr("spatial", 1)}, map[string][]float64{"Y": tested}},
		{"features", 7, "BatchNormalization", []string{"Y"}, byFeature, []*loader.Attr{eps, attr("spatial", 0)}, map[string][]float64{"Y": {0, 2, 4, 7, 8, 10, 12, 15}}},
		{"features in training", 7, "BatchNormalization", []string{"Y", "mean"}, byFeature, []*loader.Attr{eps, half, attr("spatial", 0)},
			map[string][]float64{"Y": {-1, -1, -1, -1, 1, 1, 1, 3}, "mean": {3, 4, 5, 6}}},
		{"is_test", 6, "BatchNormalization", all, bn, []*loader.Attr{eps, attr("is_test", 1)}, map[string][]float64{
			"Y": tested, "mean": {1, 1}, "var": {4, 4}, "saved_mean": {1, 1}, "saved_var": {4, 4}}},
		{"not is_test", 6, "BatchNormalization", all[:3], bn, []*loader.Attr{eps, half}, map[string][]float64{"Y": trained, "mean": {3.5, 5.5}, "var": {10.5, 10.5}}},
		{"only Y", 6, "BatchNormalization", []string{"Y"}, bn, []*loader.Attr{eps}, map[string][]float64{"Y": tested}},
		{"consumed", 5, "BatchNormalization", []string{"Y"}, bn, []*loader.Attr{eps, attr("consumed_inputs", []int64{0, 0, 0, 1, 1}), attr("is_test", 1)}, map[string][]float64{"Y": tested}},
		{"consumed", 5, "InstanceNormalization", []string{"Y"}, []*tensor.Tensor{x, two(1, 1), two(0, 2)}, []*loader.Attr{eps, attr("consumed_inputs", []int64{0})},
			map[string][]float64{"Y": {-1, 1, 1, 3, -1, 1, 1, 3}}},
		{"scaled groups", 18, "GroupNormalization", []string{"Y"}, []*tensor.Tensor{f([]int{1, 4, 1}, 1, 3, 5, 9), two(1, 2), two(0, 1)}, []*loader.Attr{eps, attr("num_groups", 2)},
			map[string][]float64{"Y": {-1, 1, -1, 3}}},
		{"scaled channels", 21, "GroupNormalization", []string{"Y"}, []*tensor.Tensor{f([]int{1, 4, 1}, 1, 3, 5, 9), f([]int{4}, 1, 2, 3, 4), f([]int{4}, 0, 0, 0, 1)},
			[]*loader.Attr{eps, attr("num_groups", 2)}, map[string][]float64{"Y": {-1, 2, -3, 5}}},
		{"bilinear by default", 16, "GridSample", []string{"Y"}, []*tensor.Tensor{square, centre}, nil, map[string][]float64{"Y": {7.5}}},
		{"bicubic", 16, "GridSample", []string{"Y"}, []*tensor.Tensor{square, centre}, []*loader.Attr{attr("mode", "bicubic")}, map[string][]float64{"Y": {7.5}}},
		{"nearest", 16, "GridSample", []string{"Y"}, []*tensor.Tensor{square, centre}, []*loader.Attr{attr("mode", "nearest")}, map[string][]float64{"Y": {10}}},
		{"output_half_pixel", 10, "RoiAlign", []string{"Y"}, []*tensor.Tensor{square, f([]int{1, 4}, 0, 0, 2, 2), at}, nil, map[string][]float64{"Y": {5}}},
		{"half_pixel", 16, "RoiAlign", []string{"Y"}, []*tensor.Tensor{square, f([]int{1, 4}, 0, 0, 2, 2), at}, nil, map[string][]float64{"Y": {2.5}}},
	} {
		t.Run(fmt.Sprint(c.op, c.opset, " ", c.name), func(t *testing.T) {
			out, err := runOld(t, c.opset, c.op, c.outs, c.in, c.attrs...)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.want {
				got := optest.Floats(out[name])
				if len(got) != len(want) {
					t.Fatalf("%s has %d elements, want %d", name, len(got), len(want))
				}
				for i, w := range want {
					if !(math.Abs(got[i]-w) <= 1e-5) {
						t.Errorf("%s[%d] is %v, want %v", name, i, got[i], w)
					}
				}
			}
		})
	}
}
