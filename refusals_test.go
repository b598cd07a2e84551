package ingot_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops"
	"ingot/tensor"
)

// TestRefusals gives every version of every operator what it doesn't take: an attribute that it lacks or of another kind, none where one must
// be, an input of another type, too few and too many inputs and outputs. Each is refused when the model is loaded, by an error that names the
// node, the operator with its opset, what is wrong and what would be right.
func TestRefusals(t *testing.T) {
	refused := 0
	for _, v := range allVersions(t) {
		r := &refusals{T: t, opVersion: v}
		r.attributes()
		r.types()
		r.arity()
		refused += r.count
	}
	t.Logf("%d refusals", refused)
}

type refusals struct {
	*testing.T
	opVersion
	count int
}

// node returns a node that the declaration allows, whatever the shapes.
func (r *refusals) node() (*loader.Node, []*loader.ValueInfo) {
	n := &loader.Node{Name: "n1", OpType: r.op.Name, Domain: r.op.Domain}
	least, _ := ops.Arity(r.ver.In)
	var ins []*loader.ValueInfo
	vars := map[string]tensor.DType{}
	for i := range least {
		p := r.ver.In[min(i, len(r.ver.In)-1)]
		in := &loader.ValueInfo{Name: fmt.Sprintf("i%d", i), Type: typeOf(r.ver.TypeSet(p.Type))}
		if dt, ok := vars[p.Type]; ok && in.Type.Kind == loader.KindTensor {
			in.Type.DType = dt
		}
		vars[p.Type] = in.Type.DType
		ins, n.Inputs = append(ins, in), append(n.Inputs, in.Name)
	}
	outs, _ := ops.Arity(r.ver.Out)
	for o := range max(1, outs) {
		n.Outputs = append(n.Outputs, fmt.Sprintf("o%d", o))
	}
	for _, a := range r.ver.Attrs {
		if a.Required {
			n.Attrs = append(n.Attrs, valueOf(a.Name, a.Kind))
		}
	}
	return n, ins
}

// typeOf returns a type of a set.
func typeOf(ts ops.TypeSet) loader.TypeInfo {
	of := func(s tensor.Types) *loader.TypeInfo {
		return &loader.TypeInfo{Kind: loader.KindTensor, DType: s.List()[0]}
	}
	switch {
	case ts.Tensor != 0:
		return *of(ts.Tensor)
	case ts.Seq != 0:
		return loader.TypeInfo{Kind: loader.KindSequence, Elem: of(ts.Seq)}
	case ts.Opt != 0:
		return loader.TypeInfo{Kind: loader.KindOptional, Elem: of(ts.Opt)}
	}
	return loader.TypeInfo{Kind: loader.KindMap, Key: tensor.Int64, Elem: &loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}}
}

// valueOf returns an attribute of a kind.
func valueOf(name string, kind ops.AttrKind) *loader.Attr {
	x := tensor.Of([]float32{1})
	switch kind {
	case ops.AttrFloat:
		return onnxpb.Attr(name, float32(1))
	case ops.AttrInt:
		return onnxpb.Attr(name, int64(1))
	case ops.AttrString:
		return onnxpb.Attr(name, "a")
	case ops.AttrFloats:
		return onnxpb.Attr(name, []float32{1})
	case ops.AttrInts:
		return onnxpb.Attr(name, []int64{1})
	case ops.AttrStrings:
		return onnxpb.Attr(name, []string{"a"})
	case ops.AttrTensor, ops.AttrSparse:
		return onnxpb.Attr(name, x)
	case ops.AttrTensors:
		return onnxpb.Attr(name, []*tensor.Tensor{x})
	case ops.AttrType:
		return onnxpb.Attr(name, &loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32})
	}
	return onnxpb.Attr(name, &loader.Graph{Name: "body"})
}

// refuse loads a model of the node and looks for all of want in the error.
func (r *refusals) refuse(n *loader.Node, ins []*loader.ValueInfo, want ...string) {
	r.Helper()
	r.count++
	g := &loader.Graph{Name: "g", Inputs: ins, Nodes: []*loader.Node{n}}
	for _, o := range n.Outputs {
		g.Outputs = append(g.Outputs, &loader.ValueInfo{Name: o})
	}
	sets := []loader.OpsetImport{{Domain: r.op.Domain, Version: int64(r.ver.Since)}}
	if r.op.Domain != "" {
		sets = append(sets, loader.OpsetImport{Version: 21})
	}
	b, err := onnxpb.Encode(&loader.Model{IRVersion: 10, Opsets: sets, Graph: g})
	if err != nil {
		r.Errorf("%s-%d: %v", r.op, r.ver.Since, err)
		return
	}
	m, err := ingot.LoadBytes(b)
	if err == nil {
		r.Errorf("%s-%d isn't refused: %q", r.op, r.ver.Since, want)
		m.Close()
		return
	}
	var ne *ingot.NodeError
	if !errors.As(err, &ne) {
		r.Errorf("%s-%d: the error isn't about a node: %v", r.op, r.ver.Since, err)
		return
	}
	for _, w := range append(want, "n1", r.op.String(), fmt.Sprintf("opset %d", r.ver.Since)) {
		if !strings.Contains(err.Error(), w) {
			r.Errorf("%s-%d: the error doesn't say %q: %v", r.op, r.ver.Since, w, err)
		}
	}
}

func (r *refusals) attributes() {
	n, ins := r.node()
	n.Attrs = append(n.Attrs, valueOf("no_such", ops.AttrInt))
	r.refuse(n, ins, "unknown attribute no_such")
	for i := range r.ver.Attrs {
		a := &r.ver.Attrs[i]
		n, ins := r.node()
		var others []*loader.Attr
		for _, o := range n.Attrs {
			if o.Name != a.Name {
				others = append(others, o)
			}
		}
		if a.Required {
			n.Attrs = others
			r.refuse(n, ins, "attribute "+a.Name+" is missing")
		}
		kind := ops.AttrString
		if a.Kind == kind {
			kind = ops.AttrFloat
		}
		n.Attrs = append(others, valueOf(a.Name, kind))
		r.refuse(n, ins, "attribute "+a.Name, kind.String(), "must be "+a.Kind.String())
	}
}

func (r *refusals) types() {
	_, ins := r.node()
	for i := range ins {
		p := r.ver.In[min(i, len(r.ver.In)-1)]
		ts := r.ver.TypeSet(p.Type)
		n, ins := r.node()
		if wrong := tensor.AllTypes &^ ts.Tensor; wrong != 0 {
			ins[i].Type = loader.TypeInfo{Kind: loader.KindTensor, DType: wrong.List()[0]}
			r.refuse(n, ins, fmt.Sprintf("input %d (%s)", i, p.Name), wrong.List()[0].String(), "takes", ts.String())
		}
		if ts.Seq == 0 && !ts.Map {
			ins[i].Type = loader.TypeInfo{Kind: loader.KindSequence, Elem: &loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}}
			r.refuse(n, ins, fmt.Sprintf("input %d (%s)", i, p.Name), "seq(float32", "takes", ts.String())
		}
	}
}

func (r *refusals) arity() {
	least, most := ops.Arity(r.ver.In)
	n, ins := r.node()
	if least > 0 {
		n.Inputs = n.Inputs[:least-1]
		r.refuse(n, ins, fmt.Sprintf("has %d inputs", least-1), "takes "+fmt.Sprint(least))
	}
	if n, ins := r.node(); most >= 0 {
		ins = append(ins, &loader.ValueInfo{Name: "more", Type: loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}})
		for len(n.Inputs) <= most {
			n.Inputs = append(n.Inputs, "more")
		}
		r.refuse(n, ins, fmt.Sprintf("has %d inputs", most+1), "takes")
	}
	least, most = ops.Arity(r.ver.Out)
	if n, ins := r.node(); most >= 0 {
		for len(n.Outputs) <= most {
			n.Outputs = append(n.Outputs, fmt.Sprintf("o%d", len(n.Outputs)))
		}
		r.refuse(n, ins, fmt.Sprintf("names %d outputs", most+1), "has "+fmt.Sprint(least))
	}
}
