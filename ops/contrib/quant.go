package contrib

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

// quantOps quantise, and multiply what is quantised.
var quantOps = []*ops.Op{
	expand("QuantizeLinear", "x:T1, y_scale:T1, y_zero_point:T2?", "y:T2", "T1=float|float16; T2=int8|uint8|int16|uint16|int4|uint4", func(g graph, a *quantAttrs) error {
		return g.SetOut(0, g.Op("QuantizeLinear", a.attrs(), g.In(0), g.In(1), g.In(2)))
	}),
	expand("DequantizeLinear", "x:T1, x_scale:T2, x_zero_point:T1?", "y:T2", "T1=int8|uint8|int16|uint16|int32|int4|uint4; T2=float|float16", func(g graph, a *quantAttrs) error {
		return g.SetOut(0, g.Op("DequantizeLinear", a.attrs(), g.In(0), g.In(1), g.In(2)))
	}),
	expand("DynamicQuantizeMatMul", "A:T1, B:T2, b_scale:T1, b_zero_point:T2?, bias:T1?", "Y:T1", "T1=float; T2=int8|uint8", func(g graph, _ *noAttrs) error {
		a := g.Ops("DynamicQuantizeLinear", nil, 3, g.In(0))
		return g.SetOut(0, g.add(g.integerProduct(a[0], g.In(1), a[2], g.In(3), g.mul(a[1], g.In(2))), g.In(4)))
	}),
	expand("MatMulIntegerToFloat", "A:T1, B:T2, a_scale:T3, b_scale:T3, a_zero_point:T1?, b_zero_point:T2?, bias:T3?", "Y:T3",
		"T1=int8|uint8; T2=int8|uint8; T3=float|float16", func(g graph, _ *noAttrs) error {
			scale := g.mul(g.wide(g.In(2)), g.wide(g.In(3)))
			return g.outLike(0, g.add(g.integerProduct(g.In(0), g.In(1), g.In(4), g.In(5), scale), g.wide(g.In(6))), g.In(2))
		}),
	expand("MatMulInteger16", "A:T1, B:T2", "Y:T3", "T1=int16|uint16; T2=int16|uint16; T3=int32|uint32", func(g graph, _ *noAttrs) error {
		dt := tensor.Int32
		if g.Type(0).DT == tensor.Uint16 && g.Type(1).DT == tensor.Uint16 {
			dt = tensor.Uint32
		}
		return g.SetOut(0, g.Op("MatMul", nil, g.cast(g.In(0), dt), g.cast(g.In(1), dt)))
	}),
	expand("MulInteger", "A:T, A_zero_point:T?, B:T, B_zero_point:T?", "C:T1", "T=int8|uint8; T1=int32", func(g graph, _ *noAttrs) error {
		return g.SetOut(0, g.mul(g.centred(g.In(0), g.In(1)), g.centred(g.In(2), g.In(3))))
	}),
	expand("ReduceSumInteger", "data:T1", "reduced:T2", "T1=int8|uint8; T2=int32|uint32", func(g graph, a *reduceAttrs) error {
		dt := tensor.Int32
		if g.Type(0).DT == tensor.Uint8 {
			dt = tensor.Uint32
		}
		return g.SetOut(0, g.Op("ReduceSum", attrs("keepdims", a.Keepdims), g.cast(g.In(0), dt), g.axes(a.Axes)))
	}),
	expand("QGemm", "A:TA, a_scale:T, a_zero_point:TA, B:TB, b_scale:T, b_zero_point:TB, C:TC?, y_scale:T?, y_zero_point:TYZ?", "Y:TY",
		"T=float; TA=int8|uint8; TB=int8|uint8; TC=int32; TYZ=int8|uint8; TY=float|int8|uint8", expandQGemm),
}

type quantAttrs struct{ Axis *int }

// attrs names the axis, if there is one: otherwise scales are scalars, for which the standard's operators need none.
func (a *quantAttrs) attrs() ops.Attrs {
	if a.Axis == nil {
		return nil
	}
	return attrs("axis", *a.Axis)
}

type reduceAttrs struct {
	Axes     []int `onnx:",required"`
	Keepdims int   `onnx:",required"`
}

// axes are the axes of a reduction; none means all.
func (g graph) axes(list []int) ops.Ref {
	if len(list) == 0 {
		return nil
	}
	wide := make([]int64, len(list))
	for i, a := range list {
		wide[i] = int64(a)
	}
	return g.ints(wide...)
}

// centred is x − zero in int32.
func (g graph) centred(x, zero ops.Ref) ops.Ref {
	x = g.cast(x, tensor.Int32)
	if zero == nil {
		return x
	}
	return g.Op("Sub", nil, x, g.cast(zero, tensor.Int32))
}

// integerProduct is (A − zero)·(B − zero) times a scale, in float32.
func (g graph) integerProduct(a, b, zeroA, zeroB, scale ops.Ref) ops.Ref {
	return g.mul(g.cast(g.Op("MatMulInteger", nil, a, b, zeroA, zeroB), tensor.Float32), scale)
}

type qgemmAttrs struct {
	Alpha  float32 `onnx:",1"`
	TransA bool    `onnx:"transA,0"`
	TransB bool    `onnx:"transB,0"`
}

func expandQGemm(g graph, a *qgemmAttrs) error {
	if g.Has(7) != g.Has(8) {
		return fmt.Errorf("y_scale and y_zero_point must come together")
	}
	operand := func(i int, trans bool) ops.Ref {
		if trans {
			return g.Op("Transpose", attrs("perm", []int{1, 0}), g.In(i))
		}
		return g.In(i)
	}
	sum := g.add(g.Op("MatMulInteger", nil, operand(0, a.TransA), operand(3, a.TransB), g.In(2), g.In(5)), g.In(6))
	scale := g.mul(g.mul(g.In(1), g.In(4)), g.scalar(float64(a.Alpha), g.In(1)))
	y := g.mul(g.cast(sum, tensor.Float32), scale)
	if g.Has(7) {
		y = g.Op("QuantizeLinear", nil, y, g.In(7), g.In(8))
	}
	return g.SetOut(0, y)
}
