package contrib

import (
	"fmt"

	"ingot/internal/kernel/attn"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type rotaryAttrs struct {
	Interleaved        bool    `onnx:",0"`
	IsPackedBatching   bool    `onnx:",0"`
	NumHeads           int     `onnx:",0"`
	RotaryEmbeddingDim int     `onnx:",0"`
	Scale              float32 `onnx:",1"`
}

// rotaryEmbedding turns pairs of elements by angles that grow with the position: the operator that the standard took over in opset 23, with
// positions as its second input.
var rotaryEmbedding = ops.Def(ops.Spec[rotaryAttrs]{
	Name: "RotaryEmbedding", Domain: domain, Vers: since1,
	In: "input:T, position_ids:M, cos_cache:T, sin_cache:T", Out: "output:T", Types: "T=float|float16|bfloat16; M=int64",
	Infer: func(c *ops.Infer, a *rotaryAttrs) error {
		x, ok1 := c.Shape(0)
		cache, ok2 := c.Shape(2)
		if ok1 && ok2 {
			if _, err := a.shape(x, cache); err != nil {
				return err
			}
		}
		if a.Scale != 1 {
			return fmt.Errorf("attribute scale is %v; only 1 is computed: what another scale would do isn't specified", a.Scale)
		}
		if err := checkDims(c, 3, "sin_cache", cache...); ok2 && err != nil {
			return err
		}
		if ids, ok := c.Shape(1); ok && ok1 {
			seq := x[len(x)-2]
			if !(len(ids) == 1 && !differ(ids[0], ops.Num(1))) && !(len(ids) == 0) && (len(ids) != 2 || differ(ids[0], x[0]) || differ(ids[1], seq)) {
				return fmt.Errorf("position_ids is %s; it must be [1] or [%s,%s]", sym.ShapeString(ids), x[0], seq)
			}
		}
		return c.OutLike(0, 0)
	},
	Bind: bindRotary,
})

// rotaryShape is the sizes of the operand.
type rotaryShape struct{ batch, heads, seq, size, half ops.Dim }

func (a *rotaryAttrs) shape(x, cache []ops.Dim) (s rotaryShape, err error) {
	if len(cache) != 2 {
		return s, fmt.Errorf("cos_cache is %s; it must have 2 dimensions", sym.ShapeString(cache))
	}
	if a.RotaryEmbeddingDim != 0 && a.NumHeads <= 0 || a.RotaryEmbeddingDim < 0 || a.RotaryEmbeddingDim%2 != 0 {
		return s, fmt.Errorf("rotary_embedding_dim is %d and num_heads %d; the first must be even, and comes with the second", a.RotaryEmbeddingDim, a.NumHeads)
	}
	two := ops.Num(2)
	switch len(x) {
	case 4:
		s = rotaryShape{x[0], x[1], x[2], x[3], x[3].FloorDiv(two)}
	case 3:
		s = rotaryShape{batch: x[0], seq: x[1]}
		if a.NumHeads > 0 {
			s.heads = ops.Num(a.NumHeads)
			s.size = x[2].FloorDiv(s.heads)
		} else {
			s.size = cache[1].Mul(two)
			if s.size.Is(0) {
				return s, fmt.Errorf("cos_cache is %s; it must not be empty", sym.ShapeString(cache))
			}
			s.heads = x[2].FloorDiv(s.size)
		}
		if differ(s.heads.Mul(s.size), x[2]) {
			return s, fmt.Errorf("input is %s, which isn't %s heads of %s elements", sym.ShapeString(x), s.heads, s.size)
		}
	default:
		return s, fmt.Errorf("input is %s; it must have 3 or 4 dimensions", sym.ShapeString(x))
	}
	s.half = s.size.FloorDiv(two)
	if a.RotaryEmbeddingDim > 0 {
		s.half = ops.Num(a.RotaryEmbeddingDim / 2)
	}
	size, ok1 := s.size.Int()
	half, ok2 := s.half.Int()
	if differ(cache[1], s.half) || ok1 && ok2 && 2*half > size {
		return s, fmt.Errorf("cos_cache is %s, but %s pairs of each head of %s elements are to be turned", sym.ShapeString(cache), s.half, s.size)
	}
	if n, known := cache[0].Int(); known && !a.IsPackedBatching {
		if l, ok := s.seq.Int(); ok && l > n {
			return s, fmt.Errorf("input is %s, but the caches have only %d positions", sym.ShapeString(x), n)
		}
	}
	return s, nil
}

// rotor turns heads by cached angles.
type rotor struct {
	half, size int
	pairs      bool
	cos, sin   []float32
}

// positions is how many the caches have.
func (r *rotor) positions() int { return len(r.cos) / max(r.half, 1) }

// turn turns the head at src by the angles of a position.
func (r *rotor) turn(dst, src []float32, pos int) {
	cos, sin := r.cos[pos*r.half:][:r.half], r.sin[pos*r.half:][:r.half]
	if r.pairs {
		attn.RotatePairs(dst, src, cos, sin)
	} else {
		attn.Rotate(dst, src, cos, sin)
	}
	copy(dst[2*r.half:r.size], src[2*r.half:r.size])
}

type rotaryKernel struct {
	rotor
	batch, heads, seq, per int
	planes                 bool // heads lie one after the other
	x, cosIn, sinIn        wide.Operand[float32]
	y                      wide.Result[float32]

	src, dst heads
	ids      []int64
}

func bindRotary(b *ops.Bind, a *rotaryAttrs) (ops.Kernel, error) {
	dims := b.Dims(0)
	s, err := a.shape(sym.Nums(dims), sym.Nums(b.Dims(2)))
	if err != nil {
		return nil, err
	}
	n := func(d ops.Dim) int { v, _ := d.Int(); return int(v) }
	k := &rotaryKernel{rotor: rotor{half: n(s.half), size: n(s.size), pairs: a.Interleaved}, batch: n(s.batch), heads: n(s.heads), seq: n(s.seq), planes: len(dims) == 4}
	k.per = max(1, 1<<14/max(1, k.heads*k.size))
	var room wide.Room[float32]
	k.x, k.cosIn, k.sinIn, k.y = room.In(b, 0), room.In(b, 2), room.In(b, 3), room.Out(b, 0)
	room.Claim(b)
	return k, nil
}

// Run turns all heads.
func (k *rotaryKernel) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	k.cos, k.sin = k.cosIn.Load(c, s), k.sinIn.Load(c, s)
	lay := func(data []float32) heads {
		if k.planes {
			return apart(data, k.heads, k.seq, k.size)
		}
		return interleaved(data, k.seq, k.heads*k.size, k.size)
	}
	k.src, k.dst = lay(k.x.Load(c, s)), lay(k.y.Elements(c, s))
	k.ids = tensor.View[int64](c.In(1))
	if n := int64(k.positions()); k.half > 0 {
		last := int64(0)
		if len(c.In(1).Dims()) < 2 {
			last = int64(max(k.seq-1, 0))
		}
		for i, id := range k.ids {
			if id < 0 || id > n-1-last {
				return fmt.Errorf("position_ids has %d at %d; the caches have %d positions", id, i, n)
			}
		}
	}
	if k.batch*k.heads*k.seq*k.size == 0 {
		return nil
	}
	if err := c.Parallel((k.batch*k.seq-1)/k.per+1, k); err != nil {
		return err
	}
	k.y.Store(c, s)
	return nil
}

// Tile implements [ops.Job]: some positions, with all their heads.
func (k *rotaryKernel) Tile(_ ops.Worker, i int) {
	for p := i * k.per; p < min(k.batch*k.seq, (i+1)*k.per); p++ {
		b, at := p/k.seq, p%k.seq
		pos := at
		if len(k.ids) == k.batch*k.seq && len(k.ids) != 1 {
			pos = int(k.ids[p])
		} else {
			pos += int(k.ids[0])
		}
		for h := range k.heads {
			k.turn(k.dst.at(b, h, at), k.src.at(b, h, at), pos)
		}
	}
}
