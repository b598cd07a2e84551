package runtime

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"ingot/internal/ir"
	"ingot/internal/parallel"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// state is one run of a graph: the values that it has so far, and the segments that it was prepared for.
type state struct {
	code    *code
	run     *run
	vals    []tensor.Value   // by value ID: inputs, captures, and what isn't in an arena
	outs    []*tensor.Tensor // the buffers of graph outputs; nil until they are needed
	brought []bool           // which of them the caller brought
	results []tensor.Value   // the outputs when the graph has run
	written []bool           // which of outs hold their value
	arenas  [][]byte         // by depth of the segment in its chain
	segs    map[*segment]*bound
	subs    map[subKey]*state
	key     []byte
	fresh   []*tensor.Tensor // what the current step allocated: nobody else has it
	owned   map[int]bool     // values that are fresh tensors

	job    jobAdapter
	b      *bound
	cur    *boundStep
	broken bool // a kernel panicked: the state isn't used again
}

type subKey struct {
	node *ir.Node
	body int
}

// run is what all states of one Run share.
type run struct {
	ctx   context.Context
	done  <-chan struct{}
	group *parallel.Group
	prog  *Program
	limit atomic.Int64 // bytes that may still be allocated; only kept when there is a limit
}

// jobAdapter lets the worker pool run an operator's job.
type jobAdapter struct{ j ops.Job }

func (a *jobAdapter) Tile(w *parallel.Worker, i int) { a.j.Tile(w, i) }

// guarded runs the main graph, with the worker pool, and turns a panic into an error: a fault in a kernel must not end the caller's process.
func (st *state) guarded() (err error) {
	st.run.group.Begin(st.run.ctx)
	defer func() {
		st.run.group.End()
		if r := recover(); r != nil {
			st.broken = true
			err = fmt.Errorf("internal error: %v\n%s", r, debug.Stack())
			if st.cur != nil {
				err = &NodeError{Origin: st.cur.step.node.Origin, Err: err}
			}
		}
	}()
	return st.exec()
}

// exec runs the graph from its beginning. The inputs and captures are in st.vals, and st.outs holds the caller's buffers: a nil one is made.
func (st *state) exec() error {
	clear(st.owned)
	clear(st.written)
	seg, err := st.code.first(st)
	for {
		if err != nil {
			return err
		}
		b := st.segs[seg]
		if b == nil {
			if b, err = st.bindSegment(seg); err != nil {
				return err
			}
			if len(st.segs) >= maxPlans {
				clear(st.segs) // growing shapes: what was prepared for them is of no more use
			}
			st.segs[seg] = b
		}
		if err := st.segment(b); err != nil {
			return err
		}
		if seg.next == nil {
			return st.finish()
		}
		seg, err = st.code.following(st, b)
	}
}

// arena returns the arena for the segments at a depth, grown if need be.
func (st *state) arena(depth, size int) ([]byte, error) {
	for len(st.arenas) <= depth {
		st.arenas = append(st.arenas, nil)
	}
	if err := st.run.take(size); err != nil {
		return nil, err
	}
	if len(st.arenas[depth]) < size {
		st.arenas[depth] = tensor.AlignedBytes(size)
	}
	return st.arenas[depth], nil
}

// segment runs one segment.
func (st *state) segment(b *bound) error {
	st.b = b
	if b.own == nil {
		a, err := st.arena(b.seg.depth, b.seg.arena)
		if err != nil {
			return err
		}
		if len(a) != len(b.base) || len(a) > 0 && &a[0] != &b.base[0] {
			if err := b.rebase(a); err != nil {
				return err
			}
		}
	} else if b.base == nil {
		b.base = []byte{}
		if err := b.rebase(b.base); err != nil {
			return err
		}
	}
	for _, m := range b.moved {
		if err := st.point(b, m); err != nil {
			return err
		}
	}
	prof := st.code.prog.opts.Profile
	for i := range b.steps {
		bs := &b.steps[i]
		if st.run.done != nil {
			select {
			case <-st.run.done:
				return context.Cause(st.run.ctx)
			default:
			}
		}
		if err := st.prepare(bs); err != nil {
			return err
		}
		st.cur, st.fresh = bs, st.fresh[:0]
		var began time.Time
		if prof != nil {
			began = time.Now()
		}
		if err := bs.kernel.Run(&bs.call); err != nil {
			if st.run.ctx.Err() != nil {
				return context.Cause(st.run.ctx)
			}
			return &NodeError{Origin: bs.step.node.Origin, Err: err}
		}
		if prof != nil {
			prof(newEvent(bs, began))
		}
		if err := st.collect(bs); err != nil {
			return err
		}
		if observe := st.code.prog.opts.Observe; observe != nil {
			observe(bs.step.node, bs.step.outs, bs.call.Outs)
		}
		for _, r := range bs.dead {
			poison(b.bytesOf(r))
		}
	}
	for _, c := range b.seg.copies {
		if err := st.copyOut(c.out, b.heads[c.value]); err != nil {
			return err
		}
	}
	if b.seg.next != nil {
		for id, h := range b.heads {
			if h != nil {
				st.vals[id] = h
			}
		}
		for id, t := range b.seg.consts {
			st.vals[id] = t
		}
	}
	return nil
}

func poison(b []byte) {
	for i := range b {
		b[i] = 0xcd
	}
}

// point gives a header the bytes that it has in this run.
func (st *state) point(b *bound, m moved) error {
	r := &b.seg.roots[m.root]
	if r.class == classCaller {
		t := &b.seg.types[st.code.graph.Out[r.out].ID]
		out, err := st.needOut(r.out, t)
		if err != nil {
			return err
		}
		m.head.Repoint(out, m.off, m.len)
		st.written[r.out] = true
		return nil
	}
	t, ok := st.vals[r.id].(*tensor.Tensor)
	if !ok {
		return fmt.Errorf("value %d is missing", r.id)
	}
	m.head.Repoint(t, m.off, m.len)
	return nil
}

// needOut returns the buffer of a graph output, made if the caller brought none.
func (st *state) needOut(o int, t *sym.Type) (*tensor.Tensor, error) {
	out := st.outs[o]
	if out == nil {
		d, _ := t.Dims()
		var err error
		out, err = st.Alloc(t.DT, d)
		st.outs[o] = out
		return out, err
	}
	if st.brought[o] && (out.DType() != t.DT || !t.Has(out.Dims())) {
		return nil, &OutputError{Name: st.code.graph.OutNames[o], Want: t.String(), Got: out.String()}
	}
	return out, nil
}

// prepare fetches the inputs that a step couldn't be bound to.
func (st *state) prepare(bs *boundStep) error {
	for _, l := range bs.late {
		v := st.vals[l.id]
		if v == nil {
			return &NodeError{Origin: bs.step.node.Origin, Err: fmt.Errorf("input %d was never computed", l.in)}
		}
		bs.call.Ins[l.in] = v
	}
	for _, o := range bs.made {
		bs.call.Outs[o] = nil
	}
	for _, o := range bs.strs {
		d, _ := bs.step.outs[o].Dims()
		t, err := st.Alloc(bs.step.outs[o].DT, d)
		if err != nil {
			return err
		}
		bs.call.Outs[o] = t
	}
	return nil
}

// collect keeps what a kernel made.
func (st *state) collect(bs *boundStep) error {
	for _, o := range bs.strs {
		st.vals[bs.step.node.Out[o].ID] = bs.call.Outs[o]
	}
	for _, o := range bs.made {
		v := bs.call.Outs[o]
		if v == nil {
			return &NodeError{Origin: bs.step.node.Origin, Err: fmt.Errorf("the kernel left output %d unset", o)}
		}
		id := bs.step.node.Out[o].ID
		t, isTensor := v.(*tensor.Tensor)
		if isTensor && slices.Contains(st.fresh, t) {
			st.owned[id] = true
		} else if isTensor && st.isOperand(bs, t) {
			v = t.Clone() // an operand's bytes may not live as long
		}
		st.vals[id] = v
	}
	return nil
}

// isOperand reports whether t is an input or a capture of the step's node.
func (st *state) isOperand(bs *boundStep, t *tensor.Tensor) bool {
	for _, v := range bs.step.node.In {
		if v == nil {
			continue
		}
		if v.Const == nil && (st.b.heads[v.ID] == t || st.value(v) == tensor.Value(t)) {
			return true
		}
	}
	return false
}

// value returns what a value of the graph is at the current step. An input or a capture is what it was given as, not the header that is
// re-pointed to it: that one changes with the next run.
func (st *state) value(v *ir.Value) tensor.Value {
	if v.Def == nil && v.Const == nil && st.vals[v.ID] != nil {
		return st.vals[v.ID]
	}
	if t := st.b.known(v); t != nil {
		return t
	}
	return st.vals[v.ID]
}

// finish gathers the outputs. One that is a constant, or an input, or that another holder may know is copied.
func (st *state) finish() error {
	for o, v := range st.code.graph.Out {
		if st.outs[o] != nil && st.written[o] {
			st.results[o] = st.outs[o]
			continue
		}
		val := st.value(v)
		t, ok := val.(*tensor.Tensor)
		switch {
		case val == nil:
			return fmt.Errorf("output %q was never computed", st.code.graph.OutNames[o])
		case !ok, st.code.body && (v.Def == nil || v.Const != nil || st.owned[v.ID]):
			st.results[o] = val // a body's values are shared and never written to
		case st.owned[v.ID] && st.outs[o] == nil:
			st.results[o] = t
			st.owned[v.ID] = false // a second output of the same value is a copy
		default:
			if err := st.copyOut(o, t); err != nil {
				return err
			}
			st.results[o] = st.outs[o]
		}
	}
	return nil
}

// copyOut copies a value into a graph output.
func (st *state) copyOut(o int, t *tensor.Tensor) error {
	ty := sym.TypeOf(t, false)
	out, err := st.needOut(o, &ty)
	if err != nil {
		return err
	}
	st.written[o] = true
	copy(tensor.View[string](out), tensor.View[string](t))
	copy(out.Bytes(), t.Bytes())
	return nil
}

// The methods below are what kernels see of the run: ops.Env.

// Context returns the run's context.
func (st *state) Context() context.Context { return st.run.ctx }

// Seed returns the current node's seed.
func (st *state) Seed() uint64 { return st.cur.seed }

// Parallel runs a job's tiles on the pool.
func (st *state) Parallel(tiles int, j ops.Job) error {
	st.job.j = j
	err := st.run.group.Run(tiles, &st.job)
	st.job.j = nil
	return err
}

// Alloc makes a tensor on the Go heap, within the run's limit.
func (st *state) Alloc(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	n, err := tensor.HeapBytes(dt, shape)
	if err != nil {
		return nil, err
	}
	if err := st.run.take(n); err != nil {
		return nil, err
	}
	t, err := tensor.New(dt, shape...)
	if err == nil {
		st.fresh = append(st.fresh, t)
	}
	return t, err
}

// allows reports a size that is beyond the limit by itself.
func (r *run) allows(n int) error {
	if limit := r.prog.opts.MemoryLimit; limit > 0 && int64(n) > limit {
		return fmt.Errorf("the run needs %d bytes at once, more than its memory limit of %d", n, limit)
	}
	return nil
}

func (r *run) take(n int) error {
	if r.prog.opts.MemoryLimit > 0 && r.limit.Add(-int64(n)) < 0 {
		return fmt.Errorf("the run needs %d more bytes than its memory limit of %d", -r.limit.Load(), r.prog.opts.MemoryLimit)
	}
	return nil
}

// RunBody runs a body of the current node.
func (st *state) RunBody(g *ops.Subgraph, in []tensor.Value) ([]tensor.Value, error) {
	bs := st.cur
	n := bs.step.node
	key := subKey{n, g.Index}
	sub := st.subs[key]
	body := n.Subs[g.Index].Graph
	if sub == nil {
		sub = st.code.prog.codeOf(body).newState(st.run)
		if st.subs == nil {
			st.subs = map[subKey]*state{}
		}
		st.subs[key] = sub
	}
	if len(in) != len(body.In) {
		return nil, fmt.Errorf("the body takes %d inputs, not %d", len(body.In), len(in))
	}
	for i, v := range body.In {
		sub.vals[v.ID] = in[i]
	}
	for i, v := range n.Captures(g.Index) {
		sub.vals[body.Capt[i].ID] = st.value(v)
	}
	clear(sub.outs)
	err := sub.exec()
	if err != nil {
		return nil, err
	}
	return slices.Clone(sub.results), nil
}
