package nn

import (
	"fmt"
	"math"
	"sync/atomic"

	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// attention computes attention block by block: some query rows of one head against all keys that any of them sees. The scores of a block stay in
// a worker's scratch.
//
// Of half types, each step is rounded to the type, as in the function that defines the operator; softmax_precision is the way to have more.
//
// With many rows, keys and values are packed first, in chunks of keyChunk, so that a block can pass over the chunks that causality, windows or
// padding hide from all its rows. With few rows, as when one token after another is decoded, they are read as they lie.
type attention[T real.Float] struct {
	*real.Loops[T]
	attentionGeometry
	attentionMask[T]
	scale, cap T
	mode       int
	half       tensor.DType // the type of Q where that is a half type: steps are rounded to it; else Invalid
	softmax    func(row []T)
	exactProbs bool // probabilities aren't rounded to a half type

	q, k, v, pastK, pastV    wide.Operand[T]
	y, presK, presV, scores  wide.Result[T]
	joinedK, joinedV         wide.Buffer // past and new keys where presents aren't wanted
	join                     joinJob[T]
	group                    int // query heads that are one unit: they share a key head, and their rows lie evenly
	units, rows, block, tile int // units, rows of each, rows of a block, blocks of a tile
	chunks                   int // of packed keys; 0: not packed
	packRoomK, packRoomV     wide.Buffer
	packsK, packsV           []gemm.PackedB[T]
	pack                     packJob[T]
	width                    int // distance of the rows of scores
	tmp                      int // elements of scratch for the products
	slots                    []slot[T]

	// Of the run at hand.
	qData, yData, qk []T
	kData, vData     keys[T]
}

// slot is room for a product: gemm.Matmul can't be a local variable without being allocated. A tile claims one for as long as it runs.
type slot[T real.Float] struct {
	busy atomic.Bool
	g    gemm.Matmul[T]
}

const maxSlots = 64 // more tiles at once allocate

// claim returns a free slot.
func (k *attention[T]) claim(tile int) *slot[T] {
	for i := range k.slots {
		if s := &k.slots[(tile+i)%len(k.slots)]; s.busy.CompareAndSwap(false, true) {
			return s
		}
	}
	return new(slot[T])
}

const (
	keyChunk  = 256
	packAt    = 24      // rows from which packing pays
	blockRows = 96      // at most
	blockSize = 1 << 17 // scores of a block, about
)

func bindAttention[T real.Float](b *ops.Bind, a *attentionAttrs, g *attentionGeometry) (*attention[T], error) {
	k := &attention[T]{Loops: real.For[T](), attentionGeometry: *g, scale: T(g.scale), cap: T(a.Softcap), mode: a.QkMatmulOutputMode}
	if dt := b.In(attQ).DT; dt == tensor.Float16 || dt == tensor.BFloat16 {
		k.half = dt
	}
	k.softmax = k.softmaxOf(a.SoftmaxPrecision)
	var room wide.Room[T]
	k.q, k.k, k.v = room.In(b, attQ), room.In(b, attK), room.In(b, attV)
	k.pastK, k.pastV = room.In(b, attPastK), room.In(b, attPastV)
	k.y, k.scores = room.Out(b, attY), room.Out(b, attScores)
	k.presK, k.presV = room.Out(b, attPresentK), room.Out(b, attPresentV)
	k.attentionMask.bind(b, &room, a, g)
	if g.past > 0 && !k.presK.Wanted() {
		k.joinedK = room.Buffer(g.batch * g.kvHeads * g.total() * g.size)
	}
	if g.past > 0 && !k.presV.Wanted() {
		k.joinedV = room.Buffer(g.batch * g.kvHeads * g.total() * g.vSize)
	}
	k.divide(&room)
	room.Claim(b)
	return k, nil
}

// divide lays out units, blocks and chunks: a function of shapes only.
func (k *attention[T]) divide(room *wide.Room[T]) {
	k.join.k, k.pack.k = k, k
	if k.kvHeads == 0 || k.vSize == 0 && !k.scores.Wanted() {
		return // nothing comes out
	}
	k.group = 1
	if !k.packed || k.queries == 1 {
		k.group = k.heads / k.kvHeads
	}
	k.rows = k.group * k.queries
	total := k.total()
	if k.rows == 0 {
		return
	}
	k.units = k.batch * k.heads / k.group
	most := max(12, min(blockRows, blockSize/max(1, total))/12*12)
	blocks := (k.rows + most - 1) / most
	k.block = ((k.rows+blocks-1)/blocks + 11) / 12 * 12
	if k.rows < packAt {
		k.block = k.rows
	} else {
		k.chunks = (total + keyChunk - 1) / keyChunk
		sizeK, sizeV := k.packLens()
		n := k.batch * k.kvHeads * k.chunks
		k.packRoomK, k.packRoomV = room.Buffer(n*sizeK), room.Buffer(n*sizeV)
		k.packsK, k.packsV = make([]gemm.PackedB[T], n), make([]gemm.PackedB[T], n)
	}
	k.width = (total + 15) / 16 * 16
	for _, n := range []int{min(total, keyChunk), total % keyChunk, total} {
		k.measure(min(k.block, k.rows), n)
		k.measure(k.rows%k.block, n)
	}
	// A tile takes ten microseconds at least, at some 30 operations a nanosecond, and there is one where they all take twenty.
	cost := float64(k.block) * float64(total) * float64(k.size+k.vSize) * 2 / 30
	k.tile = max(1, int(10_000/(cost+1)))
	if k.units*k.blocks() <= 2*k.tile {
		k.tile = max(1, k.units*k.blocks())
	}
	k.slots = make([]slot[T], min(maxSlots, (k.units*k.blocks()-1)/k.tile+1))
}

func (k *attention[T]) blocks() int { return (k.rows + k.block - 1) / k.block }

// packLens is the room that a packed chunk of keys takes, and one of values.
func (k *attention[T]) packLens() (keys, values int) {
	return gemm.PackedLen[T](k.size, keyChunk), gemm.PackedLen[T](keyChunk, k.vSize)
}

// measure keeps the scratch that the products of rows × n scores need.
func (k *attention[T]) measure(rows, n int) {
	g := gemm.Matmul[T]{M: rows, N: n, K: k.size, LDA: k.rowQ(), LDB: k.size, TransB: true}
	h := gemm.Matmul[T]{M: rows, N: k.vSize, K: n, LDA: k.width, LDB: k.vSize}
	if k.chunks > 0 {
		g.Packed, h.Packed = new(gemm.PackedB[T]), new(gemm.PackedB[T])
	}
	k.tmp = max(k.tmp, g.Measure(), h.Measure())
}

// rowQ is the distance of the rows of a unit in Q, rowY in Y.
func (k *attention[T]) rowQ() int { return k.rowOf(k.size) }
func (k *attention[T]) rowY() int { return k.rowOf(k.vSize) }

func (k *attention[T]) rowOf(size int) int {
	if k.packed && k.queries > 1 {
		return k.heads * size
	}
	return size
}

// headAt is where the rows of a query head begin in Q or Y.
func (k *attention[T]) headAt(batch, head, size int) int {
	if k.packed {
		return (batch*k.queries*k.heads + head) * size
	}
	return (batch*k.heads + head) * k.queries * size
}

// Run computes the attention.
func (k *attention[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	if err := k.attentionMask.load(c, s); err != nil {
		return err
	}
	k.qData, k.yData, k.qk = k.q.Load(c, s), k.y.Elements(c, s), k.scores.Elements(c, s)
	k.kData = k.source(k.k.Load(c, s), k.size)
	k.vData = k.source(k.v.Load(c, s), k.vSize)
	if err := k.joinPast(c, s); err != nil {
		return err
	}
	if k.half != tensor.Invalid {
		k.scaleHalves()
	}
	if k.chunks > 0 && k.batch > 0 {
		k.placePacks(s)
		if err := c.Parallel(len(k.packsK), &k.pack); err != nil {
			return err
		}
	}
	if n := k.units * k.rows; n > 0 {
		if err := c.Parallel((k.units*k.blocks()-1)/k.tile+1, k); err != nil {
			return err
		}
	}
	k.y.Store(c, s)
	k.scores.Store(c, s)
	return nil
}

// scaleHalves multiplies Q and K, which are widened copies, with the root of the scale each, rounded as the type has it.
func (k *attention[T]) scaleHalves() {
	root := []T{T(math.Sqrt(k.attentionGeometry.scale))}
	roundTo(k.half, root)
	for _, x := range [][]T{k.qData, k.kData.data} {
		k.MulS(x, x, root[0])
		roundTo(k.half, x)
	}
}

// Tile implements [ops.Job]: some blocks.
func (k *attention[T]) Tile(w ops.Worker, i int) {
	s := k.claim(i)
	defer s.busy.Store(false)
	rows := min(k.block, k.rows)
	scratch := wide.Scratchpad[T](w, rows*k.width+k.tmp)
	for n := i * k.tile; n < min((i+1)*k.tile, k.units*k.blocks()); n++ {
		k.compute(&s.g, n/k.blocks(), n%k.blocks()*k.block, scratch[:rows*k.width], scratch[rows*k.width:])
	}
}

// span is the rows of a block and the keys [c0, c1) that it looks at.
type span struct {
	batch, head, kvHead int // head: the unit's first
	r0, rows            int
	c0, c1              int
}

// compute computes a block.
func (k *attention[T]) compute(g *gemm.Matmul[T], unit, r0 int, scores, tmp []T) {
	perBatch := k.heads / k.group
	b := span{batch: unit / perBatch, head: unit % perBatch * k.group, r0: r0, rows: min(k.block, k.rows-r0)}
	b.kvHead = b.head / (k.heads / k.kvHeads)
	k.look(&b)
	if b.c0 < b.c1 {
		k.multiplyQK(g, &b, scores, tmp)
	}
	for r := range b.rows {
		k.finishRow(&b, r, scores[r*k.width:][:b.c1-b.c0])
	}
	k.multiplyPV(g, &b, scores, tmp)
}

// query returns the head and the query of a row of a unit.
func (k *attention[T]) query(b *span, r int) (head, query int) {
	return b.head + (b.r0+r)/k.queries, (b.r0 + r) % k.queries
}

// look finds the keys that some row of the block sees, rounded to chunks where they are packed; all, if the scores are an output.
func (k *attention[T]) look(b *span) {
	if k.qk != nil {
		b.c0, b.c1 = 0, k.total()
		return
	}
	b.c0, b.c1 = k.total(), 0
	for r := range b.rows {
		_, q := k.query(b, r)
		if lo, hi := k.limits(b.batch, q); lo < hi {
			b.c0, b.c1 = min(b.c0, lo), max(b.c1, hi)
		}
	}
	b.c0 = min(b.c0, b.c1)
	if k.chunks > 0 {
		b.c0 = b.c0 / keyChunk * keyChunk
		b.c1 = min((b.c1+keyChunk-1)/keyChunk*keyChunk, k.total())
	}
}

// multiplyQK computes the scores of the keys that the block looks at.
func (k *attention[T]) multiplyQK(g *gemm.Matmul[T], b *span, scores, tmp []T) {
	*g = gemm.Matmul[T]{M: b.rows, K: k.size, LDA: k.rowQ(), LDC: k.width}
	g.A = k.qData[k.headAt(b.batch, b.head, k.size)+b.r0*g.LDA:]
	if k.half == tensor.Invalid {
		g.Alpha = k.scale
	}
	if k.scale == 0 {
		for r := range b.rows {
			clear(scores[r*k.width:][:b.c1-b.c0])
		}
		return
	}
	if k.chunks == 0 {
		g.N, g.C = b.c1-b.c0, scores
		g.B, g.LDB, g.TransB = k.kData.at(b.batch, b.kvHead, b.c0), k.kData.row, true
		run(g, tmp)
		return
	}
	for c := b.c0; c < b.c1; c += keyChunk {
		g.N, g.C = min(keyChunk, k.total()-c), scores[c-b.c0:]
		g.Packed = &k.packsK[(b.batch*k.kvHeads+b.kvHead)*k.chunks+c/keyChunk]
		run(g, tmp)
	}
}

// multiplyPV computes the block's rows of Y.
func (k *attention[T]) multiplyPV(g *gemm.Matmul[T], b *span, scores, tmp []T) {
	*g = gemm.Matmul[T]{M: b.rows, N: k.vSize, LDA: k.width, LDC: k.rowY()}
	g.C = k.yData[k.headAt(b.batch, b.head, k.vSize)+b.r0*g.LDC:]
	if b.c0 == b.c1 {
		for r := range b.rows {
			clear(g.C[r*g.LDC:][:k.vSize])
		}
		return
	}
	if k.chunks == 0 {
		g.K, g.A = b.c1-b.c0, scores
		g.B, g.LDB = k.vData.at(b.batch, b.kvHead, b.c0), k.vData.row
		run(g, tmp)
		return
	}
	for c := b.c0; c < b.c1; c += keyChunk {
		g.K, g.A = min(keyChunk, k.total()-c), scores[c-b.c0:]
		g.Packed = &k.packsV[(b.batch*k.kvHeads+b.kvHead)*k.chunks+c/keyChunk]
		run(g, tmp)
		g.Residual, g.LDR = g.C, g.LDC
	}
}

// run computes a product. No input makes it panic: Prepare refuses sizes below zero, operands that are too short for them, and weights that were packed
// for other sizes or another processor. Here sizes and operands come from the same shapes, which the shape rule has checked, and from scratch that was
// asked for by them; packs are made in this process for these sizes.
func run[T real.Float](g *gemm.Matmul[T], scratch []T) {
	if err := g.Prepare(); err != nil {
		panic(fmt.Sprintf("nn: attention: %v", err))
	}
	for i := range g.Tiles() {
		g.Tile(i, scratch)
	}
}

// finishRow turns the scores of a row into probabilities, and writes what is wanted of them.
func (k *attention[T]) finishRow(b *span, r int, row []T) {
	head, query := k.query(b, r)
	var out []T
	if k.qk != nil {
		out = k.qk[((b.batch*k.heads+head)*k.queries+query)*k.total():][:k.total()]
	}
	k.round(row)
	k.write(out, row, scoresRaw)
	if k.cap > 0 {
		k.MulS(row, row, 1/k.cap)
		k.round(row)
		k.Tanh(row, row)
		k.round(row)
		k.MulS(row, row, k.cap)
		k.round(row)
	}
	k.write(out, row, scoresCapped)
	lo, hi := k.limits(b.batch, query)
	lo, hi = max(lo, b.c0), min(hi, b.c1)
	if lo >= hi {
		if out != nil && k.mode == scoresBiased {
			fillRow(out, T(math.Inf(-1)))
		}
		clear(row)
		k.write(out, row, scoresSoftmax)
		return
	}
	seen := row[lo-b.c0 : hi-b.c0]
	bias := k.bias(b.batch, head, query, lo, hi)
	if bias != nil {
		k.Add(seen, seen, bias)
		k.round(seen)
	}
	if out != nil && k.mode == scoresBiased {
		fillRow(out, T(math.Inf(-1)))
		copy(out[lo:], seen)
	}
	clear(row[:lo-b.c0])
	clear(row[hi-b.c0:])
	if allMasked(bias) {
		clear(seen)
	} else {
		k.softmax(seen)
		if !k.exactProbs {
			k.round(seen)
		}
	}
	k.write(out, row, scoresSoftmax)
}

// write copies a row to the output of scores if that is what it holds.
func (k *attention[T]) write(out, row []T, mode int) {
	if k.mode == mode {
		copy(out, row)
	}
}

// round rounds to the half type, if there is one.
func (k *attention[T]) round(row []T) {
	if k.half != tensor.Invalid {
		roundTo(k.half, row)
	}
}

func fillRow[T real.Float](row []T, v T) {
	for i := range row {
		row[i] = v
	}
}
