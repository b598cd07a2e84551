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
	expand("SampleOp", "X:T", "Y:T", "T=uint32|uint64|int32|int64|floats", func(g graph, _ *noAttrs) error {
		return g.SetOut(0, g.Op("Identity", nil, g.In(0)))
	}),
	expand("UnfoldTensor", "input:T", "output:T", "T=all4", expandUnfold),
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

type unfoldAttrs struct {
	Dim  int `onnx:",-1"`
	Size int `onnx:",required"`
	Step int `onnx:",1"`
}

// expandUnfold gathers the windows along a dimension and moves the dimension inside of them to the end.
func expandUnfold(g graph, a *unfoldAttrs) error {
	rank, err := g.rank(0, "input")
	if err != nil {
		return err
	}
	dim, err := ops.Axis(a.Dim, rank)
	if err != nil {
		return fmt.Errorf("attribute dim: %w", err)
	}
	if a.Size < 1 || a.Step < 1 {
		return fmt.Errorf("size is %d and step %d; both must be positive", a.Size, a.Step)
	}
	if n, ok := g.Type(0).Shape[dim].Int(); ok && n < int64(a.Size) {
		return fmt.Errorf("input is %s; its dimension %d has no window of %d", g.Type(0), dim, a.Size)
	}
	number := func(v int) ops.Ref { return g.Const(tensor.Scalar(int64(v))) }
	length := g.Op("Squeeze", nil, g.Op("Shape", attrs("start", dim, "end", dim+1), g.In(0)))
	starts := g.Op("Range", nil, number(0), g.add(length, number(1-a.Size)), number(a.Step))
	places := g.add(g.Op("Unsqueeze", nil, starts, g.ints(1)), g.Op("Range", nil, number(0), number(a.Size), number(1)))
	perm := make([]int, 0, rank+1)
	for d := range rank + 1 {
		if d != dim+1 {
			perm = append(perm, d)
		}
	}
	return g.SetOut(0, g.Op("Transpose", attrs("perm", append(perm, dim+1)), g.Op("Gather", attrs("axis", dim), g.In(0), places)))
}
