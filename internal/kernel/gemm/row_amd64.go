package gemm

import (
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// maxLanes is the largest number of elements in a vector.
const maxLanes = 16

// vectorLen is the number of elements that the row kernels take at a time.
func vectorLen[T Number](tier cpu.Tier) int {
	size := int(unsafe.Sizeof(*new(T)))
	switch {
	case !hasAssembly[T](tier):
		return 1
	case tier == cpu.AVX512:
		return 64 / size
	}
	return 32 / size
}

// addRows8 is
//
//	for j := range y { y[j] += a[0]·b[j] + a[1]·b[ldb+j] + … + a[7]·b[7·ldb+j] }
//
// in this order. len(y) is a positive multiple of vectorLen.
func addRows8[T Number](tier cpu.Tier, y, a, b []T, ldb int) {
	_, _ = a[rowGroup-1], b[(rowGroup-1)*ldb:][:len(y)]
	n, stride := uint64(len(y)), uint64(ldb)*uint64(unsafe.Sizeof(y[0]))
	if hasAssembly[T](tier) {
		switch y := any(&y[0]).(type) {
		case *float32:
			a, b := any(&a[0]).(*float32), any(&b[0]).(*float32)
			if tier == cpu.AVX512 {
				saddRows8AVX512(n, a, b, stride, y)
			} else {
				saddRows8AVX2(n, a, b, stride, y)
			}
			return
		case *float64:
			a, b := any(&a[0]).(*float64), any(&b[0]).(*float64)
			if tier == cpu.AVX512 {
				daddRows8AVX512(n, a, b, stride, y)
			} else {
				daddRows8AVX2(n, a, b, stride, y)
			}
			return
		}
	}
	addRows8Go(y, a, b, ldb)
}

// dot4 is
//
//	for r := range y { y[r] = Σ_q a[q]·b[r·ldb+q] }
//
// len(a) is a positive multiple of vectorLen. The assembly sums by lanes.
func dot4[T Number](tier cpu.Tier, y *[4]T, a, b []T, ldb int) {
	_ = b[3*ldb:][:len(a)]
	n, stride := uint64(len(a)), uint64(ldb)*uint64(unsafe.Sizeof(a[0]))
	if hasAssembly[T](tier) {
		switch y := any(&y[0]).(type) {
		case *float32:
			a, b := any(&a[0]).(*float32), any(&b[0]).(*float32)
			if tier == cpu.AVX512 {
				sdot4AVX512(n, a, b, stride, y)
			} else {
				sdot4AVX2(n, a, b, stride, y)
			}
			return
		case *float64:
			a, b := any(&a[0]).(*float64), any(&b[0]).(*float64)
			if tier == cpu.AVX512 {
				ddot4AVX512(n, a, b, stride, y)
			} else {
				ddot4AVX2(n, a, b, stride, y)
			}
			return
		}
	}
	dot4Go(y, a, b, ldb)
}

// transpose writes the rows × cols elements of src, whose rows lie lds apart, to dst as columns: dst[c·ldd+r] = src[r·lds+c].
func transpose[T Number](tier cpu.Tier, dst []T, ldd int, src []T, lds, rows, cols int) {
	if rows < 8 || cols < 8 || !hasAssembly[T](tier) {
		transposeGo(dst, ldd, src, lds, rows, cols)
		return
	}
	if _, ok := any(&dst[0]).(*float32); !ok {
		transposeGo(dst, ldd, src, lds, rows, cols)
		return
	}
	whole := cols &^ 7
	for r := 0; r < rows; r += 8 {
		if rows-r < 8 {
			transposeGo(dst[r:], ldd, src[r*lds:], lds, rows-r, cols)
			return
		}
		s, d := src[r*lds:], dst[r:]
		_, _ = s[7*lds:][:cols], d[(cols-1)*ldd:][:8]
		stranspose8AVX2(uint64(whole), any(&s[0]).(*float32), uint64(lds)*4, any(&d[0]).(*float32), uint64(ldd)*4)
		if whole < cols {
			transposeGo(d[whole*ldd:], ldd, s[whole:], lds, 8, cols-whole)
		}
	}
}
