package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// A reduction folds its inputs into 32 lanes, element i into lane i%32, and then joins lane j with lane j+16, j+8, j+4, j+2 and
// j+1. So its order depends neither on the tier nor on the machine's vector width.
type reduction struct {
	name   string
	loop   string
	in     []string
	params []string
	store  bool // step's result goes to dst
	start  konst
	// step folds x into acc, and returns the new acc. keep is nil, or the mask of the lanes that count.
	step func(m *machine, acc vec, x, p []vec, keep mask) (next, stored vec)
	join func(m *machine, a, b vec) vec
	// double uses twice as many lanes, where the order makes no difference and step takes long.
	double bool
}

var reductions = []reduction{
	{"sum", "for _, x := range src { s += x }", src, nil, false, 0,
		func(m *machine, acc vec, x, _ []vec, _ mask) (vec, vec) { return m.add(acc, x[0]), nil }, addLanes, false},
	{"sumSq", "for _, x := range src { s += x*x }", src, nil, false, 0,
		func(m *machine, acc vec, x, _ []vec, _ mask) (vec, vec) {
			m.addMul(acc, x[0], x[0])
			return acc, nil
		}, addLanes, false},
	{"sumAbs", "for _, x := range src { s += abs(x) }", src, nil, false, 0,
		func(m *machine, acc vec, x, _ []vec, _ mask) (vec, vec) {
			return m.add(acc, m.and(x[0], absBits)), nil
		}, addLanes, false},
	{"sumSqDev", "for _, x := range src { s += (x-mean)*(x-mean) }", src, []string{"mean"}, false, 0,
		func(m *machine, acc vec, x, p []vec, keep mask) (vec, vec) {
			d := m.some(keep, m.sub(x[0], p[0]))
			m.addMul(acc, d, d)
			return acc, nil
		}, addLanes, false},
	{"dot", "for i, x := range a { s += x*b[i] }", ab, nil, false, 0,
		func(m *machine, acc vec, x, _ []vec, _ mask) (vec, vec) {
			m.addMul(acc, x[0], x[1])
			return acc, nil
		}, addLanes, false},
	{"sumExp", "for _, x := range src { s += exp(x-top) }, x ≤ top", src, []string{"top"}, false, 0,
		func(m *machine, acc vec, x, p []vec, keep mask) (vec, vec) {
			return m.add(acc, m.some(keep, m.expNeg(m.sub(x[0], p[0])))), nil
		}, addLanes, false},
	{"expSum", "for i, x := range src { dst[i] = exp(x-top); s += dst[i] }, x ≤ top", src, []string{"top"}, true, 0,
		func(m *machine, acc vec, x, p []vec, keep mask) (vec, vec) {
			y := m.some(keep, m.expNeg(m.sub(x[0], p[0])))
			return m.add(acc, y), y
		}, addLanes, false},
	{"maxOf", "for _, x := range src { s = max(s, x) }", src, nil, false, num(math.Inf(-1)),
		func(m *machine, acc vec, x, _ []vec, keep mask) (vec, vec) {
			return m.maximum(acc, m.someOr(keep, x[0], num(math.Inf(-1)))), nil
		}, (*machine).maximum, true},
	{"minOf", "for _, x := range src { s = min(s, x) }", src, nil, false, num(math.Inf(1)),
		func(m *machine, acc vec, x, _ []vec, keep mask) (vec, vec) {
			return m.minimum(acc, m.someOr(keep, x[0], num(math.Inf(1)))), nil
		}, (*machine).minimum, true},
	{"topOf", "for _, x := range src { if x > s { s = x } }", src, nil, false, num(math.Inf(-1)),
		func(m *machine, acc vec, x, _ []vec, keep mask) (vec, vec) {
			return m.greater(m.someOr(keep, x[0], num(math.Inf(-1))), acc), nil
		}, func(m *machine, a, b vec) vec { return m.greater(a, b) }, true},
	{"maxAbs", "for _, x := range src { s = max(s, abs(x)) }", src, nil, false, 0,
		// Floats without a sign are in the order of their bits, NaNs last.
		func(m *machine, acc vec, x, _ []vec, _ mask) (vec, vec) {
			return m.three(VPMAXSD, acc, m.and(x[0], absBits)), nil
		}, func(m *machine, a, b vec) vec { return m.three(VPMAXSD, a, b) }, false},
}

func addLanes(m *machine, a, b vec) vec { return m.add(a, b) }

// some is x, with 0 in the lanes that don't count.
func (m *machine) some(keep mask, x vec) vec {
	if keep == nil {
		return x
	}
	return m.keep(keep, x)
}

func (m *machine) someOr(keep mask, x vec, other konst) vec {
	if keep == nil {
		return x
	}
	return m.choose(keep, x, other)
}

func (m *machine) reduction(k reduction) {
	pointers := k.in
	if k.store {
		pointers = append([]string{"dst"}, k.in...)
	}
	ptr, n, p := m.begin(k.name, k.loop, pointers, k.params, " float32")
	all := 32
	if k.double {
		all = 64
	}
	regs := all / m.lanes()
	acc := make([]vec, regs)
	hoisted := 0
	if m.wide {
		hoisted = 14
	}
	m.hoist(hoisted, func() {
		k.step(m, m.reg(), []vec{m.reg(), m.reg()}, p, nil)
	})
	for i := range acc {
		acc[i] = m.load(k.start)
	}
	step := func(i int, keep mask) {
		var x []vec
		at := func(name string) Mem { return Mem{Base: ptr[name], Disp: i * m.lanes() * 4} }
		for _, in := range k.in {
			if keep == nil {
				x = append(x, m.load(at(in)))
			} else {
				x = append(x, m.loadMasked(keep, at(in)))
			}
		}
		next, stored := k.step(m, acc[i], x, p, keep)
		if next != acc[i] {
			VMOVAPS(next, acc[i])
		}
		switch {
		case stored == nil:
		case keep == nil:
			VMOVUPS(stored, at("dst"))
		default:
			m.storeMasked(keep, stored, at("dst"))
		}
	}

	Label("full")
	CMPQ(n, I32(all))
	JLT(LabelRef("rest"))
	for i := range acc {
		step(i, nil)
	}
	advance(ptr, pointers, all*4)
	SUBQ(I32(all), n)
	JMP(LabelRef("full"))
	Label("rest")
	for i := range acc {
		TESTQ(n, n)
		JLE(LabelRef("join"))
		step(i, m.firstLanes(n))
		SUBQ(I32(m.lanes()), n)
	}
	Label("join")
	for half := regs / 2; half > 0; half /= 2 {
		for i := range half {
			acc[i] = k.join(m, acc[i], acc[i+half])
		}
	}
	s := acc[0]
	for _, turn := range m.turns() {
		t := m.reg()
		turn(s, t)
		s = k.join(m, s, t)
	}
	r, err := ReturnIndex(0).Resolve()
	if err != nil { // the function that is being written was declared without a result: a mistake in this program
		panic(err)
	}
	VMOVSS(s.AsX(), r.Addr)
	VZEROUPPER()
	RET()
}

// turns are the moves that bring lane j+8, j+4, j+2 and j+1 to lane j.
func (m *machine) turns() []func(a, r vec) {
	inPairs := func(how int) func(a, r vec) {
		return func(a, r vec) { VPERMILPS(U8(how), a, r) }
	}
	if m.wide {
		inFours := func(how int) func(a, r vec) {
			return func(a, r vec) { VSHUFF32X4(U8(how), a, a, r) }
		}
		return []func(a, r vec){inFours(0x4e), inFours(0xb1), inPairs(0x4e), inPairs(0xb1)}
	}
	swap := func(a, r vec) { VPERM2F128(U8(1), a, a, r) }
	return []func(a, r vec){swap, inPairs(0x4e), inPairs(0xb1)}
}
