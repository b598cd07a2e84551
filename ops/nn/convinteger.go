package nn

import (
	"fmt"

	"ingot/internal/kernel/conv"
	"ingot/internal/kernel/move"
	"ingot/internal/kernel/quant"
	"ingot/internal/kernel/vec"
	"ingot/ops"
	"ingot/tensor"
)

// ConvInteger is the exact convolution of 8-bit integers.
func ConvInteger() *ops.Op {
	return ops.Def(ops.Spec[convAttrs]{
		Name: "ConvInteger", In: "x:T1, w:T2, x_zero_point:T1?, w_zero_point:T2?", Out: "y:T3", Types: "T1=int8|uint8; T2=int8|uint8; T3=int32",
		Vers: []ops.Ver{{Since: 10}},
		Infer: func(c *ops.Infer, a *convAttrs) error {
			if err := checkZeros(c, 2, 3); err != nil {
				return err
			}
			f := a.filter(planes)
			f.bias = 0
			return f.inferAs(c, tensor.Int32)
		},
		Bind: func(b *ops.Bind, a *convAttrs) (ops.Kernel, error) {
			f := a.filter(planes)
			return newConv8(b, f, places8{zeroX: 2, w: 1, zeroW: 3})
		},
	})
}

// QLinearConv is the convolution of quantised numbers, quantised again.
func QLinearConv() *ops.Op {
	return ops.Def(ops.Spec[convAttrs]{
		Name: "QLinearConv",
		In:   "x:T1, x_scale:float, x_zero_point:T1, w:T2, w_scale:float, w_zero_point:T2, y_scale:float, y_zero_point:T3, B:T4?", Out: "y:T3",
		Types: "T1=int8|uint8; T2=int8|uint8; T3=int8|uint8; T4=int32", Vers: []ops.Ver{{Since: 10}},
		Infer: func(c *ops.Infer, a *convAttrs) error {
			if err := checkZeros(c, 2, 5); err != nil {
				return err
			}
			for _, i := range []int{1, 6, 7} {
				if n, ok := length(c.In(i)); ok && n != 1 {
					return fmt.Errorf("input %d has %d elements; scales and zero points of x and y must be scalars", i, n)
				}
			}
			if s, ok := c.Shape(3); ok && len(s) > 0 {
				m, known := s[0].Int()
				if n, ok := length(c.In(4)); ok && known && n != 1 && n != m {
					return fmt.Errorf("w_scale has %d elements for %d filters", n, m)
				}
			}
			f := a.filter(planes)
			f.w, f.bias = 3, 8
			return f.inferAs(c, c.In(7).DT)
		},
		Bind: func(b *ops.Bind, a *convAttrs) (ops.Kernel, error) {
			f := a.filter(planes)
			f.w = 3
			return newConv8(b, f, places8{zeroX: 2, w: 3, zeroW: 5, scaleX: 1, scaleW: 4, scaleY: 6, zeroY: 7, bias: 8})
		},
	})
}

// inferAs is infer for results of another type than X.
func (f *filter) inferAs(c *ops.Infer, dt tensor.DType) error {
	shape, _, err := f.inferShape(c)
	switch {
	case err != nil:
		return err
	case shape == nil:
		return c.OutUnranked(0, dt)
	}
	return c.Out(0, dt, shape...)
}

// length is the number of elements of a type, if it is known.
func length(t *ops.Type) (int64, bool) {
	if t.Kind != ops.KindTensor || !t.Ranked {
		return 0, false
	}
	n := ops.Num(1)
	for _, d := range t.Shape {
		n = n.Mul(d)
	}
	return n.Int()
}

// checkZeros verifies the sizes of the zero points of x and w, which may be absent.
func checkZeros(c *ops.Infer, x, w int) error {
	if n, ok := length(c.In(x)); ok && n != 1 {
		return fmt.Errorf("the zero point of x has %d elements; it must be a scalar", n)
	}
	filters, known := int64(0), false
	if s, ok := c.Shape(w - 2); ok && len(s) > 0 {
		filters, known = s[0].Int()
	}
	if n, ok := length(c.In(w)); ok && known && n != 1 && n != filters {
		return fmt.Errorf("the zero point of w has %d elements for %d filters", n, filters)
	}
	return nil
}

// places8 are the places of the inputs of an 8-bit convolution, 0 for what it doesn't have. x is input 0.
type places8 struct{ zeroX, w, zeroW, scaleX, scaleW, scaleY, zeroY, bias int }

// conv8 runs an 8-bit convolution between changes of layout. Depthwise ones go through float32, which holds their sums exactly.
type conv8 struct {
	at      places8
	c       conv.Conv8
	depth   *conv.Conv[float32]
	signedW bool
	fixed   bool // the weights are constant
	requant bool

	in, out    turnJob // unless the layouts are the same bytes
	turnIn     bool
	turnOut    bool
	rowsX      part
	sums, rows part
	floats     part // of a depthwise convolution: input and result
	load       loadBytes

	bias   []int32
	scale  []float32
	zeroY  int32
	signed bool // y
	y      []byte
}

// part is a piece of the scratch, in bytes.
type part struct{ off, len int }

func (p part) of(b []byte) []byte { return b[p.off:][:p.len:p.len] }

// scratchParts lays out scratch.
type scratchParts int

func (s *scratchParts) take(n int) part {
	p := part{int(*s), n}
	*s += scratchParts((n + 63) &^ 63)
	return p
}

// maxExactTaps is how many products of 8-bit integers float32 adds exactly.
const maxExactTaps = 256

func newConv8(b *ops.Bind, f *filter, at places8) (ops.Kernel, error) {
	k := &conv8{at: at, c: conv.Conv8{Shape: f.shape(b)}, signedW: b.In(at.w).DT == tensor.Int8, fixed: b.Constant(at.w) != nil, requant: at.scaleY > 0}
	s := &k.c.Shape
	k.c.SignedX = b.In(0).DT == tensor.Int8
	k.signed = b.Out(0).DT == tensor.Int8
	var size scratchParts
	nx, ny := s.Images*elements(s.In)*s.Channels, s.Images*elements(s.Out)*s.Filters
	if k.turnIn = s.Channels > 1 && elements(s.In) > 1; k.turnIn {
		k.in.c = turnOf(1, s.Images, s.Channels, elements(s.In), rows)
		k.rowsX = size.take(nx)
	}
	if k.turnOut = s.Filters > 1 && elements(s.Out) > 1; k.turnOut {
		k.out.c = turnOf(b.Out(0).DT.Size(), s.Images, s.Filters, elements(s.Out), planes)
	}
	if k.turnOut || k.requant {
		k.sums = size.take(4 * ny)
	}
	if k.turnOut && k.requant {
		k.rows = size.take(ny)
	}
	if k.requant {
		k.scale = make([]float32, s.Filters)
		k.c.Done = k.finish
	}
	if conv.Choose[float32](s, conv.Options{Strict: true}) == conv.Depthwise && s.Taps() <= maxExactTaps {
		k.depth = &conv.Conv[float32]{Shape: *s}
		k.floats = size.take(4 * (nx + ny))
	} else if k.fixed {
		w, err := b.Packed(at.w, fmt.Sprintf("conv8 of %d groups", f.group), func(t *tensor.Tensor) (any, int, error) {
			w, err := conv.Pack8(s, k.signedW, t.Bytes())
			if err != nil {
				return nil, 0, err
			}
			return w, w.Bytes(), nil
		})
		if err != nil {
			return nil, err
		}
		k.c.Weights, _ = w.(*conv.Weights8)
	}
	b.NeedScratch(int(size))
	return k, nil
}

// Run computes the convolution.
func (k *conv8) Run(c *ops.Call) error {
	out := c.Out(0)
	if out.Len() == 0 {
		return nil
	}
	k.c.X, k.c.ZeroX, k.c.ZeroW = c.In(0).Bytes(), 0, nil
	if c.Has(k.at.zeroX) {
		k.c.ZeroX = c.In(k.at.zeroX).Bytes()[0]
	}
	if c.Has(k.at.zeroW) {
		k.c.ZeroW = c.In(k.at.zeroW).Bytes()
	}
	if k.requant {
		k.scales(c)
	}
	if k.turnIn {
		to := k.rowsX.of(c.Scratch)
		k.in.dst, k.in.src = move.Buf{Bytes: to, Width: 1}, move.Buf{Bytes: k.c.X, Width: 1}
		if err := c.Parallel(k.in.c.Tiles(), &k.in); err != nil {
			return err
		}
		k.c.X = to
	}
	to := out.Bytes() // rows of results, or their sums
	switch {
	case k.requant && k.turnOut:
		k.y, to = k.rows.of(c.Scratch), k.sums.of(c.Scratch)
	case k.requant:
		k.y, to = to, k.sums.of(c.Scratch)
	case k.turnOut:
		to = k.sums.of(c.Scratch)
	}
	k.c.Y = ops.Elements[int32](to)
	var err error
	if k.depth != nil {
		err = k.depthwise(c)
	} else {
		err = k.product(c)
	}
	if err != nil || !k.turnOut {
		return err
	}
	if k.requant {
		to = k.y
	}
	w := out.DType().Size()
	k.out.dst, k.out.src = move.Buf{Bytes: out.Bytes(), Width: w}, move.Buf{Bytes: to, Width: w}
	return c.Parallel(k.out.c.Tiles(), &k.out)
}

func (k *conv8) product(c *ops.Call) error {
	if !k.fixed {
		w, err := conv.Pack8(&k.c.Shape, k.signedW, c.In(k.at.w).Bytes())
		if err != nil {
			return err
		}
		k.c.Weights = w
	}
	if err := k.c.Prepare(); err != nil {
		return err
	}
	return c.Parallel(k.c.Tiles(), k)
}

// Tile computes a tile of the product.
func (k *conv8) Tile(w ops.Worker, i int) { k.c.Tile(i, ops.Scratch[int32](w, k.c.ScratchLen())) }

// scales reads what results are scaled with.
func (k *conv8) scales(c *ops.Call) {
	x, w, y := tensor.View[float32](c.In(k.at.scaleX))[0], tensor.View[float32](c.In(k.at.scaleW)), tensor.View[float32](c.In(k.at.scaleY))[0]
	for i := range k.scale {
		k.scale[i] = x * w[min(i, len(w)-1)] / y
	}
	k.zeroY = integer8(c.In(k.at.zeroY).Bytes()[0], k.signed)
	k.bias = nil
	if c.Has(k.at.bias) {
		k.bias = tensor.View[int32](c.In(k.at.bias))
	}
}

func integer8(b byte, signed bool) int32 {
	if signed {
		return int32(int8(b))
	}
	return int32(b)
}

// finish quantises the sums of pixel i from filter j on.
func (k *conv8) finish(i, j int, run []int32) {
	if k.bias != nil {
		for n, b := range k.bias[j:][:len(run)] {
			run[n] += b
		}
	}
	to := k.y[i*k.c.Filters+j:][:len(run)]
	if k.signed {
		quant.RescaleEach(asSigned(to), run, k.scale[j:], k.zeroY)
	} else {
		quant.RescaleEach(to, run, k.scale[j:], k.zeroY)
	}
}

// depthwise computes in float32: inputs and weights less their zero points are whole numbers of 9 bits.
func (k *conv8) depthwise(c *ops.Call) error {
	s := &k.c.Shape
	f := ops.Elements[float32](k.floats.of(c.Scratch))
	nx := s.Images * elements(s.In) * s.Channels
	x, y := f[:nx], f[nx:]
	k.load = loadBytes{x, k.c.X, integer8(k.c.ZeroX, k.c.SignedX), k.c.SignedX}
	if err := c.Parallel((nx-1)/loadPiece+1, &k.load); err != nil {
		return err
	}
	raw := c.In(k.at.w).Bytes()
	w := make([]float32, len(raw)) // a few thousand at most
	taps := s.Taps()
	for i, v := range raw {
		zero := byte(0)
		if n := len(k.c.ZeroW); n > 0 {
			zero = k.c.ZeroW[min(i/taps, n-1)]
		}
		w[i] = float32(integer8(v, k.signedW) - integer8(zero, k.signedW))
	}
	p, err := conv.Pack(s, conv.Depthwise, w)
	if err != nil {
		return err
	}
	k.depth.Weights, k.depth.X, k.depth.Y = p, x, y
	if err := k.depth.Prepare(); err != nil {
		return err
	}
	if err := c.Parallel(k.depth.Tiles(), (*conv8Depth)(k)); err != nil {
		return err
	}
	return c.Parallel((len(y)/s.Filters-1)/sumPixels+1, (*conv8Sums)(k))
}

// conv8Depth is the job of the depthwise convolution.
type conv8Depth conv8

// Tile computes a tile.
func (k *conv8Depth) Tile(_ ops.Worker, i int) { k.depth.Tile(i, nil) }

// conv8Sums is the job that turns its results into integers.
type conv8Sums conv8

// sumPixels is the number of pixels of a tile.
const sumPixels = 256

// Tile turns some pixels.
func (k *conv8Sums) Tile(_ ops.Worker, i int) {
	n := k.c.Filters
	for p := i * sumPixels; p < min((i+1)*sumPixels, len(k.depth.Y)/n); p++ {
		run := k.c.Y[p*n:][:n]
		for j, v := range k.depth.Y[p*n:][:n] {
			run[j] = int32(v)
		}
		if k.requant {
			(*conv8)(k).finish(p, 0, run)
		}
	}
}

// loadBytes turns bytes into floats, less a zero point.
type loadBytes struct {
	dst    []float32
	src    []byte
	zero   int32
	signed bool
}

const loadPiece = 1 << 15

// Tile turns some of them.
func (l *loadBytes) Tile(_ ops.Worker, i int) {
	lo, hi := i*loadPiece, min((i+1)*loadPiece, len(l.dst))
	if l.signed {
		vec.DequantizeI8(l.dst[lo:hi], asSigned(l.src[lo:hi]), 1, l.zero)
	} else {
		vec.DequantizeU8(l.dst[lo:hi], l.src[lo:hi], 1, l.zero)
	}
}
