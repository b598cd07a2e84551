// Package optest is what the tests of operator families share: evaluating a node of one operator, and making and reading small tensors.
//
//	got := optest.Eval(t, Scaler, ops.Attrs{"scale": …}, optest.Of(t, tensor.Float32, []float64{1, 2}))
package optest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// Backwards is an environment that runs tiles from the last to the first, each with scratch full of ones (NaN to a float), and whose
// new tensors are full of them too: results may depend on neither.
type Backwards struct{ scratch []byte }

// Context is the background.
func (e *Backwards) Context() context.Context { return context.Background() }

// Seed is 0.
func (e *Backwards) Seed() uint64 { return 0 }

// RunBody refuses.
func (e *Backwards) RunBody(*ops.Subgraph, []tensor.Value) ([]tensor.Value, error) {
	return nil, errors.New("no bodies here")
}

// Alloc makes a tensor full of ones.
func (e *Backwards) Alloc(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	t, err := tensor.New(dt, shape...)
	if err == nil {
		fill(t.Bytes())
	}
	return t, err
}

// Scratch returns bytes full of ones.
func (e *Backwards) Scratch(n int) []byte {
	if len(e.scratch) < n {
		e.scratch = tensor.AlignedBytes(n)
	}
	fill(e.scratch[:n])
	return e.scratch[:n]
}

// Parallel runs the tiles.
func (e *Backwards) Parallel(tiles int, j ops.Job) error {
	for i := tiles - 1; i >= 0; i-- {
		j.Tile(e, i)
	}
	return nil
}

func fill(b []byte) {
	for i := range b {
		b[i] = 0xff
	}
}

// Try evaluates a node of the newest version twice, in two orders of tiles, and returns its outputs. A nil input is absent.
func Try(t testing.TB, op *ops.Op, attrs ops.Attrs, numOut int, ins ...tensor.Value) ([]tensor.Value, error) {
	t.Helper()
	if op.Err() != nil {
		t.Fatal(op.Err())
	}
	a, err := op.ParseAttrs(attrs)
	if err != nil {
		return nil, err
	}
	for i, v := range ins {
		if x, ok := v.(*tensor.Tensor); ok && x == nil {
			ins[i] = nil
		} else if ok && x.Err() != nil {
			t.Fatalf("input %d: %v", i, x.Err())
		}
	}
	wants := slices.Repeat([]bool{true}, numOut)
	outs, err := ops.Evaluate(context.Background(), op, a, ins, wants, nil, nil)
	if err != nil {
		return nil, err
	}
	again, err := ops.Evaluate(context.Background(), op, a, ins, wants, &Backwards{}, nil)
	if err != nil {
		return nil, err
	}
	for i := range outs {
		x, ok := outs[i].(*tensor.Tensor)
		if ok && !x.Equal(again[i].(*tensor.Tensor)) {
			t.Errorf("%s: the order of tiles, or what was in scratch, shows in output %d", op, i)
		}
	}
	return outs, nil
}

// Eval is Try for one output that is a tensor. An error ends the test.
func Eval(t testing.TB, op *ops.Op, attrs ops.Attrs, ins ...tensor.Value) *tensor.Tensor {
	t.Helper()
	outs, err := Try(t, op, attrs, 1, ins...)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	x, ok := outs[0].(*tensor.Tensor)
	if !ok {
		t.Fatalf("%s: the output is a %T", op, outs[0])
	}
	return x
}

// Fails checks that a node is refused with an error that says want.
func Fails(t testing.TB, op *ops.Op, attrs ops.Attrs, want string, ins ...tensor.Value) {
	t.Helper()
	_, err := Try(t, op, attrs, len(op.Newest().Out), ins...)
	if err == nil {
		t.Errorf("%s: no error, want one that says %q", op, want)
	} else if !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %q, want one that says %q", op, err, want)
	}
}

// Of makes a tensor of any numeric type; without a shape, a vector.
func Of(t testing.TB, dt tensor.DType, vals []float64, shape ...int) *tensor.Tensor {
	t.Helper()
	if shape == nil {
		shape = []int{len(vals)}
	}
	x, err := tensor.New(dt, shape...)
	if err != nil {
		t.Fatal(err)
	}
	if x.Len() != len(vals) {
		t.Fatalf("%d values for %s", len(vals), x)
	}
	if !num.Store64(x, 0, vals) {
		t.Fatalf("%s isn't numeric", dt)
	}
	return x
}

// Scalar makes a tensor of rank 0.
func Scalar(t testing.TB, dt tensor.DType, v float64) *tensor.Tensor {
	t.Helper()
	x, err := Of(t, dt, []float64{v}).Reshape()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Floats returns the elements of a numeric tensor.
func Floats(x *tensor.Tensor) []float64 {
	out := make([]float64, x.Len())
	num.Load64(out, x, 0)
	return out
}

// Check compares dtype, shape ("[2,3]") and elements, these within a relative tolerance and one of 1/1000 of it absolutely.
func Check(t testing.TB, what string, got *tensor.Tensor, dt tensor.DType, shape string, want []float64, tol float64) {
	t.Helper()
	if have := got.String(); have != dt.String()+shape {
		t.Errorf("%s: %s, want %s%s", what, have, dt, shape)
		return
	}
	for i, v := range Floats(got) {
		if i >= len(want) {
			t.Fatalf("%s: %d elements, want %d", what, got.Len(), len(want))
		}
		if v == want[i] || v != v && want[i] != want[i] {
			continue
		}
		if !(math.Abs(v-want[i]) <= tol*(math.Abs(want[i])+1e-3)) {
			t.Errorf("%s: element %d is %v, want %v", what, i, v, want[i])
			return
		}
	}
}

// Strings compares shape and elements of a tensor of strings.
func Strings(t testing.TB, what string, got *tensor.Tensor, shape string, want ...string) {
	t.Helper()
	if have := got.String(); have != "string"+shape {
		t.Errorf("%s: %s, want string%s", what, have, shape)
	} else if s := tensor.View[string](got); !slices.Equal(s, want) {
		t.Errorf("%s: %q, want %q", what, s, want)
	}
}

// Infer runs the shape rule alone, on types. It returns the outputs' types.
func Infer(t testing.TB, op *ops.Op, attrs ops.Attrs, numOut int, ins ...*ops.Type) ([]ops.Type, error) {
	t.Helper()
	a, err := op.ParseAttrs(attrs)
	if err != nil {
		return nil, err
	}
	c := ops.NewInfer(ins, slices.Repeat([]bool{true}, numOut), nil)
	err = op.InferTypes(c, a)
	return c.Outs(), err
}

// Attr turns a Go value into an attribute: int, float64 and string, slices of them, and tensors.
func Attr(v any) *ops.Attr {
	switch v := v.(type) {
	case int:
		return ops.IntAttr(v)
	case float64:
		return ops.FloatAttr(float32(v))
	case string:
		return ops.StringAttr(v)
	case []int:
		a := &ops.Attr{Kind: ops.AttrInts}
		for _, n := range v {
			a.Ints = append(a.Ints, int64(n))
		}
		return a
	case []float64:
		a := &ops.Attr{Kind: ops.AttrFloats}
		for _, f := range v {
			a.Floats = append(a.Floats, float32(f))
		}
		return a
	case []string:
		return &ops.Attr{Kind: ops.AttrStrings, Strings: v}
	case *tensor.Tensor:
		return ops.TensorAttr(v)
	}
	// Only tests import this package, and the values stand in them.
	panic(fmt.Sprintf("no attribute holds a %T", v))
}

// Attrs makes attributes of pairs of a name and a value for [Attr].
func Attrs(pairs ...any) ops.Attrs {
	out := ops.Attrs{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = Attr(pairs[i+1])
	}
	return out
}
