package gemm

import (
	"fmt"
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// PackedB is a matrix B of K×N in the order in which the kernels read it: blocks of k, in each the panels of nr columns, in each
// the rows of nr elements, the last panel padded with zeros. Pack weights once; see [Pack].
type PackedB[T Number] struct {
	K, N int

	tier   cpu.Tier
	block  block
	kc     int
	panels int
	data   []T
}

// Pack packs B[K,N], whose rows lie ldb apart, or with trans B stored as [N,K].
func Pack[T Number](k, n int, b []T, ldb int, trans bool) (*PackedB[T], error) {
	p := NewPackedB[T](k, n)
	if err := p.Check(b, ldb, trans); err != nil {
		return nil, err
	}
	for i := range p.Tiles() {
		p.PackTile(i, b, ldb, trans)
	}
	return p, nil
}

// NewPackedB allocates room for a packed K×N matrix in the form of the current tier. K and N are not negative.
func NewPackedB[T Number](k, n int) *PackedB[T] {
	p := new(PackedB[T])
	p.Over(k, n, make([]T, PackedLen[T](k, n)))
	return p
}

// PackedLen is the number of elements that Over needs for a K×N matrix.
func PackedLen[T Number](k, n int) int { return packedLen[T](cpu.Current(), k, n) }

func packedLen[T Number](tier cpu.Tier, k, n int) int {
	nr := blockOf[T](tier).nr
	return k*ceil(n, nr)*nr + lineElems[T]()
}

// Over makes p a K×N matrix over memory of the caller, at least PackedLen elements, for products whose B changes each run.
// The panels start at a cache line; where they lie has no influence on results.
func (p *PackedB[T]) Over(k, n int, storage []T) { p.over(cpu.Current(), k, n, storage) }

func (p *PackedB[T]) over(tier cpu.Tier, k, n int, storage []T) {
	*p = PackedB[T]{K: k, N: n, tier: tier, block: blockOf[T](tier)}
	p.kc = p.block.length(k)
	p.panels = ceil(n, p.block.nr)
	p.data = alignLine(storage)[:k*p.panels*p.block.nr]
}

// Bytes is the size of the packed elements.
func (p *PackedB[T]) Bytes() int {
	var zero T
	return len(p.data) * int(unsafe.Sizeof(zero))
}

// Check reports whether b holds the matrix that p has room for.
func (p *PackedB[T]) Check(b []T, ldb int, trans bool) error {
	rows, cols := p.K, p.N
	if trans {
		rows, cols = cols, rows
	}
	return checkMatrix("B", len(b), rows, cols, ldb)
}

// packPanels is the number of panels of a packing tile: about 64 KB of output for a full block of k.
const packPanels = 4

// Tiles is the number of parts that packing can be divided into.
func (p *PackedB[T]) Tiles() int {
	if p.K == 0 {
		return 0
	}
	return ceil(p.K, p.kc) * ceil(p.panels, packPanels)
}

// PackTile packs part i of B, which must have passed Check. Parts may be packed at the same time.
func (p *PackedB[T]) PackTile(i int, b []T, ldb int, trans bool) {
	groups := ceil(p.panels, packPanels)
	pc, j0 := i/groups*p.kc, i%groups*packPanels
	kc := min(p.kc, p.K-pc)
	for j := j0; j < min(j0+packPanels, p.panels); j++ {
		dst := p.panel(pc, kc, j)
		n := min(p.block.nr, p.N-j*p.block.nr)
		if trans {
			packPanelTrans(p.tier, dst, p.block.nr, b[j*p.block.nr*ldb+pc:], ldb, kc, n)
		} else {
			packPanel(dst, p.block.nr, b[pc*ldb+j*p.block.nr:], ldb, kc, n)
		}
	}
}

// panel returns panel j of the block of kc rows that starts at row pc.
func (p *PackedB[T]) panel(pc, kc, j int) []T {
	nr := p.block.nr
	return p.data[pc*p.panels*nr+j*kc*nr:][:kc*nr]
}

// packPanel copies kc rows of n ≤ nr elements, ldb apart, to dst, nr apart and padded with zeros.
func packPanel[T Number](dst []T, nr int, b []T, ldb, kc, n int) {
	for q := range kc {
		row := dst[q*nr:][:nr]
		copy(row, b[q*ldb:][:n])
		clear(row[n:])
	}
}

// packPanelTrans is packPanel of a transposed matrix: row j of b is column j of the panel.
func packPanelTrans[T Number](tier cpu.Tier, dst []T, nr int, b []T, ldb, kc, n int) {
	transpose(tier, dst, nr, b, ldb, n, kc)
	if n < nr {
		for q := range kc {
			clear(dst[q*nr:][n:nr])
		}
	}
}

// checkMatrix reports whether n elements hold rows × cols elements with rows ld apart.
func checkMatrix(name string, n, rows, cols, ld int) error {
	if rows <= 0 || cols <= 0 {
		return nil
	}
	if ld < cols {
		return fmt.Errorf("gemm: rows of %s have %d elements but lie %d apart", name, cols, ld)
	}
	if n < cols || (n-cols)/ld < rows-1 {
		return fmt.Errorf("gemm: %s has %d elements, too few for %d×%d with rows %d apart", name, n, rows, cols, ld)
	}
	return nil
}

// lineElems is the number of elements of a 64-byte cache line.
func lineElems[T any]() int {
	var zero T
	return 64 / int(unsafe.Sizeof(zero))
}

// alignLine drops the elements before the first cache line boundary.
func alignLine[T any](s []T) []T {
	var zero T
	size := uintptr(unsafe.Sizeof(zero))
	skip := (-uintptr(unsafe.Pointer(unsafe.SliceData(s))) & 63) / size
	return s[min(int(skip), len(s)):]
}
