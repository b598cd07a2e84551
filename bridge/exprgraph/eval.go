package exprgraph

import (
	"context"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"ingot"
	"ingot/internal/config"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/tensor"
)

// evaluator computes one operator: a model of a single node. Gorgonia's own machines need it, which run node after node.
type evaluator struct {
	op    *Operator
	model *ingot.Model
	in    []string // the model's input for each operand, "" for an absent one
	used  []int    // outputs that the node names
}

func newEvaluator(op *Operator, vals []gorgonia.Value) (*evaluator, error) {
	if len(vals) != op.Arity() {
		return nil, fmt.Errorf("%s: has %d operands, not %d", op.node, op.Arity(), len(vals))
	}
	e := &evaluator{op: op, in: make([]string, len(vals))}
	names := append(slices.Clone(op.node.Inputs), op.captures...)
	g := &loader.Graph{Name: op.node.String(), Nodes: []*loader.Node{op.node}}
	for i, name := range names {
		if name == "" {
			continue
		}
		v, err := FromValue(vals[i])
		if err != nil {
			return nil, fmt.Errorf("%s: operand %d: %w", op.node, i, err)
		}
		e.in[i] = name
		if slices.Index(names, name) == i {
			g.Inputs = append(g.Inputs, &loader.ValueInfo{Name: name, Type: openType(v)})
		}
	}
	for i, name := range op.node.Outputs {
		if name != "" {
			e.used = append(e.used, i)
			g.Outputs = append(g.Outputs, &loader.ValueInfo{Name: name})
		}
	}
	m := op.src.derive(g)
	m.Warnings = nil
	var err error
	e.model, err = ingot.Compile(m, op.src.with(func(c *config.Config) {
		c.Run.Outputs, c.Run.Dims, c.Run.Overridable, c.Run.Logger, c.Run.Profile = nil, nil, nil, nil, nil
	}))
	return e, err
}

// openType is the type of an input that takes such a value, whatever its shape.
func openType(v tensor.Value) loader.TypeInfo {
	t := sym.TypeOf(v, false)
	return openInfo(&t)
}

func openInfo(t *sym.Type) loader.TypeInfo {
	info := loader.TypeInfo{Kind: loader.KindTensor, DType: t.DT, Key: t.Key}
	switch t.Kind {
	case sym.Sequence:
		info.Kind = loader.KindSequence
	case sym.Optional:
		info.Kind = loader.KindOptional
	case sym.Map:
		info.Kind = loader.KindMap
	}
	if t.Elem != nil {
		e := openInfo(t.Elem)
		info.Elem = &e
	}
	return info
}

func (e *evaluator) do(vals []gorgonia.Value) (gorgonia.Value, error) {
	if len(vals) != len(e.in) {
		return nil, fmt.Errorf("%s: has %d operands, not %d", e.op.node, len(e.in), len(vals))
	}
	in := map[string]tensor.Value{}
	for i, name := range e.in {
		if name == "" {
			continue
		}
		v, err := FromValue(vals[i])
		if err != nil {
			return nil, fmt.Errorf("%s: operand %d: %w", e.op.node, i, err)
		}
		in[name] = v
	}
	out, err := e.model.RunValues(context.Background(), in)
	if err != nil {
		return nil, err
	}
	b := bundle{values: make([]gorgonia.Value, len(e.op.node.Outputs))}
	for _, i := range e.used {
		if b.values[i], err = ValueOf(out[e.op.node.Outputs[i]]); err != nil {
			return nil, err
		}
	}
	if len(b.values) == 1 {
		return b.values[0], nil
	}
	return b, nil
}
