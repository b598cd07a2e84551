package contrib

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// attentionOps are the attentions with kernels; those that begin with a projection are in attention.go.
var attentionOps = []*ops.Op{
	ops.Def(ops.Spec[multiHeadAttrs]{
		Name: "MultiHeadAttention", Domain: domain, Vers: since1,
		In: "query:T, key:T?, value:T?, bias:T?, key_padding_mask:M?, attention_bias:T?, past_key:T?, past_value:T?, past_sequence_length:M?, cache_indirection:M?",
		// The projections of com.microsoft.Attention have the same types.
		Out: "output:T, present_key:T?, present_value:T?, qk:QK?", Types: "T=float|float16|bfloat16; QK=float|float16|bfloat16; M=int32",
		Infer: func(c *ops.Infer, a *multiHeadAttrs) error { return a.layout().infer(c) },
		Bind:  func(b *ops.Bind, a *multiHeadAttrs) (ops.Kernel, error) { return a.layout().bind(b) },
	}),
	ops.Def(ops.Spec[decoderMaskedAttrs]{
		Name: "DecoderMaskedMultiHeadAttention", Domain: domain, Vers: since1,
		In:  "query:T, key:T?, value:T?, mask_index:M?, attention_bias:T?, past_key:T?, past_value:T?, past_sequence_length:M?, beam_width:M?, cache_indirection:M?, bias:T?",
		Out: "output:T, present_key:T?, present_value:T?, qk:QK?", Types: "T=float|float16; QK=float|float16; M=int32",
		Infer: func(c *ops.Infer, a *decoderMaskedAttrs) error {
			if c.Wants(3) != a.OutputQk {
				return fmt.Errorf("output_qk is %t, which doesn't agree with whether qk is named", a.OutputQk)
			}
			return a.layout().infer(c)
		},
		Bind: func(b *ops.Bind, a *decoderMaskedAttrs) (ops.Kernel, error) { return a.layout().bind(b) },
	}),
	groupQueryAttention, packedMultiHead, rotaryEmbedding,
}

type multiHeadAttrs struct {
	MaskFilterValue *float32
	NumHeads        int `onnx:",required"`
	Scale           *float32
	Unidirectional  bool `onnx:",0"`
}

func (a *multiHeadAttrs) layout() *multiHead {
	m := newMultiHead(a.NumHeads, a.Scale, a.MaskFilterValue)
	m.bias, m.mask, m.scoreBias, m.pastK, m.pastV, m.pastLen, m.indirection = 3, 4, 5, 6, 7, 8, 9
	m.unidirectional = a.Unidirectional
	return m
}

type decoderMaskedAttrs struct {
	MaskFilterValue        *float32
	NumHeads               int  `onnx:",required"`
	OutputQk               bool `onnx:",0"`
	PastPresentShareBuffer bool `onnx:",0"`
	Scale                  *float32
}

func (a *decoderMaskedAttrs) layout() *multiHead {
	m := newMultiHead(a.NumHeads, a.Scale, a.MaskFilterValue)
	m.mask, m.scoreBias, m.pastK, m.pastV, m.pastLen, m.beamWidth, m.indirection, m.bias = 3, 4, 5, 6, 7, 8, 9, 10
	m.single, m.share = true, a.PastPresentShareBuffer
	return m
}

// multiHead is what MultiHeadAttention and DecoderMaskedMultiHeadAttention say of themselves: their attributes, and the places of inputs, 0 for
// those that they don't have. Queries, keys and values are inputs 0 to 2.
type multiHead struct {
	heads                                        int
	scale                                        *float32
	filter                                       float32 // what masks add
	unidirectional, single, share                bool
	bias, mask, scoreBias, pastK, pastV, pastLen int
	beamWidth, indirection                       int
}

func newMultiHead(heads int, scale, filter *float32) *multiHead {
	m := &multiHead{heads: heads, scale: scale, filter: -10000}
	if filter != nil {
		m.filter = *filter
	}
	return m
}

// form says how queries, keys and values are laid out.
type form uint8

const (
	separate  form = iota // Q, K and V are [batch, rows, heads·size]
	packedQKV             // Q is [batch, rows, heads, 3, size]
	packedKV              // K is [batch, rows, heads, 2, size]
	crossKV               // K and V are [batch, heads, rows, size]: a cache that doesn't grow
	joinedQKV             // Q is [batch, rows, 3·heads·size]
)

// mhaShape is the sizes of such an attention.
type mhaShape struct {
	form                 form
	batch, queries, keys ops.Dim // keys without those of the past
	size, vSize, past    ops.Dim
	total                ops.Dim // keys with those of the past
	cache                ops.Dim // rows of the present
}

// shapeOf works the sizes out. ok is false when a rank isn't known.
func (m *multiHead) shapeOf(in func(i int) *ops.Type, has func(i int) bool) (s mhaShape, ok bool, err error) {
	n := ops.Num(m.heads)
	if m.heads < 1 {
		return s, false, fmt.Errorf("num_heads is %d; it must be positive", m.heads)
	}
	q, k, v := in(0), in(1), in(2)
	if !q.Ranked || has(1) && !k.Ranked || has(2) && !v.Ranked {
		return s, false, nil
	}
	split := func(what string, d ops.Dim) (ops.Dim, error) {
		if w, known := d.Int(); known && w%int64(m.heads) != 0 {
			return d, fmt.Errorf("the hidden size of %s, %d, isn't a multiple of num_heads, %d", what, w, m.heads)
		}
		return d.FloorDiv(n), nil
	}
	wrong := func() error {
		return fmt.Errorf("query is %s, key %s and value %s: they aren't one of the layouts that the operator takes", describe(q, true), describe(k, has(1)), describe(v, has(2)))
	}
	switch {
	case len(q.Shape) == 5 && !has(1) && !has(2) && !differ(q.Shape[2], n) && !differ(q.Shape[3], ops.Num(3)):
		s = mhaShape{form: packedQKV, batch: q.Shape[0], queries: q.Shape[1], keys: q.Shape[1], size: q.Shape[4], vSize: q.Shape[4]}
	case len(q.Shape) != 3:
		return s, false, wrong()
	case !has(1) && !has(2) && m.single:
		s = mhaShape{form: joinedQKV, batch: q.Shape[0], queries: q.Shape[1], keys: q.Shape[1]}
		if w, known := q.Shape[2].Int(); known && w%int64(3*m.heads) != 0 {
			return s, false, fmt.Errorf("query is %s, which can't be three parts of %d heads", describe(q, true), m.heads)
		}
		s.size = q.Shape[2].FloorDiv(ops.Num(3 * m.heads))
		s.vSize = s.size
	case !has(1) || !has(2) && len(k.Shape) != 5:
		return s, false, wrong()
	case len(k.Shape) == 5 && !has(2) && !differ(k.Shape[2], n) && !differ(k.Shape[3], ops.Num(2)):
		s = mhaShape{form: packedKV, keys: k.Shape[1], size: k.Shape[4], vSize: k.Shape[4]}
	case len(k.Shape) == 4 && len(v.Shape) == 4 && !differ(k.Shape[1], n):
		s = mhaShape{form: crossKV, keys: k.Shape[2], size: k.Shape[3], vSize: v.Shape[3]}
		if differ(v.Shape[0], k.Shape[0]) || differ(v.Shape[1], n) || differ(v.Shape[2], s.keys) {
			err = wrong()
		}
	case len(k.Shape) == 3 && len(v.Shape) == 3:
		s = mhaShape{form: separate, keys: k.Shape[1]}
		if s.size, err = split("key", k.Shape[2]); err == nil {
			s.vSize, err = split("value", v.Shape[2])
		}
		if err == nil && (differ(k.Shape[1], v.Shape[1]) || differ(k.Shape[0], v.Shape[0])) {
			err = wrong()
		}
	default:
		return s, false, wrong()
	}
	if err != nil {
		return s, false, err
	}
	if s.form != packedQKV && s.form != joinedQKV {
		s.batch, s.queries = q.Shape[0], q.Shape[1]
		if differ(q.Shape[2], s.size.Mul(n)) || differ(k.Shape[0], q.Shape[0]) {
			return s, false, fmt.Errorf("query is %s, which doesn't fit key, %s", describe(q, true), describe(k, true))
		}
	}
	if m.single && differ(s.queries, ops.Num(1)) {
		return s, false, fmt.Errorf("query is %s; the operator takes one query at a time", describe(q, true))
	}
	s.past, s.total, s.cache = ops.Num(0), s.keys, s.keys
	if !has(m.pastK) {
		return s, true, nil
	}
	p := in(m.pastK)
	if s.form == crossKV {
		return s, false, fmt.Errorf("past_key is there, but key is a whole cache already")
	}
	s.past = sym.Unknown()
	if p.Ranked && len(p.Shape) == 4 {
		s.past = p.Shape[2]
	}
	if m.shares(has) {
		s.total, s.cache = sym.Unknown(), s.past
	} else {
		s.total = s.past.Add(s.keys)
		s.cache = s.total
	}
	return s, true, nil
}

// shares reports whether past and present have room for all keys, of which past_sequence_length are there.
func (m *multiHead) shares(has func(i int) bool) bool {
	return has(m.pastK) && has(m.pastLen) && (m.share || !m.single)
}

func describe(t *ops.Type, present bool) string {
	if !present {
		return "absent"
	}
	return sym.ShapeString(t.Shape)
}

func (m *multiHead) infer(c *ops.Infer) error {
	if c.Has(m.pastK) != c.Has(m.pastV) {
		return fmt.Errorf("past_key and past_value must come together")
	}
	if m.share && c.Has(m.pastK) && !c.Has(m.pastLen) {
		return fmt.Errorf("past_present_share_buffer is set, so past_sequence_length must be there")
	}
	if c.Has(m.indirection) && !m.shares(c.Has) {
		return fmt.Errorf("cache_indirection is for a cache that past and present share")
	}
	dt := c.In(0).DT
	if c.Wants(3) && m.shares(c.Has) && dt != tensor.Float32 {
		return fmt.Errorf("the output qk of a shared cache is computed in float32 only, not in %s", dt)
	}
	s, ok, err := m.shapeOf(c.In, c.Has)
	if err != nil {
		return err
	}
	if !ok {
		for o := range 4 {
			if err := c.OutUnranked(o, dt); err != nil {
				return err
			}
		}
		return nil
	}
	n := ops.Num(m.heads)
	width := n.Mul(s.size.Add(s.size).Add(s.vSize))
	if err := checkDims(c, m.bias, "bias", width); err != nil && c.Has(m.bias) {
		return err
	}
	if c.Has(m.pastK) {
		if err := checkDims(c, m.pastK, "past_key", s.batch, n, s.past, s.size); err != nil {
			return err
		}
		if err := checkDims(c, m.pastV, "past_value", s.batch, n, s.past, s.vSize); err != nil {
			return err
		}
	}
	if m.shares(c.Has) {
		if p, known := c.Ints(m.pastLen); known && len(p) == 1 {
			s.total = ops.Num(p[0]).Add(s.keys)
		}
	}
	if err := checkKeyMask(c, m.mask, s.batch, s.queries, s.total); err != nil {
		return err
	}
	if err := checkScoreBias(c, m.scoreBias, s.batch, n, s.queries, s.total); err != nil {
		return err
	}
	c.Out(0, dt, s.batch, s.queries, n.Mul(s.vSize))
	c.Out(1, dt, s.batch, n, s.cache, s.size)
	c.Out(2, dt, s.batch, n, s.cache, s.vSize)
	return c.Out(3, dt, s.batch, n, s.queries, s.total)
}

// checkScoreBias checks a bias of the scores, whose first two dimensions may be 1.
func checkScoreBias(c *ops.Infer, i int, batch, heads, queries, keys ops.Dim) error {
	s, ok := c.Shape(i)
	if !ok || i == 0 {
		return nil
	}
	want := []ops.Dim{batch, heads, queries, keys}
	bad := len(s) != 4
	for d := 0; d < len(s) && !bad; d++ {
		bad = differ(s[d], want[d]) && (d > 1 || !s[d].Is(1))
	}
	if bad {
		return fmt.Errorf("attention_bias is %s; it must be %s, where the first two may be 1", sym.ShapeString(s), sym.ShapeString(want))
	}
	return nil
}

// checkKeyMask checks a mask of keys: lengths (batch), ends and starts (2·batch), or ones and zeros for keys, for each query too, or for all places
// (batch, 1, most, most).
func checkKeyMask(c *ops.Infer, i int, batch, queries, keys ops.Dim) error {
	s, ok := c.Shape(i)
	if !ok || i == 0 {
		return nil
	}
	bad := false
	switch len(s) {
	case 1:
		bad = differ(s[0], batch) && differ(s[0], batch.Add(batch))
	case 2:
		bad = differ(s[0], batch) || differ(s[1], keys)
	case 3:
		bad = differ(s[0], batch) || differ(s[1], queries) || differ(s[2], keys)
	case 4:
		most, ok1 := s[3].Int()
		n, ok2 := keys.Int()
		bad = differ(s[0], batch) || differ(s[1], ops.Num(1)) || differ(s[2], s[3]) || ok1 && ok2 && most < n
	default:
		bad = true
	}
	if bad {
		return fmt.Errorf("the mask is %s; for %s batches of %s queries and %s keys it must be [batch], [2·batch], [batch,keys], [batch,queries,keys] or [batch,1,most,most]",
			sym.ShapeString(s), batch, queries, keys)
	}
	return nil
}

// keyMask turns such a mask into numbers that are added to scores.
type keyMask struct {
	in     int
	dims   []int
	filter float32
}

// len is the number of elements that load needs.
func (m *keyMask) len(batch, keys int) int {
	switch len(m.dims) {
	case 0:
		return 0
	case 1:
		return batch * keys
	}
	n, err := tensor.NumElements(m.dims)
	if err != nil {
		return 0
	}
	return n
}

// load fills dst and tells k of it.
func (m *keyMask) load(c *ops.Call, k *attend, dst []float32) {
	if m.in == 0 || !c.Has(m.in) {
		return
	}
	v := tensor.View[int32](c.In(m.in))
	k.mask = dst
	switch len(m.dims) {
	case 1:
		clear(dst)
		k.maskSteps = [2]int{k.keys, 0}
		for b := range k.batch {
			row := dst[b*k.keys:][:k.keys]
			for j := min(max(int(v[b]), 0), k.keys); j < k.keys; j++ {
				row[j] = m.filter
			}
			if len(v) == 2*k.batch && k.batch > 0 {
				for j := range min(max(int(v[b+k.batch]), 0), k.keys) {
					row[j] = m.filter
				}
			}
		}
		return
	case 2:
		k.maskSteps = [2]int{m.dims[1], 0}
	case 3:
		k.maskSteps = [2]int{m.dims[1] * m.dims[2], m.dims[2]}
	case 4:
		k.maskSteps = [2]int{m.dims[2] * m.dims[3], m.dims[3]}
		k.mask = dst[min(len(dst), k.past*m.dims[3]):]
	}
	for i, x := range v {
		dst[i] = 0
		if x <= 0 {
			dst[i] = m.filter
		}
	}
}
