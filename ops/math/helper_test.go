package math

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// backwards runs tiles from the last to the first, each with scratch full of NaN: results may depend on neither.
type backwards struct {
	scratch []byte
	clean   bool // leave scratch as it is: for benchmarks
}

func (e *backwards) Context() context.Context { return context.Background() }
func (e *backwards) Seed() uint64             { return 0 }
func (e *backwards) RunBody(*ops.Subgraph, []tensor.Value) ([]tensor.Value, error) {
	return nil, fmt.Errorf("no bodies here")
}
func (e *backwards) Alloc(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	t, err := tensor.New(dt, shape...)
	if err == nil {
		for i := range t.Bytes() {
			t.Bytes()[i] = 0xff
		}
	}
	return t, err
}

func (e *backwards) Scratch(n int) []byte {
	if len(e.scratch) < n {
		e.scratch = tensor.AlignedBytes(n)
	}
	for i := range e.scratch[:n] {
		if e.clean {
			break
		}
		e.scratch[i] = 0xff
	}
	return e.scratch[:n]
}

func (e *backwards) Parallel(tiles int, j ops.Job) error {
	for i := tiles - 1; i >= 0; i-- {
		j.Tile(e, i)
	}
	return nil
}

// lookup finds an operator of the family.
func lookup(t testing.TB, name string) *ops.Op {
	t.Helper()
	for _, op := range slices.Concat(Ops, More()) {
		if op.Name == name {
			if op.Err() != nil {
				t.Fatal(op.Err())
			}
			return op
		}
	}
	t.Fatalf("no operator %s", name)
	return nil
}

// try evaluates a node of the newest version twice, in two orders, and returns the outputs.
func try(t testing.TB, name string, attrs ops.Attrs, numOut int, ins ...*tensor.Tensor) ([]*tensor.Tensor, error) {
	t.Helper()
	op := lookup(t, name)
	a, err := op.ParseAttrs(attrs)
	if err != nil {
		return nil, err
	}
	vals := make([]tensor.Value, len(ins))
	for i, x := range ins {
		if x != nil {
			vals[i] = x
		}
	}
	wants := make([]bool, numOut)
	for i := range wants {
		wants[i] = true
	}
	outs, err := ops.Evaluate(context.Background(), op, a, vals, wants, nil, nil)
	if err != nil {
		return nil, err
	}
	again, err := ops.Evaluate(context.Background(), op, a, vals, wants, &backwards{}, nil)
	if err != nil {
		return nil, err
	}
	res := make([]*tensor.Tensor, numOut)
	for i := range res {
		res[i] = outs[i].(*tensor.Tensor)
		if !res[i].Equal(again[i].(*tensor.Tensor)) {
			t.Errorf("%s: the order of tiles, or what was in scratch, shows in output %d", name, i)
		}
	}
	return res, nil
}

// eval is try for one output, without errors.
func eval(t testing.TB, name string, attrs ops.Attrs, ins ...*tensor.Tensor) *tensor.Tensor {
	t.Helper()
	outs, err := try(t, name, attrs, 1, ins...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return outs[0]
}

// of makes a tensor of any numeric type.
func of(t testing.TB, dt tensor.DType, vals []float64, shape ...int) *tensor.Tensor {
	t.Helper()
	if shape == nil {
		shape = []int{len(vals)}
	}
	x, err := tensor.New(dt, shape...)
	if err != nil {
		t.Fatal(err)
	}
	if !num.Store64(x, 0, vals) {
		t.Fatalf("%s isn't numeric", dt)
	}
	return x
}

func floats(x *tensor.Tensor) []float64 {
	out := make([]float64, x.Len())
	num.Load64(out, x, 0)
	return out
}

// epsilon is the relative distance of neighbouring numbers of a type.
func epsilon(dt tensor.DType) float64 {
	switch dt {
	case tensor.Float64:
		return 1e-14
	case tensor.Float32:
		return 1e-6
	case tensor.Float16:
		return 0x1p-10
	case tensor.BFloat16:
		return 0x1p-7
	}
	return 0
}

// check compares elements within a few units of the type's precision.
func check(t *testing.T, what string, got *tensor.Tensor, want []float64) {
	t.Helper()
	g := floats(got)
	if len(g) != len(want) {
		t.Errorf("%s: %d elements, want %d", what, len(g), len(want))
		return
	}
	for i := range g {
		if g[i] != g[i] && want[i] != want[i] || g[i] == want[i] {
			continue
		}
		if !(math.Abs(g[i]-want[i]) <= 2*epsilon(got.DType())*(math.Abs(want[i])+1e-3)) {
			t.Errorf("%s: element %d is %v, want %v", what, i, g[i], want[i])
			return
		}
	}
}

// symbolic runs the shape rule alone.
func symbolic(t *testing.T, name string, attrs ops.Attrs, ins ...ops.Type) (ops.Type, error) {
	t.Helper()
	op := lookup(t, name)
	a, err := op.ParseAttrs(attrs)
	if err != nil {
		return ops.Type{}, err
	}
	ps := make([]*ops.Type, len(ins))
	for i := range ins {
		if ins[i].Kind != sym.None {
			ps[i] = &ins[i]
		}
	}
	c := ops.NewInfer(ps, []bool{true, true}, nil)
	err = op.InferTypes(c, a)
	return c.Outs()[0], err
}
