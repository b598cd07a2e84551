package move

import (
	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
)

// Dim is one loop of a [Copy]: N steps, each of which moves on by Dst elements there and Src elements here.
type Dim struct{ N, Dst, Src int }

// Copy is a copy along strides:
//
//	for all i: dst[Dst + Σ i[k]·dims[k].Dst] = src[Src + Σ i[k]·dims[k].Src]
//
// Strides of src may be zero or negative. The zero Copy copies one element.
type Copy struct {
	Dst, Src int

	dims   []Dim // outermost first; no N is 1, and what can be one loop is one
	total  int   // elements
	per    int   // elements of a tile
	matrix bool  // the last two dims are a transpose: Src is 1 in the first of them, Dst in the second
	bp, bl int   // of a matrix: the block that a tile does, where it doesn't do whole ones
}

// shortRun is the length below which a loop beats a call of copy.
const shortRun = 16

// NewCopy returns the copy of elements of a width (0 for strings) from offset src to offset dst along dims, outermost first. All places must
// be inside of their arrays, and no two of dst the same.
func NewCopy(width, dst, src int, dims ...Dim) Copy {
	c := Copy{Dst: dst, Src: src, dims: merge(dims), total: 1}
	for _, d := range c.dims {
		c.total *= d.N
	}
	if c.total == 0 {
		return c
	}
	if width == 0 {
		width = 16
	}
	c.per = c.total
	if k := len(c.dims) - 1; k >= 0 {
		c.per = TileLen(c.total, runCostOf(c.dims[k], width))
	}
	if width <= 8 {
		c.findMatrix()
	}
	return c
}

func runCostOf(d Dim, width int) int {
	if d.Dst == 1 && d.Src == 1 {
		return runCost(d.N, width)
	}
	return costLoop
}

// merge drops loops of one step and joins neighbours that are one loop.
func merge(dims []Dim) []Dim {
	out := make([]Dim, 0, len(dims))
	for _, d := range dims {
		if d.N == 1 {
			continue
		}
		if k := len(out) - 1; k >= 0 && out[k].Dst == d.N*d.Dst && out[k].Src == d.N*d.Src {
			d.N *= out[k].N
			out[k] = d
			continue
		}
		out = append(out, d)
	}
	return out
}

// findMatrix puts the loop along which src is contiguous beside the innermost one, along which dst is: the two are a transpose.
func (c *Copy) findMatrix() {
	k := len(c.dims) - 1
	if k < 1 || c.dims[k].Dst != 1 || c.dims[k].Src <= 1 {
		return
	}
	for p, d := range c.dims[:k] {
		if d.Src != 1 || d.N*c.dims[k].N < 32 || d.Dst < c.dims[k].N {
			continue
		}
		copy(c.dims[p:], c.dims[p+1:k])
		c.dims[k-1] = d
		c.matrix = true
		n := d.N * c.dims[k].N
		c.per = TileLen(c.total, costTurn)
		if n <= c.per {
			c.per -= c.per % n
			c.bp, c.bl = d.N, c.dims[k].N
			return
		}
		// Blocks of one matrix: as many of the rows as fill their cache lines, and columns in strips.
		c.bl = min(c.dims[k].N, 4096)
		c.bp = min(d.N, max(32, c.per/c.bl&^31))
		c.per = n
		return
	}
}

// Contiguous reports whether the elements lie in src as they do in dst, from Dst and Src on.
func (c *Copy) Contiguous() bool {
	return len(c.dims) == 0 || c.total == 0 || len(c.dims) == 1 && c.dims[0].Dst == 1 && c.dims[0].Src == 1
}

// Len returns the number of elements.
func (c *Copy) Len() int { return c.total }

// Tiles returns the number of tiles.
func (c *Copy) Tiles() int {
	if c.matrix && c.blocked() {
		k := len(c.dims) - 1
		return c.total / c.per * TileCount(c.dims[k-1].N, c.bp) * TileCount(c.dims[k].N, c.bl)
	}
	return TileCount(c.total, c.per)
}

// blocked reports whether a tile is a part of one matrix.
func (c *Copy) blocked() bool {
	k := len(c.dims) - 1
	return c.bp < c.dims[k-1].N || c.bl < c.dims[k].N
}

// Tile does tile i. Tiles of one Copy may run at once.
func (c *Copy) Tile(dst, src Buf, i int) {
	if c.matrix {
		c.turn(&dst, &src, i)
		return
	}
	lo, hi := i*c.per, min(c.total, (i+1)*c.per)
	d, w := dst.raw()
	s, _ := src.raw()
	c.copyRange(w, d, s, lo, hi)
}

// Places does the whole copy on numbers that name elements: the way to copy what a [Buf] can't hold.
func (c *Copy) Places(dst, src []uint64) {
	c.copyRange(8, elem.RawOf(dst), elem.RawOf(src), 0, c.total)
}

// at returns the offsets of position r of the loops before the last k.
func (c *Copy) at(r, k int) (do, so int) {
	do, so = c.Dst, c.Src
	for i := len(c.dims) - 1 - k; i >= 0; i-- {
		d := &c.dims[i]
		q := r / d.N
		m := r - q*d.N
		do += m * d.Dst
		so += m * d.Src
		r = q
	}
	return do, so
}

// copyRange copies positions lo to hi-1, counted in the order of the loops.
func (c *Copy) copyRange(w elem.Width, dst, src elem.Raw, lo, hi int) {
	last, mid := Dim{N: 1, Dst: 1, Src: 1}, Dim{N: 1}
	k := len(c.dims) - 1
	if k >= 0 {
		last = c.dims[k]
	}
	if k > 0 {
		mid = c.dims[k-1]
	}
	for lo < hi {
		row := lo / last.N
		col := lo - row*last.N
		n := min(last.N-col, hi-lo)
		m := row % mid.N
		do, so := c.at(row/mid.N, 2)
		do += m*mid.Dst + col*last.Dst
		so += m*mid.Src + col*last.Src
		rows := 1
		if n == last.N {
			rows = min(mid.N-m, (hi-lo)/n)
		}
		outer, inner := Dim{rows, mid.Dst, mid.Src}, Dim{n, last.Dst, last.Src}
		switch w {
		case 1:
			copyRows(elem.View[uint8](dst), elem.View[uint8](src), do, so, outer, inner)
		case 2:
			copyRows(elem.View[uint16](dst), elem.View[uint16](src), do, so, outer, inner)
		case 4:
			copyRows(elem.View[uint32](dst), elem.View[uint32](src), do, so, outer, inner)
		case 8:
			copyRows(elem.View[uint64](dst), elem.View[uint64](src), do, so, outer, inner)
		case 16:
			copyRows(elem.View[Bits128](dst), elem.View[Bits128](src), do, so, outer, inner)
		case elem.Text:
			copyRows(elem.View[string](dst), elem.View[string](src), do, so, outer, inner)
		}
		lo += rows * n
	}
}

// copyRows is the two innermost loops.
func copyRows[T any](dst, src []T, do, so int, rows, run Dim) {
	n := run.N
	for range rows.N {
		switch {
		case run.Dst != 1:
			d, s := do, so
			for range n {
				dst[d] = src[s]
				d += run.Dst
				s += run.Src
			}
		case run.Src == 1 && n >= shortRun:
			copy(dst[do:do+n], src[so:so+n])
		case run.Src == 1:
			d, s := dst[do:do+n], src[so:so+n]
			for i := range d {
				d[i] = s[i]
			}
		case run.Src == 0:
			Fill(dst[do:do+n], src[so])
		default:
			s := so
			d := dst[do : do+n]
			for i := range d {
				d[i] = src[s]
				s += run.Src
			}
		}
		do += rows.Dst
		so += rows.Src
	}
}

// turn does a tile of transposes.
func (c *Copy) turn(dst, src *Buf, i int) {
	k := len(c.dims) - 1
	p, l := c.dims[k-1], c.dims[k]
	if !c.blocked() {
		n := p.N * l.N
		for m := i * c.per / n; m < min(c.total, (i+1)*c.per)/n; m++ {
			do, so := c.at(m, 2)
			transpose(dst, src, do, so, p, l)
		}
		return
	}
	lb := TileCount(l.N, c.bl)
	pb := TileCount(p.N, c.bp)
	do, so := c.at(i/(lb*pb), 2)
	j0, i0 := i/lb%pb*c.bp, i%lb*c.bl
	p.N, l.N = min(c.bp, p.N-j0), min(c.bl, l.N-i0)
	transpose(dst, src, do+j0*p.Dst+i0, so+j0+i0*l.Src, p, l)
}

// transpose does one matrix, or a block of it.
func transpose(dst, src *Buf, do, so int, p, l Dim) {
	switch dst.Width {
	case 1:
		if d, s := view[uint8](dst)[do:], view[uint8](src)[so:]; !pairs(d, s, p, l) {
			vec.Transpose8(d, p.Dst, s, l.Src, l.N, p.N)
		}
	case 2:
		if d, s := view[uint16](dst)[do:], view[uint16](src)[so:]; !pairs(d, s, p, l) {
			vec.Transpose16(d, p.Dst, s, l.Src, l.N, p.N)
		}
	case 4:
		if d, s := view[uint32](dst)[do:], view[uint32](src)[so:]; !pairs(d, s, p, l) {
			vec.Transpose32(d, p.Dst, s, l.Src, l.N, p.N)
		}
	case 8:
		if d, s := view[uint64](dst)[do:], view[uint64](src)[so:]; !pairs(d, s, p, l) {
			vec.Transpose64(d, p.Dst, s, l.Src, l.N, p.N)
		}
	}
}

// pairs does matrices of two rows or two columns, such as blocks of pixels are made of, and reports whether this is one.
func pairs[T uint8 | uint16 | uint32 | uint64](d, s []T, p, l Dim) bool {
	switch {
	case l.N == 2:
		a, b := s[:p.N], s[l.Src:][:p.N]
		for j, v := range a {
			x := d[j*p.Dst:][:2]
			x[0], x[1] = v, b[j]
		}
	case p.N == 2:
		a, b := d[:l.N], d[p.Dst:][:l.N]
		for i := range a {
			x := s[i*l.Src:][:2]
			a[i], b[i] = x[0], x[1]
		}
	default:
		return false
	}
	return true
}
