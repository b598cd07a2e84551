package recurrent

import (
	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/ops/internal/wide"
)

// unit is some neighbouring sequences in one direction: what one tile works on from the first to the last step.
type unit[T real.Float] struct {
	*kernel[T]
	dir, first, rows int
	phases           []phase[T]

	hRoom, cRoom, tmpRoom wide.Buffer
	hs, cs, tmp           []T // hidden state, cell, and what a cell needs besides: rows × hidden
	peep                  []T // peephole weights, nil without
}

// phase is a part of a step: a product of the hidden state (or of tmp, in a second phase) with recurrent weights, and what the cell then
// does with its rows.
type phase[T real.Float] struct {
	part
	g     gemm.Matmul[T]
	width int // of a row of the product
	room  wide.Buffer
	per   int // tiles of a step
	base  int // the first of the step at hand
	after func(n, t int)
}

// row returns the product of sequence n.
func (p *phase[T]) row(n int) []T { return p.g.C[n*p.width:][:p.width] }

// Tile implements [ops.Job]: a tile of the step at hand.
func (p *phase[T]) Tile(w ops.Worker, i int) {
	p.g.Tile(p.base+i, wide.Scratchpad[T](w, p.g.ScratchLen()))
}

// layOut asks for the unit's memory and sets the geometry of its products. Those to which inputs are added are a batch, one product a step,
// which differ in where the inputs' products are: so all steps are checked once a run.
func (u *unit[T]) layOut(room *wide.Room[T], parts []part, cell bool) {
	size := u.rows * u.hidden
	u.hRoom, u.tmpRoom = room.Buffer(size), room.Buffer(size)
	if cell {
		u.cRoom = room.Buffer(size)
	}
	u.phases = make([]phase[T], len(parts))
	row := u.dirs * u.gateWidth()
	for i, p := range parts {
		ph := &u.phases[i]
		ph.part, ph.width = p, p.count*u.hidden
		ph.room = room.Buffer(u.rows * ph.width)
		g := &ph.g
		g.M, g.N, g.K = u.rows, ph.width, u.hidden
		g.LDA, g.LDC = u.hidden, ph.width
		if !p.input {
			continue
		}
		g.LDR = row
		if u.batchFirst {
			g.LDR = row * u.steps
		}
		g.Batch = make([]gemm.Offset, u.steps)
		for t := range g.Batch {
			g.Batch[t].Residual = u.inputRow(u.first, t)*row + u.dir*u.gateWidth() + p.first*u.hidden
		}
	}
}

// begin takes the memory of a run and sets the states to their initial values.
func (u *unit[T]) begin(s wide.Scratch[T], h0, c0, p []T) error {
	u.hs, u.cs, u.tmp, u.peep = s.Part(u.hRoom), s.Part(u.cRoom), s.Part(u.tmpRoom), nil
	if p != nil {
		u.peep = p[u.dir*3*u.hidden:][:3*u.hidden]
	}
	u.initial(u.hs, h0)
	u.initial(u.cs, c0)
	for i := range u.phases {
		ph := &u.phases[i]
		g := &ph.g
		g.A, g.C, g.Packed = u.hs, s.Part(ph.room), u.packs[u.dir][i].b
		if i > 0 {
			g.A = u.tmp
		}
		if ph.input {
			g.Residual = u.xw
		} else if u.rbias.Len() > 0 {
			g.Bias = s.Part(u.rbias)[u.dir*u.gateWidth():][:ph.width]
		}
		if err := g.Prepare(); err != nil {
			return err
		}
		ph.per = g.Tiles()
		if ph.input && u.steps > 0 {
			ph.per /= u.steps
		}
	}
	return nil
}

func (u *unit[T]) initial(dst, src []T) {
	if src == nil {
		clear(dst)
		return
	}
	for n := range u.rows {
		copy(u.at(dst, n), src[u.stateAt(u.dir, u.first+n):])
	}
}

// at returns the row of sequence n.
func (u *unit[T]) at(x []T, n int) []T { return x[n*u.hidden:][:u.hidden] }

// inputs returns the products of the inputs of sequence n at step t, all gates.
func (u *unit[T]) inputs(n, t int) []T {
	return u.xw[(u.inputRow(u.first+n, t)*u.dirs+u.dir)*u.gateWidth():][:u.gateWidth()]
}

// active reports whether step t is within sequence n. Backwards, a sequence begins at its own end: the steps behind that are passed over.
func (u *unit[T]) active(n, t int) bool { return u.lens == nil || t < int(u.lens[u.first+n]) }

// time is the step that comes as the i-th.
func (u *unit[T]) time(i int) int {
	if u.backward[u.dir] {
		return u.steps - 1 - i
	}
	return i
}

// run computes all steps, all of it here.
func (u *unit[T]) run(w ops.Worker) {
	need := 0
	for i := range u.phases {
		need = max(need, u.phases[i].g.ScratchLen())
	}
	scratch := wide.Scratchpad[T](w, need)
	for i := range u.steps {
		t := u.time(i)
		for p := range u.phases {
			ph := &u.phases[p]
			ph.at(t)
			for j := range ph.per {
				ph.g.Tile(ph.base+j, scratch)
			}
			u.after(ph, t)
		}
		u.output(t)
	}
	u.last()
}

// spreadSteps computes all steps, the products of each on all workers.
func (u *unit[T]) spreadSteps(c *ops.Call) error {
	for i := range u.steps {
		t := u.time(i)
		for p := range u.phases {
			ph := &u.phases[p]
			ph.at(t)
			if err := c.Parallel(ph.per, ph); err != nil {
				return err
			}
			u.after(ph, t)
		}
		u.output(t)
	}
	u.last()
	return nil
}

// at sets the step.
func (p *phase[T]) at(t int) {
	if p.input {
		p.base = t * p.per
	}
}

func (u *unit[T]) after(p *phase[T], t int) {
	for n := range u.rows {
		if u.active(n, t) {
			p.after(n, t)
		}
	}
}

// output writes the hidden states to Y; zeros behind a sequence's end.
func (u *unit[T]) output(t int) {
	if u.yData == nil {
		return
	}
	for n := range u.rows {
		y := u.yData[u.outputAt(u.dir, u.first+n, t):][:u.hidden]
		if u.active(n, t) {
			copy(y, u.at(u.hs, n))
		} else {
			clear(y)
		}
	}
}

// last writes the states behind the last step.
func (u *unit[T]) last() {
	for n := range u.rows {
		at := u.stateAt(u.dir, u.first+n)
		if u.hEnd != nil {
			copy(u.hEnd[at:], u.at(u.hs, n))
		}
		if u.cEnd != nil {
			copy(u.cEnd[at:], u.at(u.cs, n))
		}
	}
}
