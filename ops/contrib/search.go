package contrib

import (
	"fmt"
	"math"
	"slices"

	"ingot/ops"
	"ingot/tensor"
)

// searchOps generate text: they run a body that gives the scores of the next token again and again.
var searchOps = []*ops.Op{
	ops.Def(ops.Spec[beamSearchAttrs]{
		Name: "BeamSearch", Domain: domain, Vers: since1, Flags: ops.Escapes | ops.NoFold,
		In: "input_ids:F, max_length:I, min_length:I?, num_beams:I, num_return_sequences:I, length_penalty:T?, repetition_penalty:T?, vocab_mask:M?, prefix_vocab_mask:M?, " +
			"attention_mask:I?, decoder_input_ids:I?, logits_processor:I?",
		Out: "sequences:I, sequences_scores:T?, scores:T?", Types: "T=float|float16; F=float|int32|float16; I=int32; M=int32",
		Infer: func(c *ops.Infer, a *beamSearchAttrs) error {
			if err := a.check(c); err != nil {
				return err
			}
			batch, most, returned := dimOf(c, 0), scalarDim(c, 1), scalarDim(c, 4)
			c.Out(0, tensor.Int32, batch, returned, most)
			c.Out(1, tensor.Float32, batch, returned)
			return c.OutRank(2, tensor.Float32, 4)
		},
		Eval: func(c *ops.Call, a *beamSearchAttrs) error { return evalBeamSearch(c, a, nil) },
	}),
	ops.Def(ops.Spec[greedySearchAttrs]{
		Name: "GreedySearch", Domain: domain, Vers: since1, Flags: ops.Escapes | ops.NoFold,
		In:  "input_ids:I, max_length:I, min_length:I?, repetition_penalty:T?, vocab_mask:I?, prefix_vocab_mask:I?, attention_mask:I?",
		Out: "sequences:I", Types: "T=float; I=int32",
		Infer: func(c *ops.Infer, a *greedySearchAttrs) error {
			if err := a.check(c); err != nil {
				return err
			}
			return c.Out(0, tensor.Int32, dimOf(c, 0), scalarDim(c, 1))
		},
		Eval: evalGreedySearch,
	}),
}

type beamSearchAttrs struct {
	Decoder             *ops.Subgraph `onnx:",required"`
	DecoderStartTokenId int           `onnx:",-1"`
	EarlyStopping       bool          `onnx:",0"`
	Encoder             *ops.Subgraph
	EosTokenId          int `onnx:",required"`
	InitDecoder         *ops.Subgraph
	ModelType           int `onnx:",0"`
	NoRepeatNgramSize   int `onnx:",0"`
	PadTokenId          int `onnx:",required"`
	VocabSize           int `onnx:",-1"`
}

type greedySearchAttrs struct {
	Decoder             *ops.Subgraph `onnx:",required"`
	DecoderStartTokenId int           `onnx:",-1"`
	Encoder             *ops.Subgraph
	EosTokenId          int `onnx:",required"`
	InitDecoder         *ops.Subgraph
	ModelType           int `onnx:",0"`
	NoRepeatNgramSize   int `onnx:",0"`
	PadTokenId          int `onnx:",required"`
	VocabSize           int `onnx:",-1"`
}

func (a *beamSearchAttrs) check(c *ops.Infer) error {
	switch {
	case c.Has(11):
		return fmt.Errorf("logits_processor is there; no special processors are computed")
	case c.Has(5) && c.In(5).DT == tensor.Float16:
		return fmt.Errorf("length_penalty is of float16; only float32 is computed")
	}
	return a.checkModel(c)
}

func (a *beamSearchAttrs) checkModel(c *ops.Infer) error {
	switch {
	case a.ModelType == modelT5 && (a.Encoder == nil || a.DecoderStartTokenId < 0):
		return fmt.Errorf("model_type is 1, an encoder and a decoder: the attributes encoder and decoder_start_token_id must be there")
	case a.ModelType == modelWhisper && (a.Encoder == nil || a.DecoderStartTokenId < 0 && !c.Has(10)):
		return fmt.Errorf("model_type is 2, an encoder of sounds: the attribute encoder must be there, and the first tokens, decoder_input_ids or decoder_start_token_id")
	case a.ModelType != modelGPT && a.ModelType != modelT5 && a.ModelType != modelWhisper:
		return fmt.Errorf("model_type is %d; it must be 0 (a decoder), 1 (an encoder and a decoder) or 2 (an encoder of sounds)", a.ModelType)
	case c.In(0).DT != tensor.Int32 && c.In(0).DT != tensor.Invalid && a.ModelType != modelWhisper:
		return fmt.Errorf("input_ids is of %s; only tokens, int32, are computed for model_type %d", c.In(0).DT, a.ModelType)
	case c.Has(10) && a.ModelType != modelWhisper:
		return fmt.Errorf("decoder_input_ids is there; forced first tokens are computed for model_type 2 only")
	}
	return checkBodies(a.Decoder, a.InitDecoder, a.Encoder, a.ModelType)
}

func (a *greedySearchAttrs) check(*ops.Infer) error {
	if a.ModelType != modelGPT {
		return fmt.Errorf("model_type is %d; only 0 (a decoder) is computed by this operator", a.ModelType)
	}
	if a.Encoder != nil || a.DecoderStartTokenId != -1 {
		return fmt.Errorf("a model of a decoder alone has neither encoder nor decoder_start_token_id")
	}
	return checkBodies(a.Decoder, a.InitDecoder, nil, a.ModelType)
}

// dimOf is the first dimension of input i.
func dimOf(c *ops.Infer, i int) ops.Dim {
	if s, ok := c.Shape(i); ok && len(s) > 0 {
		return s[0]
	}
	return c.Fresh()
}

// scalarDim is the value of input i as a dimension.
func scalarDim(c *ops.Infer, i int) ops.Dim {
	if v, ok := c.Ints(i); ok && len(v) == 1 {
		return ops.Num(max(v[0], 0))
	}
	return c.Fresh()
}

// search is a generation under way: sequences of tokens, so many for each batch.
type search struct {
	batch, beams, most int
	least              int
	eos, pad           int32
	ngram              int
	repetition         float32
	allowed, first     []int32 // masks of the vocabulary, [vocabulary] and [batch, vocabulary]
	seqs               [][]int32
	begin              int // length of the sequences at the start
	vocab, wantVocab   int
	scores             []float32 // of the next token: [batch·beams, vocabulary]
	also               func()    // changes the scores further
}

// maxTokens bounds what a generation may be asked for: sequences and vocabularies are in memory at once.
const maxTokens = 1 << 24

// params reads the inputs that both operators have; places are those of max_length, min_length, repetition_penalty, vocab_mask and prefix_vocab_mask.
func (s *search) params(c *ops.Call, most, least, repetition, mask, prefix int) error {
	one := func(i int, name string, def int32) (int, error) {
		if !c.Has(i) {
			return int(def), nil
		}
		v := tensor.View[int32](c.In(i))
		if len(v) != 1 || v[0] < 0 || v[0] > maxTokens {
			return 0, fmt.Errorf("%s is %v; it must be one number that isn't negative, and at most %d", name, v, maxTokens)
		}
		return int(v[0]), nil
	}
	var err error
	if s.most, err = one(most, "max_length", 0); err != nil {
		return err
	}
	if s.least, err = one(least, "min_length", 0); err != nil {
		return err
	}
	s.repetition = 1
	if s.repetition, err = floatOf(c, repetition, "repetition_penalty", 1); err != nil {
		return err
	}
	if s.repetition <= 0 {
		return fmt.Errorf("repetition_penalty is %v; it must be positive", s.repetition)
	}
	if c.Has(mask) {
		s.allowed = tensor.View[int32](c.In(mask))
	}
	if c.Has(prefix) {
		s.first = tensor.View[int32](c.In(prefix))
	}
	return nil
}

func floatOf(c *ops.Call, i int, name string, def float32) (float32, error) {
	if !c.Has(i) {
		return def, nil
	}
	v := tensor.View[float32](c.In(i))
	if len(v) != 1 {
		return 0, fmt.Errorf("%s has %d elements; it must be one float32", name, len(v))
	}
	return v[0], nil
}

// take keeps the last token's scores of what the body gave: [rows, tokens, vocabulary].
func (s *search) take(logits *tensor.Tensor) error {
	d := logits.Dims()
	if len(d) != 3 || d[0] != len(s.seqs) || d[1] < 1 || d[2] < 1 {
		return fmt.Errorf("the body's logits are %s; they must be [%d,tokens,vocabulary]", logits, len(s.seqs))
	}
	if s.vocab = d[2]; s.wantVocab > 0 {
		if s.wantVocab > d[2] {
			return fmt.Errorf("vocab_size is %d, but the body's logits are %s", s.wantVocab, logits)
		}
		s.vocab = s.wantVocab
	}
	for _, m := range []struct {
		name string
		mask []int32
		want int
	}{{"vocab_mask", s.allowed, s.vocab}, {"prefix_vocab_mask", s.first, s.batch * s.vocab}} {
		if m.mask != nil && len(m.mask) != m.want {
			return fmt.Errorf("%s has %d elements; for a vocabulary of %d it must have %d", m.name, len(m.mask), s.vocab, m.want)
		}
	}
	s.scores = slices.Grow(s.scores[:0], d[0]*s.vocab)[:d[0]*s.vocab]
	all := floatsOf(logits)
	for r := range d[0] {
		copy(s.scores[r*s.vocab:][:s.vocab], all[(r*d[1]+d[1]-1)*d[2]:])
	}
	return nil
}

// forbidden is the score of a token that mustn't be generated.
const forbidden = -math.MaxFloat32

// process changes the scores as the parameters want.
func (s *search) process() {
	for r, seq := range s.seqs {
		row := s.scores[r*s.vocab:][:s.vocab]
		s.penalise(row, seq)
		for _, t := range s.repeats(seq) {
			s.forbid(row, t)
		}
		for t, ok := range s.allowed {
			if ok == 0 {
				row[t] = forbidden
			}
		}
		if s.first != nil && len(seq) == s.begin {
			for t, ok := range s.first[r/s.beams*s.vocab:][:s.vocab] {
				if ok == 0 {
					row[t] = forbidden
				}
			}
		}
		if len(seq) < s.least {
			s.forbid(row, s.eos)
		}
	}
	if s.also != nil {
		s.also()
	}
}

func (s *search) forbid(row []float32, token int32) {
	if token >= 0 && int(token) < len(row) {
		row[token] = forbidden
	}
}

// penalise makes tokens that were generated already less probable.
func (s *search) penalise(row []float32, seq []int32) {
	if s.repetition == 1 {
		return
	}
	seen := map[int32]bool{}
	for _, t := range seq {
		if t < 0 || int(t) >= len(row) || seen[t] {
			continue
		}
		seen[t] = true
		if row[t] < 0 {
			row[t] *= s.repetition
		} else {
			row[t] /= s.repetition
		}
	}
}

// repeats lists the tokens that would complete a sequence of ngram tokens a second time.
func (s *search) repeats(seq []int32) (out []int32) {
	if s.ngram <= 0 || len(seq) < s.ngram {
		return nil
	}
	tail := seq[len(seq)-s.ngram+1:]
	for i := 0; i+s.ngram <= len(seq); i++ {
		if slices.Equal(seq[i:i+s.ngram-1], tail) {
			out = append(out, seq[i+s.ngram-1])
		}
	}
	return out
}

// logSoftmax makes logarithms of probabilities of a row, in double precision where it matters.
func logSoftmax(row []float32) {
	top := slices.Max(row)
	sum := 0.0
	for _, x := range row {
		sum += math.Exp(float64(x - top))
	}
	by := float32(math.Log(sum))
	for i, x := range row {
		row[i] = x - top - by
	}
}

// floatsOf returns a tensor's elements as float32.
func floatsOf(t *tensor.Tensor) []float32 {
	if t.DType() == tensor.Float32 {
		return tensor.View[float32](t)
	}
	return widened(t)
}

func evalGreedySearch(c *ops.Call, a *greedySearchAttrs) error {
	s := &search{beams: 1, eos: int32(a.EosTokenId), pad: int32(a.PadTokenId), ngram: a.NoRepeatNgramSize, wantVocab: a.VocabSize}
	if err := s.params(c, 1, 2, 3, 4, 5); err != nil {
		return err
	}
	m, err := newGPT(c, s, a.Decoder, a.InitDecoder, 6)
	if err != nil {
		return err
	}
	err = s.run(c, m, func(row []float32) int32 {
		best := 0
		for t, v := range row {
			if v > row[best] {
				best = t
			}
		}
		return int32(best)
	})
	if err != nil {
		return err
	}
	return s.give(c, 0, s.seqs, s.batch)
}

// run lets a model generate, one sequence for each batch; choose takes the next token from its scores.
func (s *search) run(c *ops.Call, m generator, choose func(scores []float32) int32) error {
	ended := make([]bool, s.batch)
	for s.begin > 0 && len(s.seqs) > 0 && len(s.seqs[0]) < s.most {
		logits, err := m.step(c, s)
		if err == nil {
			err = s.take(logits)
		}
		if err != nil {
			return err
		}
		s.process()
		open := false
		for r := range s.seqs {
			next := choose(s.scores[r*s.vocab:][:s.vocab])
			if ended[r] {
				next = s.pad
			} else if next == s.eos {
				ended[r] = true
				next = s.pad
			}
			open = open || !ended[r]
			s.seqs[r] = append(s.seqs[r], next)
		}
		if !open {
			break
		}
		if err := m.follow(nil); err != nil {
			return err
		}
	}
	return nil
}

// give makes sequences the output, padded to the greatest length.
func (s *search) give(c *ops.Call, o int, seqs [][]int32, shape ...int) error {
	t, err := c.OutOrAlloc(o, tensor.Int32, append(shape, s.most)...)
	if err != nil {
		return err
	}
	dst := tensor.View[int32](t)
	for i := range dst {
		dst[i] = s.pad
	}
	for i, seq := range seqs {
		copy(dst[i*s.most:][:s.most], seq)
	}
	return nil
}
