package move

import "ingot/internal/kernel/elem"

// Axis is a dimension of a [Pick]'s output: the offset in src that each place adds, -1 for a place outside of src. Without a table the
// places are Step apart.
type Axis struct {
	N     int
	Step  int
	Table []int
}

// Pick reads by a table an axis:
//
//	for all i: dst[i] = src[Σ axes[k].Table[i[k]]], or the fill where one of them is -1
//
// dst is in C order.
type Pick struct {
	outer []Axis
	row   []int // table of the innermost axis
	runs  []run // the same as runs, where these are long
	total int
	per   int
	holes bool // row has a -1
}

// run is a stretch of the innermost axis.
type run struct{ at, n, src, step int } // step 0: one element again and again; src -1: the fill

// NewPick returns the geometry for elements of a width (0 for strings).
func NewPick(width int, axes ...Axis) Pick {
	p := Pick{total: 1}
	last := Axis{N: 1, Step: 1}
	for _, a := range axes {
		p.total *= a.N
		if a.N == 1 && a.Table == nil {
			continue
		}
		if k := len(p.outer) - 1; k >= 0 && a.Table == nil && p.outer[k].Table == nil && p.outer[k].Step == a.N*a.Step {
			p.outer[k] = Axis{N: p.outer[k].N * a.N, Step: a.Step}
			continue
		}
		p.outer = append(p.outer, a)
	}
	if p.total == 0 {
		return p
	}
	if k := len(p.outer) - 1; k >= 0 {
		last, p.outer = p.outer[k], p.outer[:k]
	}
	if last.Table == nil && last.Step == 1 {
		p.runs = []run{{0, last.N, 0, 1}}
	} else {
		p.table(last)
	}
	if width == 0 {
		width = 16
	}
	n := last.N
	if p.row != nil {
		n = 1
	}
	p.per = TileLen(p.total, runCost(n, width))
	return p
}

// table chooses how the innermost axis is read.
func (p *Pick) table(a Axis) {
	if a.Table == nil {
		a.Table = make([]int, a.N)
		for i := range a.Table {
			a.Table[i] = i * a.Step
		}
	}
	runs := findRuns(a.Table)
	if len(runs)*8 <= a.N {
		p.runs = runs
		return
	}
	p.row = a.Table
	for _, s := range a.Table {
		p.holes = p.holes || s < 0
	}
}

func findRuns(t []int) []run {
	var runs []run
	for i := 0; i < len(t); {
		j := i + 1
		step := 0
		if t[i] < 0 {
			for j < len(t) && t[j] < 0 {
				j++
			}
		} else if j < len(t) && t[j] >= 0 && (t[j] == t[i] || t[j] == t[i]+1) {
			for step = t[j] - t[i]; j < len(t) && t[j] == t[j-1]+step; {
				j++
			}
		}
		runs = append(runs, run{i, j - i, max(t[i], -1), step})
		i = j
	}
	return runs
}

// Tiles returns the number of tiles.
func (p *Pick) Tiles() int { return TileCount(p.total, p.per) }

// rowLen returns the length of the innermost axis.
func (p *Pick) rowLen() int {
	if p.row != nil {
		return len(p.row)
	}
	r := p.runs[len(p.runs)-1]
	return r.at + r.n
}

// base returns the offset of a row, -1 for one outside of src.
func (p *Pick) base(row int) int {
	off := 0
	for k := len(p.outer) - 1; k >= 0; k-- {
		a := &p.outer[k]
		q := row / a.N
		i := row - q*a.N
		row = q
		if a.Table == nil {
			off += i * a.Step
		} else if s := a.Table[i]; s >= 0 {
			off += s
		} else {
			return -1
		}
	}
	return off
}

// Tile does tile i. fill holds one element; an empty one stands for zero.
func (p *Pick) Tile(dst, src, fill Buf, i int) {
	d, w := dst.raw()
	s, _ := src.raw()
	f, _ := fill.raw()
	p.tile(w, d, s, oneOf(w, f), i*p.per, min(p.total, (i+1)*p.per))
}

func (p *Pick) tile(w elem.Width, dst, src, zero elem.Raw, lo, hi int) {
	n := p.rowLen()
	prev := -2 // the row before, if it stands whole in this tile
	for lo < hi {
		row := lo / n
		from := lo - row*n
		to := min(n, from+hi-lo)
		d := dst.Slice(w, lo, lo+to-from)
		base := p.base(row)
		switch {
		case base < 0:
			fill(w, d, zero)
		case base == prev && from == 0:
			d.Copy(w, dst.Slice(w, lo-n, lo))
		default:
			p.places(w, d, src.Slice(w, base, src.Len()), zero, from, to)
		}
		if prev = base; from != 0 {
			prev = -2
		}
		lo += to - from
	}
}

// places is places from to to-1 of a row.
func (p *Pick) places(w elem.Width, d, src, fill elem.Raw, from, to int) {
	switch w {
	case 1:
		pickRow(p, elem.View[uint8](d), elem.View[uint8](src), elem.View[uint8](fill), from, to)
	case 2:
		pickRow(p, elem.View[uint16](d), elem.View[uint16](src), elem.View[uint16](fill), from, to)
	case 4:
		pickRow(p, elem.View[uint32](d), elem.View[uint32](src), elem.View[uint32](fill), from, to)
	case 8:
		pickRow(p, elem.View[uint64](d), elem.View[uint64](src), elem.View[uint64](fill), from, to)
	case 16:
		pickRow(p, elem.View[Bits128](d), elem.View[Bits128](src), elem.View[Bits128](fill), from, to)
	case elem.Text:
		pickRow(p, elem.View[string](d), elem.View[string](src), elem.View[string](fill), from, to)
	}
}

func pickRow[T any](p *Pick, d, src, fill []T, from, to int) {
	if p.row == nil {
		pickRuns(d, src, p.runs, from, to, fill[0])
		return
	}
	table := p.row[from:to]
	d = d[:len(table)]
	if !p.holes {
		for i, s := range table {
			d[i] = src[s]
		}
		return
	}
	for i, s := range table {
		if s < 0 {
			d[i] = fill[0]
		} else {
			d[i] = src[s]
		}
	}
}

func pickRuns[T any](d, src []T, runs []run, from, to int, fill T) {
	for _, r := range runs {
		if r.at+r.n <= from {
			continue
		}
		if r.at >= to {
			return
		}
		a, b := max(r.at, from), min(r.at+r.n, to)
		out := d[a-from : b-from]
		if r.step == 1 {
			copy(out, src[r.src+a-r.at:])
			continue
		}
		v := fill
		if r.src >= 0 {
			v = src[r.src]
		}
		Fill(out, v)
	}
}
