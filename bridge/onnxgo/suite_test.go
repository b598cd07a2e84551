package onnxgo

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	onnx "github.com/owulveryck/onnx-go"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/dense"
	"ingot/internal/cases"
	"ingot/internal/suite"
	"ingot/loader"
	"ingot/tensor"
)

// suiteCases runs f for each set of inputs of each case of the official suite that a plain model runs. It counts those that f refuses and those
// for which it returns nil; other errors fail the test. Folders in INGOT_CASES are run too.
func suiteCases(t *testing.T, f func(c *cases.Case, info *loader.Model, plain *ingot.Model, in map[string]tensor.Value) error) (refused, ran int) {
	list, err := cases.Find(append([]string{suite.Need(t)}, filepath.SplitList(os.Getenv("INGOT_CASES"))...)...)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]int{}
	for i := range list {
		c := &list[i]
		info, err := loader.Open(c.Model)
		if err != nil {
			continue
		}
		plain, err := ingot.Load(c.Model)
		if err != nil {
			info.Close()
			continue
		}
		for s := range c.Sets {
			in, err := c.Sets[s].Values(info.Graph)
			if err != nil {
				continue
			}
			err = f(c, info, plain, in)
			var no refusal
			switch {
			case err == nil:
				ran++
			case asRefusal(err, &no):
				reasons[reason(no.error)]++
				refused++
			default:
				t.Errorf("%s: %.300v", c.Name, err)
			}
		}
		plain.Close()
		info.Close()
	}
	for _, why := range slices.SortedFunc(maps.Keys(reasons), func(a, b string) int { return reasons[b] - reasons[a] }) {
		t.Logf("%5d %.200s", reasons[why], why)
	}
	return refused, ran
}

// refusal is an error that says no, where other errors of f are failures.
type refusal struct{ error }

func asRefusal(err error, r *refusal) bool {
	no, ok := err.(refusal)
	*r = no
	return ok
}

// sameRun gives a model its inputs by number, runs it and compares its outputs with a plain model's, in the words of onnx-go's README.
// With a tolerance, it is enough that they are near.
func sameRun(b *Backend, m *onnx.Model, plain *ingot.Model, names []string, in map[string]tensor.Value, tolerance float64) error {
	for i, name := range names {
		v, ok := in[name]
		if !ok {
			continue
		}
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return refusal{fmt.Errorf("an input is a %T", v)}
		}
		d, err := dense.Of(t)
		if err != nil {
			return err
		}
		if err := m.SetInput(i, d); err != nil {
			return err
		}
	}
	want, plainErr := plain.RunValues(context.Background(), in)
	err := b.Run()
	if plainErr != nil || err != nil {
		if plainErr == nil {
			return refusal{err}
		}
		if err == nil {
			return fmt.Errorf("a plain model fails: %v", plainErr)
		}
		return nil
	}
	got, err := m.GetOutputTensors()
	if err != nil {
		return err
	}
	for i, out := range plain.Outputs() {
		d, err := dense.Tensor(asDense(got[i]))
		if err != nil {
			return fmt.Errorf("output %q: %w", out.Name, err)
		}
		w, ok := want[out.Name].(*tensor.Tensor)
		if !ok || !w.Equal(d) && (tolerance == 0 || cases.Compare(w, d, tolerance, tolerance) != nil) {
			return fmt.Errorf("output %q: other bits: %v", out.Name, cases.Compare(want[out.Name], d, 0, 0))
		}
	}
	return nil
}

func namesOf(list []ingot.ValueInfo) []string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = v.Name
	}
	return names
}

// named reports whether dimensions have names.
func named(list []ingot.ValueInfo) bool {
	return slices.ContainsFunc(list, func(v ingot.ValueInfo) bool {
		return slices.ContainsFunc(v.Dims, func(d ingot.Dim) bool { return d.Sym != "" })
	})
}

// TestFacadeOutcome runs the official suite through Unmarshal.
func TestFacadeOutcome(t *testing.T) {
	refused, ran := suiteCases(t, func(c *cases.Case, info *loader.Model, plain *ingot.Model, in map[string]tensor.Value) error {
		b := NewBackend()
		m := onnx.NewModel(b)
		if err := b.UnmarshalFile(m, c.Model); err != nil {
			if strings.Contains(err.Error(), "isn't a tensor but") {
				return refusal{err}
			}
			return err
		}
		err := sameRun(b, m, plain, namesOf(plain.Inputs()), in, 0)
		var no refusal
		if asRefusal(err, &no) {
			return no.error
		}
		return err
	})
	t.Logf("%d equal, %d refused", ran, refused)
	if ran < 2002 || refused > 29 {
		t.Errorf("%d ran and %d were refused, where it were 2002 and 29", ran, refused)
	}
}

// TestDirectOutcome runs the official suite through onnx-go's own decoder: with the opset told, and without.
func TestDirectOutcome(t *testing.T) {
	without := 0
	refused, ran := suiteCases(t, func(c *cases.Case, info *loader.Model, plain *ingot.Model, in map[string]tensor.Value) error {
		data, err := os.ReadFile(c.Model)
		if err != nil {
			return err
		}
		told := direct(data, info, true, plain, in)
		var no refusal
		if untold := direct(data, info, false, plain, in); untold == nil {
			without++
		} else if !asRefusal(untold, &no) {
			t.Errorf("%s, opset not told: %.300v", c.Name, untold)
		}
		return told
	})
	t.Logf("opset told: %d equal, %d refused; not told: %d equal", ran, refused, without)
	if ran < 1728 || without < 1701 {
		t.Errorf("%d ran, %d without the opset, where it were 1728 and 1701", ran, without)
	}
}

// direct runs a case through the decoder.
func direct(data []byte, info *loader.Model, told bool, plain *ingot.Model, in map[string]tensor.Value) error {
	var opts []Option
	for _, o := range info.Opsets {
		if told || o.Domain != "" {
			opts = append(opts, WithDomain(o.Domain, o.Version))
		}
	}
	b := NewBackend(opts...)
	m, err := decode(b, data)
	if err != nil {
		return refusal{err}
	}
	tolerance := 0.0
	if named(plain.Inputs()) {
		tolerance = 1e-6 // that a dimension of two inputs is the same one is lost, and with it a fusion that needs to know
	}
	return sameRun(b, m, plain, namesOf(plain.Inputs()), in, tolerance)
}

func asDense(t gt.Tensor) *gt.Dense {
	d, _ := t.(*gt.Dense)
	return d
}
