package contrib

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

var normOps = []*ops.Op{
	expandIn("", "SimplifiedLayerNormalization", "X:T, scale:V", "Y:V, inv_std_var:U?", "T=floats4; U=float|double; V=floats4", expandSimplified),
	expand("SkipLayerNormalization", "input:T, skip:T, gamma:T, beta:T?, bias:T?",
		"output:T, mean:U?, inv_std_var:U?, input_skip_bias_sum:T?", "T=floats4; U=float",
		func(g graph, a *skipNormAttrs) error {
			sum := g.add(g.wide(g.In(0)), g.wide(g.In(1)), g.wide(g.In(4)))
			return g.skipNorm(sum, g.layerNorm(sum, g.wide(g.In(2)), g.wide(g.In(3)), a.Epsilon))
		}),
	expand("SkipSimplifiedLayerNormalization", "input:T, skip:T, gamma:T, bias:T?",
		"output:T, mean:U?, inv_std_var:U?, input_skip_bias_sum:T?", "T=floats4; U=float",
		func(g graph, a *skipNormAttrs) error {
			sum := g.add(g.wide(g.In(0)), g.wide(g.In(1)), g.wide(g.In(3)))
			if g.Wants(1) {
				return fmt.Errorf("output mean is named, but the operator takes no mean")
			}
			y := g.Op("RMSNormalization", attrs("epsilon", a.Epsilon), sum, g.wide(g.In(2)))
			var inv ops.Ref
			if g.Wants(2) {
				inv = g.inverseRoot(sum, g.ints(-1), a.Epsilon)
			}
			return g.skipNorm(sum, []ops.Ref{y, nil, inv})
		}),
	expand("EmbedLayerNormalization", "input_ids:T1, segment_ids:T1?, word_embedding:T, position_embedding:T, segment_embedding:T?, gamma:T, beta:T, mask:T1?, position_ids:T1?",
		"output:T, mask_index:T1?, embedding_sum:T?", "T1=int32; T=float|float16", expandEmbed),
	expand("GroupNorm", "X:T, gamma:M, beta:M", "Y:T", "T=float|float16; M=float|float16", func(g graph, a *groupNormAttrs) error {
		y, err := a.norm(g, g.wide(g.In(0)))
		if err != nil {
			return err
		}
		return g.outLike(0, y, g.In(0))
	}),
	expand("SkipGroupNorm", "X:T, gamma:M, beta:M, skip:T, bias:T?", "Y:T, S:T?", "T=float|float16; M=float|float16", expandSkipGroupNorm),
}

type simplifiedAttrs struct {
	Axis      int     `onnx:",-1"`
	Epsilon   float32 `onnx:",1e-5"`
	StashType int     `onnx:",1"`
}

// expandSimplified makes the norm by the root of the mean square, under its old name.
func expandSimplified(g graph, a *simplifiedAttrs) error {
	x := g.In(0)
	if g.Wants(1) {
		axes := []int64{-1}
		if a.Axis != -1 {
			rank, err := g.rank(0, "X")
			if err != nil {
				return err
			}
			axis, err := ops.Axis(a.Axis, rank)
			if err != nil {
				return fmt.Errorf("attribute axis: %w", err)
			}
			axes = nil
			for ; axis < rank; axis++ {
				axes = append(axes, int64(axis))
			}
		}
		inv := g.inverseRoot(g.wide(x), g.ints(axes...), a.Epsilon)
		if err := g.SetOut(1, g.cast(inv, tensor.Float32)); err != nil {
			return err
		}
	}
	return g.SetOut(0, g.Op("RMSNormalization", attrs("axis", a.Axis, "epsilon", a.Epsilon, "stash_type", a.StashType), x, g.In(1)))
}

// inverseRoot is 1/√(mean(x²) + epsilon).
func (g graph) inverseRoot(x, axes ops.Ref, epsilon float32) ops.Ref {
	mean := g.Op("ReduceMean", nil, g.mul(x, x), axes)
	return g.Op("Reciprocal", nil, g.Op("Sqrt", nil, g.add(mean, g.scalar(float64(epsilon), x))))
}

type skipNormAttrs struct {
	Epsilon float32 `onnx:",1e-12"`
}

func (g graph) layerNorm(x, gamma, beta ops.Ref, epsilon float32) []ops.Ref {
	return g.Ops("LayerNormalization", attrs("epsilon", epsilon), 3, x, gamma, beta)
}

// skipNorm hands over the outputs of a norm of a sum: the norm itself, mean and inverse deviation, and the sum.
func (g graph) skipNorm(sum ops.Ref, y []ops.Ref) error {
	for o := 1; o < 3; o++ {
		if g.Wants(o) {
			if err := g.SetOut(o, g.cast(y[o], tensor.Float32)); err != nil {
				return err
			}
		}
	}
	if err := g.outLike(3, sum, g.In(0)); err != nil {
		return err
	}
	return g.outLike(0, y[0], g.In(0))
}

type embedAttrs struct {
	Epsilon       float32 `onnx:",1e-12"`
	MaskIndexType int     `onnx:",-1"`
}

func expandEmbed(g graph, a *embedAttrs) error {
	if a.MaskIndexType < -1 || a.MaskIndexType > 1 {
		return fmt.Errorf("mask_index_type is %d; it must be 0 (none) or 1 (the number of words)", a.MaskIndexType)
	}
	if g.Has(1) != g.Has(4) {
		return fmt.Errorf("segment_ids and segment_embedding must come together")
	}
	ids := g.In(0)
	look := func(table, ids ops.Ref) ops.Ref { return g.wide(g.Op("Gather", nil, table, ids)) }
	sum := g.add(look(g.In(2), ids), g.positions(ids, g.In(3), g.In(8), look))
	if g.Has(1) {
		sum = g.add(sum, look(g.In(4), g.In(1)))
	}
	if g.Wants(1) {
		if err := g.SetOut(1, g.words(ids, g.In(7))); err != nil {
			return err
		}
	}
	if err := g.outLike(2, sum, g.In(2)); err != nil {
		return err
	}
	return g.outLike(0, g.layerNorm(sum, g.wide(g.In(5)), g.wide(g.In(6)), a.Epsilon)[0], g.In(2))
}

// positions looks positions up: the given ones, or those from 0 on for ids of [batch, sequence].
func (g graph) positions(ids, table, given ops.Ref, look func(table, ids ops.Ref) ops.Ref) ops.Ref {
	if given != nil {
		return look(table, given)
	}
	length := g.Op("Shape", attrs("start", 1, "end", 2), ids)
	zero, one := g.Const(tensor.Scalar(int64(0))), g.Const(tensor.Scalar(int64(1)))
	return look(table, g.Op("Range", nil, zero, g.Op("Squeeze", nil, length), one))
}

// words counts the ones in each row of the mask: the number of words. Without a mask it is 0, as ONNX Runtime has it.
func (g graph) words(ids, mask ops.Ref) ops.Ref {
	one := g.Const(tensor.Scalar(int32(1)))
	no := attrs("keepdims", 0)
	if mask == nil {
		return g.Op("ReduceSum", no, g.mul(ids, g.Const(tensor.Scalar(int32(0)))), g.ints(1))
	}
	return g.Op("ReduceSum", no, g.cast(g.Op("Equal", nil, mask, one), tensor.Int32), g.ints(1))
}

type groupNormAttrs struct {
	Activation   int     `onnx:",required"`
	ChannelsLast int     `onnx:",1"`
	Epsilon      float32 `onnx:",1e-5"`
	Groups       int     `onnx:",required"`
}

// norm normalises x, which is float32.
func (a *groupNormAttrs) norm(g graph, x ops.Ref) (ops.Ref, error) {
	if a.Activation != 0 && a.Activation != 1 {
		return nil, fmt.Errorf("activation is %d; it must be 0 (none) or 1 (SiLU)", a.Activation)
	}
	if a.ChannelsLast != 0 {
		x = g.Op("ingot.ToNCHW", nil, x)
	}
	y := g.Op("GroupNormalization", attrs("epsilon", a.Epsilon, "num_groups", a.Groups), x, g.wide(g.In(1)), g.wide(g.In(2)))
	if a.Activation == 1 {
		y = g.swish(y, 1)
	}
	if a.ChannelsLast != 0 {
		y = g.Op("ingot.ToNHWC", nil, y)
	}
	return y, nil
}

func expandSkipGroupNorm(g graph, a *groupNormAttrs) error {
	rank, err := g.rank(3, "skip")
	if err != nil {
		return err
	}
	channels := g.ints(2, 3) // where dimensions of 1 are put behind N and C
	if a.ChannelsLast != 0 {
		channels = g.ints(1, 2)
	}
	skip, bias := g.wide(g.In(3)), g.wide(g.In(4))
	switch {
	case rank == 2:
		skip = g.Op("Unsqueeze", nil, skip, channels)
	case rank != 4:
		return fmt.Errorf("skip has %d dimensions; it must have 2 or 4", rank)
	}
	if bias != nil && a.ChannelsLast == 0 {
		bias = g.Op("Unsqueeze", nil, bias, g.ints(1, 2))
	}
	sum := g.add(g.wide(g.In(0)), skip, bias)
	if err := g.outLike(1, sum, g.In(0)); err != nil {
		return err
	}
	y, err := a.norm(g, sum)
	if err != nil {
		return err
	}
	return g.outLike(0, y, g.In(0))
}
