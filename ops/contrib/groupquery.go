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
	SlidingWindowCache bool    `onnx:",0"`
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
	case (a.KQuantType == "NONE") != (a.VQuantType == "NONE") || a.quantised() != c.Has(gqaScaleK) || a.quantised() != c.Has(gqaScaleV):
		return fmt.Errorf("k_quant_type is %s and v_quant_type %s; both must be quantised, with k_scale and v_scale there, or neither", a.KQuantType, a.VQuantType)
	case a.quantised() && !c.Has(gqaPastK):
		return fmt.Errorf("k_quant_type is %s, so past_key and past_value must be there, if only without rows", a.KQuantType)
	case !a.quantised() && c.Has(gqaPastK) && c.In(gqaPastK).DT != c.In(gqaQ).DT:
		return fmt.Errorf("the cache is of %s and query of %s; caches of another type are those with k_quant_type", c.In(gqaPastK).DT, c.In(gqaQ).DT)
	case a.SlidingWindowCache && (!c.Has(gqaPastK) || a.LocalWindowSize < 1):
		return fmt.Errorf("sliding_window_cache is set, so past_key must be there and local_window_size, %d, positive", a.LocalWindowSize)
	case a.SlidingWindowCache && a.QkOutput != 0:
		return fmt.Errorf("qk_output is %d; with sliding_window_cache it must be 0, for keys that left the window have no scores", a.QkOutput)
	case c.Has(gqaQuerySeq) && (a.Causal != 1 || !c.Has(gqaPastK)):
		return fmt.Errorf("query_seqlens is there, so past_key must be too, and causal be 1")
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
	cache, width := total.Max(s.past), s.size
	if a.SlidingWindowCache {
		if cache = s.past; cache.Known() && differ(cache.Max(ops.Num(a.LocalWindowSize)), cache) {
			return fmt.Errorf("past_key has %s rows; with sliding_window_cache it must have at least local_window_size, %d", cache, a.LocalWindowSize)
		}
	}
	if a.quantised() {
		if err := a.checkQuantised(c, s.size); err != nil {
			return err
		}
		if a.KvCacheBitWidth == 4 {
			width = s.size.FloorDiv(ops.Num(2))
		}
	}
	kind := dt
	if c.Has(gqaPastK) {
		kind = c.In(gqaPastK).DT
		if err := checkDims(c, gqaPastK, "past_key", s.batch, kv, s.past, width); err != nil {
			return err
		}
		if err := checkDims(c, gqaPastV, "past_value", s.batch, kv, s.past, width); err != nil {
			return err
		}
	}
	if err := checkDims(c, gqaQuerySeq, "query_seqlens", s.batch); err != nil {
		return err
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
	if c.Out(0, dt, s.batch, s.queries, s.size.Mul(ops.Num(a.NumHeads))); !total.Known() && !a.SlidingWindowCache && !c.Wants(1) && !c.Wants(2) {
		c.OutRank(0, dt, 3) // nothing else tells that the kernel needs the number
	}
	c.Out(1, kind, s.batch, kv, cache, width)
	c.Out(2, kind, s.batch, kv, cache, width)
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
	rows                            int     // of keys and values that are joined for each head
	lensBuf, heldBuf                []int32 // keys that are seen, and how many of them come from the past
	before, fresh                   []int32 // place of the first query, and how many are no padding
	bitsK, bitsV                    cacheBits
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
	if a.SlidingWindowCache {
		k.cache, k.rows = k.pastRows, k.pastRows+k.queries // no shape depends on total_sequence_length
		k.keys = k.rows
	} else if !ok || total < 0 {
		return nil, fmt.Errorf("total_sequence_length isn't known, or negative")
	} else {
		k.total, k.keys = total, total
		k.cache, k.rows = max(total, k.pastRows), max(total, k.pastRows)
	}
	var room wide.Room[float32]
	k.q, k.k, k.v = room.In(b, gqaQ), room.In(b, gqaK), room.In(b, gqaV)
	k.pastK, k.pastV = wide.None[float32](), wide.None[float32]()
	staged := a.SlidingWindowCache || a.quantised() // what is seen isn't what is kept
	if !a.quantised() {
		k.pastK, k.pastV = room.In(b, gqaPastK), room.In(b, gqaPastV)
	}
	k.cos, k.sin, k.scoreBias, k.sinkIn = wide.None[float32](), wide.None[float32](), room.In(b, gqaBias), room.In(b, gqaSink)
	k.normQ, k.normK = room.In(b, gqaNormQ), room.In(b, gqaNormK)
	k.y, k.presK, k.presV, k.out = room.Out(b, 0), wide.Unwanted[float32](), wide.Unwanted[float32](), room.Out(b, 3)
	if !a.quantised() {
		k.presK, k.presV = room.Out(b, 1), room.Out(b, 2)
	}
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
	if staged || !k.presK.Wanted() {
		k.joinK = room.Buffer(k.batch * k.kvHeads * k.rows * k.size)
	}
	if staged || !k.presV.Wanted() {
		k.joinV = room.Buffer(k.batch * k.kvHeads * k.rows * k.size)
	}
	k.lensBuf, k.heldBuf, k.before, k.fresh = make([]int32, k.batch), make([]int32, k.batch), make([]int32, k.batch), make([]int32, k.batch)
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
	presK, presV := k.presK.Elements(c, s), k.presV.Elements(c, s)
	joinK, joinV := presK, presV
	if k.joinK.Len() > 0 {
		joinK = s.Part(k.joinK)
	}
	if k.joinV.Len() > 0 {
		joinV = s.Part(k.joinV)
	}
	if k.attrs.quantised() {
		k.bitsK.open(c, k.attrs.KvCacheBitWidth, gqaPastK, gqaScaleK, 1)
		k.bitsV.open(c, k.attrs.KvCacheBitWidth, gqaPastV, gqaScaleV, 2)
	}
	k.attend.k = k.join(kk, k.pastK.Load(c, s), joinK, &k.bitsK)
	k.attend.v = k.join(v, k.pastV.Load(c, s), joinV, &k.bitsV)
	k.attend.y = interleaved(k.y.Elements(c, s), k.queries, width, k.size)
	k.bias, k.sink = k.scoreBias.Load(c, s), k.sinkIn.Load(c, s)
	if k.scores, k.scoresOf = k.out.Elements(c, s), rawScores; k.attrs.QkOutput == 2 {
		k.scoresOf = softScores
	}
	if err := k.run(c); err != nil {
		return err
	}
	k.keep(k.attend.k, presK, &k.bitsK)
	k.keep(k.attend.v, presV, &k.bitsV)
	for _, r := range []*wide.Result[float32]{&k.y, &k.presK, &k.presV, &k.out} {
		r.Store(c, s)
	}
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
	first := k.first(c)
	for b := range k.batch {
		for r := range k.queries {
			pos := int(k.before[b]) + r
			switch {
			case given != nil && first && len(given) > 0:
				pos = int(given[0]) + r
			case given != nil && len(given) == k.batch*k.queries:
				pos = int(given[b*k.queries+r])
			case given != nil:
				return y, fmt.Errorf("position_ids has %d elements; it must have one for each of %d×%d queries", len(given), k.batch, k.queries)
			}
			turn := k.attrs.DoRotary
			if outside := pos < 0 || pos >= k.rot.positions(); outside && r >= int(k.fresh[b]) {
				turn = false // padding
			} else if turn && outside {
				return y, fmt.Errorf("a query has position %d; the caches of cosines have %d positions", pos, k.rot.positions())
			}
			for h := range n {
				src, out := x.at(b, h, r)[:k.size], y.at(b, h, r)[:k.size]
				if norm != nil {
					vec.RMSNorm(out, src, norm, eps)
					src = out
				}
				switch {
				case turn:
					k.rot.turn(out, src, pos)
				case norm == nil:
					copy(out, src)
				}
			}
		}
	}
	return y, nil
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
