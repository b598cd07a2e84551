package passes

import (
	"math"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// scalar returns the only element of a floating-point constant.
func scalar(v *ir.Value) (float64, bool) {
	t := v.Tensor()
	if t == nil || t.Len() != 1 {
		return 0, false
	}
	switch t.DType() {
	case tensor.Float32:
		return float64(tensor.View[float32](t)[0]), true
	case tensor.Float64:
		return tensor.View[float64](t)[0], true
	case tensor.Float16:
		return float64(tensor.View[tensor.F16](t)[0].Float32()), true
	}
	return 0, false
}

// near reports whether a constant is a number, within what rounding to half precision leaves of it.
func near(v *ir.Value, want float64) bool {
	got, ok := scalar(v)
	return ok && math.Abs(got-want) <= 1e-3*math.Abs(want)
}

// exactly reports whether a constant is a number, within the rounding of float32.
func exactly(v *ir.Value, want float64) bool {
	got, ok := scalar(v)
	return ok && math.Abs(got-want) <= 1e-6*math.Abs(want)
}

// single reports whether v has one use and is no output: nobody misses it when its user is replaced.
func single(v *ir.Value) bool { return len(v.Uses()) == 1 && !v.IsOutput() }

// def returns the node that computes v if it is one of the named operators of the default domain.
func def(v *ir.Value, names ...string) *ir.Node {
	if v == nil || v.Def == nil || v.Def.Dead() || !v.Def.Is(names...) || v.Def.Out[0] != v {
		return nil
	}
	return v.Def
}

// operand splits a binary node's inputs into the one that pick accepts and the other.
func operand(n *ir.Node, pick func(*ir.Value) bool) (found, other *ir.Value) {
	if n == nil || n.NumIn != 2 {
		return nil, nil
	}
	switch {
	case pick(n.In[0]):
		return n.In[0], n.In[1]
	case pick(n.In[1]):
		return n.In[1], n.In[0]
	}
	return nil, nil
}

// withConst returns the operand of a commutative node whose other operand is the constant c.
func withConst(n *ir.Node, c float64) *ir.Value {
	_, x := operand(n, func(v *ir.Value) bool { return near(v, c) })
	return x
}

func isFloat32(v *ir.Value) bool { return v.Type.Kind == sym.Tensor && v.Type.DT == tensor.Float32 }

// attr returns an attribute of a node, nil when it is absent.
func attr(n *ir.Node, name string) *ops.Attr { return n.Op.Attrs(n.Attr)[name] }

// replaceWith adds a node of the newest version of op, which computes what v is, and lets it take v's place. It reports false, and changes
// nothing, if there is no such operator or it doesn't fit.
func (p *Patch) replaceWith(v *ir.Value, domain, op string, attrs ops.Attrs, in ...*ir.Value) bool {
	w := p.make(domain, op, attrs, in...)
	return w != nil && p.Replace(v, w)
}

// make adds a node with one output and returns that; nil when there is no such operator or it doesn't fit.
func (p *Patch) make(domain, op string, attrs ops.Attrs, in ...*ir.Value) *ir.Value {
	o := p.Op(domain, op)
	if o == nil {
		return nil
	}
	a, err := o.ParseAttrs(attrs)
	if err != nil {
		return nil
	}
	n := p.Add(o, a, 1, in...)
	if n == nil {
		return nil
	}
	return n.Out[0]
}
