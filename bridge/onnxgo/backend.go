package onnxgo

import (
	"context"
	"fmt"
	"slices"

	onnx "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend"
	"gonum.org/v1/gonum/graph"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/dense"
	"ingot/internal/config"
	"ingot/loader"
	"ingot/ops"
)

// Backend takes the graph that onnx-go's decoder makes of a file, and runs it. It holds one model and the values of its inputs and outputs, so that
// it is for one goroutine at a time; see [Backend.Attach] for more.
type Backend struct {
	set  settings
	cfg  *config.Config // of set.model
	err  error          // what makes the graph useless: each run returns it
	fact *facade        // nil: the graph is what runs

	nextID   int64
	nodes    []*Node
	byID     map[int64]*Node
	values   map[string]*value
	edges    map[[2]int64]edge
	operands map[int64][]*Node // without repetitions, as a simple graph has them
	users    map[int64][]*Node
	pending  []edge // since the last operation
	ops      []*operation

	roles *roles // nil when the graph has changed
	prog  *program
	asked map[*value]bool // outputs that GetTensor was asked for, beside those that are sure to be some
	last  *lastRun
	ran   bool // outputs are results, or missing, and no longer placeholders
}

var _ backend.ComputationBackend = (*Backend)(nil)

// operation is a node of the model.
type operation struct {
	op      *ops.Op
	attrs   []*loader.Attr
	in, out []*Node
}

// String tells which node of the model it is by what it computes: onnx-go's decoder leaves out its name.
func (o *operation) String() string {
	if o.op == nil {
		return "the model"
	}
	for _, n := range o.out {
		if n.name != "" {
			return fmt.Sprintf("%s(…) → %q", o.op, n.name)
		}
	}
	return fmt.Sprintf("%s(…)", o.op)
}

// NewBackend returns a backend for onnx.NewModel. A mistake in an option is told when the model is decoded.
func NewBackend(opts ...Option) *Backend {
	b := &Backend{
		nextID: firstID, byID: map[int64]*Node{}, values: map[string]*value{}, edges: map[[2]int64]edge{},
		operands: map[int64][]*Node{}, users: map[int64][]*Node{}, asked: map[*value]bool{},
	}
	for _, o := range opts {
		if err := o(&b.set); err != nil && b.err == nil {
			b.err = err
		}
	}
	cfg, err := config.New(b.set.model)
	if err != nil && b.err == nil {
		b.err = err
	}
	b.cfg = cfg
	return b
}

// fail keeps the first mistake of calls that can't return one.
func (b *Backend) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("onnxgo: "+format, args...)
	}
}

// started reports whether operators have begun: what comes before are inputs, declarations and weights.
func (b *Backend) started() bool { return len(b.pending) > 0 || len(b.ops) > 0 }

// changed forgets what was made of the graph before.
func (b *Backend) changed() { b.roles, b.prog, b.last, b.ran = nil, nil, nil, false }

// link makes a node stand for the value of a name.
func (b *Backend) link(n *Node, name string) {
	if n.v != nil {
		for i, other := range n.v.nodes {
			if other == n {
				n.v.nodes = append(n.v.nodes[:i:i], n.v.nodes[i+1:]...)
				break
			}
		}
		if len(n.v.nodes) == 0 && b.values[n.v.name] == n.v {
			delete(b.values, n.v.name)
		}
	}
	v := b.values[name]
	if v == nil || b.fact != nil { // a facade's nodes are told apart by their places
		v = &value{name: name}
		b.values[name] = v
	}
	v.nodes = append(v.nodes, n)
	n.v = v
	b.changed()
}

// ApplyOperation makes nodes the outputs of an operator, whose operands are the edges that were set since the last call. Operators that aren't
// known are an *onnx.ErrNotImplemented.
func (b *Backend) ApplyOperation(o onnx.Operation, ns ...graph.Node) error {
	err := b.apply(o, ns)
	if err != nil && b.err == nil {
		b.err = err // a program that overlooks the error doesn't get to run half of a model
	}
	return err
}

func (b *Backend) apply(o onnx.Operation, ns []graph.Node) error {
	pending := b.pending
	b.pending = nil
	b.changed()
	if b.err != nil {
		return b.err
	}
	op := &operation{}
	for _, n := range ns {
		own, ok := n.(*Node)
		if !ok || own == nil || b.byID[own.id] != own {
			return fmt.Errorf("onnxgo: operator %s: an output is a node of another graph: %v", o.Name, n)
		}
		op.out = append(op.out, own)
	}
	if b.fact != nil {
		return b.fact.apply(b, o, op)
	}
	if len(ns) == 0 {
		return fmt.Errorf("onnxgo: operator %s has no outputs", o.Name)
	}
	// The decoder sets all operands' edges for the first output, then all for the second.
	k := len(pending) / len(ns)
	if k*len(ns) != len(pending) {
		return fmt.Errorf("onnxgo: operator %s: its %d outputs have %d edges", o.Name, len(ns), len(pending))
	}
	for i, e := range pending {
		if e.from != op.out[i/k] || e.place != float64(i%k) || e.to != pending[i%k].to {
			return fmt.Errorf("onnxgo: operator %s: the edges of its outputs aren't those of operands 0 to %d in order", o.Name, k-1)
		}
		if i < k {
			op.in = append(op.in, e.to)
		}
	}
	var err error
	if op.op, err = b.lookup(o.Name); err != nil {
		return err
	}
	if op.attrs, err = attrsOf(o.Attributes); err != nil {
		return &onnx.ErrNotImplemented{Operator: o.Name, Message: err.Error()}
	}
	b.ops = append(b.ops, op)
	return nil
}

// give gives a node a value.
func (b *Backend) give(n *Node, d *gt.Dense) error {
	if !b.started() && b.fact == nil {
		n.decoded++
		n.v.declared = d
		b.changed()
		return nil
	}
	r := &roles{}
	if b.fact == nil {
		r = b.resolve()
	}
	switch v := n.v; {
	case v.maker != nil:
		return fmt.Errorf("onnxgo: %s is computed by %s: it can't be set", n, v.maker)
	case n.name == "":
		return fmt.Errorf("onnxgo: %s stands for operands that are left out: it can't be set", n)
	case b.fact == nil && !n.early && n.users == 0:
		err := fmt.Errorf("onnxgo: %s doesn't belong to the model that was decoded before: a backend is for one model", n)
		b.fail("a second model was decoded: a backend is for one model")
		return err
	default:
		v.given = d
		if r.weights[v] {
			b.prog, b.last = nil, nil // what the last run left out can't be computed any more
		}
	}
	return nil
}

// take returns a node's value as far as there is one.
func (b *Backend) take(n *Node) *gt.Dense {
	v := n.v
	if b.fact != nil {
		return b.fact.take(b, n)
	}
	r := b.resolve()
	switch {
	case v.maker != nil && !b.ran:
		return v.declared
	case v.maker != nil:
		if v.result == nil && n.early {
			b.compute(v)
		}
		return v.result
	case n != v.nodes[0] && v.result != nil:
		return v.result // an input that is an output too
	case v.given == nil && (n.early || r.weights[v]):
		return v.declared
	}
	return v.given
}

// Run computes the model's outputs from the values that its inputs have now. It may be called again, with other values of other
// sizes; the outputs of each run are memory of their own. The first run compiles the graph.
//
// Refused is what can't be told from the graph, with the node in question: an operator that isn't known is an error of the decoder already, an input without
// a value, a model whose meaning depends on its opset (see [WithOpset]), and whatever package ingot refuses, with its errors.
func (b *Backend) Run() error { return b.RunContext(context.Background()) }

// RunContext is Run that ends with the context's error soon after the context is done.
func (b *Backend) RunContext(ctx context.Context) error {
	if b.fact != nil {
		return b.fact.run(ctx, b)
	}
	for _, v := range b.values {
		v.result = nil
	}
	b.ran, b.last = true, nil
	if err := b.check(); err != nil {
		return err
	}
	r := b.resolve()
	wanted := slices.Clone(r.outputs)
	for _, v := range r.maybe {
		if b.asked[v] {
			wanted = append(wanted, v)
		}
	}
	return b.run(ctx, wanted, len(wanted) < len(r.outputs)+len(r.maybe))
}

// check reports what makes the graph useless.
func (b *Backend) check() error {
	switch {
	case b.err != nil:
		return b.err
	case len(b.pending) > 0:
		return fmt.Errorf("onnxgo: the decoder stopped at the node that computes %q: see the error of UnmarshalBinary", b.pending[0].from.name)
	case len(b.ops) == 0:
		return fmt.Errorf("onnxgo: no model was decoded: see the error of UnmarshalBinary")
	}
	return b.resolve().err
}

// Model returns the compiled model, which any number of goroutines may run while the backend is for one at a time. Inputs that no operator
// uses are left out. An input that has a value should have it before, as even the rank is unknown otherwise.
func (b *Backend) Model() (*ingot.Model, error) {
	if b.fact != nil {
		return b.fact.model, b.err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	p, err := b.compile(slices.Clone(b.resolve().outputs))
	if err != nil {
		return nil, err
	}
	return p.model, nil
}

// lastRun is what the last run was given, to compute more of its values.
type lastRun struct {
	in ingot.Inputs
}

// run compiles the graph if need be, and computes the values that are wanted. more tells that there may be more to compute later.
func (b *Backend) run(ctx context.Context, wanted []*value, more bool) error {
	for _, v := range b.resolve().ins {
		if v.given == nil && (!unused(v) || slices.Contains(wanted, v)) {
			return fmt.Errorf("onnxgo: the input %q has no value: SetInput gives it one", v.name)
		}
	}
	p, err := b.compile(wanted)
	if err != nil {
		return err
	}
	in := make(ingot.Inputs, len(p.ins))
	for _, v := range p.ins {
		t, err := dense.Tensor(v.given)
		if err != nil {
			return fmt.Errorf("onnxgo: input %q: %w", v.name, err)
		}
		in[v.name] = t
	}
	if err := b.results(ctx, p, in); err != nil {
		return err
	}
	if more {
		for name, t := range in {
			in[name] = t.Clone()
		}
		b.last = &lastRun{in}
	}
	return nil
}

// results runs a program and gives the values their results.
func (b *Backend) results(ctx context.Context, p *program, in ingot.Inputs) error {
	out, err := p.model.Run(ctx, in)
	if err != nil {
		return err
	}
	for _, v := range p.outs {
		t, ok := out[v.name]
		if !ok {
			continue // WithOutputs left it out
		}
		if v.result, err = dense.Of(t); err != nil {
			return fmt.Errorf("onnxgo: output %q: %w", v.name, err)
		}
	}
	return nil
}

// compute runs the model once more, for an output that nothing told apart from values in between: it is declared, and operators use it.
func (b *Backend) compute(v *value) {
	if b.last == nil {
		return
	}
	b.asked[v] = true
	p, err := b.compile([]*value{v})
	if err != nil || b.results(context.Background(), p, b.last.in) != nil {
		v.result = nil
	}
}
