package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

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
	g   Matmul[T]
	ref Matmul[T] // as g, with plain operands and a residual of its own, for the reference
	c0  []T       // C before the product
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

// build makes the operands of a case on a tier.
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

	o.ref = *g
	if c.inPlace {
		o.ref.Residual = o.c0
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

// reference computes the result in float64 and how far off an element may be: a sum of k products by (k + 8)·ε·Σ|a·b|, the error bound
// of any order of summation, the epilogue by a few ε of its terms. The race detector leaves it alone, for speed.
//
//go:norace
func (c product) reference(g *Matmul[float64], epsilon float64) (want, tol []float64) {
	a := func(i, q int) float64 {
		if c.transA {
			return g.A[q*g.LDA+i]
		}
		return g.A[i*g.LDA+q]
	}
	b := func(q, j int) float64 {
		if c.transB {
			return g.B[j*g.LDB+q]
		}
		return g.B[q*g.LDB+j]
	}
	or1 := func(x float64) float64 {
		if x == 0 {
			return 1
		}
		return x
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
				add(or1(g.Beta) * g.Residual[i*g.LDR+j])
			}
			if c.bias {
				add(g.Bias[j])
			}
			if c.rowBias {
				add(g.RowBias[i])
			}
			if c.clip {
				sum = min(max(sum, g.Lo), g.Hi)
			}
			if c.mapped {
				sum, abs = 3*sum, 4*abs
			}
			want = append(want, sum)
			tol = append(tol, abs*epsilon)
		}
	}
	return want, tol
}

// wide is a copy of plain operands in float64.
func wide[T Number](g *Matmul[T]) *Matmul[float64] {
	list := func(s []T) []float64 {
		if s == nil {
			return nil
		}
		w := make([]float64, len(s))
		for i, v := range s {
			w[i] = float64(v)
		}
		return w
	}
	w := &Matmul[float64]{A: list(g.A), LDA: g.LDA, B: list(g.B), LDB: g.LDB}
	w.Residual, w.LDR, w.Bias, w.RowBias = list(g.Residual), g.LDR, list(g.Bias), list(g.RowBias)
	w.Alpha, w.Beta, w.Lo, w.Hi = float64(g.Alpha), float64(g.Beta), float64(g.Lo), float64(g.Hi)
	return w
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
	wants, tols := c.reference(wide(&o.ref), epsilon[T]())
	for i := range c.m {
		for j := range c.n {
			got, want, tol := float64(g.C[i*g.LDC+j]), wants[i*c.n+j], tols[i*c.n+j]
			if !(math.Abs(got-want) <= tol) {
				t.Fatalf("%v\nC[%d,%d] = %v, want %v ± %v", c, i, j, got, want, tol)
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
			if small := s[0]*s[1]*s[2] < 100_000; small || mode%2 == 0 {
				list = append(list, c)
				if !small {
					continue
				}
			}
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
