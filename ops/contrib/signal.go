package contrib

import (
	"fmt"

	"ingot/internal/kernel/linalg"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// signalOps are transforms, distances and inverses.
var signalOps = []*ops.Op{
	expand("Rfft", "X:T", "Y:T", "T=floats", func(g graph, a *rfftAttrs) error {
		if err := a.check(); err != nil {
			return err
		}
		y := g.Op("DFT", attrs("onesided", 1), g.Op("Unsqueeze", nil, g.In(0), g.ints(-1)), nil, g.axis(-2))
		for d := 1; d < a.SignalNdim; d++ {
			y = g.Op("DFT", nil, y, nil, g.axis(-2-d))
		}
		return g.SetOut(0, y)
	}),
	expand("Irfft", "X:T", "Y:T", "T=floats", func(g graph, a *irfftAttrs) error {
		if err := (&rfftAttrs{a.Normalized, a.Onesided, a.SignalNdim}).check(); err != nil {
			return err
		}
		y := g.In(0)
		for d := a.SignalNdim - 1; d > 0; d-- {
			y = g.Op("DFT", attrs("inverse", 1), y, nil, g.axis(-2-d))
		}
		// The other half of the last dimension is the first in reverse, conjugated: its first and last elements have no partner.
		mirror := g.Op("Slice", nil, y, g.ints(-2), g.ints(0), g.ints(-2), g.ints(-1))
		conjugate := g.Op("CastLike", nil, g.Const(tensor.Of([]float32{1, -1}, 2)), y)
		all := g.Op("Concat", attrs("axis", -2), y, g.mul(mirror, conjugate))
		whole := g.Op("DFT", attrs("inverse", 1), all, nil, g.axis(-2))
		return g.SetOut(0, g.Op("Gather", attrs("axis", -1), whole, g.Const(tensor.Scalar(int64(0)))))
	}),
	expand("CDist", "A:T, B:T", "C:T", "T=float|double", func(g graph, a *cdistAttrs) error {
		if a.Metric != "sqeuclidean" && a.Metric != "euclidean" {
			return fmt.Errorf("metric is %q; only sqeuclidean and euclidean are computed", a.Metric)
		}
		x, y := g.In(0), g.In(1)
		square := func(v ops.Ref) ops.Ref { return g.Op("ReduceSumSquare", nil, v, g.ints(1)) }
		sum := g.add(square(x), g.Op("Transpose", attrs("perm", []int{1, 0}), square(y)))
		d := g.Op("Relu", nil, g.add(sum, g.matmul(x, y, false, true, -2)))
		if a.Metric == "euclidean" {
			d = g.Op("Sqrt", nil, d)
		}
		return g.SetOut(0, d)
	}),
	ops.Def(ops.Spec[noAttrs]{
		Name: "Inverse", Domain: domain, Vers: since1, In: "X:T", Out: "Y:T", Types: "T=floats",
		Infer: func(c *ops.Infer, _ *noAttrs) error {
			if s, ok := c.Shape(0); ok && (len(s) < 2 || differ(s[len(s)-1], s[len(s)-2])) {
				return fmt.Errorf("input X is %s; its last two dimensions must be a square matrix", sym.ShapeString(s))
			}
			return c.OutLike(0, 0)
		},
		Eval: evalInverse,
	}),
}

type rfftAttrs struct {
	Normalized int `onnx:",0"`
	Onesided   int `onnx:",1"`
	SignalNdim int `onnx:",1"`
}

type irfftAttrs struct {
	Normalized int `onnx:",0"`
	Onesided   int `onnx:",1"`
	SignalNdim int `onnx:",required"`
}

func (a *rfftAttrs) check() error {
	if a.Normalized != 0 || a.Onesided != 1 || a.SignalNdim < 1 || a.SignalNdim > 3 {
		return fmt.Errorf("normalized is %d, onesided %d and signal_ndim %d; they must be 0, 1, and 1 to 3", a.Normalized, a.Onesided, a.SignalNdim)
	}
	return nil
}

func (g graph) axis(a int) ops.Ref { return g.Const(tensor.Scalar(int64(a))) }

type cdistAttrs struct {
	Metric string `onnx:",sqeuclidean"`
}

func evalInverse(c *ops.Call, _ *noAttrs) error {
	x, y := c.In(0), c.Out(0)
	d := x.Dims()
	n := d[len(d)-1]
	if n == 0 || x.Len() == 0 {
		return nil
	}
	singular := make([]bool, x.Len()/(n*n))
	err := c.For(len(singular), max(1, 1<<14/(n*n*n)), func(lo, hi int) {
		a, perm := make([]float64, n*n), make([]int, n)
		for i := lo; i < hi; i++ {
			num.Load64(a, x, i*n*n)
			singular[i] = !linalg.Inverse(a, n, perm)
			num.Store64(y, i*n*n, a)
		}
	})
	for i, bad := range singular {
		if bad && err == nil {
			err = fmt.Errorf("matrix %d has no inverse", i)
		}
	}
	return err
}
