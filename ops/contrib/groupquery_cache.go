package contrib

import (
	"fmt"
	"math"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// quantised reports whether the cache holds integers.
func (a *groupQueryAttrs) quantised() bool { return a.KQuantType != "NONE" && a.VQuantType != "NONE" }

// checkQuantised checks what tells how the cache is quantised.
func (a *groupQueryAttrs) checkQuantised(c *ops.Infer, size ops.Dim) error {
	want := tensor.Int8
	switch a.KvCacheBitWidth {
	case 8:
	case 4:
		want = tensor.Uint8
		if n, known := size.Int(); known && n%2 != 0 {
			return fmt.Errorf("heads have %d elements; with kv_cache_bit_width 4 they must be even", n)
		}
	default:
		return fmt.Errorf("kv_cache_bit_width is %d; of a quantised cache it must be 4 or 8", a.KvCacheBitWidth)
	}
	for i, name := range []string{"past_key", "past_value"} {
		if dt := c.In(gqaPastK + i).DT; dt != want && dt != tensor.Invalid {
			return fmt.Errorf("%s is of %s; with kv_cache_bit_width %d only %s is computed", name, dt, a.KvCacheBitWidth, want)
		}
	}
	for i, p := range []struct{ name, kind string }{{"k_scale", a.KQuantType}, {"v_scale", a.VQuantType}} {
		n := ops.Num(1)
		switch p.kind {
		case "PER_TENSOR":
		case "PER_CHANNEL":
			n = size.Mul(ops.Num(a.KvNumHeads))
		default:
			return fmt.Errorf("a quant_type is %q; it must be NONE, PER_TENSOR or PER_CHANNEL", p.kind)
		}
		if s, ok := c.Shape(gqaScaleK + i); ok && differ(sym.Prod(s), n) {
			return fmt.Errorf("%s is %s; for %s it must have %s elements", p.name, sym.ShapeString(s), p.kind, n)
		}
	}
	return nil
}

// first reports whether the queries are a prompt, at place 0.
func (k *groupQueryKernel) first(c *ops.Call) bool {
	return k.queries == k.total && !c.Has(gqaQuerySeq)
}

// places reads how many keys each batch has. The first prompt may be padded behind, and so may any queries that are counted by query_seqlens.
func (k *groupQueryKernel) places(c *ops.Call) error {
	total := tensor.View[int32](c.In(gqaTotal))
	if len(total) == 1 && k.attrs.SlidingWindowCache {
		k.total = int(total[0])
	}
	if len(total) != 1 || int(total[0]) != k.total || k.total < 0 {
		return fmt.Errorf("total_sequence_length is %v; the shapes were planned for %d", total, k.total)
	}
	lens := tensor.View[int32](c.In(gqaLens))
	first := k.first(c)
	var counts []int32
	lowest := k.queries - 1
	if first {
		lowest = 0
	}
	if c.Has(gqaQuerySeq) {
		counts, lowest = tensor.View[int32](c.In(gqaQuerySeq)), 0
	}
	if err := checkLens("seqlens_k", lens, lowest, k.total-1); err != nil {
		return err
	}
	if len(lens) != k.batch {
		return fmt.Errorf("seqlens_k has %d elements; it must have %d", len(lens), k.batch)
	}
	for b, last := range lens {
		n := int(last) + 1
		fresh := k.queries
		if first {
			fresh = n
		}
		if counts != nil {
			if fresh = int(counts[b]); fresh < 0 || fresh > min(k.queries, n) {
				return fmt.Errorf("query_seqlens[%d] is %d; there are %d queries and %d keys", b, fresh, k.queries, n)
			}
		}
		before := n - fresh
		held := k.resident(before)
		if held > k.pastRows {
			return fmt.Errorf("seqlens_k[%d] is %d, so %d keys come from the past, which has %d", b, last, held, k.pastRows)
		}
		k.before[b], k.fresh[b], k.heldBuf[b], k.lensBuf[b] = int32(before), int32(fresh), int32(held), int32(held+fresh)
	}
	k.lens, k.pasts = k.lensBuf, k.heldBuf
	if k.attrs.SlidingWindowCache && c.Has(gqaBias) {
		if d := c.In(gqaBias).Dims(); d[3] != k.total {
			return fmt.Errorf("attention_bias is %s; its last dimension must be total_sequence_length, %d", tensor.ShapeString(d), k.total)
		}
		k.biasFrom = make([]int32, k.batch)
		for b := range k.biasFrom {
			k.biasFrom[b] = k.before[b] - k.heldBuf[b]
		}
	}
	return nil
}

// resident is how many of n keys the cache holds: all, or with a sliding window those that are left when it throws away as many at a time as it has
// rows beyond the window, and one.
func (k *groupQueryKernel) resident(n int) int {
	if !k.attrs.SlidingWindowCache || n <= k.cache {
		return n
	}
	spare := k.cache - k.attrs.LocalWindowSize + 1
	return n - spare*((n-k.cache+spare-1)/spare)
}

// join puts the new rows behind those of the past. Of a quantised cache they are what will be read from it.
func (k *groupQueryKernel) join(x heads, past, dst []float32, bits *cacheBits) heads {
	y, from := apart(dst, k.kvHeads, k.rows, k.size), apart(past, k.kvHeads, k.pastRows, k.size)
	for b := range k.batch {
		held, fresh := int(k.heldBuf[b]), int(k.fresh[b])
		for h := range k.kvHeads {
			at := y.at(b, h, 0)[:k.rows*k.size]
			kept := at[:held*k.size]
			switch {
			case bits.width != 0:
				bits.load(kept, (b*k.kvHeads+h)*k.pastRows*k.size, h, k.size)
			case past != nil:
				copy(kept, from.at(b, h, 0))
			}
			clear(at[len(kept):])
			for r := range fresh {
				row := at[(held+r)*k.size:][:k.size]
				copy(row, x.at(b, h, r))
				if bits.width != 0 {
					for d, v := range row {
						row[d] = bits.scaleOf(h, d, k.size) * float32(bits.quantise(v, h, d, k.size))
					}
				}
			}
		}
	}
	return y
}

// keep writes the cache, if it isn't what was joined.
func (k *groupQueryKernel) keep(y heads, present []float32, bits *cacheBits) {
	if present == nil && bits.present == nil || bits.width == 0 && !k.attrs.SlidingWindowCache {
		return
	}
	for b := range k.batch {
		n := int(k.lensBuf[b])
		rows := min(n, k.resident(int(k.before[b]+k.fresh[b])))
		for h := range k.kvHeads {
			src, at := y.at(b, h, n-rows)[:rows*k.size], (b*k.kvHeads+h)*k.cache*k.size
			if bits.width != 0 {
				bits.store(src, at, k.cache*k.size, h, k.size)
				continue
			}
			dst := present[at:][:k.cache*k.size]
			clear(dst[copy(dst, src):])
		}
	}
}

// cacheBits are keys or values as integers: a signed byte each, or two in a byte, less 8, the first in the lower half. Scales are one, or one for
// each element of the heads of a row.
type cacheBits struct {
	width         int // 0: not quantised
	past, present []byte
	scale         []float32
}

func (q *cacheBits) open(c *ops.Call, width, past, scale, out int) {
	*q = cacheBits{width: width, past: c.In(past).Bytes(), scale: tensor.View[float32](c.In(scale))}
	if c.Wants(out) {
		q.present = c.Out(out).Bytes()
	}
}

func (q *cacheBits) scaleOf(head, d, size int) float32 {
	if len(q.scale) == 1 {
		return q.scale[0]
	}
	return q.scale[head*size+d]
}

// quantise rounds an element to an integer, halves to even.
func (q *cacheBits) quantise(v float32, head, d, size int) int {
	s := q.scaleOf(head, d, size)
	if s == 0 || v != v {
		return 0
	}
	least := -1 << (q.width - 1)
	return int(max(float64(least), min(float64(-least-1), math.RoundToEven(float64(v/s)))))
}

// load reads rows of a head, which begin at an element.
func (q *cacheBits) load(dst []float32, at, head, size int) {
	for i := range dst {
		n := 0
		if q.width == 8 {
			n = int(int8(q.past[at+i]))
		} else {
			n = int(q.past[(at+i)/2]>>(4*(i%2))&15) - 8
		}
		dst[i] = q.scaleOf(head, i%size, size) * float32(n)
	}
}

// store writes rows of a head, and zeros to so many elements.
func (q *cacheBits) store(src []float32, at, all, head, size int) {
	if q.present == nil {
		return
	}
	if q.width == 8 {
		dst := q.present[at:][:all]
		clear(dst)
		for i, v := range src {
			dst[i] = byte(int8(q.quantise(v, head, i%size, size)))
		}
		return
	}
	dst := q.present[at/2:][:all/2]
	clear(dst)
	for i, v := range src {
		dst[i/2] |= byte(q.quantise(v, head, i%size, size)+8) << (4 * (i % 2))
	}
}
