package runtime

import (
	"context"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// foldNode computes a node whose operands are all constants, if its outputs have at most limit elements. A node that fails to compute
// stays: it may never run.
func foldNode(n *ir.Node, limit int) error {
	if !foldable(n) {
		return nil
	}
	total := 0
	for _, v := range n.Out {
		if v == nil {
			continue
		}
		if v.Type.Kind != sym.Tensor || !v.Type.Known() {
			return nil
		}
		d, _ := v.Type.Dims()
		k, err := tensor.NumElements(d)
		if err != nil {
			return nil
		}
		total += k
	}
	if total > limit && !n.Is("Constant") {
		return nil
	}
	ins := make([]tensor.Value, n.NumIn)
	for i, v := range n.Inputs() {
		if v != nil {
			ins[i] = v.Const.T
		}
	}
	outs, err := ops.Evaluate(context.Background(), n.Op, n.Attr, ins, n.Wants(), nil, nil)
	if err != nil {
		return nil
	}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		t, ok := outs[i].(*tensor.Tensor)
		if !ok {
			return nil
		}
		v.SetConst(&ir.Const{T: t})
	}
	n.Kill()
	return nil
}

func foldable(n *ir.Node) bool {
	if n.Op.Flags&(ops.Random|ops.Escapes) != 0 || len(n.Subs) > 0 {
		return false
	}
	for _, v := range n.Inputs() {
		if v != nil && v.Const == nil {
			return false
		}
	}
	return true
}
