package contrib

import (
	"fmt"

	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// The kinds of models that text is generated with.
const (
	modelGPT = 0 // a decoder: tokens, their places, a mask, and a cache for each layer
	modelT5  = 1 // an encoder that runs once, and a decoder that looks at what it gave
	// modelWhisper is as modelT5, with an encoder of sounds that takes the first tokens too.
	modelWhisper = 2
)

// generator runs the bodies of a model.
type generator interface {
	// step gives the scores of the tokens that may follow the sequences.
	step(c *ops.Call, s *search) (*tensor.Tensor, error)
	// follow takes the cache along when sequences continue others; nil: each continues itself.
	follow(from []int32) error
}

// checkBodies compares the numbers of values that bodies take and give.
func checkBodies(decoder, first, encoder *ops.Subgraph, model int) error {
	if model == modelGPT {
		if encoder != nil {
			return fmt.Errorf("the attribute encoder is there, but model_type is 0, a decoder alone")
		}
		for _, g := range []*ops.Subgraph{decoder, first} {
			if g != nil && (g.NumOut < 2 || g.NumIn != g.NumOut+2) {
				return fmt.Errorf("a decoder has %d inputs and %d outputs; it must take input_ids, position_ids, attention_mask and a cache for each layer, and give logits and the caches", g.NumIn, g.NumOut)
			}
		}
		return nil
	}
	if first != nil {
		return fmt.Errorf("the attribute init_decoder is for models of a decoder alone")
	}
	if model == modelWhisper {
		return checkWhisper(decoder, encoder)
	}
	layers := (decoder.NumOut - 1) / 2
	states := decoder.NumIn - 2 - 4*layers // whether the decoder takes the encoder's states
	if layers < 1 || decoder.NumOut != 1+2*layers || states != 0 && states != 1 {
		return fmt.Errorf("the decoder has %d inputs and %d outputs; it must take input_ids, encoder_attention_mask and four caches for each layer, and give logits and two caches for each layer", decoder.NumIn, decoder.NumOut)
	}
	whole := encoder.NumIn == 3 && encoder.NumOut == 2+4*layers
	if !whole && (encoder.NumIn != 2 || encoder.NumOut != 2*layers || states != 0) {
		return fmt.Errorf("the encoder has %d inputs and %d outputs, which doesn't fit a decoder of %d layers", encoder.NumIn, encoder.NumOut, layers)
	}
	return nil
}

// prompt reads input_ids and the mask at input i, which is made of the tokens that aren't padding when it is absent.
func prompt(c *ops.Call, s *search, i int) (ids, mask *tensor.Tensor, err error) {
	ids = c.In(0)
	d := ids.Dims()
	if len(d) != 2 {
		return nil, nil, fmt.Errorf("input_ids is %s; it must be [batch,tokens]", ids)
	}
	s.batch = d[0]
	if s.batch*s.beams > maxTokens/max(1, s.most) {
		return nil, nil, fmt.Errorf("%d batches of %d beams with up to %d tokens are too many", s.batch, s.beams, s.most)
	}
	if c.Has(i) {
		if mask = c.In(i); tensor.ShapeString(mask.Dims()) != tensor.ShapeString(d) {
			return nil, nil, fmt.Errorf("attention_mask is %s; it must have the shape of input_ids, %s", mask, ids)
		}
		return ids, mask, nil
	}
	if mask, err = tensor.New(tensor.Int32, d...); err != nil {
		return nil, nil, err
	}
	m := tensor.View[int32](mask)
	for k, t := range tensor.View[int32](ids) {
		if t != s.pad {
			m[k] = 1
		}
	}
	return ids, mask, nil
}

// repeat copies each part along a dimension so many times in a row.
func repeat(t *tensor.Tensor, axis, times int) (*tensor.Tensor, error) {
	n := t.Dims()[axis]
	from := make([]int32, n*times)
	for i := range from {
		from[i] = int32(i / times)
	}
	return pick(t, axis, from)
}

// pick copies the named parts along a dimension.
func pick(t *tensor.Tensor, axis int, from []int32) (*tensor.Tensor, error) {
	d := t.Shape()
	if axis >= len(d) {
		return nil, fmt.Errorf("a body gave %s, which has too few dimensions", t)
	}
	outer, inner := wide.Elements(d[:axis]), wide.Elements(d[axis+1:])*t.DType().Size()
	n := d[axis]
	d[axis] = len(from)
	out, err := tensor.New(t.DType(), d...)
	if err != nil {
		return nil, err
	}
	src, dst := t.Bytes(), out.Bytes()
	for o := range outer {
		for i, f := range from {
			if f < 0 || int(f) >= n {
				return nil, fmt.Errorf("a body gave %s, which has fewer parts than there are sequences", t)
			}
			copy(dst[(o*len(from)+i)*inner:][:inner], src[(o*n+int(f))*inner:])
		}
	}
	return out, nil
}

// widened returns the elements as float32.
func widened(t *tensor.Tensor) []float32 { return wide.Values[float32](t) }

// storeFloats rounds elements to a tensor's type.
func storeFloats(t *tensor.Tensor, src []float32) { wide.Store(t, 0, src) }

// outputs checks what a body gave and returns it as tensors of its own.
func outputs(vals []tensor.Value, err error) ([]*tensor.Tensor, error) {
	if err != nil {
		return nil, err
	}
	out := make([]*tensor.Tensor, len(vals))
	for i, v := range vals {
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("output %d of a body isn't a tensor", i)
		}
		out[i] = t.Clone()
	}
	return out, nil
}

// lastTokens is the last token of each sequence, as [sequences, 1].
func lastTokens(s *search) *tensor.Tensor {
	last := make([]int32, len(s.seqs))
	for r, seq := range s.seqs {
		last[r] = seq[len(seq)-1]
	}
	return tensor.Of(last, len(last), 1)
}

// empty is a cache without rows, of the shape that a body declares for input i.
func empty(g *ops.Subgraph, i, rank, batchAt, rowsAt, batch int, like tensor.DType) (*tensor.Tensor, error) {
	if i >= len(g.InDims) || len(g.InDims[i]) != rank {
		return nil, fmt.Errorf("the body doesn't declare the shape of its input %d, a cache", i)
	}
	d := append([]int{}, g.InDims[i]...)
	d[batchAt], d[rowsAt] = batch, 0
	for _, n := range d {
		if n < 0 {
			return nil, fmt.Errorf("the body declares its input %d, a cache, as %s; the number and the size of heads must be numbers", i, tensor.ShapeString(g.InDims[i]))
		}
	}
	return tensor.New(like, d...)
}

// gpt is a model of a decoder alone.
type gpt struct {
	body, first *ops.Subgraph
	in          []tensor.Value
	pasts       []*tensor.Tensor
	places      []int32 // of the last token of each sequence
	mask        [][]int32
}

func newGPT(c *ops.Call, s *search, body, first *ops.Subgraph, maskIn int) (*gpt, error) {
	ids, mask, err := prompt(c, s, maskIn)
	if err != nil {
		return nil, err
	}
	n := ids.Dims()[1]
	if n == 0 {
		return nil, fmt.Errorf("input_ids is %s; there must be a token to begin with", ids)
	}
	m := &gpt{body: body, first: first}
	if first == nil {
		m.first = body
	}
	s.begin = n
	tokens, marks := tensor.View[int32](ids), tensor.View[int32](mask)
	var places []int32
	for b := range s.batch {
		row := marks[b*n:][:n]
		at := make([]int32, n)
		seen := int32(0)
		for i, t := range tokens[b*n:][:n] {
			if t != s.pad { // places don't follow the mask: only padding has none
				at[i] = seen
				seen++
			}
		}
		for range s.beams {
			s.seqs = append(s.seqs, append([]int32{}, tokens[b*n:][:n]...))
			m.mask = append(m.mask, append([]int32{}, row...))
			places = append(places, at...)
			m.places = append(m.places, seen-1)
		}
	}
	rows := len(s.seqs)
	all, err := repeat(ids, 0, s.beams)
	if err != nil {
		return nil, err
	}
	m.in = []tensor.Value{all, tensor.Of(places, rows, n), m.maskTensor()}
	for l := range body.NumOut - 1 {
		past, err := empty(m.first, 3+l, 5, 1, 3, rows, tensor.Float32)
		if err != nil {
			return nil, err
		}
		m.in = append(m.in, past)
	}
	return m, nil
}

func (m *gpt) maskTensor() *tensor.Tensor {
	var flat []int32
	for _, row := range m.mask {
		flat = append(flat, row...)
	}
	return tensor.Of(flat, len(m.mask), len(flat)/max(1, len(m.mask)))
}

func (m *gpt) step(c *ops.Call, s *search) (*tensor.Tensor, error) {
	body := m.first
	if m.pasts != nil {
		body = m.body
		for r := range m.mask {
			m.mask[r] = append(m.mask[r], 1)
			m.places[r]++
		}
		m.in = append(m.in[:0], lastTokens(s), tensor.Of(append([]int32{}, m.places...), len(m.places), 1), m.maskTensor())
		for _, p := range m.pasts {
			m.in = append(m.in, p)
		}
	}
	out, err := outputs(c.RunBody(body, m.in))
	if err != nil {
		return nil, err
	}
	m.pasts = out[1:]
	return out[0], nil
}

func (m *gpt) follow(from []int32) error {
	if from == nil {
		return nil
	}
	mask, places := make([][]int32, len(from)), make([]int32, len(from))
	for r, f := range from {
		mask[r], places[r] = append([]int32{}, m.mask[f]...), m.places[f]
	}
	m.mask, m.places = mask, places
	return pickAll(m.pasts, 1, from)
}

// pickAll picks in place.
func pickAll(list []*tensor.Tensor, axis int, from []int32) (err error) {
	for i := range list {
		if list[i], err = pick(list[i], axis, from); err != nil {
			return err
		}
	}
	return nil
}

// t5 is a model of an encoder and a decoder.
type t5 struct {
	decoder *ops.Subgraph
	mask    tensor.Value
	states  *tensor.Tensor // nil: the decoder doesn't take them
	logits  *tensor.Tensor // of the encoder's run, which the first tokens come from; nil: the decoder gives them too
	self    []*tensor.Tensor
	cross   []*tensor.Tensor
}

func newT5(c *ops.Call, s *search, a *beamSearchAttrs) (*t5, error) {
	ids, mask, err := prompt(c, s, 9)
	if err != nil {
		return nil, err
	}
	m := &t5{decoder: a.Decoder}
	s.begin = 1
	start := make([]int32, s.batch)
	for b := range start {
		start[b] = int32(a.DecoderStartTokenId)
		for range s.beams {
			s.seqs = append(s.seqs, []int32{start[b]})
		}
	}
	in := []tensor.Value{ids, mask}
	if a.Encoder.NumIn == 3 {
		in = append(in, tensor.Of(start, s.batch, 1))
	}
	out, err := outputs(c.RunBody(a.Encoder, in))
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i], err = repeat(out[i], 0, s.beams); err != nil {
			return nil, err
		}
	}
	wideMask, err := repeat(mask, 0, s.beams)
	if err != nil {
		return nil, err
	}
	m.mask = wideMask
	n := a.Decoder.NumOut - 1
	if a.Encoder.NumIn == 3 {
		m.logits, m.self, m.cross = out[0], out[2:2+n], out[2+n:]
		if (a.Decoder.NumIn-2)%4 == 1 {
			m.states = out[1]
		}
		return m, nil
	}
	m.cross = out
	for i := range n {
		past, err := empty(a.Decoder, 2+i, 4, 0, 2, len(s.seqs), tensor.Float32)
		if err != nil {
			return nil, err
		}
		m.self = append(m.self, past)
	}
	return m, nil
}

func (m *t5) step(c *ops.Call, s *search) (*tensor.Tensor, error) {
	if first := m.logits; first != nil {
		m.logits = nil
		return first, nil
	}
	return m.decode(c, []tensor.Value{lastTokens(s), m.mask})
}

// decode runs the decoder, whose first inputs are there.
func (m *t5) decode(c *ops.Call, in []tensor.Value) (*tensor.Tensor, error) {
	if m.states != nil {
		in = append(in, m.states)
	}
	for _, list := range [][]*tensor.Tensor{m.self, m.cross} {
		for _, t := range list {
			in = append(in, t)
		}
	}
	out, err := outputs(c.RunBody(m.decoder, in))
	if err != nil {
		return nil, err
	}
	m.self = out[1:]
	return out[0], nil
}

// follow needs no change of what came from the encoder: all beams of a batch have the same.
func (m *t5) follow(from []int32) error {
	if from == nil {
		return nil
	}
	return pickAll(m.self, 0, from)
}
