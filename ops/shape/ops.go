// Package shape holds the operators that move, make or describe data: reshaping, slicing, gathering and scattering, padding, resizing, constants,
// random numbers, and what tells a shape.
//
// Moving doesn't look at elements: a kernel is a geometry of package move, made when it is bound, and runs on bytes of the elements' width.
// What a geometry says of a tensor it says of a small integer value too, so that the shapes which models compute for themselves are known,
// as numbers or symbols, before the model runs: see [passVals]. An output that lies in its input as it stands is a view.
package shape

import "ingot/ops"

// Ops are the operators of this family.
var Ops = []*ops.Op{
	// same.go
	opIdentity, opReshape, opFlatten, opSqueeze, opUnsqueeze,
	// transpose.go, depth.go, join.go, slice.go, repeat.go, pad.go
	opTranspose, opDepthToSpace, opSpaceToDepth, opConcat, opSplit, opSlice, opExpand, opTile, opPad,
	// gather.go, places.go, scatter.go
	opGather, opGatherElements, opGatherND, opScatter, opScatterElements, opScatterND,
	// describe.go, constant.go, fill.go
	opShape, opSize, opConstant, opConstantOfShape, opRange, opEyeLike, opOneHot, opTrilu,
	// choose.go, nms.go
	opCompress, opNonZero, opNonMaxSuppression,
	// resize.go
	opResize, opUpsample,
	// dropout.go, random.go
	opDropout, opRandomUniform, opRandomNormal, opRandomUniformLike, opRandomNormalLike,
	// nhwc.go
	opPadNHWC, opResizeNHWC, opSliceNHWC, opDepthToSpaceNHWC, opSpaceToDepthNHWC,
}

// More makes the rest of the family: operators of the standard that exporters don't emit. They are made on demand, so that programs which don't
// import [ingot/ops/more] don't carry them.
func More() []*ops.Op {
	return []*ops.Op{opUnique(), opCol2Im(), opTensorScatter(), opCenterCropPad(), opReverseSequence(), opBernoulli(), opMultinomial()}
}
