package sequence

import (
	"fmt"
	"slices"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type none struct{}

// SequenceConstruct makes a sequence of its inputs.
var SequenceConstruct = Ops.Add(ops.Def(ops.Spec[none]{
	Name: "SequenceConstruct", In: "inputs:T*", Out: "output_sequence:S", Types: "T=all; S=seq(all)", Vers: []ops.Ver{{Since: 11}}, Flags: ops.Escapes,
	Infer: func(c *ops.Infer, _ *none) error {
		elem := ops.Type{Kind: sym.None}
		for i := range c.NumIn() {
			elem = either(elem, *c.In(i))
		}
		return c.OutType(0, seqOf(elem))
	},
	Eval: func(c *ops.Call, _ *none) error {
		s := &tensor.Sequence{Elem: c.In(0).DType()}
		for _, v := range c.Ins {
			s.Items = append(s.Items, keep(v))
		}
		c.Set(0, s)
		return nil
	},
}))

type emptyAttrs struct {
	Dtype *int
}

// SequenceEmpty makes a sequence without elements.
var SequenceEmpty = Ops.Add(ops.Def(ops.Spec[emptyAttrs]{
	Name: "SequenceEmpty", Out: "output:S", Types: "S=seq(all)", Vers: []ops.Ver{{Since: 11}}, Flags: ops.Escapes,
	Infer: func(c *ops.Infer, a *emptyAttrs) error {
		if dt := a.dtype(); !dt.Valid() {
			return fmt.Errorf("dtype %d isn't an element type", *a.Dtype)
		}
		return c.OutType(0, seqOf(ops.Type{DT: a.dtype()}))
	},
	Eval: func(c *ops.Call, a *emptyAttrs) error {
		c.Set(0, &tensor.Sequence{Elem: a.dtype()})
		return nil
	},
}))

func (a *emptyAttrs) dtype() tensor.DType {
	if a.Dtype == nil {
		return tensor.Float32
	}
	if *a.Dtype < 0 || *a.Dtype >= tensor.NumDTypes {
		return tensor.Invalid
	}
	return tensor.DType(*a.Dtype)
}

// SequenceInsert makes a sequence with one more element, at a position or at the end.
var SequenceInsert = Ops.Add(ops.Def(ops.Spec[none]{
	Name: "SequenceInsert", In: "input_sequence:S, tensor:T, position:I?", Out: "output_sequence:S", Types: "S=seq(all); T=all; I=int32|int64",
	Vers: []ops.Ver{{Since: 11}}, Flags: ops.Escapes,
	Infer: func(c *ops.Infer, _ *none) error {
		elem := elemType(c.In(0))
		return c.OutType(0, seqOf(either(elem, *c.In(1))))
	},
	Eval: func(c *ops.Call, _ *none) error {
		s, err := sequenceIn(c, 0)
		if err != nil {
			return err
		}
		t := c.In(1)
		if s.Elem != tensor.Invalid && s.Elem != t.DType() {
			return fmt.Errorf("a tensor of %s can't enter a sequence of %s", t.DType(), s.Elem)
		}
		at := len(s.Items)
		if c.Has(2) {
			if at, err = position(c, 2, at, true); err != nil {
				return err
			}
		}
		items := make([]tensor.Value, 0, len(s.Items)+1)
		items = append(append(append(items, s.Items[:at]...), keep(t)), s.Items[at:]...)
		c.Set(0, &tensor.Sequence{Elem: t.DType(), Items: items})
		return nil
	},
}))

// SequenceErase makes a sequence without the element at a position, or without the last one.
var SequenceErase = Ops.Add(ops.Def(ops.Spec[none]{
	Name: "SequenceErase", In: "input_sequence:S, position:I?", Out: "output_sequence:S", Types: "S=seq(all); I=int32|int64",
	Vers: []ops.Ver{{Since: 11}}, Flags: ops.Escapes,
	Infer: func(c *ops.Infer, _ *none) error { return c.OutType(0, seqOf(elemType(c.In(0)))) },
	Eval: func(c *ops.Call, _ *none) error {
		s, err := sequenceIn(c, 0)
		if err != nil {
			return err
		}
		at := len(s.Items) - 1
		if c.Has(1) {
			at, err = position(c, 1, len(s.Items), false)
		} else if at < 0 {
			err = fmt.Errorf("an empty sequence has nothing to erase")
		}
		if err != nil {
			return err
		}
		c.Set(0, &tensor.Sequence{Elem: s.Elem, Items: slices.Concat(s.Items[:at], s.Items[at+1:])})
		return nil
	},
}))

// SequenceAt gives the element at a position.
var SequenceAt = Ops.Add(ops.Def(ops.Spec[none]{
	Name: "SequenceAt", In: "input_sequence:S, position:I", Out: "tensor:T", Types: "S=seq(all); T=all; I=int32|int64",
	Vers: []ops.Ver{{Since: 11}}, Flags: ops.Escapes,
	Infer: func(c *ops.Infer, _ *none) error {
		elem := elemType(c.In(0))
		// Elements of one known shape today may be joined by others tomorrow: the shape is told by the run.
		return c.OutUnranked(0, elem.DT)
	},
	Eval: func(c *ops.Call, _ *none) error {
		s, err := sequenceIn(c, 0)
		if err != nil {
			return err
		}
		at, err := position(c, 1, len(s.Items), false)
		if err != nil {
			return err
		}
		c.Set(0, s.Items[at])
		return nil
	},
}))

// SequenceLength gives the number of elements.
var SequenceLength = Ops.Add(ops.Def(ops.Spec[none]{
	Name: "SequenceLength", In: "input_sequence:S", Out: "length:I", Types: "S=seq(all); I=int64", Vers: []ops.Ver{{Since: 11}},
	Infer: func(c *ops.Infer, _ *none) error { return c.Out(0, tensor.Int64) },
	Eval: func(c *ops.Call, _ *none) error {
		s, err := sequenceIn(c, 0)
		if err == nil {
			tensor.View[int64](c.Out(0))[0] = int64(len(s.Items))
		}
		return err
	},
}))
