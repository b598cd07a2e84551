package contrib

import (
	"fmt"
	"math"
	"slices"

	"ingot/ops"
	"ingot/tensor"
)

type whisperAttrs struct {
	BeginningTimestampTokenId int           `onnx:",-1"`
	Decoder                   *ops.Subgraph `onnx:",required"`
	DecoderOutputCrossQk      int           `onnx:",0"`
	DecoderStartTokenId       int           `onnx:",-1"`
	EarlyStopping             bool          `onnx:",0"`
	Encoder                   *ops.Subgraph
	EosTokenId                int `onnx:",required"`
	InitDecoder               *ops.Subgraph
	ModelType                 int `onnx:",2"`
	NoRepeatNgramSize         int `onnx:",0"`
	NoSpeechTokenId           int `onnx:",-1"`
	NoTimestampsTokenId       int `onnx:",-1"`
	PadTokenId                int `onnx:",required"`
	StartOfLmTokenId          int `onnx:",-1"`
	TranscribeTokenId         int `onnx:",-1"`
	TranslateTokenId          int `onnx:",-1"`
	VocabSize                 int `onnx:",-1"`
}

// beam is what BeamSearch would have.
func (a *whisperAttrs) beam() *beamSearchAttrs {
	return &beamSearchAttrs{Decoder: a.Decoder, DecoderStartTokenId: a.DecoderStartTokenId, EarlyStopping: a.EarlyStopping, Encoder: a.Encoder, EosTokenId: a.EosTokenId,
		InitDecoder: a.InitDecoder, ModelType: a.ModelType, NoRepeatNgramSize: a.NoRepeatNgramSize, PadTokenId: a.PadTokenId, VocabSize: a.VocabSize}
}

// whisperBeamSearch is BeamSearch for models that write down speech: it can keep their rules for marks of time.
var whisperBeamSearch = ops.Def(ops.Spec[whisperAttrs]{
	Name: "WhisperBeamSearch", Domain: domain, Vers: since1, Flags: ops.Escapes | ops.NoFold,
	In: "input_ids:F, max_length:I, min_length:I?, num_beams:I, num_return_sequences:I, length_penalty:T?, repetition_penalty:T?, vocab_mask:M?, prefix_vocab_mask:M?, " +
		"attention_mask:I?, decoder_input_ids:I?, logits_processor:I?, cross_qk_layer_head:I?, extra_decoding_ids:I?, temperature:T?",
	Out:   "sequences:I, sequences_scores:T?, scores:T?, cross_qk:V?, non_speech_probs:T?",
	Types: "T=float|float16; F=float|int32|float16; I=int32; M=int32; V=float",
	Infer: func(c *ops.Infer, a *whisperAttrs) error {
		switch {
		case a.ModelType != modelWhisper:
			return fmt.Errorf("model_type is %d; it must be 2", a.ModelType)
		case c.Wants(3) || c.Wants(4) || a.DecoderOutputCrossQk != 0 || c.Has(12) || c.Has(13):
			return fmt.Errorf("cross_qk and non_speech_probs, and what is only for them, aren't computed")
		case c.Has(5) && c.In(5).DT == tensor.Float16 || c.Has(14) && c.In(14).DT == tensor.Float16:
			return fmt.Errorf("parameters of float16 aren't computed; only float32")
		}
		if c.Has(11) {
			if err := a.marks(); err != nil {
				return err
			}
		}
		if err := a.beam().checkModel(c); err != nil {
			return err
		}
		batch, most, returned := dimOf(c, 0), scalarDim(c, 1), scalarDim(c, 4)
		c.Out(0, tensor.Int32, batch, returned, most)
		c.Out(1, tensor.Float32, batch, returned)
		return c.OutRank(2, tensor.Float32, 4)
	},
	Eval: func(c *ops.Call, a *whisperAttrs) error {
		return evalBeamSearch(c, a.beam(), func(s *search) (func(), error) {
			temperature, err := floatOf(c, 14, "temperature", 1)
			if err != nil {
				return nil, err
			}
			if !(temperature > 0) {
				return nil, fmt.Errorf("temperature is %v; it must be positive", temperature)
			}
			timed := false
			if c.Has(11) {
				v := tensor.View[int32](c.In(11))
				if len(v) != 1 || v[0] != 0 && v[0] != 1 {
					return nil, fmt.Errorf("logits_processor is %v; it must be 0 or 1", v)
				}
				timed = v[0] == 1
			}
			return func() {
				for i := range s.scores {
					s.scores[i] /= temperature
				}
				for r, seq := range s.seqs {
					if timed {
						a.timestamps(s, s.scores[r*s.vocab:][:s.vocab], seq)
					}
				}
			}, nil
		})
	},
})

// marks checks the tokens that the rules for marks of time are about.
func (a *whisperAttrs) marks() error {
	if a.BeginningTimestampTokenId < 1 {
		return fmt.Errorf("beginning_timestamp_token_id is %d; with logits_processor it must be positive", a.BeginningTimestampTokenId)
	}
	return nil
}

// firstMarks is how far the first mark of time may be from the beginning.
const firstMarks = 50

// timestamps forbids tokens: marks of time come in pairs, except for the first, and don't go back; and where all of them together are more probable
// than any text, only they are left.
func (a *whisperAttrs) timestamps(s *search, row []float32, seq []int32) {
	first := min(a.BeginningTimestampTokenId, len(row))
	isMark := func(t int32) bool { return int(t) >= a.BeginningTimestampTokenId }
	ban := func(lo, hi int) {
		for t := max(lo, 0); t < min(hi, len(row)); t++ {
			row[t] = forbidden
		}
	}
	begin := slices.IndexFunc(seq, isMark) + 1 // what stands behind the first mark
	if begin == 0 {
		begin = len(seq)
	}
	s.forbid(row, int32(a.NoTimestampsTokenId))
	s.forbid(row, int32(a.StartOfLmTokenId))
	if len(seq) > begin {
		s.forbid(row, int32(a.DecoderStartTokenId))
		s.forbid(row, int32(a.TranslateTokenId))
		s.forbid(row, int32(a.TranscribeTokenId))
	}
	last := len(seq) > 0 && isMark(seq[len(seq)-1])
	second := len(seq) <= begin || isMark(seq[len(seq)-2])
	if last && second {
		ban(first, len(row))
	} else if last {
		ban(0, int(s.eos))
	}
	for i := len(seq) - 1; i >= 0; i-- {
		if isMark(seq[i]) {
			from := int(seq[i])
			if !last || second {
				from++
			}
			ban(first, from)
			break
		}
	}
	if len(seq) == begin {
		ban(first+firstMarks+1, len(row))
	}
	if first == 0 || first == len(row) {
		return
	}
	top, sum := slices.Max(row[first:]), 0.0
	for _, v := range row[first:] {
		if v > forbidden {
			sum += math.Exp(float64(v - top))
		}
	}
	if sum > 0 && float32(math.Log(sum))+top > slices.Max(row[:first]) {
		ban(0, first)
	}
}

// checkWhisper compares the numbers of values that the bodies take and give.
func checkWhisper(decoder, encoder *ops.Subgraph) error {
	layers := (decoder.NumOut - 1) / 2
	states := decoder.NumIn - 1 - 4*layers // whether the decoder takes the encoder's states
	if layers < 1 || decoder.NumOut != 1+2*layers || states != 0 && states != 1 {
		return fmt.Errorf("the decoder has %d inputs and %d outputs; it must take input_ids and four caches for each layer, and give logits and two caches for each layer", decoder.NumIn, decoder.NumOut)
	}
	if encoder.NumIn != 2 || encoder.NumOut != 2+4*layers {
		return fmt.Errorf("the encoder has %d inputs and %d outputs; it must take sounds and tokens, and give logits, states, and four caches for each of %d layers", encoder.NumIn, encoder.NumOut, layers)
	}
	return nil
}

// whisper is a model of an encoder of sounds and a decoder.
type whisper struct {
	t5
	whole bool // the decoder takes whole sequences
}

func newWhisper(c *ops.Call, s *search, a *beamSearchAttrs) (*whisper, error) {
	sounds := c.In(0)
	if len(sounds.Dims()) < 2 {
		return nil, fmt.Errorf("input_ids is %s; its first dimension must be the batch", sounds)
	}
	s.batch, s.begin = sounds.Dims()[0], 1
	tokens := slices.Repeat([]int32{int32(a.DecoderStartTokenId)}, s.batch)
	if c.Has(10) {
		d := c.In(10).Dims()
		if len(d) != 2 || d[0] != s.batch || d[1] < 1 {
			return nil, fmt.Errorf("decoder_input_ids is %s; it must be [%d,tokens]", c.In(10), s.batch)
		}
		tokens, s.begin = tensor.View[int32](c.In(10)), d[1]
	}
	if s.batch*s.beams > maxTokens/max(1, s.most) {
		return nil, fmt.Errorf("%d batches of %d beams with up to %d tokens are too many", s.batch, s.beams, s.most)
	}
	for b := range s.batch {
		for range s.beams {
			s.seqs = append(s.seqs, slices.Clone(tokens[b*s.begin:][:s.begin]))
		}
	}
	out, err := outputs(c.RunBody(a.Encoder, []tensor.Value{sounds, tensor.Of(slices.Clone(tokens), s.batch, s.begin)}))
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i], err = repeat(out[i], 0, s.beams); err != nil {
			return nil, err
		}
	}
	n := a.Decoder.NumOut - 1
	m := &whisper{t5: t5{decoder: a.Decoder, logits: out[0], self: out[2 : 2+n], cross: out[2+n:]}}
	if (a.Decoder.NumIn-1)%4 == 1 {
		m.states = out[1]
	}
	d := a.Decoder.InDims
	m.whole = len(d) > 0 && len(d[0]) == 2 && d[0][1] != 1
	return m, nil
}

func (m *whisper) step(c *ops.Call, s *search) (*tensor.Tensor, error) {
	if first := m.logits; first != nil {
		m.logits = nil
		return first, nil
	}
	tokens := lastTokens(s)
	if m.whole {
		tokens = tensor.Of(slices.Concat(s.seqs...), len(s.seqs), len(s.seqs[0]))
	}
	return m.decode(c, []tensor.Value{tokens})
}
