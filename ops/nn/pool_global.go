package nn

import (
	"fmt"

	"ingot/internal/kernel/conv"
	"ingot/internal/kernel/move"
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// The global pools make one pixel of each plane.
var (
	GlobalAveragePool     = Ops.Add(globalPool("GlobalAveragePool", meanOf, planes))
	GlobalMaxPool         = Ops.Add(globalPool("GlobalMaxPool", maxOf, planes))
	GlobalAveragePoolNHWC = Ops.Add(globalPool("GlobalAveragePoolNHWC", meanOf, rows))
	GlobalMaxPoolNHWC     = Ops.Add(globalPool("GlobalMaxPoolNHWC", maxOf, rows))
)

func globalPool(name string, op poolOp, l layout) *ops.Op {
	s := ops.Spec[noAttrs]{
		Name: name, In: "X:T", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 22}, {Since: 1, Types: "T=floats"}},
		Infer: func(c *ops.Infer, _ *noAttrs) error { return inferGlobal(c, l) },
		Bind:  func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) { return bindGlobal(b, op, l, 0) },
	}
	if l == rows {
		s.Domain, s.Vers = ops.Internal, []ops.Ver{{Since: 1}}
	} else {
		s.Layout = ops.Layout{Kind: ops.Spatial, Twin: name + "NHWC"}
	}
	return ops.Def(s)
}

type globalLpAttrs struct {
	P int `onnx:",2"`
}

// GlobalLpPool is the p-norm of each plane.
func GlobalLpPool() *ops.Op {
	return ops.Def(ops.Spec[globalLpAttrs]{
		Name: "GlobalLpPool", In: "X:T", Out: "Y:T", Types: "T=floats4",
		Vers: []ops.Ver{{Since: 22}, {Since: 2, Types: "T=floats"}, {Since: 1, Attrs: "p:float=2.0", Up: wholeP}},
		Infer: func(c *ops.Infer, a *globalLpAttrs) error {
			if a.P < 1 {
				return fmt.Errorf("attribute p: %d; must be at least 1", a.P)
			}
			return inferGlobal(c, planes)
		},
		Bind: func(b *ops.Bind, a *globalLpAttrs) (ops.Kernel, error) { return bindGlobal(b, normOf, planes, a.P) },
	})
}

func inferGlobal(c *ops.Infer, l layout) error {
	x := c.In(0)
	if !x.Ranked {
		return c.OutUnranked(0, x.DT)
	}
	rank := len(x.Shape)
	if rank < 2 {
		return fmt.Errorf("input X has rank %d; images have at least 2 dimensions", rank)
	}
	ones := make([]ops.Dim, rank-2)
	for i := range ones {
		ones[i] = ops.Num(1)
	}
	return c.Out(0, x.DT, l.shape(x.Shape[0], x.Shape[l.channels(rank)], ones)...)
}

func bindGlobal(b *ops.Bind, op poolOp, l layout, norm int) (ops.Kernel, error) {
	if b.In(0).DT == tensor.Float64 {
		return newGlobal[float64](b, op, l, norm), nil
	}
	return newGlobal[float32](b, op, l, norm), nil
}

// globalKernel folds the pixels of each channel. Planes are folded one by one; of rows of channels, chunks of pixels, whose folds are
// folded again.
type globalKernel[T real.Float] struct {
	op               poolOp
	layout           layout
	norm             int
	images, channels int
	pixels           int
	per              int // planes or pixels of a tile
	in               wide.Operand[T]
	out              wide.Result[T]
	folds            wide.Buffer
	loops            *real.Loops[T]

	x, y, part []T
}

// globalChunk is the number of elements of a tile.
const globalChunk = 1 << 15

func newGlobal[T real.Float](b *ops.Bind, op poolOp, l layout, norm int) *globalKernel[T] {
	d := b.Dims(0)
	k := &globalKernel[T]{op: op, layout: l, norm: norm, images: d[0], channels: d[l.channels(len(d))], pixels: elements(spatial(l, d)), loops: real.For[T]()}
	var room wide.Room[T]
	k.in, k.out = room.In(b, 0), room.Out(b, 0)
	if l == planes {
		k.per = max(1, globalChunk/max(1, k.pixels))
	} else {
		k.per = max(16, globalChunk/max(1, k.channels))
		k.folds = room.Buffer(k.images * k.chunks() * k.channels)
	}
	room.Claim(b)
	return k
}

// chunks is the number of tiles of an image of rows.
func (k *globalKernel[T]) chunks() int { return max(1, (k.pixels+k.per-1)/k.per) }

// Run computes the pool.
func (k *globalKernel[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	k.x, k.y = k.in.Load(c, s), k.out.Elements(c, s)
	if len(k.y) == 0 {
		return nil
	}
	if k.layout == planes {
		if err := c.Parallel((len(k.y)-1)/k.per+1, k); err != nil {
			return err
		}
		k.out.Store(c, s)
		return nil
	}
	k.part = s.Part(k.folds)
	if err := c.Parallel(k.images*k.chunks(), k); err != nil {
		return err
	}
	for n := range k.images {
		k.foldRows(k.y[n*k.channels:][:k.channels], k.part[n*k.chunks()*k.channels:], k.chunks())
	}
	if k.op == meanOf {
		k.loops.MulS(k.y, k.y, 1/T(k.pixels))
	}
	k.out.Store(c, s)
	return nil
}

// foldRows folds n rows into one.
func (k *globalKernel[T]) foldRows(y, x []T, n int) {
	if f, ok := any(y).([]float32); ok {
		g, _ := any(x).([]float32)
		conv.FoldRows(f, g, n, k.op == maxOf)
		return
	}
	copy(y, x)
	for i := 1; i < n; i++ {
		for c, v := range x[i*len(y):][:len(y)] {
			if k.op == meanOf {
				y[c] += v
			} else if v > y[c] || v != v {
				y[c] = v
			}
		}
	}
}

// Tile folds some planes, or a chunk of pixels.
func (k *globalKernel[T]) Tile(_ ops.Worker, i int) {
	if k.layout == rows {
		n, at := i/k.chunks(), i%k.chunks()*k.per
		m := min(k.per, k.pixels-at)
		part := k.part[i*k.channels:][:k.channels]
		switch {
		case m > 0:
			k.foldRows(part, k.x[(n*k.pixels+at)*k.channels:], m)
		case k.op == maxOf:
			move.Fill(part, k.loops.MaxOf(nil))
		default:
			clear(part)
		}
		return
	}
	for p := i * k.per; p < min((i+1)*k.per, len(k.y)); p++ {
		x := k.x[p*k.pixels:][:k.pixels]
		switch k.op {
		case maxOf:
			k.y[p] = k.loops.MaxOf(x)
		case meanOf:
			k.y[p] = k.loops.Sum(x) / T(k.pixels)
		default:
			k.y[p] = conv.Norm(x, k.norm)
		}
	}
}
