package control

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type scan8Attrs struct {
	Body          *ops.Subgraph `onnx:",required"`
	NumScanInputs int           `onnx:",required"`
	Directions    []int
}

// scan8 is Scan as opset 8 had it: every value has a batch dimension in front, sequences have lengths of their own, and
// what lies behind a sequence's end is zero.
var scan8 = ops.Def(ops.Spec[scan8Attrs]{
	Name: "Scan", In: "sequence_lens:I?, initial_state_and_scan_inputs:~V*", Out: "final_state_and_scan_outputs:~V*", Types: "I=int64; V=all",
	Vers:  []ops.Ver{{Since: 8}},
	Infer: inferScan8,
	Eval:  evalScan8,
})

func (a *scan8Attrs) states(numIn, numOut int) (states, scans int, err error) {
	states = numIn - 1 - a.NumScanInputs
	if a.NumScanInputs < 1 || states < 0 || a.Body.NumIn != numIn-1 || a.Body.NumOut < states || numOut > a.Body.NumOut ||
		len(a.Directions) != 0 && len(a.Directions) != a.NumScanInputs {
		return 0, 0, fmt.Errorf("num_scan_inputs is %d of %d inputs; the body has %d inputs and %d outputs", a.NumScanInputs, numIn-1, a.Body.NumIn, a.Body.NumOut)
	}
	return states, a.Body.NumOut - states, nil
}

func inferScan8(c *ops.Infer, a *scan8Attrs) error {
	states, scans, err := a.states(c.NumIn(), c.NumOut())
	if err != nil {
		return err
	}
	batch, length := sym.Unknown(), sym.Unknown()
	strip := func(i, dims int) (ops.Type, error) {
		t := c.In(1 + i)
		if !t.Ranked {
			return ops.Type{DT: t.DT}, nil
		}
		if len(t.Shape) < dims {
			return ops.Type{}, fmt.Errorf("input %d has rank %d; it must have at least %d", 1+i, len(t.Shape), dims)
		}
		batch = t.Shape[0]
		if dims == 2 {
			length = t.Shape[1]
		}
		return sym.TensorType(t.DT, t.Shape[dims:]...), nil
	}
	carried, elems := make([]ops.Type, states), make([]ops.Type, a.NumScanInputs)
	for i := range carried {
		if carried[i], err = strip(i, 1); err != nil {
			return err
		}
	}
	for i := range elems {
		if elems[i], err = strip(states+i, 2); err != nil {
			return err
		}
	}
	fixed, outs, err := carriedTypes(c, a.Body, nil, carried, elems, 0)
	if err != nil {
		return err
	}
	for i := range fixed {
		c.OutType(i, stacked(fixed[i], batch, 0))
	}
	for k := range scans {
		c.OutType(states+k, stacked(stacked(outs[states+k], length, 0), batch, 0))
	}
	return nil
}

func evalScan8(c *ops.Call, a *scan8Attrs) error {
	states, scans, err := a.states(len(c.Ins), len(c.Outs))
	if err != nil {
		return err
	}
	first := c.In(1 + states)
	batch, length := first.Dims()[0], first.Dims()[1]
	lens := make([]int64, batch)
	for i := range lens {
		lens[i] = int64(length)
	}
	if t := c.In(0); t != nil {
		given, err := tensor.Data[int64](t)
		if err != nil || len(given) != batch {
			return fmt.Errorf("sequence_lens must be %d int64, not %s", batch, t)
		}
		lens = given
	}
	finals, lists := make([][]*tensor.Tensor, states), make([][]*tensor.Tensor, scans)
	in := make([]tensor.Value, states+a.NumScanInputs)
	for b := range batch {
		n := int(lens[b])
		if n < 0 || n > length {
			return fmt.Errorf("sequence_lens[%d] is %d, outside of 0 to %d", b, n, length)
		}
		rows := make([]*tensor.Tensor, len(in))
		for i := range rows {
			if rows[i], err = take(c.In(1+i), 0, b); err != nil {
				return err
			}
			in[i] = rows[i]
		}
		parts := make([][]*tensor.Tensor, scans)
		for i := range n {
			for k := range a.NumScanInputs {
				at := i
				if pick(a.Directions, k) == 1 {
					at = n - 1 - i
				}
				if in[states+k], err = take(rows[states+k], 0, at); err != nil {
					return err
				}
			}
			outs, err := c.RunBody(a.Body, in)
			if err != nil {
				return err
			}
			copy(in[:states], outs)
			for k := range parts {
				t, ok := outs[states+k].(*tensor.Tensor)
				if !ok {
					return fmt.Errorf("scan output %d of the body isn't a tensor", k)
				}
				parts[k] = append(parts[k], t)
			}
		}
		for i := range finals {
			t, ok := in[i].(*tensor.Tensor)
			if !ok {
				return fmt.Errorf("state %d of the body isn't a tensor", i)
			}
			finals[i] = append(finals[i], t)
		}
		for k := range parts {
			t, err := padded(parts[k], length)
			if err != nil {
				return err
			}
			lists[k] = append(lists[k], t)
		}
	}
	for i, list := range append(finals, lists...) {
		if c.Wants(i) {
			if err := giveStack(c, i, list, 0, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// padded stacks the elements of one sequence, with zeros behind them up to length.
func padded(list []*tensor.Tensor, length int) (*tensor.Tensor, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("a sequence of length 0 leaves the scan output's shape unknown")
	}
	out, err := tensor.New(list[0].DType(), append([]int{length}, list[0].Dims()...)...)
	if err != nil {
		return nil, err
	}
	_, _, inner := blocks(out, 0)
	for i, t := range list {
		if t.Len() != list[0].Len() {
			return nil, fmt.Errorf("scan element %d is %s, but the first is %s", i, t, list[0])
		}
		copyBlock(out, i*inner, t, 0, inner)
	}
	return out, nil
}
