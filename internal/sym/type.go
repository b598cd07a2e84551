package sym

import (
	"slices"
	"sync/atomic"

	"ingot/tensor"
)

var unknownCount atomic.Uint64

// MaxValue is the largest number of elements of which a Type keeps the value.
const MaxValue = 1024

// Kind tells tensors from the other kinds of values.
type Kind uint8

// The kinds of values of the standard.
const (
	Tensor Kind = iota
	Sequence
	Optional
	Map
	None // nothing is known
)

// Type is what is known of a value: when a model is bound little, when a run is planned everything but the elements.
type Type struct {
	Kind   Kind
	DT     tensor.DType // Invalid: not known
	Shape  []Dim        // meaningful when Ranked
	Ranked bool
	Val    []Dim          // its VALUE, element by element, when it is a small integer tensor that is known
	Data   *tensor.Tensor // its value when that is a number for sure: a constant, or computed while planning; nil otherwise
	Elem   *Type          // of a sequence or an optional
	Key    tensor.DType   // of a map
}

// TensorType returns the type of a tensor with a shape.
func TensorType(dt tensor.DType, shape ...Dim) Type { return Type{DT: dt, Shape: shape, Ranked: true} }

// TypeOf returns the type of a value that exists; small integer tensors keep their value when withValue is set.
func TypeOf(v tensor.Value, withValue bool) Type {
	switch v := v.(type) {
	case *tensor.Tensor:
		t := Type{DT: v.DType(), Shape: Nums(v.Dims()), Ranked: true}
		if withValue && v.Len() <= MaxValue {
			t.Data = v
			t.Val = valueOf(v)
		}
		return t
	case *tensor.Sequence:
		elem := Type{DT: v.Elem}
		if len(v.Items) > 0 {
			elem = TypeOf(v.Items[0], false)
			for _, it := range v.Items[1:] {
				u := TypeOf(it, false)
				if u.Ranked != elem.Ranked || !EqualShapes(u.Shape, elem.Shape) {
					elem.Ranked, elem.Shape = false, nil
				}
			}
		}
		return Type{Kind: Sequence, Elem: &elem}
	case *tensor.Optional:
		if v.V == nil {
			return Type{Kind: Optional, Elem: &Type{Kind: None}}
		}
		elem := TypeOf(v.V, false)
		return Type{Kind: Optional, Elem: &elem}
	case *tensor.Map:
		return Type{Kind: Map, Key: v.Keys.DType(), Elem: &Type{DT: v.Values.DType()}}
	}
	return Type{Kind: None}
}

// valueOf returns the elements of an integer or bool tensor of rank 0 or 1 as numbers, nil for another dtype.
func valueOf(t *tensor.Tensor) []Dim {
	switch t.DType() {
	case tensor.Int64:
		return Nums(tensor.View[int64](t))
	case tensor.Int32:
		return widen(tensor.View[int32](t))
	case tensor.Bool:
		return widen(tensor.View[uint8](t))
	}
	return nil
}

func widen[T int32 | uint8](s []T) []Dim {
	out := make([]Dim, len(s))
	for i, v := range s {
		out[i] = Num(int64(v))
	}
	return out
}

// Known reports whether kind, dtype and every dimension of a tensor are known numbers.
func (t *Type) Known() bool {
	if t.Kind != Tensor || t.DT == tensor.Invalid || !t.Ranked {
		return false
	}
	for _, d := range t.Shape {
		if d.e != nil {
			return false
		}
	}
	return true
}

// Empty reports whether a tensor is known to have no elements: one of its dimensions is 0. Its value is known then.
func (t *Type) Empty() bool {
	return t.Kind == Tensor && t.Ranked && slices.ContainsFunc(t.Shape, func(d Dim) bool { return d.Is(0) })
}

// Rank returns the number of dimensions, -1 when it isn't known.
//
//go:noinline
func (t *Type) Rank() int {
	if !t.Ranked {
		return -1
	}
	return len(t.Shape)
}

// Has reports whether the shape is known to be these numbers.
func (t *Type) Has(dims []int) bool {
	if !t.Ranked || len(dims) != len(t.Shape) {
		return false
	}
	for i, d := range t.Shape {
		if !d.Is(int64(dims[i])) {
			return false
		}
	}
	return true
}

// Dims returns the shape as ints; nil, false when a dimension isn't a number.
//
//go:noinline
func (t *Type) Dims() ([]int, bool) {
	if !t.Ranked {
		return nil, false
	}
	out := make([]int, len(t.Shape))
	for i, d := range t.Shape {
		if d.e != nil {
			return nil, false
		}
		out[i] = int(d.k)
	}
	return out, true
}

// String formats the type as "float32[batch,3]", "seq(float32[?])"; an unknown rank is "[…]".
func (t *Type) String() string {
	if t == nil {
		return "?"
	}
	switch t.Kind {
	case Sequence:
		return "seq(" + t.Elem.String() + ")"
	case Optional:
		return "optional(" + t.Elem.String() + ")"
	case Map:
		return "map(" + t.Key.String() + "," + t.Elem.String() + ")"
	case None:
		return "?"
	}
	name := "?"
	if t.DT != tensor.Invalid {
		name = t.DT.String()
	}
	if !t.Ranked {
		return name + "[…]"
	}
	return name + ShapeString(t.Shape)
}
