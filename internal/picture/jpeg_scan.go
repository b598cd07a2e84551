package picture

import (
	"errors"
	"fmt"
)

// jpegScan is one pass over the blocks of one or more components.
type jpegScan struct {
	*jpegFile
	jpegBits
	list   []scanPart
	lo, hi int // the coefficients that it holds, in the order of the file
	shift  int // low bits that are left to later scans
	refine bool
	run    int // blocks to come without new coefficients of this scan
}

type scanPart struct {
	*jpegPart
	dc, ac *jpegCode
}

// scan reads a scan: its header, and the compressed data behind that.
func (f *jpegFile) scan(b []byte) error {
	if f.parts == nil {
		return errJPEGDamage
	}
	if f.scans++; f.scans > maxScans {
		return fmt.Errorf("there are more than %d scans", maxScans)
	}
	s := &jpegScan{jpegFile: f}
	if err := s.readHeader(b); err != nil {
		return err
	}
	for i := range s.list {
		if err := f.prepare(s.list[i].jpegPart); err != nil {
			return err
		}
	}
	s.jpegBits.data = f.data
	s.begin(f.pos)
	err := s.blocks()
	f.pos = s.jpegBits.pos
	return err
}

func (s *jpegScan) readHeader(b []byte) error {
	if len(b) < 1 || len(b) < 4+2*int(b[0]) || b[0] < 1 || b[0] > 4 {
		return errJPEGDamage
	}
	n := int(b[0])
	s.hi = 63
	if tail := b[1+2*n:]; s.progressive {
		s.lo, s.hi, s.shift, s.refine = int(tail[0]), int(tail[1]), int(tail[2]&15), tail[2]>>4 != 0
		if s.hi > 63 || s.lo > s.hi || s.lo == 0 && s.hi != 0 || s.lo > 0 && n > 1 || s.shift > 13 {
			return errJPEGDamage
		}
	}
	size := 0
	for i := range n {
		id, tables := int(b[1+2*i]), b[2+2*i]
		part := scanPart{}
		for _, p := range s.parts {
			if p.id == id {
				part.jpegPart = p
			}
		}
		if part.jpegPart == nil || tables>>4 > 3 || tables&15 > 3 {
			return errJPEGDamage
		}
		for _, other := range s.list {
			if other.jpegPart == part.jpegPart {
				return errJPEGDamage
			}
		}
		part.dc, part.ac = s.jpegFile.dc[tables>>4], s.jpegFile.ac[tables&15]
		if s.lo == 0 && !s.refine && part.dc == nil || s.hi > 0 && part.ac == nil {
			return errors.New("a Huffman table is missing")
		}
		size += part.h * part.v
		s.list = append(s.list, part)
	}
	if n > 1 && size > 10 {
		return errJPEGDamage
	}
	return nil
}

// prepare makes room for a component when its first scan begins.
func (f *jpegFile) prepare(p *jpegPart) error {
	if p.quant == nil {
		if p.quant = f.quant[p.table]; p.quant == nil {
			return errors.New("a quantisation table is missing")
		}
		p.pix = make([]uint8, p.across*p.down*64)
		if f.progressive {
			p.coef = make([]int16, p.across*p.down*64)
		}
	}
	return nil
}

// blocks decodes the blocks of a scan: a single component's in rows, several ones' in groups.
func (s *jpegScan) blocks() error {
	across, down := s.groups()
	single := len(s.list) == 1
	if single {
		across, down = ceilDiv(s.list[0].w, 8), ceilDiv(s.list[0].rows, 8)
	}
	s.reset()
	left, next := s.restart, mRST0
	for y := range down {
		for x := range across {
			if s.restart > 0 && left == 0 {
				if err := s.resume(next); err != nil {
					return err
				}
				left, next = s.restart, mRST0+(next+1)&7
			}
			left--
			if single {
				s.block(&s.list[0], x, y)
			} else {
				for i := range s.list {
					p := &s.list[i]
					for v := range p.v {
						for h := range p.h {
							s.block(p, x*p.h+h, y*p.v+v)
						}
					}
				}
			}
			if s.overrun() {
				return errJPEGDamage
			}
		}
	}
	if s.lo == 0 {
		for _, p := range s.list {
			p.seen = true
		}
	}
	return nil
}

func (s *jpegScan) reset() {
	for _, p := range s.list {
		p.before = 0
	}
	s.run = 0
}

// resume goes on behind a restart marker.
func (s *jpegScan) resume(marker int) error {
	s.jpegFile.pos = s.jpegBits.pos
	got, err := s.marker()
	if err != nil {
		return err
	}
	if got != marker {
		return errJPEGDamage
	}
	s.begin(s.jpegFile.pos)
	s.reset()
	return nil
}

// block decodes one block of a component.
func (s *jpegScan) block(p *scanPart, x, y int) {
	if !s.progressive {
		s.sequential(p, p.pix[(y*p.across*8+x)*8:])
		return
	}
	b := (*[64]int16)(p.coef[(y*p.across+x)*64:])
	switch {
	case s.lo == 0 && s.refine:
		if s.bit() {
			b[0] |= 1 << s.shift
		}
	case s.lo == 0:
		s.fill()
		p.before += s.number(int(s.decode(p.dc) & 15))
		b[0] = int16(p.before << s.shift)
	case s.refine:
		s.refineAC(b, p.ac)
	default:
		s.firstAC(b, p.ac)
	}
}

// sequential decodes a block and writes its samples.
func (s *jpegScan) sequential(p *scanPart, dst []uint8) {
	var b [64]int32
	s.fill()
	p.before += s.number(int(s.decode(p.dc) & 15))
	b[0] = p.before * p.quant[0]
	flat := true
	for k := 1; k < 64; k++ {
		if s.n < 31 {
			s.fill()
		}
		e := s.decode(p.ac)
		if e&15 == 0 {
			if e != 0xf0 {
				break
			}
			k += 15
			continue
		}
		if k += int(e >> 4); k > 63 {
			s.pad = 1 << 30 // a run beyond the block
			break
		}
		flat = false
		b[zigzag[k]] = s.number(int(e&15)) * p.quant[k]
	}
	if flat {
		idctFlat(dst, p.across*8, b[0])
	} else {
		idct(dst, p.across*8, &b)
	}
}

// firstAC reads the upper bits of some coefficients of a block.
func (s *jpegScan) firstAC(b *[64]int16, code *jpegCode) {
	if s.run > 0 {
		s.run--
		return
	}
	for k := s.lo; k <= s.hi; k++ {
		if s.n < 31 {
			s.fill()
		}
		e := s.decode(code)
		size := int(e & 15)
		if size == 0 && e != 0xf0 {
			s.run = s.runLength(int(e>>4)) - 1
			return
		}
		if k += int(e >> 4); k > 63 {
			s.pad = 1 << 30
			return
		}
		if size > 0 {
			b[zigzag[k]] = int16(s.number(size) << s.shift)
		}
	}
}

// runLength is the number of blocks that end here, 2^k and k more bits.
func (s *jpegScan) runLength(k int) int { return 1<<k + int(s.take(k)) }

// refineAC reads another bit of the coefficients of a block that aren't zero, and those that this bit makes so (T.81, G.1.2.3).
func (s *jpegScan) refineAC(b *[64]int16, code *jpegCode) {
	k := s.lo
	if s.run == 0 {
		for ; k <= s.hi; k++ {
			if s.n < 31 {
				s.fill()
			}
			e := s.decode(code)
			zeros, fresh := int(e>>4), int16(0)
			if e&15 != 0 {
				fresh = -1 << s.shift
				if s.bit() {
					fresh = 1 << s.shift
				}
			} else if zeros < 15 {
				s.run = s.runLength(zeros)
				break
			}
			k = s.refineSome(b, k, zeros)
			if k <= s.hi && fresh != 0 {
				b[zigzag[k]] = fresh
			}
			if s.overrun() {
				return
			}
		}
	}
	if s.run > 0 {
		s.refineSome(b, k, 64)
		s.run--
	}
}

// refineSome refines coefficients from k on and returns the place of the zero behind as many as zeros says.
func (s *jpegScan) refineSome(b *[64]int16, k, zeros int) int {
	for ; k <= s.hi; k++ {
		c := &b[zigzag[k]]
		if *c == 0 {
			if zeros == 0 {
				break
			}
			zeros--
		} else if s.bit() && *c>>s.shift&1 == 0 {
			if *c > 0 {
				*c += 1 << s.shift
			} else {
				*c -= 1 << s.shift
			}
		}
	}
	return k
}

// transform turns the coefficients of a progressive file into samples.
func (p *jpegPart) transform() {
	var q [64]int32
	for i, v := range p.quant {
		q[zigzag[i]] = v
	}
	var b [64]int32
	for i := range p.across * p.down {
		c := (*[64]int16)(p.coef[i*64:])
		more := int16(0)
		for k, v := range c {
			b[k] = int32(v) * q[k]
			if k > 0 {
				more |= v
			}
		}
		dst := p.pix[(i/p.across*p.across*8+i%p.across)*8:]
		if more == 0 {
			idctFlat(dst, p.across*8, b[0])
		} else {
			idct(dst, p.across*8, &b)
		}
	}
	p.coef = nil
}
