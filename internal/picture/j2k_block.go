package picture

// The state of a coefficient: which neighbours are significant, the signs of four of them, and what is known of itself.
const (
	nbWest = 1 << iota
	nbEast
	nbNorth
	nbSouth
	nbNorthWest
	nbNorthEast
	nbSouthWest
	nbSouthEast
	negWest
	negEast
	negNorth
	negSouth
	coSignificant
	coVisited // in this bit plane
	coRefined // once at least

	neighbours = 0xff
	southern   = nbSouth | nbSouthWest | nbSouthEast | negSouth
)

// zeroContext is the context of a coefficient that isn't significant yet, by its band's orientation and its neighbours (table D.1).
var zeroContext = func() (table [4][256]uint8) {
	for o := range table {
		for f := range table[o] {
			count := func(flags ...int) (n int) {
				for _, b := range flags {
					if f&b != 0 {
						n++
					}
				}
				return n
			}
			h, v, d := count(nbWest, nbEast), count(nbNorth, nbSouth), count(nbNorthWest, nbNorthEast, nbSouthWest, nbSouthEast)
			if o == 1 { // high-pass horizontally
				h, v = v, h
			}
			var ctx int
			switch {
			case o == 3 && d >= 3:
				ctx = 8
			case o == 3 && d == 2:
				ctx = 6 + min(1, h+v)
			case o == 3 && d == 1:
				ctx = 3 + min(2, h+v)
			case o == 3:
				ctx = min(2, h+v)
			case h == 2:
				ctx = 8
			case h == 1 && v >= 1:
				ctx = 7
			case h == 1:
				ctx = 5 + min(1, d)
			case v > 0:
				ctx = 2 + v
			default:
				ctx = min(2, d)
			}
			table[o][f] = uint8(ctx)
		}
	}
	return table
}()

// signContext is the context of a sign, and in bit 7 what it is compared with, by four neighbours and, in the upper half, their signs
// (tables D.2 and D.3).
var signContext = func() (table [256]uint8) {
	for f := range table {
		sum := func(a, b int) (n int) {
			for _, bit := range []int{a, b} {
				if f&bit != 0 {
					n++
					if f&(bit<<4) != 0 {
						n -= 2
					}
				}
			}
			return max(-1, min(1, n))
		}
		h, v := sum(nbWest, nbEast), sum(nbNorth, nbSouth)
		flip := uint8(0)
		if h < 0 || h == 0 && v < 0 {
			h, v, flip = -h, -v, 0x80
		}
		table[f] = uint8(ctxSign+3*h+v) | flip
		if h == 0 {
			table[f] = uint8(ctxSign+v) | flip
		}
	}
	return table
}()

// rawBits reads bits that bypass the arithmetic coder. A byte behind 0xff has seven; behind the end come ones.
type rawBits struct {
	data []byte
	pos  int
	left int
	last byte
}

func (r *rawBits) bit() int {
	if r.left == 0 {
		r.left = 8
		if r.last == 0xff {
			r.left = 7
		}
		r.last = 0xff
		if r.pos < len(r.data) {
			r.last = r.data[r.pos]
			r.pos++
		}
	}
	r.left--
	return int(r.last>>r.left) & 1
}

// blockDecoder decodes code blocks (annex D). It is used for one after another.
type blockDecoder struct {
	mq     mqDecoder
	raw    rawBits
	bypass bool // the pass at hand reads raw bits
	causal bool
	zero   *[256]uint8
	w, h   int
	stride int
	flags  []uint16 // with a border of one
	values []int32  // twice the coefficients: the lowest bit is a half
	plane  int      // the bit plane at hand, in values
}

// decode decodes a block; values are w×h coefficients, doubled.
func (d *blockDecoder) decode(b *j2kBlock, orientation, style int) []int32 {
	d.w, d.h = b.x1-b.x0, b.y1-b.y0
	d.stride = d.w + 2
	d.flags = append(d.flags[:0], make([]uint16, d.stride*(d.h+2))...)
	d.values = append(d.values[:0], make([]int32, d.w*d.h)...)
	d.zero, d.causal = &zeroContext[orientation], style&j2kCausal != 0
	d.mq.resetContexts()
	d.plane = b.planes
	pass := 0
	for _, s := range b.segments {
		for i := range s.passes {
			kind := (pass + 2) % 3 // the first pass is a cleanup
			d.bypass = style&j2kBypass != 0 && pass >= 10 && kind != 2
			if i == 0 {
				if d.bypass {
					d.raw = rawBits{data: s.data}
				} else {
					d.mq.begin(s.data)
				}
			}
			switch kind {
			case 0:
				d.significance()
			case 1:
				d.refinement()
			case 2:
				d.cleanup()
				if style&j2kSymbols != 0 {
					for range 4 {
						d.mq.decode(ctxUniform)
					}
				}
				d.plane--
			}
			if style&j2kReset != 0 {
				d.mq.resetContexts()
			}
			pass++
		}
	}
	return d.values
}

// look returns the flags of a coefficient without what mustn't be looked at.
func (d *blockDecoder) look(at int, lowest bool) uint16 {
	f := d.flags[at]
	if d.causal && lowest {
		f &^= southern
	}
	return f
}

// found makes a coefficient significant: it reads its sign and tells its neighbours.
func (d *blockDecoder) found(at, x, y int, f uint16) {
	s := signContext[f&15|f>>4&0xf0]
	var negative int
	if d.bypass {
		negative = d.raw.bit()
	} else {
		negative = d.mq.decode(int(s&0x7f)) ^ int(s>>7)
	}
	v := int32(1)<<d.plane | int32(1)<<d.plane>>1 // in the middle of what the bits below may say
	n := uint16(0)
	if negative == 1 {
		v, n = -v, 1
	}
	d.values[y*d.w+x] = v
	above, below := d.flags[at-d.stride-1:][:3], d.flags[at+d.stride-1:][:3]
	above[0] |= nbSouthEast
	above[1] |= nbSouth | n*negSouth
	above[2] |= nbSouthWest
	below[0] |= nbNorthEast
	below[1] |= nbNorth | n*negNorth
	below[2] |= nbNorthWest
	d.flags[at-1] |= nbEast | n*negEast
	d.flags[at+1] |= nbWest | n*negWest
	d.flags[at] |= coSignificant
}

// significance is the pass over coefficients that have significant neighbours.
func (d *blockDecoder) significance() {
	for top := 0; top < d.h; top += 4 {
		for x := range d.w {
			for y := top; y < min(top+4, d.h); y++ {
				at := (y+1)*d.stride + x + 1
				f := d.look(at, y == top+3)
				if f&coSignificant != 0 || f&neighbours == 0 {
					continue
				}
				var bit int
				if d.bypass {
					bit = d.raw.bit()
				} else {
					bit = d.mq.decode(int(d.zero[f&neighbours]))
				}
				if bit == 1 {
					d.found(at, x, y, f)
				}
				d.flags[at] |= coVisited
			}
		}
	}
}

// refinement is the pass over coefficients that were significant before this bit plane.
func (d *blockDecoder) refinement() {
	half := int32(1) << d.plane >> 1
	for top := 0; top < d.h; top += 4 {
		for x := range d.w {
			for y := top; y < min(top+4, d.h); y++ {
				at := (y+1)*d.stride + x + 1
				f := d.look(at, y == top+3)
				if f&(coSignificant|coVisited) != coSignificant {
					continue
				}
				var bit int
				if d.bypass {
					bit = d.raw.bit()
				} else {
					ctx := ctxRefine
					if f&coRefined != 0 {
						ctx += 2
					} else if f&neighbours != 0 {
						ctx++
					}
					bit = d.mq.decode(ctx)
				}
				v := &d.values[y*d.w+x]
				if (bit == 1) == (*v > 0) {
					*v += half
				} else {
					*v -= half
				}
				d.flags[at] |= coRefined
			}
		}
	}
}

// cleanup is the pass over what is left.
func (d *blockDecoder) cleanup() {
	for top := 0; top < d.h; top += 4 {
		for x := range d.w {
			y, at := top, (top+1)*d.stride+x+1
			known := false // that the coefficient at hand becomes significant
			if top+4 <= d.h && d.untouched(at) {
				if d.mq.decode(ctxRun) == 0 {
					continue
				}
				y += d.mq.decode(ctxUniform)<<1 | d.mq.decode(ctxUniform)
				known = true
			}
			for ; y < min(top+4, d.h); y++ {
				at := (y+1)*d.stride + x + 1
				f := d.look(at, y == top+3)
				if f&(coSignificant|coVisited) == 0 && (known || d.mq.decode(int(d.zero[f&neighbours])) == 1) {
					d.found(at, x, y, f)
				}
				known = false
				d.flags[at] &^= coVisited
			}
		}
	}
}

// untouched reports whether a column of four is such that a single symbol may say that it stays zero.
func (d *blockDecoder) untouched(at int) bool {
	f := d.flags[at] | d.flags[at+d.stride] | d.flags[at+2*d.stride] | d.look(at+3*d.stride, true)
	return f&(coSignificant|coVisited|neighbours) == 0
}
