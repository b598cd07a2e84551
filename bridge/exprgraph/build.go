package exprgraph

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/internal/config"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/runtime"
)

// Load loads a model from a file as a graph, with the errors of [ingot.Load]: what can't be run is refused here.
//
// Inputs, weights and the values in between are found by their names in the file; the values of weights may be written to, which
// changes the graph and never the file.
func Load(path string, opts ...ingot.Option) (*gorgonia.ExprGraph, error) {
	return load(opts, func(o ...loader.Option) (*loader.Model, error) { return loader.Open(path, o...) })
}

// LoadFS is [Load] for a file of a file system such as an embed.FS.
func LoadFS(fsys fs.FS, name string, opts ...ingot.Option) (*gorgonia.ExprGraph, error) {
	return load(opts, func(o ...loader.Option) (*loader.Model, error) { return loader.OpenFS(fsys, name, o...) })
}

// LoadBytes is [Load] for a model in memory, which is copied.
func LoadBytes(b []byte, opts ...ingot.Option) (*gorgonia.ExprGraph, error) {
	return load(opts, func(o ...loader.Option) (*loader.Model, error) { return loader.Parse(b, o...) })
}

func load(opts []ingot.Option, open func(...loader.Option) (*loader.Model, error)) (*gorgonia.ExprGraph, error) {
	cfg, err := config.New(opts)
	if err != nil {
		return nil, err
	}
	m, err := open(append(slices.Clone(cfg.Loader), loader.WithPrivate())...)
	if err != nil {
		return nil, err
	}
	g, err := build(m, cfg)
	if err != nil {
		m.Close()
	}
	return g, err
}

// New makes a graph of what package loader has read. The graph shares m's tensors: it must stay open as long as the graph is used.
func New(m *loader.Model, opts ...ingot.Option) (*gorgonia.ExprGraph, error) {
	cfg, err := config.New(opts)
	if err != nil {
		return nil, err
	}
	return build(m, cfg)
}

// builder makes the nodes.
type builder struct {
	src   *source
	g     *gorgonia.ExprGraph
	vals  map[string]*gorgonia.Node // by the name of the value
	names map[string]bool           // taken by values and nodes
	none  *gorgonia.Node
}

func build(m *loader.Model, cfg *config.Config) (g *gorgonia.ExprGraph, err error) {
	defer func() {
		if r := recover(); r != nil {
			g, err = nil, &ingot.ModelError{File: m.File, Err: fmt.Errorf("building a Gorgonia graph: %v", r)}
		}
	}()
	quiet := cfg.Run
	quiet.Logger = nil // compiling warns
	types, err := runtime.Check(m, quiet)
	if err != nil {
		return nil, err
	}
	b := &builder{
		src: &source{m, cfg, types}, g: gorgonia.NewGraph(gorgonia.WithGraphName(m.Graph.Name)),
		vals: make(map[string]*gorgonia.Node, len(types)), names: make(map[string]bool, len(types)),
	}
	for name := range types {
		b.names[name] = true
	}
	for _, in := range m.Graph.Inputs {
		if m.Graph.Initializer(in.Name) == nil {
			b.vals[in.Name] = b.leaf(in.Name)
		}
	}
	for _, in := range m.Graph.Initializers {
		if err := b.weight(in); err != nil {
			return nil, &ingot.ModelError{File: m.File, Err: err}
		}
	}
	outputs := map[string]bool{}
	for _, out := range m.Graph.Outputs {
		outputs[out.Name] = true
	}
	for _, n := range m.Graph.Nodes {
		if err := b.node(n, outputs); err != nil {
			return nil, &ingot.ModelError{File: m.File, Err: err}
		}
	}
	for _, out := range m.Graph.Outputs {
		v := b.vals[out.Name]
		if v == nil {
			return nil, &ingot.ModelError{File: m.File, Err: fmt.Errorf("nothing computes the output %q", out.Name)}
		}
		op := &outputOp{plain: plain{newIdentity()}, src: b.src, name: out.Name, t: v.Type()}
		b.add(op, out.Name, v.Type(), shapeOf(v), v)
	}
	return b.g, nil
}

// shapeOf returns the shape that a node was built with, nil if none was known: Gorgonia gives a scalar's for that too.
func shapeOf(n *gorgonia.Node) gt.Shape {
	if _, scalar := n.Type().(gt.Dtype); !scalar && len(n.Shape()) == 0 {
		return nil
	}
	return n.Shape()
}

// typeOf returns the type and, if it is known, the shape of a value.
func (b *builder) typeOf(name string) (hm.Type, gt.Shape) {
	t, ok := b.src.types[name]
	if !ok {
		t = sym.Type{Kind: sym.None}
	}
	return nodeType(&t)
}

// leaf adds an input or a weight.
func (b *builder) leaf(name string) *gorgonia.Node {
	t, shape := b.typeOf(name)
	return gorgonia.NewUniqueNode(append(withType(t, shape), gorgonia.WithName(name), gorgonia.In(b.g))...)
}

func (b *builder) weight(in *loader.Initializer) error {
	t, err := in.Tensor()
	if err != nil {
		return err
	}
	v, err := ValueOf(t)
	if err != nil {
		return fmt.Errorf("initializer %q: %w", in.Name, err)
	}
	n := b.leaf(in.Name)
	b.vals[in.Name] = n
	return bind(n, v)
}

// add adds a node that computes.
func (b *builder) add(op gorgonia.Op, name string, t hm.Type, shape gt.Shape, operands ...*gorgonia.Node) *gorgonia.Node {
	return gorgonia.NewUniqueNode(append(withType(t, shape), gorgonia.WithOp(op), gorgonia.WithName(name),
		gorgonia.WithChildren(operands), gorgonia.In(b.g))...)
}

// node adds an operator of the model: one node that has the name of its value or, with several outputs, one for all of them and one for each.
func (b *builder) node(n *loader.Node, outputs map[string]bool) error {
	op := &Operator{plain: plain{newIdentity()}, src: b.src, node: n, captures: captures(n)}
	operands := make([]*gorgonia.Node, 0, len(n.Inputs)+len(op.captures))
	for _, name := range append(slices.Clone(n.Inputs), op.captures...) {
		v := b.vals[name]
		switch {
		case name == "":
			v = b.absent()
		case v == nil:
			return fmt.Errorf("%s: nothing computes %q", n, name)
		}
		operands = append(operands, v)
	}
	if len(n.Outputs) == 1 && n.Outputs[0] != "" {
		name := n.Outputs[0]
		op.t, op.shape = b.typeOf(name)
		label := name
		if outputs[name] {
			label = b.unused(n)
		}
		b.vals[name] = b.add(op, label, op.t, op.shape, operands...)
		return nil
	}
	op.t = anyType{fmt.Sprintf("%d outputs", len(n.Outputs))}
	all := b.add(op, b.unused(n), op.t, nil, operands...)
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		s := &selectOp{plain: plain{newIdentity()}, index: i, name: name}
		s.t, s.shape = b.typeOf(name)
		label := name
		if outputs[name] {
			label = b.unusedName(name)
		}
		b.vals[name] = b.add(s, label, s.t, s.shape, all)
	}
	return nil
}

// absent is the node that stands for operands that are left out.
func (b *builder) absent() *gorgonia.Node {
	if b.none == nil {
		b.none = b.add(&noneOp{plain{newIdentity()}}, b.unusedName("none"), anyType{"none"}, nil)
	}
	return b.none
}

// unused returns a name for a node of the model that no value and no other node has.
func (b *builder) unused(n *loader.Node) string {
	name := n.Name
	if name == "" {
		name = n.OpType
	}
	return b.unusedName(name)
}

func (b *builder) unusedName(name string) string {
	free := name
	for i := 1; b.names[free]; i++ {
		free = fmt.Sprintf("%s:%d", name, i)
	}
	b.names[free] = true
	return free
}
