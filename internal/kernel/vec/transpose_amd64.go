package vec

import "ingot/internal/kernel/cpu"

// These transpose the first r rows and c columns of the matrix, multiples of 8 (4 for elements of eight bytes), and return these numbers;
// c is 0 where r is. The caller has checked the bounds.

// strip is the number of columns that a call of the assembly does. It writes part of a cache line to each of as many rows; the next
// calls fill the lines up before they leave the first cache.
const strip = 32

// squares are the rows and columns that whole squares cover.
func squares(rows, cols, side int) (r, c int) {
	r, c = rows-rows%side, cols-cols%side
	if tier == cpu.Generic || r == 0 || c == 0 {
		return 0, 0
	}
	return r, c
}

func transpose8Fast(dst []uint8, dstStride int, src []uint8, srcStride, rows, cols int) (r, c int) {
	r, c = squares(rows, cols, 8)
	for j := 0; j < c; j += strip {
		for i := 0; i < r; i += 8 {
			transpose8AVX2(&dst[j*dstStride+i], dstStride, &src[i*srcStride+j], srcStride, min(strip, c-j))
		}
	}
	return r, c
}

func transpose16Fast(dst []uint16, dstStride int, src []uint16, srcStride, rows, cols int) (r, c int) {
	r, c = squares(rows, cols, 8)
	for j := 0; j < c; j += strip {
		for i := 0; i < r; i += 8 {
			transpose16AVX2(&dst[j*dstStride+i], dstStride, &src[i*srcStride+j], srcStride, min(strip, c-j))
		}
	}
	return r, c
}

func transpose32Fast(dst []uint32, dstStride int, src []uint32, srcStride, rows, cols int) (r, c int) {
	r, c = squares(rows, cols, 8)
	for j := 0; j < c; j += strip {
		for i := 0; i < r; i += 8 {
			transpose32AVX2(&dst[j*dstStride+i], dstStride, &src[i*srcStride+j], srcStride, min(strip, c-j))
		}
	}
	return r, c
}

func transpose64Fast(dst []uint64, dstStride int, src []uint64, srcStride, rows, cols int) (r, c int) {
	r, c = squares(rows, cols, 4)
	for j := 0; j < c; j += strip {
		for i := 0; i < r; i += 4 {
			transpose64AVX2(&dst[j*dstStride+i], dstStride, &src[i*srcStride+j], srcStride, min(strip, c-j))
		}
	}
	return r, c
}
