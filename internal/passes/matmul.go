package passes

import (
	"math"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// fuseGemm turns products into the internal one, which takes a bias, a residual and an activation.
var fuseGemm = &Pass{
	Name: "fuse-gemm",
	Why:  "Gemm with a bias along its columns is the fused product with that bias",
	Root: []string{"Gemm"},
	Try: func(p *Patch, n *ir.Node) bool {
		if !n.Is("Gemm") || !isFloat32(n.Out[0]) {
			return false
		}
		a := n.Op.Attrs(n.Attr)
		in := []*ir.Value{n.In[0], n.In[1]}
		if n.NumIn > 2 && n.In[2] != nil {
			if a["beta"].F != 1 || !isColumnBias(n.In[2], n.Out[0]) {
				return false
			}
			in = append(in, n.In[2])
		}
		if a["alpha"].F == 0 {
			return false
		}
		return p.replaceWith(n.Out[0], ops.Internal, "MatMul",
			ops.Attrs{"trans_a": ops.IntAttr(a["transA"].I), "trans_b": ops.IntAttr(a["transB"].I), "alpha": a["alpha"]}, in...)
	},
}

// isColumnBias reports whether b is a constant vector along the last dimension of out, which is known.
func isColumnBias(b, out *ir.Value) bool {
	t := b.Tensor()
	if t == nil || t.DType() != tensor.Float32 || t.Rank() < 1 || out.Type.Rank() < 2 {
		return false
	}
	width := t.Dims()[t.Rank()-1]
	return t.Len() == width && t.Rank() <= out.Type.Rank() && out.Type.Shape[out.Type.Rank()-1].Is(int64(width))
}

var fuseMatMulBias = &Pass{
	Name: "fuse-matmul-bias",
	Why:  "adding a vector along the columns is the product's bias",
	Root: []string{"Add"},
	Try: func(p *Patch, n *ir.Node) bool {
		if !n.Is("Add") || !isFloat32(n.Out[0]) {
			return false
		}
		prod, bias := operand(n, func(v *ir.Value) bool { return def(v, "MatMul") != nil && single(v) })
		if prod == nil || len(prod.Def.In[1].Type.Shape) < 2 || len(prod.Def.In[0].Type.Shape) < 2 || !isColumnBias(bias, prod) {
			return false
		}
		flat := bias
		if t := bias.Tensor(); t.Rank() != 1 {
			v, err := t.Reshape(t.Len())
			if err != nil {
				return false
			}
			flat = p.Const(bias.Name, v)
		}
		return p.replaceWith(n.Out[0], ops.Internal, "MatMul", nil, prod.Def.In[0], prod.Def.In[1], flat)
	},
}

// fuseResidual gives an addition of two like values to the product or convolution that computes one of them.
var fuseResidual = &Pass{
	Name: "fuse-residual",
	Why:  "the epilogue adds a value of the result's shape before the activation",
	Root: []string{"Add"},
	Try: func(p *Patch, n *ir.Node) bool {
		if !n.Is("Add") || !isFloat32(n.Out[0]) || n.In[0] == n.In[1] || !sameShape(n.In[0], n.In[1]) {
			return false
		}
		prod, other := operand(n, func(v *ir.Value) bool { return takesResidual(v) })
		if prod == nil {
			return false
		}
		d := prod.Def
		in := []*ir.Value{d.In[0], d.In[1], nil, other}
		if d.NumIn > 2 {
			in[2] = d.In[2]
		}
		return p.replaceWith(n.Out[0], ops.Internal, d.Op.Name, d.Op.Attrs(d.Attr), in...)
	},
}

func takesResidual(v *ir.Value) bool {
	d := v.Def
	if d == nil || d.Dead() || d.Op.Domain != ops.Internal || d.Op.Name != "MatMul" && d.Op.Name != "ConvNHWC" || !single(v) {
		return false
	}
	return (d.NumIn < 4 || d.In[3] == nil) && attr(d, "act").S == ""
}

// sameShape reports whether both shapes are known to be equal, symbols included.
func sameShape(a, b *ir.Value) bool {
	return a.Type.Ranked && b.Type.Ranked && sym.EqualShapes(a.Type.Shape, b.Type.Shape)
}

// fuseActivation gives an activation to the product or convolution before it.
var fuseActivation = &Pass{
	Name: "fuse-activation",
	Why:  "the epilogue applies the activation to each element of the result",
	Root: []string{"Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Swish", "Gelu", "Elu", "Softplus", "Mish"},
	Try: func(p *Patch, n *ir.Node) bool {
		v := n.In[0]
		d := v.Def
		if n.Op.Domain != "" || d == nil || d.Dead() || d.Op.Domain != ops.Internal || !single(v) {
			return false
		}
		have := attr(d, "act")
		if have == nil || have.S != "" {
			return false
		}
		act, alpha, beta, ok := fusedActivation(n)
		if !ok {
			return false
		}
		attrs := d.Op.Attrs(d.Attr)
		attrs["act"], attrs["act_alpha"], attrs["act_beta"] = ops.StringAttr(act), ops.FloatAttr(alpha), ops.FloatAttr(beta)
		return p.replaceWith(n.Out[0], ops.Internal, d.Op.Name, attrs, d.Inputs()...)
	},
}

// fusedActivation names an activation and its parameters as epilogues know them.
func fusedActivation(n *ir.Node) (act string, alpha, beta float32, ok bool) {
	a := n.Op.Attrs(n.Attr)
	switch n.Op.Name {
	case "Relu", "Sigmoid", "Tanh", "HardSwish", "Softplus", "Mish":
		return n.Op.Name, 0, 0, true
	case "LeakyRelu", "Elu":
		return n.Op.Name, a["alpha"].F, 0, true
	case "HardSigmoid":
		return n.Op.Name, a["alpha"].F, a["beta"].F, true
	case "Swish":
		return "SiLU", 0, 0, a["alpha"].F == 1
	case "Gelu":
		if a["approximate"].S == "tanh" {
			return "GeluTanh", 0, 0, true
		}
		return "Gelu", 0, 0, a["approximate"].S == "none"
	case "Clip":
		lo, hi := math.Inf(-1), math.Inf(1) // infinities pass where there is no bound
		if n.NumIn > 1 && n.In[1] != nil {
			if lo, ok = scalar(n.In[1]); !ok {
				return "", 0, 0, false
			}
		}
		if n.NumIn > 2 && n.In[2] != nil {
			if hi, ok = scalar(n.In[2]); !ok {
				return "", 0, 0, false
			}
		}
		return "Clip", float32(lo), float32(hi), lo <= hi
	}
	return "", 0, 0, false
}
