package main

import "math"

// The approximations. The portable twins in package vec use the same steps and coefficients (file scalar.go there);
// where a step differs it is for what only this machine has: a fused product and sum.

const (
	signBit = konst(0x80000000)
	absBits = konst(0x7fffffff)
	magic   = 12582912 // 1.5·2²³: adding it rounds to an integer, which then stands in the low bits
	ln2Hi   = 6.93145752e-1
	ln2Lo   = 1.42860677e-6
)

// expPoly is (e^r - 1 - r)/r² for |r| ≤ ln2/2.
var expPoly = []float64{4.99999851e-1, 1.66664720e-1, 4.16695364e-2, 8.37312452e-3, 1.37805939e-3}

// reduce splits x, in place, into x = n·ln2 + r: returns n+bias in the low bits of an integer, and r.
func (m *machine) reduce(x vec, bias float64) (n, r vec) {
	n = m.load(num(magic + bias))
	m.addMul(n, x, num(math.Log2E))
	k := m.sub(n, num(magic+bias))
	m.subMul(x, k, num(ln2Hi))
	m.subMul(x, k, num(ln2Lo))
	return n, x
}

// exp is e^x everywhere. The power of two is applied in two halves, so that denormal results are rounded once.
func (m *machine) exp(x vec) vec {
	c := m.greater(num(-104), m.lesser(num(89), x))
	if m.wide {
		n := m.round(m.mul(c, num(math.Log2E)), toEven)
		m.subMul(c, n, num(ln2Hi))
		m.subMul(c, n, num(ln2Lo))
		p := m.poly(c, append([]float64{1, 1}, expPoly...)...)
		r := m.reg()
		m.emit(vscalef, n, p, r)
		return r
	}
	n, r := m.reduce(c, 254)
	p := m.poly(r, append([]float64{1, 1}, expPoly...)...)
	h := m.shr(n, 1)
	l := m.subInt(n, h)
	return m.mul(m.mul(p, m.shl(h, 23)), m.shl(l, 23))
}

// expNeg is e^x for x ≤ 0 (and up to 43). The power of two is applied 2⁶⁴ times too large, then set right, for the sake of
// denormal results.
func (m *machine) expNeg(x vec) vec {
	if m.wide {
		c := m.greater(num(-104), x)
		n := m.round(m.mul(c, num(math.Log2E)), toEven)
		m.subMul(c, n, num(ln2Hi))
		m.subMul(c, n, num(ln2Lo))
		p := m.poly(c, append([]float64{1, 1}, expPoly...)...)
		r := m.reg()
		m.emit(vscalef, n, p, r)
		return r
	}
	n, r := m.reduce(m.greater(num(-104), x), 127+64)
	p := m.poly(r, append([]float64{1, 1}, expPoly...)...)
	return m.mul(m.mul(p, m.shl(n, 23)), num(0x1p-64))
}

// expm1 is e^x - 1 for -87 ≤ x ≤ 88, with a small relative error near 0 too. It changes x.
func (m *machine) expm1(x vec) vec {
	return m.grown(m.reduce(x, 127))
}

// grown is 2ⁿ·e^r - 1, for n with a bias of 127.
func (m *machine) grown(n, r vec) vec {
	q := m.poly(r, expPoly...)
	m.horner(q, m.mul(r, r), r) // e^r - 1
	s := m.shl(n, 23)
	m.horner(q, s, m.sub(s, num(1)))
	return q
}

// decay is e^-|x|.
func (m *machine) decay(x vec) vec { return m.expNeg(m.or(x, signBit)) }

// sigmoid has a small relative error on both sides of 0, since it divides e^-|x| or 1 by 1+e^-|x|.
func (m *machine) sigmoid(x vec) vec {
	z := m.decay(x)
	return m.div(m.choose(m.signOf(x), z, num(1)), m.add(z, num(1)))
}

// tanh is (e^2|x| - 1)/(e^2|x| + 1) with x's sign. Where the multiple of ln2 is large enough to need ln2's second part, the quotient no
// longer depends on it.
func (m *machine) tanh(x vec) vec {
	a := m.and(x, absBits)
	r := m.lesser(num(20), m.add(a, a))
	n := m.load(num(magic + 127))
	m.addMul(n, r, num(math.Log2E))
	m.subMul(r, m.sub(n, num(magic+127)), num(math.Ln2))
	e := m.grown(n, r)
	return m.or(m.div(e, m.add(e, num(2))), m.and(x, signBit))
}

// erf is an odd polynomial for |x| < 0.94, else 1 - e^q(|x|), the sum in which hides the errors of the second term.
func (m *machine) erf(x vec) vec {
	a := m.and(x, absBits)
	near := m.mul(x, m.poly(m.mul(x, x), 1.1283791423106326, -0.376124459285332, 0.11281320631907232, -0.026748862650370974,
		0.004967504852436089, -0.0005862073635769277))
	q := m.poly(m.lesser(num(4), a), 0.00017845388473750336, -1.1295331566086315, -0.6333098596794169, -0.10832109036789014,
		0.025146091934909843, -0.004181246355067751, 0.0004365761116015418, -2.1278864121594326e-05)
	n, r := m.reduce(q, 127)
	p := m.poly(r, append([]float64{1, 1}, expPoly...)...)
	far := m.load(num(1))
	m.subMul(far, p, m.shl(n, 23))
	return m.choose(m.compare(a, less, num(0.94)), near, m.or(far, m.and(x, signBit)))
}

// erfQuick is a rational function of degree 13/10, odd by construction: twice as fast as erf, within 7 ulp near ±1, which
// it may exceed by one.
func (m *machine) erfQuick(x vec) vec {
	c := m.greater(num(-3.93), m.lesser(num(3.93), x))
	t := m.mul(c, c)
	p := m.poly(t, 1.128379225730896, 0.18514767289161682, 0.05425473302602768, 0.0038402925711125135, 0.00037716730730608106, 4.620052095560823e-06, -1.2857936049215368e-08)
	q := m.poly(t, 1, 0.49741625785827637, 0.11388693749904633, 0.015434837900102139, 0.0013024091022089124, 6.250080332392827e-05)
	return m.div(m.mul(c, p), q)
}

// log splits x into 2^k·(1+f) with 1+f between √½ and √2.
func (m *machine) log(x vec) vec {
	tiny := m.compare(x, less, num(0x1p-126))
	y := m.choose(tiny, m.mul(x, num(0x1p24)), x)
	b := m.subInt(y, konst(0x3f3504f3))
	k := m.add(m.fromInt(m.sar(b, 23)), m.keep(tiny, m.vec(num(-24))))
	f := m.sub(m.addInt(m.and(b, konst(0x7fffff)), konst(0x3f3504f3)), num(1))
	p := m.poly(f, -0.49999988079071045, 0.33333325386047363, -0.2500160038471222, 0.20002000033855438, -0.16608762741088867,
		0.14181219041347504, -0.13244688510894775, 0.1290849894285202, -0.07622861862182617)
	t := m.mul(m.mul(f, f), p)
	m.addMul(t, k, num(ln2Lo))
	t = m.add(t, f)
	m.addMul(t, k, num(ln2Hi))
	t = m.choose(m.compare(x, notLess, num(math.Inf(1))), x, t) // +Inf and NaN
	t = m.choose(m.compare(x, less, num(0)), konst(0x7fc00000), t)
	return m.choose(m.compare(x, equal, num(0)), num(math.Inf(-1)), t)
}

// log1pUnit is ln(1+z) for 0 ≤ z ≤ 1.
func (m *machine) log1pUnit(z vec) vec {
	return m.mul(z, m.poly(z, 1, -0.4999993145465851, 0.333304762840271, -0.2495824694633484, 0.1969374567270279, -0.1535084992647171,
		0.10673169046640396, -0.05759408697485924, 0.02016826532781124, -0.0033106280025094748))
}

// sinCos is the sine (quarter 0) or cosine (quarter 1) of |x| ≤ 2¹⁷: π/2 is subtracted in three parts.
func (m *machine) sinCos(x vec, quarter float64) vec {
	n := m.load(num(magic + quarter))
	m.addMul(n, x, num(2/math.Pi))
	k := m.sub(n, num(magic+quarter))
	r := m.load(x)
	for _, part := range []konst{0x3fc90fdb, 0xb33bbd2e, 0xa6f72ced} { // their sum is π/2 to 74 bits
		m.subMul(r, k, part)
	}
	t := m.mul(r, r)
	s := m.poly(t, -1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4)
	s = m.mul(s, t)
	m.horner(s, r, r)
	c := m.poly(t, 1, -0.5, 4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5)
	y := m.choose(m.signOf(m.shl(n, 31)), c, s)
	return m.xor(y, m.and(m.shl(n, 30), signBit))
}
