package contrib

import (
	"fmt"

	"ingot/internal/kernel/quant"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type gatherBlockAttrs struct {
	Bits         int `onnx:",4"`
	BlockSize    int `onnx:",128"`
	GatherAxis   int `onnx:",0"`
	QuantizeAxis int `onnx:",1"`
}

// gatherBlock is Gather of numbers that are quantised block by block, and only what is gathered becomes real.
var gatherBlock = ops.Def(ops.Spec[gatherBlockAttrs]{
	Name: "GatherBlockQuantized", Domain: domain, Vers: since1,
	In: "data:T1, indices:Tind, scales:T2, zero_points:T1?", Out: "output:T2",
	Types: "T1=int4|uint4|uint8|float8|float4e2m1; T2=float|float16|bfloat16; Tind=int32|int64",
	Infer: func(c *ops.Infer, a *gatherBlockAttrs) error {
		data, ok1 := c.Shape(0)
		index, ok2 := c.Shape(1)
		scales, ok3 := c.Shape(2)
		if !ok1 || !ok2 || !ok3 {
			return c.OutUnranked(0, c.In(2).DT)
		}
		g, err := a.geometry(c.In(0).DT, c.Has(3), data, scales)
		if err != nil {
			return err
		}
		if err := checkDims(c, 3, "zero_points", g.zeros...); err != nil {
			return err
		}
		shape := append(append(append([]ops.Dim{}, g.dims[:g.axis]...), index...), g.dims[g.axis+1:]...)
		return c.Out(0, c.In(2).DT, shape...)
	},
	Bind: bindGatherBlock,
})

// gatherGeometry is an operand with its numbers unpacked.
type gatherGeometry struct {
	dims        []ops.Dim
	zeros       []ops.Dim // the shape of zero points
	axis, qAxis int
	bits        int // of numbers packed into bytes; 8: a number is a byte
	block       int // 0: all of the axis
}

func (a *gatherBlockAttrs) geometry(dt tensor.DType, zeros bool, data, scales []ops.Dim) (g gatherGeometry, err error) {
	packed := dt == tensor.Uint8
	if packed && a.Bits != 2 && a.Bits != 4 && a.Bits != 8 {
		return g, fmt.Errorf("bits is %d; it must be 2, 4 or 8", a.Bits)
	}
	real := dt.IsFloat()
	switch {
	case real && zeros:
		return g, fmt.Errorf("zero_points is there, but numbers of %s have none", dt)
	case a.BlockSize == 0 && !real, a.BlockSize != 0 && (a.BlockSize < 16 || a.BlockSize&(a.BlockSize-1) != 0):
		return g, fmt.Errorf("block_size is %d; it must be a power of two and at least 16", a.BlockSize)
	case len(scales) != len(data):
		return g, fmt.Errorf("data is %s and scales %s; they must have as many dimensions", sym.ShapeString(data), sym.ShapeString(scales))
	}
	if g.axis, err = ops.Axis(a.GatherAxis, len(data)); err != nil {
		return g, fmt.Errorf("gather_axis: %w", err)
	}
	if g.qAxis, err = ops.Axis(a.QuantizeAxis, len(data)); err != nil {
		return g, fmt.Errorf("quantize_axis: %w", err)
	}
	if packed && (g.axis != 0 || g.axis == g.qAxis) {
		return g, fmt.Errorf("gather_axis is %d and quantize_axis %d; for uint8 the first must be 0, and the second another", g.axis, g.qAxis)
	}
	g.dims, g.zeros = append([]ops.Dim{}, data...), append([]ops.Dim{}, scales...)
	if g.bits = 8; packed {
		g.bits = a.Bits
		last, per := len(data)-1, ops.Num(8/a.Bits)
		g.dims[last] = data[last].Mul(per)
		g.zeros[last] = scales[last].CeilDiv(per)
	}
	g.block = a.BlockSize
	for d := range scales {
		want := g.dims[d]
		if d == g.qAxis {
			want = ops.Num(1)
			if g.block > 0 {
				want = g.dims[d].CeilDiv(ops.Num(g.block))
			}
		} else if real && scales[d].Is(1) {
			continue
		}
		if differ(scales[d], want) {
			return g, fmt.Errorf("scales is %s; for data of %s, blocks of %d along dimension %d, it must have %s in dimension %d", sym.ShapeString(scales), sym.ShapeString(g.dims), g.block, g.qAxis, want, d)
		}
	}
	return g, nil
}

type gatherBlockKernel struct {
	dims, steps        []int // of the data; how the place of the scale moves with each dimension
	axis, qAxis, block int
	bits               int
	outer, rows, inner int // dimensions before the axis, along it, behind it
	middle             float32
	zeroRow, scaleRow  int // lengths of the last dimension, packed and not
	dt                 tensor.DType

	data, zeros, scales, out *tensor.Tensor
	index                    []int64
}

func bindGatherBlock(b *ops.Bind, a *gatherBlockAttrs) (ops.Kernel, error) {
	scales := b.Dims(2)
	g, err := a.geometry(b.In(0).DT, b.Has(3), sym.Nums(b.Dims(0)), sym.Nums(scales))
	if err != nil {
		return nil, err
	}
	k := &gatherBlockKernel{axis: g.axis, qAxis: g.qAxis, block: g.block, bits: g.bits, dt: b.In(0).DT, outer: 1, inner: 1}
	n, _ := sym.Ints(g.dims)
	step := 1
	k.steps = make([]int, len(n))
	for d := len(n) - 1; d >= 0; d-- {
		if scales[d] > 1 {
			k.steps[d] = step
		}
		step *= scales[d]
	}
	for d, size := range n {
		k.dims = append(k.dims, int(size))
		switch {
		case d < k.axis:
			k.outer *= int(size)
		case d > k.axis:
			k.inner *= int(size)
		}
	}
	k.rows = k.dims[k.axis]
	if k.block == 0 {
		k.block = max(1, k.dims[k.qAxis])
	}
	if k.dt == tensor.Uint8 {
		k.middle = float32(int(1) << (k.bits - 1))
	}
	k.scaleRow, k.zeroRow = scales[len(scales)-1], (scales[len(scales)-1]*k.bits+7)/8
	return k, nil
}

// Run gathers.
func (k *gatherBlockKernel) Run(c *ops.Call) error {
	k.data, k.scales, k.zeros, k.out = c.In(0), c.In(2), c.In(3), c.Out(0)
	var err error
	if k.index, err = ops.Int64s(c.In(1)); err != nil {
		return err
	}
	return c.Parallel(k.outer*len(k.index), k)
}

// Tile implements [ops.Job]: what one index picks out.
func (k *gatherBlockKernel) Tile(w ops.Worker, i int) {
	buf := ops.Scratch[float32](w, num.Block)
	o, at := i/len(k.index), int(k.index[i%len(k.index)])
	if at < 0 {
		at += k.rows
	}
	for lo := 0; lo < k.inner; lo += len(buf) {
		part := buf[:min(len(buf), k.inner-lo)]
		if at < 0 || at >= k.rows {
			clear(part) // an index out of range is a row of zeros
		} else {
			k.fill(part, (o*k.rows+at)*k.inner+lo)
		}
		num.Store32(k.out, i*k.inner+lo, part)
	}
}

// fill writes the numbers from place pos on.
func (k *gatherBlockKernel) fill(dst []float32, pos int) {
	if k.bits == 8 {
		num.Load32(dst, k.data, pos)
	} else {
		packed := tensor.View[uint8](k.data)
		for i := range dst {
			dst[i] = float32(quant.Bits(packed, pos+i, k.bits))
		}
	}
	var scale [1]float32
	zero, known := k.middle, -1
	for i := range dst {
		if s := k.scaleAt(pos + i); s != known {
			known = s
			num.Load32(scale[:], k.scales, s)
			zero = k.zeroAt(s)
		}
		dst[i] = (dst[i] - zero) * scale[0]
	}
}

// scaleAt is where the scale of a number lies.
func (k *gatherBlockKernel) scaleAt(pos int) int {
	at := 0
	for d := len(k.dims) - 1; d >= 0; d-- {
		x := pos % k.dims[d]
		pos /= k.dims[d]
		if d == k.qAxis {
			x /= k.block
		}
		at += x * k.steps[d]
	}
	return at
}

// zeroAt is the zero point that belongs to a scale.
func (k *gatherBlockKernel) zeroAt(at int) float32 {
	if k.zeros == nil {
		return k.middle
	}
	if k.bits < 8 {
		row := at / max(1, k.scaleRow)
		return float32(quant.Bits(tensor.View[uint8](k.zeros)[row*k.zeroRow:], at%k.scaleRow, k.bits))
	}
	var z [1]float32
	num.Load32(z[:], k.zeros, at)
	return z[0]
}
