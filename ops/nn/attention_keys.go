package nn

import (
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/ops/internal/wide"
)

// keys is keys or values of one run.
type keys[T any] struct {
	data              []T
	perBatch, perHead int // distances
	row               int
	size              int
}

// at returns the keys of a head from the i-th on.
func (x *keys[T]) at(batch, head, i int) []T { return x.data[batch*x.perBatch+head*x.perHead+i*x.row:] }

// source describes keys or values as they come in.
func (k *attention[T]) source(data []T, size int) keys[T] {
	if k.packed {
		return keys[T]{data, k.keys * k.kvHeads * size, size, k.kvHeads * size, size}
	}
	return keys[T]{data, k.kvHeads * k.keys * size, k.keys * size, size, size}
}

// joined describes keys or values with those of the past before them.
func (k *attention[T]) joined(data []T, size int) keys[T] {
	return keys[T]{data, k.kvHeads * k.total() * size, k.total() * size, size, size}
}

// joinPast copies past and new keys and values together, if there is a past or the result is wanted.
func (k *attention[T]) joinPast(c *ops.Call, s wide.Scratch[T]) error {
	place := func(r *wide.Result[T], room wide.Buffer, size int) keys[T] {
		if r.Wanted() {
			return k.joined(r.Elements(c, s), size)
		}
		return k.joined(s.Part(room), size)
	}
	j := &k.join
	j.parts = [2]joinPart[T]{}
	if k.presK.Wanted() || k.past > 0 {
		j.parts[0] = joinPart[T]{place(&k.presK, k.joinedK, k.size), k.pastK.Load(c, s), k.kData}
	}
	if k.presV.Wanted() || k.past > 0 {
		j.parts[1] = joinPart[T]{place(&k.presV, k.joinedV, k.vSize), k.pastV.Load(c, s), k.vData}
	}
	if j.parts[0].to.data == nil && j.parts[1].to.data == nil {
		return nil
	}
	if err := c.Parallel(k.batch*k.kvHeads, j); err != nil {
		return err
	}
	k.presK.Store(c, s)
	k.presV.Store(c, s)
	if k.past > 0 {
		k.kData, k.vData = j.parts[0].to, j.parts[1].to
	}
	return nil
}

// joinJob copies the keys and values of a head a tile.
type joinJob[T real.Float] struct {
	k     *attention[T]
	parts [2]joinPart[T]
}

type joinPart[T real.Float] struct {
	to   keys[T]
	past []T
	from keys[T]
}

// Tile implements [ops.Job].
func (j *joinJob[T]) Tile(_ ops.Worker, i int) {
	k := j.k
	batch, head := i/k.kvHeads, i%k.kvHeads
	for p := range j.parts {
		x := &j.parts[p]
		if x.to.data == nil || x.to.size == 0 {
			continue
		}
		dst := x.to.at(batch, head, 0)[:k.total()*x.to.size]
		n := k.past * x.to.size
		copy(dst[:n], x.past[i*n:])
		for r := range k.keys {
			copy(dst[n+r*x.to.size:][:x.to.size], x.from.at(batch, head, r))
		}
	}
}

// placePacks gives the packed chunks their memory.
func (k *attention[T]) placePacks(s wide.Scratch[T]) {
	roomK, roomV := s.Part(k.packRoomK), s.Part(k.packRoomV)
	sizeK, sizeV := k.packLens()
	for i := range k.packsK {
		n := min(keyChunk, k.total()-i%k.chunks*keyChunk)
		k.packsK[i].Over(k.size, n, roomK[i*sizeK:][:sizeK])
		k.packsV[i].Over(n, k.vSize, roomV[i*sizeV:][:sizeV])
	}
}

// packJob packs a chunk a tile.
type packJob[T real.Float] struct{ k *attention[T] }

// Tile implements [ops.Job].
func (p *packJob[T]) Tile(_ ops.Worker, i int) {
	k := p.k
	batch, head, key := i/k.chunks/k.kvHeads, i/k.chunks%k.kvHeads, i%k.chunks*keyChunk
	if b := &k.packsK[i]; k.size > 0 {
		src := k.kData.at(batch, head, key)
		for t := range b.Tiles() {
			b.PackTile(t, src, k.kData.row, true)
		}
	}
	if b := &k.packsV[i]; k.vSize > 0 {
		src := k.vData.at(batch, head, key)
		for t := range b.Tiles() {
			b.PackTile(t, src, k.vData.row, false)
		}
	}
}
