package math

import (
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// clipKernel reads its bounds at the start of each run.
type clipKernel struct {
	ops.Kernel           // clips to bounds
	via        *exchange // reads them
	bounds     elem.Raw  // the least and the greatest result
	absent     func()    // sets bounds to those that clip nothing
}

func bindClip(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
	switch dt := b.In(0).DT; {
	case dt == tensor.Float64:
		return newClip(b, &via64, elem.Clip[float64], math.Inf(-1), math.Inf(1))
	case dt == tensor.Uint64:
		return newClip[uint64](b, &viaUint, elem.Clip[uint64], 0, math.MaxUint64)
	case dt.IsInteger():
		return newClip[int64](b, &viaInt, elem.Clip[int64], math.MinInt64, math.MaxInt64)
	case dt == tensor.Float32 || num.Narrow.Has(dt):
		return newClip(b, &via32, vec.Clip, float32(math.Inf(-1)), float32(math.Inf(1)))
	}
	return nil, noLoop(b)
}

func newClip[T elem.Number](b *ops.Bind, via *exchange, loop func(d, s []T, lo, hi T), least, most T) (ops.Kernel, error) {
	bounds := make([]T, 2)
	clip := elem.Loop1Of(func(d, s []T) { loop(d, s, bounds[0], bounds[1]) })
	absent := func() { bounds[0], bounds[1] = least, most }
	return bindBounds(b, via, clip, elem.RawOf(bounds), absent)
}

func bindBounds(b *ops.Bind, via *exchange, clip elem.Loop1, bounds elem.Raw, absent func()) (ops.Kernel, error) {
	k := &clipKernel{via: via, bounds: bounds, absent: absent}
	var err error
	switch b.In(0).DT {
	case tensor.Float32:
		k.Kernel, err = bindUnary(b, clip, costMove)
	case tensor.Float64, tensor.Int64, tensor.Uint64:
		k.Kernel, err = bindUnary(b, clip, costLoop)
	default:
		k.Kernel, err = bindVia(b, via, clip, costLoop)
	}
	return k, err
}

func (k *clipKernel) Run(c *ops.Call) error {
	k.absent()
	for i := range 2 {
		if t := c.In(i + 1); t != nil && t.Len() > 0 {
			k.via.get(k.bounds.Slice(k.via.width, i, i+1), t, 0)
		}
	}
	return k.Kernel.Run(c)
}
