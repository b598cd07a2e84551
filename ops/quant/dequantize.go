package quant

import (
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/kernel/vec"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// The types that versions of QuantizeLinear and DequantizeLinear take. Version 28 adds the float6 kinds, which no tensor here has.
const (
	small13  = "int8|uint8"
	small19  = small13 + "|float8"
	small21  = small19 + "|int16|uint16|int4|uint4"
	small23  = small21 + "|float4e2m1"
	small25  = small23 + "|int2|uint2"
	halves   = "bfloat16|float|float16"
	withE8M0 = halves + "|float8e8m0"
)

type dequantizeAttrs struct {
	Axis        int `onnx:",1"`
	BlockSize   int `onnx:",0"`
	OutputDtype int `onnx:",0"`
}

// DequantizeLinear is (x − zero point)·scale, computed in float32 and rounded once to the output's type.
var DequantizeLinear = Ops.Add(ops.Def(ops.Spec[dequantizeAttrs]{
	Name: "DequantizeLinear", In: "x:T1, x_scale:T2, x_zero_point:T1?", Out: "y:T3",
	Types: "T1=int32|" + small25 + "; T2=" + withE8M0 + "; T3=" + halves,
	Vers: []ops.Ver{{Since: 28}, {Since: 25}, {Since: 24, Types: "T1=int32|" + small23}, {Since: 23, Types: "T2=" + halves},
		{Since: 21, Out: "y:T2", Types: "T1=int32|" + small21, Attrs: "-output_dtype"}, {Since: 19, Types: "T1=int32|" + small19, Attrs: "-block_size"},
		{Since: 13, In: "x:T, x_scale:float, x_zero_point:T?", Out: "y:float", Types: "T=int32|" + small13}, {Since: 10, Attrs: "-axis"}},
	Infer: func(c *ops.Infer, a *dequantizeAttrs) error {
		dt := c.In(1).DT
		if a.OutputDtype != 0 {
			if dt = tensor.DType(a.OutputDtype); a.OutputDtype < 0 || a.OutputDtype >= tensor.NumDTypes || !isHalf(dt) {
				return fmt.Errorf("attribute output_dtype is %d; must be float32, float16 or bfloat16", a.OutputDtype)
			}
		} else if dt == tensor.Float8E8M0 {
			return fmt.Errorf("attribute output_dtype is missing: nothing is computed in float8_e8m0, the scale's type")
		}
		if err := checkShapes(c, a.Axis, a.BlockSize); err != nil {
			return err
		}
		return c.OutType(0, ops.Type{DT: dt, Shape: c.In(0).Shape, Ranked: c.In(0).Ranked})
	},
	Bind: func(b *ops.Bind, a *dequantizeAttrs) (ops.Kernel, error) {
		g, err := newGrid(b.Dims(0), b.Dims(1), a.Axis, a.BlockSize)
		if err != nil {
			return nil, err
		}
		b.NeedScratch(8 * g.scales)
		return &dequantize{grid: g, per: move.TileLen(g.n, cost)}, nil
	},
	Layout: ops.Layout{Kind: ops.Opaque},
}))

func isHalf(dt tensor.DType) bool {
	return dt == tensor.Float32 || dt == tensor.Float16 || dt == tensor.BFloat16
}

type dequantize struct {
	grid
	x, y   *tensor.Tensor
	scale  []float32
	zero   []float32 // nil: none
	out    []float32 // of y, if it is float32
	signed []int8    // of x, if it is a byte with a sign; all types of few bits are
	bytes  []uint8   // of x, if it is one without
	wide   []int32   // of x and the zero point, which float32 doesn't hold
	zeros  []int32
	per    int
}

// loadScales converts scales and zero points to float32, into scratch.
func loadScales(c *ops.Call, n int) (scale, zero []float32) {
	f := ops.Elements[float32](c.Scratch)
	scale = f[:n:n]
	num.Load32(scale, c.In(1), 0)
	if c.Has(2) {
		zero = f[n : 2*n]
		num.Load32(zero, c.In(2), 0)
	}
	return scale, zero
}

func (k *dequantize) Run(c *ops.Call) error {
	k.x, k.y = c.In(0), c.Out(0)
	k.scale, k.zero = loadScales(c, k.scales)
	k.out, k.signed, k.bytes, k.wide, k.zeros = nil, nil, nil, nil, nil
	if k.y.DType() == tensor.Float32 {
		k.out = tensor.View[float32](k.y)
	}
	switch dt := k.x.DType(); {
	case dt == tensor.Int32:
		if k.wide = tensor.View[int32](k.x); c.Has(2) {
			k.zeros = tensor.View[int32](c.In(2))
		}
	case dt.Size() == 1 && dt.IsSigned():
		k.signed = tensor.View[int8](k.x)
	case dt.Size() == 1 && dt.IsUnsigned():
		k.bytes = tensor.View[uint8](k.x)
	}
	return c.Parallel(move.TileCount(k.n, k.per), k)
}

func (k *dequantize) Tile(w ops.Worker, i int) {
	buf := ops.Scratch[float32](w, num.Block)
	hi := min(k.n, (i+1)*k.per)
	for pos := i * k.per; pos < hi; {
		n, at, each := k.run(pos)
		n = min(n, hi-pos)
		if each || k.out == nil || k.signed == nil && k.bytes == nil {
			n = min(n, num.Block)
			k.part(buf[:n], pos, at, each)
		} else if k.signed != nil {
			vec.DequantizeI8(k.out[pos:], k.signed[pos:pos+n], k.scale[at], k.zeroAt(at))
		} else {
			vec.DequantizeU8(k.out[pos:], k.bytes[pos:pos+n], k.scale[at], k.zeroAt(at))
		}
		pos += n
	}
}

func (k *dequantize) zeroAt(at int) int32 {
	if k.zero == nil {
		return 0
	}
	return int32(k.zero[at])
}

// part dequantises elements of any types, by way of a block of float32.
func (k *dequantize) part(buf []float32, pos, at int, each bool) {
	if k.out != nil {
		buf = k.out[pos:][:len(buf)]
	}
	switch {
	case k.zeros != nil:
		for i, v := range k.wide[pos:][:len(buf)] {
			z := k.zeros[at]
			if each {
				z = k.zeros[at+i]
			}
			buf[i] = float32(int64(v) - int64(z))
		}
	default:
		num.Load32(buf, k.x, pos)
		if k.zero != nil && each {
			vec.Sub(buf, buf, k.zero[at:][:len(buf)])
		} else if k.zero != nil {
			vec.AddS(buf, buf, -k.zero[at])
		}
	}
	if each {
		vec.Mul(buf, buf, k.scale[at:][:len(buf)])
	} else {
		vec.MulS(buf, buf, k.scale[at])
	}
	if k.out == nil {
		num.Store32(k.y, pos, buf)
	}
}
