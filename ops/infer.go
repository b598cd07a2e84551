package ops

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"ingot/internal/sym"
	"ingot/tensor"
)

// Infer is what a shape rule sees: the types of the inputs, and where to put those of the outputs.
//
// The same rule runs twice. When a model is bound, dimensions may be symbols and values unknown; when a run is planned, they are
// numbers. A rule that asks for a value which isn't known ([Infer.Ints]) leaves the outputs it can't tell unknown, and is asked
// again when the value is there.
//
// Its methods, like those of [Bind], aren't inlined: they are called at a thousand places, none of which is in a hurry.
type Infer struct {
	ins   []*Type
	outs  []Type
	wants []bool
	needs []bool // values that the rule asked for in vain
	body  BodyInferer
	err   error // what a method found
}

// BodyInferer infers the types of a body's outputs from those of its inputs.
type BodyInferer interface {
	InferBody(g *Subgraph, in []Type) ([]Type, error)
}

// NewInfer prepares a call of a shape rule. A nil entry of ins is an absent input; wants tells which outputs are used.
func NewInfer(ins []*Type, wants []bool, body BodyInferer) *Infer {
	c := &Infer{body: body}
	c.Reset(ins, wants)
	return c
}

// Reset prepares c for another call.
func (c *Infer) Reset(ins []*Type, wants []bool) {
	c.ins, c.wants = ins, wants
	c.outs = make([]Type, len(wants))
	for i := range c.outs {
		c.outs[i] = Type{Kind: KindNone}
	}
	c.needs = make([]bool, len(ins))
	c.err = nil
}

// Outs returns the inferred types.
func (c *Infer) Outs() []Type { return c.outs }

// check refuses shapes that no tensor has and types that the declaration rules out, so that no kernel is ever bound to one: rules may compute
// them without a care. An older version may give types that the newest doesn't.
func (c *Infer) check(op *Op) error {
	if c.err != nil {
		return c.err
	}
	for o := range c.outs {
		t := &c.outs[o]
		if p := param(op.Newest().Out, o); p != nil && t.Kind != KindNone {
			if ts, ok := op.Newest().Types[p.Type]; ok && !ts.Allows(t) && !op.gave(o, t) {
				return fmt.Errorf("output %d (%s) would be of type %s; the operator gives %s", o, p.Name, t, ts)
			}
		}
		if t.Kind != KindTensor || !t.Ranked {
			continue
		}
		for _, d := range t.Shape {
			if n, ok := d.Int(); d.TooLarge() || ok && (n < 0 || n > math.MaxInt) {
				return fmt.Errorf("output %d would have the shape %s", o, sym.ShapeString(t.Shape))
			}
		}
		if dims, ok := t.Dims(); ok {
			if _, err := tensor.NumBytes(t.DT, dims); err != nil {
				return fmt.Errorf("output %d: %w", o, err)
			}
		}
	}
	return nil
}

// gave reports whether output o may be of type t in an older version.
func (op *Op) gave(o int, t *Type) bool {
	return slices.ContainsFunc(op.Versions[1:], func(v *Version) bool {
		p := param(v.Out, o)
		return p != nil && v.TypeSet(p.Type).Allows(t)
	})
}

// Err returns what methods of c found wrong while the rule ran. [Op.InferTypes] asks; a rule does for an Infer that it made itself.
func (c *Infer) Err() error { return c.err }

// Needs returns the inputs whose values the rule asked for in vain.
func (c *Infer) Needs() []bool { return c.needs }

// NumIn returns the number of inputs, absent ones included.
func (c *Infer) NumIn() int { return len(c.ins) }

// NumOut returns the number of outputs that the node names.
func (c *Infer) NumOut() int { return len(c.outs) }

// Has reports whether input i is there.
//
//go:noinline
func (c *Infer) Has(i int) bool { return i < len(c.ins) && c.ins[i] != nil }

// Wants reports whether output o is used.
//
//go:noinline
func (c *Infer) Wants(o int) bool { return o < len(c.wants) && c.wants[o] }

var noType = Type{Kind: KindNone}

// In returns the type of input i; of kind KindNone when it is absent. The rule must not change it.
//
//go:noinline
func (c *Infer) In(i int) *Type {
	if !c.Has(i) {
		return &noType
	}
	return c.ins[i]
}

// Shape returns the dimensions of input i, and whether the rank is known.
//
//go:noinline
func (c *Infer) Shape(i int) ([]Dim, bool) {
	t := c.In(i)
	return t.Shape, t.Ranked
}

// Out sets output o to a tensor.
//
//go:noinline
func (c *Infer) Out(o int, dt tensor.DType, shape ...Dim) error {
	return c.OutType(o, sym.TensorType(dt, shape...))
}

// OutLike sets output o to the dtype and shape of input i.
//
//go:noinline
func (c *Infer) OutLike(o, i int) error {
	t := c.In(i)
	return c.OutType(o, Type{Kind: t.Kind, DT: t.DT, Shape: t.Shape, Ranked: t.Ranked, Elem: t.Elem, Key: t.Key})
}

// OutUnranked sets output o to a tensor of which only the dtype is known.
//
//go:noinline
func (c *Infer) OutUnranked(o int, dt tensor.DType) error { return c.OutType(o, Type{DT: dt}) }

// OutRank sets output o to a tensor whose rank is known but whose dimensions aren't.
//
// A scalar has no dimensions, so it would pass for fully known although the rule missed a value that it has to check: then not even the rank is
// told, and the rule is asked again.
func (c *Infer) OutRank(o int, dt tensor.DType, rank int) error {
	if rank == 0 && slices.Contains(c.needs, true) {
		return c.OutUnranked(o, dt)
	}
	shape := make([]Dim, rank)
	for i := range shape {
		shape[i] = sym.Unknown()
	}
	return c.Out(o, dt, shape...)
}

// OutType sets output o. Outputs that the node doesn't name are ignored.
//
//go:noinline
func (c *Infer) OutType(o int, t Type) error {
	if o < len(c.outs) {
		c.outs[o] = t
	}
	return nil
}

// SetVal tells the value of output o, a small integer tensor, element by element.
//
//go:noinline
func (c *Infer) SetVal(o int, v []Dim) {
	if o < len(c.outs) && len(v) <= sym.MaxValue {
		c.outs[o].Val = v
	}
}

// Data returns the value of input i if it is known: a constant, or computed while planning. nil otherwise, and the rule will be asked again.
func (c *Infer) Data(i int) *tensor.Tensor {
	t := c.In(i)
	if t.Data == nil && c.Has(i) {
		c.needs[i] = true
	}
	return t.Data
}

// Ints returns the elements of input i, a list of integers such as a shape or axes, if they are known numbers. A list is a vector, or a scalar
// that stands for a list of one; any other rank is an error, which the rule need not see.
func (c *Infer) Ints(i int) ([]int64, bool) {
	if t := c.In(i); t.Ranked && len(t.Shape) > 1 {
		c.err = fmt.Errorf("input %d is %s; it must be a vector", i, t)
		return nil, false
	}
	if v, ok := c.Vals(i); ok {
		if n, ok := sym.Ints(v); ok {
			return n, true
		}
		c.needs[i] = true
	}
	return nil, false
}

// Vals returns the elements of input i, an integer tensor, if something is known of them: numbers or symbols.
func (c *Infer) Vals(i int) ([]Dim, bool) {
	t := c.In(i)
	if t.Val != nil {
		return t.Val, true
	}
	if t.Empty() {
		return []Dim{}, true
	}
	if t.Data != nil {
		if n, err := Int64s(t.Data); err == nil {
			return sym.Nums(n), true
		}
	}
	if c.Has(i) {
		c.needs[i] = true
	}
	return nil, false
}

// Fresh returns a dimension that depends on the data.
func (c *Infer) Fresh() Dim { return sym.Unknown() }

// InferBody returns the types of a body's outputs.
func (c *Infer) InferBody(g *Subgraph, in []Type) ([]Type, error) {
	if c.body == nil {
		return nil, errors.New("no bodies can be inferred here")
	}
	return c.body.InferBody(g, in)
}

// Axis checks an axis against a rank and makes it non-negative.
func Axis(axis, rank int) (int, error) {
	a := axis
	if a < 0 {
		a += rank
	}
	if a < 0 || a >= rank {
		return 0, fmt.Errorf("axis %d is outside of rank %d", axis, rank)
	}
	return a, nil
}

// Axes checks a list of axes and makes them non-negative; naming one twice is an error.
func Axes[T ~int | ~int64](axes []T, rank int) ([]int, error) {
	out := make([]int, len(axes))
	seen := make([]bool, rank)
	for i, a := range axes {
		k, err := Axis(int(a), rank)
		if err != nil {
			return nil, err
		}
		if seen[k] {
			return nil, fmt.Errorf("axis %d is named twice", a)
		}
		out[i], seen[k] = k, true
	}
	return out, nil
}

// Broadcast returns the shape that a and b are broadcast to by NumPy's rule. Of two different symbols, either may turn out to be 1:
// the result is their maximum, checked again on numbers.
func Broadcast(a, b []Dim) ([]Dim, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := make([]Dim, len(a))
	copy(out, a)
	off := len(a) - len(b)
	for i, y := range b {
		x := a[off+i]
		switch {
		case x.Equal(y), y.Is(1):
		case x.Is(1):
			out[off+i] = y
		case x.Known() && y.Known():
			return nil, fmt.Errorf("shapes %s and %s don't broadcast", sym.ShapeString(a), sym.ShapeString(b))
		case y.Known():
			out[off+i] = y
		case x.Known():
		default:
			out[off+i] = x.Max(y)
		}
	}
	return out, nil
}

// OutBroadcast sets output o to dtype dt and the shape that all the named inputs are broadcast to.
func (c *Infer) OutBroadcast(o int, dt tensor.DType, inputs ...int) error {
	var shape []Dim
	for n, i := range inputs {
		s, ok := c.Shape(i)
		if !ok {
			return c.OutUnranked(o, dt)
		}
		if n == 0 {
			shape = s
			continue
		}
		var err error
		if shape, err = Broadcast(shape, s); err != nil {
			return err
		}
	}
	return c.Out(o, dt, shape...)
}

// Int64s returns the elements of an integer or bool tensor, widened.
func Int64s(t *tensor.Tensor) ([]int64, error) {
	switch t.DType() {
	case tensor.Int64:
		return tensor.View[int64](t), nil
	case tensor.Int32:
		return widen[int32](t), nil
	case tensor.Int16:
		return widen[int16](t), nil
	case tensor.Int8, tensor.Int4, tensor.Int2:
		return widen[int8](t), nil
	case tensor.Uint8, tensor.Bool, tensor.Uint4, tensor.Uint2:
		return widen[uint8](t), nil
	case tensor.Uint16:
		return widen[uint16](t), nil
	case tensor.Uint32:
		return widen[uint32](t), nil
	case tensor.Uint64:
		return widen[uint64](t), nil
	}
	return nil, fmt.Errorf("%s isn't an integer type", t.DType())
}

func widen[T int8 | int16 | int32 | uint8 | uint16 | uint32 | uint64](t *tensor.Tensor) []int64 {
	s := tensor.View[T](t)
	out := make([]int64, len(s))
	for i, v := range s {
		out[i] = int64(v)
	}
	return out
}
