package gemm

// panelGo is the portable kernel: 2×4 register tiles over panels four columns wide.
// More accumulators than eight spill on amd64 and halve the speed.
func panelGo[T Number](p *panel[T]) {
	i := 0
	for ; i+2 <= p.m; i += 2 {
		a0, a1 := p.a[i*p.lda:][:p.k], p.a[(i+1)*p.lda:][:p.k]
		r0, r1 := dot2x4(a0, a1, p.b, p.ldb)
		p.finish(i, r0[:p.n])
		p.finish(i+1, r1[:p.n])
	}
	if i < p.m {
		r := dot1x4(p.a[i*p.lda:][:p.k], p.b, p.ldb)
		p.finish(i, r[:p.n])
	}
}

func dot2x4[T Number](a0, a1, b []T, ldb int) (r0, r1 [4]T) {
	var c00, c01, c02, c03, c10, c11, c12, c13 T
	a1 = a1[:len(a0)]
	for q, x := range a0 {
		y := a1[q]
		w := b[:4:4]
		b0, b1, b2, b3 := w[0], w[1], w[2], w[3]
		c00 += x * b0
		c01 += x * b1
		c02 += x * b2
		c03 += x * b3
		c10 += y * b0
		c11 += y * b1
		c12 += y * b2
		c13 += y * b3
		b = b[min(ldb, len(b)):]
	}
	return [4]T{c00, c01, c02, c03}, [4]T{c10, c11, c12, c13}
}

func dot1x4[T Number](a, b []T, ldb int) [4]T {
	var c0, c1, c2, c3 T
	for _, x := range a {
		w := b[:4:4]
		c0 += x * w[0]
		c1 += x * w[1]
		c2 += x * w[2]
		c3 += x * w[3]
		b = b[min(ldb, len(b)):]
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
