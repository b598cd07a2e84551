package passes_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ingot/internal/cases"
	"ingot/internal/onnxpb"
	"ingot/internal/passes"
	"ingot/loader"
	"ingot/ops/standard"
	"ingot/runtime"
	"ingot/tensor"
)

var (
	node  = onnxpb.Node
	value = onnxpb.Value
	attr  = onnxpb.Attr
)

// pattern is a small model that a pass must recognise: the optimised graph has want, and not gone.
type pattern struct {
	name  string
	dims  []int
	opset int64
	init  map[string]*tensor.Tensor
	nodes []*loader.Node
	want  []string
	gone  []string
}

func num(v float32) *tensor.Tensor { return tensor.Scalar(v) }

func random(dims ...int) *tensor.Tensor {
	t, err := tensor.New(tensor.Float32, dims...)
	if err != nil {
		return nil
	}
	r := rand.New(rand.NewPCG(1, uint64(t.Len())))
	for i := range tensor.View[float32](t) {
		tensor.View[float32](t)[i] = float32(r.NormFloat64())
	}
	return t
}

func positive(n int) *tensor.Tensor {
	t := random(n)
	for i, v := range tensor.View[float32](t) {
		tensor.View[float32](t)[i] = v*v + 0.5
	}
	return t
}

var patterns = []pattern{
	{name: "hard-swish in pieces", dims: []int{2, 3, 4}, init: map[string]*tensor.Tensor{"three": num(3), "zero": num(0), "six": num(6)},
		nodes: []*loader.Node{node("Add", []string{"x", "three"}, []string{"a"}), node("Clip", []string{"a", "zero", "six"}, []string{"c"}),
			node("Mul", []string{"x", "c"}, []string{"m"}), node("Div", []string{"m", "six"}, []string{"y"})},
		want: []string{"HardSwish"}, gone: []string{"Clip", "Div"}},
	{name: "hard-swish by hard-sigmoid", dims: []int{2, 3, 4}, init: map[string]*tensor.Tensor{"three": num(3), "zero": num(0), "six": num(6)},
		nodes: []*loader.Node{node("Add", []string{"three", "x"}, []string{"a"}), node("Clip", []string{"a", "zero", "six"}, []string{"c"}),
			node("Div", []string{"c", "six"}, []string{"d"}), node("Mul", []string{"x", "d"}, []string{"y"})},
		want: []string{"HardSwish"}, gone: []string{"Clip", "HardSigmoid"}},
	{name: "swish", dims: []int{5}, nodes: []*loader.Node{node("Sigmoid", []string{"x"}, []string{"s"}), node("Mul", []string{"s", "x"}, []string{"y"})},
		want: []string{"Swish"}, gone: []string{"Mul"}},
	{name: "gelu, half last", dims: []int{3, 8}, init: map[string]*tensor.Tensor{"r": num(1.4142135), "one": num(1), "half": num(0.5)},
		nodes: []*loader.Node{node("Div", []string{"x", "r"}, []string{"d"}), node("Erf", []string{"d"}, []string{"e"}), node("Add", []string{"e", "one"}, []string{"a"}),
			node("Mul", []string{"x", "a"}, []string{"m"}), node("Mul", []string{"m", "half"}, []string{"y"})},
		want: []string{"Gelu"}, gone: []string{"Erf"}},
	{name: "gelu, half first", dims: []int{3, 8}, init: map[string]*tensor.Tensor{"r": num(1.4142135), "one": num(1), "half": num(0.5)},
		nodes: []*loader.Node{node("Mul", []string{"x", "half"}, []string{"h"}), node("Div", []string{"x", "r"}, []string{"d"}), node("Erf", []string{"d"}, []string{"e"}),
			node("Add", []string{"e", "one"}, []string{"a"}), node("Mul", []string{"h", "a"}, []string{"y"})},
		want: []string{"Gelu"}, gone: []string{"Erf"}},
	{name: "layer norm in pieces", dims: []int{4, 16}, opset: 13,
		init: map[string]*tensor.Tensor{"two": num(2), "eps": num(1e-5), "g": random(16), "b": random(16)},
		nodes: []*loader.Node{node("ReduceMean", []string{"x"}, []string{"mu"}, attr("axes", []int64{-1})), node("Sub", []string{"x", "mu"}, []string{"d"}),
			node("Pow", []string{"d", "two"}, []string{"p"}), node("ReduceMean", []string{"p"}, []string{"v"}, attr("axes", []int64{-1})),
			node("Add", []string{"v", "eps"}, []string{"ve"}), node("Sqrt", []string{"ve"}, []string{"s"}), node("Div", []string{"d", "s"}, []string{"n"}),
			node("Mul", []string{"n", "g"}, []string{"ng"}), node("Add", []string{"ng", "b"}, []string{"y"})},
		want: []string{"LayerNormalization"}, gone: []string{"Sqrt", "ReduceMean"}},
	{name: "product with bias, residual and activation", dims: []int{4, 8}, init: map[string]*tensor.Tensor{"w": random(8, 8), "b": random(8)},
		nodes: []*loader.Node{node("MatMul", []string{"x", "w"}, []string{"m"}), node("Add", []string{"m", "b"}, []string{"a"}),
			node("Add", []string{"a", "x"}, []string{"r"}), node("Relu", []string{"r"}, []string{"y"})},
		want: []string{"ingot.MatMul"}, gone: []string{"Add", "Relu"}},
	{name: "gemm with activation", dims: []int{4, 8}, init: map[string]*tensor.Tensor{"w": random(5, 8), "b": random(5)},
		nodes: []*loader.Node{node("Gemm", []string{"x", "w", "b"}, []string{"g"}, attr("transB", int64(1)), attr("alpha", float32(0.5))),
			node("Sigmoid", []string{"g"}, []string{"y"})},
		want: []string{"ingot.MatMul"}, gone: []string{"Gemm", "Sigmoid"}},
	{name: "convolution with batch norm, residual and activation", dims: []int{2, 4, 6, 5},
		init: map[string]*tensor.Tensor{"w": random(4, 4, 3, 3), "g": random(4), "b": random(4), "m": random(4), "v": positive(4)},
		nodes: []*loader.Node{node("Conv", []string{"x", "w"}, []string{"c"}, attr("pads", []int64{1, 1, 1, 1})),
			node("BatchNormalization", []string{"c", "g", "b", "m", "v"}, []string{"n"}), node("Add", []string{"n", "x"}, []string{"r"}), node("Relu", []string{"r"}, []string{"y"})},
		want: []string{"ingot.ConvNHWC", "ingot.ToNHWC", "ingot.ToNCHW"}, gone: []string{"BatchNormalization", "Add", "Relu"}},
	{name: "a channels-last region", dims: []int{1, 4, 8, 8}, init: map[string]*tensor.Tensor{"w": random(6, 4, 1, 1), "v": random(3, 6, 3, 3), "s": random(6, 1, 1)},
		nodes: []*loader.Node{node("Conv", []string{"x", "w"}, []string{"c"}), node("Exp", []string{"c"}, []string{"e"}), node("Mul", []string{"e", "s"}, []string{"f"}),
			node("Concat", []string{"f", "c"}, []string{"k"}, attr("axis", int64(1))), node("Split", []string{"k"}, []string{"p", "q"}, attr("axis", int64(1)), attr("num_outputs", int64(2))),
			node("Add", []string{"p", "q"}, []string{"a"}), node("Conv", []string{"a", "v"}, []string{"d"}), node("Transpose", []string{"d"}, []string{"y"}, attr("perm", []int64{0, 2, 3, 1}))},
		want: []string{"ingot.ConvNHWC"}, gone: []string{"ToNCHW", "Transpose"}},
}

func TestPatterns(t *testing.T) {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patterns {
		t.Run(p.name, func(t *testing.T) {
			opset := p.opset
			if opset == 0 {
				opset = 21
			}
			dims := make([]any, len(p.dims))
			for i, d := range p.dims {
				dims[i] = d
			}
			g := &loader.Graph{Inputs: []*loader.ValueInfo{value("x", tensor.Float32, dims...)}, Outputs: []*loader.ValueInfo{value("y", tensor.Float32)}, Nodes: p.nodes}
			for name, v := range p.init {
				g.Initializers = append(g.Initializers, loader.NewInitializer(name, v))
			}
			b, err := onnxpb.Encode(&loader.Model{IRVersion: 9, Opsets: []loader.OpsetImport{{Version: opset}}, Graph: g})
			if err != nil {
				t.Fatal(err)
			}
			m, err := loader.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			var outs [2][]tensor.Value
			for i, off := range [][]string{nil, {"all"}} {
				prog, err := runtime.Compile(m, runtime.Options{Ops: set, DisablePasses: off})
				if err != nil {
					t.Fatal(err)
				}
				outs[i] = make([]tensor.Value, 1)
				if err := prog.Run(context.Background(), []tensor.Value{random(p.dims...)}, nil, outs[i]); err != nil {
					t.Fatal(err)
				}
				dump := prog.Graph().Dump()
				for _, op := range p.want {
					if has := strings.Contains(dump, "= "+op+"("); i == 0 && !has {
						t.Errorf("no %s in\n%s", op, dump)
					}
				}
				for _, op := range p.gone {
					if i == 0 && strings.Contains(dump, op+"(") {
						t.Errorf("%s is left in\n%s", op, dump)
					}
				}
			}
			if err := cases.Compare(outs[1][0], outs[0][0], 1e-4, 1e-5); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDisabling(t *testing.T) {
	for _, p := range passes.All {
		if p.Name == "" || p.Why == "" {
			t.Errorf("pass %q doesn't say why it is sound", p.Name)
		}
	}
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	m := &loader.Model{IRVersion: 9, Opsets: []loader.OpsetImport{{Version: 21}}, Graph: &loader.Graph{
		Inputs: []*loader.ValueInfo{value("x", tensor.Float32, 4)}, Outputs: []*loader.ValueInfo{value("y", tensor.Float32)},
		Nodes: []*loader.Node{node("Sigmoid", []string{"x"}, []string{"s"}), node("Mul", []string{"s", "x"}, []string{"y"})}}}
	for _, c := range []struct {
		off   []string
		fused bool
	}{{nil, true}, {[]string{"fuse-swish"}, false}, {[]string{"fuse-gelu"}, true}} {
		p, err := runtime.Compile(m, runtime.Options{Ops: set, DisablePasses: c.off})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(p.Graph().Dump(), "Swish"); got != c.fused {
			t.Errorf("without %v: fused %t", c.off, got)
		}
	}
	var unknown *passes.UnknownError
	if _, err := runtime.Compile(m, runtime.Options{Ops: set, DisablePasses: []string{"fuse-swich"}}); !errors.As(err, &unknown) || unknown.Name != "fuse-swich" || !slices.Contains(unknown.Known, "fuse-swish") {
		t.Errorf("an unknown pass: %v", err)
	}
	t.Setenv("INGOT_DISABLE_PASSES", "fuse-swish,fuse-gelu")
	p, err := runtime.Compile(m, runtime.Options{Ops: set})
	if err != nil || strings.Contains(p.Graph().Dump(), "Swish") {
		t.Errorf("the environment variable: %v", err)
	}
}
