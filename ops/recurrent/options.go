package recurrent

import (
	"errors"
	"fmt"
	"strings"

	"ingot/internal/kernel/real"
	"ingot/ops"
)

// options are the attributes that the three operators share.
type options struct {
	alpha, beta []float32
	activations []string
	clip        *float32
	direction   string
	hidden      *int
	layout      int
}

// dirs returns the number of directions, and which of them run backwards.
func (o *options) dirs() (int, [2]bool, error) {
	switch o.direction {
	case "forward":
		return 1, [2]bool{}, nil
	case "reverse":
		return 1, [2]bool{true}, nil
	case "bidirectional":
		return 2, [2]bool{false, true}, nil
	}
	return 0, [2]bool{}, fmt.Errorf("direction is %q; it must be forward, reverse or bidirectional", o.direction)
}

func (o *options) check() error {
	if o.layout != 0 && o.layout != 1 {
		return fmt.Errorf("layout is %d; it must be 0 or 1", o.layout)
	}
	if o.clip != nil && !(*o.clip > 0) {
		return fmt.Errorf("clip is %v; it must be positive", *o.clip)
	}
	if o.hidden != nil && *o.hidden < 0 {
		return fmt.Errorf("hidden_size is %d", *o.hidden)
	}
	return nil
}

// activation is an activation function with its parameters.
type activation struct {
	name        string
	alpha, beta float32
}

// known lists the activations with their defaults, and how many of alpha and beta they take.
var known = []struct {
	activation
	alphas, betas int
}{
	{activation{"Relu", 0, 0}, 0, 0},
	{activation{"Tanh", 0, 0}, 0, 0},
	{activation{"Sigmoid", 0, 0}, 0, 0},
	{activation{"Affine", 1, 0}, 1, 1},
	{activation{"LeakyRelu", 0.01, 0}, 1, 0},
	{activation{"ThresholdedRelu", 1, 0}, 1, 0},
	{activation{"ScaledTanh", 1, 1}, 1, 1},
	{activation{"HardSigmoid", 0.2, 0.5}, 1, 1},
	{activation{"Elu", 1, 0}, 1, 0},
	{activation{"Softsign", 0, 0}, 0, 0},
	{activation{"Softplus", 0, 0}, 0, 0},
}

// functions returns the activations of all directions, one after another: n of them, the defaults where none are named.
//
// The lists of alpha and beta are consumed by the functions that take one, in their order; a list as long as that of the functions has one for
// each of them instead.
func (o *options) functions(n int, defaults ...string) ([]activation, error) {
	names := o.activations
	if len(names) == 0 {
		for len(names) < n {
			names = append(names, defaults...)
		}
	}
	if len(names) != n {
		return nil, fmt.Errorf("activations names %d functions, but %d are needed", len(names), n)
	}
	out := make([]activation, n)
	alphas, betas := list{"activation_alpha", o.alpha, len(o.alpha) == n, 0}, list{"activation_beta", o.beta, len(o.beta) == n, 0}
	for i, name := range names {
		found := false
		for _, k := range known {
			if !strings.EqualFold(k.name, name) {
				continue
			}
			found, out[i] = true, k.activation
			alphas.take(i, k.alphas, &out[i].alpha)
			betas.take(i, k.betas, &out[i].beta)
		}
		if !found {
			return nil, fmt.Errorf("activations names %q, which isn't an activation of recurrent operators", name)
		}
	}
	return out, errors.Join(alphas.rest(), betas.rest())
}

// list is a list of parameters that is being consumed.
type list struct {
	name  string
	vals  []float32
	whole bool // one for each function
	next  int
}

func (l *list) take(i, n int, v *float32) {
	switch {
	case n == 0:
	case l.whole:
		*v = l.vals[i]
	case l.next < len(l.vals):
		*v = l.vals[l.next]
		l.next++
	}
}

func (l *list) rest() error {
	if !l.whole && l.next < len(l.vals) {
		return fmt.Errorf("%s has %d values, but the activations take only %d", l.name, len(l.vals), l.next)
	}
	return nil
}

// function returns the activation as a loop over elements.
func function[T real.Float](a activation) real.Map[T] {
	l := real.For[T]()
	alpha, beta := T(a.alpha), T(a.beta)
	switch a.name {
	case "Relu":
		return l.Relu
	case "Tanh":
		return l.Tanh
	case "Sigmoid":
		return l.Sigmoid
	case "Softsign":
		return l.Softsign
	case "Softplus":
		return l.Softplus
	case "Affine":
		return func(dst, src []T) { l.MulAddS(dst, src, alpha, beta) }
	case "LeakyRelu":
		return func(dst, src []T) { l.LeakyRelu(dst, src, alpha) }
	case "ThresholdedRelu":
		return func(dst, src []T) { l.ThresholdedRelu(dst, src, alpha) }
	case "HardSigmoid":
		return func(dst, src []T) { l.HardSigmoid(dst, src, alpha, beta) }
	case "Elu":
		return func(dst, src []T) { l.Elu(dst, src, alpha) }
	}
	return func(dst, src []T) { // ScaledTanh
		l.MulS(dst, src, beta)
		l.Tanh(dst, dst)
		l.MulS(dst, dst, alpha)
	}
}

// places are the inputs and outputs of an operator; 0 for one that it doesn't have.
type places struct {
	gates                 int
	names                 []string // of the inputs
	c0, peepholes, cState int
}

// The inputs and outputs that all three have.
const (
	inX, inW, inR, inB, inLens, inH0 = 0, 1, 2, 3, 4, 5
	outY, outH                       = 0, 1
)

// infer checks the shapes and sets those of the outputs.
func infer(c *ops.Infer, o *options, p places) error {
	if err := o.check(); err != nil {
		return err
	}
	dirs, _, err := o.dirs()
	if err != nil {
		return err
	}
	d := ops.Num(dirs)
	seq, batch, input, hidden := c.Fresh(), c.Fresh(), c.Fresh(), c.Fresh()
	dims := []*ops.Dim{&seq, &batch, &input}
	if o.layout == 1 {
		dims[0], dims[1] = &batch, &seq
	}
	x, ok := c.Shape(inX)
	if ok {
		if len(x) != 3 {
			return fmt.Errorf("input X has rank %d; it must be 3", len(x))
		}
		for i := range x {
			*dims[i] = x[i]
		}
	}
	if r, ok := c.Shape(inR); ok && len(r) == 3 {
		hidden = r[2]
	}
	if o.hidden != nil {
		if n := ops.Num(*o.hidden); hidden.Known() && !hidden.Equal(n) {
			return fmt.Errorf("hidden_size is %d, but R has %s columns", *o.hidden, hidden)
		}
		hidden = ops.Num(*o.hidden)
	}
	times := func(n int) ops.Dim { return hidden.Mul(ops.Num(n)) }
	state := []ops.Dim{d, batch, hidden}
	y := []ops.Dim{seq, d, batch, hidden}
	if o.layout == 1 {
		state, y = []ops.Dim{batch, d, hidden}, []ops.Dim{batch, seq, d, hidden}
	}
	wants := map[int][]ops.Dim{inW: {d, times(p.gates), input}, inR: {d, times(p.gates), hidden}, inB: {d, times(2 * p.gates)}, inLens: {batch}, inH0: state}
	if p.c0 > 0 {
		wants[p.c0], wants[p.peepholes] = state, []ops.Dim{d, times(3)}
	}
	for i, name := range p.names {
		if err := checkShape(c, i, name, wants[i]); err != nil {
			return err
		}
	}
	dt := c.In(inX).DT
	if err := c.Out(outY, dt, y...); err != nil {
		return err
	}
	if p.cState > 0 {
		if err := c.Out(p.cState, dt, state...); err != nil {
			return err
		}
	}
	return c.Out(outH, dt, state...)
}

// checkShape compares what is known of input i's shape with what it must be; nil is anything.
func checkShape(c *ops.Infer, i int, name string, want []ops.Dim) error {
	s, ok := c.Shape(i)
	if !ok || want == nil {
		return nil
	}
	if len(s) != len(want) {
		return fmt.Errorf("%s has rank %d; it must be %d", name, len(s), len(want))
	}
	for k := range s {
		if s[k].Known() && want[k].Known() && !s[k].Equal(want[k]) {
			return fmt.Errorf("dimension %d of %s is %s; it must be %s", k, name, s[k], want[k])
		}
	}
	return nil
}
