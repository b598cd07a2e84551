package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// moves writes the conversions and transposes; AVX2 only, as they are bound by memory.
func (m *machine) moves() {
	for _, bytes := range []int{1, 2, 4, 8} {
		transpose(bytes)
	}
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
