package gemm

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"ingot/internal/kernel/cpu"
)

func eachTier(t *testing.T, f func(t *testing.T, tier cpu.Tier)) {
	for _, tier := range cpu.Supported() {
		t.Run(tier.String(), func(t *testing.T) { f(t, tier) })
	}
}

func TestMatmul(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		testMatmul[float32](t, tier)
		testMatmul[float64](t, tier)
	})
}

func testMatmul[T Number](t *testing.T, tier cpu.Tier) {
	r := rand.New(rand.NewPCG(1, 2))
	for i, c := range cases() {
		if epsilon[T]() != epsilon[float32]() && i%3 != 0 {
			continue // the other types share the driver; a third of the cases is enough
		}
		o := build[T](t, r, c, tier)
		o.run(ascending(o.g.Tiles()))
		o.verify(t, c)
	}
}

func TestMatmulScaled(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, c := range []product{
			{m: 13, n: 37, k: 50, alpha: 0.5, residual: true, beta: -2},
			{m: 13, n: 37, k: 1000, alpha: -1.5, inPlace: true, beta: 0.25, bias: true},
			{m: 1, n: 37, k: 1000, alpha: 3, rowBias: true, packed: true},
			{m: 1, n: 37, k: 1000, alpha: 3, residual: true, beta: 0.5},
			{m: 1, n: 37, k: 1000, alpha: 3, residual: true, beta: 0.5, transB: true},
			{m: 29, n: 32, k: 640, beta: 7, inPlace: true, clip: true, packed: true},
		} {
			o := build[float32](t, r, c, tier)
			o.run(ascending(o.g.Tiles()))
			o.verify(t, c)
			d := build[float64](t, r, c, tier)
			d.run(ascending(d.g.Tiles()))
			d.verify(t, c)
		}
	})
}

// TestMatmulRandom draws shapes and options.
func TestMatmulRandom(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		r := rand.New(rand.NewPCG(5, 6))
		size := func() int { return 1 + int(math.Exp(r.Float64()*5.5)) }
		flip := func() bool { return r.IntN(3) == 0 }
		for range 150 {
			c := product{
				m: size(), n: size(), k: size(), padA: r.IntN(9), padB: r.IntN(9), padC: r.IntN(9), padR: r.IntN(9),
				transA: flip(), transB: flip(), packed: flip(), bias: flip(), rowBias: flip(), clip: flip(), residual: flip(),
				mapped: flip(), skip: r.IntN(16),
			}
			c.source = flip() && !c.transA
			o := build[float32](t, r, c, tier)
			o.run(r.Perm(o.g.Tiles()))
			o.verify(t, c)
			if r.IntN(4) == 0 {
				o := build[float64](t, r, c, tier)
				o.run(r.Perm(o.g.Tiles()))
				o.verify(t, c)
			}
		}
	})
}

// TestOrderAndAddress: the same bits in whatever order the tiles run, wherever the operands lie, in place or not.
func TestOrderAndAddress(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, c := range []product{
			{m: 30, n: 300, k: 640, bias: true}, {m: 100, n: 300, k: 100, packed: true, residual: true},
			{m: 50, n: 300, k: 333, transB: true, clip: true}, {m: 1, n: 900, k: 700, packed: true, bias: true},
			{m: 1, n: 900, k: 700, residual: true}, {m: 1, n: 900, k: 700, transB: true}, {m: 4, n: 900, k: 700},
			{m: 100, n: 300, k: 100, transA: true, packed: true},
		} {
			var first []float32
			for variant := range 4 {
				r := rand.New(rand.NewPCG(7, 8))
				o := build[float32](t, r, c, tier)
				g := &o.g
				order := ascending(g.Tiles())
				if len(order) < 2 {
					t.Fatalf("%v has %d tiles, too few for this test", c, len(order))
				}
				switch variant {
				case 1:
					slices.Reverse(order)
				case 2:
					order = rand.New(rand.NewPCG(9, 10)).Perm(len(order))
					g.A, g.B, g.C = moved(g.A, 1), moved(g.B, 3), moved(g.C, 5)
				case 3:
					if g.Residual != nil {
						g.C, g.LDC = g.Residual, g.LDR
					}
				}
				o.run(order)
				if first == nil {
					o.verify(t, c)
					first = slices.Clone(g.C)
				}
				for i, v := range g.C {
					if math.Float32bits(v) != math.Float32bits(first[i]) {
						t.Fatalf("%v variant %d: element %d is %x, was %x", c, variant, i, v, first[i])
					}
				}
			}
		}
	})
}

// TestParallel: tiles may run side by side.
func TestParallel(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, c := range []product{{m: 60, n: 300, k: 200}, {m: 60, n: 300, k: 200, packed: true, source: true, mapped: true}, {m: 1, n: 600, k: 700}} {
			o := build[float32](t, rand.New(rand.NewPCG(25, 26)), c, tier)
			var next atomic.Int64
			var wait sync.WaitGroup
			for range 4 {
				wait.Go(func() {
					scratch := make([]float32, o.g.ScratchLen())
					for i := int(next.Add(1)) - 1; i < o.g.Tiles(); i = int(next.Add(1)) - 1 {
						o.g.Tile(i, scratch)
					}
				})
			}
			wait.Wait()
			o.verify(t, c)
		}
	})
}

func moved(s []float32, by int) []float32 {
	if s == nil {
		return nil
	}
	return append(make([]float32, by, by+len(s)), s...)[by:]
}

// TestSameRows: a row of a product has the same bits whether B was packed before, is packed by the tiles or read as it lies.
func TestSameRows(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, m := range []int{2, 5, 9, 40} {
			var first []float32
			for _, c := range []product{{}, {packed: true}, {source: true}, {source: true, packed: true}} {
				c.m, c.n, c.k = m, 77, 600
				o := build[float32](t, rand.New(rand.NewPCG(11, 12)), c, tier)
				o.run(ascending(o.g.Tiles()))
				if first == nil {
					first = o.g.C
				}
				if !slices.Equal(first, o.g.C) {
					t.Errorf("%v differs from the plain product", c)
				}
			}
		}
	})
}

func TestBatch(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		const m, n, k = 9, 21, 33
		r := rand.New(rand.NewPCG(13, 14))
		a, b, res := fill[float32](r, 2*m*k), fill[float32](r, 3*k*n), fill[float32](r, 6*m*n)
		c := make([]float32, 6*m*n)
		g := Matmul[float32]{M: m, N: n, K: k, A: a, LDA: k, B: b, LDB: n, C: c, LDC: n}
		g.Residual, g.LDR = res, n
		for i := range 6 { // A is broadcast along one axis, B along the other
			g.Batch = append(g.Batch, Offset{A: i / 3 * m * k, B: i % 3 * k * n, C: i * m * n, Residual: i * m * n})
		}
		if err := g.prepare(tier); err != nil {
			t.Fatal(err)
		}
		scratch := make([]float32, g.ScratchLen())
		for _, i := range r.Perm(g.Tiles()) {
			g.Tile(i, scratch)
		}
		for i := range 6 {
			one := Matmul[float32]{M: m, N: n, K: k, A: a[i/3*m*k:], LDA: k, B: b[i%3*k*n:], LDB: n, C: make([]float32, m*n), LDC: n}
			one.Residual, one.LDR = res[i*m*n:], n
			if err := one.prepare(tier); err != nil {
				t.Fatal(err)
			}
			for j := range one.Tiles() {
				one.Tile(j, scratch)
			}
			if !slices.Equal(one.C, c[i*m*n:][:m*n]) {
				t.Errorf("product %d of the batch differs from the single one", i)
			}
		}
	})
}

func TestPrepareRefuses(t *testing.T) {
	buf := make([]float32, 100)
	packed := NewPackedB[float32](10, 10)
	ok := func() Matmul[float32] {
		return Matmul[float32]{M: 10, N: 10, K: 10, A: buf, LDA: 10, B: buf, LDB: 10, C: buf, LDC: 10}
	}
	for name, spoil := range map[string]func(*Matmul[float32]){
		"negative size":   func(g *Matmul[float32]) { g.K = -1 },
		"A short":         func(g *Matmul[float32]) { g.A = buf[:99] },
		"B short":         func(g *Matmul[float32]) { g.B = buf[:99] },
		"C short":         func(g *Matmul[float32]) { g.C = nil },
		"A stride":        func(g *Matmul[float32]) { g.LDA = 9 },
		"B stride":        func(g *Matmul[float32]) { g.TransB = true; g.N = 5; g.LDB = 9 },
		"C stride":        func(g *Matmul[float32]) { g.LDC = 11 },
		"huge stride":     func(g *Matmul[float32]) { g.LDA = math.MaxInt / 2 },
		"bias":            func(g *Matmul[float32]) { g.Bias = buf[:9] },
		"row bias":        func(g *Matmul[float32]) { g.RowBias = buf[:9] },
		"residual":        func(g *Matmul[float32]) { g.Residual = buf[1:]; g.LDR = 10 },
		"packed size":     func(g *Matmul[float32]) { g.Packed = NewPackedB[float32](10, 11) },
		"packed tier":     func(g *Matmul[float32]) { p := *packed; p.tier++; g.Packed = &p },
		"batch":           func(g *Matmul[float32]) { g.Batch = []Offset{{}, {A: 1}} },
		"negative offset": func(g *Matmul[float32]) { g.Batch = []Offset{{C: -1}} },
	} {
		g := ok()
		if err := g.Prepare(); err != nil {
			t.Fatal(err)
		}
		spoil(&g)
		if err := g.Prepare(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestSpecialValues: NaN and infinities come through as IEEE arithmetic says, also past clipping and padding; denormals count.
func TestSpecialValues(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, n := range []int{1, 5, 8, 19, 33} {
			for _, m := range []int{1, 2, 7, 30} {
				a, b := make([]float32, m*2), make([]float32, 2*n)
				for i := range m {
					a[2*i], a[2*i+1] = 1, 0
				}
				for j := range n {
					b[j], b[n+j] = []float32{nan, inf, -inf, 0x1p-149, 2}[j%5], 1
				}
				g := Matmul[float32]{M: m, N: n, K: 2, A: a, LDA: 2, B: b, LDB: n, C: make([]float32, m*n), LDC: n}
				for _, clip := range []bool{false, true} {
					g.Clip, g.Lo, g.Hi = clip, 0, inf
					if err := g.prepare(tier); err != nil {
						t.Fatal(err)
					}
					scratch := make([]float32, g.ScratchLen())
					for i := range g.Tiles() {
						g.Tile(i, scratch)
					}
					for i, got := range g.C {
						want := b[i%n]
						if clip && want < 0 {
							want = 0
						}
						if got != want && !(got != got && want != want) {
							t.Errorf("%d×%d clip %v: C[%d] = %v, want %v", m, n, clip, i, got, want)
						}
					}
				}
			}
		}
	})
}

func TestNoAllocation(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, c := range []product{
			{m: 100, n: 100, k: 400, bias: true, mapped: true}, {m: 100, n: 100, k: 400, packed: true, source: true, residual: true},
			{m: 1, n: 100, k: 400}, {m: 1, n: 100, k: 400, packed: true}, {m: 1, n: 100, k: 400, transB: true, bias: true},
			{m: 30, n: 33, k: 30, transA: true, transB: true},
		} {
			o := build[float32](t, r, c, tier)
			scratch := make([]float32, o.g.ScratchLen())
			n := testing.AllocsPerRun(5, func() {
				if err := o.g.prepare(tier); err != nil {
					t.Error(err)
				}
				for i := range o.g.Tiles() {
					o.g.Tile(i, scratch)
				}
			})
			if n != 0 {
				t.Errorf("%v: %v allocations a run", c, n)
			}
		}
	})
}

func TestPackedBytes(t *testing.T) {
	p := NewPackedB[float64](3, 1)
	if got, want := p.Bytes(), 3*p.block.nr*8; got != want {
		t.Errorf("Bytes() = %d, want %d", got, want)
	}
	if uintptr(unsafe.Pointer(&p.data[0]))%64 != 0 {
		t.Error("panels don't start at a cache line")
	}
}
