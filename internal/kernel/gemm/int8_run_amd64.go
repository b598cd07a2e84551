package gemm

import (
	"unsafe"

	x86 "golang.org/x/sys/cpu"

	"ingot/internal/kernel/cpu"
)

func form8Of(tier cpu.Tier) form8 {
	switch {
	case tier == cpu.AVX512 && x86.X86.HasAVX512VNNI:
		return form8Quads
	case tier == cpu.AVX512 || tier == cpu.AVX2:
		return form8Pairs
	}
	return form8Go
}

// tile8Args are the operands of one register tile; the generator knows the offsets. Strides are in bytes.
type tile8Args struct {
	k     int // groups
	a     *byte
	lda   int
	b     *int8
	c     *int32
	ldc   int
	rows  int
	vecs  int
	flags int
	mask  int // lanes of the last vector that exist, for the form that masks
	zeroA *int32
	termB *int32
	sumA  *int32
	zeroB *int32
}

const (
	flag8Add = 1 << iota
	flag8ZeroA
	flag8ZeroB
)

// run computes the panel with the kernel of its form.
func (p *panel8) run(cpu.Tier) {
	if p.form == form8Go {
		panel8Go(p)
		return
	}
	lanes := p.form.nr / 2
	vecs := ceil(p.n, lanes)
	p.check(vecs * lanes)
	x := tile8Args{k: p.groups, lda: p.lda, b: unsafe.SliceData(p.b), ldc: 4 * p.ldc, vecs: vecs, termB: &p.termB[0], zeroB: &p.zeroB[0]}
	partial := p.n - (vecs-1)*lanes
	x.mask = 1<<partial - 1
	if p.add {
		x.flags |= flag8Add
	}
	if p.useA {
		x.flags |= flag8ZeroA
	}
	if p.useB {
		x.flags |= flag8ZeroB
	}
	buffered := p.form == form8Pairs && partial < lanes // it has no masks
	for i := 0; i < p.m; i += x.rows {
		x.rows = p.form.rowTile(p.m - i)
		x.zeroA, x.sumA = &p.zeroA[i], &p.sumA[i]
		if p.groups > 0 {
			x.a = (*byte)(unsafe.Pointer(&p.a[i*p.lda/4]))
		}
		switch {
		case buffered:
			p.runNarrow(x, i)
		case p.form == form8Pairs:
			x.c = &p.c[i*p.ldc]
			gemm8PairsAVX2((*byte)(unsafe.Pointer(&x)))
		default:
			x.c = &p.c[i*p.ldc]
			gemm8QuadsVNNI((*byte)(unsafe.Pointer(&x)))
		}
	}
}

// runNarrow computes a tile whose last vector is partial through a buffer.
func (p *panel8) runNarrow(x tile8Args, i int) {
	const rows, cols = 6, 16
	var buf [rows * cols]int32
	x.c, x.ldc = &buf[0], 4*cols
	for r := range x.rows {
		copy(buf[r*cols:][:p.n], p.c[(i+r)*p.ldc:])
	}
	gemm8PairsAVX2((*byte)(unsafe.Pointer(&x)))
	for r := range x.rows {
		copy(p.c[(i+r)*p.ldc:][:p.n], buf[r*cols:])
	}
}

// check panics when an operand is shorter than what the assembly is going to touch.
func (p *panel8) check(width int) {
	if p.groups > 0 {
		_ = p.a[((p.m-1)*p.lda+4*p.groups-1)/4]
		_ = p.b[:p.groups*p.form.nr*p.form.group]
	}
	_ = p.c[(p.m-1)*p.ldc:][:p.n]
	_, _ = p.zeroA[:p.m], p.sumA[:p.m]
	_, _ = p.termB[:width], p.zeroB[:width]
}

// widenBytes is widenBytesGo; len(dst) ≥ len(src).
func widenBytes(tier cpu.Tier, dst []int16, src []byte, flip byte) int32 {
	whole := len(src) &^ 31
	if tier == cpu.Generic || whole == 0 {
		return widenBytesGo(dst, src, flip)
	}
	_ = dst[:len(src)]
	sum := int32(widenBytesAVX2(uint64(whole), &src[0], &dst[0], uint64(flip)))
	return sum + widenBytesGo(dst[whole:], src[whole:], flip)
}

// copyBytes is copyBytesGo; len(dst) ≥ len(src).
func copyBytes(tier cpu.Tier, dst, src []byte, flip byte) int32 {
	whole := len(src) &^ 31
	if tier == cpu.Generic || whole == 0 {
		return copyBytesGo(dst, src, flip)
	}
	_ = dst[:len(src)]
	sum := int32(copyBytesAVX2(uint64(whole), &src[0], &dst[0], uint64(flip)))
	return sum + copyBytesGo(dst[whole:], src[whole:], flip)
}
