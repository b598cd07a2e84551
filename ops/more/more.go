// Package more adds the operators of ai.onnx that PyTorch's exporters don't emit unless asked to (up to opset 22) and that weigh something: attention
// as one operator, deformable and quantised convolution, training losses, old pooling kinds and the like.
//
//	import _ "ingot/ops/more"
package more

import (
	"ingot/ops"
	"ingot/ops/math"
	"ingot/ops/nn"
	"ingot/ops/shape"
	"ingot/ops/signal"
)

func init() {
	for _, family := range [][]*ops.Op{math.More(), nn.More(), shape.More(), signal.More()} {
		ops.RegisterDefaults(family)
	}
}
