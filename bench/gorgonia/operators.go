package main

import (
	"fmt"
	"math"
	"os"
	"text/tabwriter"
	"time"

	"gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/exprgraph"
	"ingot/internal/cases"
	"ingot/loader"
	"ingot/tensor"
)

// pair is an operator that both have.
type pair struct {
	name   string
	shapes [][]int // of the inputs
	op     string
	attrs  []*loader.Attr
	axes   []int64 // an input of its own, after the others
	theirs func(in gorgonia.Nodes) (*gorgonia.Node, error)
}

func unary(f func(*gorgonia.Node) (*gorgonia.Node, error)) func(gorgonia.Nodes) (*gorgonia.Node, error) {
	return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return f(in[0]) }
}

func binary(f func(a, b *gorgonia.Node) (*gorgonia.Node, error)) func(gorgonia.Nodes) (*gorgonia.Node, error) {
	return func(in gorgonia.Nodes) (*gorgonia.Node, error) { return f(in[0], in[1]) }
}

func ints(name string, v ...int64) *loader.Attr {
	return &loader.Attr{Name: name, Type: loader.AttrInts, Ints: v}
}

func integer(name string, v int64) *loader.Attr {
	return &loader.Attr{Name: name, Type: loader.AttrInt, I: v}
}

var (
	image  = []int{1, 64, 56, 56}
	vector = []int{1, 1 << 18}
)

var pairs = []pair{
	{name: "MatMul 64×64", shapes: [][]int{{64, 64}, {64, 64}}, op: "MatMul", theirs: binary(gorgonia.Mul)},
	{name: "MatMul 512×512", shapes: [][]int{{512, 512}, {512, 512}}, op: "MatMul", theirs: binary(gorgonia.Mul)},
	{name: "Conv 3×3, 64 channels, 56×56", shapes: [][]int{image, {64, 64, 3, 3}}, op: "Conv", attrs: []*loader.Attr{ints("pads", 1, 1, 1, 1)},
		theirs: func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			return gorgonia.Conv2d(in[0], in[1], gt.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1})
		}},
	{name: "Conv 1×1, 64 channels, 56×56", shapes: [][]int{image, {64, 64, 1, 1}}, op: "Conv",
		theirs: func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			return gorgonia.Conv2d(in[0], in[1], gt.Shape{1, 1}, []int{0, 0}, []int{1, 1}, []int{1, 1})
		}},
	{name: "MaxPool 2×2", shapes: [][]int{image}, op: "MaxPool", attrs: []*loader.Attr{ints("kernel_shape", 2, 2), ints("strides", 2, 2)},
		theirs: func(in gorgonia.Nodes) (*gorgonia.Node, error) {
			return gorgonia.MaxPool2D(in[0], gt.Shape{2, 2}, []int{0, 0}, []int{2, 2})
		}},
	{name: "GlobalAveragePool", shapes: [][]int{image}, op: "GlobalAveragePool", theirs: unary(gorgonia.GlobalAveragePool2D)},
	{name: "Add", shapes: [][]int{vector, vector}, op: "Add", theirs: binary(gorgonia.Add)},
	{name: "Mul", shapes: [][]int{vector, vector}, op: "Mul", theirs: binary(gorgonia.HadamardProd)},
	{name: "Div", shapes: [][]int{vector, vector}, op: "Div", theirs: binary(gorgonia.HadamardDiv)},
	{name: "Relu", shapes: [][]int{image}, op: "Relu", theirs: unary(gorgonia.Rectify)},
	{name: "Sigmoid", shapes: [][]int{vector}, op: "Sigmoid", theirs: unary(gorgonia.Sigmoid)},
	{name: "Tanh", shapes: [][]int{vector}, op: "Tanh", theirs: unary(gorgonia.Tanh)},
	{name: "Exp", shapes: [][]int{vector}, op: "Exp", theirs: unary(gorgonia.Exp)},
	{name: "Sqrt", shapes: [][]int{vector}, op: "Sqrt", theirs: unary(gorgonia.Sqrt)},
	{name: "Softmax 128×1000", shapes: [][]int{{128, 1000}}, op: "Softmax", attrs: []*loader.Attr{integer("axis", 1)},
		theirs: func(in gorgonia.Nodes) (*gorgonia.Node, error) { return gorgonia.SoftMax(in[0], 1) }},
	{name: "ReduceSum 512×512", shapes: [][]int{{512, 512}}, op: "ReduceSum", attrs: []*loader.Attr{integer("keepdims", 0)}, axes: []int64{1},
		theirs: func(in gorgonia.Nodes) (*gorgonia.Node, error) { return gorgonia.Sum(in[0], 1) }},
	{name: "Transpose 512×512", shapes: [][]int{{512, 512}}, op: "Transpose",
		theirs: func(in gorgonia.Nodes) (*gorgonia.Node, error) { return gorgonia.Transpose(in[0]) }},
	{name: "Concat 2 × 512×512", shapes: [][]int{{512, 512}, {512, 512}}, op: "Concat", attrs: []*loader.Attr{integer("axis", 1)},
		theirs: func(in gorgonia.Nodes) (*gorgonia.Node, error) { return gorgonia.Concat(1, in...) }},
}

// operators compares single operators with Gorgonia's.
func operators(threads, rounds int, slice time.Duration) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d thread(s)\tours ms\tTapeMachine ms\tTapeMachine/ours\t\n", threads)
	logs, n := 0.0, 0
	for i := range pairs {
		ours, theirs, err := pairs[i].measure(threads, rounds, slice)
		if err != nil {
			return fmt.Errorf("%s: %w", pairs[i].name, err)
		}
		fmt.Fprintf(w, "%s\t%.4f\t%.4f\t%.1f\t\n", pairs[i].name, ours, theirs, theirs/ours)
		logs += math.Log(theirs / ours)
		n++
	}
	fmt.Fprintf(w, "geometric mean\t\t\t%.1f\t\n", math.Exp(logs/float64(n)))
	return w.Flush()
}

func (p *pair) measure(threads, rounds int, slice time.Duration) (ours, theirs float64, err error) {
	g := gorgonia.NewGraph()
	var nodes gorgonia.Nodes
	var in []*tensor.Tensor
	for i, shape := range p.shapes {
		size := 1
		for _, d := range shape {
			size *= d
		}
		v := make([]float32, size)
		for k := range v {
			v[k] = float32((k*(i+7)*31)%97)/97 + 0.1
		}
		t, err := tensor.FromSlice(v, shape...)
		if err != nil {
			return 0, 0, err
		}
		in = append(in, t)
		nodes = append(nodes, gorgonia.NewTensor(g, gorgonia.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(fmt.Sprint("x", i)),
			gorgonia.WithValue(gt.New(gt.WithShape(shape...), gt.WithBacking(v)))))
	}
	result, err := p.theirs(nodes)
	if err != nil {
		return 0, 0, err
	}
	tape := gorgonia.NewTapeMachine(g)
	defer tape.Close()
	if err := tape.RunAll(); err != nil {
		return 0, 0, err
	}
	mine, err := exprgraph.New(p.model(in), ingot.WithThreads(threads))
	if err != nil {
		return 0, 0, err
	}
	vm := exprgraph.NewVM(mine)
	defer vm.Close()
	for i, t := range in {
		if err := exprgraph.Let(exprgraph.Input(mine, fmt.Sprint("x", i)), t); err != nil {
			return 0, 0, err
		}
	}
	if err := vm.RunAll(); err != nil {
		return 0, 0, err
	}
	want, err := exprgraph.FromValue(result.Value())
	if err != nil {
		return 0, 0, err
	}
	got, err := exprgraph.FromValue(exprgraph.Output(mine, "y").Value())
	if err != nil {
		return 0, 0, err
	}
	if got, want := got.(*tensor.Tensor), want.(*tensor.Tensor); got.Len() == want.Len() {
		if want, err = want.Reshape(got.Dims()...); err != nil { // Gorgonia drops or keeps dimensions of 1 otherwise
			return 0, 0, err
		}
		if err := cases.Compare(want, got, 1e-3, 1e-5); err != nil {
			return 0, 0, err
		}
	}
	return duel(rounds, slice, vm.RunAll, func() error {
		tape.Reset()
		return tape.RunAll()
	})
}

// model is the operator as a model of one node.
func (p *pair) model(in []*tensor.Tensor) *loader.Model {
	n := &loader.Node{Name: p.name, OpType: p.op, Outputs: []string{"y"}, Attrs: p.attrs}
	g := &loader.Graph{Nodes: []*loader.Node{n}, Outputs: []*loader.ValueInfo{{Name: "y"}}}
	for i, t := range in {
		v := &loader.ValueInfo{Name: fmt.Sprint("x", i), Type: loader.TypeInfo{Kind: loader.KindTensor, DType: t.DType(), HasShape: true}}
		for _, d := range t.Dims() {
			v.Type.Dims = append(v.Type.Dims, loader.Dim{Size: int64(d)})
		}
		g.Inputs = append(g.Inputs, v)
		n.Inputs = append(n.Inputs, v.Name)
	}
	if p.axes != nil {
		g.Initializers = append(g.Initializers, loader.NewInitializer("axes", tensor.Of(p.axes, len(p.axes))))
		n.Inputs = append(n.Inputs, "axes")
	}
	return &loader.Model{IRVersion: 10, Opsets: []loader.OpsetImport{{Version: 21}}, Graph: g}
}
