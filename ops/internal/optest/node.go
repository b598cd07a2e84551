package optest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Body runs an operator's body.
type Body func(g *ops.Subgraph, in []tensor.Value) ([]tensor.Value, error)

// Node is an operator with its operands, run the way a hostile runtime would: constants among the inputs are packed, scratch and outputs are
// full of ones before a run, kernels are used again, and the tiles of a job run in any order, or all at once. All ways must give equal bits.
type Node struct {
	Op    *ops.Op
	Attrs ops.Attrs
	In    []*tensor.Tensor // nil: absent
	Out   int              // number of outputs
	Skip  []int            // outputs that aren't wanted
	Const []int            // inputs that are constants
	Body  Body
}

// Bound is a node that is ready to run.
type Bound struct {
	kernel ops.Kernel
	call   ops.Call
}

// Run runs the node in all ways and returns its outputs.
func (n *Node) Run(t testing.TB) []*tensor.Tensor {
	t.Helper()
	out, err := n.Try()
	if err != nil {
		t.Fatalf("%s: %v", n.Op, err)
	}
	return out
}

// Try is Run for nodes that may fail.
func (n *Node) Try() ([]*tensor.Tensor, error) {
	var first []*tensor.Tensor
	for way := range ways {
		b, err := n.Bind(way)
		if err != nil {
			return nil, err
		}
		for range 2 {
			out, err := b.run()
			if err != nil {
				return nil, err
			}
			if first == nil {
				for _, t := range out {
					if t != nil {
						t = t.Clone()
					}
					first = append(first, t)
				}
				continue
			}
			for o := range out {
				if out[o] != nil && !out[o].Equal(first[o]) {
					return nil, fmt.Errorf("output %d has other bits when tiles run %s", o, ways[way])
				}
			}
		}
	}
	return first, nil
}

var ways = []string{"in order", "backwards", "at once"}

// Bind prepares the node. way is how tiles are run: 0 in order.
func (n *Node) Bind(way int) (*Bound, error) {
	a, err := n.Op.ParseAttrs(n.Attrs)
	if err != nil {
		return nil, err
	}
	types := make([]*ops.Type, len(n.In))
	vals := make([]tensor.Value, len(n.In))
	present := make([]bool, len(n.In))
	for i, x := range n.In {
		if x == nil {
			continue
		}
		t := sym.TypeOf(x, false)
		if slices.Contains(n.Const, i) {
			t.Data = x
		}
		types[i], vals[i], present[i] = &t, x, true
	}
	if err := n.Op.Newest().CheckInputs(present, types); err != nil {
		return nil, err
	}
	wants := make([]bool, n.Out)
	for o := range wants {
		wants[o] = !slices.Contains(n.Skip, o)
	}
	c := ops.NewInfer(types, wants, sameTypes{})
	if err := n.Op.InferTypes(c, a); err != nil {
		return nil, err
	}
	b := &ops.Bind{Ins: types, Outs: c.Outs(), Wanted: wants, Packs: &packer{n, map[string]any{}}}
	k, err := n.Op.BindKernel(b, a)
	if err != nil {
		return nil, err
	}
	call := ops.Call{Ins: vals, Outs: make([]tensor.Value, n.Out), Wanted: wants, Types: c.Outs(), Env: &env{way: way, body: n.Body}}
	call.Scratch = tensor.AlignedBytes(b.ScratchLen())
	for o, want := range wants {
		if t := &c.Outs()[o]; want && t.Known() {
			d, _ := t.Dims()
			if call.Outs[o], err = tensor.New(t.DT, d...); err != nil {
				return nil, err
			}
		}
	}
	return &Bound{k, call}, nil
}

// run runs the kernel once, on memory full of ones. The outputs are valid until the next run.
func (b *Bound) run() ([]*tensor.Tensor, error) {
	fill(b.call.Scratch)
	for _, v := range b.call.Outs {
		if t, ok := v.(*tensor.Tensor); ok && t.DType() != tensor.Bool {
			fill(t.Bytes())
		}
	}
	if err := b.kernel.Run(&b.call); err != nil {
		return nil, err
	}
	out := make([]*tensor.Tensor, len(b.call.Outs))
	for o, v := range b.call.Outs {
		out[o], _ = v.(*tensor.Tensor)
		if b.call.Wanted[o] && out[o] == nil {
			return nil, fmt.Errorf("output %d was left unset", o)
		}
	}
	return out, nil
}

// Again runs the kernel as it is, for benchmarks and for counting allocations.
func (b *Bound) Again() error { return b.kernel.Run(&b.call) }

// packer packs the node's constants, once.
type packer struct {
	n     *Node
	forms map[string]any
}

func (p *packer) Constant(i int) *tensor.Tensor {
	if slices.Contains(p.n.Const, i) {
		return p.n.In[i]
	}
	return nil
}

func (p *packer) Packed(i int, key string, pack func(*tensor.Tensor) (any, int, error)) (any, error) {
	t := p.Constant(i)
	if t == nil {
		return nil, fmt.Errorf("input %d isn't constant", i)
	}
	key = fmt.Sprint(i, key)
	if f, ok := p.forms[key]; ok {
		return f, nil
	}
	f, _, err := pack(t)
	p.forms[key] = f
	return f, err
}

// sameTypes stands for bodies that keep types.
type sameTypes struct{}

func (sameTypes) InferBody(_ *ops.Subgraph, in []ops.Type) ([]ops.Type, error) { return in, nil }

// env runs tiles in one of the ways.
type env struct {
	way  int
	body Body
	w    worker
}

func (e *env) Context() context.Context { return context.Background() }
func (e *env) Seed() uint64             { return 1 }

func (e *env) Parallel(tiles int, j ops.Job) error {
	switch e.way {
	case 0:
		for i := range tiles {
			j.Tile(&e.w, i)
		}
	case 1:
		for i := range tiles {
			j.Tile(&worker{}, tiles-1-i)
		}
	default:
		var wg sync.WaitGroup
		for i := range tiles {
			wg.Go(func() { j.Tile(&worker{}, i) })
		}
		wg.Wait()
	}
	return nil
}

func (e *env) RunBody(g *ops.Subgraph, in []tensor.Value) ([]tensor.Value, error) {
	if e.body == nil {
		return nil, errors.New("no bodies here")
	}
	return e.body(g, in)
}

func (e *env) Alloc(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	return tensor.New(dt, shape...)
}

type worker struct{ b []byte }

func (w *worker) Scratch(n int) []byte {
	if len(w.b) < n {
		w.b = tensor.AlignedBytes(n)
		fill(w.b)
	}
	return w.b[:n]
}
