package contrib

import (
	"fmt"
	"math"

	"ingot/internal/kernel/vec"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// multiHeadKernel lays queries, keys and values out and attends.
type multiHeadKernel struct {
	attend
	layout               *multiHead
	form                 form
	newKeys, cache       int  // rows that come with this call, and of the present
	shared               bool // past and present have room for more
	msk                  keyMask
	q, k, v, bias        wide.Operand[float32]
	scoreBias            wide.Operand[float32]
	pastK, pastV         wide.Operand[float32]
	y, presK, presV, out wide.Result[float32]
	sumQ, sumK, sumV     wide.Buffer // with bias
	joinK, joinV         wide.Buffer // past and new keys where presents aren't wanted
	maskRoom             wide.Buffer
}

func (m *multiHead) bind(b *ops.Bind) (ops.Kernel, error) {
	s, ok, err := m.shapeOf(b.In, b.Has)
	if err != nil || !ok {
		return nil, fmt.Errorf("the layout of the operands isn't known: %w", err)
	}
	n := func(d ops.Dim) int { v, _ := d.Int(); return int(v) }
	k := &multiHeadKernel{layout: m, form: s.form, newKeys: n(s.keys), cache: n(s.cache), shared: m.shares(b.Has)}
	k.attend = attend{batch: n(s.batch), heads: m.heads, kvHeads: m.heads, queries: n(s.queries), size: n(s.size), vSize: n(s.vSize), window: -1}
	k.scale = scaleOf(m.scale, k.size)
	k.past = n(s.past)
	k.keys = k.past + k.newKeys
	if k.shared {
		k.keys = k.cache // at most
	}
	k.causal, k.hidden = m.unidirectional, -math.MaxFloat32
	k.divide()
	var room wide.Room[float32]
	in := func(i int) wide.Operand[float32] {
		if i == 0 {
			return wide.None[float32]()
		}
		return room.In(b, i)
	}
	k.q, k.k, k.v, k.bias = room.In(b, 0), room.In(b, 1), room.In(b, 2), in(m.bias)
	k.scoreBias, k.pastK, k.pastV = in(m.scoreBias), in(m.pastK), in(m.pastV)
	k.y, k.presK, k.presV, k.out = room.Out(b, 0), room.Out(b, 1), room.Out(b, 2), room.Out(b, 3)
	all := k.batch * k.heads
	if k.bias.Present() {
		k.sumQ = room.Buffer(all * k.queries * k.size)
		if k.form != crossKV {
			k.sumK, k.sumV = room.Buffer(all*k.newKeys*k.size), room.Buffer(all*k.newKeys*k.vSize)
		}
	}
	if k.pastK.Present() {
		if !k.presK.Wanted() {
			k.joinK = room.Buffer(all * k.cache * k.size)
		}
		if !k.presV.Wanted() {
			k.joinV = room.Buffer(all * k.cache * k.vSize)
		}
	}
	if k.scoreBias.Present() {
		k.biasSteps = broadcastBias(b.Dims(m.scoreBias))
	}
	if m.mask != 0 && b.Has(m.mask) {
		k.msk = keyMask{in: m.mask, dims: b.Dims(m.mask), filter: m.filter}
		k.maskRoom = room.Buffer(k.msk.len(k.batch, k.keys))
	}
	room.Claim(b)
	return k, nil
}

// Run attends.
func (k *multiHeadKernel) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	if err := k.places(c); err != nil {
		return err
	}
	q, kk, v := k.take(c, s)
	if k.bias.Present() {
		bias := k.bias.Load(c, s)
		width := k.heads * k.size
		q = k.biased(q, bias[:width], k.queries, k.size, s.Part(k.sumQ))
		if k.form != crossKV {
			kk = k.biased(kk, bias[width:2*width], k.newKeys, k.size, s.Part(k.sumK))
			v = k.biased(v, bias[2*width:], k.newKeys, k.vSize, s.Part(k.sumV))
		}
	}
	k.attend.q = q
	k.attend.k = k.join(kk, k.pastK.Load(c, s), k.presK.Elements(c, s), s.Part(k.joinK), k.size)
	k.attend.v = k.join(v, k.pastV.Load(c, s), k.presV.Elements(c, s), s.Part(k.joinV), k.vSize)
	k.attend.y = interleaved(k.y.Elements(c, s), k.queries, k.heads*k.vSize, k.vSize)
	k.mask = nil
	k.msk.load(c, &k.attend, s.Part(k.maskRoom))
	k.attend.bias = k.scoreBias.Load(c, s)
	k.scores = nil
	if k.out.Wanted() {
		if k.shared {
			if err := k.allocScores(c); err != nil {
				return err
			}
		} else {
			k.scores = k.out.Elements(c, s)
		}
		k.scoresOf = rawScores
	}
	if err := k.run(c); err != nil {
		return err
	}
	k.y.Store(c, s)
	k.presK.Store(c, s)
	k.presV.Store(c, s)
	if !k.shared {
		k.out.Store(c, s)
	}
	return nil
}

// allocScores makes the output of scores, whose size depends on the values of this run.
func (k *multiHeadKernel) allocScores(c *ops.Call) error {
	t, err := c.OutOrAlloc(3, tensor.Float32, k.batch, k.heads, k.queries, k.keys)
	if err == nil {
		k.scores = tensor.View[float32](t)
	}
	return err
}

// places reads how many keys a shared cache holds, and which beams they come from.
func (k *multiHeadKernel) places(c *ops.Call) error {
	if !k.shared {
		return nil
	}
	v := tensor.View[int32](c.In(k.layout.pastLen))
	if len(v) != 1 {
		return fmt.Errorf("past_sequence_length has %d elements; it must have 1", len(v))
	}
	if err := checkLens("past_sequence_length", v, 0, k.cache-k.newKeys); err != nil {
		return err
	}
	k.past = int(v[0])
	k.keys = k.past + k.newKeys
	k.source = nil
	at := k.layout.indirection
	if at == 0 || !c.Has(at) {
		return nil
	}
	k.beams = 1
	if w := k.layout.beamWidth; w != 0 && c.Has(w) {
		v := tensor.View[int32](c.In(w))
		if len(v) != 1 || v[0] < 1 || k.batch%int(v[0]) != 0 {
			return fmt.Errorf("beam_width is %v; it must be one number that divides the %d batches", v, k.batch)
		}
		k.beams = int(v[0])
	}
	t := c.In(at)
	d := t.Dims()
	if len(d) != 3 || d[0]*d[1] != k.batch || d[2] < k.past {
		return fmt.Errorf("cache_indirection is %s; for %d batches and %d keys it must be [batch,beams,most]", t, k.batch, k.past)
	}
	if k.layout.beamWidth == 0 || !c.Has(k.layout.beamWidth) {
		k.beams = d[1]
	}
	k.source, k.stride = tensor.View[int32](t), d[2]
	for b := range k.batch {
		if err := checkLens("cache_indirection", k.source[b*k.stride:][:k.past], 0, k.beams-1); err != nil {
			return err
		}
	}
	return nil
}

// take returns queries, keys and values where they lie.
func (k *multiHeadKernel) take(c *ops.Call, s wide.Scratch[float32]) (q, kk, v heads) {
	query := k.q.Load(c, s)
	width, n := k.heads*k.size, k.size
	q = interleaved(query, k.queries, width, n)
	part := func(data []float32, rows, of, i int) heads { // part i of heads that hold several
		return heads{data: data[min(i*n, len(data)):], batch: rows * width * of, head: of * n, row: width * of}
	}
	switch k.form {
	case packedQKV:
		return part(query, k.queries, 3, 0), part(query, k.queries, 3, 1), part(query, k.queries, 3, 2)
	case joinedQKV:
		at := func(i int) heads {
			return heads{data: query[min(i*width, len(query)):], batch: k.queries * 3 * width, head: n, row: 3 * width}
		}
		return at(0), at(1), at(2)
	case packedKV:
		key := k.k.Load(c, s)
		return q, part(key, k.newKeys, 2, 0), part(key, k.newKeys, 2, 1)
	case crossKV:
		return q, apart(k.k.Load(c, s), k.heads, k.newKeys, n), apart(k.v.Load(c, s), k.heads, k.newKeys, k.vSize)
	}
	return q, interleaved(k.k.Load(c, s), k.newKeys, width, n), interleaved(k.v.Load(c, s), k.newKeys, k.heads*k.vSize, k.vSize)
}

// biased adds a bias to rows.
func (k *multiHeadKernel) biased(x heads, bias []float32, rows, size int, dst []float32) heads {
	y := interleaved(dst, rows, k.heads*size, size)
	for b := range k.batch {
		for r := range rows {
			for h := range k.heads {
				vec.Add(y.at(b, h, r)[:size], x.at(b, h, r)[:size], bias[h*size:][:size])
			}
		}
	}
	return y
}

// join puts new rows behind those of the past, in the present or in scratch; without either they stay where they are.
func (k *multiHeadKernel) join(x heads, past, present, room []float32, size int) heads {
	dst := present
	if dst == nil {
		dst = room
	}
	if len(dst) == 0 {
		return x
	}
	y := apart(dst, k.heads, k.cache, size)
	from := apart(past, k.heads, 0, size)
	if past != nil {
		rows := len(past) / max(1, k.batch*k.heads*size)
		from = apart(past, k.heads, rows, size)
	}
	for b := range k.batch {
		for h := range k.heads {
			if past != nil && !k.shared {
				copy(y.at(b, h, 0)[:k.past*size], from.at(b, h, 0))
			} else if past != nil {
				copy(y.at(b, h, 0)[:k.cache*size], from.at(b, h, 0))
			}
			for r := range k.newKeys {
				copy(y.at(b, h, k.past+r)[:size], x.at(b, h, r))
			}
		}
	}
	return y
}
