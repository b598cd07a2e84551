package quant

import (
	"fmt"

	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/quant"
	"ingot/internal/kernel/vec"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// QLinearMatMul is the product of quantised matrices, quantised again: round((a − za)·(b − zb)·(sa·sb/sy)) + zy, saturated.
//
// Operands of 8-bit integers are multiplied exactly in int32; with an 8-bit float among them, in float32.
var QLinearMatMul = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "QLinearMatMul",
	In:   "a:T1, a_scale:TS, a_zero_point:T1, b:T2, b_scale:TS, b_zero_point:T2, y_scale:TS, y_zero_point:T3", Out: "y:T3",
	Types: "T1=" + small19 + "; T2=" + small19 + "; T3=" + small19 + "; TS=" + halves,
	Vers: []ops.Ver{{Since: 21}, {Since: 10, Types: "T1=" + small13 + "; T2=" + small13 + "; T3=" + small13,
		In: "a:T1, a_scale:float, a_zero_point:T1, b:T2, b_scale:float, b_zero_point:T2, y_scale:float, y_zero_point:T3"}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		for i, name := range []string{6: "y_scale", 7: "y_zero_point"} {
			if d, ok := c.In(i).Dims(); name != "" && ok && elements(d) != 1 {
				return fmt.Errorf("%s has shape %s; must be a scalar", name, tensor.ShapeString(d))
			}
		}
		return inferProduct(c, 0, 3, c.In(7).DT)
	},
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		r := rescale{out: b.Out(0).DT}
		if r.out.IsInteger() {
			r.bounds = rangeOf(r.out)
		}
		var err error
		left, right := newOperand(b.Dims(0), false), newOperand(b.Dims(3), true)
		if r.indexA, err = left.index("a_scale", b.Dims(1)); err != nil {
			return nil, err
		}
		if r.indexB, err = right.index("b_scale", b.Dims(4)); err != nil {
			return nil, err
		}
		r.lenA, r.lenB = elements(b.Dims(1)), elements(b.Dims(4))
		if b.In(0).DT.IsInteger() && b.In(3).DT.IsInteger() {
			return bindQLinear(b, r)
		}
		return bindFloatQLinear(b, r, left, right)
	},
}))

// rescale is how sums of products become elements of the output.
type rescale struct {
	out            tensor.DType
	bounds         quant.Range
	indexA, indexB []int32 // of rows and columns in their scales; nil: one for all
	lenA, lenB     int     // elements of the scales

	rows []float32 // scales of rows, if they have their own; nil: they are in cols
	cols []float32 // scales of columns, or one for all, over the output's
	zero float32
	y    *tensor.Tensor
}

// bytes is the scratch that load needs.
func (r *rescale) bytes() int {
	return align(4 * (r.lenA + r.lenB + 1 + len(r.indexA) + len(r.indexB)))
}

// load combines the scales.
func (r *rescale) load(c *ops.Call, scratch []byte) {
	f := ops.Elements[float32](scratch)
	take := func(n int) []float32 {
		s := f[:n:n]
		f = f[n:]
		return s
	}
	a, b, y := take(r.lenA), take(r.lenB), take(1)
	num.Load32(a, c.In(1), 0)
	num.Load32(b, c.In(4), 0)
	num.Load32(y, c.In(6), 0)
	r.rows, r.cols = nil, pick(take(len(r.indexB)), b, r.indexB)
	if r.indexA != nil {
		r.rows = pick(take(len(r.indexA)), a, r.indexA)
		vec.DivS(r.cols, r.cols, y[0])
	} else {
		vec.MulS(r.cols, r.cols, a[0])
		vec.DivS(r.cols, r.cols, y[0])
	}
	num.Load32(y, c.In(7), 0)
	r.zero, r.y = y[0], c.Out(0)
}

const blockLen = 128

// scales returns the factors of a run of at most blockLen elements of a row, or one for all.
func (r *rescale) scales(buf *[blockLen]float32, row int, cols []float32, j, n int) []float32 {
	if len(cols) > 1 {
		cols = cols[j:][:n]
	}
	if r.rows == nil {
		return cols
	}
	vec.MulS(buf[:len(cols)], cols, r.rows[row])
	return buf[:len(cols)]
}

// store writes floats that have the output's scale.
func (r *rescale) store(at int, q []float32) {
	switch r.out {
	case tensor.Int8:
		quant.Round(tensor.View[int8](r.y)[at:][:len(q)], q, int32(r.zero), r.bounds)
	case tensor.Uint8:
		quant.Round(tensor.View[uint8](r.y)[at:][:len(q)], q, int32(r.zero), r.bounds)
	default:
		vec.AddS(q, q, r.zero)
		num.Store32(r.y, at, q)
	}
}

// qlinear multiplies in integers and rescales the sums while they are in the cache.
type qlinear struct {
	product
	rescale
}

func bindQLinear(b *ops.Bind, r rescale) (ops.Kernel, error) {
	k := &qlinear{rescale: r}
	left, right := newOperand(b.Dims(0), false), newOperand(b.Dims(3), true)
	sums := left.rows * right.cols
	if right.count == 1 {
		sums *= left.count
	}
	if err := k.bind(b, 0, 3, 2, 5, r.bytes()+align(4*sums)); err != nil {
		return nil, err
	}
	k.g.Done = k.done
	return k, nil
}

func (k *qlinear) Run(c *ops.Call) error {
	k.load(c, c.Scratch)
	return k.run(c, ops.Elements[int32](c.Scratch[k.rescale.bytes():k.offset]))
}

// done rescales sums of row i from column j on.
func (k *qlinear) done(i, j int, sums []int32) {
	cols := part(k.cols, k.current.b, k.g.N)
	at := k.current.i*k.g.M*k.g.N + i*k.g.N + j
	row := k.current.a*k.a.rows + i
	var buf, q [blockLen]float32
	for n := 0; len(sums) > 0; sums, at, j = sums[n:], at+n, j+n {
		n = min(len(sums), blockLen)
		s := k.scales(&buf, row, cols, j, n)
		switch {
		case k.out == tensor.Int8 && len(s) == 1:
			quant.Rescale(tensor.View[int8](k.y)[at:], sums[:n], s[0], int32(k.zero))
		case k.out == tensor.Int8:
			quant.RescaleEach(tensor.View[int8](k.y)[at:], sums[:n], s, int32(k.zero))
		case k.out == tensor.Uint8 && len(s) == 1:
			quant.Rescale(tensor.View[uint8](k.y)[at:], sums[:n], s[0], int32(k.zero))
		case k.out == tensor.Uint8:
			quant.RescaleEach(tensor.View[uint8](k.y)[at:], sums[:n], s, int32(k.zero))
		default:
			quant.Scale(q[:n], sums[:n], s)
			k.store(at, q[:n])
		}
	}
}

// floatQLinear multiplies in float32.
type floatQLinear struct {
	rescale
	g            gemm.Matmul[float32]
	a, b         operand
	zeroA, zeroB []int32
	pairs        []pair
	lens         [5]int // of a, b, y and the zero points
}

func bindFloatQLinear(b *ops.Bind, r rescale, left, right operand) (ops.Kernel, error) {
	k := &floatQLinear{rescale: r, a: left, b: right, pairs: pairs(left.batch, right.batch)}
	var err error
	if k.zeroA, err = left.index("a_zero_point", b.Dims(2)); err != nil {
		return nil, err
	}
	if k.zeroB, err = right.index("b_zero_point", b.Dims(5)); err != nil {
		return nil, err
	}
	g := &k.g
	g.M, g.K, g.N = left.rows, left.cols, right.cols
	if g.K != right.rows {
		return nil, fmt.Errorf("the inner dimensions %d and %d differ", g.K, right.rows)
	}
	g.LDA, g.LDB, g.LDC = g.K, g.N, g.N
	g.Batch = make([]gemm.Offset, len(k.pairs))
	for i, p := range k.pairs {
		g.Batch[i] = gemm.Offset{A: p.a * g.M * g.K, B: p.b * g.K * g.N, C: i * g.M * g.N, Residual: i * g.M * g.N}
	}
	k.lens = [5]int{elements(b.Dims(0)), elements(b.Dims(3)), elements(b.OutDims(0)), elements(b.Dims(2)), elements(b.Dims(5))}
	total := 0
	for _, n := range k.lens {
		total += n
	}
	b.NeedScratch(r.bytes() + 4*total)
	return k, nil
}

func (k *floatQLinear) Run(c *ops.Call) error {
	k.load(c, c.Scratch)
	if k.lens[2] == 0 {
		return nil
	}
	f := ops.Elements[float32](c.Scratch[k.bytes():])
	var parts [5][]float32
	for i, n := range k.lens {
		parts[i], f = f[:n:n], f[n:]
	}
	for i, in := range [5]int{0, 3, -1, 2, 5} {
		if in >= 0 {
			num.Load32(parts[i], c.In(in), 0)
		}
	}
	g := &k.g
	g.A, g.B, g.C = parts[0], parts[1], parts[2]
	for i := range k.a.count * k.a.rows {
		row := g.A[i*g.K:][:g.K]
		vec.AddS(row, row, -at(parts[3], k.zeroA, i))
	}
	for i := range k.b.count * g.K * g.N {
		g.B[i] -= at(parts[4], k.zeroB, i/(g.K*g.N)*g.N+i%g.N)
	}
	if err := g.Prepare(); err != nil {
		return err
	}
	if err := c.Parallel(g.Tiles(), k); err != nil {
		return err
	}
	var buf [blockLen]float32
	for i, p := range k.pairs {
		cols := part(k.cols, p.b, g.N)
		for r := range g.M {
			for j := 0; j < g.N; j += blockLen {
				pos := (i*g.M+r)*g.N + j
				q := g.C[pos:][:min(blockLen, g.N-j)]
				if s := k.scales(&buf, p.a*g.M+r, cols, j, len(q)); len(s) == 1 {
					vec.MulS(q, q, s[0])
				} else {
					vec.Mul(q, q, s)
				}
				k.store(pos, q)
			}
		}
	}
	return nil
}

// at is a parameter of row or column i.
func at(p []float32, index []int32, i int) float32 {
	if index == nil {
		return p[0]
	}
	return p[index[i]]
}

// Tile computes a tile of the product.
func (k *floatQLinear) Tile(w ops.Worker, i int) {
	k.g.Tile(i, ops.Scratch[float32](w, k.g.ScratchLen()))
}
