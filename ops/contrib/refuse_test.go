package contrib_test

import (
	"fmt"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops"
	"ingot/ops/contrib"
	"ingot/tensor"
)

// in is an input of a node: its type and dimensions.
type in struct {
	dt   tensor.DType
	dims []any
}

func f32(dims ...any) *in { return &in{tensor.Float32, dims} }
func i32(dims ...any) *in { return &in{tensor.Int32, dims} }
func u8(dims ...any) *in  { return &in{tensor.Uint8, dims} }

func attr(name string, v any) *loader.Attr { return onnxpb.Attr(name, v) }

// TestRefusals loads models whose nodes ask for what isn't computed, or make no sense: each must be refused with a reason.
func TestRefusals(t *testing.T) {
	mha := []*in{f32(2, 5, 8), f32(2, 5, 8), f32(2, 5, 8)}
	gqa := []*in{f32(2, 1, 32), f32(2, 1, 16), f32(2, 1, 16), f32(2, 2, 3, 8), f32(2, 2, 3, 8), i32(2), i32(1)}
	heads := attr("num_heads", int64(2))
	gqaHeads := []*loader.Attr{attr("num_heads", int64(4)), attr("kv_num_heads", int64(2))}
	nbits := []*loader.Attr{attr("K", int64(32)), attr("N", int64(8)), attr("block_size", int64(16))}
	tests := []struct {
		op    string
		in    []*in
		attrs []*loader.Attr
		want  string
	}{
		{"Gelu", []*in{i32(3)}, nil, "has type int32"},
		{"QuickGelu", []*in{f32(3)}, []*loader.Attr{attr("beta", float32(1))}, "unknown attribute beta"},
		{"FusedGemm", []*in{f32(2, 3), f32(3, 4)}, []*loader.Attr{attr("activation", "Sinh")}, "attribute activation"},
		{"FusedGemm", []*in{f32(2, 3), f32(3, 4)}, []*loader.Attr{attr("activation", "HardSigmoid"), attr("activation_beta", float32(1))}, "without the one before it"},
		{"FusedMatMul", []*in{f32(2, 3), f32(4, 5)}, nil, "inner dimensions 3 and 4 differ"},
		{"GridSample", []*in{f32(1, 1, 2, 2), f32(1, 1, 1, 2)}, []*loader.Attr{attr("mode", "area")}, "bilinear, nearest or bicubic"},
		{"Pad", []*in{f32(2), {tensor.Int64, []any{2}}}, []*loader.Attr{attr("mode", "wrap")}, "constant, reflect or edge"},
		{"EmbedLayerNormalization", []*in{i32(1, 2), i32(1, 2), f32(4, 8), f32(4, 8), nil, f32(8), f32(8)}, nil, "must come together"},
		{"GroupNorm", []*in{f32(1, 2, 2, 4), f32(4), f32(4)}, []*loader.Attr{attr("groups", int64(2)), attr("activation", int64(7))}, "activation is 7"},
		{"QLinearConcat", []*in{f32(), u8(), u8(2), u8()}, []*loader.Attr{attr("axis", int64(0))}, "must be followed by its scale and zero point"},
		{"QGemm", []*in{u8(2, 3), f32(), u8(), u8(3, 4), f32(), u8(), nil, f32()}, nil, "y_scale and y_zero_point must come together"},
		{"RotaryEmbedding", []*in{f32(1, 3, 8), {tensor.Int64, []any{1}}, f32(4, 2), f32(4, 2)}, []*loader.Attr{attr("scale", float32(2))}, "attribute scale"},
		{"RotaryEmbedding", []*in{f32(1, 5, 8), {tensor.Int64, []any{1}}, f32(4, 2), f32(4, 2)}, nil, "only 4 positions"},
		{"Attention", []*in{f32(1, 2, 4), f32(4, 24)}, []*loader.Attr{heads, attr("do_rotary", int64(1))}, "do_rotary"},
		{"Attention", []*in{f32(1, 2, 4), f32(4, 24)}, []*loader.Attr{heads, attr("past_present_share_buffer", int64(1))}, "past_present_share_buffer"},
		{"MultiHeadAttention", mha, []*loader.Attr{attr("num_heads", int64(3))}, "isn't a multiple of num_heads"},
		{"MultiHeadAttention", mha[:1], []*loader.Attr{heads}, "aren't one of the layouts"},
		{"MultiHeadAttention", append(mha[:3:3], nil, i32(7)), []*loader.Attr{heads}, "the mask is [7]"},
		{"MultiHeadAttention", append(mha[:3:3], nil, nil, f32(3, 2, 5, 5)), []*loader.Attr{heads}, "attention_bias is [3,2,5,5]"},
		{"DecoderMaskedMultiHeadAttention", mha, []*loader.Attr{heads}, "one query at a time"},
		{"GroupQueryAttention", gqa, append(gqaHeads[:2:2], attr("k_quant_type", "PER_TENSOR")), "both must be quantised"},
		{"GroupQueryAttention", gqa, append(gqaHeads[:2:2], attr("sliding_window_cache", int64(1))), "sliding_window_cache"},
		{"GroupQueryAttention", gqa, append(gqaHeads[:2:2], attr("sliding_window_cache", int64(1)), attr("local_window_size", int64(4))), "at least local_window_size"},
		{"GroupQueryAttention", gqa, append(gqaHeads[:2:2], attr("do_rotary", int64(1))), "cos_cache and sin_cache must be there"},
		{"GroupQueryAttention", gqa, []*loader.Attr{attr("num_heads", int64(4)), attr("kv_num_heads", int64(3))}, "must be a multiple"},
		{"MatMulNBits", []*in{f32(2, 32), u8(8, 2, 8), f32(8, 2)}, append(nbits[:3:3], attr("bits", int64(3))), "bits is 3"},
		{"MatMulNBits", []*in{f32(2, 32), u8(8, 2, 7), f32(8, 2)}, nbits, "must have 128 elements"},
		{"MatMulNBits", []*in{f32(2, 31), u8(8, 2, 8), f32(8, 2)}, nbits, "its last dimension must be K, 32"},
		{"MatMulNBits", []*in{f32(2, 32), u8(8, 2, 8), f32(8, 2)}, append(nbits[:3:3], attr("weight_prepacked", int64(1))), "weight_prepacked"},
		{"MatMulBnb4", []*in{f32(2, 32), u8(128), f32(16)}, append(nbits[:3:3], attr("quant_type", int64(2))), "quant_type is 2"},
		{"GatherBlockQuantized", []*in{u8(4, 16), i32(2), f32(4, 2)}, []*loader.Attr{attr("block_size", int64(24))}, "power of two"},
		{"MoE", []*in{f32(4, 8), f32(4, 3), f32(3, 6, 8), nil, f32(3, 8, 6)}, []*loader.Attr{attr("use_sparse_mixer", int64(1))}, "use_sparse_mixer"},
		{"MoE", []*in{f32(4, 8), f32(4, 3), f32(3, 6, 8), nil, f32(3, 8, 6)}, []*loader.Attr{attr("activation_type", "swiglu")}, "fc3_experts_weights must be there"},
		{"QMoE", []*in{f32(4, 8), f32(4, 3), u8(3, 6, 4), f32(3, 6), nil, u8(3, 8, 3), f32(3, 8)}, []*loader.Attr{attr("quant_type", "fp4")}, "only int is computed"},
		{"DynamicQuantizeLSTM", []*in{f32(2, 1, 3), u8(1, 3, 8), u8(1, 2, 8), nil, nil, nil, nil, nil, f32(1), u8(1), f32(1), u8(1)}, []*loader.Attr{attr("direction", "up")}, "direction"},
		{"CDist", []*in{f32(2, 3), f32(2, 3)}, []*loader.Attr{attr("metric", "cosine")}, "metric"},
		{"Rfft", []*in{f32(8)}, []*loader.Attr{attr("normalized", int64(1))}, "normalized is 1"},
		{"Inverse", []*in{f32(2, 3)}, nil, "square matrix"},
		{"GatedAdd", []*in{f32(2, 8), f32(2, 8), f32(2, 3), f32(3, 1)}, nil, "bfloat16 only"},
		{"LinearAttention", []*in{f32(1, 2, 8), f32(1, 2, 8), f32(1, 2, 8)}, []*loader.Attr{attr("q_num_heads", int64(3)), attr("kv_num_heads", int64(2))}, "multiple of the other"},
		{"LinearAttention", []*in{f32(1, 2, 8), f32(1, 2, 8), f32(1, 2, 8)}, []*loader.Attr{attr("q_num_heads", int64(2)), attr("kv_num_heads", int64(2)), attr("state_window", int64(1))}, "state_window"},
		{"CausalConvWithState", []*in{f32(1, 2, 8, 8), f32(2, 1, 3, 3)}, []*loader.Attr{attr("ndim", int64(2))}, "ndim is 2"},
		{"CausalConvWithState", []*in{f32(1, 2, 8), f32(2, 1, 3)}, []*loader.Attr{attr("state_window", int64(2))}, "state_window"},
		{"GatedDeltaNet", []*in{f32(4, 2, 8), f32(4, 2, 8), f32(4, 3, 6), i32(3)}, []*loader.Attr{attr("update_rule", "linear")}, "must be a multiple"},
		{"GatedDeltaNet", []*in{f32(4, 2, 8), f32(4, 2, 8), f32(4, 2, 6)}, []*loader.Attr{attr("update_rule", "linear")}, "neither cu_seqlens nor initial_state"},
		{"VarlenCausalConvWithState", []*in{f32(4, 2), f32(2, 1, 3), i32(3), nil, f32(2, 2, 5)}, nil, "initial_state is"},
		{"NGramRepeatBlock", []*in{{tensor.Int64, []any{2, 3}}, f32(2, 8)}, []*loader.Attr{attr("ngram_size", int64(0))}, "ngram_size"},
		{"BifurcationDetector", []*in{{tensor.Int64, []any{3}}, {tensor.Int64, []any{3}}, {tensor.Int64, []any{1}}}, []*loader.Attr{attr("min_ngram_size", int64(4))}, "min_ngram_size"},
		{"NGramHashMapping", []*in{i32(1, 3), i32(2), i32(4)}, []*loader.Attr{attr("max_ngram_size", int64(3)), attr("n_head_per_ngram", int64(2)), attr("pad_id", int64(0))}, "multipliers"},
		{"Tokenizer", []*in{{tensor.String, []any{3}}}, []*loader.Attr{attr("mark", int64(0)), attr("mincharnum", int64(1)), attr("pad_value", ""), attr("tokenexp", "(")}, "missing closing"},
		{"MaxpoolWithMask", []*in{f32(1, 2, 5), i32(1, 2, 4)}, []*loader.Attr{attr("kernel_shape", []int64{2})}, "mask M is"},
		{"MRotaryEmbedding", []*in{f32(1, 3, 8), {tensor.Int64, []any{3, 1, 3}}, f32(4, 2), f32(4, 2)}, []*loader.Attr{attr("mrope_section", []int64{1, 1})}, "mrope_section"},
		{"MatMulFpQ4", []*in{f32(2, 32), u8(40), {tensor.Int64, []any{2}}}, []*loader.Attr{attr("blk_quant_type", int64(2))}, "blk_quant_type is 2"},
		{"GatherPacked", []*in{u8(2, 10), i32(3)}, []*loader.Attr{attr("packed_type", int64(3)), attr("K", int64(32))}, "packed_type is 3"},
		{"GatherPacked", []*in{u8(2, 10), i32(3)}, []*loader.Attr{attr("packed_type", int64(2)), attr("K", int64(40))}, "multiple of 32"},
		{"SparseAttention", []*in{f32(1, 2, 8), f32(1, 2, 8), f32(1, 2, 8), f32(1, 2, 4, 4), f32(1, 2, 4, 4), i32(1, 2), i32(1, 1), i32(1), i32(1)}, []*loader.Attr{heads, attr("kv_num_heads", int64(2)), attr("sparse_block_size", int64(0))}, "sparse_block_size"},
		{"AttnLSTM", []*in{f32(2, 1, 3), f32(1, 8, 5), f32(1, 8, 2)}, nil, "is absent"},
		{"BitmaskDropout", []*in{f32(3), nil}, []*loader.Attr{attr("seed", "x")}, "attribute seed"},
		{"MatMulNBitsMlp", []*in{f32(2, 32), f32(2, 32), nil, u8(8, 1, 16), f32(8, 1), nil, u8(8, 1, 16), f32(8, 1)}, append(nbits[:3:3], attr("activation", "silu")), "not norm_scale"},
		{"RelativePositionBias", []*in{f32(8, 2), {tensor.Int64, []any{1}}, {tensor.Int64, []any{1}}}, []*loader.Attr{attr("max_distance", int64(4))}, "max_distance"},
		{"MoEGroupRouter", []*in{f32(4, 8), f32(8)}, []*loader.Attr{attr("top_k", int64(2)), attr("topk_group", int64(2))}, "no more groups"},
		{"CropAndResize", []*in{f32(1, 1, 2, 2), f32(1, 4), i32(1), i32(2)}, []*loader.Attr{attr("mode", "cubic")}, "bilinear or nearest"},
	}
	for _, tt := range tests {
		g := &loader.Graph{Name: "g", Outputs: []*loader.ValueInfo{onnxpb.Value("y", tensor.Float32)}}
		names := make([]string, len(tt.in))
		for i, x := range tt.in {
			if x != nil {
				names[i] = string(rune('a' + i))
				g.Inputs = append(g.Inputs, onnxpb.Value(names[i], x.dt, x.dims...))
			}
		}
		outs := []string{"y"}
		for least := leastOutputs(tt.op); len(outs) < least; {
			outs = append(outs, fmt.Sprintf("y%d", len(outs)))
		}
		n := onnxpb.Node(tt.op, names, outs, tt.attrs...)
		n.Domain = "com.microsoft"
		g.Nodes = []*loader.Node{n}
		b, err := onnxpb.Encode(&loader.Model{IRVersion: 10, Opsets: []loader.OpsetImport{{Version: 21}, {Domain: "com.microsoft", Version: 1}}, Graph: g})
		if err != nil {
			t.Fatal(err)
		}
		m, err := ingot.LoadBytes(b)
		if err == nil {
			m.Close()
			t.Errorf("%s was loaded; it must be refused because of %q", tt.op, tt.want)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; it must be refused because of %q", tt.op, err, tt.want)
		}
	}
}

// leastOutputs is how many outputs a node must name.
func leastOutputs(name string) int {
	for _, op := range contrib.Ops {
		if op.Name == name {
			least, _ := ops.Arity(op.Newest().Out)
			return least
		}
	}
	return 1
}
