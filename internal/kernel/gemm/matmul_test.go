package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// product is one case: a shape and how its operands lie.
type product struct {
	m, n, k                int
	padA, padB, padC, padR int // what a row's distance exceeds its length by
	transA, transB         bool
	packed, source         bool
	bias, rowBias, clip    bool
	residual, inPlace      bool
	mapped                 bool
	alpha, beta            float64
	skip                   int // elements before each operand, which make addresses unaligned
}

func (c product) String() string {
	type plain product
	return fmt.Sprintf("%+v", plain(c))
}

// operands of a case in one element type, and what they must give.
type operands[T Number] struct {
	g    Matmul[T]
	c0   []T // C before the product
	want []float64
	tol  []float64
}

// rowSource is A as an ASource.
type rowSource[T Number] struct {
	a   []T
	lda int
}

func (s rowSource[T]) PackA(dst []T, ld, i0, rows, k0, cols int) {
	for i := range rows {
		copy(dst[i*ld:][:cols], s.a[(i0+i)*s.lda+k0:])
	}
}

func fill[T Number](r *rand.Rand, n int) []T {
	s := make([]T, n)
	for i := range s {
		switch p := any(&s[i]).(type) {
		case *float32:
			*p = r.Float32() - 0.5
		case *float64:
			*p = r.Float64() - 0.5
		default:
			s[i] = T(r.Uint64() >> 60)
		}
	}
	return s
}

func epsilon[T Number]() float64 {
	switch any(*new(T)).(type) {
	case float32:
		return 0x1p-24
	case float64:
		return 0x1p-53
	}
	return 0
}

// build makes the operands of a case on a tier, and the result in float64. An element of the sum of k products may be off by
// (k + 8)·ε·Σ|a·b| (the error bound of any order of summation), the epilogue by a few ε of its terms.
func build[T Number](t *testing.T, r *rand.Rand, c product, tier cpu.Tier) *operands[T] {
	t.Helper()
	matrix := func(rows, cols, pad int) ([]T, int) {
		ld := cols + pad
		if rows*cols == 0 {
			return nil, ld
		}
		return fill[T](r, c.skip+(rows-1)*ld+cols)[c.skip:], ld
	}
	o := &operands[T]{g: Matmul[T]{M: c.m, N: c.n, K: c.k, TransA: c.transA, TransB: c.transB}}
	g := &o.g
	if c.transA {
		g.A, g.LDA = matrix(c.k, c.m, c.padA)
	} else {
		g.A, g.LDA = matrix(c.m, c.k, c.padA)
	}
	if c.transB {
		g.B, g.LDB = matrix(c.n, c.k, c.padB)
	} else {
		g.B, g.LDB = matrix(c.k, c.n, c.padB)
	}
	g.C, g.LDC = matrix(c.m, c.n, c.padC)
	if c.bias {
		g.Bias = fill[T](r, c.n)
	}
	if c.rowBias {
		g.RowBias = fill[T](r, c.m)
	}
	if c.residual {
		g.Residual, g.LDR = matrix(c.m, c.n, c.padR)
	}
	if c.inPlace {
		g.Residual, g.LDR = g.C, g.LDC
	}
	if c.clip {
		var zero T
		g.Clip, g.Lo, g.Hi = true, zero, zero+1
	}
	if c.mapped {
		g.Map = func(run []T) {
			for i := range run {
				run[i] *= 3
			}
		}
	}
	g.Alpha, g.Beta = T(c.alpha), T(c.beta)
	o.c0 = slices.Clone(g.C)

	a := func(i, q int) float64 {
		if c.transA {
			return float64(g.A[q*g.LDA+i])
		}
		return float64(g.A[i*g.LDA+q])
	}
	b := func(q, j int) float64 {
		if c.transB {
			return float64(g.B[j*g.LDB+q])
		}
		return float64(g.B[q*g.LDB+j])
	}
	or1 := func(x T) float64 {
		if x == 0 {
			return 1
		}
		return float64(x)
	}
	columns := make([]float64, c.n*c.k)
	for x := range columns {
		columns[x] = b(x%c.k, x/c.k)
	}
	row := make([]float64, c.k)
	for i := range c.m {
		for q := range row {
			row[q] = a(i, q)
		}
		for j := range c.n {
			sum, abs := 0.0, 0.0
			for q, y := range columns[j*c.k:][:c.k] {
				sum += row[q] * y
				abs += math.Abs(row[q] * y)
			}
			sum *= or1(g.Alpha)
			abs *= math.Abs(or1(g.Alpha)) * float64(c.k+8)
			add := func(v float64) { sum += v; abs += 8 * math.Abs(v) }
			if g.Residual != nil {
				add(or1(g.Beta) * float64(g.Residual[i*g.LDR+j]))
			}
			if c.bias {
				add(float64(g.Bias[j]))
			}
			if c.rowBias {
				add(float64(g.RowBias[i]))
			}
			if c.clip {
				sum = min(max(sum, float64(g.Lo)), float64(g.Hi))
			}
			if c.mapped {
				sum, abs = 3*sum, 4*abs
			}
			o.want = append(o.want, sum)
			o.tol = append(o.tol, abs*epsilon[T]())
		}
	}

	if c.source {
		g.Source = rowSource[T]{g.A, g.LDA}
		g.A = nil
	}
	if c.packed {
		g.Packed = new(PackedB[T])
		g.Packed.over(tier, c.k, c.n, make([]T, packedLen[T](tier, c.k, c.n)))
		if err := g.Packed.Check(g.B, g.LDB, c.transB); err != nil {
			t.Fatal(err)
		}
		for i := range g.Packed.Tiles() {
			g.Packed.PackTile(i, g.B, g.LDB, c.transB)
		}
		g.B = nil
	}
	if err := g.prepare(tier); err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	return o
}

// run computes the tiles in the given order with a scratch full of NaN (or of a large integer).
func (o *operands[T]) run(order []int) {
	scratch := make([]T, o.g.ScratchLen())
	poison(scratch)
	for _, i := range order {
		o.g.Tile(i, scratch)
	}
}

func poison[T Number](s []T) {
	for i := range s {
		switch p := any(&s[i]).(type) {
		case *float32:
			*p = float32(math.NaN())
		case *float64:
			*p = math.NaN()
		default:
			s[i] = 1<<31 - 1
		}
	}
}

// verify compares C with the reference and that nothing beside it was written.
func (o *operands[T]) verify(t *testing.T, c product) {
	t.Helper()
	g := &o.g
	for i := range c.m {
		for j := range c.n {
			got, want := float64(g.C[i*g.LDC+j]), o.want[i*c.n+j]
			if !(math.Abs(got-want) <= o.tol[i*c.n+j]) {
				t.Fatalf("%v\nC[%d,%d] = %v, want %v ± %v", c, i, j, got, want, o.tol[i*c.n+j])
			}
		}
		if i == c.m-1 || c.n == 0 {
			break
		}
		for j := c.n; j < g.LDC; j++ {
			if g.C[i*g.LDC+j] != o.c0[i*g.LDC+j] {
				t.Fatalf("%v\nwrote beside C at row %d, column %d", c, i, j)
			}
		}
	}
}

func ascending(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// cases are the awkward shapes, in every way that operands can lie.
func cases() (list []product) {
	for _, s := range [][3]int{
		{0, 5, 5}, {5, 0, 5}, {0, 0, 0}, {5, 7, 0}, {1, 1, 0}, {30, 40, 0},
		{1, 1, 1}, {1, 16, 3}, {1, 17, 31}, {1, 33, 64}, {1, 100, 700}, {1, 1, 999}, {1, 300, 1},
		{2, 3, 5}, {3, 8, 7}, {4, 9, 16}, {5, 15, 9}, {6, 16, 4}, {7, 31, 33}, {8, 32, 320}, {11, 47, 13}, {12, 48, 481},
		{13, 49, 300}, {23, 24, 8}, {24, 40, 40}, {25, 65, 17}, {37, 129, 65}, {53, 97, 331}, {64, 64, 64}, {128, 33, 640},
		{241, 19, 321}, {250, 130, 70}, {61, 259, 489}, {500, 1, 37}, {97, 5, 1000},
	} {
		base := product{m: s[0], n: s[1], k: s[2]}
		for mode := range 12 {
			c := base
			c.packed, c.transA, c.transB = mode&1 != 0, mode&2 != 0, mode&4 != 0
			c.source = mode >= 8 && !c.transA
			list = append(list, c)
			c.padA, c.padB, c.padC, c.padR, c.skip = 3, 5, 2, 7, 1+mode%3
			c.bias, c.rowBias = mode%2 == 0, mode%3 == 0
			c.clip = mode%5 == 1
			c.residual, c.inPlace = mode%3 == 1, mode%4 == 2
			c.mapped = mode%3 == 2
			list = append(list, c)
		}
	}
	return list
}

func eachTier(t *testing.T, f func(t *testing.T, tier cpu.Tier)) {
	for _, tier := range cpu.Supported() {
		t.Run(tier.String(), func(t *testing.T) { f(t, tier) })
	}
}

func TestMatmul(t *testing.T) {
	eachTier(t, func(t *testing.T, tier cpu.Tier) {
		testMatmul[float32](t, tier)
		testMatmul[float64](t, tier)
		testMatmul[int32](t, tier)
	})
}

func testMatmul[T Number](t *testing.T, tier cpu.Tier) {
	r := rand.New(rand.NewPCG(1, 2))
	for i, c := range cases() {
		if epsilon[T]() == 0 && i%3 != 0 {
			continue // integers share the driver; a third of the cases is enough
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
			{m: 300, n: 500, k: 400, bias: true}, {m: 300, n: 500, k: 400, packed: true, residual: true},
			{m: 300, n: 300, k: 333, transB: true, clip: true}, {m: 1, n: 3000, k: 700, packed: true, bias: true},
			{m: 1, n: 3000, k: 700, residual: true}, {m: 1, n: 3000, k: 700, transB: true}, {m: 7, n: 3000, k: 700},
			{m: 200, n: 333, k: 100, transA: true, packed: true},
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

func TestIntegersWrap(t *testing.T) {
	a, b := []int64{math.MaxInt64, 3}, []int64{2, 5}
	c := make([]int64, 1)
	g := Matmul[int64]{M: 1, N: 1, K: 2, A: a, LDA: 2, B: b, LDB: 1, C: c, LDC: 1}
	if err := g.Prepare(); err != nil {
		t.Fatal(err)
	}
	g.Tile(0, make([]int64, g.ScratchLen()))
	if c[0] != 13 {
		t.Errorf("got %d, want 13", c[0])
	}
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
