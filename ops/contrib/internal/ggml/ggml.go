// Package ggml reads rows of numbers that are packed in blocks: the formats of the files that llama.cpp and its library ggml made common. A block
// begins with its scale, a float16, or ends with it (Q6_K); what else it holds stands with the functions. All numbers are little-endian.
package ggml

import (
	"encoding/binary"
	"math"
	"math/bits"

	"ingot/internal/kernel/vec"
)

// Format is a packed format.
type Format struct {
	Block int // elements of a block
	Bytes int // of a block
	read  func(dst []float32, b []byte)
}

// Formats are those that can be read, by their number in ggml's files.
var Formats = map[int]Format{
	0:  {1, 4, func(dst []float32, b []byte) { dst[0] = math.Float32frombits(binary.LittleEndian.Uint32(b)) }},
	1:  {1, 2, func(dst []float32, b []byte) { dst[0] = half(b) }},
	2:  {32, 18, q4},
	6:  {32, 22, q5},
	8:  {32, 34, q8},
	13: {256, 176, q5K},
	14: {256, 210, q6K},
	16: {256, 66, iq2XXS},
	17: {256, 74, iq2XS},
	18: {256, 98, iq3XXS},
	20: {32, 18, iq4NL},
	22: {256, 82, iq2S},
	23: {256, 136, iq4XS},
	30: {1, 2, func(dst []float32, b []byte) {
		dst[0] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
	}},
	42: {64, 18, q2},
}

// Row reads a row of whole blocks. dst has a multiple of f.Block elements, row the bytes of as many blocks.
func (f Format) Row(dst []float32, row []byte) {
	for ; len(dst) > 0; dst, row = dst[f.Block:], row[f.Bytes:] {
		f.read(dst[:f.Block], row[:f.Bytes])
	}
}

func half(b []byte) float32 {
	h, f := [1]uint16{binary.LittleEndian.Uint16(b)}, [1]float32{}
	vec.FromHalf(f[:], h[:])
	return f[0]
}

// q4: 4 bits each, less 8; a byte has an element of the first half below and one of the second above.
func q4(dst []float32, b []byte) {
	d := half(b)
	for j, q := range b[2:] {
		dst[j], dst[j+16] = d*float32(int(q&15)-8), d*float32(int(q>>4)-8)
	}
}

// q5: as q4, with the fifth bits of all elements in front, less 16.
func q5(dst []float32, b []byte) {
	d, high := half(b), binary.LittleEndian.Uint32(b[2:])
	for j, q := range b[6:] {
		lo, hi := int(q&15)|int(high>>j&1)<<4, int(q>>4)|int(high>>(j+16)&1)<<4
		dst[j], dst[j+16] = d*float32(lo-16), d*float32(hi-16)
	}
}

// q8: a signed byte each.
func q8(dst []float32, b []byte) {
	d := half(b)
	for j, q := range b[2:] {
		dst[j] = d * float32(int8(q))
	}
}

// q2: 2 bits each, less 1, the lowest first.
func q2(dst []float32, b []byte) {
	d := half(b)
	for j := range dst {
		dst[j] = d * float32(int(b[2+j/4]>>(2*(j%4))&3)-1)
	}
}

// scaleMin reads the 6-bit scale and minimum of one of eight groups: the upper groups have their highest bits with the lower ones.
func scaleMin(s []byte, i int) (scale, least float32) {
	if i < 4 {
		return float32(s[i] & 63), float32(s[i+4] & 63)
	}
	return float32(s[i+4]&15 | s[i-4]>>6<<4), float32(s[i+4]>>4 | s[i]>>6<<4)
}

// q5K: groups of 32 with a scale and a minimum, which have a scale each; the fifth bits of group i are bit i of 32 bytes.
func q5K(dst []float32, b []byte) {
	d, dmin, scales, high, low := half(b), half(b[2:]), b[4:16], b[16:48], b[48:]
	for g := range 8 {
		s, m := scaleMin(scales, g)
		s, m = d*s, dmin*m
		for j := range 32 {
			q := low[g/2*32+j] >> (4 * (g % 2)) & 15
			q |= high[j] >> g & 1 << 4
			dst[g*32+j] = s*float32(q) - m
		}
	}
}

// q6K: groups of 16 with a signed scale; halves of 128 whose elements have four bits in one place and two in another, less 32.
func q6K(dst []float32, b []byte) {
	low, high, scales, d := b[:128], b[128:192], b[192:208], half(b[208:])
	for j := range dst {
		part, at := j/128, j%128
		q := low[part*64+at%64] >> (4 * (at / 64)) & 15
		q |= high[part*32+at%32] >> (2 * (at / 32)) & 3 << 4
		dst[j] = d * float32(int8(scales[j/16])) * float32(int(q)-32)
	}
}

// The numbers that 4 bits stand for in IQ4 formats.
var levels4 = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// iq4NL: as q4, with unevenly spaced numbers.
func iq4NL(dst []float32, b []byte) { iq4(dst, b[2:], half(b)) }

func iq4(dst []float32, b []byte, d float32) {
	for j, q := range b {
		dst[j], dst[j+16] = d*levels4[q&15], d*levels4[q>>4]
	}
}

// iq4XS: groups of 32 with 6-bit scales, less 32.
func iq4XS(dst []float32, b []byte) {
	d, high, low := half(b), binary.LittleEndian.Uint16(b[2:]), b[4:8]
	for g := range 8 {
		s := int(low[g/2]>>(4*(g%2))&15) | int(high>>(2*g)&3)<<4
		iq4(dst[g*32:][:32], b[8+g*16:][:16], d*float32(s-32))
	}
}

var (
	levels2 = [3]float32{8, 25, 43}
	levels3 = [8]float32{4, 12, 20, 28, 36, 44, 52, 62}
)

// spread writes eight elements of a grid's entry; signs has a bit for each that is negative.
func spread(dst []float32, entry uint16, signs byte, scale float32) {
	for j := range dst[:8] {
		dst[j] = scale * levels2[entry%3]
		if signs>>j&1 != 0 {
			dst[j] = -dst[j]
		}
		entry /= 3
	}
}

// evenSigns adds the eighth sign to seven: an even number of them is set.
func evenSigns(seven uint32) byte {
	s := byte(seven & 127)
	return s | byte(bits.OnesCount8(s)&1)<<7
}

// iq2XXS: groups of 32: four indices, four times seven signs, and four bits of scale.
func iq2XXS(dst []float32, b []byte) {
	d := half(b)
	for g := range 8 {
		p := b[2+g*8:]
		rest := binary.LittleEndian.Uint32(p[4:])
		s := d * (0.5 + float32(rest>>28)) * 0.25
		for l := range 4 {
			spread(dst[g*32+l*8:], grid2XXS[p[l]], evenSigns(rest>>(7*l)), s)
		}
	}
}

// iq2XS: eight elements have nine bits of index and seven signs; sixteen have four bits of scale.
func iq2XS(dst []float32, b []byte) {
	d, scales := half(b), b[66:]
	for i := range 32 {
		q := binary.LittleEndian.Uint16(b[2+2*i:])
		s := d * (0.5 + float32(scales[i/4]>>(4*(i%4/2))&15)) * 0.25
		spread(dst[i*8:], grid2XS[q&511], evenSigns(uint32(q>>9)), s)
	}
}

// iq2S: eight elements have ten bits of index, the upper two apart, and eight signs; sixteen have four bits of scale.
func iq2S(dst []float32, b []byte) {
	d, low, signs, high, scales := half(b), b[2:34], b[34:66], b[66:74], b[74:]
	for i := range 32 {
		entry := int(low[i]) | int(high[i/4]>>(2*(i%4))&3)<<8
		s := d * (0.5 + float32(scales[i/4]>>(4*(i%4/2))&15)) * 0.25
		spread(dst[i*8:], grid2S[entry], signs[i], s)
	}
}

// iq3XXS: four elements have eight bits of index; thirty-two have four times seven signs and four bits of scale.
func iq3XXS(dst []float32, b []byte) {
	d := half(b)
	for g := range 8 {
		rest := binary.LittleEndian.Uint32(b[66+4*g:])
		s := d * (0.5 + float32(rest>>28)) * 0.5
		for j := range 32 {
			v := s * levels3[grid3XXS[b[2+g*8+j/4]]>>(3*(j%4))&7]
			if evenSigns(rest>>(7*(j/8)))>>(j%8)&1 != 0 {
				v = -v
			}
			dst[g*32+j] = v
		}
	}
}
