package contrib

import (
	"fmt"

	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type groupQueryAttrs struct {
	Causal             int  `onnx:",1"`
	DoRotary           bool `onnx:",0"`
	KNormEpsilon       *float32
	KQuantType         string `onnx:",NONE"`
	KvCacheBitWidth    int    `onnx:",0"`
	KvNumHeads         int    `onnx:",required"`
	LocalWindowSize    int    `onnx:",-1"`
	NumHeads           int    `onnx:",required"`
	QNormEpsilon       *float32
	QkNormEpsilon      float32 `onnx:",1e-6"`
	QkOutput           int     `onnx:",0"`
	RotaryInterleaved  bool    `onnx:",0"`
	Scale              *float32
	SlidingWindowCache int     `onnx:",0"`
	SmoothSoftmax      int     `onnx:",-1"`
	Softcap            float32 `onnx:",0"`
	VQuantType         string  `onnx:",NONE"`
}

// The inputs of GroupQueryAttention.
const (
	gqaQ, gqaK, gqaV, gqaPastK, gqaPastV, gqaLens, gqaTotal = 0, 1, 2, 3, 4, 5, 6
	gqaCos, gqaSin, gqaPositions, gqaBias, gqaSink          = 7, 8, 9, 10, 11
	gqaScaleK, gqaScaleV, gqaNormQ, gqaNormK, gqaQuerySeq   = 12, 13, 14, 15, 16
)

// groupQueryAttention is attention with a cache, where several heads of queries share one of keys: what language models are exported with.
var groupQueryAttention = ops.Def(ops.Spec[groupQueryAttrs]{
	Name: "GroupQueryAttention", Domain: domain, Vers: since1,
	In: "query:T, key:T?, value:T?, past_key:C?, past_value:C?, seqlens_k:M, total_sequence_length:M, cos_cache:T?, sin_cache:T?, position_ids:I?, attention_bias:T?, " +
		"head_sink:T?, k_scale:S?, v_scale:S?, q_norm_weight:T?, k_norm_weight:T?, query_seqlens:M?",
	Out:   "output:T, present_key:C?, present_value:C?, output_qk:T?",
	Types: "T=float|float16|bfloat16; C=float|float16|bfloat16|uint8|int8|float8e4m3fn; S=float; M=int32; I=int64",
	Infer: inferGroupQuery,
	Bind:  bindGroupQuery,
})

// check refuses what isn't computed.
func (a *groupQueryAttrs) check(c *ops.Infer) error {
	switch {
	case a.NumHeads < 1 || a.KvNumHeads < 1 || a.NumHeads%a.KvNumHeads != 0:
		return fmt.Errorf("num_heads is %d and kv_num_heads %d; the first must be a multiple of the second", a.NumHeads, a.KvNumHeads)
	case a.KQuantType != "NONE" || a.VQuantType != "NONE" || a.KvCacheBitWidth != 0 || c.Has(gqaScaleK) || c.Has(gqaScaleV):
		return fmt.Errorf("caches of quantised keys and values aren't computed")
	case c.Has(gqaPastK) && c.In(gqaPastK).DT != c.In(gqaQ).DT:
		return fmt.Errorf("the cache is of %s and query of %s; caches of another type aren't computed", c.In(gqaPastK).DT, c.In(gqaQ).DT)
	case a.SlidingWindowCache != 0:
		return fmt.Errorf("sliding_window_cache is %d; caches that evict what leaves the window aren't computed", a.SlidingWindowCache)
	case c.Has(gqaQuerySeq):
		return fmt.Errorf("query_seqlens is there; chunks that are padded aren't computed")
	case a.Causal != 0 && a.Causal != 1:
		return fmt.Errorf("causal is %d; it must be 0 or 1", a.Causal)
	case a.LocalWindowSize < -1 || a.LocalWindowSize == 0 || a.Causal == 0 && a.LocalWindowSize != -1:
		return fmt.Errorf("local_window_size is %d; it must be -1 or, with causal, positive", a.LocalWindowSize)
	case a.QkOutput < 0 || a.QkOutput > 2:
		return fmt.Errorf("qk_output is %d; it must be 0, 1 or 2", a.QkOutput)
	case c.Wants(3) != (a.QkOutput != 0):
		return fmt.Errorf("qk_output is %d, which doesn't agree with whether output_qk is named", a.QkOutput)
	case a.SmoothSoftmax < -1 || a.SmoothSoftmax > 1:
		return fmt.Errorf("smooth_softmax is %d; it must be 0 or 1", a.SmoothSoftmax)
	case a.SmoothSoftmax == 1 && c.Has(gqaSink):
		return fmt.Errorf("head_sink is there and smooth_softmax is set; one excludes the other")
	case a.Softcap < 0:
		return fmt.Errorf("softcap is %v; it must not be negative", a.Softcap)
	case a.DoRotary != (c.Has(gqaCos) && c.Has(gqaSin)) || c.Has(gqaCos) != c.Has(gqaSin):
		if a.DoRotary {
			return fmt.Errorf("do_rotary is set, so cos_cache and sin_cache must be there")
		}
	case c.Has(gqaPastK) != c.Has(gqaPastV), c.Has(gqaK) != c.Has(gqaV), c.Has(gqaNormQ) != c.Has(gqaNormK):
		return fmt.Errorf("past_key and past_value, key and value, q_norm_weight and k_norm_weight come in pairs")
	}
	return nil
}

// gqaShape is the sizes of such an attention; ok is false when a rank isn't known.
type gqaShape struct{ batch, queries, size, past ops.Dim }

func (a *groupQueryAttrs) shape(q, k, past *ops.Type, packed, hasPast bool) (s gqaShape, ok bool, err error) {
	if !q.Ranked || !packed && !k.Ranked {
		return s, false, nil
	}
	if len(q.Shape) != 3 || !packed && len(k.Shape) != 3 {
		return s, false, fmt.Errorf("query is %s; query, key and value must have 3 dimensions", sym.ShapeString(q.Shape))
	}
	n := a.NumHeads
	if packed {
		n += 2 * a.KvNumHeads
	}
	if w, known := q.Shape[2].Int(); known && w%int64(n) != 0 {
		return s, false, fmt.Errorf("query is %s, whose last dimension isn't a multiple of the %d heads", sym.ShapeString(q.Shape), n)
	}
	s = gqaShape{batch: q.Shape[0], queries: q.Shape[1], size: q.Shape[2].FloorDiv(ops.Num(n)), past: ops.Num(0)}
	if !packed && (differ(k.Shape[0], s.batch) || differ(k.Shape[1], s.queries) || differ(k.Shape[2], s.size.Mul(ops.Num(a.KvNumHeads)))) {
		return s, false, fmt.Errorf("query is %s and key %s; they must have as many rows, and heads of one size", sym.ShapeString(q.Shape), sym.ShapeString(k.Shape))
	}
	if hasPast {
		s.past = sym.Unknown()
		if past.Ranked && len(past.Shape) == 4 {
			s.past = past.Shape[2]
		}
	}
	return s, true, nil
}

func inferGroupQuery(c *ops.Infer, a *groupQueryAttrs) error {
	if err := a.check(c); err != nil {
		return err
	}
	dt := c.In(gqaQ).DT
	s, ok, err := a.shape(c.In(gqaQ), c.In(gqaK), c.In(gqaPastK), !c.Has(gqaK), c.Has(gqaPastK))
	if err != nil {
		return err
	}
	if !ok {
		for o := range 4 {
			c.OutUnranked(o, dt)
		}
		return nil
	}
	kv, total := ops.Num(a.KvNumHeads), sym.Unknown()
	if v, known := c.Ints(gqaTotal); known && len(v) == 1 {
		total = ops.Num(v[0])
	}
	if err := checkDims(c, gqaV, "value", s.batch, s.queries, s.size.Mul(kv)); err != nil {
		return err
	}
	cache := total.Max(s.past)
	if c.Has(gqaPastK) {
		if err := checkDims(c, gqaPastK, "past_key", s.batch, kv, s.past, s.size); err != nil {
			return err
		}
		if err := checkDims(c, gqaPastV, "past_value", s.batch, kv, s.past, s.size); err != nil {
			return err
		}
	}
	if err := checkDims(c, gqaSink, "head_sink", ops.Num(a.NumHeads)); err != nil {
		return err
	}
	for i, name := range []string{"q_norm_weight", "k_norm_weight"} {
		if err := checkDims(c, gqaNormQ+i, name, s.size); err != nil {
			return err
		}
	}
	if l, ok := c.Shape(gqaLens); ok && differ(sym.Prod(l), s.batch) {
		return fmt.Errorf("seqlens_k is %s; it must have an element for each of %s batches", sym.ShapeString(l), s.batch)
	}
	if err := checkScoreBias(c, gqaBias, s.batch, ops.Num(a.NumHeads), s.queries, total); err != nil {
		return err
	}
	c.Out(0, dt, s.batch, s.queries, s.size.Mul(ops.Num(a.NumHeads)))
	c.Out(1, dt, s.batch, kv, cache, s.size)
	c.Out(2, dt, s.batch, kv, cache, s.size)
	return c.Out(3, dt, s.batch, ops.Num(a.NumHeads), s.queries, total)
}

type groupQueryKernel struct {
	attend
	attrs                           *groupQueryAttrs
	total, pastRows, cache          int
	packed                          bool
	rot                             rotor
	q, k, v, pastK, pastV, cos, sin wide.Operand[float32]
	scoreBias, sinkIn, normQ, normK wide.Operand[float32]
	y, presK, presV, out            wide.Result[float32]
	turnedQ, turnedK, joinK, joinV  wide.Buffer
	lensBuf, pastsBuf               []int32
}

func bindGroupQuery(b *ops.Bind, a *groupQueryAttrs) (ops.Kernel, error) {
	s, ok, err := a.shape(b.In(gqaQ), b.In(gqaK), b.In(gqaPastK), !b.Has(gqaK), b.Has(gqaPastK))
	if err != nil || !ok {
		return nil, fmt.Errorf("the layout of the operands isn't known: %w", err)
	}
	n := func(d ops.Dim) int { v, _ := d.Int(); return int(v) }
	k := &groupQueryKernel{attrs: a, pastRows: n(s.past), packed: !b.Has(gqaK)}
	k.attend = attend{batch: n(s.batch), heads: a.NumHeads, kvHeads: a.KvNumHeads, queries: n(s.queries), size: n(s.size), vSize: n(s.size),
		softcap: a.Softcap, causal: a.Causal == 1, window: a.LocalWindowSize, smooth: a.SmoothSoftmax == 1}
	k.scale = scaleOf(a.Scale, k.size)
	k.divide()
	total, ok := valueOf(b.In(gqaTotal))
	if !ok || total < 0 {
		return nil, fmt.Errorf("total_sequence_length isn't known, or negative")
	}
	k.keys, k.total = total, total
	k.cache = max(k.total, k.pastRows)
	var room wide.Room[float32]
	k.q, k.k, k.v, k.pastK, k.pastV = room.In(b, gqaQ), room.In(b, gqaK), room.In(b, gqaV), room.In(b, gqaPastK), room.In(b, gqaPastV)
	k.cos, k.sin, k.scoreBias, k.sinkIn = wide.None[float32](), wide.None[float32](), room.In(b, gqaBias), room.In(b, gqaSink)
	k.normQ, k.normK = room.In(b, gqaNormQ), room.In(b, gqaNormK)
	k.y, k.presK, k.presV, k.out = room.Out(b, 0), room.Out(b, 1), room.Out(b, 2), room.Out(b, 3)
	if k.scoreBias.Present() {
		k.biasSteps = broadcastBias(b.Dims(gqaBias))
	}
	if a.DoRotary {
		k.cos, k.sin = room.In(b, gqaCos), room.In(b, gqaSin)
		cache := b.Dims(gqaCos)
		if len(cache) != 2 || 2*cache[1] > k.size {
			return nil, fmt.Errorf("cos_cache is %s; it must have 2 dimensions, the second at most half of the head size %d", tensor.ShapeString(cache), k.size)
		}
		k.rot = rotor{half: cache[1], size: k.size, pairs: a.RotaryInterleaved}
	}
	rows := k.batch * k.queries
	if a.DoRotary || k.normQ.Present() {
		k.turnedQ, k.turnedK = room.Buffer(rows*k.heads*k.size), room.Buffer(rows*k.kvHeads*k.size)
	}
	if !k.presK.Wanted() {
		k.joinK = room.Buffer(k.batch * k.kvHeads * k.cache * k.size)
	}
	if !k.presV.Wanted() {
		k.joinV = room.Buffer(k.batch * k.kvHeads * k.cache * k.size)
	}
	k.lensBuf, k.pastsBuf = make([]int32, k.batch), make([]int32, k.batch)
	room.Claim(b)
	return k, nil
}

// Run attends.
func (k *groupQueryKernel) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	if err := k.places(c); err != nil {
		return err
	}
	width, kvWidth := k.heads*k.size, k.kvHeads*k.size
	q, kk, v := interleaved(k.q.Load(c, s), k.queries, width, k.size), heads{}, heads{}
	if k.packed {
		all := width + 2*kvWidth
		q = interleaved(q.data, k.queries, all, k.size)
		kk, v = q, q
		kk.data, v.data = q.data[min(width, len(q.data)):], q.data[min(width+kvWidth, len(q.data)):]
	} else {
		kk, v = interleaved(k.k.Load(c, s), k.queries, kvWidth, k.size), interleaved(k.v.Load(c, s), k.queries, kvWidth, k.size)
	}
	if k.turnedQ.Len() > 0 {
		k.rot.cos, k.rot.sin = k.cos.Load(c, s), k.sin.Load(c, s)
		normQ, normK := k.normQ.Load(c, s), k.normK.Load(c, s)
		var err error
		if q, err = k.prepared(c, q, k.heads, normQ, k.attrs.QNormEpsilon, s.Part(k.turnedQ)); err == nil {
			kk, err = k.prepared(c, kk, k.kvHeads, normK, k.attrs.KNormEpsilon, s.Part(k.turnedK))
		}
		if err != nil {
			return err
		}
	}
	k.attend.q = q
	k.attend.k = k.join(kk, k.pastK.Load(c, s), k.presK.Elements(c, s), s.Part(k.joinK))
	k.attend.v = k.join(v, k.pastV.Load(c, s), k.presV.Elements(c, s), s.Part(k.joinV))
	k.attend.y = interleaved(k.y.Elements(c, s), k.queries, width, k.size)
	k.bias, k.sink = k.scoreBias.Load(c, s), k.sinkIn.Load(c, s)
	if k.scores, k.scoresOf = k.out.Elements(c, s), rawScores; k.attrs.QkOutput == 2 {
		k.scoresOf = softScores
	}
	if err := k.run(c); err != nil {
		return err
	}
	for _, r := range []*wide.Result[float32]{&k.y, &k.presK, &k.presV, &k.out} {
		r.Store(c, s)
	}
	return nil
}

// places reads how many keys each batch has. The first prompt starts at place 0 and may be padded behind.
func (k *groupQueryKernel) places(c *ops.Call) error {
	total := tensor.View[int32](c.In(gqaTotal))
	if len(total) != 1 || int(total[0]) != k.total {
		return fmt.Errorf("total_sequence_length is %v; the shapes were planned for %d", total, k.total)
	}
	lens := tensor.View[int32](c.In(gqaLens))
	first := k.queries == k.total
	lowest := k.queries - 1
	if first {
		lowest = 0
	}
	if err := checkLens("seqlens_k", lens, lowest, k.total-1); err != nil {
		return err
	}
	if len(lens) != k.batch {
		return fmt.Errorf("seqlens_k has %d elements; it must have %d", len(lens), k.batch)
	}
	for b, n := range lens {
		k.lensBuf[b], k.pastsBuf[b] = n+1, 0
		if !first {
			k.pastsBuf[b] = n + 1 - int32(k.queries)
		}
		if int(k.pastsBuf[b]) > k.pastRows {
			return fmt.Errorf("seqlens_k[%d] is %d, so %d keys come from the past, which has %d", b, n, k.pastsBuf[b], k.pastRows)
		}
	}
	k.lens, k.pasts = k.lensBuf, k.pastsBuf
	return nil
}

// prepared normalises heads and turns them by their positions.
func (k *groupQueryKernel) prepared(c *ops.Call, x heads, n int, norm []float32, epsilon *float32, dst []float32) (heads, error) {
	y := interleaved(dst, k.queries, n*k.size, k.size)
	eps := k.attrs.QkNormEpsilon
	if epsilon != nil {
		eps = *epsilon
	}
	var given []int64
	if c.Has(gqaPositions) {
		given = tensor.View[int64](c.In(gqaPositions))
	}
	first := k.queries == k.total
	for b := range k.batch {
		for r := range k.queries {
			pos := int(k.pasts[b]) + r
			switch {
			case given != nil && first && len(given) > 0:
				pos = int(given[0]) + r
			case given != nil && len(given) == k.batch*k.queries:
				pos = int(given[b*k.queries+r])
			case given != nil:
				return y, fmt.Errorf("position_ids has %d elements; it must have one for each of %d×%d queries", len(given), k.batch, k.queries)
			}
			if k.attrs.DoRotary && (pos < 0 || pos >= k.rot.positions()) {
				return y, fmt.Errorf("a query has position %d; the caches of cosines have %d positions", pos, k.rot.positions())
			}
			for h := range n {
				src, out := x.at(b, h, r)[:k.size], y.at(b, h, r)[:k.size]
				if norm != nil {
					vec.RMSNorm(out, src, norm, eps)
					src = out
				}
				if k.attrs.DoRotary {
					k.rot.turn(out, src, pos)
				}
			}
		}
	}
	return y, nil
}

// join puts the new rows into the cache, behind those of the past.
func (k *groupQueryKernel) join(x heads, past, present, room []float32) heads {
	if present == nil {
		present = room
	}
	y, from := apart(present, k.kvHeads, k.cache, k.size), apart(past, k.kvHeads, k.pastRows, k.size)
	for b := range k.batch {
		for h := range k.kvHeads {
			at := y.at(b, h, 0)[:k.cache*k.size]
			kept := 0
			if past != nil {
				kept = copy(at, from.at(b, h, 0)[:int(k.pasts[b])*k.size])
			}
			clear(at[kept:])
			for r := range k.queries {
				if row := int(k.pasts[b]) + r; row < int(k.lens[b]) {
					copy(at[row*k.size:][:k.size], x.at(b, h, r))
				}
			}
		}
	}
	return y
}

// valueOf returns the only element of a value that is known.
func valueOf(t *ops.Type) (int, bool) {
	if n, ok := sym.Ints(t.Val); ok && len(n) == 1 {
		return int(n[0]), true
	}
	if t.Data == nil {
		return 0, false
	}
	n, err := ops.Int64s(t.Data)
	if err != nil || len(n) != 1 {
		return 0, false
	}
	return int(n[0]), true
}
