package runtime

import (
	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Estimate is what a run with inputs of given types would take, as far as that is known beforehand.
type Estimate struct {
	Nodes    int        // of the compiled graph, bodies included
	Weights  int64      // bytes of the constants, without their packed forms
	Arena    int64      // bytes of intermediate values, without what kernels need for themselves
	Outputs  int64      // bytes of outputs that are computed in place
	Complete bool       // false: Arena lacks the values in bodies, or those from where on shapes depend on data
	Out      []sym.Type // of the outputs
	Steps    []Step
}

// Step is a node with the types of its operands, as far as they are known.
type Step struct {
	Origin ir.Origin
	Op     *ops.Op
	In     []sym.Type // the zero Type, which no value has, for what is absent
	Out    []sym.Type
}

// Estimate plans a run without running it. in has the types of the inputs, in the order of [Program.Inputs]; dimensions that aren't numbers
// are allowed. Bodies of loops count once.
func (p *Program) Estimate(in []sym.Type) (*Estimate, error) {
	g := p.graph
	types := g.BoundTypes()
	for i, v := range g.In {
		if i < len(in) {
			types[v.ID] = in[i]
		}
	}
	seg, err := plan(g, 0, types, map[int]*tensor.Tensor{}, p.opts.Heap)
	if err != nil {
		return nil, err
	}
	if err := seg.pack(); err != nil {
		return nil, err
	}
	e := &Estimate{Arena: int64(seg.arena), Complete: seg.end == len(g.Nodes)}
	for i := range seg.roots {
		if seg.roots[i].class == classCaller {
			e.Outputs += int64(seg.roots[i].size)
		}
	}
	e.walk(g, seg.types, seg.end, map[*ir.Const]bool{})
	for _, v := range g.Out {
		e.Out = append(e.Out, seg.types[v.ID])
	}
	return e, nil
}

// walk gathers the nodes of a graph whose types are known up to node known; it infers those of the others.
func (e *Estimate) walk(g *ir.Graph, types ir.Types, known int, seen map[*ir.Const]bool) {
	for i, n := range g.Nodes {
		if i >= known {
			if c, err := ir.InferNode(n, types.Of); err == nil {
				for o, v := range n.Out {
					if v != nil {
						types[v.ID] = c.Outs()[o]
					}
				}
			}
		}
		s := Step{Origin: n.Origin, Op: n.Op, In: make([]sym.Type, n.NumIn), Out: make([]sym.Type, len(n.Out))}
		for k, v := range n.In {
			if v == nil {
				continue
			}
			if k < n.NumIn {
				s.In[k] = types[v.ID]
			}
			e.constant(v, seen)
		}
		for k, v := range n.Out {
			if v != nil {
				s.Out[k] = types[v.ID]
			}
		}
		e.Nodes++
		e.Steps = append(e.Steps, s)
		for k, sub := range n.Subs {
			inner := sub.Graph.BoundTypes()
			for j, v := range n.Captures(k) {
				inner[sub.Graph.Capt[j].ID] = types[v.ID]
			}
			e.walk(sub.Graph, inner, 0, seen)
			e.Complete = false
		}
	}
	for _, v := range g.Out {
		e.constant(v, seen)
	}
}

// constant adds the bytes of a constant that wasn't met before.
func (e *Estimate) constant(v *ir.Value, seen map[*ir.Const]bool) {
	if v.Const == nil || seen[v.Const] {
		return
	}
	seen[v.Const] = true
	e.Weights += int64(len(v.Const.T.Bytes()))
}
