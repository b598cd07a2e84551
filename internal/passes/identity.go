package passes

import (
	"slices"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/tensor"
)

var dropIdentities = &Pass{
	Name: "drop-identities",
	Why:  "the node's output is its input, element by element and in shape",
	Root: []string{"Identity", "Dropout", "Cast", "Reshape", "Transpose", "Concat", "Sum", "Max", "Min", "Mean", "Flatten", "Expand", "Squeeze", "Unsqueeze", "Pad", "Slice"},
	Try: func(p *Patch, n *ir.Node) bool {
		if n.Op.Domain != "" || !isIdentity(n) {
			return false
		}
		return p.Replace(n.Out[0], n.In[0])
	},
}

// isIdentity reports whether output 0 of a node equals input 0 whatever the input.
func isIdentity(n *ir.Node) bool {
	if n.Out[0] == nil || n.NumIn == 0 || n.In[0] == nil {
		return false
	}
	in, out := &n.In[0].Type, &n.Out[0].Type
	switch n.Op.Name {
	case "Identity":
		return true
	case "Dropout":
		training := n.NumIn > 2 && n.In[2] != nil && !isFalse(n.In[2].Tensor())
		return !training && (len(n.Out) == 1 || n.Out[1] == nil)
	case "Concat", "Sum", "Max", "Min", "Mean":
		return n.NumIn == 1
	case "Transpose":
		perm := n.Op.Attrs(n.Attr)["perm"]
		return perm != nil && slices.IsSorted(perm.Ints)
	case "Cast":
		return in.Kind == sym.Tensor && in.DT == out.DT && in.DT != 0
	}
	// The others move or resize: an output of the very same shape is the input, as long as sizes are known to be equal and nothing was
	// cut off to make room for padding.
	same := in.Ranked && out.Ranked && sym.EqualShapes(in.Shape, out.Shape)
	switch n.Op.Name {
	case "Pad":
		pads := n.In[1].Tensor()
		return same && pads != nil && !slices.ContainsFunc(pads.Bytes(), func(b byte) bool { return b != 0 })
	case "Slice":
		steps := n.NumIn < 5 || n.In[4] == nil || n.In[4].Tensor() != nil && positive(n.In[4])
		return same && steps
	}
	return same
}

// isFalse reports whether t is one bool, false.
func isFalse(t *tensor.Tensor) bool {
	return t != nil && t.DType() == tensor.Bool && t.Len() == 1 && t.Bytes()[0] == 0
}

// positive reports whether a constant holds positive integers only.
func positive(v *ir.Value) bool {
	ints, ok := sym.Ints(v.Type.Val)
	return ok && v.Type.Val != nil && !slices.ContainsFunc(ints, func(i int64) bool { return i <= 0 })
}
