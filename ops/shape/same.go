package shape

import (
	"errors"
	"fmt"
	"slices"

	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type noAttrs struct{}

// viewSame is the View of operators whose output has the input's bytes.
func viewSame[A any](c *ops.Infer, _ *A, o int) (int, int, bool) { return 0, 0, o == 0 }

// bindSame copies, where the planner couldn't make a view.
func bindSame[A any](b *ops.Bind, _ *A) (ops.Kernel, error) {
	if b.In(0).Kind != ops.KindTensor {
		return passKernel{}, nil
	}
	n := numel(b.Dims(0))
	return bindCopy(move.NewCopy(b.In(0).DT.Size(), 0, 0, move.Dim{N: n, Dst: 1, Src: 1})), nil
}

// passKernel passes on what isn't a tensor: such values are never changed once made.
type passKernel struct{}

func (passKernel) Run(c *ops.Call) error {
	c.Set(0, c.Value(0))
	return nil
}

// keepVals passes a known value on unchanged.
func keepVals(c *ops.Infer) {
	if v := c.In(0).Val; v != nil {
		c.SetVal(0, v)
	}
}

var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Identity", In: "input:V", Out: "output:V", Types: "V=all13|seq(all)|optional(seq(all))|optional(all)",
	Vers: []ops.Ver{{Since: 25}, {Since: 24, Types: "V=all12|seq(all)|optional(seq(all))|optional(all)"},
		{Since: 23, Types: "V=all11|seq(all)|optional(seq(all))|optional(all)"}, {Since: 21, Types: "V=all10|seq(all)|optional(seq(all))|optional(all)"},
		{Since: 19, Types: "V=all9|seq(all)|optional(seq(all))|optional(all)"}, {Since: 16, Types: "V=all4|seq(all)|optional(seq(all))|optional(all)"},
		{Since: 14, Types: "V=all4|seq(all)"}, {Since: 13, In: "input:T", Out: "output:T", Types: "T=all4"}, {Since: 1, Types: "T=all"}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		if err := c.OutLike(0, 0); err != nil {
			return err
		}
		keepVals(c)
		return nil
	},
	View: viewSame[noAttrs], Bind: bindSame[noAttrs], InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
}))

// since25 is the history of types that the operators share which take every type.
func since25(v string, more ...ops.Ver) []ops.Ver {
	return append([]ops.Ver{{Since: 25}, {Since: 24, Types: v + "=all12"}, {Since: 23, Types: v + "=all11"}, {Since: 21, Types: v + "=all10"}}, more...)
}

type reshapeAttrs struct {
	Allowzero bool `onnx:",0"`
}

var _ = Ops.Add(ops.Def(ops.Spec[reshapeAttrs]{
	Name: "Reshape", In: "data:T, shape:int64", Out: "reshaped:T", Types: "T=all13",
	Vers: since25("T", ops.Ver{Since: 19, Types: "T=all9"}, ops.Ver{Since: 14, Types: "T=all4"}, ops.Ver{Since: 13, Attrs: "-allowzero"},
		ops.Ver{Since: 5, Types: "T=all"},
		ops.Ver{Since: 1, In: "data:T", Types: "T=floats", Attrs: "+consumed_inputs:ints +shape:ints", Up: func(r *ops.Rewrite) error {
			delete(r.Attrs, "consumed_inputs")
			if r.Attrs["shape"] == nil {
				return errors.New("attribute shape is missing")
			}
			return ops.AttrToInput("shape", 1)(r)
		}}),
	Infer: inferReshape, View: viewSame[reshapeAttrs], Bind: bindSame[reshapeAttrs], InPlace: [][2]int8{{0, 0}},
}))

func inferReshape(c *ops.Infer, a *reshapeAttrs) error {
	t := c.In(0)
	if _, ok := c.Ints(1); !ok {
		if v, _ := c.Vals(1); v == nil {
			return outOfLen(c, 0, t.DT, 1)
		}
	}
	want, _ := c.Vals(1)
	out := make([]ops.Dim, len(want))
	free := -1
	zero := false
	for i, d := range want {
		out[i] = d
		n, isNum := d.Int()
		switch {
		case !isNum || n > 0:
		case n == 0 && a.Allowzero:
			zero = true
		case n == 0 && !t.Ranked:
			out[i] = sym.Unknown()
		case n == 0 && i >= len(t.Shape):
			return fmt.Errorf("shape %s: place %d copies a dimension that the input %s doesn't have", sym.ShapeString(want), i, sym.ShapeString(t.Shape))
		case n == 0:
			out[i] = t.Shape[i]
		case n == -1 && free < 0:
			free = i
		case n == -1:
			return fmt.Errorf("shape %s has -1 more than once", sym.ShapeString(want))
		default:
			return fmt.Errorf("shape %s has a negative dimension", sym.ShapeString(want))
		}
	}
	if zero && free >= 0 {
		return fmt.Errorf("shape %s has both 0 and -1, which allowzero doesn't allow", sym.ShapeString(want))
	}
	if !t.Ranked {
		if free >= 0 {
			out[free] = sym.Unknown()
		}
	} else if err := fillFree(t.Shape, out, free); err != nil {
		return fmt.Errorf("%s can't be reshaped to %s: %w", sym.ShapeString(t.Shape), sym.ShapeString(want), err)
	}
	if err := outSized(c, 0, t.DT, out...); err != nil {
		return err
	}
	keepVals(c)
	return nil
}

// fillFree computes the dimension that was left free, if there is one, and checks that sizes agree. Dimensions that occur on both sides
// cancel, so that a dimension of 0 that is kept leaves the free one known.
func fillFree(in, out []ops.Dim, free int) error {
	used := make([]bool, len(in))
	rest := ops.Num(1)
	symbols := false // among the dimensions that cancel: they may turn out to be 0
next:
	for i, d := range out {
		if i == free {
			continue
		}
		for j, e := range in {
			if !used[j] && d.Equal(e) {
				used[j] = true
				symbols = symbols || !d.Known()
				continue next
			}
		}
		rest = rest.Mul(d)
	}
	left := ops.Num(1)
	for j, e := range in {
		if !used[j] {
			left = left.Mul(e)
		}
	}
	isZero := func(d ops.Dim) bool { return d.Is(0) }
	if free < 0 && slices.ContainsFunc(in, isZero) && slices.ContainsFunc(out, isZero) {
		return nil // no elements on either side
	}
	n, okN := left.Int()
	m, okM := rest.Int()
	switch known := okN && okM; {
	case free < 0 && known && n != m && n*m == 0 && symbols:
		// One side has no elements: so has the other, if one of those is 0.
	case free < 0 && known && n != m:
		return errors.New("the numbers of elements differ")
	case free < 0:
	case known && (m == 0 && n != 0 || m != 0 && n%m != 0):
		return errors.New("the number of elements doesn't divide")
	case known && m == 0:
		out[free] = ops.Num(0)
	default:
		out[free] = left.FloorDiv(rest)
	}
	return nil
}

// outOfLen sets output o to a tensor whose rank is the length of input i, a vector that isn't known.
func outOfLen(c *ops.Infer, o int, dt tensor.DType, i int) error {
	s, ok := c.Shape(i)
	if !ok || len(s) != 1 {
		return c.OutUnranked(o, dt)
	}
	n, ok := s[0].Int()
	if !ok || n < 0 || n > maxRank {
		return c.OutUnranked(o, dt)
	}
	return c.OutRank(o, dt, int(n))
}

// maxRank bounds the rank that a shape of unknown values may announce.
const maxRank = 1 << 10

type flattenAttrs struct {
	Axis int `onnx:",1"`
}

var _ = Ops.Add(ops.Def(ops.Spec[flattenAttrs]{
	Name: "Flatten", In: "input:T", Out: "output:T", Types: "T=all13",
	Vers: since25("T", ops.Ver{Since: 13, Types: "T=all4"}, ops.Ver{Since: 11, Types: "T=all"}, ops.Ver{Since: 9}, ops.Ver{Since: 1, Types: "T=floats"}),
	Infer: func(c *ops.Infer, a *flattenAttrs) error {
		t := c.In(0)
		if !t.Ranked {
			return c.OutRank(0, t.DT, 2)
		}
		k := a.Axis
		if k < 0 {
			k += len(t.Shape)
		}
		if k < 0 || k > len(t.Shape) {
			return fmt.Errorf("attribute axis: %d is outside of rank %d", a.Axis, len(t.Shape))
		}
		if err := c.Out(0, t.DT, sym.Prod(t.Shape[:k]), sym.Prod(t.Shape[k:])); err != nil {
			return err
		}
		keepVals(c)
		return nil
	},
	View: viewSame[flattenAttrs], Bind: bindSame[flattenAttrs], InPlace: [][2]int8{{0, 0}},
}))

var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Squeeze", In: "data:T, axes:int64?", Out: "squeezed:T", Types: "T=all13",
	Vers: since25("T", ops.Ver{Since: 13, Types: "T=all4"},
		ops.Ver{Since: 11, In: "data:T", Types: "T=all", Attrs: "+axes:ints", Up: ops.AttrToInput("axes", 1)}, ops.Ver{Since: 1}),
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		t := c.In(0)
		gone, known, err := squeezed(c)
		if err != nil {
			return err
		}
		if !known {
			return c.OutUnranked(0, t.DT)
		}
		out := make([]ops.Dim, 0, len(t.Shape))
		for i, d := range t.Shape {
			if !gone[i] {
				out = append(out, d)
			} else if d.Known() && !d.Is(1) {
				return fmt.Errorf("axes: dimension %d of %s isn't 1", i, sym.ShapeString(t.Shape))
			}
		}
		if err := c.Out(0, t.DT, out...); err != nil {
			return err
		}
		keepVals(c)
		return nil
	},
	View: viewSame[noAttrs], Bind: bindSame[noAttrs], InPlace: [][2]int8{{0, 0}},
}))

// squeezed tells which dimensions Squeeze takes away.
func squeezed(c *ops.Infer) (gone []bool, known bool, err error) {
	t := c.In(0)
	if c.Has(1) {
		axes, ok := c.Ints(1)
		if !ok || !t.Ranked {
			return nil, false, nil
		}
		list, err := ops.Axes(axes, len(t.Shape))
		if err != nil {
			return nil, false, fmt.Errorf("axes: %w", err)
		}
		gone = make([]bool, len(t.Shape))
		for _, a := range list {
			gone[a] = true
		}
		return gone, true, nil
	}
	if !t.Ranked {
		return nil, false, nil
	}
	gone = make([]bool, len(t.Shape))
	for i, d := range t.Shape {
		if !d.Known() {
			return nil, false, nil
		}
		gone[i] = d.Is(1)
	}
	return gone, true, nil
}

var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Unsqueeze", In: "data:T, axes:int64", Out: "expanded:T", Types: "T=all13",
	Vers: since25("T", ops.Ver{Since: 13, Types: "T=all4"},
		ops.Ver{Since: 11, In: "data:T", Types: "T=all", Attrs: "+axes:ints=required", Up: ops.AttrToInput("axes", 1)}, ops.Ver{Since: 1}),
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		t := c.In(0)
		axes, ok := c.Ints(1)
		if !ok || !t.Ranked {
			return c.OutUnranked(0, t.DT)
		}
		list, err := ops.Axes(axes, len(t.Shape)+len(axes))
		if err != nil {
			return fmt.Errorf("axes: %w", err)
		}
		out := make([]ops.Dim, len(t.Shape)+len(axes))
		isNew := make([]bool, len(out))
		for _, a := range list {
			out[a], isNew[a] = ops.Num(1), true
		}
		from := t.Shape
		for i := range out {
			if !isNew[i] {
				out[i], from = from[0], from[1:]
			}
		}
		if err := c.Out(0, t.DT, out...); err != nil {
			return err
		}
		keepVals(c)
		return nil
	},
	View: viewSame[noAttrs], Bind: bindSame[noAttrs], InPlace: [][2]int8{{0, 0}},
}))
