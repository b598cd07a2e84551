package ops

import (
	"fmt"
	"slices"

	"ingot/tensor"
)

// Ref is a value in the graph that a [Rewrite] works on; nil is an absent one.
type Ref any

// Rewrite turns a node of one version into the same thing in the next newer version. It changes Attrs and In; where one node isn't
// enough, it puts helpers before it (Emit) or takes an output and computes it from another (EmitTo).
type Rewrite struct {
	Attrs Attrs
	In    []Ref
	Out   []Ref
	Graph RewriteGraph
}

// RewriteGraph is the graph around the node.
type RewriteGraph interface {
	Const(t *tensor.Tensor) Ref
	// Emit adds a node of the newest version before the one being rewritten, and returns its outputs. An operator outside of the default
	// domain is named with its domain: "ingot.MatMul".
	Emit(op string, attrs Attrs, numOut int, in ...Ref) ([]Ref, error)
	// EmitAfter adds a node of the newest version behind the one being rewritten, which computes out.
	EmitAfter(op string, attrs Attrs, out Ref, in ...Ref) error
	// NewValue makes a value for the rewritten node's output.
	NewValue() Ref
	TypeOf(r Ref) *Type
}

// Input returns input i, nil when it is absent.
func (r *Rewrite) Input(i int) Ref {
	if i < len(r.In) {
		return r.In[i]
	}
	return nil
}

// Type returns what is known of input i.
func (r *Rewrite) Type(i int) *Type {
	if r.Input(i) == nil {
		return &noType
	}
	return r.Graph.TypeOf(r.In[i])
}

// SetInput makes v input i.
func (r *Rewrite) SetInput(i int, v Ref) {
	for len(r.In) <= i {
		r.In = append(r.In, nil)
	}
	r.In[i] = v
}

// Take removes an attribute and returns it, nil when it is absent.
func (r *Rewrite) Take(name string) *Attr {
	a := r.Attrs[name]
	delete(r.Attrs, name)
	return a
}

// AttrToInput returns an upgrade that turns attributes into constant inputs: pairs of a name and an input's number. An int or a float
// becomes a scalar, a list a vector. Absent attributes leave the input absent.
func AttrToInput(pairs ...any) func(*Rewrite) error {
	return func(r *Rewrite) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			name, _ := pairs[i].(string)
			n, _ := pairs[i+1].(int)
			a := r.Take(name)
			if a == nil {
				continue
			}
			t, err := a.tensor()
			if err != nil {
				return fmt.Errorf("attribute %s: %w", name, err)
			}
			r.SetInput(n, r.Graph.Const(t))
		}
		return nil
	}
}

func (a *Attr) tensor() (*tensor.Tensor, error) {
	switch a.Kind {
	case AttrInt:
		return tensor.Scalar(a.I), nil
	case AttrFloat:
		return tensor.Scalar(a.F), nil
	case AttrInts:
		return tensor.FromSlice(slices.Clone(a.Ints), len(a.Ints))
	case AttrFloats:
		return tensor.FromSlice(slices.Clone(a.Floats), len(a.Floats))
	}
	return nil, fmt.Errorf("kind %s has no tensor", a.Kind)
}

// DropAttrs returns an upgrade that forgets attributes that no longer have a meaning.
func DropAttrs(names ...string) func(*Rewrite) error {
	return func(r *Rewrite) error {
		for _, n := range names {
			delete(r.Attrs, n)
		}
		return nil
	}
}

// SetAttr returns an upgrade that gives an attribute which older versions lacked its old meaning.
func SetAttr(name string, a *Attr) func(*Rewrite) error {
	return func(r *Rewrite) error {
		if _, ok := r.Attrs[name]; !ok {
			r.Attrs[name] = a
		}
		return nil
	}
}
