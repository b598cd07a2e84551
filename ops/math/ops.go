// Package math holds the operators that compute element by element, reduce along axes, compare, convert and sort.
//
// Most are declared by a family helper in a line or two: [unary] and [unaryWith] for functions of one element, [binary] for two,
// [compare] for comparisons, [variadic] for folds of many tensors. A helper brings the history's common parts, the shape rule, the choice of
// a loop by element type and the cut into tiles; the loops themselves are in internal/kernel.
//
// float16, bfloat16 and narrower floats have no loops of their own: blocks of them are loaded as float32, computed and rounded once.
package math

import "ingot/ops"

// Ops are the operators of this family.
var Ops = []*ops.Op{
	// functions.go
	opAbs, opAcos, opAcosh, opAsin, opAsinh, opAtan, opAtanh, opCeil, opCos, opCosh, opErf, opExp, opFloor, opLog, opNeg, opReciprocal,
	opRound, opSign, opSin, opSinh, opSqrt, opTan, opTanh,
	// activations.go, swiglu.go
	opCelu, opElu, opGelu, opHardSigmoid, opHardSwish, opLeakyRelu, opMish, opRelu, opSelu, opShrink, opSigmoid, opSoftplus, opSoftsign,
	opSwiGLU, opSwish, opThresholdedRelu,
	// binary_ops.go, pow.go, prelu.go, clip.go, variadic.go, where.go
	opAdd, opSub, opMul, opDiv, opMod, opPow, opPRelu, opClip, opSum, opMean, opMax, opMin, opWhere,
	opEqual, opGreater, opGreaterOrEqual, opLess, opLessOrEqual,
	// logic.go
	opAnd, opOr, opXor, opNot, opBitwiseAnd, opBitwiseOr, opBitwiseXor, opBitwiseNot, opBitShift, opIsNaN, opIsInf,
	// reduce.go, logsumexp.go
	opReduceL1, opReduceL2, opReduceLogSum, opReduceLogSumExp, opReduceMax, opReduceMean, opReduceMin, opReduceProd, opReduceSum,
	opReduceSumSquare,
	// argmax.go, cumulative.go, softmax.go, topk.go
	opArgMax, opArgMin, opCumSum, opCumProd, opSoftmax, opLogSoftmax, opHardmax, opTopK,
	// einsum.go
	opEinsum,
	// cast.go
	opCast, opCastLike,
}

// More makes the rest of the family: operators of the standard that exporters don't emit. They are made on demand, so that programs which don't
// import [ingot/ops/more] don't carry them.
func More() []*ops.Op {
	return []*ops.Op{opDet(), opBitCast()}
}
