package nn

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type convTransposeAttrs struct {
	AutoPad       string `onnx:",NOTSET"`
	Dilations     []int
	Group         int `onnx:",1"`
	KernelShape   []int
	OutputPadding []int
	OutputShape   []int
	Pads          []int
	Strides       []int
}

// ConvTranspose is the transposed convolution of images given as planes: each input pixel adds the filters, scaled, to the result.
var ConvTranspose = Ops.Add(ops.Def(ops.Spec[convTransposeAttrs]{
	Name: "ConvTranspose", In: "X:T, W:T, B:T?", Out: "Y:T", Types: "T=floats4", Vers: sinceConv,
	Infer:  func(c *ops.Infer, a *convTransposeAttrs) error { return a.filter(planes).infer(c) },
	Bind:   func(b *ops.Bind, a *convTransposeAttrs) (ops.Kernel, error) { return a.filter(planes).bind(b) },
	Layout: ops.Layout{Kind: ops.Spatial, Twin: "ConvTransposeNHWC"},
}))

type fusedConvTransposeAttrs struct {
	AutoPad       string `onnx:",NOTSET"`
	Dilations     []int
	Group         int `onnx:",1"`
	KernelShape   []int
	OutputPadding []int
	OutputShape   []int
	Pads          []int
	Strides       []int
	Act           string
	ActAlpha      float32
	ActBeta       float32
}

// ConvTransposeNHWC is act(ConvTranspose) of images given as rows of channels. W is as ConvTranspose has it.
var ConvTransposeNHWC = Ops.Add(ops.Def(ops.Spec[fusedConvTransposeAttrs]{
	Name: "ConvTransposeNHWC", Domain: ops.Internal, In: "X:T, W:T, B:T?", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *fusedConvTransposeAttrs) error { return a.filter().infer(c) },
	Bind:  func(b *ops.Bind, a *fusedConvTransposeAttrs) (ops.Kernel, error) { return a.filter().bind(b) },
}))

func (a *convTransposeAttrs) filter(l layout) *transposed {
	return &transposed{
		filter: filter{layout: l, window: window{autoPad: a.AutoPad, kernel: a.KernelShape, strides: a.Strides, pads: a.Pads, dilations: a.Dilations}, group: a.Group},
		extra:  a.OutputPadding, shape: a.OutputShape,
	}
}

func (a *fusedConvTransposeAttrs) filter() *transposed {
	c := convTransposeAttrs{a.AutoPad, a.Dilations, a.Group, a.KernelShape, a.OutputPadding, a.OutputShape, a.Pads, a.Strides}
	f := c.filter(rows)
	f.act = actAttrs{a.Act, a.ActAlpha, a.ActBeta}
	return f
}

// transposed is a transposed convolution's attributes.
type transposed struct {
	filter
	extra []int // output_padding
	shape []int // output_shape
}

func (f *transposed) infer(c *ops.Infer) error {
	x, w := c.In(0), c.In(1)
	rank := max(x.Rank(), w.Rank())
	if rank < 0 {
		return c.OutUnranked(0, x.DT)
	}
	n := rank - 2
	if n < 1 {
		return fmt.Errorf("input X has rank %d and W rank %d; there must be a spatial dimension", x.Rank(), w.Rank())
	}
	if x.Ranked && w.Ranked && x.Rank() != w.Rank() {
		return fmt.Errorf("input X has rank %d, but W has rank %d", x.Rank(), w.Rank())
	}
	if err := f.checkAll(n); err != nil {
		return err
	}
	xs, ws := unknownIf(x, rank), unknownIf(w, rank)
	kernel, err := f.kernelOf(ws[2:])
	if err != nil {
		return err
	}
	channels, filters := xs[f.layout.channels(rank)], ws[1].Mul(ops.Num(f.group))
	if channels.Known() && ws[0].Known() && !channels.Equal(ws[0]) {
		return fmt.Errorf("input X has %s channels, W takes %s", channels, ws[0])
	}
	if v, ok := ws[0].Int(); ok && v%int64(f.group) != 0 {
		return fmt.Errorf("input W takes %d channels, which %d groups can't share", v, f.group)
	}
	if b := c.In(2); b.Ranked && (len(b.Shape) != 1 || b.Shape[0].Known() && filters.Known() && !b.Shape[0].Equal(filters)) {
		return fmt.Errorf("input B is %s; it must have an element for each of %s filters", sym.ShapeString(b.Shape), filters)
	}
	in, out := spatial(f.layout, xs), make([]ops.Dim, n)
	for d := range out {
		if out[d], _, err = f.size(d, in[d], kernel[d]); err != nil {
			return err
		}
	}
	return c.Out(0, x.DT, f.layout.shape(xs[0], filters, out)...)
}

func (f *transposed) checkAll(n int) error {
	if err := f.check(n); err != nil {
		return err
	}
	if f.group < 1 {
		return fmt.Errorf("attribute group: %d; must be at least 1", f.group)
	}
	if len(f.shape) == n+2 {
		f.shape = spatial(f.layout, f.shape) // some writers give all dimensions
	}
	if f.shape != nil && len(f.shape) != n {
		return fmt.Errorf("attribute output_shape: %v has %d elements for %d spatial dimensions", f.shape, len(f.shape), n)
	}
	if f.extra != nil && len(f.extra) != n {
		return fmt.Errorf("attribute output_padding: %v has %d elements for %d spatial dimensions", f.extra, len(f.extra), n)
	}
	for _, l := range [][]int{f.shape, f.extra} {
		for _, v := range l {
			if v < 0 || v > maxWindow {
				return fmt.Errorf("attributes output_shape %v and output_padding %v: each element must be from 0 to %d", f.shape, f.extra, maxWindow)
			}
		}
	}
	return nil
}

// size returns the size of the result along dimension d, and how much is cut off before it.
func (f *transposed) size(d int, in, k ops.Dim) (out, begin ops.Dim, err error) {
	n := max(len(f.kernel), len(f.pads)/2)
	stride := ops.Num(f.stride(d))
	full := in.Sub(ops.Num(1)).Mul(stride).Add(f.reach(d, k)) // all that filters reach
	if f.extra != nil {
		full = full.Add(ops.Num(f.extra[d]))
	}
	switch {
	case f.shape != nil:
		out = ops.Num(f.shape[d])
	case f.same():
		out = in.Mul(stride)
	default:
		b, e := f.padding(d, n)
		out = full.Sub(ops.Num(b + e))
		if v, ok := out.Int(); ok && v < 0 {
			if !in.Is(0) {
				return out, begin, fmt.Errorf("spatial dimension %d of the result would have %d elements", d, v)
			}
			out = ops.Num(0)
		}
		return out, ops.Num(b), nil
	}
	// What is too much is cut off on both sides; SAME_UPPER cuts more at the end.
	cut := full.Sub(out).Max(ops.Num(0))
	begin = cut.FloorDiv(ops.Num(2))
	if f.autoPad != "SAME_UPPER" {
		begin = cut.Sub(begin)
	}
	return out, begin, nil
}

func (f *transposed) bind(b *ops.Bind) (ops.Kernel, error) {
	if b.In(0).DT == tensor.Float64 {
		return newTransposed[float64](b, f)
	}
	return newTransposed[float32](b, f)
}
