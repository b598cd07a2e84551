package ingot

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"ingot/tensor"
)

// State holds what [State.RunInto] needs from call to call, so that a loop of runs allocates nothing. It is for one goroutine at a time.
type State struct {
	m    *Model
	ins  []tensor.Value
	outs []*tensor.Tensor
	res  []tensor.Value
}

// NewState returns a state for runs of the model.
func (m *Model) NewState() *State {
	return &State{m: m, ins: make([]tensor.Value, len(m.in)), outs: make([]*tensor.Tensor, len(m.out)), res: make([]tensor.Value, len(m.out))}
}

// RunInto is [Model.RunInto] without its allocations.
func (s *State) RunInto(ctx context.Context, in Inputs, out Outputs) error {
	m := s.m
	found := 0
	for i := range m.in {
		t, ok := in[m.in[i].Name]
		if !ok {
			if m.prog.HasDefault(m.in[i].Name) {
				continue
			}
			_, err := bindInputs(m, in)
			return err
		}
		s.ins[i] = t
		found++
	}
	if found < len(in) {
		_, err := bindInputs(m, in)
		return err
	}
	found = 0
	for o := range m.out {
		t, ok := out[m.out[o].Name]
		if ok && t == nil {
			return fmt.Errorf("the buffer for output %q is nil", m.out[o].Name)
		}
		if s.outs[o] = t; ok {
			found++
		}
	}
	if found < len(out) {
		for _, name := range slices.Sorted(maps.Keys(out)) {
			if !slices.ContainsFunc(m.out, func(v ValueInfo) bool { return v.Name == name }) {
				return fmt.Errorf("the model has no output %q%s", name, didYouMean(name, m.out))
			}
		}
	}
	err := m.prog.Run(ctx, s.ins, s.outs, s.res)
	clear(s.ins)
	clear(s.outs)
	clear(s.res)
	return err
}
