package math

import (
	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/reduce"
	"ingot/ops"
	"ingot/tensor"
)

// ReduceLogSumExp computes float64 and the integers of its older versions in float64, the rest in float32.
var _ = Ops.Add(ops.Def(ops.Spec[reduceAttrs]{
	Name: "ReduceLogSumExp", In: "data:T, axes:int64?", Out: "reduced:T", Types: "T=floats4", Vers: sinceReduceLog,
	Infer: inferReduce,
	Bind: func(b *ops.Bind, a *reduceAttrs) (ops.Kernel, error) {
		g, err := bindGeom(b, a)
		if err != nil {
			return nil, err
		}
		if dt := b.In(0).DT; dt == tensor.Float64 || dt.IsInteger() {
			return newLogSumExp(b, g, reduce.LogSumExp64, &via64), nil
		}
		return newLogSumExp(b, g, reduce.LogSumExp32, &via32), nil
	},
}))

type logSumExpKernel[T float32 | float64] struct {
	geom  reduce.Geom
	split reduce.Split
	loops reduce.LogSumExp[T]
	via   *exchange
	in    *tensor.Tensor
	src   reduce.Source
	dst   []T
}

func newLogSumExp[T float32 | float64](b *ops.Bind, g reduce.Geom, l reduce.LogSumExp[T], via *exchange) ops.Kernel {
	k := &logSumExpKernel[T]{geom: g, split: g.Whole(), loops: l, via: via}
	k.src.Width = via.width
	if b.In(0).DT.Size() != elem.SizeOf[T]() || !b.In(0).DT.IsFloat() {
		k.src.Load = func(buf elem.Raw, off int) { via.get(buf, k.in, off) }
	}
	b.NeedScratch(g.Outputs() * elem.SizeOf[T]())
	return k
}

func (k *logSumExpKernel[T]) Run(c *ops.Call) error {
	k.in, k.dst = c.In(0), elem.Of[T](c.Scratch, k.geom.Outputs())
	if k.src.Load == nil {
		k.src.Data = rawOf(k.in)
	}
	if err := c.Parallel(k.split.Tiles, k); err != nil {
		return err
	}
	k.via.put(c.Out(0), 0, elem.RawOf(k.dst))
	return nil
}

func (k *logSumExpKernel[T]) Tile(w ops.Worker, i int) {
	k.loops.Fold(&k.geom, k.split, i, k.dst, &k.src, scratchOf[T](w, 5*reduce.Chunk))
}
