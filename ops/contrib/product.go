package contrib

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

var productOps = []*ops.Op{
	expand("FusedMatMul", "A:T, B:T", "Y:T", "T=floats4", func(g graph, a *fusedMatMulAttrs) error {
		y, err := a.product(g)
		if err != nil {
			return err
		}
		return g.SetOut(0, y)
	}),
	expand("TransposeMatMul", "A:T, B:T", "Y:T", "T=floats4", func(g graph, a *transposeMatMulAttrs) error {
		return g.SetOut(0, g.matmul(g.In(0), g.In(1), a.TransA, a.TransB, a.Alpha))
	}),
	expand("SparseToDenseMatMul", "A:T, B:T", "Y:T", "T=float|double|int64|int32|uint64|uint32", func(g graph, a *sparseMatMulAttrs) error {
		x, y := g.In(0), g.In(1) // a sparse constant is dense by the time that it is seen here
		if t := g.TypeOf(x).DT; t == tensor.Float32 || t == tensor.Float64 {
			return g.SetOut(0, g.matmul(x, y, a.TransA, a.TransB, a.Alpha))
		}
		if a.Alpha != 1 {
			return fmt.Errorf("alpha is %v; products of integers have none", a.Alpha)
		}
		swapped := func(i int, v ops.Ref, name string, swap bool) (ops.Ref, error) {
			if !swap {
				return v, nil
			}
			rank, err := g.rank(i, name)
			if err != nil || rank < 2 {
				return v, err
			}
			perm := make([]int, rank)
			for d := range perm {
				perm[d] = d
			}
			perm[rank-1], perm[rank-2] = rank-2, rank-1
			return g.Op("Transpose", attrs("perm", perm), v), nil
		}
		var err error
		if x, err = swapped(0, x, "A", a.TransA); err != nil {
			return err
		}
		if y, err = swapped(1, y, "B", a.TransB); err != nil {
			return err
		}
		return g.SetOut(0, g.Op("MatMul", nil, x, y))
	}),
	expand("FusedMatMulActivation", "A:T, B:T", "Y:T", "T=floats4", func(g graph, a *matMulActivationAttrs) error {
		m := fusedMatMulAttrs{a.TransA, a.TransB, a.TransBatchA, a.TransBatchB, a.Alpha}
		y, err := m.product(g)
		if err != nil {
			return err
		}
		if a.Activation == "Softmax" {
			axis := -1
			if a.ActivationAxis != nil {
				axis = *a.ActivationAxis
			}
			return g.SetOut(0, g.Op("Softmax", attrs("axis", axis), y))
		}
		if a.ActivationAxis != nil {
			return fmt.Errorf("activation_axis is %d, but the activation %s has no axis", *a.ActivationAxis, a.Activation)
		}
		return g.activated(a.Activation, y, a.ActivationAlpha, a.ActivationBeta, a.ActivationGamma)
	}),
	expand("FusedGemm", "A:T, B:T, C:T?", "Y:T", "T=floats|uint32|uint64|int32|int64", func(g graph, a *fusedGemmAttrs) error {
		y := g.Op("Gemm", attrs("alpha", a.Alpha, "beta", a.Beta, "transA", a.TransA, "transB", a.TransB), g.In(0), g.In(1), g.In(2))
		return g.activated(a.Activation, y, a.ActivationAlpha, a.ActivationBeta, a.ActivationGamma)
	}),
	expand("GemmFastGelu", "X:T, W:T, bias:T?", "Y:T", "T=float|float16|bfloat16", func(g graph, _ *noAttrs) error {
		return g.SetOut(0, g.fastGelu(g.add(g.Op("MatMul", nil, g.In(0), g.In(1)), g.In(2))))
	}),
}

type sparseMatMulAttrs struct {
	Alpha  float32 `onnx:",1"`
	TransA bool    `onnx:"transA,0"`
	TransB bool    `onnx:"transB,0"`
}

type transposeMatMulAttrs struct {
	TransA bool    `onnx:"transA,0"`
	TransB bool    `onnx:"transB,0"`
	Alpha  float32 `onnx:",1"`
}

type fusedMatMulAttrs struct {
	TransA      bool    `onnx:"transA,0"`
	TransB      bool    `onnx:"transB,0"`
	TransBatchA bool    `onnx:"transBatchA,0"`
	TransBatchB bool    `onnx:"transBatchB,0"`
	Alpha       float32 `onnx:",1"`
}

type matMulActivationAttrs struct {
	TransA          bool    `onnx:"transA,0"`
	TransB          bool    `onnx:"transB,0"`
	TransBatchA     bool    `onnx:"transBatchA,0"`
	TransBatchB     bool    `onnx:"transBatchB,0"`
	Alpha           float32 `onnx:",1"`
	Activation      string  `onnx:",required"`
	ActivationAlpha *float32
	ActivationBeta  *float32
	ActivationGamma *float32
	ActivationAxis  *int
}

type fusedGemmAttrs struct {
	TransA          bool    `onnx:"transA,0"`
	TransB          bool    `onnx:"transB,0"`
	Alpha           float32 `onnx:",1"`
	Beta            float32 `onnx:",1"`
	Activation      string
	ActivationAlpha *float32
	ActivationBeta  *float32
	ActivationGamma *float32
}

// matmul is alpha·A·B with the last two dimensions of either swapped.
func (g graph) matmul(a, b ops.Ref, transA, transB bool, alpha float32) ops.Ref {
	if alpha == 0 { // the kernel's 0 is 1
		return g.mul(g.matmul(a, b, transA, transB, 1), g.scalar(0, a))
	}
	return g.Op("ingot.MatMul", attrs("trans_a", transA, "trans_b", transB, "alpha", alpha), a, b)
}

// product is the whole operator: with trans_batch, a matrix's rows are the first dimension and the batch stands behind them.
func (a *fusedMatMulAttrs) product(g graph) (ops.Ref, error) {
	x, err := g.rowsFirst(0, "A", a.TransBatchA)
	if err != nil {
		return nil, err
	}
	y, err := g.rowsFirst(1, "B", a.TransBatchB)
	if err != nil {
		return nil, err
	}
	return g.matmul(x, y, a.TransA, a.TransB, a.Alpha), nil
}

// rowsFirst moves the first dimension of an operand to the place before the last.
func (g graph) rowsFirst(i int, name string, move bool) (ops.Ref, error) {
	if !move {
		return g.In(i), nil
	}
	rank, err := g.rank(i, name)
	if err != nil || rank < 3 {
		return g.In(i), err
	}
	perm := make([]int, 0, rank)
	for d := 1; d < rank-1; d++ {
		perm = append(perm, d)
	}
	return g.Op("Transpose", attrs("perm", append(perm, 0, rank-1)), g.In(i)), nil
}

// activated makes the activation of y the output. The parameters that are there must be the activation's first ones.
func (g graph) activated(name string, y ops.Ref, params ...*float32) error {
	var list []float32
	if name == "Selu" && len(params) == 3 && params[1] == nil { // alpha and gamma
		params = []*float32{params[0], params[2]}
	}
	for i, p := range params {
		if p == nil {
			continue
		}
		if i != len(list) {
			return fmt.Errorf("the activation %s has a parameter without the one before it", name)
		}
		list = append(list, *p)
	}
	y, err := g.activation(name, list, y)
	if err != nil {
		return err
	}
	return g.SetOut(0, y)
}
