// Package nn holds the operators of neural networks: products, convolutions, pooling, normalisation, attention.
//
// Those that carry networks compute in float32 on the kernels of internal/kernel; other types go through float32 blocks or portable loops. The
// operators of the domain "ingot" are what optimiser passes put in their place: with a fused epilogue, or on channels-last data.
package nn

import "ingot/ops"

// Ops lists the family.
var Ops = []*ops.Op{MatMul, Gemm, FusedMatMul,
	Conv, ConvNHWC, ToNHWC, ToNCHW,
	ConvTranspose, ConvTransposeNHWC, ConvInteger, QLinearConv, DeformConv, MaxUnpool,
	MaxPool, MaxPoolNHWC, AveragePool, AveragePoolNHWC, LpPool, GlobalAveragePool, GlobalAveragePoolNHWC, GlobalMaxPool, GlobalMaxPoolNHWC, GlobalLpPool,
	BatchNormalizationNHWC,
	BatchNormalization, InstanceNormalization, GroupNormalization, MeanVarianceNormalization, LpNormalization,
	LRN, AffineGrid,
	GridSample,
	RoiAlign, MaxRoiPool,
	LayerNormalization, RMSNormalization, Attention, FlexAttention, LinearAttention, CausalConvWithState, RotaryEmbedding,
	NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss,
}

// Version histories that many operators share.
const (
	productTypes = "T=math4"
	productOld   = "T=math"
)
