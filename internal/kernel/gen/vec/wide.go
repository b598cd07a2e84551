package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// What only AVX-512 has.

// vscalef is p·2ⁿ, rounded once; it saturates to Inf and to denormals by itself.
func vscalef(ops ...Op) { VSCALEFPS(ops...) }

// ranged is VRANGEPS with the sign of the result: 4 the lesser and 5 the greater, with -0 below +0. It prefers a number to a NaN.
func (m *machine) ranged(a, b any, how int) vec {
	x, y := m.vec(a), m.reach(b)
	r := m.reg()
	m.emit(VRANGEPS, U8(how), y, x, r)
	return r
}

// withNaN is r, or a NaN where a or b is one.
func (m *machine) withNaN(a, b any, r vec) vec {
	return m.choose(m.compare(a, unordered, b), m.add(a, b), r)
}
