package runtime

import (
	"fmt"
	"slices"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/ops"
	"ingot/tensor"
)

// maxDepth bounds how deep bodies and functions may nest.
const maxDepth = 64

// maxNodes bounds how many nodes a model may have once its functions are inlined: a few nested calls can ask for billions.
const maxNodes = 4 << 20

// foldSmall is the largest number of elements that are computed while binding, so that shape rules further on know them.
const foldSmall = sym.MaxValue

// newestOpset lists the versions of the domains that this package knows. Domains that aren't listed have no versions to speak of.
var newestOpset = map[string]int64{"": 28, "ai.onnx.ml": 5, "ai.onnx.preview": 1, "ai.onnx.preview.training": 1}

// binder turns a model as its file says it into the graph that is compiled.
type binder struct {
	model       *loader.Model
	opts        *Options
	unsupported []ops.UnsupportedNode
	defaults    map[string]tensor.Value
	nodes       int
}

// scope is where names are looked up: a graph, or a function's body inside one.
type scope struct {
	graph    *ir.Graph
	outer    *scope
	vals     map[string]*ir.Value
	captured []*ir.Value             // for a body: the outer values that graph.Capt stand for
	opsets   func(string) int64      // the imports in force
	attrs    map[string]*loader.Attr // what a function's attribute references stand for; nil outside of functions
	path     string                  // of calls and bodies, for messages
	depth    int
}

// bind checks each node against its own version of its operator, brings it into the newest form, and infers types on symbols.
// The values of initializers that stay inputs are returned by name.
func bind(m *loader.Model, opts *Options) (*ir.Graph, map[string]tensor.Value, error) {
	b := &binder{model: m, opts: opts, defaults: map[string]tensor.Value{}}
	s, err := b.main()
	if err != nil {
		return nil, nil, err
	}
	return s.graph, b.defaults, nil
}

// main binds the model's graph.
func (b *binder) main() (*scope, error) {
	m, opts := b.model, b.opts
	for _, o := range m.Opsets {
		if newest, ok := newestOpset[o.Domain]; ok && o.Version > newest {
			if !opts.NewerOpset {
				return nil, &ModelError{File: m.File, Err: &OpsetError{Domain: domainName(o.Domain), Version: o.Version, Newest: newest}}
			}
			opts.warn("the model's opset is newer than any known; its operators are taken as the newest known ones", "domain", domainName(o.Domain), "opset", o.Version, "known", newest)
		}
	}
	s := &scope{graph: &ir.Graph{Name: m.Graph.Name}, vals: map[string]*ir.Value{}, opsets: m.Opset}
	if err := b.graph(s, m.Graph, true); err != nil {
		return nil, b.wrap(err)
	}
	for _, name := range opts.Overridable {
		if b.defaults[name] == nil {
			return nil, b.wrap(fmt.Errorf("no initializer %q stands among the model's inputs, so none can be overridden by that name", name))
		}
	}
	if len(b.unsupported) > 0 {
		return nil, &ops.UnsupportedError{File: m.File, Nodes: b.unsupported}
	}
	return s, nil
}

func (b *binder) wrap(err error) error { return &ModelError{File: b.model.File, Err: err} }

func domainName(d string) string {
	if d == "" {
		return "ai.onnx"
	}
	return d
}

// graph binds the main graph, or a body.
func (b *binder) graph(s *scope, g *loader.Graph, main bool) error {
	if s.depth > maxDepth {
		return fmt.Errorf("%sbodies and functions nest deeper than %d", s.path, maxDepth)
	}
	for _, in := range g.Initializers {
		t, err := in.Tensor()
		if err != nil {
			return err
		}
		if main && slices.Contains(b.opts.Overridable, in.Name) && slices.ContainsFunc(g.Inputs, func(v *loader.ValueInfo) bool { return v.Name == in.Name }) {
			b.defaults[in.Name] = t // an input, made below
			continue
		}
		s.vals[in.Name] = s.graph.NewConst(in.Name, &ir.Const{T: t})
	}
	for _, in := range g.Inputs {
		if _, ok := s.vals[in.Name]; ok && main {
			continue // an initializer that also stands among the inputs: a constant
		}
		v := s.graph.NewValue(in.Name)
		v.Type = b.inputType(&in.Type, main)
		s.vals[in.Name] = v
		s.graph.In = append(s.graph.In, v)
	}
	for _, n := range g.Nodes {
		if err := b.node(s, n); err != nil {
			return err
		}
	}
	for _, out := range g.Outputs {
		v := s.lookup(out.Name)
		if v == nil {
			return fmt.Errorf("%snothing computes the output %q", s.path, out.Name)
		}
		s.graph.Out = append(s.graph.Out, v)
		s.graph.OutNames = append(s.graph.OutNames, out.Name)
	}
	return nil
}

// inputType takes from the file what may be relied on: for the model's inputs everything, for those of bodies only kind and dtype.
func (b *binder) inputType(t *loader.TypeInfo, main bool) sym.Type {
	switch t.Kind {
	case loader.KindTensor, loader.KindSparse:
		out := sym.Type{DT: t.DType}
		if main && t.HasShape {
			out.Ranked, out.Shape = true, b.dims(t.Dims)
		}
		return out
	case loader.KindSequence, loader.KindOptional:
		elem := sym.Type{Kind: sym.None}
		if t.Elem != nil {
			elem = b.inputType(t.Elem, false)
		}
		kind := sym.Sequence
		if t.Kind == loader.KindOptional {
			kind = sym.Optional
		}
		return sym.Type{Kind: kind, Elem: &elem}
	case loader.KindMap:
		elem := sym.Type{Kind: sym.None}
		if t.Elem != nil {
			elem = b.inputType(t.Elem, false)
		}
		return sym.Type{Kind: sym.Map, Key: t.Key, Elem: &elem}
	}
	return sym.Type{Kind: sym.None}
}

func (b *binder) dims(ds []loader.Dim) []sym.Dim {
	out := make([]sym.Dim, len(ds))
	for i, d := range ds {
		size, fixed := b.opts.Dims[d.Sym]
		switch {
		case d.Size >= 0:
			out[i] = sym.Num(d.Size)
		case d.Sym != "" && fixed:
			out[i] = sym.Num(size)
		case d.Sym != "":
			out[i] = sym.Symbol(d.Sym)
		default:
			out[i] = sym.Unknown()
		}
	}
	return out
}

// lookup finds a name here or outside. A value from outside of this graph becomes a capture; a constant is shared instead.
func (s *scope) lookup(name string) *ir.Value {
	if v := s.vals[name]; v != nil {
		return v
	}
	if s.outer == nil {
		return nil
	}
	v := s.outer.lookup(name)
	if v == nil || v.Graph == s.graph {
		return v
	}
	var in *ir.Value
	if v.Const != nil {
		in = s.graph.NewConst(name, v.Const)
	} else {
		in = s.graph.NewValue(name)
		in.Type = v.Type
		s.graph.Capt = append(s.graph.Capt, in)
		s.captured = append(s.captured, v)
	}
	s.vals[name] = in
	return in
}

func (b *binder) node(s *scope, n *loader.Node) error {
	if b.nodes++; b.nodes > maxNodes {
		return fmt.Errorf("the model has more than %d nodes once its functions are inlined", maxNodes)
	}
	if !slices.ContainsFunc(n.Outputs, func(name string) bool { return name != "" }) {
		b.opts.warn("a node names no outputs and is left out", "node", s.path+n.String())
		return nil
	}
	if f := b.model.Function(n.Domain, n.OpType, n.Overload); f != nil {
		return b.inline(s, n, f)
	}
	origin := ir.Origin{Node: s.path + n.String(), Name: n.Name, Op: n.OpType, Domain: n.Domain, Opset: int(s.opsets(n.Domain))}
	if origin.Name == "" && len(n.Outputs) > 0 {
		origin.Name = n.Outputs[0]
	}
	op, ver, reason := b.resolve(n, origin.Opset)
	if reason != "" {
		b.unsupported = append(b.unsupported, ops.UnsupportedNode{Node: s.path + nodeName(n), Op: n.OpType, Domain: n.Domain, Opset: origin.Opset, Reason: reason})
		for _, name := range n.Outputs {
			if name != "" {
				s.vals[name] = s.graph.NewValue(name)
			}
		}
		return nil
	}
	nb := &nodeBinder{b: b, s: s, origin: origin}
	if err := nb.bind(op, ver, n); err != nil {
		if _, ok := err.(*ir.NodeError); ok {
			return err
		}
		return &ir.NodeError{Origin: origin, Err: err}
	}
	return nil
}

func nodeName(n *loader.Node) string {
	if n.Name != "" {
		return n.Name
	}
	return n.String()
}

// resolve finds the operator and the index of the version that is in force; reason tells why there is none.
func (b *binder) resolve(n *loader.Node, opset int) (op *ops.Op, ver int, reason string) {
	if n.Domain == ops.Internal {
		return nil, 0, "the domain is reserved"
	}
	op = b.opts.Ops.Lookup(n.Domain, n.OpType)
	if op == nil {
		if pkg := whereFrom(n.Domain, n.OpType); pkg != "" {
			return nil, 0, "not in the default set: import _ \"" + pkg + "\" adds it"
		}
		return nil, 0, "no such operator"
	}
	if opset == 0 {
		return nil, 0, fmt.Sprintf("the model doesn't import the domain %s", domainName(n.Domain))
	}
	if _, ver = op.At(opset); ver < 0 {
		return nil, 0, fmt.Sprintf("the operator came with opset %d", op.Versions[len(op.Versions)-1].Since)
	}
	return op, ver, ""
}

// inline binds the body of a model-local function in place of a node that calls it.
func (b *binder) inline(s *scope, n *loader.Node, f *loader.Function) error {
	path := fmt.Sprintf("%s%s: ", s.path, n)
	if s.depth >= maxDepth {
		return fmt.Errorf("%sbodies and functions nest deeper than %d", path, maxDepth)
	}
	in := &scope{graph: s.graph, vals: map[string]*ir.Value{}, opsets: f.Opset, path: path, depth: s.depth + 1, attrs: map[string]*loader.Attr{}}
	if len(n.Inputs) > len(f.Inputs) || len(n.Outputs) > len(f.Outputs) {
		return fmt.Errorf("%sthe function %s takes %d inputs and gives %d outputs; the node has %d and %d", path, f, len(f.Inputs), len(f.Outputs), len(n.Inputs), len(n.Outputs))
	}
	for i, name := range f.Inputs {
		if i < len(n.Inputs) && n.Inputs[i] != "" {
			v := s.lookup(n.Inputs[i])
			if v == nil {
				return fmt.Errorf("%snothing computes the input %q", path, n.Inputs[i])
			}
			in.vals[name] = v
		} else {
			in.vals[name] = nil // absent
		}
	}
	for _, a := range f.Defaults {
		in.attrs[a.Name] = a
	}
	for _, a := range n.Attrs {
		if a = s.resolveAttr(a); a == nil {
			continue
		}
		_, known := in.attrs[a.Name]
		if !known && !slices.Contains(f.Attributes, a.Name) {
			return fmt.Errorf("%sthe function %s has no attribute %s", path, f, a.Name)
		}
		in.attrs[a.Name] = a
	}
	for _, fn := range f.Nodes {
		if err := b.node(in, fn); err != nil {
			return err
		}
	}
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		v := in.lookup(f.Outputs[i])
		if v == nil {
			return fmt.Errorf("%sthe function %s doesn't compute its output %q", path, f, f.Outputs[i])
		}
		s.vals[name] = v
	}
	return nil
}

// resolveAttr replaces a reference to a function's attribute by its value; nil when the caller left it out.
func (s *scope) resolveAttr(a *loader.Attr) *loader.Attr {
	if a.RefAttrName == "" {
		return a
	}
	v := s.attrs[a.RefAttrName]
	if v == nil {
		return nil
	}
	c := *v
	c.Name = a.Name
	return &c
}
