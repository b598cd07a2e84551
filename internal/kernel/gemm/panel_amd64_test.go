package gemm

import (
	"testing"
	"unsafe"
)

// TestArgumentOffsets: the generator addresses the fields of tileArgs and tile8Args by number.
func TestArgumentOffsets(t *testing.T) {
	var s tileArgs[float32]
	var d tileArgs[float64]
	var i tile8Args
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"k", unsafe.Offsetof(s.k), 0}, {"a", unsafe.Offsetof(s.a), 8}, {"lda", unsafe.Offsetof(s.lda), 16},
		{"b", unsafe.Offsetof(s.b), 24}, {"ldb", unsafe.Offsetof(s.ldb), 32}, {"c", unsafe.Offsetof(s.c), 40},
		{"ldc", unsafe.Offsetof(s.ldc), 48}, {"d", unsafe.Offsetof(s.d), 56}, {"ldd", unsafe.Offsetof(s.ldd), 64},
		{"bias", unsafe.Offsetof(s.bias), 72}, {"rowBias", unsafe.Offsetof(s.rowBias), 80},
		{"nextA", unsafe.Offsetof(s.nextA), 88}, {"nextB", unsafe.Offsetof(s.nextB), 96},
		{"rows", unsafe.Offsetof(s.rows), 104}, {"vecs", unsafe.Offsetof(s.vecs), 112},
		{"flags", unsafe.Offsetof(s.flags), 120}, {"mask", unsafe.Offsetof(s.mask), 128},
		{"alpha", unsafe.Offsetof(s.alpha), 136}, {"beta", unsafe.Offsetof(s.beta), 140},
		{"lo", unsafe.Offsetof(s.lo), 144}, {"hi", unsafe.Offsetof(s.hi), 148},
		{"alpha64", unsafe.Offsetof(d.alpha), 136}, {"beta64", unsafe.Offsetof(d.beta), 144},
		{"lo64", unsafe.Offsetof(d.lo), 152}, {"hi64", unsafe.Offsetof(d.hi), 160},
		{"k8", unsafe.Offsetof(i.k), 0}, {"a8", unsafe.Offsetof(i.a), 8}, {"lda8", unsafe.Offsetof(i.lda), 16},
		{"b8", unsafe.Offsetof(i.b), 24}, {"c8", unsafe.Offsetof(i.c), 32}, {"ldc8", unsafe.Offsetof(i.ldc), 40},
		{"rows8", unsafe.Offsetof(i.rows), 48}, {"vecs8", unsafe.Offsetof(i.vecs), 56}, {"flags8", unsafe.Offsetof(i.flags), 64},
		{"mask8", unsafe.Offsetof(i.mask), 72}, {"zeroA8", unsafe.Offsetof(i.zeroA), 80}, {"termB8", unsafe.Offsetof(i.termB), 88},
		{"sumA8", unsafe.Offsetof(i.sumA), 96}, {"zeroB8", unsafe.Offsetof(i.zeroB), 104},
	} {
		if c.got != c.want {
			t.Errorf("%s lies at %d, the assembly takes it to lie at %d", c.name, c.got, c.want)
		}
	}
}
