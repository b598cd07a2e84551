package nn

import (
	"fmt"
	"math"

	"ingot/internal/kernel/attn"
	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
)

type linearAttentionAttrs struct {
	ChunkSize  int     `onnx:",64"` // a hint for machines that work on chunks; it doesn't change results
	KvNumHeads int     `onnx:",required"`
	QNumHeads  int     `onnx:",required"`
	Scale      float32 `onnx:",0"`
	UpdateRule string  `onnx:",gated_delta"`
}

// rule returns what an update rule does besides writing k⊗v.
func (a *linearAttentionAttrs) rule() (gated, delta bool, err error) {
	switch a.UpdateRule {
	case "linear":
		return false, false, nil
	case "gated":
		return true, false, nil
	case "delta":
		return false, true, nil
	case "gated_delta":
		return true, true, nil
	}
	return false, false, fmt.Errorf("update_rule is %q; it must be linear, gated, delta or gated_delta", a.UpdateRule)
}

// LinearAttention is attention by a state that each token decays, corrects and adds to.
func LinearAttention() *ops.Op {
	return ops.Def(ops.Spec[linearAttentionAttrs]{
		Name: "LinearAttention", In: "query:T, key:T, value:T, past_state:S?, decay:T?, beta:T?", Out: "output:T, present_state:S",
		Types: "T=float|float16|bfloat16; S=float|float16|bfloat16", Vers: []ops.Ver{{Since: 27}},
		Infer: inferLinearAttention,
		Bind:  bindLinearAttention,
	})
}

// The inputs of LinearAttention behind query, key and value.
const linPast, linDecay, linBeta = 3, 4, 5

func inferLinearAttention(c *ops.Infer, a *linearAttentionAttrs) error {
	gated, delta, err := a.rule()
	switch {
	case err != nil:
		return err
	case a.KvNumHeads < 1 || a.QNumHeads < 1 || a.QNumHeads%a.KvNumHeads != 0:
		return fmt.Errorf("q_num_heads is %d and kv_num_heads %d; the one must be a positive multiple of the other", a.QNumHeads, a.KvNumHeads)
	case gated != c.Has(linDecay):
		return fmt.Errorf("update_rule is %s; decay given: %t", a.UpdateRule, c.Has(linDecay))
	case delta != c.Has(linBeta):
		return fmt.Errorf("update_rule is %s; beta given: %t", a.UpdateRule, c.Has(linBeta))
	}
	dt, st := c.In(0).DT, c.In(0).DT
	if c.Has(linPast) {
		st = c.In(linPast).DT
	}
	var part [3]heads
	for i, name := range []string{"query", "key", "value"} {
		s, ok := c.Shape(i)
		if !ok {
			c.OutUnranked(0, dt)
			return c.OutUnranked(1, st)
		}
		if len(s) != 3 {
			return fmt.Errorf("%s is %s; it must have 3 dimensions", name, sym.ShapeString(s))
		}
		n, attr := a.KvNumHeads, "kv_num_heads"
		if i == 0 {
			n, attr = a.QNumHeads, "q_num_heads"
		}
		if part[i], err = split(name, s, &n, attr); err != nil {
			return err
		}
	}
	q, k, v := part[0], part[1], part[2]
	if differ(q.batch, k.batch) || differ(q.batch, v.batch) || differ(q.seq, k.seq) || differ(q.seq, v.seq) || differ(q.size, k.size) {
		return fmt.Errorf("query, key and value don't fit: a batch of %s, %s and %s, %s, %s and %s tokens, heads of %s and %s",
			q.batch, k.batch, v.batch, q.seq, k.seq, v.seq, q.size, k.size)
	}
	if err := checkDims(c, linPast, "past_state", q.batch, k.heads, k.size, v.size); err != nil {
		return err
	}
	if err := checkEither(c, linDecay, "decay", q, k.heads, k.heads.Mul(k.size)); err != nil {
		return err
	}
	if err := checkEither(c, linBeta, "beta", q, k.heads, ops.Num(1)); err != nil {
		return err
	}
	c.Out(0, dt, q.batch, q.seq, q.heads.Mul(v.size))
	return c.Out(1, st, q.batch, k.heads, k.size, v.size)
}

// checkEither checks a gate, whose last dimension has one of two sizes.
func checkEither(c *ops.Infer, i int, name string, q heads, one, other ops.Dim) error {
	if err := checkDims(c, i, name, q.batch, q.seq, one); err != nil {
		return checkDims(c, i, name, q.batch, q.seq, other)
	}
	return nil
}

// linearAttention runs the recurrence of a head of a sample a tile.
type linearAttention struct {
	batch, seq, heads, kvHeads int
	size, vSize                int
	gated, delta               bool
	decays, betas              int // elements of a token
	scale                      float32

	in         [6]wide.Operand[float32]
	out, state wide.Result[float32]
	buf        wide.Buffer // of the state, where that isn't wanted

	x    [6][]float32
	y, s []float32
	tile int
}

func bindLinearAttention(b *ops.Bind, a *linearAttentionAttrs) (ops.Kernel, error) {
	q, v := b.Dims(0), b.Dims(2)
	k := &linearAttention{batch: q[0], seq: q[1], heads: a.QNumHeads, kvHeads: a.KvNumHeads, size: q[2] / a.QNumHeads, vSize: v[2] / a.KvNumHeads}
	k.gated, k.delta, _ = a.rule()
	k.scale = a.Scale
	if k.scale == 0 && k.size > 0 {
		k.scale = float32(1 / math.Sqrt(float64(k.size)))
	}
	if k.gated {
		k.decays = b.Dims(linDecay)[2]
	}
	if k.delta {
		k.betas = b.Dims(linBeta)[2]
	}
	var room wide.Room[float32]
	for i := range k.in {
		k.in[i] = room.In(b, i)
	}
	k.out, k.state = room.Out(b, 0), room.Out(b, 1)
	if !k.state.Wanted() {
		k.buf = room.Buffer(k.batch * k.kvHeads * k.size * k.vSize)
	}
	room.Claim(b)
	k.tile = 1
	if k.batch*k.kvHeads*k.seq*k.size*k.vSize < 1<<16 {
		k.tile = max(1, k.batch*k.kvHeads)
	}
	return k, nil
}

// Run computes all heads.
func (k *linearAttention) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	for i := range k.in {
		k.x[i] = k.in[i].Load(c, s)
	}
	k.y, k.s = k.out.Elements(c, s), s.Part(k.buf)
	if k.state.Wanted() {
		k.s = k.state.Elements(c, s)
	}
	if k.x[linPast] != nil {
		copy(k.s, k.x[linPast])
	} else {
		clear(k.s)
	}
	if n := k.batch * k.kvHeads; n > 0 {
		if err := c.Parallel((n-1)/k.tile+1, k); err != nil {
			return err
		}
	}
	k.out.Store(c, s)
	k.state.Store(c, s)
	return nil
}

// Tile implements [ops.Job].
func (k *linearAttention) Tile(w ops.Worker, i int) {
	room := ops.Scratch[float32](w, k.vSize+k.size)
	for n := i * k.tile; n < min((i+1)*k.tile, k.batch*k.kvHeads); n++ {
		k.head(n/k.kvHeads, n%k.kvHeads, room[:k.vSize], room[k.vSize:])
	}
}

// head runs the recurrence of one head.
func (k *linearAttention) head(batch, head int, fix, decay []float32) {
	size := k.size * k.vSize
	state := attn.State{S: k.s[(batch*k.kvHeads+head)*size:][:size], V: k.vSize}
	group := k.heads / k.kvHeads
	for t := range k.seq {
		at := batch*k.seq + t
		key := k.x[1][(at*k.kvHeads+head)*k.size:][:k.size]
		val := k.x[2][(at*k.kvHeads+head)*k.vSize:][:k.vSize]
		if k.gated {
			n := min(k.decays/k.kvHeads, len(decay)) // 1, or one for each element of the key, which may have none
			vec.Exp(decay[:n], k.x[linDecay][at*k.decays+head*n:][:n])
			state.Decay(decay[:n])
		}
		if k.delta {
			beta := k.x[linBeta][at*k.betas+head%k.betas]
			state.Read(fix, key, 1)
			vec.Sub(fix, val, fix)
			vec.MulS(fix, fix, beta)
			val = fix
		}
		state.Write(key, val)
		if k.y == nil {
			continue
		}
		for g := head * group; g < (head+1)*group; g++ {
			state.Read(k.y[(at*k.heads+g)*k.vSize:][:k.vSize], k.x[0][(at*k.heads+g)*k.size:][:k.size], k.scale)
		}
	}
}
