package contrib

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

const (
	bytes8  = "T=int8|uint8; F=float"
	inputsX = "X:T, X_scale:F, X_zero_point:T?, Y_scale:F, Y_zero_point:T?"
)

// qlinearOps take quantised operands and give quantised results, in real arithmetic between.
var qlinearOps = []*ops.Op{
	qlinearBinary("Add"),
	qlinearBinary("Mul"),
	expand("QLinearSigmoid", inputsX, "Y:T", bytes8, func(g graph, _ *noAttrs) error {
		return g.quantized(3, g.Op("Sigmoid", nil, g.real(0)))
	}),
	expand("QLinearLeakyRelu", inputsX, "Y:T", bytes8, func(g graph, a *leakyAttrs) error {
		return g.quantized(3, g.Op("LeakyRelu", attrs("alpha", a.Alpha), g.real(0)))
	}),
	expand("QLinearSoftmax", "X:T, X_scale:F, X_zero_point:T?, y_scale:F, y_zero_point:T", "Y:T", bytes8, expandQLinearSoftmax),
	expand("QLinearGlobalAveragePool", "X:T, x_scale:F, x_zero_point:T, y_scale:F, y_zero_point:T", "Y:T", bytes8, func(g graph, a *channelsLastAttrs) error {
		return g.quantized(3, g.planes(a.ChannelsLast, g.real(0), func(x ops.Ref) ops.Ref { return g.Op("GlobalAveragePool", nil, x) }))
	}),
	expand("QLinearAveragePool", "X:T, x_scale:F, x_zero_point:T?, y_scale:F, y_zero_point:T?", "Y:T", bytes8, func(g graph, a *qlinearPoolAttrs) error {
		at := attrs("auto_pad", a.AutoPad, "ceil_mode", a.CeilMode, "count_include_pad", a.CountIncludePad, "kernel_shape", a.KernelShape, "pads", a.Pads, "strides", a.Strides)
		return g.quantized(3, g.planes(a.ChannelsLast, g.real(0), func(x ops.Ref) ops.Ref { return g.Op("AveragePool", at, x) }))
	}),
	expand("QLinearReduceMean", "data:T, data_scale:F, data_zero_point:T?, reduced_scale:F, reduced_zero_point:T?", "reduced:T", bytes8, func(g graph, a *reduceAttrs) error {
		return g.quantized(3, g.Op("ReduceMean", attrs("keepdims", a.Keepdims), g.real(0), g.axes(a.Axes)))
	}),
	expand("QLinearWhere", "condition:B, X:T, x_scale:F, x_zero_point:T, Y:T, y_scale:F, y_zero_point:T, z_scale:F, z_zero_point:T", "Z:T", "B=bool; "+bytes8,
		func(g graph, _ *noAttrs) error {
			return g.quantized(7, g.Op("Where", nil, g.In(0), g.real(1), g.real(4)))
		}),
	expand("QLinearConcat", "Y_scale:F, Y_zero_point:T, inputs:~TV*", "Y:T", "TV=int8|uint8|float; "+bytes8, expandQLinearConcat),
	expand("QLinearConv", "x:T1, x_scale:F, x_zero_point:T1, w:T2, w_scale:F, w_zero_point:T2, y_scale:F, y_zero_point:T3, B:T4?", "y:T3",
		"T1=int8|uint8; T2=int8|uint8; T3=int8|uint8; T4=int32; F=float", func(g graph, a *qlinearConvAttrs) error {
			at := (&convAttrs{a.AutoPad, a.Dilations, a.Group, a.KernelShape, a.Pads, a.Strides}).conv()
			return g.SetOut(0, g.planes(a.ChannelsLast, g.In(0), func(x ops.Ref) ops.Ref {
				return g.Op("QLinearConv", at, x, g.In(1), g.In(2), g.In(3), g.In(4), g.In(5), g.In(6), g.In(7), g.In(8))
			}))
		}),
	expand("QEmbedLayerNormalization", "input_ids:T1, segment_ids:T1?, word_embedding_quant:T2, position_embedding_quant:T2, segment_embedding:T2?, gamma_quant:T2, beta_quant:T2, mask:T1?, "+
		"word_embedding_scale:T, position_embedding_scale:T, segment_embedding_scale:T?, gamma_scale:T, beta_scale:T, "+
		"word_embedding_zero_point:T2, position_embedding_zero_point:T2, segment_embedding_zero_point:T2?, gamma_zero_point:T2, beta_zero_point:T2",
		"layernorm_out:T, mask_index_out:T1", "T1=int32; T2=int8|uint8; T=float", expandQEmbed),
}

// real is the operand that begins at input i, followed by scale and zero point, as real numbers.
func (g graph) real(i int) ops.Ref {
	return g.Op("DequantizeLinear", nil, g.In(i), g.In(i+1), g.In(i+2))
}

// quantized makes y the output; inputs i and i+1 are its scale and zero point.
func (g graph) quantized(i int, y ops.Ref) error {
	at := attrs()
	if !g.Has(i + 1) {
		at = attrs("output_dtype", g.Type(0).DT)
	}
	return g.SetOut(0, g.Op("QuantizeLinear", at, y, g.In(i), g.In(i+1)))
}

// planes computes f on planes, between which and rows of channels it converts if need be.
func (g graph) planes(channelsLast int, x ops.Ref, f func(x ops.Ref) ops.Ref) ops.Ref {
	if channelsLast == 0 {
		return f(x)
	}
	return g.Op("ingot.ToNHWC", nil, f(g.Op("ingot.ToNCHW", nil, x)))
}

func qlinearBinary(name string) *ops.Op {
	return expand("QLinear"+name, "A:T, A_scale:F, A_zero_point:T?, B:T, B_scale:F, B_zero_point:T?, C_scale:F, C_zero_point:T?", "C:T", bytes8,
		func(g graph, _ *noAttrs) error { return g.quantized(6, g.Op(name, nil, g.real(0), g.real(3))) })
}

type leakyAttrs struct {
	Alpha float32 `onnx:",0.01"`
}

type channelsLastAttrs struct {
	ChannelsLast int `onnx:",0"`
}

type qlinearPoolAttrs struct {
	AutoPad         string `onnx:",NOTSET"`
	CeilMode        int    `onnx:",0"`
	ChannelsLast    int    `onnx:",0"`
	CountIncludePad int    `onnx:",0"`
	KernelShape     []int  `onnx:",required"`
	Pads            []int
	Strides         []int
}

type qlinearConvAttrs struct {
	AutoPad      string `onnx:",NOTSET"`
	ChannelsLast int    `onnx:",0"`
	Dilations    []int
	Group        int `onnx:",1"`
	KernelShape  []int
	Pads         []int
	Strides      []int
}

type qlinearSoftmaxAttrs struct {
	Axis  int `onnx:",-1"`
	Opset int `onnx:",required"`
}

// expandQLinearSoftmax follows the Softmax of the opset that the attribute names: before 13, all dimensions from the axis on are one.
func expandQLinearSoftmax(g graph, a *qlinearSoftmaxAttrs) error {
	x := g.real(0)
	if a.Opset >= 13 {
		return g.quantized(3, g.Op("Softmax", attrs("axis", a.Axis), x))
	}
	if a.Opset < 1 {
		return fmt.Errorf("attribute opset is %d; it must be positive", a.Opset)
	}
	y := g.Op("Softmax", attrs("axis", -1), g.Op("Flatten", attrs("axis", a.Axis), x))
	return g.quantized(3, g.Op("Reshape", attrs("allowzero", 1), y, g.Op("Shape", nil, x)))
}

type axisAttrs struct {
	Axis int `onnx:",required"`
}

func expandQLinearConcat(g graph, a *axisAttrs) error {
	var parts []ops.Ref
	for i := 2; g.Has(i); i += 3 {
		if !g.Has(i+1) || !g.Has(i+2) || g.Type(i+1).DT != tensor.Float32 || g.Type(i+2).DT != g.Type(i).DT {
			return fmt.Errorf("input %d must be followed by its scale and zero point", i)
		}
		parts = append(parts, g.real(i))
	}
	return g.SetOut(0, g.Op("QuantizeLinear", nil, g.Op("Concat", attrs("axis", a.Axis), parts...), g.In(0), g.In(1)))
}

type qembedAttrs struct {
	Epsilon float32 `onnx:",1e-12"`
}

// expandQEmbed looks rows of quantised tables up and makes real numbers of those only.
func expandQEmbed(g graph, a *qembedAttrs) error {
	for _, i := range []int{4, 10, 15} {
		if g.Has(i) != g.Has(1) {
			return fmt.Errorf("segment_ids, segment_embedding, its scale and its zero point must come together")
		}
	}
	look := func(table int) func(t, ids ops.Ref) ops.Ref {
		return func(t, ids ops.Ref) ops.Ref {
			return g.Op("DequantizeLinear", nil, g.Op("Gather", nil, t, ids), g.In(table+6), g.In(table+11))
		}
	}
	param := func(i int) ops.Ref { return g.Op("DequantizeLinear", nil, g.In(i), g.In(i+6), g.In(i+11)) }
	ids := g.In(0)
	sum := g.add(look(2)(g.In(2), ids), g.positions(ids, g.In(3), nil, look(3)))
	if g.Has(1) {
		sum = g.add(sum, look(4)(g.In(4), g.In(1)))
	}
	if g.Wants(1) {
		if err := g.SetOut(1, g.words(ids, g.In(7))); err != nil {
			return err
		}
	}
	return g.SetOut(0, g.layerNorm(sum, param(5), param(6), a.Epsilon)[0])
}
