package loader

import (
	"cmp"
	"slices"

	"ingot/tensor"
)

// Walk calls f with g and each graph inside it, in the attributes of its nodes, outer graphs first.
func (g *Graph) Walk(f func(*Graph)) {
	f(g)
	walkNodes(g.Nodes, f)
}

func walkNodes(nodes []*Node, f func(*Graph)) {
	for _, n := range nodes {
		for _, a := range n.Attrs {
			for _, sub := range a.Subgraphs() {
				sub.Walk(f)
			}
		}
	}
}

// ParamCount sums up the constants of one element type.
type ParamCount struct {
	DType    tensor.DType
	Tensors  int
	Elements int64
	Bytes    int64 // as raw data in a file: 4- and 2-bit elements are packed; 0 for strings
}

// Params counts the model's constants, those that take most bytes first: initializers of all graphs, and tensors in attributes. A sparse
// tensor counts as its dense form.
func (m *Model) Params() []ParamCount {
	var by [tensor.NumDTypes]ParamCount
	add := func(dt tensor.DType, elements int) {
		p := &by[dt]
		p.DType = dt
		p.Tensors++
		p.Elements += int64(elements)
		p.Bytes += int64(rawSize(dt, elements))
	}
	addTensor := func(t *tensor.Tensor) { add(t.DType(), t.Len()) }
	nodes := func(list []*Node) {
		for _, n := range list {
			for _, a := range n.Attrs {
				if a.T != nil {
					addTensor(a.T)
				}
				for _, t := range a.Tensors {
					addTensor(t)
				}
				if a.Sparse != nil {
					n, _ := tensor.NumElements(a.Sparse.Shape)
					add(a.Sparse.Values.DType, n)
				}
			}
		}
	}
	graph := func(g *Graph) {
		for _, in := range g.Initializers {
			add(in.DType, in.NumElements())
		}
		nodes(g.Nodes)
	}
	m.Graph.Walk(graph)
	for _, f := range m.Functions {
		nodes(f.Nodes)
		walkNodes(f.Nodes, graph)
	}
	list := slices.DeleteFunc(slices.Clone(by[:]), func(p ParamCount) bool { return p.Tensors == 0 })
	slices.SortStableFunc(list, func(a, b ParamCount) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return list
}

// OpCount says how often an operator occurs.
type OpCount struct {
	Domain, OpType string
	Count          int
}

// Operators counts the nodes of the model's graphs by operator, the most frequent first. Nodes in functions count once, however often the
// function is called.
func (m *Model) Operators() []OpCount {
	type key struct{ domain, op string }
	counts := make(map[key]int)
	nodes := func(list []*Node) {
		for _, n := range list {
			counts[key{n.Domain, n.OpType}]++
		}
	}
	graph := func(g *Graph) { nodes(g.Nodes) }
	m.Graph.Walk(graph)
	for _, f := range m.Functions {
		nodes(f.Nodes)
		walkNodes(f.Nodes, graph)
	}
	list := make([]OpCount, 0, len(counts))
	for k, n := range counts {
		list = append(list, OpCount{k.domain, k.op, n})
	}
	slices.SortFunc(list, func(a, b OpCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.OpType, b.OpType))
	})
	return list
}
