package math

import (
	"fmt"
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
	"ingot/ops"
)

type (
	alphaOne struct {
		Alpha float32 `onnx:",1"`
	}
	leakyAttrs struct {
		Alpha float32 `onnx:",0.01"`
	}
	seluAttrs struct {
		Alpha float32 `onnx:",1.67326319217681884765625"`
		Gamma float32 `onnx:",1.05070102214813232421875"`
	}
	hardSigmoidAttrs struct {
		Alpha float32 `onnx:",0.2"`
		Beta  float32 `onnx:",0.5"`
	}
	geluAttrs struct {
		Approximate string `onnx:",none"`
	}
	shrinkAttrs struct {
		Bias  float32 `onnx:",0"`
		Lambd float32 `onnx:",0.5"`
	}
)

var (
	sinceRelu = []ops.Ver{{Since: 14}, {Since: 13, Types: "T=floats4"}, {Since: 6, Types: "T=floats"}, consumed}

	_ = Ops.Add(unary("Relu", "X", "Y", "T=floats4|sints", sinceRelu, unaryLoops{f32: vec.Relu, f64: elem.Relu[float64],
		i32: elem.Relu[int32], i64: elem.Relu[int64]}))
	_ = Ops.Add(unary("Sigmoid", "X", "Y", "T=floats4", since13and6, vectorLoops(vec.Sigmoid, sigmoid)))
	_ = Ops.Add(unary("Softplus", "X", "Y", "T=floats4", since22and1, vectorLoops(vec.Softplus, softplus)))
	_ = Ops.Add(unary("Softsign", "input", "output", "T=floats4", since22and1, vectorLoops(vec.Softsign, func(v float64) float64 { return v / (1 + math.Abs(v)) })))
	_ = Ops.Add(unary("Mish", "X", "Y", "T=floats4", []ops.Ver{{Since: 22}, {Since: 18, Types: "T=floats"}}, vectorLoops(vec.Mish, func(v float64) float64 { return v * math.Tanh(softplus(v)) })))
	_ = Ops.Add(unary("HardSwish", "X", "Y", "T=floats4", []ops.Ver{{Since: 22}, {Since: 14, Types: "T=floats"}},
		vectorLoops(vec.HardSwish, func(v float64) float64 { return v * min(max(v/6+0.5, 0), 1) }).at(costMove)))

	_ = Ops.Add(unaryWith("LeakyRelu", "X", "Y", "T=floats4", []ops.Ver{{Since: 16}, {Since: 6, Types: "T=floats"}, consumed},
		func(a *leakyAttrs) (unaryLoops, error) {
			return vectorLoops(func(d, s []float32) { vec.LeakyRelu(d, s, a.Alpha) }, func(v float64) float64 {
				if v < 0 {
					return float64(a.Alpha) * v
				}
				return v
			}).at(costMove), nil
		}))
	_ = Ops.Add(unaryWith("Elu", "X", "Y", "T=floats4", since22and6, func(a *alphaOne) (unaryLoops, error) {
		return vectorLoops(func(d, s []float32) { vec.Elu(d, s, a.Alpha) }, func(v float64) float64 { return elu(v, float64(a.Alpha)) }), nil
	}))
	_ = Ops.Add(unaryWith("Celu", "X", "Y", "T=floats4", []ops.Ver{{Since: 28}, {Since: 12, Types: "T=float"}}, func(a *alphaOne) (unaryLoops, error) {
		alpha := float64(a.Alpha)
		celu := func(v float64) float64 { return max(0, v) + min(0, alpha*math.Expm1(v/alpha)) }
		return vectorLoops(func(d, s []float32) {
			if a.Alpha > 0 {
				vec.Celu(d, s, a.Alpha)
				return
			}
			for i, v := range s {
				d[i] = float32(celu(float64(v)))
			}
		}, celu), nil
	}))
	_ = Ops.Add(unaryWith("Selu", "X", "Y", "T=floats4", sinceSelu, func(a *seluAttrs) (unaryLoops, error) {
		return vectorLoops(func(d, s []float32) {
			vec.Elu(d, s, a.Alpha)
			vec.MulS(d, d, a.Gamma)
		}, func(v float64) float64 { return float64(a.Gamma) * elu(v, float64(a.Alpha)) }), nil
	}))
	sinceSelu = []ops.Ver{{Since: 22}, {Since: 6, Types: "T=floats"},
		{Since: 1, Attrs: "+consumed_inputs:ints alpha:float=1.6732 gamma:float=1.0507", Up: ops.DropAttrs("consumed_inputs")}}

	_ = Ops.Add(unaryWith("ThresholdedRelu", "X", "Y", "T=floats4", []ops.Ver{{Since: 22}, {Since: 10, Types: "T=floats"}},
		func(a *alphaOne) (unaryLoops, error) {
			return vectorLoops(func(d, s []float32) { vec.ThresholdedRelu(d, s, a.Alpha) }, func(v float64) float64 {
				if v > float64(a.Alpha) {
					return v
				}
				return 0
			}).at(costMove), nil
		}))
	_ = Ops.Add(unaryWith("HardSigmoid", "X", "Y", "T=floats4", since22and6, func(a *hardSigmoidAttrs) (unaryLoops, error) {
		return vectorLoops(func(d, s []float32) { vec.HardSigmoid(d, s, a.Alpha, a.Beta) }, func(v float64) float64 {
			return min(max(float64(a.Alpha)*v+float64(a.Beta), 0), 1)
		}).at(costMove), nil
	}))
	_ = Ops.Add(unaryWith("Gelu", "X", "Y", "T=floats4", []ops.Ver{{Since: 20}}, func(a *geluAttrs) (unaryLoops, error) {
		switch a.Approximate {
		case "none":
			return vectorLoops(vec.Gelu, func(v float64) float64 { return v / 2 * (1 + math.Erf(v/math.Sqrt2)) }), nil
		case "tanh":
			return vectorLoops(vec.GeluTanh, func(v float64) float64 {
				return v / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
			}), nil
		}
		return unaryLoops{}, fmt.Errorf(`attribute approximate: %q, must be "none" or "tanh"`, a.Approximate)
	}))
	_ = Ops.Add(unaryWith("Swish", "X", "Y", "T=floats4", []ops.Ver{{Since: 24}}, func(a *alphaOne) (unaryLoops, error) {
		return vectorLoops(func(d, s []float32) { vec.Swish(d, s, a.Alpha) }, func(v float64) float64 { return v * sigmoid(float64(a.Alpha)*v) }), nil
	}))
	_ = Ops.Add(unaryWith("Shrink", "input", "output", "T=num", []ops.Ver{{Since: 9}}, func(a *shrinkAttrs) (unaryLoops, error) {
		lambd, bias := float64(a.Lambd), float64(a.Bias)
		shrink := func(v float64) float64 {
			switch {
			case v < -lambd:
				return v + bias
			case v > lambd:
				return v - bias
			}
			return 0
		}
		return scalarLoops(shrink).withInts().at(costLoop), nil
	}))
)

func sigmoid(v float64) float64 {
	if v < 0 {
		e := math.Exp(v)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-v))
}

func softplus(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }

func elu(v, alpha float64) float64 {
	if v < 0 {
		return alpha * math.Expm1(v)
	}
	return v
}
