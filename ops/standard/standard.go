// Package standard is the default set of operators: the domain ai.onnx but for what needs large tables or decoders. Other families join by a blank
// import, see [ops.RegisterDefaults] and package ingot/ops/all.
package standard

import (
	"slices"

	"ingot/ops"
	"ingot/ops/control"
	"ingot/ops/math"
	"ingot/ops/nn"
	"ingot/ops/quant"
	"ingot/ops/recurrent"
	"ingot/ops/sequence"
	"ingot/ops/shape"
	"ingot/ops/signal"
)

// families lists the families in the default set.
var families = [][]*ops.Op{
	control.Ops,
	math.Ops,
	nn.Ops,
	quant.Ops,
	recurrent.Ops,
	sequence.Ops,
	shape.Ops,
	signal.Ops,
}

// Set returns the default operators and those that were registered.
func Set() (*ops.Set, error) {
	return ops.NewSet(slices.Concat(families, ops.Defaults())...)
}

// Default returns the default operators alone.
func Default() (*ops.Set, error) { return ops.NewSet(families...) }
