package reduce

// Fold computes piece i of s.Tiles·s.Parts. Its result goes to dst, which holds g.Outputs() elements for each part: part p's from
// p·Outputs on. buf holds 2·[Chunk] elements. When there are several parts, [Loops.Finish] joins them.
func (l *Loops[T]) Fold(g *Geom, s Split, i int, dst []T, src *Source[T], buf []T) {
	part, tile := i/s.Tiles, i%s.Tiles
	dst = dst[part*g.Outputs():]
	lo := part * s.Step
	if g.InnerReduced {
		for row := tile * s.Rows; row < min(g.Rows, (tile+1)*s.Rows); row++ {
			dst[row] = l.row(g, offset(g.kept, row), lo, lo+s.Step, src, buf)
		}
		return
	}
	hi := min(g.Steps, lo+s.Step)
	perRow := (g.Inner-1)/s.Tile + 1
	col := tile % perRow * s.Tile
	n := min(s.Tile, g.Inner-col)
	first := tile / perRow * s.Rows
	for row := first; row < min(g.Rows, first+s.Rows); row++ {
		l.columns(g, dst[row*g.Inner+col:][:n], offset(g.kept, row)+col, lo, hi, src, buf)
	}
}

// row folds steps lo … hi of a row; with a single step, elements lo … hi of its run.
func (l *Loops[T]) row(g *Geom, off, lo, hi int, src *Source[T], buf []T) T {
	acc := l.Init
	if g.Steps == 1 {
		return l.run(acc, off+lo, min(g.Inner, hi)-lo, src, buf)
	}
	for r := lo; r < min(g.Steps, hi); r++ {
		acc = l.run(acc, off+offset(g.red, r), g.Inner, src, buf)
	}
	return acc
}

// run folds n contiguous elements into acc.
func (l *Loops[T]) run(acc T, off, n int, src *Source[T], buf []T) T {
	if n <= 0 {
		return acc
	}
	if src.Load == nil {
		return l.Join(acc, l.Run(src.Data[off:off+n]))
	}
	for n > 0 {
		k := min(n, Chunk)
		acc = l.Join(acc, l.Run(src.at(off, k, buf)))
		off, n = off+k, n-k
	}
	return acc
}

// columns folds steps lo … hi of n neighbouring outputs into acc.
func (l *Loops[T]) columns(g *Geom, acc []T, off, lo, hi int, src *Source[T], buf []T) {
	n := len(acc)
	for i := range acc {
		acc[i] = l.Init
	}
	// Short rows that follow each other are folded several at a time, and their accumulators in the end.
	if group := Chunk / 4 / n; group > 1 && n == g.Inner && len(g.red) == 1 && g.red[0].step == n && hi-lo >= 2*group {
		wide := buf[Chunk:][:group*n]
		for i := range wide {
			wide[i] = l.Init
		}
		for ; hi-lo >= group; lo += group {
			l.Acc(wide, src.at(off+lo*n, group*n, buf))
		}
		for k := 0; k < group*n; k += n {
			l.JoinRow(acc, wide[k:k+n])
		}
	}
	// Many rows are folded in groups, so that the rounding errors of a float sum don't grow with their number.
	if part := buf[Chunk:][:n]; hi-lo > 2*rowGroup {
		for ; hi-lo >= rowGroup; lo += rowGroup {
			for i := range part {
				part[i] = l.Init
			}
			for r := lo; r < lo+rowGroup; r++ {
				l.Acc(part, src.at(off+offset(g.red, r), n, buf))
			}
			l.JoinRow(acc, part)
		}
	}
	for r := lo; r < hi; r++ {
		l.Acc(acc, src.at(off+offset(g.red, r), n, buf))
	}
}

// rowGroup is the number of rows that are folded into one accumulator before it is joined to the others.
const rowGroup = 128

// Finish joins the parts into the first one.
func (l *Loops[T]) Finish(g *Geom, s Split, dst []T) {
	n := g.Outputs()
	for p := 1; p < s.Parts; p++ {
		l.JoinRow(dst[:n], dst[p*n:][:n])
	}
}
