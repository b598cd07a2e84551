package passes

import (
	"math"

	"ingot/internal/ir"
	"ingot/tensor"
)

// fuseBatchNorm puts a batch normalisation with constant statistics into the weights of the convolution before it.
var fuseBatchNorm = &Pass{
	Name: "fuse-batch-norm",
	Why:  "γ·(W∗x+b−μ)/√(σ²+ε)+β = (s·W)∗x + s·(b−μ)+β with s = γ/√(σ²+ε), a number for each output channel",
	Root: []string{"BatchNormalization"},
	Try: func(p *Patch, n *ir.Node) bool {
		v := n.In[0]
		conv := def(v, "Conv")
		if !n.Is("BatchNormalization") || conv == nil || !single(v) || !isFloat32(v) || attr(n, "training_mode").I != 0 || anyOut(n, 1) {
			return false
		}
		w := floatsOf(conv.In[1])
		if w == nil {
			return false
		}
		channels := conv.In[1].Tensor().Dims()[0]
		var params [4][]float32 // γ, β, μ, σ²
		for i := range params {
			if params[i] = floatsOf(n.In[i+1]); len(params[i]) != channels {
				return false
			}
		}
		bias := make([]float32, channels)
		if conv.NumIn > 2 && conv.In[2] != nil {
			b := floatsOf(conv.In[2])
			if len(b) != channels {
				return false
			}
			copy(bias, b)
		}
		eps := float64(attr(n, "epsilon").F)
		scaled := make([]float32, len(w))
		per := len(w) / max(channels, 1)
		for c := range channels {
			s := float64(params[0][c]) / math.Sqrt(float64(params[3][c])+eps)
			for i := c * per; i < (c+1)*per; i++ {
				scaled[i] = float32(s * float64(w[i]))
			}
			bias[c] = float32(s*(float64(bias[c])-float64(params[2][c])) + float64(params[1][c]))
		}
		weights := p.Const(conv.In[1].Name, tensor.Of(scaled, conv.In[1].Tensor().Dims()...))
		return p.replaceWith(n.Out[0], "", "Conv", conv.Op.Attrs(conv.Attr), conv.In[0], weights, p.Const(conv.In[1].Name+"/bias", tensor.Of(bias)))
	},
}

// floatsOf returns the elements of a float32 constant.
func floatsOf(v *ir.Value) []float32 {
	t := v.Tensor()
	if t == nil || t.DType() != tensor.Float32 {
		return nil
	}
	return tensor.View[float32](t)
}

// anyOut reports whether a node has outputs from number i on.
func anyOut(n *ir.Node, i int) bool {
	for ; i < len(n.Out); i++ {
		if n.Out[i] != nil {
			return true
		}
	}
	return false
}

// fuseScale puts a multiplication or an addition by a constant for each channel into the convolution before it.
var fuseScale = &Pass{
	Name: "fuse-scale",
	Why:  "s·(W∗x+b) = (s·W)∗x + s·b, and (W∗x+b)+t = W∗x + (b+t), for numbers s and t of each output channel",
	Root: []string{"Mul", "Add"},
	Try: func(p *Patch, n *ir.Node) bool {
		if !n.Is("Mul", "Add") || !isFloat32(n.Out[0]) {
			return false
		}
		v, c := operand(n, func(v *ir.Value) bool { return def(v, "Conv") != nil && single(v) })
		if v == nil {
			return false
		}
		conv := v.Def
		w, f := floatsOf(conv.In[1]), floatsOf(c)
		if w == nil || f == nil {
			return false
		}
		dims := conv.In[1].Tensor().Dims()
		channels := dims[0]
		if !perChannel(c.Tensor().Dims(), channels, len(dims)) {
			return false
		}
		bias := make([]float32, channels)
		if conv.NumIn > 2 && conv.In[2] != nil {
			b := floatsOf(conv.In[2])
			if len(b) != channels {
				return false
			}
			copy(bias, b)
		}
		weights := conv.In[1]
		at := func(i int) float32 { return f[i%len(f)] }
		if n.Is("Add") {
			for i := range bias {
				bias[i] += at(i)
			}
		} else {
			scaled := make([]float32, len(w))
			per := len(w) / max(channels, 1)
			for i := range w {
				scaled[i] = w[i] * at(i/max(per, 1))
			}
			for i := range bias {
				bias[i] *= at(i)
			}
			weights = p.Const(conv.In[1].Name, tensor.Of(scaled, dims...))
		}
		return p.replaceWith(n.Out[0], "", "Conv", conv.Op.Attrs(conv.Attr), conv.In[0], weights, p.Const(conv.In[1].Name+"/bias", tensor.Of(bias)))
	},
}

// perChannel reports whether a constant of this shape broadcasts along the channels of a value of the given rank: a single number, or [C,1,1].
func perChannel(dims []int, channels, rank int) bool {
	if len(dims) > rank {
		return false
	}
	for i, d := range dims {
		axis := rank - len(dims) + i
		if d != 1 && (axis != 1 || d != channels) {
			return false
		}
	}
	return true
}
