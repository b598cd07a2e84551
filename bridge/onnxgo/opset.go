package onnxgo

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"ingot/internal/ir"
	"ingot/loader"
	"ingot/ops"
	"ingot/runtime"
	"ingot/tensor"
)

// firstOpset is the oldest version that is considered when none was told. Operators of ONNX before 1.2 had other rules for broadcasting, and
// computed as in training unless an attribute said otherwise.
const firstOpset = 7

// sameValue is the largest number of elements of constants that are compared by value.
const sameValue = 1024

// chooseOpset sets the version of ONNX's own operators. If none was told, the model must mean the same in every version in which it is valid: each
// node is then the same node of the newest version.
func (b *Backend) chooseOpset(file *loader.Model) error {
	if b.set.opset != 0 {
		return nil
	}
	opts := b.cfg.Run
	opts.DisablePasses, opts.Outputs, opts.Overridable, opts.Logger = []string{"all"}, nil, nil, nil
	var chosen *meaning
	var refused error
	for _, version := range b.versions() {
		file.Opsets[0].Version = version
		p, err := runtime.Compile(file, opts)
		if err != nil {
			if refused == nil {
				refused = err // of the newest version
			}
			continue
		}
		m := meaningOf(p.Graph(), version)
		p.Close()
		if chosen == nil {
			chosen = m
			continue
		}
		if node := chosen.differs(m); node != "" {
			return fmt.Errorf("onnxgo: %s means one thing in opset %d and another in %d, and onnx-go's decoder leaves out which one the file has: say WithOpset, or decode with Backend.Unmarshal",
				node, version, chosen.version)
		}
	}
	if chosen == nil {
		return fmt.Errorf("onnxgo: no opset from %d on allows the model, and older ones are tried if WithOpset tells: %w", firstOpset, refused)
	}
	file.Opsets[0].Version = chosen.version
	return nil
}

// versions are the opsets in which one of the model's operators changed, newest first: in between, none differs.
func (b *Backend) versions() []int64 {
	versions := []int64{firstOpset}
	for _, o := range b.ops {
		if o.op.Domain != "" {
			continue
		}
		for _, v := range o.op.Versions {
			versions = append(versions, max(int64(v.Since), firstOpset))
		}
	}
	slices.Sort(versions)
	versions = slices.Compact(versions)
	slices.Reverse(versions)
	return versions
}

// meaning is what the nodes of a file were bound to, by node.
type meaning struct {
	version int64
	nodes   map[string]string
	order   []string
}

// differs returns a node that two versions read differently; empty if there is none.
func (m *meaning) differs(other *meaning) string {
	for _, list := range [][]string{m.order, other.order} {
		for _, node := range list {
			if m.nodes[node] != other.nodes[node] {
				return node
			}
		}
	}
	return ""
}

// meaningOf writes a bound graph down so that equal texts mean equal computations.
func meaningOf(g *ir.Graph, version int64) *meaning {
	m := &meaning{version: version, nodes: map[string]string{}}
	anonymous := map[*ir.Value]string{}
	nameOf := func(v *ir.Value) string {
		switch {
		case v == nil:
			return "-"
		case v.Tensor() != nil:
			return constant(v.Tensor())
		case v.Name != "":
			return fmt.Sprintf("%q", v.Name)
		}
		if anonymous[v] == "" {
			anonymous[v] = fmt.Sprintf("#%d", len(anonymous))
		}
		return anonymous[v]
	}
	for _, n := range g.Nodes {
		var s strings.Builder
		fmt.Fprintf(&s, "%p", n.Op) // an older operator may have the name of a newer one
		attrs := n.Op.Attrs(n.Attr)
		names := make([]string, 0, len(attrs))
		for name := range attrs {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			a := *attrs[name]
			if x := n.In[0]; name == "axis" && a.I < 0 && n.Is("Softmax", "LogSoftmax", "Hardmax") && x.Type.Ranked {
				a.I += int64(x.Type.Rank()) // what opset 12 calls 1 of a matrix, upgrading calls the last
			}
			fmt.Fprintf(&s, " %s=%s", name, attribute(&a))
		}
		for _, list := range [][]*ir.Value{n.In, n.Out} {
			s.WriteByte(';')
			for _, v := range list {
				s.WriteString(" " + nameOf(v))
			}
		}
		if _, ok := m.nodes[n.Origin.Node]; !ok {
			m.order = append(m.order, n.Origin.Node)
		}
		m.nodes[n.Origin.Node] += s.String() + "\n"
	}
	for i, v := range g.Out {
		m.nodes[""] += g.OutNames[i] + " = " + nameOf(v) + "\n"
	}
	return m
}

// constant writes down a tensor: weights are the same memory in all versions.
func constant(t *tensor.Tensor) string {
	if t.Len() > sameValue {
		return fmt.Sprintf("%p", t)
	}
	if t.DType() == tensor.String {
		return fmt.Sprintf("%s%v %q", t.DType(), t.Shape(), tensor.View[string](t))
	}
	return fmt.Sprintf("%s%v %x", t.DType(), t.Shape(), t.Bytes())
}

func attribute(a *ops.Attr) string {
	if a.T != nil {
		return constant(a.T)
	}
	return fmt.Sprintf("%+v", *a)
}
