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
var Ops ops.Family

// More makes the rest of the family: operators of the standard that exporters don't emit. They are made on demand, so that programs which don't
// import [ingot/ops/more] don't carry them.
func More() []*ops.Op {
	return []*ops.Op{opDet(), opBitCast()}
}
