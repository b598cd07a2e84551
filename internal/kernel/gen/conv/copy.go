package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"ingot/internal/kernel/gen/asm"
)

// copyRows writes the copies of short rows, which a call of memmove each would make slow. The last vector of a row overlaps the one before.
func copyRows() {
	write := func(name, doc string, lanes int, vector func() VecVirtual) {
		TEXT(name, NOSPLIT, "func(dst *float32, ldd int, src *float32, lds, size, n int)")
		Pragma("noescape")
		Doc(name+" is, for size ≥ "+doc+" and n ≥ 1, strides in bytes,", "", "\tfor i := range n { copy(dst[i*ldd:][:size], src[i*lds:]) }")
		dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
		ldd, lds := Load(Param("ldd"), GP64()), Load(Param("lds"), GP64())
		size, n := Load(Param("size"), GP64()), Load(Param("n"), GP64())
		SUBQ(U8(uint8(lanes)), size) // the start of the last vector
		i := GP64()
		Label("row")
		XORQ(i, i)
		CMPQ(i, size)
		JGE(LabelRef("last"))
		Label("loop")
		v := vector()
		VMOVUPS(Mem{Base: src, Index: i, Scale: 4}, v)
		VMOVUPS(v, Mem{Base: dst, Index: i, Scale: 4})
		ADDQ(U8(uint8(lanes)), i)
		CMPQ(i, size)
		JLT(LabelRef("loop"))
		Label("last")
		v = vector()
		VMOVUPS(Mem{Base: src, Index: size, Scale: 4}, v)
		VMOVUPS(v, Mem{Base: dst, Index: size, Scale: 4})
		ADDQ(ldd, dst)
		ADDQ(lds, src)
		DECQ(n)
		JNZ(LabelRef("row"))
		asm.Return()
	}
	write("copyRows8", "8", 8, func() VecVirtual { return YMM() })
	write("copyRows4", "4", 4, func() VecVirtual { return XMM() })
}
