package nn

import (
	"fmt"
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/real"
	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type lrnAttrs struct {
	Alpha float32 `onnx:",0.0001"`
	Beta  float32 `onnx:",0.75"`
	Bias  float32 `onnx:",1.0"`
	Size  int     `onnx:",required"`
}

// LRN is local response normalisation: it divides each element by (bias + alpha/size·s)^beta, where s is the sum of squares over size channels
// around the element's own.
func LRN() *ops.Op {
	return ops.Def(ops.Spec[lrnAttrs]{
		Name: "LRN", In: "X:T", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 13}, {Since: 1, Types: "T=floats"}},
		Infer: func(c *ops.Infer, a *lrnAttrs) error {
			if a.Size < 1 {
				return fmt.Errorf("attribute size: %d; must be at least 1", a.Size)
			}
			if s, ok := c.Shape(0); ok && len(s) < 2 {
				return fmt.Errorf("input X is %s; it must have channels", sym.ShapeString(s))
			}
			return c.OutLike(0, 0)
		},
		Bind: func(b *ops.Bind, a *lrnAttrs) (ops.Kernel, error) {
			if b.In(0).DT == tensor.Float64 {
				return newLRN[float64](b, a), nil
			}
			return newLRN[float32](b, a), nil
		},
		InPlace: [][2]int8{{0, 0}},
	})
}

// lrnKernel works on a block of neighbouring pixels through all channels. The squares of the channels around the current one lie in a ring of
// rows, so that each is computed once, and before its channel is overwritten.
type lrnKernel[T real.Float] struct {
	images, channels, pixels int
	before, after            int // channels around the current one
	ring                     int // rows
	block, blocks            int // pixels of a block, and blocks of an image
	factor, bias, beta       T
	convert                  bool
	loops                    *real.Loops[T]

	in, out *tensor.Tensor
	x, y    []T
}

func newLRN[T real.Float](b *ops.Bind, a *lrnAttrs) ops.Kernel {
	d := b.Dims(0)
	k := &lrnKernel[T]{images: d[0], channels: d[1], pixels: elements(d[2:]), loops: real.For[T](), convert: b.In(0).DT != wide.DType[T]()}
	k.before, k.after = min((a.Size-1)/2, d[1]), min(a.Size/2, d[1])
	k.ring = k.before + k.after + 1
	k.factor, k.bias, k.beta = T(a.Alpha)/T(a.Size), T(a.Bias), T(a.Beta)
	k.block = max(1, min(k.pixels, 1024, max(16, 1<<16/k.ring)))
	k.blocks = (k.pixels + k.block - 1) / k.block
	return k
}

// Run normalises.
func (k *lrnKernel[T]) Run(c *ops.Call) error {
	k.in, k.out = c.In(0), c.Out(0)
	if !k.convert {
		k.x, k.y = tensor.View[T](k.in), tensor.View[T](k.out)
	}
	return c.Parallel(k.images*k.blocks, k)
}

// Tile implements [ops.Job].
func (k *lrnKernel[T]) Tile(w ops.Worker, i int) {
	first := i / k.blocks * k.channels * k.pixels
	pixel := i % k.blocks * k.block
	n := min(k.block, k.pixels-pixel)
	scratch := wide.Scratchpad[T](w, (k.ring+3)*k.block)
	sum, tmp, buf, ring := scratch[:n], scratch[k.block:][:n], scratch[2*k.block:][:n], scratch[3*k.block:]
	squares := func(c int) []T { return ring[c%k.ring*k.block:][:n] }
	load := func(c int) []T {
		off := first + c*k.pixels + pixel
		if !k.convert {
			return k.x[off:][:n]
		}
		wide.Load(buf, k.in, off)
		return buf
	}
	entered := 0
	for c := range k.channels {
		for ; entered < min(k.channels, c+k.after+1); entered++ {
			x := load(entered)
			k.loops.Mul(squares(entered), x, x)
		}
		lo := max(0, c-k.before)
		copy(sum, squares(lo))
		for j := lo + 1; j < entered; j++ {
			k.loops.Add(sum, sum, squares(j))
		}
		k.loops.MulAddS(sum, sum, k.factor, k.bias)
		power(sum, tmp, k.beta)
		x, off := load(c), first+c*k.pixels+pixel
		if k.convert {
			k.loops.Div(x, x, sum)
			wide.Store(k.out, off, x)
		} else {
			k.loops.Div(k.y[off:][:n], x, sum)
		}
	}
}

// power raises the elements of d to the power of y. That of nearly all models, ¾, takes two roots. tmp is as long as d.
func power[T real.Float](d, tmp []T, y T) {
	switch d := any(d).(type) {
	case []float32:
		if y != 0.75 {
			elem.PowS(d, d, float32(y))
			return
		}
		tmp, _ := any(tmp).([]float32)
		vec.Sqrt(tmp, d)
		vec.Sqrt(d, tmp)
		vec.Mul(d, d, tmp)
	case []float64:
		for i, x := range d {
			d[i] = math.Pow(x, float64(y))
		}
	}
}
