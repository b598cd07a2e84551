package gemm

import (
	"errors"
	"fmt"
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// Matmul8 is the product C[M,N] = (A − ZeroA)·(B − ZeroB) of 8-bit integers in int32, exact as long as the sum fits (K < 33,000 at
// least) and modulo 2³² beyond. It never saturates. Use it like [Matmul].
type Matmul8 struct {
	M, N, K int

	// A has rows LDA apart, of unsigned bytes or, with SignedA, of int8. Source, if not nil, yields the rows instead.
	A       []byte
	LDA     int
	SignedA bool
	Source  ASource8
	ZeroA   []byte // in the type of A: none (zero), one, or one a row

	B     *PackedB8
	ZeroB []byte // in the type of B: none (zero), one, or one a column

	// C has rows LDC apart; what lies between its rows stays untouched.
	C   []int32
	LDC int

	// Done, if not nil, is called for runs of results of row i from column j on, while they are in the cache; runs of different tiles
	// come from many goroutines. It may change them.
	Done func(i, j int, run []int32)

	// Batch, if not nil, makes this as many products with one B, which start at these offsets in A and C.
	Batch []Offset

	plan
	form         form8
	useA, useB   bool // zero points that aren't zero: rows of C need a term
	flipA, flipB byte
}

// ASource8 yields rows of a matrix A of bytes that isn't stored as such; see [ASource].
type ASource8 interface {
	// PackA writes element (i, k) of the part with rows [i0, i0+rows) and columns [k0, k0+cols) to dst[(i−i0)·ld + k−k0].
	PackA(dst []byte, ld, i0, rows, k0, cols int)
}

// Prepare checks the operands and divides the product into tiles.
func (g *Matmul8) Prepare() error { return g.prepare(cpu.Current()) }

func (g *Matmul8) prepare(tier cpu.Tier) error {
	g.form = form8Of(tier)
	if err := g.check(); err != nil {
		return err
	}
	g.flipA, g.flipB = 0, 0x80
	if g.SignedA {
		g.flipA = 0x80
	}
	if g.B.Signed {
		g.flipB = 0
	}
	g.useA = anyZero(g.ZeroA, g.flipA)
	g.useB = anyZero(g.ZeroB, g.flipB)
	g.plan = plan{tier: tier, block: g.form.block, kc: g.B.kc}
	if g.M == 0 || g.N == 0 {
		return nil
	}
	g.divide(shape{m: g.M, n: g.N, k: g.K, line: 64, packedB: true}, g.B.panels)
	// In dwords: packed rows, their bytes before packing, the terms of rows, the terms of columns.
	g.alen = g.rows * g.strideA8() / 4
	g.blen = 2*g.rows + 2*g.panels*g.nr
	if g.Source != nil {
		g.blen += g.rows * ceil(min(g.kc, g.K), 4)
	}
	g.scratch = g.alen + g.blen + 16
	return nil
}

// anyZero reports whether a shifted zero point isn't zero.
func anyZero(zero []byte, flip byte) bool {
	if len(zero) == 0 {
		return flip != 0
	}
	for _, z := range zero {
		if z^flip != 0 {
			return true
		}
	}
	return false
}

// strideA8 is the distance of packed rows in bytes.
func (g *Matmul8) strideA8() int {
	size := min(g.kc, g.K)
	if g.form.wide {
		size *= 2
	}
	return g.strideA(size, 64)
}

func (g *Matmul8) check() error {
	switch {
	case g.M < 0 || g.N < 0 || g.K < 0:
		return fmt.Errorf("gemm: negative size %d×%d×%d", g.M, g.N, g.K)
	case g.B == nil:
		return errors.New("gemm: 8-bit product without B")
	case g.B.K != g.K || g.B.N != g.N:
		return fmt.Errorf("gemm: B is packed as %d×%d, the product needs %d×%d", g.B.K, g.B.N, g.K, g.N)
	case g.B.form != g.form:
		return errors.New("gemm: B is packed for another tier")
	}
	if err := errors.Join(checkZero("A", g.ZeroA, g.M), checkZero("B", g.ZeroB, g.N)); err != nil {
		return err
	}
	if g.Batch == nil {
		return g.checkAt(Offset{})
	}
	for _, o := range g.Batch {
		if o.A < 0 || o.C < 0 {
			return errors.New("gemm: negative offset in a batch")
		}
		if err := g.checkAt(o); err != nil {
			return err
		}
	}
	return nil
}

func (g *Matmul8) checkAt(o Offset) error {
	if g.M == 0 || g.N == 0 {
		return nil
	}
	if g.Source == nil {
		if err := checkMatrix("A", len(g.A)-o.A, g.M, g.K, g.LDA); err != nil {
			return err
		}
	}
	return checkMatrix("C", len(g.C)-o.C, g.M, g.N, g.LDC)
}

// Tiles is the number of tiles of all products of the batch. Prepare must have succeeded.
func (g *Matmul8) Tiles() int {
	if g.Batch != nil {
		return len(g.Batch) * g.perProduct()
	}
	return g.perProduct()
}

// ScratchLen is the number of elements of scratch that a call of Tile needs.
func (g *Matmul8) ScratchLen() int { return g.scratch }

// Tile computes tile i. Calls at the same time need a scratch of their own each.
func (g *Matmul8) Tile(i int, scratch []int32) {
	var o Offset
	if g.Batch != nil {
		o = g.Batch[i/g.perProduct()]
		i %= g.perProduct()
	}
	t := tile8{g: g, at: o}
	t.i0, t.j0 = i%g.rowTiles*g.rows, i/g.rowTiles*g.panels
	t.m, t.j1 = min(g.rows, g.M-t.i0), min(t.j0+g.panels, g.B.panels)
	scratch = alignLine(scratch)
	take := func(n int) []int32 {
		s := scratch[:n:n]
		scratch = scratch[n:]
		return s
	}
	t.a = take(g.alen)
	t.sumA, t.zeroA = take(g.rows), take(g.rows)
	t.termB, t.zeroB = take(g.panels*g.nr), take(g.panels*g.nr)
	if g.Source != nil {
		t.raw = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(scratch))), g.rows*min(g.kc, g.K))
	}
	t.compute()
}

// tile8 is one tile in the making: m rows from i0 on, panels [j0,j1).
type tile8 struct {
	g            *Matmul8
	at           Offset
	i0, m        int
	j0, j1       int
	a            []int32 // packed rows of A, as bytes or 16-bit integers
	raw          []byte  // what a Source yields
	sumA, zeroA  []int32 // of each row: the sum of its elements, its zero point
	termB, zeroB []int32 // of each column: its sum less K zero points, its zero point
}

// compute uses (a−x)·(b−y) summed over k = Σab − x·(Σb − K·y) − y·Σa. The terms are subtracted with the last block.
func (t *tile8) compute() {
	g := t.g
	t.terms()
	clear(t.sumA)
	for pc := 0; pc == 0 || pc < g.K; pc += g.kc { // once for K = 0
		kc := min(g.kc, g.K-pc)
		t.packA(pc, kc)
		p := panel8{
			m: t.m, groups: ceil(kc, g.form.group), form: g.form, lda: g.strideA8(), ldc: g.LDC, a: t.a, sumA: t.sumA, zeroA: t.zeroA, add: pc > 0,
		}
		if pc+kc == g.K {
			p.useA, p.useB = g.useA, g.useB
		}
		for j := t.j0; j < t.j1; j++ {
			col := j * g.nr
			p.n = min(g.nr, g.N-col)
			p.b = g.B.panel(pc, kc, j)
			p.c = g.C[t.at.C+t.i0*g.LDC+col:]
			p.termB, p.zeroB = t.termB[col-t.j0*g.nr:][:g.nr], t.zeroB[col-t.j0*g.nr:][:g.nr]
			p.run(g.tier)
		}
	}
	if g.Done == nil {
		return
	}
	col := t.j0 * g.nr
	n := min(t.j1*g.nr, g.N) - col
	for i := t.i0; i < t.i0+t.m; i++ {
		g.Done(i, col, g.C[t.at.C+i*g.LDC+col:][:n])
	}
}

// terms fills in the zero points, shifted like the elements that they belong to.
func (t *tile8) terms() {
	g := t.g
	for i := range t.m {
		t.zeroA[i] = int32(pick(g.ZeroA, t.i0+i) ^ g.flipA)
	}
	col := t.j0 * g.nr
	for j := range min(t.j1*g.nr, g.N) - col {
		z := int32(int8(pick(g.ZeroB, col+j) ^ g.flipB))
		t.zeroB[j] = z
		t.termB[j] = g.B.sums[col+j] - int32(g.K)*z
	}
	clear(t.zeroB[min(t.j1*g.nr, g.N)-col:])
	clear(t.termB[min(t.j1*g.nr, g.N)-col:])
}

// pick is element i of a list of zero points.
func pick(zero []byte, i int) byte {
	switch len(zero) {
	case 0:
		return 0
	case 1:
		return zero[0]
	}
	return zero[i]
}

// packA packs a block of the tile's rows, shifted to unsigned, and adds up their sums. What fills up the last group is multiplied
// with the zeros that pad B.
func (t *tile8) packA(pc, kc int) {
	g := t.g
	if kc == 0 {
		return
	}
	src, ld := []byte(nil), g.LDA
	if g.Source != nil {
		src, ld = t.raw, kc
		g.Source.PackA(src, ld, t.i0, t.m, pc, kc)
	} else {
		src = g.A[t.at.A+t.i0*g.LDA+pc:]
	}
	words := g.strideA8() / 4
	for i := range t.m {
		row, dst := src[i*ld:][:kc], t.a[i*words:][:words]
		if g.form.wide {
			t.sumA[i] += widenBytes(g.tier, unsafe.Slice((*int16)(unsafe.Pointer(&dst[0])), 2*words), row, g.flipA)
		} else {
			t.sumA[i] += copyBytes(g.tier, unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 4*words), row, g.flipA)
		}
	}
}

// panel8 is the unit of work of the kernels: m rows of A times one panel of B.
//
//	for i := range m { for j := range n {
//		v := Σ_q a[i][q] · b[q][j]            // q over groups·group
//		v += c[i·ldc+j]                       // add
//		v −= zeroA[i]·termB[j]                // useA
//		v −= sumA[i]·zeroB[j]                 // useB
//		c[i·ldc+j] = v
//	} }
type panel8 struct {
	form                      form8
	m, n, groups              int
	a                         []int32
	b                         []int8
	c                         []int32
	lda                       int // in bytes
	ldc                       int
	sumA, zeroA, termB, zeroB []int32
	add, useA, useB           bool
}

// panel8Go is the portable kernel, for form8Go.
func panel8Go(p *panel8) {
	row := func(i int) []int16 {
		return unsafe.Slice((*int16)(unsafe.Pointer(&p.a[i*p.lda/4])), p.groups)
	}
	for i := 0; i < p.m; i += 2 {
		if p.groups == 0 {
			p.finish(i, [4]int32{})
			if i+1 < p.m {
				p.finish(i+1, [4]int32{})
			}
			continue
		}
		second := min(i+1, p.m-1)
		r0, r1 := dot2x4Bytes(row(i), row(second), p.b)
		p.finish(i, r0)
		if second > i {
			p.finish(second, r1)
		}
	}
}

// finish adds the terms to the sums of row i and stores them.
func (p *panel8) finish(i int, v [4]int32) {
	for j := range p.c[i*p.ldc:][:p.n] {
		s := v[j]
		if p.add {
			s += p.c[i*p.ldc+j]
		}
		if p.useA {
			s -= p.zeroA[i] * p.termB[j]
		}
		if p.useB {
			s -= p.sumA[i] * p.zeroB[j]
		}
		p.c[i*p.ldc+j] = s
	}
}

// dot2x4Bytes is dot2x4 for form8Go.
func dot2x4Bytes(a0, a1 []int16, b []int8) (r0, r1 [4]int32) {
	var c00, c01, c02, c03, c10, c11, c12, c13 int32
	a1, b = a1[:len(a0)], b[:4*len(a0)]
	for q, v := range a0 {
		w := (*[4]int8)(b[4*q:])
		x, y := int32(v), int32(a1[q])
		b0, b1, b2, b3 := int32(w[0]), int32(w[1]), int32(w[2]), int32(w[3])
		c00 += x * b0
		c01 += x * b1
		c02 += x * b2
		c03 += x * b3
		c10 += y * b0
		c11 += y * b1
		c12 += y * b2
		c13 += y * b3
	}
	return [4]int32{c00, c01, c02, c03}, [4]int32{c10, c11, c12, c13}
}

// widenBytesGo is
//
//	for i, v := range src { dst[i] = int16(v ^ flip) }
//
// and returns the sum of what it wrote.
func widenBytesGo(dst []int16, src []byte, flip byte) (sum int32) {
	for i, v := range src {
		v ^= flip
		dst[i] = int16(v)
		sum += int32(v)
	}
	return sum
}

// copyBytesGo is
//
//	for i, v := range src { dst[i] = v ^ flip }
//
// and returns the sum of what it wrote.
func copyBytesGo(dst, src []byte, flip byte) (sum int32) {
	for i, v := range src {
		v ^= flip
		dst[i] = v
		sum += int32(v)
	}
	return sum
}
