package gemm

import (
	"fmt"
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// form8 is a way to multiply 8-bit integers. In every form A is unsigned and B signed; the other kinds are shifted by 128, which the
// terms of the zero points take back.
type form8 struct {
	block
	group int  // how many neighbours in k lie together in a packed B
	wide  bool // A is packed as 16-bit integers
}

var (
	form8Go    = form8{block{mr: 2, nr: 4, kc: 768, mc: 240}, 1, true}
	form8Pairs = form8{block{mr: 6, nr: 16, kc: 768, mc: 120}, 2, true}   // AVX2
	form8Quads = form8{block{mr: 12, nr: 32, kc: 768, mc: 240}, 4, false} // AVX-512 with VNNI
)

// PackedB8 is an 8-bit matrix B of K×N in the order in which the kernels read it, with the sums of its columns.
type PackedB8 struct {
	K, N   int
	Signed bool

	form   form8
	kc     int
	panels int
	data   []int8  // in blocks of kc rows: in each the panels, in each groups of rows, in each nr columns, in each the group's elements
	sums   []int32 // of each column of data
}

// PackB8 packs B[K,N] of signed or unsigned bytes, whose rows lie ldb apart, or with trans B stored as [N,K].
func PackB8(k, n int, signed bool, b []byte, ldb int, trans bool) (*PackedB8, error) {
	p := NewPackedB8(k, n, signed)
	if err := p.Check(b, ldb, trans); err != nil {
		return nil, err
	}
	for i := range p.Tiles() {
		p.PackTile(i, b, ldb, trans)
	}
	return p, nil
}

// NewPackedB8 allocates room for a packed K×N matrix in the form of the current tier. K and N are not negative.
func NewPackedB8(k, n int, signed bool) *PackedB8 {
	p := new(PackedB8)
	p.Over(k, n, signed, make([]int32, PackedLen8(k, n)))
	return p
}

// PackedLen8 is the number of elements of storage that Over needs for a K×N matrix.
func PackedLen8(k, n int) int { return form8Of(cpu.Current()).packedLen(k, n) }

func (f form8) packedLen(k, n int) int {
	cols := ceil(n, f.nr) * f.nr
	return cols*ceil(k, 4) + cols + 16
}

// Over makes p a K×N matrix over memory of the caller, at least PackedLen8 elements, for products whose B changes each run.
func (p *PackedB8) Over(k, n int, signed bool, storage []int32) {
	p.over(form8Of(cpu.Current()), k, n, signed, storage)
}

func (p *PackedB8) over(f form8, k, n int, signed bool, storage []int32) {
	*p = PackedB8{K: k, N: n, Signed: signed, form: f, kc: f.length(k), panels: ceil(n, f.nr)}
	cols := p.panels * f.nr
	storage = alignLine(storage)
	size := cols * ceil(k, f.group) * f.group
	words := ceil(size, 4)
	p.data = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(storage[:words]))), size)
	p.sums = storage[words:][:cols]
}

// Bytes is the size of the packed elements and their sums.
func (p *PackedB8) Bytes() int { return len(p.data) + 4*len(p.sums) }

// Check reports whether b holds the matrix that p has room for.
func (p *PackedB8) Check(b []byte, ldb int, trans bool) error {
	rows, cols := p.K, p.N
	if trans {
		rows, cols = cols, rows
	}
	return checkMatrix("B", len(b), rows, cols, ldb)
}

// Tiles is the number of parts that packing can be divided into.
func (p *PackedB8) Tiles() int { return ceil(p.panels, packPanels) }

// PackTile packs part i of B, which must have passed Check. Parts may be packed at the same time.
func (p *PackedB8) PackTile(i int, b []byte, ldb int, trans bool) {
	step, across := ldb, 1
	if trans {
		step, across = 1, ldb
	}
	flip := byte(0x80)
	if p.Signed {
		flip = 0
	}
	nr := p.form.nr
	for j := i * packPanels; j < min((i+1)*packPanels, p.panels); j++ {
		sums := p.sums[j*nr:][:nr]
		clear(sums)
		for pc := 0; pc < p.K; pc += p.kc {
			kc := min(p.kc, p.K-pc)
			dst := p.panel(pc, kc, j)
			clear(dst)
			for c := range min(nr, p.N-j*nr) {
				sums[c] += p.packColumn(dst, c, b[pc*step+(j*nr+c)*across:], step, kc, flip)
			}
		}
	}
}

// packColumn packs kc elements of b, step apart, as column c of a panel and returns their sum.
func (p *PackedB8) packColumn(dst []int8, c int, b []byte, step, kc int, flip byte) (sum int32) {
	nr, group := p.form.nr, p.form.group
	for q := range kc {
		v := int8(b[q*step] ^ flip)
		dst[(q/group*nr+c)*group+q%group] = v
		sum += int32(v)
	}
	return sum
}

// panel returns panel j of the block of kc rows that starts at row pc.
func (p *PackedB8) panel(pc, kc, j int) []int8 {
	f := p.form
	size := ceil(kc, f.group) * f.group * f.nr
	return p.data[pc*p.panels*f.nr+j*size:][:size]
}

// checkZero verifies a list of zero points.
func checkZero(name string, zero []byte, n int) error {
	if len(zero) > 1 && len(zero) < n {
		return fmt.Errorf("gemm: %d zero points of %s for %d vectors", len(zero), name, n)
	}
	return nil
}
