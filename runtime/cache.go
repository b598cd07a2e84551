package runtime

import (
	"container/list"
	"encoding/binary"
	"sync"

	"ingot/internal/sym"
	"ingot/tensor"
)

// maxPlans bounds the plans that one place keeps; the least recently used goes first.
const maxPlans = 64

// planCache finds segments by what they depend on: the types, and here and there the elements, of the values before them.
type planCache struct {
	mu   sync.Mutex
	m    map[string]*list.Element
	used list.List // of *cached, most recent first
}

type cached struct {
	key string
	seg *segment
}

func newPlanCache() *planCache { return &planCache{m: map[string]*list.Element{}} }

// get returns the segment with the given key. It makes it if there is none; a failure isn't kept.
func (c *planCache) get(key []byte, build func() (*segment, error)) (*segment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.m[string(key)]; ok {
		c.used.MoveToFront(e)
		return e.Value.(*cached).seg, nil
	}
	seg, err := build()
	if err != nil {
		return nil, err
	}
	k := string(key)
	c.m[k] = c.used.PushFront(&cached{k, seg})
	if c.used.Len() > maxPlans {
		old := c.used.Remove(c.used.Back()).(*cached)
		delete(c.m, old.key)
	}
	return seg, nil
}

// appendKey appends what a plan depends on in a value's type: everything but its elements.
func appendKey(b []byte, v tensor.Value) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 0xff)
	case *tensor.Tensor:
		b = append(b, byte(v.DType()), byte(v.Rank()))
		for _, d := range v.Dims() {
			b = binary.AppendUvarint(b, uint64(d))
		}
		return b
	}
	t := sym.TypeOf(v, false)
	return append(append(append(b, 0xfe), t.String()...), 0)
}

// appendElements appends a small tensor's elements.
func appendElements(b []byte, v tensor.Value) []byte {
	t, ok := v.(*tensor.Tensor)
	if !ok {
		return b
	}
	for _, s := range tensor.View[string](t) {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return append(b, t.Bytes()...)
}
