package gemm

import (
	"errors"
	"fmt"

	"ingot/internal/kernel/cpu"
)

// Matmul is a product C[M,N] = A[M,K]·B[K,N] with its epilogue, or a batch of products of one shape.
// Fill in the exported fields, call Prepare, then Tile for each of Tiles. Operands may be replaced by others of the same shape and
// strides between runs; call Prepare again then, which checks them (it allocates nothing and takes some 50 ns).
type Matmul[T Number] struct {
	M, N, K int

	// A has rows LDA apart; with TransA it is stored as [K,M]. Source, if not nil, yields the rows of A instead.
	A      []T
	LDA    int
	TransA bool
	Source ASource[T]

	// B has rows LDB apart; with TransB it is stored as [N,K]. Packed, if not nil, is B packed before; it must have been
	// packed for this K and N.
	B      []T
	LDB    int
	TransB bool
	Packed *PackedB[T]

	// C has rows LDC apart; what lies between its rows stays untouched. It must not overlap A or B.
	C   []T
	LDC int

	Epilogue[T]

	// Batch, if not nil, makes this as many products as it has elements, which start at these offsets.
	Batch []Offset

	plan
}

// Offset says where one product of a batch starts in the operands, in elements. B is for an unpacked B, Residual for the residual.
type Offset struct{ A, B, C, Residual int }

// ASource yields rows of a matrix A that isn't stored as such, like the patches of a convolution's input.
type ASource[T Number] interface {
	// PackA writes the part of A with rows [i0, i0+rows) and columns [k0, k0+cols) to dst: element (i, k) to dst[(i−i0)·ld + k−k0].
	// All of the part must be written; what lies between its rows (ld > cols) may be. It is called from many goroutines at once.
	PackA(dst []T, ld, i0, rows, k0, cols int)
}

// Prepare checks the operands and divides the product into tiles.
func (g *Matmul[T]) Prepare() error { return g.prepare(cpu.Current()) }

func (g *Matmul[T]) prepare(tier cpu.Tier) error {
	if err := g.check(tier); err != nil {
		return err
	}
	g.plan = g.planFor(tier)
	return nil
}

func (g *Matmul[T]) planFor(tier cpu.Tier) plan {
	return makePlan(blockOf[T](tier), tier, shape{
		m: g.M, n: g.N, k: g.K, lda: g.LDA, line: lineElems[T](),
		gatherA: g.Source != nil || g.TransA, packedB: g.Packed != nil, transB: g.TransB,
	})
}

// Measure is the ScratchLen that the product is going to have. It looks at sizes only: operands needn't be there yet, but for whether A has
// a Source and B is packed.
func (g *Matmul[T]) Measure() int {
	p := g.planFor(cpu.Current())
	return p.scratch
}

// check verifies that every operand is as long as the tiles will take it to be.
func (g *Matmul[T]) check(tier cpu.Tier) error {
	if g.M < 0 || g.N < 0 || g.K < 0 {
		return fmt.Errorf("gemm: negative size %d×%d×%d", g.M, g.N, g.K)
	}
	if g.Packed != nil {
		if g.Packed.K != g.K || g.Packed.N != g.N {
			return fmt.Errorf("gemm: B is packed as %d×%d, the product needs %d×%d", g.Packed.K, g.Packed.N, g.K, g.N)
		}
		if g.Packed.tier != tier {
			return fmt.Errorf("gemm: B is packed for %v, the product runs on %v", g.Packed.tier, tier)
		}
	}
	if g.Bias != nil && len(g.Bias) < g.N {
		return fmt.Errorf("gemm: bias has %d elements for %d columns", len(g.Bias), g.N)
	}
	if g.RowBias != nil && len(g.RowBias) < g.M {
		return fmt.Errorf("gemm: bias has %d elements for %d rows", len(g.RowBias), g.M)
	}
	if g.Batch == nil {
		return g.checkAt(Offset{})
	}
	for _, o := range g.Batch {
		if o.A < 0 || o.B < 0 || o.C < 0 || o.Residual < 0 {
			return errors.New("gemm: negative offset in a batch")
		}
		if err := g.checkAt(o); err != nil {
			return err
		}
	}
	return nil
}

func (g *Matmul[T]) checkAt(o Offset) error {
	if g.M == 0 || g.N == 0 {
		return nil
	}
	if g.Source == nil {
		rows, cols := g.M, g.K
		if g.TransA {
			rows, cols = cols, rows
		}
		if err := checkMatrix("A", len(g.A)-o.A, rows, cols, g.LDA); err != nil {
			return err
		}
	}
	if g.Packed == nil {
		rows, cols := g.K, g.N
		if g.TransB {
			rows, cols = cols, rows
		}
		if err := checkMatrix("B", len(g.B)-o.B, rows, cols, g.LDB); err != nil {
			return err
		}
	}
	if g.Residual != nil {
		if err := checkMatrix("the residual", len(g.Residual)-o.Residual, g.M, g.N, g.LDR); err != nil {
			return err
		}
	}
	return checkMatrix("C", len(g.C)-o.C, g.M, g.N, g.LDC)
}

// Tiles is the number of tiles of all products of the batch; a function of shapes, element type and tier. Prepare must have succeeded.
func (g *Matmul[T]) Tiles() int {
	if g.Batch != nil {
		return len(g.Batch) * g.perProduct()
	}
	return g.perProduct()
}

// ScratchLen is the number of elements of scratch that a call of Tile needs.
func (g *Matmul[T]) ScratchLen() int { return g.scratch }

// Tile computes tile i. Calls at the same time need a scratch of their own each. Its contents don't matter before or after.
func (g *Matmul[T]) Tile(i int, scratch []T) {
	var o Offset
	if g.Batch != nil {
		o = g.Batch[i/g.perProduct()]
		i %= g.perProduct()
	}
	t := tile[T]{g: g, at: o}
	t.i0, t.j0 = i%g.rowTiles*g.rows, i/g.rowTiles*g.panels
	t.i1, t.j1 = min(t.i0+g.rows, g.M), min(t.j0+g.panels, ceil(g.N, g.nr))
	scratch = alignLine(scratch)
	t.abuf, t.bbuf = scratch[:g.alen], scratch[g.alen:][:g.blen]
	t.compute()
}

// tile is one tile in the making: rows [i0,i1) and panels [j0,j1) of one product.
type tile[T Number] struct {
	g          *Matmul[T]
	at         Offset
	i0, i1     int
	j0, j1     int
	abuf, bbuf []T // packed rows of A; packed panels of B
}

func (t *tile[T]) compute() {
	g := t.g
	if g.rowB {
		t.computeRow()
		t.applyMap()
		return
	}
	for pc := 0; pc == 0 || pc < g.K; pc += g.kc { // once for K = 0, which leaves the epilogue
		kc := min(g.kc, g.K-pc)
		t.packB(pc, kc)
		for i := t.i0; i < t.i1; i += g.mc {
			t.multiply(i, min(i+g.mc, t.i1), pc, kc)
		}
	}
	t.applyMap()
}

// packB packs what the tile needs of one block of an unpacked B: its panels, or only the last one if the others are read as they lie.
func (t *tile[T]) packB(pc, kc int) {
	g := t.g
	if g.Packed != nil || kc == 0 {
		return
	}
	b := g.B[t.at.B:]
	for j := t.j0; j < t.j1; j++ {
		n := min(g.nr, g.N-j*g.nr)
		switch {
		case g.TransB:
			packPanelTrans(g.tier, t.bbuf[(j-t.j0)*kc*g.nr:], g.nr, b[j*g.nr*g.LDB+pc:], g.LDB, kc, n)
		case !g.directB:
			packPanel(t.bbuf[(j-t.j0)*kc*g.nr:], g.nr, b[pc*g.LDB+j*g.nr:], g.LDB, kc, n)
		case n < g.nr:
			packPanel(t.bbuf, g.nr, b[pc*g.LDB+j*g.nr:], g.LDB, kc, n)
		}
	}
}

// panelB returns panel j of a block of B and the distance of its rows.
func (t *tile[T]) panelB(pc, kc, j int) ([]T, int) {
	g := t.g
	switch {
	case kc == 0 || j >= t.j1:
		return nil, g.nr
	case g.Packed != nil:
		return g.Packed.panel(pc, kc, j), g.nr
	case !g.directB:
		return t.bbuf[(j-t.j0)*kc*g.nr:][:kc*g.nr], g.nr
	case g.N-j*g.nr < g.nr:
		return t.bbuf[:kc*g.nr], g.nr
	}
	return g.B[t.at.B+pc*g.LDB+j*g.nr:], g.LDB
}

// multiply adds the block of kc columns of A that starts at pc to rows [i0,i1) of the tile.
func (t *tile[T]) multiply(i0, i1, pc, kc int) {
	g := t.g
	p := panel[T]{m: i1 - i0, k: kc, ldc: g.LDC, packedA: g.packA, alone: g.M == 1}
	p.begin(&g.Epilogue, pc == 0, pc+kc == g.K)
	p.a, p.lda = t.rowsA(i0, i1, pc, kc)
	if g.RowBias != nil {
		p.rowBias = g.RowBias[i0:]
	}
	p.nextB, p.ldb = t.panelB(pc, kc, t.j0)
	for j := t.j0; j < t.j1; j++ {
		col := j * g.nr
		p.n = min(g.nr, g.N-col)
		p.b, p.ldb = t.panelB(pc, kc, j)
		p.nextB, _ = t.panelB(pc, kc, j+1)
		if g.directB {
			p.nextB = nil // its rows don't follow each other
		}
		p.c = g.C[t.at.C+i0*g.LDC+col:]
		switch {
		case pc > 0:
			p.d, p.ldd = p.c, g.LDC
		case g.Residual != nil:
			p.d, p.ldd = g.Residual[t.at.Residual+i0*g.LDR+col:], g.LDR
		}
		if g.Bias != nil {
			p.bias = g.Bias[col:]
		}
		p.run(g.tier)
	}
}

// rowsA returns rows [i0,i1) of the block of columns at pc and their distance, packed if the plan says so.
func (t *tile[T]) rowsA(i0, i1, pc, kc int) ([]T, int) {
	g := t.g
	if kc == 0 {
		return nil, 0
	}
	if !g.packA {
		return g.A[t.at.A+i0*g.LDA+pc:], g.LDA
	}
	ld := g.strideA(kc, lineElems[T]())
	switch {
	case g.Source != nil:
		g.Source.PackA(t.abuf, ld, i0, i1-i0, pc, kc)
	case g.TransA:
		transpose(g.tier, t.abuf, ld, g.A[t.at.A+pc*g.LDA+i0:], g.LDA, kc, i1-i0)
	default:
		for i := i0; i < i1; i++ {
			copy(t.abuf[(i-i0)*ld:][:kc], g.A[t.at.A+i*g.LDA+pc:])
		}
	}
	return t.abuf, ld
}

// applyMap calls Map on the tile, in one piece if its rows follow each other.
func (t *tile[T]) applyMap() {
	g := t.g
	if g.Map == nil {
		return
	}
	col := t.j0 * g.nr
	n := min(t.j1*g.nr, g.N) - col
	if n == g.LDC {
		g.Map(g.C[t.at.C+t.i0*g.LDC:][:(t.i1-t.i0)*n])
		return
	}
	for i := t.i0; i < t.i1; i++ {
		g.Map(g.C[t.at.C+i*g.LDC+col:][:n])
	}
}
