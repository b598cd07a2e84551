package math

import (
	"errors"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// Sum, Mean, Max and Min fold any number of operands, broadcast to each other, from the first to the last.
var (
	_ = Ops.Add(variadic("Sum", "sum", "T=floats4", sinceSum, nil, false, addLoops))
	_ = Ops.Add(variadic("Mean", "mean", "T=floats4", sinceSum, nil, true, addLoops))
	_ = Ops.Add(variadic("Max", "max", "T=num4", sinceMax, maxVal, false, binaryLoops{
		f32: vec.Max, vs: vec.MaxS, sv: func(d []float32, s float32, b []float32) { vec.MaxS(d, b, s) },
		f64: elem.Max[float64], i32: elem.Max[int32], i64: elem.Max[int64],
		u64: elem.Max[uint64]}))
	_ = Ops.Add(variadic("Min", "min", "T=num4", sinceMax, minVal, false, binaryLoops{
		f32: vec.Min, vs: vec.MinS, sv: func(d []float32, s float32, b []float32) { vec.MinS(d, b, s) },
		f64: elem.Min[float64], i32: elem.Min[int32], i64: elem.Min[int64],
		u64: elem.Min[uint64]}))

	addLoops = binaryLoops{
		f32: vec.Add, vs: vec.AddS, sv: func(d []float32, s float32, b []float32) { vec.AddS(d, b, s) },
		f64: elem.Add[float64]}

	sinceSum = []ops.Ver{{Since: 13}, {Since: 8, Types: "T=floats"}, {Since: 6}, consumed}
	sinceMax = []ops.Ver{{Since: 13}, {Since: 12, Types: "T=num"}, {Since: 8, Types: "T=floats"}, {Since: 6}, consumed}
)

func variadic(name, out, types string, vers []ops.Ver, vals func(x, y ops.Dim) (ops.Dim, bool), mean bool, l binaryLoops) *ops.Op {
	return ops.Def(ops.Spec[noAttrs]{
		Name: name, In: "data_0:T*", Out: out + ":T", Types: types, Vers: vers,
		Infer: func(c *ops.Infer, _ *noAttrs) error {
			ins := make([]int, c.NumIn())
			for i := range ins {
				if !c.Has(i) {
					return errors.New("none of the inputs may be absent")
				}
				ins[i] = i
			}
			if err := c.OutBroadcast(0, c.In(0).DT, ins...); err != nil {
				return err
			}
			if vals != nil && c.NumIn() == 2 {
				pairVals(c, c.In(0).DT, vals)
			}
			return nil
		},
		Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
			if len(b.Ins) == 2 && !mean {
				return l.bind(b)
			}
			return bindVariadic(b, &l, mean)
		},
		InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
	})
}

func bindVariadic(b *ops.Bind, l *binaryLoops, mean bool) (ops.Kernel, error) {
	count := len(b.Ins)
	switch dt := b.In(0).DT; {
	case dt == tensor.Float64:
		return newVariadic(b, &via64, l.of(dt), divider[float64](mean, count))
	case dt == tensor.Uint64:
		return newVariadic(b, &viaUint, l.of(dt), nil)
	case dt.IsInteger():
		return newVariadic(b, &viaInt, l.of(tensor.Int64), nil)
	}
	return newVariadic(b, &via32, l.of(tensor.Float32), divider[float32](mean, count))
}

// divider divides its second operand by n.
func divider[T elem.Float](wanted bool, n int) elem.Loop1 {
	if !wanted {
		return nil
	}
	return elem.Loop1Of(func(d, s []T) {
		for i, v := range s {
			d[i] = v / T(n)
		}
	})
}

// variadicKernel folds the operands block by block in one type.
type variadicKernel struct {
	via    *exchange
	loop   elem.Loop2
	last   elem.Loop1 // of the result; or nil
	maps   []elem.Map
	ins    []*tensor.Tensor
	out    *tensor.Tensor
	n, per int
}

func newVariadic(b *ops.Bind, via *exchange, loop elem.Loop2, last elem.Loop1) (ops.Kernel, error) {
	if loop == nil {
		return nil, noLoop(b)
	}
	out := b.OutDims(0)
	k := &variadicKernel{via: via, loop: loop, last: last, n: numel(out), ins: make([]*tensor.Tensor, len(b.Ins))}
	for i := range b.Ins {
		m, ok := elem.NewMap(out, b.Dims(i))
		if !ok {
			return nil, errors.New("the inputs' shapes don't broadcast")
		}
		k.maps = append(k.maps, m)
	}
	k.per = tileLen(k.n, costMove*2*len(b.Ins))
	return k, nil
}

func (k *variadicKernel) Run(c *ops.Call) error {
	for i := range k.ins {
		k.ins[i] = c.In(i)
	}
	k.out = c.Out(0)
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *variadicKernel) Tile(w ops.Worker, i int) {
	width := k.via.width
	scratch := rawScratch(w, width, 2*num.Block)
	hi := min(k.n, (i+1)*k.per)
	for lo := i * k.per; lo < hi; lo += num.Block {
		n := min(num.Block, hi-lo)
		acc, x := scratch.Slice(width, 0, n), scratch.Slice(width, num.Block, num.Block+n)
		k.via.load(acc, k.ins[0], &k.maps[0], lo)
		for j := 1; j < len(k.ins); j++ {
			k.via.load(x, k.ins[j], &k.maps[j], lo)
			k.loop(acc, acc, x)
		}
		if k.last != nil {
			k.last(acc, acc)
		}
		k.via.put(k.out, lo, acc)
	}
}
