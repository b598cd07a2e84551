package ops

import (
	"errors"
	"fmt"

	"ingot/tensor"
)

// Expansion is what [Spec.Expand] sees: a node that is replaced by a small graph of other operators, which it builds with Op and hands over
// with SetOut. The first mistake is kept and ends the expansion; until then an absent Ref may be passed on without a check.
//
//	Expand: func(x *ops.Expansion, a *quickGeluAttrs) error {
//		return x.SetOut(0, x.Op("Swish", ops.Attrs{"alpha": ops.FloatAttr(a.Alpha)}, x.In(0)))
//	},
type Expansion struct {
	r   *Rewrite
	set []bool
	err error
}

// In returns input i, nil when it is absent.
func (x *Expansion) In(i int) Ref { return x.r.Input(i) }

// Has reports whether input i is there.
func (x *Expansion) Has(i int) bool { return x.r.Input(i) != nil }

// Type returns what is known of input i.
func (x *Expansion) Type(i int) *Type { return x.r.Type(i) }

// TypeOf returns what is known of a value.
func (x *Expansion) TypeOf(v Ref) *Type {
	if v == nil {
		return &noType
	}
	return x.r.Graph.TypeOf(v)
}

// Wants reports whether the node names output o.
func (x *Expansion) Wants(o int) bool { return o < len(x.r.Out) && x.r.Out[o] != nil }

// Const returns a constant.
func (x *Expansion) Const(t *tensor.Tensor) Ref { return x.r.Graph.Const(t) }

// Op adds a node of the newest version of an operator with one output and returns that. The operator is named as in [Rewrite.Emit]. A nil
// input is absent.
func (x *Expansion) Op(name string, attrs Attrs, in ...Ref) Ref {
	return x.Ops(name, attrs, 1, in...)[0]
}

// Ops is Op for nodes with n outputs.
func (x *Expansion) Ops(name string, attrs Attrs, n int, in ...Ref) []Ref {
	if x.err == nil {
		var out []Ref
		if out, x.err = x.r.Graph.Emit(name, attrs, n, in...); x.err == nil {
			return out
		}
	}
	return make([]Ref, n)
}

// SetOut makes v output o; v may be an input too. It returns the first mistake, if there was one.
func (x *Expansion) SetOut(o int, v Ref) error {
	if x.err == nil && v == nil {
		x.err = fmt.Errorf("output %d is made of nothing", o)
	}
	if x.err == nil && o < len(x.r.Out) {
		x.r.Out[o], x.set[o] = v, true
	}
	return x.err
}

// Expands reports whether nodes of the operator are replaced by other operators when a model is bound, so that there is nothing to infer or
// compute.
func (op *Op) Expands() bool { return op.spec.Expand != nil }

// ExpandNode replaces the node in r, which is of the newest version, by others: r.Out holds the values that they compute.
func (op *Op) ExpandNode(r *Rewrite) error {
	a, err := op.ParseAttrs(r.Attrs)
	if err != nil {
		return err
	}
	p, err := op.some(a)
	if err != nil {
		return err
	}
	x := &Expansion{r: r, set: make([]bool, len(r.Out))}
	if err := op.spec.Expand(x, p); err != nil {
		return err
	}
	if x.err != nil {
		return x.err
	}
	for o, v := range r.Out {
		if v != nil && !x.set[o] {
			return fmt.Errorf("nothing computes output %d", o)
		}
	}
	return nil
}

// errExpands is what operators without a kernel of their own answer.
var errExpands = errors.New("is made of other operators when a model is bound; it can't be computed by itself")
