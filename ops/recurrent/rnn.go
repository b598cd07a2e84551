package recurrent

import (
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/tensor"
)

type rnnAttrs struct {
	ActivationAlpha []float32
	ActivationBeta  []float32
	Activations     []string `onnx:",Tanh Tanh"`
	Clip            *float32
	Direction       string `onnx:",forward"`
	HiddenSize      *int
	Layout          int `onnx:",0"`
}

func (a *rnnAttrs) options() *options {
	return &options{a.ActivationAlpha, a.ActivationBeta, a.Activations, a.Clip, a.Direction, a.HiddenSize, a.Layout}
}

var rnnPlaces = places{gates: 1, names: []string{"X", "W", "R", "B", "sequence_lens", "initial_h"}}

// RNN is a layer of simple recurrent units.
var RNN = Ops.Add(ops.Def(ops.Spec[rnnAttrs]{
	Name: "RNN", In: "X:T, W:T, R:T, B:T?, sequence_lens:T1?, initial_h:T?", Out: "Y:T?, Y_h:T?", Types: "T=floats4; T1=int32",
	Vers: []ops.Ver{{Since: 22}, {Since: 14, Types: "T=floats"}, {Since: 7, Attrs: "-layout"},
		{Since: 1, Attrs: "+output_sequence:int=0", Up: ops.DropAttrs("output_sequence")}},
	Infer: func(c *ops.Infer, a *rnnAttrs) error {
		if _, err := rnnFunctions(a); err != nil {
			return err
		}
		return infer(c, a.options(), rnnPlaces)
	},
	Bind: func(b *ops.Bind, a *rnnAttrs) (ops.Kernel, error) {
		if b.In(inX).DT == tensor.Float64 {
			return bindRNN[float64](b, a)
		}
		return bindRNN[float32](b, a)
	},
}))

// rnnFunctions leaves out the second activation of one direction: the default has two.
func rnnFunctions(a *rnnAttrs) ([]activation, error) {
	o := a.options()
	dirs, _, err := o.dirs()
	if err != nil {
		return nil, err
	}
	if dirs == 1 && len(o.activations) == 2 {
		o.activations = o.activations[:1]
		o.alpha, o.beta = o.alpha[:min(1, len(o.alpha))], o.beta[:min(1, len(o.beta))]
	}
	return o.functions(dirs, "Tanh")
}

func bindRNN[T real.Float](b *ops.Bind, a *rnnAttrs) (ops.Kernel, error) {
	acts, err := rnnFunctions(a)
	if err != nil {
		return nil, err
	}
	return bind(b, a.options(), rnnPlaces, []part{{0, 1, true}}, func(_ *kernel[T], u *unit[T]) {
		f := function[T](acts[u.dir])
		u.phases[0].after = func(n, _ int) {
			gates := u.phases[0].row(n)
			u.kernel.clip(gates)
			f(u.at(u.hs, n), gates)
		}
	})
}
