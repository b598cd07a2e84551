package control

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// SequenceMap runs its body on each element of a sequence, with the elements at the same place of further sequences, or with tensors.
var SequenceMap = Ops.Add(ops.Def(ops.Spec[loopAttrs]{
	Name: "SequenceMap", In: "input_sequence:S, additional_inputs:~V*0", Out: "out_sequence:~S*", Types: "S=seq(all); V=all|seq(all)",
	Vers: []ops.Ver{{Since: 17}},
	Infer: func(c *ops.Infer, a *loopAttrs) error {
		if a.Body.NumIn != c.NumIn() || a.Body.NumOut < c.NumOut() {
			return fmt.Errorf("the body has %d inputs and %d outputs; the node has %d and %d", a.Body.NumIn, a.Body.NumOut, c.NumIn(), c.NumOut())
		}
		in := make([]ops.Type, c.NumIn())
		for i := range in {
			if in[i] = forget(*c.In(i)); in[i].Kind == sym.Sequence && in[i].Elem != nil {
				in[i] = forget(*in[i].Elem)
			}
		}
		outs, err := c.InferBody(a.Body, in)
		for o := range outs {
			elem := forget(outs[o])
			c.OutType(o, ops.Type{Kind: sym.Sequence, Elem: &elem})
		}
		return err
	},
	Eval: func(c *ops.Call, a *loopAttrs) error {
		first, ok := c.Value(0).(*tensor.Sequence)
		if !ok {
			return fmt.Errorf("input_sequence isn't a sequence")
		}
		outs := make([]*tensor.Sequence, len(c.Outs))
		for o := range outs {
			outs[o] = &tensor.Sequence{Elem: first.Elem}
		}
		in := make([]tensor.Value, len(c.Ins))
		for k := range first.Items {
			for i, v := range c.Ins {
				in[i] = v
				if s, ok := v.(*tensor.Sequence); ok {
					if len(s.Items) != len(first.Items) {
						return fmt.Errorf("input %d has %d elements, but input_sequence has %d", i, len(s.Items), len(first.Items))
					}
					in[i] = s.Items[k]
				}
			}
			res, err := c.RunBody(a.Body, in)
			if err != nil {
				return err
			}
			for o := range outs {
				v := res[o]
				if t, ok := v.(*tensor.Tensor); ok {
					v = t.Clone() // the body may have passed on what doesn't outlive this run
					outs[o].Elem = t.DType()
				}
				outs[o].Items = append(outs[o].Items, v)
			}
		}
		for o := range outs {
			c.Set(o, outs[o])
		}
		return nil
	},
}))
