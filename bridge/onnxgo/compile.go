package onnxgo

import (
	"fmt"
	"slices"
	"strings"

	"ingot"
	"ingot/bridge/dense"
	"ingot/loader"
	"ingot/ops"
)

// program is the graph compiled for some outputs, and inputs of some rank.
type program struct {
	model *ingot.Model
	ins   []*value
	outs  []*value
	key   string
}

// compile compiles the graph, unless the last program serves.
func (b *Backend) compile(outs []*value) (*program, error) {
	file, ins, err := b.file(outs)
	if err != nil {
		return nil, err
	}
	var key strings.Builder
	for _, list := range [][]*loader.ValueInfo{file.Graph.Inputs, file.Graph.Outputs} {
		for _, v := range list {
			fmt.Fprintf(&key, "%q %s\n", v.Name, v.Type)
		}
		key.WriteByte('\n')
	}
	if b.prog != nil && b.prog.key == key.String() {
		return b.prog, nil
	}
	if err := b.chooseOpset(file); err != nil {
		return nil, err
	}
	m, err := ingot.Compile(file, b.set.model...)
	if err != nil {
		return nil, err
	}
	b.prog = &program{m, ins, outs, key.String()}
	return b.prog, nil
}

// file puts the model together that the graph stands for, but for its opset.
func (b *Backend) file(outs []*value) (*loader.Model, []*value, error) {
	r := b.resolve()
	g := &loader.Graph{}
	var ins []*value
	seen := map[*value]bool{}
	leaf := func(v *value, what func() string) error {
		if seen[v] || v.maker != nil {
			return nil
		}
		seen[v] = true
		d := v.given
		if r.weights[v] {
			if d == nil {
				d = v.declared
			}
			t, err := dense.Tensor(d)
			if err != nil {
				return fmt.Errorf("onnxgo: weight %q: %w", v.name, err)
			}
			g.Initializers = append(g.Initializers, loader.NewInitializer(v.name, t))
			return nil
		}
		info, err := v.inputInfo()
		if err != nil {
			return err
		}
		if info == nil {
			return fmt.Errorf("onnxgo: %s uses %q, which is neither computed nor an input nor a weight: decode with Backend.Unmarshal", what(), v.name)
		}
		ins, g.Inputs = append(ins, v), append(g.Inputs, info)
		return nil
	}
	for _, v := range r.ins { // in the model's order, those that are used
		if !unused(v) || slices.Contains(outs, v) {
			if err := leaf(v, func() string { return "the model" }); err != nil {
				return nil, nil, err
			}
		}
	}
	sorted, err := sortOps(b.ops)
	if err != nil {
		return nil, nil, err
	}
	for i, o := range sorted {
		n := &loader.Node{OpType: o.op.Name, Domain: o.op.Domain, Attrs: o.attrs, Index: i}
		for _, out := range o.out {
			n.Outputs = append(n.Outputs, out.v.name)
			if n.Name == "" && o.op.Flags&ops.Random == 0 { // a name is part of the seed
				n.Name = out.name // the decoder leaves out the node's own
			}
		}
		if !madeUp(o) {
			for _, in := range o.in {
				n.Inputs = append(n.Inputs, in.v.name)
				if in.v.name == "" {
					continue
				}
				if err := leaf(in.v, o.String); err != nil {
					return nil, nil, err
				}
			}
		}
		g.Nodes = append(g.Nodes, n)
	}
	for _, v := range outs {
		g.Outputs = append(g.Outputs, &loader.ValueInfo{Name: v.name})
	}
	file := &loader.Model{IRVersion: 8, Graph: g, Opsets: []loader.OpsetImport{{Version: b.set.opset}}}
	for _, d := range b.set.domains {
		file.Opsets = append(file.Opsets, loader.OpsetImport{Domain: d.domain, Version: d.version})
	}
	return file, ins, nil
}

// inputInfo is what compiling may rely on about an input: its type, the rank of the value that it has, and the declared dimensions if that value is of just
// these. The decoder leaves out dimensions that have a name, so that otherwise not even the rank of the declaration counts. It is nil for what is
// neither declared nor has a value.
func (v *value) inputInfo() (*loader.ValueInfo, error) {
	d := v.declared
	if d == nil {
		d = v.given
	}
	if d == nil {
		return nil, nil
	}
	typ := loader.TypeInfo{Kind: loader.KindTensor}
	var err error
	if typ.DType, err = dense.DType(d.Dtype()); err != nil {
		return nil, fmt.Errorf("onnxgo: input %q: %w", v.name, err)
	}
	if v.given == nil {
		return &loader.ValueInfo{Name: v.name, Type: typ}, nil
	}
	if v.declared == nil || !slices.Equal(v.given.Shape(), v.declared.Shape()) {
		v.open = true // and stays so: going back would compile again
	}
	typ.HasShape = true
	for _, n := range v.given.Shape() {
		dim := loader.Dim{Size: int64(n)}
		if v.open {
			dim.Size = -1
		}
		typ.Dims = append(typ.Dims, dim)
	}
	return &loader.ValueInfo{Name: v.name, Type: typ}, nil
}

// sortOps puts operators behind those whose outputs they use: files needn't have them in that order. Otherwise the order stays.
func sortOps(list []*operation) ([]*operation, error) {
	const open, done = 1, 2
	state := make(map[*operation]int, len(list))
	out := make([]*operation, 0, len(list))
	for _, root := range list {
		stack := []*operation{root}
		for len(stack) > 0 {
			o := stack[len(stack)-1]
			if state[o] == done {
				stack = stack[:len(stack)-1]
				continue
			}
			state[o] = open
			ready := true
			for _, in := range slices.Backward(o.in) {
				m := in.v.maker
				switch {
				case m == nil || state[m] == done:
				case state[m] == open:
					return nil, fmt.Errorf("onnxgo: %s needs its own result", o)
				default:
					ready = false
					stack = append(stack, m)
				}
			}
			if ready {
				state[o] = done
				out = append(out, o)
				stack = stack[:len(stack)-1]
			}
		}
	}
	return out, nil
}
