package contrib

import (
	"fmt"

	"ingot/ops"
)

var activations = []*ops.Op{
	expand("Gelu", "X:T", "Y:T", "T=floats4", func(g graph, _ *noAttrs) error { return g.SetOut(0, g.gelu(g.In(0))) }),
	expand("FastGelu", "X:T, bias:T?", "Y:T", "T=floats4", func(g graph, _ *noAttrs) error {
		return g.SetOut(0, g.fastGelu(g.add(g.In(0), g.In(1))))
	}),
	expand("BiasGelu", "A:T, B:T", "C:T", "T=floats4", func(g graph, _ *noAttrs) error {
		return g.SetOut(0, g.gelu(g.add(g.In(0), g.In(1))))
	}),
	expand("QuickGelu", "X:T", "Y:T", "T=floats4", func(g graph, a *quickGeluAttrs) error {
		x := g.In(0)
		return g.outLike(0, g.swish(g.wide(x), a.Alpha), x)
	}),
	expand("BiasSplitGelu", "X:T, bias:T", "Y:T", "T=float|float16", func(g graph, _ *noAttrs) error {
		parts := g.Ops("Split", attrs("axis", -1, "num_outputs", 2), 2, g.add(g.In(0), g.In(1)))
		return g.SetOut(0, g.mul(parts[0], g.gelu(parts[1])))
	}),
	expand("BiasAdd", "X:T, bias:T, skip:T", "Y:T", "T=float|float16", func(g graph, _ *noAttrs) error {
		return g.SetOut(0, g.add(g.In(0), g.In(1), g.In(2)))
	}),
}

type quickGeluAttrs struct {
	Alpha float32 `onnx:",1.702"`
}

func (g graph) gelu(x ops.Ref) ops.Ref     { return g.Op("Gelu", nil, x) }
func (g graph) fastGelu(x ops.Ref) ops.Ref { return g.Op("Gelu", attrs("approximate", "tanh"), x) }

// swish is x·sigmoid(alpha·x).
func (g graph) swish(x ops.Ref, alpha float32) ops.Ref {
	return g.Op("Swish", attrs("alpha", alpha), x)
}

// activation is a fused activation. The parameters are alpha, beta and gamma in this order; nil, or a list that ends early, leaves an operator's
// defaults.
func (g graph) activation(name string, params []float32, x ops.Ref) (ops.Ref, error) {
	names, ok := activationParams[name]
	if !ok {
		return nil, fmt.Errorf("attribute activation is %q; it must be one of the standard's activations, such as Relu", name)
	}
	if len(params) > len(names) {
		return nil, fmt.Errorf("the activation %s has %d parameters, not %d", name, len(names), len(params))
	}
	switch name {
	case "":
		return x, nil
	case "Clip":
		var lo, hi ops.Ref
		if len(params) > 0 {
			lo = g.scalar(float64(params[0]), x)
		}
		if len(params) > 1 {
			hi = g.scalar(float64(params[1]), x)
		}
		return g.Op("Clip", nil, x, lo, hi), nil
	}
	at := ops.Attrs{}
	for i, p := range params {
		at[names[i]] = ops.FloatAttr(p)
	}
	return g.Op(name, at, x), nil
}

// activationParams lists the activations that can be fused, with their attributes in the order of parameters.
var activationParams = map[string][]string{
	"": {}, "Relu": {}, "Sigmoid": {}, "Tanh": {}, "Softplus": {}, "Softsign": {}, "HardSwish": {}, "Abs": {}, "Neg": {}, "Exp": {}, "Log": {},
	"Sqrt": {}, "Floor": {}, "Ceil": {}, "Reciprocal": {}, "Sin": {}, "Cos": {}, "Erf": {}, "Mish": {}, "Clip": {"min", "max"},
	"LeakyRelu": {"alpha"}, "Elu": {"alpha"}, "Celu": {"alpha"}, "ThresholdedRelu": {"alpha"}, "HardSigmoid": {"alpha", "beta"},
	"Selu": {"alpha", "gamma"},
}
