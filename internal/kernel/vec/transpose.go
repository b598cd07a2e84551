package vec

import "unsafe"

// Transposes of a rows×cols matrix whose rows lie srcStride elements apart, into one whose rows lie dstStride apart:
//
//	dst[j*dstStride+i] = src[i*srcStride+j]
//
// for elements of 1, 2, 4 and 8 bytes. dst and src must not overlap. Callers cut large matrices into tiles of rows or columns by
// slicing; strides stay the same.

// Transpose8 transposes elements of one byte.
func Transpose8(dst []uint8, dstStride int, src []uint8, srcStride, rows, cols int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	dst, src = dst[:(cols-1)*dstStride+rows], src[:(rows-1)*srcStride+cols]
	r, c := transpose8Fast(dst, dstStride, src, srcStride, rows, cols)
	transposeRest(dst, dstStride, src, srcStride, rows, cols, r, c)
}

// Transpose16 transposes elements of two bytes.
func Transpose16(dst []uint16, dstStride int, src []uint16, srcStride, rows, cols int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	dst, src = dst[:(cols-1)*dstStride+rows], src[:(rows-1)*srcStride+cols]
	r, c := transpose16Fast(dst, dstStride, src, srcStride, rows, cols)
	transposeRest(dst, dstStride, src, srcStride, rows, cols, r, c)
}

// Transpose32 transposes elements of four bytes.
func Transpose32(dst []uint32, dstStride int, src []uint32, srcStride, rows, cols int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	dst, src = dst[:(cols-1)*dstStride+rows], src[:(rows-1)*srcStride+cols]
	r, c := transpose32Fast(dst, dstStride, src, srcStride, rows, cols)
	transposeRest(dst, dstStride, src, srcStride, rows, cols, r, c)
}

// Transpose64 transposes elements of eight bytes.
func Transpose64(dst []uint64, dstStride int, src []uint64, srcStride, rows, cols int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	dst, src = dst[:(cols-1)*dstStride+rows], src[:(rows-1)*srcStride+cols]
	r, c := transpose64Fast(dst, dstStride, src, srcStride, rows, cols)
	transposeRest(dst, dstStride, src, srcStride, rows, cols, r, c)
}

// TransposeF32 is Transpose32 for floats.
func TransposeF32(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	Transpose32(asBits(dst), dstStride, asBits(src), srcStride, rows, cols)
}

func asBits(x []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// transposeBlock is the side of the squares that the portable transpose works on: rows and columns of one stay in the first cache.
const transposeBlock = 16

// transposeRest transposes all but the first r rows of the first c columns.
func transposeRest[T uint8 | uint16 | uint32 | uint64](dst []T, dstStride int, src []T, srcStride, rows, cols, r, c int) {
	if c > 0 && r < rows {
		transpose(dst[r:], dstStride, src[r*srcStride:], srcStride, rows-r, c)
	}
	if c < cols {
		transpose(dst[c*dstStride:], dstStride, src[c:], srcStride, rows, cols-c)
	}
}

func transpose[T uint8 | uint16 | uint32 | uint64](dst []T, dstStride int, src []T, srcStride, rows, cols int) {
	switch rows {
	case 3:
		a, b, c := src[:cols], src[srcStride:][:cols], src[2*srcStride:][:cols]
		for j, x := range a {
			d := dst[j*dstStride:][:3]
			d[0], d[1], d[2] = x, b[j], c[j]
		}
		return
	case 4:
		a, b, c, e := src[:cols], src[srcStride:][:cols], src[2*srcStride:][:cols], src[3*srcStride:][:cols]
		for j, x := range a {
			d := dst[j*dstStride:][:4]
			d[0], d[1], d[2], d[3] = x, b[j], c[j], e[j]
		}
		return
	}
	if cols == 3 {
		a, b, c := dst[:rows], dst[dstStride:][:rows], dst[2*dstStride:][:rows]
		for i := range a {
			s := src[i*srcStride:][:3]
			a[i], b[i], c[i] = s[0], s[1], s[2]
		}
		return
	}
	for i0 := 0; i0 < rows; i0 += transposeBlock {
		i1 := min(i0+transposeBlock, rows)
		for j0 := 0; j0 < cols; j0 += transposeBlock {
			j1 := min(j0+transposeBlock, cols)
			for j := j0; j < j1; j++ {
				d := dst[j*dstStride+i0:][:i1-i0]
				at := i0*srcStride + j
				for i := range d {
					d[i] = src[at]
					at += srcStride
				}
			}
		}
	}
}

// ToNHWC writes pixels lo to hi-1 of one image, given as channels planes of pixels elements, as rows of channels that lie pitch apart:
//
//	dst[p*pitch+c] = src[c*pixels+p]
func ToNHWC(dst []float32, pitch int, src []float32, channels, pixels, lo, hi int) {
	if lo < hi && channels > 0 {
		TransposeF32(dst[lo*pitch:], pitch, src[lo:], pixels, channels, hi-lo)
	}
}

// ToNCHW writes pixels lo to hi-1 of one image, given as rows of channels that lie pitch apart, to channels planes of pixels elements:
//
//	dst[c*pixels+p] = src[p*pitch+c]
func ToNCHW(dst []float32, src []float32, pitch, channels, pixels, lo, hi int) {
	if lo < hi && channels > 0 {
		TransposeF32(dst[lo:], pixels, src[lo*pitch:], pitch, hi-lo, channels)
	}
}
