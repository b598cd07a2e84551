package standard_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"ingot/internal/calls"
	"ingot/internal/sym"
	"ingot/ops"
	_ "ingot/ops/all"
	"ingot/ops/internal/optest"
	"ingot/ops/standard"
	"ingot/tensor"
)

const (
	mostBytes = 32 << 20         // what the environment gives a call
	patience  = 20 * time.Second // far beyond what the largest call takes
)

// outcome is how a call ended.
type outcome int

const (
	refused outcome = iota // by the checks, the shape rule or the kernel
	computed
)

// TestRandomCalls runs a few calls of every operator that were drawn from its declaration: a call may fail, but not panic, hang, or take
// memory that its operands don't justify.
func TestRandomCalls(t *testing.T) {
	each := 40
	if testing.Short() {
		each = 5
	}
	list := allOps(t)
	valid := 0
	var never []string
	for i, op := range list {
		ok := 0
		for k := range each {
			if try(t, op, binary.LittleEndian.AppendUint32(nil, uint32(i*100000+k))) == computed {
				ok++
			}
		}
		if valid += ok; ok == 0 {
			never = append(never, op.String())
		}
	}
	t.Logf("%d operators, %d calls, of which %d computed something; of these operators none did: %v", len(list), each*len(list), valid, never)
	if valid*5 < each*len(list) {
		t.Errorf("hardly a call is valid: %d of %d", valid, each*len(list))
	}
}

// FuzzCalls is TestRandomCalls without an end. The first two bytes choose the operator.
func FuzzCalls(f *testing.F) {
	list := allOps(f)
	for i := range list {
		f.Add(binary.LittleEndian.AppendUint16(nil, uint16(i)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 2 {
			return
		}
		try(t, list[int(binary.LittleEndian.Uint16(b))%len(list)], b[2:])
	})
}

func allOps(t testing.TB) []*ops.Op {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(set.All(), (*ops.Op).Expands) // those have no kernels
}

// randomCall is a call of the newest version of an operator.
type randomCall struct{ *calls.Call }

// try draws a call of an operator and runs it in all ways.
func try(t *testing.T, op *ops.Op, b []byte) outcome {
	t.Helper()
	c := &randomCall{calls.New(op, op.Newest(), b)}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-done:
		case <-time.After(patience):
			panic(fmt.Sprintf("still not done: %s", c))
		}
	}()
	var before, after [1]metrics.Sample
	before[0].Name, after[0].Name = "/gc/heap/allocs:bytes", "/gc/heap/allocs:bytes"
	metrics.Read(before[:])
	outs, err := c.evaluate()
	metrics.Read(after[:])
	taken := after[0].Value.Uint64() - before[0].Value.Uint64()
	justified := uint64(mostBytes + 8<<20)
	for _, v := range slices.Concat(c.In, outs) {
		if x, ok := v.(*tensor.Tensor); ok {
			justified += uint64(64 * len(x.Bytes()))
		}
	}
	if taken > 2*justified {
		t.Errorf("%s\ntook %d MB", c, taken>>20)
	}
	if p := (*panicked)(nil); errors.As(err, &p) {
		t.Errorf("%s\n%v", c, err)
		return refused
	}
	if err := c.unknowns(outs, err == nil); err != nil {
		t.Errorf("%s\n%v", c, err)
	}
	if err != nil {
		return refused
	}
	if err := c.otherWays(outs); err != nil {
		t.Errorf("%s\n%v", c, err)
	}
	return computed
}

// panicked is the error that stands for a panic.
type panicked struct {
	v     any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.v, p.stack) }

func guard(err *error) {
	if r := recover(); r != nil {
		*err = &panicked{r, trace()}
	}
}

// trace returns the part of the stack that tells where a panic came from.
func trace() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	if i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "panic(") }); i >= 0 {
		lines = lines[i+2:]
	}
	return strings.Join(lines[:min(len(lines), 14)], "\n")
}

// evaluate runs the call on its own. The types that an operator's declaration rules out are never drawn, so a refusal for them is an error.
func (c *randomCall) evaluate() (outs []tensor.Value, err error) {
	defer guard(&err)
	a, err := c.Op.ParseAttrs(c.Attrs)
	if err != nil {
		return nil, err
	}
	present, types := c.types(false)
	if err := c.Op.Newest().CheckInputs(present, types); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	outs, err = ops.Evaluate(ctx, c.Op, a, c.In, c.Wants, &limitedEnv{ctx: ctx}, echo{})
	if err == nil {
		for o, v := range outs {
			if x, ok := v.(*tensor.Tensor); ok && c.Wants[o] {
				if n, e := tensor.NumElements(x.Dims()); e != nil || n != x.Len() {
					return nil, &panicked{fmt.Sprintf("output %d is %s with %d elements", o, x, x.Len()), ""}
				}
			}
		}
	}
	return outs, err
}

// types returns what is known of the operands; with little set only what a model's file tells, and of dimensions mostly nothing.
func (c *randomCall) types(little bool) (present []bool, types []*ops.Type) {
	present, types = make([]bool, len(c.In)), make([]*ops.Type, len(c.In))
	for i, v := range c.In {
		if v == nil {
			continue
		}
		t := sym.TypeOf(v, !little)
		if x, ok := v.(*tensor.Tensor); ok && !little {
			t.Data = x
		}
		present[i], types[i] = true, &t
	}
	return present, types
}

// unknowns runs the shape rule on less than everything: the outcome must not contradict what was computed.
func (c *randomCall) unknowns(outs []tensor.Value, valid bool) (err error) {
	defer guard(&err)
	a, err := c.Op.ParseAttrs(c.Attrs)
	if err != nil {
		return nil
	}
	for _, way := range []string{"values", "sizes", "ranks", "dtypes"} {
		_, types := c.types(true)
		for i, t := range types {
			if t == nil || t.Kind != ops.KindTensor {
				continue
			}
			switch way {
			case "sizes":
				for k := range t.Shape {
					if (i+k)%4 != 0 {
						t.Shape[k] = sym.Unknown()
					}
				}
			case "ranks":
				t.Shape, t.Ranked = nil, false
			case "dtypes":
				t.Shape, t.Ranked = nil, false
				if c.Op.Domain != ops.Internal {
					t.DT = tensor.Invalid
				}
			}
		}
		inf := ops.NewInfer(types, c.Wants, echo{})
		if err := c.Op.InferTypes(inf, a); err != nil {
			if valid && way != "dtypes" {
				return fmt.Errorf("is valid, but refused without %s: %w", way, err)
			}
			continue
		}
		if !valid {
			continue
		}
		for o, v := range outs {
			if x, ok := v.(*tensor.Tensor); ok && c.Wants[o] {
				if err := agrees(&inf.Outs()[o], x); err != nil {
					return fmt.Errorf("output %d without %s: %w", o, way, err)
				}
			}
		}
	}
	return nil
}

// agrees reports whether x can be a value of type t.
func agrees(t *ops.Type, x *tensor.Tensor) error {
	bad := t.Kind != ops.KindTensor && t.Kind != ops.KindNone || t.DT != tensor.Invalid && t.DT != x.DType() || t.Ranked && len(t.Shape) != x.Rank()
	if !bad && t.Ranked {
		for k, d := range t.Shape {
			n, ok := d.Int()
			bad = bad || ok && n != int64(x.Dims()[k])
		}
	}
	if bad {
		return fmt.Errorf("was said to be %s, but is %s", t, x)
	}
	return nil
}

// otherWays runs the call on memory full of ones, with constants packed, and with its tiles in other orders: equal bits must come out.
func (c *randomCall) otherWays(outs []tensor.Value) (err error) {
	defer guard(&err)
	if c.Op.Flags&ops.Random != 0 {
		return nil
	}
	n := optest.Node{Op: c.Op, Attrs: c.Attrs, Out: len(c.Wants)}
	needs, err := c.needs()
	if err != nil {
		return err
	}
	for i, v := range c.In {
		x, ok := v.(*tensor.Tensor)
		if !ok && v != nil {
			return nil
		}
		if n.In = append(n.In, x); x != nil && (needs[i] || i%2 == 1) {
			n.Const = append(n.Const, i)
		}
	}
	for o, w := range c.Wants {
		if _, ok := outs[o].(*tensor.Tensor); !ok && w {
			return nil
		}
		if !w {
			n.Skip = append(n.Skip, o)
		}
	}
	for _, a := range c.Attrs {
		if a.Kind == ops.AttrGraph || a.Kind == ops.AttrGraphs {
			return nil
		}
	}
	again, err := n.Try()
	if err != nil {
		return fmt.Errorf("the second time: %w", err)
	}
	for o, w := range c.Wants {
		if x, _ := outs[o].(*tensor.Tensor); w && !same(x, again[o]) {
			return fmt.Errorf("output %d: other bits on memory that isn't zero, or with packed constants: %s", o, difference(x, again[o]))
		}
	}
	return nil
}

// needs tells which operands' values the shape rule asks for: a runtime has them when it plans.
func (c *randomCall) needs() ([]bool, error) {
	a, err := c.Op.ParseAttrs(c.Attrs)
	if err != nil {
		return nil, err
	}
	_, types := c.types(true)
	inf := ops.NewInfer(types, c.Wants, echo{})
	err = c.Op.InferTypes(inf, a)
	return inf.Needs(), err
}

// same compares bits. A packed constant may go another way, so that floats may differ in rounding.
func same(a, b *tensor.Tensor) bool {
	if a.Equal(b) {
		return true
	}
	if a.DType() != b.DType() || !slices.Equal(a.Dims(), b.Dims()) || !a.DType().IsFloat() {
		return false
	}
	x, y := optest.Floats(a), optest.Floats(b)
	for i := range x {
		if x[i] != y[i] && !(math.IsNaN(x[i]) && math.IsNaN(y[i])) && !(math.Abs(x[i]-y[i]) <= 1e-2*math.Max(math.Abs(x[i]), 1e-3)) {
			return false
		}
	}
	return true
}

func difference(a, b *tensor.Tensor) string {
	if a.DType() == tensor.String || a.DType().IsComplex() {
		return fmt.Sprint(a, b)
	}
	return fmt.Sprintf("%s%.6g, %s%.6g", a, optest.Floats(a)[:min(8, a.Len())], b, optest.Floats(b)[:min(8, b.Len())])
}

// limitedEnv runs everything on the caller, within limits. Bodies give back what they are given.
type limitedEnv struct {
	ctx     context.Context
	taken   int
	scratch []byte
	bodies  int
}

func (e *limitedEnv) Context() context.Context { return e.ctx }
func (e *limitedEnv) Seed() uint64             { return 7 }

func (e *limitedEnv) Alloc(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	n, err := tensor.HeapBytes(dt, shape)
	if err != nil {
		return nil, err
	}
	if n > mostBytes-e.taken {
		return nil, fmt.Errorf("%d bytes are too many", n)
	}
	e.taken += n
	return tensor.New(dt, shape...)
}

func (e *limitedEnv) Parallel(tiles int, j ops.Job) error {
	for i := range tiles {
		if i%64 == 0 && e.ctx.Err() != nil {
			return e.ctx.Err()
		}
		j.Tile(e, i)
	}
	return nil
}

func (e *limitedEnv) Scratch(n int) []byte {
	if len(e.scratch) < n {
		e.scratch = tensor.AlignedBytes(n)
	}
	return e.scratch[:n]
}

func (e *limitedEnv) RunBody(g *ops.Subgraph, in []tensor.Value) ([]tensor.Value, error) {
	if e.bodies++; e.bodies > 100 {
		return nil, errors.New("enough bodies")
	}
	out := make([]tensor.Value, g.NumOut)
	for i := range out {
		if out[i] = tensor.Value(tensor.Scalar(int64(3))); len(in) > 0 {
			out[i] = in[(i+1)%len(in)]
		}
	}
	return out, nil
}

// echo infers the bodies that limitedEnv runs.
type echo struct{}

func (echo) InferBody(g *ops.Subgraph, in []ops.Type) ([]ops.Type, error) {
	out := make([]ops.Type, g.NumOut)
	for i := range out {
		if out[i] = sym.TensorType(tensor.Int64); len(in) > 0 {
			out[i] = in[(i+1)%len(in)]
		}
	}
	return out, nil
}
