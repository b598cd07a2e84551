package runtime

import (
	"fmt"
	"math"
	"strings"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/ops"
	"ingot/tensor"
)

// nodeBinder binds one node.
type nodeBinder struct {
	b      *binder
	s      *scope
	origin ir.Origin
	bodies []*loader.Graph
	after  []func() error
}

func (nb *nodeBinder) bind(op *ops.Op, ver int, n *loader.Node) error {
	ins := make([]*ir.Value, len(n.Inputs))
	present, types := make([]bool, len(ins)), make([]*sym.Type, len(ins))
	for i, name := range n.Inputs {
		if name == "" {
			continue
		}
		v := nb.s.lookup(name)
		if v == nil {
			if _, absent := nb.s.vals[name]; absent {
				continue // an input that the caller of the function left out
			}
			return fmt.Errorf("nothing computes the input %q", name)
		}
		ins[i], present[i], types[i] = v, true, &v.Type
	}
	attrs, err := nb.attrs(n)
	if err != nil {
		return err
	}
	v := op.Versions[ver]
	if err := v.CheckInputs(present, types); err != nil {
		return err
	}
	if err := v.CheckOutputs(make([]*sym.Type, len(n.Outputs))); err != nil {
		return err
	}
	newest := op.Newest()
	for i := ver; i >= 0; i-- {
		if op.Versions[i].Old != nil {
			newest = op.Versions[i]
			break
		}
	}
	if err := v.CheckAttrs(attrs, newest); err != nil {
		return err
	}
	outs := make([]*ir.Value, len(n.Outputs))
	for i, name := range n.Outputs {
		if name != "" {
			outs[i] = nb.s.graph.NewValue(name)
		}
	}
	if outs, err = nb.place(op, ver, attrs, ins, outs); err != nil {
		return err
	}
	for _, f := range nb.after {
		if err := f(); err != nil {
			return err
		}
	}
	types = make([]*sym.Type, len(n.Outputs))
	for i, name := range n.Outputs {
		if name != "" {
			nb.s.vals[name], types[i] = outs[i], &outs[i].Type
		}
	}
	return v.CheckOutputs(types) // an old version may give fewer types than the newest, which has been checked
}

// place rewrites the node version by version until it has the newest form, and appends that to the graph, or the nodes that it is made of. It
// returns the values that are the node's outputs.
func (nb *nodeBinder) place(op *ops.Op, ver int, attrs ops.Attrs, ins, outs []*ir.Value) ([]*ir.Value, error) {
	r := &ops.Rewrite{Attrs: attrs, In: refs(ins), Out: refs(outs), Graph: nb}
	for i := ver; i >= 0; i-- {
		if old := op.Versions[i].Old; old != nil {
			op = old
			break
		}
		if up := op.Versions[i].Up; i > 0 && up != nil {
			if err := up(r); err != nil {
				return nil, err
			}
		}
	}
	if op.Expands() {
		if len(nb.b.unsupported) > 0 {
			return outs, nil // the model is refused anyway; types may be missing
		}
		if err := op.ExpandNode(r); err != nil {
			return nil, err
		}
		return values(r.Out), nil
	}
	node, err := nb.makeNode(op, r.Attrs, values(r.In), values(r.Out))
	if err != nil {
		return nil, err
	}
	return outs, nb.add(node)
}

func refs(vs []*ir.Value) []ops.Ref {
	out := make([]ops.Ref, len(vs))
	for i, v := range vs {
		if v != nil {
			out[i] = v
		}
	}
	return out
}

func values(rs []ops.Ref) []*ir.Value {
	out := make([]*ir.Value, len(rs))
	for i, r := range rs {
		out[i], _ = r.(*ir.Value)
	}
	return out
}

func (nb *nodeBinder) makeNode(op *ops.Op, attrs ops.Attrs, ins, outs []*ir.Value) (*ir.Node, error) {
	a, err := op.ParseAttrs(attrs)
	if err != nil {
		return nil, err
	}
	for len(ins) > 0 && ins[len(ins)-1] == nil {
		ins = ins[:len(ins)-1]
	}
	for o := range outs {
		if outs[o] == nil && !op.MayOmit(o) {
			outs[o], _ = nb.NewValue().(*ir.Value) // computed all the same, for nobody
		}
	}
	return &ir.Node{Op: op, Attr: a, In: ins, Out: outs, NumIn: len(ins), Origin: nb.origin}, nil
}

// add binds the node's bodies, appends it to the graph and infers its outputs' types.
func (nb *nodeBinder) add(n *ir.Node) error {
	s := nb.s
	for i, g := range nb.bodies {
		body := &scope{graph: &ir.Graph{Name: g.Name, Outer: s.graph}, outer: s, vals: map[string]*ir.Value{}, opsets: s.opsets, attrs: s.attrs,
			path: fmt.Sprintf("%sbody %d: ", nb.origin.Node+": ", i), depth: s.depth + 1}
		if err := nb.b.graph(body, g, false); err != nil {
			return err
		}
		n.Subs = append(n.Subs, ir.Sub{Graph: body.graph, First: len(n.In)})
		n.In = append(n.In, body.captured...)
	}
	nb.bodies = nil
	s.graph.Append(n)
	if len(nb.b.unsupported) > 0 {
		return nil // the model is refused anyway; types may be missing
	}
	if err := n.InferTypes(); err != nil {
		return err
	}
	n.Fold(foldSmall)
	return nil
}

// attrs converts a node's attributes; bodies are kept for add.
func (nb *nodeBinder) attrs(n *loader.Node) (ops.Attrs, error) {
	out := ops.Attrs{}
	for _, a := range n.Attrs {
		if a = nb.s.resolveAttr(a); a == nil {
			continue
		}
		o, err := nb.attr(a)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", a.Name, err)
		}
		out[a.Name] = o
	}
	return out, nil
}

func (nb *nodeBinder) attr(a *loader.Attr) (*ops.Attr, error) {
	body := func(g *loader.Graph) *ops.Subgraph {
		s := &ops.Subgraph{Index: len(nb.bodies), NumIn: len(g.Inputs), NumOut: len(g.Outputs)}
		for _, in := range g.Inputs {
			rank := -1
			var dims []int
			if in.Type.HasShape {
				rank = len(in.Type.Dims)
			}
			for _, d := range in.Type.Dims {
				n := -1
				if d.Size >= 0 && d.Size <= math.MaxInt32 {
					n = int(d.Size)
				}
				dims = append(dims, n)
			}
			s.InRanks, s.InDims = append(s.InRanks, rank), append(s.InDims, dims)
		}
		nb.bodies = append(nb.bodies, g)
		return s
	}
	switch a.Type {
	case loader.AttrFloat:
		return &ops.Attr{Kind: ops.AttrFloat, F: a.F}, nil
	case loader.AttrInt:
		return &ops.Attr{Kind: ops.AttrInt, I: a.I}, nil
	case loader.AttrString:
		return &ops.Attr{Kind: ops.AttrString, S: a.S}, nil
	case loader.AttrTensor:
		return &ops.Attr{Kind: ops.AttrTensor, T: a.T}, nil
	case loader.AttrSparseTensor:
		t, err := a.Sparse.Dense()
		return &ops.Attr{Kind: ops.AttrSparse, T: t}, err
	case loader.AttrGraph:
		return &ops.Attr{Kind: ops.AttrGraph, G: body(a.G)}, nil
	case loader.AttrFloats:
		return &ops.Attr{Kind: ops.AttrFloats, Floats: a.Floats}, nil
	case loader.AttrInts:
		return &ops.Attr{Kind: ops.AttrInts, Ints: a.Ints}, nil
	case loader.AttrStrings:
		return &ops.Attr{Kind: ops.AttrStrings, Strings: a.Strings}, nil
	case loader.AttrTensors:
		return &ops.Attr{Kind: ops.AttrTensors, Tensors: a.Tensors}, nil
	case loader.AttrGraphs:
		o := &ops.Attr{Kind: ops.AttrGraphs}
		for _, g := range a.Graphs {
			o.Graphs = append(o.Graphs, body(g))
		}
		return o, nil
	case loader.AttrTypeInfo:
		t := nb.b.inputType(a.TP, true)
		return &ops.Attr{Kind: ops.AttrType, Type: &t}, nil
	}
	return nil, fmt.Errorf("no operator has attributes of the kind %s", a.Type)
}

// The methods below are what upgrades see of the graph: ops.RewriteGraph.

func (nb *nodeBinder) Const(t *tensor.Tensor) ops.Ref {
	return nb.s.graph.NewConst(nb.origin.Name+"/const", &ir.Const{T: t})
}

func (nb *nodeBinder) NewValue() ops.Ref { return nb.s.graph.NewValue(nb.origin.Name + "/part") }

func (nb *nodeBinder) TypeOf(r ops.Ref) *ops.Type {
	v, ok := r.(*ir.Value)
	if !ok {
		return &sym.Type{Kind: sym.None}
	}
	return &v.Type
}

func (nb *nodeBinder) Emit(name string, attrs ops.Attrs, numOut int, in ...ops.Ref) ([]ops.Ref, error) {
	outs := make([]*ir.Value, numOut)
	for i := range outs {
		outs[i], _ = nb.NewValue().(*ir.Value)
	}
	if err := nb.emit(name, attrs, outs, in); err != nil {
		return nil, err
	}
	return refs(outs), nil
}

func (nb *nodeBinder) EmitAfter(name string, attrs ops.Attrs, out ops.Ref, in ...ops.Ref) error {
	v, ok := out.(*ir.Value)
	if !ok {
		return fmt.Errorf("%s needs an output", name)
	}
	nb.after = append(nb.after, func() error { return nb.emit(name, attrs, []*ir.Value{v}, in) })
	return nil
}

func (nb *nodeBinder) emit(name string, attrs ops.Attrs, outs []*ir.Value, in []ops.Ref) error {
	domain, base := "", name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		domain, base = name[:i], name[i+1:]
	}
	op := nb.b.opts.Ops.Lookup(domain, base)
	if op == nil {
		return fmt.Errorf("is made of %s, which there is none of", name)
	}
	if op.Expands() {
		return fmt.Errorf("is made of %s, which is made of others itself", name)
	}
	if attrs == nil {
		attrs = ops.Attrs{}
	}
	present, types := make([]bool, len(in)), make([]*sym.Type, len(in))
	for i, v := range values(in) {
		if v != nil {
			present[i], types[i] = true, &v.Type
		}
	}
	if err := op.Newest().CheckInputs(present, types); err != nil {
		return fmt.Errorf("is made of %s, which %w", name, err)
	}
	bodies := nb.bodies
	nb.bodies = nil
	n, err := nb.makeNode(op, attrs, values(in), outs)
	if err == nil {
		err = nb.add(n)
	}
	nb.bodies = bodies
	return err
}
