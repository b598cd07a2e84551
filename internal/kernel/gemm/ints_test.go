package gemm

import (
	"math/rand/v2"
	"testing"
)

func TestInts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	numbers := func(n int) []int64 {
		s := make([]int64, n)
		for i := range s {
			s[i] = int64(r.Uint64()) // products wrap
		}
		return s
	}
	for _, c := range []struct{ m, n, k, batch int }{{1, 1, 1, 0}, {3, 5, 7, 0}, {40, 60, 50, 0}, {5, 1, 9, 3}, {2, 3, 0, 2}, {300, 4, 90, 2}, {0, 3, 2, 0}} {
		for trans := range 4 {
			for _, add := range []struct{ row, col, n int }{{}, {c.n, 1, c.m * c.n}, {0, 1, c.n}, {1, 0, c.m}, {0, 0, 1}} {
				g := Ints{Geometry: Geometry{M: c.m, N: c.n, K: c.k, LDA: c.k + 1, LDB: c.n + 2, LDC: c.n, TransA: trans&1 != 0, TransB: trans&2 != 0}, Alpha: 3}
				if g.TransA {
					g.LDA = c.m + 1
				}
				if g.TransB {
					g.LDB = c.k + 2
				}
				sizeA, sizeB, count := max(c.m, c.k)*(max(c.m, c.k)+1), max(c.n, c.k)*(max(c.n, c.k)+2), max(1, c.batch)
				for i := range c.batch {
					g.Batch = append(g.Batch, Offset{A: i * sizeA, B: (c.batch - 1 - i) * sizeB, C: i * c.m * c.n})
				}
				g.A, g.B, g.C = numbers(count*sizeA), numbers(count*sizeB), numbers(count*c.m*c.n)
				if add.n > 0 && c.m > 0 {
					g.Add, g.AddRow, g.AddCol, g.Beta = numbers(add.n), add.row, add.col, -2
				}
				for i := g.Tiles() - 1; i >= 0; i-- {
					g.Tile(i)
				}
				for p := range count {
					var o Offset
					if g.Batch != nil {
						o = g.Batch[p]
					}
					for i := range c.m {
						for j := range c.n {
							var want int64
							for k := range c.k {
								a, b := o.A+i*g.LDA+k, o.B+k*g.LDB+j
								if g.TransA {
									a = o.A + k*g.LDA + i
								}
								if g.TransB {
									b = o.B + j*g.LDB + k
								}
								want += g.A[a] * g.B[b]
							}
							want *= 3
							if g.Add != nil {
								want -= 2 * g.Add[i*add.row+j*add.col]
							}
							if got := g.C[o.C+i*g.LDC+j]; got != want {
								t.Fatalf("%+v, transposes %b, addend %+v: product %d has %d at (%d, %d), want %d", c, trans, add, p, got, i, j, want)
							}
						}
					}
				}
			}
		}
	}
}
