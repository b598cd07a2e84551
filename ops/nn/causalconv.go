package nn

import (
	"fmt"

	"ingot/internal/kernel/attn"
	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type causalConvAttrs struct {
	Activation string `onnx:",none"`
}

// CausalConvWithState convolves each channel with what came before, and keeps the end of it for the next call.
func CausalConvWithState() *ops.Op {
	return ops.Def(ops.Spec[causalConvAttrs]{
		Name: "CausalConvWithState", In: "input:T, weight:T, bias:T?, past_state:T?", Out: "output:T, present_state:T",
		Types: "T=float|float16|bfloat16", Vers: []ops.Ver{{Since: 27}},
		Infer: func(c *ops.Infer, a *causalConvAttrs) error {
			if a.Activation != "none" && a.Activation != "silu" && a.Activation != "swish" {
				return fmt.Errorf("activation is %q; it must be none, silu or swish", a.Activation)
			}
			dt := c.In(0).DT
			x, ok1 := c.Shape(0)
			w, ok2 := c.Shape(1)
			if ok1 && len(x) != 3 || ok2 && len(w) != 3 {
				return fmt.Errorf("input is %s and weight %s; both must have 3 dimensions", sym.ShapeString(x), sym.ShapeString(w))
			}
			if !ok1 || !ok2 {
				c.OutLike(0, 0)
				return c.OutRank(1, dt, 3)
			}
			if w[2].Is(0) {
				return fmt.Errorf("weight is %s; the kernel is empty", sym.ShapeString(w))
			}
			if err := checkDims(c, 1, "weight", x[1], ops.Num(1), w[2]); err != nil {
				return err
			}
			if err := checkDims(c, 2, "bias", x[1]); err != nil {
				return err
			}
			state := []ops.Dim{x[0], x[1], w[2].Sub(ops.Num(1))}
			if err := checkDims(c, 3, "past_state", state...); err != nil {
				return err
			}
			c.OutLike(0, 0)
			return c.Out(1, dt, state...)
		},
		Bind: func(b *ops.Bind, a *causalConvAttrs) (ops.Kernel, error) {
			x, w := b.Dims(0), b.Dims(1)
			k := &causalConv{channels: x[1], length: x[2], keep: w[2] - 1, silu: a.Activation != "none", dt: b.In(0).DT}
			k.rows = x[0] * x[1]
			k.per = rowsOfTile(k.rows, k.length*w[2]/4+k.keep+8)
			var room wide.Room[float32]
			for i := range k.in {
				k.in[i] = room.In(b, i)
			}
			k.out, k.state = room.Out(b, 0), room.Out(b, 1)
			room.Claim(b)
			return k, nil
		},
	})
}

// causalConv computes rows: channels of samples.
type causalConv struct {
	rows, per              int
	channels, length, keep int // keep: elements of a channel's state
	silu                   bool
	dt                     tensor.DType
	in                     [4]wide.Operand[float32]
	out, state             wide.Result[float32]

	x    [4][]float32
	y, s []float32
}

// Run computes all channels.
func (k *causalConv) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	for i := range k.in {
		k.x[i] = k.in[i].Load(c, s)
	}
	k.y, k.s = k.out.Elements(c, s), k.state.Elements(c, s)
	if k.rows == 0 {
		return nil
	}
	if err := c.Parallel((k.rows-1)/k.per+1, k); err != nil {
		return err
	}
	k.out.Store(c, s)
	k.state.Store(c, s)
	return nil
}

// Tile implements [ops.Job].
func (k *causalConv) Tile(w ops.Worker, i int) {
	padded := ops.Scratch[float32](w, k.keep+k.length)
	for r := i * k.per; r < min(k.rows, (i+1)*k.per); r++ {
		channel := r % k.channels
		if past := k.x[3]; past != nil {
			copy(padded[:k.keep], past[r*k.keep:])
		} else {
			clear(padded[:k.keep])
		}
		copy(padded[k.keep:], k.x[0][r*k.length:])
		if k.y != nil {
			bias := float32(0)
			if k.x[2] != nil {
				bias = k.x[2][channel]
			}
			y := k.y[r*k.length:][:k.length]
			attn.Convolve(y, padded, k.x[1][channel*(k.keep+1):][:k.keep+1], bias)
			if k.silu {
				if k.dt != tensor.Float32 {
					roundTo(k.dt, y) // the activation is a step of its own
				}
				vec.SiLU(y, y)
			}
		}
		if k.s != nil {
			copy(k.s[r*k.keep:][:k.keep], padded[k.length:])
		}
	}
}
