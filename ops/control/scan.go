package control

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type scanAttrs struct {
	Body                 *ops.Subgraph `onnx:",required"`
	NumScanInputs        int           `onnx:",required"`
	ScanInputAxes        []int
	ScanInputDirections  []int
	ScanOutputAxes       []int
	ScanOutputDirections []int
}

// Scan runs its body once for each element of its scan inputs, with carried states, and stacks what it gives.
var Scan = Ops.Add(ops.Def(ops.Spec[scanAttrs]{
	Name: "Scan", In: "initial_state_and_scan_inputs:~V*", Out: "final_state_and_scan_outputs:~V*", Types: "V=all13",
	Vers: []ops.Ver{{Since: 25}, {Since: 24, Types: "V=all12"}, {Since: 23, Types: "V=all11"}, {Since: 21, Types: "V=all10"},
		{Since: 19, Types: "V=all9"}, {Since: 16, Types: "V=all4"}, {Since: 11, Types: "V=all"}, {Since: 9},
		{Since: 8, In: "sequence_lens:I?, initial_state_and_scan_inputs:~V*", Types: "I=int64",
			Attrs: "+directions:ints -scan_input_axes -scan_input_directions -scan_output_axes -scan_output_directions", Old: scan8}},
	Infer: inferScan,
	Eval:  evalScan,
}))

// states returns how many carried states and scan outputs there are.
func (a *scanAttrs) states(numIn, numOut int) (states, scans int, err error) {
	states = numIn - a.NumScanInputs
	if a.NumScanInputs < 1 || states < 0 || a.Body.NumIn != numIn || a.Body.NumOut < states || numOut > a.Body.NumOut {
		return 0, 0, fmt.Errorf("num_scan_inputs is %d of %d inputs; the body has %d inputs and %d outputs", a.NumScanInputs, numIn, a.Body.NumIn, a.Body.NumOut)
	}
	scans = a.Body.NumOut - states
	for _, l := range []struct {
		name string
		list []int
		n    int
	}{{"scan_input_axes", a.ScanInputAxes, a.NumScanInputs}, {"scan_input_directions", a.ScanInputDirections, a.NumScanInputs},
		{"scan_output_axes", a.ScanOutputAxes, scans}, {"scan_output_directions", a.ScanOutputDirections, scans}} {
		if len(l.list) != 0 && len(l.list) != l.n {
			return 0, 0, fmt.Errorf("%s has %d entries; it must have %d", l.name, len(l.list), l.n)
		}
	}
	return states, scans, nil
}

func pick(list []int, i int) int {
	if i < len(list) {
		return list[i]
	}
	return 0
}

func inferScan(c *ops.Infer, a *scanAttrs) error {
	states, scans, err := a.states(c.NumIn(), c.NumOut())
	if err != nil {
		return err
	}
	carried := make([]ops.Type, states)
	for i := range carried {
		carried[i] = forget(*c.In(i))
	}
	length := sym.Unknown()
	elems := make([]ops.Type, a.NumScanInputs)
	for i := range elems {
		t := c.In(states + i)
		elems[i] = ops.Type{DT: t.DT}
		if !t.Ranked {
			continue
		}
		axis, err := ops.Axis(pick(a.ScanInputAxes, i), len(t.Shape))
		if err != nil {
			return fmt.Errorf("scan input %d: %w", i, err)
		}
		if n := t.Shape[axis]; n.Known() && length.Known() && !n.Equal(length) {
			return fmt.Errorf("scan inputs have lengths %s and %s", length, n)
		} else if !length.Known() {
			length = n
		}
		elems[i] = sym.TensorType(t.DT, append(append([]ops.Dim{}, t.Shape[:axis]...), t.Shape[axis+1:]...)...)
	}
	fixed, outs, err := carriedTypes(c, a.Body, nil, carried, elems, 0)
	if err != nil {
		return err
	}
	for i := range fixed {
		c.OutType(i, fixed[i])
	}
	for k := range scans {
		t := outs[states+k]
		axis := 0
		if t.Ranked {
			if axis, err = ops.Axis(pick(a.ScanOutputAxes, k), len(t.Shape)+1); err != nil {
				return fmt.Errorf("scan output %d: %w", k, err)
			}
		}
		c.OutType(states+k, stacked(t, length, axis))
	}
	return nil
}

func evalScan(c *ops.Call, a *scanAttrs) error {
	states, scans, err := a.states(len(c.Ins), len(c.Outs))
	if err != nil {
		return err
	}
	length := -1
	axes := make([]int, a.NumScanInputs)
	for i := range axes {
		t := c.In(states + i)
		if axes[i], err = ops.Axis(pick(a.ScanInputAxes, i), t.Rank()); err != nil {
			return err
		}
		n := t.Dims()[axes[i]]
		if length >= 0 && n != length {
			return fmt.Errorf("scan inputs have lengths %d and %d", length, n)
		}
		length = n
	}
	in := append([]tensor.Value{}, c.Ins...)
	lists := make([][]*tensor.Tensor, scans)
	for i := range length {
		if err := c.Context().Err(); err != nil {
			return err
		}
		for k, axis := range axes {
			at := i
			if pick(a.ScanInputDirections, k) == 1 {
				at = length - 1 - i
			}
			if in[states+k], err = take(c.In(states+k), axis, at); err != nil {
				return err
			}
		}
		outs, err := c.RunBody(a.Body, in)
		if err != nil {
			return err
		}
		copy(in[:states], outs)
		for k := range lists {
			t, ok := outs[states+k].(*tensor.Tensor)
			if !ok {
				return fmt.Errorf("scan output %d of the body isn't a tensor", k)
			}
			lists[k] = append(lists[k], t)
		}
	}
	for i := range states {
		if err := give(c, i, in[i]); err != nil {
			return err
		}
	}
	for k, list := range lists {
		if !c.Wants(states + k) {
			continue
		}
		axis := 0
		if len(list) > 0 {
			if axis, err = ops.Axis(pick(a.ScanOutputAxes, k), list[0].Rank()+1); err != nil {
				return err
			}
		}
		if err := giveStack(c, states+k, list, axis, pick(a.ScanOutputDirections, k) == 1); err != nil {
			return err
		}
	}
	return nil
}
