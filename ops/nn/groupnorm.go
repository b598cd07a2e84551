package nn

import (
	"errors"
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type groupNormAttrs struct {
	Epsilon   float32 `onnx:",1e-05"`
	NumGroups int     `onnx:",required"`
	StashType int     `onnx:",1"`
}

// GroupNormalization gives groups of channels of each image zero mean and unit variance, then scales and shifts each channel.
var GroupNormalization = Ops.Add(ops.Def(ops.Spec[groupNormAttrs]{
	Name: "GroupNormalization", In: "X:T, scale:T, bias:T", Out: "Y:T", Types: "T=floats4",
	Vers:    []ops.Ver{{Since: 21}, {Since: 18, Attrs: "-stash_type", Old: groupNorm18}},
	Infer:   func(c *ops.Infer, a *groupNormAttrs) error { return a.infer(c, false) },
	Bind:    func(b *ops.Bind, a *groupNormAttrs) (ops.Kernel, error) { return a.bind(b, false) },
	InPlace: [][2]int8{{0, 0}},
}))

type groupNorm18Attrs struct {
	Epsilon   float32 `onnx:",1e-05"`
	NumGroups int     `onnx:",required"`
}

// groupNorm18 is version 18, in which scale and bias had an element for each group.
var groupNorm18 = ops.Def(ops.Spec[groupNorm18Attrs]{
	Name: "GroupNormalization", In: "X:T, scale:T, bias:T", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 18}},
	Infer:   func(c *ops.Infer, a *groupNorm18Attrs) error { return a.newer().infer(c, true) },
	Bind:    func(b *ops.Bind, a *groupNorm18Attrs) (ops.Kernel, error) { return a.newer().bind(b, true) },
	InPlace: [][2]int8{{0, 0}},
})

func (a *groupNorm18Attrs) newer() *groupNormAttrs {
	return &groupNormAttrs{a.Epsilon, a.NumGroups, int(tensor.Float32)}
}

func (a *groupNormAttrs) infer(c *ops.Infer, shared bool) error {
	if a.StashType < 0 || a.StashType > 255 || !tensor.Floats16.Has(tensor.DType(a.StashType)) {
		return fmt.Errorf("stash_type is %d; it must be 1, 10, 11 or 16: a floating-point type", a.StashType)
	}
	if a.NumGroups < 1 {
		return fmt.Errorf("attribute num_groups: %d; must be at least 1", a.NumGroups)
	}
	c.OutLike(0, 0)
	s, ok := c.Shape(0)
	if !ok {
		return nil
	}
	if len(s) < 2 {
		return fmt.Errorf("input X is %s; it must have channels", sym.ShapeString(s))
	}
	if n, ok := s[1].Int(); ok && n%int64(a.NumGroups) != 0 {
		return fmt.Errorf("input X has %d channels, which %d groups can't share", n, a.NumGroups)
	}
	params := s[1]
	if shared {
		params = ops.Num(a.NumGroups)
	}
	for i, name := range []string{"scale", "bias"} {
		if _, err := vectorOf(c, i+1, name, params); err != nil {
			if shared {
				return errors.Join(err, errors.New("version 18 scales groups, not channels"))
			}
			return err
		}
	}
	return nil
}

func (a *groupNormAttrs) bind(b *ops.Bind, shared bool) (ops.Kernel, error) {
	d := b.Dims(0)
	n := normGroups{images: d[0], groups: a.NumGroups, channels: d[1] / a.NumGroups, pixels: elements(d[2:]), eps: a.Epsilon, shared: shared}
	if b.In(0).DT == tensor.Float64 || tensor.DType(a.StashType) == tensor.Float64 {
		return bindGroups[float64](b, &n)
	}
	return bindGroups[float32](b, &n)
}
