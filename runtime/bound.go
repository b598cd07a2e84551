package runtime

import (
	"hash/fnv"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// bound is a segment prepared for one run at a time: a header for each value, and every kernel with its operands in place. Running it
// again with other inputs re-points headers and allocates nothing.
type bound struct {
	seg   *segment
	base  []byte           // the arena that headers point into
	own   [][]byte         // by root, with everything on the heap
	heads []*tensor.Tensor // by value ID; nil for what isn't a planned tensor
	steps []boundStep
	fixed []moved // headers in the arena
	moved []moved // headers whose bytes change from run to run
}

type boundStep struct {
	kernel ops.Kernel
	call   ops.Call
	step   *step
	late   []lateIn // inputs to be fetched before each run
	made   []int    // outputs that the kernel makes itself
	strs   []int    // outputs of strings with a known shape, made before the kernel runs
	dead   []int    // roots to poison behind it
	seed   uint64
}

type lateIn struct{ in, id int }

type moved struct {
	head     *tensor.Tensor
	root     int // in seg.roots
	off, len int
}

// bindSegment prepares a segment for a run.
func (st *state) bindSegment(seg *segment) (*bound, error) {
	for i := range seg.roots { // kernels may make tables as long as what they compute
		if err := st.run.allows(seg.roots[i].size); err != nil {
			return nil, err
		}
	}
	b := &bound{seg: seg, heads: make([]*tensor.Tensor, seg.graph.NumValues())}
	b.steps = make([]boundStep, len(seg.steps))
	scratch := make([]int, len(seg.steps))
	for i := range seg.steps {
		s := &seg.steps[i]
		ob := &ops.Bind{Ins: s.ins, Outs: s.outs, Wanted: s.node.Wants(), Packs: packer{s.node}, Strict: st.code.prog.opts.Strict}
		k, err := s.node.Op.BindKernel(ob, s.node.Attr)
		if err != nil {
			return nil, &NodeError{Origin: s.node.Origin, Err: err}
		}
		b.steps[i].kernel, b.steps[i].step, scratch[i] = k, s, ob.ScratchLen()
	}
	if err := st.layOut(b, scratch); err != nil {
		return nil, err
	}
	for i := range b.steps {
		b.operands(&b.steps[i], st)
	}
	if st.code.prog.opts.Poison {
		for r := range seg.roots {
			if rt := &seg.roots[r]; rt.class == classArena && rt.size > 0 && rt.last < len(b.steps) {
				b.steps[rt.last].dead = append(b.steps[rt.last].dead, r)
			}
		}
	}
	return b, nil
}

// layOut packs the arena, with room for the kernels' scratch, and makes the headers.
func (st *state) layOut(b *bound, scratch []int) error {
	seg := b.seg
	seg.once.Do(func() {
		for i, n := range scratch {
			if n > 0 {
				seg.roots = append(seg.roots, root{class: classArena, size: n, first: i, last: i, out: -1})
				seg.steps[i].scratch = len(seg.roots) - 1
			}
		}
		seg.err = seg.pack()
	})
	if seg.err != nil {
		return seg.err
	}
	if st.code.prog.opts.Heap {
		b.own = make([][]byte, len(seg.roots))
		for r := range seg.roots {
			if seg.roots[r].class == classArena {
				b.own[r] = tensor.AlignedBytes(seg.roots[r].size)
			}
		}
	}
	for id, pl := range seg.places {
		t := &seg.types[id]
		d, ok := t.Dims()
		if pl.root < 0 || t.Kind != sym.Tensor || !ok || seg.roots[pl.root].class == classHeap {
			continue
		}
		h := tensor.NewHeader(t.DT, d)
		b.heads[id] = h
		m := moved{h, pl.root, pl.off, pl.size}
		if seg.roots[pl.root].class == classArena {
			b.fixed = append(b.fixed, m)
		} else {
			b.moved = append(b.moved, m)
		}
	}
	return nil
}

// rebase points the headers and the scratch of a bound segment into an arena.
func (b *bound) rebase(arena []byte) error {
	b.base = arena
	for _, m := range b.fixed {
		mem, err := tensor.FromBytes(tensor.Uint8, []int{b.seg.roots[m.root].size}, b.bytesOf(m.root), nil)
		if err != nil {
			return err
		}
		m.head.Repoint(mem, m.off, m.len)
	}
	for i := range b.steps {
		if r := b.seg.steps[i].scratch; r >= 0 {
			b.steps[i].call.Scratch = b.bytesOf(r)
		}
	}
	return nil
}

// bytesOf returns the bytes of a root in the arena, or of its own.
func (b *bound) bytesOf(r int) []byte {
	if b.own != nil {
		return b.own[r]
	}
	rt := &b.seg.roots[r]
	return b.base[rt.off : rt.off+rt.size : rt.off+rt.size]
}

// operands fills in a step's call.
func (b *bound) operands(bs *boundStep, st *state) {
	n := bs.step.node
	bs.call = ops.Call{Ins: make([]tensor.Value, n.NumIn), Outs: make([]tensor.Value, len(n.Out)), Wanted: n.Wants(), Types: bs.step.outs, Env: st}
	for i, v := range n.Inputs() {
		if v == nil {
			continue
		}
		if t := b.known(v); t != nil {
			bs.call.Ins[i] = t
		} else {
			bs.late = append(bs.late, lateIn{i, v.ID})
		}
	}
	for o, v := range n.Out {
		switch {
		case v == nil:
		case b.heads[v.ID] != nil:
			bs.call.Outs[o] = b.heads[v.ID]
		case bs.step.outs[o].Kind == sym.Tensor && bs.step.outs[o].Known():
			bs.strs = append(bs.strs, o)
		default:
			bs.made = append(bs.made, o)
		}
	}
	bs.seed = nodeSeed(n)
}

// known returns the tensor of a value that has one for good: a constant, or a header.
func (b *bound) known(v *ir.Value) *tensor.Tensor {
	if v.Const != nil {
		return v.Const.T
	}
	if t := b.seg.consts[v.ID]; t != nil {
		return t
	}
	return b.heads[v.ID]
}

func nodeSeed(n *ir.Node) uint64 {
	h := fnv.New64a()
	h.Write([]byte(n.Origin.Node))
	h.Write([]byte(n.Origin.Name))
	return h.Sum64()
}
