package contrib

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

// movingOps move elements, or make them.
var movingOps = []*ops.Op{
	expand("ExpandDims", "X:T, axis:I", "Y:T", "T=all4; I=int32", func(g graph, _ *noAttrs) error {
		axis := g.Op("Reshape", nil, g.cast(g.In(1), tensor.Int64), g.ints(1))
		return g.SetOut(0, g.Op("Unsqueeze", nil, g.In(0), axis))
	}),
	expand("Trilu", "X:T, k:I?", "Y:T", "T=num4|bool; I=int64", func(g graph, a *triluAttrs) error {
		k := g.In(1)
		if k != nil {
			k = g.Op("Reshape", nil, k, g.Const(tensor.Of([]int64{}, 0)))
		}
		return g.SetOut(0, g.Op("Trilu", attrs("upper", a.Upper), g.In(0), k))
	}),
	expand("Unique", "x:T", "y:T, idx:I, counts:I", "T=all; I=int64", func(g graph, _ *noAttrs) error {
		out := g.Ops("Unique", attrs("sorted", 0), 4, g.In(0))
		g.SetOut(0, out[0])
		g.SetOut(1, out[2])
		return g.SetOut(2, out[3])
	}),
	expand("Pad", "data:T, pads:I, value:T?", "output:T", "T=floats; I=int64", func(g graph, a *padAttrs) error {
		switch a.Mode {
		case "constant", "reflect", "edge":
		default:
			return fmt.Errorf("attribute mode is %q; it must be constant, reflect or edge", a.Mode)
		}
		value := g.In(2)
		if value != nil {
			value = g.Op("Reshape", nil, value, g.Const(tensor.Of([]int64{}, 0)))
		}
		return g.SetOut(0, g.Op("Pad", attrs("mode", a.Mode), g.In(0), g.Op("Reshape", nil, g.In(1), g.ints(-1)), value))
	}),
	expand("Range", "start:T, limit:T, delta:T?", "Y:T", "T=float|double|int16|int32|int64", func(g graph, _ *noAttrs) error {
		scalar := func(v ops.Ref) ops.Ref { return g.Op("Reshape", nil, v, g.Const(tensor.Of([]int64{}, 0))) }
		delta := g.scalar(1, g.In(0))
		if g.Has(2) {
			delta = scalar(g.In(2))
		}
		return g.SetOut(0, g.Op("Range", nil, scalar(g.In(0)), scalar(g.In(1)), delta))
	}),
	expand("GatherND", "data:T, indices:Tind", "output:T", "T=all4; Tind=int32|int64", func(g graph, _ *noAttrs) error {
		return g.SetOut(0, g.Op("GatherND", nil, g.In(0), g.cast(g.In(1), tensor.Int64)))
	}),
	expand("GridSample", "X:T1, Grid:T1", "Y:T2", "T1=floats; T2=floats", func(g graph, a *gridSampleAttrs) error {
		mode := a.Mode
		switch mode {
		case "bilinear":
			mode = "linear"
		case "bicubic":
			mode = "cubic"
		case "nearest":
		default:
			return fmt.Errorf("attribute mode is %q; it must be bilinear, nearest or bicubic", mode)
		}
		at := attrs("align_corners", a.AlignCorners, "mode", mode, "padding_mode", a.PaddingMode)
		return g.SetOut(0, g.Op("GridSample", at, g.In(0), g.In(1)))
	}),
}

type triluAttrs struct {
	Upper int `onnx:",1"`
}

type padAttrs struct {
	Mode string `onnx:",constant"`
}

type gridSampleAttrs struct {
	AlignCorners int    `onnx:",0"`
	Mode         string `onnx:",bilinear"`
	PaddingMode  string `onnx:",zeros"`
}
