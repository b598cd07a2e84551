package nn

import (
	"fmt"

	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type instanceNormAttrs struct {
	Epsilon float32 `onnx:",1e-05"`
}

// InstanceNormalization gives each channel of each image zero mean and unit variance, then scales and shifts it.
var InstanceNormalization = Ops.Add(ops.Def(ops.Spec[instanceNormAttrs]{
	Name: "InstanceNormalization", In: "input:T, scale:T, B:T", Out: "output:T", Types: "T=floats4",
	Vers: []ops.Ver{{Since: 22}, {Since: 6, Types: "T=floats"},
		{Since: 1, Attrs: "+consumed_inputs:ints", Up: ops.DropAttrs("consumed_inputs")}},
	Infer: func(c *ops.Infer, _ *instanceNormAttrs) error {
		if s, ok := c.Shape(0); ok {
			if len(s) < 3 {
				return fmt.Errorf("input has rank %d; images have at least 3 dimensions", len(s))
			}
			for i, name := range []string{"scale", "B"} {
				if _, err := vectorOf(c, i+1, name, s[1]); err != nil {
					return err
				}
			}
		}
		return c.OutLike(0, 0)
	},
	Bind: func(b *ops.Bind, a *instanceNormAttrs) (ops.Kernel, error) {
		d := b.Dims(0)
		n := normGroups{images: d[0], groups: d[1], channels: 1, pixels: elements(d[2:]), eps: a.Epsilon}
		if b.In(0).DT == tensor.Float64 {
			return bindGroups[float64](b, &n)
		}
		return bindGroups[float32](b, &n)
	},
	InPlace: [][2]int8{{0, 0}},
}))

// normGroups are images in which groups of channels are normalised.
type normGroups struct {
	images, groups   int
	channels, pixels int // of a group
	eps              float32
	shared           bool // scale and shift have an element for each group, not for each channel
}

// groupsKernel normalises groups of channels.
type groupsKernel[T real.Float] struct {
	moments[T]
	params [2]wide.Operand[T]
}

func bindGroups[T real.Float](b *ops.Bind, n *normGroups) (ops.Kernel, error) {
	k := &groupsKernel[T]{}
	size := n.channels * n.pixels
	k.groups, k.width, k.eps = walk{{n.images * n.groups, size}}, size, T(n.eps)
	k.period, k.perGroup, k.plane = max(n.groups, 1), n.channels, max(n.pixels, 1)
	if n.shared {
		k.perGroup, k.plane = 1, max(size, 1)
	}
	k.prepare(b)
	var room wide.Room[T]
	for i := range k.params {
		k.params[i] = room.In(b, i+1)
	}
	room.Claim(b)
	return k, nil
}

// Run normalises.
func (k *groupsKernel[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	k.scale, k.shift = k.params[0].Load(c, s), k.params[1].Load(c, s)
	return k.run(c)
}
