package shape

import (
	"fmt"
	"math"

	"ingot/internal/kernel/random"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Random operators draw from a stream that depends on the node: the same in each run. A seed in the model chooses the generator of the standard's
// reference implementation, which numbers come from one after the other; without one, any thread can make any part of the stream.

type randomUniformAttrs struct {
	Dtype *tensor.DType `onnx:",1"`
	High  float32       `onnx:",1"`
	Low   float32       `onnx:",0"`
	Seed  *float32
	Shape []int64 `onnx:",required"`
}

type randomNormalAttrs struct {
	Dtype *tensor.DType `onnx:",1"`
	Mean  float32       `onnx:",0"`
	Scale float32       `onnx:",1"`
	Seed  *float32
	Shape []int64 `onnx:",required"`
}

type uniformLikeAttrs struct {
	Dtype *tensor.DType
	High  float32 `onnx:",1"`
	Low   float32 `onnx:",0"`
	Seed  *float32
}

type normalLikeAttrs struct {
	Dtype *tensor.DType
	Mean  float32 `onnx:",0"`
	Scale float32 `onnx:",1"`
	Seed  *float32
}

var (
	since22Random     = []ops.Ver{{Since: 22}, {Since: 1, Types: "T=floats"}}
	since22RandomLike = []ops.Ver{{Since: 22}, {Since: 1, Types: "T1=all; T2=floats"}}

	_ = Ops.Add(ops.Def(ops.Spec[randomUniformAttrs]{
		Name: "RandomUniform", Out: "output:T", Types: "T=floats4", Vers: since22Random, Flags: ops.Random,
		Infer: func(c *ops.Infer, a *randomUniformAttrs) error { return inferRandom(c, a.Dtype, a.Shape) },
		Eval: func(c *ops.Call, a *randomUniformAttrs) error {
			return draw(c, a.Seed, uniformIn(a.Low, a.High))
		},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[randomNormalAttrs]{
		Name: "RandomNormal", Out: "output:T", Types: "T=floats4", Vers: since22Random, Flags: ops.Random,
		Infer: func(c *ops.Infer, a *randomNormalAttrs) error { return inferRandom(c, a.Dtype, a.Shape) },
		Eval: func(c *ops.Call, a *randomNormalAttrs) error {
			return draw(c, a.Seed, normalOf(a.Mean, a.Scale))
		},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[uniformLikeAttrs]{
		Name: "RandomUniformLike", In: "input:T1", Out: "output:T2", Types: "T1=all4; T2=floats4", Vers: since22RandomLike, Flags: ops.Random,
		Infer: func(c *ops.Infer, a *uniformLikeAttrs) error { return inferLike(c, a.Dtype, tensor.Floats16) },
		Eval:  func(c *ops.Call, a *uniformLikeAttrs) error { return draw(c, a.Seed, uniformIn(a.Low, a.High)) },
	}))
	_ = Ops.Add(ops.Def(ops.Spec[normalLikeAttrs]{
		Name: "RandomNormalLike", In: "input:T1", Out: "output:T2", Types: "T1=all4; T2=floats4", Vers: since22RandomLike, Flags: ops.Random,
		Infer: func(c *ops.Infer, a *normalLikeAttrs) error { return inferLike(c, a.Dtype, tensor.Floats16) },
		Eval:  func(c *ops.Call, a *normalLikeAttrs) error { return draw(c, a.Seed, normalOf(a.Mean, a.Scale)) },
	}))
)

func inferRandom(c *ops.Infer, dtype *tensor.DType, shape []int64) error {
	dt, err := dtypeOr(dtype, tensor.Float32, tensor.Floats16)
	if err != nil {
		return err
	}
	for _, d := range shape {
		if d < 0 {
			return fmt.Errorf("attribute shape: %v has a negative dimension", shape)
		}
	}
	return outSized(c, 0, dt, sym.Nums(shape)...)
}

func inferLike(c *ops.Infer, dtype *tensor.DType, may tensor.Types) error {
	t := c.In(0)
	dt, err := dtypeOr(dtype, t.DT, may)
	if err != nil {
		return err
	}
	return c.OutType(0, ops.Type{DT: dt, Shape: t.Shape, Ranked: t.Ranked})
}

// drawBlock is the number of elements that are drawn at a time, an even number.
const drawBlock = 256

// sourceOf returns a node's stream, and whether parts of it can be made in any order.
func sourceOf(c *ops.Call, seed *float32) (random.Source, bool) {
	if seed != nil {
		return random.NewTwister(uint32(int64(*seed))), false
	}
	return random.Philox(c.Env.Seed()), true
}

// draw fills output 0 with what f makes of uniform numbers: of as many as elements, for each block. from is the block's first element.
func draw(c *ops.Call, seed *float32, f func(v []float64, from int)) error {
	y := c.Out(0)
	src, free := sourceOf(c, seed)
	n := y.Len()
	run := func(lo, hi int) {
		var v [drawBlock]float64
		for ; lo < hi; lo += drawBlock {
			// Whole blocks, whatever n is: pairs must stay together.
			src.Fill(v[:], lo)
			f(v[:], lo)
			num.Store64(y, lo, v[:min(drawBlock, hi-lo)])
		}
	}
	if !free {
		run(0, n)
		return nil
	}
	return c.For(n, 16*drawBlock, run)
}

func uniformIn(low, high float32) func([]float64, int) {
	return func(v []float64, _ int) {
		for i, u := range v {
			v[i] = float64(low) + float64(u*(float64(high)-float64(low)))
		}
	}
}

// normalOf is the method of Box and Muller (1958): two uniform numbers make two normal ones.
func normalOf(mean, scale float32) func([]float64, int) {
	return func(v []float64, _ int) {
		for i := 0; i+1 < len(v); i += 2 {
			r := math.Sqrt(-2 * math.Log(1-v[i])) // 1-v is never zero
			sin, cos := math.Sincos(2 * math.Pi * v[i+1])
			v[i] = float64(mean) + float64(float64(scale)*r*cos)
			v[i+1] = float64(mean) + float64(float64(scale)*r*sin)
		}
	}
}

type bernoulliAttrs struct {
	Dtype *tensor.DType
	Seed  *float32
}

const bernoulliTypes = tensor.Ints | tensor.Floats16 | 1<<tensor.Bool

func opBernoulli() *ops.Op {
	return ops.Def(ops.Spec[bernoulliAttrs]{
		Name: "Bernoulli", In: "input:T1", Out: "output:T2", Types: "T1=floats4; T2=bool|num4", Flags: ops.Random,
		Vers:  []ops.Ver{{Since: 22}, {Since: 15, Types: "T1=floats"}},
		Infer: func(c *ops.Infer, a *bernoulliAttrs) error { return inferLike(c, a.Dtype, bernoulliTypes) },
		Eval: func(c *ops.Call, a *bernoulliAttrs) error {
			x := c.In(0)
			return draw(c, a.Seed, func(v []float64, from int) {
				var p [drawBlock]float64
				n := min(drawBlock, x.Len()-from)
				num.Load64(p[:n], x, from)
				for i, u := range v[:n] {
					v[i] = 0
					if u < p[i] {
						v[i] = 1
					}
				}
			})
		},
	})
}

type multinomialAttrs struct {
	Dtype      tensor.DType `onnx:",6"`
	SampleSize int          `onnx:",1"`
	Seed       *float32
}

func opMultinomial() *ops.Op {
	return ops.Def(ops.Spec[multinomialAttrs]{
		Name: "Multinomial", In: "input:T1", Out: "output:T2", Types: "T1=floats4; T2=int32|int64", Flags: ops.Random,
		Vers: []ops.Ver{{Since: 22}, {Since: 7, Types: "T1=floats"}},
		Infer: func(c *ops.Infer, a *multinomialAttrs) error {
			t := c.In(0)
			if a.Dtype != tensor.Int32 && a.Dtype != tensor.Int64 {
				return fmt.Errorf("attribute dtype: %s is neither int32 nor int64", a.Dtype)
			}
			if a.SampleSize < 1 {
				return fmt.Errorf("attribute sample_size: %d must be positive", a.SampleSize)
			}
			if !t.Ranked {
				return c.OutRank(0, a.Dtype, 2)
			}
			if len(t.Shape) != 2 {
				return fmt.Errorf("the input must have rank 2, not %d", len(t.Shape))
			}
			return outSized(c, 0, a.Dtype, t.Shape[0], ops.Num(a.SampleSize))
		},
		Eval: evalMultinomial,
	})
}

func evalMultinomial(c *ops.Call, a *multinomialAttrs) error {
	x, y := c.In(0), c.Out(0)
	rows, classes := x.Dims()[0], x.Dims()[1]
	if rows > 0 && classes == 0 {
		return fmt.Errorf("there is nothing to draw from: the input is %s", x)
	}
	src, _ := sourceOf(c, a.Seed)
	sum := make([]float64, classes)
	u := make([]float64, a.SampleSize)
	out := make([]int64, a.SampleSize)
	for r := range rows {
		if err := c.Context().Err(); err != nil {
			return err
		}
		num.Load64(sum, x, r*classes)
		top := math.Inf(-1)
		for _, v := range sum {
			top = max(top, v)
		}
		total := 0.0
		for i, v := range sum {
			total += math.Exp(v - top)
			sum[i] = total
		}
		src.Fill(u, r*a.SampleSize)
		for i, v := range u {
			k := 0
			for k < classes-1 && sum[k] <= v*total {
				k++
			}
			out[i] = int64(k)
		}
		num.StoreInt(y, r*a.SampleSize, out)
	}
	return nil
}
