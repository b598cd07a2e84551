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
	opSum  = variadic("Sum", "sum", "T=floats4", sinceSum, nil, false, addLoops)
	opMean = variadic("Mean", "mean", "T=floats4", sinceSum, nil, true, addLoops)
	opMax  = variadic("Max", "max", "T=num4", sinceMax, maxVal, false, binaryLoops{
		f32: elem.Binary[float32, float32]{VV: vec.Max, VS: vec.MaxS, SV: func(d []float32, s float32, b []float32) { vec.MaxS(d, b, s) }},
		f64: elem.Max[float64], i8: elem.Max[int8], i16: elem.Max[int16], i32: elem.Max[int32], i64: elem.Max[int64],
		u8: elem.Max[uint8], u16: elem.Max[uint16], u32: elem.Max[uint32], u64: elem.Max[uint64]})
	opMin = variadic("Min", "min", "T=num4", sinceMax, minVal, false, binaryLoops{
		f32: elem.Binary[float32, float32]{VV: vec.Min, VS: vec.MinS, SV: func(d []float32, s float32, b []float32) { vec.MinS(d, b, s) }},
		f64: elem.Min[float64], i8: elem.Min[int8], i16: elem.Min[int16], i32: elem.Min[int32], i64: elem.Min[int64],
		u8: elem.Min[uint8], u16: elem.Min[uint16], u32: elem.Min[uint32], u64: elem.Min[uint64]})

	addLoops = binaryLoops{
		f32: elem.Binary[float32, float32]{VV: vec.Add, VS: vec.AddS, SV: func(d []float32, s float32, b []float32) { vec.AddS(d, b, s) }},
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
	switch b.In(0).DT {
	case tensor.Float64:
		return newVariadic(b, hub64, num.Store64, l.f64, divider[float64](mean, len(b.Ins)))
	case tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64:
		return newVariadic(b, hubInt, num.StoreInt, l.i64, nil)
	case tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64:
		return newVariadic(b, num.LoadUint, num.StoreUint, l.u64, nil)
	}
	return newVariadic(b, hub32, num.Store32, l.f32.VV, divider[float32](mean, len(b.Ins)))
}

func divider[T elem.Float](wanted bool, n int) func(d []T) {
	if !wanted {
		return nil
	}
	return func(d []T) {
		for i := range d {
			d[i] /= T(n)
		}
	}
}

// variadicKernel folds the operands block by block in H.
type variadicKernel[H any] struct {
	load   hub[H]
	store  func(t *tensor.Tensor, off int, src []H) bool
	loop   func(d, a, b []H)
	last   func(d []H)
	maps   []elem.Map
	ins    []*tensor.Tensor
	out    *tensor.Tensor
	n, per int
}

func newVariadic[H any](b *ops.Bind, load hub[H], store func(*tensor.Tensor, int, []H) bool, loop func(d, a, b []H), last func(d []H)) (ops.Kernel, error) {
	if loop == nil {
		return nil, noLoop(b)
	}
	out := b.OutDims(0)
	k := &variadicKernel[H]{load: load, store: store, loop: loop, last: last, n: numel(out), ins: make([]*tensor.Tensor, len(b.Ins))}
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

func (k *variadicKernel[H]) Run(c *ops.Call) error {
	for i := range k.ins {
		k.ins[i] = c.In(i)
	}
	k.out = c.Out(0)
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *variadicKernel[H]) Tile(w ops.Worker, i int) {
	scratch := scratchOf[H](w, 2*num.Block)
	hi := min(k.n, (i+1)*k.per)
	for lo := i * k.per; lo < hi; lo += num.Block {
		n := min(num.Block, hi-lo)
		acc, x := scratch[:n], scratch[num.Block:][:n]
		k.load.load(acc, k.ins[0], &k.maps[0], lo)
		for j := 1; j < len(k.ins); j++ {
			k.load.load(x, k.ins[j], &k.maps[j], lo)
			k.loop(acc, acc, x)
		}
		if k.last != nil {
			k.last(acc)
		}
		k.store(k.out, lo, acc)
	}
}
