// Package nn holds the operators of neural networks: products, convolutions, pooling, normalisation, attention.
//
// Those that carry networks compute in float32 on the kernels of internal/kernel; other types go through float32 blocks or portable loops. The
// operators of the domain "ingot" are what optimiser passes put in their place: with a fused epilogue, or on channels-last data.
package nn

import "ingot/ops"

// Ops are the operators of this family.
var Ops ops.Family

// More makes the rest of the family: operators of the standard that exporters don't emit. They are made on demand, so that programs which don't
// import [ingot/ops/more] don't carry them.
func More() []*ops.Op {
	return []*ops.Op{ConvInteger(), QLinearConv(), DeformConv(), MaxRoiPool(), MaxUnpool(), LpPool(), GlobalLpPool(), AffineGrid(),
		LRN(), LpNormalization(), MeanVarianceNormalization(),
		Attention(), FlexAttention(), LinearAttention(), CausalConvWithState(), SoftmaxCrossEntropyLoss(), NegativeLogLikelihoodLoss()}
}

// Version histories that many operators share.
const (
	productTypes = "T=math4"
	productOld   = "T=math"
)
