package exprgraph_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"unsafe"

	"gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/exprgraph"
	"ingot/loader"
	"ingot/tensor"
)

const digits = "../../testdata/digits/digits.onnx"

// image returns n pictures.
func image(n int) *tensor.Tensor {
	pixels := make([]float32, n*256)
	for i := range pixels {
		pixels[i] = float32(i*7%11) / 11
	}
	return tensor.Of(pixels, n, 1, 16, 16)
}

func load(t testing.TB, opts ...ingot.Option) *gorgonia.ExprGraph {
	t.Helper()
	g, err := exprgraph.Load(digits, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// run runs the digits graph on n pictures and returns an output.
func run(t testing.TB, g *gorgonia.ExprGraph, vm gorgonia.VM, n int, output string) []float32 {
	t.Helper()
	if err := exprgraph.Let(exprgraph.Input(g, "image"), image(n)); err != nil {
		t.Fatal(err)
	}
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	return data(t, exprgraph.Output(g, output))
}

func data(t testing.TB, n *gorgonia.Node) []float32 {
	t.Helper()
	if n == nil || n.Value() == nil {
		t.Fatal("no value")
	}
	return n.Value().Data().([]float32)
}

// plain runs the model without a graph.
func plain(t testing.TB, n int, output string) []float32 {
	t.Helper()
	m, err := ingot.Load(digits)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	out, err := m.Run(context.Background(), ingot.Inputs{"image": image(n)})
	if err != nil {
		t.Fatal(err)
	}
	return tensor.View[float32](out[output])
}

func near(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(float64(got[i]-want[i])) <= tol) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

// one returns the node of a name.
func one(t testing.TB, g *gorgonia.ExprGraph, name string) *gorgonia.Node {
	t.Helper()
	list := g.ByName(name)
	if len(list) != 1 {
		t.Fatalf("%d nodes are called %q", len(list), name)
	}
	return list[0]
}

func TestAnyBatch(t *testing.T) {
	g := load(t)
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	for _, n := range []int{1, 3, 2, 0, 1} {
		near(t, "probabilities", run(t, g, vm, n, "probabilities"), plain(t, n, "probabilities"), 0)
		vm.Reset()
	}
}

// Each run's outputs are memory of their own.
func TestOutputsStay(t *testing.T) {
	g := load(t)
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	first := run(t, g, vm, 2, "probabilities")
	kept := append([]float32{}, first...)
	if err := exprgraph.Let(exprgraph.Input(g, "image"), tensor.Of(make([]float32, 512), 2, 1, 16, 16)); err != nil {
		t.Fatal(err)
	}
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	near(t, "the first run's output", first, kept, 0)
}

func TestWeights(t *testing.T) {
	bias := make([]float32, 10)
	bias[4] = 100
	edits := map[string]func(t *testing.T, n *gorgonia.Node){
		"gorgonia.Let": func(t *testing.T, n *gorgonia.Node) {
			if err := gorgonia.Let(n, gt.New(gt.WithShape(10), gt.WithBacking(bias))); err != nil {
				t.Fatal(err)
			}
		},
		"Let": func(t *testing.T, n *gorgonia.Node) {
			if err := exprgraph.Let(n, tensor.Of(bias, 10)); err != nil {
				t.Fatal(err)
			}
		},
		"WithValue": func(_ *testing.T, n *gorgonia.Node) {
			gorgonia.WithValue(gt.New(gt.WithShape(10), gt.WithBacking(bias)))(n)
		},
		"in place": func(_ *testing.T, n *gorgonia.Node) { copy(n.Value().Data().([]float32), bias) },
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			g := load(t)
			edit(t, one(t, g, "dense2.bias"))
			vm := exprgraph.NewVM(g)
			defer vm.Close()
			want := make([]float32, 10)
			want[4] = 1
			near(t, "probabilities", run(t, g, vm, 1, "probabilities"), want, 1e-30)
			fresh := load(t)
			near(t, "the model in its file", run(t, fresh, exprgraph.NewVM(fresh), 1, "probabilities"), plain(t, 1, "probabilities"), 0)
		})
	}
}

// A weight that gets another value after NewVM counts from the next run on.
func TestWeightAfterNewVM(t *testing.T) {
	g := load(t)
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	run(t, g, vm, 1, "probabilities")
	bias := make([]float32, 10)
	bias[7] = 100
	if err := exprgraph.Let(exprgraph.Input(g, "dense2.bias"), tensor.Of(bias, 10)); err != nil {
		t.Fatal(err)
	}
	want := make([]float32, 10)
	want[7] = 1
	near(t, "probabilities", run(t, g, vm, 1, "probabilities"), want, 1e-30)
}

// softmax is the function, in float64.
func softmax(x []float32) []float32 {
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v))
	}
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(math.Exp(float64(v)) / sum)
	}
	return out
}

// The output takes its value from the node before the last one.
func TestRewired(t *testing.T) {
	g := load(t)
	gorgonia.WithChildren(gorgonia.Nodes{one(t, g, "/dense2/Gemm_output_0")})(exprgraph.Output(g, "probabilities"))
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	logits := run(t, g, vm, 1, "probabilities")
	near(t, "softmax of the logits", softmax(logits), plain(t, 1, "probabilities"), 1e-6)
}

// A node in the middle is replaced by one of Gorgonia's and removed.
func TestReplaced(t *testing.T) {
	g := load(t, ingot.WithDims(map[string]int64{"batch": 1}))
	relu := one(t, g, "/Relu_3_output_0")
	before := one(t, g, "/dense1/Gemm_output_0")
	after := one(t, g, "/dense2/Gemm_output_0")
	zero, err := gorgonia.Sub(before, before)
	if err != nil {
		t.Fatal(err)
	}
	gorgonia.WithChildren(gorgonia.Nodes{zero, one(t, g, "dense2.weight"), one(t, g, "dense2.bias")})(after)
	g.RemoveNode(relu)
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	bias := data(t, one(t, g, "dense2.bias"))
	near(t, "probabilities", run(t, g, vm, 1, "probabilities"), softmax(bias), 1e-6)
}

// What Gorgonia's operators compute from the model's output is an output too, and gorgonia.Read reads what is inside.
func TestExtended(t *testing.T) {
	g := load(t, ingot.WithDims(map[string]int64{"batch": 1}))
	sum, err := gorgonia.Sum(exprgraph.Output(g, "probabilities"))
	if err != nil {
		t.Fatal(err)
	}
	square, err := gorgonia.HadamardProd(one(t, g, "/dense2/Gemm_output_0"), one(t, g, "/dense2/Gemm_output_0"))
	if err != nil {
		t.Fatal(err)
	}
	two := gorgonia.NewConstant(float32(2))
	doubled, err := gorgonia.Mul(square, two)
	if err != nil {
		t.Fatal(err)
	}
	var logits gorgonia.Value
	gorgonia.Read(one(t, g, "/dense2/Gemm_output_0"), &logits)
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	run(t, g, vm, 1, "probabilities")
	if got := sum.Value().Data().(float32); math.Abs(float64(got-1)) > 1e-6 {
		t.Errorf("the sum of the probabilities is %g", got)
	}
	want := append([]float32{}, logits.Data().([]float32)...)
	near(t, "softmax of the logits", softmax(want), plain(t, 1, "probabilities"), 1e-6)
	for i := range want {
		want[i] *= 2 * want[i]
	}
	near(t, "doubled squares", data(t, doubled), want, 1e-4)
}

func TestAddOutput(t *testing.T) {
	g := load(t)
	exprgraph.AddOutput(one(t, g, "/dense2/Gemm_output_0"), "logits")
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	near(t, "softmax", softmax(run(t, g, vm, 1, "logits")), plain(t, 1, "probabilities"), 1e-6)
	m, err := exprgraph.Compile(g)
	if err != nil || len(m.Outputs()) != 2 || m.Outputs()[1].Name != "logits" {
		t.Errorf("the model has outputs %v (%v)", m.Outputs(), err)
	}
}

// A graph whose shapes are all known runs on Gorgonia's machine too, node after node.
func TestTapeMachine(t *testing.T) {
	g := load(t, ingot.WithDims(map[string]int64{"batch": 2}))
	if err := exprgraph.Let(exprgraph.Input(g, "image"), image(2)); err != nil {
		t.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	near(t, "probabilities", data(t, exprgraph.Output(g, "probabilities")), plain(t, 2, "probabilities"), 1e-6)
}

// A clone is a graph of its own.
func TestClone(t *testing.T) {
	g := load(t)
	c := g.Clone().(*gorgonia.ExprGraph)
	copy(data(t, one(t, c, "dense2.bias")), []float32{100, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	vm, other := exprgraph.NewVM(g), exprgraph.NewVM(c)
	near(t, "the original", run(t, g, vm, 1, "probabilities"), plain(t, 1, "probabilities"), 0)
	if got := run(t, c, other, 1, "probabilities"); got[0] != 1 {
		t.Errorf("the clone gives %v", got)
	}
}

func TestWhatIsWrongWithAGraph(t *testing.T) {
	tests := []struct {
		name string
		edit func(g *gorgonia.ExprGraph)
		want string
	}{
		{"a node that is removed and used", func(g *gorgonia.ExprGraph) { g.RemoveNode(g.ByName("/Relu_output_0")[0]) }, `"/Relu_output_0" is used but was removed`},
		{"a cycle", func(g *gorgonia.ExprGraph) {
			gorgonia.WithChildren(gorgonia.Nodes{g.ByName("/Relu_1_output_0")[0]})(g.ByName("/Relu_output_0")[0])
		}, "depends on itself"},
		{"too few operands", func(g *gorgonia.ExprGraph) {
			gorgonia.WithChildren(gorgonia.Nodes{g.ByName("image")[0]})(g.ByName("/conv1/Conv_output_0")[0])
		}, "Conv"},
		{"no operand", func(g *gorgonia.ExprGraph) { gorgonia.WithChildren(nil)(exprgraph.Output(g, "probabilities")) }, "0 operands"},
		{"nil", func(g *gorgonia.ExprGraph) {
			gorgonia.WithChildren(gorgonia.Nodes{nil})(exprgraph.Output(g, "probabilities"))
		}, "nil"},
		{"no outputs", func(g *gorgonia.ExprGraph) { g.RemoveNode(exprgraph.Output(g, "probabilities")) }, "no outputs"},
		{"a weight of another shape", func(g *gorgonia.ExprGraph) {
			_ = exprgraph.Let(g.ByName("dense2.bias")[0], tensor.Of(make([]float32, 11), 11))
		}, "dense2"},
		{"a weight without a value", func(g *gorgonia.ExprGraph) { g.UnbindAll() }, "no value"},
		{"an output twice", func(g *gorgonia.ExprGraph) { exprgraph.AddOutput(g.ByName("image")[0], "probabilities") }, "two outputs"},
		{"nodes of two models", func(g *gorgonia.ExprGraph) {
			h, _ := exprgraph.Load(digits)
			g.AddNode(exprgraph.Output(h, "probabilities"))
		}, "two models"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			g := load(t)
			c.edit(g)
			vm := exprgraph.NewVM(g)
			err := vm.RunAll()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one about %q", err, c.want)
			}
			if _, compileErr := exprgraph.Compile(g); compileErr == nil || compileErr.Error() != err.Error() {
				t.Errorf("Compile says %v, the machine %v", compileErr, err)
			}
			if err := vm.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatIsWrongWithARun(t *testing.T) {
	g := load(t)
	vm := exprgraph.NewVM(g)
	var in *ingot.InputError
	if err := vm.RunAll(); !errors.As(err, &in) || in.Name != "image" {
		t.Errorf("without an input: got error %v", err)
	}
	for _, x := range []*tensor.Tensor{tensor.Of(make([]float64, 256), 1, 1, 16, 16), tensor.Of(make([]float32, 256), 16, 16), tensor.Of(make([]float32, 512), 1, 2, 16, 16)} {
		err := exprgraph.Let(exprgraph.Input(g, "image"), x)
		if err == nil {
			err = vm.RunAll()
		}
		if err == nil || !strings.Contains(err.Error(), `"image"`) {
			t.Errorf("%v: got error %v", x, err)
		}
	}
	if err := exprgraph.Let(exprgraph.Output(g, "probabilities"), image(1)); err == nil {
		t.Error("a value for a node that is computed")
	}
	if err := exprgraph.Let(nil, image(1)); err == nil {
		t.Error("a value for no node")
	}
	if err := exprgraph.Let(exprgraph.Input(g, "image"), "text"); err == nil {
		t.Error("a string as a value")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("enough")
	cancel(cause)
	if err := exprgraph.Let(exprgraph.Input(g, "image"), image(1)); err != nil {
		t.Fatal(err)
	}
	if err := vm.(*exprgraph.VM).Run(ctx); !errors.Is(err, cause) {
		t.Errorf("cancelled: got error %v", err)
	}
	for range 2 {
		if err := vm.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := vm.RunAll(); !errors.Is(err, ingot.ErrClosed) {
		t.Errorf("closed: got error %v", err)
	}
	if err := exprgraph.NewVM(nil).RunAll(); err == nil {
		t.Error("a nil graph runs")
	}
}

// The values of weights are the loaded tensors' memory.
func TestWeightsAreShared(t *testing.T) {
	m, err := loader.Open(digits)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	g, err := exprgraph.New(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range m.Graph.Initializers {
		w, err := in.Tensor()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := one(t, g, in.Name).Value().Uintptr(), uintptr(unsafe.Pointer(unsafe.SliceData(w.Bytes()))); got != want {
			t.Errorf("%s is at %#x in the graph and at %#x in the model", in.Name, got, want)
		}
	}
}
