package nn

import (
	"fmt"

	"ingot/internal/kernel/conv"
	"ingot/internal/kernel/gemm"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type deformConvAttrs struct {
	Dilations   []int
	Group       int `onnx:",1"`
	KernelShape []int
	OffsetGroup int `onnx:",1"`
	Pads        []int
	Strides     []int
}

func (a *deformConvAttrs) filter() *filter {
	return &filter{layout: planes, window: window{kernel: a.KernelShape, strides: a.Strides, pads: a.Pads, dilations: a.Dilations}, group: a.Group, w: 1, bias: 3}
}

// DeformConv is a convolution whose kernel elements look at places of their own, given as offsets for each output pixel.
func DeformConv() *ops.Op {
	return ops.Def(ops.Spec[deformConvAttrs]{
		Name: "DeformConv", In: "X:T, W:T, offset:T, B:T?, mask:T?", Out: "Y:T", Types: "T=floats4",
		Vers: []ops.Ver{{Since: 22}, {Since: 19, Types: "T=floats"}},
		Infer: func(c *ops.Infer, a *deformConvAttrs) error {
			f := a.filter()
			shape, dt, err := f.inferShape(c)
			switch {
			case err != nil:
				return err
			case shape == nil:
				return c.OutUnranked(0, dt)
			case len(shape) != 4:
				return fmt.Errorf("input X has %d spatial dimensions; a deformable convolution has two", len(shape)-2)
			}
			if err := a.check(c, shape); err != nil {
				return err
			}
			return c.Out(0, dt, shape...)
		},
		Bind: func(b *ops.Bind, a *deformConvAttrs) (ops.Kernel, error) {
			if b.In(0).DT == tensor.Float64 {
				return newDeform[float64](b, a)
			}
			return newDeform[float32](b, a)
		},
	})
}

// check verifies offsets and mask, as far as sizes are known.
func (a *deformConvAttrs) check(c *ops.Infer, shape []ops.Dim) error {
	if a.OffsetGroup < 1 {
		return fmt.Errorf("attribute offset_group: %d; must be at least 1", a.OffsetGroup)
	}
	if x, ok := c.Shape(0); ok {
		if n, ok := x[1].Int(); ok && n%int64(a.OffsetGroup) != 0 {
			return fmt.Errorf("input X has %d channels, which %d offset groups can't share", n, a.OffsetGroup)
		}
	}
	w, ok := c.Shape(1)
	if !ok {
		return nil
	}
	planes := w[2].Mul(w[3]).Mul(ops.Num(a.OffsetGroup))
	for _, in := range []struct {
		i    int
		name string
		n    ops.Dim
	}{{2, "offset", planes.Mul(ops.Num(2))}, {4, "mask", planes}} {
		s, ok := c.Shape(in.i)
		want := []ops.Dim{shape[0], in.n, shape[2], shape[3]}
		if ok && allKnown(want) && allKnown(s) && !sym.EqualShapes(s, want) {
			return fmt.Errorf("%s is %s; it must be %s", in.name, sym.ShapeString(s), sym.ShapeString(want))
		}
	}
	return nil
}

// deformKernel is a product over sampled patches for each group.
type deformKernel[T conv.Number] struct {
	shape                    conv.Shape
	x, w, offset, bias, mask wide.Operand[T]
	y                        wide.Result[T]
	in, out                  turn[T]
	weights                  wide.Buffer
	sources                  []conv.Deform[T]
	groups                   []gemm.Matmul[T]
	perChannels, perFilters  int
}

func newDeform[T conv.Number](b *ops.Bind, a *deformConvAttrs) (ops.Kernel, error) {
	f := a.filter()
	k := &deformKernel[T]{shape: f.shape(b)}
	s := &k.shape
	var room wide.Room[T]
	k.x, k.w, k.offset, k.bias, k.mask, k.y = room.In(b, 0), room.In(b, 1), room.In(b, 2), room.In(b, 3), room.In(b, 4), room.Out(b, 0)
	k.in, k.out = toRows(&room, s.Images, s.Channels, elements(s.In)), toPlanes(&room, s.Images, s.Filters, elements(s.Out))
	k.perChannels, k.perFilters = s.Channels/s.Groups, s.Filters/s.Groups
	k.weights = room.Buffer(s.Filters * k.perChannels * s.Taps())
	room.Claim(b)
	k.sources, k.groups = make([]conv.Deform[T], s.Groups), make([]gemm.Matmul[T], s.Groups)
	for g := range k.groups {
		k.sources[g] = conv.Deform[T]{Window: s.Window, Channels: s.Channels, First: g * k.perChannels, Count: k.perChannels, Groups: a.OffsetGroup}
		n := k.perChannels * s.Taps()
		k.groups[g] = gemm.Matmul[T]{M: s.Images * elements(s.Out), N: k.perFilters, K: n, Source: &k.sources[g], LDB: n, TransB: true, LDC: s.Filters}
	}
	return k, nil
}

// Run computes the convolution.
func (k *deformKernel[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	y := k.y.Elements(c, s)
	if len(y) == 0 {
		return nil
	}
	x, err := k.in.before(c, s, k.x.Load(c, s))
	if err != nil {
		return err
	}
	w := s.Part(k.weights)
	conv.TapsFirst(w, k.w.Load(c, s), k.perChannels, k.shape.Taps())
	offset, mask, bias, to := k.offset.Load(c, s), k.mask.Load(c, s), k.bias.Load(c, s), k.out.room(s, y)
	for i := range k.groups {
		k.sources[i].X, k.sources[i].Offset, k.sources[i].Mask = x, offset, mask
		g := &k.groups[i]
		g.B, g.C = w[i*k.perFilters*g.K:], to[i*k.perFilters:]
		if bias != nil {
			g.Bias = bias[i*k.perFilters:]
		}
		if err := g.Prepare(); err != nil {
			return err
		}
	}
	if err := c.Parallel(len(k.groups)*k.groups[0].Tiles(), k); err != nil {
		return err
	}
	if err := k.out.after(c, to, y); err != nil {
		return err
	}
	k.y.Store(c, s)
	return nil
}

// Tile computes a tile.
func (k *deformKernel[T]) Tile(w ops.Worker, i int) {
	per := k.groups[0].Tiles()
	g := &k.groups[i/per]
	g.Tile(i%per, wide.Scratchpad[T](w, g.ScratchLen()))
}
