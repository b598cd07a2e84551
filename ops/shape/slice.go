package shape

import (
	"fmt"
	"math"

	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
)

// cut is what is taken of one axis: n places from start on, step apart.
type cut struct{ start, step, n int }

var _ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "Slice", In: "data:T, starts:Tind, ends:Tind, axes:Tind?, steps:Tind?", Out: "output:T", Types: "T=all4; Tind=int32|int64",
	Vers: []ops.Ver{{Since: 13}, {Since: 11, Types: "T=all"}, {Since: 10},
		{Since: 1, In: "data:T", Attrs: "+axes:ints +ends:ints=required +starts:ints=required", Up: ops.AttrToInput("starts", 1, "ends", 2, "axes", 3)}},
	Infer: inferSlice,
	View: func(c *ops.Infer, _ *noAttrs, _ int) (int, int, bool) {
		t := c.In(0)
		dims, ok := t.Dims()
		if !ok {
			return 0, 0, false
		}
		cuts, err := sliceCuts(c.In, c.Has, dims)
		if err != nil {
			return 0, 0, false
		}
		off, ok := viewOf(t, cutCopy(t.DT.Size(), dims, cuts))
		return 0, off, ok
	},
	Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
		dims := b.Dims(0)
		cuts, err := sliceCuts(b.In, b.Has, dims)
		if err != nil {
			return nil, err
		}
		return bindCopy(cutCopy(b.In(0).DT.Size(), dims, cuts)), nil
	},
	Layout: lastOf("SliceNHWC"),
}))

// cutCopy returns the copy of what the cuts, one a dimension, leave of a tensor.
func cutCopy(width int, dims []int, cuts []cut) move.Copy {
	step := strides(dims)
	loops := make([]move.Dim, len(dims))
	src, n := 0, 1
	for i := len(dims) - 1; i >= 0; i-- {
		c := cuts[i]
		loops[i] = move.Dim{N: c.n, Dst: n, Src: step[i] * c.step}
		src += step[i] * c.start
		n *= c.n
	}
	if n == 0 {
		src = 0
	}
	return move.NewCopy(width, 0, src, loops...)
}

// sliceCuts returns what is taken of each dimension, once everything is known.
func sliceCuts(in func(int) *ops.Type, has func(int) bool, dims []int) ([]cut, error) {
	cuts := make([]cut, len(dims))
	for i, d := range dims {
		cuts[i] = cut{0, 1, d}
	}
	starts, ok := intsOf(in(1))
	if !ok {
		return nil, errLate("starts")
	}
	ends, ok := intsOf(in(2))
	if !ok {
		return nil, errLate("ends")
	}
	var list, steps []int64
	if has(3) {
		if list, ok = intsOf(in(3)); !ok {
			return nil, errLate("axes")
		}
	}
	if has(4) {
		if steps, ok = intsOf(in(4)); !ok {
			return nil, errLate("steps")
		}
	}
	axes, err := sliceAxes(len(starts), len(ends), list, has(3), steps, has(4), len(dims))
	if err != nil {
		return nil, err
	}
	for i, a := range axes {
		step := int64(1)
		if steps != nil {
			step = steps[i]
		}
		cuts[a] = cutOf(int64(dims[a]), starts[i], ends[i], step)
	}
	return cuts, nil
}

// sliceAxes checks that the lists go together and returns the axes that are cut.
func sliceAxes(starts, ends int, axes []int64, hasAxes bool, steps []int64, hasSteps bool, rank int) ([]int, error) {
	if starts != ends {
		return nil, fmt.Errorf("%d starts, but %d ends", starts, ends)
	}
	if hasSteps && len(steps) != starts {
		return nil, fmt.Errorf("%d starts, but %d steps", starts, len(steps))
	}
	for _, s := range steps {
		if s == 0 {
			return nil, fmt.Errorf("steps %v has a zero", steps)
		}
	}
	if hasAxes {
		if len(axes) != starts {
			return nil, fmt.Errorf("%d starts, but %d axes", starts, len(axes))
		}
		out, err := ops.Axes(axes, rank)
		if err != nil {
			return nil, fmt.Errorf("axes: %w", err)
		}
		return out, nil
	}
	if starts > rank {
		return nil, fmt.Errorf("%d starts for an input of rank %d", starts, rank)
	}
	out := make([]int, starts)
	for i := range out {
		out[i] = i
	}
	return out, nil
}

// cutOf clamps a range as NumPy does.
func cutOf(d, start, end, step int64) cut {
	lo, hi := int64(0), d // where a start or an end may be
	if step < 0 {
		lo, hi = -1, d-1
	}
	clamp := func(v int64) int64 {
		if v < 0 {
			v += d
		}
		return max(lo, min(v, hi))
	}
	start, end = clamp(start), clamp(end)
	if step < 0 {
		// A start before the first place takes nothing, as lo is an end.
		step = max(step, -math.MaxInt32)
		n := int64(0)
		if start > end {
			n = (start-end-1)/-step + 1
		}
		return cut{int(start), int(step), int(n)}
	}
	step = min(step, math.MaxInt32)
	n := int64(0)
	if end > start {
		n = (end-start-1)/step + 1
	}
	return cut{int(start), int(step), int(n)}
}

func inferSlice(c *ops.Infer, _ *noAttrs) error {
	t := c.In(0)
	known := true
	for i := 1; i < c.NumIn(); i++ {
		if c.Has(i) {
			_, ok := c.Ints(i)
			known = known && ok
		}
	}
	if !t.Ranked {
		return c.OutUnranked(0, t.DT)
	}
	dims, isNum := t.Dims()
	if known && isNum {
		cuts, err := sliceCuts(c.In, c.Has, dims)
		if err != nil {
			return err
		}
		out := make([]ops.Dim, len(cuts))
		for i, k := range cuts {
			out[i] = ops.Num(k.n)
		}
		if err := c.Out(0, t.DT, out...); err != nil {
			return err
		}
		passVals(c, 0, 0, func(dims []int) (move.Copy, bool) { return cutCopy(8, dims, cuts), true })
		return nil
	}
	return inferSliceSymbols(c, t)
}

// inferSliceSymbols tells what can be told while dimensions or bounds are symbols.
func inferSliceSymbols(c *ops.Infer, t *ops.Type) error {
	var axes, steps []int64
	axesKnown, stepsKnown := true, true
	if c.Has(3) {
		axes, axesKnown = c.Ints(3)
	}
	if c.Has(4) {
		steps, stepsKnown = c.Ints(4)
	}
	if !axesKnown {
		return c.OutRank(0, t.DT, len(t.Shape))
	}
	starts, okS := c.Vals(1)
	ends, okE := c.Vals(2)
	for i, what := range []string{2: "ends", 3: "axes", 4: "steps"} {
		if !c.Has(i) || what == "" || !c.In(1).Ranked || !c.In(i).Ranked {
			continue
		}
		if k, m := sym.Prod(c.In(1).Shape), sym.Prod(c.In(i).Shape); k.Known() && m.Known() && !k.Equal(m) {
			return fmt.Errorf("%s starts, but %s %s", k, m, what)
		}
	}
	n := len(starts)
	if !okS {
		n = len(ends)
	}
	if !okS && !okE {
		s, ok := c.Shape(1)
		m, isNum := sym.Prod(s).Int()
		if !ok || !isNum || m < 0 || m > int64(len(t.Shape)) {
			return c.OutRank(0, t.DT, len(t.Shape))
		}
		n = int(m)
	}
	list, err := sliceAxes(n, n, axes, c.Has(3), steps, c.Has(4) && stepsKnown, len(t.Shape))
	if err != nil {
		return err
	}
	out := append([]ops.Dim{}, t.Shape...)
	for i, a := range list {
		step := int64(1)
		if steps != nil {
			step = steps[i]
		}
		if !okS || !okE || !stepsKnown {
			out[a] = sym.Unknown()
			continue
		}
		out[a] = cutDim(t.Shape[a], starts[i], ends[i], step)
	}
	return c.Out(0, t.DT, out...)
}

// cutDim is cutOf for symbols. What could be anything is an unknown.
func cutDim(d, start, end ops.Dim, step int64) ops.Dim {
	s, okS := start.Int()
	e, okE := end.Int()
	if n, ok := d.Int(); ok && okS && okE {
		return ops.Num(cutOf(n, s, e, step).n)
	}
	if step == -1 && okS && okE && s == -1 && e <= -math.MaxInt32 {
		return d // the axis reversed
	}
	if step <= 0 {
		return sym.Unknown()
	}
	clamp := func(v ops.Dim, n int64, isNum bool) ops.Dim {
		switch {
		case v.Equal(d) || isNum && n >= math.MaxInt32:
			return d
		case isNum && n == 0:
			return v
		case isNum && n < 0:
			return d.Add(v).Max(ops.Num(0))
		case isNum:
			return v.Min(d)
		}
		return sym.Unknown() // a symbol may be negative, for all that is known here
	}
	from, to := start, clamp(end, e, okE)
	if !okS || s < 0 {
		from = clamp(start, s, okS) // a positive one needs no clamp: what is left is at least 0
	}
	n := to
	if !from.Is(0) {
		n = to.Sub(from).Max(ops.Num(0))
	}
	if step > 1 {
		n = n.CeilDiv(ops.Num(step))
	}
	return n
}
