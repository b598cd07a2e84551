package nn

import (
	"fmt"

	"ingot/internal/kernel/gemm"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// intProduct is a product of integers. Narrow ones are converted.
type intProduct struct {
	g    gemm.Ints
	wide bool
	lens [4]int // of A, B, the addend and the result
}

func newIntProduct(b *ops.Bind, p product) (*intProduct, error) {
	s, err := geometryOf(b, p)
	if err != nil {
		return nil, err
	}
	k := &intProduct{g: gemm.Ints{Geometry: s, Alpha: 1}, wide: b.In(0).DT.Size() < 8}
	k.lens[0], k.lens[1], k.lens[3] = elements(b.Dims(0)), elements(b.Dims(1)), elements(b.OutDims(0))
	k.claim(b)
	return k, nil
}

// claim asks for the scratch of converted operands.
func (k *intProduct) claim(b *ops.Bind) {
	if k.wide {
		b.NeedScratch(8 * (k.lens[0] + k.lens[1] + k.lens[2] + k.lens[3]))
	}
}

func newIntGemm(b *ops.Bind, a *gemmAttrs) (ops.Kernel, error) {
	k, err := newIntProduct(b, product{transA: a.TransA, transB: a.TransB})
	if err != nil {
		return nil, err
	}
	g := &k.g
	g.Alpha, g.Beta = int64(a.Alpha), int64(a.Beta)
	if float32(g.Alpha) != a.Alpha || float32(g.Beta) != a.Beta {
		return nil, fmt.Errorf("alpha %v and beta %v aren't whole numbers, which an integer product needs", a.Alpha, a.Beta)
	}
	if b.Has(2) && a.Beta != 0 {
		d := b.Dims(2)
		k.lens[2] = elements(d)
		if n := len(d); n > 0 && d[n-1] > 1 {
			g.AddCol = 1
		}
		if len(d) == 2 && d[0] > 1 {
			g.AddRow = d[1]
		}
	}
	k.claim(b)
	return k, nil
}

// Run computes the product.
func (k *intProduct) Run(c *ops.Call) error {
	var parts [4][]int64
	scratch := ops.Elements[int64](c.Scratch)
	for i, n := range k.lens {
		if n == 0 {
			continue
		}
		t := c.Out(0)
		if i < 3 {
			t = c.In(i)
		}
		if !k.wide {
			parts[i] = tensor.View[int64](t)
			continue
		}
		if parts[i], scratch = scratch[:n], scratch[n:]; i < 3 {
			num.LoadInt(parts[i], t, 0)
		}
	}
	k.g.A, k.g.B, k.g.Add, k.g.C = parts[0], parts[1], parts[2], parts[3]
	if len(k.g.C) == 0 {
		return nil
	}
	if err := c.Parallel(k.g.Tiles(), k); err != nil {
		return err
	}
	if k.wide {
		num.StoreInt(c.Out(0), 0, k.g.C)
	}
	return nil
}

// Tile computes a tile of the product.
func (k *intProduct) Tile(_ ops.Worker, i int) { k.g.Tile(i) }
