package contrib

import (
	"fmt"
	"math"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

const (
	floatT = "float|float16|bfloat16"
	gateTM = "T=" + floatT + "; M=" + floatT
)

// gateOps are the small parts of recent language models that exporters fuse: norms, gates, and the mixing of several residual streams. Half types
// are computed in float32 and rounded where the descriptions say so.
var gateOps = []*ops.Op{
	expand("ScaledSiLU", "X:T, scale:M?", "Y:T", gateTM, func(g graph, a *scaledSiLUAttrs) error {
		x := g.In(0)
		scale := g.wide(g.In(1))
		if scale == nil {
			scale = g.scalar(float64(a.Alpha), g.wide(x))
		}
		z := g.cast(g.mul(g.wide(x), g.Op("Reshape", nil, scale, g.ints(1))), g.TypeOf(x).DT)
		return g.SetOut(0, g.mul(z, g.Op("Sigmoid", nil, z)))
	}),
	expand("GatedAdd", "X:T, Y:T, gate:T, gate_weight:T?", "output:T", "T="+floatT, func(g graph, _ *noAttrs) error {
		x, gate := g.In(0), g.In(2)
		if g.Has(3) {
			if g.TypeOf(x).DT != tensor.BFloat16 {
				return fmt.Errorf("gate_weight is there and X is of %s; a projected gate is defined for bfloat16 only", g.TypeOf(x).DT)
			}
			p := g.cast(g.Op("MatMul", nil, g.wide(gate), g.wide(g.In(3))), tensor.BFloat16)
			gate = g.Op("Sigmoid", nil, p)
		}
		return g.SetOut(0, g.add(x, g.mul(g.In(1), gate)))
	}),
	expand("LinearAttentionGate", "a:T, dt_bias:TF, decay_scale:TF, b:T?", "decay:T, beta:T?", "T="+floatT+"; TF=float", func(g graph, _ *noAttrs) error {
		if g.Wants(1) {
			if !g.Has(3) {
				return fmt.Errorf("output beta is named, so input b must be there")
			}
			if err := g.outLike(1, g.Op("Sigmoid", nil, g.wide(g.In(3))), g.In(3)); err != nil {
				return err
			}
		}
		return g.outLike(0, g.mul(g.Op("Softplus", nil, g.add(g.wide(g.In(0)), g.In(1))), g.In(2)), g.In(0))
	}),
	expand("EngramGate", "key:T, query:T, value:T, key_norm_scale:T, query_norm_scale:T, conv_norm_scale:T?", "output:T, gated_value_normed:T?", "T="+floatT, expandEngram),
	expand("GatedRMSNorm", "X:T, scale:T, gate:T", "Y:T", "T="+floatT, func(g graph, a *gatedNormAttrs) error {
		groups := g.Op("Concat", attrs("axis", 0), g.ints(-1), g.Op("Shape", nil, g.In(1)))
		x := g.Op("Reshape", nil, g.wide(g.In(0)), groups)
		y := g.Op("Reshape", nil, g.mul(g.rms(x, a.Epsilon), g.wide(g.In(1))), g.Op("Shape", nil, g.In(0)))
		z := g.wide(g.In(2))
		switch a.Activation {
		case "silu", "swish":
			z = g.swish(z, 1)
		case "sigmoid":
			z = g.Op("Sigmoid", nil, z)
		default:
			return fmt.Errorf("activation is %q; it must be silu, swish or sigmoid", a.Activation)
		}
		return g.outLike(0, g.mul(y, z), g.In(0))
	}),
	expand("BranchwiseRMSNorm", "X:T, scale:M?", "Y:T", gateTM, func(g graph, a *branchNormAttrs) error {
		x, err := g.branches(0, a.NumBranches)
		if err != nil {
			return err
		}
		y := g.rms(x, a.Epsilon)
		if g.Has(1) {
			size := g.Op("Shape", attrs("start", -1), x)
			y = g.mul(y, g.Op("Reshape", nil, g.wide(g.In(1)), g.Op("Concat", attrs("axis", 0), g.ints(-1), size)))
		}
		return g.outLike(0, g.Op("Reshape", nil, y, g.Op("Shape", nil, g.In(0))), g.In(0))
	}),
	expand("HyperConnectionPreMix", "streams:T, pre_mix:M", "output:T", gateTM, func(g graph, a *preMixAttrs) error {
		x, err := g.branches(0, a.NumBranches)
		if err != nil {
			return err
		}
		gate, err := g.branchGate(1, x, a.NumBranches)
		if err != nil {
			return err
		}
		sum := g.Op("ReduceSum", attrs("keepdims", 0), g.mul(x, gate), g.ints(-2))
		return g.outLike(0, g.mul(sum, g.scalar(float64(a.ReductionScale), sum)), g.In(0))
	}),
	expand("HyperConnectionPostMix", "streams:T, block_output:T, post_mix:M, stream_mix:M?", "output:T", gateTM, func(g graph, a *branchAttrs) error {
		x, err := g.branches(0, a.NumBranches)
		if err != nil {
			return err
		}
		gate, err := g.branchGate(2, x, a.NumBranches)
		if err != nil {
			return err
		}
		y := g.mul(gate, g.Op("Unsqueeze", nil, g.wide(g.In(1)), g.ints(-2)))
		if g.Has(3) {
			x = g.matmul(g.wide(g.In(3)), x, true, false, 1)
		}
		return g.outLike(0, g.Op("Reshape", nil, g.add(x, y), g.Op("Shape", nil, g.In(0))), g.In(0))
	}),
	expand("MoEGroupRouter", "logits:T, expert_bias:TF, projection_weight:T?", "router_probs:T?, selection_scores:TF?, router_weights:TF?", "T="+floatT+"; TF=float", expandRouter),
}

type scaledSiLUAttrs struct {
	Alpha float32 `onnx:",1"`
}

type gatedNormAttrs struct {
	Activation string  `onnx:",silu"`
	Epsilon    float32 `onnx:",1e-5"`
}

type branchAttrs struct {
	NumBranches int `onnx:",0"`
}

type branchNormAttrs struct {
	Epsilon     float32 `onnx:",1e-5"`
	NumBranches int     `onnx:",0"`
}

type preMixAttrs struct {
	NumBranches    int     `onnx:",0"`
	ReductionScale float32 `onnx:",1"`
}

// rms divides x by the root of its mean square along the last axis.
func (g graph) rms(x ops.Ref, epsilon float32) ops.Ref {
	return g.mul(x, g.inverseRoot(x, g.ints(-1), epsilon))
}

// branches is input i in float32, its last two dimensions the branches and what each of them holds: a flat one is cut into n branches.
func (g graph) branches(i, n int) (ops.Ref, error) {
	x := g.wide(g.In(i))
	switch {
	case n < 0:
		return nil, fmt.Errorf("num_branches is %d; it must be positive, or 0 for an input whose branches are a dimension", n)
	case n == 0:
		return x, nil
	}
	if t := g.Type(i); t.Ranked && len(t.Shape) > 0 {
		if w, ok := t.Shape[len(t.Shape)-1].Int(); ok && w%int64(n) != 0 {
			return nil, fmt.Errorf("input %d is %s, whose last dimension isn't a multiple of num_branches, %d", i, sym.ShapeString(t.Shape), n)
		}
	}
	return g.Op("Reshape", nil, x, g.Op("Concat", attrs("axis", 0), g.Op("Shape", attrs("end", -1), g.In(i)), g.ints(int64(n), -1))), nil
}

// branchGate is input i, a factor for each branch of x or for each of its elements, as something that x can be multiplied with. The gate is as x, has
// its last dimension be 1, or lacks it; that of a flat x may be flat.
func (g graph) branchGate(i int, x ops.Ref, flat int) (ops.Ref, error) {
	rank, err := g.rank(0, "streams")
	if err != nil {
		return nil, err
	}
	if flat > 0 {
		rank++
	}
	have, err := g.rank(i, "the gate")
	if err != nil {
		return nil, err
	}
	gate := g.wide(g.In(i))
	switch have {
	case rank:
		return gate, nil
	case rank - 1:
		return g.Op("Reshape", nil, gate, g.Op("Concat", attrs("axis", 0), g.Op("Shape", attrs("end", -1), x), g.ints(-1))), nil
	}
	return nil, fmt.Errorf("input %d has %d dimensions; for these streams it must have %d or %d", i, have, rank-1, rank)
}

type engramAttrs struct {
	Epsilon float32 `onnx:",1e-5"`
}

// expandEngram multiplies a value, which all branches share, by how well key and query of a branch agree.
func expandEngram(g graph, a *engramAttrs) error {
	if g.Wants(1) && !g.Has(5) {
		return fmt.Errorf("output gated_value_normed is named, so conv_norm_scale must be there")
	}
	norm := func(x ops.Ref, scale int) ops.Ref { return g.mul(g.rms(x, a.Epsilon), g.wide(g.In(scale))) }
	dot := g.Op("ReduceSum", nil, g.mul(norm(g.wide(g.In(0)), 3), norm(g.wide(g.In(1)), 4)), g.ints(-1))
	size := g.cast(g.Op("Shape", attrs("start", 3), g.In(0)), tensor.Float32)
	dot = g.Op("Div", nil, dot, g.Op("Sqrt", nil, size))
	root := g.Op("Sqrt", nil, g.Op("Max", nil, g.Op("Abs", nil, dot), g.scalar(1e-6, dot)))
	gate := g.Op("Sigmoid", nil, g.mul(g.Op("Sign", nil, dot), root))
	y := g.mul(gate, g.wide(g.Op("Unsqueeze", nil, g.In(2), g.ints(2))))
	if g.Wants(1) {
		if err := g.outLike(1, norm(y, 5), g.In(0)); err != nil {
			return err
		}
	}
	return g.outLike(0, y, g.In(0))
}

type routerAttrs struct {
	GroupTopk      int     `onnx:",2"`
	NGroup         int     `onnx:",1"`
	RouterSentinel float32 `onnx:",-10000"`
	TopK           int     `onnx:",required"`
	TopkGroup      int     `onnx:",1"`
}

// expandRouter chooses experts by sigmoids: either it gives the sigmoids, plain and with a bias for the choice, or it chooses groups of experts by
// their best ones, then the best experts of these groups, and gives the logarithms of their sigmoids.
func expandRouter(g graph, a *routerAttrs) error {
	if a.TopK < 1 || a.NGroup < 1 || a.TopkGroup < 1 || a.GroupTopk < 1 || a.TopkGroup > a.NGroup {
		return fmt.Errorf("top_k is %d, n_group %d, topk_group %d and group_topk %d; all must be positive, and no more groups chosen than there are", a.TopK, a.NGroup, a.TopkGroup, a.GroupTopk)
	}
	experts := g.Op("Shape", attrs("start", -1), g.In(1))
	logits := g.wide(g.In(0))
	full := g.Wants(1) || g.Wants(2)
	switch {
	case full && (!g.Wants(1) || !g.Wants(2) || g.Wants(0)):
		return fmt.Errorf("the outputs are either router_probs, or both selection_scores and router_weights")
	case full && (a.NGroup != 1 || a.TopkGroup != 1):
		return fmt.Errorf("n_group is %d and topk_group %d; with selection_scores both must be 1", a.NGroup, a.TopkGroup)
	case g.Has(2) && !full:
		return fmt.Errorf("projection_weight is there; it comes with selection_scores only")
	case g.Has(2):
		logits = g.matmul(logits, g.wide(g.In(2)), false, true, 1)
	}
	s := g.Op("Reshape", nil, g.Op("Sigmoid", nil, logits), g.Op("Concat", attrs("axis", 0), g.ints(-1), experts))
	biased := g.add(s, g.In(1))
	if full {
		if err := g.SetOut(1, biased); err != nil {
			return err
		}
		return g.SetOut(2, s)
	}
	if a.NGroup > 1 {
		groups := g.Op("Reshape", nil, biased, g.ints(0, int64(a.NGroup), -1))
		most := g.Op("Min", nil, g.ints(int64(a.GroupTopk)), g.Op("Shape", attrs("start", 2), groups))
		score := g.Op("ReduceSum", attrs("keepdims", 0), g.Ops("TopK", nil, 2, groups, most)[0], g.ints(2))
		best := g.Ops("TopK", nil, 2, score, g.ints(int64(a.TopkGroup)))[1]
		chosen := g.Op("ScatterElements", attrs("axis", 1), g.mul(score, g.scalar(0, score)), best,
			g.Op("Expand", nil, g.scalar(1, score), g.Op("Shape", nil, best)))
		open := g.Op("Greater", nil, g.Op("Unsqueeze", nil, chosen, g.ints(2)), g.scalar(0.5, chosen))
		biased = g.Op("Reshape", nil, g.Op("Where", nil, open, groups, g.scalar(math.Inf(-1), groups)), g.Op("Shape", nil, s))
	}
	best := g.Ops("TopK", nil, 2, biased, g.ints(int64(a.TopK)))[1]
	logs := g.Op("Log", nil, g.Op("Max", nil, g.Op("GatherElements", attrs("axis", 1), s, best), g.scalar(1e-20, s)))
	empty := g.Op("Expand", nil, g.scalar(float64(a.RouterSentinel), s), g.Op("Shape", nil, s))
	return g.outLike(0, g.Op("ScatterElements", attrs("axis", 1), empty, best, logs), g.In(0))
}
