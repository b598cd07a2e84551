package nn

import (
	"fmt"

	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/tensor"
)

type meanVarianceAttrs struct {
	Axes []int `onnx:",0 2 3"`
}

// MeanVarianceNormalization gives the elements along some axes zero mean and unit variance.
func MeanVarianceNormalization() *ops.Op {
	return ops.Def(ops.Spec[meanVarianceAttrs]{
		Name: "MeanVarianceNormalization", In: "X:T", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 13}, {Since: 9, Types: "T=floats"}},
		Infer: func(c *ops.Infer, a *meanVarianceAttrs) error {
			if s, ok := c.Shape(0); ok {
				if _, err := markAxes(a.Axes, len(s)); err != nil {
					return fmt.Errorf("attribute axes: %w", err)
				}
			}
			return c.OutLike(0, 0)
		},
		Bind: func(b *ops.Bind, a *meanVarianceAttrs) (ops.Kernel, error) {
			// ε is the standard's own, from the function that defines the operator.
			return bindAxes(b, a.Axes, deviation, 1e-9)
		},
		InPlace: [][2]int8{{0, 0}},
	})
}

func markAxes(axes []int, rank int) ([]bool, error) {
	marks := make([]bool, rank)
	list, err := ops.Axes(axes, rank)
	for _, a := range list {
		marks[a] = true
	}
	return marks, err
}

// axesKernel normalises along axes.
type axesKernel[T real.Float] struct{ moments[T] }

// bindAxes divides the elements along some axes of input 0 by a measure of theirs.
func bindAxes(b *ops.Bind, axes []int, m measure, eps float64) (ops.Kernel, error) {
	if b.In(0).DT == tensor.Float64 {
		return newAxes(b, axes, m, eps)
	}
	return newAxes(b, axes, m, float32(eps))
}

func newAxes[T real.Float](b *ops.Bind, axes []int, m measure, eps T) (ops.Kernel, error) {
	marks, err := markAxes(axes, len(b.Dims(0)))
	if err != nil {
		return nil, err
	}
	k := &axesKernel[T]{}
	k.measure, k.eps = m, eps
	k.grouping = reduceAxes(b.Dims(0), marks)
	k.prepare(b)
	if elements(b.Dims(0)) == 0 {
		k.count = 0
	}
	return k, nil
}

// Run normalises.
func (k *axesKernel[T]) Run(c *ops.Call) error { return k.run(c) }
