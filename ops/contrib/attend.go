package contrib

import (
	"fmt"
	"math"

	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/vec"
	"ingot/ops"
)

// heads is queries, keys, values or results of all heads: how far apart batches, heads and rows lie.
type heads struct {
	data             []float32
	batch, head, row int
}

// at returns the elements from row i of a head on.
func (h *heads) at(batch, head, i int) []float32 { return h.data[batch*h.batch+head*h.head+i*h.row:] }

// interleaved are heads of rows that hold all heads side by side.
func interleaved(data []float32, rows, width, size int) heads {
	return heads{data: data, batch: rows * width, head: size, row: width}
}

// apart are heads one after the other.
func apart(data []float32, heads_, rows, size int) heads {
	return heads{data: data, batch: heads_ * rows * size, head: rows * size, row: size}
}

// attend is softmax(scale·Q·Kᵀ + masks)·V for each head: what all kinds of attention here have in common. A tile is a block of queries of one head;
// with a few queries keys and values are read where they lie, else each tile packs those of its head.
type attend struct {
	batch, heads, kvHeads int
	queries, keys         int // rows; keys with those of the past
	size, vSize           int
	scale, softcap        float32
	q, k, v, y            heads

	spans  []int32 // sequences of different lengths, packed: sequence b is the rows from spans[b] to spans[b+1]
	source []int32 // for each batch and key, the batch that holds it; nil: its own
	beams  int     // batches that share a first one, for source
	stride int     // distance of the rows of source

	lens      []int32 // keys of each batch; nil: all
	causal    bool    // a query sees the keys up to its own place
	pasts     []int32 // the place of each batch's first query; nil: past
	past      int
	window    int       // how many keys a query sees at most; < 0: all
	mask      []float32 // what is added to each key
	maskSteps [2]int    // distances along batch and query
	bias      []float32 // what is added to each score
	biasSteps [3]int    // distances along batch, head and query
	biasFrom  []int32   // the column of each batch's first key; nil: 0
	sink      []float32 // for each head a score that takes part in the softmax but has no value
	smooth    bool      // the same, of 0

	scores   []float32 // if wanted: [batch, heads, queries, keys]
	scoresOf scoreKind
	hidden   float32 // the raw score of a key behind the query's place

	block int
}

// scoreKind says which scores are wanted.
type scoreKind uint8

const (
	noScores scoreKind = iota
	rawScores
	softScores
)

const (
	attendBlock = 48 // queries of a tile
	packQueries = 8  // from which packing pays
)

// divide chooses the blocks, from shapes only.
func (k *attend) divide() { k.block = max(1, min(k.queries, attendBlock)) }

func (k *attend) blocks() int { return (k.queries + k.block - 1) / k.block }

// packs reports whether keys and values are packed.
func (k *attend) packs() bool { return k.block >= packQueries && k.source == nil }

// run computes all heads.
func (k *attend) run(c *ops.Call) error {
	n := k.batch * k.heads * k.blocks()
	if n == 0 || k.vSize == 0 && k.scores == nil {
		return nil
	}
	return c.Parallel(n, k)
}

// Tile implements [ops.Job].
func (k *attend) Tile(w ops.Worker, i int) {
	blocks := k.blocks()
	unit, first := i/blocks, i%blocks*k.block
	b, h := unit/k.heads, unit%k.heads
	kv := h / (k.heads / k.kvHeads)
	rows, n := min(k.block, k.queries-first), k.keys
	if k.lens != nil {
		n = min(n, int(k.lens[b]))
	}
	q, kh, vh, y, qRow := k.q, k.k, k.v, k.y, first
	at := b
	if k.spans != nil {
		lo, hi := int(k.spans[b]), int(k.spans[b+1])
		n, rows = hi-lo, min(rows, hi-lo-first)
		if rows <= 0 {
			return
		}
		for _, x := range []*heads{&q, &kh, &vh, &y} {
			x.batch = 0
			x.data = x.data[min(lo*x.row, len(x.data)):]
		}
		at = 0
	}
	if n == 0 {
		for r := range rows {
			clear(y.at(at, h, qRow+r)[:k.vSize])
		}
		return
	}
	width := (n + 15) / 16 * 16
	packed := k.packs()
	lenK, lenV := 0, 0
	if packed {
		lenK, lenV = gemm.PackedLen[float32](k.size, n), gemm.PackedLen[float32](n, k.vSize)
	}
	room := ops.Scratch[float32](w, rows*width+lenK+lenV)
	scores, room := room[:rows*width], room[rows*width:]
	if packed {
		var p gemm.PackedB[float32]
		p.Over(k.size, n, room[:lenK])
		for t := range p.Tiles() {
			p.PackTile(t, kh.at(at, kv, 0), kh.row, true)
		}
		gemm.Multiply(&p, rows, q.at(at, h, qRow), q.row, scores, width)
	} else {
		for r := range rows {
			query := q.at(at, h, qRow+r)[:k.size]
			for j := range n {
				scores[r*width+j] = vec.Dot(query, kh.at(k.sourceOf(b, at, j), kv, j)[:k.size])
			}
		}
	}
	for r := range rows {
		k.soften(b, h, first+r, scores[r*width:][:n])
	}
	if packed {
		var p gemm.PackedB[float32]
		p.Over(n, k.vSize, room[lenK:])
		for t := range p.Tiles() {
			p.PackTile(t, vh.at(at, kv, 0), vh.row, false)
		}
		gemm.Multiply(&p, rows, scores, width, y.at(at, h, qRow), y.row)
		return
	}
	for r := range rows {
		out := y.at(at, h, qRow+r)[:k.vSize]
		clear(out)
		for j, p := range scores[r*width:][:n] {
			if p != 0 {
				vec.Axpy(out, p, vh.at(k.sourceOf(b, at, j), kv, j)[:k.vSize])
			}
		}
	}
}

// sourceOf is the batch that holds key j of batch b.
func (k *attend) sourceOf(b, at, j int) int {
	if k.source == nil || j >= k.past {
		return at
	}
	return b/k.beams*k.beams + int(k.source[b*k.stride+j])
}

// soften turns the products of a query with the keys into probabilities.
func (k *attend) soften(b, h, i int, row []float32) {
	n := len(row)
	vec.MulS(row, row, k.scale)
	if k.softcap > 0 {
		vec.DivS(row, row, k.softcap)
		vec.Tanh(row, row)
		vec.MulS(row, row, k.softcap)
	}
	if k.mask != nil {
		vec.Add(row, row, k.mask[b*k.maskSteps[0]+i*k.maskSteps[1]:][:n])
	}
	place := k.past + i
	if k.pasts != nil {
		place = int(k.pasts[b]) + i
	}
	if k.bias != nil {
		from := b*k.biasSteps[0] + h*k.biasSteps[1] + i*k.biasSteps[2]
		if k.biasFrom != nil {
			from += int(k.biasFrom[b])
		}
		vec.Add(row, row, k.bias[from:][:n])
	}
	lo, hi := 0, n
	if k.causal {
		hi = max(0, min(n, place+1))
	}
	if k.window >= 0 {
		lo = max(0, min(place+1-k.window, hi))
	}
	clear(row[:lo])
	clear(row[hi:])
	out := k.scoreRow(b, h, i)
	if k.scoresOf == rawScores {
		copy(out, row)
		for j := hi; j < len(out); j++ {
			out[j] = k.hidden
		}
	}
	k.softmax(h, row[lo:hi])
	if k.scoresOf == softScores {
		copy(out, row)
	}
}

func (k *attend) scoreRow(b, h, i int) []float32 {
	if k.scores == nil {
		return nil
	}
	out := k.scores[((b*k.heads+h)*k.queries+i)*k.keys:][:k.keys]
	clear(out)
	return out
}

func (k *attend) softmax(h int, x []float32) {
	if len(x) == 0 {
		return
	}
	if k.sink == nil && !k.smooth {
		vec.Softmax(x, x)
		return
	}
	var sink float32
	if k.sink != nil {
		sink = k.sink[h]
	}
	top := max(vec.MaxOf(x), sink)
	sum := vec.ExpSum(x, x, top) + float32(math.Exp(float64(sink-top)))
	vec.MulS(x, x, 1/sum)
}

// scaleOf is the attribute, or 1/√size.
func scaleOf(attr *float32, size int) float32 {
	if attr != nil && *attr != 0 {
		return *attr
	}
	return float32(1 / math.Sqrt(float64(max(size, 1))))
}

// broadcastBias returns the distances of a bias of four dimensions, of which the first two may be 1.
func broadcastBias(dims []int) [3]int {
	steps := [3]int{dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3]}
	for i := range 2 {
		if dims[i] == 1 {
			steps[i] = 0
		}
	}
	return steps
}

// checkLens checks lengths that come as values.
func checkLens(name string, lens []int32, lo, hi int) error {
	for i, n := range lens {
		if int(n) < lo || int(n) > hi {
			return fmt.Errorf("%s[%d] is %d; it must be between %d and %d", name, i, n, lo, hi)
		}
	}
	return nil
}
