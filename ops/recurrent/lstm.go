package recurrent

import (
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/tensor"
)

type lstmAttrs struct {
	ActivationAlpha []float32
	ActivationBeta  []float32
	Activations     []string
	Clip            *float32
	Direction       string `onnx:",forward"`
	HiddenSize      *int
	InputForget     bool `onnx:",0"`
	Layout          int  `onnx:",0"`
}

func (a *lstmAttrs) options() *options {
	return &options{a.ActivationAlpha, a.ActivationBeta, a.Activations, a.Clip, a.Direction, a.HiddenSize, a.Layout}
}

var lstmPlaces = places{gates: 4, names: []string{"X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"}, c0: 6, peepholes: 7, cState: 2}

// LSTM is a layer of long short-term memory. Its gates are input, output, forget and cell.
var LSTM = Ops.Add(ops.Def(ops.Spec[lstmAttrs]{
	Name: "LSTM", In: "X:T, W:T, R:T, B:T?, sequence_lens:T1?, initial_h:T?, initial_c:T?, P:T?", Out: "Y:T?, Y_h:T?, Y_c:T?",
	Types: "T=floats4; T1=int32",
	Vers: []ops.Ver{{Since: 22}, {Since: 14, Types: "T=floats"}, {Since: 7, Attrs: "-layout"},
		{Since: 1, Attrs: "+output_sequence:int=0", Up: ops.DropAttrs("output_sequence")}},
	Infer: func(c *ops.Infer, a *lstmAttrs) error {
		if _, err := lstmFunctions(a); err != nil {
			return err
		}
		return infer(c, a.options(), lstmPlaces)
	},
	Bind: func(b *ops.Bind, a *lstmAttrs) (ops.Kernel, error) {
		if b.In(inX).DT == tensor.Float64 {
			return bindLSTM[float64](b, a)
		}
		return bindLSTM[float32](b, a)
	},
}))

func lstmFunctions(a *lstmAttrs) ([]activation, error) {
	o := a.options()
	dirs, _, err := o.dirs()
	if err != nil {
		return nil, err
	}
	return o.functions(3*dirs, "Sigmoid", "Tanh", "Tanh")
}

func bindLSTM[T real.Float](b *ops.Bind, a *lstmAttrs) (ops.Kernel, error) {
	acts, err := lstmFunctions(a)
	if err != nil {
		return nil, err
	}
	return bind(b, a.options(), lstmPlaces, []part{{0, 4, true}}, func(_ *kernel[T], u *unit[T]) {
		f := acts[3*u.dir:]
		cell := &lstm[T]{unit: u, f: function[T](f[0]), g: function[T](f[1]), h: function[T](f[2]), coupled: a.InputForget}
		u.phases[0].after = cell.row
	})
}

// lstm is the cell of one direction.
type lstm[T real.Float] struct {
	*unit[T]
	f, g, h real.Map[T]
	coupled bool // the forget gate is what the input gate leaves
}

// row makes the next state of sequence n from its gates.
func (l *lstm[T]) row(n, _ int) {
	k, H := l.kernel, l.hidden
	gates := l.phases[0].row(n)
	i, o, f, c := gates[:H], gates[H:2*H], gates[2*H:3*H], gates[3*H:]
	state, hidden, tmp := l.at(l.cs, n), l.at(l.hs, n), l.at(l.tmp, n)
	if l.peep == nil {
		k.clip(gates)
		l.f(gates[:3*H], gates[:3*H])
	} else {
		k.Mul(tmp, l.peep[:H], state)
		k.Add(i, i, tmp)
		k.Mul(tmp, l.peep[2*H:3*H], state)
		k.Add(f, f, tmp)
		k.clip(i)
		k.clip(f)
		k.clip(c)
		l.f(i, i)
		l.f(f, f)
	}
	if l.coupled {
		k.MulAddS(f, i, -1, 1)
	}
	l.g(c, c)
	k.Mul(state, state, f)
	k.Mul(c, c, i)
	k.Add(state, state, c)
	if l.peep != nil {
		k.Mul(tmp, l.peep[H:2*H], state)
		k.Add(o, o, tmp)
		k.clip(o)
		l.f(o, o)
	}
	if k.limit > 0 { // the activation's input is clipped, the cell is not
		k.Clip(tmp, state, -k.limit, k.limit)
		l.h(tmp, tmp)
	} else {
		l.h(tmp, state)
	}
	k.Mul(hidden, o, tmp)
}
