package contrib

import (
	"fmt"

	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/quant"
	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// nbitsOps multiply with weights of a few bits, which stay packed in memory: a tile unpacks the columns that it multiplies.
var nbitsOps = []*ops.Op{
	ops.Def(ops.Spec[nbitsAttrs]{
		Name: "MatMulNBits", Domain: domain, Vers: since1,
		In: "A:T1, B:T2, scales:T1, zero_points:T3?, g_idx:T4?, bias:T1?", Out: "Y:T1",
		Types: "T1=float|float16|bfloat16; T2=uint8; T3=uint8|float16|float|bfloat16; T4=int32",
		Infer: inferNBits, Bind: bindNBits,
	}),
	ops.Def(ops.Spec[bnb4Attrs]{
		Name: "MatMulBnb4", Domain: domain, Vers: since1,
		In: "A:T1, B:T2, absmax:T1", Out: "Y:T1", Types: "T1=float|float16|bfloat16; T2=uint8",
		Infer: inferBnb4, Bind: bindBnb4,
	}),
	gatherBlock,
}

type nbitsAttrs struct {
	AccuracyLevel   int `onnx:",0"` // the least: float32 is enough for any
	Bits            int `onnx:",4"`
	BlockSize       int `onnx:",required"`
	K               int `onnx:"K,required"`
	N               int `onnx:"N,required"`
	WeightPrepacked int `onnx:",0"`
}

// blocks is how many blocks a column has, and bytes how long one is.
func (a *nbitsAttrs) blocks() int { return (a.K + a.BlockSize - 1) / a.BlockSize }
func (a *nbitsAttrs) bytes() int  { return a.BlockSize * a.Bits / 8 }

func inferNBits(c *ops.Infer, a *nbitsAttrs) error {
	switch {
	case a.Bits != 2 && a.Bits != 4 && a.Bits != 8:
		return fmt.Errorf("bits is %d; it must be 2, 4 or 8", a.Bits)
	case a.BlockSize < 16 || a.BlockSize&(a.BlockSize-1) != 0:
		return fmt.Errorf("block_size is %d; it must be a power of two and at least 16", a.BlockSize)
	case a.K < 1 || a.N < 1 || a.K > 1<<30 || a.N > 1<<30:
		return fmt.Errorf("attribute K is %d and N is %d; both must be positive, and below 2³⁰", a.K, a.N)
	case a.AccuracyLevel < 0 || a.AccuracyLevel > 4:
		return fmt.Errorf("accuracy_level is %d; it must be 0 to 4", a.AccuracyLevel)
	case a.WeightPrepacked != 0:
		return fmt.Errorf("weight_prepacked is %d; weights in the layout of a graphics processor can't be read", a.WeightPrepacked)
	}
	n, blocks := int64(a.N), int64(a.blocks())
	zeroLen := n * blocks
	if c.In(3).DT == tensor.Uint8 {
		zeroLen = n * ((blocks*int64(a.Bits) + 7) / 8)
	}
	empty := false
	for _, p := range []struct {
		i    int
		name string
		len  int64
		also int64
	}{{1, "B", n * blocks * int64(a.bytes()), -1}, {2, "scales", n * blocks, -1}, {3, "zero_points", zeroLen, -1}, {4, "g_idx", int64(a.K), blocks * int64(a.BlockSize)}, {5, "bias", n, -1}} {
		s, ok := c.Shape(p.i)
		have, known := sym.Prod(s).Int()
		if p.i == 1 {
			empty = !ok || !known || have == 0 // no weights: zeros, or the bias; or not known yet
		}
		if !ok {
			continue
		}
		if known && have != p.len && have != p.also && !(empty && p.i < 5) {
			return fmt.Errorf("%s is %s; for N %d, K %d, %d bits and blocks of %d it must have %d elements", p.name, sym.ShapeString(s), a.N, a.K, a.Bits, a.BlockSize, p.len)
		}
	}
	return inferRows(c, a.K, a.N)
}

// inferRows is the shape of a product with a K×N matrix.
func inferRows(c *ops.Infer, k, n int) error {
	x, ok := c.Shape(0)
	if !ok {
		return c.OutUnranked(0, c.In(0).DT)
	}
	if len(x) == 0 || differ(x[len(x)-1], ops.Num(k)) {
		return fmt.Errorf("input A is %s; its last dimension must be K, %d", sym.ShapeString(x), k)
	}
	return c.Out(0, c.In(0).DT, append(append([]ops.Dim{}, x[:len(x)-1]...), ops.Num(n))...)
}

// rowsOfBits is a product A·Bᵀ where the rows of B are unpacked when they are needed.
type rowsOfBits struct {
	m, n, k, per int // per: rows of B in a tile
	x            wide.Operand[float32]
	bias         wide.Operand[float32]
	y            wide.Result[float32]
	unpack       func(dst []float32, n int) // writes row n

	a, c, add []float32
}

func (p *rowsOfBits) lay(b *ops.Bind, room *wide.Room[float32], k, n, bias int) {
	dims := b.Dims(0)
	p.m, p.n, p.k = wide.Elements(dims[:len(dims)-1]), n, k
	p.per = max(16, min(64, 1<<17/max(1, k)/16*16))
	p.x, p.y, p.bias = room.In(b, 0), room.Out(b, 0), wide.None[float32]()
	if bias > 0 {
		p.bias = room.In(b, bias)
	}
}

func (p *rowsOfBits) run(c *ops.Call, s wide.Scratch[float32]) error {
	if p.m == 0 {
		return nil
	}
	p.a, p.c, p.add = p.x.Load(c, s), p.y.Elements(c, s), p.bias.Load(c, s)
	if err := c.Parallel((p.n-1)/p.per+1, p); err != nil {
		return err
	}
	p.y.Store(c, s)
	return nil
}

// fewRows is the number of rows of A up to which dot products are quicker than packing.
const fewRows = 6

// Tile implements [ops.Job].
func (p *rowsOfBits) Tile(w ops.Worker, i int) {
	lo, hi := i*p.per, min(p.n, (i+1)*p.per)
	if p.m <= fewRows {
		row := ops.Scratch[float32](w, p.k)
		for n := lo; n < hi; n++ {
			p.unpack(row, n)
			for m := range p.m {
				p.c[m*p.n+n] = vec.Dot(p.a[m*p.k:][:p.k], row)
			}
		}
	} else {
		cols := hi - lo
		room := ops.Scratch[float32](w, cols*p.k+gemm.PackedLen[float32](p.k, cols))
		rows := room[:cols*p.k]
		for n := lo; n < hi; n++ {
			p.unpack(rows[(n-lo)*p.k:][:p.k], n)
		}
		var b gemm.PackedB[float32]
		b.Over(p.k, cols, room[cols*p.k:])
		for t := range b.Tiles() {
			b.PackTile(t, rows, p.k, true)
		}
		gemm.Multiply(&b, p.m, p.a, p.k, p.c[lo:], p.n)
	}
	if p.add != nil {
		for m := range p.m {
			y := p.c[m*p.n:][lo:hi]
			vec.Add(y, y, p.add[lo:hi])
		}
	}
}

// fixed is an input as float32: a constant of another type is converted once.
type fixed struct {
	wide.Operand[float32]
	data []float32
}

func fixedIn(b *ops.Bind, room *wide.Room[float32], i int) (f fixed, err error) {
	if !b.Has(i) || b.In(i).DT == tensor.Float32 || b.Constant(i) == nil {
		f.Operand = room.In(b, i)
		return f, nil
	}
	form, err := b.Packed(i, "float32", func(t *tensor.Tensor) (any, int, error) {
		v := wide.Values[float32](t)
		return v, 4 * len(v), nil
	})
	f.Operand = wide.None[float32]()
	f.data, _ = form.([]float32)
	return f, err
}

func (f *fixed) load(c *ops.Call, s wide.Scratch[float32]) []float32 {
	if f.data != nil {
		return f.data
	}
	return f.Load(c, s)
}

type nbitsKernel struct {
	rowsOfBits
	attrs        *nbitsAttrs
	scales, zero fixed // zero: where zero points aren't packed

	packed, zeros    []byte
	scale, zeroFloat []float32
	groups           []int32
}

func bindNBits(b *ops.Bind, a *nbitsAttrs) (ops.Kernel, error) {
	k := &nbitsKernel{attrs: a}
	var room wide.Room[float32]
	k.lay(b, &room, a.K, a.N, 5)
	k.unpack = k.row
	var err error
	if k.scales, err = fixedIn(b, &room, 2); err == nil && b.Has(3) && b.In(3).DT != tensor.Uint8 {
		k.zero, err = fixedIn(b, &room, 3)
	} else {
		k.zero.Operand = wide.None[float32]()
	}
	room.Claim(b)
	return k, err
}

// Run multiplies.
func (k *nbitsKernel) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	k.packed, k.scale, k.zeroFloat, k.zeros, k.groups = tensor.View[uint8](c.In(1)), k.scales.load(c, s), k.zero.load(c, s), nil, nil
	if c.Has(3) && k.zeroFloat == nil {
		k.zeros = tensor.View[uint8](c.In(3))
	}
	if c.Has(4) && len(k.packed) > 0 {
		k.groups = tensor.View[int32](c.In(4))[:k.k]
		if err := checkLens("g_idx", k.groups, 0, k.attrs.blocks()-1); err != nil {
			return err
		}
	}
	return k.run(c, s)
}

// zeroAt is the zero point of a block of row n.
func (k *nbitsKernel) zeroAt(n, block int) float32 {
	a := k.attrs
	switch {
	case len(k.zeroFloat) > 0:
		return k.zeroFloat[n*a.blocks()+block]
	case len(k.zeros) > 0:
		return float32(quant.Bits(k.zeros[n*((a.blocks()*a.Bits+7)/8):], block, a.Bits))
	}
	return float32(int(1) << (a.Bits - 1))
}

func (k *nbitsKernel) row(dst []float32, n int) {
	if len(k.packed) == 0 {
		clear(dst)
		return
	}
	a := k.attrs
	blocks, bytes := a.blocks(), a.bytes()
	packed, scale := k.packed[n*blocks*bytes:][:blocks*bytes], k.scale[n*blocks:][:blocks]
	if k.groups != nil {
		for i, g := range k.groups {
			dst[i] = (float32(quant.Bits(packed, i, a.Bits)) - k.zeroAt(n, int(g))) * scale[g]
		}
		return
	}
	for block := range blocks {
		at := block * a.BlockSize
		quant.Unpack(dst[at:min(len(dst), at+a.BlockSize)], packed[block*bytes:][:bytes], a.Bits, scale[block], k.zeroAt(n, block))
	}
}

type bnb4Attrs struct {
	BlockSize    int  `onnx:",required"`
	K            int  `onnx:"K,required"`
	N            int  `onnx:"N,required"`
	QuantType    int  `onnx:",required"`
	TrainingMode int  `onnx:",0"`
	TransB       bool `onnx:"transB,1"`
}

// bnb4Tables are the numbers that 4 bits stand for: a float with sign, two bits of exponent and one of fraction, scaled to ±1, and the quantiles of a
// normal distribution (https://arxiv.org/abs/2305.14314).
var bnb4Tables = [2][16]float32{
	{0, 0.005208333333, 0.6666666667, 1, 0.3333333333, 0.5, 0.1666666667, 0.25, 0, -0.005208333333, -0.6666666667, -1, -0.3333333333, -0.5, -0.1666666667, -0.25},
	{-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
		0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1},
}

func inferBnb4(c *ops.Infer, a *bnb4Attrs) error {
	switch {
	case a.QuantType != 0 && a.QuantType != 1:
		return fmt.Errorf("quant_type is %d; it must be 0 (FP4) or 1 (NF4)", a.QuantType)
	case a.BlockSize < 16 || a.BlockSize&(a.BlockSize-1) != 0:
		return fmt.Errorf("block_size is %d; it must be a power of two and at least 16", a.BlockSize)
	case a.K < 1 || a.N < 1 || a.K > 1<<30 || a.N > 1<<30:
		return fmt.Errorf("attribute K is %d and N is %d; both must be positive, and below 2³⁰", a.K, a.N)
	case a.TrainingMode != 0:
		return fmt.Errorf("training_mode is %d; nothing is trained here", a.TrainingMode)
	case !a.TransB:
		return fmt.Errorf("transB is 0; only weights of [N,K] are computed")
	}
	all := int64(a.N) * int64(a.K)
	for i, n := range []int64{(all + 1) / 2, (all + int64(a.BlockSize) - 1) / int64(a.BlockSize)} {
		if s, ok := c.Shape(i + 1); ok && differ(sym.Prod(s), ops.Num(n)) {
			return fmt.Errorf("input %d is %s; for N %d, K %d and blocks of %d it must have %d elements", i+1, sym.ShapeString(s), a.N, a.K, a.BlockSize, n)
		}
	}
	return inferRows(c, a.K, a.N)
}

type bnb4Kernel struct {
	rowsOfBits
	attrs  *bnb4Attrs
	absmax fixed

	packed []byte
	scale  []float32
}

func bindBnb4(b *ops.Bind, a *bnb4Attrs) (ops.Kernel, error) {
	k := &bnb4Kernel{attrs: a}
	var room wide.Room[float32]
	k.lay(b, &room, a.K, a.N, 0)
	k.unpack = k.row
	var err error
	k.absmax, err = fixedIn(b, &room, 2)
	room.Claim(b)
	return k, err
}

// Run multiplies.
func (k *bnb4Kernel) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	k.packed, k.scale = tensor.View[uint8](c.In(1)), k.absmax.load(c, s)
	return k.run(c, s)
}

// row unpacks row n. Blocks run over the ends of rows, and of two numbers in a byte the first is in the upper half.
func (k *bnb4Kernel) row(dst []float32, n int) {
	t := &bnb4Tables[k.attrs.QuantType]
	for i := range dst {
		at := n*k.k + i
		q := k.packed[at/2]
		if at%2 == 0 {
			q >>= 4
		}
		dst[i] = t[q&15] * k.scale[at/k.attrs.BlockSize]
	}
}
