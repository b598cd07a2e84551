package quant

import (
	"fmt"

	"ingot/internal/kernel/gemm"
	"ingot/ops"
	"ingot/tensor"
)

// MatMulInteger is the product of 8-bit matrices less their zero points, exact in int32.
var MatMulInteger = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "MatMulInteger", In: "A:T1, B:T2, a_zero_point:T1?, b_zero_point:T2?", Out: "Y:T3",
	Types: "T1=int8|uint8; T2=int8|uint8; T3=int32", Vers: []ops.Ver{{Since: 10}},
	Infer: func(c *ops.Infer, _ *noAttrs) error { return inferProduct(c, 0, 1, tensor.Int32) },
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		k := &matMulInteger{}
		return k, k.bind(b, 0, 1, 2, 3, 0)
	},
}))

type matMulInteger struct{ product }

func (k *matMulInteger) Run(c *ops.Call) error {
	return k.run(c, tensor.View[int32](c.Out(0)))
}

// product is a batch of products of 8-bit matrices in int32. The matrices on the right are packed once when they are constant, else one after
// the other, each when it is needed.
type product struct {
	g            gemm.Matmul8
	a, b         operand
	inA, inB     int // places among the inputs
	inZA, inZB   int
	zeroA, zeroB []int32
	pairs        []pair // nil: one matrix on the right, and all on the left are one
	packed       []*gemm.PackedB8
	room         gemm.PackedB8
	current      pair
	offset       int // bytes of scratch that are the caller's

	src []uint8 // what is being packed
}

// bind prepares the product of the inputs a and b with zero points za and zb. The first offset bytes of scratch are left to the caller.
func (k *product) bind(b *ops.Bind, inA, inB, za, zb, offset int) error {
	k.a, k.b = newOperand(b.Dims(inA), false), newOperand(b.Dims(inB), true)
	k.inA, k.inB, k.inZA, k.inZB, k.offset = inA, inB, za, zb, offset
	var err error
	if b.Has(za) {
		if k.zeroA, err = k.a.index("the zero point of the left operand", b.Dims(za)); err != nil {
			return err
		}
	}
	if b.Has(zb) {
		if k.zeroB, err = k.b.index("the zero point of the right operand", b.Dims(zb)); err != nil {
			return err
		}
	}
	g := &k.g
	g.M, g.K, g.N = k.a.rows, k.a.cols, k.b.cols
	if g.K != k.b.rows {
		return fmt.Errorf("the inner dimensions %d and %d differ", g.K, k.b.rows)
	}
	g.LDA, g.LDC = g.K, g.N
	g.SignedA = b.In(inA).DT == tensor.Int8
	if k.b.count == 1 {
		g.M *= k.a.count
	} else {
		k.pairs = pairs(k.a.batch, k.b.batch)
	}
	signed := b.In(inB).DT == tensor.Int8
	bytes := align(len(k.zeroA)) + align(len(k.zeroB))
	if b.Constant(inB) != nil {
		form, err := b.Packed(inB, fmt.Sprintf("gemm8 %d×%d×%d", k.b.count, g.K, g.N), k.pack)
		if err != nil {
			return err
		}
		k.packed = form.([]*gemm.PackedB8)
	} else {
		bytes += 4 * gemm.PackedLen8(g.K, g.N)
	}
	k.room.Signed = signed
	b.NeedScratch(offset + bytes)
	return nil
}

func align(n int) int { return (n + 63) &^ 63 }

// pack packs all matrices of a constant right operand.
func (k *product) pack(t *tensor.Tensor) (any, int, error) {
	list, bytes := make([]*gemm.PackedB8, k.b.count), 0
	data, size := tensor.View[uint8](t), k.g.K*k.g.N
	for i := range list {
		p, err := gemm.PackB8(k.g.K, k.g.N, t.DType() == tensor.Int8, data[i*size:][:size], k.g.N, false)
		if err != nil {
			return nil, 0, err
		}
		list[i], bytes = p, bytes+p.Bytes()
	}
	return list, bytes, nil
}

// run computes all products into dst. With Done set on the product, dst holds one of them at a time.
func (k *product) run(c *ops.Call, dst []int32) error {
	g, scratch := &k.g, c.Scratch[k.offset:]
	var zeroA, zeroB []uint8
	if c.Has(k.inZA) {
		zeroA = pick(scratch, tensor.View[uint8](c.In(k.inZA)), k.zeroA)
	}
	scratch = scratch[align(len(k.zeroA)):]
	if c.Has(k.inZB) {
		zeroB = pick(scratch, tensor.View[uint8](c.In(k.inZB)), k.zeroB)
	}
	scratch = scratch[align(len(k.zeroB)):]
	a, b := tensor.View[uint8](c.In(k.inA)), tensor.View[uint8](c.In(k.inB))
	if c.Out(0).Len() == 0 {
		return nil
	}
	if k.pairs == nil {
		g.A, g.C, g.ZeroA, g.ZeroB = a, dst, zeroA, zeroB
		k.current = pair{}
		return k.step(c, scratch, 0, b, true)
	}
	last := -1
	for i, p := range k.pairs {
		g.A, g.C = a[p.a*g.M*g.K:], dst
		if g.Done == nil {
			g.C = dst[i*g.M*g.N:]
		}
		g.ZeroA, g.ZeroB = part(zeroA, p.a, g.M), part(zeroB, p.b, g.N)
		k.current = p
		if err := k.step(c, scratch, i, b[p.b*g.K*g.N:], p.b != last); err != nil {
			return err
		}
		last = p.b
	}
	return nil
}

// step computes product i of the batch.
func (k *product) step(c *ops.Call, scratch []byte, i int, b []uint8, fresh bool) error {
	g := &k.g
	if k.packed != nil {
		g.B = k.packed[k.current.b]
	} else if fresh {
		signed := k.room.Signed
		k.room.Over(g.K, g.N, signed, ops.Elements[int32](scratch))
		k.src, g.B = b, &k.room
		if err := g.B.Check(b, g.N, false); err != nil {
			return err
		}
		if err := c.Parallel(g.B.Tiles(), (*packTiles)(k)); err != nil {
			return err
		}
	}
	if err := g.Prepare(); err != nil {
		return err
	}
	return c.Parallel(g.Tiles(), (*productTiles)(k))
}

type packTiles product

func (k *packTiles) Tile(_ ops.Worker, i int) { k.g.B.PackTile(i, k.src, k.g.N, false) }

type productTiles product

func (k *productTiles) Tile(w ops.Worker, i int) {
	k.g.Tile(i, ops.Scratch[int32](w, k.g.ScratchLen()))
}
