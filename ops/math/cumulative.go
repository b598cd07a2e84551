package math

import (
	"errors"
	"fmt"

	"ingot/internal/kernel/reduce"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type scanAttrs struct {
	Exclusive bool `onnx:",0"`
	Reverse   bool `onnx:",0"`
}

func (a *scanAttrs) scan() reduce.Scan {
	return reduce.Scan{Exclusive: a.Exclusive, Reverse: a.Reverse}
}

var (
	_ = Ops.Add(cumulative("CumSum", []ops.Ver{{Since: 14}, {Since: 11, Types: "T=float|double|int32|int64|uint32|uint64"}}, bindSums))
	_ = Ops.Add(cumulative("CumProd", []ops.Ver{{Since: 26}}, bindProducts))
)

// cumulative declares a running fold. The axis is an input that decides no shape, so it is read at the start of each run.
func cumulative(name string, vers []ops.Ver, bind func(b *ops.Bind, s reduce.Scan) (ops.Kernel, error)) *ops.Op {
	return ops.Def(ops.Spec[scanAttrs]{
		Name: name, In: "x:T, axis:T2", Out: "y:T", Types: "T=math4; T2=int32|int64", Vers: vers,
		Infer:   func(c *ops.Infer, _ *scanAttrs) error { return c.OutLike(0, 0) },
		Bind:    func(b *ops.Bind, a *scanAttrs) (ops.Kernel, error) { return bind(b, a.scan()) },
		InPlace: [][2]int8{{0, 0}},
	})
}

func bindSums(b *ops.Bind, s reduce.Scan) (ops.Kernel, error) {
	return bindScan(b, s, reduce.Sums[float32], reduce.Sums[float64], reduce.Sums[int64])
}

func bindProducts(b *ops.Bind, s reduce.Scan) (ops.Kernel, error) {
	return bindScan(b, s, reduce.Products[float32], reduce.Products[float64], reduce.Products[int64])
}

// scanLoop is a loop of package reduce.
type scanLoop[T any] = func(s reduce.Scan, d, x []T, rows, n, stride int, tmp []T)

// bindScan chooses a loop. Integers wrap alike in int64.
func bindScan(b *ops.Bind, s reduce.Scan, f32 scanLoop[float32], f64 scanLoop[float64], i64 scanLoop[int64]) (ops.Kernel, error) {
	k := &scanKernel{axisKernel{via: &via32, cost: 2 * costLoop}}
	switch dt := b.In(0).DT; {
	case dt == tensor.Float64:
		k.via, k.loop = &via64, scanOf(s, f64)
	case dt.IsInteger():
		k.via, k.loop = &viaInt, scanOf(s, i64)
	default:
		k.loop = scanOf(s, f32)
	}
	k.direct = widthOf(b.In(0).DT) == k.via.width
	return k, nil
}

func scanOf[T any](s reduce.Scan, f scanLoop[T]) axisLoop {
	return axisLoopOf(func(d, x []T, rows, n, stride int, tmp []T) { f(s, d, x, rows, n, stride, tmp) })
}

type scanKernel struct{ axisKernel }

func (k *scanKernel) Run(c *ops.Call) error {
	var v [1]int64
	t, dims := c.In(1), c.In(0).Dims()
	if t.Len() != 1 {
		return errors.New("input axis must be one number")
	}
	num.LoadInt(v[:], t, 0)
	if len(dims) == 0 {
		dims = []int{1}
	}
	if v[0] < int64(-len(dims)) || v[0] >= int64(len(dims)) {
		return fmt.Errorf("input axis is %d, outside of rank %d", v[0], len(dims))
	}
	k.place(dims, (int(v[0])+len(dims))%len(dims))
	return k.run(c)
}
