package vec

import "ingot/internal/kernel/cpu"

// transpose32Fast transposes the first r rows and c columns, multiples of 8, and returns these numbers. The caller has checked the bounds.
func transpose32Fast(dst []uint32, dstStride int, src []uint32, srcStride, rows, cols int) (r, c int) {
	const columns = 32 // a call writes 32 bytes to each of that many lines; the next row of squares fills the lines up
	if tier == cpu.Generic {
		return 0, 0
	}
	r, c = rows&^7, cols&^7
	for j := 0; j < c; j += columns {
		for i := 0; i < r; i += 8 {
			transpose8AVX2(&dst[j*dstStride+i], dstStride, &src[i*srcStride+j], srcStride, min(columns, c-j))
		}
	}
	if r == 0 {
		c = 0
	}
	return r, c
}
