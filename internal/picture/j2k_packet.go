package picture

import (
	"math/bits"
)

// tagTree codes an array of numbers by the minima of ever larger parts.
type tagTree struct{ levels []tagLevel }

// tagLevel is a level of the tree, the leaves first.
type tagLevel struct {
	across int
	nodes  []tagNode
}

// tagNode is what is known of a minimum: at least low, and no more if done.
type tagNode struct {
	low  int
	done bool
}

func newTagTree(across, down int) tagTree {
	var t tagTree
	for {
		t.levels = append(t.levels, tagLevel{across, make([]tagNode, across*down)})
		if across*down <= 1 {
			return t
		}
		across, down = (across+1)/2, (down+1)/2
	}
}

// below reads bits until it is known whether leaf x, y is below a limit.
func (t *tagTree) below(r *j2kBits, x, y, limit int) bool {
	low := 0
	var n *tagNode
	for k := len(t.levels) - 1; k >= 0; k-- {
		l := &t.levels[k]
		n = &l.nodes[y>>k*l.across+x>>k]
		n.low = max(n.low, low)
		for !n.done && n.low < limit {
			if r.bit() == 1 {
				n.done = true
			} else {
				n.low++
			}
		}
		low = n.low
	}
	return n.done && n.low < limit
}

// j2kBits reads the bits of a packet's header. A byte behind 0xff has seven.
type j2kBits struct {
	data  []byte
	pos   int
	left  int
	last  byte
	short bool
}

func (r *j2kBits) bit() int {
	if r.left == 0 {
		r.left = 8
		if r.last == 0xff {
			r.left = 7
		}
		r.last = 0
		if r.pos < len(r.data) {
			r.last = r.data[r.pos]
		} else {
			r.short = true
		}
		r.pos++
	}
	r.left--
	return int(r.last>>r.left) & 1
}

func (r *j2kBits) number(n int) int {
	v := 0
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

// passes reads how many coding passes a packet adds to a block.
func (r *j2kBits) passes() int {
	if r.bit() == 0 {
		return 1
	}
	if r.bit() == 0 {
		return 2
	}
	if v := r.number(2); v < 3 {
		return 3 + v
	}
	if v := r.number(5); v < 31 {
		return 6 + v
	}
	return 37 + r.number(7)
}

// j2kPiece is data of a block that a packet announces.
type j2kPiece struct {
	block   *j2kBlock
	segment int
	size    int
}

// maxPasses is the number of passes of the most bits that a coefficient may have.
const (
	j2kMaxPlanes = 30
	maxPasses    = 3*j2kMaxPlanes - 2
)

// packet reads a packet.
func (t *j2kTile) packet(p *j2kPrecinct, layer int) error {
	c := &t.comps[p.comp]
	l := &c.levels[p.rank]
	if t.sop && len(t.data) >= 6 && t.data[0] == 0xff && t.data[1] == 0x91 {
		t.data = t.data[6:]
	}
	r := &j2kBits{data: t.data}
	var pieces []j2kPiece
	if r.bit() == 1 {
		if !p.prepared {
			p.prepare(l)
		}
		for i := range p.bands {
			b := &p.bands[i]
			for k := range b.list {
				var err error
				if pieces, err = r.block(pieces, b, k, layer, l.bands[i].planes+c.region, c.style); err != nil {
					return err
				}
				if r.short {
					return errJ2KShort
				}
			}
		}
	}
	if r.last == 0xff {
		r.pos++ // a byte for a bit that isn't there
	}
	if r.short || r.pos > len(t.data) {
		return errJ2KShort
	}
	t.data = t.data[r.pos:]
	if t.eph && len(t.data) >= 2 && t.data[0] == 0xff && t.data[1] == 0x92 {
		t.data = t.data[2:]
	}
	for _, piece := range pieces {
		if piece.size > len(t.data) {
			return errJ2KShort
		}
		s := &piece.block.segments[piece.segment]
		if s.data == nil {
			s.data = t.data[:piece.size:piece.size]
		} else {
			s.data = append(s.data, t.data[:piece.size]...)
		}
		t.data = t.data[piece.size:]
	}
	return nil
}

// block reads what a packet says about a block.
func (r *j2kBits) block(pieces []j2kPiece, b *j2kBlocks, k, layer, planes, style int) ([]j2kPiece, error) {
	block := &b.list[k]
	x, y := k%b.across, k/b.across
	if block.seen {
		if r.bit() == 0 {
			return pieces, nil
		}
	} else {
		if !b.included.below(r, x, y, layer+1) {
			return pieces, nil
		}
		block.seen = true
		missing := 0
		for !b.zero.below(r, x, y, missing+1) {
			if missing++; missing > planes || r.short {
				return nil, errJ2KDamage
			}
		}
		block.planes = planes - missing
		if block.planes > j2kMaxPlanes {
			return nil, errJ2KDamage
		}
	}
	n := r.passes()
	for r.bit() == 1 {
		if block.lengthBits++; block.lengthBits > 32 {
			return nil, errJ2KDamage
		}
	}
	if block.passes+n > 3*block.planes-2 {
		return nil, errJ2KDamage
	}
	for n > 0 {
		last := len(block.segments) - 1
		if last < 0 || block.segments[last].passes == block.segments[last].max {
			block.segments = append(block.segments, j2kSegment{max: segmentPasses(len(block.segments), style)})
			last++
		}
		s := &block.segments[last]
		add := min(n, s.max-s.passes)
		size := r.number(block.lengthBits + bits.Len(uint(add)) - 1)
		if size < 0 || size > len(r.data) {
			return nil, errJ2KShort
		}
		s.passes += add
		block.passes += add
		n -= add
		pieces = append(pieces, j2kPiece{block, last, size})
	}
	return pieces, nil
}

// segmentPasses is the number of passes that share the codeword of a segment: all of them; or one each; or, where lower bits bypass the arithmetic
// coder, the first ten, then by turns two that do and one that doesn't.
func segmentPasses(segment, style int) int {
	switch {
	case style&j2kTermAll != 0:
		return 1
	case style&j2kBypass == 0:
		return maxPasses
	case segment == 0:
		return 10
	case segment%2 == 1:
		return 2
	}
	return 1
}
