package contrib

import (
	"ingot/ops"
)

// windowOps are convolutions and pools.
var windowOps = []*ops.Op{
	expand("FusedConv", "X:T, W:T, B:T?, Z:T?", "Y:T", "T=floats", func(g graph, a *fusedConvAttrs) error {
		y := g.Op("Conv", a.conv(), g.In(0), g.In(1), g.In(2))
		return a.finish(g, g.add(y, g.In(3)))
	}),
	expand("NhwcConv", "X:T, W:T, B:T?", "Y:T", "T=float|float16", func(g graph, a *convAttrs) error {
		return g.SetOut(0, g.Op("ingot.ConvNHWC", a.conv(), g.In(0), g.In(1), g.In(2)))
	}),
	expand("NhwcFusedConv", "X:T, W:T, B:T?, Z:T?", "Y:T", "T=float|float16", func(g graph, a *fusedConvAttrs) error {
		return a.finish(g, g.Op("ingot.ConvNHWC", a.conv(), g.In(0), g.In(1), g.In(2), g.In(3)))
	}),
	expand("NhwcMaxPool", "x:T", "y:T", "T=int8|uint8", func(g graph, a *nhwcMaxPoolAttrs) error {
		at := attrs("auto_pad", a.AutoPad, "ceil_mode", a.CeilMode, "dilations", a.Dilations, "kernel_shape", a.KernelShape, "pads", a.Pads, "strides", a.Strides)
		return g.SetOut(0, g.Op("ingot.ToNHWC", nil, g.Op("MaxPool", at, g.Op("ingot.ToNCHW", nil, g.In(0)))))
	}),
}

type convAttrs struct {
	AutoPad     string `onnx:",NOTSET"`
	Dilations   []int
	Group       int `onnx:",1"`
	KernelShape []int
	Pads        []int
	Strides     []int
}

func (a *convAttrs) conv() ops.Attrs {
	return attrs("auto_pad", a.AutoPad, "dilations", a.Dilations, "group", a.Group, "kernel_shape", a.KernelShape, "pads", a.Pads, "strides", a.Strides)
}

type fusedConvAttrs struct {
	AutoPad          string `onnx:",NOTSET"`
	Dilations        []int
	Group            int `onnx:",1"`
	KernelShape      []int
	Pads             []int
	Strides          []int
	Activation       string
	ActivationParams []float32
}

func (a *fusedConvAttrs) conv() ops.Attrs {
	return (&convAttrs{a.AutoPad, a.Dilations, a.Group, a.KernelShape, a.Pads, a.Strides}).conv()
}

// finish makes the activation of y the output.
func (a *fusedConvAttrs) finish(g graph, y ops.Ref) error {
	y, err := g.activation(a.Activation, a.ActivationParams, y)
	if err != nil {
		return err
	}
	return g.SetOut(0, y)
}

type nhwcMaxPoolAttrs struct {
	AutoPad     string `onnx:",NOTSET"`
	CeilMode    int    `onnx:",0"`
	Dilations   []int
	KernelShape []int `onnx:",required"`
	Pads        []int
	Strides     []int
}
