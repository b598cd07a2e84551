package contrib

import (
	"fmt"

	"ingot/ops"
)

// projectedOps are attentions that begin with the projection to queries, keys and values.
var projectedOps = []*ops.Op{
	expand("Attention", "input:T, weights:T, bias:T?, mask_index:M?, past:T?, attention_bias:T?, past_sequence_length:M?", "output:T, present:T?",
		"T=float|float16|bfloat16; M=int32", func(g graph, a *projectedAttrs) error {
			if g.Has(6) {
				return fmt.Errorf("past_sequence_length is there; caches that past and present share aren't computed by this operator")
			}
			qkv := g.add(g.Op("MatMul", nil, g.In(0), g.In(1)), g.In(2))
			return a.attend(g, qkv, g.In(3), g.In(4), g.In(5))
		}),
	expand("QAttention", "input:T1, weight:T2, bias:T3, input_scale:T3, weight_scale:T3, mask_index:T4?, input_zero_point:T1?, weight_zero_point:T2?, past:T3?",
		"output:T3, present:T3?", "T1=int8|uint8; T2=int8|uint8; T3=float|float16; T4=int32", func(g graph, a *qattentionAttrs) error {
			p := projectedAttrs{DoRotary: a.DoRotary, MaskFilterValue: a.MaskFilterValue, NumHeads: a.NumHeads,
				PastPresentShareBuffer: a.PastPresentShareBuffer, Scale: a.Scale, Unidirectional: a.Unidirectional}
			scale := g.mul(g.wide(g.In(3)), g.wide(g.In(4)))
			qkv := g.add(g.integerProduct(g.In(0), g.In(1), g.In(6), g.In(7), scale), g.wide(g.In(2)))
			return p.attend(g, g.cast(qkv, g.Type(2).DT), g.In(5), g.In(8), nil)
		}),
	expand("PackedAttention", "input:T, weights:T, bias:T, token_offset:M, cumulative_sequence_length:M, attention_bias:T?", "output:T", "T=float|float16; M=int32",
		func(g graph, a *packedAttentionAttrs) error {
			qkv := g.add(g.Op("MatMul", nil, g.In(0), g.In(1)), g.In(2))
			parts, err := splitQKV(g, qkv, 1, a.QkvHiddenSizes)
			if err != nil {
				return err
			}
			at := attrs("num_heads", a.NumHeads)
			if a.Scale != nil {
				at["scale"] = ops.FloatAttr(*a.Scale)
			}
			return g.SetOut(0, g.Op(domain+".PackedMultiHeadAttention", at, parts[0], parts[1], parts[2], nil, g.In(3), g.In(4), g.In(5)))
		}),
	expand("DecoderMaskedSelfAttention", "input:T, weights:T, bias:T, mask_index:M?, past:T, attention_bias:T?, past_sequence_length:M, beam_width:M?, cache_indirection:M?",
		"output:T, present:T", "T=float|float16; M=int32", func(g graph, a *selfAttrs) error {
			if a.DoRotary {
				return errRotary
			}
			qkv := g.add(g.Op("MatMul", nil, g.In(0), g.In(1)), g.In(2))
			at := attrs("num_heads", a.NumHeads, "past_present_share_buffer", a.PastPresentShareBuffer)
			setFloat(at, "scale", a.Scale)
			setFloat(at, "mask_filter_value", a.MaskFilterValue)
			past := g.halves(g.In(4))
			out := g.Ops(domain+".DecoderMaskedMultiHeadAttention", at, 3, qkv, nil, nil, g.In(3), g.In(5), past[0], past[1], g.In(6), g.In(7), g.In(8))
			if err := g.stack(1, out[1], out[2]); err != nil {
				return err
			}
			return g.SetOut(0, out[0])
		}),
}

type projectedAttrs struct {
	DoRotary               bool `onnx:",0"`
	MaskFilterValue        *float32
	NumHeads               int  `onnx:",required"`
	PastPresentShareBuffer bool `onnx:",0"`
	QkvHiddenSizes         []int
	RotaryEmbeddingDim     int `onnx:",0"`
	Scale                  *float32
	Unidirectional         int `onnx:",0"`
}

type qattentionAttrs struct {
	DoRotary               bool `onnx:",0"`
	MaskFilterValue        *float32
	NumHeads               int  `onnx:",required"`
	PastPresentShareBuffer bool `onnx:",0"`
	Scale                  *float32
	Unidirectional         int `onnx:",0"`
}

type packedAttentionAttrs struct {
	NumHeads       int `onnx:",required"`
	QkvHiddenSizes []int
	Scale          *float32
}

type selfAttrs struct {
	DoRotary               bool `onnx:",0"`
	MaskFilterValue        *float32
	NumHeads               int  `onnx:",required"`
	PastPresentShareBuffer bool `onnx:",0"`
	Scale                  *float32
}

var errRotary = fmt.Errorf("do_rotary is set; this operator computes no rotation of its own: use RotaryEmbedding")

func setFloat(at ops.Attrs, name string, v *float32) {
	if v != nil {
		at[name] = ops.FloatAttr(*v)
	}
}

// attend makes the attention of projected rows the output, with its cache as one tensor.
func (a *projectedAttrs) attend(g graph, qkv, mask, past, bias ops.Ref) error {
	switch {
	case a.DoRotary || a.RotaryEmbeddingDim != 0:
		return errRotary
	case a.PastPresentShareBuffer:
		return fmt.Errorf("past_present_share_buffer is set; caches that past and present share aren't computed by this operator")
	}
	parts, err := splitQKV(g, qkv, 2, a.QkvHiddenSizes)
	if err != nil {
		return err
	}
	at := attrs("num_heads", a.NumHeads, "unidirectional", a.Unidirectional)
	setFloat(at, "scale", a.Scale)
	setFloat(at, "mask_filter_value", a.MaskFilterValue)
	var cache [2]ops.Ref
	if past != nil {
		cache = g.halves(past)
	}
	out := g.Ops(domain+".MultiHeadAttention", at, 3, parts[0], parts[1], parts[2], nil, mask, bias, cache[0], cache[1])
	if g.Wants(1) {
		if err := g.stack(1, out[1], out[2]); err != nil {
			return err
		}
	}
	return g.SetOut(0, out[0])
}

// splitQKV cuts projected rows into queries, keys and values.
func splitQKV(g graph, qkv ops.Ref, axis int, sizes []int) ([]ops.Ref, error) {
	if len(sizes) == 0 {
		return g.Ops("Split", attrs("axis", axis, "num_outputs", 3), 3, qkv), nil
	}
	if len(sizes) != 3 || sizes[0] != sizes[1] || sizes[0] < 1 || sizes[2] < 1 {
		return nil, fmt.Errorf("qkv_hidden_sizes is %v; it must have 3 elements, the first two alike", sizes)
	}
	return g.Ops("Split", attrs("axis", axis), 3, qkv, g.ints(int64(sizes[0]), int64(sizes[1]), int64(sizes[2]))), nil
}

// halves takes keys and values out of a cache that holds both.
func (g graph) halves(past ops.Ref) (out [2]ops.Ref) {
	for i, part := range g.Ops("Split", attrs("axis", 0, "num_outputs", 2), 2, past) {
		out[i] = g.Op("Squeeze", nil, part, g.ints(0))
	}
	return out
}

// stack makes keys and values output o.
func (g graph) stack(o int, k, v ops.Ref) error {
	return g.SetOut(o, g.Op("Concat", attrs("axis", 0), g.Op("Unsqueeze", nil, k, g.ints(0)), g.Op("Unsqueeze", nil, v, g.ints(0))))
}
