package exprgraph

import "gorgonia.org/gorgonia"

// Input returns the input or weight of that name, nil if there is none. It is the node to give to [Let].
func Input(g *gorgonia.ExprGraph, name string) *gorgonia.Node {
	for _, n := range g.AllNodes() {
		if n.Op() == nil && n.Name() == name {
			return n
		}
	}
	return nil
}

// Inputs returns the inputs, weights not among them, in the order of the model.
func Inputs(g *gorgonia.ExprGraph) gorgonia.Nodes {
	s := sourceIn(g)
	var list gorgonia.Nodes
	for _, n := range g.AllNodes() {
		if n.Op() == nil && (s == nil || s.model.Graph.Initializer(n.Name()) == nil) {
			list = append(list, n)
		}
	}
	return list
}

// Output returns the node of the model's output of that name, nil if there is none: after a run, its value is the output's.
func Output(g *gorgonia.ExprGraph, name string) *gorgonia.Node {
	for _, n := range g.AllNodes() {
		if op, ok := n.Op().(*outputOp); ok && op.name == name {
			return n
		}
	}
	return nil
}

// Outputs returns the nodes of the model's outputs, in its order.
func Outputs(g *gorgonia.ExprGraph) gorgonia.Nodes {
	var list gorgonia.Nodes
	for _, n := range g.AllNodes() {
		if _, ok := n.Op().(*outputOp); ok {
			list = append(list, n)
		}
	}
	return list
}

// AddOutput makes a value of the graph one more output of the model, under a name of its own: a run gives the new node the value.
func AddOutput(n *gorgonia.Node, name string) *gorgonia.Node {
	op := &outputOp{plain: plain{newIdentity()}, name: name, t: n.Type()}
	return gorgonia.NewUniqueNode(append(withType(n.Type(), shapeOf(n)), gorgonia.WithOp(op), gorgonia.WithName(name),
		gorgonia.WithChildren(gorgonia.Nodes{n}), gorgonia.In(n.Graph()))...)
}
