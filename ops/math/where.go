package math

import (
	"errors"

	"ingot/internal/kernel/elem"
	"ingot/ops"
	"ingot/tensor"
)

// Where copies elements of any type, by their width.
var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Where", In: "condition:B, X:T, Y:T", Out: "output:T", Types: "B=bool; T=all4",
	Vers: []ops.Ver{{Since: 16}, {Since: 9, Types: "T=all"}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		if err := c.OutBroadcast(0, c.In(1).DT, 0, 1, 2); err != nil {
			return err
		}
		whereVals(c)
		return nil
	},
	Bind:    bindWhere,
	InPlace: [][2]int8{{0, 1}, {0, 2}}, Layout: ops.Layout{Kind: ops.Agnostic},
}))

type whereKernel struct {
	width      elem.Width
	mc, mx, my elem.Map
	c          []uint8
	x, y, d    elem.Raw
	n, per     int
}

func bindWhere(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
	out := b.OutDims(0)
	k := &whereKernel{width: widthOf(b.In(1).DT), n: numel(out)}
	k.per = tileLen(k.n, costLoop)
	var ok [3]bool
	k.mc, ok[0] = elem.NewMap(out, b.Dims(0))
	k.mx, ok[1] = elem.NewMap(out, b.Dims(1))
	k.my, ok[2] = elem.NewMap(out, b.Dims(2))
	if ok != [3]bool{true, true, true} {
		return nil, errors.New("the shapes of condition, X and Y don't broadcast")
	}
	return k, nil
}

func (k *whereKernel) Run(c *ops.Call) error {
	k.c, k.x, k.y, k.d = tensor.View[uint8](c.In(0)), rawOf(c.In(1)), rawOf(c.In(2)), rawOf(c.Out(0))
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *whereKernel) Tile(_ ops.Worker, i int) {
	elem.Where(k.width, k.d, k.c, k.x, k.y, &k.mc, &k.mx, &k.my, i*k.per, min(k.n, (i+1)*k.per))
}

// whereVals tells the value of small integers chosen by a condition that is known.
func whereVals(c *ops.Infer) {
	cond, okC := known(c.In(0))
	x, okX := known(c.In(1))
	y, okY := known(c.In(2))
	if !okC || !okX || !okY {
		return
	}
	n := max(len(cond), len(x), len(y))
	for _, l := range []int{len(cond), len(x), len(y)} {
		if l != 1 && l != n || !sized(c, n) {
			return
		}
	}
	out := make([]ops.Dim, n)
	for i := range out {
		out[i] = y[i%len(y)]
		if b, ok := cond[i%len(cond)].Int(); !ok {
			return
		} else if b != 0 {
			out[i] = x[i%len(x)]
		}
	}
	c.SetVal(0, out)
}
