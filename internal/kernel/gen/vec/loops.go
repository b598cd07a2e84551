package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// arguments of a kernel's Go declaration: dst, the inputs, n, the scalars.
func (k mapping) pointers() []string {
	p := []string{"dst"}
	for _, in := range k.in {
		if in != "dst" {
			p = append(p, in)
		}
	}
	return p
}

func signature(pointers, params []string, result string) string {
	s := "func(" + strings.Join(pointers, ", ") + " *float32, n int"
	if len(params) > 0 {
		s += ", " + strings.Join(params, ", ") + " float32"
	}
	return s + ")" + result
}

// begin opens a function and loads its arguments.
func (m *machine) begin(name, doc string, pointers, params []string, result string) (ptr map[string]Register, n Register, p []vec) {
	TEXT(name+m.tier(), NOSPLIT, signature(pointers, params, result))
	Pragma("noescape")
	Doc(name+m.tier()+" is", "", "\t"+doc)
	ptr = map[string]Register{}
	for _, name := range pointers {
		ptr[name] = Load(Param(name), GP64())
	}
	n = Load(Param("n"), GP64())
	for _, name := range params {
		p = append(p, m.broadcast(name))
	}
	return ptr, n, p
}

func advance(ptr map[string]Register, pointers []string, bytes int) {
	for _, name := range pointers {
		ADDQ(I32(bytes), ptr[name])
	}
}

// mapping writes an element-wise kernel: an unrolled loop, then (light kernels) a loop over single vectors, then the rest under a
// mask. All three run the same body, so a result doesn't depend on its place in the slice.
func (m *machine) mapping(k mapping) {
	pointers := k.pointers()
	ptr, n, p := m.begin(k.name, k.loop, pointers, k.params, "")
	apply := func(load func(name string) vec) vec {
		var x []vec
		for _, in := range k.in {
			x = append(x, load(in))
		}
		return k.body(m, x, p)
	}
	hoisted := 0
	switch {
	case m.wide:
		hoisted = 14
	case k.light:
		hoisted = 6
	}
	m.hoist(hoisted, func() { apply(func(string) vec { return m.reg() }) })

	full := func(label string, unroll int) {
		step := unroll * m.lanes()
		Label(label)
		CMPQ(n, I32(step))
		JLT(LabelRef(label + "End"))
		for u := range unroll {
			y := apply(func(in string) vec { return m.load(Mem{Base: ptr[in], Disp: u * m.lanes() * 4}) })
			VMOVUPS(y, Mem{Base: ptr["dst"], Disp: u * m.lanes() * 4})
		}
		advance(ptr, pointers, step*4)
		SUBQ(I32(step), n)
		JMP(LabelRef(label))
		Label(label + "End")
	}
	if k.light {
		full("four", 4)
		full("one", 1)
	} else {
		full("two", 2)
	}
	Label("rest")
	TESTQ(n, n)
	JLE(LabelRef("done"))
	keep := m.firstLanes(n)
	y := apply(func(in string) vec { return m.loadMasked(keep, Mem{Base: ptr[in]}) })
	m.storeMasked(keep, y, Mem{Base: ptr["dst"]})
	if !k.light {
		advance(ptr, pointers, m.lanes()*4)
		SUBQ(I32(m.lanes()), n)
		JMP(LabelRef("rest"))
	}
	Label("done")
	VZEROUPPER()
	RET()
}

// firstLanes is the mask of lanes 0 to min(n, lanes)-1.
func (m *machine) firstLanes(n Register) mask {
	c := GP64()
	MOVQ(U32(m.lanes()), c)
	CMPQ(n, c)
	CMOVQLT(n, c)
	if m.wide {
		bits := GP64()
		MOVQ(U32(0xffff), bits)
		BZHIQ(c, bits, bits)
		k := K()
		KMOVW(bits.As32(), k)
		return k
	}
	NEGQ(c)
	base := GP64()
	LEAQ(m.address, base)
	k := YMM()
	VMOVUPS(Mem{Base: base, Index: c, Scale: 4, Disp: maskTable / 2}, k)
	return k
}

func (m *machine) loadMasked(k mask, from Mem) vec {
	r := m.reg()
	if m.wide {
		VMOVUPS_Z(from, k, r)
	} else {
		VMASKMOVPS(from, k, r)
	}
	return r
}

func (m *machine) storeMasked(k mask, v vec, to Mem) {
	if m.wide {
		VMOVUPS(v, k, to)
	} else {
		VMASKMOVPS(v, k, to)
	}
}
