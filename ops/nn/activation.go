package nn

import (
	"fmt"
	"math"

	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/vec"
)

// actAttrs are the attributes with which a fused operator names the activation that its results go through.
type actAttrs struct {
	Act      string  // "", or an operator's name: Relu, Clip, Sigmoid, …
	ActAlpha float32 // its first attribute: alpha, Clip's lower end
	ActBeta  float32 // its second: beta, Clip's upper end
}

// set puts the activation into a product's epilogue.
func (a *actAttrs) set(e *gemm.Epilogue[float32]) error {
	switch a.Act {
	case "":
	case "Relu":
		e.Clip, e.Lo, e.Hi = true, 0, float32(math.Inf(1))
	case "Clip":
		e.Clip, e.Lo, e.Hi = true, a.ActAlpha, a.ActBeta
	default:
		f, err := a.function()
		if err != nil {
			return err
		}
		e.Map = func(run []float32) { f(run, run) }
	}
	return nil
}

// function returns the activation as a loop over elements; nil for none.
func (a *actAttrs) function() (func(dst, src []float32), error) {
	alpha, beta := a.ActAlpha, a.ActBeta
	switch a.Act {
	case "":
		return nil, nil
	case "Relu":
		return vec.Relu, nil
	case "Clip":
		return func(dst, src []float32) { vec.Clip(dst, src, alpha, beta) }, nil
	case "LeakyRelu":
		return func(dst, src []float32) { vec.LeakyRelu(dst, src, alpha) }, nil
	case "Sigmoid":
		return vec.Sigmoid, nil
	case "Tanh":
		return vec.Tanh, nil
	case "HardSigmoid":
		return func(dst, src []float32) { vec.HardSigmoid(dst, src, alpha, beta) }, nil
	case "HardSwish":
		return vec.HardSwish, nil
	case "SiLU":
		return vec.SiLU, nil
	case "Gelu":
		return vec.Gelu, nil
	case "GeluTanh":
		return vec.GeluTanh, nil
	case "Elu":
		return func(dst, src []float32) { vec.Elu(dst, src, alpha) }, nil
	case "Softplus":
		return vec.Softplus, nil
	case "Mish":
		return vec.Mish, nil
	case "Erf":
		return vec.Erf, nil
	case "Exp":
		return vec.Exp, nil
	}
	return nil, fmt.Errorf("no fused operator has the activation %q", a.Act)
}
