package ops_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ingot/ops"
	"ingot/tensor"
)

// writer is a graph that writes down what is added to it.
type writer struct{ lines []string }

func (w *writer) Const(t *tensor.Tensor) ops.Ref { return t.String() }

func (w *writer) Emit(op string, _ ops.Attrs, n int, in ...ops.Ref) ([]ops.Ref, error) {
	if op == "Bad" {
		return nil, errors.New("no such thing")
	}
	out := make([]ops.Ref, n)
	for i := range out {
		out[i] = fmt.Sprintf("v%d.%d", len(w.lines), i)
	}
	w.lines = append(w.lines, fmt.Sprint(op, in))
	return out, nil
}

func (w *writer) EmitAfter(string, ops.Attrs, ops.Ref, ...ops.Ref) error { return nil }
func (w *writer) NewValue() ops.Ref                                      { return "new" }
func (w *writer) TypeOf(ops.Ref) *ops.Type                               { return &ops.Type{DT: tensor.Float32} }

// TestExpand expands nodes into graphs, right and wrong ones.
func TestExpand(t *testing.T) {
	type attrs struct {
		Alpha float32 `onnx:",2"`
	}
	tests := []struct {
		name   string
		expand func(x *ops.Expansion, a *attrs) error
		outs   []ops.Ref
		lines  string
		err    string
	}{
		{"a graph", func(x *ops.Expansion, a *attrs) error {
			parts := x.Ops("Split", nil, 2, x.In(0))
			return x.SetOut(0, x.Op(fmt.Sprint("Mul", a.Alpha), nil, parts[0], x.Op("Tanh", nil, parts[1])))
		}, []ops.Ref{"y"}, "Split[x] Tanh[v0.1] Mul2[v0.0 v1.0]", ""},
		{"an input passed on", func(x *ops.Expansion, _ *attrs) error { return x.SetOut(0, x.In(0)) }, []ops.Ref{"y"}, "", ""},
		{"an output that nobody wants", func(x *ops.Expansion, _ *attrs) error {
			if x.Wants(0) || !x.Wants(1) || x.Has(1) || x.In(7) != nil {
				return errors.New("wrong about what is there")
			}
			return x.SetOut(1, x.In(0))
		}, []ops.Ref{nil, "y"}, "", ""},
		{"a forgotten output", func(x *ops.Expansion, _ *attrs) error { return nil }, []ops.Ref{"y"}, "", "nothing computes output 0"},
		{"a mistake that is kept", func(x *ops.Expansion, _ *attrs) error {
			x.SetOut(0, x.Op("Neg", nil, x.Op("Bad", nil, x.In(0))))
			return nil
		}, []ops.Ref{"y"}, "", "no such thing"},
		{"an output of nothing", func(x *ops.Expansion, _ *attrs) error { return x.SetOut(0, x.In(3)) }, []ops.Ref{"y"}, "", "made of nothing"},
	}
	for _, tt := range tests {
		op := ops.Def(ops.Spec[attrs]{Name: "Test", In: "X:T", Out: "Y:T?, Z:T?", Types: "T=float", Vers: []ops.Ver{{Since: 1}}, Expand: tt.expand})
		if op.Err() != nil || !op.Expands() {
			t.Fatalf("%s: %v", tt.name, op.Err())
		}
		w := &writer{}
		r := &ops.Rewrite{Attrs: ops.Attrs{}, In: []ops.Ref{"x"}, Out: tt.outs, Graph: w}
		err := op.ExpandNode(r)
		switch {
		case tt.err == "" && err != nil, tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		case err == nil && strings.Join(w.lines, " ") != tt.lines:
			t.Errorf("%s: the graph is %q, want %q", tt.name, w.lines, tt.lines)
		}
		if _, err := op.BindKernel(&ops.Bind{}, new(attrs)); err == nil {
			t.Errorf("%s: the operator has a kernel", tt.name)
		}
	}
	both := ops.Def(ops.Spec[attrs]{Name: "Both", In: "X:T", Out: "Y:T", Types: "T=float", Vers: []ops.Ver{{Since: 1}}, Expand: tests[0].expand,
		Infer: func(c *ops.Infer, _ *attrs) error { return c.OutLike(0, 0) }})
	if both.Err() == nil {
		t.Error("an operator may have both a graph and a shape rule")
	}
}
