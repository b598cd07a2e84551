package vec

import "ingot/internal/kernel/cpu"

// These convert as many elements as the assembly does, and return how many: a multiple of 16, or 0 without assembly.

func wholes(n int) int {
	if tier == cpu.Generic {
		return 0
	}
	return n &^ 15
}

func fromHalfFast(dst []float32, src []uint16) int {
	n := wholes(len(src))
	for at := 0; at < n; at += longest {
		fromHalfAVX2(&dst[at], &src[at], min(longest, n-at))
	}
	return n
}

func toHalfFast(dst []uint16, src []float32) int {
	n := wholes(len(src))
	for at := 0; at < n; at += longest {
		toHalfAVX2(&dst[at], &src[at], min(longest, n-at))
	}
	return n
}

func fromBrainFast(dst []float32, src []uint16) int {
	n := wholes(len(src))
	for at := 0; at < n; at += longest {
		fromBrainAVX2(&dst[at], &src[at], min(longest, n-at))
	}
	return n
}

func toBrainFast(dst []uint16, src []float32) int {
	n := wholes(len(src))
	for at := 0; at < n; at += longest {
		toBrainAVX2(&dst[at], &src[at], min(longest, n-at))
	}
	return n
}

func dequantizeU8Fast(dst []float32, src []uint8, scale float32, zero int32) int {
	n := wholes(len(src))
	for at := 0; at < n; at += longest {
		dequantizeU8AVX2(&dst[at], &src[at], min(longest, n-at), scale, zero)
	}
	return n
}

func dequantizeI8Fast(dst []float32, src []int8, scale float32, zero int32) int {
	n := wholes(len(src))
	for at := 0; at < n; at += longest {
		dequantizeI8AVX2(&dst[at], &src[at], min(longest, n-at), scale, zero)
	}
	return n
}

func quantizeU8Fast(dst []uint8, src []float32, scale, lo, hi float32, zero int32) int {
	n := wholes(len(src))
	for at := 0; at < n; at += longest {
		quantizeU8AVX2(&dst[at], &src[at], min(longest, n-at), scale, lo, hi, zero)
	}
	return n
}

func quantizeI8Fast(dst []int8, src []float32, scale, lo, hi float32, zero int32) int {
	n := wholes(len(src))
	for at := 0; at < n; at += longest {
		quantizeI8AVX2(&dst[at], &src[at], min(longest, n-at), scale, lo, hi, zero)
	}
	return n
}
