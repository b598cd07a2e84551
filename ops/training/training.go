// Package training holds the operators of ai.onnx.preview.training that take a step of gradient descent, so that a model which brings its gradients
// along can be trained:
//
//	import _ "ingot/ops/training"
//
// adds them to those that every model gets. They are made of element-wise operators when a model is bound. Gradient, which would differentiate the
// model around it, isn't there.
package training

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

// Domain is the operators' domain.
const Domain = "ai.onnx.preview.training"

// Ops lists the family.
var Ops = []*ops.Op{Adagrad, Adam, Momentum}

func init() { ops.RegisterDefaults(Ops) }

// optimizer declares an operator that updates tensors. Its inputs are the learning rate R, the count T of updates before this one, then the
// tensors X, their gradients, and as many tensors for each kind of state; its outputs are the new X and the new states. step makes one tensor's.
func optimizer[A any](name string, states int, check func(a *A) error, step func(s *update, a *A) (x ops.Ref, state []ops.Ref)) *ops.Op {
	return ops.Def(ops.Spec[A]{
		Name: name, Domain: Domain, In: "R:T1, T:T2, inputs:~T3*", Out: "outputs:~T3*", Types: "T1=float|double; T2=int64; T3=float|double",
		Vers: []ops.Ver{{Since: 1}},
		Expand: func(x *ops.Expansion, a *A) error {
			if err := check(a); err != nil {
				return err
			}
			total := 0
			for x.Has(2 + total) {
				total++
			}
			n := total / (2 + states)
			if n*(2+states) != total {
				return fmt.Errorf("has %d tensors behind R and T; must be groups of %d: those to update, their gradients and states", total, 2+states)
			}
			for i := range n {
				s := &update{Expansion: x, dt: x.Type(2 + i).DT, x: x.In(2 + i), g: x.In(2 + n + i)}
				s.rate, s.count = s.scalar(x.In(0)), s.scalar(x.In(1))
				for k := range states {
					s.state = append(s.state, x.In(2+(2+k)*n+i))
				}
				updated, state := step(s, a)
				if err := x.SetOut(i, updated); err != nil {
					return err
				}
				for k, v := range state {
					if err := x.SetOut((1+k)*n+i, v); err != nil {
						return err
					}
				}
			}
			return nil
		},
	})
}

// update is that of one tensor x.
type update struct {
	*ops.Expansion
	dt          tensor.DType
	rate, count ops.Ref // scalars of x's type
	x, g        ops.Ref
	state       []ops.Ref
}

// scalar gives a tensor of one element rank 0 and x's type.
func (s *update) scalar(v ops.Ref) ops.Ref {
	return s.Op("Reshape", nil, s.Op("Cast", ops.Attrs{"to": ops.IntAttr(int64(s.dt))}, v), s.Const(tensor.Of([]int64{}, 0)))
}

// num is a constant of x's type.
func (s *update) num(v float64) ops.Ref {
	if s.dt == tensor.Float64 {
		return s.Const(tensor.Scalar(v))
	}
	return s.Const(tensor.Scalar(float32(v)))
}

func (s *update) add(a, b ops.Ref) ops.Ref { return s.Op("Add", nil, a, b) }
func (s *update) sub(a, b ops.Ref) ops.Ref { return s.Op("Sub", nil, a, b) }
func (s *update) mul(a, b ops.Ref) ops.Ref { return s.Op("Mul", nil, a, b) }
func (s *update) div(a, b ops.Ref) ops.Ref { return s.Op("Div", nil, a, b) }
func (s *update) root(a ops.Ref) ops.Ref   { return s.Op("Sqrt", nil, a) }

// ifStarted is a once there was an update, and b for the first.
func (s *update) ifStarted(a, b ops.Ref) ops.Ref {
	return s.Op("Where", nil, s.Op("Greater", nil, s.count, s.num(0)), a, b)
}

// regularized is the gradient with that of norm/2·|x|².
func (s *update) regularized(norm float32) ops.Ref {
	if norm == 0 {
		return s.g
	}
	return s.add(s.mul(s.num(float64(norm)), s.x), s.g)
}

func always[A any](*A) error { return nil }

type adagradAttrs struct {
	NormCoefficient float32 `onnx:",0"`
	DecayFactor     float32 `onnx:",0"`
	Epsilon         float32 `onnx:",1e-6"`
}

// Adagrad divides each element's step by the root of the sum of its squared gradients, which is its state (Duchi, Hazan and Singer, 2011).
var Adagrad = optimizer("Adagrad", 1, always, func(s *update, a *adagradAttrs) (ops.Ref, []ops.Ref) {
	rate := s.div(s.rate, s.add(s.num(1), s.mul(s.count, s.num(float64(a.DecayFactor)))))
	g := s.regularized(a.NormCoefficient)
	squares := s.add(s.state[0], s.mul(g, g))
	return s.sub(s.x, s.div(s.mul(rate, g), s.add(s.root(squares), s.num(float64(a.Epsilon))))), []ops.Ref{squares}
})

type adamAttrs struct {
	Alpha               float32 `onnx:",0.9"`
	Beta                float32 `onnx:",0.999"`
	Epsilon             float32 `onnx:",1e-6"`
	NormCoefficient     float32 `onnx:",0"`
	NormCoefficientPost float32 `onnx:",0"`
}

// Adam divides a running mean of the gradients by the root of one of their squares; the two means are its states (Kingma and Ba, 2014).
var Adam = optimizer("Adam", 2, always, func(s *update, a *adamAttrs) (ops.Ref, []ops.Ref) {
	alpha, beta := float64(a.Alpha), float64(a.Beta)
	g := s.regularized(a.NormCoefficient)
	mean := s.add(s.mul(s.num(alpha), s.state[0]), s.mul(s.num(1-alpha), g))
	squares := s.add(s.mul(s.num(beta), s.state[1]), s.mul(s.num(1-beta), s.mul(g, g)))
	rest := func(f float64) ops.Ref { return s.sub(s.num(1), s.Op("Pow", nil, s.num(f), s.count)) }
	rate := s.ifStarted(s.div(s.mul(s.rate, s.root(rest(beta))), rest(alpha)), s.rate)
	x := s.sub(s.x, s.mul(rate, s.div(mean, s.add(s.root(squares), s.num(float64(a.Epsilon))))))
	if a.NormCoefficientPost != 0 {
		x = s.mul(s.num(1-float64(a.NormCoefficientPost)), x)
	}
	return x, []ops.Ref{mean, squares}
})

type momentumAttrs struct {
	Alpha           float32 `onnx:",required"`
	Beta            float32 `onnx:",required"`
	NormCoefficient float32 `onnx:",required"`
	Mode            string  `onnx:",required"`
}

// Momentum steps along a decaying sum of the gradients, its state; in mode "nesterov" as if that step had been taken before.
var Momentum = optimizer("Momentum", 1, (*momentumAttrs).check, func(s *update, a *momentumAttrs) (ops.Ref, []ops.Ref) {
	g := s.regularized(a.NormCoefficient)
	fresh := s.mul(s.ifStarted(s.num(float64(a.Beta)), s.num(1)), g)
	sum := s.add(s.mul(s.num(float64(a.Alpha)), s.state[0]), fresh)
	along := sum
	if a.Mode == "nesterov" {
		along = s.add(g, s.mul(s.num(float64(a.Alpha)), sum))
	}
	return s.sub(s.x, s.mul(s.rate, along)), []ops.Ref{sum}
})

func (a *momentumAttrs) check() error {
	if a.Mode != "standard" && a.Mode != "nesterov" {
		return fmt.Errorf("attribute mode: %q, must be standard or nesterov", a.Mode)
	}
	return nil
}
