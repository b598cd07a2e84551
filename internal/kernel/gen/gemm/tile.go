package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"ingot/internal/kernel/gen/asm"
)

// elem is an element type.
type elem struct {
	letter string // of the kernel's name
	goType string
	size   int
}

var f32, f64 = elem{"s", "float32", 4}, elem{"d", "float64", 8}

// pick returns the instruction for the element type.
func (e elem) pick(single, double func(...Op)) func(...Op) {
	if e.size == 4 {
		return single
	}
	return double
}

// isa is an instruction set: its vector width, its register tile (rows × vectors), how far k is unrolled.
type isa struct {
	name   string
	bytes  int
	rows   int
	vecs   int
	unroll int
	masked bool // the last vector of a row may be partial
}

var (
	isaAVX2   = isa{name: "AVX2", bytes: 32, rows: 6, vecs: 2, unroll: 4}
	isaAVX512 = isa{name: "AVX512", bytes: 64, rows: 12, vecs: 2, unroll: 4, masked: true}
)

func (s isa) vector() VecVirtual {
	if s.bytes == 64 {
		return ZMM()
	}
	return YMM()
}

func (s isa) zero(v VecVirtual) {
	if s.bytes == 64 {
		VPXORD(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
}

// Offsets of the fields of gemm.tileArgs; a test there compares them.
const (
	argK       = 0
	argA       = 8
	argLDA     = 16
	argB       = 24
	argLDB     = 32
	argC       = 40
	argLDC     = 48
	argD       = 56
	argLDD     = 64
	argBias    = 72
	argRowBias = 80
	argNextA   = 88
	argNextB   = 96
	argRows    = 104
	argVecs    = 112
	argFlags   = 120
	argMask    = 128
	argScalars = 136 // alpha, beta, lo, hi
)

// Bits of tileArgs.flags.
const (
	flagAlpha = 1 << iota
	flagD
	flagBias
	flagRowBias
	flagClip
)

// floatTile writes the micro-kernel of one instruction set and element type: a compare chain on (rows, vecs) and a body for each pair.
func floatTile(s isa, e elem) {
	TEXT(fmt.Sprintf("%sgemmTile%s", e.letter, s.name), NOSPLIT, "func(x *byte)")
	Pragma("noescape")
	Doc("C tile = product of rows of A with a panel of B and the epilogue; see tileArgs.")
	x := Load(Param("x"), GP64())
	arg := func(off int) Register {
		r := GP64()
		MOVQ(Mem{Base: x, Disp: off}, r)
		return r
	}
	rows, vecs := arg(argRows), arg(argVecs)
	dispatch(rows, vecs, s)
	for nv := s.vecs; nv >= 1; nv-- {
		for r := s.rows; r >= 1; r-- {
			t := body{isa: s, elem: e, x: x, label: fmt.Sprintf("tile%dx%d", r, nv), r: r, nv: nv}
			t.write()
		}
	}
}

// dispatch jumps to the body for (rows, vecs), the largest tiles first.
func dispatch(rows, vecs Register, s isa) {
	for nv := s.vecs; nv >= 1; nv-- {
		if nv > 1 {
			CMPQ(vecs, U8(uint8(nv)))
			JNE(LabelRef(fmt.Sprintf("narrower%d", nv)))
		}
		for r := s.rows; r > 1; r-- {
			CMPQ(rows, U8(uint8(r)))
			JEQ(LabelRef(fmt.Sprintf("tile%dx%d", r, nv)))
		}
		JMP(LabelRef(fmt.Sprintf("tile%dx%d", 1, nv)))
		if nv > 1 {
			Label(fmt.Sprintf("narrower%d", nv))
		}
	}
}

// body is one register tile: r rows of A times nv vectors of B.
type body struct {
	isa
	elem
	x     Register
	label string
	r, nv int
	acc   [][]VecVirtual
}

func (t *body) arg(off int) Register {
	g := GP64()
	MOVQ(Mem{Base: t.x, Disp: off}, g)
	return g
}

func (t *body) write() {
	Label(t.label)
	t.acc = t.zeros(t.r)
	t.prefetchC()
	t.product()
	t.epilogue()
	t.store()
	asm.Return()
}

// zeros returns n rows of sums.
func (t *body) zeros(n int) [][]VecVirtual {
	rows := make([][]VecVirtual, n)
	for i := range rows {
		for range t.nv {
			z := t.vector()
			t.zero(z)
			rows[i] = append(rows[i], z)
		}
	}
	return rows
}

// prefetchC asks for the tile of C, which is written at the end.
func (t *body) prefetchC() {
	c, ldc := t.arg(argC), t.arg(argLDC)
	for i := range t.r {
		PREFETCHT0(Mem{Base: c})
		if t.nv > 1 {
			PREFETCHT0(Mem{Base: c, Disp: t.nv*t.bytes - 4})
		}
		if i != t.r-1 {
			ADDQ(ldc, c)
		}
	}
}

// rowsOf addresses n rows that lie ld bytes apart from the pointers first, first+3·ld, first+6·ld… with the scales 0, 1 and 2, so
// that twelve rows need five registers. at gives the operand disp bytes into row i.
func rowsOf(first, ld Register, n int) (pointers []Register, at func(i, disp int) Mem) {
	pointers = []Register{first}
	if n > 3 {
		ld3 := GP64()
		LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
		for len(pointers)*3 < n {
			p := GP64()
			LEAQ(Mem{Base: pointers[len(pointers)-1], Index: ld3, Scale: 1}, p)
			pointers = append(pointers, p)
		}
	}
	return pointers, func(i, disp int) Mem {
		m := Mem{Base: pointers[i/3], Disp: disp}
		if i%3 != 0 {
			m.Index, m.Scale = ld, uint8(i%3)
		}
		return m
	}
}

// advance adds n bytes to pointers.
func advance(pointers []Register, n int) {
	for _, p := range pointers {
		ADDQ(U32(uint32(n)), p)
	}
}

// product accumulates the k loop.
func (t *body) product() {
	k, lda, b, ldb := t.arg(argK), t.arg(argLDA), t.arg(argB), t.arg(argLDB)
	nextA, nextB := t.arg(argNextA), t.arg(argNextB)
	rows, at := rowsOf(t.arg(argA), lda, t.r)
	step := func(u int) {
		bv := make([]VecVirtual, t.nv)
		for j := range bv {
			bv[j] = t.vector()
			t.load(Mem{Base: b, Disp: j * t.bytes}, bv[j])
		}
		ADDQ(ldb, b)
		for i := range t.r {
			av := t.vector()
			t.broadcast(at(i, u*t.size), av)
			for j := range bv {
				t.fma(bv[j], av, t.acc[i][j])
			}
		}
	}
	SUBQ(U32(uint32(t.unroll)), k)
	JLT(LabelRef(t.label + "_tail"))
	Label(t.label + "_loop")
	// The next rows of A are contiguous when A is packed: r·unroll elements an iteration.
	lines := (t.r*t.unroll*t.size + 63) / 64
	for u := range t.unroll {
		step(u)
		if u < lines {
			PREFETCHT0(Mem{Base: nextA, Disp: 64 * u})
		}
	}
	PREFETCHT1(Mem{Base: nextB})
	ADDQ(U32(64), nextB)
	ADDQ(U32(uint32(t.r*t.unroll*t.size)), nextA)
	advance(rows, t.unroll*t.size)
	SUBQ(U32(uint32(t.unroll)), k)
	JGE(LabelRef(t.label + "_loop"))
	Label(t.label + "_tail")
	ADDQ(U32(uint32(t.unroll)), k)
	JZ(LabelRef(t.label + "_done"))
	Label(t.label + "_single")
	step(0)
	advance(rows, t.size)
	DECQ(k)
	JNZ(LabelRef(t.label + "_single"))
	Label(t.label + "_done")
}

// epilogue applies what flags asks for, in the order of tileArgs.
func (t *body) epilogue() {
	if t.masked {
		mask := t.arg(argMask)
		KMOVW(mask.(GPVirtual).As32(), K1)
	}
	flags := t.arg(argFlags)
	TESTQ(flags, flags)
	JZ(LabelRef(t.label + "_store"))

	scalar := func(i int) VecVirtual {
		v := t.vector()
		t.broadcast(Mem{Base: t.x, Disp: argScalars + i*t.size}, v)
		return v
	}
	t.section(flags, flagAlpha, "alpha", func() {
		alpha := scalar(0)
		t.each(func(i, j int) { t.mul(alpha, t.acc[i][j]) })
	})
	t.section(flags, flagD, "addend", func() {
		d, ldd, beta := t.arg(argD), t.arg(argLDD), scalar(1)
		for i := range t.r {
			for j := range t.nv {
				v := t.loadPart(Mem{Base: d, Disp: j * t.bytes}, j)
				t.fma(v, beta, t.acc[i][j])
			}
			if i != t.r-1 {
				ADDQ(ldd, d)
			}
		}
	})
	t.section(flags, flagBias, "bias", func() {
		bias := t.arg(argBias)
		for j := range t.nv {
			v := t.loadPart(Mem{Base: bias, Disp: j * t.bytes}, j)
			for i := range t.r {
				t.add(v, t.acc[i][j])
			}
		}
	})
	t.section(flags, flagRowBias, "rowbias", func() {
		bias := t.arg(argRowBias)
		for i := range t.r {
			v := t.vector()
			t.broadcast(Mem{Base: bias, Disp: i * t.size}, v)
			for j := range t.nv {
				t.add(v, t.acc[i][j])
			}
		}
	})
	t.section(flags, flagClip, "clip", func() {
		// MAX and MIN return the second source when one is NaN: the accumulator, so that NaN stays.
		lo, hi := scalar(2), scalar(3)
		t.each(func(i, j int) { t.max(lo, t.acc[i][j]) })
		t.each(func(i, j int) { t.min(hi, t.acc[i][j]) })
	})
	Label(t.label + "_store")
}

// section writes what is done when a flag is set.
func (t *body) section(flags Register, flag int, name string, f func()) {
	after := t.label + "_no" + name
	TESTQ(U32(uint32(flag)), flags)
	JZ(LabelRef(after))
	f()
	Label(after)
}

func (t *body) store() {
	c, ldc := t.arg(argC), t.arg(argLDC)
	for i := range t.r {
		for j := range t.nv {
			t.storePart(t.acc[i][j], Mem{Base: c, Disp: j * t.bytes}, j)
		}
		if i != t.r-1 {
			ADDQ(ldc, c)
		}
	}
}

func (t *body) each(f func(i, j int)) {
	for i := range t.r {
		for j := range t.nv {
			f(i, j)
		}
	}
}

// loadPart loads vector j of a row; the last one under the mask.
func (t *body) loadPart(m Mem, j int) VecVirtual {
	v := t.vector()
	switch {
	case !t.masked || j != t.nv-1:
		t.load(m, v)
	case t.size == 4:
		VMOVUPS_Z(m, K1, v)
	default:
		VMOVUPD_Z(m, K1, v)
	}
	return v
}

func (t *body) storePart(v VecVirtual, m Mem, j int) {
	switch masked := t.masked && j == t.nv-1; {
	case masked && t.size == 4:
		VMOVUPS(v, K1, m)
	case masked:
		VMOVUPD(v, K1, m)
	case t.size == 4:
		VMOVUPS(v, m)
	default:
		VMOVUPD(v, m)
	}
}

func (t *body) load(m Mem, v VecVirtual) { t.pick(VMOVUPS, VMOVUPD)(m, v) }

func (t *body) broadcast(m Mem, v VecVirtual) { t.pick(VBROADCASTSS, VBROADCASTSD)(m, v) }

func (t *body) mul(a, dst VecVirtual) { t.pick(VMULPS, VMULPD)(a, dst, dst) }

func (t *body) add(a, dst VecVirtual) { t.pick(VADDPS, VADDPD)(a, dst, dst) }

// max and min: Go's operand order is the reverse of Intel's, so the first operand is Intel's second source.
func (t *body) max(a, dst VecVirtual) { t.pick(VMAXPS, VMAXPD)(dst, a, dst) }

func (t *body) min(a, dst VecVirtual) { t.pick(VMINPS, VMINPD)(dst, a, dst) }

func (t *body) fma(a, b, dst VecVirtual) { t.pick(VFMADD231PS, VFMADD231PD)(a, b, dst) }
