package reduce

import "ingot/internal/kernel/elem"

// Fold computes piece i of s.Tiles·s.Parts. Its result goes to dst, which holds g.Outputs() elements for each part: part p's from
// p·Outputs on. buf holds 2·[Chunk] elements. When there are several parts, [Loops.Finish] joins them.
func (l *Loops) Fold(g *Geom, s Split, i int, dst elem.Raw, src *Source, buf elem.Raw) {
	part, tile := i/s.Tiles, i%s.Tiles
	base := part * g.Outputs()
	lo := part * s.Step
	if g.InnerReduced {
		first := tile * s.Rows
		rows := dst.Slice(l.Width, base+first, base+min(g.Rows, first+s.Rows))
		rows.Fill(l.Width, l.Init)
		if n := min(g.Inner, lo+s.Step) - lo; g.Steps == 1 && src.Load == nil && n > 0 { // the usual case, without detours
			for i := range rows.Len() {
				off := offset(g.kept, first+i) + lo
				l.Run(rows.Slice(l.Width, i, i+1), src.Data.Slice(l.Width, off, off+n))
			}
			return
		}
		for i := range rows.Len() {
			l.row(g, rows.Slice(l.Width, i, i+1), offset(g.kept, first+i), lo, lo+s.Step, src, buf)
		}
		return
	}
	hi := min(g.Steps, lo+s.Step)
	perRow := (g.Inner-1)/s.Tile + 1
	col := tile % perRow * s.Tile
	n := min(s.Tile, g.Inner-col)
	first := tile / perRow * s.Rows
	for row := first; row < min(g.Rows, first+s.Rows); row++ {
		at := base + row*g.Inner + col
		l.columns(g, dst.Slice(l.Width, at, at+n), offset(g.kept, row)+col, lo, hi, src, buf)
	}
}

// row folds steps lo … hi of a row into acc, one element; with a single step, elements lo … hi of its run.
func (l *Loops) row(g *Geom, acc elem.Raw, off, lo, hi int, src *Source, buf elem.Raw) {
	if g.Steps == 1 {
		l.run(acc, off+lo, min(g.Inner, hi)-lo, src, buf)
		return
	}
	for r := lo; r < min(g.Steps, hi); r++ {
		l.run(acc, off+offset(g.red, r), g.Inner, src, buf)
	}
}

// run folds n contiguous elements into acc.
func (l *Loops) run(acc elem.Raw, off, n int, src *Source, buf elem.Raw) {
	if n <= 0 {
		return
	}
	if src.Load == nil {
		l.Run(acc, src.at(off, n, buf))
		return
	}
	for n > 0 {
		k := min(n, Chunk)
		l.Run(acc, src.at(off, k, buf))
		off, n = off+k, n-k
	}
}

// columns folds steps lo … hi of n neighbouring outputs into acc.
func (l *Loops) columns(g *Geom, acc elem.Raw, off, lo, hi int, src *Source, buf elem.Raw) {
	w, n := l.Width, acc.Len()
	acc.Fill(w, l.Init)
	// Short rows that follow each other are folded several at a time, and their accumulators in the end.
	if group := Chunk / 4 / n; group > 1 && n == g.Inner && len(g.red) == 1 && g.red[0].step == n && hi-lo >= 2*group {
		wide := buf.Slice(w, Chunk, Chunk+group*n)
		wide.Fill(w, l.Init)
		for ; hi-lo >= group; lo += group {
			l.Acc(wide, src.at(off+lo*n, group*n, buf))
		}
		for k := 0; k < group*n; k += n {
			l.JoinRow(acc, wide.Slice(w, k, k+n))
		}
	}
	// Many rows are folded in groups, so that the rounding errors of a float sum don't grow with their number.
	if part := buf.Slice(w, Chunk, Chunk+n); hi-lo > 2*rowGroup {
		for ; hi-lo >= rowGroup; lo += rowGroup {
			part.Fill(w, l.Init)
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
func (l *Loops) Finish(g *Geom, s Split, dst elem.Raw) {
	n := g.Outputs()
	for p := 1; p < s.Parts; p++ {
		l.JoinRow(dst.Slice(l.Width, 0, n), dst.Slice(l.Width, p*n, (p+1)*n))
	}
}
