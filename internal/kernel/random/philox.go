// Package random holds the generators of random operators: a counter-based one, whose numbers can be computed in any order, and the one that
// the standard's reference implementation uses, for models that name a seed.
package random

import "math/bits"

// Source makes numbers that are uniform in [0, 1), with 53 random bits each.
type Source interface {
	// Fill sets dst to the numbers at places from, from+1, … of the stream.
	Fill(dst []float64, from int)
}

// Philox is the counter-based generator Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (2011).
// Its value is the key. It has no state: Fill may be called for any places at once.
type Philox uint64

// Block returns the four words for a counter.
func (p Philox) Block(counter uint64) [4]uint32 {
	x := [4]uint32{uint32(counter), uint32(counter >> 32)}
	k0, k1 := uint32(p), uint32(p>>32)
	for range 10 {
		hi0, lo0 := bits.Mul32(0xD2511F53, x[0])
		hi1, lo1 := bits.Mul32(0xCD9E8D57, x[2])
		x = [4]uint32{hi1 ^ x[1] ^ k0, lo1, hi0 ^ x[3] ^ k1, lo0}
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return x
}

// Fill sets dst to the numbers at places from, from+1, … of the stream. A block makes two of them.
func (p Philox) Fill(dst []float64, from int) {
	for len(dst) > 0 {
		b := p.Block(uint64(from) >> 1)
		pair := [2]float64{double(b[0], b[1]), double(b[2], b[3])}
		n := copy(dst, pair[from&1:])
		dst, from = dst[n:], from+n
	}
}

// double makes a number in [0, 1) of 53 of the bits.
func double(a, b uint32) float64 {
	return float64(uint64(a>>5)<<26|uint64(b>>6)) * (1.0 / (1 << 53))
}
