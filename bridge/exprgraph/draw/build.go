package draw

import (
	"fmt"
	"maps"
	"slices"

	"gorgonia.org/gorgonia"

	"ingot/bridge/exprgraph"
	"ingot/loader"
	"ingot/ops"
	"ingot/ops/standard"
	"ingot/tensor"
)

// value is what an operand is: an output of a node, or a weight that is no node.
type value struct {
	node, out int // node is -1 for a weight, or what can't be told
	name, typ string
	weight    *tensor.Tensor
}

// builder makes the nodes and edges.
type builder struct {
	o     Options
	d     *Drawing
	ops   *ops.Set
	view  func(*gorgonia.Node) exprgraph.View
	types map[string]string
	vals  map[*gorgonia.Node]value
	open  map[*gorgonia.Node]bool // whose operands are being drawn
}

func newBuilder(g *gorgonia.ExprGraph, o Options) (*builder, error) {
	set, err := standard.Set()
	if err != nil {
		return nil, err
	}
	return &builder{o: o, d: &Drawing{Name: o.Title}, ops: set, view: exprgraph.Views(g), vals: map[*gorgonia.Node]value{}, open: map[*gorgonia.Node]bool{}}, nil
}

// build draws every node of the graph, its operands first: they may be younger in a graph that was changed.
func (b *builder) build(g *gorgonia.ExprGraph) {
	for _, n := range g.AllNodes() {
		if v := b.view(n); v.Role != exprgraph.IsWeight && v.Role != exprgraph.IsAbsent {
			b.value(n)
		}
	}
}

// value draws a node of the graph, unless that was done, and returns what it is as an operand.
func (b *builder) value(n *gorgonia.Node) value {
	if v, ok := b.vals[n]; ok {
		return v
	}
	if n == nil || b.open[n] {
		return value{node: -1}
	}
	b.open[n] = true
	v := b.view(n)
	var operands []value
	for _, o := range v.Operands {
		operands = append(operands, b.value(o))
	}
	got := value{node: -1}
	switch v.Role {
	case exprgraph.IsInput:
		got = b.leaf(Node{Kind: Input, Title: n.Name(), Name: n.Name(), family: ends}, b.typeOf(n, n.Name()))
	case exprgraph.IsWeight:
		got = value{node: -1, name: n.Name(), typ: b.typeOf(n, n.Name())}
		if w, err := exprgraph.FromValue(n.Value()); err == nil {
			got.weight, _ = w.(*tensor.Tensor)
		}
		got = b.constant(got)
	case exprgraph.IsSelect:
		if len(operands) == 1 {
			got = operands[0]
			got.out, got.name, got.typ = v.Output, v.Names[0], b.typeOf(n, v.Names[0])
		}
	case exprgraph.IsOutput:
		i := b.add(Node{Kind: Output, Title: v.Names[0], Name: v.Names[0], family: ends, path: path{owner: -1}})
		for _, o := range operands {
			b.edge(o, i, false)
			got = o
		}
	case exprgraph.IsOperator:
		if op, ok := n.Op().(*exprgraph.Operator); ok {
			own := max(0, len(operands)-len(v.Captures))
			outer := map[string]value{}
			for k, o := range operands[own:] {
				outer[v.Captures[k]] = o
			}
			got = b.operator(op.Node(), operands[:own], outer, b.firstType(n, v.Names), path{owner: -1})
			break
		}
		i := b.add(Node{Kind: Operator, Title: fmt.Sprint(n.Op()), Name: n.Name(), family: foreign, outs: []string{n.Name()}, path: path{owner: -1}})
		for _, o := range operands {
			b.use(o, i, "")
		}
		got = value{node: i, name: n.Name(), typ: b.typeOf(n, n.Name())}
	}
	b.vals[n] = got
	return got
}

// typeOf is what is known of a value: what the model's loading found out or, for a node that was added, Gorgonia's type.
func (b *builder) typeOf(n *gorgonia.Node, name string) string {
	if t, ok := b.types[name]; ok {
		return t
	}
	if n.Type() == nil {
		return ""
	}
	if t, ok := n.Type().(gorgonia.TensorType); ok {
		return fmt.Sprintf("%v%s", t.Of, tensor.ShapeString(n.Shape()))
	}
	return fmt.Sprint(n.Type())
}

func (b *builder) add(n Node) int {
	n.Scope = -1
	b.d.Nodes = append(b.d.Nodes, n)
	return len(b.d.Nodes) - 1
}

// leaf adds a node without operands that is its own value.
func (b *builder) leaf(n Node, typ string) value {
	if len(n.path.body) == 0 {
		n.path.owner = -1
	}
	n.outs = []string{n.Name}
	return value{node: b.add(n), name: n.Name, typ: typ}
}

// constant is a weight: a node, if weights are drawn, otherwise a line in each of its users.
func (b *builder) constant(v value) value {
	if !b.o.Weights {
		return v
	}
	n := Node{Kind: Weight, Title: v.name, Name: v.name, family: constants}
	if v.weight != nil {
		if text, ok := elements(v.weight); ok {
			n.Lines = []string{text}
		}
	}
	return b.leaf(n, v.typ)
}

// edge adds the use of a value by a node.
func (b *builder) edge(v value, to int, result bool) {
	if v.node >= 0 {
		b.d.Edges = append(b.d.Edges, Edge{From: v.node, To: to, Output: v.out, Value: v.name, Type: v.typ, Result: result})
	}
}

// use is edge for an operand that may be a weight, which becomes a line then.
func (b *builder) use(v value, to int, param string) {
	if v.node >= 0 || v.name == "" && v.weight == nil {
		b.edge(v, to, false)
		return
	}
	n := &b.d.Nodes[to]
	n.Lines = append(n.Lines, weightLine(param, v))
	if v.name != "" {
		n.tip = append(n.tip, fmt.Sprintf("%s = %s %s", param, v.name, v.typ))
		n.path.weights = append(n.path.weights, v.name)
	}
}

// operator draws a node of a model's file and returns its first value. outer are the values that its bodies may take from outside, at is where
// it stands.
func (b *builder) operator(n *loader.Node, operands []value, outer map[string]value, typ string, at path) value {
	name := n.Name
	if i := slices.IndexFunc(n.Outputs, func(s string) bool { return s != "" }); name == "" && i >= 0 {
		name = n.Outputs[i]
	}
	if n.OpType == "Constant" && n.Domain == "" && len(operands) == 0 && len(n.Attrs) == 1 && len(n.Outputs) == 1 {
		return b.constant(value{node: -1, name: n.Outputs[0], typ: typ, weight: constantTensor(n.Attrs[0])})
	}
	spec := b.ops.Lookup(n.Domain, n.OpType)
	node := Node{Kind: Operator, Title: n.Op(), Name: name, outs: n.Outputs, family: familyOf(n.Domain, n.OpType), Lines: attributes(n, spec), path: at}
	node.path.own, node.path.known = scopeOf(n)
	for _, a := range n.Attrs {
		if len(a.Subgraphs()) == 0 {
			node.tip = append(node.tip, shorten(a.Name+" = "+attrText(a), 200))
		}
	}
	i := b.add(node)
	for k, v := range operands {
		b.use(v, i, paramName(spec, k))
	}
	if b.o.Closed {
		for _, name := range slices.Sorted(maps.Keys(outer)) {
			b.edge(outer[name], i, false)
		}
	} else {
		b.bodies(n, i, outer)
	}
	out := value{node: i, typ: typ}
	if len(n.Outputs) > 0 {
		out.name = n.Outputs[0]
	}
	return out
}

// bodies draws the bodies of a node, in a frame with the node itself.
func (b *builder) bodies(n *loader.Node, owner int, outer map[string]value) {
	at := b.d.Nodes[owner].path
	frame := append(slices.Clone(at.body), part{key: fmt.Sprint("#", owner), label: b.d.Nodes[owner].Title + " " + b.d.Nodes[owner].Name, body: true})
	if at.owner < 0 {
		at.owner = owner
	}
	for _, a := range n.Attrs {
		for k, g := range a.Subgraphs() {
			label := a.Name
			if len(a.Graphs) > 0 {
				label = fmt.Sprintf("%s %d", a.Name, k)
			}
			b.d.Nodes[owner].path.body = frame
			inner := at
			inner.body = append(slices.Clone(frame), part{key: label, label: label, body: true})
			b.body(g, owner, outer, inner)
		}
	}
}

func (b *builder) body(g *loader.Graph, owner int, outer map[string]value, at path) {
	vals := maps.Clone(outer)
	types := map[string]string{}
	for _, list := range [][]*loader.ValueInfo{g.ValueInfo, g.Outputs, g.Inputs} {
		for _, v := range list {
			if v.Type.Kind != loader.KindUnknown {
				types[v.Name] = v.Type.String()
			}
		}
	}
	for _, in := range g.Inputs {
		vals[in.Name] = b.leaf(Node{Kind: Input, Title: in.Name, Name: in.Name, family: ends, path: at}, types[in.Name])
	}
	for _, in := range g.Initializers {
		v := value{node: -1, name: in.Name, typ: in.DType.String() + tensor.ShapeString(in.Shape)}
		v.weight, _ = in.Tensor() // one that can't be read is drawn without its elements
		vals[in.Name] = b.constant(v)
	}
	for _, n := range g.Nodes {
		var operands []value
		for _, name := range n.Inputs {
			v, ok := vals[name]
			if !ok {
				v = value{node: -1, name: name}
			}
			operands = append(operands, v)
		}
		typ := ""
		if len(n.Outputs) > 0 {
			typ = types[n.Outputs[0]]
		}
		got := b.operator(n, operands, vals, typ, at)
		for k, name := range n.Outputs {
			if got.node >= 0 {
				got.out, got.name, got.typ = k, name, types[name]
			}
			vals[name] = got
		}
	}
	for _, out := range g.Outputs {
		if v, ok := vals[out.Name]; ok {
			b.edge(v, owner, true)
		}
	}
}

// firstType is the type of the first value that a node has a name for.
func (b *builder) firstType(n *gorgonia.Node, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return b.typeOf(n, names[0])
}
