package ir

import (
	"fmt"
	"strings"

	"ingot/internal/sym"
	"ingot/ops"
)

// Types holds what is known of a graph's values, by [Value.ID].
type Types []sym.Type

// BoundTypes returns the types that the graph's values have by themselves.
func (g *Graph) BoundTypes() Types {
	ts := make(Types, g.NumValues())
	for i := range ts {
		ts[i].Kind = sym.None
	}
	set := func(v *Value) {
		if v != nil {
			ts[v.ID] = v.Type
		}
	}
	for _, v := range g.In {
		set(v)
	}
	for _, v := range g.Capt {
		set(v)
	}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			set(v)
		}
		for _, v := range n.Out {
			set(v)
		}
	}
	for _, v := range g.Out {
		set(v)
	}
	return ts
}

// TypeOf tells what is known of a value.
type TypeOf func(*Value) *sym.Type

// Of looks a value up.
func (ts Types) Of(v *Value) *sym.Type { return &ts[v.ID] }

// Bound is what a value's own Type says.
func Bound(v *Value) *sym.Type { return &v.Type }

// InferNode runs the shape rule of n on what is known of its operands. The result holds the outputs' types, and which values the rule
// missed.
func InferNode(n *Node, of TypeOf) (*ops.Infer, error) {
	ins := make([]*sym.Type, n.NumIn)
	for i, v := range n.Inputs() {
		if v != nil {
			ins[i] = of(v)
		}
	}
	c := ops.NewInfer(ins, n.Wants(), BodyInferer{n, of})
	if err := n.Op.InferTypes(c, n.Attr); err != nil {
		return nil, &NodeError{Origin: n.Origin, Err: err}
	}
	return c, nil
}

// BodyInferer infers the bodies of a node.
type BodyInferer struct {
	Node *Node
	Of   TypeOf // types of the node's operands
}

// InferBody infers the body from the given types of its inputs and what is known of its captures.
func (b BodyInferer) InferBody(s *ops.Subgraph, in []sym.Type) ([]sym.Type, error) {
	g := b.Node.Subs[s.Index].Graph
	if len(in) != len(g.In) {
		return nil, fmt.Errorf("the body takes %d inputs, not %d", len(g.In), len(in))
	}
	ts := g.BoundTypes()
	for i, v := range g.In {
		ts[v.ID] = Refine(in[i], v.Type)
	}
	for i, v := range b.Node.Captures(s.Index) {
		ts[g.Capt[i].ID] = *b.Of(v)
	}
	if err := g.inferAll(ts); err != nil {
		return nil, err
	}
	out := make([]sym.Type, len(g.Out))
	for i, v := range g.Out {
		out[i] = ts[v.ID]
	}
	return out, nil
}

// Refine fills in a dtype that t lacks from what the file says.
func Refine(t, declared sym.Type) sym.Type {
	if t.Kind == sym.None {
		return declared
	}
	if t.Kind == sym.Tensor && t.DT == 0 && declared.Kind == sym.Tensor {
		t.DT = declared.DT
	}
	return t
}

func (g *Graph) inferAll(ts Types) error {
	for _, n := range g.Nodes {
		if n.dead {
			continue
		}
		c, err := InferNode(n, ts.Of)
		if err != nil {
			return err
		}
		known, ok := Known(n, c, ts)
		for o, v := range n.Out {
			if v == nil {
				continue
			}
			if ts[v.ID] = c.Outs()[o]; ok {
				ts[v.ID] = TypeOfKnown(known[o])
			}
		}
	}
	return nil
}

// InferTypes runs the shape rule of n and gives its outputs the types.
func (n *Node) InferTypes() error {
	c, err := InferNode(n, Bound)
	if err != nil {
		return err
	}
	for o, v := range n.Out {
		if v != nil && v.Const == nil {
			v.Type = c.Outs()[o]
		}
	}
	return nil
}

// NodeError is an error about a node of the model.
type NodeError struct {
	Origin Origin
	Err    error
}

func (e *NodeError) Error() string {
	op := e.Origin.Op
	if e.Origin.Domain != "" {
		op = e.Origin.Domain + "." + op
	}
	node := strings.TrimSuffix(e.Origin.Node, " ("+op+")") // the operator is named anyway
	return fmt.Sprintf("%s, %s of opset %d: %s", node, op, e.Origin.Opset, e.Err)
}

// Unwrap returns the cause.
func (e *NodeError) Unwrap() error { return e.Err }
