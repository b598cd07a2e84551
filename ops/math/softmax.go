package math

import (
	"fmt"

	"ingot/internal/kernel/reduce"
	"ingot/ops"
	"ingot/tensor"
)

type axisLast struct {
	Axis int `onnx:",-1"`
}

var (
	_ = Ops.Add(normalizer("Softmax", reduce.Softmax32, reduce.Softmax64, reduce.SoftmaxFloat16, reduce.SoftmaxBFloat16))
	_ = Ops.Add(normalizer("LogSoftmax", reduce.LogSoftmax32, reduce.LogSoftmax64, reduce.LogSoftmax32, reduce.LogSoftmax32))
	_ = Ops.Add(normalizer("Hardmax", reduce.Hardmax[float32], reduce.Hardmax[float64], reduce.Hardmax[float32], reduce.Hardmax[float32]))
)

// normalizer declares a function of all elements along an axis. f16 and bf16 work on numbers of half types in float32.
func normalizer(name string, f32 func(d, x []float32, rows, n, stride int, tmp []float32), f64 func(d, x []float64, rows, n, stride int, tmp []float64),
	f16, bf16 func(d, x []float32, rows, n, stride int, tmp []float32)) *ops.Op {
	return ops.Def(ops.Spec[axisLast]{
		Name: name, In: "input:T", Out: "output:T", Types: "T=floats4",
		Vers: []ops.Ver{{Since: 13}, {Since: 11, Types: "T=floats", Attrs: "axis:int=1", Up: flattenFrom}, {Since: 1}},
		Infer: func(c *ops.Infer, a *axisLast) error {
			if t := c.In(0); t.Ranked {
				if _, err := ops.Axis(a.Axis, t.Rank()); err != nil {
					return fmt.Errorf("attribute axis: %w", err)
				}
			}
			return c.OutLike(0, 0)
		},
		Bind: func(b *ops.Bind, a *axisLast) (ops.Kernel, error) {
			axis, err := ops.Axis(a.Axis, len(b.Dims(0)))
			if err != nil {
				return nil, err
			}
			switch b.In(0).DT {
			case tensor.Float32:
				return bindAxis(b, axis, axisKernel{loop: axisLoopOf(f32), via: &via32, direct: true, cost: costVector})
			case tensor.Float64:
				return bindAxis(b, axis, axisKernel{loop: axisLoopOf(f64), via: &via64, direct: true, cost: costScalar})
			}
			loop := f16
			if b.In(0).DT == tensor.BFloat16 {
				loop = bf16
			}
			return bindAxis(b, axis, axisKernel{loop: axisLoopOf(loop), via: &via32, cost: 2 * costVector})
		},
		InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.AxisAttr},
	})
}

// flattenFrom serves versions that looked at their input as a matrix, whose columns are all dimensions from axis on.
func flattenFrom(r *ops.Rewrite) error {
	axis := int64(1)
	if a := r.Take("axis"); a != nil {
		axis = a.I
	}
	r.Attrs["axis"] = ops.IntAttr(int64(-1))
	if t := r.Type(0); t.Ranked {
		rank := int64(t.Rank())
		if axis < -rank || axis > rank || (rank > 0 && axis == rank) {
			return errAxis("attribute axis", axis, int(rank))
		}
		if axis == rank-1 || axis == -1 {
			return nil // the last dimension alone
		}
	}
	x := r.Input(0)
	flat, err := r.Graph.Emit("Flatten", ops.Attrs{"axis": ops.IntAttr(axis)}, 1, x)
	if err != nil {
		return err
	}
	shape, err := r.Graph.Emit("Shape", nil, 1, x)
	if err != nil {
		return err
	}
	out, res := r.Out[0], r.Graph.NewValue()
	r.SetInput(0, flat[0])
	r.Out[0] = res
	return r.Graph.EmitAfter("Reshape", ops.Attrs{"allowzero": ops.IntAttr(int64(1))}, out, res, shape[0])
}
