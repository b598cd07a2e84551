package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"ingot/internal/kernel/gen/asm"
)

// Offsets of the fields of conv.lineArgs; a test there compares them.
const (
	argX      = 0
	argW      = 8
	argBias   = 16
	argY      = 24
	argRes    = 32
	argRows   = 40
	argTaps   = 48
	argStepX  = 56
	argRowX   = 64
	argPixX   = 72
	argStepW  = 80
	argRowW   = 88
	argPixY   = 96
	argVecs   = 104
	argStrips = 112
	argStripX = 120
	argStripY = 128
	argFlags  = 136
	argMask   = 144
	argLo     = 152
	argHi     = 156
	argCount  = 160
)

// Bits of lineArgs.flags.
const (
	flagBias = 1 << iota
	flagRes
	flagClip
	flagCount
)

// operation is what a kernel does with the elements of a window.
type operation int

const (
	multiply operation = iota // adds their products with weights
	maximum                   // takes the largest
	sum
)

// kernel is a loop over a line of output pixels: strips of some pixels, in each the vectors of channels, in each the window.
//
// With taps and stride given, neighbouring pixels share what they load: pixel p and tap t need input p·stride+t. Otherwise each pixel loads its own.
type kernel struct {
	op           operation
	pixels       int // of a strip
	taps, stride int

	isa  isa
	x    Register // lineArgs
	name string
	part string // prefix of labels
	acc  []VecVirtual
	mask bool
}

func line(s isa, k kernel) {
	k.isa = s
	switch {
	case k.op == maximum:
		k.name = fmt.Sprintf("maxLine%d", k.pixels)
	case k.op == sum:
		k.name = fmt.Sprintf("sumLine%d", k.pixels)
	case k.taps == 0:
		k.name = fmt.Sprintf("depthLine%d", k.pixels)
	default:
		k.name = fmt.Sprintf("depthLine%dx%ds%d", k.pixels, k.taps, k.stride)
	}
	TEXT(k.name+s.name, NOSPLIT, "func(x *byte)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes strips of %d pixels; see lineArgs. It changes x.", k.name+s.name, k.pixels))
	k.x = Load(Param("x"), GP64())
	Label("strip")
	vecs, off := k.arg(argVecs), GP64() // off: of the current vector, in bytes
	XORQ(off, off)
	if s.wide() {
		TESTQ(vecs, vecs)
		JZ(LabelRef("tail"))
	}
	Label("vector")
	k.part = ""
	k.body(off)
	ADDQ(U8(uint8(s.bytes)), off)
	DECQ(vecs)
	JNZ(LabelRef("vector"))
	if s.wide() {
		Label("tail")
		m := k.arg(argMask)
		TESTQ(m, m)
		JZ(LabelRef("next"))
		KMOVW(m.(GPVirtual).As32(), K1)
		k.part, k.mask = "tail", true
		k.body(off)
		Label("next")
	}
	d := k.arg(argStripX)
	ADDQ(d, Mem{Base: k.x, Disp: argX})
	d = k.arg(argStripY)
	ADDQ(d, Mem{Base: k.x, Disp: argY})
	ADDQ(d, Mem{Base: k.x, Disp: argRes})
	DECQ(Mem{Base: k.x, Disp: argStrips})
	JNZ(LabelRef("strip"))
	asm.Return()
}

func (k *kernel) arg(off int) Register {
	r := GP64()
	MOVQ(Mem{Base: k.x, Disp: off}, r)
	return r
}

func (k *kernel) label(name string) string { return k.part + name }

// at returns the address of an operand's current vector.
func (k *kernel) at(arg int, off Register) Register {
	r := k.arg(arg)
	ADDQ(off, r)
	return r
}

// body computes one vector of channels of a strip.
func (k *kernel) body(off Register) {
	k.start(off)

	rows, xr := k.arg(argRows), k.at(argX, off)
	var wr Register
	if k.op == multiply {
		wr = k.at(argW, off)
	}
	Label(k.label("row"))
	if k.taps > 0 {
		k.shared(xr, wr)
	} else {
		k.each(xr, wr)
	}
	ADDQ(Mem{Base: k.x, Disp: argRowX}, xr)
	if wr != nil {
		ADDQ(Mem{Base: k.x, Disp: argRowW}, wr)
	}
	DECQ(rows)
	JNZ(LabelRef(k.label("row")))

	k.finish(off)
}

// start sets the accumulators.
func (k *kernel) start(off Register) {
	k.acc = make([]VecVirtual, k.pixels)
	for i := range k.acc {
		k.acc[i] = k.isa.vector()
	}
	switch k.op {
	case maximum:
		VBROADCASTSS(constant(minusInf), k.acc[0])
	case sum, multiply:
		if k.isa.wide() {
			VPXORD(k.acc[0], k.acc[0], k.acc[0])
		} else {
			VXORPS(k.acc[0], k.acc[0], k.acc[0])
		}
	}
	if k.op == multiply {
		k.section(flagBias, "nobias", func() { k.load(Mem{Base: k.at(argBias, off)}, k.acc[0]) })
	}
	for _, a := range k.acc[1:] {
		VMOVAPS(k.acc[0], a)
	}
}

// shared does one row of the window, loading each input once.
func (k *kernel) shared(xr, wr Register) {
	stepX, stepW := k.arg(argStepX), k.arg(argStepW)
	w := make([]VecVirtual, k.taps)
	wp := GP64()
	MOVQ(wr, wp)
	for t := range w {
		w[t] = k.isa.vector()
		VMOVUPS(Mem{Base: wp}, w[t])
		if t+1 < k.taps {
			ADDQ(stepW, wp)
		}
	}
	px := GP64()
	MOVQ(xr, px)
	last := (k.pixels-1)*k.stride + k.taps - 1
	for j := 0; j <= last; j++ {
		m := Mem{Base: px}
		if j%3 != 0 {
			m.Index, m.Scale = stepX, uint8(j%3)
		}
		v := k.isa.vector()
		k.load(m, v)
		for t := range w {
			if p := j - t; p >= 0 && p%k.stride == 0 && p/k.stride < k.pixels {
				VFMADD231PS(w[t], v, k.acc[p/k.stride])
			}
		}
		if j%3 == 2 && j < last {
			LEAQ(Mem{Base: px, Index: stepX, Scale: 2}, px)
			ADDQ(stepX, px)
		}
	}
}

// each does one row of the window, every pixel for itself.
func (k *kernel) each(xr, wr Register) {
	taps, px, wp := k.arg(argTaps), GP64(), GP64()
	pixX := k.arg(argPixX)
	MOVQ(xr, px)
	if k.op == multiply {
		MOVQ(wr, wp)
	}
	Label(k.label("tap"))
	var w VecVirtual
	if k.op == multiply {
		w = k.isa.vector()
		VMOVUPS(Mem{Base: wp}, w)
		ADDQ(Mem{Base: k.x, Disp: argStepW}, wp)
	}
	p3 := GP64()
	if k.pixels > 3 {
		LEAQ(Mem{Base: px, Index: pixX, Scale: 2}, p3)
		ADDQ(pixX, p3)
	}
	for i, acc := range k.acc {
		m := Mem{Base: px}
		if i%3 != 0 {
			m.Index, m.Scale = pixX, uint8(i%3)
		}
		if i == 3 {
			m = Mem{Base: p3}
		}
		k.fold(acc, w, m)
	}
	ADDQ(Mem{Base: k.x, Disp: argStepX}, px)
	DECQ(taps)
	JNZ(LabelRef(k.label("tap")))
}

// fold adds one element of the window to an accumulator.
func (k *kernel) fold(acc, w VecVirtual, m Mem) {
	var x Op = m
	if k.mask || k.op == maximum {
		v := k.isa.vector()
		k.load(m, v)
		x = v
	}
	switch {
	case k.op == multiply:
		VFMADD231PS(x, w, acc)
	case k.op == sum:
		VADDPS(x, acc, acc)
	case k.isa.wide(): // a NaN in either operand wins: in x by the instruction's rule, in acc by the mask
		VCMPPS(U8(ordered), acc, acc, K2)
		VMAXPS(x, acc, K2, acc)
	default:
		is, top := k.isa.vector(), k.isa.vector()
		VCMPPS(U8(unordered), acc, acc, is)
		VMAXPS(x, acc, top)
		VBLENDVPS(is, acc, top, acc)
	}
}

const (
	unordered = 3
	ordered   = 7
)

// finish applies what flags asks for and stores the strip.
func (k *kernel) finish(off Register) {
	pixY := k.arg(argPixY)
	at := func(arg int, f func(i int, m Mem)) {
		p := k.at(arg, off)
		for i := range k.acc {
			m := Mem{Base: p}
			if i%3 != 0 {
				m.Index, m.Scale = pixY, uint8(i%3)
			}
			f(i, m)
			if i%3 == 2 && i+1 < len(k.acc) {
				LEAQ(Mem{Base: p, Index: pixY, Scale: 2}, p)
				ADDQ(pixY, p)
			}
		}
	}
	broadcast := func(off int) VecVirtual {
		v := k.isa.vector()
		VBROADCASTSS(Mem{Base: k.x, Disp: off}, v)
		return v
	}
	if k.op == sum {
		k.section(flagCount, "nocount", func() {
			n := broadcast(argCount)
			for _, a := range k.acc {
				VDIVPS(n, a, a)
			}
		})
	}
	if k.op == multiply {
		k.section(flagRes, "nores", func() {
			at(argRes, func(i int, m Mem) {
				v := k.isa.vector()
				k.load(m, v)
				VADDPS(v, k.acc[i], k.acc[i])
			})
		})
		k.section(flagClip, "noclip", func() {
			// MAX and MIN return the second source when one is NaN: the accumulator, so that NaN stays.
			lo, hi := broadcast(argLo), broadcast(argHi)
			for _, a := range k.acc {
				VMAXPS(a, lo, a)
			}
			for _, a := range k.acc {
				VMINPS(a, hi, a)
			}
		})
	}
	at(argY, func(i int, m Mem) {
		if k.mask {
			VMOVUPS(k.acc[i], K1, m)
		} else {
			VMOVUPS(k.acc[i], m)
		}
	})
}

// section writes what is done when a flag is set.
func (k *kernel) section(flag int, name string, f func()) {
	flags := k.arg(argFlags)
	TESTQ(U32(uint32(flag)), flags)
	JZ(LabelRef(k.label(name)))
	f()
	Label(k.label(name))
}

// load reads a vector of channels, in the tail only those that exist.
func (k *kernel) load(m Mem, v VecVirtual) {
	if k.mask {
		VMOVUPS_Z(m, K1, v)
	} else {
		VMOVUPS(m, v)
	}
}
