package passes

import "ingot/internal/ir"

// foldLimit is the largest number of elements that folding makes: 16 MB of float32.
const foldLimit = 4 << 20

var foldConstants = &Pass{
	Name: "fold-constants",
	Why:  "a pure operator gives the same outputs for the same constants",
	Try: func(_ *Patch, n *ir.Node) bool {
		elements := 256
		for _, v := range n.In {
			if t := v.Tensor(); t != nil {
				elements += t.Len()
			}
		}
		// What grows is cheaper to compute again than to keep.
		return n.Fold(min(foldLimit, 8*elements))
	},
}
