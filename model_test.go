package ingot_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops"
	"ingot/tensor"
)

// graph makes a model of opset 21.
func graph(t *testing.T, g *loader.Graph, opsets ...loader.OpsetImport) []byte {
	t.Helper()
	if len(opsets) == 0 {
		opsets = []loader.OpsetImport{{Version: 21}}
	}
	b, err := onnxpb.Encode(&loader.Model{IRVersion: 10, Opsets: opsets, Graph: g})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func load(t *testing.T, g *loader.Graph, opts ...ingot.Option) *ingot.Model {
	t.Helper()
	m, err := ingot.LoadBytes(graph(t, g), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

var (
	node  = onnxpb.Node
	value = onnxpb.Value
)

// addRelu is y = relu(x+w) with x float32[n,3].
func addRelu() *loader.Graph {
	return &loader.Graph{
		Inputs:       []*loader.ValueInfo{value("image", tensor.Float32, "n", 3)},
		Outputs:      []*loader.ValueInfo{value("y", tensor.Float32, "n", 3)},
		Initializers: []*loader.Initializer{loader.NewInitializer("w", tensor.Of([]float32{1, -2, 3}))},
		Nodes: []*loader.Node{
			node("Add", []string{"image", "w"}, []string{"s"}),
			node("Relu", []string{"s"}, []string{"y"}),
		},
	}
}

func TestRun(t *testing.T) {
	m := load(t, addRelu())
	out, err := m.Run(context.Background(), ingot.Inputs{"image": tensor.Of([]float32{1, 1, 1, -9, 9, -9}, 2, 3)})
	if err != nil {
		t.Fatal(err)
	}
	if y, err := tensor.Data[float32](out["y"]); err != nil || !slices.Equal(y, []float32{2, 0, 4, 0, 7, 0}) {
		t.Errorf("y = %v, %v", y, err)
	}
	if in := m.Inputs(); len(in) != 1 || in[0].String() != "float32[n,3]" || in[0].Dims[0].Sym != "n" || in[0].Dims[1].Size != 3 {
		t.Errorf("inputs %v", in)
	}
}

func TestInputErrors(t *testing.T) {
	m := load(t, addRelu())
	good := tensor.Of([]float32{1, 2, 3}, 1, 3)
	for _, c := range []struct {
		name string
		in   ingot.Inputs
		want []string
	}{
		{"near name", ingot.Inputs{"imag": good}, []string{`"imag"`, `did you mean "image"?`}},
		{"superfluous", ingot.Inputs{"image": good, "zzzzzzzz": good}, []string{`"zzzzzzzz"`, `it has "image"`}},
		{"constant", ingot.Inputs{"image": good, "w": good}, []string{`"w"`}},
		{"missing", ingot.Inputs{}, []string{`"image"`, "missing", "float32[n,3]"}},
		{"dtype", ingot.Inputs{"image": tensor.Of([]int64{1, 2, 3}, 1, 3)}, []string{"float32[n,3]", "int64[1,3]"}},
		{"rank", ingot.Inputs{"image": tensor.Of([]float32{1, 2, 3}, 3)}, []string{"float32[n,3]", "float32[3]"}},
		{"size", ingot.Inputs{"image": tensor.Of([]float32{1, 2}, 1, 2)}, []string{"float32[n,3]", "float32[1,2]"}},
		{"nil", ingot.Inputs{"image": nil}, []string{`"image"`}},
		{"bad Of", ingot.Inputs{"image": tensor.Of([]float32{1, 2}, 1, 3)}, []string{`"image"`, "2 elements"}},
		{"zero tensor", ingot.Inputs{"image": &tensor.Tensor{}}, []string{`"image"`}},
	} {
		_, err := m.Run(context.Background(), c.in)
		var ie *ingot.InputError
		if !errors.As(err, &ie) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q doesn't say %q", c.name, err, w)
			}
		}
	}
}

func TestUnsupportedAreListedAtOnce(t *testing.T) {
	g := addRelu()
	g.Nodes = append(g.Nodes,
		&loader.Node{Name: "first", OpType: "Frobnicate", Inputs: []string{"y"}, Outputs: []string{"a"}},
		&loader.Node{Name: "second", OpType: "Relu", Domain: "org.example", Inputs: []string{"a"}, Outputs: []string{"b"}},
		&loader.Node{Name: "third", OpType: "Relu", Domain: "ingot", Inputs: []string{"b"}, Outputs: []string{"c"}},
	)
	_, err := ingot.LoadBytes(graph(t, g, loader.OpsetImport{Version: 21}, loader.OpsetImport{Domain: "org.example", Version: 1}, loader.OpsetImport{Domain: "ingot", Version: 1}))
	var ue *ingot.UnsupportedError
	if !errors.As(err, &ue) || len(ue.Nodes) != 3 || ue.Nodes[0].Node != "first" || ue.Nodes[2].Reason == "" {
		t.Errorf("%v", err)
	}
}

func TestNewerOpset(t *testing.T) {
	b := graph(t, addRelu(), loader.OpsetImport{Version: 99})
	if _, err := ingot.LoadBytes(b); err == nil || !strings.Contains(err.Error(), "opset 99") {
		t.Errorf("opset 99: %v", err)
	}
	if _, err := ingot.LoadBytes(b, ingot.WithNewerOpset()); err != nil {
		t.Errorf("with the option: %v", err)
	}
}

func TestBadNodes(t *testing.T) {
	for _, c := range []struct {
		name string
		node *loader.Node
		want string
	}{
		{"unknown attribute", node("Relu", []string{"image"}, []string{"y"}, onnxpb.Attr("slope", int64(1))), "slope"},
		{"attribute kind", node("Softmax", []string{"image"}, []string{"y"}, onnxpb.Attr("axis", float32(1))), "axis"},
		{"arity", node("Relu", []string{"image", "w"}, []string{"y"}), "2 inputs"},
		{"axis", node("Softmax", []string{"image"}, []string{"y"}, onnxpb.Attr("axis", int64(7))), "7"},
		{"shapes", node("Add", []string{"image", "bad"}, []string{"y"}), "broadcast"},
		{"dtypes", node("Add", []string{"image", "ints"}, []string{"y"}), "int64"},
	} {
		g := addRelu()
		g.Nodes = []*loader.Node{c.node}
		g.Initializers = append(g.Initializers, loader.NewInitializer("bad", tensor.Of([]float32{1, 2})), loader.NewInitializer("ints", tensor.Of([]int64{1, 2, 3})))
		_, err := ingot.LoadBytes(graph(t, g))
		var ne *ingot.NodeError
		if !errors.As(err, &ne) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.node.OpType) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What a run returns belongs to the caller, even where it equals a constant, an input or another output.
func TestOutputsAreTheCallers(t *testing.T) {
	g := addRelu()
	g.Nodes = append(g.Nodes, node("Identity", []string{"w"}, []string{"const"}), node("Identity", []string{"image"}, []string{"same"}),
		node("Identity", []string{"y"}, []string{"again"}))
	for _, name := range []string{"const", "same", "again"} {
		g.Outputs = append(g.Outputs, value(name, tensor.Float32))
	}
	m := load(t, g)
	in := ingot.Inputs{"image": tensor.Of([]float32{1, 1, 1}, 1, 3)}
	first, err := m.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for name := range first {
		for i := range tensor.View[float32](first[name]) {
			tensor.View[float32](first[name])[i] = 1000
		}
		if tensor.View[float32](in["image"])[0] != 1 {
			t.Fatalf("output %s is the input", name)
		}
	}
	second, err := m.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float32{"y": {2, 0, 4}, "again": {2, 0, 4}, "const": {1, -2, 3}, "same": {1, 1, 1}} {
		if got := tensor.View[float32](second[name]); !slices.Equal(got, want) {
			t.Errorf("%s = %v", name, got)
		}
	}
}

func TestRunInto(t *testing.T) {
	m := load(t, addRelu())
	x := []float32{1, 1, 1, 2, 2, 2}
	in := ingot.Inputs{"image": tensor.Of(x, 2, 3)}
	if err := m.RunInto(context.Background(), in, ingot.Outputs{"y": tensor.Of(x, 2, 3)}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x, []float32{2, 0, 4, 3, 0, 5}) {
		t.Errorf("an output over its input: %v", x)
	}
	var oe *ingot.OutputError
	if err := m.RunInto(context.Background(), in, ingot.Outputs{"y": tensor.Of(make([]float32, 3), 1, 3)}); !errors.As(err, &oe) {
		t.Errorf("a small buffer: %v", err)
	}
	if err := m.RunInto(context.Background(), in, ingot.Outputs{"z": tensor.Of(x, 2, 3)}); err == nil || !strings.Contains(err.Error(), `"z"`) {
		t.Errorf("an unknown output: %v", err)
	}
}

// A graph input may hold a shape: each value of it has a plan.
func TestShapeFromInput(t *testing.T) {
	m := load(t, &loader.Graph{
		Inputs:  []*loader.ValueInfo{value("x", tensor.Float32, "n"), value("shape", tensor.Int64, 2)},
		Outputs: []*loader.ValueInfo{value("y", tensor.Float32)},
		Nodes: []*loader.Node{node("Relu", []string{"x"}, []string{"r"}), node("Expand", []string{"r", "shape"}, []string{"e"}),
			node("Neg", []string{"e"}, []string{"y"})},
	})
	for _, shape := range [][]int64{{1, 2}, {3, 2}, {1, 2}, {2, 2}} {
		out, err := m.Run(context.Background(), ingot.Inputs{"x": tensor.Of([]float32{1, -2}), "shape": tensor.Of(shape)})
		if err != nil {
			t.Fatal(err)
		}
		if d := out["y"].Dims(); d[0] != int(shape[0]) || tensor.View[float32](out["y"])[0] != -1 {
			t.Errorf("%v: %v", shape, out["y"])
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	m := load(t, addRelu(), ingot.WithMemoryLimit(1<<16))
	if _, err := m.Run(context.Background(), ingot.Inputs{"image": tensor.Of(make([]float32, 3), 1, 3)}); err != nil {
		t.Errorf("a small run: %v", err)
	}
	if _, err := m.Run(context.Background(), ingot.Inputs{"image": tensor.Of(make([]float32, 3<<16), 1<<16, 3)}); err == nil || !strings.Contains(err.Error(), "memory limit") {
		t.Errorf("a large run: %v", err)
	}
}

func TestOverridable(t *testing.T) {
	g := addRelu()
	g.Inputs = append(g.Inputs, value("w", tensor.Float32, 3))
	x := tensor.Of([]float32{1, 1, 1}, 1, 3)
	w := tensor.Of([]float32{5, 5, 5})
	m := load(t, g)
	if _, err := m.Run(context.Background(), ingot.Inputs{"image": x, "w": w}); err == nil || !strings.Contains(err.Error(), "WithOverridable") {
		t.Errorf("a constant supplied: %v", err)
	}
	m = load(t, g, ingot.WithOverridable("w"))
	for _, in := range []ingot.Inputs{{"image": x}, {"image": x, "w": w}} {
		out, err := m.Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		want := float32(2)
		if in["w"] != nil {
			want = 6
		}
		if got := tensor.View[float32](out["y"])[0]; got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if _, err := ingot.LoadBytes(graph(t, addRelu()), ingot.WithOverridable("nope")); err == nil {
		t.Error("an unknown name is taken")
	}
}

// endless is a loop that only a context ends.
func endless() *loader.Graph {
	body := &loader.Graph{Name: "body",
		Inputs:  []*loader.ValueInfo{value("i", tensor.Int64), value("c", tensor.Bool), value("v", tensor.Float32)},
		Outputs: []*loader.ValueInfo{value("c2", tensor.Bool), value("v2", tensor.Float32)},
		Nodes:   []*loader.Node{node("Identity", []string{"c"}, []string{"c2"}), node("Neg", []string{"v"}, []string{"v2"})},
	}
	return &loader.Graph{
		Inputs:  []*loader.ValueInfo{value("x", tensor.Float32, 1), value("go", tensor.Bool)},
		Outputs: []*loader.ValueInfo{value("y", tensor.Float32)},
		Nodes:   []*loader.Node{node("Loop", []string{"", "go", "x"}, []string{"y"}, onnxpb.Attr("body", body))},
	}
}

func TestCancel(t *testing.T) {
	m := load(t, endless())
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(50*time.Millisecond, func() { cancel(why) })
	in := ingot.Inputs{"x": tensor.Of([]float32{1}), "go": tensor.Scalar(true)}
	if _, err := m.Run(ctx, in); !errors.Is(err, why) {
		t.Errorf("cancelled: %v", err)
	}
	in["go"] = tensor.Scalar(false)
	if out, err := m.Run(context.Background(), in); err != nil || tensor.View[float32](out["y"])[0] != 1 {
		t.Errorf("after a cancelled run: %v, %v", out, err)
	}
}

func TestClose(t *testing.T) {
	m := load(t, endless())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		_, err := m.Run(ctx, ingot.Inputs{"x": tensor.Of([]float32{1}), "go": tensor.Scalar(true)})
		done <- err
	}()
	<-started
	time.Sleep(20 * time.Millisecond)
	closed := make(chan struct{})
	go func() {
		m.Close()
		m.Close()
		close(closed)
	}()
	select {
	case <-closed:
		t.Error("Close didn't wait for the run")
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	<-done
	<-closed
	if _, err := m.Run(context.Background(), ingot.Inputs{"x": tensor.Of([]float32{1}), "go": tensor.Scalar(false)}); !errors.Is(err, ingot.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

type noAttrs struct{}

// An operator from outside the module; it panics on demand.
var double = ops.Def(ops.Spec[noAttrs]{
	Name: "Double", Domain: "org.example", In: "x:T", Out: "y:T", Types: "T=float", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, _ *noAttrs) error { return c.OutLike(0, 0) },
	Eval: func(c *ops.Call, _ *noAttrs) error {
		x, y := tensor.View[float32](c.In(0)), tensor.View[float32](c.Out(0))
		return c.For(len(x), 1, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				if y[i] = 2 * x[i]; x[i] < 0 {
					panic("negative")
				}
			}
		})
	},
})

func TestCustomOperator(t *testing.T) {
	g := &loader.Graph{
		Inputs:  []*loader.ValueInfo{value("x", tensor.Float32, "n")},
		Outputs: []*loader.ValueInfo{value("y", tensor.Float32)},
		Nodes:   []*loader.Node{{Name: "twice", OpType: "Double", Domain: "org.example", Inputs: []string{"x"}, Outputs: []string{"y"}}},
	}
	b := graph(t, g, loader.OpsetImport{Version: 21}, loader.OpsetImport{Domain: "org.example", Version: 1})
	m, err := ingot.LoadBytes(b, ingot.WithOperators(double), ingot.WithThreads(2))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err = m.Run(context.Background(), ingot.Inputs{"x": tensor.Of([]float32{1, -1, 2})})
		var ne *ingot.NodeError
		if !errors.As(err, &ne) || !strings.Contains(err.Error(), "twice") || !strings.Contains(err.Error(), "negative") {
			t.Errorf("a panic in a tile: %v", err)
		}
		out, err := m.Run(context.Background(), ingot.Inputs{"x": tensor.Of([]float32{1, 3})})
		if err != nil || !slices.Equal(tensor.View[float32](out["y"]), []float32{2, 6}) {
			t.Errorf("after it: %v, %v", out, err)
		}
	}
}

func TestOutputsFor(t *testing.T) {
	m, err := ingot.Load(digits)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	out, err := m.OutputsFor(map[string][]int{"image": {7, 1, 16, 16}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 1 || out[0].String() != "float32[7,10]" {
		t.Errorf("got %v, want float32[7,10]", out)
	}
	for _, shapes := range []map[string][]int{{"image": {7, 2, 16, 16}}, {"image": {1, 16, 16}}, {"image": {-1, 1, 16, 16}}, {"x": {1}}} {
		if _, err := m.OutputsFor(shapes); !errors.As(err, new(*ingot.InputError)) {
			t.Errorf("%v: got error %v, want an InputError", shapes, err)
		}
	}
}
