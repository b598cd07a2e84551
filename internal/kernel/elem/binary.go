package elem

// Binary is a computation on pairs of elements. VS and SV take a scalar instead of a slice; without them, the scalar is repeated in scratch.
type Binary[T, R any] struct {
	VV func(dst []R, a, b []T)
	VS func(dst []R, a []T, s T)
	SV func(dst []R, s T, b []T)
}

// Range computes elements lo … hi of dst. scratch holds 2·[Block] elements. dst may be a or b, if that one's map is whole.
func (l *Binary[T, R]) Range(dst []R, a, b []T, ma, mb *Map, lo, hi int, scratch []T) {
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
				Gather(scratch[:n], a, ma, lo)
				l.joined(dst[lo:lo+n], scratch[:n], b, mb, lo, scratch[Block:])
				lo += n
				continue
			}
			n = min(n, runA)
			Gather(scratch[Block:][:n], b, mb, lo)
			runB, stepB, offB = n, -1, 0
		}
		d := dst[lo : lo+n]
		lo += n
		var y []T
		switch {
		case stepB < 0:
			y = scratch[Block:][:n]
		case stepB == 1:
			y = b[offB : offB+n]
		case stepA == 1 && l.VS != nil:
			l.VS(d, a[offA:offA+n], b[offB])
			continue
		}
		if stepA == 0 && y != nil && l.SV != nil {
			l.SV(d, a[offA], y)
			continue
		}
		l.blocks(d, a[offA:], b[offB:], y, stepA, scratch)
	}
}

// joined computes d from x, which lies in scratch, and b's elements from pos on.
func (l *Binary[T, R]) joined(d []R, x, b []T, mb *Map, pos int, scratch []T) {
	off, step, run := mb.At(pos)
	if run >= len(d) && step == 1 {
		l.VV(d, x, b[off:off+len(d)])
		return
	}
	if run >= len(d) && l.VS != nil {
		l.VS(d, x, b[off])
		return
	}
	y := scratch[:len(d)]
	Gather(y, b, mb, pos)
	l.VV(d, x, y)
}

// blocks repeats the scalar operands in scratch: a[0] when stepA is 0, b[0] when y is nil.
func (l *Binary[T, R]) blocks(d []R, a, b, y []T, stepA int, scratch []T) {
	if stepA == 1 && y != nil {
		l.VV(d, a[:len(d)], y)
		return
	}
	m := min(len(d), Block)
	if stepA == 0 {
		Fill(scratch[:m], a[0])
	}
	if y == nil {
		Fill(scratch[Block:][:m], b[0])
	}
	for i := 0; i < len(d); i += m {
		n := min(m, len(d)-i)
		p, q := scratch[:n], scratch[Block:][:n]
		if stepA == 1 {
			p = a[i : i+n]
		}
		if y != nil {
			q = y[i : i+n]
		}
		l.VV(d[i:i+n], p, q)
	}
}
