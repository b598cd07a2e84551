package contrib

import (
	"fmt"
	"math"

	"ingot/ops"
)

// unreleased are operators of the default domain that were experiments and never part of a release of the standard.
var unreleased = []*ops.Op{
	expandIn("", "Affine", "X:T", "Y:T", "T=floats", func(g graph, a *affineAttrs) error {
		return g.SetOut(0, g.add(g.mul(g.In(0), g.scalar(float64(a.Alpha), g.In(0))), g.scalar(float64(a.Beta), g.In(0))))
	}),
	expandIn("", "Scale", "input:T", "output:T", "T=floats", func(g graph, a *scaleAttrs) error {
		return g.SetOut(0, g.mul(g.In(0), g.scalar(float64(a.Scale), g.In(0))))
	}),
	expandIn("", "ScaledTanh", "input:T", "output:T", "T=floats", func(g graph, a *twoAttrs) error {
		alpha, beta, err := a.both()
		if err != nil {
			return err
		}
		x := g.In(0)
		return g.SetOut(0, g.mul(g.Op("Tanh", nil, g.mul(x, g.scalar(beta, x))), g.scalar(alpha, x)))
	}),
	expandIn("", "ParametricSoftplus", "X:T", "Y:T", "T=floats", func(g graph, a *twoAttrs) error {
		alpha, beta, err := a.both()
		if err != nil {
			return err
		}
		x := g.In(0)
		return g.SetOut(0, g.mul(g.Op("Softplus", nil, g.mul(x, g.scalar(beta, x))), g.scalar(alpha, x)))
	}),
	expandIn("", "ImageScaler", "input:T", "output:T", "T=floats", func(g graph, a *imageScalerAttrs) error {
		x := g.In(0)
		y := g.mul(x, g.scalar(float64(a.Scale), x))
		if len(a.Bias) > 0 {
			bias := make([]ops.Ref, len(a.Bias))
			for i, b := range a.Bias {
				bias[i] = g.Op("Unsqueeze", nil, g.scalar(float64(b), x), g.ints(0, 1, 2))
			}
			y = g.add(y, g.Op("Concat", attrs("axis", 0), bias...))
		}
		return g.SetOut(0, y)
	}),
	expandIn("", "Crop", "input:T", "output:T", "T=floats", func(g graph, a *cropAttrs) error { return a.expand(g) }),
	expandIn("", "DynamicSlice", "data:T, starts:Tind, ends:Tind, axes:Tind?", "output:T", "T=all; Tind=int32|int64", func(g graph, _ *noAttrs) error {
		return g.SetOut(0, g.Op("Slice", nil, g.In(0), g.In(1), g.In(2), g.In(3)))
	}),
}

type affineAttrs struct {
	Alpha float32 `onnx:",1"`
	Beta  float32 `onnx:",0"`
}

type scaleAttrs struct {
	Scale float32 `onnx:",1"`
}

type twoAttrs struct{ Alpha, Beta *float32 }

func (a *twoAttrs) both() (alpha, beta float64, err error) {
	if a.Alpha == nil || a.Beta == nil {
		return 0, 0, fmt.Errorf("the attributes alpha and beta must both be there")
	}
	return float64(*a.Alpha), float64(*a.Beta), nil
}

type imageScalerAttrs struct {
	Scale float32 `onnx:",1"`
	Bias  []float32
}

type cropAttrs struct {
	Border []int // left, top, right, bottom
	Scale  []int // height, width
}

// expand cuts borders off the last two dimensions; with a scale, left and top give the corner and scale the size.
func (a *cropAttrs) expand(g graph) error {
	if len(a.Border) != 4 {
		return fmt.Errorf("attribute border is %v; it must have 4 elements: left, top, right, bottom", a.Border)
	}
	for _, b := range a.Border {
		if b < 0 {
			return fmt.Errorf("attribute border is %v; no border may be negative", a.Border)
		}
	}
	left, top := int64(a.Border[0]), int64(a.Border[1])
	end := func(border int) int64 {
		if border == 0 {
			return math.MaxInt64
		}
		return -int64(border)
	}
	bottom, right := end(a.Border[3]), end(a.Border[2])
	if len(a.Scale) > 0 {
		if len(a.Scale) != 2 || a.Scale[0] < 0 || a.Scale[1] < 0 {
			return fmt.Errorf("attribute scale is %v; it must be a height and a width", a.Scale)
		}
		bottom, right = top+int64(a.Scale[0]), left+int64(a.Scale[1])
	}
	return g.SetOut(0, g.Op("Slice", nil, g.In(0), g.ints(top, left), g.ints(bottom, right), g.ints(2, 3)))
}
