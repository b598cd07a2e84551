package control

import (
	"fmt"
	"math"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type loopAttrs struct {
	Body *ops.Subgraph `onnx:",required"`
}

// Loop runs its body a number of times, or while a condition holds. The body takes the trip's number, the condition and the carried values; it
// gives the condition, the carried values, and an element for each scan output.
var Loop = Ops.Add(ops.Def(ops.Spec[loopAttrs]{
	Name: "Loop", In: "M:I?, cond:B?, v_initial:~V*0", Out: "v_final_and_scan_outputs:~V*", Types: "I=int64; B=bool; V=" + values25,
	Vers: []ops.Ver{{Since: 25}, {Since: 24, Types: "V=" + values24}, {Since: 23, Types: "V=" + values23}, {Since: 21, Types: "V=" + values21},
		{Since: 19, Types: "V=" + values19}, {Since: 16, Types: "V=" + values16}, {Since: 13, Types: "V=" + values13},
		{Since: 11, Types: "V=" + tensors11}, {Since: 1, In: "M:I?, cond:B?, v_initial:~V*"}},
	Infer: inferLoop,
	Eval:  evalLoop,
}))

// carriedTypes finds types that hold for carried values before every trip: those of the first trip, made looser until the body gives no
// others. It also returns what the body gives.
func carriedTypes(c *ops.Infer, body *ops.Subgraph, lead []ops.Type, carried []ops.Type, tail []ops.Type, skip int) (fixed, outs []ops.Type, err error) {
	for round := 0; ; round++ {
		in := append(append(append([]ops.Type{}, lead...), carried...), tail...)
		if outs, err = c.InferBody(body, in); err != nil {
			return nil, nil, fmt.Errorf("body: %w", err)
		}
		changed := false
		for i := range carried {
			t, err := merge(carried[i], outs[skip+i])
			if err != nil {
				return nil, nil, fmt.Errorf("carried value %d: %w", i, err)
			}
			if round > 3 {
				t.Ranked, t.Shape = false, nil // shapes that never settle
			}
			if !looser(carried[i], t) {
				changed = true
				carried[i] = t
			}
		}
		if !changed {
			return carried, outs, nil
		}
	}
}

// looser reports whether t, the outcome of a merge, says no less than old.
func looser(old, t ops.Type) bool {
	if old.Kind != sym.Tensor {
		return old.Kind == t.Kind
	}
	if old.DT != t.DT || old.Ranked != t.Ranked {
		return false
	}
	for i, d := range old.Shape {
		if d.Known() && !t.Shape[i].Known() || !d.Known() && t.Shape[i].Known() {
			return false
		}
	}
	return true
}

var ones = []int{1}

// lead returns the shape of the body's trip number or condition: the standard's scalar, or a vector of one where the body declares that, as
// some converters do.
func (a *loopAttrs) lead(i int) []ops.Dim {
	if i < len(a.Body.InRanks) && a.Body.InRanks[i] == 1 {
		return []ops.Dim{ops.Num(1)}
	}
	return []ops.Dim{}
}

func inferLoop(c *ops.Infer, a *loopAttrs) error {
	n := max(0, c.NumIn()-2)
	if a.Body.NumIn != n+2 || a.Body.NumOut < n+1 || c.NumOut() > a.Body.NumOut-1 {
		return fmt.Errorf("the body has %d inputs and %d outputs, for %d carried values and %d outputs of the node", a.Body.NumIn, a.Body.NumOut, n, c.NumOut())
	}
	carried := make([]ops.Type, n)
	for i := range carried {
		carried[i] = forget(*c.In(i + 2))
	}
	lead := []ops.Type{sym.TensorType(tensor.Int64, a.lead(0)...), sym.TensorType(tensor.Bool, a.lead(1)...)}
	fixed, outs, err := carriedTypes(c, a.Body, lead, carried, nil, 1)
	if err != nil {
		return err
	}
	for i := range fixed {
		c.OutType(i, fixed[i])
	}
	for o := n; o+1 < len(outs); o++ {
		c.OutType(o, stacked(outs[o+1], sym.Unknown(), 0))
	}
	return nil
}

// stacked returns the type of n elements of type t stacked along a new axis.
func stacked(t ops.Type, n ops.Dim, axis int) ops.Type {
	if !t.Ranked {
		return ops.Type{DT: t.DT}
	}
	shape := append([]ops.Dim{}, t.Shape[:axis]...)
	shape = append(append(shape, n), t.Shape[axis:]...)
	return sym.TensorType(t.DT, shape...)
}

func evalLoop(c *ops.Call, a *loopAttrs) error {
	n := a.Body.NumIn - 2
	trips, cond := int64(math.MaxInt64), true
	if t := c.In(0); t != nil {
		v, err := tensor.Data[int64](t)
		if err != nil || len(v) != 1 {
			return fmt.Errorf("input M must be one int64, not %s", t)
		}
		trips = v[0]
	}
	if c.Has(1) {
		var err error
		if cond, err = truth(c.Value(1), "cond"); err != nil {
			return err
		}
	}
	carried := make([]tensor.Value, n)
	for i := range carried {
		carried[i] = c.Value(i + 2)
	}
	scans := make([][]*tensor.Tensor, a.Body.NumOut-1-n)
	in := make([]tensor.Value, n+2)
	for i := int64(0); i < trips && cond; i++ {
		if err := c.Context().Err(); err != nil {
			return err
		}
		in[0], in[1] = tensor.Of([]int64{i}, ones[:len(a.lead(0))]...), tensor.Of([]bool{cond}, ones[:len(a.lead(1))]...)
		copy(in[2:], carried)
		outs, err := c.RunBody(a.Body, in)
		if err != nil {
			return err
		}
		if cond, err = truth(outs[0], "the body's condition"); err != nil {
			return err
		}
		copy(carried, outs[1:])
		for k := range scans {
			t, ok := outs[1+n+k].(*tensor.Tensor)
			if !ok {
				return fmt.Errorf("scan output %d of the body isn't a tensor", k)
			}
			scans[k] = append(scans[k], t)
		}
	}
	for i, v := range carried {
		if err := give(c, i, v); err != nil {
			return err
		}
	}
	for k, list := range scans {
		if !c.Wants(n + k) {
			continue
		}
		if err := giveStack(c, n+k, list, 0, false); err != nil {
			return err
		}
	}
	return nil
}
