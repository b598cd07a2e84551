package onnxgo

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	onnx "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// unary is a model of one operator.
func unary(op *loader.Node, dims ...any) *loader.Graph {
	return &loader.Graph{Inputs: []*loader.ValueInfo{f32("x", dims...)}, Outputs: []*loader.ValueInfo{f32("y", dims...)}, Nodes: []*loader.Node{op}}
}

// run decodes a model and runs it on one input.
func run(data []byte, in gt.Tensor, opts ...Option) ([]gt.Tensor, error) {
	b := NewBackend(opts...)
	m, err := decode(b, data)
	if err != nil {
		if again := b.Run(); again == nil {
			return nil, errors.New("a model that couldn't be decoded runs")
		}
		return nil, err
	}
	if in != nil {
		if err := m.SetInput(0, in); err != nil {
			return nil, err
		}
	}
	if err := b.Run(); err != nil {
		return nil, err
	}
	return m.GetOutputTensors()
}

func TestRefusals(t *testing.T) {
	scaler := &loader.Node{OpType: "Scaler", Domain: "ai.onnx.ml", Inputs: []string{"x"}, Outputs: []string{"y"}, Attrs: []*loader.Attr{
		onnxpb.Attr("offset", []float32{1}), onnxpb.Attr("scale", []float32{2}),
	}}
	both := []loader.OpsetImport{{Version: 17}, {Domain: "ai.onnx.ml", Version: 3}}
	x := vec(1, 2)
	for _, c := range []struct {
		name string
		data []byte
		in   gt.Tensor
		opts []Option
		want string
	}{
		{"an input without a value", bytesOf(t, unary(node("Neg", "x", "y"), 2)), nil, nil, `the input "x" has no value`},
		{"an unknown operator", bytesOf(t, unary(node("Frobnicate", "x", "y"), 2)), x, nil, "Frobnicate not implemented"},
		{"another domain's operator", bytesOf(t, unary(scaler, 2), both...), x, nil, `WithDomain("ai.onnx.ml", version)`},
		{"an operator of two domains", bytesOf(t, unary(node("Gelu", "x", "y"), 2)), x, []Option{WithDomain("com.microsoft", 1)}, "Gelu and com.microsoft.Gelu may be meant"},
		{"a missing operand", bytesOf(t, unary(node("Add", "x z", "y"), 2)), x, nil, `uses "z", which is neither computed nor an input nor a weight`},
		{"a missing attribute", bytesOf(t, unary(node("Cast", "x", "y"), 2)), x, nil, "Cast"},
		{"an attribute that there isn't", bytesOf(t, unary(node("Neg", "x", "y", onnxpb.Attr("speed", 3)), 2)), x, nil, "speed"},
		{"the wrong dtype", bytesOf(t, unary(node("Neg", "x", "y"), 2)), gt.New(gt.WithBacking([]int64{1, 2})), nil, "float32"},
		{"a value computed twice", bytesOf(t, &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
			Nodes: []*loader.Node{node("Neg", "x", "y"), node("Abs", "x", "y")},
		}), x, nil, `"y" is computed twice`},
		{"a circle", bytesOf(t, &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
			Nodes: []*loader.Node{node("Add", "x y", "z"), node("Neg", "z", "y")},
		}), x, nil, "needs its own result"},
		{"a subgraph", bytesOf(t, unary(node("Loop", "x", "y", onnxpb.Attr("body", unary(node("Neg", "x", "y"), 2))), 2)), x, nil, "GRAPH not handled"},
		{"bools in raw form", bytesOf(t, &loader.Graph{
			Inputs: []*loader.ValueInfo{f32("x", 8)}, Outputs: []*loader.ValueInfo{f32("y", 8)},
			Initializers: []*loader.Initializer{loader.NewInitializer("c", tensor.Of(make([]bool, 8), 8))},
			Nodes:        []*loader.Node{node("Where", "c x x", "y")},
		}), x, nil, "Shape mismatch"},
		{"an opset that matters", bytesOf(t, unary(node("Softmax", "x", "y", onnxpb.Attr("axis", 0)), 2, 2)), gt.New(gt.WithShape(2, 2), gt.WithBacking(make([]float32, 4))), nil,
			"means one thing in opset 11 and another in 13"},
		{"an operator of opset 6", bytesOf(t, unary(node("Add", "x x", "y", onnxpb.Attr("broadcast", 1)), 2), loader.OpsetImport{Version: 6}), x, nil, "WithOpset"},
		{"an option that is wrong", bytesOf(t, unary(node("Neg", "x", "y"), 2)), x, []Option{WithOpset(0)}, "versions start at 1"},
		{"an opset that there isn't", bytesOf(t, unary(node("Neg", "x", "y"), 2)), x, []Option{WithOpset(1000)}, "1000"},
	} {
		out, err := run(c.data, c.in, c.opts...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want an error with %q", c.name, out, err, c.want)
		}
	}
	var unknown *onnx.ErrNotImplemented
	if _, err := run(bytesOf(t, unary(node("Frobnicate", "x", "y"), 2)), x); !errors.As(err, &unknown) || unknown.Operator != "Frobnicate" {
		t.Errorf("an unknown operator is a %T", err)
	}
	if out, err := run(bytesOf(t, unary(scaler, 2), both...), x, WithDomain("ai.onnx.ml", 3)); err != nil || !slices.Equal(out[0].Data().([]float32), []float32{0, 2}) {
		t.Errorf("Scaler: %v, %v", out, err)
	}
}

// TestOpsetCounts computes with both meanings of an operator.
func TestOpsetCounts(t *testing.T) {
	data := bytesOf(t, unary(node("Softmax", "x", "y", onnxpb.Attr("axis", 0)), 2, 2))
	for opset, want := range map[int64]float64{12: .25, 13: .5} { // of all, and of a column
		out, err := run(data, gt.New(gt.WithShape(2, 2), gt.WithBacking(make([]float32, 4))), WithOpset(opset))
		if err != nil {
			t.Fatal(err)
		}
		if got := out[0].Data().([]float32); math.Abs(float64(got[0])-want) > 1e-6 {
			t.Errorf("opset %d: %v", opset, got)
		}
	}
}

// TestMisuse uses the graph's functions as no decoder does: errors, and no panic.
func TestMisuse(t *testing.T) {
	good := bytesOf(t, unary(node("Neg", "x", "y"), 2))
	b, m := decoded(t, good, false)
	y, _ := m.GetNodeByName("y")
	if err := y.(onnx.DataCarrier).SetTensor(vec(1)); err == nil || !strings.Contains(err.Error(), "is computed by Neg") {
		t.Errorf("setting what is computed: %v", err)
	}
	if err := m.SetInput(0, (*gt.Dense)(nil)); err == nil {
		t.Error("a nil Dense was taken")
	}
	if err := m.SetInput(0, nil); err == nil {
		t.Error("nil was taken")
	}
	if err := m.SetInput(0, gt.CSRFromCoord(gt.Shape{2, 2}, []int{0}, []int{1}, []float32{1})); err == nil || !strings.Contains(err.Error(), "*tensor.CS") {
		t.Errorf("a sparse tensor: %v", err)
	}
	if err := m.SetInput(-1, vec(1)); err == nil {
		t.Error("input -1 was taken")
	}
	second := onnx.NewModel(b)
	if err := second.UnmarshalBinary(good); err == nil || !strings.Contains(err.Error(), "for one model") {
		t.Errorf("a second model: %v", err)
	}
	if err := b.Run(); err == nil {
		t.Error("two models in one backend run")
	}
	if err := b.Unmarshal(onnx.NewModel(b), good); err == nil {
		t.Error("a second model, by Unmarshal")
	}

	foreign := simple.NewWeightedDirectedGraph(0, 0)
	u, v := foreign.NewNode(), graph.Node(nil)
	for name, f := range map[string]func(*Backend){
		"AddNode":         func(b *Backend) { b.AddNode(u) },
		"AddNode(nil)":    func(b *Backend) { b.AddNode(v) },
		"AddNode(*nil)":   func(b *Backend) { b.AddNode((*Node)(nil)) },
		"AddNode twice":   func(b *Backend) { n := b.NewNode(); b.AddNode(n); b.AddNode(n) },
		"NewWeightedEdge": func(b *Backend) { b.NewWeightedEdge(u, v, 0) },
		"SetWeightedEdge": func(b *Backend) { b.SetWeightedEdge(simple.WeightedEdge{F: u, T: u}) },
		"edge of a new node": func(b *Backend) {
			b.SetWeightedEdge(b.NewWeightedEdge(b.NewNode(), b.NewNode(), 0))
		},
		"no edge":          func(b *Backend) { b.SetWeightedEdge(nil) },
		"nothing":          func(b *Backend) {},
		"ApplyOperation":   func(b *Backend) { b.ApplyOperation(onnx.Operation{Name: "Neg"}, u) },
		"no nodes":         func(b *Backend) { b.ApplyOperation(onnx.Operation{Name: "Neg"}) },
		"a node not added": func(b *Backend) { b.ApplyOperation(onnx.Operation{Name: "Neg"}, b.NewNode()) },
		"an odd attribute": func(b *Backend) {
			n := b.NewNode()
			b.AddNode(n)
			b.ApplyOperation(onnx.Operation{Name: "Neg", Attributes: map[string]any{"a": 1 + 2i}}, n)
		},
		"edges in disorder": func(b *Backend) {
			n, x := b.NewNode(), b.NewNode()
			b.AddNode(n)
			b.AddNode(x)
			b.SetWeightedEdge(b.NewWeightedEdge(n, x, 1))
			b.SetWeightedEdge(b.NewWeightedEdge(n, x, 0))
			b.ApplyOperation(onnx.Operation{Name: "Sub"}, n)
		},
		"a decoder that stops": func(b *Backend) {
			n, x := b.NewNode(), b.NewNode()
			b.AddNode(n)
			b.AddNode(x)
			b.SetWeightedEdge(b.NewWeightedEdge(n, x, 0))
		},
	} {
		b := NewBackend()
		f(b)
		if b.Run() == nil {
			t.Errorf("%s: the backend runs", name)
		}
		if _, err := b.Model(); err == nil {
			t.Errorf("%s: the backend has a model", name)
		}
	}
}

// TestTopology reads the graph as gonum's functions do.
func TestTopology(t *testing.T) {
	b, m := decoded(t, bytesOf(t, &loader.Graph{
		Inputs: []*loader.ValueInfo{f32("x", 2), f32("z", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2)},
		Nodes: []*loader.Node{node("Sub", "z x", "y")},
	}), false)
	x, z, y := m.Input[0], m.Input[1], m.Output[0]
	if n := b.Nodes().Len(); n != 3 {
		t.Errorf("%d nodes", n)
	}
	var from []string
	for it := b.From(y); it.Next(); {
		from = append(from, it.Node().(onnx.Namer).GetName())
	}
	if !slices.Equal(from, []string{"z", "x"}) || b.To(x).Len() != 1 || b.To(y).Len() != 0 || b.From(x).Len() != 0 {
		t.Errorf("operands %q", from)
	}
	if w, ok := b.Weight(y, x); !ok || w != 1 {
		t.Errorf("x is operand %v, %v", w, ok)
	}
	if !b.HasEdgeFromTo(y, z) || b.HasEdgeFromTo(z, y) || !b.HasEdgeBetween(z, y) || b.HasEdgeBetween(x, z) {
		t.Error("other edges than those of the model")
	}
	if e := b.Edge(y, z); e == nil || e.From().ID() != y || e.ReversedEdge().From().ID() != z {
		t.Errorf("edge %v", e)
	}
	if b.Edge(x, z) != nil || b.WeightedEdge(x, z) != nil || b.Node(1<<40) != nil || b.Node(-1) != nil {
		t.Error("there is what there isn't")
	}
	if b.Node(1).(*Node).GetName() != "z" || b.Node(z).(*Node) != b.Node(1) {
		t.Error("node 1 isn't input 1")
	}
}

// TestWhole runs what onnx-go's decoder can't read.
func TestWhole(t *testing.T) {
	half := tensor.ToF16(1.5)
	g := &loader.Graph{
		Inputs: []*loader.ValueInfo{onnxpb.Value("c", tensor.Bool), onnxpb.Value("h", tensor.Float16, 2)}, Outputs: []*loader.ValueInfo{onnxpb.Value("y", tensor.Float16, 2)},
		Initializers: []*loader.Initializer{loader.NewInitializer("w", tensor.Of([]tensor.F16{half, half}, 2))},
		Nodes: []*loader.Node{node("If", "c", "y",
			onnxpb.Attr("then_branch", &loader.Graph{Name: "t", Outputs: []*loader.ValueInfo{onnxpb.Value("a", tensor.Float16, 2)}, Nodes: []*loader.Node{node("Mul", "h w", "a")}}),
			onnxpb.Attr("else_branch", &loader.Graph{Name: "e", Outputs: []*loader.ValueInfo{onnxpb.Value("a", tensor.Float16, 2)}, Nodes: []*loader.Node{node("Neg", "h", "a")}}))},
	}
	b, m := decoded(t, bytesOf(t, g), true)
	h := gt.New(gt.WithShape(2), gt.WithBacking([]tensor.F16{tensor.ToF16(2), tensor.ToF16(4)}))
	for c, want := range map[bool]float32{true: 6, false: -4} {
		if err := errors.Join(m.SetInput(0, gt.New(gt.FromScalar(c))), m.SetInput(1, h)); err != nil {
			t.Fatal(err)
		}
		if err := b.Run(); err != nil {
			t.Fatal(err)
		}
		out, err := m.GetOutputTensors()
		if err != nil {
			t.Fatal(err)
		}
		if got := out[0].Data().([]tensor.F16)[1].Float32(); got != want {
			t.Errorf("%v: %v, want %v", c, got, want)
		}
	}
	if err := m.SetInput(2, h); err == nil {
		t.Error("input 2 of 2 was taken")
	}
	if y, _ := m.GetNodeByName("y"); y.(onnx.DataCarrier).SetTensor(h) == nil {
		t.Error("an output was taken for an input")
	}
	if err := m.UnmarshalBinary(bytesOf(t, unary(node("Neg", "x", "y"), 2))); err == nil {
		t.Error("the backend takes another model")
	}

	other := NewBackend()
	if err := NewBackend().Unmarshal(onnx.NewModel(other), bytesOf(t, g)); err == nil {
		t.Error("a model of another backend was taken")
	}
	if err := NewBackend().Unmarshal(onnx.NewModel(nil), bytesOf(t, g)); err == nil {
		t.Error("a model without a backend was taken")
	}
	if err := NewBackend().Attach(nil, nil); err == nil {
		t.Error("no model was taken")
	}
	var format *ingot.FormatError
	if err := NewBackend().Unmarshal(m, []byte("no model")); !errors.As(err, &format) {
		t.Errorf("no model: %v", err)
	}
	if err := NewBackend().UnmarshalFile(m, "missing.onnx"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestShared runs one model by several goroutines, each with its own onnx.Model.
func TestShared(t *testing.T) {
	model, err := ingot.LoadBytes(bytesOf(t, unary(node("Neg", "x", "y"), "n")))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			b := NewBackend()
			m := onnx.NewModel(b)
			if err := b.Attach(m, model); err != nil {
				t.Error(err)
				return
			}
			for j := range 20 {
				if got := outputs(t, b, m, vec(float32(i), float32(j)))[0]; !slices.Equal(got, []float32{-float32(i), -float32(j)}) {
					t.Errorf("goroutine %d: %v", i, got)
				}
			}
		})
	}
	wg.Wait()
}

// TestModel takes the compiled model out of a backend, and cancels a run.
func TestModel(t *testing.T) {
	for _, whole := range []bool{false, true} {
		b, _ := decoded(t, bytesOf(t, unary(node("Neg", "x", "y"), 2)), whole)
		m, err := b.Model()
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Run(context.Background(), ingot.Inputs{"x": tensor.Of([]float32{1, 2}, 2)})
		if err != nil || tensor.View[float32](out["y"])[1] != -2 {
			t.Errorf("%v %v", out, err)
		}
		b, om := decoded(t, bytesOf(t, unary(node("Neg", "x", "y"), 2)), whole)
		if err := om.SetInput(0, vec(1, 2)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := b.RunContext(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a run that was cancelled: %v", err)
		}
	}
}
