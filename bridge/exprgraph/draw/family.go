package draw

import (
	"strings"
	"sync"
)

// family is a group of operators that share a colour.
type family int

const (
	other family = iota // element by element
	layers
	recurrent
	norms
	activations
	pools
	shapes
	control
	quant
	constants
	ends
	foreign
	folded
	beyond
)

// colours of a family: the box, its frame.
var colours = map[family][2]string{
	other:       {"#f4f4f4", "#8a8a8a"},
	layers:      {"#dbe8fb", "#3566b8"},
	recurrent:   {"#e3e0fb", "#5a4bb5"},
	norms:       {"#d8f0ea", "#2b8a74"},
	activations: {"#fbe3dc", "#bb4f32"},
	pools:       {"#e0f1d8", "#4b8a35"},
	shapes:      {"#f5ecd7", "#97742a"},
	control:     {"#f7dcf0", "#a33b88"},
	quant:       {"#fbf3c4", "#94860f"},
	constants:   {"#ffffff", "#999999"},
	ends:        {"#e8e8e8", "#444444"},
	foreign:     {"#dff3f8", "#1f87a0"},
	folded:      {"#ffffff", "#3c4a63"},
	beyond:      {"#ffffff", "#bbbbbb"},
}

var families = sync.OnceValue(func() map[string]family {
	m := map[string]family{}
	for f, names := range map[family]string{
		layers:      "Conv ConvTranspose ConvInteger DeformConv Gemm MatMul MatMulInteger Einsum Embedding Attention MultiHeadAttention GroupQueryAttention FusedMatMul FusedGemm FusedConv FlexAttention LinearAttention CausalConvWithState",
		recurrent:   "LSTM GRU RNN",
		norms:       "BatchNormalization LayerNormalization InstanceNormalization GroupNormalization RMSNormalization LRN LpNormalization MeanVarianceNormalization SkipLayerNormalization SimplifiedLayerNormalization SkipSimplifiedLayerNormalization EmbedLayerNormalization",
		activations: "Relu LeakyRelu PRelu Elu Celu Selu ThresholdedRelu Sigmoid HardSigmoid HardSwish Tanh Softmax LogSoftmax Hardmax Softplus Softsign Gelu FastGelu QuickGelu BiasGelu Mish Swish Silu Clip Erf Shrink",
		pools:       "MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool MaxRoiPool RoiAlign MaxUnpool Resize Upsample GridSample AffineGrid",
		shapes: "Reshape Transpose Flatten Squeeze Unsqueeze Concat Split Slice Gather GatherElements GatherND Scatter ScatterElements ScatterND Expand Tile Pad " +
			"DepthToSpace SpaceToDepth Shape Size Cast CastLike Identity ConstantOfShape Range EyeLike Trilu Compress OneHot NonZero ReverseSequence CenterCropPad Col2Im Bitcast",
		control: "If Loop Scan SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence ConcatFromSequence Optional OptionalGetElement OptionalHasElement",
	} {
		for name := range strings.FieldsSeq(names) {
			m[name] = f
		}
	}
	return m
})

func familyOf(domain, op string) family {
	if f, ok := families()[op]; ok {
		return f
	}
	if strings.HasPrefix(op, "Q") && len(op) > 1 && op[1] >= 'A' && op[1] <= 'Z' || strings.Contains(op, "Quantize") || strings.Contains(op, "Integer") || strings.Contains(op, "NBits") {
		return quant
	}
	return other
}
