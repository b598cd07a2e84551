package picture

import (
	"encoding/binary"
	"fmt"
)

// j2kStream is a codestream.
type j2kStream struct {
	data      []byte
	maxPixels int

	x0, y0, x1, y1   int // the picture on the reference grid
	tx0, ty0, tw, th int // where tiles begin, and their size
	across, down     int // tiles
	comps            []j2kComp
	main             j2kParams
	tiles            []*j2kTileData
}

// j2kComp is a component: samples for dx×dy places of the reference grid each.
type j2kComp struct {
	depth, dx, dy  int
	x0, y0, x1, y1 int
	pix            []uint8 // its samples in 8 bits
}

// row writes a row of samples in the size of a picture that begins at x0, y0 of the reference grid, step apart. Those of smaller components are
// repeated.
func (c *j2kComp) row(dst []uint8, step, x0, y0, w, y int) {
	n := c.x1 - c.x0
	src := c.pix[max(0, min((y0+y)/c.dy-c.y0, c.y1-c.y0-1))*n:][:n]
	for x := range w {
		dst[x*step] = src[max(0, min((x0+x)/c.dx-c.x0, n-1))]
	}
}

// j2kTileData is what the file has of a tile.
type j2kTileData struct {
	params      *j2kParams
	data        []byte
	parts, want int // how many there are, and how many there must be; 0 when the file doesn't say
}

// j2kParams are the parameters of tiles.
type j2kParams struct {
	order    int // of packets
	layers   int
	mix      bool // of the first three components
	sop, eph bool // markers around packets' headers
	comps    []j2kCoding
	changes  []j2kChange
}

// j2kCoding are the parameters of a component.
type j2kCoding struct {
	levels           int // of the wavelet transform
	blockW, blockH   int // of code blocks, as powers of two
	style            int
	reversible       bool
	precincts        [33]uint8 // by resolution: size as powers of two, the height in the upper half
	quantStyle       int
	guard            int
	steps            []uint16 // by band: exponent in the upper 5 bits, mantissa
	region           int      // bits by which a region of interest is raised
	ownCode, ownStep bool     // given for this component alone
}

// j2kChange is a part of the packets, in an order of its own.
type j2kChange struct{ res0, res1, comp0, comp1, layers, order int }

const (
	j2kMaxComps = 4
	j2kMaxCoord = 1 << 26
	// A file may be small and its picture large, when that is blank. Beyond some pixels there must be a byte for each so many.
	j2kBlank     = 4 << 20
	j2kPerByte   = 1024
	j2kMaxChange = 128
)

// decode reads the whole stream.
func (s *j2kStream) decode() error {
	pos := 2
	for {
		if pos+2 > len(s.data) {
			break // without the end mark
		}
		marker := binary.BigEndian.Uint16(s.data[pos:])
		if marker == 0xffd9 { // end of codestream
			break
		}
		if marker == 0xff90 && s.comps != nil { // start of a tile's part
			next, last, err := s.tilePart(pos)
			if err != nil {
				return err
			}
			if pos = next; last {
				break
			}
			continue
		}
		body, err := j2kBody(s.data, pos)
		if err != nil {
			return err
		}
		pos += 4 + len(body)
		if marker == 0xff51 {
			err = s.readSize(body)
		} else if s.comps == nil {
			err = errJ2KDamage
		} else {
			err = s.segment(&s.main, marker, body)
		}
		if err != nil {
			return err
		}
	}
	if s.comps == nil {
		return errJ2KShort
	}
	for i := range s.comps {
		c := &s.comps[i]
		c.pix = make([]uint8, (c.x1-c.x0)*(c.y1-c.y0))
	}
	for i, t := range s.tiles {
		if t == nil || t.parts < t.want {
			return errJ2KShort
		}
		if err := s.decodeTile(i, t); err != nil {
			return err
		}
		s.tiles[i] = nil
	}
	return nil
}

// j2kBody returns the body of the marker segment at pos.
func j2kBody(data []byte, pos int) ([]byte, error) {
	rest := data[pos+2:]
	if len(rest) < 2 {
		return nil, errJ2KShort
	}
	n := int(binary.BigEndian.Uint16(rest))
	if n < 2 {
		return nil, errJ2KDamage
	}
	if n > len(rest) {
		return nil, errJ2KShort
	}
	return rest[2:n], nil
}

// readSize reads the sizes of picture, tiles and components.
func (s *j2kStream) readSize(b []byte) error {
	if s.comps != nil || len(b) < 36 {
		return errJ2KDamage
	}
	var v [8]int
	for i := range v {
		u := binary.BigEndian.Uint32(b[2+4*i:])
		if i == 4 || i == 5 {
			u = min(u, j2kMaxCoord) // a tile larger than the picture is as good
		}
		if u > j2kMaxCoord {
			return fmt.Errorf("%w: a coordinate of %d", ErrTooLarge, u)
		}
		v[i] = int(u)
	}
	s.x1, s.y1, s.x0, s.y0, s.tw, s.th, s.tx0, s.ty0 = v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
	if s.x0 >= s.x1 || s.y0 >= s.y1 || s.tw == 0 || s.th == 0 || s.tx0 > s.x0 || s.ty0 > s.y0 || s.tx0+s.tw <= s.x0 || s.ty0+s.th <= s.y0 {
		return errJ2KDamage
	}
	if err := tooLarge(s.x1-s.x0, s.y1-s.y0, s.maxPixels); err != nil {
		return err
	}
	if n := uint64(s.x1-s.x0) * uint64(s.y1-s.y0); n > j2kBlank && n/j2kPerByte > uint64(len(s.data)) {
		return errJ2KShort
	}
	n := int(binary.BigEndian.Uint16(b[34:]))
	if len(b) < 36+3*n {
		return errJ2KDamage
	}
	if n < 1 || n > j2kMaxComps {
		return unsupported(fmt.Sprintf("pictures of %d components", n))
	}
	for i := range n {
		c := b[36+3*i:]
		p := j2kComp{depth: int(c[0]&127) + 1, dx: int(c[1]), dy: int(c[2])}
		if p.dx == 0 || p.dy == 0 {
			return errJ2KDamage
		}
		if p.depth > 16 {
			return unsupported(fmt.Sprintf("samples of %d bits", p.depth))
		}
		p.x0, p.y0, p.x1, p.y1 = ceilDiv(s.x0, p.dx), ceilDiv(s.y0, p.dy), ceilDiv(s.x1, p.dx), ceilDiv(s.y1, p.dy)
		if p.x0 >= p.x1 || p.y0 >= p.y1 {
			return errJ2KDamage
		}
		s.comps = append(s.comps, p)
	}
	s.across, s.down = ceilDiv(s.x1-s.tx0, s.tw), ceilDiv(s.y1-s.ty0, s.th)
	if uint64(s.across)*uint64(s.down) > uint64(len(s.data)/12) { // each tile has a header
		return errJ2KShort
	}
	s.tiles = make([]*j2kTileData, s.across*s.down)
	s.main.comps = make([]j2kCoding, n)
	return nil
}

// tilePart reads the part of a tile at pos, and returns where the next one begins and whether there is none.
func (s *j2kStream) tilePart(pos int) (next int, last bool, err error) {
	b, err := j2kBody(s.data, pos)
	if err != nil {
		return 0, false, err
	}
	if len(b) < 8 {
		return 0, false, errJ2KDamage
	}
	index, size := int(binary.BigEndian.Uint16(b)), uint64(binary.BigEndian.Uint32(b[2:]))
	end := uint64(pos) + size
	if size == 0 { // up to the end
		if end, last = uint64(len(s.data)), true; len(s.data) >= pos+14 && string(s.data[len(s.data)-2:]) == "\xff\xd9" {
			end -= 2
		}
	}
	if index >= len(s.tiles) || end < uint64(pos)+14 {
		return 0, false, errJ2KDamage
	}
	if end > uint64(len(s.data)) {
		return 0, false, errJ2KShort
	}
	t := s.tiles[index]
	if t == nil {
		p := s.main
		p.changes = nil
		p.comps = append([]j2kCoding{}, p.comps...)
		for i := range p.comps {
			p.comps[i].ownCode, p.comps[i].ownStep = false, false
		}
		t = &j2kTileData{params: &p}
		s.tiles[index] = t
	}
	t.parts, t.want = t.parts+1, max(t.want, int(b[7]))
	data := s.data[:end]
	for pos += 4 + len(b); ; {
		if pos+2 > len(data) {
			return 0, false, errJ2KShort
		}
		marker := binary.BigEndian.Uint16(data[pos:])
		if marker == 0xff93 { // start of data
			if body := data[pos+2:]; t.data == nil {
				t.data = body[:len(body):len(body)]
			} else {
				t.data = append(t.data, body...)
			}
			return int(end), last, nil
		}
		body, err := j2kBody(data, pos)
		if err != nil {
			return 0, false, err
		}
		if err := s.segment(t.params, marker, body); err != nil {
			return 0, false, err
		}
		pos += 4 + len(body)
	}
}

// segment reads parameters, of the whole picture or of a tile.
func (s *j2kStream) segment(p *j2kParams, marker uint16, b []byte) error {
	switch marker {
	case 0xff52: // coding style
		if len(b) < 10 {
			return errJ2KDamage
		}
		p.sop, p.eph = b[0]&2 != 0, b[0]&4 != 0
		p.order, p.layers, p.mix = int(b[1]), int(binary.BigEndian.Uint16(b[2:])), b[4] != 0
		if p.layers == 0 {
			return errJ2KDamage
		}
		var c j2kCoding
		if err := c.readCode(b[5:], b[0]&1 != 0); err != nil {
			return err
		}
		for i := range p.comps {
			if !p.comps[i].ownCode {
				p.comps[i].copyCode(&c)
			}
		}
	case 0xff53: // coding style of a component
		if len(b) < 7 || int(b[0]) >= len(p.comps) {
			return errJ2KDamage
		}
		c := &p.comps[b[0]]
		c.ownCode = true
		return c.readCode(b[2:], b[1]&1 != 0)
	case 0xff5c: // quantisation
		var c j2kCoding
		if err := c.readSteps(b); err != nil {
			return err
		}
		for i := range p.comps {
			if !p.comps[i].ownStep {
				p.comps[i].quantStyle, p.comps[i].guard, p.comps[i].steps = c.quantStyle, c.guard, c.steps
			}
		}
	case 0xff5d: // quantisation of a component
		if len(b) < 2 || int(b[0]) >= len(p.comps) {
			return errJ2KDamage
		}
		c := &p.comps[b[0]]
		c.ownStep = true
		return c.readSteps(b[1:])
	case 0xff5e: // region of interest
		if len(b) < 3 || int(b[0]) >= len(p.comps) || b[1] != 0 {
			return errJ2KDamage
		}
		p.comps[b[0]].region = int(b[2])
	case 0xff5f: // changes of the order
		if len(b)%7 != 0 || len(p.changes)+len(b)/7 > j2kMaxChange {
			return errJ2KDamage
		}
		for ; len(b) > 0; b = b[7:] {
			p.changes = append(p.changes, j2kChange{int(b[0]), int(b[4]), int(b[1]), int(b[5]), int(binary.BigEndian.Uint16(b[2:])), int(b[6])})
		}
	case 0xff60, 0xff61:
		return unsupported("packed packet headers")
	case 0xff50:
		return unsupported("files of part 15's block coder")
	}
	return nil
}

// The styles of code blocks.
const (
	j2kBypass  = 1 << iota // lower bits aren't coded arithmetically
	j2kReset               // contexts begin anew with each pass
	j2kTermAll             // each pass ends its codeword
	j2kCausal              // contexts don't look into the stripe below
	_
	j2kSymbols // a check symbol ends each bit plane
	j2kHT      // the coder of part 15
)

func (c *j2kCoding) readCode(b []byte, precincts bool) error {
	c.levels, c.blockW, c.blockH, c.style, c.reversible = int(b[0]), int(b[1])+2, int(b[2])+2, int(b[3]), b[4] == 1
	if c.levels > 32 || c.blockW > 10 || c.blockH > 10 || c.blockW+c.blockH > 12 || b[4] > 1 {
		return errJ2KDamage
	}
	if c.style >= j2kHT {
		return unsupported("files of part 15's block coder")
	}
	for i := range c.precincts {
		c.precincts[i] = 0xff
	}
	if precincts {
		if len(b) < 6+c.levels {
			return errJ2KDamage
		}
		copy(c.precincts[:], b[5:6+c.levels])
		for _, p := range c.precincts[1 : c.levels+1] {
			if p&15 == 0 || p>>4 == 0 {
				return errJ2KDamage
			}
		}
	}
	return nil
}

func (c *j2kCoding) copyCode(from *j2kCoding) {
	c.levels, c.blockW, c.blockH, c.style, c.reversible, c.precincts = from.levels, from.blockW, from.blockH, from.style, from.reversible, from.precincts
}

func (c *j2kCoding) readSteps(b []byte) error {
	if len(b) < 1 {
		return errJ2KDamage
	}
	c.quantStyle, c.guard, c.steps = int(b[0]&31), int(b[0]>>5), nil
	b = b[1:]
	switch c.quantStyle {
	case 0:
		for _, v := range b {
			c.steps = append(c.steps, uint16(v>>3)<<11)
		}
	case 1, 2:
		for ; len(b) >= 2; b = b[2:] {
			c.steps = append(c.steps, binary.BigEndian.Uint16(b))
		}
	default:
		return errJ2KDamage
	}
	return nil
}

// step returns exponent and mantissa of the quantisation of a band, counted from the lowest.
func (c *j2kCoding) step(band int) (exponent, mantissa int, err error) {
	less := 0
	if c.quantStyle == 1 && band > 0 {
		less, band = (band-1)/3, 0
	}
	if band >= len(c.steps) {
		return 0, 0, errJ2KDamage
	}
	v := c.steps[band]
	return max(0, int(v>>11)-less), int(v & 0x7ff), nil
}
