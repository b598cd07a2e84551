package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// moves writes the conversions and transposes; AVX2 only, as they are bound by memory.
func (m *machine) moves() {
	m.transpose8x8()
	convert := func(name, types, doc string, body func(from, to Register, u int), inBytes, outBytes int) {
		TEXT(name, NOSPLIT, "func(dst *"+outType(types)+", src *"+inType(types)+", n int)")
		Pragma("noescape")
		Doc(name+" is, for n a multiple of 16,", "", "\t"+doc)
		to, from := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
		n := Load(Param("n"), GP64())
		Label("loop")
		CMPQ(n, I32(16))
		JLT(LabelRef("end"))
		for u := range 2 {
			body(from, to, u)
		}
		ADDQ(I32(16*inBytes), from)
		ADDQ(I32(16*outBytes), to)
		SUBQ(I32(16), n)
		JMP(LabelRef("loop"))
		Label("end")
		VZEROUPPER()
		RET()
	}
	convert("fromHalfAVX2", "uint16 float32", "for i, h := range src { dst[i] = fromHalf(h) }", func(from, to Register, u int) {
		y := YMM()
		VCVTPH2PS(Mem{Base: from, Disp: 16 * u}, y)
		VMOVUPS(y, Mem{Base: to, Disp: 32 * u})
	}, 2, 4)
	convert("toHalfAVX2", "float32 uint16", "for i, x := range src { dst[i] = toHalf(x) }", func(from, to Register, u int) {
		y := YMM()
		VMOVUPS(Mem{Base: from, Disp: 32 * u}, y)
		x := XMM()
		VCVTPS2PH(U8(0), y, x)
		VMOVUPS(x, Mem{Base: to, Disp: 16 * u})
	}, 4, 2)
	convert("fromBrainAVX2", "uint16 float32", "for i, h := range src { dst[i] = fromBits(h << 16) }", func(from, to Register, u int) {
		y := YMM()
		VPMOVZXWD(Mem{Base: from, Disp: 16 * u}, y)
		VPSLLD(U8(16), y, y)
		VMOVUPS(y, Mem{Base: to, Disp: 32 * u})
	}, 2, 4)
	convert("toBrainAVX2", "float32 uint16", "for i, x := range src { dst[i] = toBrain(x) }", func(from, to Register, u int) {
		x := YMM()
		VMOVUPS(Mem{Base: from, Disp: 32 * u}, x)
		odd, nan, quiet := YMM(), YMM(), YMM()
		VPSRLD(U8(16), x, odd)
		VPOR(m.place(0x40), odd, quiet)
		VPAND(m.place(1), odd, odd)
		VPADDD(m.place(0x7fff), odd, odd)
		VPADDD(odd, x, odd)
		VPSRLD(U8(16), odd, odd)
		VCMPPS(U8(unordered), x, x, nan)
		VPBLENDVB(nan, quiet, odd, odd)
		VPACKUSDW(odd, odd, odd)
		VPERMQ(U8(0x08), odd, odd)
		VMOVUPS(odd.AsX(), Mem{Base: to, Disp: 16 * u})
	}, 4, 2)

	dequantize := func(name, typ string, widen func(...Op)) {
		TEXT(name, NOSPLIT, "func(dst *float32, src *"+typ+", n int, scale float32, zero int32)")
		Pragma("noescape")
		Doc(name+" is, for n a multiple of 16,", "", "\tfor i, q := range src { dst[i] = float32(int32(q)-zero) * scale }")
		to, from := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
		n := Load(Param("n"), GP64())
		scale, zero := m.broadcast("scale"), m.broadcast("zero")
		Label("loop")
		CMPQ(n, I32(16))
		JLT(LabelRef("end"))
		for u := range 2 {
			y := YMM()
			widen(Mem{Base: from, Disp: 8 * u}, y)
			VPSUBD(zero, y, y)
			VCVTDQ2PS(y, y)
			VMULPS(scale, y, y)
			VMOVUPS(y, Mem{Base: to, Disp: 32 * u})
		}
		ADDQ(I32(16), from)
		ADDQ(I32(64), to)
		SUBQ(I32(16), n)
		JMP(LabelRef("loop"))
		Label("end")
		VZEROUPPER()
		RET()
	}
	dequantize("dequantizeU8AVX2", "uint8", VPMOVZXBD)
	dequantize("dequantizeI8AVX2", "int8", VPMOVSXBD)

	quantize := func(name, typ string, pack func(...Op)) {
		TEXT(name, NOSPLIT, "func(dst *"+typ+", src *float32, n int, scale, lo, hi float32, zero int32)")
		Pragma("noescape")
		Doc(name+" is, for n a multiple of 16,", "", "\tfor i, x := range src { dst[i] = "+typ+"(roundToEven(clip(x/scale, lo, hi))) + zero }")
		to, from := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
		n := Load(Param("n"), GP64())
		scale, lo, hi, zero := m.broadcast("scale"), m.broadcast("lo"), m.broadcast("hi"), m.broadcast("zero")
		Label("loop")
		CMPQ(n, I32(16))
		JLT(LabelRef("end"))
		var y [2]vec
		for u := range y {
			y[u] = YMM()
			VMOVUPS(Mem{Base: from, Disp: 32 * u}, y[u])
			VDIVPS(scale, y[u], y[u])
			VMAXPS(lo, y[u], y[u]) // a NaN becomes lo
			VMINPS(hi, y[u], y[u])
			VCVTPS2DQ(y[u], y[u])
			VPADDD(zero, y[u], y[u])
		}
		VPACKSSDW(y[1], y[0], y[0]) // 0-3, 8-11, 4-7, 12-15
		VPERMQ(U8(0xd8), y[0], y[0])
		pack(y[0], y[0], y[0]) // 0-7, 0-7, 8-15, 8-15
		VPERMQ(U8(0x08), y[0], y[0])
		VMOVUPS(y[0].AsX(), Mem{Base: to})
		ADDQ(I32(64), from)
		ADDQ(I32(16), to)
		SUBQ(I32(16), n)
		JMP(LabelRef("loop"))
		Label("end")
		VZEROUPPER()
		RET()
	}
	quantize("quantizeU8AVX2", "uint8", VPACKUSWB)
	quantize("quantizeI8AVX2", "int8", VPACKSSWB)
}

func inType(types string) string {
	for i, c := range types {
		if c == ' ' {
			return types[:i]
		}
	}
	return types
}

func outType(types string) string { return types[len(inType(types))+1:] }

// transpose8x8 writes 8 rows of src as 8 columns of dst, 8 elements of them at a time.
func (m *machine) transpose8x8() {
	TEXT("transpose8AVX2", NOSPLIT, "func(dst *uint32, dstStride int, src *uint32, srcStride, n int)")
	Pragma("noescape")
	Doc("transpose8AVX2 is, for n a multiple of 8 and strides in elements,", "",
		"\tfor j := range n { for i := range 8 { dst[j*dstStride+i] = src[i*srcStride+j] } }")
	to, from := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	ds, ss := Load(Param("dstStride"), GP64()), Load(Param("srcStride"), GP64())
	n := Load(Param("n"), GP64())
	SHLQ(U8(2), ds)
	SHLQ(U8(2), ss)
	s3, d3 := GP64(), GP64()
	LEAQ(Mem{Base: ss, Index: ss, Scale: 2}, s3)
	LEAQ(Mem{Base: ds, Index: ds, Scale: 2}, d3)
	from4, to4 := GP64(), GP64()
	at := func(base, base4, stride, three Register, i int) Mem {
		if i >= 4 {
			base = base4
		}
		switch i % 4 {
		case 0:
			return Mem{Base: base}
		case 3:
			return Mem{Base: base, Index: three, Scale: 1}
		}
		return Mem{Base: base, Index: stride, Scale: uint8(i % 4)}
	}
	Label("loop")
	CMPQ(n, I32(8))
	JLT(LabelRef("end"))
	LEAQ(Mem{Base: from, Index: ss, Scale: 4}, from4)
	LEAQ(Mem{Base: to, Index: ds, Scale: 4}, to4)
	// The halves of rows i and i+4 are joined while loading, which leaves two rounds of shuffles within 128 bits.
	var r, t [8]vec
	for i := range 4 {
		lo, hi := YMM(), YMM()
		VMOVUPS(at(from, from4, ss, s3, i), lo.AsX())
		VINSERTF128(U8(1), at(from, from4, ss, s3, i+4), lo, lo)
		high := func(i int) Mem {
			a := at(from, from4, ss, s3, i)
			a.Disp += 16
			return a
		}
		VMOVUPS(high(i), hi.AsX())
		VINSERTF128(U8(1), high(i+4), hi, hi)
		r[i], r[i+4] = lo, hi
	}
	for h := 0; h < 8; h += 4 {
		for i := range 4 {
			t[h+i] = YMM()
		}
		VUNPCKLPS(r[h+1], r[h], t[h])
		VUNPCKHPS(r[h+1], r[h], t[h+1])
		VUNPCKLPS(r[h+3], r[h+2], t[h+2])
		VUNPCKHPS(r[h+3], r[h+2], t[h+3])
		for j, pair := range [4][3]int{{0, 2, 0x44}, {0, 2, 0xee}, {1, 3, 0x44}, {1, 3, 0xee}} {
			c := YMM()
			VSHUFPS(U8(pair[2]), t[h+pair[1]], t[h+pair[0]], c)
			VMOVUPS(c, at(to, to4, ds, d3, h+j))
		}
	}
	ADDQ(I32(32), from)
	LEAQ(Mem{Base: to, Index: ds, Scale: 8}, to)
	SUBQ(I32(8), n)
	JMP(LabelRef("loop"))
	Label("end")
	VZEROUPPER()
	RET()
}
