package runtime

import (
	"errors"
	"fmt"
	"unsafe"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/tensor"
)

// check compares the inputs with what the model takes.
func (p *Program) check(in []tensor.Value) error {
	if len(in) != len(p.graph.In) {
		return fmt.Errorf("the model takes %d inputs, not %d", len(p.graph.In), len(in))
	}
	for i, v := range p.graph.In {
		if in[i] == nil && p.defaults[v.Name] != nil {
			continue
		}
		if err := checkInput(v, in[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkInput(v *ir.Value, x tensor.Value) error {
	want := &v.Type
	if x == nil {
		return &InputError{Name: v.Name, Want: want.String(), Msg: "is missing; the model takes " + want.String()}
	}
	if err := sound(x, 0); err != nil {
		return &InputError{Name: v.Name, Want: want.String(), Msg: err.Error()}
	}
	if !fits(want, x) {
		got := sym.TypeOf(x, false)
		return &InputError{Name: v.Name, Want: want.String(), Got: got.String()}
	}
	return nil
}

// levels is how deep values nest: no type of the standard goes beyond an optional sequence of maps.
const levels = 4

// sound finds out whether a value can be looked at: no part is nil, or a tensor that couldn't be made.
func sound(x tensor.Value, depth int) error {
	if depth > levels {
		return errors.New("nests deeper than any type does")
	}
	switch x := x.(type) {
	case *tensor.Tensor:
		return x.Err()
	case *tensor.Sequence:
		if x == nil {
			return errors.New("the sequence is nil")
		}
		for i, e := range x.Items {
			if err := sound(e, depth+1); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	case *tensor.Optional:
		if x == nil {
			return errors.New("the optional is nil; one without a value is &tensor.Optional{}")
		}
		if x.V == nil {
			return nil
		}
		return sound(x.V, depth+1)
	case *tensor.Map:
		if x == nil {
			return errors.New("the map is nil")
		}
		if err := x.Keys.Err(); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		if err := x.Values.Err(); err != nil {
			return fmt.Errorf("values: %w", err)
		}
		if x.Keys.Rank() != 1 || x.Values.Rank() != 1 || x.Keys.Len() != x.Values.Len() {
			return fmt.Errorf("the map has keys %s and values %s; both must be vectors of one length", x.Keys, x.Values)
		}
		return nil
	}
	return errors.New("is nil")
}

// fits reports whether a sound value may be passed for a type, as far as that is known.
func fits(want *sym.Type, x tensor.Value) bool {
	if want == nil || want.Kind == sym.None {
		return true
	}
	same := func(want, got tensor.DType) bool {
		return want == tensor.Invalid || got == tensor.Invalid || want == got
	}
	switch x := x.(type) {
	case *tensor.Tensor:
		if want.Kind != sym.Tensor || !same(want.DT, x.DType()) {
			return false
		}
		if !want.Ranked {
			return true
		}
		if len(want.Shape) != x.Rank() {
			return false
		}
		for k, d := range x.Dims() {
			if n, ok := want.Shape[k].Int(); ok && n != int64(d) {
				return false
			}
		}
		return true
	case *tensor.Sequence:
		if want.Kind != sym.Sequence || want.Elem != nil && want.Elem.Kind == sym.Tensor && !same(want.Elem.DT, x.Elem) {
			return false
		}
		for _, e := range x.Items {
			if !fits(want.Elem, e) {
				return false
			}
		}
		return true
	case *tensor.Optional:
		return want.Kind == sym.Optional && (x.V == nil || fits(want.Elem, x.V))
	case *tensor.Map:
		return want.Kind == sym.Map && same(want.Key, x.Keys.DType()) && (want.Elem == nil || same(want.Elem.DT, x.Values.DType()))
	}
	return false
}

// checkBuffers refuses buffers that can't hold anything, and those that have memory in common.
func (p *Program) checkBuffers(out []*tensor.Tensor) error {
	for o, t := range out {
		if t == nil {
			continue
		}
		if err := t.Err(); err != nil {
			return fmt.Errorf("the buffer for output %q: %w", p.graph.OutNames[o], err)
		}
		for k, u := range out[:o] {
			if u != nil && meet(t, u) {
				return fmt.Errorf("the buffers for outputs %q and %q have memory in common", p.graph.OutNames[k], p.graph.OutNames[o])
			}
		}
	}
	return nil
}

// overlaps reports whether t has memory in common with an input.
func overlaps(t *tensor.Tensor, in []tensor.Value) bool {
	for _, v := range in {
		if x, ok := v.(*tensor.Tensor); ok && meet(t, x) {
			return true
		}
	}
	return false
}

// meet reports whether two tensors have memory in common.
func meet(t, u *tensor.Tensor) bool {
	a, n := extent(t)
	b, m := extent(u)
	return n > 0 && m > 0 && a < b+m && b < a+n
}

// extent returns where a tensor's elements begin, and how many bytes they take.
func extent(t *tensor.Tensor) (begin, n uintptr) {
	if s := tensor.View[string](t); len(s) > 0 {
		return uintptr(unsafe.Pointer(&s[0])), uintptr(len(s)) * unsafe.Sizeof("")
	}
	if b := t.Bytes(); len(b) > 0 {
		return uintptr(unsafe.Pointer(&b[0])), uintptr(len(b))
	}
	return 0, 0
}
