package nn

import (
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/kernel/real"
	"ingot/internal/kernel/sample"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type gridSampleAttrs struct {
	AlignCorners bool   `onnx:",0"`
	Mode         string `onnx:",linear"`
	PaddingMode  string `onnx:",zeros"`
}

// GridSample reads images at the places that a grid names: -1 to 1 in each dimension, x first.
var GridSample = Ops.Add(ops.Def(ops.Spec[gridSampleAttrs]{
	Name: "GridSample", In: "X:T1, grid:T2", Out: "Y:T1", Types: "T1=all4; T2=floats4",
	Vers: []ops.Ver{{Since: 22}, {Since: 20, Types: "T1=all; T2=floats"}, {Since: 16, Attrs: "mode:string=bilinear", Up: nameFilters}},
	Infer: func(c *ops.Infer, a *gridSampleAttrs) error {
		_, err := a.sampler()
		if err != nil {
			return err
		}
		return inferGridSample(c, a)
	},
	Bind: bindGridSample,
}))

// nameFilters gives the modes of version 16 the names that they have for any number of dimensions.
func nameFilters(r *ops.Rewrite) error {
	if m := r.Attrs["mode"]; m != nil {
		switch m.S {
		case "bilinear":
			r.Attrs["mode"] = ops.StringAttr("linear")
		case "bicubic":
			r.Attrs["mode"] = ops.StringAttr("cubic")
		}
	}
	return nil
}

// sampler reads the attributes.
func (a *gridSampleAttrs) sampler() (sample.Sampler, error) {
	s := sample.Sampler{Corners: a.AlignCorners}
	switch a.Mode {
	case "nearest":
		s.Filter = sample.Nearest
	case "linear":
		s.Filter = sample.Linear
	case "cubic":
		s.Filter = sample.Cubic
	default:
		return s, fmt.Errorf("attribute mode: %q isn't linear, nearest or cubic", a.Mode)
	}
	switch a.PaddingMode {
	case "zeros":
		s.Padding = sample.Zeros
	case "border":
		s.Padding = sample.Border
	case "reflection":
		s.Padding = sample.Reflection
	default:
		return s, fmt.Errorf("attribute padding_mode: %q isn't zeros, border or reflection", a.PaddingMode)
	}
	return s, nil
}

func inferGridSample(c *ops.Infer, a *gridSampleAttrs) error {
	x, grid := c.In(0), c.In(1)
	if x.DT == tensor.String && a.Mode != "nearest" {
		return fmt.Errorf("attribute mode: %s is for numbers; strings can be sampled as nearest only", a.Mode)
	}
	rank := max(x.Rank(), grid.Rank())
	if rank < 0 {
		return c.OutUnranked(0, x.DT)
	}
	if x.Ranked && grid.Ranked && x.Rank() != grid.Rank() {
		return fmt.Errorf("input X has rank %d, but grid has rank %d", x.Rank(), grid.Rank())
	}
	if rank < 3 || rank > 2+sample.MaxDims {
		return fmt.Errorf("input X has rank %d; it must be from 3 to %d", rank, 2+sample.MaxDims)
	}
	xs, gs := unknownIf(x, rank), unknownIf(grid, rank)
	if n := gs[rank-1]; n.Known() && !n.Is(int64(rank-2)) {
		return fmt.Errorf("grid is %s; its last dimension must be %d, the number of X's spatial dimensions", sym.ShapeString(gs), rank-2)
	}
	if xs[0].Known() && gs[0].Known() && !xs[0].Equal(gs[0]) {
		return fmt.Errorf("grid is for %s images, X holds %s", gs[0], xs[0])
	}
	images := xs[0]
	if !images.Known() {
		images = gs[0]
	}
	return c.Out(0, x.DT, append([]ops.Dim{images, xs[1]}, gs[1:rank-1]...)...)
}

func bindGridSample(b *ops.Bind, a *gridSampleAttrs) (ops.Kernel, error) {
	s, err := a.sampler()
	if err != nil {
		return nil, err
	}
	s.Dims = b.Dims(0)[2:]
	switch dt := b.In(0).DT; {
	case s.Filter == sample.Nearest:
		k := &gridNearest{gridPoints: newGridPoints(b, s)}
		k.per = max(64, 1<<14/max(1, k.channels))
		return k, nil
	case num.Narrow.Has(dt), dt == tensor.Float32, dt == tensor.Complex64:
		return newGridWeighed[float32](b, s), nil
	}
	return newGridWeighed[float64](b, s), nil
}

// gridPoints is the geometry of a GridSample: a tile is some points of an image through all channels.
type gridPoints struct {
	sample.Sampler
	images, channels int
	pixels, points   int // of an image, and of a grid
	per              int // points of a tile
	double           bool
	grid             *tensor.Tensor
}

func newGridPoints(b *ops.Bind, s sample.Sampler) gridPoints {
	d, out := b.Dims(0), b.OutDims(0)
	return gridPoints{Sampler: s, images: out[0], channels: out[1], pixels: elements(d[2:]), points: elements(out[2:]), double: b.In(1).DT == tensor.Float64}
}

// tiles returns the number of tiles of an image.
func (g *gridPoints) tiles() int { return (g.points + g.per - 1) / g.per }

// tile returns the points of a tile: those of an image from lo to hi-1.
func (g *gridPoints) tile(i int) (image, lo, hi int) {
	t := g.tiles()
	lo = i % t * g.per
	return i / t, lo, min(g.points, lo+g.per)
}

// point returns a point of an image's grid, in pixels.
func (g *gridPoints) point(image, i int, x []float64) {
	n := len(g.Dims)
	var one [sample.MaxDims]float64
	var half [sample.MaxDims]float32
	off := (image*g.points + i) * n
	if g.double {
		num.Load64(one[:n], g.grid, off)
	} else {
		num.Load32(half[:n], g.grid, off)
	}
	for d, size := range g.Dims {
		if g.double {
			x[d] = sample.Denormalize64(one[n-1-d], size, g.Corners)
		} else {
			x[d] = sample.Denormalize32(half[n-1-d], size, g.Corners)
		}
	}
}

// gridWeighed samples numbers. Complex ones are pairs, whose parts are sampled alike.
type gridWeighed[T real.Float] struct {
	gridPoints
	taps, parts int
	in          wide.Operand[T]
	out         wide.Result[T]
	x, y        []T
}

func newGridWeighed[T real.Float](b *ops.Bind, s sample.Sampler) ops.Kernel {
	k := &gridWeighed[T]{gridPoints: newGridPoints(b, s), taps: s.Taps(), parts: 1}
	if dt := b.In(0).DT; dt == tensor.Complex64 || dt == tensor.Complex128 {
		k.parts = 2
	} else {
		var room wide.Room[T]
		k.in, k.out = room.In(b, 0), room.Out(b, 0)
		room.Claim(b)
	}
	k.per = max(1, min(4096, 1<<16/max(1, k.channels))/k.taps)
	return k
}

// Run samples.
func (k *gridWeighed[T]) Run(c *ops.Call) error {
	k.grid = c.In(1)
	if k.parts == 2 {
		k.x, k.y = ops.Elements[T](c.In(0).Bytes()), ops.Elements[T](c.Out(0).Bytes())
		return c.Parallel(k.images*k.tiles(), k)
	}
	s := wide.Open[T](c)
	k.x, k.y = k.in.Load(c, s), k.out.Elements(c, s)
	if err := c.Parallel(k.images*k.tiles(), k); err != nil {
		return err
	}
	k.out.Store(c, s)
	return nil
}

// Tile implements [ops.Job].
func (k *gridWeighed[T]) Tile(w ops.Worker, i int) {
	image, lo, hi := k.tile(i)
	n := (hi - lo) * k.taps
	scratch := w.Scratch(16 * n)
	at, weights := ops.Elements[int64](scratch[:8*n]), ops.Elements[T](scratch[8*n:])[:n]
	var x [sample.MaxDims]float64
	for p := range hi - lo {
		k.point(image, lo+p, x[:])
		sample.Place(&k.Sampler, at[p*k.taps:][:k.taps], weights[p*k.taps:], x[:])
	}
	for c := range k.channels {
		plane := image*k.channels + c
		for part := range k.parts {
			src := k.x[plane*k.pixels*k.parts:][:k.pixels*k.parts]
			dst := k.y[(plane*k.points+lo)*k.parts:][:(hi-lo)*k.parts]
			if k.pixels > 0 {
				src = src[part:]
			}
			sample.Weigh(dst[part:], src, at, weights, k.taps, k.parts)
		}
	}
}

// gridNearest moves elements of any type.
type gridNearest struct {
	gridPoints
	src, dst move.Buf
}

// Run samples.
func (k *gridNearest) Run(c *ops.Call) error {
	k.grid = c.In(1)
	k.src, k.dst = bufferOf(c.In(0)), bufferOf(c.Out(0))
	return c.Parallel(k.images*k.tiles(), k)
}

// Tile implements [ops.Job].
func (k *gridNearest) Tile(w ops.Worker, i int) {
	image, lo, hi := k.tile(i)
	at := ops.Scratch[int64](w, hi-lo)
	var x [sample.MaxDims]float64
	var one [1]float64
	for p := range at {
		k.point(image, lo+p, x[:])
		sample.Place(&k.Sampler, at[p:][:1], one[:], x[:])
	}
	for c := range k.channels {
		plane := image*k.channels + c
		sample.Pick(k.dst, k.src, at, plane*k.points+lo, plane*k.pixels)
	}
}
