// Package control holds the operators that run bodies: If, Loop, Scan and SequenceMap.
package control

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Ops are the operators of this family.
var Ops ops.Family

// Type constraints of values that cross a body's border, by opset version.
const (
	tensors11 = "all"
	values13  = "all|seq(all)"
	values16  = "all4|seq(all4)|optional(all4)|optional(seq(all4))"
	values19  = "all9|seq(all9)|optional(all9)|optional(seq(all4))"
	values21  = "all10|seq(all10)|optional(all10)|optional(seq(all4))"
	values23  = "all11|seq(all11)|optional(all11)|optional(seq(all4))"
	values24  = "all12|seq(all12)|optional(all12)|optional(seq(all4))"
	values25  = "all13|seq(all13)|optional(all13)|optional(seq(all4))"
)

// merge returns what holds for a value that is of one type or of the other.
func merge(a, b sym.Type) (sym.Type, error) {
	if a.Kind == sym.None {
		return forget(b), nil
	}
	if b.Kind == sym.None {
		return forget(a), nil
	}
	if a.Kind != b.Kind && (a.Kind == sym.Optional || b.Kind == sym.Optional) {
		return sym.Type{Kind: sym.None}, nil // an optional before the first trip, what it holds after that
	}
	if a.Kind != b.Kind {
		return a, fmt.Errorf("types %s and %s can't be the same value", a.String(), b.String())
	}
	if a.Kind != sym.Tensor {
		if a.Elem != nil && b.Elem != nil {
			elem, err := merge(*a.Elem, *b.Elem)
			if err != nil {
				return a, err
			}
			return sym.Type{Kind: a.Kind, Elem: &elem, Key: a.Key}, nil
		}
		return forget(a), nil
	}
	if a.DT != b.DT && a.DT != tensor.Invalid && b.DT != tensor.Invalid {
		return a, fmt.Errorf("dtypes %s and %s can't be the same value", a.DT, b.DT)
	}
	out := sym.Type{DT: max(a.DT, b.DT)}
	if !a.Ranked || !b.Ranked || len(a.Shape) != len(b.Shape) {
		return out, nil
	}
	out.Ranked, out.Shape = true, make([]sym.Dim, len(a.Shape))
	for i, d := range a.Shape {
		if out.Shape[i] = d; !d.Equal(b.Shape[i]) {
			out.Shape[i] = sym.Unknown()
		}
	}
	return out, nil
}

// forget drops what a type knows of the value's elements.
func forget(t sym.Type) sym.Type {
	t.Val, t.Data = nil, nil
	return t
}

// give makes v output o, by copying when the plan has a place for it.
func give(c *ops.Call, o int, v tensor.Value) error {
	if !c.Wants(o) {
		return nil
	}
	dst := c.Out(o)
	if dst == nil {
		c.Set(o, v)
		return nil
	}
	src, ok := v.(*tensor.Tensor)
	if !ok || src.DType() != dst.DType() || tensor.ShapeString(src.Dims()) != tensor.ShapeString(dst.Dims()) {
		t := sym.TypeOf(v, false)
		return fmt.Errorf("output %d was planned as %s but the body gave %s", o, dst, t.String())
	}
	copy(tensor.View[string](dst), tensor.View[string](src))
	copy(dst.Bytes(), src.Bytes())
	return nil
}

// truth returns the only element of a bool tensor.
func truth(v tensor.Value, what string) (bool, error) {
	t, ok := v.(*tensor.Tensor)
	if !ok || t.DType() != tensor.Bool || t.Len() != 1 {
		return false, fmt.Errorf("%s must be one bool, not %v", what, v)
	}
	return t.Bytes()[0] != 0, nil
}
