package math

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ingot/ops"
	"ingot/tensor"
)

type einsumAttrs struct {
	Equation string `onnx:",required"`
}

// Einsum contracts its operands from the first to the last, two at a time, each time by a matrix product where that is possible.
var _ = Ops.Add(ops.Def(ops.Spec[einsumAttrs]{
	Name: "Einsum", In: "Inputs:T*", Out: "Output:T", Types: "T=num4", Vers: []ops.Ver{{Since: 28}, {Since: 12, Types: "T=num"}},
	Infer: func(c *ops.Infer, a *einsumAttrs) error {
		eq, err := parseEquation(a.Equation)
		if err != nil {
			return err
		}
		shapes := make([][]ops.Dim, c.NumIn())
		for i := range shapes {
			var ok bool
			if shapes[i], ok = c.Shape(i); !ok {
				return c.OutUnranked(0, c.In(0).DT)
			}
		}
		e, err := eq.resolve(shapes)
		if err != nil {
			return err
		}
		out := make([]ops.Dim, len(e.out))
		for i, l := range e.out {
			out[i] = e.size[l]
		}
		return c.Out(0, c.In(0).DT, out...)
	},
	Bind: func(b *ops.Bind, a *einsumAttrs) (ops.Kernel, error) {
		switch dt := b.In(0).DT; {
		case dt == tensor.Float32:
			return bindEinsum(b, a, &einsum32, nil)
		case dt == tensor.Float64:
			return bindEinsum(b, a, &einsum64, nil)
		case dt == tensor.Int64 || dt == tensor.Uint64:
			return bindEinsum(b, a, &einsumInt, nil)
		case dt.IsInteger():
			return bindEinsum(b, a, &einsumInt, &viaInt) // sums wrap alike in any wider type
		}
		return bindEinsum(b, a, &einsum32, &via32)
	},
}))

// label names a dimension: a letter, or -1, -2, … for those of an ellipsis, counted from the last.
type label int

// term is the part of an equation for one tensor: letters, with an ellipsis before letter dots unless that is -1.
type term struct {
	letters []label
	dots    int
}

type equation struct {
	in       []term
	out      term
	explicit bool
}

func parseEquation(s string) (*equation, error) {
	left, right, explicit := strings.Cut(strings.ReplaceAll(s, " ", ""), "->")
	eq := &equation{explicit: explicit}
	for _, f := range strings.Split(left, ",") {
		t, err := parseTerm(f)
		if err != nil {
			return nil, fmt.Errorf("attribute equation %q: %w", s, err)
		}
		eq.in = append(eq.in, t)
	}
	var err error
	if eq.out, err = parseTerm(right); err != nil {
		return nil, fmt.Errorf("attribute equation %q: %w", s, err)
	}
	return eq, nil
}

func parseTerm(s string) (term, error) {
	t := term{dots: -1}
	for len(s) > 0 {
		switch c := s[0]; {
		case strings.HasPrefix(s, "..."):
			if t.dots >= 0 {
				return t, errors.New("two ellipses for one tensor")
			}
			t.dots = len(t.letters)
			s = s[3:]
			continue
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			t.letters = append(t.letters, label(c))
		default:
			return t, fmt.Errorf("character %q", c)
		}
		s = s[1:]
	}
	return t, nil
}

// labels gives each of rank dimensions its label.
func (t term) labels(rank int) ([]label, error) {
	more := rank - len(t.letters)
	if more < 0 || more > 0 && t.dots < 0 {
		return nil, fmt.Errorf("%d letters for a tensor of rank %d", len(t.letters), rank)
	}
	if t.dots < 0 {
		return t.letters, nil
	}
	var dots []label
	for i := more; i > 0; i-- {
		dots = append(dots, label(-i))
	}
	return slices.Concat(t.letters[:t.dots], dots, t.letters[t.dots:]), nil
}

// einsum is an equation for tensors of known rank.
type einsum struct {
	in   [][]label
	out  []label
	size map[label]ops.Dim
}

func (eq *equation) resolve(shapes [][]ops.Dim) (*einsum, error) {
	if len(shapes) != len(eq.in) {
		return nil, fmt.Errorf("attribute equation names %d tensors, the node has %d inputs", len(eq.in), len(shapes))
	}
	e := &einsum{size: map[label]ops.Dim{}}
	uses, dots := map[label]int{}, 0
	for i, shape := range shapes {
		ls, err := eq.in[i].labels(len(shape))
		if err != nil {
			return nil, fmt.Errorf("attribute equation, input %d: %w", i, err)
		}
		e.in = append(e.in, ls)
		for k, l := range ls {
			uses[l]++
			dots = max(dots, int(-l))
			if err := e.setSize(l, shape[k]); err != nil {
				return nil, fmt.Errorf("attribute equation, input %d: %w", i, err)
			}
		}
	}
	if eq.explicit {
		n := len(eq.out.letters)
		if eq.out.dots >= 0 {
			n += dots
		}
		e.out, _ = eq.out.labels(n)
		for i, l := range e.out {
			if uses[l] == 0 || slices.Contains(e.out[:i], l) {
				return nil, fmt.Errorf("attribute equation: output label %q is in no input, or named twice", rune(l))
			}
		}
		return e, nil
	}
	for i := dots; i > 0; i-- {
		e.out = append(e.out, label(-i))
	}
	for l := label('A'); l <= 'z'; l++ {
		if uses[l] == 1 {
			e.out = append(e.out, l)
		}
	}
	return e, nil
}

// setSize notes a dimension; 1 is broadcast.
func (e *einsum) setSize(l label, d ops.Dim) error {
	old, ok := e.size[l]
	switch {
	case !ok, old.Is(1):
		e.size[l] = d
	case d.Is(1) || d.Equal(old):
	case d.Known() && old.Known():
		return fmt.Errorf("a dimension is %s here but %s in an input before", d, old)
	case d.Known():
		e.size[l] = d
	}
	return nil
}
