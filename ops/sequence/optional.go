package sequence

import (
	"errors"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type optionalAttrs struct {
	Type *ops.Type
}

// Types of what an optional may hold. Opset 28 adds the float6 kinds, which no tensor here has.
const (
	held28      = "all13|seq(all13)"
	optional28  = "optional(all13)|optional(seq(all13))"
	held15      = "all|seq(all)"
	optional15  = "optional(all)|optional(seq(all))"
	anything28  = held28 + "|" + optional28
	anything18  = held15 + "|" + optional15
	boolOutput  = "B=bool"
	noElementIs = "the optional has no element"
)

// Optional wraps a value, or makes an optional without one.
var Optional = Ops.Add(ops.Def(ops.Spec[optionalAttrs]{
	Name: "Optional", In: "input:V?", Out: "output:O", Types: "V=" + held28 + "; O=" + optional28,
	Vers: []ops.Ver{{Since: 28}, {Since: 15, Types: "V=" + held15 + "; O=" + optional15}}, Flags: ops.Escapes,
	Infer: func(c *ops.Infer, a *optionalAttrs) error {
		elem := ops.Type{Kind: sym.None}
		switch {
		case c.Has(0):
			elem = *c.In(0)
		case a.Type != nil:
			elem = *a.Type
		default:
			return errors.New("has neither an input nor the attribute type")
		}
		elem.Val, elem.Data = nil, nil
		return c.OutType(0, ops.Type{Kind: sym.Optional, Elem: &elem})
	},
	Eval: func(c *ops.Call, _ *optionalAttrs) error {
		o := &tensor.Optional{}
		if c.Has(0) {
			o.V = keep(c.Value(0))
		}
		c.Set(0, o)
		return nil
	},
}))

// OptionalHasElement tells whether an optional holds a value. What isn't an optional does.
var OptionalHasElement = Ops.Add(ops.Def(ops.Spec[none]{
	Name: "OptionalHasElement", In: "input:O?", Out: "output:B", Types: boolOutput + "; O=" + anything28,
	Vers:  []ops.Ver{{Since: 28}, {Since: 18, Types: "O=" + anything18}, {Since: 15, In: "input:O", Types: "O=" + optional15}},
	Infer: func(c *ops.Infer, _ *none) error { return c.Out(0, tensor.Bool) },
	Eval: func(c *ops.Call, _ *none) error {
		has := c.Has(0)
		if o, ok := c.Value(0).(*tensor.Optional); ok {
			has = o.V != nil
		}
		c.Out(0).Bytes()[0] = 0
		if has {
			c.Out(0).Bytes()[0] = 1
		}
		return nil
	},
}))

// OptionalGetElement gives what an optional holds.
var OptionalGetElement = Ops.Add(ops.Def(ops.Spec[none]{
	Name: "OptionalGetElement", In: "input:O", Out: "output:V", Types: "O=" + anything28 + "; V=" + held28,
	Vers:  []ops.Ver{{Since: 28}, {Since: 18, Types: "O=" + anything18 + "; V=" + held15}, {Since: 15, Types: "O=" + optional15}},
	Flags: ops.Escapes,
	Infer: func(c *ops.Infer, _ *none) error {
		t := c.In(0)
		if t.Kind != sym.Optional {
			return c.OutLike(0, 0)
		}
		elem := elemType(t)
		elem.Val, elem.Data = nil, nil
		if elem.Kind == sym.Tensor {
			return c.OutUnranked(0, elem.DT)
		}
		return c.OutType(0, elem)
	},
	Eval: func(c *ops.Call, _ *none) error {
		v := c.Value(0)
		if o, ok := v.(*tensor.Optional); ok {
			if v = o.V; v == nil {
				return errors.New(noElementIs)
			}
		}
		if dst, ok := c.Value(0).(*tensor.Tensor); ok && c.Out(0) != nil {
			copy(tensor.View[string](c.Out(0)), tensor.View[string](dst))
			copy(c.Out(0).Bytes(), dst.Bytes())
			return nil
		}
		c.Set(0, v)
		return nil
	},
}))
