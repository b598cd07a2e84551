package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"ingot/internal/kernel/gen/asm"
)

// Places in the table of constants.
const (
	four = iota
	five
	two
	eight
	minusInf
)

func constant(i int) Mem { return NewDataAddr(Symbol{Name: "convData", Static: true}, i*4) }

func constants() {
	GLOBL("convData", RODATA|NOPTR)
	for i, f := range []float64{4, 5, 2, 8, math.Inf(-1)} {
		DATA(i*4, U32(math.Float32bits(float32(f))))
	}
}

// transform writes the transforms of Winograd's F(4×4, 3×3) for one instruction set.
type transform struct{ isa }

func (t transform) load(m Mem) VecVirtual {
	v := t.vector()
	VMOVUPS(m, v)
	return v
}

func (t transform) broadcast(i int) VecVirtual {
	v := t.vector()
	VBROADCASTSS(constant(i), v)
	return v
}

func (t transform) two(f func(...Op), a, b VecVirtual) VecVirtual {
	r := t.vector()
	f(b, a, r)
	return r
}

// input is one dimension of the input's transform, Bᵀd; it uses up d.
func (t transform) input(d [6]VecVirtual, four, five VecVirtual) [6]VecVirtual {
	p, q := t.vector(), t.vector()
	VMOVAPS(d[4], p)
	VFNMADD231PS(four, d[2], p) // d4 − 4·d2
	VMOVAPS(d[3], q)
	VFNMADD231PS(four, d[1], q) // d3 − 4·d1
	t1, t2 := t.two(VADDPS, p, q), t.two(VSUBPS, p, q)
	r, s := t.two(VSUBPS, d[4], d[2]), t.two(VSUBPS, d[3], d[1])
	VADDPS(s, s, s)
	t3, t4 := t.two(VADDPS, r, s), t.two(VSUBPS, r, s)
	VFNMADD231PS(five, d[2], d[4])
	VFMADD231PS(four, d[0], d[4]) // 4·d0 − 5·d2 + d4
	VFNMADD231PS(five, d[3], d[5])
	VFMADD231PS(four, d[1], d[5]) // 4·d1 − 5·d3 + d5
	return [6]VecVirtual{d[4], t1, t2, t3, t4, d[5]}
}

// output is one dimension of the output's transform, Aᵀm; it uses up m.
func (t transform) output(m [6]VecVirtual, two, four, eight VecVirtual) [4]VecVirtual {
	a, b := t.two(VADDPS, m[1], m[2]), t.two(VSUBPS, m[1], m[2])
	c, e := t.two(VADDPS, m[3], m[4]), t.two(VSUBPS, m[3], m[4])
	VADDPS(a, m[0], m[0])
	VADDPS(c, m[0], m[0])
	y3 := t.two(VADDPS, m[5], b)
	VFMADD231PS(eight, e, y3)
	VFMADD231PS(two, e, b)
	VFMADD231PS(four, c, a)
	return [4]VecVirtual{m[0], b, a, y3}
}

// winogradIn writes the input's transform of one tile of 6×6 pixels.
func winogradIn(s isa) {
	t := transform{s}
	TEXT("winogradIn"+s.name, 0, "func(v *float32, point int, x *float32, row, pixel, vecs int)")
	Pragma("noescape")
	Doc("winogradIn"+s.name+" is the input's transform of vecs vectors of channels of a tile, strides in bytes,", "",
		"\tv[i*point], i < 36, is Bᵀ·x·B of the tile's x[y*row+x*pixel]")
	tmp := AllocLocal(36 * s.bytes)
	v, point := Load(Param("v"), GP64()), Load(Param("point"), GP64())
	x, row := Load(Param("x"), GP64()), Load(Param("row"), GP64())
	pixel, n := Load(Param("pixel"), GP64()), Load(Param("vecs"), GP64())
	four, five := t.broadcast(four), t.broadcast(five)
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
		for r, o := range t.input(d, four, five) {
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
		for _, o := range t.input(d, four, five) {
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
	t := transform{s}
	TEXT("winogradOut"+s.name, 0, "func(y *float32, row, pixel int, m *float32, point int, bias, res *float32, vecs int, clip int, lo, hi float32)")
	Pragma("noescape")
	Doc("winogradOut"+s.name+" is the output's transform of vecs vectors of filters of a tile, strides in bytes; the residual has y's,", "",
		"\ty[r*row+c*pixel] = clip(Aᵀ·m·A + bias + res) with m[i*point], i < 36", "", "bias and res may be nil; clip is 0 for no clipping.")
	tmp := AllocLocal(24 * s.bytes)
	y, row := Load(Param("y"), GP64()), Load(Param("row"), GP64())
	pixel, m := Load(Param("pixel"), GP64()), Load(Param("m"), GP64())
	point, n := Load(Param("point"), GP64()), Load(Param("vecs"), GP64())
	bias, res := Load(Param("bias"), GP64()), Load(Param("res"), GP64())
	two, four, eight := t.broadcast(two), t.broadcast(four), t.broadcast(eight)
	Label("loop")
	pm := GP64()
	MOVQ(m, pm)
	for r := range 6 {
		var in [6]VecVirtual
		for c := range in {
			in[c] = t.load(Mem{Base: pm})
			ADDQ(point, pm)
		}
		for c, o := range t.output(in, two, four, eight) {
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
		o := t.output(in, two, four, eight)
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

func param(name string) Mem {
	c, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return c.Addr
}
