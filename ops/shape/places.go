package shape

import (
	"errors"
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// places computes where indices point: the offset in the data of each run of elements that is read or written.
type places struct {
	data, ix []int // dims
	tuples   bool  // the ND operators; the Elements operators otherwise
	axis     int   // of the Elements operators
	batch    int   // dimensions that indices and data share, of the ND operators
	depth    int   // dimensions that an index tuple names
	n        int   // number of places
	run      int   // elements at each
	at       []int
}

// elementPlaces is for one index an element, along an axis.
func elementPlaces(data, ix []int, axis int) (places, error) {
	if err := checkElements(sym.Nums(data), sym.Nums(ix), axis); err != nil {
		return places{}, err
	}
	return places{data: data, ix: ix, axis: axis, n: numel(ix), run: 1}, nil
}

// checkElements checks that indices have the data's rank, and reach no further than the data along the other axes.
func checkElements(data, ix []ops.Dim, axis int) error {
	if len(data) != len(ix) {
		return fmt.Errorf("data has rank %d, but indices have rank %d", len(data), len(ix))
	}
	for i := range data {
		n, okN := data[i].Int()
		m, okM := ix[i].Int()
		if i != axis && okN && okM && m > n {
			return fmt.Errorf("indices of shape %s reach beyond data of shape %s in axis %d", sym.ShapeString(ix), sym.ShapeString(data), i)
		}
	}
	return nil
}

// tuplePlaces is for tuples of indices in the last axis.
func tuplePlaces(data, ix []int, batch int) (places, error) {
	if err := checkTuples(sym.Nums(data), sym.Nums(ix), batch); err != nil {
		return places{}, err
	}
	k := ix[len(ix)-1]
	return places{data: data, ix: ix, tuples: true, batch: batch, depth: k, n: numel(ix[:len(ix)-1]), run: numel(data[batch+k:])}, nil
}

func checkTuples(data, ix []ops.Dim, batch int) error {
	if len(data) == 0 || len(ix) == 0 {
		return errors.New("data and indices must have at least one dimension")
	}
	if batch < 0 || batch >= min(len(data), len(ix)) {
		return fmt.Errorf("attribute batch_dims: %d is outside of [0,%d)", batch, min(len(data), len(ix)))
	}
	for i := range batch {
		if data[i].Known() && ix[i].Known() && !data[i].Equal(ix[i]) {
			return fmt.Errorf("data of shape %s and indices of shape %s differ in their %d batch dimensions", sym.ShapeString(data), sym.ShapeString(ix), batch)
		}
	}
	if k, ok := ix[len(ix)-1].Int(); ok && (k < 0 || k > int64(len(data)-batch)) {
		return fmt.Errorf("indices name %d dimensions, but data of shape %s has %d behind the batch", k, sym.ShapeString(data), len(data)-batch)
	}
	return nil
}

// scratch returns the bytes that find needs.
func (p *places) scratch() int { return p.n * elem.SizeOf[int]() }

// find fills at.
func (p *places) find(t *tensor.Tensor, scratch []byte) error {
	p.at = elem.Of[int](scratch, p.n)
	if p.tuples {
		return p.findTuples(t)
	}
	return p.findElements(t)
}

func (p *places) findElements(t *tensor.Tensor) error {
	if err := readIndices(p.at, t, p.data[p.axis]); err != nil {
		return err
	}
	last := len(p.ix) - 1
	step := strides(p.data)
	along, inner := step[p.axis], 1
	if last == p.axis {
		inner = 0
	}
	row := p.ix[last]
	for lo := 0; lo < p.n; lo += row {
		base, r := 0, lo/row
		for i := last - 1; i >= 0; i-- {
			if i != p.axis {
				base += r % p.ix[i] * step[i]
			}
			r /= p.ix[i]
		}
		for j, v := range p.at[lo : lo+row] {
			p.at[lo+j] = base + j*inner + v*along
		}
	}
	return nil
}

func (p *places) findTuples(t *tensor.Tensor) error {
	v, err := ops.Int64s(t)
	if err != nil {
		return err
	}
	step := strides(p.data)
	each := numel(p.ix[p.batch : len(p.ix)-1]) // tuples of a batch
	block := numel(p.data[p.batch:])
	for k := range p.n {
		at := k / each * block
		for j, i := range v[k*p.depth : (k+1)*p.depth] {
			d := int64(p.data[p.batch+j])
			if i < -d || i >= d {
				return fmt.Errorf("index %d (place %d of tuple %d of the indices) is outside of [%d,%d]", i, j, k, -d, d-1)
			}
			if i < 0 {
				i += d
			}
			at += int(i) * step[p.batch+j]
		}
		p.at[k] = at
	}
	return nil
}

// pickKernel reads the places.
type pickKernel struct {
	places
	per  int
	d, s move.Buf
}

func bindPick(b *ops.Bind, p places, err error) (ops.Kernel, error) {
	if err != nil {
		return nil, err
	}
	b.NeedScratch(p.scratch())
	return &pickKernel{places: p, per: max(1, move.TileLen(p.n*p.run, 1000)/max(p.run, 1))}, nil
}

func (k *pickKernel) Run(c *ops.Call) error {
	if err := k.find(c.In(1), c.Scratch); err != nil {
		return err
	}
	if k.run == 0 {
		return nil
	}
	k.d, k.s = bufOf(c.Out(0)), bufOf(c.In(0))
	return c.Parallel(move.TileCount(k.n, k.per), k)
}

func (k *pickKernel) Tile(_ ops.Worker, i int) {
	move.Gather(k.d, k.s, k.at, k.run, i*k.per, min(k.n, (i+1)*k.per))
}

var _ = Ops.Add(ops.Def(ops.Spec[axis0Attrs]{
	Name: "GatherElements", In: "data:T, indices:Tind", Out: "output:T", Types: "T=all4; Tind=int32|int64",
	Vers: []ops.Ver{{Since: 13}, {Since: 11, Types: "T=all"}},
	Infer: func(c *ops.Infer, a *axis0Attrs) error {
		t, ix := c.In(0), c.In(1)
		if t.Ranked && ix.Ranked {
			axis, err := ops.Axis(a.Axis, len(t.Shape))
			if err != nil {
				return fmt.Errorf("attribute axis: %w", err)
			}
			if err := checkElements(t.Shape, ix.Shape, axis); err != nil {
				return err
			}
		}
		return c.OutType(0, ops.Type{DT: t.DT, Shape: ix.Shape, Ranked: ix.Ranked})
	},
	Bind: func(b *ops.Bind, a *axis0Attrs) (ops.Kernel, error) {
		axis, err := ops.Axis(a.Axis, len(b.Dims(0)))
		if err != nil {
			return nil, err
		}
		p, err := elementPlaces(b.Dims(0), b.Dims(1), axis)
		return bindPick(b, p, err)
	},
}))

type gatherNDAttrs struct {
	BatchDims int `onnx:",0"`
}

var _ = Ops.Add(ops.Def(ops.Spec[gatherNDAttrs]{
	Name: "GatherND", In: "data:T, indices:int64", Out: "output:T", Types: "T=all4",
	Vers: []ops.Ver{{Since: 13}, {Since: 12, Types: "T=all"}, {Since: 11, Attrs: "-batch_dims"}},
	Infer: func(c *ops.Infer, a *gatherNDAttrs) error {
		t, ix := c.In(0), c.In(1)
		if !t.Ranked || !ix.Ranked {
			return c.OutUnranked(0, t.DT)
		}
		if err := checkTuples(t.Shape, ix.Shape, a.BatchDims); err != nil {
			return err
		}
		k, ok := ix.Shape[len(ix.Shape)-1].Int()
		if !ok {
			return c.OutUnranked(0, t.DT)
		}
		out := append([]ops.Dim{}, ix.Shape[:len(ix.Shape)-1]...)
		return outSized(c, 0, t.DT, append(out, t.Shape[a.BatchDims+int(k):]...)...)
	},
	Bind: func(b *ops.Bind, a *gatherNDAttrs) (ops.Kernel, error) {
		p, err := tuplePlaces(b.Dims(0), b.Dims(1), a.BatchDims)
		return bindPick(b, p, err)
	},
}))
