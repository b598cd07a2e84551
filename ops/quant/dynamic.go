package quant

import (
	"ingot/internal/kernel/move"
	"ingot/internal/kernel/quant"
	"ingot/internal/kernel/vec"
	"ingot/ops"
	"ingot/tensor"
)

// DynamicQuantizeLinear quantises to uint8 by the range of the data, extended to hold 0. Where that is a single number, the scale is 1.
var DynamicQuantizeLinear = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "DynamicQuantizeLinear", In: "x:T1", Out: "y:T2, y_scale:float, y_zero_point:T2", Types: "T1=float; T2=uint8", Vers: []ops.Ver{{Since: 11}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		x := c.In(0)
		_ = c.OutType(0, ops.Type{DT: tensor.Uint8, Shape: x.Shape, Ranked: x.Ranked})
		_ = c.Out(1, tensor.Float32)
		return c.Out(2, tensor.Uint8)
	},
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		n := elements(b.Dims(0))
		k := &dynamic{n: n, per: move.TileLen(n, cost)}
		k.tiles = move.TileCount(n, k.per)
		b.NeedScratch(8 * k.tiles)
		return k, nil
	},
}))

type noAttrs struct{}

type dynamic struct {
	n, per, tiles int
	x             []float32
	y             []uint8
	ends          []float32 // the least element of each tile, then the greatest
	scale         float32
	zero          int32
	quantizing    bool
}

func (k *dynamic) Run(c *ops.Call) error {
	k.x, k.ends = tensor.View[float32](c.In(0)), ops.Elements[float32](c.Scratch)[:2*k.tiles]
	k.quantizing = false
	if err := c.Parallel(k.tiles, k); err != nil {
		return err
	}
	lo, hi := min(vec.MinOf(k.ends[:k.tiles]), 0), max(vec.MaxOf(k.ends[k.tiles:]), 0)
	k.scale = (hi - lo) / 255
	if hi == lo {
		k.scale = 1
	}
	var zero [1]uint8
	quant.Round(zero[:], []float32{-lo / k.scale}, 0, quant.Range{Hi: 255})
	k.zero = int32(zero[0])
	if c.Wants(1) {
		tensor.View[float32](c.Out(1))[0] = k.scale
	}
	if c.Wants(2) {
		tensor.View[uint8](c.Out(2))[0] = zero[0]
	}
	if !c.Wants(0) {
		return nil
	}
	k.y, k.quantizing = tensor.View[uint8](c.Out(0)), true
	return c.Parallel(k.tiles, k)
}

func (k *dynamic) Tile(_ ops.Worker, i int) {
	lo, hi := i*k.per, min(k.n, (i+1)*k.per)
	if k.quantizing {
		vec.QuantizeU8(k.y[lo:hi], k.x[lo:hi], k.scale, k.zero)
		return
	}
	k.ends[i], k.ends[k.tiles+i] = vec.MinOf(k.x[lo:hi]), vec.MaxOf(k.x[lo:hi])
}
