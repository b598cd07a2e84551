// Package all adds every operator family to those that each model gets. The default set leaves out what most programs don't need, so that
// they stay small; the command line has everything.
//
//	import _ "ingot/ops/all"
//
// A single family is added by importing it alone: ingot/ops/ml, ingot/ops/more, ingot/ops/text, ingot/ops/image,
// ingot/ops/training or ingot/ops/contrib.
package all

import (
	_ "ingot/ops/contrib"  // com.microsoft
	_ "ingot/ops/image"    // ImageDecoder
	_ "ingot/ops/ml"       // ai.onnx.ml
	_ "ingot/ops/more"     // rare operators of ai.onnx
	_ "ingot/ops/text"     // operators on strings
	_ "ingot/ops/training" // steps of gradient descent
)
