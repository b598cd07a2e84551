package math

import (
	"errors"
	"fmt"
	"strings"

	"ingot/internal/kernel/elem"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type castAttrs struct {
	To        tensor.DType `onnx:",required"`
	Saturate  bool         `onnx:",1"`
	RoundMode string       `onnx:",up"`
}

type castLikeAttrs struct {
	Saturate  bool   `onnx:",1"`
	RoundMode string `onnx:",up"`
}

const (
	castTypes = "bfloat16|bool|num|string|float8|uint4|int4|float4e2m1|float8e8m0|uint2|int2"
	castV25   = "T1=" + castTypes + "; T2=" + castTypes
	castV24   = "T1=bfloat16|bool|num|string|float8|uint4|int4|float4e2m1|float8e8m0; T2=bfloat16|bool|num|string|float8|uint4|int4|float4e2m1|float8e8m0"
	castV23   = "T1=bfloat16|bool|num|string|float8|uint4|int4|float4e2m1; T2=bfloat16|bool|num|string|float8|uint4|int4|float4e2m1"
	castV21   = "T1=bfloat16|bool|num|string|float8|uint4|int4; T2=bfloat16|bool|num|string|float8|uint4|int4"
	castV19   = "T1=bfloat16|bool|num|string|float8; T2=bfloat16|bool|num|string|float8"
	castV13   = "T1=bfloat16|bool|num|string; T2=bfloat16|bool|num|string"
	castV9    = "T1=bool|num|string; T2=bool|num|string"
	castV6    = "T1=bool|num; T2=bool|num"
)

var (
	_ = Ops.Add(ops.Def(ops.Spec[castAttrs]{
		Name: "Cast", In: "input:T1", Out: "output:T2", Types: castV25,
		Vers: []ops.Ver{{Since: 28}, {Since: 25}, {Since: 24, Types: castV24}, {Since: 23, Types: castV23, Attrs: "-round_mode"},
			{Since: 21, Types: castV21}, {Since: 19, Types: castV19}, {Since: 13, Types: castV13, Attrs: "-saturate"}, {Since: 9, Types: castV9},
			{Since: 6, Types: castV6}, {Since: 1, Attrs: "to:string=required", Up: castTo}},
		Infer:   func(c *ops.Infer, a *castAttrs) error { return inferCast(c, a.To, a.RoundMode) },
		Bind:    func(b *ops.Bind, a *castAttrs) (ops.Kernel, error) { return bindCast(b, a.Saturate, a.RoundMode) },
		InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[castLikeAttrs]{
		Name: "CastLike", In: "input:T1, target_type:T2", Out: "output:T2", Types: castV25,
		Vers: []ops.Ver{{Since: 25}, {Since: 24, Types: castV24}, {Since: 23, Types: castV23, Attrs: "-round_mode"}, {Since: 21, Types: castV21},
			{Since: 19, Types: castV19}, {Since: 15, Types: castV13, Attrs: "-saturate"}},
		Infer:   func(c *ops.Infer, a *castLikeAttrs) error { return inferCast(c, c.In(1).DT, a.RoundMode) },
		Bind:    func(b *ops.Bind, a *castLikeAttrs) (ops.Kernel, error) { return bindCast(b, a.Saturate, a.RoundMode) },
		InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
	}))
)

// castTo reads the type's name that version 1 has in the place of its number.
func castTo(r *ops.Rewrite) error {
	name := r.Take("to").S
	for _, dt := range tensor.AllTypes.List() {
		if strings.EqualFold(dt.ONNX(), name) {
			r.Attrs["to"] = ops.IntAttr(dt)
			return nil
		}
	}
	return fmt.Errorf("attribute to: unknown type %q", name)
}

func inferCast(c *ops.Infer, to tensor.DType, roundMode string) error {
	if to != tensor.Invalid && !num.Numeric.Has(to) && to != tensor.String {
		return fmt.Errorf("can't cast to %s", to)
	}
	if to == tensor.Invalid && c.NumIn() == 1 {
		return errors.New("attribute to: 0 is no element type")
	}
	if _, err := castRules(true, roundMode); err != nil {
		return err
	}
	t := c.In(0)
	if err := c.OutType(0, ops.Type{DT: to, Shape: t.Shape, Ranked: t.Ranked}); err != nil {
		return err
	}
	if v, ok := known(t); ok && (to == tensor.Int64 || to == tensor.Int32 || to == tensor.Bool) {
		castVals(c, v, to)
	}
	return nil
}

// castVals follows a value from one integer type to another.
func castVals(c *ops.Infer, v []ops.Dim, to tensor.DType) {
	out := make([]ops.Dim, len(v))
	for i, d := range v {
		n, isNum := d.Int()
		switch {
		case to == tensor.Bool && !isNum, !fits(d, to):
			return
		case to == tensor.Bool:
			d = bit(n != 0)
		}
		out[i] = d
	}
	c.SetVal(0, out)
}

func castRules(saturate bool, mode string) (num.Rules, error) {
	r := num.Rules{NoSaturate: !saturate}
	switch mode {
	case "up":
		r.Round = tensor.RoundUp
	case "down":
		r.Round = tensor.RoundDown
	case "nearest":
		r.Round = tensor.RoundNearest
	default:
		return r, fmt.Errorf(`attribute round_mode: %q, must be "up", "down" or "nearest"`, mode)
	}
	return r, nil
}

func bindCast(b *ops.Bind, saturate bool, mode string) (ops.Kernel, error) {
	rules, err := castRules(saturate, mode)
	if err != nil {
		return nil, err
	}
	from, to := b.In(0).DT, b.Out(0).DT
	n := numel(b.Dims(0))
	switch {
	case from == tensor.String && to == tensor.String:
		return bindUnary(b, func(d, s elem.Raw) { d.Copy(elem.Text, s) }, costScalar)
	case from == tensor.String:
		return parseKernel{rules}, nil
	case to == tensor.String:
		return formatKernel{}, nil
	}
	k := &castKernel{rules: rules, n: n}
	k.per = tileLen(n, costLoop)
	return k, nil
}

type castKernel struct {
	rules   num.Rules
	in, out *tensor.Tensor
	n, per  int
}

func (k *castKernel) Run(c *ops.Call) error {
	k.in, k.out = c.In(0), c.Out(0)
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *castKernel) Tile(_ ops.Worker, i int) {
	lo := i * k.per
	k.rules.Convert(k.out, k.in, lo, min(k.per, k.n-lo))
}

type bitCastAttrs struct {
	To tensor.DType `onnx:",required"`
}

const bitCastTypes = "bfloat16|bool|num|complex64|complex128|float8|uint4|int4|float4e2m1|float8e8m0|uint2|int2"

// opBitCast keeps the bits. In memory these are the same bytes, except that types of 2 and 4 bits have a byte of their own, extended with
// the sign where there is one, and that a bool is 0 or 1.
func opBitCast() *ops.Op {
	return ops.Def(ops.Spec[bitCastAttrs]{
		Name: "BitCast", In: "input:T1", Out: "output:T2", Types: "T1=" + bitCastTypes + "; T2=" + bitCastTypes, Vers: []ops.Ver{{Since: 26}},
		Infer: func(c *ops.Infer, a *bitCastAttrs) error {
			t := c.In(0)
			if a.To.Bits() == 0 || t.DT != tensor.Invalid && t.DT.Bits() != a.To.Bits() {
				return fmt.Errorf("attribute to: %s isn't of the same width as %s", a.To, t.DT)
			}
			return c.OutType(0, ops.Type{DT: a.To, Shape: t.Shape, Ranked: t.Ranked})
		},
		View: func(c *ops.Infer, a *bitCastAttrs, _ int) (int, int, bool) {
			return 0, 0, a.To != tensor.Bool && a.To.Bits() >= 8
		},
		Bind: func(b *ops.Bind, a *bitCastAttrs) (ops.Kernel, error) {
			k := &bitCastKernel{to: a.To, n: numel(b.Dims(0)) * a.To.Size()}
			k.per = tileLen(k.n, costMove/4)
			return k, nil
		},
		InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
	})
}

type bitCastKernel struct {
	to     tensor.DType
	s, d   []byte
	n, per int
}

func (k *bitCastKernel) Run(c *ops.Call) error {
	k.s, k.d = c.In(0).Bytes(), c.Out(0).Bytes()
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *bitCastKernel) Tile(_ ops.Worker, i int) {
	lo, hi := i*k.per, min(k.n, (i+1)*k.per)
	d, s := k.d[lo:hi], k.s[lo:hi]
	switch k.to {
	case tensor.Bool:
		for i, b := range s {
			d[i] = min(b, 1)
		}
	case tensor.Uint4, tensor.Float4E2M1:
		for i, b := range s {
			d[i] = b & 15
		}
	case tensor.Int4:
		for i, b := range s {
			d[i] = byte(int8(b<<4) >> 4)
		}
	case tensor.Uint2:
		for i, b := range s {
			d[i] = b & 3
		}
	case tensor.Int2:
		for i, b := range s {
			d[i] = byte(int8(b<<6) >> 6)
		}
	default:
		copy(d, s)
	}
}
