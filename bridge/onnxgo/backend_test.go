package onnxgo

import (
	"os"
	"slices"
	"strings"
	"testing"

	onnx "github.com/owulveryck/onnx-go"
	gt "gorgonia.org/tensor"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

const opsetOfTests = 17

// bytesOf encodes a graph as a file.
func bytesOf(t testing.TB, g *loader.Graph, opsets ...loader.OpsetImport) []byte {
	t.Helper()
	if opsets == nil {
		opsets = []loader.OpsetImport{{Version: opsetOfTests}}
	}
	b, err := onnxpb.Encode(&loader.Model{IRVersion: 8, Opsets: opsets, Graph: g})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func vec(v ...float32) *gt.Dense { return gt.New(gt.WithShape(len(v)), gt.WithBacking(v)) }

func weight(name string, v ...float32) *loader.Initializer {
	return loader.NewInitializer(name, tensor.Of(v, len(v)))
}

func f32(name string, dims ...any) *loader.ValueInfo {
	return onnxpb.Value(name, tensor.Float32, dims...)
}

// decoded decodes a model in one of the two ways.
func decoded(t testing.TB, data []byte, whole bool, opts ...Option) (*Backend, *onnx.Model) {
	t.Helper()
	b := NewBackend(opts...)
	m := onnx.NewModel(b)
	var err error
	if whole {
		err = b.Unmarshal(m, data)
	} else {
		err = m.UnmarshalBinary(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b, m
}

// outputs runs a model and returns its outputs' elements.
func outputs(t testing.TB, b *Backend, m *onnx.Model, in ...*gt.Dense) [][]float32 {
	t.Helper()
	for i, d := range in {
		if err := m.SetInput(i, d); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Run(); err != nil {
		t.Fatal(err)
	}
	list, err := m.GetOutputTensors()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]float32
	for i, v := range list {
		if v == nil {
			t.Fatalf("output %d is nil", i)
		}
		out = append(out, v.Data().([]float32))
	}
	return out
}

func node(op string, in, out string, attrs ...*loader.Attr) *loader.Node {
	return onnxpb.Node(op, strings.Fields(in), strings.Fields(out), attrs...)
}

// TestGraphs runs small graphs that the decoder's way of telling makes hard, in both ways.
func TestGraphs(t *testing.T) {
	for _, c := range []struct {
		name string
		g    *loader.Graph
		in   []*gt.Dense
		want [][]float32
	}{
		{"one value twice", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
			Nodes: []*loader.Node{node("Add", "x x", "y")},
		}, []*gt.Dense{vec(1, 2)}, [][]float32{{2, 4}}},
		{"order of operands", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2), f32("z", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
			Nodes: []*loader.Node{node("Sub", "z x", "y")},
		}, []*gt.Dense{vec(1, 2), vec(5, 5)}, [][]float32{{4, 3}}},
		{"weights among the inputs", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("w", 2), f32("x", 2), f32("v", 2), f32("z", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
			Initializers: []*loader.Initializer{weight("w", 10, 20), weight("v", 1, 1), weight("u", 100, 100)},
			Nodes:        []*loader.Node{node("Mul", "x w", "a"), node("Sub", "a z", "b"), node("Add", "b v", "c"), node("Add", "c u", "y")},
		}, []*gt.Dense{vec(1, 2), vec(3, 4)}, [][]float32{{108, 137}}},
		{"an input that is an output", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2), f32("x", 2)},
			Initializers: []*loader.Initializer{weight("w", 10, 20)},
			Nodes:        []*loader.Node{node("Mul", "x w", "y")},
		}, []*gt.Dense{vec(1, 2)}, [][]float32{{10, 40}, {1, 2}}},
		{"a weight that is an output", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("w", 2), f32("y", 2)},
			Initializers: []*loader.Initializer{weight("u", 1, 1), weight("w", 10, 20)},
			Nodes:        []*loader.Node{node("Mul", "x w", "a"), node("Add", "a u", "y")},
		}, []*gt.Dense{vec(1, 2)}, [][]float32{{10, 20}, {11, 41}}},
		{"outputs that operators use", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("b", 2), f32("c", 2), f32("y", 2), f32("d", 2)},
			ValueInfo: []*loader.ValueInfo{f32("a", 2), f32("x", 2)},
			Nodes:     []*loader.Node{node("Neg", "x", "a"), node("Add", "a a", "b"), node("Neg", "b", "c"), node("Add", "c b", "y"), node("Neg", "y", "d")},
		}, []*gt.Dense{vec(1, 2)}, [][]float32{{-2, -4}, {2, 4}, {0, 0}, {0, 0}}},
		{"several outputs of an operator", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 4)}, Outputs: []*loader.ValueInfo{f32("b", 2), f32("a", 2)},
			Initializers: []*loader.Initializer{loader.NewInitializer("n", tensor.Of([]int64{2, 2}, 2))},
			Nodes:        []*loader.Node{node("Split", "x n", "a b")},
		}, []*gt.Dense{vec(1, 2, 3, 4)}, [][]float32{{3, 4}, {1, 2}}},
		{"operands and outputs that are left out", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 4), f32("top")}, Outputs: []*loader.ValueInfo{f32("y", 2)},
			Initializers: []*loader.Initializer{loader.NewInitializer("n", tensor.Of([]int64{2, 2}, 2))},
			Nodes: []*loader.Node{
				onnxpb.Node("Clip", []string{"x", "", "top"}, []string{"a"}), onnxpb.Node("Split", []string{"a", "n"}, []string{"", "y"}),
			},
		}, []*gt.Dense{vec(1, 2, 3, 4), gt.New(gt.FromScalar(float32(3)))}, [][]float32{{3, 3}}},
		{"operators without operands", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
			Nodes: []*loader.Node{
				node("Constant", "", "a", onnxpb.Attr("value", tensor.Of([]float32{5, 6}, 2))), node("Constant", "", "b", onnxpb.Attr("value_floats", []float32{1, 2})),
				node("Add", "a b", "c"), node("Mul", "c x", "y"),
			},
		}, []*gt.Dense{vec(1, 2)}, [][]float32{{6, 16}}},
		{"nodes in another order", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
			Nodes: []*loader.Node{node("Sub", "b a", "y"), node("Neg", "a", "b"), node("Abs", "x", "a")},
		}, []*gt.Dense{vec(1, -2)}, [][]float32{{-2, -4}}},
		{"an input that nothing uses", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("spare", 7), f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
			Nodes: []*loader.Node{node("Neg", "x", "y")},
		}, []*gt.Dense{vec(0, 0, 0, 0, 0, 0, 0), vec(1, 2)}, [][]float32{{-1, -2}}},
		{"outputs without a type", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{{Name: "y"}, {Name: "z"}},
			Nodes: []*loader.Node{node("Neg", "x", "y"), node("Abs", "x", "z")},
		}, []*gt.Dense{vec(1, 2)}, [][]float32{{-1, -2}, {1, 2}}},
		{"outputs without a type, and weights", &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{{Name: "y"}},
			Initializers: []*loader.Initializer{weight("w", 10, 20)},
			Nodes:        []*loader.Node{node("Mul", "x w", "a"), node("Neg", "a", "y")},
		}, []*gt.Dense{vec(1, 2)}, [][]float32{{-10, -40}}},
	} {
		for _, whole := range []bool{false, true} {
			b, m := decoded(t, bytesOf(t, c.g), whole)
			for range 2 {
				if got := outputs(t, b, m, c.in...); !slices.EqualFunc(got, c.want, slices.Equal) {
					t.Errorf("%s, by Unmarshal: %v: %v, want %v", c.name, whole, got, c.want)
				}
			}
		}
	}
}

// TestRunAgain runs a model with other batch sizes, and looks at what earlier runs returned.
func TestRunAgain(t *testing.T) {
	data, err := os.ReadFile("../../testdata/digits/digits.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for _, whole := range []bool{false, true} {
		b, m := decoded(t, data, whole)
		var first, kept []float32
		for i, batch := range []int{1, 3, 1, 2} {
			x := gt.New(gt.WithShape(batch, 1, 16, 16), gt.Of(gt.Float32))
			for j := range x.Data().([]float32) {
				x.Data().([]float32)[j] = float32(j%17) / 16
			}
			got := outputs(t, b, m, x)[0]
			if len(got) != 10*batch {
				t.Fatalf("%d outputs for a batch of %d", len(got), batch)
			}
			if i == 0 {
				first, kept = got, slices.Clone(got)
			}
			if i == 2 && !slices.Equal(got, first) {
				t.Error("the first batch gives something else the second time")
			}
		}
		if !slices.Equal(first, kept) {
			t.Error("a run has changed what an earlier one returned")
		}
	}
}

// TestInputsChange has memory of inputs change between a run and the question for its outputs, and before another run.
func TestInputsChange(t *testing.T) {
	g := &loader.Graph{
		Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("a", 2), f32("y", 2)},
		Nodes: []*loader.Node{node("Neg", "x", "a"), node("Abs", "a", "y")},
	}
	for _, whole := range []bool{false, true} {
		b, m := decoded(t, bytesOf(t, g), whole)
		x := []float32{1, 2}
		if err := m.SetInput(0, vec(x...)); err != nil {
			t.Fatal(err)
		}
		d := gt.New(gt.WithShape(2), gt.WithBacking(x))
		if err := m.SetInput(0, d); err != nil {
			t.Fatal(err)
		}
		if err := b.Run(); err != nil {
			t.Fatal(err)
		}
		x[0] = 7
		out, err := m.GetOutputTensors()
		if err != nil {
			t.Fatal(err)
		}
		if got := out[0].Data().([]float32); got[0] != -1 {
			t.Errorf("Unmarshal %v: the output follows its input: %v", whole, got)
		}
		if got := outputs(t, b, m); got[0][0] != -7 || got[1][0] != 7 {
			t.Errorf("Unmarshal %v: the input's memory doesn't count: %v", whole, got)
		}
	}
}

// TestWeights gives a weight another value.
func TestWeights(t *testing.T) {
	g := &loader.Graph{
		Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
		Initializers: []*loader.Initializer{weight("w", 10, 20)}, Nodes: []*loader.Node{node("Mul", "x w", "y")},
	}
	b, m := decoded(t, bytesOf(t, g), false)
	if got := outputs(t, b, m, vec(1, 1))[0]; !slices.Equal(got, []float32{10, 20}) {
		t.Fatal(got)
	}
	n, _ := m.GetNodeByName("w")
	if err := n.(onnx.DataCarrier).SetTensor(vec(3, 4)); err != nil {
		t.Fatal(err)
	}
	if got := outputs(t, b, m)[0]; !slices.Equal(got, []float32{3, 4}) {
		t.Error(got)
	}
	if got := n.(onnx.DataCarrier).GetTensor().Data().([]float32); !slices.Equal(got, []float32{3, 4}) {
		t.Error(got)
	}
}

// TestPlaceholders asks for values before there are any.
func TestPlaceholders(t *testing.T) {
	g := &loader.Graph{
		Inputs: []*loader.ValueInfo{f32("x", 2, 3), onnxpb.Value("i", tensor.Int64, "n", 4)}, Outputs: []*loader.ValueInfo{f32("y", 2, 3), onnxpb.Value("j", tensor.Int64, "n", 4)},
		Nodes: []*loader.Node{node("Neg", "x", "y"), node("Neg", "i", "j")},
	}
	for whole, shape := range map[bool]gt.Shape{false: {4}, true: {1, 4}} { // onnx-go leaves the named dimension out
		b, m := decoded(t, bytesOf(t, g), whole)
		in := m.GetInputTensors()
		if len(in) != 2 || !in[0].Shape().Eq(gt.Shape{2, 3}) || in[0].Dtype() != gt.Float32 || !in[1].Shape().Eq(shape) || in[1].Dtype() != gt.Int64 {
			t.Errorf("Unmarshal %v: %v", whole, in)
		}
		if out, err := m.GetOutputTensors(); err != nil || len(out) != 2 || !out[0].Shape().Eq(gt.Shape{2, 3}) {
			t.Errorf("Unmarshal %v: %v %v", whole, out, err)
		}
		if err := b.Run(); err == nil || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("Unmarshal %v: a run without inputs: %v", whole, err)
		}
		if out, err := m.GetOutputTensors(); err != nil || out[0] != nil {
			t.Errorf("Unmarshal %v: a run that failed has the output %v, %v", whole, out[0], err)
		}
	}
}
