package picture

import "encoding/binary"

// jpegBits reads the bits of compressed data up to the next marker. Behind the end come zeros; overrun tells whether any were used.
type jpegBits struct {
	data []byte
	pos  int    // of the next byte
	acc  uint64 // the bits to come, the next one on top
	n    int    // how many are valid
	pad  int    // how many of these lie behind the end
}

// begin starts at a byte.
func (r *jpegBits) begin(pos int) { r.pos, r.acc, r.n, r.pad = pos, 0, 0, 0 }

// overrun reports whether more bits were used than there are.
func (r *jpegBits) overrun() bool { return r.n < r.pad }

// fill makes at least 48 bits valid.
func (r *jpegBits) fill() {
	if r.pos+8 <= len(r.data) {
		next := binary.BigEndian.Uint64(r.data[r.pos:])
		if x := ^next; (x-0x0101010101010101)&next&0x8080808080808080 == 0 { // none of the bytes is 0xff, which may be a marker
			r.acc |= next >> r.n // what isn't a whole byte is added again next time, which changes nothing
			bytes := (64 - r.n) >> 3
			r.pos += bytes
			r.n += 8 * bytes
			return
		}
	}
	for r.n <= 56 {
		b, size := byte(0), 0
		if r.pos < len(r.data) {
			b, size = r.data[r.pos], 1
			if b == 0xff {
				if r.pos+1 < len(r.data) && r.data[r.pos+1] == 0 {
					size = 2
				} else {
					b, size = 0, 0
				}
			}
		}
		if size == 0 {
			r.pad += 8
		}
		r.acc |= uint64(b) << (56 - r.n)
		r.n += 8
		r.pos += size
	}
}

// take returns k bits, 0 to 16, of those that are valid.
func (r *jpegBits) take(k int) int32 {
	v := int32(r.acc >> 48 >> ((16 - uint(k)) & 31))
	r.acc <<= k & 31
	r.n -= k
	return v
}

// bit returns the next bit.
func (r *jpegBits) bit() bool {
	if r.n == 0 {
		r.fill()
	}
	return r.take(1) != 0
}

// number returns a number of k bits, 0 to 15, in the code of differences: without a sign bit, the negative ones offset by 2^k-1.
func (r *jpegBits) number(k int) int32 {
	v := r.take(k)
	if k > 0 && v < 1<<(k-1&31) {
		v -= 1<<(k&31) - 1
	}
	return v
}

// fastBits is the length of the codes that are found by one look.
const fastBits = 9

// jpegCode is a Huffman code.
type jpegCode struct {
	fast   [1 << fastBits]uint16 // by the next bits: length<<8 | symbol; 0: the code is longer
	limit  [17]int32             // by length: the first value behind those of that length, in 16 bits; grows with the length
	offset [17]int32             // what leads from a code's value to its symbol
	symbol [256]uint8
}

// readCodes reads definitions of Huffman codes.
func (f *jpegFile) readCodes(b []byte) error {
	for len(b) > 0 {
		class, id := b[0]>>4, b[0]&15
		if class > 1 || id > 3 || len(b) < 17 {
			return errJPEGDamage
		}
		c := new(jpegCode)
		n, value := 0, int32(0)
		for size := 1; size <= 16; size++ {
			count := int(b[size])
			if n+count > 256 || len(b) < 17+n+count || int(value)+count > 1<<size {
				return errJPEGDamage
			}
			c.offset[size] = int32(n) - value
			copy(c.symbol[n:], b[17+n:17+n+count])
			for i := range count {
				if size <= fastBits {
					first := int(value) << (fastBits - size)
					for k := range 1 << (fastBits - size) {
						c.fast[first+k] = uint16(size)<<8 | uint16(c.symbol[n+i])
					}
				}
				value++
			}
			n += count
			c.limit[size] = value << (16 - size)
			value <<= 1
		}
		if class == 0 {
			f.dc[id] = c
		} else {
			f.ac[id] = c
		}
		b = b[17+n:]
	}
	return nil
}

// decode reads a symbol; 31 bits, which hold one and a number, are valid before it. What is no code counts as an overrun.
func (r *jpegBits) decode(c *jpegCode) uint8 {
	if e := c.fast[r.acc>>(64-fastBits)]; e != 0 {
		k := e >> 8
		r.acc <<= k & 31
		r.n -= int(k)
		return uint8(e)
	}
	next := int32(r.acc >> 48)
	for size := fastBits + 1; size <= 16; size++ {
		if next < c.limit[size] {
			value := r.take(size)
			return c.symbol[uint8(value+c.offset[size])]
		}
	}
	r.pad = 1 << 30
	return 0
}
