package quant

import (
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/kernel/quant"
	"ingot/internal/kernel/vec"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type quantizeAttrs struct {
	Axis        int  `onnx:",1"`
	BlockSize   int  `onnx:",0"`
	OutputDtype int  `onnx:",0"`
	Precision   int  `onnx:",0"`
	Saturate    bool `onnx:",1"`
}

// QuantizeLinear is saturate(round(x / scale) + zero point). The quotient is rounded to the attribute precision, or else to the scale's type.
//
// Quotients of float16 and bfloat16 are computed in float32 and rounded once, which is exact. A scale of float8e8m0, a power of two, divides in
// float32. An int32 scale divides in float64: the quotient of two int32 that is rounded to an integer needs it.
var QuantizeLinear = Ops.Add(ops.Def(ops.Spec[quantizeAttrs]{
	Name: "QuantizeLinear", In: "x:T1, y_scale:T2, y_zero_point:T3?", Out: "y:T3",
	Types: "T1=int32|" + halves + "; T2=int32|" + withE8M0 + "; T3=" + small25,
	Vers: []ops.Ver{{Since: 28}, {Since: 25}, {Since: 24, Types: "T3=" + small23}, {Since: 23, Types: "T2=int32|" + halves},
		{Since: 21, In: "x:T1, y_scale:T1, y_zero_point:T2?", Out: "y:T2", Types: "T2=" + small21, Attrs: "-precision"},
		{Since: 19, Types: "T2=" + small19, Attrs: "-block_size -output_dtype"},
		{Since: 13, In: "x:T1, y_scale:float, y_zero_point:T2?", Types: "T1=float|int32; T2=" + small13, Attrs: "-saturate"},
		{Since: 10, Attrs: "-axis"}},
	Infer: func(c *ops.Infer, a *quantizeAttrs) error {
		dt, err := a.target(c)
		if err != nil {
			return err
		}
		switch tensor.DType(a.Precision) {
		case tensor.Invalid, tensor.Float32, tensor.Float16, tensor.BFloat16, tensor.Float64:
		default:
			return fmt.Errorf("attribute precision is %d; must be one of float16, bfloat16, float32 and float64", a.Precision)
		}
		if err := checkShapes(c, a.Axis, a.BlockSize); err != nil {
			return err
		}
		return c.OutType(0, ops.Type{DT: dt, Shape: c.In(0).Shape, Ranked: c.In(0).Ranked})
	},
	Bind: bindQuantize,
}))

// target is the type of the result.
func (a *quantizeAttrs) target(c *ops.Infer) (tensor.DType, error) {
	named := tensor.DType(a.OutputDtype)
	if a.OutputDtype != 0 && (a.OutputDtype < 0 || a.OutputDtype >= tensor.NumDTypes || !quantized.Has(named)) {
		return 0, fmt.Errorf("attribute output_dtype is %d; must be one of %s", a.OutputDtype, quantized)
	}
	if a.Precision < 0 || a.Precision >= tensor.NumDTypes {
		return 0, fmt.Errorf("attribute precision is %d, no type", a.Precision)
	}
	if !c.Has(2) {
		if named == tensor.Invalid {
			named = tensor.Uint8
		}
		return named, nil
	}
	dt := c.In(2).DT
	if named != tensor.Invalid && dt != tensor.Invalid && named != dt {
		return 0, fmt.Errorf("attribute output_dtype is %s but the zero point is %s", named, dt)
	}
	return max(dt, named), nil
}

const quantized = 1<<tensor.Int8 | 1<<tensor.Uint8 | 1<<tensor.Int16 | 1<<tensor.Uint16 | 1<<tensor.Int4 | 1<<tensor.Uint4 | 1<<tensor.Int2 |
	1<<tensor.Uint2 | tensor.Floats8&^(tensor.Floats16|1<<tensor.Float8E8M0) | 1<<tensor.Float4E2M1

// rangeOf returns what a type of integers holds.
func rangeOf(dt tensor.DType) quant.Range {
	if dt.IsUnsigned() {
		return quant.Range{Hi: 1<<dt.Bits() - 1}
	}
	return quant.Range{Lo: -1 << (dt.Bits() - 1), Hi: 1<<(dt.Bits()-1) - 1}
}

func bindQuantize(b *ops.Bind, a *quantizeAttrs) (ops.Kernel, error) {
	g, err := newGrid(b.Dims(0), b.Dims(1), a.Axis, a.BlockSize)
	if err != nil {
		return nil, err
	}
	k := &quantize{grid: g, per: move.TileLen(g.n, cost), rules: num.Rules{NoSaturate: !a.Saturate}}
	if k.precision = tensor.DType(a.Precision); k.precision == tensor.Invalid {
		switch k.precision = b.In(1).DT; k.precision {
		case tensor.Int32:
			k.precision = tensor.Float64
		case tensor.Float8E8M0:
			k.precision = tensor.Float32
		}
	}
	if dt := b.Out(0).DT; dt.IsInteger() {
		k.bounds = rangeOf(dt)
	}
	b.NeedScratch(12 * g.scales)
	return k, nil
}

type quantize struct {
	grid
	precision tensor.DType
	rules     num.Rules
	bounds    quant.Range
	x, y      *tensor.Tensor
	s         *tensor.Tensor
	scale     []float32
	zero      []float32
	zeros     []int32
	in        []float32 // of x, if it is float32
	per       int
}

func (k *quantize) Run(c *ops.Call) error {
	k.x, k.y, k.s = c.In(0), c.Out(0), c.In(1)
	k.scale, k.zero = loadScales(c, k.scales)
	k.zeros = ops.Elements[int32](c.Scratch)[2*k.scales : 3*k.scales]
	clear(k.zeros)
	if k.zero != nil && k.bounds != (quant.Range{}) {
		for i, z := range k.zero {
			k.zeros[i] = int32(z)
		}
	}
	if k.precision == tensor.Float16 || k.precision == tensor.BFloat16 {
		k.narrow(k.scale)
	}
	k.in = nil
	if k.x.DType() == tensor.Float32 && k.precision == tensor.Float32 {
		k.in = tensor.View[float32](k.x)
	}
	return c.Parallel(move.TileCount(k.n, k.per), k)
}

// narrow rounds numbers to the precision.
func (k *quantize) narrow(x []float32) {
	var buf [128]uint16
	for len(x) > 0 {
		n := min(len(x), len(buf))
		if k.precision == tensor.Float16 {
			vec.ToHalf(buf[:n], x[:n])
			vec.FromHalf(x, buf[:n])
		} else {
			vec.ToBrain(buf[:n], x[:n])
			vec.FromBrain(x, buf[:n])
		}
		x = x[n:]
	}
}

func (k *quantize) Tile(w ops.Worker, i int) {
	scratch := w.Scratch(16 * num.Block)
	dt := k.y.DType()
	hi := min(k.n, (i+1)*k.per)
	for pos := i * k.per; pos < hi; {
		n, at, each := k.run(pos)
		n = min(n, hi-pos)
		switch {
		case k.in != nil && !each && dt == tensor.Int8:
			vec.QuantizeI8(tensor.View[int8](k.y)[pos:], k.in[pos:pos+n], k.scale[at], k.zeros[at])
		case k.in != nil && !each && dt == tensor.Uint8:
			vec.QuantizeU8(tensor.View[uint8](k.y)[pos:], k.in[pos:pos+n], k.scale[at], k.zeros[at])
		case k.precision == tensor.Float64:
			n = min(n, num.Block)
			f := ops.Elements[float64](scratch)
			k.part64(f[:n], f[num.Block:], pos, at, each)
		default:
			n = min(n, num.Block)
			k.part(ops.Elements[float32](scratch)[:n], pos, at, each)
		}
		pos += n
	}
}

// part quantises elements of any types, by way of a block of float32.
func (k *quantize) part(buf []float32, pos, at int, each bool) {
	half := k.precision != tensor.Float32
	num.Load32(buf, k.x, pos)
	if half {
		k.narrow(buf)
	}
	if each {
		vec.Div(buf, buf, k.scale[at:][:len(buf)])
	} else {
		vec.DivS(buf, buf, k.scale[at])
	}
	if half {
		k.narrow(buf)
	}
	switch k.y.DType() {
	case tensor.Int8, tensor.Int4, tensor.Int2:
		finish[int8](k, buf, pos, at, each)
	case tensor.Uint8, tensor.Uint4, tensor.Uint2:
		finish[uint8](k, buf, pos, at, each)
	case tensor.Int16:
		finish[int16](k, buf, pos, at, each)
	case tensor.Uint16:
		finish[uint16](k, buf, pos, at, each)
	default:
		if k.zero != nil && each {
			vec.Add(buf, buf, k.zero[at:][:len(buf)])
		} else if k.zero != nil && k.zero[at] != 0 { // adding 0 would lose the sign of -0
			vec.AddS(buf, buf, k.zero[at])
		}
		k.rules.Store32(k.y, pos, buf)
	}
}

func finish[D quant.Small](k *quantize, q []float32, pos, at int, each bool) {
	dst := tensor.View[D](k.y)[pos:][:len(q)]
	if each {
		quant.RoundEach(dst, q, k.zeros[at:], k.bounds)
	} else {
		quant.Round(dst, q, k.zeros[at], k.bounds)
	}
}

// part64 is part with a quotient in float64.
func (k *quantize) part64(buf, scale []float64, pos, at int, each bool) {
	num.Load64(buf, k.x, pos)
	scales := 1
	if each {
		scales = len(buf)
	}
	num.Load64(scale[:scales], k.s, at)
	s := scale[0]
	for i := range buf {
		if each {
			s = scale[i]
		}
		buf[i] /= s
	}
	zeros := k.zeros[at:][:scales]
	switch k.y.DType() {
	case tensor.Int8, tensor.Int4, tensor.Int2:
		quant.Round64(tensor.View[int8](k.y)[pos:], buf, zeros, k.bounds)
	case tensor.Uint8, tensor.Uint4, tensor.Uint2:
		quant.Round64(tensor.View[uint8](k.y)[pos:], buf, zeros, k.bounds)
	case tensor.Int16:
		quant.Round64(tensor.View[int16](k.y)[pos:], buf, zeros, k.bounds)
	case tensor.Uint16:
		quant.Round64(tensor.View[uint16](k.y)[pos:], buf, zeros, k.bounds)
	default:
		for i := range buf {
			if z := k.zeroFor(at, i, each); z != 0 {
				buf[i] += z
			}
		}
		k.rules.Store64(k.y, pos, buf)
	}
}

func (k *quantize) zeroFor(at, i int, each bool) float64 {
	if k.zero == nil {
		return 0
	}
	if each {
		at += i
	}
	return float64(k.zero[at])
}
