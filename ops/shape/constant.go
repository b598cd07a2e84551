package shape

import (
	"errors"
	"fmt"
	"math"

	"ingot/internal/kernel/move"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type constantAttrs struct {
	SparseValue  *ops.SparseTensor
	Value        *tensor.Tensor
	ValueFloat   *float32
	ValueFloats  []float32
	ValueInt     *int64
	ValueInts    []int64
	ValueString  *string
	ValueStrings []string
}

var _ = Ops.Add(ops.Def(ops.Spec[constantAttrs]{
	Name: "Constant", Out: "output:T", Types: "T=all13",
	Vers: since25("T", ops.Ver{Since: 19, Types: "T=all9"}, ops.Ver{Since: 13, Types: "T=all4"}, ops.Ver{Since: 12, Types: "T=all"},
		ops.Ver{Since: 11, Attrs: "-value_float -value_floats -value_int -value_ints -value_string -value_strings"},
		ops.Ver{Since: 9, Attrs: "-sparse_value value:tensor=required"}, ops.Ver{Since: 1, Types: "T=floats"}),
	Infer: func(c *ops.Infer, a *constantAttrs) error {
		t, err := a.tensor()
		if err != nil {
			return err
		}
		typ := sym.TypeOf(t, true)
		typ.Data = t
		return c.OutType(0, typ)
	},
	Bind: func(_ *ops.Bind, a *constantAttrs) (ops.Kernel, error) {
		t, err := a.tensor()
		return constantKernel{t}, err
	},
}))

// tensor returns the value. Exactly one attribute holds it.
func (a *constantAttrs) tensor() (*tensor.Tensor, error) {
	var out []*tensor.Tensor
	add := func(has bool, make func() *tensor.Tensor) {
		if has {
			out = append(out, make())
		}
	}
	add(a.SparseValue != nil, func() *tensor.Tensor { return (*tensor.Tensor)(a.SparseValue) })
	add(a.Value != nil, func() *tensor.Tensor { return a.Value })
	add(a.ValueFloat != nil, func() *tensor.Tensor { return tensor.Scalar(*a.ValueFloat) })
	add(a.ValueFloats != nil, func() *tensor.Tensor { return tensor.Of(a.ValueFloats) })
	add(a.ValueInt != nil, func() *tensor.Tensor { return tensor.Scalar(*a.ValueInt) })
	add(a.ValueInts != nil, func() *tensor.Tensor { return tensor.Of(a.ValueInts) })
	add(a.ValueString != nil, func() *tensor.Tensor { return tensor.Scalar(*a.ValueString) })
	add(a.ValueStrings != nil, func() *tensor.Tensor { return tensor.Of(a.ValueStrings) })
	if len(out) != 1 {
		return nil, fmt.Errorf("has %d attributes with a value, must have one", len(out))
	}
	return out[0], nil
}

type constantKernel struct{ t *tensor.Tensor }

func (k constantKernel) Run(c *ops.Call) error {
	copy(tensor.View[string](c.Out(0)), tensor.View[string](k.t))
	copy(c.Out(0).Bytes(), k.t.Bytes())
	return nil
}

type constantOfShapeAttrs struct {
	Value *tensor.Tensor
}

const constantOfShapeTypes = "bool|num4|float8"

var _ = Ops.Add(ops.Def(ops.Spec[constantOfShapeAttrs]{
	Name: "ConstantOfShape", In: "input:T1", Out: "output:T2", Types: "T1=int64; T2=" + constantOfShapeTypes + "|uint4|int4|float4e2m1|float8e8m0|uint2|int2",
	Vers: []ops.Ver{{Since: 25}, {Since: 24, Types: "T2=" + constantOfShapeTypes + "|uint4|int4|float4e2m1|float8e8m0"},
		{Since: 23, Types: "T2=" + constantOfShapeTypes + "|uint4|int4|float4e2m1"}, {Since: 21, Types: "T2=" + constantOfShapeTypes + "|uint4|int4"},
		{Since: 20, Types: "T2=" + constantOfShapeTypes}, {Since: 9, Types: "T2=bool|num"}},
	Infer: inferConstantOfShape,
	Bind: func(b *ops.Bind, a *constantOfShapeAttrs) (ops.Kernel, error) {
		k := &fillKernel{n: numel(b.OutDims(0))}
		k.per = move.TileLen(k.n, 60*b.Out(0).DT.Size())
		if a.Value != nil {
			k.v = bufOf(a.Value)
		}
		return k, nil
	},
}))

func inferConstantOfShape(c *ops.Infer, a *constantOfShapeAttrs) error {
	dt := tensor.Float32
	if a.Value != nil {
		dt = a.Value.DType()
		if a.Value.Len() != 1 {
			return fmt.Errorf("attribute value: must be one element, not %s", a.Value)
		}
		if s := c.OutType(0, ops.Type{DT: dt}); s != nil {
			return s
		}
	}
	c.Ints(0)
	shape, ok := c.Vals(0)
	if !ok {
		return outOfLen(c, 0, dt, 0)
	}
	for _, d := range shape {
		if n, isNum := d.Int(); isNum && n < 0 {
			return fmt.Errorf("the shape %s has a negative dimension", sym.ShapeString(shape))
		}
	}
	if err := outSized(c, 0, dt, shape...); err != nil {
		return err
	}
	n, isNum := sym.Prod(shape).Int()
	if !isNum || n > sym.MaxValue {
		return nil
	}
	v := ops.Num(0)
	if a.Value != nil {
		val := sym.TypeOf(a.Value, true).Val
		if val == nil {
			return nil
		}
		v = val[0]
	} else if dt == tensor.Float32 {
		return nil
	}
	out := make([]ops.Dim, n)
	move.Fill(out, v)
	c.SetVal(0, out)
	return nil
}

// fillKernel fills the output with one element; zero when there is none.
type fillKernel struct {
	n, per int
	d, v   move.Buf
}

func (k *fillKernel) Run(c *ops.Call) error {
	k.d = bufOf(c.Out(0))
	return c.Parallel(move.TileCount(k.n, k.per), k)
}

func (k *fillKernel) Tile(_ ops.Worker, i int) {
	move.FillBuf(k.d, k.v, i*k.per, min(k.n, (i+1)*k.per))
}

type rangeAttrs struct {
	StashType int `onnx:",1"`
}

var _ = Ops.Add(ops.Def(ops.Spec[rangeAttrs]{
	Name: "Range", In: "start:T, limit:T, delta:T", Out: "output:T", Types: "T=floats4|int16|int32|int64",
	Vers:  []ops.Ver{{Since: 27}, {Since: 11, Types: "T=double|float|int16|int32|int64", Attrs: "-stash_type"}},
	Infer: inferRange, Eval: evalRange,
}))

func inferRange(c *ops.Infer, a *rangeAttrs) error {
	dt := c.In(0).DT
	if st := tensor.DType(a.StashType); st != tensor.Float32 && st != tensor.Float16 && st != tensor.BFloat16 {
		return fmt.Errorf("attribute stash_type: %d is none of float32, float16 and bfloat16", a.StashType)
	}
	var v [3]ops.Dim
	known := !dt.IsFloat()
	for i := range v {
		if !dt.IsFloat() {
			d, ok := c.Vals(i)
			if !ok || len(d) != 1 {
				known = false
				continue
			}
			c.Ints(i)
			v[i] = d[0]
		} else {
			c.Data(i)
		}
	}
	if known {
		return rangeOf(c, dt, v[0], v[1], v[2])
	}
	if c.In(0).Data == nil || c.In(1).Data == nil || c.In(2).Data == nil {
		return c.Out(0, dt, sym.Unknown())
	}
	n, err := rangeLen(c.In(0).Data, c.In(1).Data, c.In(2).Data)
	if err != nil {
		return err
	}
	return outSized(c, 0, dt, ops.Num(n))
}

// rangeOf tells length and value of a range of integers.
func rangeOf(c *ops.Infer, dt tensor.DType, start, limit, delta ops.Dim) error {
	step, ok := delta.Int()
	if !ok {
		return c.Out(0, dt, sym.Unknown())
	}
	if step == 0 {
		return errors.New("delta is zero")
	}
	span := limit.Sub(start)
	n := span.CeilDiv(delta)
	if _, plain := span.IsSymbol(); !plain || step != 1 {
		n = n.Max(ops.Num(0)) // a symbol is a dimension, which isn't negative
	}
	if err := outSized(c, 0, dt, n); err != nil {
		return err
	}
	k, isNum := n.Int()
	if !isNum || k > sym.MaxValue {
		return nil
	}
	out := make([]ops.Dim, k)
	for i := range out {
		out[i] = start.Add(delta.Mul(ops.Num(i)))
	}
	c.SetVal(0, out)
	return nil
}

// scalar64 returns the only element of a tensor.
func scalar64(t *tensor.Tensor, what string) (float64, error) {
	if t == nil || t.Len() != 1 {
		return 0, fmt.Errorf("%s must be one number, not %s", what, t)
	}
	var v [1]float64
	num.Load64(v[:], t, 0)
	return v[0], nil
}

// rangeLen returns the number of elements of a range.
func rangeLen(start, limit, delta *tensor.Tensor) (int, error) {
	var v [3]float64
	for i, t := range []*tensor.Tensor{start, limit, delta} {
		var err error
		if v[i], err = scalar64(t, []string{"start", "limit", "delta"}[i]); err != nil {
			return 0, err
		}
	}
	if v[2] == 0 {
		return 0, errors.New("delta is zero")
	}
	n := math.Ceil((v[1] - v[0]) / v[2])
	if n > 1<<40 || n != n {
		return 0, fmt.Errorf("from %g to %g by %g is no range that fits in memory", v[0], v[1], v[2])
	}
	return int(max(n, 0)), nil
}

// evalRange computes integers exactly, and floats in their own precision: start + i·delta, the narrow ones in float32.
func evalRange(c *ops.Call, _ *rangeAttrs) error {
	start, delta := c.In(0), c.In(2)
	n, err := rangeLen(start, c.In(1), delta)
	if err != nil {
		return err
	}
	if !start.DType().IsFloat() {
		s, err := ops.Int64s(start)
		if err != nil {
			return err
		}
		d, _ := ops.Int64s(delta)
		if t := c.Out(0); t != nil {
			n = t.Len()
		}
		out, err := c.OutOrAlloc(0, start.DType(), n)
		if err != nil {
			return err
		}
		v := make([]int64, n)
		for i := range v {
			v[i] = s[0] + int64(i)*d[0]
		}
		num.StoreInt(out, 0, v)
		return nil
	}
	out, err := c.OutOrAlloc(0, start.DType(), n)
	if err != nil {
		return err
	}
	if start.DType() == tensor.Float64 {
		s, d := tensor.View[float64](start)[0], tensor.View[float64](delta)[0]
		for i, y := 0, tensor.View[float64](out); i < n; i++ {
			y[i] = s + float64(float64(i)*d)
		}
		return nil
	}
	var s, d [1]float32
	num.Load32(s[:], start, 0)
	num.Load32(d[:], delta, 0)
	v := make([]float32, n)
	for i := range v {
		v[i] = s[0] + float32(float32(i)*d[0])
	}
	num.Store32(out, 0, v)
	return nil
}
