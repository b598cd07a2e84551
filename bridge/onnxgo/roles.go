package onnxgo

import (
	"errors"
	"fmt"
	"strings"

	onnx "github.com/owulveryck/onnx-go"

	"ingot/loader"
	"ingot/ops"
	"ingot/runtime"
)

// roles tells what the values of the graph are. The decoder doesn't say, but it makes nodes in an order: inputs, described values, outputs, then
// initializers that none of those were, then, with the edges, what is left. An initializer that was an input or an output before gets a second tensor.
type roles struct {
	err     error
	ins     []*value        // inputs that aren't weights, in the model's order
	weights map[*value]bool // initializers
	outputs []*value        // sure to be outputs, or computed for nothing: in order
	maybe   []*value        // outputs or described values: operators use them, and nothing tells which
}

// inputs are the model's inputs.
func (b *Backend) inputs() []*value {
	if b.fact != nil {
		return b.fact.ins
	}
	return b.resolve().ins
}

// resolve finds out what the values are.
func (b *Backend) resolve() *roles {
	if b.roles != nil {
		return b.roles
	}
	r := &roles{weights: map[*value]bool{}}
	b.roles = r
	for _, n := range b.nodes {
		n.v.maker = nil
	}
	random := false
	for _, o := range b.ops {
		random = random || o.op.Flags&ops.Random != 0
		for _, n := range o.out {
			if n.name == "" {
				continue
			}
			if n.v.maker != nil {
				r.err = fmt.Errorf("onnxgo: %q is computed twice, by %s and by %s: a backend is for one model", n.name, n.v.maker, o)
			}
			n.v.maker = o
		}
	}
	last := b.lastDeclared()
	for i, n := range b.nodes {
		v := n.v
		if n != v.nodes[0] || !n.early || n.name == "" || n.decoded == 0 && i > last {
			continue
		}
		switch {
		case v.maker != nil:
			if random || b.nodes[last].v == v || unused(v) {
				r.outputs = append(r.outputs, v)
			} else {
				r.maybe = append(r.maybe, v)
			}
		case decodedTwice(v) || i > last:
			r.weights[v] = true
		default:
			r.ins = append(r.ins, v)
			if len(v.nodes) > 1 {
				r.outputs = append(r.outputs, v)
			}
		}
	}
	return r
}

// lastDeclared returns the place of the last node that the file declares, which is an output, as each model has one: after it come initializers that
// weren't declared, then what the first operator brings. What is computed was declared, or is the first operator's, which no initializer
// follows; so was what has two nodes or got two tensors. It is -1 for no model that there is.
func (b *Backend) lastDeclared() int {
	last, any, decoded := -1, -1, -1
	for i, n := range b.nodes {
		if n.early && n.decoded > 0 {
			decoded = i
		}
	}
	for i, n := range b.nodes {
		if !n.early || n.v.maker == nil && n.decoded < 2 && n == n.v.nodes[0] {
			continue
		}
		any = i
		if i <= decoded {
			last = i
		}
	}
	if last < 0 {
		last = any // outputs without a type: they got no tensor
	}
	return last
}

func unused(v *value) bool {
	for _, n := range v.nodes {
		if n.users > 0 {
			return false
		}
	}
	return true
}

func decodedTwice(v *value) bool {
	for _, n := range v.nodes {
		if n.decoded > 1 {
			return true
		}
	}
	return false
}

// madeUp reports whether an operator's operand is the one that the decoder makes up for operators without operands.
func madeUp(o *operation) bool {
	if len(o.in) != 1 {
		return false
	}
	n := o.in[0]
	return n.decoded == 0 && n.v.maker == nil && n.v.given == nil && strings.HasSuffix(n.name, "/input")
}

// lookup finds an operator by its name alone.
func (b *Backend) lookup(name string) (*ops.Op, error) {
	set := b.cfg.Run.Ops
	var found []*ops.Op
	if op := set.Lookup("", name); op != nil {
		found = append(found, op)
	}
	for _, d := range b.set.domains {
		if op := set.Lookup(d.domain, name); op != nil {
			found = append(found, op)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, &onnx.ErrNotImplemented{Operator: name, Message: b.whyUnknown(name)}
	}
	return nil, fmt.Errorf("onnxgo: operator %s: %s and %s may be meant, as onnx-go's decoder leaves out domains: decode with Backend.Unmarshal", name, found[0], found[1])
}

// whyUnknown tells what would make an operator known: a package to import, or its domain.
func (b *Backend) whyUnknown(name string) string {
	for _, d := range append([]opset{{"", b.set.opset}}, b.set.domains...) {
		m := &loader.Model{Opsets: []loader.OpsetImport{{Domain: d.domain, Version: d.version}}, Graph: &loader.Graph{
			Nodes: []*loader.Node{{OpType: name, Domain: d.domain, Outputs: []string{"y"}}}, Outputs: []*loader.ValueInfo{{Name: "y"}},
		}}
		var refused *ops.UnsupportedError
		_, err := runtime.Check(m, b.cfg.Run)
		if errors.As(err, &refused) && len(refused.Nodes) == 1 && strings.Contains(refused.Nodes[0].Reason, "import") {
			return refused.Nodes[0].Reason
		}
	}
	for _, op := range b.cfg.Run.Ops.All() {
		if op.Name == name && op.Domain != ops.Internal {
			return fmt.Sprintf("an operator of %q, while onnx-go's decoder leaves out domains: say WithDomain(%q, version), or decode with Backend.Unmarshal", op.Domain, op.Domain)
		}
	}
	return "not an operator of ONNX's own domain; if it is one of another domain or a function of the file, decode with Backend.Unmarshal"
}
