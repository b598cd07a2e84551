package ir

import (
	"context"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Fold computes a node whose operands are all constants, if its outputs have at most limit elements, and takes it out of the graph. It
// reports whether it did. A node that fails to compute stays: it may never run.
func (n *Node) Fold(limit int) bool {
	if !n.foldable() {
		return false
	}
	if n.takeData() {
		return true
	}
	total := 0
	for _, v := range n.Out {
		if v == nil {
			continue
		}
		if v.Type.Kind != sym.Tensor || !v.Type.Known() {
			return false
		}
		d, _ := v.Type.Dims()
		k, err := tensor.NumElements(d)
		if err != nil {
			return false
		}
		total += k
	}
	if total > limit {
		return false
	}
	ins := make([]tensor.Value, n.NumIn)
	for i, v := range n.Inputs() {
		if v != nil {
			ins[i] = v.Const.T
		}
	}
	outs, err := ops.Evaluate(context.Background(), n.Op, n.Attr, ins, n.Wants(), nil, nil)
	if err != nil {
		return false
	}
	for i, v := range n.Out {
		if v == nil {
			continue
		}
		t, ok := outs[i].(*tensor.Tensor)
		if !ok {
			return false
		}
		v.SetConst(&Const{T: t})
	}
	n.Kill()
	return true
}

// takeData makes constants of outputs whose value the shape rule has told, as that of Constant does: nothing is computed or copied, so that
// weights which stand in the graph as nodes stay where the file has them.
func (n *Node) takeData() bool {
	for _, v := range n.Out {
		if v == nil || v.Type.Data == nil {
			return false
		}
	}
	for _, v := range n.Out {
		v.SetConst(&Const{T: v.Type.Data})
	}
	n.Kill()
	return true
}

func (n *Node) foldable() bool {
	if n.dead || n.Op.Flags&(ops.Random|ops.Escapes|ops.NoFold) != 0 || len(n.Subs) > 0 {
		return false
	}
	for _, v := range n.Inputs() {
		if v != nil && v.Const == nil {
			return false
		}
	}
	return true
}
