package contrib

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type packedAttrs struct {
	MaskFilterValue float32 `onnx:",-10000"` // of masks, which packed sequences have none of
	NumHeads        int     `onnx:",required"`
	Scale           *float32
}

// The inputs of PackedMultiHeadAttention.
const packQ, packK, packV, packBias, packOffset, packSpans, packScores = 0, 1, 2, 3, 4, 5, 6

// packedMultiHead is attention within each of several sequences that lie one after the other without padding.
var packedMultiHead = ops.Def(ops.Spec[packedAttrs]{
	Name: "PackedMultiHeadAttention", Domain: domain, Vers: since1,
	In:  "query:T, key:T?, value:T?, bias:T?, token_offset:M, cumulative_sequence_length:M, attention_bias:T?",
	Out: "output:T", Types: "T=float|float16; M=int32",
	Infer: func(c *ops.Infer, a *packedAttrs) error {
		q, ok := c.Shape(packQ)
		if a.NumHeads < 1 {
			return fmt.Errorf("num_heads is %d; it must be positive", a.NumHeads)
		}
		if !ok {
			return c.OutRank(0, c.In(packQ).DT, 2)
		}
		n := ops.Num(a.NumHeads)
		if len(q) == 4 {
			if c.Has(packK) || c.Has(packV) || differ(q[1], n) || differ(q[2], ops.Num(3)) {
				return fmt.Errorf("query is %s; without key and value it must be [tokens,%d,3,size]", sym.ShapeString(q), a.NumHeads)
			}
			return c.Out(0, c.In(packQ).DT, q[0], n.Mul(q[3]))
		}
		if len(q) != 2 || !c.Has(packK) || !c.Has(packV) {
			return fmt.Errorf("query is %s; it must be [tokens,heads·size] with key and value, or [tokens,heads,3,size]", sym.ShapeString(q))
		}
		if err := checkDims(c, packK, "key", q...); err != nil {
			return err
		}
		width := c.Fresh()
		if v, ok := c.Shape(packV); ok && len(v) == 2 {
			width = v[1]
		}
		for _, w := range []ops.Dim{q[1], width} {
			if d, known := w.Int(); known && d%int64(a.NumHeads) != 0 {
				return fmt.Errorf("a hidden size is %d, which isn't a multiple of num_heads, %d", d, a.NumHeads)
			}
		}
		if err := checkDims(c, packV, "value", q[0], width); err != nil {
			return err
		}
		return c.Out(0, c.In(packQ).DT, q[0], width)
	},
	Bind: bindPacked,
})

type packedKernel struct {
	attend
	tokens               int
	together             bool // Q, K and V are one input
	q, k, v, bias, score wide.Operand[float32]
	y                    wide.Result[float32]
	sumQ, sumK, sumV     wide.Buffer
}

func bindPacked(b *ops.Bind, a *packedAttrs) (ops.Kernel, error) {
	d, out, offsets := b.Dims(packQ), b.OutDims(0), b.Dims(packOffset)
	if len(offsets) != 2 {
		return nil, fmt.Errorf("token_offset is %s; it must be [batch,most]", tensor.ShapeString(offsets))
	}
	k := &packedKernel{tokens: d[0], together: len(d) == 4}
	k.attend = attend{batch: offsets[0], heads: a.NumHeads, kvHeads: a.NumHeads, queries: offsets[1], keys: offsets[1], window: -1}
	k.vSize = out[1] / a.NumHeads
	if k.size = k.vSize; !k.together {
		k.size = d[1] / a.NumHeads
	}
	k.scale = scaleOf(a.Scale, k.size)
	k.divide()
	var room wide.Room[float32]
	k.q, k.k, k.v, k.bias, k.score, k.y = room.In(b, packQ), room.In(b, packK), room.In(b, packV), room.In(b, packBias), room.In(b, packScores), room.Out(b, 0)
	if k.bias.Present() {
		if want := a.NumHeads * (2*k.size + k.vSize); wide.Elements(b.Dims(packBias)) != want {
			return nil, fmt.Errorf("bias is %s; it must have %d elements", tensor.ShapeString(b.Dims(packBias)), want)
		}
		n := k.tokens * a.NumHeads
		k.sumQ, k.sumK, k.sumV = room.Buffer(n*k.size), room.Buffer(n*k.size), room.Buffer(n*k.vSize)
	}
	if k.score.Present() {
		s := b.Dims(packScores)
		if len(s) != 4 || s[2] != k.queries || s[3] != k.keys || s[0] != 1 && s[0] != k.batch || s[1] != 1 && s[1] != k.heads {
			return nil, fmt.Errorf("attention_bias is %s; it must be [%d,%d,%d,%d], where the first two may be 1", tensor.ShapeString(s), k.batch, k.heads, k.queries, k.keys)
		}
		k.biasSteps = broadcastBias(s)
	}
	room.Claim(b)
	return k, nil
}

// Run attends.
func (k *packedKernel) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	k.spans = tensor.View[int32](c.In(packSpans))
	if len(k.spans) != k.batch+1 || k.spans[0] != 0 || int(k.spans[k.batch]) != k.tokens {
		return fmt.Errorf("cumulative_sequence_length is %v; for %d sequences of %d tokens it must go from 0 to %[3]d", k.spans, k.batch, k.tokens)
	}
	for b := range k.batch {
		if n := k.spans[b+1] - k.spans[b]; n < 0 || int(n) > k.queries {
			return fmt.Errorf("cumulative_sequence_length is %v; each sequence must have 0 to %d tokens", k.spans, k.queries)
		}
	}
	width := k.heads * k.size
	q := interleaved(k.q.Load(c, s), 1, width, k.size)
	var kk, v heads
	if k.together {
		part := func(i int) heads {
			return heads{data: q.data[min(i*k.size, len(q.data)):], head: 3 * k.size, row: 3 * width}
		}
		q, kk, v = part(0), part(1), part(2)
	} else {
		kk, v = interleaved(k.k.Load(c, s), 1, width, k.size), interleaved(k.v.Load(c, s), 1, k.heads*k.vSize, k.vSize)
	}
	if bias := k.bias.Load(c, s); bias != nil {
		add := func(x heads, bias []float32, size int, dst []float32) heads {
			m := multiHeadKernel{attend: attend{batch: 1, heads: k.heads}}
			return m.biased(x, bias, k.tokens, size, dst)
		}
		q, kk, v = add(q, bias[:width], k.size, s.Part(k.sumQ)), add(kk, bias[width:2*width], k.size, s.Part(k.sumK)), add(v, bias[2*width:], k.vSize, s.Part(k.sumV))
	}
	k.attend.q, k.attend.k, k.attend.v = q, kk, v
	k.attend.y = interleaved(k.y.Elements(c, s), 1, k.heads*k.vSize, k.vSize)
	k.attend.bias = k.score.Load(c, s)
	if err := k.run(c); err != nil {
		return err
	}
	k.y.Store(c, s)
	return nil
}
