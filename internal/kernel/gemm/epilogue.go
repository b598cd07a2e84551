package gemm

// Epilogue is what happens to the product before it is stored, while it is in registers:
//
//	v = Alpha·(A·B)[i,j] + Beta·Residual[i,j] + Bias[j] + RowBias[i]
//	v = min(max(v, Lo), Hi)    if Clip; NaN stays NaN
//	C[i,j] = Map(v)            if Map
//
// The zero value stores the plain product.
type Epilogue[T Number] struct {
	Alpha T // 0 counts as 1; a product that is truly scaled by zero has K = 0
	Beta  T // 0 counts as 1; an absent residual is nil

	Residual []T // M×N with rows LDR apart, or nil. It may be C itself (same start, LDR = LDC), which accumulates into C
	LDR      int

	Bias    []T // one element a column, or nil
	RowBias []T // one element a row, or nil

	Clip   bool // Relu is Clip with Lo = 0 and Hi = +Inf
	Lo, Hi T

	// Map, if not nil, replaces each element of a run of results. It is called for whole rows of a tile while they are in
	// the cache, from many goroutines, and must treat each element by itself.
	Map func(run []T)
}

// tile flags; the assembly knows their values.
const (
	flagAlpha = 1 << iota
	flagD
	flagBias
	flagRowBias
	flagClip
)

// panel is the unit of work of the kernels: m rows of A times one panel of B.
//
//	for i := range m { for j := range n {
//		v := Σ_q a[i·lda+q] · b[q·ldb+j]        // in the order of q
//		v = alpha·v                             // flagAlpha
//		v += beta·d[i·ldd+j]                    // flagD
//		v += bias[j]                            // flagBias
//		v += rowBias[i]                         // flagRowBias
//		v = min(max(v, lo), hi)                 // flagClip; NaN stays
//		c[i·ldc+j] = v
//	} }
//
// d may be c. A panel that is narrower than its nr columns (n < nr) is padded: rows of b are readable to their full width.
type panel[T Number] struct {
	m, n, k             int
	a, b, c, d          []T
	lda, ldb, ldc, ldd  int
	bias, rowBias       []T
	alpha, beta, lo, hi T
	flags               int
	packedA             bool // rows of a follow each other, so that the next ones can be fetched ahead
	alone               bool // the one row of a product: summed by the kernel for that
	nextB               []T  // the panel that comes next, or nil
}

// begin sets what the first and last block of k add to the plain sum: the addend and the biases come with the first one,
// so that a residual may be C itself, clipping with the last.
func (p *panel[T]) begin(e *Epilogue[T], first, last bool) {
	p.alpha, p.beta, p.lo, p.hi = e.Alpha, 1, e.Lo, e.Hi
	p.flags = 0
	if e.Alpha != 0 && e.Alpha != 1 {
		p.flags |= flagAlpha
	}
	if first {
		if e.Residual != nil {
			p.flags |= flagD
			if e.Beta != 0 {
				p.beta = e.Beta
			}
		}
		if e.Bias != nil {
			p.flags |= flagBias
		}
		if e.RowBias != nil {
			p.flags |= flagRowBias
		}
	} else {
		p.flags |= flagD
	}
	if last && e.Clip {
		p.flags |= flagClip
	}
}
