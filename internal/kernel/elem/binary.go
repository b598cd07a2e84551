package elem

// Binary is a computation on pairs of elements. VS and SV take a scalar instead of a slice; float32 alone has them. Without them, the scalar
// is repeated in scratch.
type Binary struct {
	VV     Loop2
	VS     func(dst, a []float32, s float32)
	SV     func(dst []float32, s float32, b []float32)
	In     Width // of the operands
	Result Width
}

// Range computes elements lo … hi of dst. scratch holds 2·[Block] elements. dst may be a or b, if that one's map is whole.
func (l *Binary) Range(dst, a, b Raw, ma, mb *Map, lo, hi int, scratch Raw) {
	w := l.In
	p, q := scratch.Slice(w, 0, Block), scratch.Slice(w, Block, 2*Block)
	for lo < hi {
		offA, stepA, runA := ma.At(lo)
		offB, stepB, runB := mb.At(lo)
		n := hi - lo
		switch {
		case min(runA, runB) >= min(n, ShortRun):
			n = min(n, runA, runB)
		default:
			// Short runs: a block of whichever operand has them is put together first.
			n = min(n, Block)
			if runA < ShortRun {
				x := p.Slice(w, 0, n)
				gather(w, x, a, ma, lo)
				l.joined(dst.Slice(l.Result, lo, lo+n), x, b, mb, lo, q)
				lo += n
				continue
			}
			n = min(n, runA)
			gather(w, q.Slice(w, 0, n), b, mb, lo)
			runB, stepB, offB = n, -1, 0
		}
		d := dst.Slice(l.Result, lo, lo+n)
		lo += n
		var y Raw
		switch {
		case stepB < 0:
			y = q.Slice(w, 0, n)
		case stepB == 1:
			y = b.Slice(w, offB, offB+n)
		case stepA == 1 && l.VS != nil:
			l.VS(View[float32](d), View[float32](a)[offA:offA+n], View[float32](b)[offB])
			continue
		}
		if stepA == 0 && y.n > 0 && l.SV != nil {
			l.SV(View[float32](d), View[float32](a)[offA], View[float32](y))
			continue
		}
		l.blocks(d, a.Slice(w, offA, a.n), b.Slice(w, offB, b.n), y, stepA, p, q)
	}
}

// joined computes d from x, which lies in scratch, and b's elements from pos on, which may be put together in q.
func (l *Binary) joined(d, x, b Raw, mb *Map, pos int, q Raw) {
	off, step, run := mb.At(pos)
	if run >= d.n && step == 1 {
		l.VV(d, x, b.Slice(l.In, off, off+d.n))
		return
	}
	if run >= d.n && l.VS != nil {
		l.VS(View[float32](d), View[float32](x), View[float32](b)[off])
		return
	}
	y := q.Slice(l.In, 0, d.n)
	gather(l.In, y, b, mb, pos)
	l.VV(d, x, y)
}

// blocks repeats the scalar operands in p and q: a[0] when stepA is 0, b[0] when y is empty.
func (l *Binary) blocks(d, a, b, y Raw, stepA int, p, q Raw) {
	w := l.In
	if stepA == 1 && y.n > 0 {
		l.VV(d, a.Slice(w, 0, d.n), y)
		return
	}
	m := min(d.n, Block)
	if stepA == 0 {
		p.Slice(w, 0, m).Fill(w, a)
	}
	if y.n == 0 {
		q.Slice(w, 0, m).Fill(w, b)
	}
	for i := 0; i < d.n; i += m {
		n := min(m, d.n-i)
		x, z := p.Slice(w, 0, n), q.Slice(w, 0, n)
		if stepA == 1 {
			x = a.Slice(w, i, i+n)
		}
		if y.n > 0 {
			z = y.Slice(w, i, i+n)
		}
		l.VV(d.Slice(l.Result, i, i+n), x, z)
	}
}
