package nn

import (
	"fmt"
	"slices"

	"ingot/internal/kernel/conv"
	"ingot/internal/kernel/gemm"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type convAttrs struct {
	AutoPad     string `onnx:",NOTSET"`
	Dilations   []int
	Group       int `onnx:",1"`
	KernelShape []int
	Pads        []int
	Strides     []int
}

// sinceConv is the history of Conv and its like.
var sinceConv = []ops.Ver{{Since: 22}, {Since: 11, Types: "T=floats"}, {Since: 1}}

// Conv is the convolution of images given as planes.
var Conv = Ops.Add(ops.Def(ops.Spec[convAttrs]{
	Name: "Conv", In: "X:T, W:T, B:T?", Out: "Y:T", Types: "T=floats4", Vers: sinceConv,
	Infer:  func(c *ops.Infer, a *convAttrs) error { return a.filter(planes).infer(c) },
	Bind:   func(b *ops.Bind, a *convAttrs) (ops.Kernel, error) { return a.filter(planes).bind(b) },
	Layout: ops.Layout{Kind: ops.Spatial, Twin: "ConvNHWC"},
}))

type fusedConvAttrs struct {
	AutoPad     string `onnx:",NOTSET"`
	Dilations   []int
	Group       int `onnx:",1"`
	KernelShape []int
	Pads        []int
	Strides     []int
	Act         string
	ActAlpha    float32
	ActBeta     float32
}

// ConvNHWC is act(X ∗ W + B + R) of images given as rows of channels: the residual R has the shape of the result. W is as Conv has it.
var ConvNHWC = Ops.Add(ops.Def(ops.Spec[fusedConvAttrs]{
	Name: "ConvNHWC", Domain: ops.Internal, In: "X:T, W:T, B:T?, R:T?", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 1}},
	Infer:   func(c *ops.Infer, a *fusedConvAttrs) error { return a.filter().infer(c) },
	Bind:    func(b *ops.Bind, a *fusedConvAttrs) (ops.Kernel, error) { return a.filter().bind(b) },
	InPlace: [][2]int8{{0, 3}},
}))

func (a *convAttrs) filter(l layout) *filter {
	return &filter{layout: l, window: window{autoPad: a.AutoPad, kernel: a.KernelShape, strides: a.Strides, pads: a.Pads, dilations: a.Dilations},
		group: a.Group, w: 1, bias: 2}
}

func (a *fusedConvAttrs) filter() *filter {
	c := convAttrs{a.AutoPad, a.Dilations, a.Group, a.KernelShape, a.Pads, a.Strides}
	f := c.filter(rows)
	f.residual, f.act = 3, actAttrs{a.Act, a.ActAlpha, a.ActBeta}
	return f
}

// filter is a convolution's attributes and the places of its inputs; 0 for what the operator doesn't have.
type filter struct {
	window
	layout            layout
	group             int
	w, bias, residual int
	act               actAttrs
}

// infer is the shape rule. The images are input 0.
func (f *filter) infer(c *ops.Infer) error {
	shape, dt, err := f.inferShape(c)
	switch {
	case err != nil:
		return err
	case shape == nil:
		return c.OutUnranked(0, dt)
	}
	return c.Out(0, dt, shape...)
}

// inferShape returns the result's shape, nil when not even the rank is known.
func (f *filter) inferShape(c *ops.Infer) ([]ops.Dim, tensor.DType, error) {
	x, w := c.In(0), c.In(f.w)
	rank := max(x.Rank(), w.Rank())
	if rank < 0 {
		return nil, x.DT, f.check(-1)
	}
	if rank < 3 {
		return nil, x.DT, fmt.Errorf("input X has rank %d and W rank %d; there must be a spatial dimension", x.Rank(), w.Rank())
	}
	if x.Ranked && w.Ranked && x.Rank() != w.Rank() {
		return nil, x.DT, fmt.Errorf("input X has rank %d, but W has rank %d", x.Rank(), w.Rank())
	}
	if err := f.check(rank - 2); err != nil {
		return nil, x.DT, err
	}
	if f.group < 1 {
		return nil, x.DT, fmt.Errorf("attribute group: %d; must be at least 1", f.group)
	}
	xs, ws := unknownIf(x, rank), unknownIf(w, rank)
	kernel, err := f.kernelOf(ws[2:])
	if err != nil {
		return nil, x.DT, err
	}
	channels := xs[f.layout.channels(rank)]
	if want := ws[1].Mul(ops.Num(f.group)); channels.Known() && want.Known() && !channels.Equal(want) {
		return nil, x.DT, fmt.Errorf("input X has %s channels, W takes %s in each of %d groups", channels, ws[1], f.group)
	}
	if n, ok := ws[0].Int(); ok && n%int64(f.group) != 0 {
		return nil, x.DT, fmt.Errorf("input W has %d filters, which %d groups can't share", n, f.group)
	}
	if b := c.In(f.bias); f.bias > 0 && b.Ranked {
		if len(b.Shape) != 1 || b.Shape[0].Known() && ws[0].Known() && !b.Shape[0].Equal(ws[0]) {
			return nil, x.DT, fmt.Errorf("input B is %s; it must have an element for each of %s filters", sym.ShapeString(b.Shape), ws[0])
		}
	}
	out, err := f.outs(spatial(f.layout, xs), kernel)
	if err != nil {
		return nil, x.DT, err
	}
	shape := f.layout.shape(xs[0], ws[0], out)
	if r := c.In(f.residual); f.residual > 0 && r.Known() && allKnown(shape) && !sym.EqualShapes(r.Shape, shape) {
		return nil, x.DT, fmt.Errorf("input R is %s, but the result is %s", sym.ShapeString(r.Shape), sym.ShapeString(shape))
	}
	return shape, x.DT, nil
}

// unknownIf returns a type's dimensions, unknown ones when the rank isn't known.
func unknownIf(t *ops.Type, rank int) []ops.Dim {
	if t.Ranked {
		return t.Shape
	}
	out := make([]ops.Dim, rank)
	for i := range out {
		out[i] = sym.Unknown()
	}
	return out
}

func allKnown(dims []ops.Dim) bool {
	return !slices.ContainsFunc(dims, func(d ops.Dim) bool { return !d.Known() })
}

// kernelOf returns the kernel's size, from the attribute or else from the weights.
func (f *filter) kernelOf(w []ops.Dim) ([]ops.Dim, error) {
	if f.kernel == nil {
		for _, d := range w {
			if d.Is(0) {
				return nil, fmt.Errorf("input W has a kernel of %s, which has no elements", sym.ShapeString(w))
			}
		}
		return w, nil
	}
	for d, k := range f.kernel {
		if w[d].Known() && !w[d].Is(int64(k)) {
			return nil, fmt.Errorf("attribute kernel_shape is %v, but W has a kernel of %s", f.kernel, sym.ShapeString(w))
		}
	}
	return f.kernelDims(), nil
}

// shape returns the convolution's shape when all sizes are known.
func (f *filter) shape(b *ops.Bind) conv.Shape {
	x, w, y := b.Dims(0), b.Dims(f.w), b.OutDims(0)
	return conv.Shape{
		Window: f.window.bind(spatial(f.layout, x), w[2:], spatial(f.layout, y)),
		Images: x[0], Channels: x[f.layout.channels(len(x))], Filters: w[0], Groups: f.group,
	}
}

func (f *filter) bind(b *ops.Bind) (ops.Kernel, error) {
	if b.In(0).DT == tensor.Float64 {
		return newConv[float64](b, f)
	}
	return newConv[float32](b, f)
}

// convKernel runs a convolution: on rows of channels, between which and planes it converts if need be.
type convKernel[T conv.Number] struct {
	c                  conv.Conv[T]
	format             conv.Format
	x, w, bias, res    wide.Operand[T]
	y                  wide.Result[T]
	in, out            turn[T]
	own                conv.Weights[T] // of weights that change from run to run
	storage, temporary wide.Buffer
}

func newConv[T conv.Number](b *ops.Bind, f *filter) (ops.Kernel, error) {
	k := &convKernel[T]{}
	k.c.Shape = f.shape(b)
	k.format = conv.Choose[T](&k.c.Shape, conv.Options{Strict: b.Strict})
	var room wide.Room[T]
	k.x, k.bias, k.res, k.y = room.In(b, 0), wide.None[T](), wide.None[T](), room.Out(b, 0)
	if f.bias > 0 {
		k.bias = room.In(b, f.bias)
	}
	if f.residual > 0 {
		k.res = room.In(b, f.residual)
	}
	if f.layout == planes {
		s := &k.c.Shape
		k.in = toRows(&room, s.Images, s.Channels, elements(s.In))
		k.out = toPlanes(&room, s.Images, s.Filters, elements(s.Out))
	}
	if b.Constant(f.w) != nil {
		p, err := b.Packed(f.w, fmt.Sprintf("conv %d of %d groups", k.format, f.group), func(t *tensor.Tensor) (any, int, error) {
			w, err := conv.Pack(&k.c.Shape, k.format, wide.Values[T](t))
			if err != nil {
				return nil, 0, err
			}
			return w, w.Bytes(), nil
		})
		if err != nil {
			return nil, err
		}
		k.c.Weights, _ = p.(*conv.Weights[T])
	} else {
		n, temp := conv.PackedLen[T](&k.c.Shape, k.format)
		k.w, k.storage, k.temporary = room.In(b, f.w), room.Buffer(n), room.Buffer(temp)
		k.c.Weights = &k.own
	}
	room.Claim(b)
	if e, ok := any(&k.c.Epilogue).(*gemm.Epilogue[float32]); ok {
		if err := f.act.set(e); err != nil {
			return nil, err
		}
	} else if f.act.Act != "" {
		return nil, fmt.Errorf("no fused convolution of %s has an activation", b.In(0).DT)
	}
	return k, nil
}

// Run computes the convolution.
func (k *convKernel[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	y := k.y.Elements(c, s)
	if len(y) == 0 {
		return nil
	}
	if k.c.Weights == &k.own {
		if err := conv.PackInto(&k.own, &k.c.Shape, k.format, k.w.Load(c, s), s.Part(k.storage), s.Part(k.temporary)); err != nil {
			return err
		}
	}
	var err error
	if k.c.X, err = k.in.before(c, s, k.x.Load(c, s)); err != nil {
		return err
	}
	k.c.Y = k.out.room(s, y)
	k.c.Bias, k.c.Residual = k.bias.Load(c, s), k.res.Load(c, s)
	if err := k.c.Prepare(); err != nil {
		return err
	}
	if err := c.Parallel(k.c.Tiles(), k); err != nil {
		return err
	}
	if err := k.out.after(c, k.c.Y, y); err != nil {
		return err
	}
	k.y.Store(c, s)
	return nil
}

// Tile computes a tile.
func (k *convKernel[T]) Tile(w ops.Worker, i int) {
	k.c.Tile(i, wide.Scratchpad[T](w, k.c.ScratchLen()))
}
