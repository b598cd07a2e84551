package gemm

import "fmt"

// Multiply computes C[M,N] = A·B at once, for a packed B and few rows of A as they lie: for kernels that are themselves tiles of
// something larger. It needs no scratch. It panics when an operand is too short, which no model can bring
// about: callers cut operands from buffers that were made for the same sizes. The check stands before assembly, which would write anywhere.
func Multiply[T Number](b *PackedB[T], m int, a []T, lda int, c []T, ldc int) {
	if m == 0 || b.N == 0 {
		return
	}
	if checkMatrix("A", len(a), m, b.K, lda) != nil || checkMatrix("C", len(c), m, b.N, ldc) != nil {
		panic(fmt.Sprintf("gemm: operands of %d and %d elements for %d×%d×%d", len(a), len(c), m, b.N, b.K))
	}
	var e Epilogue[T]
	nr := b.block.nr
	for pc := 0; pc == 0 || pc < b.K; pc += b.kc {
		kc := min(b.kc, b.K-pc)
		p := panel[T]{m: m, k: kc, lda: lda, ldc: ldc, ldd: ldc, ldb: nr, alone: m == 1}
		p.begin(&e, pc == 0, pc+kc == b.K)
		if kc > 0 {
			p.a = a[pc:]
		}
		for j := range b.panels {
			p.n = min(nr, b.N-j*nr)
			p.b, p.nextB = b.panel(pc, kc, j), nil
			if j+1 < b.panels {
				p.nextB = b.panel(pc, kc, j+1)
			}
			p.c = c[j*nr:]
			if pc > 0 {
				p.d = p.c
			}
			p.run(b.tier)
		}
	}
}
