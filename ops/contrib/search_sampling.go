package contrib

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"ingot/ops"
	"ingot/tensor"
)

type samplingAttrs struct {
	Custom              int           `onnx:",0"`
	Decoder             *ops.Subgraph `onnx:",required"`
	DecoderStartTokenId int           `onnx:",-1"`
	Encoder             *ops.Subgraph
	EosTokenId          int     `onnx:",required"`
	FilterValue         float32 `onnx:",-1e20"`
	InitDecoder         *ops.Subgraph
	MinTokensToKeep     int     `onnx:",0"`
	ModelType           int     `onnx:",0"`
	NoRepeatNgramSize   int     `onnx:",0"`
	PadTokenId          int     `onnx:",required"`
	PresencePenalty     float32 `onnx:",0"`
	Temperature         float32 `onnx:",1"`
	TopP                float32 `onnx:",0"`
	VocabSize           int     `onnx:",-1"`
}

// sampling is GreedySearch that draws the next token among the most probable ones.
var sampling = ops.Def(ops.Spec[samplingAttrs]{
	Name: "Sampling", Domain: domain, Vers: since1, Flags: ops.Escapes | ops.NoFold,
	In:  "input_ids:I, max_length:I, min_length:I?, repetition_penalty:T?, vocab_mask:I?, prefix_vocab_mask:I?, attention_mask:I?, presence_mask:I?, seed:I?",
	Out: "sequences:I, filtered_logits:T?", Types: "T=float; I=int32",
	Infer: func(c *ops.Infer, a *samplingAttrs) error {
		greedy := greedySearchAttrs{Decoder: a.Decoder, InitDecoder: a.InitDecoder, Encoder: a.Encoder, ModelType: a.ModelType, DecoderStartTokenId: a.DecoderStartTokenId}
		if err := greedy.check(c); err != nil {
			return err
		}
		switch {
		case c.Wants(1):
			return fmt.Errorf("output filtered_logits is named; it isn't specified of which step it would be")
		case a.Temperature <= 0:
			return fmt.Errorf("temperature is %v; it must be positive", a.Temperature)
		case a.TopP < 0 || a.TopP > 1:
			return fmt.Errorf("top_p is %v; it must be between 0 and 1", a.TopP)
		case a.MinTokensToKeep < 0:
			return fmt.Errorf("min_tokens_to_keep is %d; it must not be negative", a.MinTokensToKeep)
		case a.PresencePenalty != 0 && !c.Has(7):
			return fmt.Errorf("presence_penalty is %v, so presence_mask must be there", a.PresencePenalty)
		}
		return c.Out(0, tensor.Int32, dimOf(c, 0), scalarDim(c, 1))
	},
	Eval: evalSampling,
})

func evalSampling(c *ops.Call, a *samplingAttrs) error {
	s := &search{beams: 1, eos: int32(a.EosTokenId), pad: int32(a.PadTokenId), ngram: a.NoRepeatNgramSize, wantVocab: a.VocabSize}
	if err := s.params(c, 1, 2, 3, 4, 5); err != nil {
		return err
	}
	m, err := newGPT(c, s, a.Decoder, a.InitDecoder, 6)
	if err != nil {
		return err
	}
	var present []int32
	if c.Has(7) {
		present = tensor.View[int32](c.In(7))
	}
	draw := newDraws(c.Env.Seed())
	if c.Has(8) {
		v := tensor.View[int32](c.In(8))
		if len(v) != 1 {
			return fmt.Errorf("seed is %s; it must be one number", c.In(8))
		}
		draw = newDraws(uint64(uint32(v[0])))
	}
	s.also = func() {
		for i := range s.scores {
			s.scores[i] /= a.Temperature
			if i < len(present) {
				s.scores[i] -= float32(present[i]) * a.PresencePenalty
			}
		}
	}
	err = s.run(c, m, func(row []float32) int32 {
		a.filter(row)
		return draw.choose(row)
	})
	if err != nil {
		return err
	}
	return s.give(c, 0, s.seqs, s.batch)
}

// filter takes the least probable tokens away, so that top_p of the probability is left. The custom way goes from the most probable token down and
// stops behind the one that exceeds top_p; the other goes up, and never takes the last min_tokens_to_keep.
func (a *samplingAttrs) filter(row []float32) {
	order := make([]int, len(row))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		if a.Custom != 0 {
			i, j = j, i
		}
		return cmp.Compare(row[i], row[j])
	})
	probs := slices.Clone(row)
	logSoftmax(probs)
	sum := float32(0)
	limit := 1 - a.TopP
	for place, i := range order {
		sum += float32(math.Exp(float64(probs[i])))
		switch {
		case a.Custom != 0:
			if sum > a.TopP && place+1 < len(order) {
				row[order[place+1]] = a.FilterValue
			}
		case place > 0 && place >= len(order)-a.MinTokensToKeep:
			return
		case sum <= limit:
			row[i] = a.FilterValue
		}
	}
}

// draws is the generator that C++ calls minstd_rand0: x ← 16807·x mod 2³¹−1.
type draws struct{ x uint64 }

const minstdPrime = 1<<31 - 1

func newDraws(seed uint64) *draws { return &draws{max(1, seed%minstdPrime)} }

func (d *draws) next() float64 {
	d.x = d.x * 16807 % minstdPrime
	return float64(d.x - 1)
}

// uniform is a number from 0 to 1 of two draws.
func (d *draws) uniform() float64 {
	const r = minstdPrime - 1
	low := d.next()
	return (low + d.next()*r) / (r * r)
}

// choose draws one of the elements, whose probabilities are as the exponentials of their scores.
func (d *draws) choose(row []float32) int32 {
	top := slices.Max(row)
	sums := make([]float64, len(row))
	sum := 0.0
	for i, v := range row {
		sum += math.Exp(float64(v - top))
		sums[i] = sum
	}
	at := d.uniform() * sum
	return int32(min(sort.Search(len(sums), func(i int) bool { return sums[i] > at }), len(row)-1))
}
