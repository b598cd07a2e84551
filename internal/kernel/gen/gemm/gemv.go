package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"ingot/internal/kernel/gen/asm"
)

// oneRow writes the kernel of one row times a packed panel. It reads B as fast as the caches deliver it: four sums an element,
// for k = 0, 1, 2, 3 modulo 4, hide the latency of the multiply-adds.
func oneRow(s isa, e elem) {
	TEXT(fmt.Sprintf("%sgemvPanel%s", e.letter, s.name), NOSPLIT, "func(x *byte)")
	Pragma("noescape")
	Doc("One row of C = one row of A times a packed panel of B and the epilogue; see tileArgs.")
	x := Load(Param("x"), GP64())
	vecs := GP64()
	MOVQ(Mem{Base: x, Disp: argVecs}, vecs)
	CMPQ(vecs, U8(1))
	JEQ(LabelRef("row1"))
	for nv := s.vecs; nv >= 1; nv-- {
		t := body{isa: s, elem: e, x: x, label: fmt.Sprintf("row%d", nv), r: 1, nv: nv}
		t.writeRow()
	}
}

func (t *body) writeRow() {
	Label(t.label)
	const sums = 4
	acc := t.zeros(sums)
	k, a, b, ldb := t.arg(argK), t.arg(argA), t.arg(argB), t.arg(argLDB)
	step := func(u int) {
		av := t.vector()
		t.broadcast(Mem{Base: a, Disp: u * t.size}, av)
		for j := range t.nv {
			t.pick(VFMADD231PS, VFMADD231PD)(Mem{Base: b, Disp: j * t.bytes}, av, acc[u][j])
		}
		for j := 0; j < t.vecs*t.bytes; j += 64 {
			PREFETCHT0(Mem{Base: b, Disp: 2048 + j})
		}
		ADDQ(ldb, b)
	}
	SUBQ(U32(sums), k)
	JLT(LabelRef(t.label + "_tail"))
	Label(t.label + "_loop")
	for u := range sums {
		step(u)
	}
	ADDQ(U32(uint32(sums*t.size)), a)
	SUBQ(U32(sums), k)
	JGE(LabelRef(t.label + "_loop"))
	Label(t.label + "_tail")
	ADDQ(U32(sums), k)
	JZ(LabelRef(t.label + "_done"))
	Label(t.label + "_single")
	step(0)
	ADDQ(U32(uint32(t.size)), a)
	DECQ(k)
	JNZ(LabelRef(t.label + "_single"))
	Label(t.label + "_done")
	for j := range t.nv {
		t.add(acc[1][j], acc[0][j])
		t.add(acc[3][j], acc[2][j])
		t.add(acc[2][j], acc[0][j])
	}
	t.acc = acc[:1]
	t.epilogue()
	t.store()
	asm.Return()
}

// addRows writes y[0:n] += Σ_{u<8} a[u]·b[u·ldb : +n] for one row times an unpacked B: eight rows of B are read side by side.
func addRows(s isa, e elem) {
	TEXT(e.letter+"addRows8"+s.name, NOSPLIT, fmt.Sprintf("func(n uint64, a, b *%[1]s, ldb uint64, y *%[1]s)", e.goType))
	Pragma("noescape")
	Doc("y[j] += a[0]·b[j] + a[1]·b[ldb+j] + … + a[7]·b[7·ldb+j], in this order, for j < n; n > 0 is a multiple of the vector length.", "ldb is in bytes.")
	n := Load(Param("n"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	ldb := Load(Param("ldb"), GP64())
	y := Load(Param("y"), GP64())
	var av [8]VecVirtual
	for u := range av {
		av[u] = s.vector()
		e.pick(VBROADCASTSS, VBROADCASTSD)(Mem{Base: a, Disp: u * e.size}, av[u])
	}
	ldb3, b5 := GP64(), GP64()
	LEAQ(Mem{Base: ldb, Index: ldb, Scale: 2}, ldb3)
	LEAQ(Mem{Base: b, Index: ldb, Scale: 4}, b5)
	ADDQ(ldb, b5)
	rows := [8]Mem{
		{Base: b}, {Base: b, Index: ldb, Scale: 1}, {Base: b, Index: ldb, Scale: 2}, {Base: b, Index: ldb3, Scale: 1},
		{Base: b, Index: ldb, Scale: 4}, {Base: b5}, {Base: b5, Index: ldb, Scale: 1}, {Base: b5, Index: ldb, Scale: 2},
	}
	Label("loop")
	v := s.vector()
	VMOVUPS(Mem{Base: y}, v)
	for u := range av {
		e.pick(VFMADD231PS, VFMADD231PD)(rows[u], av[u], v)
	}
	VMOVUPS(v, Mem{Base: y})
	ADDQ(U32(uint32(s.bytes)), b)
	ADDQ(U32(uint32(s.bytes)), b5)
	ADDQ(U32(uint32(s.bytes)), y)
	SUBQ(U32(uint32(s.bytes/e.size)), n)
	JNZ(LabelRef("loop"))
	asm.Return()
}

// dots writes four dot products at once, for one row times a transposed B.
func dots(s isa, e elem) {
	TEXT(e.letter+"dot4"+s.name, NOSPLIT, fmt.Sprintf("func(k uint64, a, b *%[1]s, ldb uint64, y *%[1]s)", e.goType))
	Pragma("noescape")
	Doc("y[r] = Σ_q a[q]·b[r·ldb+q] for r < 4; k > 0 is a multiple of the vector length, ldb is in bytes.",
		"Each lane sums two runs of every second vector.")
	k := Load(Param("k"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	ldb := Load(Param("ldb"), GP64())
	ldb3 := GP64()
	LEAQ(Mem{Base: ldb, Index: ldb, Scale: 2}, ldb3)
	var acc [2][4]VecVirtual
	for h := range acc {
		for r := range acc[h] {
			acc[h][r] = s.vector()
			s.zero(acc[h][r])
		}
	}
	lanes := uint32(s.bytes / e.size)
	row := func(r, disp int) Mem {
		return [4]Mem{
			{Base: b, Disp: disp}, {Base: b, Index: ldb, Scale: 1, Disp: disp},
			{Base: b, Index: ldb, Scale: 2, Disp: disp}, {Base: b, Index: ldb3, Scale: 1, Disp: disp},
		}[r]
	}
	step := func(h int) {
		av := s.vector()
		VMOVUPS(Mem{Base: a, Disp: h * s.bytes}, av)
		for r := range 4 {
			e.pick(VFMADD231PS, VFMADD231PD)(row(r, h*s.bytes), av, acc[h][r])
		}
	}
	SUBQ(U32(2*lanes), k)
	JLT(LabelRef("tail"))
	Label("loop")
	step(0)
	step(1)
	ADDQ(U32(uint32(2*s.bytes)), a)
	ADDQ(U32(uint32(2*s.bytes)), b)
	SUBQ(U32(2*lanes), k)
	JGE(LabelRef("loop"))
	Label("tail")
	ADDQ(U32(2*lanes), k)
	JZ(LabelRef("done"))
	step(0)
	Label("done")
	add := e.pick(VADDPS, VADDPD)
	var half [4]VecVirtual
	for r := range 4 {
		add(acc[1][r], acc[0][r], acc[0][r])
		half[r] = acc[0][r]
		if s.bytes == 64 {
			upper := YMM()
			VEXTRACTF64X4(U8(1), acc[0][r], upper)
			half[r] = YMM()
			add(acc[0][r].AsY(), upper, half[r])
		}
	}
	y := Load(Param("y"), GP64())
	fold := func(v VecVirtual, disp int) { // adds the halves of v and stores them
		upper := XMM()
		VEXTRACTF128(U8(1), v, upper)
		add(v.AsX(), upper, upper)
		VMOVUPS(upper, Mem{Base: y, Disp: disp})
	}
	if e.size == 4 {
		VHADDPS(half[1], half[0], half[0])
		VHADDPS(half[3], half[2], half[2])
		VHADDPS(half[2], half[0], half[0])
		fold(half[0], 0)
	} else {
		VHADDPD(half[1], half[0], half[0])
		VHADDPD(half[3], half[2], half[2])
		fold(half[0], 0)
		fold(half[2], 16)
	}
	asm.Return()
}

// transpose writes the transposition of blocks of eight rows.
func transpose() {
	TEXT("stranspose8AVX2", NOSPLIT, "func(n uint64, src *float32, lds uint64, dst *float32, ldd uint64)")
	Pragma("noescape")
	Doc("dst[c·ldd+r] = src[r·lds+c] for r < 8, c < n; n > 0 is a multiple of 8, lds and ldd are in bytes.")
	n := Load(Param("n"), GP64())
	src := Load(Param("src"), GP64())
	lds := Load(Param("lds"), GP64())
	dst := Load(Param("dst"), GP64())
	ldd := Load(Param("ldd"), GP64())
	lds3, ldd3, src4, dst4 := GP64(), GP64(), GP64(), GP64()
	LEAQ(Mem{Base: lds, Index: lds, Scale: 2}, lds3)
	LEAQ(Mem{Base: ldd, Index: ldd, Scale: 2}, ldd3)
	LEAQ(Mem{Base: src, Index: lds, Scale: 4}, src4)
	row := func(base, ld, ld3 Register, i int) Mem {
		return [4]Mem{{Base: base}, {Base: base, Index: ld, Scale: 1}, {Base: base, Index: ld, Scale: 2}, {Base: base, Index: ld3, Scale: 1}}[i]
	}
	Label("loop")
	LEAQ(Mem{Base: dst, Index: ldd, Scale: 4}, dst4)
	// v[r] holds columns 0–3 of the rows r and r+4 in its halves, v[r+4] columns 4–7: what remains are two 4×4 transpositions in
	// each half.
	var v [8]VecVirtual
	for r := range 4 {
		low, high := row(src, lds, lds3, r), row(src4, lds, lds3, r)
		x, y := YMM(), YMM()
		VMOVUPS(low, x.AsX())
		VINSERTF128(U8(1), high, x, x)
		low.Disp, high.Disp = 16, 16
		VMOVUPS(low, y.AsX())
		VINSERTF128(U8(1), high, y, y)
		v[r], v[r+4] = x, y
	}
	for h := range 2 {
		q := v[4*h : 4*h+4]
		base := []Register{dst, dst4}[h]
		t0, t1, t2, t3 := YMM(), YMM(), YMM(), YMM()
		VUNPCKLPS(q[1], q[0], t0) // a0 b0 a1 b1
		VUNPCKHPS(q[1], q[0], t1) // a2 b2 a3 b3
		VUNPCKLPS(q[3], q[2], t2)
		VUNPCKHPS(q[3], q[2], t3)
		for i, p := range [4][2]VecVirtual{{t0, t2}, {t0, t2}, {t1, t3}, {t1, t3}} {
			o := YMM()
			if i%2 == 0 {
				VUNPCKLPD(p[1], p[0], o)
			} else {
				VUNPCKHPD(p[1], p[0], o)
			}
			VMOVUPS(o, row(base, ldd, ldd3, i))
		}
	}
	ADDQ(U32(32), src)
	ADDQ(U32(32), src4)
	LEAQ(Mem{Base: dst, Index: ldd, Scale: 8}, dst)
	SUBQ(U32(8), n)
	JNZ(LabelRef("loop"))
	asm.Return()
}
