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

type gemmAttrs struct {
	Alpha  float32 `onnx:",1"`
	Beta   float32 `onnx:",1"`
	TransA bool    `onnx:"transA,0"`
	TransB bool    `onnx:"transB,0"`
}

// Gemm is alpha·A·B + beta·C with C broadcast to the result.
var Gemm = Ops.Add(ops.Def(ops.Spec[gemmAttrs]{
	Name: "Gemm", In: "A:T, B:T, C:T?", Out: "Y:T", Types: productTypes,
	Vers: []ops.Ver{{Since: 13}, {Since: 11, Types: productOld}, {Since: 9, In: "A:T, B:T, C:T"}, {Since: 7, Types: "T=floats"},
		{Since: 6, Attrs: "+broadcast:int=0", Up: ops.DropAttrs("broadcast")}, {Since: 1}},
	Infer: func(c *ops.Infer, a *gemmAttrs) error {
		for i, name := range []string{"A", "B"} {
			if s, ok := c.Shape(i); ok && len(s) != 2 {
				return fmt.Errorf("%s is %s; it must be a matrix", name, sym.ShapeString(s))
			}
		}
		if err := inferMatMul(c, a.TransA, a.TransB); err != nil {
			return err
		}
		out, bias := c.Outs()[0].Shape, c.In(2)
		if c.Outs()[0].Ranked && bias.Ranked {
			s, err := ops.Broadcast(out, bias.Shape)
			if err != nil || len(s) != 2 || differ(s[0], out[0]) || differ(s[1], out[1]) {
				return fmt.Errorf("input C is %s, which can't be broadcast to %s", sym.ShapeString(bias.Shape), sym.ShapeString(out))
			}
		}
		return nil
	},
	Bind: func(b *ops.Bind, a *gemmAttrs) (ops.Kernel, error) {
		switch b.In(0).DT {
		case tensor.Float32:
			return newGemm[float32](b, a, nil)
		case tensor.Float64:
			return newGemm[float64](b, a, nil)
		case tensor.Int32, tensor.Uint32, tensor.Int64, tensor.Uint64:
			return newIntGemm(b, a)
		case tensor.Float16, tensor.BFloat16:
			return newWideGemm(b, a, num.Load32, num.Store32)
		}
		return nil, fmt.Errorf("no product of %s", b.In(0).DT)
	},
}))

// gemmKernel adds C where a product has a place for it, or else lays it out in the result first.
type gemmKernel[T gemm.Number] struct {
	productKernel[T]
	beta     T
	addend   []int // C's shape, nil without C
	alphaOff bool  // alpha is 0: only C counts
}

func newGemm[T gemm.Number](b *ops.Bind, a *gemmAttrs, load loader[T]) (*gemmKernel[T], error) {
	p, err := newProduct(b, product{a.TransA, a.TransB, a.Alpha}, load)
	if err != nil {
		return nil, err
	}
	k := &gemmKernel[T]{productKernel: *p, beta: T(a.Beta)}
	if a.Alpha == 0 {
		k.g.K, k.alphaOff = 0, true
	}
	if b.Has(2) && a.Beta != 0 {
		k.addend = append([]int{}, b.Dims(2)...)
	}
	return k, nil
}

// Run computes the product.
func (k *gemmKernel[T]) Run(c *ops.Call) error {
	k.g.A, k.g.C = tensor.View[T](c.In(0)), tensor.View[T](c.Out(0))
	if k.g.Packed == nil {
		k.g.B = tensor.View[T](c.In(1))
	}
	if k.addend != nil {
		k.add(tensor.View[T](c.In(2)))
	}
	return k.compute(c)
}

func (k *gemmKernel[T]) compute(c *ops.Call) error {
	if k.alphaOff {
		k.g.Packed = nil
	}
	return k.run(c)
}

// add makes C the bias of the columns or the residual; any other shape is broadcast into the result, which the product then adds to.
func (k *gemmKernel[T]) add(x []T) {
	g := &k.g
	d := k.addend
	full := len(d) == 2 && d[0] == g.M && d[1] == g.N
	row := len(d) > 0 && d[len(d)-1] == g.N && len(x) == g.N
	switch {
	case row && k.beta == 1:
		g.Bias = x
	case full:
		g.Residual, g.LDR, g.Beta = x, g.N, k.beta
	default:
		rows, cols := 0, 0 // strides
		if len(d) > 0 && d[len(d)-1] > 1 {
			cols = 1
		}
		if len(d) == 2 && d[0] > 1 {
			rows = d[1]
		}
		for i := range g.M {
			out := g.C[i*g.N : (i+1)*g.N]
			for j := range out {
				out[j] = x[i*rows+j*cols]
			}
		}
		g.Residual, g.LDR, g.Beta = g.C, g.N, k.beta
	}
}

// wideGemm computes in a wider type, and converts the result once.
type wideGemm[T gemm.Number] struct {
	gemmKernel[T]
	load  loader[T]
	store func(t *tensor.Tensor, off int, src []T) bool
	lens  [4]int // of A, B, C and Y
}

func newWideGemm[T gemm.Number](b *ops.Bind, a *gemmAttrs, load loader[T], store func(*tensor.Tensor, int, []T) bool) (ops.Kernel, error) {
	k, err := newGemm(b, a, load)
	if err != nil {
		return nil, err
	}
	h := &wideGemm[T]{gemmKernel: *k, load: load, store: store}
	h.lens[0], h.lens[3] = elements(b.Dims(0)), elements(b.OutDims(0))
	if h.g.Packed == nil {
		h.lens[1] = elements(b.Dims(1))
	}
	if h.addend != nil {
		h.lens[2] = elements(h.addend)
	}
	b.NeedScratch((h.lens[0] + h.lens[1] + h.lens[2] + h.lens[3]) * int(unsafe.Sizeof(*new(T))))
	return h, nil
}

// Run computes the product.
func (h *wideGemm[T]) Run(c *ops.Call) error {
	f := ops.Elements[T](c.Scratch)
	var parts [4][]T
	for i, n := range h.lens {
		parts[i], f = f[:n:n], f[n:]
		if i < 3 && n > 0 {
			h.load(parts[i], c.In(i), 0)
		}
	}
	h.g.A, h.g.C = parts[0], parts[3]
	if h.g.Packed == nil {
		h.g.B = parts[1]
	}
	if h.addend != nil {
		h.add(parts[2])
	}
	if err := h.compute(c); err != nil {
		return err
	}
	h.store(c.Out(0), 0, h.g.C)
	return nil
}
