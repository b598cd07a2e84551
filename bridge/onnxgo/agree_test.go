package onnxgo

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	onnx "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"

	"ingot/bridge/dense"
	"ingot/internal/cases"
	"ingot/internal/suite"
	"ingot/loader"
	"ingot/ops"
	_ "ingot/ops/all"
	"ingot/tensor"
)

// recorder is a backend that takes every operator, known or not.
type recorder struct{ *Backend }

func (r recorder) ApplyOperation(o onnx.Operation, ns ...graph.Node) error {
	op := &operation{op: &ops.Op{Name: o.Name}}
	for _, n := range ns {
		op.out = append(op.out, n.(*Node))
	}
	for _, e := range r.pending[:len(r.pending)/max(len(ns), 1)] {
		op.in = append(op.in, e.to)
	}
	var err error
	op.attrs, err = attrsOf(o.Attributes)
	r.pending = nil
	r.ops = append(r.ops, op)
	r.changed()
	return err
}

// decode has onnx-go's decoder read a model; its panics become errors.
func decode(b onnx.Backend, data []byte) (m *onnx.Model, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	m = onnx.NewModel(b)
	return m, m.UnmarshalBinary(data)
}

var (
	number   = regexp.MustCompile(`[0-9]+`)
	attrName = regexp.MustCompile(`for attribute .*: (ir\.\S+ not handled yet|undefined)`)
)

// reason groups errors of the decoder.
func reason(err error) string {
	if m := attrName.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return number.ReplaceAllString(err.Error(), "N")
}

// TestDecodersAgree reads every model of the official suite, and those in the folders of INGOT_CASES, with onnx-go's decoder and with ours. What theirs
// can read must be the same graph: operators with their attributes and operands in order, inputs, outputs, and the elements of weights.
func TestDecodersAgree(t *testing.T) {
	dirs := []string{suite.Need(t)}
	if extra := os.Getenv("INGOT_CASES"); extra != "" {
		dirs = append(dirs, filepath.SplitList(extra)...)
	}
	list, err := cases.Find(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	read, reasons := 0, map[string]int{}
	for _, c := range list {
		data, err := os.ReadFile(c.Model)
		if err != nil {
			t.Fatal(err)
		}
		r := &recorder{NewBackend()}
		m, err := decode(r, data)
		if err != nil {
			reasons[reason(err)]++
			continue
		}
		read++
		ours, err := loader.Open(c.Model)
		if err != nil {
			t.Errorf("%s: only onnx-go reads it: %v", c.Name, err)
			continue
		}
		if err := agree(r.Backend, m, ours); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		ours.Close()
	}
	t.Logf("%d models, onnx-go's decoder reads %d", len(list), read)
	for _, why := range slices.SortedFunc(maps.Keys(reasons), func(a, b string) int { return reasons[b] - reasons[a] }) {
		t.Logf("%5d %s", reasons[why], why)
	}
	if read < 1730 {
		t.Errorf("onnx-go's decoder reads %d models, where it were 1730", read)
	}
}

// agree compares what onnx-go's decoder told a backend with a model that package loader read.
func agree(b *Backend, m *onnx.Model, ours *loader.Model) error {
	r := b.resolve()
	if r.err != nil {
		return r.err
	}
	var want []string
	for _, in := range ours.Graph.Inputs {
		if ours.Graph.Initializer(in.Name) == nil {
			want = append(want, in.Name)
		}
	}
	var got []string
	for _, v := range r.ins[:min(len(want), len(r.ins))] { // what follows are declarations of values that there aren't
		got = append(got, v.name)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("inputs %q, and by ours %q", got, want)
	}
	for i, out := range ours.Graph.Outputs {
		n := b.byID[m.Output[i]]
		if n == nil || n.name != out.Name || !slices.Contains(slices.Concat(r.outputs, r.maybe), n.v) && !r.weights[n.v] {
			return fmt.Errorf("output %q is %v", out.Name, n)
		}
	}
	if len(r.weights) != len(ours.Graph.Initializers) {
		return fmt.Errorf("%d weights, and by ours %d", len(r.weights), len(ours.Graph.Initializers))
	}
	for _, in := range ours.Graph.Initializers {
		v := b.values[in.Name]
		if v == nil || !r.weights[v] {
			return fmt.Errorf("%q isn't a weight", in.Name)
		}
		theirs, err := dense.Tensor(v.declared)
		if err != nil {
			return err
		}
		t, err := in.Tensor()
		if err != nil {
			return err
		}
		if !t.Equal(theirs) {
			return fmt.Errorf("weight %q is %v, and by ours %v", in.Name, theirs, t)
		}
	}
	if len(b.ops) != len(ours.Graph.Nodes) {
		return fmt.Errorf("%d operators, and by ours %d", len(b.ops), len(ours.Graph.Nodes))
	}
	for _, n := range ours.Graph.Nodes {
		if err := sameNode(b.ops[n.Index], n); err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
	}
	return nil
}

func sameNode(o *operation, n *loader.Node) error {
	if o.op.Name != n.OpType {
		return fmt.Errorf("operator %s", o.op.Name)
	}
	ins, outs := []string{}, []string{}
	if !madeUp(o) {
		for _, in := range o.in {
			ins = append(ins, in.name)
		}
	}
	for _, out := range o.out {
		outs = append(outs, out.name)
	}
	if !slices.Equal(ins, n.Inputs) || !slices.Equal(outs, n.Outputs) {
		return fmt.Errorf("operands %q, outputs %q; by ours %q, %q", ins, outs, n.Inputs, n.Outputs)
	}
	if len(o.attrs) != len(n.Attrs) {
		return fmt.Errorf("%d attributes, and by ours %d", len(o.attrs), len(n.Attrs))
	}
	for _, a := range o.attrs {
		b := n.Attr(a.Name)
		if b == nil {
			return fmt.Errorf("attribute %q: only onnx-go has it", a.Name)
		}
		if err := sameAttr(a, b); err != nil {
			return fmt.Errorf("attribute %q: %w", a.Name, err)
		}
	}
	return nil
}

func sameAttr(a, b *loader.Attr) error {
	if a.Type != b.Type || a.I != b.I || a.S != b.S || !slices.Equal(a.Ints, b.Ints) || !slices.Equal(a.Strings, b.Strings) {
		return fmt.Errorf("%v %v; by ours %v %v", a.Type, a, b.Type, b)
	}
	if !tensor.Of(append(a.Floats, a.F)).Equal(tensor.Of(append(b.Floats, b.F))) { // by their bits: NaN
		return fmt.Errorf("%v %v; by ours %v %v", a.F, a.Floats, b.F, b.Floats)
	}
	if (a.T == nil) != (b.T == nil) || a.T != nil && !a.T.Equal(b.T) {
		return fmt.Errorf("%v; by ours %v", a.T, b.T)
	}
	return nil
}
