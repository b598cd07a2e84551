package gemm

import "ingot/internal/kernel/cpu"

// One row of A times an unpacked B, which is read once and needs no packing. The sums are collected in scratch.

// rowGroup is how many rows of B are added at once: enough streams to keep memory busy.
const rowGroup = 8

// dotRun bounds the length that one call of dot4 multiplies, and so the time it takes.
const dotRun = 8192

// computeRow computes a tile of a product with M = 1 whose B isn't packed.
func (t *tile[T]) computeRow() {
	g := t.g
	col := t.j0 * g.nr
	n := min(t.j1*g.nr, g.N) - col
	sums := t.abuf[:n]
	clear(sums)
	a, b := g.A[t.at.A:], g.B[t.at.B:]
	if g.TransB {
		dotRows(g.tier, sums, a[:g.K], b[col*g.LDB:], g.LDB)
	} else {
		addRows(g.tier, sums, a[:g.K], b[col:], g.LDB)
	}
	p := panel[T]{m: 1, n: n, c: g.C[t.at.C+col:], rowBias: g.RowBias}
	p.begin(&g.Epilogue, true, true)
	if g.Residual != nil {
		p.d = g.Residual[t.at.Residual+col:]
	}
	if g.Bias != nil {
		p.bias = g.Bias[col:]
	}
	p.finish(0, sums)
}

// addRows is
//
//	for q, x := range a { for j := range y { y[j] += x·b[q·ldb+j] } }
//
// Each y[j] is summed in the order of q.
func addRows[T Number](tier cpu.Tier, y, a, b []T, ldb int) {
	lanes := vectorLen[T](tier)
	whole := len(y) - len(y)%lanes
	var edge [rowGroup * maxLanes]T // the columns that don't fill a vector
	var edgeSums [maxLanes]T
	q := 0
	for ; q+rowGroup <= len(a); q += rowGroup {
		rows := b[q*ldb:]
		if whole > 0 {
			addRows8(tier, y[:whole], a[q:], rows, ldb)
		}
		if whole < len(y) {
			for u := range rowGroup {
				copy(edge[u*lanes:], rows[u*ldb+whole:][:len(y)-whole])
			}
			addRows8(tier, edgeSums[:lanes], a[q:], edge[:], lanes)
		}
	}
	copy(y[whole:], edgeSums[:])
	for ; q < len(a); q++ {
		x := a[q]
		for j, v := range b[q*ldb:][:len(y)] {
			y[j] += x * v
		}
	}
}

// addRows8Go is the portable addRows8: y[j] += a[0]·b[j] + … + a[7]·b[7·ldb+j].
func addRows8Go[T Number](y, a, b []T, ldb int) {
	n := len(y)
	a0, a1, a2, a3 := a[0], a[1], a[2], a[3]
	b0, b1, b2, b3 := b[:n], b[ldb:][:n], b[2*ldb:][:n], b[3*ldb:][:n]
	for j, v := range y {
		v += a0 * b0[j]
		v += a1 * b1[j]
		v += a2 * b2[j]
		v += a3 * b3[j]
		y[j] = v
	}
	a0, a1, a2, a3 = a[4], a[5], a[6], a[7]
	b0, b1, b2, b3 = b[4*ldb:][:n], b[5*ldb:][:n], b[6*ldb:][:n], b[7*ldb:][:n]
	for j, v := range y {
		v += a0 * b0[j]
		v += a1 * b1[j]
		v += a2 * b2[j]
		v += a3 * b3[j]
		y[j] = v
	}
}

// dotRows is
//
//	for j := range y { y[j] += Σ_q a[q]·b[j·ldb+q] }
func dotRows[T Number](tier cpu.Tier, y, a, b []T, ldb int) {
	lanes := vectorLen[T](tier)
	var four [4]T
	for q := 0; q < len(a); q += dotRun {
		run := a[q:min(q+dotRun, len(a))]
		whole := len(run) - len(run)%lanes
		for j := 0; j < len(y); j += 4 {
			n := min(4, len(y)-j)
			rows := b[j*ldb+q:]
			if n < 4 || whole == 0 {
				for r := range n {
					y[j+r] += dotGo(run, rows[r*ldb:])
				}
				continue
			}
			dot4(tier, &four, run[:whole], rows, ldb)
			for r, sum := range four {
				y[j+r] += sum + dotGo(run[whole:], rows[r*ldb+whole:])
			}
		}
	}
}

// dot4Go is the portable dot4: y[r] = Σ_q a[q]·b[r·ldb+q] for r < 4.
func dot4Go[T Number](y *[4]T, a, b []T, ldb int) {
	n := len(a)
	b0, b1, b2, b3 := b[:n], b[ldb:][:n], b[2*ldb:][:n], b[3*ldb:][:n]
	var s0, s1, s2, s3 T
	for q, x := range a {
		s0 += x * b0[q]
		s1 += x * b1[q]
		s2 += x * b2[q]
		s3 += x * b3[q]
	}
	*y = [4]T{s0, s1, s2, s3}
}

func dotGo[T Number](a, b []T) (sum T) {
	b = b[:len(a)]
	for q, x := range a {
		sum += x * b[q]
	}
	return sum
}
