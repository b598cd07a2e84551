package nn

import (
	"fmt"

	"ingot/internal/kernel/attn"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type rotaryAttrs struct {
	Interleaved        bool `onnx:",0"`
	NumHeads           *int
	RotaryEmbeddingDim int `onnx:",0"`
}

// RotaryEmbedding turns pairs of elements by angles that grow with the position (https://arxiv.org/abs/2104.09864).
var RotaryEmbedding = Ops.Add(ops.Def(ops.Spec[rotaryAttrs]{
	Name: "RotaryEmbedding", In: "X:T, cos_cache:T, sin_cache:T, position_ids:M?", Out: "Y:T", Types: "T=float|float16|bfloat16; M=int64",
	Vers:    []ops.Ver{{Since: 23}},
	Infer:   inferRotary,
	Bind:    bindRotary,
	InPlace: [][2]int8{{0, 0}},
}))

func inferRotary(c *ops.Infer, a *rotaryAttrs) error {
	x, ok := c.Shape(0)
	if !ok {
		return c.OutLike(0, 0)
	}
	if a.NumHeads != nil && *a.NumHeads < 1 {
		return fmt.Errorf("num_heads is %d; it must be positive", *a.NumHeads)
	}
	h, err := split("X", x, a.NumHeads, "num_heads")
	if err != nil {
		return err
	}
	half := h.size.FloorDiv(ops.Num(2))
	size, known := h.size.Int()
	switch dim := int64(a.RotaryEmbeddingDim); {
	case dim == 0 && known && size%2 != 0:
		return fmt.Errorf("input X is %s: the head size %d is odd", sym.ShapeString(x), size)
	case dim < 0 || dim%2 != 0 || known && dim > size:
		return fmt.Errorf("rotary_embedding_dim is %d; it must be even and at most the head size %s", dim, h.size)
	case dim > 0:
		half = ops.Num(dim / 2)
	}
	want := []ops.Dim{h.batch, h.seq, half}
	// PyTorch's exporter writes caches of batch 1 for a whole batch. The standard asks for the batch's size; its reference broadcasts.
	if s, ok := c.Shape(1); ok && !c.Has(3) && len(s) == 3 && s[0].Is(1) {
		want[0] = ops.Num(1)
	}
	if c.Has(3) {
		want = []ops.Dim{c.Fresh(), half}
		if err := checkDims(c, 3, "position_ids", h.batch, h.seq); err != nil {
			return err
		}
	}
	for i, name := range []string{"cos_cache", "sin_cache"} {
		if err := checkDims(c, i+1, name, want...); err != nil {
			return err
		}
	}
	if s1, ok1 := c.Shape(1); ok1 {
		if s2, ok2 := c.Shape(2); ok2 && differ(s1[0], s2[0]) {
			return fmt.Errorf("cos_cache is %s and sin_cache %s; they must have one shape", sym.ShapeString(s1), sym.ShapeString(s2))
		}
	}
	return c.OutLike(0, 0)
}

// rotary turns rows, each a head at a position.
type rotary struct {
	rows, size, half, per int
	perBatch, perSeq      int // rows of a sample, and of a position that follows another
	seq                   int
	interleaved, convert  bool
	shared                bool // the caches have angles for one element of the batch, and the others take those
	cos, sin              wide.Operand[float32]

	x, y       []float32
	in, out    *tensor.Tensor
	cosT, sinT []float32
	ids        []int64
}

func bindRotary(b *ops.Bind, a *rotaryAttrs) (ops.Kernel, error) {
	dims := b.Dims(0)
	h, err := split("X", sym.Nums(dims), a.NumHeads, "num_heads")
	if err != nil {
		return nil, err
	}
	k := &rotary{size: num64(h.size), seq: num64(h.seq), interleaved: a.Interleaved, convert: b.In(0).DT != tensor.Float32}
	k.half = k.size / 2
	if a.RotaryEmbeddingDim > 0 {
		k.half = a.RotaryEmbeddingDim / 2
	}
	heads := num64(h.heads)
	k.rows = num64(h.batch) * heads * k.seq
	k.perBatch = heads * k.seq
	k.perSeq = 1
	if len(dims) == 3 {
		k.perSeq = heads
	}
	k.per = rowsOfTile(k.rows, k.size)
	k.shared = !b.Has(3) && b.Dims(1)[0] == 1
	var room wide.Room[float32]
	k.cos, k.sin = room.In(b, 1), room.In(b, 2)
	room.Claim(b)
	return k, nil
}

// position returns where the caches have a row's angles, without position_ids.
func (k *rotary) position(row int) int {
	at := row % k.perBatch / k.perSeq % k.seq
	if k.shared {
		return at
	}
	return row/k.perBatch*k.seq + at
}

// Run turns all rows.
func (k *rotary) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	k.in, k.out, k.ids = c.In(0), c.Out(0), nil
	k.cosT, k.sinT = k.cos.Load(c, s), k.sin.Load(c, s)
	if !k.convert {
		k.x, k.y = tensor.View[float32](k.in), tensor.View[float32](k.out)
	}
	if c.Has(3) {
		k.ids = tensor.View[int64](c.In(3))
		n := int64(c.In(1).Dims()[0])
		for i, id := range k.ids {
			if id < 0 || id >= n {
				return fmt.Errorf("position_ids has %d at %d; the caches have %d positions", id, i, n)
			}
		}
	}
	if k.rows*k.size == 0 {
		return nil
	}
	return c.Parallel((k.rows-1)/k.per+1, k)
}

// Tile implements [ops.Job].
func (k *rotary) Tile(w ops.Worker, i int) {
	turn := attn.Rotate
	if k.interleaved {
		turn = attn.RotatePairs
	}
	var room []float32
	if k.convert {
		room = ops.Scratch[float32](w, k.size)
	}
	for r := i * k.per; r < min(k.rows, (i+1)*k.per); r++ {
		at := k.position(r)
		if k.ids != nil {
			at = int(k.ids[at])
		}
		cos, sin := k.cosT[at*k.half:][:k.half], k.sinT[at*k.half:][:k.half]
		x, y := room, room
		if k.convert {
			num.Load32(x, k.in, r*k.size)
		} else {
			x, y = k.x[r*k.size:][:k.size], k.y[r*k.size:][:k.size]
		}
		turn(y, x, cos, sin)
		if k.convert {
			num.Store32(k.out, r*k.size, y)
		} else {
			copy(y[2*k.half:], x[2*k.half:])
		}
	}
}
