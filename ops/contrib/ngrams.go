package contrib

import (
	"fmt"
	"math"
	"slices"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// ngramOps look at runs of tokens.
var ngramOps = []*ops.Op{
	ops.Def(ops.Spec[repeatBlockAttrs]{
		Name: "NGramRepeatBlock", Domain: domain, Vers: since1,
		In: "input_ids:Tid, scores:T", Out: "scores_out:T", Types: "Tid=int64; T=float",
		Infer: func(c *ops.Infer, a *repeatBlockAttrs) error {
			if a.NgramSize < 1 {
				return fmt.Errorf("ngram_size is %d; it must be positive", a.NgramSize)
			}
			ids, ok1 := c.Shape(0)
			scores, ok2 := c.Shape(1)
			if ok1 && ok2 && (len(ids) != 2 || len(scores) != 2 || differ(ids[0], scores[0])) {
				return fmt.Errorf("input_ids is %s and scores %s; they must be [batch,tokens] and [batch,vocabulary]", sym.ShapeString(ids), sym.ShapeString(scores))
			}
			return c.OutLike(0, 1)
		},
		Eval: evalRepeatBlock, InPlace: [][2]int8{{0, 1}},
	}),
	ops.Def(ops.Spec[bifurcationAttrs]{
		Name: "BifurcationDetector", Domain: domain, Vers: since1,
		In: "src_tokens:T, cur_tokens:T, prev_suffix_match_idx:T, pred_tokens:T?", Out: "tokens:T, suffix_match_idx:T", Types: "T=int64",
		Infer: func(c *ops.Infer, a *bifurcationAttrs) error {
			if a.MinNgramSize < 1 || a.MaxNgramSize < a.MinNgramSize {
				return fmt.Errorf("min_ngram_size is %d and max_ngram_size %d; they must be positive and in this order", a.MinNgramSize, a.MaxNgramSize)
			}
			for i, name := range []string{"src_tokens", "cur_tokens", "prev_suffix_match_idx", "pred_tokens"} {
				if s, ok := c.Shape(i); ok && len(s) != 1 && !(i == 2 && len(s) == 0) {
					return fmt.Errorf("input %s is %s; it must be a vector", name, sym.ShapeString(s))
				}
			}
			if c.Has(3) {
				c.Out(0, tensor.Int64, c.Fresh())
			} else {
				c.OutLike(0, 1)
			}
			return c.OutLike(1, 2)
		},
		Eval: evalBifurcation,
	}),
	ops.Def(ops.Spec[hashAttrs]{
		Name: "NGramHashMapping", Domain: domain, Vers: since1,
		In:  "input_ids:M, multipliers:M, vocab_sizes:M, past_ids:M?, head_offsets:M?, eos_token_id:M?, segment_ids:int32?",
		Out: "hash_ids:M, present_ids:M?", Types: "M=int32|int64",
		Infer: func(c *ops.Infer, a *hashAttrs) error {
			if err := a.check(c, 1, 2, 4); err != nil {
				return err
			}
			ids, ok := c.Shape(0)
			dt := c.In(0).DT
			if !ok {
				c.OutRank(0, dt, 3)
				return c.OutRank(1, dt, 2)
			}
			if len(ids) != 2 {
				return fmt.Errorf("input_ids is %s; it must be [batch,tokens]", sym.ShapeString(ids))
			}
			past := ops.Num(a.MaxNgramSize - 1)
			if err := checkDims(c, 3, "past_ids", ids[0], past); err != nil {
				return err
			}
			if err := checkDims(c, 6, "segment_ids", ids...); err != nil {
				return err
			}
			c.Out(0, dt, ids[0], ids[1], ops.Num(a.heads()))
			return c.Out(1, dt, ids[0], past)
		},
		Eval: func(c *ops.Call, a *hashAttrs) error {
			d := c.In(0).Dims()
			ends := make([]int32, d[0]+1)
			for b := range ends {
				ends[b] = int32(b * d[1])
			}
			return evalHash(c, a, hashIns{mul: 1, sizes: 2, past: 3, offsets: 4, eos: 5, segments: 6, pastSegments: -1}, ends, 0)
		},
	}),
	ops.Def(ops.Spec[varlenHashAttrs]{
		Name: "VarlenNGramHashMapping", Domain: domain, Vers: since1,
		In: "input_ids:M, multipliers:M, vocab_sizes:M, cumulative_sequence_length:S, past_ids:M?, head_offsets:M?, eos_token_id:M?, segment_ids:int32?, " +
			"past_segment_ids:S?, capture_count:S?",
		Out: "hash_ids:M, present_ids:M?, present_segment_ids:S?, state_update:M?", Types: "M=int32|int64; S=int32",
		Infer: inferVarlenHash,
		Eval: func(c *ops.Call, a *varlenHashAttrs) error {
			ends := tensor.View[int32](c.In(3))
			if err := spans("cumulative_sequence_length", ends, c.In(0).Len(), 1); err != nil {
				return err
			}
			in := hashIns{mul: 1, sizes: 2, past: 4, offsets: 5, eos: 6, segments: 7, pastSegments: 8, count: 9}
			return evalHash(c, a.plain(), in, ends, a.StateUpdateCapacity)
		},
	}),
}

type repeatBlockAttrs struct {
	NgramSize int `onnx:",required"`
}

// evalRepeatBlock forbids the tokens that would complete a run for the second time.
func evalRepeatBlock(c *ops.Call, a *repeatBlockAttrs) error {
	ids, y := tensor.View[int64](c.In(0)), tensor.View[float32](c.Out(0))
	copy(y, tensor.View[float32](c.In(1)))
	n, vocab := c.In(0).Dims()[1], c.In(1).Dims()[1]
	for b := range c.In(0).Dims()[0] {
		seq := ids[b*n:][:n]
		if n < a.NgramSize {
			continue
		}
		tail := seq[n-a.NgramSize+1:]
		for i := 0; i+a.NgramSize <= n; i++ {
			t := seq[i+a.NgramSize-1]
			if !slices.Equal(seq[i:][:a.NgramSize-1], tail) {
				continue
			}
			if t < 0 || t >= int64(vocab) {
				return fmt.Errorf("input_ids has the token %d; the vocabulary has %d", t, vocab)
			}
			y[b*vocab+int(t)] = float32(math.Inf(-1))
		}
	}
	return nil
}

type bifurcationAttrs struct {
	MaxNgramSize int `onnx:",3"`
	MinNgramSize int `onnx:",1"`
}

// evalBifurcation appends to the tokens those that were predicted, up to the first that isn't what the source has, and looks for where in the source
// the new tokens' last ones stand, if at one place only.
func evalBifurcation(c *ops.Call, a *bifurcationAttrs) error {
	src, cur, prev := tensor.View[int64](c.In(0)), tensor.View[int64](c.In(1)), tensor.View[int64](c.In(2))
	if len(prev) != 1 {
		return fmt.Errorf("prev_suffix_match_idx is %s; it must be one number", c.In(2))
	}
	tokens := slices.Clone(cur)
	if c.Has(3) {
		pred, at := tensor.View[int64](c.In(3)), prev[0]
		if at < 0 || at > int64(len(src)) || int64(len(pred)) != int64(len(src))+1-at {
			return fmt.Errorf("prev_suffix_match_idx is %d; of %d tokens in the source, that leaves no %d to be predicted", at, len(src), len(pred))
		}
		n := 0
		for n < len(pred)-1 && pred[n] == src[int(at)+n] {
			n++
		}
		tokens = append(tokens, pred[:n+1]...)
	}
	y, err := c.OutOrAlloc(0, tensor.Int64, len(tokens))
	if err != nil {
		return err
	}
	copy(tensor.View[int64](y), tokens)
	match := -1
	for n := a.MinNgramSize; n <= min(a.MaxNgramSize, len(tokens)); n++ {
		tail := tokens[len(tokens)-n:]
		at := indexOf(src, tail)
		if at < 0 {
			break
		}
		if match = at + n; match >= len(src) {
			break
		}
		if indexOf(src[at+1:], tail) >= 0 {
			match = -1
		}
	}
	if !c.Wants(1) {
		return nil
	}
	tensor.View[int64](c.Out(1))[0] = int64(match)
	return nil
}

// indexOf is the place of the first run in a list, -1 when there is none.
func indexOf(list, run []int64) int {
	for i := 0; i+len(run) <= len(list); i++ {
		if slices.Equal(list[i:][:len(run)], run) {
			return i
		}
	}
	return -1
}

type hashAttrs struct {
	MaxNgramSize  int `onnx:",required"`
	NHeadPerNgram int `onnx:",required"`
	PadId         int `onnx:",required"`
	ResetOnEos    int `onnx:",0"`
}

type varlenHashAttrs struct {
	MaxNgramSize        int `onnx:",required"`
	NHeadPerNgram       int `onnx:",required"`
	PadId               int `onnx:",required"`
	ResetOnEos          int `onnx:",0"`
	StateUpdateCapacity int `onnx:",0"`
}

func (a *varlenHashAttrs) plain() *hashAttrs {
	return &hashAttrs{a.MaxNgramSize, a.NHeadPerNgram, a.PadId, a.ResetOnEos}
}

// heads is how many numbers a token gets.
func (a *hashAttrs) heads() int { return (a.MaxNgramSize - 1) * a.NHeadPerNgram }

// maxHashes bounds the lengths of runs, and the numbers of each.
const maxHashes = 1 << 12

// check checks the attributes, and the lengths of the multipliers, sizes and offsets.
func (a *hashAttrs) check(c *ops.Infer, mul, sizes, offsets int) error {
	if a.MaxNgramSize < 2 || a.MaxNgramSize > maxHashes || a.NHeadPerNgram < 1 || a.NHeadPerNgram > maxHashes {
		return fmt.Errorf("max_ngram_size is %d and n_head_per_ngram %d; they must be at least 2 and 1, and at most %d", a.MaxNgramSize, a.NHeadPerNgram, maxHashes)
	}
	if s, ok := c.Shape(mul); ok {
		if n, known := sym.Prod(s).Int(); len(s) != 1 || known && n < int64(a.MaxNgramSize) {
			return fmt.Errorf("input multipliers is %s; it must be a vector of at least %d", sym.ShapeString(s), a.MaxNgramSize)
		}
	}
	if err := checkDims(c, sizes, "vocab_sizes", ops.Num(a.heads())); err != nil {
		return err
	}
	return checkDims(c, offsets, "head_offsets", ops.Num(a.heads()))
}

func inferVarlenHash(c *ops.Infer, v *varlenHashAttrs) error {
	a := v.plain()
	if err := a.check(c, 1, 2, 5); err != nil {
		return err
	}
	if err := checkCapture(v.StateUpdateCapacity, c.Has(9)); err != nil {
		return err
	}
	ids, ok1 := c.Shape(0)
	ends, ok2 := c.Shape(3)
	if ok1 && len(ids) != 1 || ok2 && len(ends) != 1 {
		return fmt.Errorf("input_ids is %s and cumulative_sequence_length %s; both must be vectors", sym.ShapeString(ids), sym.ShapeString(ends))
	}
	tokens, batch, past := c.Fresh(), c.Fresh(), ops.Num(a.MaxNgramSize-1)
	if ok1 {
		tokens = ids[0]
	}
	if ok2 {
		batch = ends[0].Sub(ops.Num(1))
	}
	for _, p := range []struct {
		i    int
		name string
		want []ops.Dim
	}{{4, "past_ids", []ops.Dim{batch, past}}, {7, "segment_ids", []ops.Dim{tokens}}, {8, "past_segment_ids", []ops.Dim{batch, past}}, {9, "capture_count", []ops.Dim{batch}}} {
		if err := checkDims(c, p.i, p.name, p.want...); err != nil {
			return err
		}
	}
	dt := c.In(0).DT
	c.Out(0, dt, tokens, ops.Num(a.heads()))
	c.Out(1, dt, batch, past)
	c.Out(2, tensor.Int32, batch, past)
	return c.Out(3, dt, batch, ops.Num(v.StateUpdateCapacity), past)
}

// hashIns are the places of inputs, -1 for those that an operator lacks.
type hashIns struct{ mul, sizes, past, offsets, eos, segments, pastSegments, count int }

func evalHash(c *ops.Call, a *hashAttrs, in hashIns, ends []int32, capacity int) error {
	if c.In(0).DType() == tensor.Int32 {
		return hashTokens[int32](c, a, in, ends, capacity)
	}
	return hashTokens[int64](c, a, in, ends, capacity)
}

// hashTokens gives each token numbers that depend on it and on those before it: of the last n, the products with a multiplier are combined by
// exclusive or, and the remainders by the heads' sizes are taken. Arithmetic wraps in the tokens' type.
func hashTokens[T int32 | int64](c *ops.Call, a *hashAttrs, in hashIns, ends []int32, capacity int) error {
	ids, mul, sizes := tensor.View[T](c.In(0)), tensor.View[T](c.In(in.mul)), tensor.View[T](c.In(in.sizes))
	for i, s := range sizes {
		if s <= 0 {
			return fmt.Errorf("vocab_sizes[%d] is %d; it must be positive", i, s)
		}
	}
	missing, reset := T(a.PadId), false
	if c.Has(in.eos) {
		v := tensor.View[T](c.In(in.eos))
		if len(v) != 1 {
			return fmt.Errorf("eos_token_id is %s; it must be one number", c.In(in.eos))
		}
		missing, reset = v[0], a.ResetOnEos != 0
	}
	var offsets, past []T
	if c.Has(in.offsets) {
		offsets = tensor.View[T](c.In(in.offsets))
	}
	if c.Has(in.past) {
		past = tensor.View[T](c.In(in.past))
	}
	var segments, pastSegments []int32
	if c.Has(in.segments) {
		segments = tensor.View[int32](c.In(in.segments))
	}
	if in.pastSegments >= 0 && c.Has(in.pastSegments) {
		pastSegments = tensor.View[int32](c.In(in.pastSegments))
	}
	before, heads := a.MaxNgramSize-1, a.heads()
	var y []T
	if c.Wants(0) {
		y = tensor.View[T](c.Out(0))
	}
	counts := captured(c, in.count, capacity, ends)
	for b := range len(ends) - 1 {
		lo, n := int(ends[b]), int(ends[b+1]-ends[b])
		row := make([]T, before, before+n) // what came before, and the sequence
		if past != nil {
			copy(row, past[b*before:][:before])
		} else {
			for i := range row {
				row[i] = missing
			}
		}
		row = append(row, ids[lo:][:n]...)
		seg := make([]int32, before+n)
		if pastSegments != nil {
			copy(seg, pastSegments[b*before:][:before])
		}
		if segments != nil {
			copy(seg[before:], segments[lo:][:n])
		}
		for t := range n {
			if y == nil {
				break
			}
			cut := -1 // the place from which on tokens count
			for s := 1; s <= before && (reset || segments != nil); s++ {
				at := before + t - s
				if reset && row[at] == missing || segments != nil && seg[at] != seg[at+1] && (at >= before || pastSegments != nil) {
					cut = at
					break
				}
			}
			mix, out := T(0), y[(lo+t)*heads:][:heads]
			for s := range a.MaxNgramSize {
				at := before + t - s
				id := row[at]
				if at <= cut {
					id = missing
				}
				mix ^= id * mul[s]
				for h := 0; h < a.NHeadPerNgram && s > 0; h++ {
					i := (s-1)*a.NHeadPerNgram + h
					if out[i] = mix % sizes[i]; out[i] < 0 {
						out[i] += sizes[i]
					}
					if offsets != nil {
						out[i] += offsets[i]
					}
				}
			}
		}
		if c.Wants(1) {
			copy(tensor.View[T](c.Out(1))[b*before:][:before], row[n:])
		}
		if c.Wants(2) {
			copy(tensor.View[int32](c.Out(2))[b*before:][:before], seg[n:])
		}
		if c.Wants(3) {
			states := tensor.View[T](c.Out(3))[b*capacity*before:][:capacity*before]
			for i := range states {
				states[i] = T(a.PadId)
			}
			for t := range counts[b] {
				copy(states[t*before:][:before], row[t+1:])
			}
		}
	}
	return nil
}
