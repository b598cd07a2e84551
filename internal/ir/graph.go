// Package ir is the graph that is compiled: what a model's nodes are bound to, and what passes rewrite.
//
// Each [Node] has an operator in its newest form and parsed attributes; each [Value] knows its type as far as symbols tell. Bodies of If,
// Loop and Scan are graphs of their own, and what they take from outside is an explicit operand of the node.
package ir

import (
	"fmt"
	"slices"
	"strings"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Graph is a model's graph or the body of a node. Nodes stand in topological order.
type Graph struct {
	Name     string
	Nodes    []*Node
	In       []*Value
	Out      []*Value
	OutNames []string // names of the outputs; Out may be other values after rewriting
	Capt     []*Value // values inside this graph that stand for captured ones, in the order of the node's operands
	Outer    *Graph
	nextID   int
}

// Value is an operand: a graph's input, a constant, or a node's output.
type Value struct {
	ID    int // unique in its graph, below Graph.NumValues
	Name  string
	Type  sym.Type // the physical type: a channels-last value has a channels-last shape
	Const *Const   // nil: not constant
	Def   *Node    // nil: an input, a capture or a constant
	Graph *Graph

	uses []Use
}

// Use is one operand of a node.
type Use struct {
	Node *Node
	In   int
}

// Sub is a body of a node. Its captures are the node's operands from First on.
type Sub struct {
	Graph *Graph
	First int
}

// Origin tells which node of the file a node stands for.
type Origin struct {
	Node   string // as the file has it: `node 12 "conv1" (Conv)`
	Name   string // the node's name, or its first output's
	Op     string
	Domain string
	Opset  int
}

// Node is the use of an operator. In has a nil for each absent input; captures of bodies follow the operator's own inputs.
type Node struct {
	Op     *ops.Op
	Attr   any // the operator's attribute struct
	In     []*Value
	Out    []*Value // nil: not used
	Subs   []Sub
	NumIn  int // operands that are the operator's own inputs
	Origin Origin

	dead bool
}

// NewValue adds a value.
func (g *Graph) NewValue(name string) *Value {
	v := &Value{ID: g.nextID, Name: name, Type: sym.Type{Kind: sym.None}, Graph: g}
	g.nextID++
	return v
}

// NumValues returns one more than the largest ID of a value.
func (g *Graph) NumValues() int { return g.nextID }

// NewConst adds a constant.
func (g *Graph) NewConst(name string, c *Const) *Value {
	v := g.NewValue(name)
	v.SetConst(c)
	return v
}

// SetConst makes v a constant.
func (v *Value) SetConst(c *Const) {
	v.Const = c
	v.Type = sym.TypeOf(c.T, true)
	v.Type.Data = c.T
}

// Uses returns the operands that v is. The slice is valid until the next edit.
func (v *Value) Uses() []Use { return v.uses }

// IsOutput reports whether v is an output of its graph.
func (v *Value) IsOutput() bool { return slices.Contains(v.Graph.Out, v) }

// Used reports whether anything needs v.
func (v *Value) Used() bool { return len(v.uses) > 0 || v.IsOutput() }

// String returns name and type.
func (v *Value) String() string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%s %s", v.Name, v.Type.String())
}

// Append adds a node at the end. In and Out must be values of g.
func (g *Graph) Append(n *Node) {
	g.Nodes = append(g.Nodes, n)
	g.Link(n)
}

// Link makes a node the user of its operands and the definition of its outputs, without giving it a place among the nodes.
func (g *Graph) Link(n *Node) {
	for i, v := range n.In {
		if v != nil {
			v.uses = append(v.uses, Use{n, i})
		}
	}
	for _, v := range n.Out {
		if v != nil {
			v.Def = n
		}
	}
}

// AddOperand appends an operand, a capture say.
func (n *Node) AddOperand(v *Value) {
	n.In = append(n.In, v)
	v.uses = append(v.uses, Use{n, len(n.In) - 1})
}

// SetIn replaces an operand.
func (n *Node) SetIn(i int, v *Value) {
	if old := n.In[i]; old != nil {
		old.uses = slices.DeleteFunc(old.uses, func(u Use) bool { return u.Node == n && u.In == i })
	}
	n.In[i] = v
	if v != nil {
		v.uses = append(v.uses, Use{n, i})
	}
}

// ReplaceUses makes everything that uses v use w instead, graph outputs included.
func (v *Value) ReplaceUses(w *Value) {
	for _, u := range v.uses {
		u.Node.In[u.In] = w
		w.uses = append(w.uses, u)
	}
	v.uses = nil
	for i, o := range v.Graph.Out {
		if o == v {
			v.Graph.Out[i] = w
		}
	}
}

// Kill marks a node as removed and frees its operands. [Graph.Sweep] takes it out.
func (n *Node) Kill() {
	n.dead = true
	for i := range n.In {
		n.SetIn(i, nil)
	}
	for _, v := range n.Out {
		if v != nil && v.Def == n {
			v.Def = nil
		}
	}
}

// Dead reports whether the node was removed.
func (n *Node) Dead() bool { return n.dead }

// Sweep removes nodes that nothing needs, and reports how many.
func (g *Graph) Sweep() int {
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		if n.dead || slices.ContainsFunc(n.Out, func(v *Value) bool { return v != nil && v.Used() }) {
			continue
		}
		n.Kill()
	}
	before := len(g.Nodes)
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n *Node) bool { return n.dead })
	for _, n := range g.Nodes {
		for o, v := range n.Out {
			if v != nil && !v.Used() && n.Op.MayOmit(o) {
				n.Out[o] = nil
			}
		}
	}
	return before - len(g.Nodes)
}

// Wants returns which outputs are used.
func (n *Node) Wants() []bool {
	w := make([]bool, len(n.Out))
	for i, v := range n.Out {
		w[i] = v != nil
	}
	return w
}

// Inputs returns the operands that are the operator's own, without captures.
func (n *Node) Inputs() []*Value { return n.In[:n.NumIn] }

// Captures returns the operands that body i captures.
func (n *Node) Captures(i int) []*Value {
	s := n.Subs[i]
	return n.In[s.First : s.First+len(s.Graph.Capt)]
}

// Is reports whether the node is an operator of the default domain with one of the names.
func (n *Node) Is(names ...string) bool {
	return n.Op.Domain == "" && slices.Contains(names, n.Op.Name)
}

// String formats the node as "y = Relu(x)", for messages and dumps.
func (n *Node) String() string {
	list := func(vs []*Value) string {
		s := make([]string, len(vs))
		for i, v := range vs {
			s[i] = "-"
			if v != nil {
				s[i] = v.Name
			}
		}
		return strings.Join(s, ", ")
	}
	return list(n.Out) + " = " + n.Op.String() + "(" + list(n.In) + ")"
}

// Dump formats the graph, a node a line with the types of its outputs; for debugging and golden tests.
func (g *Graph) Dump() string {
	var sb strings.Builder
	g.dump(&sb, "")
	return sb.String()
}

func (g *Graph) dump(sb *strings.Builder, indent string) {
	for _, v := range g.In {
		fmt.Fprintf(sb, "%sin %s\n", indent, v)
	}
	for _, n := range g.Nodes {
		fmt.Fprintf(sb, "%s%s", indent, n)
		for _, v := range n.Out {
			if v != nil {
				fmt.Fprintf(sb, "  %s", v.Type.String())
			}
		}
		sb.WriteByte('\n')
		for _, s := range n.Subs {
			s.Graph.dump(sb, indent+"  | ")
		}
	}
	for i, v := range g.Out {
		fmt.Fprintf(sb, "%sout %s = %s\n", indent, g.OutNames[i], v)
	}
}

// Tensor returns the constant's value, or nil.
func (v *Value) Tensor() *tensor.Tensor {
	if v == nil || v.Const == nil {
		return nil
	}
	return v.Const.T
}
