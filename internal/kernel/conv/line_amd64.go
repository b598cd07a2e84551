package conv

import (
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// lineArgs are the operands of the kernels behind [line]. The generator knows the offsets; strides are in bytes.
type lineArgs struct {
	x, w, bias, y, res *float32
	rows, taps         int
	stepX, rowX, pixX  int
	stepW, rowW        int
	pixY               int
	vecs               int // whole vectors of channels
	strips             int // of as many pixels as the kernel does at once
	stripX, stripY     int
	flags              int
	mask               int // AVX-512: which channels behind the whole vectors exist
	lo, hi, count      float32
}

// Bits of lineArgs.flags.
const (
	flagBias = 1 << iota
	flagRes
	flagClip
	flagCount
)

// run computes the line.
func (l *line) run(tier cpu.Tier) {
	lanes := 0
	switch tier {
	case cpu.AVX2:
		lanes = 8
	case cpu.AVX512:
		lanes = 16
	}
	if lanes == 0 || l.rows == 0 || l.taps == 0 || l.pixels == 0 {
		l.runGo(0)
		return
	}
	vecs, rest := l.channels/lanes, l.channels%lanes
	if tier == cpu.AVX2 && rest > 0 {
		l.runGo(vecs * lanes) // masked stores are slow there
		rest = 0
	}
	if vecs == 0 && rest == 0 {
		return
	}
	l.check(vecs*lanes + rest)
	x := lineArgs{
		x: &l.x[0], y: &l.y[0], rows: l.rows, taps: l.taps,
		stepX: 4 * l.stepX, rowX: 4 * l.rowX, pixX: 4 * l.pixX, stepW: 4 * l.stepW, rowW: 4 * l.rowW, pixY: 4 * l.pixY,
		vecs: vecs, mask: 1<<rest - 1, lo: l.lo, hi: l.hi, count: l.count,
	}
	x.res = x.y // it is moved along with y, even if there is none
	if l.op == multiply {
		x.w = &l.w[0]
	}
	if l.bias != nil {
		x.bias, x.flags = &l.bias[0], x.flags|flagBias
	}
	if l.res != nil {
		x.res, x.flags = &l.res[0], x.flags|flagRes
	}
	if l.clip {
		x.flags |= flagClip
	}
	if l.count != 0 {
		x.flags |= flagCount
	}
	left := l.pixels
	if k := l.shared(); k != 0 {
		left = x.some(k, 8, tier, left, l)
		left = x.some(k, 4, tier, left, l)
	} else {
		left = x.some(eachPixel+kernel(l.op), 4, tier, left, l)
	}
	x.some(eachPixel+kernel(l.op), 1, tier, left, l)
}

// check panics when an operand is shorter than what the assembly is going to touch; width is what it reads of a pixel. Strides come from products of
// sizes, and operands from buffers of these sizes, so no input leads here; a mistake of this package would, and is not to write anywhere.
func (l *line) check(width int) {
	if l.stepX < 0 || l.rowX < 0 || l.pixX < 0 || l.stepW < 0 || l.rowW < 0 || l.pixY < 0 {
		panic("conv: negative stride")
	}
	_ = l.x[(l.pixels-1)*l.pixX+(l.rows-1)*l.rowX+(l.taps-1)*l.stepX:][:width]
	_ = l.y[(l.pixels-1)*l.pixY:][:width]
	if l.op == multiply {
		_ = l.w[(l.rows-1)*l.rowW+(l.taps-1)*l.stepW:][:depthPitch(width)]
	}
	if l.bias != nil {
		_ = l.bias[:width]
	}
	if l.res != nil {
		_ = l.res[(l.pixels-1)*l.pixY:][:width]
	}
}

// kernel names what the assembly has for several pixels at once.
type kernel uint8

const (
	shared3s1 kernel = iota + 1 // three taps at stride 1, neighbours sharing what they load
	shared3s2
	shared5s1
	shared5s2
	eachPixel // any taps, every pixel for itself; the other operations follow
	eachMaximum
	eachSum
)

// shared returns the kernel in which pixels share loads, 0 if there is none for the line.
func (l *line) shared() kernel {
	if l.op != multiply {
		return 0
	}
	switch {
	case l.taps == 3 && l.pixX == l.stepX:
		return shared3s1
	case l.taps == 3 && l.pixX == 2*l.stepX:
		return shared3s2
	case l.taps == 5 && l.pixX == l.stepX:
		return shared5s1
	case l.taps == 5 && l.pixX == 2*l.stepX:
		return shared5s2
	}
	return 0
}

// callWork bounds the fused operations of one call, and so its time: some 20 µs.
const callWork = 1 << 20

// some computes as many of the left pixels as whole strips of size hold, and returns the rest.
func (x *lineArgs) some(k kernel, size int, tier cpu.Tier, left int, l *line) int {
	x.stripX, x.stripY = size*x.pixX, size*x.pixY
	most := max(1, callWork/max(1, size*x.rows*x.taps*l.channels))
	for strips := left / size; strips > 0; strips -= most {
		x.strips = min(strips, most)
		x.call(k, size, tier == cpu.AVX512)
	}
	return left % size
}

// call runs a kernel. Direct calls keep x on the stack.
func (x *lineArgs) call(k kernel, pixels int, wide bool) {
	raw := (*byte)(unsafe.Pointer(x))
	switch pixels {
	case 8:
		callEight(raw, k, wide)
	case 4:
		callFour(raw, k, wide)
	default:
		callOne(raw, k, wide)
	}
}

func callEight(raw *byte, k kernel, wide bool) {
	switch {
	case k == shared3s1 && wide:
		depthLine8x3s1AVX512(raw)
	case k == shared3s1:
		depthLine8x3s1AVX2(raw)
	case k == shared3s2 && wide:
		depthLine8x3s2AVX512(raw)
	case k == shared3s2:
		depthLine8x3s2AVX2(raw)
	case k == shared5s1 && wide:
		depthLine8x5s1AVX512(raw)
	case k == shared5s1:
		depthLine8x5s1AVX2(raw)
	case wide:
		depthLine8x5s2AVX512(raw)
	default:
		depthLine8x5s2AVX2(raw)
	}
}

func callFour(raw *byte, k kernel, wide bool) {
	switch {
	case k == shared3s1 && wide:
		depthLine4x3s1AVX512(raw)
	case k == shared3s1:
		depthLine4x3s1AVX2(raw)
	case k == shared3s2 && wide:
		depthLine4x3s2AVX512(raw)
	case k == shared3s2:
		depthLine4x3s2AVX2(raw)
	case k == shared5s1 && wide:
		depthLine4x5s1AVX512(raw)
	case k == shared5s1:
		depthLine4x5s1AVX2(raw)
	case k == shared5s2 && wide:
		depthLine4x5s2AVX512(raw)
	case k == shared5s2:
		depthLine4x5s2AVX2(raw)
	case k == eachMaximum && wide:
		maxLine4AVX512(raw)
	case k == eachMaximum:
		maxLine4AVX2(raw)
	case k == eachSum && wide:
		sumLine4AVX512(raw)
	case k == eachSum:
		sumLine4AVX2(raw)
	case wide:
		depthLine4AVX512(raw)
	default:
		depthLine4AVX2(raw)
	}
}

func callOne(raw *byte, k kernel, wide bool) {
	switch {
	case k == eachMaximum && wide:
		maxLine1AVX512(raw)
	case k == eachMaximum:
		maxLine1AVX2(raw)
	case k == eachSum && wide:
		sumLine1AVX512(raw)
	case k == eachSum:
		sumLine1AVX2(raw)
	case wide:
		depthLine1AVX512(raw)
	default:
		depthLine1AVX2(raw)
	}
}

// copyRows32 copies rows with assembly; it reports false where there is none, or none that would be faster.
func copyRows32(tier cpu.Tier, dst []float32, ldd int, src []float32, lds, size, n int) bool {
	if tier == cpu.Generic || size < 4 || size > 128 || n == 0 {
		return false
	}
	_, _ = dst[(n-1)*ldd:][:size], src[(n-1)*lds:][:size]
	if size < 8 {
		copyRows4(&dst[0], 4*ldd, &src[0], 4*lds, size, n)
	} else {
		copyRows8(&dst[0], 4*ldd, &src[0], 4*lds, size, n)
	}
	return true
}
