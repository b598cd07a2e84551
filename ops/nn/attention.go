package nn

import (
	"fmt"
	"math"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type attentionAttrs struct {
	IsCausal           bool `onnx:",0"`
	KvNumHeads         *int
	LeftWindowSize     int `onnx:",-1"`
	QNumHeads          *int
	QkMatmulOutputMode int `onnx:",0"`
	RightWindowSize    int `onnx:",-1"`
	Scale              *float32
	Softcap            float32 `onnx:",0"`
	SoftmaxPrecision   *int
}

// The inputs and outputs of Attention.
const (
	attQ, attK, attV, attMask, attPastK, attPastV, attLens = 0, 1, 2, 3, 4, 5, 6
	attY, attPresentK, attPresentV, attScores              = 0, 1, 2, 3
)

// What the output of scores holds.
const (
	scoresRaw = iota
	scoresCapped
	scoresBiased
	scoresSoftmax
)

// Attention is softmax(Q·Kᵀ·scale + bias)·V for each head, with a cache of keys and values.
func Attention() *ops.Op {
	return ops.Def(ops.Spec[attentionAttrs]{
		Name: "Attention",
		In:   "Q:T1, K:T1, V:T2, attn_mask:U?, past_key:T1?, past_value:T2?, nonpad_kv_seqlen:int64?",
		Out:  "Y:T1, present_key:T1?, present_value:T2?, qk_matmul_output:T1?", Types: "T1=floats4; T2=floats4; U=num4|bool",
		Vers: []ops.Ver{{Since: 25}, {Since: 24, Attrs: "-left_window_size -right_window_size"},
			{Since: 23, In: "Q:T1, K:T1, V:T2, attn_mask:U?, past_key:T1?, past_value:T2?"}},
		Infer: inferAttention,
		Bind: func(b *ops.Bind, a *attentionAttrs) (ops.Kernel, error) {
			g, err := a.geometry(sym.Nums(b.Dims(attQ)), sym.Nums(b.Dims(attK)), sym.Nums(b.Dims(attV)), b.Dims(attPastK))
			if err != nil {
				return nil, err
			}
			if b.In(attQ).DT == tensor.Float64 || b.In(attV).DT == tensor.Float64 {
				return bindAttention[float64](b, a, g)
			}
			return bindAttention[float32](b, a, g)
		},
	})
}

// check refuses attributes that have no meaning.
func (a *attentionAttrs) check() error {
	switch {
	case a.LeftWindowSize < -1 || a.RightWindowSize < -1:
		return fmt.Errorf("left_window_size is %d and right_window_size is %d; neither may be below -1", a.LeftWindowSize, a.RightWindowSize)
	case a.QkMatmulOutputMode < scoresRaw || a.QkMatmulOutputMode > scoresSoftmax:
		return fmt.Errorf("qk_matmul_output_mode is %d; it must be 0 to 3", a.QkMatmulOutputMode)
	case a.Softcap < 0 || a.Softcap != a.Softcap:
		return fmt.Errorf("softcap is %v; it must not be negative", a.Softcap)
	}
	for name, n := range map[string]*int{"q_num_heads": a.QNumHeads, "kv_num_heads": a.KvNumHeads} {
		if n != nil && *n < 1 {
			return fmt.Errorf("%s is %d; it must be positive", name, *n)
		}
	}
	return checkPrecision(a.SoftmaxPrecision)
}

// checkPrecision checks the type that a softmax is to be computed in.
func checkPrecision(p *int) error {
	if p != nil && (*p < 0 || *p > 255 || !tensor.Floats16.Has(tensor.DType(*p))) {
		return fmt.Errorf("softmax_precision is %d; it must be 1, 10, 11 or 16: a floating-point type", *p)
	}
	return nil
}

// heads is a shape of Q, K or V taken apart.
type heads struct{ batch, heads, seq, size ops.Dim }

// split takes a shape apart: [batch, heads, sequence, size], or [batch, sequence, heads·size].
func split(name string, s []ops.Dim, num *int, attr string) (heads, error) {
	switch {
	case len(s) == 4:
		if num != nil && s[1].Known() && !s[1].Is(int64(*num)) {
			return heads{}, fmt.Errorf("%s is %s, but %s is %d", name, sym.ShapeString(s), attr, *num)
		}
		return heads{s[0], s[1], s[2], s[3]}, nil
	case len(s) != 3:
		return heads{}, fmt.Errorf("%s is %s; it must have 3 or 4 dimensions", name, sym.ShapeString(s))
	case num == nil:
		return heads{}, fmt.Errorf("%s is %s, with all heads in one dimension: the attribute %s is needed", name, sym.ShapeString(s), attr)
	}
	n := ops.Num(*num)
	if w, ok := s[2].Int(); ok && w%int64(*num) != 0 {
		return heads{}, fmt.Errorf("%s is %s, whose last dimension isn't a multiple of the %d heads of %s", name, sym.ShapeString(s), *num, attr)
	}
	return heads{s[0], n, s[1], s[2].FloorDiv(n)}, nil
}

// differ reports whether two dimensions are known to differ.
func differ(a, b ops.Dim) bool { return a.Known() && b.Known() && !a.Equal(b) }

// splitAll takes Q, K and V apart and compares them.
func (a *attentionAttrs) splitAll(qs, ks, vs []ops.Dim) (q, k, v heads, err error) {
	if q, err = split("Q", qs, a.QNumHeads, "q_num_heads"); err != nil {
		return
	}
	if k, err = split("K", ks, a.KvNumHeads, "kv_num_heads"); err != nil {
		return
	}
	if v, err = split("V", vs, a.KvNumHeads, "kv_num_heads"); err != nil {
		return
	}
	shapes := fmt.Sprintf("Q is %s, K is %s and V is %s", sym.ShapeString(qs), sym.ShapeString(ks), sym.ShapeString(vs))
	nq, ok1 := q.heads.Int()
	nk, ok2 := k.heads.Int()
	switch {
	case len(qs) != len(ks) || len(ks) != len(vs):
		err = fmt.Errorf("%s: their ranks differ", shapes)
	case differ(q.batch, k.batch) || differ(q.batch, v.batch) || differ(k.batch, v.batch):
		err = fmt.Errorf("%s: their batches differ", shapes)
	case differ(q.size, k.size):
		err = fmt.Errorf("%s: the head sizes of Q and K differ", shapes)
	case differ(k.seq, v.seq):
		err = fmt.Errorf("%s: the lengths of K and V differ", shapes)
	case differ(k.heads, v.heads):
		err = fmt.Errorf("%s: the numbers of heads of K and V differ", shapes)
	case ok1 && ok2 && (nk == 0 && nq != 0 || nk > 0 && nq%nk != 0):
		err = fmt.Errorf("%s: the %d heads of Q aren't a multiple of the %d of K", shapes, nq, nk)
	}
	return q, k, v, err
}

func inferAttention(c *ops.Infer, a *attentionAttrs) error {
	if err := a.check(); err != nil {
		return err
	}
	if c.Has(attPastK) != c.Has(attPastV) {
		return fmt.Errorf("past_key and past_value must come together")
	}
	if c.Has(attLens) && c.Has(attPastK) {
		return fmt.Errorf("nonpad_kv_seqlen is for a cache outside of the operator; it can't come with past_key")
	}
	t1, t2 := c.In(attQ).DT, c.In(attV).DT
	qs, ok1 := c.Shape(attQ)
	ks, ok2 := c.Shape(attK)
	vs, ok3 := c.Shape(attV)
	if !ok1 || !ok2 || !ok3 {
		for o, dt := range []tensor.DType{t1, t1, t2, t1} {
			if err := c.OutUnranked(o, dt); err != nil {
				return err
			}
		}
		return nil
	}
	q, k, v, err := a.splitAll(qs, ks, vs)
	if err != nil {
		return err
	}
	total := k.seq
	if c.Has(attPastK) {
		past := c.Fresh()
		if s, ok := c.Shape(attPastK); ok && len(s) == 4 {
			past = s[2]
		}
		if err := checkDims(c, attPastK, "past_key", k.batch, k.heads, past, k.size); err != nil {
			return err
		}
		if err := checkDims(c, attPastV, "past_value", v.batch, v.heads, past, v.size); err != nil {
			return err
		}
		total = past.Add(k.seq)
	}
	if err := checkDims(c, attLens, "nonpad_kv_seqlen", q.batch); err != nil {
		return err
	}
	if err := checkMask(c, q, total); err != nil {
		return err
	}
	y := []ops.Dim{q.batch, q.heads, q.seq, v.size}
	if len(qs) == 3 {
		y = []ops.Dim{q.batch, q.seq, q.heads.Mul(v.size)}
	}
	c.Out(attY, t1, y...)
	c.Out(attPresentK, t1, k.batch, k.heads, total, k.size)
	c.Out(attPresentV, t2, v.batch, v.heads, total, v.size)
	return c.Out(attScores, t1, q.batch, q.heads, q.seq, total)
}

// checkDims compares the shape of input i, if it is there, with what it must be.
func checkDims(c *ops.Infer, i int, name string, want ...ops.Dim) error {
	s, ok := c.Shape(i)
	if !ok {
		return nil
	}
	bad := len(s) != len(want)
	for k := 0; k < len(s) && !bad; k++ {
		bad = differ(s[k], want[k])
	}
	if bad {
		return fmt.Errorf("%s is %s; it must be %s", name, sym.ShapeString(s), sym.ShapeString(want))
	}
	return nil
}

// checkMask checks that the mask can be broadcast. Its last dimension may be shorter than the keys, but isn't broadcast.
func checkMask(c *ops.Infer, q heads, total ops.Dim) error {
	s, ok := c.Shape(attMask)
	if !ok {
		return nil
	}
	whole := []ops.Dim{q.batch, q.heads, q.seq, total}
	bad := len(s) == 0 || len(s) > 4
	for k := 0; k < len(s) && !bad; k++ {
		of := whole[4-len(s)+k]
		n, ok1 := s[k].Int()
		m, ok2 := of.Int()
		if k == len(s)-1 {
			bad = ok1 && ok2 && n > m
		} else {
			bad = ok1 && ok2 && n != 1 && n != m
		}
	}
	if bad {
		return fmt.Errorf("attn_mask is %s, which doesn't fit the scores, %s", sym.ShapeString(s), sym.ShapeString(whole))
	}
	return nil
}

// attentionGeometry is the sizes of an attention.
type attentionGeometry struct {
	batch, heads, kvHeads int
	queries, keys, past   int // keys without those of the past
	size, vSize           int
	packed                bool // 3 dimensions, with the heads in the last
	scale                 float64
}

// total is the number of keys with those of the past.
func (g *attentionGeometry) total() int { return g.past + g.keys }

func (a *attentionAttrs) geometry(qs, ks, vs []ops.Dim, past []int) (*attentionGeometry, error) {
	q, k, v, err := a.splitAll(qs, ks, vs)
	if err != nil {
		return nil, err
	}
	g := &attentionGeometry{batch: num64(q.batch), heads: num64(q.heads), kvHeads: num64(k.heads), queries: num64(q.seq), keys: num64(k.seq),
		size: num64(q.size), vSize: num64(v.size), packed: len(qs) == 3, scale: 1}
	if past != nil {
		g.past = past[2]
	}
	switch {
	case a.Scale != nil:
		g.scale = float64(*a.Scale)
	case g.size > 0:
		g.scale = 1 / math.Sqrt(float64(g.size))
	}
	return g, nil
}
