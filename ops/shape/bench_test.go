package shape

import (
	"context"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// quietEnv runs tiles on the caller, as a run with one thread does.
type quietEnv struct {
	ops.Env
	scratch []byte
}

func (e *quietEnv) Context() context.Context { return context.Background() }

func (e *quietEnv) Parallel(tiles int, j ops.Job) error {
	for i := range tiles {
		j.Tile(e, i)
	}
	return nil
}

func (e *quietEnv) Scratch(n int) []byte {
	if len(e.scratch) < n {
		e.scratch = tensor.AlignedBytes(n)
	}
	return e.scratch[:n]
}

// bound prepares a node and returns a function that runs it.
func bound(tb testing.TB, name string, attrs ops.Attrs, in ...*tensor.Tensor) func() {
	tb.Helper()
	op := find(tb, name)
	a, err := op.ParseAttrs(attrs)
	if err != nil {
		tb.Fatal(err)
	}
	types, vals := make([]*ops.Type, len(in)), make([]tensor.Value, len(in))
	for i, v := range in {
		if v != nil {
			ty := sym.TypeOf(v, true)
			ty.Data = v
			types[i], vals[i] = &ty, v
		}
	}
	c := ops.NewInfer(types, []bool{true}, nil)
	if err := op.InferTypes(c, a); err != nil {
		tb.Fatal(err)
	}
	b := &ops.Bind{Ins: types, Outs: c.Outs(), Wanted: []bool{true}}
	k, err := op.BindKernel(b, a)
	if err != nil {
		tb.Fatal(err)
	}
	dims, _ := c.Outs()[0].Dims()
	out, err := tensor.New(c.Outs()[0].DT, dims...)
	if err != nil {
		tb.Fatal(err)
	}
	call := &ops.Call{Ins: vals, Outs: []tensor.Value{out}, Wanted: []bool{true}, Types: c.Outs(), Env: &quietEnv{}, Scratch: tensor.AlignedBytes(b.ScratchLen())}
	return func() {
		if err := k.Run(call); err != nil {
			tb.Fatal(err)
		}
	}
}

var common = []struct {
	name, op string
	attrs    ops.Attrs
	in       []*tensor.Tensor
}{
	{"heads", "Transpose", attr("perm", []int64{0, 2, 1, 3}), []*tensor.Tensor{iota32(1, 128, 12, 32)}},
	{"channels last", "Transpose", attr("perm", []int64{0, 2, 3, 1}), []*tensor.Tensor{iota32(1, 64, 56, 56)}},
	{"channels", "Concat", attr("axis", 1), []*tensor.Tensor{iota32(2, 64, 28, 28), iota32(2, 64, 28, 28)}},
	{"columns", "Concat", attr("axis", 3), []*tensor.Tensor{iota32(2, 64, 28, 28), iota32(2, 64, 28, 28)}},
	{"every second", "Slice", nil, []*tensor.Tensor{iota32(1, 3, 320, 320), ints(0, 0), ints(1<<40, 1<<40), ints(2, 3), ints(2, 2)}},
	{"border", "Pad", nil, []*tensor.Tensor{iota32(1, 32, 56, 56), ints(0, 0, 1, 1, 0, 0, 1, 1)}},
	{"rows", "Gather", nil, []*tensor.Tensor{iota32(1000, 384), ints(make([]int64, 128)...)}},
	{"whole", "Expand", nil, []*tensor.Tensor{iota32(1, 1, 128), ints(12, 128, 128)}},
	{"updates", "ScatterND", nil, []*tensor.Tensor{iota32(1000, 16), reshaped(ints(make([]int64, 64)...), 64, 1), iota32(64, 16)}},
	{"classes", "OneHot", nil, []*tensor.Tensor{ints(make([]int64, 1536)...), tensor.Scalar(int64(257)), floats(0, 1)}},
	{"twice", "Resize", nil, []*tensor.Tensor{iota32(1, 64, 40, 40), nil, floats(1, 1, 2, 2)}},
	{"linear", "Resize", attr("mode", "linear"), []*tensor.Tensor{iota32(1, 32, 80, 80), nil, floats(1, 1, 2, 2)}},
	{"linear, channels last", "Resize", attr("mode", "linear"), []*tensor.Tensor{iota32(1, 80, 80, 32), nil, floats(1, 2, 2, 1)}},
	{"cubic", "Resize", attr("mode", "cubic"), []*tensor.Tensor{iota32(1, 32, 80, 80), nil, floats(1, 1, 2, 2)}},
	{"to depth", "SpaceToDepth", attr("blocksize", 2), []*tensor.Tensor{iota32(1, 16, 112, 112)}},
	{"to space", "DepthToSpace", attr("blocksize", 2), []*tensor.Tensor{iota32(1, 64, 56, 56)}},
}

// TestNoAllocations runs what convolutional models and transformers contain: once bound, nothing is allocated.
func TestNoAllocations(t *testing.T) {
	for _, tt := range common {
		run := bound(t, tt.op, tt.attrs, tt.in...)
		run()
		if n := testing.AllocsPerRun(3, run); n != 0 {
			t.Errorf("%s, %s: %g allocations", tt.op, tt.name, n)
		}
	}
}

func BenchmarkKernels(b *testing.B) {
	for _, tt := range common {
		b.Run(tt.op+" "+tt.name, func(b *testing.B) {
			run := bound(b, tt.op, tt.attrs, tt.in...)
			for b.Loop() {
				run()
			}
		})
	}
}
