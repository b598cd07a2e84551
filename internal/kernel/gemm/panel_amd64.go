package gemm

import (
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// hasAssembly reports whether a tier has kernels for an element type.
func hasAssembly[T Number](tier cpu.Tier) bool {
	switch any(*new(T)).(type) {
	case float32, float64:
		return tier == cpu.AVX2 || tier == cpu.AVX512
	}
	return false
}

// run computes the panel with the kernel of a tier.
func (p *panel[T]) run(tier cpu.Tier) {
	if tier == cpu.AVX2 || tier == cpu.AVX512 {
		switch q := any(p).(type) {
		case *panel[float32]:
			runAssembly(q, tier)
			return
		case *panel[float64]:
			runAssembly(q, tier)
			return
		}
	}
	panelGo(p)
}

// tileArgs are the operands of one register tile; the generator knows the offsets. Strides are in bytes.
//
// The kernels are called [ds]gemmTile<tier>. Each computes, for rows × cols elements where cols is vecs vectors,
//
//	for i := range rows { for j := range cols {
//		v := Σ_q a[i][q] · b[q][j]
//		… the epilogue as flags ask for, see panel …
//		c[i][j] = v
//	} }
type tileArgs[T float32 | float64] struct {
	k            int
	a            *T
	lda          int
	b            *T
	ldb          int
	c            *T
	ldc          int
	d            *T
	ldd          int
	bias         *T
	rowBias      *T
	nextA, nextB uintptr // addresses to fetch ahead, possibly past the end of their buffers: never dereferenced
	rows         int
	vecs         int
	flags        int
	mask         int // AVX-512: lanes of the last vector that exist
	alpha, beta  T
	lo, hi       T
}

// call runs the kernel of a tier. Both branches on the size are decided at compile time.
func (x *tileArgs[T]) call(tier cpu.Tier) {
	raw := (*byte)(unsafe.Pointer(x))
	switch {
	case unsafe.Sizeof(x.alpha) == 4 && tier == cpu.AVX512:
		sgemmTileAVX512(raw)
	case unsafe.Sizeof(x.alpha) == 4:
		sgemmTileAVX2(raw)
	case tier == cpu.AVX512:
		dgemmTileAVX512(raw)
	default:
		dgemmTileAVX2(raw)
	}
}

// callRow is call for the one row of a product.
func (x *tileArgs[T]) callRow(tier cpu.Tier) {
	raw := (*byte)(unsafe.Pointer(x))
	switch {
	case unsafe.Sizeof(x.alpha) == 4 && tier == cpu.AVX512:
		sgemvPanelAVX512(raw)
	case unsafe.Sizeof(x.alpha) == 4:
		sgemvPanelAVX2(raw)
	case tier == cpu.AVX512:
		dgemvPanelAVX512(raw)
	default:
		dgemvPanelAVX2(raw)
	}
}

// runAssembly walks down the rows of a panel.
func runAssembly[T float32 | float64](p *panel[T], tier cpu.Tier) {
	size := int(unsafe.Sizeof(p.alpha))
	lanes := 32 / size
	if tier == cpu.AVX512 {
		lanes = 64 / size
	}
	p.check(ceil(p.n, lanes) * lanes)
	x := tileArgs[T]{
		k: p.k, lda: p.lda * size, b: unsafe.SliceData(p.b), ldb: p.ldb * size, ldc: p.ldc * size, ldd: p.ldd * size,
		bias: unsafe.SliceData(p.bias), vecs: ceil(p.n, lanes), flags: p.flags,
		alpha: p.alpha, beta: p.beta, lo: p.lo, hi: p.hi,
	}
	partial := p.n - (x.vecs-1)*lanes
	x.mask = 1<<partial - 1
	if tier == cpu.AVX2 && partial < lanes {
		runNarrow(p, x)
		return
	}
	sizes := blockOf[T](tier)
	if p.alone {
		point(p, &x, 0)
		x.c, x.d = unsafe.SliceData(p.c), unsafe.SliceData(p.d)
		x.callRow(tier)
		return
	}
	home := uintptr(unsafe.Pointer(x.b))
	ahead := uintptr(unsafe.Pointer(unsafe.SliceData(p.nextB)))
	aheadEnd := ahead + uintptr(len(p.nextB)*size)
	for i := 0; i < p.m; i += x.rows {
		x.rows = sizes.rowTile(p.m - i)
		point(p, &x, i)
		x.c = &p.c[i*p.ldc]
		if p.flags&flagD != 0 {
			x.d = &p.d[i*p.ldd]
		}
		x.nextB = home
		if ahead < aheadEnd { // each tile fetches one line of the next panel for every four k
			x.nextB = ahead
			ahead += uintptr(p.k * 16)
		}
		x.call(tier)
	}
}

// check panics when an operand is shorter than what the assembly is going to touch; width is what it reads of a row of b. Preparing a product has
// checked operands against sizes and strides, and tiles without rows or columns are never made, so no input leads here; a mistake of this package would,
// and is not to write anywhere.
func (p *panel[T]) check(width int) {
	if p.m == 0 || p.n == 0 {
		panic("gemm: empty panel")
	}
	if p.k > 0 {
		_ = p.a[(p.m-1)*p.lda:][:p.k]
		_ = p.b[(p.k-1)*p.ldb:][:width]
	}
	_ = p.c[(p.m-1)*p.ldc:][:p.n]
	if p.flags&flagD != 0 {
		_ = p.d[(p.m-1)*p.ldd:][:p.n]
	}
	if p.flags&flagBias != 0 {
		_ = p.bias[:p.n]
	}
	if p.flags&flagRowBias != 0 {
		_ = p.rowBias[:p.m]
	}
}

// point sets the operands of the register tile that starts at row i, except c, d and nextB.
func point[T float32 | float64](p *panel[T], x *tileArgs[T], i int) {
	x.a, x.nextA = nil, 0
	if p.k > 0 {
		x.a = &p.a[i*p.lda]
		x.nextA = uintptr(unsafe.Pointer(x.a))
		if p.packedA {
			x.nextA += uintptr(x.rows * x.lda)
		}
	}
	if p.flags&flagRowBias != 0 {
		x.rowBias = &p.rowBias[i]
	}
}

// runNarrow is for AVX2 and a panel whose last vector is partial: the tile of c and d goes through a buffer, since masked
// stores are slow there.
func runNarrow[T float32 | float64](p *panel[T], x tileArgs[T]) {
	const rows, cols = 6, 16
	var tile [rows * cols]T
	var bias [cols]T
	n := p.n
	if p.flags&flagBias != 0 {
		copy(bias[:], p.bias[:n])
		x.bias = &bias[0]
	}
	x.c, x.d = &tile[0], &tile[0]
	x.ldc, x.ldd = cols*int(unsafe.Sizeof(p.alpha)), cols*int(unsafe.Sizeof(p.alpha))
	x.nextB = uintptr(unsafe.Pointer(x.b))
	sizes := blockOf[T](cpu.AVX2)
	for i := 0; i < p.m; i += x.rows {
		x.rows = sizes.rowTile(p.m - i)
		point(p, &x, i)
		if p.flags&flagD != 0 {
			for r := range x.rows {
				copy(tile[r*cols:][:n], p.d[(i+r)*p.ldd:])
			}
		}
		if p.alone {
			x.callRow(cpu.AVX2)
		} else {
			x.call(cpu.AVX2)
		}
		for r := range x.rows {
			copy(p.c[(i+r)*p.ldc:][:n], tile[r*cols:])
		}
	}
}
