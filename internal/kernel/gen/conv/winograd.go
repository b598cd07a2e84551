package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"ingot/internal/kernel/gen/asm"
)

// The points of the transforms are 0, ±nearPoint, ±farPoint and ∞; package conv says why these.
const (
	nearPoint = 5. / 8
	farPoint  = 3. / 2
)

// Places in the table of constants, each of which fills a vector.
const (
	near = iota
	near2
	near3
	far
	far2
	far3
	sum2     // near² + far²
	product2 // near²·far²
	minusInf
)

func constant(i int) Mem { return NewDataAddr(Symbol{Name: "convData", Static: true}, i*64) }

func constants() {
	const a2, b2 = nearPoint * nearPoint, farPoint * farPoint
	GLOBL("convData", RODATA|NOPTR)
	for i, f := range []float64{nearPoint, a2, a2 * nearPoint, farPoint, b2, b2 * farPoint, a2 + b2, a2 * b2, math.Inf(-1)} {
		for lane := range 16 {
			DATA(i*64+lane*4, U32(math.Float32bits(float32(f))))
		}
	}
}

// transform writes the transforms of Winograd's F(4×4, 3×3) for one instruction set.
type transform struct {
	isa
	consts [minusInf]Op
}

// newTransform keeps the constants in registers if there are enough.
func newTransform(s isa) *transform {
	t := &transform{isa: s}
	for i := range t.consts {
		t.consts[i] = constant(i)
		if s.wide() {
			t.consts[i] = t.load(constant(i))
		}
	}
	return t
}

func (t *transform) load(m Mem) VecVirtual {
	v := t.vector()
	VMOVUPS(m, v)
	return v
}

func (t *transform) two(f func(...Op), a, b VecVirtual) VecVirtual {
	r := t.vector()
	f(b, a, r)
	return r
}

// pair returns a + c·b and a − c·b, the latter in place of a.
func (t *transform) pair(a, b VecVirtual, c int) (plus, minus VecVirtual) {
	plus = t.vector()
	VMOVAPS(a, plus)
	VFMADD231PS(t.consts[c], b, plus)
	VFNMADD231PS(t.consts[c], b, a)
	return plus, a
}

// input is one dimension of the input's transform, Bᵀd; it uses up d.
func (t *transform) input(d [6]VecVirtual) [6]VecVirtual {
	less := func(a, b VecVirtual, c int) VecVirtual { // a − c·b
		r := t.vector()
		VMOVAPS(a, r)
		VFNMADD231PS(t.consts[c], b, r)
		return r
	}
	p, q := less(d[4], d[2], far2), less(d[3], d[1], far2)
	t1, t2 := t.pair(p, q, near)
	r, s := less(d[4], d[2], near2), less(d[3], d[1], near2)
	t3, t4 := t.pair(r, s, far)
	VFNMADD231PS(t.consts[sum2], d[2], d[4])
	VFMADD231PS(t.consts[product2], d[0], d[4])
	VFNMADD231PS(t.consts[sum2], d[3], d[5])
	VFMADD231PS(t.consts[product2], d[1], d[5])
	return [6]VecVirtual{d[4], t1, t2, t3, t4, d[5]}
}

// output is one dimension of the output's transform, Aᵀm; it uses up m.
func (t *transform) output(m [6]VecVirtual) [4]VecVirtual {
	a, b := t.two(VADDPS, m[1], m[2]), t.two(VSUBPS, m[1], m[2])
	c, e := t.two(VADDPS, m[3], m[4]), t.two(VSUBPS, m[3], m[4])
	VADDPS(a, m[0], m[0])
	VADDPS(c, m[0], m[0])
	VFMADD231PS(t.consts[near3], b, m[5])
	VFMADD231PS(t.consts[far3], e, m[5])
	VMULPS(t.consts[near], b, b)
	VFMADD231PS(t.consts[far], e, b)
	VMULPS(t.consts[near2], a, a)
	VFMADD231PS(t.consts[far2], c, a)
	return [4]VecVirtual{m[0], b, a, m[5]}
}

// winogradIn writes the input's transform of one tile of 6×6 pixels.
func winogradIn(s isa) {
	TEXT("winogradIn"+s.name, 0, "func(v *float32, point int, x *float32, row, pixel, vecs int)")
	Pragma("noescape")
	Doc("winogradIn"+s.name+" is the input's transform of vecs vectors of channels of a tile, strides in bytes,", "",
		"\tv[i*point], i < 36, is Bᵀ·x·B of the tile's x[y*row+x*pixel]")
	tmp := AllocLocal(36 * s.bytes)
	v, point := Load(Param("v"), GP64()), Load(Param("point"), GP64())
	x, row := Load(Param("x"), GP64()), Load(Param("row"), GP64())
	pixel, n := Load(Param("pixel"), GP64()), Load(Param("vecs"), GP64())
	t := newTransform(s)
	Label("loop")
	px := GP64()
	MOVQ(x, px)
	for c := range 6 {
		py := GP64()
		MOVQ(px, py)
		var d [6]VecVirtual
		for r := range d {
			d[r] = t.load(Mem{Base: py})
			if r < 5 {
				ADDQ(row, py)
			}
		}
		for r, o := range t.input(d) {
			VMOVUPS(o, tmp.Offset((r*6+c)*s.bytes))
		}
		ADDQ(pixel, px)
	}
	pv := GP64()
	MOVQ(v, pv)
	for r := range 6 {
		var d [6]VecVirtual
		for c := range d {
			d[c] = t.load(tmp.Offset((r*6 + c) * s.bytes))
		}
		for _, o := range t.input(d) {
			VMOVUPS(o, Mem{Base: pv})
			ADDQ(point, pv)
		}
	}
	ADDQ(U8(uint8(s.bytes)), x)
	ADDQ(U8(uint8(s.bytes)), v)
	DECQ(n)
	JNZ(LabelRef("loop"))
	asm.Return()
}

// winogradOut writes the output's transform of one tile of 4×4 pixels.
func winogradOut(s isa) {
	TEXT("winogradOut"+s.name, 0, "func(y *float32, row, pixel int, m *float32, point int, bias, res *float32, vecs int, clip int, lo, hi float32)")
	Pragma("noescape")
	Doc("winogradOut"+s.name+" is the output's transform of vecs vectors of filters of a tile, strides in bytes; the residual has y's,", "",
		"\ty[r*row+c*pixel] = clip(Aᵀ·m·A + bias + res) with m[i*point], i < 36", "", "bias and res may be nil; clip is 0 for no clipping.")
	tmp := AllocLocal(24 * s.bytes)
	y, row := Load(Param("y"), GP64()), Load(Param("row"), GP64())
	pixel, m := Load(Param("pixel"), GP64()), Load(Param("m"), GP64())
	point, n := Load(Param("point"), GP64()), Load(Param("vecs"), GP64())
	bias, res := Load(Param("bias"), GP64()), Load(Param("res"), GP64())
	t := newTransform(s)
	Label("loop")
	pm := GP64()
	MOVQ(m, pm)
	for r := range 6 {
		var in [6]VecVirtual
		for c := range in {
			in[c] = t.load(Mem{Base: pm})
			ADDQ(point, pm)
		}
		for c, o := range t.output(in) {
			VMOVUPS(o, tmp.Offset((r*4+c)*s.bytes))
		}
	}
	off := GP64() // of the column
	XORQ(off, off)
	for c := range 4 {
		var in [6]VecVirtual
		for r := range in {
			in[r] = t.load(tmp.Offset((r*4 + c) * s.bytes))
		}
		o := t.output(in)
		label := func(name string) string { return name + string(rune('0'+c)) }
		TESTQ(bias, bias)
		JZ(LabelRef(label("nobias")))
		b := t.load(Mem{Base: bias})
		for _, v := range o {
			VADDPS(b, v, v)
		}
		Label(label("nobias"))
		TESTQ(res, res)
		JZ(LabelRef(label("nores")))
		p := GP64()
		LEAQ(Mem{Base: res, Index: off, Scale: 1}, p)
		for r, v := range o {
			VADDPS(Mem{Base: p}, v, v)
			if r < 3 {
				ADDQ(row, p)
			}
		}
		Label(label("nores"))
		flag := Load(Param("clip"), GP64())
		TESTQ(flag, flag)
		JZ(LabelRef(label("noclip")))
		lo, hi := t.vector(), t.vector()
		VBROADCASTSS(param("lo"), lo)
		VBROADCASTSS(param("hi"), hi)
		for _, v := range o {
			VMAXPS(v, lo, v)
			VMINPS(v, hi, v)
		}
		Label(label("noclip"))
		LEAQ(Mem{Base: y, Index: off, Scale: 1}, p)
		for r, v := range o {
			VMOVUPS(v, Mem{Base: p})
			if r < 3 {
				ADDQ(row, p)
			}
		}
		ADDQ(pixel, off)
	}
	for _, p := range []Register{y, m} {
		ADDQ(U8(uint8(s.bytes)), p)
	}
	for i, p := range []Register{bias, res} { // nil stays nil
		label := "keep" + string(rune('0'+i))
		TESTQ(p, p)
		JZ(LabelRef(label))
		ADDQ(U8(uint8(s.bytes)), p)
		Label(label)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	asm.Return()
}

// param is a parameter of the function that is being written. A name that it doesn't have is a mistake in this program, which has no other input and runs
// when kernels are developed.
func param(name string) Mem {
	c, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return c.Addr
}
