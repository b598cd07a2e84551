package math

import (
	"errors"

	"ingot/internal/kernel/elem"
	"ingot/ops"
	"ingot/tensor"
)

// opWhere copies elements of any type, by their width.
var opWhere = ops.Def(ops.Spec[noAttrs]{
	Name: "Where", In: "condition:B, X:T, Y:T", Out: "output:T", Types: "B=bool; T=all4",
	Vers: []ops.Ver{{Since: 16}, {Since: 9, Types: "T=all"}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		if err := c.OutBroadcast(0, c.In(1).DT, 0, 1, 2); err != nil {
			return err
		}
		whereVals(c)
		return nil
	},
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		if b.In(1).DT == tensor.String {
			return bindWhere[string](b)
		}
		switch b.In(1).DT.Size() {
		case 1:
			return bindWhere[uint8](b)
		case 2:
			return bindWhere[uint16](b)
		case 4:
			return bindWhere[uint32](b)
		case 8:
			return bindWhere[uint64](b)
		}
		return bindWhere[[2]uint64](b)
	},
	InPlace: [][2]int8{{0, 1}, {0, 2}}, Layout: ops.Layout{Kind: ops.Agnostic},
})

type whereKernel[T any] struct {
	mc, mx, my elem.Map
	c          []uint8
	x, y, d    []T
	n, per     int
}

func bindWhere[T any](b *ops.Bind) (ops.Kernel, error) {
	out := b.OutDims(0)
	k := &whereKernel[T]{n: numel(out)}
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

func (k *whereKernel[T]) Run(c *ops.Call) error {
	k.c, k.x, k.y, k.d = tensor.View[uint8](c.In(0)), tensor.View[T](c.In(1)), tensor.View[T](c.In(2)), tensor.View[T](c.Out(0))
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *whereKernel[T]) Tile(_ ops.Worker, i int) {
	elem.Where(k.d, k.c, k.x, k.y, &k.mc, &k.mx, &k.my, i*k.per, min(k.n, (i+1)*k.per))
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
