package math

import (
	"errors"
	"fmt"

	"ingot/internal/kernel/elem"
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
	opCumSum  = cumulative("CumSum", []ops.Ver{{Since: 14}, {Since: 11, Types: "T=float|double|int32|int64|uint32|uint64"}}, bindSums)
	opCumProd = cumulative("CumProd", []ops.Ver{{Since: 26}}, bindProducts)
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
	switch b.In(0).DT {
	case tensor.Float32:
		return newScan(s, reduce.Sums[float32], nil, nil), nil
	case tensor.Float64:
		return newScan(s, reduce.Sums[float64], nil, nil), nil
	case tensor.Int32, tensor.Uint32:
		return newScan(s, reduce.Sums[uint32], nil, nil), nil
	case tensor.Int64, tensor.Uint64:
		return newScan(s, reduce.Sums[uint64], nil, nil), nil
	}
	return newScan(s, reduce.Sums[float32], hub32, num.Store32), nil
}

func bindProducts(b *ops.Bind, s reduce.Scan) (ops.Kernel, error) {
	switch b.In(0).DT {
	case tensor.Float32:
		return newScan(s, reduce.Products[float32], nil, nil), nil
	case tensor.Float64:
		return newScan(s, reduce.Products[float64], nil, nil), nil
	case tensor.Int32, tensor.Uint32:
		return newScan(s, reduce.Products[uint32], nil, nil), nil
	case tensor.Int64, tensor.Uint64:
		return newScan(s, reduce.Products[uint64], nil, nil), nil
	}
	return newScan(s, reduce.Products[float32], hub32, num.Store32), nil
}

type scanKernel[T elem.Number] struct{ axisKernel[T] }

func newScan[T elem.Number](s reduce.Scan, f func(s reduce.Scan, d, x []T, rows, n, stride int, tmp []T), load hub[T], store func(*tensor.Tensor, int, []T) bool) ops.Kernel {
	loop := func(d, x []T, rows, n, stride int, tmp []T) { f(s, d, x, rows, n, stride, tmp) }
	return &scanKernel[T]{axisKernel[T]{loop: loop, load: load, store: store, cost: 2 * costLoop}}
}

func (k *scanKernel[T]) Run(c *ops.Call) error {
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
