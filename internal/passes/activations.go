package passes

import (
	"math"

	"ingot/internal/ir"
	"ingot/ops"
)

// fuseHardSwish recognises x·clip(x+3, 0, 6)/6 as exporters of older PyTorch and Paddle write it, in pieces.
var fuseHardSwish = &Pass{
	Name: "fuse-hard-swish",
	Why:  "HardSwish(x) is x·clip(x/6+1/2, 0, 1) and HardSigmoid(x) is clip(x/6+1/2, 0, 1)",
	Root: []string{"Mul", "Div"},
	Try: func(p *Patch, n *ir.Node) bool {
		if !isFloat32(n.Out[0]) || !n.Is("Mul", "Div") {
			return false
		}
		if inner := sixth(n); inner != nil {
			if x := relu6Plus3(inner); x != nil {
				return p.replaceWith(n.Out[0], "", "HardSigmoid", ops.Attrs{"alpha": ops.FloatAttr(1.0 / 6), "beta": ops.FloatAttr(0.5)}, x)
			}
			m := def(inner, "Mul")
			gate, x := operand(m, func(v *ir.Value) bool { return relu6Plus3(v) != nil })
			if gate != nil && relu6Plus3(gate) == x {
				return p.replaceWith(n.Out[0], "", "HardSwish", nil, x)
			}
		}
		gate, x := operand(n, func(v *ir.Value) bool { return def(v, "HardSigmoid") != nil })
		if gate == nil || !n.Is("Mul") || gate.Def.In[0] != x {
			return false
		}
		a := gate.Def.Op.Attrs(gate.Def.Attr)
		if math.Abs(float64(a["alpha"].F)-1.0/6) > 1e-6 || a["beta"].F != 0.5 {
			return false
		}
		return p.replaceWith(n.Out[0], "", "HardSwish", nil, x)
	},
}

// sixth returns v where n computes v/6.
func sixth(n *ir.Node) *ir.Value {
	if n.Is("Div") && exactly(n.In[1], 6) {
		return n.In[0]
	}
	if n.Is("Mul") {
		if _, x := operand(n, func(v *ir.Value) bool { return exactly(v, 1.0/6) }); x != nil {
			return x
		}
	}
	return nil
}

// relu6Plus3 returns x where v is clip(x+3, 0, 6).
func relu6Plus3(v *ir.Value) *ir.Value {
	c := def(v, "Clip")
	if c == nil || c.NumIn < 3 || c.In[1] == nil || c.In[2] == nil || !exactly(c.In[2], 6) {
		return nil
	}
	if lo, ok := scalar(c.In[1]); !ok || lo != 0 {
		return nil
	}
	_, x := operand(def(c.In[0], "Add"), func(v *ir.Value) bool { return exactly(v, 3) })
	return x
}

var fuseSwish = &Pass{
	Name: "fuse-swish",
	Why:  "Swish(x) is x·sigmoid(x)",
	Root: []string{"Mul"},
	Try: func(p *Patch, n *ir.Node) bool {
		gate, x := operand(n, func(v *ir.Value) bool { return def(v, "Sigmoid") != nil })
		if gate != nil && gate.Def.In[0] != x && def(x, "Sigmoid") != nil {
			gate, x = x, gate // sigmoid(y)·y where y is a sigmoid itself
		}
		if gate == nil || !n.Is("Mul") || gate.Def.In[0] != x || !isFloat32(x) {
			return false
		}
		return p.replaceWith(n.Out[0], "", "Swish", ops.Attrs{"alpha": ops.FloatAttr(1)}, x)
	},
}

// fuseGelu follows x·½·(1+erf(x/√2)) from the error function up, in whatever order the factors are multiplied.
var fuseGelu = &Pass{
	Name: "fuse-gelu",
	Why:  "Gelu(x) is x·½·(1+erf(x/√2))",
	Root: []string{"Erf"},
	Try: func(p *Patch, n *ir.Node) bool {
		x := overSqrt2(n.In[0])
		if x == nil || !isFloat32(x) || !single(n.Out[0]) {
			return false
		}
		add := n.Out[0].Uses()[0].Node
		if !add.Is("Add") || withConst(add, 1) == nil || !single(add.Out[0]) {
			return false
		}
		factor, xs := 1.0, 0
		for cur := add.Out[0]; single(cur); {
			m := cur.Uses()[0].Node
			if !m.Is("Mul") {
				return false
			}
			_, other := operand(m, func(v *ir.Value) bool { return v == cur })
			if c, ok := scalar(other); ok {
				factor *= c
			} else if other == x {
				xs++
			} else if c, ok := scaled(other, x); ok {
				factor *= c
				xs++
			} else {
				return false
			}
			cur = m.Out[0]
			if xs == 1 && math.Abs(factor-0.5) < 1e-6 {
				p.at = m // the operand may be computed between the error function and here
				return p.replaceWith(cur, "", "Gelu", nil, x)
			}
			if xs > 1 {
				return false
			}
		}
		return false
	},
}

// overSqrt2 returns x where v is x/√2.
func overSqrt2(v *ir.Value) *ir.Value {
	if d := def(v, "Div"); d != nil && near(d.In[1], math.Sqrt2) {
		return d.In[0]
	}
	return withConst(def(v, "Mul"), 1/math.Sqrt2)
}

// scaled returns c where v is c·x.
func scaled(v, x *ir.Value) (float64, bool) {
	m := def(v, "Mul")
	_, other := operand(m, func(o *ir.Value) bool { return o == x })
	if other == nil {
		return 0, false
	}
	return scalar(other)
}
