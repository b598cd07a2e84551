package onnxgo

import (
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/iterator"
)

// firstID is the number of the first node. Smaller numbers are those of inputs: onnx.Model.SetInput asks for node i to set input i, although
// other nodes may have been made before it (weights that stand among a file's inputs). So node i is the i-th input of the model.
const firstID = 1 << 32

// edge is an operand: from the node that is computed to one that it is computed from.
type edge struct {
	from, to *Node
	place    float64
}

func (e edge) From() graph.Node         { return e.from }
func (e edge) To() graph.Node           { return e.to }
func (e edge) ReversedEdge() graph.Edge { return edge{e.to, e.from, e.place} }
func (e edge) Weight() float64          { return e.place }

var (
	_ graph.WeightedEdge            = edge{}
	_ graph.WeightedDirected        = (*Backend)(nil)
	_ graph.DirectedWeightedBuilder = (*Backend)(nil)
)

// NewNode returns a node that can be added to the graph.
func (b *Backend) NewNode() graph.Node {
	n := &Node{b: b, id: b.nextID, early: !b.started()}
	b.nextID++
	b.link(n, "\x00"+n.String()) // a value of its own, until the node is named
	return n
}

// AddNode adds a node that NewNode has made. Another one is refused by the next run, and so is one that was added before.
func (b *Backend) AddNode(n graph.Node) {
	own, ok := n.(*Node)
	if !ok || own == nil || own.b != b {
		b.fail("a node of another graph was added: %v", n)
		return
	}
	if _, ok := b.byID[own.id]; ok {
		b.fail("%s was added twice", own)
		return
	}
	b.byID[own.id] = own
	b.nodes = append(b.nodes, own)
	b.changed()
}

// NewWeightedEdge returns an edge from what is computed to its operand with the number w.
func (b *Backend) NewWeightedEdge(from, to graph.Node, w float64) graph.WeightedEdge {
	f, ok := from.(*Node)
	t, ok2 := to.(*Node)
	if !ok || !ok2 || f == nil || t == nil {
		b.fail("an edge between nodes of another graph: %v, %v", from, to)
		return edge{}
	}
	return edge{f, t, w}
}

// SetWeightedEdge adds an edge. Edges count in the order of the calls, up to the next call of ApplyOperation, whose operands they are: an operator may
// have one value as several operands, which a simple graph can't tell.
func (b *Backend) SetWeightedEdge(we graph.WeightedEdge) {
	if we == nil {
		b.fail("an edge is nil")
		return
	}
	e, ok := we.(edge)
	if !ok {
		e, _ = b.NewWeightedEdge(we.From(), we.To(), we.Weight()).(edge)
	}
	if e.from == nil || b.byID[e.from.id] != e.from || b.byID[e.to.id] != e.to {
		b.fail("an edge between nodes that aren't in the graph")
		return
	}
	e.to.users++
	b.pending = append(b.pending, e)
	key := [2]int64{e.from.id, e.to.id}
	if _, ok := b.edges[key]; !ok {
		b.edges[key] = e
		b.operands[e.from.id] = append(b.operands[e.from.id], e.to)
		b.users[e.to.id] = append(b.users[e.to.id], e.from)
	}
	b.changed()
}

// Node returns the node with a number, nil if there is none. Numbers from 0 up are those of the model's inputs, weights not among them, in its order:
// that is how onnx.Model.SetInput finds them.
func (b *Backend) Node(id int64) graph.Node {
	if n, ok := b.byID[id]; ok {
		return n
	}
	if in := b.inputs(); id >= 0 && id < int64(len(in)) {
		return in[id].nodes[0]
	}
	return nil // not a nil *Node, which wouldn't equal nil
}

// Nodes returns all nodes, in the order in which they were added.
func (b *Backend) Nodes() graph.Nodes { return nodesOf(b.nodes) }

// From returns the operands of what a node stands for.
func (b *Backend) From(id int64) graph.Nodes { return nodesOf(b.operands[id]) }

// To returns the nodes that are computed from a node.
func (b *Backend) To(id int64) graph.Nodes { return nodesOf(b.users[id]) }

func nodesOf(list []*Node) graph.Nodes {
	if len(list) == 0 {
		return graph.Empty
	}
	nodes := make([]graph.Node, len(list))
	for i, n := range list {
		nodes[i] = n
	}
	return iterator.NewOrderedNodes(nodes)
}

// HasEdgeBetween reports whether one of the two nodes is computed from the other.
func (b *Backend) HasEdgeBetween(x, y int64) bool {
	return b.HasEdgeFromTo(x, y) || b.HasEdgeFromTo(y, x)
}

// HasEdgeFromTo reports whether node u is computed from node v.
func (b *Backend) HasEdgeFromTo(u, v int64) bool {
	_, ok := b.edges[[2]int64{u, v}]
	return ok
}

// Edge returns the edge from u to v, nil if there is none.
func (b *Backend) Edge(u, v int64) graph.Edge {
	if e := b.WeightedEdge(u, v); e != nil {
		return e
	}
	return nil
}

// WeightedEdge returns the edge from u to v, whose weight is the operand's number; nil if there is none.
func (b *Backend) WeightedEdge(u, v int64) graph.WeightedEdge {
	if e, ok := b.edges[[2]int64{u, v}]; ok {
		return e
	}
	return nil
}

// Weight returns the weight of the edge from x to y: the number of an operand. A node to itself has 0.
func (b *Backend) Weight(x, y int64) (w float64, ok bool) {
	if x == y {
		return 0, true
	}
	e, ok := b.edges[[2]int64{x, y}]
	return e.place, ok
}
