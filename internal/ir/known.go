package ir

import (
	"context"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// TypeOfKnown returns the type of a value that is known while planning.
func TypeOfKnown(t *tensor.Tensor) sym.Type {
	ty := sym.TypeOf(t, true)
	ty.Data = t
	return ty
}

// Known computes a small node whose operands ts knows, such as the arithmetic between a Shape and a Reshape. c is the outcome of the node's
// shape rule. It reports false for a node that isn't of that kind, or that fails: it fails again when it runs.
func Known(n *Node, c *ops.Infer, ts Types) ([]*tensor.Tensor, bool) {
	if n.Op.Flags&(ops.Random|ops.Escapes) != 0 || len(n.Subs) > 0 {
		return nil, false
	}
	total := 0
	for o, v := range n.Out {
		if v == nil {
			continue
		}
		t := &c.Outs()[o]
		d, ok := t.Dims()
		if t.Kind != sym.Tensor || !ok || t.DT == tensor.Invalid {
			return nil, false
		}
		k, err := tensor.NumElements(d)
		if err != nil {
			return nil, false
		}
		total += k
	}
	if total > sym.MaxValue {
		return nil, false
	}
	if outs, ok := fromValues(n, c); ok {
		return outs, true
	}
	ins := make([]tensor.Value, n.NumIn)
	size := 0
	for k, v := range n.Inputs() {
		if v == nil {
			continue
		}
		t := ts[v.ID].Data
		if t == nil {
			return nil, false
		}
		size += t.Len()
		ins[k] = t
	}
	if size > 16*sym.MaxValue {
		return nil, false
	}
	vals, err := ops.Evaluate(context.Background(), n.Op, n.Attr, ins, n.Wants(), nil, nil)
	if err != nil {
		return nil, false
	}
	outs := make([]*tensor.Tensor, len(vals))
	for o, v := range n.Out {
		if v == nil {
			continue
		}
		t, ok := vals[o].(*tensor.Tensor)
		if !ok {
			return nil, false
		}
		outs[o] = t
	}
	return outs, true
}

// fromValues makes the outputs from what the shape rule said of their elements, for Shape and its like.
func fromValues(n *Node, c *ops.Infer) ([]*tensor.Tensor, bool) {
	outs := make([]*tensor.Tensor, len(n.Out))
	for o, v := range n.Out {
		if v == nil {
			continue
		}
		t := &c.Outs()[o]
		ints, ok := sym.Ints(t.Val)
		if t.Val == nil || !ok || t.DT != tensor.Int64 {
			return nil, false
		}
		d, _ := t.Dims()
		x, err := tensor.FromSlice(ints, d...)
		if err != nil {
			return nil, false
		}
		outs[o] = x
	}
	return outs, true
}
