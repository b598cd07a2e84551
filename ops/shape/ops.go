// Package shape holds the operators that move, make or describe data: reshaping, slicing, gathering and scattering, padding, resizing, constants,
// random numbers, and what tells a shape.
//
// Moving doesn't look at elements: a kernel is a geometry of package move, made when it is bound, and runs on bytes of the elements' width.
// What a geometry says of a tensor it says of a small integer value too, so that the shapes which models compute for themselves are known,
// as numbers or symbols, before the model runs: see [passVals]. An output that lies in its input as it stands is a view.
package shape

import "ingot/ops"

// Ops are the operators of this family.
var Ops ops.Family

// More makes the rest of the family: operators of the standard that exporters don't emit. They are made on demand, so that programs which don't
// import [ingot/ops/more] don't carry them.
func More() []*ops.Op {
	return []*ops.Op{opUnique(), opCol2Im(), opTensorScatter(), opCenterCropPad(), opReverseSequence(), opBernoulli(), opMultinomial()}
}
