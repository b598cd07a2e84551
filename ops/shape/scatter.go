package shape

import (
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/kernel/scatter"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type scatterAttrs struct {
	Axis      int    `onnx:",0"`
	Reduction string `onnx:",none"`
}

type scatterNDAttrs struct {
	Reduction string `onnx:",none"`
}

var (
	// Scatter is the name that ScatterElements first had. Later opsets call it deprecated; it is taken there all the same.
	_ = Ops.Add(ops.Def(ops.Spec[axis0Attrs]{
		Name: "Scatter", In: "data:T, indices:Tind, updates:T", Out: "output:T", Types: "T=all; Tind=int32|int64",
		Vers:  []ops.Ver{{Since: 9}},
		Infer: func(c *ops.Infer, a *axis0Attrs) error { return inferScatter(c, a.Axis, "none") },
		Bind: func(b *ops.Bind, a *axis0Attrs) (ops.Kernel, error) {
			return bindScatterElements(b, &scatterAttrs{Axis: a.Axis, Reduction: "none"})
		},
		InPlace: [][2]int8{{0, 0}},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[scatterAttrs]{
		Name: "ScatterElements", In: "data:T, indices:Tind, updates:T", Out: "output:T", Types: "T=all4; Tind=int32|int64",
		Vers:  []ops.Ver{{Since: 18}, {Since: 16}, {Since: 13, Attrs: "-reduction"}, {Since: 11, Types: "T=all"}},
		Infer: func(c *ops.Infer, a *scatterAttrs) error { return inferScatter(c, a.Axis, a.Reduction) },
		Bind:  bindScatterElements, InPlace: [][2]int8{{0, 0}},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[scatterNDAttrs]{
		Name: "ScatterND", In: "data:T, indices:int64, updates:T", Out: "output:T", Types: "T=all4",
		Vers:  []ops.Ver{{Since: 18}, {Since: 16}, {Since: 13, Attrs: "-reduction"}, {Since: 11, Types: "T=all"}},
		Infer: inferScatterND,
		Bind: func(b *ops.Bind, a *scatterNDAttrs) (ops.Kernel, error) {
			p, err := tuplePlaces(b.Dims(0), b.Dims(1), 0)
			return bindScatter(b, p, err, a.Reduction)
		},
		InPlace: [][2]int8{{0, 0}},
	}))
)

func checkReduction(name string, dt tensor.DType) error {
	switch name {
	case "none":
		return nil
	case "add", "mul", "max", "min":
	default:
		return fmt.Errorf(`attribute reduction: %q, must be "none", "add", "mul", "max" or "min"`, name)
	}
	if dt == tensor.String || dt.IsComplex() && (name == "max" || name == "min") {
		return fmt.Errorf("attribute reduction: %s isn't defined for %s", name, dt)
	}
	return nil
}

func inferScatter(c *ops.Infer, at int, reduction string) error {
	t, ix, up := c.In(0), c.In(1), c.In(2)
	if err := checkReduction(reduction, t.DT); err != nil {
		return err
	}
	if t.Ranked && ix.Ranked {
		axis, err := ops.Axis(at, len(t.Shape))
		if err != nil {
			return fmt.Errorf("attribute axis: %w", err)
		}
		if err := checkElements(t.Shape, ix.Shape, axis); err != nil {
			return err
		}
	}
	if ix.Ranked && up.Ranked && !agree(ix.Shape, up.Shape) {
		return fmt.Errorf("updates have shape %s, but indices have %s", sym.ShapeString(up.Shape), sym.ShapeString(ix.Shape))
	}
	if err := c.OutLike(0, 0); err != nil {
		return err
	}
	scatterVals(c, at, reduction)
	return nil
}

// scatterVals follows small integer values of rank 1, which some exporters compute repeats with.
func scatterVals(c *ops.Infer, at int, reduction string) {
	v, ix, up := c.In(0).Val, c.In(1).Val, c.In(2).Val
	if v == nil || ix == nil || up == nil || reduction != "none" || c.In(0).Rank() != 1 || len(ix) != len(up) {
		return
	}
	out := append([]ops.Dim{}, v...)
	for k, d := range ix {
		i, ok := d.Int()
		if i < 0 {
			i += int64(len(v))
		}
		if !ok || i < 0 || i >= int64(len(v)) {
			return
		}
		out[i] = up[k]
	}
	c.SetVal(0, out)
}

// agree reports whether two shapes may turn out to be equal.
func agree(a, b []ops.Dim) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Known() && b[i].Known() && !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

func inferScatterND(c *ops.Infer, a *scatterNDAttrs) error {
	t, ix, up := c.In(0), c.In(1), c.In(2)
	if err := checkReduction(a.Reduction, t.DT); err != nil {
		return err
	}
	if t.Ranked && ix.Ranked {
		if err := checkTuples(t.Shape, ix.Shape, 0); err != nil {
			return err
		}
		if k, ok := ix.Shape[len(ix.Shape)-1].Int(); ok && up.Ranked {
			want := append(append([]ops.Dim{}, ix.Shape[:len(ix.Shape)-1]...), t.Shape[k:]...)
			if !agree(want, up.Shape) {
				return fmt.Errorf("updates have shape %s, must have %s", sym.ShapeString(up.Shape), sym.ShapeString(want))
			}
		}
	}
	return c.OutLike(0, 0)
}

func bindScatterElements(b *ops.Bind, a *scatterAttrs) (ops.Kernel, error) {
	axis, err := ops.Axis(a.Axis, len(b.Dims(0)))
	if err != nil {
		return nil, err
	}
	p, err := elementPlaces(b.Dims(0), b.Dims(1), axis)
	return bindScatter(b, p, err, a.Reduction)
}

// scatterKernel copies the data, and writes or combines the updates in the order of the indices, by one thread: indices may name a place
// twice.
type scatterKernel struct {
	places
	copy      copyKernel
	reduction string
}

func bindScatter(b *ops.Bind, p places, err error, reduction string) (ops.Kernel, error) {
	if err != nil {
		return nil, err
	}
	if n := numel(b.Dims(2)); n != p.n*p.run {
		return nil, fmt.Errorf("updates have %d elements, but the indices name %d", n, p.n*p.run)
	}
	k := &scatterKernel{places: p, reduction: reduction}
	k.copy.add(0, 0, move.NewCopy(b.In(0).DT.Size(), 0, 0, move.Dim{N: numel(b.Dims(0)), Dst: 1, Src: 1}))
	b.NeedScratch(p.scratch())
	return k, nil
}

func (k *scatterKernel) Run(c *ops.Call) error {
	if err := k.find(c.In(1), c.Scratch); err != nil {
		return err
	}
	if !sameMemory(c.In(0), c.Out(0)) {
		if err := k.copy.Run(c); err != nil {
			return err
		}
	}
	if k.reduction == "none" {
		move.Scatter(bufOf(c.Out(0)), bufOf(c.In(2)), k.at, k.run)
		return nil
	}
	return combine(k.reduction, c.Out(0), c.In(2), k.at, k.run)
}

// sameMemory reports whether an output stands in its input.
func sameMemory(a, b *tensor.Tensor) bool {
	x, y := a.Bytes(), b.Bytes()
	return len(x) > 0 && len(x) == len(y) && &x[0] == &y[0]
}

// combine scatters src into dst with a reduction. Types of which few are scattered are combined in a wider one, and stored once.
func combine(reduction string, dst, src *tensor.Tensor, at []int, n int) error {
	switch dt := dst.DType(); {
	case dt == tensor.Float32:
		reduceRuns(reduction, tensor.View[float32](dst), tensor.View[float32](src), at, n)
	case dt == tensor.Float64:
		reduceRuns(reduction, tensor.View[float64](dst), tensor.View[float64](src), at, n)
	case dt == tensor.Int64:
		reduceRuns(reduction, tensor.View[int64](dst), tensor.View[int64](src), at, n)
	case dt == tensor.Uint64:
		reduceRuns(reduction, tensor.View[uint64](dst), tensor.View[uint64](src), at, n)
	case dt == tensor.Complex64:
		combineComplex[complex64](reduction, dst, src, at, n)
	case dt == tensor.Complex128:
		combineComplex[complex128](reduction, dst, src, at, n)
	case dt == tensor.Bool: // a sum is an or, a product an and
		combineVia(map[string]string{"add": "max", "mul": "min", "max": "max", "min": "min"}[reduction], dst, src, at, n, num.LoadInt, num.StoreInt)
	case dt.IsInteger(): // wraps alike in the wider type
		combineVia(reduction, dst, src, at, n, num.LoadInt, num.StoreInt)
	case num.Narrow.Has(dt):
		combineVia(reduction, dst, src, at, n, num.Load32, num.Store32)
	default:
		return fmt.Errorf("elements of %s can't be combined", dt)
	}
	return nil
}

func combineVia[T float32 | int64](reduction string, dst, src *tensor.Tensor, at []int, n int, load func([]T, *tensor.Tensor, int) bool, store func(*tensor.Tensor, int, []T) bool) {
	d, s := make([]T, dst.Len()), make([]T, src.Len())
	load(d, dst, 0)
	load(s, src, 0)
	reduceRuns(reduction, d, s, at, n)
	store(dst, 0, d)
}

func reduceRuns[T scatter.Real](reduction string, dst, src []T, at []int, n int) {
	switch reduction {
	case "add":
		scatter.Add(dst, src, at, n)
	case "mul":
		scatter.Mul(dst, src, at, n)
	case "max":
		scatter.Max(dst, src, at, n)
	case "min":
		scatter.Min(dst, src, at, n)
	}
}

func combineComplex[T complex64 | complex128](reduction string, dst, src *tensor.Tensor, at []int, n int) {
	if reduction == "add" {
		scatter.Add(tensor.View[T](dst), tensor.View[T](src), at, n)
	} else {
		scatter.Mul(tensor.View[T](dst), tensor.View[T](src), at, n)
	}
}
