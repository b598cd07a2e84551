package exprgraph

import (
	"context"
	"errors"
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/dense"
	"ingot/tensor"
)

// Apply adds a whole model as one operator to a graph of Gorgonia's, for Gorgonia's machines to run. The operands are the model's inputs in
// its order; the nodes of its outputs come back in its order. The model runs once for all of them.
//
// Gorgonia wants to know each shape when a node is made: the operands' shapes must be known, and the outputs' must follow from them.
// Nothing flows back through a model: gradients stop in front of it, so that what comes after can be trained on what the model
// computes. The model may be shared by graphs and machines, and must stay open.
func Apply(m *ingot.Model, operands ...*gorgonia.Node) (nodes gorgonia.Nodes, err error) {
	defer func() {
		if r := recover(); r != nil {
			nodes, err = nil, fmt.Errorf("exprgraph: Gorgonia panicked: %v", r)
		}
	}()
	ins := m.Inputs()
	if len(operands) != len(ins) {
		return nil, fmt.Errorf("exprgraph: the model has %d inputs, not %d: %v", len(ins), len(operands), ins)
	}
	shapes := map[string][]int{}
	op := &modelOp{plain: plain{newIdentity()}, m: m}
	for i, n := range operands {
		if n == nil {
			return nil, fmt.Errorf("exprgraph: the node for input %q is nil", ins[i].Name)
		}
		if got := dtypeOf(n.Type()); got != ins[i].DType {
			return nil, &ingot.InputError{Name: ins[i].Name, Want: ins[i].String(), Got: fmt.Sprintf("%s, the type of node %q", got, n.Name())}
		}
		shapes[ins[i].Name] = n.Shape()
		op.names = append(op.names, ins[i].Name)
		op.in = append(op.in, n.Type())
	}
	outs, err := m.OutputsFor(shapes)
	if err != nil {
		return nil, err
	}
	for _, out := range outs {
		o, err := newModelOutput(out)
		if err != nil {
			return nil, err
		}
		op.outs = append(op.outs, o)
	}
	if len(outs) == 0 {
		return nil, errors.New("exprgraph: the model has no outputs")
	}
	all, err := gorgonia.ApplyOp(op, operands...)
	if err != nil {
		return nil, fmt.Errorf("exprgraph: %w", err)
	}
	if len(outs) == 1 {
		gorgonia.WithName(outs[0].Name)(all)
		return gorgonia.Nodes{all}, nil
	}
	for i, o := range op.outs {
		s := &selectOp{plain: plain{newIdentity()}, index: i, name: outs[i].Name, t: o.t, shape: o.shape, from: op.outs[0].t}
		n, err := gorgonia.ApplyOpWithName(s, outs[i].Name, all)
		if err != nil {
			return nil, fmt.Errorf("exprgraph: output %q: %w", outs[i].Name, err)
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// modelOutput is an output as Gorgonia sees it.
type modelOutput struct {
	name  string
	t     hm.Type
	shape gt.Shape
}

func newModelOutput(v ingot.ValueInfo) (modelOutput, error) {
	o := modelOutput{name: v.Name, shape: make(gt.Shape, len(v.Dims))}
	if v.Kind != ingot.KindTensor || v.Dims == nil {
		return o, fmt.Errorf("exprgraph: output %q is %s before a run, which Gorgonia has no type for", v.Name, v)
	}
	dt, err := dense.Dtype(v.DType)
	if err != nil {
		return o, err
	}
	for i, d := range v.Dims {
		if d.Sym != "" {
			return o, fmt.Errorf("exprgraph: output %q is %s before a run, and Gorgonia wants to know each dimension", v.Name, v)
		}
		o.shape[i] = int(d.Size)
	}
	o.t = dt
	if len(o.shape) > 0 {
		o.t = gorgonia.TensorType{Dims: len(o.shape), Of: dt}
	}
	return o, nil
}

// modelOp is a model as an operator. Several outputs come as a bundle, in a node that pretends to be the first.
type modelOp struct {
	plain
	m     *ingot.Model
	names []string
	in    []hm.Type
	outs  []modelOutput
}

func (op *modelOp) Arity() int { return len(op.in) }
func (op *modelOp) Type() hm.Type { // a new one at each call: Gorgonia gives it back to a pool
	return hm.NewFnType(append(append([]hm.Type{}, op.in...), op.outs[0].t)...)
}
func (op *modelOp) InferShape(...gorgonia.DimSizer) (gt.Shape, error) {
	return op.outs[0].shape.Clone(), nil
}
func (op *modelOp) String() string { return "model" }
func (op *modelOp) Do(vals ...gorgonia.Value) (gorgonia.Value, error) {
	if len(vals) != len(op.in) {
		return nil, fmt.Errorf("the model has %d inputs, not %d", len(op.in), len(vals))
	}
	in := map[string]tensor.Value{}
	for i, v := range vals {
		t, err := FromValue(v)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", op.names[i], err)
		}
		in[op.names[i]] = t
	}
	out, err := op.m.RunValues(context.Background(), in)
	if err != nil {
		return nil, err
	}
	b := bundle{values: make([]gorgonia.Value, len(op.outs))}
	for i, o := range op.outs {
		if b.values[i], err = op.value(o, out[o.name]); err != nil {
			return nil, fmt.Errorf("output %q: %w", o.name, err)
		}
	}
	if len(b.values) == 1 {
		return b.values[0], nil
	}
	return b, nil
}

// value is an output as Gorgonia wants it.
func (op *modelOp) value(o modelOutput, v tensor.Value) (gorgonia.Value, error) {
	if t, ok := v.(*tensor.Tensor); ok && len(o.shape) == 0 {
		if s, ok := scalarValue(t); ok {
			return s, nil
		}
	}
	return ValueOf(v)
}
