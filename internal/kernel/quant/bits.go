package quant

// Unpack writes (q − zero)·scale for the integers q of 2, 4 or 8 bits that are packed into bytes, the first in the lowest bits. It fills dst; packed
// must hold that many integers.
func Unpack(dst []float32, packed []byte, bits int, scale, zero float32) {
	switch bits {
	case 8:
		packed = packed[:len(dst)]
		for i, q := range packed {
			dst[i] = (float32(q) - zero) * scale
		}
	case 4:
		var t [16]float32
		for q := range t {
			t[q] = (float32(q) - zero) * scale
		}
		UnpackTable(dst, packed, &t)
	case 2:
		var t [4]float32
		for q := range t {
			t[q] = (float32(q) - zero) * scale
		}
		for i := range dst {
			dst[i] = t[packed[i/4]>>(i%4*2)&3]
		}
	}
}

// UnpackTable writes t[q] for the integers q of 4 bits that are packed into bytes, the first in the lower half.
func UnpackTable(dst []float32, packed []byte, t *[16]float32) {
	n := len(dst) / 2
	pairs := dst[:2*n]
	for i, q := range packed[:n] {
		d := (*[2]float32)(pairs[2*i:])
		d[0], d[1] = t[q&15], t[q>>4]
	}
	if len(dst)%2 != 0 {
		dst[2*n] = t[packed[n]&15]
	}
}

// Bits returns the i-th of the integers of 2, 4 or 8 bits that are packed into bytes, the first in the lowest bits.
func Bits(packed []byte, i, bits int) int {
	per := 8 / bits
	return int(packed[i/per]) >> (i % per * bits) & (1<<bits - 1)
}
