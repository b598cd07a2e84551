// Package contrib holds operators that aren't in the standard but in many files: those of the domain com.microsoft, which ONNX Runtime's
// optimiser and model builders emit, and the old ones of ai.onnx that were never released. It isn't in the default set:
//
//	import _ "ingot/ops/contrib"
//
// adds its operators to those that every model gets.
//
// Where such an operator is a few standard ones under another name, it is declared as that small graph ([ops.Expansion]) and costs nothing of its
// own; the others have kernels here.
package contrib

import (
	"slices"

	"ingot/ops"
	_ "ingot/ops/more" // what some are made of
)

// domain is where all but the oldest operators of this package are.
const domain = "com.microsoft"

// Ops lists the family.
var Ops = slices.Concat(activations, unreleased, normOps, productOps, windowOps, movingOps, quantOps, qlinearOps, attentionOps, projectedOps, nbitsOps, searchOps, signalOps, visionOps, moeOps, lstmOps, gateOps, linearOps, ngramOps, smallOps, tokenizerOps, packedOps, fusedOps, []*ops.Op{mRotary, sparseAttention, attnLSTM, sampling, whisperBeamSearch})

func init() { ops.RegisterDefaults(Ops) }

// since1 is the history of every operator here: they have no versions to speak of.
var since1 = []ops.Ver{{Since: 1}}
