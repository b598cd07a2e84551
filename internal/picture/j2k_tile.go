package picture

import (
	"cmp"
	"slices"
)

// j2kTile is a tile while it is decoded.
type j2kTile struct {
	*j2kParams
	x0, y0, x1, y1 int
	comps          []j2kTileComp
	data           []byte // what is left of its packets
}

// j2kTileComp is the part of a component that lies in a tile.
type j2kTileComp struct {
	*j2kCoding
	x0, y0, x1, y1 int
	levels         []j2kLevel // resolutions, the smallest first
}

// j2kLevel is a resolution: the bands that lead to it from the one before.
type j2kLevel struct {
	x0, y0, x1, y1 int
	bands          []j2kBand
	pw, ph         int // of precincts, as powers of two
	across, down   int // precincts
	blockW, blockH int // of code blocks in its bands, as powers of two
	precincts      []j2kPrecinct
}

// j2kBand is a band of coefficients. Orientation: bit 0 says that it is high-pass horizontally, bit 1 vertically.
type j2kBand struct {
	orientation    int
	x0, y0, x1, y1 int
	at             int     // where it begins in the component's coefficients
	planes         int     // bits of a coefficient
	step           float32 // of the quantisation
}

// j2kPrecinct is the code blocks of a part of a resolution, whose data come in packets, one a layer.
type j2kPrecinct struct {
	index      int
	x, y       int // where it begins on the reference grid
	next       int // layer
	bands      []j2kBlocks
	prepared   bool
	comp, rank int // which it belongs to
}

// j2kBlocks are the code blocks of a precinct in one band.
type j2kBlocks struct {
	across, down   int
	list           []j2kBlock
	included, zero tagTree
}

// j2kBlock is a code block.
type j2kBlock struct {
	x0, y0, x1, y1 int // in the band's coordinates
	seen           bool
	planes         int // bits of its coefficients that aren't zero throughout
	lengthBits     int
	passes         int
	segments       []j2kSegment
}

// j2kSegment is the data of passes that share a codeword.
type j2kSegment struct {
	data        []byte
	passes, max int
}

// shiftUp is a/2^n, rounded up.
func shiftUp(a, n int) int { return int((int64(a) + 1<<n - 1) >> n) }

// decodeTile decodes a tile into the components' samples.
func (s *j2kStream) decodeTile(index int, d *j2kTileData) error {
	col, row := index%s.across, index/s.across
	t := &j2kTile{j2kParams: d.params, data: d.data,
		x0: max(s.x0, s.tx0+col*s.tw), y0: max(s.y0, s.ty0+row*s.th), x1: min(s.x1, s.tx0+(col+1)*s.tw), y1: min(s.y1, s.ty0+(row+1)*s.th)}
	if t.layers == 0 {
		return errJ2KDamage // no coding style was given
	}
	if len(t.changes) == 0 {
		t.changes = s.main.changes
	}
	packets := 0
	for i := range s.comps {
		c, err := t.component(s, i)
		if err != nil {
			return err
		}
		for _, l := range c.levels {
			// Each packet takes a byte at least, so that their number is bounded before anything is made for them.
			if n := uint64(l.across) * uint64(l.down); n > uint64(len(t.data)) {
				return errJ2KShort
			}
			packets += l.across * l.down
		}
		t.comps = append(t.comps, c)
	}
	if uint64(packets)*uint64(t.layers) > uint64(len(t.data)) {
		return errJ2KShort
	}
	if packets > 0 {
		t.makePrecincts(s)
		if err := t.readPackets(); err != nil {
			return err
		}
	}
	return t.reconstruct(s)
}

// component lays out a component's resolutions and bands.
func (t *j2kTile) component(s *j2kStream, index int) (j2kTileComp, error) {
	p := &s.comps[index]
	c := j2kTileComp{j2kCoding: &t.j2kParams.comps[index],
		x0: ceilDiv(t.x0, p.dx), y0: ceilDiv(t.y0, p.dy), x1: ceilDiv(t.x1, p.dx), y1: ceilDiv(t.y1, p.dy)}
	if c.x0 >= c.x1 || c.y0 >= c.y1 {
		return c, nil // nothing of it lies here
	}
	n, width := c.j2kCoding.levels, c.x1-c.x0
	for r := range n + 1 {
		down := n - r
		l := j2kLevel{x0: shiftUp(c.x0, down), y0: shiftUp(c.y0, down), x1: shiftUp(c.x1, down), y1: shiftUp(c.y1, down),
			pw: int(c.precincts[r] & 15), ph: int(c.precincts[r] >> 4)}
		if l.x1 > l.x0 && l.y1 > l.y0 {
			l.across, l.down = shiftUp(l.x1, l.pw)-l.x0>>l.pw, shiftUp(l.y1, l.ph)-l.y0>>l.ph
		}
		half := min(r, 1) // bands of all but the lowest resolution are half its size
		l.blockW, l.blockH = min(c.blockW, l.pw-half), min(c.blockH, l.ph-half)
		for o := range 4 {
			if (o == 0) != (r == 0) {
				continue
			}
			b := j2kBand{orientation: o}
			depth := down + half
			part := func(a, high int) int { // the band's part of a range that ends at a
				if high == 1 {
					a = int(int64(a) - 1<<(depth-1))
				}
				return shiftUp(a, depth)
			}
			b.x0, b.x1, b.y0, b.y1 = part(c.x0, o&1), part(c.x1, o&1), part(c.y0, o>>1), part(c.y1, o>>1)
			if r > 0 {
				below := &c.levels[r-1]
				b.at = o&1*(below.x1-below.x0) + o>>1*(below.y1-below.y0)*width
			}
			exponent, mantissa, err := c.step(max(0, 3*(r-1)+o))
			if err != nil {
				return c, err
			}
			b.planes = c.guard + exponent - 1
			b.step = 0.5 * (1 + float32(mantissa)/2048)
			for range max(0, exponent-p.depth) {
				b.step /= 2
			}
			for range max(0, p.depth-exponent) {
				b.step *= 2
			}
			l.bands = append(l.bands, b)
		}
		c.levels = append(c.levels, l)
	}
	return c, nil
}

// makePrecincts makes the precincts of a tile, without their code blocks.
func (t *j2kTile) makePrecincts(s *j2kStream) {
	for i := range t.comps {
		c := &t.comps[i]
		for r := range c.levels {
			l := &c.levels[r]
			l.precincts = make([]j2kPrecinct, l.across*l.down)
			down := len(c.levels) - 1 - r
			begin := func(edge, first, tile, sub int) int {
				if edge < first {
					return tile
				}
				return edge << down * sub
			}
			for k := range l.precincts {
				x, y := (l.x0>>l.pw+k%l.across)<<l.pw, (l.y0>>l.ph+k/l.across)<<l.ph
				l.precincts[k] = j2kPrecinct{index: k, comp: i, rank: r, x: begin(x, l.x0, t.x0, s.comps[i].dx), y: begin(y, l.y0, t.y0, s.comps[i].dy)}
			}
		}
	}
}

// prepare makes the code blocks of a precinct.
func (p *j2kPrecinct) prepare(l *j2kLevel) {
	p.prepared = true
	half := min(p.rank, 1)
	pw, ph := l.pw-half, l.ph-half
	px, py := l.x0>>l.pw+p.index%l.across, l.y0>>l.ph+p.index/l.across
	p.bands = make([]j2kBlocks, len(l.bands))
	for i := range l.bands {
		b := &l.bands[i]
		x0, x1, y0, y1 := max(b.x0, px<<pw), min(b.x1, (px+1)<<pw), max(b.y0, py<<ph), min(b.y1, (py+1)<<ph)
		if x0 >= x1 || y0 >= y1 {
			continue
		}
		blocks := &p.bands[i]
		firstX, firstY := x0>>l.blockW, y0>>l.blockH
		blocks.across, blocks.down = shiftUp(x1, l.blockW)-firstX, shiftUp(y1, l.blockH)-firstY
		blocks.list = make([]j2kBlock, blocks.across*blocks.down)
		for k := range blocks.list {
			cx, cy := firstX+k%blocks.across, firstY+k/blocks.across
			blocks.list[k] = j2kBlock{x0: max(x0, cx<<l.blockW), x1: min(x1, (cx+1)<<l.blockW), y0: max(y0, cy<<l.blockH), y1: min(y1, (cy+1)<<l.blockH), lengthBits: 3}
		}
		blocks.included, blocks.zero = newTagTree(blocks.across, blocks.down), newTagTree(blocks.across, blocks.down)
	}
}

// readPackets reads the packets in their order.
func (t *j2kTile) readPackets() error {
	changes := t.changes
	if len(changes) == 0 {
		changes = []j2kChange{{res1: 33, comp1: len(t.comps), layers: t.layers, order: t.order}}
	}
	for _, c := range changes {
		if err := t.readOrder(c); err != nil {
			return err
		}
	}
	return nil
}

// The orders of packets, by what changes most slowly: layer, resolution, position, component.
const (
	j2kLRCP = iota
	j2kRLCP
	j2kRPCL
	j2kPCRL
	j2kCPRL
)

func (t *j2kTile) readOrder(o j2kChange) error {
	var list []*j2kPrecinct // by component and resolution
	if o.comp1 == 0 {
		o.comp1 = len(t.comps)
	}
	for i := o.comp0; i < min(o.comp1, len(t.comps)); i++ {
		c := &t.comps[i]
		for r := o.res0; r < min(o.res1, len(c.levels)); r++ {
			for k := range c.levels[r].precincts {
				list = append(list, &c.levels[r].precincts[k])
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *j2kPrecinct) int {
		place := cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x))
		rank, comp := cmp.Compare(a.rank, b.rank), cmp.Compare(a.comp, b.comp)
		switch o.order {
		case j2kRPCL:
			return cmp.Or(rank, place, comp)
		case j2kPCRL:
			return cmp.Or(place, comp, rank)
		case j2kCPRL:
			return cmp.Or(comp, place, rank)
		}
		return cmp.Or(rank, comp)
	})
	layers := min(o.layers, t.layers)
	switch o.order {
	case j2kLRCP:
		for layer := range layers {
			if err := t.readLayer(list, layer); err != nil {
				return err
			}
		}
	case j2kRLCP:
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].rank == list[0].rank {
				n++
			}
			for layer := range layers {
				if err := t.readLayer(list[:n], layer); err != nil {
					return err
				}
			}
			list = list[n:]
		}
	case j2kRPCL, j2kPCRL, j2kCPRL:
		for i := range list {
			for layer := range layers {
				if err := t.readLayer(list[i:i+1], layer); err != nil {
					return err
				}
			}
		}
	default:
		return errJ2KDamage
	}
	return nil
}

// readLayer reads a layer of some precincts, those that haven't got it yet. A tile may lack its last packets: that is a picture of less quality.
func (t *j2kTile) readLayer(list []*j2kPrecinct, layer int) error {
	for _, p := range list {
		if p.next != layer {
			continue
		}
		if len(t.data) == 0 {
			return nil
		}
		p.next++
		if err := t.packet(p, layer); err != nil {
			return err
		}
	}
	return nil
}
