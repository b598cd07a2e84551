package nn

import (
	"fmt"
	"math"

	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// attentionMask tells which keys a query sees: a range, from causality, windows and padding, and within it what attn_mask adds to the scores.
type attentionMask[T real.Float] struct {
	causal      bool
	left, right int // -1: no window on that side
	offset      int // the first query's place among the keys, without lengths

	mask    wide.Operand[T]
	isBool  bool
	steps   [3]int // distances along batch, head and query
	maskLen int
	asked   int // queries
	seen    int // keys
	lensIn  bool

	data []T
	lens []int64
}

func (m *attentionMask[T]) bind(b *ops.Bind, room *wide.Room[T], a *attentionAttrs, g *attentionGeometry) {
	// Windows as wide as everything are as good as none, and their ends can't overflow.
	most := g.total() + g.queries
	m.causal, m.left, m.right = a.IsCausal, min(a.LeftWindowSize, most), min(a.RightWindowSize, most)
	m.offset, m.asked, m.seen = g.past, g.queries, g.total()
	m.lensIn = b.Has(attLens)
	m.mask = room.In(b, attMask)
	dims := b.Dims(attMask)
	if !m.mask.Present() || len(dims) == 0 {
		return
	}
	m.isBool = b.In(attMask).DT == tensor.Bool
	m.maskLen = dims[len(dims)-1]
	step := m.maskLen
	for i := len(dims) - 2; i >= 0; i-- {
		if dims[i] > 1 {
			m.steps[4-len(dims)+i] = step
		}
		step *= dims[i]
	}
}

// load fetches mask and lengths.
func (m *attentionMask[T]) load(c *ops.Call, s wide.Scratch[T]) error {
	m.data, m.lens = m.mask.Load(c, s), nil
	if m.isBool { // a widened copy: true becomes 0, false -Inf
		for i, v := range m.data {
			m.data[i] = 0
			if v == 0 {
				m.data[i] = T(math.Inf(-1))
			}
		}
	}
	if !m.lensIn {
		return nil
	}
	m.lens = tensor.View[int64](c.In(attLens))
	for i, n := range m.lens {
		if n < 0 || n > int64(m.seen) {
			return fmt.Errorf("nonpad_kv_seqlen[%d] is %d; there are %d keys", i, n, m.seen)
		}
	}
	return nil
}

// limits returns the range of keys that a query sees, as far as the mask's elements don't matter.
func (m *attentionMask[T]) limits(batch, query int) (lo, hi int) {
	hi = m.seen
	place := m.offset + query
	if m.lens != nil {
		hi = int(m.lens[batch])
		place = hi - m.asked + query
	}
	if m.causal {
		hi = min(hi, place+1)
	}
	if m.right >= 0 {
		hi = min(hi, place+m.right+1)
	}
	if m.left >= 0 {
		lo = max(lo, place-m.left)
	}
	if m.mask.Present() {
		hi = min(hi, m.maskLen)
	}
	return lo, max(hi, 0)
}

// bias returns what the mask adds to the scores of keys [lo, hi); nil for nothing.
func (m *attentionMask[T]) bias(batch, head, query, lo, hi int) []T {
	if !m.mask.Present() {
		return nil
	}
	return m.data[batch*m.steps[0]+head*m.steps[1]+query*m.steps[2]:][lo:hi]
}
