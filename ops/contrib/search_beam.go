package contrib

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"ingot/ops"
	"ingot/tensor"
)

// hypothesis is a sequence that has ended.
type hypothesis struct {
	tokens []int32
	score  float32 // the sum of its tokens' logarithms, over its length to the power of a penalty
}

// hypotheses are the best of one batch, the best first.
type hypotheses struct {
	list []hypothesis
	done bool
}

// beamSearch keeps the most probable sequences, and those that have ended.
type beamSearch struct {
	*search
	penalty float32
	early   bool
	sums    []float32 // logarithms of the probabilities of the sequences
	ended   []hypotheses
}

// scoreOf is a sequence's score.
func (b *beamSearch) scoreOf(sum float32, length int) float32 {
	return sum / float32(math.Pow(float64(length), float64(b.penalty)))
}

// end adds a sequence to those that have ended, if it is among the best.
func (b *beamSearch) end(batch int, tokens []int32, sum float32) {
	h := &b.ended[batch]
	x := hypothesis{slices.Clone(tokens), b.scoreOf(sum, len(tokens))}
	at, _ := slices.BinarySearchFunc(h.list, x.score, func(e hypothesis, score float32) int {
		if e.score >= score { // equals keep their order
			return -1
		}
		return 1
	})
	if h.list = slices.Insert(h.list, at, x); len(h.list) > b.beams {
		h.list = h.list[:b.beams]
	}
}

// candidate is a beam with a token behind it.
type candidate struct {
	sum float32
	at  int // beam·vocabulary + token
}

// best returns the 2·beams most probable continuations of a batch, two for each beam: enough if half of them end.
func (b *beamSearch) best(batch int) []candidate {
	n := b.beams * b.vocab
	scores := b.scores[batch*n:][:n]
	order := func(x, y candidate) int { return cmp.Or(-cmp.Compare(x.sum, y.sum), x.at-y.at) }
	list := make([]candidate, 0, 2*b.beams+1)
	for i, v := range scores {
		x := candidate{v, i}
		if len(list) == 2*b.beams && order(x, list[len(list)-1]) >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(list, x, order)
		if list = slices.Insert(list, at, x); len(list) > 2*b.beams {
			list = list[:2*b.beams]
		}
	}
	return list
}

// advance chooses the next token of all sequences, and returns which beam each of them continues.
func (b *beamSearch) advance() (from []int32) {
	rows := len(b.seqs)
	from = make([]int32, rows)
	next := make([][]int32, rows)
	sums := make([]float32, rows)
	for batch := range b.batch {
		first := batch * b.beams
		h := &b.ended[batch]
		if h.done {
			for i := range b.beams {
				from[first+i], next[first+i] = int32(first), append(slices.Clone(b.seqs[first]), b.pad)
			}
			continue
		}
		list := b.best(batch)
		beam := 0
		for place, x := range list {
			of, token := first+x.at/b.vocab, int32(x.at%b.vocab)
			if token == b.eos {
				if place < b.beams {
					b.end(batch, b.seqs[of], x.sum)
				}
				continue
			}
			if beam == b.beams {
				break
			}
			from[first+beam], next[first+beam], sums[first+beam] = int32(of), append(slices.Clone(b.seqs[of]), token), x.sum
			if beam++; beam == b.beams {
				break
			}
		}
		for ; beam < b.beams; beam++ { // a vocabulary too small for so many beams
			from[first+beam], next[first+beam], sums[first+beam] = int32(first), append(slices.Clone(b.seqs[first]), b.pad), forbidden
		}
		if len(h.list) == b.beams {
			h.done = b.early || h.list[b.beams-1].score >= b.scoreOf(list[0].sum, len(b.seqs[first]))
		}
	}
	b.seqs, b.sums = next, sums
	return from
}

func (b *beamSearch) done() bool {
	return !slices.ContainsFunc(b.ended, func(h hypotheses) bool { return !h.done })
}

// evalBeamSearch generates; also, if there, makes what changes the scores further.
func evalBeamSearch(c *ops.Call, a *beamSearchAttrs, also func(s *search) (func(), error)) error {
	s := &search{eos: int32(a.EosTokenId), pad: int32(a.PadTokenId), ngram: a.NoRepeatNgramSize, wantVocab: a.VocabSize}
	if err := s.params(c, 1, 2, 6, 7, 8); err != nil {
		return err
	}
	counts := [2]int{}
	for i, name := range []string{"num_beams", "num_return_sequences"} {
		v := tensor.View[int32](c.In(3 + i))
		if len(v) != 1 || v[0] < 1 || v[0] > 1<<12 {
			return fmt.Errorf("%s is %v; it must be one positive number, at most %d", name, v, 1<<12)
		}
		counts[i] = int(v[0])
	}
	s.beams = counts[0]
	if counts[1] > s.beams {
		return fmt.Errorf("num_return_sequences is %d, but there are only %d beams", counts[1], s.beams)
	}
	b := &beamSearch{search: s, early: a.EarlyStopping}
	var err error
	if b.penalty, err = floatOf(c, 5, "length_penalty", 1); err != nil {
		return err
	}
	if also != nil {
		if s.also, err = also(s); err != nil {
			return err
		}
	}
	var m generator
	switch a.ModelType {
	case modelT5:
		m, err = newT5(c, s, a)
	case modelWhisper:
		m, err = newWhisper(c, s, a)
	default:
		m, err = newGPT(c, s, a.Decoder, a.InitDecoder, 9)
	}
	if err != nil {
		return err
	}
	b.ended = make([]hypotheses, s.batch)
	b.sums = make([]float32, len(s.seqs))
	for r := range b.sums {
		if r%s.beams != 0 {
			b.sums[r] = -1e9 // the beams of a batch begin alike: only the first counts
		}
	}
	var kept [][]float32
	for s.begin > 0 && len(s.seqs) > 0 && len(s.seqs[0]) < s.most && !b.done() {
		logits, err := m.step(c, s)
		if err == nil {
			err = s.take(logits)
		}
		if err != nil {
			return err
		}
		for r := range s.seqs {
			logSoftmax(s.scores[r*s.vocab:][:s.vocab])
		}
		s.process()
		for r := range s.seqs {
			row := s.scores[r*s.vocab:][:s.vocab]
			for i := range row {
				row[i] += b.sums[r]
			}
		}
		if c.Wants(2) {
			kept = append(kept, slices.Clone(s.scores))
		}
		from := b.advance()
		if b.done() || len(s.seqs[0]) == s.most {
			break
		}
		if err := m.follow(from); err != nil {
			return err
		}
	}
	return b.finish(c, counts[1], kept)
}

// finish hands over the best sequences of each batch.
func (b *beamSearch) finish(c *ops.Call, returned int, kept [][]float32) error {
	var seqs [][]int32
	var scores []float32
	for batch := range b.batch {
		h := &b.ended[batch]
		if !h.done {
			for i := batch * b.beams; i < (batch+1)*b.beams; i++ {
				b.end(batch, b.seqs[i], b.sums[i])
			}
		}
		for i := range returned {
			seqs, scores = append(seqs, h.list[i].tokens), append(scores, h.list[i].score)
		}
	}
	if err := b.give(c, 0, seqs, b.batch, returned); err != nil {
		return err
	}
	if c.Wants(1) {
		t, err := c.OutOrAlloc(1, tensor.Float32, b.batch, returned)
		if err != nil {
			return err
		}
		copy(tensor.View[float32](t), scores)
	}
	if !c.Wants(2) {
		return nil
	}
	t, err := c.OutOrAlloc(2, tensor.Float32, max(0, b.most-b.begin), b.batch, b.beams, b.vocab)
	if err != nil {
		return err
	}
	dst := tensor.View[float32](t)
	clear(dst)
	for i, step := range kept {
		copy(dst[i*len(step):], step)
	}
	return nil
}
