package nn

import (
	"fmt"
	"unsafe"

	"ingot/internal/kernel/gemm"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type matmulAttrs struct{}

// MatMul is the product of matrices, or of stacks of them, as numpy.matmul has it.
var MatMul = Ops.Add(ops.Def(ops.Spec[matmulAttrs]{
	Name: "MatMul", In: "A:T, B:T", Out: "Y:T", Types: productTypes,
	Vers:  []ops.Ver{{Since: 13}, {Since: 9, Types: productOld}, {Since: 1, Types: "T=floats"}},
	Infer: func(c *ops.Infer, _ *matmulAttrs) error { return inferMatMul(c, false, false) },
	Bind: func(b *ops.Bind, _ *matmulAttrs) (ops.Kernel, error) {
		return bindProduct(b, product{}, epilogue{})
	},
}))

type fusedMatMulAttrs struct {
	TransA, TransB bool    // the last two dimensions are swapped
	Alpha          float32 `onnx:",1"`
	Act            string
	ActAlpha       float32
	ActBeta        float32
}

// FusedMatMul is act(alpha·A·B + bias + residual): bias along the last dimension, residual in the shape of the result; of types other than
// float32 only alpha·A·B.
var FusedMatMul = Ops.Add(ops.Def(ops.Spec[fusedMatMulAttrs]{
	Name: "MatMul", Domain: ops.Internal, In: "A:T, B:T, bias:T?, residual:T?", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *fusedMatMulAttrs) error { return inferMatMul(c, a.TransA, a.TransB) },
	Bind: func(b *ops.Bind, a *fusedMatMulAttrs) (ops.Kernel, error) {
		if dt := b.In(0).DT; dt != tensor.Float32 && (b.Has(2) || b.Has(3) || a.Act != "") {
			return nil, fmt.Errorf("bias, residual and activation are for products of float32, not of %s", dt)
		}
		return bindProduct(b, product{a.TransA, a.TransB, a.Alpha}, epilogue{bias: 2, residual: 3, act: actAttrs{a.Act, a.ActAlpha, a.ActBeta}})
	},
}))

// inferMatMul is numpy.matmul's rule: vectors gain a dimension and lose it again, what stands before the matrices is broadcast.
func inferMatMul(c *ops.Infer, transA, transB bool) error {
	a, okA := c.Shape(0)
	b, okB := c.Shape(1)
	dt := c.In(0).DT
	if !okA || !okB {
		return c.OutUnranked(0, dt)
	}
	if len(a) == 0 || len(b) == 0 {
		return fmt.Errorf("input A is %s and B is %s; neither may be a scalar", sym.ShapeString(a), sym.ShapeString(b))
	}
	m, ka, batchA := matrix(a, transA, false)
	kb, n, batchB := matrix(b, transB, true)
	if ka.Known() && kb.Known() && !ka.Equal(kb) {
		return fmt.Errorf("input A is %s and B is %s: the inner dimensions %s and %s differ", sym.ShapeString(a), sym.ShapeString(b), ka, kb)
	}
	shape, err := ops.Broadcast(batchA, batchB)
	if err != nil {
		return err
	}
	if len(a) > 1 {
		shape = append(shape, m)
	}
	if len(b) > 1 {
		shape = append(shape, n)
	}
	return c.Out(0, dt, shape...)
}

// matrix splits a shape into rows, columns and what stands before them. A vector is a row, or on the right side a column.
func matrix(s []ops.Dim, trans, right bool) (rows, cols ops.Dim, batch []ops.Dim) {
	if len(s) == 1 {
		if right {
			return s[0], ops.Num(1), nil
		}
		return ops.Num(1), s[0], nil
	}
	n := len(s) - 2
	rows, cols = s[n], s[n+1]
	if trans {
		rows, cols = cols, rows
	}
	return rows, cols, append([]ops.Dim{}, s[:n]...)
}

// product says how the operands of a product are stored, and its scale; 0 counts as 1.
type product struct {
	transA, transB bool
	alpha          float32
}

// epilogue names the inputs that are added to a product, 0 for none, and its activation.
type epilogue struct {
	bias, residual int
	act            actAttrs
}

// bindProduct prepares A·B, the inputs 0 and 1.
func bindProduct(b *ops.Bind, p product, e epilogue) (ops.Kernel, error) {
	switch b.In(0).DT {
	case tensor.Float32:
		k, err := newProduct[float32](b, p, nil)
		if err != nil {
			return nil, err
		}
		k.epi = e
		if err := e.act.set(&k.g.Epilogue); err != nil {
			return nil, err
		}
		return k, nil
	case tensor.Float16, tensor.BFloat16:
		return newWideProduct(b, p, num.Load32, num.Store32)
	case tensor.Float64:
		return newProduct[float64](b, p, nil)
	case tensor.Int32, tensor.Uint32, tensor.Int64, tensor.Uint64:
		return newIntProduct(b, p)
	}
	return nil, fmt.Errorf("no product of %s", b.In(0).DT)
}

// productKernel runs a product, or a batch of products of one shape.
type productKernel[T gemm.Number] struct {
	g   gemm.Matmul[T]
	epi epilogue
}

// loader converts elements of a tensor, see package num. Without one, the tensors are of the computing type.
type loader[T gemm.Number] func(dst []T, t *tensor.Tensor, off int) bool

// geometryOf works out the sizes of a product.
func geometryOf(b *ops.Bind, p product) (g gemm.Geometry, err error) {
	da, db := b.Dims(0), b.Dims(1)
	m, ka, batchA := matrix(sym.Nums(da), p.transA, false)
	_, n, batchB := matrix(sym.Nums(db), p.transB, true)
	g.M, g.K, g.N = num64(m), num64(ka), num64(n)
	g.TransA, g.TransB = p.transA && len(da) > 1, p.transB && len(db) > 1
	g.LDA, g.LDB, g.LDC = g.K, g.N, g.N
	if g.TransA {
		g.LDA = g.M
	}
	if g.TransB {
		g.LDB = g.K
	}
	if len(db) == 1 {
		g.LDB = 1
	}
	if num64(sym.Prod(batchB)) == 1 && !g.TransA {
		g.M *= num64(sym.Prod(batchA)) // one matrix on the right: the left ones are one tall matrix
	} else {
		err = batch(&g, batchA, batchB)
	}
	return g, err
}

// newProduct prepares a product. The operands will be what load makes of them.
func newProduct[T gemm.Number](b *ops.Bind, p product, load loader[T]) (*productKernel[T], error) {
	s, err := geometryOf(b, p)
	if err != nil {
		return nil, err
	}
	k := &productKernel[T]{}
	g := &k.g
	g.M, g.N, g.K, g.LDA, g.LDB, g.LDC, g.TransA, g.TransB, g.Batch = s.M, s.N, s.K, s.LDA, s.LDB, s.LDC, s.TransA, s.TransB, s.Batch
	g.Alpha = T(p.alpha)
	if g.Batch == nil && b.Constant(1) != nil {
		packed, err := packRight(b, 1, g.K, g.N, g.LDB, g.TransB, load)
		if err != nil {
			return nil, err
		}
		g.Packed = packed
	}
	return k, nil
}

// packRight returns the constant input i packed as the right operand of a product.
func packRight[T gemm.Number](b *ops.Bind, i, k, n, ld int, trans bool, load loader[T]) (*gemm.PackedB[T], error) {
	form, err := b.Packed(i, fmt.Sprintf("gemm %d×%d %t", k, n, trans), func(t *tensor.Tensor) (any, int, error) {
		data := tensor.View[T](t)
		if load != nil {
			data = make([]T, t.Len())
			load(data, t, 0)
		}
		p, err := gemm.Pack(k, n, data, ld, trans)
		if err != nil {
			return nil, 0, err
		}
		return p, p.Bytes(), nil
	})
	if err != nil {
		return nil, err
	}
	return form.(*gemm.PackedB[T]), nil
}

func num64(d ops.Dim) int {
	n, _ := d.Int()
	return int(n)
}

// batch lists where each product of a batch begins, by NumPy's broadcasting.
func batch(g *gemm.Geometry, batchA, batchB []ops.Dim) error {
	out, err := ops.Broadcast(batchA, batchB)
	if err != nil {
		return err
	}
	total := num64(sym.Prod(out))
	g.Batch = make([]gemm.Offset, total)
	strideA, strideB := batchStrides(batchA, len(out), g.M*g.K), batchStrides(batchB, len(out), g.K*g.N)
	index := make([]int, len(out))
	for i := range g.Batch {
		o := &g.Batch[i]
		for d, x := range index {
			o.A += x * strideA[d]
			o.B += x * strideB[d]
		}
		o.C, o.Residual = i*g.M*g.N, i*g.M*g.N
		for d := len(index) - 1; d >= 0; d-- {
			if index[d]++; index[d] < num64(out[d]) {
				break
			}
			index[d] = 0
		}
	}
	return nil
}

// batchStrides returns the strides of a batch's dimensions, right-aligned in rank dimensions, 0 where one is broadcast.
func batchStrides(batch []ops.Dim, rank, size int) []int {
	out := make([]int, rank)
	for d := len(batch) - 1; d >= 0; d-- {
		n := num64(batch[d])
		if n > 1 {
			out[rank-len(batch)+d] = size
		}
		size *= n
	}
	return out
}

// Run computes the product.
func (k *productKernel[T]) Run(c *ops.Call) error {
	g := &k.g
	g.A, g.C = tensor.View[T](c.In(0)), tensor.View[T](c.Out(0))
	if g.Packed == nil {
		g.B = tensor.View[T](c.In(1))
	}
	if k.epi.bias > 0 && c.Has(k.epi.bias) {
		g.Bias = tensor.View[T](c.In(k.epi.bias))
	}
	if k.epi.residual > 0 && c.Has(k.epi.residual) {
		g.Residual, g.LDR = tensor.View[T](c.In(k.epi.residual)), g.N
	}
	return k.run(c)
}

func (k *productKernel[T]) run(c *ops.Call) error {
	if len(k.g.C) == 0 {
		return nil
	}
	if err := k.g.Prepare(); err != nil {
		return err
	}
	return c.Parallel(k.g.Tiles(), k)
}

// Tile computes a tile of the product.
func (k *productKernel[T]) Tile(w ops.Worker, i int) {
	k.g.Tile(i, ops.Scratch[T](w, k.g.ScratchLen()))
}

// wideProduct computes in a wider type, and converts the result once.
type wideProduct[T gemm.Number] struct {
	productKernel[T]
	load             loader[T]
	store            func(t *tensor.Tensor, off int, src []T) bool
	lenA, lenB, lenC int
}

func newWideProduct[T gemm.Number](b *ops.Bind, p product, load loader[T], store func(*tensor.Tensor, int, []T) bool) (ops.Kernel, error) {
	k, err := newProduct(b, p, load)
	if err != nil {
		return nil, err
	}
	h := &wideProduct[T]{productKernel: *k, load: load, store: store}
	h.lenA, h.lenC = elements(b.Dims(0)), elements(b.OutDims(0))
	if h.g.Packed == nil {
		h.lenB = elements(b.Dims(1))
	}
	b.NeedScratch((h.lenA + h.lenB + h.lenC) * int(unsafe.Sizeof(*new(T))))
	return h, nil
}

func elements(dims []int) int {
	n, _ := tensor.NumElements(dims)
	return n
}

// Run computes the product.
func (h *wideProduct[T]) Run(c *ops.Call) error {
	f := ops.Elements[T](c.Scratch)
	g := &h.g
	g.A, f = f[:h.lenA], f[h.lenA:]
	h.load(g.A, c.In(0), 0)
	if g.Packed == nil {
		g.B, f = f[:h.lenB], f[h.lenB:]
		h.load(g.B, c.In(1), 0)
	}
	g.C = f[:h.lenC]
	if err := h.run(c); err != nil {
		return err
	}
	h.store(c.Out(0), 0, g.C)
	return nil
}
