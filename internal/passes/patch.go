package passes

import (
	"slices"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Patch is how a pass edits the graph: it adds nodes before the one it looks at, and lets values take the place of others.
type Patch struct {
	Graph *ir.Graph
	opts  Options
	at    *ir.Node
	added map[*ir.Node][]*ir.Node // nodes to stand before another
	memo  map[string][]*ir.Node   // what a pass wants to remember of this graph
	last  map[*ir.Value]*ir.Value // channels-last forms of values
}

// Op returns an operator by domain and name, nil if the set lacks it.
func (p *Patch) Op(domain, name string) *ops.Op { return p.opts.Ops.Lookup(domain, name) }

// Const makes a constant of the graph.
func (p *Patch) Const(name string, t *tensor.Tensor) *ir.Value {
	return p.Graph.NewConst(name, &ir.Const{T: t})
}

// Add adds a node before the one that the pass looks at, and infers its outputs' types. It returns nil, and adds nothing, when the shape
// rule refuses.
func (p *Patch) Add(op *ops.Op, attr any, numOut int, in ...*ir.Value) *ir.Node {
	n := &ir.Node{Op: op, Attr: attr, In: slices.Clone(in), NumIn: len(in), Origin: p.at.Origin}
	for range numOut {
		n.Out = append(n.Out, p.Graph.NewValue(p.at.Origin.Name+"/"+op.Name))
	}
	c, err := ir.InferNode(n, ir.Bound)
	if err != nil {
		return nil
	}
	for o, v := range n.Out {
		v.Type = c.Outs()[o]
	}
	p.insert(n)
	return n
}

func (p *Patch) insert(n *ir.Node) {
	if p.added == nil {
		p.added = map[*ir.Node][]*ir.Node{}
	}
	p.added[p.at] = append(p.added[p.at], n)
	p.Graph.Link(n)
}

// Replace lets w take v's place everywhere. It refuses, and returns false, when what is known of their types contradicts.
func (p *Patch) Replace(v, w *ir.Value) bool {
	if !compatible(&v.Type, &w.Type) {
		return false
	}
	v.ReplaceUses(w)
	return true
}

// compatible reports whether two types may be of the same value.
func compatible(a, b *sym.Type) bool {
	if a.Kind == sym.None || b.Kind == sym.None {
		return true
	}
	if a.Kind != b.Kind || a.Kind == sym.Tensor && a.DT != b.DT && a.DT != 0 && b.DT != 0 {
		return false
	}
	if a.Kind != sym.Tensor || !a.Ranked || !b.Ranked {
		return true
	}
	if len(a.Shape) != len(b.Shape) {
		return false
	}
	for i := range a.Shape {
		x, okx := a.Shape[i].Int()
		y, oky := b.Shape[i].Int()
		if okx && oky && x != y {
			return false
		}
	}
	return true
}

// finish puts the added nodes into place and takes the unused ones out.
func (p *Patch) finish() {
	if len(p.added) > 0 {
		nodes := make([]*ir.Node, 0, len(p.Graph.Nodes)+len(p.added))
		for _, n := range p.Graph.Nodes {
			nodes = append(append(nodes, p.added[n]...), n)
		}
		p.Graph.Nodes = nodes
	}
	p.Graph.Sweep()
}
