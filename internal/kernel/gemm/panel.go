package gemm

// panelGo is the portable kernel: 2×4 register tiles over panels four columns wide.
// More accumulators than eight spill on amd64 and halve the speed.
func panelGo[T Number](p *panel[T]) {
	i := 0
	for ; i+2 <= p.m; i += 2 {
		a0, a1 := p.a[i*p.lda:][:p.k], p.a[(i+1)*p.lda:][:p.k]
		var r0, r1 [4]T
		if p.ldb == 4 {
			r0, r1 = dot2x4(a0, a1, p.b)
		} else {
			r0, r1 = dot2x4Strided(a0, a1, p.b, p.ldb)
		}
		p.finish(i, r0[:p.n])
		p.finish(i+1, r1[:p.n])
	}
	if i < p.m {
		r := dot1x4(p.a[i*p.lda:][:p.k], p.b, p.ldb)
		p.finish(i, r[:p.n])
	}
}

// dot2x4 multiplies two rows of A with the four columns of a packed panel. Array pointers leave few bounds checks; with one stride
// more there are too few registers, at half the speed.
func dot2x4[T Number](a0, a1, b []T) (r0, r1 [4]T) {
	var c00, c01, c02, c03, c10, c11, c12, c13 T
	n := len(a0)
	a1, b = a1[:n], b[:4*n]
	for q := 0; q < n-1; q += 2 {
		u, v := (*[2]T)(a0[q:]), (*[2]T)(a1[q:])
		w := (*[8]T)(b[4*q:])
		x, y := u[0], v[0]
		b0, b1, b2, b3 := w[0], w[1], w[2], w[3]
		c00 += x * b0
		c01 += x * b1
		c02 += x * b2
		c03 += x * b3
		c10 += y * b0
		c11 += y * b1
		c12 += y * b2
		c13 += y * b3
		x, y = u[1], v[1]
		b0, b1, b2, b3 = w[4], w[5], w[6], w[7]
		c00 += x * b0
		c01 += x * b1
		c02 += x * b2
		c03 += x * b3
		c10 += y * b0
		c11 += y * b1
		c12 += y * b2
		c13 += y * b3
	}
	if n%2 != 0 {
		x, y, w := a0[n-1], a1[n-1], (*[4]T)(b[4*(n-1):])
		c00 += x * w[0]
		c01 += x * w[1]
		c02 += x * w[2]
		c03 += x * w[3]
		c10 += y * w[0]
		c11 += y * w[1]
		c12 += y * w[2]
		c13 += y * w[3]
	}
	return [4]T{c00, c01, c02, c03}, [4]T{c10, c11, c12, c13}
}

// dot2x4Strided is dot2x4 for rows of B that lie ldb apart.
func dot2x4Strided[T Number](a0, a1, b []T, ldb int) (r0, r1 [4]T) {
	var c00, c01, c02, c03, c10, c11, c12, c13 T
	a1 = a1[:len(a0)]
	at := 0
	for q, x := range a0 {
		y, w := a1[q], (*[4]T)(b[at:])
		at += ldb
		b0, b1, b2, b3 := w[0], w[1], w[2], w[3]
		c00 += x * b0
		c01 += x * b1
		c02 += x * b2
		c03 += x * b3
		c10 += y * b0
		c11 += y * b1
		c12 += y * b2
		c13 += y * b3
	}
	return [4]T{c00, c01, c02, c03}, [4]T{c10, c11, c12, c13}
}

// dot1x4 is dot2x4Strided for one row.
func dot1x4[T Number](a, b []T, ldb int) [4]T {
	var c0, c1, c2, c3 T
	for q, x := range a {
		w := (*[4]T)(b[q*ldb:])
		c0 += x * w[0]
		c1 += x * w[1]
		c2 += x * w[2]
		c3 += x * w[3]
	}
	return [4]T{c0, c1, c2, c3}
}

// finish applies the epilogue to v, the sums of row i, and stores them.
func (p *panel[T]) finish(i int, v []T) {
	if p.flags&flagAlpha != 0 {
		for j := range v {
			v[j] *= p.alpha
		}
	}
	if p.flags&flagD != 0 {
		for j, d := range p.d[i*p.ldd:][:p.n] {
			v[j] += p.beta * d
		}
	}
	if p.flags&flagBias != 0 {
		for j, b := range p.bias[:p.n] {
			v[j] += b
		}
	}
	if p.flags&flagRowBias != 0 {
		b := p.rowBias[i]
		for j := range v {
			v[j] += b
		}
	}
	if p.flags&flagClip != 0 {
		clip(v, p.lo, p.hi)
	}
	copy(p.c[i*p.ldc:][:p.n], v)
}

// clip is v = min(max(v, lo), hi) that keeps NaN.
func clip[T Number](v []T, lo, hi T) {
	for j, x := range v {
		if x < lo {
			x = lo
		}
		if x > hi {
			x = hi
		}
		v[j] = x
	}
}
