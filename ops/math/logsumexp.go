package math

import (
	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/reduce"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// opReduceLogSumExp computes float64 and the integers of its older versions in float64, the rest in float32.
var opReduceLogSumExp = ops.Def(ops.Spec[reduceAttrs]{
	Name: "ReduceLogSumExp", In: "data:T, axes:int64?", Out: "reduced:T", Types: "T=floats4", Vers: sinceReduceLog,
	Infer: inferReduce,
	Bind: func(b *ops.Bind, a *reduceAttrs) (ops.Kernel, error) {
		g, err := bindGeom(b, a)
		if err != nil {
			return nil, err
		}
		if dt := b.In(0).DT; dt == tensor.Float64 || dt.IsInteger() {
			return newLogSumExp(b, g, reduce.LogSumExp64, hub64, num.Store64), nil
		}
		return newLogSumExp(b, g, reduce.LogSumExp32, hub32, num.Store32), nil
	},
})

type logSumExpKernel[T float32 | float64] struct {
	geom  reduce.Geom
	split reduce.Split
	loops reduce.LogSumExp[T]
	store func(t *tensor.Tensor, off int, src []T) bool
	in    *tensor.Tensor
	src   reduce.Source[T]
	dst   []T
}

func newLogSumExp[T float32 | float64](b *ops.Bind, g reduce.Geom, l reduce.LogSumExp[T], load hub[T], store func(*tensor.Tensor, int, []T) bool) ops.Kernel {
	k := &logSumExpKernel[T]{geom: g, split: g.Whole(), loops: l, store: store}
	if b.In(0).DT.Size() != elem.SizeOf[T]() || !b.In(0).DT.IsFloat() {
		k.src.Load = func(buf []T, off int) { load(buf, k.in, off) }
	}
	b.NeedScratch(g.Outputs() * elem.SizeOf[T]())
	return k
}

func (k *logSumExpKernel[T]) Run(c *ops.Call) error {
	k.in, k.dst = c.In(0), elem.Of[T](c.Scratch, k.geom.Outputs())
	if k.src.Load == nil {
		k.src.Data = tensor.View[T](k.in)
	}
	if err := c.Parallel(k.split.Tiles, k); err != nil {
		return err
	}
	k.store(c.Out(0), 0, k.dst)
	return nil
}

func (k *logSumExpKernel[T]) Tile(w ops.Worker, i int) {
	k.loops.Fold(&k.geom, k.split, i, k.dst, &k.src, scratchOf[T](w, 5*reduce.Chunk))
}
