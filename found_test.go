package ingot_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/cases"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// found are models that random calls had wrong: in other ways with passes than without, other than the standard says, or not at all.
var found = []struct {
	name  string
	opset int64
	nodes []*loader.Node
	in    map[string]*tensor.Tensor // input "s" has no shape in the file
	want  *tensor.Tensor            // output "y"
	err   string                    // of loading, instead
}{
	{"a product behind which nothing is cut off above", 13, []*loader.Node{
		node("MatMul", []string{"x", "w"}, []string{"p"}), node("Clip", []string{"p", "zero"}, []string{"y"})},
		map[string]*tensor.Tensor{"x": tensor.Of([]float32{3e38, -1}, 2, 1), "w": tensor.Of([]float32{3e38}, 1, 1), "zero": tensor.Scalar(float32(0))},
		tensor.Of([]float32{float32(math.Inf(1)), 0}, 2, 1), ""},
	{"an axis beyond all numbers", 6, []*loader.Node{node("Mul", []string{"x", "w"}, []string{"y"}, onnxpb.Attr("axis", int64(math.MaxInt64)), onnxpb.Attr("broadcast", int64(1)))},
		map[string]*tensor.Tensor{"x": tensor.Of([]float32{1}, 1), "w": tensor.Of([]float32{1}, 1, 1)}, nil, "leaves no room"},
	{"a permutation counted from the end", 13, []*loader.Node{node("Transpose", []string{"x"}, []string{"y"}, onnxpb.Attr("perm", []int64{-1, 0}))},
		map[string]*tensor.Tensor{"x": tensor.Of([]float32{1, 2}, 1, 2)}, nil, "negative"},
	{"a slope whose rank isn't known", 6, []*loader.Node{node("PRelu", []string{"x", "s"}, []string{"y"})},
		map[string]*tensor.Tensor{"x": tensor.Of(make([]float32, 8), 2, 2, 2), "s": tensor.Of([]float32{1, 2})}, nil, "must be known"},
	{"an index beyond int64", 11, []*loader.Node{node("OneHot", []string{"x", "depth", "values"}, []string{"y"})},
		map[string]*tensor.Tensor{"x": tensor.Of([]uint64{math.MaxUint64, 1}), "depth": tensor.Scalar(int64(2)), "values": tensor.Of([]float32{0, 1})},
		tensor.Of([]float32{0, 0, 0, 1}, 2, 2), ""},
	{"a negative alpha", 12, []*loader.Node{node("Celu", []string{"x"}, []string{"y"}, onnxpb.Attr("alpha", float32(-1)))},
		map[string]*tensor.Tensor{"x": tensor.Of([]float32{-2, 1})}, tensor.Of([]float32{1 - 7.389056, 1}), ""},
	{"a fill value that fills nothing", 18, []*loader.Node{node("Pad", []string{"x", "pads", "v"}, []string{"y"})},
		map[string]*tensor.Tensor{"x": tensor.Of([]float32{1}), "pads": tensor.Of([]int64{0, 0}), "v": tensor.Of([]float32{1, 2})}, nil, "one element"},
	{"a flag that is neither", 13, []*loader.Node{node("Mod", []string{"x", "x"}, []string{"y"}, onnxpb.Attr("fmod", int64(3)))},
		map[string]*tensor.Tensor{"x": tensor.Of([]float32{1})}, nil, "must be 0 or 1"},
	{"windows in the padding behind", 22, []*loader.Node{node("MaxPool", []string{"x"}, []string{"y"}, onnxpb.Attr("kernel_shape", []int64{2}),
		onnxpb.Attr("strides", []int64{2}), onnxpb.Attr("pads", []int64{0, 4}), onnxpb.Attr("ceil_mode", int64(1)))},
		map[string]*tensor.Tensor{"x": tensor.Of([]float32{1, 2, 3, 4, 5}, 1, 1, 5)}, tensor.Of([]float32{2, 4, 5, float32(math.Inf(-1))}, 1, 1, 4), ""},
	{"places in images of no elements", 22, []*loader.Node{node("MaxPool", []string{"x"}, []string{"v", "y"}, onnxpb.Attr("kernel_shape", []int64{2, 2}),
		onnxpb.Attr("pads", []int64{1, 1, 1, 1}), onnxpb.Attr("storage_order", int64(1)))},
		map[string]*tensor.Tensor{"x": tensor.Of([]float32{}, 1, 1, 0, 1)}, tensor.Of([]int64{0, 0}, 1, 1, 1, 2), ""},
	{"the middle of a window of integers", 17, []*loader.Node{node("BlackmanWindow", []string{"x"}, []string{"y"}, onnxpb.Attr("output_datatype", int64(7)))},
		map[string]*tensor.Tensor{"x": tensor.Scalar(int64(2))}, tensor.Of([]int64{0, 1}), ""},
	{"an old version with a type that the newest lacks", 9, []*loader.Node{node("Erf", []string{"x"}, []string{"y"})},
		map[string]*tensor.Tensor{"x": tensor.Of([]int32{0, 5, -5})}, tensor.Of([]int32{0, 0, 0}), ""},
	{"an old version with a new type", 9, []*loader.Node{node("Cast", []string{"x"}, []string{"y"}, onnxpb.Attr("to", int64(17)))},
		map[string]*tensor.Tensor{"x": tensor.Of([]float32{1})}, nil, "version 9 of the operator gives"},
}

func TestFound(t *testing.T) {
	for _, c := range found {
		t.Run(c.name, func(t *testing.T) {
			g := &loader.Graph{Name: "g", Nodes: c.nodes, Outputs: []*loader.ValueInfo{{Name: "y"}}}
			for name, x := range c.in {
				v := &loader.ValueInfo{Name: name, Type: loader.TypeInfo{Kind: loader.KindTensor, DType: x.DType(), HasShape: name != "s"}}
				for _, d := range x.Dims() {
					v.Type.Dims = append(v.Type.Dims, loader.Dim{Size: int64(d)})
				}
				switch name {
				case "s":
					v.Type.Dims = nil
					fallthrough
				case "x":
					g.Inputs = append(g.Inputs, v)
				default:
					g.Initializers = append(g.Initializers, loader.NewInitializer(name, x))
				}
			}
			b, err := onnxpb.Encode(&loader.Model{IRVersion: 10, Opsets: []loader.OpsetImport{{Version: c.opset}}, Graph: g})
			if err != nil {
				t.Fatal(err)
			}
			for _, opts := range [][]ingot.Option{nil, {ingot.WithoutPasses("all")}} {
				m, err := ingot.LoadBytes(b, opts...)
				if c.err != "" {
					if err == nil || !strings.Contains(err.Error(), c.err) {
						t.Errorf("error %v, want %q", err, c.err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				in := ingot.Inputs{}
				for _, v := range m.Inputs() {
					in[v.Name] = c.in[v.Name]
				}
				out, err := m.Run(context.Background(), in)
				if err != nil {
					t.Fatal(err)
				}
				if err := cases.Compare(c.want, out["y"], 1e-6, 0); err != nil {
					t.Errorf("with %d options: %v", len(opts), err)
				}
			}
		})
	}
}
