// Package runtime compiles a model and runs it: nodes are bound to operators, the graph is optimised, each combination of input shapes
// is planned once, and plans are executed on memory that a run owns.
//
// [Compile] gives a [Program]. Its graph doesn't change any more; any number of goroutines may call [Program.Run]. They share the
// weights and their packed forms, and nothing else.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"ingot/internal/ir"
	"ingot/internal/parallel"
	"ingot/internal/passes"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/tensor"
)

// Program is a compiled model.
type Program struct {
	opts  Options
	graph *ir.Graph
	codes map[*ir.Graph]*code
	// defaults are the values of overridable initializers, by name.
	defaults map[string]tensor.Value

	mu     sync.Mutex
	idle   []*state // last in, first out
	active sync.WaitGroup
	closed bool
}

// ErrClosed is what running a closed program gives.
var ErrClosed = errors.New("the model is closed")

// code is a graph with its plans.
type code struct {
	prog  *Program
	graph *ir.Graph
	body  bool
	plans *planCache
}

// Value describes an input or output of a program.
type Value struct {
	Name string
	Type sym.Type
}

// Check binds a model without optimising it, which finds all that Compile would refuse in its nodes, and returns what is known of the values
// of its graph, by name.
func Check(m *loader.Model, opts Options) (types map[string]sym.Type, err error) {
	defer recovered(m, &err)
	b := &binder{model: m, opts: &opts, defaults: map[string]tensor.Value{}}
	s, err := b.main()
	if err != nil {
		return nil, err
	}
	types = make(map[string]sym.Type, len(s.vals))
	for name, v := range s.vals {
		types[name] = v.Type
	}
	return types, nil
}

// recovered makes a panic an error: it is a fault of ours, and the caller's process must not pay for it.
func recovered(m *loader.Model, err *error) {
	if r := recover(); r != nil {
		*err = &ModelError{File: m.File, Err: fmt.Errorf("internal error: %v\n%s", r, debug.Stack())}
	}
}

// Compile binds and optimises a model. The errors are *ModelError, *NodeError, *ops.UnsupportedError and *loader.FormatError.
func Compile(m *loader.Model, opts Options) (p *Program, err error) {
	defer recovered(m, &err)
	g, defaults, err := bind(m, &opts)
	if err != nil {
		return nil, err
	}
	if len(opts.Outputs) > 0 {
		if err := keepOutputs(g, opts.Outputs); err != nil {
			return nil, &ModelError{File: m.File, Err: err}
		}
	}
	if err := passes.Run(g, passes.Options{Ops: opts.Ops, Disabled: opts.DisablePasses}); err != nil {
		return nil, &ModelError{File: m.File, Err: err}
	}
	p = &Program{opts: opts, graph: g, codes: map[*ir.Graph]*code{}, defaults: defaults}
	p.addCode(g, false)
	return p, nil
}

func keepOutputs(g *ir.Graph, names []string) error {
	outs := make([]*ir.Value, len(names))
	for i, name := range names {
		k := slices.Index(g.OutNames, name)
		if k < 0 {
			return fmt.Errorf("the model has no output %q; it has %q", name, g.OutNames)
		}
		outs[i] = g.Out[k]
	}
	g.Out, g.OutNames = outs, slices.Clone(names)
	return nil
}

func (p *Program) addCode(g *ir.Graph, body bool) {
	p.codes[g] = &code{prog: p, graph: g, body: body, plans: newPlanCache()}
	for _, n := range g.Nodes {
		for _, s := range n.Subs {
			p.addCode(s.Graph, true)
		}
	}
}

func (p *Program) codeOf(g *ir.Graph) *code { return p.codes[g] }

// Graph returns the optimised graph, which must not be changed.
func (p *Program) Graph() *ir.Graph { return p.graph }

// Inputs describes the inputs, in the order in which Run takes them.
func (p *Program) Inputs() []Value {
	out := make([]Value, len(p.graph.In))
	for i, v := range p.graph.In {
		out[i] = Value{v.Name, v.Type}
	}
	return out
}

// Outputs describes the outputs as far as they are known without inputs, in the order in which Run gives them.
func (p *Program) Outputs() []Value {
	out := make([]Value, len(p.graph.Out))
	for i, v := range p.graph.Out {
		out[i] = Value{p.graph.OutNames[i], v.Type}
	}
	return out
}

// Run computes the outputs. in holds the inputs in the order of Inputs. out has a tensor to be filled, or nil, for each output, or is nil
// altogether; results are put into res, which has a place for each output. An input that overlaps a tensor to be filled is read before that
// is written.
func (p *Program) Run(ctx context.Context, in []tensor.Value, out []*tensor.Tensor, res []tensor.Value) error {
	if err := p.check(in); err != nil {
		return err
	}
	if err := p.checkBuffers(out); err != nil {
		return err
	}
	st, err := p.acquire()
	if err != nil {
		return err
	}
	defer p.release(st)
	st.run.ctx, st.run.done = ctx, ctx.Done()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	st.run.limit.Store(p.opts.MemoryLimit)
	for i, v := range p.graph.In {
		if st.vals[v.ID] = in[i]; in[i] == nil {
			st.vals[v.ID] = p.defaults[v.Name]
		}
	}
	clear(st.outs)
	clear(st.brought)
	for o, t := range out {
		if t != nil && !overlaps(t, in) {
			st.outs[o], st.brought[o] = t, true
		}
	}
	if err := st.guarded(); err != nil {
		return err
	}
	for o, v := range st.results {
		if out != nil && out[o] != nil && !st.brought[o] {
			if v, err = fill(out[o], v, p.graph.OutNames[o]); err != nil {
				return err
			}
		}
		res[o] = v
	}
	return nil
}

// fill copies a result into a buffer that couldn't be written to during the run.
func fill(dst *tensor.Tensor, v tensor.Value, name string) (tensor.Value, error) {
	t, ok := v.(*tensor.Tensor)
	if !ok || t.DType() != dst.DType() || !slices.Equal(t.Dims(), dst.Dims()) {
		ty := sym.TypeOf(v, false)
		return nil, &OutputError{Name: name, Want: ty.String(), Got: dst.String()}
	}
	copy(tensor.View[string](dst), tensor.View[string](t))
	copy(dst.Bytes(), t.Bytes())
	return dst, nil
}

// HasDefault reports whether a run may leave out the input.
func (p *Program) HasDefault(name string) bool { return p.defaults[name] != nil }

// acquire takes a state for a run, an idle one if there is one.
func (p *Program) acquire() (*state, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	p.active.Add(1)
	if n := len(p.idle); n > 0 {
		st := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		return st, nil
	}
	threads := p.opts.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	r := &run{prog: p, group: parallel.NewGroup(threads)}
	return p.codes[p.graph].newState(r), nil
}

// release makes a state available again. More than twice as many as there are processors aren't kept.
func (p *Program) release(st *state) {
	clear(st.vals)
	clear(st.outs)
	clear(st.results)
	st.fresh = st.fresh[:0]
	st.run.ctx, st.run.done = nil, nil
	p.mu.Lock()
	if !p.closed && !st.broken && len(p.idle) < 2*runtime.GOMAXPROCS(0) {
		p.idle = append(p.idle, st)
	}
	p.mu.Unlock()
	p.active.Done()
}

// Close waits for running Runs and frees what they used. It may be called more than once.
func (p *Program) Close() {
	p.mu.Lock()
	p.closed = true
	p.idle = nil
	p.mu.Unlock()
	p.active.Wait()
}

func (c *code) newState(r *run) *state {
	n := len(c.graph.Out)
	return &state{
		code: c, run: r, vals: make([]tensor.Value, c.graph.NumValues()), segs: map[*segment]*bound{}, owned: map[int]bool{},
		outs: make([]*tensor.Tensor, n), brought: make([]bool, n), written: make([]bool, n), results: make([]tensor.Value, n),
	}
}

// first finds the plan for the types of the inputs.
func (c *code) first(st *state) (*segment, error) {
	st.key = st.key[:0]
	for _, v := range c.graph.In {
		st.key = appendKey(st.key, st.vals[v.ID])
	}
	for _, v := range c.graph.Capt {
		st.key = appendKey(st.key, st.vals[v.ID])
	}
	return c.plans.get(st.key, func() (*segment, error) {
		types := c.graph.BoundTypes()
		for _, list := range [][]*ir.Value{c.graph.In, c.graph.Capt} {
			for _, v := range list {
				types[v.ID] = sym.TypeOf(st.vals[v.ID], false)
			}
		}
		return c.segment(0, 0, types, map[int]*tensor.Tensor{})
	})
}

// following finds the plan for what comes after a segment, from what that has computed.
func (c *code) following(st *state, b *bound) (*segment, error) {
	seg := b.seg
	st.key = st.key[:0]
	for _, id := range seg.dyn {
		st.key = appendKey(st.key, st.vals[id])
	}
	for _, id := range seg.asks {
		st.key = appendElements(appendKey(st.key, st.vals[id]), st.vals[id])
	}
	return seg.next.get(st.key, func() (*segment, error) {
		types := slices.Clone(seg.types)
		for _, id := range seg.dyn {
			types[id] = sym.TypeOf(st.vals[id], false)
		}
		for _, id := range seg.asks {
			v := st.vals[id]
			if t, ok := v.(*tensor.Tensor); ok {
				t = t.Clone() // the plan outlives the run
				types[id] = sym.TypeOf(t, true)
				types[id].Data = t
			}
		}
		return c.segment(seg.end, seg.depth+1, types, maps.Clone(seg.consts))
	})
}

func (c *code) segment(begin, depth int, types ir.Types, consts map[int]*tensor.Tensor) (*segment, error) {
	seg, err := plan(c.graph, begin, types, consts, c.prog.opts.Heap)
	if err != nil {
		return nil, err
	}
	seg.depth = depth
	if seg.end < len(c.graph.Nodes) {
		seg.next = newPlanCache()
	}
	return seg, nil
}

// packer gives kernels the packed forms of a node's constants.
type packer struct{ node *ir.Node }

// Constant returns input i if it is a constant of the model.
func (p packer) Constant(i int) *tensor.Tensor { return p.node.In[i].Tensor() }

// Packed returns a packed form of input i, made once.
func (p packer) Packed(i int, key string, pack func(*tensor.Tensor) (any, int, error)) (any, error) {
	if p.node.In[i] == nil || p.node.In[i].Const == nil {
		return nil, fmt.Errorf("input %d isn't a constant", i)
	}
	return p.node.In[i].Const.Packed(key, pack)
}
