package runtime

import (
	"slices"
	"sync"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// class says where a value's bytes are.
type class uint8

const (
	classNone   class = iota
	classConst        // a constant of the model, or one that planning computed
	classExtern       // a graph input, a capture, or a value of an earlier segment: re-pointed before each run
	classArena        // in the segment's arena
	classCaller       // in the buffer of a graph output
	classHeap         // made anew in each run: strings, and whatever the kernel alone knows the shape of
)

// root is a run of bytes that one or more values live in: a value, its views, and what is computed in its place.
type root struct {
	class class
	size  int // bytes
	first int // step that writes it first
	last  int // step that reads it last; len(steps) when it lives on
	off   int // in the arena
	out   int // graph output, for classCaller
	id    int // value, for classExtern and classHeap
}

// place is where a value is: bytes [off, off+size) of a root.
type place struct {
	root, off, size int
}

// step is a node with concrete types.
type step struct {
	node    *ir.Node
	ins     []*sym.Type // the operator's own inputs
	outs    []sym.Type
	scratch int // root of the kernel's scratch, or -1; set when the kernel is bound
}

// copyOut copies a value into a graph output that couldn't be written in place.
type copyOut struct{ value, out int }

// segment is a stretch of a graph whose shapes are known before it runs. The shapes of what follows it depend on data.
type segment struct {
	graph  *ir.Graph
	begin  int // first node
	end    int // one past the last node
	types  ir.Types
	consts map[int]*tensor.Tensor // values that planning computed
	steps  []step
	roots  []root
	places []place // by value ID; root -1 for those that aren't the segment's business
	copies []copyOut
	asks   []int      // values that the next segment's key holds: with their elements
	dyn    []int      // the same, but only their types
	depth  int        // place in the chain of segments
	arena  int        // bytes
	next   *planCache // nil for the last segment

	once sync.Once // the first binding tells how much scratch the kernels need, and packs the arena
	err  error
}

// planner builds one segment.
type planner struct {
	*segment
	heap   bool
	infers []*ops.Infer
	merged map[int]int // roots that inPlace put into others
}

// plan builds the segment of g that begins at a node, from the types of everything before it.
func plan(g *ir.Graph, begin int, types ir.Types, consts map[int]*tensor.Tensor, heap bool) (*segment, error) {
	p := &planner{heap: heap, merged: map[int]int{}, segment: &segment{graph: g, begin: begin, types: types, consts: consts}}
	if err := p.infer(); err != nil {
		return nil, err
	}
	p.drop()
	p.place()
	if !heap {
		p.inPlace()
	}
	p.outputs()
	return p.segment, nil
}

// infer runs the shape rules up to the first node that they can't tell the shapes of.
func (p *planner) infer() error {
	nodes := p.graph.Nodes
	for i := p.begin; i < len(nodes); i++ {
		n := nodes[i]
		c, err := ir.InferNode(n, p.types.Of)
		if err != nil {
			return err
		}
		outs := c.Outs()
		known := true
		for o, v := range n.Out {
			if v == nil {
				continue
			}
			p.types[v.ID] = outs[o]
			known = known && (outs[o].Kind != sym.Tensor && outs[o].Kind != sym.None || outs[o].Known())
		}
		if !known {
			if asks := p.missing(n, c); len(asks) > 0 {
				p.end, p.asks = i, asks
				return nil
			}
		}
		if known && p.fold(n, c) {
			continue
		}
		st := step{node: n, outs: outs, ins: make([]*sym.Type, n.NumIn), scratch: -1}
		for k, v := range n.Inputs() {
			if v != nil {
				t := p.types[v.ID]
				st.ins[k] = &t
			}
		}
		p.steps = append(p.steps, st)
		p.infers = append(p.infers, c)
		if !known {
			for o, v := range n.Out {
				if v != nil && !(outs[o].Kind == sym.Tensor && outs[o].Known()) {
					p.dyn = append(p.dyn, v.ID)
				}
			}
			p.end = i + 1
			return nil
		}
	}
	p.end = len(nodes)
	return nil
}

// drop leaves out steps that nothing needs since planning computed what did: a value whose shape alone was asked for, say.
func (p *planner) drop() {
	needed := make([]bool, p.graph.NumValues())
	need := func(vs []*ir.Value) {
		for _, v := range vs {
			if v != nil {
				needed[v.ID] = true
			}
		}
	}
	need(p.graph.Out)
	for _, n := range p.graph.Nodes[p.end:] {
		need(n.In)
	}
	for _, id := range slices.Concat(p.asks, p.dyn) {
		needed[id] = true
	}
	var steps []step
	var infers []*ops.Infer
	for s := len(p.steps) - 1; s >= 0; s-- {
		n := p.steps[s].node
		if !slices.ContainsFunc(n.Out, func(v *ir.Value) bool { return v != nil && needed[v.ID] }) {
			continue
		}
		need(n.In)
		steps, infers = append(steps, p.steps[s]), append(infers, p.infers[s])
	}
	slices.Reverse(steps)
	slices.Reverse(infers)
	p.steps, p.infers = steps, infers
}

// missing returns the values that the shape rule asked for in vain and that can be read once the nodes before have run.
func (p *planner) missing(n *ir.Node, c *ops.Infer) []int {
	var ids []int
	for k, need := range c.Needs() {
		if v := n.In[k]; need && v != nil && p.types[v.ID].Data == nil {
			ids = append(ids, v.ID)
		}
	}
	return ids
}

// fold makes the outputs of a node that planning can compute constants of the plan.
func (p *planner) fold(n *ir.Node, c *ops.Infer) bool {
	outs, ok := ir.Known(n, c, p.types)
	if !ok {
		return false
	}
	for o, v := range n.Out {
		if v != nil {
			p.consts[v.ID] = outs[o]
			p.types[v.ID] = ir.TypeOfKnown(outs[o])
		}
	}
	return true
}

func (p *planner) newRoot(r root) int {
	p.roots = append(p.roots, r)
	return len(p.roots) - 1
}

// place gives each value of the segment its root, and finds out how long the roots live.
func (p *planner) place() {
	p.places = make([]place, p.graph.NumValues())
	for i := range p.places {
		p.places[i].root = -1
	}
	kept := p.steps[:0]
	infers := p.infers[:0]
	for s := range p.steps {
		st := p.steps[s]
		for _, v := range st.node.In {
			p.operand(v)
		}
		views := 0
		wanted := 0
		for o, v := range st.node.Out {
			if v == nil {
				continue
			}
			wanted++
			if p.view(&st, p.infers[s], o, v) {
				views++
			}
		}
		if views == wanted {
			continue // nothing to compute
		}
		at := len(kept)
		for o, v := range st.node.Out {
			if v == nil {
				continue
			}
			t := &st.outs[o]
			r := root{class: classHeap, first: at, last: at, id: v.ID, out: -1}
			if t.Kind == sym.Tensor && t.Known() && t.DT != tensor.String {
				d, _ := t.Dims()
				r.size, _ = tensor.NumBytes(t.DT, d)
				r.class = classArena
			}
			p.places[v.ID] = place{root: p.newRoot(r), size: r.size}
		}
		kept, infers = append(kept, st), append(infers, p.infers[s])
	}
	p.steps, p.infers = kept, infers
	p.lifetimes()
}

// operand makes an external root for a value that the segment doesn't compute.
func (p *planner) operand(v *ir.Value) {
	if v == nil || v.Const != nil || p.consts[v.ID] != nil || p.places[v.ID].root >= 0 {
		return
	}
	t := &p.types[v.ID]
	size := 0
	if d, ok := t.Dims(); ok && t.Kind == sym.Tensor {
		size, _ = tensor.NumBytes(t.DT, d)
		if t.DT == tensor.String {
			size, _ = tensor.NumElements(d)
		}
	}
	p.places[v.ID] = place{root: p.newRoot(root{class: classExtern, first: -1, last: -1, id: v.ID, size: size, out: -1}), size: size}
}

// view makes output o bytes of an input, where the operator says so.
func (p *planner) view(st *step, c *ops.Infer, o int, v *ir.Value) bool {
	t := &st.outs[o]
	if p.heap || !st.node.Op.HasView() || t.Kind != sym.Tensor || !t.Known() {
		return false
	}
	in, off, ok := st.node.Op.ViewOf(c, st.node.Attr, o)
	if !ok || in >= st.node.NumIn || st.node.In[in] == nil {
		return false
	}
	src := st.node.In[in]
	pl := p.places[src.ID]
	d, _ := t.Dims()
	size, _ := tensor.NumBytes(t.DT, d)
	if t.DT == tensor.String || pl.root < 0 || p.roots[pl.root].class == classHeap || off < 0 || off+size > pl.size {
		return false // a constant stays one, and what is made anew has no place yet
	}
	p.places[v.ID] = place{root: pl.root, off: pl.off + off, size: size}
	return true
}

// lifetimes finds the last step that needs each root.
func (p *planner) lifetimes() {
	for s := range p.steps {
		for _, v := range p.steps[s].node.In {
			if v != nil {
				p.use(v.ID, s)
			}
		}
		for _, v := range p.steps[s].node.Out {
			if v != nil {
				p.use(v.ID, s)
			}
		}
	}
	end := len(p.steps)
	for _, n := range p.graph.Nodes[p.end:] {
		for _, v := range n.In {
			if v != nil {
				p.use(v.ID, end)
			}
		}
	}
	for _, v := range p.graph.Out {
		p.use(v.ID, end)
	}
	for _, id := range p.asks {
		p.use(id, end)
	}
	for _, id := range p.dyn {
		p.use(id, end)
	}
}

func (p *planner) use(id, s int) {
	if r := p.places[id].root; r >= 0 {
		p.roots[r].last = max(p.roots[r].last, s)
	}
}

// inPlace lets a node write over an operand that nothing needs any more.
func (p *planner) inPlace() {
	for s := range p.steps {
		n := p.steps[s].node
		for _, pair := range n.Op.InPlace {
			o, i := int(pair[0]), int(pair[1])
			if o >= len(n.Out) || n.Out[o] == nil || i >= n.NumIn || n.In[i] == nil {
				continue
			}
			from, to := p.at(n.In[i]), p.at(n.Out[o])
			if from.root < 0 || to.root < 0 || from.root == to.root {
				continue
			}
			r, w := &p.roots[from.root], &p.roots[to.root]
			if r.class != classArena || w.class != classArena || r.last != s || w.first != s ||
				from.off != 0 || from.size != r.size || w.size != r.size || p.others(n, i, from.root) {
				continue
			}
			r.last = w.last
			w.class, w.size = classNone, 0
			p.merged[to.root] = from.root
		}
	}
	for id := range p.places {
		if pl := &p.places[id]; pl.root >= 0 {
			pl.root = p.find(pl.root)
		}
	}
}

// find follows the merges of inPlace.
func (p *planner) find(r int) int {
	for {
		to, ok := p.merged[r]
		if !ok {
			return r
		}
		r = to
	}
}

// at returns where a value is, merges considered.
func (p *planner) at(v *ir.Value) place {
	pl := p.places[v.ID]
	if pl.root >= 0 {
		pl.root = p.find(pl.root)
	}
	return pl
}

// others reports whether another operand or an output of n lives in the root.
func (p *planner) others(n *ir.Node, i, r int) bool {
	for k, v := range n.In {
		if k != i && v != nil && p.at(v).root == r {
			return true
		}
	}
	for _, v := range n.Out {
		if v != nil && p.at(v).root == r {
			return true
		}
	}
	return false
}

// outputs makes the graph's outputs the caller's buffers where a root holds just that value, and copies the others.
func (p *planner) outputs() {
	for o, v := range p.graph.Out {
		pl := p.places[v.ID]
		if pl.root < 0 {
			continue // a constant, or not of this segment: handled when the graph ends
		}
		r := &p.roots[pl.root]
		switch {
		case r.class == classArena && pl.off == 0 && pl.size == r.size:
			r.class, r.out = classCaller, o
		case r.class == classArena, r.class == classCaller:
			p.copies = append(p.copies, copyOut{v.ID, o})
		}
	}
}

// pack gives the roots in the arena their offsets.
func (p *segment) pack() error {
	var order []int
	for i := range p.roots {
		if p.roots[i].class == classArena && p.roots[i].size > 0 {
			order = append(order, i)
		}
	}
	size, err := packOffsets(p.roots, order)
	p.arena = size
	return err
}
