package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"ingot/internal/kernel/gen/asm"
)

// form8 is a way to multiply 8-bit integers exactly. A dword of A is group elements of a row; a dword of a vector of B is group
// elements of a column (half a dword for pairs, which are widened on loading).
type form8 struct {
	isa
	name  string
	group int
}

var (
	pairs = form8{isaAVX2, "PairsAVX2", 2}   // VPMADDWD of 16-bit integers
	quads = form8{isaAVX512, "QuadsVNNI", 4} // VPDPBUSD of unsigned and signed bytes
)

// Offsets of the fields of gemm.tile8Args.
const (
	arg8K     = 0
	arg8A     = 8
	arg8LDA   = 16
	arg8B     = 24
	arg8C     = 32
	arg8LDC   = 40
	arg8Rows  = 48
	arg8Vecs  = 56
	arg8Flags = 64
	arg8Mask  = 72
	arg8ZeroA = 80
	arg8TermB = 88
	arg8SumA  = 96
	arg8ZeroB = 104
)

const (
	flag8Add = 1 << iota
	flag8ZeroA
	flag8ZeroB
)

func tile8(f form8) {
	TEXT("gemm8"+f.name, NOSPLIT, "func(x *byte)")
	Pragma("noescape")
	Doc("int32 C tile = product of 8-bit rows of A with a panel of B; see tile8Args.")
	x := Load(Param("x"), GP64())
	rows, vecs := GP64(), GP64()
	MOVQ(Mem{Base: x, Disp: arg8Rows}, rows)
	MOVQ(Mem{Base: x, Disp: arg8Vecs}, vecs)
	dispatch(rows, vecs, f.isa)
	for nv := f.vecs; nv >= 1; nv-- {
		for r := f.rows; r >= 1; r-- {
			b := body{isa: f.isa, elem: f32, x: x, label: fmt.Sprintf("tile%dx%d", r, nv), r: r, nv: nv}
			b.write8(f)
		}
	}
}

func (t *body) write8(f form8) {
	Label(t.label)
	t.acc = t.zeros(t.r)
	t.product8(f)
	t.epilogue8()
	t.store8()
	asm.Return()
}

func (t *body) product8(f form8) {
	k, lda, b := t.arg(arg8K), t.arg(arg8LDA), t.arg(arg8B)
	rows, at := rowsOf(t.arg(arg8A), lda, t.r)
	size := t.bytes // of a vector of B in memory
	if f.group == 2 {
		size /= 2
	}
	stride := t.isa.vecs * size
	step := func(u int) {
		bv := make([]VecVirtual, t.nv)
		for j := range bv {
			bv[j] = t.vector()
			m := Mem{Base: b, Disp: u*stride + j*size}
			if f.group == 2 {
				VPMOVSXBW(m, bv[j])
			} else {
				VMOVDQU32(m, bv[j])
			}
		}
		for i := range t.r {
			av := t.vector()
			VPBROADCASTD(at(i, 4*u), av)
			for j := range bv {
				if f.group == 4 {
					dotBytes(bv[j], av, t.acc[i][j])
					continue
				}
				products := t.vector()
				VPMADDWD(bv[j], av, products)
				VPADDD(products, t.acc[i][j], t.acc[i][j])
			}
		}
	}
	SUBQ(U32(uint32(t.unroll)), k)
	JLT(LabelRef(t.label + "_tail"))
	Label(t.label + "_loop")
	for u := range t.unroll {
		step(u)
	}
	PREFETCHT0(Mem{Base: b, Disp: 1024})
	advance(rows, 4*t.unroll)
	advance([]Register{b}, stride*t.unroll)
	SUBQ(U32(uint32(t.unroll)), k)
	JGE(LabelRef(t.label + "_loop"))
	Label(t.label + "_tail")
	ADDQ(U32(uint32(t.unroll)), k)
	JZ(LabelRef(t.label + "_done"))
	Label(t.label + "_single")
	step(0)
	advance(rows, 4)
	advance([]Register{b}, stride)
	DECQ(k)
	JNZ(LabelRef(t.label + "_single"))
	Label(t.label + "_done")
}

// epilogue8 adds C and subtracts zeroA[i]·termB[j] and sumA[i]·zeroB[j], as flags ask for.
func (t *body) epilogue8() {
	if t.masked {
		mask := t.arg(arg8Mask)
		KMOVW(mask.(GPVirtual).As32(), K1)
	}
	flags := t.arg(arg8Flags)
	t.section(flags, flag8Add, "add", func() {
		c, ldc := t.arg(arg8C), t.arg(arg8LDC)
		for i := range t.r {
			for j := range t.nv {
				v := t.loadPart(Mem{Base: c, Disp: j * t.bytes}, j)
				VPADDD(v, t.acc[i][j], t.acc[i][j])
			}
			if i != t.r-1 {
				ADDQ(ldc, c)
			}
		}
	})
	minus := func(row, col int) {
		rows, cols := t.arg(row), t.arg(col)
		for j := range t.nv {
			v := t.vector()
			t.load(Mem{Base: cols, Disp: j * t.bytes}, v)
			for i := range t.r {
				p := t.vector()
				VPBROADCASTD(Mem{Base: rows, Disp: 4 * i}, p)
				VPMULLD(v, p, p)
				VPSUBD(p, t.acc[i][j], t.acc[i][j])
			}
		}
	}
	t.section(flags, flag8ZeroA, "zeroa", func() { minus(arg8ZeroA, arg8TermB) })
	t.section(flags, flag8ZeroB, "zerob", func() { minus(arg8SumA, arg8ZeroB) })
}

func (t *body) store8() {
	c, ldc := t.arg(arg8C), t.arg(arg8LDC)
	for i := range t.r {
		for j := range t.nv {
			t.storePart(t.acc[i][j], Mem{Base: c, Disp: j * t.bytes}, j)
		}
		if i != t.r-1 {
			ADDQ(ldc, c)
		}
	}
}

// dotBytes emits VPDPBUSD, which avo lacks: each dword of sum += four signed bytes of s × four unsigned bytes of u, without saturation.
func dotBytes(s, u, sum VecVirtual) {
	Instruction(&ir.Instruction{
		Opcode: "VPDPBUSD", Operands: []Op{s, u, sum}, Inputs: []Op{s, u, sum}, Outputs: []Op{sum}, ISA: []string{"AVX512VNNI"},
	})
}

// unsignedRow writes the kernels that pack a row of A: as bytes, or widened to 16 bits.
func unsignedRow(wide bool) {
	name, dst, loop := "copyBytesAVX2", "uint8", "dst[i] = src[i] ^ flip"
	if wide {
		name, dst, loop = "widenBytesAVX2", "int16", "dst[i] = int16(src[i] ^ flip)"
	}
	TEXT(name, NOSPLIT, fmt.Sprintf("func(n uint64, src *uint8, dst *%s, flip uint64) uint64", dst))
	Pragma("noescape")
	Doc(loop + " for i < n; returns the sum of src[i] ^ flip. n > 0 is a multiple of 32, flip a byte.")
	n := Load(Param("n"), GP64())
	src := Load(Param("src"), GP64())
	d := Load(Param("dst"), GP64())
	f := Load(Param("flip"), GP64())
	flip, zero, sum := YMM(), YMM(), YMM()
	VMOVQ(f, flip.AsX())
	VPBROADCASTB(flip.AsX(), flip)
	VPXOR(zero, zero, zero)
	VPXOR(sum, sum, sum)
	Label("loop")
	v, s := YMM(), YMM()
	VPXOR(Mem{Base: src}, flip, v)
	VPSADBW(zero, v, s)
	VPADDQ(s, sum, sum)
	if wide {
		low, high := YMM(), YMM()
		VPMOVZXBW(v.AsX(), low)
		VMOVDQU(low, Mem{Base: d})
		VEXTRACTI128(U8(1), v, v.AsX())
		VPMOVZXBW(v.AsX(), high)
		VMOVDQU(high, Mem{Base: d, Disp: 32})
		ADDQ(U32(64), d)
	} else {
		VMOVDQU(v, Mem{Base: d})
		ADDQ(U32(32), d)
	}
	ADDQ(U32(32), src)
	SUBQ(U32(32), n)
	JNZ(LabelRef("loop"))
	upper := XMM()
	VEXTRACTI128(U8(1), sum, upper)
	VPADDQ(sum.AsX(), upper, upper)
	total, more := GP64(), GP64()
	VMOVQ(upper, total)
	VPEXTRQ(U8(1), upper, more)
	ADDQ(more, total)
	Store(total, ReturnIndex(0))
	asm.Return()
}
