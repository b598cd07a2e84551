package nn

import (
	"fmt"
	"math"

	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/real"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type flexAttrs struct {
	ProbMod          *ops.Subgraph
	Scale            *float32
	ScoreMod         *ops.Subgraph
	SoftmaxPrecision *int
}

// attention returns the attributes of the attention that is left without the bodies.
func (a *flexAttrs) attention(dt tensor.DType) *attentionAttrs {
	p := int(a.precision(dt))
	return &attentionAttrs{LeftWindowSize: -1, RightWindowSize: -1, Scale: a.Scale, SoftmaxPrecision: &p}
}

// precision is the type of scores and probabilities.
func (a *flexAttrs) precision(dt tensor.DType) tensor.DType {
	switch {
	case a.SoftmaxPrecision != nil:
		return tensor.DType(*a.SoftmaxPrecision)
	case dt == tensor.Float64:
		return dt
	}
	return tensor.Float32
}

// FlexAttention is attention whose scores and probabilities go through bodies of the node.
func FlexAttention() *ops.Op {
	return ops.Def(ops.Spec[flexAttrs]{
		Name: "FlexAttention", Domain: "ai.onnx.preview", In: "Q:T1, K:T1, V:T1", Out: "Y:T1", Types: "T1=floats4", Vers: []ops.Ver{{Since: 1}},
		Infer: inferFlex,
		Bind: func(b *ops.Bind, a *flexAttrs) (ops.Kernel, error) {
			dt := b.In(0).DT
			if dt == tensor.Float64 || a.precision(dt) == tensor.Float64 {
				return bindFlex[float64](b, a)
			}
			return bindFlex[float32](b, a)
		},
	})
}

func inferFlex(c *ops.Infer, a *flexAttrs) error {
	if err := checkPrecision(a.SoftmaxPrecision); err != nil {
		return err
	}
	var shapes [3][]ops.Dim
	for i, name := range []string{"Q", "K", "V"} {
		s, ok := c.Shape(i)
		if !ok {
			return c.OutRank(0, c.In(0).DT, 4)
		}
		if len(s) != 4 {
			return fmt.Errorf("%s is %s; it must have 4 dimensions", name, sym.ShapeString(s))
		}
		shapes[i] = s
	}
	dt := c.In(0).DT
	q, k, v, err := a.attention(dt).splitAll(shapes[0], shapes[1], shapes[2])
	if err != nil {
		return err
	}
	scores := sym.TensorType(a.precision(dt), q.batch, q.heads, q.seq, k.seq)
	for name, g := range map[string]*ops.Subgraph{"score_mod": a.ScoreMod, "prob_mod": a.ProbMod} {
		if g == nil {
			continue
		}
		if g.NumIn != 1 || g.NumOut != 1 {
			return fmt.Errorf("%s has %d inputs and %d outputs; it must have one of each", name, g.NumIn, g.NumOut)
		}
		out, err := c.InferBody(g, []ops.Type{scores})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if out[0].DT != tensor.Invalid && out[0].DT != scores.DT {
			return fmt.Errorf("%s gives %s; it must keep %s", name, out[0].DT, scores.DT)
		}
	}
	return c.Out(0, dt, q.batch, q.heads, q.seq, v.size)
}

func bindFlex[T real.Float](b *ops.Bind, a *flexAttrs) (ops.Kernel, error) {
	dt := b.In(0).DT
	at := a.attention(dt)
	g, err := at.geometry(sym.Nums(b.Dims(attQ)), sym.Nums(b.Dims(attK)), sym.Nums(b.Dims(attV)), nil)
	if err != nil {
		return nil, err
	}
	k, err := bindAttention[T](b, at, g)
	if err != nil {
		return nil, err
	}
	k.exactProbs = true
	softmax := k.softmax
	k.softmax = func(row []T) { // unlike Attention's, a row that is -Inf throughout gives NaN
		if len(row) > 0 && math.IsInf(float64(k.MaxOf(row)), -1) {
			fillRow(row, T(math.NaN()))
			return
		}
		softmax(row)
	}
	if a.ScoreMod == nil && a.ProbMod == nil {
		return k, nil
	}
	return &flex[T]{k, a.precision(dt), a.ScoreMod, a.ProbMod}, nil
}

// flex is attention with bodies: all scores are there at once.
type flex[T real.Float] struct {
	*attention[T]
	precision         tensor.DType
	scoreMod, probMod *ops.Subgraph
}

// Run computes the attention.
func (f *flex[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	k := f.attention
	k.qData, k.yData = k.q.Load(c, s), k.y.Elements(c, s)
	k.kData, k.vData = k.source(k.k.Load(c, s), k.size), k.source(k.v.Load(c, s), k.vSize)
	if k.half != tensor.Invalid {
		k.scaleHalves()
	}
	heads, total := k.batch*k.heads, k.total()
	scores := make([]T, heads*k.queries*total)
	err := c.For(heads, 1, func(h, _ int) { f.multiplyAll(h, scores) })
	if err == nil {
		k.round(scores)
		err = f.modify(c, f.scoreMod, scores)
	}
	if err == nil {
		err = c.For(heads*k.queries, max(1, 4096/max(1, total)), func(lo, hi int) {
			for r := lo; r < hi; r++ {
				k.softmax(scores[r*total:][:total])
			}
		})
	}
	if err == nil {
		err = f.modify(c, f.probMod, scores)
	}
	if err == nil {
		err = c.For(heads, 1, func(h, _ int) { f.average(h, scores) })
	}
	k.y.Store(c, s)
	return err
}

// multiplyAll computes the scores of a head of a sample.
func (f *flex[T]) multiplyAll(h int, scores []T) {
	k := f.attention
	total := k.total()
	g := gemm.Matmul[T]{M: k.queries, N: total, K: k.size, LDA: k.size, LDB: k.size, LDC: total, TransB: true}
	g.A, g.C = k.qData[h*k.queries*k.size:], scores[h*k.queries*total:]
	g.B = k.kData.at(h/k.heads, h%k.heads/(k.heads/k.kvHeads), 0)
	if k.half == tensor.Invalid {
		g.Alpha = k.scale
	}
	if k.scale == 0 {
		g.K = 0
	}
	run(&g, make([]T, g.Measure()))
}

// average computes Y of a head of a sample.
func (f *flex[T]) average(h int, probs []T) {
	k := f.attention
	total := k.total()
	g := gemm.Matmul[T]{M: k.queries, N: k.vSize, K: total, LDA: total, LDB: k.vSize, LDC: k.vSize}
	g.A, g.C = probs[h*k.queries*total:], k.yData[h*k.queries*k.vSize:]
	g.B = k.vData.at(h/k.heads, h%k.heads/(k.heads/k.kvHeads), 0)
	run(&g, make([]T, g.Measure()))
}

// modify sends scores or probabilities through a body, in the type of the softmax.
func (f *flex[T]) modify(c *ops.Call, g *ops.Subgraph, x []T) error {
	if g == nil {
		return nil
	}
	k := f.attention
	shape := []int{k.batch, k.heads, k.queries, k.total()}
	in, err := tensor.New(f.precision, shape...)
	if err != nil {
		return err
	}
	wide.Store(in, 0, x)
	outs, err := c.RunBody(g, []tensor.Value{in})
	if err != nil {
		return err
	}
	out, ok := outs[0].(*tensor.Tensor)
	if !ok || out.DType() != f.precision || tensor.ShapeString(out.Dims()) != tensor.ShapeString(shape) {
		return fmt.Errorf("a body made %v of %s; it must keep type and shape", outs[0], in)
	}
	wide.Load(x, out, 0)
	return nil
}
