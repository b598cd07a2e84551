package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// machine writes vector arithmetic for one tier: YMM registers and AVX2+FMA, or ZMM registers and AVX-512.
// A kernel's body is written once against its methods. Methods return fresh registers unless they say "in place".
type machine struct {
	wide    bool          // ZMM
	dry     bool          // collect constants only
	used    []konst       // constants that the dry run met, in order
	inRegs  map[konst]vec // constants that stay in registers during the loop
	table   map[konst]int // constants of the file → index
	consts  []konst
	address Mem // of the constants
}

type (
	vec   = VecVirtual
	konst uint32 // the bits of a constant
	mask  = Register
)

const maskTable = 2 * 32 * 4 // bytes before the constants: 32 lanes of ones, 32 lanes of zeros (AVX2 only)

func newMachine(wide bool) *machine {
	return &machine{wide: wide, table: map[konst]int{}, address: NewDataAddr(Symbol{Name: "vecData", Static: true}, 0)}
}

func num(f float64) konst { return konst(math.Float32bits(float32(f))) }
func (m *machine) lanes() int {
	if m.wide {
		return 16
	}
	return 8
}

func (m *machine) tier() string {
	if m.wide {
		return "AVX512"
	}
	return "AVX2"
}

func (m *machine) reg() vec {
	if m.wide {
		return ZMM()
	}
	return YMM()
}

func (m *machine) emit(f func(...Op), ops ...Op) {
	if !m.dry {
		f(ops...)
	}
}

// place returns the address of a constant in the file's table, where AVX2 finds it repeated and AVX-512 once.
func (m *machine) place(k konst) Mem {
	i, ok := m.table[k]
	if !ok {
		i = len(m.consts)
		m.table[k] = i
		m.consts = append(m.consts, k)
	}
	if m.wide {
		return m.address.Offset(i * 4)
	}
	return m.address.Offset(maskTable + i*32)
}

// data writes the table. Call it once, after the last kernel.
func (m *machine) data() {
	GLOBL("vecData", RODATA|NOPTR)
	if m.wide {
		for i, k := range m.consts {
			DATA(i*4, U32(k))
		}
		return
	}
	for i := range 32 {
		DATA(i*4, U32(0xffffffff))
	}
	for i := range 32 {
		DATA(maskTable/2+i*4, U32(0))
	}
	for i, k := range m.consts {
		for j := range 8 {
			DATA(maskTable+i*32+j*4, U32(k))
		}
	}
}

// reach returns o as an operand that may be in memory.
func (m *machine) reach(o any) Op {
	switch o := o.(type) {
	case konst:
		if r, ok := m.inRegs[o]; ok {
			return r
		}
		if m.dry || m.wide {
			return m.vec(o)
		}
		return m.place(o)
	}
	return o.(Op)
}

// vec returns o in a register that may be shared: don't change it.
func (m *machine) vec(o any) vec {
	switch o := o.(type) {
	case vec:
		return o
	case konst:
		if m.dry {
			m.used = append(m.used, o)
			return m.reg()
		}
		if r, ok := m.inRegs[o]; ok {
			return r
		}
		return m.load(o)
	case Mem:
		r := m.reg()
		m.emit(VMOVUPS, o, r)
		return r
	}
	panic("not a vector") // a mistake in this program, which has no other input
}

// load returns o in a register of its own.
func (m *machine) load(o any) vec {
	r := m.reg()
	switch o := o.(type) {
	case konst:
		switch hoisted, ok := m.inRegs[o]; {
		case m.dry:
			m.used = append(m.used, o)
		case ok:
			VMOVAPS(hoisted, r)
		case m.wide:
			VBROADCASTSS(m.place(o), r)
		default:
			VMOVUPS(m.place(o), r)
		}
	case vec:
		m.emit(VMOVAPS, o, r)
	case Mem:
		m.emit(VMOVUPS, o, r)
	}
	return r
}

// three writes r = a op b; b may be a constant or in memory.
func (m *machine) three(f func(...Op), a, b any) vec {
	x, y := m.vec(a), m.reach(b)
	r := m.reg()
	m.emit(f, y, x, r)
	return r
}

func (m *machine) add(a, b any) vec { return m.three(VADDPS, a, b) }
func (m *machine) sub(a, b any) vec { return m.three(VSUBPS, a, b) }
func (m *machine) mul(a, b any) vec { return m.three(VMULPS, a, b) }
func (m *machine) div(a, b any) vec { return m.three(VDIVPS, a, b) }
func (m *machine) and(a, b any) vec { return m.three(VANDPS, a, b) }
func (m *machine) or(a, b any) vec  { return m.three(VORPS, a, b) }
func (m *machine) xor(a, b any) vec { return m.three(VXORPS, a, b) }

// greater is "a > b ? a : b", lesser "a < b ? a : b": b where the two are not ordered.
func (m *machine) greater(a, b any) vec { return m.three(VMAXPS, a, b) }
func (m *machine) lesser(a, b any) vec  { return m.three(VMINPS, a, b) }

func (m *machine) addInt(a, b any) vec { return m.three(VPADDD, a, b) }
func (m *machine) subInt(a, b any) vec { return m.three(VPSUBD, a, b) }

// horner is p = p*x + c, in place.
func (m *machine) horner(p, x vec, c any) { m.emit(VFMADD213PS, m.reach(c), x, p) }

// addMul is acc += a*b, subMul acc -= a*b; both in place.
func (m *machine) addMul(acc, a vec, b any) { m.emit(VFMADD231PS, m.reach(b), a, acc) }
func (m *machine) subMul(acc, a vec, b any) { m.emit(VFNMADD231PS, m.reach(b), a, acc) }

func (m *machine) shift(f func(...Op), a vec, n int) vec {
	r := m.reg()
	m.emit(f, U8(n), a, r)
	return r
}
func (m *machine) shl(a vec, n int) vec { return m.shift(VPSLLD, a, n) }
func (m *machine) shr(a vec, n int) vec { return m.shift(VPSRLD, a, n) }
func (m *machine) sar(a vec, n int) vec { return m.shift(VPSRAD, a, n) }

func (m *machine) one(f func(...Op), a any) vec {
	x, r := m.reach(a), m.reg()
	m.emit(f, x, r)
	return r
}
func (m *machine) sqrt(a any) vec    { return m.one(VSQRTPS, a) }
func (m *machine) fromInt(a any) vec { return m.one(VCVTDQ2PS, a) }

// The ways of rounding that round knows.
const (
	toEven = 0
	down   = 1
	up     = 2
)

func (m *machine) round(a vec, how int) vec {
	r := m.reg()
	if m.wide {
		m.emit(VRNDSCALEPS, U8(how), a, r)
	} else if !m.dry {
		VROUNDPS(U8(how), a, r)
	}
	return r
}

// The comparisons that compare knows, false where the two are not ordered, except for notLess and unordered.
const (
	equal     = 0
	less      = 1
	unordered = 3
	notLess   = 5
	more      = 14
)

func (m *machine) compare(a any, how int, b any) mask {
	var r Register
	if m.wide {
		r = K()
	} else {
		r = m.reg()
	}
	x, y := m.vec(a), m.reach(b)
	m.emit(VCMPPS, U8(how), y, x, r)
	return r
}

// signOf is the mask of the lanes whose sign bit is set.
func (m *machine) signOf(a vec) mask {
	if !m.wide {
		return a
	}
	k := K()
	if !m.dry {
		VPMOVD2M(a, k)
	}
	return k
}

// choose is k ? yes : no.
func (m *machine) choose(k mask, yes, no any) vec {
	y, n := m.reach(yes), m.vec(no)
	r := m.reg()
	switch {
	case m.dry:
	case m.wide:
		VBLENDMPS(y, n, k, r)
	default:
		VBLENDVPS(k, y, n, r)
	}
	return r
}

// keep is k ? a : 0.
func (m *machine) keep(k mask, a vec) vec {
	r := m.reg()
	switch {
	case m.dry:
	case m.wide:
		VMOVAPS_Z(a, k, r)
	default:
		VANDPS(k, a, r)
	}
	return r
}

// poly evaluates a polynomial, lowest coefficient first.
func (m *machine) poly(x vec, c ...float64) vec {
	p := m.load(num(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		m.horner(p, x, num(c[i]))
	}
	return p
}

// broadcast loads a parameter of four bytes into all lanes. (avo's Load would emit a legacy SSE instruction.)
func (m *machine) broadcast(param string) vec {
	r := m.reg()
	VBROADCASTSS(m.param(param), r)
	return r
}

// param is a parameter of the function that is being written. A name that it doesn't have is a mistake in this program, which has no other input and runs
// when kernels are developed.
func (m *machine) param(name string) Mem {
	c, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return c.Addr
}

// hoist runs body dry and loads the first n constants that it used into registers.
func (m *machine) hoist(n int, body func()) {
	m.inRegs, m.used, m.dry = nil, nil, true
	body()
	m.dry, m.inRegs = false, map[konst]vec{}
	for _, k := range m.used {
		if _, ok := m.inRegs[k]; !ok && len(m.inRegs) < n {
			m.inRegs[k] = m.load(k)
		}
	}
}
