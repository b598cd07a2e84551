package nn

import (
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/real"
	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type layerNormAttrs struct {
	Axis      int     `onnx:",-1"`
	Epsilon   float32 `onnx:",1e-5"`
	StashType int     `onnx:",1"`
}

// LayerNormalization gives the elements from an axis on zero mean and unit variance, then scales and shifts them.
var LayerNormalization = Ops.Add(ops.Def(ops.Spec[layerNormAttrs]{
	Name: "LayerNormalization", In: "X:T, Scale:T, B:T?", Out: "Y:T, Mean:U?, InvStdDev:U?", Types: "T=floats4; U=float|bfloat16",
	// Exporters wrote it long before the standard had it, with scale and shift of a type of their own, which was the result's. Some misspelt the
	// epsilon, which whatever read their files took for the default.
	Vers: []ops.Ver{{Since: 17}, {Since: 1, Extra: true, In: "X:T, Scale:V, B:V?", Out: "Y:V, Mean:U?, InvStdDev:U?", Types: "V=floats4; U=float|double|bfloat16",
		Attrs: "+epsion:float",
		Up: func(r *ops.Rewrite) error {
			r.Take("epsion")
			if r.Type(0).DT == r.Type(1).DT {
				return nil
			}
			x, err := r.Graph.Emit("CastLike", nil, 1, r.Input(0), r.Input(1))
			if err == nil {
				r.SetInput(0, x[0])
			}
			return err
		}}},
	Infer: func(c *ops.Infer, a *layerNormAttrs) error {
		if a.StashType != int(tensor.Float32) && a.StashType != int(tensor.BFloat16) {
			return fmt.Errorf("stash_type is %d; it must be 1 (float32) or 16 (bfloat16)", a.StashType)
		}
		if err := inferNorm(c, a.Axis, "Scale", "B"); err != nil {
			return err
		}
		c.OutLike(0, 0)
		x, stash := c.In(0), tensor.DType(a.StashType)
		if !x.Ranked {
			c.OutUnranked(1, stash)
			return c.OutUnranked(2, stash)
		}
		axis, _ := ops.Axis(a.Axis, len(x.Shape))
		shape := append([]ops.Dim{}, x.Shape...)
		for i := axis; i < len(shape); i++ {
			shape[i] = ops.Num(1)
		}
		c.Out(1, stash, shape...)
		return c.Out(2, stash, shape...)
	},
	Bind: func(b *ops.Bind, a *layerNormAttrs) (ops.Kernel, error) {
		if b.In(0).DT == tensor.Float64 {
			return bindNorm(b, a, real.For[float64]().LayerNorm)
		}
		return bindNorm(b, a, vec.LayerNorm)
	},
	InPlace: [][2]int8{{0, 0}},
}))

// RMSNormalization divides the elements from an axis on by the root of the mean of their squares, then scales them.
var RMSNormalization = Ops.Add(ops.Def(ops.Spec[layerNormAttrs]{
	Name: "RMSNormalization", In: "X:T, scale:V", Out: "Y:V", Types: "T=floats4; V=floats4", Vers: []ops.Ver{{Since: 23}},
	Infer: func(c *ops.Infer, a *layerNormAttrs) error {
		if dt := tensor.DType(a.StashType); a.StashType < 0 || a.StashType > 255 || !tensor.Floats16.Has(dt) {
			return fmt.Errorf("stash_type is %d; it must be 1, 10, 11 or 16: a floating-point type", a.StashType)
		}
		if err := inferNorm(c, a.Axis, "scale"); err != nil {
			return err
		}
		x := c.In(0)
		return c.OutType(0, ops.Type{DT: c.In(1).DT, Shape: x.Shape, Ranked: x.Ranked})
	},
	Bind: func(b *ops.Bind, a *layerNormAttrs) (ops.Kernel, error) {
		if b.In(0).DT == tensor.Float64 || b.In(1).DT == tensor.Float64 || tensor.DType(a.StashType) == tensor.Float64 {
			return bindNorm(b, a, rmsRow[float64]())
		}
		return bindNorm(b, a, rmsRow[float32]())
	},
	InPlace: [][2]int8{{0, 0}},
}))

// inferNorm checks axis, scale and shift.
func inferNorm(c *ops.Infer, axis int, params ...string) error {
	x := c.In(0)
	if !x.Ranked {
		return nil
	}
	if _, err := ops.Axis(axis, len(x.Shape)); err != nil {
		return fmt.Errorf("attribute axis: %w", err)
	}
	for i, name := range params {
		s, ok := c.Shape(i + 1)
		if !ok {
			continue
		}
		bad := len(s) > len(x.Shape)
		for k := 0; k < len(s) && !bad; k++ {
			d, of := s[k], x.Shape[len(x.Shape)-len(s)+k]
			bad = d.Known() && !d.Is(1) && of.Known() && !d.Equal(of)
		}
		if bad {
			return fmt.Errorf("%s is %s, which can't be broadcast to X, %s", name, sym.ShapeString(s), sym.ShapeString(x.Shape))
		}
	}
	return nil
}

// rowNorm normalises a row; gamma and beta may be nil.
type rowNorm[T real.Float] func(dst, src, gamma, beta []T, eps T) (mean, inv T)

func rmsRow[T real.Float]() rowNorm[T] {
	norm := real.For[T]().RMSNorm
	return func(dst, src, gamma, _ []T, eps T) (mean, inv T) { return 0, norm(dst, src, gamma, eps) }
}

// normKernel normalises rows of n elements. Rows of the type that is computed in are read and written where they lie, others by way of a
// worker's scratch.
type normKernel[T real.Float] struct {
	row        rowNorm[T]
	rows, n    int
	per        int // rows of a tile
	eps        T
	convertIn  bool
	convertOut bool
	gamma      rowParam[T]
	beta       rowParam[T]
	room       int // elements of scratch that a tile needs

	in, out   *tensor.Tensor
	x, y      []T
	mean, inv *tensor.Tensor
}

// rowParam is scale or shift: one row for all, or a broadcast that differs from row to row.
type rowParam[T real.Float] struct {
	wide.Operand[T]
	one  bool        // data is the row
	fill wide.Buffer // where a broadcast row is laid out, once a run
	m    elem.Map
	data []T
}

func bindNorm[T real.Float](b *ops.Bind, a *layerNormAttrs, row rowNorm[T]) (ops.Kernel, error) {
	dims := b.Dims(0)
	axis, err := ops.Axis(a.Axis, len(dims))
	if err != nil {
		return nil, err
	}
	k := &normKernel[T]{row: row, rows: wide.Elements(dims[:axis]), n: wide.Elements(dims[axis:]), eps: T(a.Epsilon)}
	k.convertIn, k.convertOut = b.In(0).DT != wide.DType[T](), b.Out(0).DT != wide.DType[T]()
	k.per = rowsOfTile(k.rows, k.n)
	var room wide.Room[T]
	if k.gamma, err = newRowParam(b, &room, 1, axis); err == nil {
		k.beta, err = newRowParam(b, &room, 2, axis)
	}
	if k.convertIn || k.convertOut {
		k.room += k.n
	}
	for _, p := range []*rowParam[T]{&k.gamma, &k.beta} {
		if p.Present() && !p.one {
			k.room += k.n
		}
	}
	room.Claim(b)
	return k, err
}

// rowsOfTile cuts rows of n elements into tiles, as a function of shapes only. Up to 64K elements, which take some 15 µs, are one tile.
func rowsOfTile(rows, n int) int {
	if rows*n <= 1<<16 {
		return max(rows, 1)
	}
	return max(1, 1<<14/max(n, 1))
}

func newRowParam[T real.Float](b *ops.Bind, room *wide.Room[T], i, axis int) (rowParam[T], error) {
	p := rowParam[T]{Operand: room.In(b, i)}
	if !p.Present() {
		return p, nil
	}
	dims, shape := b.Dims(0), b.Dims(i)
	m, ok := elem.NewMap(dims, shape)
	if !ok {
		return p, fmt.Errorf("input %d is %s, which can't be broadcast to X, %s", i, tensor.ShapeString(shape), tensor.ShapeString(dims))
	}
	inner := wide.Elements(dims[axis:])
	if p.one = wide.Elements(shape[:max(0, len(shape)-len(dims)+axis)]) == 1; p.one && wide.Elements(shape) != inner {
		p.fill = room.Buffer(inner)
	}
	p.m = m
	return p, nil
}

// load fetches the parameter's elements.
func (p *rowParam[T]) load(c *ops.Call, s wide.Scratch[T]) {
	p.data = p.Load(c, s)
	if p.fill.Len() > 0 {
		row := s.Part(p.fill)
		elem.Gather(row, p.data, &p.m, 0)
		p.data = row
	}
}

// row returns the parameters of row r; room, if they must be gathered, is what remains of the scratch.
func (p *rowParam[T]) row(r, n int, scratch []T) (row, room []T) {
	if !p.Present() {
		return nil, scratch
	}
	if p.one {
		return p.data, scratch
	}
	elem.Gather(scratch[:n], p.data, &p.m, r*n)
	return scratch[:n], scratch[n:]
}

// Run normalises all rows.
func (k *normKernel[T]) Run(c *ops.Call) error {
	if k.rows*k.n == 0 {
		return k.empty(c)
	}
	s := wide.Open[T](c)
	k.in, k.out, k.mean, k.inv = c.In(0), c.Out(0), c.Out(1), c.Out(2)
	if !k.convertIn {
		k.x = tensor.View[T](k.in)
	}
	if !k.convertOut {
		k.y = tensor.View[T](k.out)
	}
	k.gamma.load(c, s)
	k.beta.load(c, s)
	return c.Parallel((k.rows-1)/k.per+1, k)
}

// empty gives rows without elements what 0/0 gives.
func (k *normKernel[T]) empty(c *ops.Call) error {
	var zero T
	for o := 1; o < 3; o++ {
		if t := c.Out(o); t != nil {
			for i := range t.Len() {
				wide.Store(t, i, []T{zero / zero})
			}
		}
	}
	return nil
}

// Tile implements [ops.Job].
func (k *normKernel[T]) Tile(w ops.Worker, i int) {
	if k.room == 0 && k.mean == nil && k.inv == nil { // what transformers have
		n, gamma, beta := k.n, k.gamma.data, k.beta.data
		for r := i * k.per * n; r < min(k.rows, (i+1)*k.per)*n; r += n {
			k.row(k.y[r:r+n], k.x[r:r+n], gamma, beta, k.eps)
		}
		return
	}
	scratch := wide.Scratchpad[T](w, k.room+2)
	stats := scratch[k.room:]
	for r := i * k.per; r < min(k.rows, (i+1)*k.per); r++ {
		gamma, free := k.gamma.row(r, k.n, scratch)
		beta, free := k.beta.row(r, k.n, free)
		var src, dst []T
		if k.convertIn || k.convertOut {
			src, dst = free[:k.n], free[:k.n]
		}
		if k.convertIn {
			wide.Load(src, k.in, r*k.n)
		} else {
			src = k.x[r*k.n:][:k.n]
		}
		if !k.convertOut {
			dst = k.y[r*k.n:][:k.n]
		}
		stats[0], stats[1] = k.row(dst, src, gamma, beta, k.eps)
		if k.convertOut {
			wide.Store(k.out, r*k.n, dst)
		}
		if k.mean != nil {
			wide.Store(k.mean, r, stats[:1])
		}
		if k.inv != nil {
			wide.Store(k.inv, r, stats[1:])
		}
	}
}
