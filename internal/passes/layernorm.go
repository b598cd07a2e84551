package passes

import (
	"slices"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// fuseLayerNorm recognises d/√(mean(d²)+ε)·γ+β with d = x−mean(x) along the last axis, as exporters write it for opsets before 17.
var fuseLayerNorm = &Pass{
	Name: "fuse-layer-norm",
	Why:  "it is the definition of LayerNormalization",
	Root: []string{"Div"},
	Try: func(p *Patch, n *ir.Node) bool {
		if !n.Is("Div") || !isFloat32(n.Out[0]) {
			return false
		}
		sub, sqrt := def(n.In[0], "Sub"), def(n.In[1], "Sqrt")
		if sub == nil || sqrt == nil {
			return false
		}
		x := sub.In[0]
		mean := def(sub.In[1], "ReduceMean")
		add := def(sqrt.In[0], "Add")
		eps, variance := operand(add, func(v *ir.Value) bool { _, ok := scalar(v); return ok })
		if mean == nil || mean.In[0] != x || eps == nil || !overLast(mean, x) {
			return false
		}
		square := def(variance, "ReduceMean")
		if square == nil || !overLast(square, x) || !squareOf(square.In[0], n.In[0]) {
			return false
		}
		e, _ := scalar(eps)
		width, ok := x.Type.Shape[x.Type.Rank()-1].Int()
		if !ok || e <= 0 {
			return false
		}
		out, gamma, beta := affine(n.Out[0], int(width))
		if gamma == nil {
			ones := make([]float32, width)
			for i := range ones {
				ones[i] = 1
			}
			gamma = p.Const("ones", tensor.Of(ones))
		}
		in := []*ir.Value{x, gamma}
		if beta != nil {
			in = append(in, beta)
		}
		p.at = out.Def
		return p.replaceWith(out, "", "LayerNormalization", ops.Attrs{"axis": ops.IntAttr(-1), "epsilon": ops.FloatAttr(float32(e))}, in...)
	},
}

// overLast reports whether a reduction keeps its dimensions and works along the last axis only.
func overLast(n *ir.Node, x *ir.Value) bool {
	if x.Type.Rank() < 1 || n.NumIn < 2 || n.In[1] == nil {
		return false
	}
	axes, ok := sym.Ints(n.In[1].Type.Val)
	keep := attr(n, "keepdims")
	return ok && len(axes) == 1 && (axes[0] == -1 || axes[0] == int64(x.Type.Rank()-1)) && keep != nil && keep.I == 1
}

// squareOf reports whether v is d².
func squareOf(v, d *ir.Value) bool {
	if pow := def(v, "Pow"); pow != nil {
		return pow.In[0] == d && exactly(pow.In[1], 2)
	}
	m := def(v, "Mul")
	return m != nil && m.In[0] == d && m.In[1] == d
}

// affine follows ·γ and +β with constant vectors of the given width behind v. It returns the last value, and what it found.
func affine(v *ir.Value, width int) (out, gamma, beta *ir.Value) {
	vector := func(x *ir.Value) bool {
		t := x.Tensor()
		return t != nil && t.DType() == tensor.Float32 && slices.Equal(t.Dims(), []int{width})
	}
	if single(v) {
		if m := v.Uses()[0].Node; m.Is("Mul") {
			if g, other := operand(m, vector); other == v {
				v, gamma = m.Out[0], g
			}
		}
	}
	if single(v) {
		if a := v.Uses()[0].Node; a.Is("Add") {
			if b, other := operand(a, vector); other == v {
				v, beta = a.Out[0], b
			}
		}
	}
	return v, gamma, beta
}
