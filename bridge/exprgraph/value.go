package exprgraph

import (
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"ingot/bridge/dense"
	"ingot/tensor"
)

// Value is a value that gorgonia/tensor has no type for, a sequence, an optional or a map, as a value of Gorgonia's. It can be given to
// nodes and be read from them; Gorgonia's own operators can't do anything with it.
type Value struct{ Of tensor.Value }

var _ gorgonia.Value = Value{}

// Type is the type of nodes that hold such a value.
func (v Value) Type() hm.Type { return anyType{fmt.Sprintf("%T", v.Of)} }

// Shape returns nil: there is none.
func (v Value) Shape() gt.Shape { return nil }

// Size returns 0: the elements aren't counted.
func (v Value) Size() int { return 0 }

// Data returns the value itself: a *tensor.Sequence, *tensor.Optional or *tensor.Map.
func (v Value) Data() any { return v.Of }

// Dtype returns the zero Dtype.
func (v Value) Dtype() gt.Dtype { return gt.Dtype{} }

// Uintptr returns 0: the value isn't one piece of memory.
func (v Value) Uintptr() uintptr { return 0 }

// MemSize returns 0.
func (v Value) MemSize() uintptr { return 0 }

// Format prints the value.
func (v Value) Format(s fmt.State, verb rune) { fmt.Fprintf(s, fmt.FormatString(s, verb), v.Of) }

// bundle is what an operator with several outputs gives when it is run alone: all of them, nil for those that the node leaves out.
type bundle struct {
	Value
	values []gorgonia.Value
}

// ValueOf returns a value of ours as one of Gorgonia's: a *tensor.Dense of package gorgonia.org/tensor that shares the memory, or a [Value].
func ValueOf(v tensor.Value) (gorgonia.Value, error) {
	t, ok := v.(*tensor.Tensor)
	if !ok {
		return Value{v}, nil
	}
	return dense.ViewOf(t)
}

// FromValue returns a value of Gorgonia's as one of ours. A Dense is shared where its layout allows that, see package bridge/dense.
func FromValue(v gorgonia.Value) (tensor.Value, error) {
	switch v := v.(type) {
	case nil:
		return nil, fmt.Errorf("there is no value")
	case Value:
		return v.Of, nil
	case *gt.Dense:
		return dense.Tensor(v)
	case gorgonia.Scalar:
		return scalar(v.Data())
	}
	return nil, fmt.Errorf("a %T can't be a model's value", v)
}

// scalar makes a tensor of rank 0.
func scalar(v any) (tensor.Value, error) {
	switch v := v.(type) {
	case float64:
		return tensor.Scalar(v), nil
	case float32:
		return tensor.Scalar(v), nil
	case int:
		return tensor.Scalar(int64(v)), nil
	case int64:
		return tensor.Scalar(v), nil
	case int32:
		return tensor.Scalar(v), nil
	case uint8:
		return tensor.Scalar(v), nil
	case bool:
		return tensor.Scalar(v), nil
	}
	return nil, fmt.Errorf("a scalar of type %T can't be a model's value", v)
}

// scalarValue is the inverse of scalar, for what Gorgonia has scalars of.
func scalarValue(t *tensor.Tensor) (gorgonia.Value, bool) {
	switch t.DType() {
	case tensor.Float64:
		return gorgonia.NewF64(tensor.View[float64](t)[0]), true
	case tensor.Float32:
		return gorgonia.NewF32(tensor.View[float32](t)[0]), true
	case tensor.Int64:
		return gorgonia.NewI64(tensor.View[int64](t)[0]), true
	case tensor.Int32:
		return gorgonia.NewI32(tensor.View[int32](t)[0]), true
	case tensor.Uint8:
		return gorgonia.NewU8(tensor.View[uint8](t)[0]), true
	case tensor.Bool:
		return gorgonia.NewB(tensor.View[bool](t)[0]), true
	}
	return nil, false
}

// Let gives an input, a weight or any other node without an operator a value, of whatever batch size: gorgonia.Let insists on the
// shape that the node was built with. v is a *tensor.Tensor of ours, a *tensor.Dense, a scalar of Go's, or what [ValueOf] returns.
// Whether the value fits the model is found out by the run.
func Let(n *gorgonia.Node, v any) error {
	if n == nil {
		return fmt.Errorf("exprgraph: the node is nil")
	}
	if n.Op() != nil {
		return fmt.Errorf("exprgraph: node %q is computed, by %v: only nodes without an operator take a value", n.Name(), n.Op())
	}
	var val gorgonia.Value
	var err error
	switch v := v.(type) {
	case tensor.Value:
		val, err = ValueOf(v)
	case gorgonia.Value:
		val = v
	default:
		var t tensor.Value
		if t, err = scalar(v); err == nil {
			val, err = ValueOf(t)
		}
	}
	if err == nil {
		err = bind(n, val)
	}
	if err != nil {
		return fmt.Errorf("exprgraph: node %q: %w", n.Name(), err)
	}
	return nil
}

// bind gives a node a value of any shape. Gorgonia panics when the type doesn't fit.
func bind(n *gorgonia.Node, v gorgonia.Value) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a value of type %v doesn't fit a node of type %v", gorgonia.TypeOf(v), n.Type())
		}
	}()
	if _, ok := n.Type().(gt.Dtype); ok && v.Shape().IsScalar() {
		// A node of a scalar type takes no Dense, not even one of rank 0, other than by reshaping the caller's.
		if d, ok := v.(*gt.Dense); ok {
			t, err := dense.Tensor(d)
			if err != nil {
				return err
			}
			if s, ok := scalarValue(t); ok {
				v = s
			}
		}
	}
	gorgonia.WithValue(v)(n)
	if s := v.Shape(); s != nil && len(s) == len(n.Shape()) {
		gorgonia.WithShape(s...)(n)
	}
	return nil
}
