package nn

import (
	"fmt"

	"ingot/internal/kernel/real"
	"ingot/internal/kernel/reduce"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type lossAttrs struct {
	IgnoreIndex *int64
	Reduction   string `onnx:",mean"`
}

// NegativeLogLikelihoodLoss picks the negative log-probability of each sample's class.
func NegativeLogLikelihoodLoss() *ops.Op {
	return ops.Def(ops.Spec[lossAttrs]{
		Name: "NegativeLogLikelihoodLoss", In: "input:T, target:Tind, weight:T?", Out: "loss:T", Types: "T=floats4; Tind=int32|int64",
		Vers:  []ops.Ver{{Since: 22}, {Since: 13, Types: "T=floats"}, {Since: 12}},
		Infer: func(c *ops.Infer, a *lossAttrs) error { return inferLoss(c, a, "input", "target", "weight") },
		Eval: func(c *ops.Call, a *lossAttrs) error {
			if c.In(0).DType() == tensor.Float64 {
				return lossOf(c, a, wide.Values[float64](c.In(0)))
			}
			return lossOf(c, a, wide.Values[float32](c.In(0)))
		},
	})
}

// SoftmaxCrossEntropyLoss is NegativeLogLikelihoodLoss of LogSoftmax.
func SoftmaxCrossEntropyLoss() *ops.Op {
	return ops.Def(ops.Spec[lossAttrs]{
		Name: "SoftmaxCrossEntropyLoss", In: "scores:T, labels:Tind, weights:T?", Out: "output:T, log_prob:T?", Types: "T=floats4; Tind=int32|int64",
		Vers: []ops.Ver{{Since: 13}, {Since: 12, Types: "T=floats"}},
		Infer: func(c *ops.Infer, a *lossAttrs) error {
			if err := inferLoss(c, a, "scores", "labels", "weights"); err != nil {
				return err
			}
			return c.OutLike(1, 0)
		},
		Eval: func(c *ops.Call, a *lossAttrs) error {
			if c.In(0).DType() == tensor.Float64 {
				return crossEntropy(c, a, reduce.LogSoftmax64)
			}
			return crossEntropy(c, a, reduce.LogSoftmax32)
		},
	})
}

func inferLoss(c *ops.Infer, a *lossAttrs, names ...string) error {
	if a.Reduction != "none" && a.Reduction != "sum" && a.Reduction != "mean" {
		return fmt.Errorf("reduction is %q; it must be none, sum or mean", a.Reduction)
	}
	dt := c.In(0).DT
	x, ok := c.Shape(0)
	if ok {
		if len(x) < 2 {
			return fmt.Errorf("%s is %s; it must have a dimension of samples and one of classes", names[0], sym.ShapeString(x))
		}
		if err := checkDims(c, 1, names[1], append([]ops.Dim{x[0]}, x[2:]...)...); err != nil {
			return err
		}
		if err := checkDims(c, 2, names[2], x[1]); err != nil {
			return err
		}
	}
	if a.Reduction != "none" {
		return c.Out(0, dt)
	}
	t := c.In(1)
	return c.OutType(0, ops.Type{DT: dt, Shape: t.Shape, Ranked: t.Ranked})
}

// crossEntropy computes log-probabilities, then the loss.
func crossEntropy[T real.Float](c *ops.Call, a *lossAttrs, logSoftmax func(d, x []T, rows, n, stride int, tmp []T)) error {
	t := c.In(0)
	dims := t.Dims()
	classes, inner := dims[1], wide.Elements(dims[2:])
	x := wide.Values[T](t)
	logs := make([]T, len(x))
	if n := classes * inner; n > 0 {
		err := c.For(dims[0], max(1, 1<<13/n), func(lo, hi int) {
			tmp := make([]T, 4*inner)
			for i := lo; i < hi; i++ {
				logSoftmax(logs[i*n:], x[i*n:], classes, inner, inner, tmp)
			}
		})
		if err != nil {
			return err
		}
	}
	if out := c.Out(1); out != nil {
		wide.Store(out, 0, logs)
	}
	return lossOf(c, a, logs)
}

// lossOf picks the losses of all samples from log-probabilities, weighs and reduces them.
func lossOf[T real.Float](c *ops.Call, a *lossAttrs, logs []T) error {
	dims := c.In(0).Dims()
	classes, inner := dims[1], wide.Elements(dims[2:])
	labels, err := ops.Int64s(c.In(1))
	if err != nil {
		return err
	}
	var weights []T
	if c.Has(2) {
		weights = wide.Values[T](c.In(2))
	}
	loss, weight := make([]T, len(labels)), make([]T, len(labels))
	for i, label := range labels {
		if a.IgnoreIndex != nil && label == *a.IgnoreIndex {
			continue
		}
		if label < 0 || label >= int64(classes) {
			return fmt.Errorf("the class at %d is %d; there are %d", i, label, classes)
		}
		w := T(1)
		if weights != nil {
			w = weights[label]
		}
		loss[i] = -logs[(i/inner*classes+int(label))*inner+i%inner] * w
		weight[i] = w
	}
	out := c.Out(0)
	if a.Reduction == "none" {
		wide.Store(out, 0, loss)
		return nil
	}
	l := real.For[T]()
	total := l.Sum(loss)
	if a.Reduction == "mean" {
		total /= l.Sum(weight)
	}
	wide.Store(out, 0, []T{total})
	return nil
}
