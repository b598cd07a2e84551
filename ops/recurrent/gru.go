package recurrent

import (
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/tensor"
)

type gruAttrs struct {
	ActivationAlpha   []float32
	ActivationBeta    []float32
	Activations       []string
	Clip              *float32
	Direction         string `onnx:",forward"`
	HiddenSize        *int
	Layout            int  `onnx:",0"`
	LinearBeforeReset bool `onnx:",0"`
}

func (a *gruAttrs) options() *options {
	return &options{a.ActivationAlpha, a.ActivationBeta, a.Activations, a.Clip, a.Direction, a.HiddenSize, a.Layout}
}

var gruPlaces = places{gates: 3, names: []string{"X", "W", "R", "B", "sequence_lens", "initial_h"}}

// GRU is a layer of gated recurrent units. Its gates are update, reset and hidden.
var GRU = Ops.Add(ops.Def(ops.Spec[gruAttrs]{
	Name: "GRU", In: "X:T, W:T, R:T, B:T?, sequence_lens:T1?, initial_h:T?", Out: "Y:T?, Y_h:T?", Types: "T=floats4; T1=int32",
	Vers: []ops.Ver{{Since: 22}, {Since: 14, Types: "T=floats"}, {Since: 7, Attrs: "-layout"},
		{Since: 3, Attrs: "+output_sequence:int=0", Up: ops.DropAttrs("output_sequence")},
		{Since: 1, Out: "Y:T?, Y_h:T", Attrs: "-linear_before_reset direction:string=foward", Up: spellForward}},
	Infer: func(c *ops.Infer, a *gruAttrs) error {
		if _, err := gruFunctions(a); err != nil {
			return err
		}
		return infer(c, a.options(), gruPlaces)
	},
	Bind: func(b *ops.Bind, a *gruAttrs) (ops.Kernel, error) {
		if b.In(inX).DT == tensor.Float64 {
			return bindGRU[float64](b, a)
		}
		return bindGRU[float32](b, a)
	},
}))

// spellForward mends the default of version 1, which the standard misspells.
func spellForward(r *ops.Rewrite) error {
	if d := r.Attrs["direction"]; d != nil && d.S == "foward" {
		r.Attrs["direction"] = ops.StringAttr("forward")
	}
	return nil
}

func gruFunctions(a *gruAttrs) ([]activation, error) {
	o := a.options()
	dirs, _, err := o.dirs()
	if err != nil {
		return nil, err
	}
	return o.functions(2*dirs, "Sigmoid", "Tanh")
}

func bindGRU[T real.Float](b *ops.Bind, a *gruAttrs) (ops.Kernel, error) {
	acts, err := gruFunctions(a)
	if err != nil {
		return nil, err
	}
	parts := []part{{0, 2, true}, {2, 1, true}}
	if a.LinearBeforeReset {
		parts = []part{{0, 3, false}}
	}
	return bind(b, a.options(), gruPlaces, parts, func(_ *kernel[T], u *unit[T]) {
		cell := &gru[T]{unit: u, f: function[T](acts[2*u.dir]), g: function[T](acts[2*u.dir+1])}
		if a.LinearBeforeReset {
			u.phases[0].after = cell.linear
			return
		}
		u.phases[0].after, u.phases[1].after = cell.reset, cell.hiddenState
	})
}

// gru is the cell of one direction.
type gru[T real.Float] struct {
	*unit[T]
	f, g real.Map[T]
}

// linear makes the next state of sequence n when the reset gate works on the product of the hidden state: only the recurrent products
// are in the gates yet.
func (c *gru[T]) linear(n, t int) {
	k, H := c.kernel, c.hidden
	gates, x := c.phases[0].row(n), c.inputs(n, t)
	zr, h := gates[:2*H], gates[2*H:]
	k.Add(zr, zr, x[:2*H])
	k.clip(zr)
	c.f(zr, zr)
	k.Mul(h, h, zr[H:])
	k.Add(h, h, x[2*H:])
	c.finish(n, zr[:H], h)
}

// reset multiplies the hidden state of sequence n with the reset gate, for the second product.
func (c *gru[T]) reset(n, _ int) {
	k, H := c.kernel, c.hidden
	zr := c.phases[0].row(n)
	k.clip(zr)
	c.f(zr, zr)
	k.Mul(c.at(c.tmp, n), c.at(c.hs, n), zr[H:])
}

// hiddenState makes the next state of sequence n from the second product.
func (c *gru[T]) hiddenState(n, _ int) {
	c.finish(n, c.phases[0].row(n)[:c.hidden], c.phases[1].row(n))
}

// finish is Ht = (1 - z)·h + z·Ht-1. z and h are used up.
func (c *gru[T]) finish(n int, z, h []T) {
	k := c.kernel
	k.clip(h)
	c.g(h, h)
	state := c.at(c.hs, n)
	k.Mul(state, state, z)
	k.MulAddS(z, z, -1, 1)
	k.Mul(h, h, z)
	k.Add(state, state, h)
}
