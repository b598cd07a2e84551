package gemm

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// fenced returns n elements that end where an unreadable page begins, or, with low, that begin where one ends.
func fenced[T any](t *testing.T, n int, low bool) []T {
	t.Helper()
	page := syscall.Getpagesize()
	size := n * int(unsafe.Sizeof(*new(T)))
	body := (size + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, body+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	for _, guard := range [][]byte{m[:page], m[page+body:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	start := page + body - size
	if low {
		start = page
	}
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&m[start])), n)
}

func fencedCopy[T any](t *testing.T, s []T, low bool) []T {
	if s == nil {
		return nil
	}
	f := fenced[T](t, len(s), low)
	copy(f, s)
	return f
}

// TestNoAccessOutside runs products whose operands and scratch lie against unreadable pages.
func TestNoAccessOutside(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		fencedProducts[float32](t, tier)
		fencedProducts[float64](t, tier)
	})
}

func fencedProducts[T Number](t *testing.T, tier cpu.Tier) {
	r := rand.New(rand.NewPCG(17, 18))
	for _, s := range [][3]int{{1, 1, 1}, {1, 37, 45}, {1, 64, 64}, {3, 16, 5}, {5, 17, 33}, {7, 33, 330}, {13, 8, 4}, {30, 50, 19}, {37, 32, 32}} {
		for mode := range 16 {
			c := product{
				m: s[0], n: s[1], k: s[2], packed: mode&1 != 0, transA: mode&2 != 0, transB: mode&4 != 0,
				bias: true, rowBias: true, residual: true, clip: true, padC: mode % 3,
			}
			o := build[T](t, r, c, tier)
			g := &o.g
			low := mode&8 != 0
			g.A, g.B, g.C = fencedCopy(t, g.A, low), fencedCopy(t, g.B, low), fencedCopy(t, g.C, low)
			g.Bias, g.RowBias, g.Residual = fencedCopy(t, g.Bias, low), fencedCopy(t, g.RowBias, low), fencedCopy(t, g.Residual, low)
			if g.Packed != nil {
				g.Packed.data = fencedCopy(t, g.Packed.data, low)
			}
			scratch := fenced[T](t, g.ScratchLen(), low)
			for i := range g.Tiles() {
				g.Tile(i, scratch)
			}
			o.verify(t, c)
		}
	}
}

func TestNoAccessOutside8(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		r := rand.New(rand.NewPCG(19, 20))
		for _, s := range [][3]int{{1, 1, 1}, {5, 17, 33}, {13, 33, 65}, {7, 8, 97}, {30, 50, 19}} {
			for _, low := range []bool{false, true} {
				c := case8{m: s[0], n: s[1], k: s[2], zeroA: -1, zeroB: -1, source: s[0] == 7}
				g, want := c.build(t, r, form8Of(tier), tier)
				g.A, g.C, g.ZeroA, g.ZeroB = fencedCopy(t, g.A, low), fencedCopy(t, g.C, low), fencedCopy(t, g.ZeroA, low), fencedCopy(t, g.ZeroB, low)
				g.B.data, g.B.sums = fencedCopy(t, g.B.data, low), fencedCopy(t, g.B.sums, low)
				scratch := fenced[int32](t, g.ScratchLen(), low)
				g.runShuffled(r, scratch)
				verify8(t, c, g, want)
			}
		}
	})
}
