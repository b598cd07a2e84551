// Package sequence holds the operators on sequences and optionals.
//
// A sequence isn't changed after it was made: inserting or erasing makes another one that shares the elements. Tensors that enter a sequence or an
// optional are copied, since what they stand in may be overwritten later in the run.
package sequence

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Ops are the operators of this family.
var Ops ops.Family

func seqOf(elem ops.Type) ops.Type {
	elem.Val, elem.Data = nil, nil
	return ops.Type{Kind: sym.Sequence, Elem: &elem}
}

// elemType returns what is known of a sequence's elements.
func elemType(t *ops.Type) ops.Type {
	if t.Elem == nil {
		return ops.Type{Kind: sym.None}
	}
	return *t.Elem
}

// either returns what holds for elements of both types.
func either(a, b ops.Type) ops.Type {
	if a.Kind == sym.None {
		return b
	}
	out := ops.Type{Kind: a.Kind, DT: max(a.DT, b.DT)}
	if a.Kind == sym.Tensor && a.Ranked && b.Ranked && sym.EqualShapes(a.Shape, b.Shape) {
		out.Ranked, out.Shape = true, a.Shape
	}
	return out
}

func sequenceIn(c *ops.Call, i int) (*tensor.Sequence, error) {
	s, ok := c.Value(i).(*tensor.Sequence)
	if !ok {
		return nil, fmt.Errorf("input %d isn't a sequence", i)
	}
	return s, nil
}

// keep returns a value that outlives the run's memory.
func keep(v tensor.Value) tensor.Value {
	if t, ok := v.(*tensor.Tensor); ok {
		return t.Clone()
	}
	return v
}

// position reads an index, which may count from the end. With end set, the place behind the last element is one too.
func position(c *ops.Call, i, n int, end bool) (int, error) {
	v, err := ops.Int64s(c.In(i))
	if err != nil || len(v) != 1 {
		return 0, fmt.Errorf("position must be one integer, not %s", c.In(i))
	}
	p, limit := v[0], int64(n)
	if p < 0 {
		p += int64(n)
	}
	if end {
		limit++
	}
	if p < 0 || p >= limit {
		return 0, fmt.Errorf("position %d is outside of a sequence of %d", v[0], n)
	}
	return int(p), nil
}
