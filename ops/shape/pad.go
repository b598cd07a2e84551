package shape

import (
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type padAttrs struct {
	Mode string `onnx:",constant"`
}

const padTypes = "; Tind=int32|int64"

var _ = Ops.Add(ops.Def(ops.Spec[padAttrs]{
	Name: "Pad", In: "data:T, pads:int64, constant_value:T?, axes:Tind?", Out: "output:T", Types: "T=all13" + padTypes,
	Vers: since25("T", ops.Ver{Since: 19, Types: "T=all4"}, ops.Ver{Since: 18}, ops.Ver{Since: 13, In: "data:T, pads:int64, constant_value:T?"},
		ops.Ver{Since: 11, Types: "T=num"},
		ops.Ver{Since: 2, In: "data:T", Types: "T=floats", Attrs: "+pads:ints=required +value:float=0", Up: padInputs},
		ops.Ver{Since: 1, Attrs: "-pads +paddings:ints=required", Up: func(r *ops.Rewrite) error {
			r.Attrs["pads"] = r.Take("paddings")
			return nil
		}}),
	Infer: inferPad,
	View:  func(c *ops.Infer, _ *padAttrs, _ int) (int, int, bool) { return 0, 0, unpadded(c) },
	Bind:  bindPad, Layout: lastOf("PadNHWC"),
}))

// padInputs turns pads and value into inputs.
func padInputs(r *ops.Rewrite) error {
	if err := ops.AttrToInput("pads", 1)(r); err != nil {
		return err
	}
	v := r.Take("value")
	if v == nil || v.F == 0 {
		return nil
	}
	value := r.Graph.Const(tensor.Scalar(v.F))
	if r.Type(0).DT != tensor.Float32 {
		out, err := r.Graph.Emit("CastLike", nil, 1, value, r.Input(0))
		if err != nil {
			return err
		}
		value = out[0]
	}
	r.SetInput(2, value)
	return nil
}

// padsOf returns what is added before and behind each dimension.
func padsOf(pads, axes *ops.Type, hasAxes bool, rank int) (begin, end []int64, err error) {
	p, ok := intsOf(pads)
	if !ok {
		return nil, nil, errLate("pads")
	}
	begin, end = make([]int64, rank), make([]int64, rank)
	if !hasAxes {
		if len(p) != 2*rank {
			return nil, nil, fmt.Errorf("%d pads for an input of rank %d, must be %d", len(p), rank, 2*rank)
		}
		copy(begin, p)
		copy(end, p[rank:])
		return begin, end, nil
	}
	list, ok := intsOf(axes)
	if !ok {
		return nil, nil, errLate("axes")
	}
	at, err := ops.Axes(list, rank)
	if err != nil {
		return nil, nil, fmt.Errorf("axes: %w", err)
	}
	if len(p) != 2*len(at) {
		return nil, nil, fmt.Errorf("%d pads for %d axes, must be %d", len(p), len(at), 2*len(at))
	}
	for i, a := range at {
		begin[a], end[a] = p[i], p[i+len(at)]
	}
	return begin, end, nil
}

func inferPad(c *ops.Infer, a *padAttrs) error {
	switch a.Mode {
	case "constant", "reflect", "edge", "wrap":
	default:
		return fmt.Errorf(`attribute mode: %q, must be "constant", "reflect", "edge" or "wrap"`, a.Mode)
	}
	t := c.In(0)
	if v := c.In(2); v.Ranked { // none is looked at where no pads are
		if n := sym.Prod(v.Shape); n.Known() && !n.Is(1) {
			return fmt.Errorf("constant_value must be one element, not %s", v)
		}
	}
	_, known := c.Ints(1)
	if c.Has(3) {
		_, ok := c.Ints(3)
		known = known && ok
	}
	if !t.Ranked {
		return c.OutUnranked(0, t.DT)
	}
	if !known {
		return c.OutRank(0, t.DT, len(t.Shape))
	}
	begin, end, err := padsOf(c.In(1), c.In(3), c.Has(3), len(t.Shape))
	if err != nil {
		return err
	}
	out := make([]ops.Dim, len(t.Shape))
	for i, d := range t.Shape {
		out[i] = d.Add(ops.Num(begin[i])).Add(ops.Num(end[i]))
		if n, ok := out[i].Int(); ok && n < 0 {
			return fmt.Errorf("pads %d and %d take more than the %s places of axis %d", begin[i], end[i], d, i)
		}
		if a.Mode != "constant" && d.Is(0) && !out[i].Is(0) {
			return fmt.Errorf("mode %s has nothing to repeat: axis %d of %s is empty", a.Mode, i, sym.ShapeString(t.Shape))
		}
	}
	return outSized(c, 0, t.DT, out...)
}

// unpadded reports whether all pads are zero.
func unpadded(c *ops.Infer) bool {
	p, ok := intsOf(c.In(1))
	for _, n := range p {
		ok = ok && n == 0
	}
	return ok
}

// padKernel reads each axis by a table.
type padKernel struct {
	move.Pick
	d, s, fill move.Buf
}

func bindPad(b *ops.Bind, a *padAttrs) (ops.Kernel, error) {
	begin, _, err := padsOf(b.In(1), b.In(3), b.Has(3), len(b.Dims(0)))
	if err != nil {
		return nil, err
	}
	return padBy(b, a, begin), nil
}

// padBy prepares a kernel that puts the input begin places into the output.
func padBy(b *ops.Bind, a *padAttrs, begin []int64) ops.Kernel {
	dims, out := b.Dims(0), b.OutDims(0)
	axes := make([]move.Axis, len(dims))
	step := strides(dims)
	for i, n := range out {
		axes[i] = move.Axis{N: n, Step: step[i]}
		if begin[i] != 0 || n != dims[i] {
			axes[i].Table = padTable(a.Mode, dims[i], n, int(begin[i]), step[i])
		}
	}
	return &padKernel{Pick: move.NewPick(b.In(0).DT.Size(), axes...)}
}

// padTable returns where each of the n places of a padded axis comes from, in elements; -1 for the fill.
func padTable(mode string, d, n, begin, step int) []int {
	table := make([]int, n)
	for i := range table {
		p := i - begin
		if p < 0 || p >= d {
			switch mode {
			case "constant":
				table[i] = -1
				continue
			case "edge":
				p = max(0, min(p, d-1))
			case "wrap":
				p = mod(p, d)
			case "reflect":
				p = reflect(p, d)
			}
		}
		table[i] = p * step
	}
	return table
}

func mod(a, n int) int {
	if a %= n; a < 0 {
		a += n
	}
	return a
}

// reflect mirrors a place at the first and the last one, as often as it takes.
func reflect(p, d int) int {
	if d == 1 {
		return 0
	}
	if p = mod(p, 2*(d-1)); p >= d {
		p = 2*(d-1) - p
	}
	return p
}

func (k *padKernel) Run(c *ops.Call) error {
	k.d, k.s, k.fill = bufOf(c.Out(0)), bufOf(c.In(0)), move.Buf{}
	if v := c.In(2); v != nil { // only Pad has this input
		if v.Len() != 1 {
			return fmt.Errorf("constant_value must be one element, not %s", v)
		}
		k.fill = bufOf(v)
	}
	return c.Parallel(k.Tiles(), k)
}

func (k *padKernel) Tile(_ ops.Worker, i int) { k.Pick.Tile(k.d, k.s, k.fill, i) }
