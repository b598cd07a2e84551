package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// matrix gives the addresses of up to 8 rows of one.
type matrix struct{ base, base4, stride, stride3 Register }

func (m matrix) row(i int) Mem {
	base := m.base
	if i >= 4 {
		base = m.base4
	}
	switch i % 4 {
	case 0:
		return Mem{Base: base}
	case 3:
		return Mem{Base: base, Index: m.stride3, Scale: 1}
	}
	return Mem{Base: base, Index: m.stride, Scale: uint8(i % 4)}
}

// transpose writes the kernel for elements of so many bytes: a strip of 8 rows of src (4 of elements of 8 bytes) becomes as many columns
// of dst, a square a turn.
func transpose(bytes int) {
	side, square := 8, map[int]func(from, to matrix){1: square1, 2: square2, 4: square4, 8: square8}[bytes]
	if bytes == 8 {
		side = 4
	}
	bits := bytes * 8
	name := fmt.Sprintf("transpose%dAVX2", bits)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst *uint%d, dstStride int, src *uint%d, srcStride, n int)", bits, bits))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is, for n a multiple of %d and strides in elements,", name, side), "",
		fmt.Sprintf("\tfor j := range n { for i := range %d { dst[j*dstStride+i] = src[i*srcStride+j] } }", side))
	load := func(base, stride string) matrix {
		m := matrix{Load(Param(base), GP64()), GP64(), Load(Param(stride), GP64()), GP64()}
		for b := bytes; b > 1; b /= 2 {
			SHLQ(U8(1), m.stride)
		}
		LEAQ(Mem{Base: m.stride, Index: m.stride, Scale: 2}, m.stride3)
		return m
	}
	to, from := load("dst", "dstStride"), load("src", "srcStride")
	n := Load(Param("n"), GP64())
	Label("loop")
	CMPQ(n, I32(side))
	JLT(LabelRef("end"))
	LEAQ(Mem{Base: from.base, Index: from.stride, Scale: 4}, from.base4)
	LEAQ(Mem{Base: to.base, Index: to.stride, Scale: 4}, to.base4)
	square(from, to)
	ADDQ(I32(side*bytes), from.base)
	LEAQ(Mem{Base: to.base, Index: to.stride, Scale: uint8(side)}, to.base)
	SUBQ(I32(side), n)
	JMP(LabelRef("loop"))
	Label("end")
	VZEROUPPER()
	RET()
}

// pairs interleaves a and b: their lower halves and their upper halves.
func pairs(lower, upper func(...Op), a, b Register, r func() vec) (l, h vec) {
	l, h = r(), r()
	lower(b, a, l)
	upper(b, a, h)
	return l, h
}

// square1 interleaves rows i and i+4, then these pairs i and i+2, then the even rows with the odd ones; a register holds two columns in the end.
func square1(from, to matrix) {
	var r [8]vec
	for i := range r {
		r[i] = XMM()
		VMOVQ(from.row(i), r[i])
	}
	var a, b [4]vec
	for i := range a {
		a[i] = XMM()
		VPUNPCKLBW(r[i+4], r[i], a[i])
	}
	b[0], b[1] = pairs(VPUNPCKLBW, VPUNPCKHBW, a[0], a[2], XMM) // the even rows: columns 0-3, 4-7
	b[2], b[3] = pairs(VPUNPCKLBW, VPUNPCKHBW, a[1], a[3], XMM) // the odd rows
	for h := range 2 {
		l, u := pairs(VPUNPCKLBW, VPUNPCKHBW, b[h], b[h+2], XMM)
		for i, two := range []vec{l, u} {
			VMOVQ(two, to.row(4*h+2*i))
			VPEXTRQ(U8(1), two, to.row(4*h+2*i+1))
		}
	}
}

// square2 goes the same way with 16-bit elements; a register holds a row, and in the end a column.
func square2(from, to matrix) {
	r := make([]vec, 8)
	for i := range r {
		r[i] = XMM()
		VMOVUPS(from.row(i), r[i])
	}
	for range 3 {
		next := make([]vec, 8)
		for i := range 4 {
			next[2*i], next[2*i+1] = pairs(VPUNPCKLWD, VPUNPCKHWD, r[i], r[i+4], XMM)
		}
		r = next
	}
	for j := range r {
		VMOVUPS(r[j], to.row(j))
	}
}

// square4 joins the halves of rows i and i+4 while loading, which leaves two rounds of shuffles within 128 bits.
func square4(from, to matrix) {
	for h := range 2 {
		var r [4]vec
		for i := range r {
			a, b := from.row(i), from.row(i+4)
			a.Disp, b.Disp = 16*h, 16*h
			r[i] = YMM()
			VMOVUPS(a, r[i].AsX())
			VINSERTF128(U8(1), b, r[i], r[i])
		}
		a, b := pairs(VUNPCKLPS, VUNPCKHPS, r[0], r[1], YMM)
		c, d := pairs(VUNPCKLPS, VUNPCKHPS, r[2], r[3], YMM)
		for j, two := range [][2]vec{{a, c}, {a, c}, {b, d}, {b, d}} {
			y := YMM()
			VSHUFPS(U8([]int{0x44, 0xee}[j%2]), two[1], two[0], y)
			VMOVUPS(y, to.row(4*h+j))
		}
	}
}

// square8 joins the halves of rows i and i+2 while loading.
func square8(from, to matrix) {
	for h := range 2 {
		var r [2]vec
		for i := range r {
			a, b := from.row(i), from.row(i+2)
			a.Disp, b.Disp = 16*h, 16*h
			r[i] = YMM()
			VMOVUPS(a, r[i].AsX())
			VINSERTF128(U8(1), b, r[i], r[i])
		}
		a, b := pairs(VUNPCKLPD, VUNPCKHPD, r[0], r[1], YMM)
		VMOVUPS(a, to.row(2*h))
		VMOVUPS(b, to.row(2*h+1))
	}
}
