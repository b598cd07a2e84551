package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ingot/internal/kernel/cpu"
)

// byteSource is A as an ASource8.
type byteSource struct {
	a   []byte
	lda int
}

func (s byteSource) PackA(dst []byte, ld, i0, rows, k0, cols int) {
	for i := range rows {
		copy(dst[i*ld:][:cols], s.a[(i0+i)*s.lda+k0:])
	}
}

// value is an element or zero point: z is a byte of a signed or unsigned type.
func value(z byte, signed bool) int32 {
	if signed {
		return int32(int8(z))
	}
	return int32(z)
}

func bytesOf(r *rand.Rand, n int) []byte {
	s := make([]byte, n)
	for i := range s {
		s[i] = byte(r.Uint32())
		if r.IntN(4) == 0 {
			s[i] = []byte{0, 127, 128, 255}[r.IntN(4)]
		}
	}
	return s
}

// case8 is one 8-bit product; zeroA and zeroB are the numbers of zero points (−1: one for each row or column).
type case8 struct {
	m, n, k          int
	signedA, signedB bool
	zeroA, zeroB     int
	pad              int
	trans, source    bool
}

// build makes the operands of a case and what they must give. The race detector leaves it alone, for speed.
//
//go:norace
func (c case8) build(t *testing.T, r *rand.Rand, form form8, tier cpu.Tier) (g *Matmul8, want []int32) {
	count := func(z, n int) int {
		if z < 0 {
			return n
		}
		return z
	}
	g = &Matmul8{M: c.m, N: c.n, K: c.k, LDA: c.k + c.pad, LDC: c.n + c.pad, SignedA: c.signedA}
	g.A = bytesOf(r, max(0, (c.m-1)*g.LDA+c.k))
	g.C = make([]int32, max(0, (c.m-1)*g.LDC+c.n))
	for i := range g.C {
		g.C[i] = -99
	}
	g.ZeroA, g.ZeroB = bytesOf(r, count(c.zeroA, c.m)), bytesOf(r, count(c.zeroB, c.n))
	rows, ldb := c.k, c.n+c.pad
	if c.trans {
		rows, ldb = c.n, c.k+c.pad
	}
	b := bytesOf(r, rows*ldb)
	at := func(q, j int) byte {
		if c.trans {
			return b[j*ldb+q]
		}
		return b[q*ldb+j]
	}
	for i := range c.m {
		for j := range c.n {
			var sum int32
			x, y := value(pick(g.ZeroA, i), c.signedA), value(pick(g.ZeroB, j), c.signedB)
			for q := range c.k {
				sum += (value(g.A[i*g.LDA+q], c.signedA) - x) * (value(at(q, j), c.signedB) - y)
			}
			want = append(want, sum)
		}
	}
	g.B = new(PackedB8)
	g.B.over(form, c.k, c.n, c.signedB, make([]int32, form.packedLen(c.k, c.n)))
	if err := g.B.Check(b, ldb, c.trans); err != nil {
		t.Fatal(err)
	}
	for i := range g.B.Tiles() {
		g.B.PackTile(i, b, ldb, c.trans)
	}
	if c.source {
		g.Source, g.A = byteSource{g.A, g.LDA}, nil
	}
	if err := g.prepare(tier); err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	return g, want
}

func (g *Matmul8) runShuffled(r *rand.Rand, scratch []int32) {
	for i := range scratch {
		scratch[i] = math.MinInt32
	}
	for _, i := range r.Perm(g.Tiles()) {
		g.Tile(i, scratch)
	}
}

func verify8(t *testing.T, c case8, g *Matmul8, want []int32) {
	t.Helper()
	for i, w := range want {
		row, col := i/c.n, i%c.n
		if got := g.C[row*g.LDC+col]; got != w {
			t.Fatalf("%+v\nC[%d,%d] = %d, want %d", c, row, col, got, w)
		}
	}
	for i, v := range g.C {
		if c.n > 0 && i%g.LDC >= c.n && v != -99 {
			t.Fatalf("%+v\nwrote beside C at %d", c, i)
		}
	}
}

func TestMatmul8(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		r := rand.New(rand.NewPCG(21, 22))
		for _, s := range [][3]int{
			{0, 3, 3}, {3, 0, 3}, {3, 3, 0}, {1, 1, 1}, {1, 16, 4}, {2, 5, 3}, {5, 17, 7}, {6, 16, 32}, {7, 31, 33}, {12, 32, 64}, {13, 33, 65},
			{24, 48, 100}, {61, 40, 777}, {130, 130, 31}, {33, 259, 800}, {250, 64, 129}, {1, 300, 2000},
		} {
			for mode := range 12 {
				c := case8{
					m: s[0], n: s[1], k: s[2], signedA: mode&1 != 0, signedB: mode&2 != 0, zeroA: mode%3 - 1, zeroB: mode/3%3 - 1,
					pad: mode % 4, trans: mode%5 == 1, source: mode%7 == 3,
				}
				g, want := c.build(t, r, form8Of(tier), tier)
				g.runShuffled(r, make([]int32, g.ScratchLen()))
				verify8(t, c, g, want)
			}
		}
	})
}

// TestMatmul8NeverSaturates: the sums of the largest products, which VPMADDUBSW would cut off.
func TestMatmul8NeverSaturates(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		const m, n, k = 7, 33, 1001
		for _, x := range []struct {
			a, b             byte
			signedA, signedB bool
		}{{255, 255, false, false}, {255, 128, false, true}, {128, 128, true, true}, {128, 255, true, false}, {255, 127, false, true}} {
			form := form8Of(tier)
			b := slices.Repeat([]byte{x.b}, k*n)
			g := Matmul8{M: m, N: n, K: k, A: slices.Repeat([]byte{x.a}, m*k), LDA: k, SignedA: x.signedA, B: new(PackedB8), C: make([]int32, m*n), LDC: n}
			g.B.over(form, k, n, x.signedB, make([]int32, form.packedLen(k, n)))
			for i := range g.B.Tiles() {
				g.B.PackTile(i, b, n, false)
			}
			if err := g.prepare(tier); err != nil {
				t.Fatal(err)
			}
			g.runShuffled(rand.New(rand.NewPCG(1, 1)), make([]int32, g.ScratchLen()))
			want := k * value(x.a, x.signedA) * value(x.b, x.signedB)
			for i, got := range g.C {
				if got != want {
					t.Fatalf("%+v: C[%d] = %d, want %d", x, i, got, want)
				}
			}
		}
	})
}

func TestMatmul8BatchAndDone(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		const n = 70
		c := case8{m: 30, n: n, k: 50, zeroA: 1, zeroB: -1}
		g, want := c.build(t, rand.New(rand.NewPCG(23, 24)), form8Of(tier), tier)
		g.Batch = []Offset{{A: 10 * 50, C: 0}, {A: 0, C: 10 * n}, {A: 20 * 50, C: 20 * n}}
		g.M = 10
		var calls [30 * n]int
		g.Done = func(i, j int, run []int32) {
			for x := range run {
				run[x] *= 2
				calls[i*n+j+x]++
			}
		}
		if err := g.prepare(tier); err != nil {
			t.Fatal(err)
		}
		scratch := make([]int32, g.ScratchLen())
		if a := testing.AllocsPerRun(1, func() { g.runShuffled(rand.New(rand.NewPCG(1, 1)), scratch) }); a > 10 {
			t.Errorf("%v allocations", a) // those of Perm
		}
		for i, w := range want {
			if got := g.C[[]int{1, 0, 2}[i/(10*n)]*10*n+i%(10*n)]; got != 2*w {
				t.Fatalf("element %d is %d, want %d", i, got, 2*w)
			}
		}
		for i, n := range calls[:10*n] {
			if n != 2*3 { // two runs of three products
				t.Fatalf("Done saw element %d %d times", i, n)
			}
		}
	})
}

func TestMatmul8Refuses(t *testing.T) {
	b := NewPackedB8(4, 5, true)
	for name, g := range map[string]Matmul8{
		"no B":            {M: 3, N: 5, K: 4, A: make([]byte, 12), LDA: 4, C: make([]int32, 15), LDC: 5},
		"other B":         {M: 3, N: 4, K: 4, A: make([]byte, 12), LDA: 4, C: make([]int32, 15), LDC: 5, B: b},
		"A short":         {M: 3, N: 5, K: 4, A: make([]byte, 11), LDA: 4, C: make([]int32, 15), LDC: 5, B: b},
		"C short":         {M: 3, N: 5, K: 4, A: make([]byte, 12), LDA: 4, C: make([]int32, 14), LDC: 5, B: b},
		"zero points":     {M: 3, N: 5, K: 4, A: make([]byte, 12), LDA: 4, C: make([]int32, 15), LDC: 5, B: b, ZeroA: make([]byte, 2)},
		"negative offset": {M: 3, N: 5, K: 4, A: make([]byte, 12), LDA: 4, C: make([]int32, 15), LDC: 5, B: b, Batch: []Offset{{A: -1}}},
	} {
		if err := g.Prepare(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := PackB8(4, 5, false, make([]byte, 19), 5, false); err == nil {
		t.Error("packed a short B")
	}
}

func BenchmarkMatmul8(b *testing.B) {
	for _, s := range [][3]int{{64, 64, 64}, {128, 384, 384}, {128, 384, 1536}, {512, 512, 512}, {1, 768, 3072}} {
		for _, tier := range cpu.Supported() {
			b.Run(fmt.Sprintf("%dx%dx%d/%v", s[0], s[1], s[2], tier), func(b *testing.B) {
				m, n, k := s[0], s[1], s[2]
				form := form8Of(tier)
				g := Matmul8{M: m, N: n, K: k, A: make([]byte, m*k), LDA: k, ZeroA: []byte{3}, B: new(PackedB8), C: make([]int32, m*n), LDC: n}
				g.B.over(form, k, n, true, make([]int32, form.packedLen(k, n)))
				if err := g.prepare(tier); err != nil {
					b.Fatal(err)
				}
				scratch := make([]int32, g.ScratchLen())
				best := fastest(b, g.Tiles(), func(i int) { g.Tile(i, scratch) })
				b.ReportMetric(2*float64(m)*float64(n)*float64(k)/float64(best.Nanoseconds()), "GOP/s")
			})
		}
	}
}
