package contrib

import (
	"fmt"

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
	expand("ConvTransposeWithDynamicPads", "X:T, W:T, Pads:int64?, B:T?", "Y:T", "T=floats", func(g graph, a *dynamicPadsAttrs) error {
		if a.AutoPad != "NOTSET" && g.Has(2) {
			return fmt.Errorf("auto_pad is %s, but Pads is there", a.AutoPad)
		}
		at := attrs("auto_pad", a.AutoPad, "dilations", a.Dilations, "group", a.Group, "kernel_shape", a.KernelShape, "output_padding", a.OutputPadding, "strides", a.Strides)
		y := g.Op("ConvTranspose", at, g.In(0), g.In(1), g.In(3))
		if !g.Has(2) {
			return g.SetOut(0, y)
		}
		rank, err := g.rank(0, "X")
		if err != nil {
			return err
		}
		pads := g.Ops("Split", attrs("num_outputs", 2), 2, g.In(2)) // what is cut off in front and behind
		ends := g.Op("Sub", nil, g.Op("Shape", attrs("start", 2), y), pads[1])
		axes := make([]int64, 0, rank)
		for d := 2; d < rank; d++ {
			axes = append(axes, int64(d))
		}
		return g.SetOut(0, g.Op("Slice", nil, y, pads[0], ends, g.ints(axes...)))
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

type dynamicPadsAttrs struct {
	AutoPad       string `onnx:",NOTSET"`
	Dilations     []int
	Group         int `onnx:",1"`
	KernelShape   []int
	OutputPadding []int
	Strides       []int
}

type nhwcMaxPoolAttrs struct {
	AutoPad     string `onnx:",NOTSET"`
	CeilMode    int    `onnx:",0"`
	Dilations   []int
	KernelShape []int `onnx:",required"`
	Pads        []int
	Strides     []int
}
