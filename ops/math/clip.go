package math

import (
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

func bindClip(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
	switch dt := b.In(0).DT; dt {
	case tensor.Float32:
		return newClip(b, vec.Clip, float32(math.Inf(-1)), float32(math.Inf(1)), costMove), nil
	case tensor.Float64:
		return newClip(b, elem.Clip[float64], math.Inf(-1), math.Inf(1), costLoop), nil
	case tensor.Int8:
		return newClip[int8](b, elem.Clip[int8], math.MinInt8, math.MaxInt8, costLoop), nil
	case tensor.Int16:
		return newClip[int16](b, elem.Clip[int16], math.MinInt16, math.MaxInt16, costLoop), nil
	case tensor.Int32:
		return newClip[int32](b, elem.Clip[int32], math.MinInt32, math.MaxInt32, costLoop), nil
	case tensor.Int64:
		return newClip[int64](b, elem.Clip[int64], math.MinInt64, math.MaxInt64, costLoop), nil
	case tensor.Uint8:
		return newClip[uint8](b, elem.Clip[uint8], 0, math.MaxUint8, costLoop), nil
	case tensor.Uint16:
		return newClip[uint16](b, elem.Clip[uint16], 0, math.MaxUint16, costLoop), nil
	case tensor.Uint32:
		return newClip[uint32](b, elem.Clip[uint32], 0, math.MaxUint32, costLoop), nil
	case tensor.Uint64:
		return newClip[uint64](b, elem.Clip[uint64], 0, math.MaxUint64, costLoop), nil
	default:
		if num.Narrow.Has(dt) {
			k := &narrowClip{}
			k.narrowUnary.loop = func(d, s []float32) { vec.Clip(d, s, k.lo, k.hi) }
			k.n = numel(b.Dims(0))
			k.per = tileLen(k.n, costLoop)
			return k, nil
		}
	}
	return nil, noLoop(b)
}

// clipKernel reads its bounds at the start of each run.
type clipKernel[T elem.Number] struct {
	unaryKernel[T, T]
	lo, hi, least, most T
}

func newClip[T elem.Number](b *ops.Bind, loop func(d, s []T, lo, hi T), least, most T, cost int) ops.Kernel {
	k := &clipKernel[T]{least: least, most: most}
	k.loop = func(d, s []T) { loop(d, s, k.lo, k.hi) }
	k.n = numel(b.Dims(0))
	k.per = tileLen(k.n, cost)
	return k
}

func (k *clipKernel[T]) Run(c *ops.Call) error {
	k.lo, k.hi = k.least, k.most
	if lo := c.In(1); lo != nil && lo.Len() > 0 {
		k.lo = tensor.View[T](lo)[0]
	}
	if hi := c.In(2); hi != nil && hi.Len() > 0 {
		k.hi = tensor.View[T](hi)[0]
	}
	return k.unaryKernel.Run(c)
}

type narrowClip struct {
	narrowUnary[float32]
	lo, hi float32
}

func (k *narrowClip) Run(c *ops.Call) error {
	var bound [2]float32
	bound[0], bound[1] = float32(math.Inf(-1)), float32(math.Inf(1))
	for i := range bound {
		if t := c.In(i + 1); t != nil && t.Len() > 0 {
			num.Load32(bound[i:i+1], t, 0)
		}
	}
	k.lo, k.hi = bound[0], bound[1]
	return k.narrowUnary.Run(c)
}
