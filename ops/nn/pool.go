package nn

import (
	"fmt"
	"math"

	"ingot/internal/kernel/conv"
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type maxPoolAttrs struct {
	AutoPad      string `onnx:",NOTSET"`
	CeilMode     bool   `onnx:",0"`
	Dilations    []int
	KernelShape  []int `onnx:",required"`
	Pads         []int
	StorageOrder bool `onnx:",0"`
	Strides      []int
}

func (a *maxPoolAttrs) pool(l layout) *pool {
	return &pool{layout: l, window: window{a.AutoPad, a.KernelShape, a.Strides, a.Pads, a.Dilations, a.CeilMode}, columns: a.StorageOrder}
}

// MaxPool takes the largest element under a window, and tells where it was found. A NaN counts as larger than anything.
var MaxPool = Ops.Add(ops.Def(ops.Spec[maxPoolAttrs]{
	Name: "MaxPool", In: "X:T", Out: "Y:T, Indices:I?", Types: "T=floats4|int8|uint8; I=int64",
	Vers: []ops.Ver{{Since: 22}, {Since: 12, Types: "T=floats|int8|uint8"}, {Since: 11, Types: "T=floats"}, {Since: 10},
		{Since: 8, Attrs: "-ceil_mode -dilations"}, {Since: 1, Out: "Y:T", Attrs: "-storage_order"}},
	Infer:  func(c *ops.Infer, a *maxPoolAttrs) error { return a.pool(planes).infer(c) },
	Bind:   func(b *ops.Bind, a *maxPoolAttrs) (ops.Kernel, error) { return a.pool(planes).bind(b) },
	Layout: ops.Layout{Kind: ops.Spatial, Twin: "MaxPoolNHWC"},
}))

// MaxPoolNHWC is MaxPool of rows of channels, without indices.
var MaxPoolNHWC = Ops.Add(ops.Def(ops.Spec[maxPoolAttrs]{
	Name: "MaxPoolNHWC", Domain: ops.Internal, In: "X:T", Out: "Y:T", Types: "T=float|float16|bfloat16", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *maxPoolAttrs) error { return a.pool(rows).infer(c) },
	Bind:  func(b *ops.Bind, a *maxPoolAttrs) (ops.Kernel, error) { return a.pool(rows).bind(b) },
}))

type averagePoolAttrs struct {
	AutoPad         string `onnx:",NOTSET"`
	CeilMode        bool   `onnx:",0"`
	CountIncludePad bool   `onnx:",0"`
	Dilations       []int
	KernelShape     []int `onnx:",required"`
	Pads            []int
	Strides         []int
}

func (a *averagePoolAttrs) pool(l layout) *pool {
	return &pool{op: meanOf, layout: l, window: window{a.AutoPad, a.KernelShape, a.Strides, a.Pads, a.Dilations, a.CeilMode}, padded: a.CountIncludePad}
}

// AveragePool takes the mean of the elements under a window.
var AveragePool = Ops.Add(ops.Def(ops.Spec[averagePoolAttrs]{
	Name: "AveragePool", In: "X:T", Out: "Y:T", Types: "T=floats4",
	Vers: []ops.Ver{{Since: 22}, {Since: 19, Types: "T=floats"}, {Since: 11, Attrs: "-dilations"}, {Since: 10}, {Since: 7, Attrs: "-ceil_mode"},
		{Since: 1, Attrs: "-count_include_pad"}},
	Infer:  func(c *ops.Infer, a *averagePoolAttrs) error { return a.pool(planes).infer(c) },
	Bind:   func(b *ops.Bind, a *averagePoolAttrs) (ops.Kernel, error) { return a.pool(planes).bind(b) },
	Layout: ops.Layout{Kind: ops.Spatial, Twin: "AveragePoolNHWC"},
}))

// AveragePoolNHWC is AveragePool of rows of channels.
var AveragePoolNHWC = Ops.Add(ops.Def(ops.Spec[averagePoolAttrs]{
	Name: "AveragePoolNHWC", Domain: ops.Internal, In: "X:T", Out: "Y:T", Types: "T=float|float16|bfloat16", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *averagePoolAttrs) error { return a.pool(rows).infer(c) },
	Bind:  func(b *ops.Bind, a *averagePoolAttrs) (ops.Kernel, error) { return a.pool(rows).bind(b) },
}))

type lpPoolAttrs struct {
	AutoPad     string `onnx:",NOTSET"`
	CeilMode    bool   `onnx:",0"`
	Dilations   []int
	KernelShape []int `onnx:",required"`
	P           int   `onnx:",2"`
	Pads        []int
	Strides     []int
}

func (a *lpPoolAttrs) pool() *pool {
	return &pool{op: normOf, norm: a.P, window: window{a.AutoPad, a.KernelShape, a.Strides, a.Pads, a.Dilations, a.CeilMode}}
}

// LpPool takes the p-norm of the elements under a window.
func LpPool() *ops.Op {
	return ops.Def(ops.Spec[lpPoolAttrs]{
		Name: "LpPool", In: "X:T", Out: "Y:T", Types: "T=floats4",
		Vers: []ops.Ver{{Since: 22}, {Since: 18, Types: "T=floats"}, {Since: 11, Attrs: "-ceil_mode -dilations"}, {Since: 2},
			{Since: 1, Attrs: "kernel_shape:ints p:float=2.0", Up: wholeP}},
		Infer: func(c *ops.Infer, a *lpPoolAttrs) error {
			if a.P < 1 {
				return fmt.Errorf("attribute p: %d; must be at least 1", a.P)
			}
			return a.pool().infer(c)
		},
		Bind: func(b *ops.Bind, a *lpPoolAttrs) (ops.Kernel, error) { return a.pool().bind(b) },
	})
}

// wholeP makes the float p of first versions an int.
func wholeP(r *ops.Rewrite) error {
	if a := r.Take("p"); a != nil {
		if p := float64(a.F); p != math.Trunc(p) || p < 1 || p > 1<<20 {
			return fmt.Errorf("attribute p: %v isn't a whole number of at least 1", a.F)
		}
		r.Attrs["p"] = ops.IntAttr(int64(a.F))
	}
	return nil
}

// poolOp is what a pool does with the elements of a window.
type poolOp uint8

const (
	maxOf poolOp = iota
	meanOf
	normOf
)

// pool is the attributes of a pool.
type pool struct {
	window
	op      poolOp
	layout  layout
	padded  bool // means count padding
	columns bool // indices count pixels with the first spatial dimension fastest
	norm    int
}

func (p *pool) infer(c *ops.Infer) error {
	x := c.In(0)
	n := len(p.kernel)
	if err := p.check(n); err != nil {
		return err
	}
	if x.Ranked && (len(x.Shape) != n+2 || n == 0) {
		return fmt.Errorf("attribute kernel_shape: %v has %d dimensions for an input of rank %d", p.kernel, n, len(x.Shape))
	}
	s := unknownIf(x, n+2)
	out, err := p.outs(spatial(p.layout, s), p.kernelDims())
	if err != nil {
		return err
	}
	shape := p.layout.shape(s[0], s[p.layout.channels(n+2)], out)
	if err := c.Out(1, tensor.Int64, shape...); err != nil {
		return err
	}
	return c.Out(0, x.DT, shape...)
}

// end returns the padding behind the last element of each dimension.
func (p *pool) end(w *conv.Window) []int {
	out := make([]int, len(w.In))
	for d := range out {
		_, out[d] = p.padding(d, len(out))
		if p.same() {
			out[d] = max((w.Out[d]-1)*w.Stride[d]+(w.Kernel[d]-1)*w.Dilation[d]+1-w.In[d]-w.Begin[d], 0)
		}
	}
	return out
}

func (p *pool) bind(b *ops.Bind) (ops.Kernel, error) {
	x, y := b.Dims(0), b.OutDims(0)
	w := p.window.bind(spatial(p.layout, x), p.kernel, spatial(p.layout, y))
	end := p.end(&w)
	dt := b.In(0).DT
	if p.op != normOf && !b.Wants(1) && dt != tensor.Float64 && dt.Size() > 1 {
		return newRowPool(b, p, w, end), nil
	}
	if p.layout == rows {
		return nil, fmt.Errorf("no pool of rows of %s", dt)
	}
	geom, err := conv.NewPlanes(w, end)
	if err != nil {
		return nil, err
	}
	switch dt {
	case tensor.Int8:
		return &bytePool[int8]{planePool[int8]{p: geom, order: p.columns, plane: func(y, x []int8, index []int64) { conv.MaxPlane(geom, y, x, index, math.MinInt8) }}}, nil
	case tensor.Uint8:
		return &bytePool[uint8]{planePool[uint8]{p: geom, order: p.columns, plane: func(y, x []uint8, index []int64) { conv.MaxPlane(geom, y, x, index, 0) }}}, nil
	case tensor.Float64:
		return newFloatPool[float64](b, p, geom), nil
	}
	return newFloatPool[float32](b, p, geom), nil
}

// rowPool runs the quick kernel, between changes of layout if need be.
type rowPool struct {
	k       conv.Pool
	x       wide.Operand[float32]
	y       wide.Result[float32]
	in, out turn[float32]
}

func newRowPool(b *ops.Bind, p *pool, w conv.Window, end []int) *rowPool {
	d := b.Dims(0)
	k := &rowPool{k: conv.Pool{Window: w, End: end, Images: d[0], Channels: d[p.layout.channels(len(d))], Mean: p.op == meanOf, IncludePad: p.padded}}
	var room wide.Room[float32]
	k.x, k.y = room.In(b, 0), room.Out(b, 0)
	if p.layout == planes {
		k.in = toRows(&room, k.k.Images, k.k.Channels, elements(w.In))
		k.out = toPlanes(&room, k.k.Images, k.k.Channels, elements(w.Out))
	}
	room.Claim(b)
	return k
}

// Run computes the pool.
func (k *rowPool) Run(c *ops.Call) (err error) {
	s := wide.Open[float32](c)
	y := k.y.Elements(c, s)
	if len(y) == 0 {
		return nil
	}
	if k.k.X, err = k.in.before(c, s, k.x.Load(c, s)); err != nil {
		return err
	}
	k.k.Y = k.out.room(s, y)
	if err := k.k.Prepare(); err != nil {
		return err
	}
	if err := c.Parallel(k.k.Tiles(), k); err != nil {
		return err
	}
	if err := k.out.after(c, k.k.Y, y); err != nil {
		return err
	}
	k.y.Store(c, s)
	return nil
}

// Tile computes a tile.
func (k *rowPool) Tile(_ ops.Worker, i int) { k.k.Tile(i) }

// planePool runs a loop over planes.
type planePool[T conv.Element] struct {
	p     *conv.Planes
	order bool // of indices: the first spatial dimension is the fastest
	plane func(y, x []T, index []int64)

	x, y  []T
	index []int64
	per   int // planes of a tile
}

func (k *planePool[T]) run(c *ops.Call, x, y []T) error {
	in, out := elements(k.p.In), elements(k.p.Out)
	if len(y) == 0 {
		return nil
	}
	k.x, k.y, k.index = x, y, nil
	if c.Wants(1) {
		k.index = tensor.View[int64](c.Out(1))
	}
	k.per = max(1, planeWork/max(1, max(in, out)*elements(k.p.Kernel)))
	return c.Parallel((len(y)/out-1)/k.per+1, k)
}

// planeWork is how many elements a tile should look at, of a loop that takes them one by one.
const planeWork = 1 << 14

// Tile computes some planes.
func (k *planePool[T]) Tile(_ ops.Worker, i int) {
	in, out := elements(k.p.In), elements(k.p.Out)
	for n := i * k.per; n < min((i+1)*k.per, len(k.y)/out); n++ {
		var index []int64
		if k.index != nil {
			index = k.index[n*out:][:out]
		}
		k.plane(k.y[n*out:][:out], k.x[n*in:][:in], index)
		for j, at := range index {
			if k.order && in > 0 {
				at = columnMajor(at, k.p.In)
			}
			index[j] = at + int64(n*in)
		}
	}
}

// columnMajor counts a place in row-major order with the first dimension fastest.
func columnMajor(at int64, dims []int) (out int64) {
	scale := int64(1)
	for _, n := range dims {
		scale *= int64(n)
	}
	for d := len(dims) - 1; d >= 0; d-- {
		n := int64(dims[d])
		scale /= n
		out += at % n * scale
		at /= n
	}
	return out
}

type bytePool[T int8 | uint8] struct{ planePool[T] }

// Run computes the pool.
func (k *bytePool[T]) Run(c *ops.Call) error {
	return k.run(c, tensor.View[T](c.In(0)), tensor.View[T](c.Out(0)))
}

type floatPool[T real.Float] struct {
	planePool[T]
	in  wide.Operand[T]
	out wide.Result[T]
}

func newFloatPool[T real.Float](b *ops.Bind, p *pool, geom *conv.Planes) *floatPool[T] {
	k := &floatPool[T]{planePool: planePool[T]{p: geom, order: p.columns}}
	padded, norm := p.padded, p.norm
	switch p.op {
	case maxOf:
		k.plane = func(y, x []T, index []int64) { conv.MaxPlane(geom, y, x, index, T(math.Inf(-1))) }
	case meanOf:
		k.plane = func(y, x []T, _ []int64) { conv.MeanPlane(geom, y, x, padded) }
	default:
		k.plane = func(y, x []T, _ []int64) { conv.NormPlane(geom, y, x, norm) }
	}
	var room wide.Room[T]
	k.in, k.out = room.In(b, 0), room.Out(b, 0)
	room.Claim(b)
	return k
}

// Run computes the pool.
func (k *floatPool[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	y := k.out.Elements(c, s)
	if y == nil && c.Wants(1) {
		y = make([]T, c.Out(1).Len())
	}
	if err := k.run(c, k.in.Load(c, s), y); err != nil {
		return err
	}
	k.out.Store(c, s)
	return nil
}
