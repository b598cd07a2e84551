package math

import (
	"errors"
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/reduce"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type reduceAttrs struct {
	Keepdims          bool `onnx:",1"`
	NoopWithEmptyAxes bool `onnx:",0"`
}

// finish is what happens to a folded element in the end.
type finish uint8

const (
	asIs finish = iota
	mean        // divided by the number of elements
	root        // square root
	logarithm
)

// reduceLoops are a reduction's loops by type; float16 and bfloat16 take the float32 loops.
type reduceLoops struct {
	f32  reduce.Loops[float32]
	f64  reduce.Loops[float64]
	i8   reduce.Loops[int8]
	i32  reduce.Loops[int32]
	i64  reduce.Loops[int64]
	u8   reduce.Loops[uint8]
	u32  reduce.Loops[uint32]
	u64  reduce.Loops[uint64]
	bool reduce.Loops[uint8]
	last finish
}

var (
	oldAxes = ops.Ver{Since: 13, In: "data:T", Attrs: "+axes:ints -noop_with_empty_axes", Up: ops.AttrToInput("axes", 1)}
	// Version 13 and older have their axes as an attribute, which each of the older versions hands on to the next.
	olderAxes = []ops.Ver{oldAxes, {Since: 11, Types: "T=math"}, {Since: 1}}

	sinceReduce     = append([]ops.Ver{{Since: 18}}, olderAxes...)
	sinceReduceLog  = append([]ops.Ver{{Since: 28}, {Since: 18, Types: "T=math4"}}, olderAxes...)
	sinceReduceSum  = []ops.Ver{{Since: 13}, {Since: 11, In: "data:T", Types: "T=math", Attrs: "+axes:ints -noop_with_empty_axes", Up: ops.AttrToInput("axes", 1)}, {Since: 1}}
	sinceReduceMost = []ops.Ver{{Since: 20}, {Since: 18, Types: "T=math4|int8|uint8"}, oldAxes, {Since: 12, Types: "T=math|int8|uint8"},
		{Since: 11, Types: "T=math"}, {Since: 1}}
)

var (
	sumLoops = reduceLoops{f32: reduce.Sum32, f64: reduce.Sum[float64](),
		i32: reduce.Sum[int32](), i64: reduce.Sum[int64](), u32: reduce.Sum[uint32](), u64: reduce.Sum[uint64]()}
	squareLoops = reduceLoops{f32: reduce.SumSq32, f64: reduce.SumSq[float64](),
		i32: reduce.SumSq[int32](), i64: reduce.SumSq[int64](), u32: reduce.SumSq[uint32](), u64: reduce.SumSq[uint64]()}

	opReduceSum       = reduction("ReduceSum", "T=math4", sinceReduceSum, sumLoops, foldVals(ops.Dim.Add, 0))
	opReduceMean      = reduction("ReduceMean", "T=math4", sinceReduce, sumLoops.then(mean), nil)
	opReduceLogSum    = reduction("ReduceLogSum", "T=floats4", sinceReduceLog, sumLoops.then(logarithm), nil)
	opReduceSumSquare = reduction("ReduceSumSquare", "T=math4", sinceReduce, squareLoops, nil)
	opReduceL2        = reduction("ReduceL2", "T=math4", sinceReduce, squareLoops.then(root), nil)
	opReduceL1        = reduction("ReduceL1", "T=math4", sinceReduce, reduceLoops{f32: reduce.SumAbs32, f64: reduce.SumAbs[float64](),
		i32: reduce.SumAbs[int32](), i64: reduce.SumAbs[int64](), u32: reduce.SumAbs[uint32](), u64: reduce.SumAbs[uint64]()}, nil)
	opReduceProd = reduction("ReduceProd", "T=math4", sinceReduce, reduceLoops{f32: reduce.Prod32, f64: reduce.Prod[float64](),
		i32: reduce.Prod[int32](), i64: reduce.Prod[int64](), u32: reduce.Prod[uint32](), u64: reduce.Prod[uint64]()}, foldVals(ops.Dim.Mul, 1))
	opReduceMax = reduction("ReduceMax", "T=math4|int8|uint8|bool", sinceReduceMost, reduceLoops{f32: reduce.Max32, f64: reduce.Max(math.Inf(-1)),
		i8: reduce.Max[int8](math.MinInt8), i32: reduce.Max[int32](math.MinInt32), i64: reduce.Max[int64](math.MinInt64),
		u8: reduce.Max[uint8](0), u32: reduce.Max[uint32](0), u64: reduce.Max[uint64](0), bool: reduce.Max[uint8](0)}, nil)
	opReduceMin = reduction("ReduceMin", "T=math4|int8|uint8|bool", sinceReduceMost, reduceLoops{f32: reduce.Min32, f64: reduce.Min(math.Inf(1)),
		i8: reduce.Min[int8](math.MaxInt8), i32: reduce.Min[int32](math.MaxInt32), i64: reduce.Min[int64](math.MaxInt64),
		u8: reduce.Min[uint8](math.MaxUint8), u32: reduce.Min[uint32](math.MaxUint32), u64: reduce.Min[uint64](math.MaxUint64), bool: reduce.Min[uint8](1)}, nil)
)

func (l reduceLoops) then(f finish) reduceLoops {
	l.last = f
	return l
}

func reduction(name, types string, vers []ops.Ver, l reduceLoops, vals func(c *ops.Infer)) *ops.Op {
	return ops.Def(ops.Spec[reduceAttrs]{
		Name: name, In: "data:T, axes:int64?", Out: "reduced:T", Types: types, Vers: vers,
		Infer: func(c *ops.Infer, a *reduceAttrs) error {
			if err := inferReduce(c, a); err != nil {
				return err
			}
			if vals != nil {
				vals(c)
			}
			return nil
		},
		Bind: func(b *ops.Bind, a *reduceAttrs) (ops.Kernel, error) { return l.bind(b, a) },
	})
}

// inferReduce drops the reduced dimensions, or makes them 1.
func inferReduce(c *ops.Infer, a *reduceAttrs) error {
	t := c.In(0)
	axes, known := []int64(nil), true
	if c.Has(1) {
		axes, known = c.Ints(1)
	}
	switch {
	case !known && a.Keepdims && t.Ranked:
		return c.OutRank(0, t.DT, len(t.Shape))
	case !known || !t.Ranked:
		return c.OutUnranked(0, t.DT)
	}
	reduced, err := reducedAxes(axes, len(t.Shape), a)
	if err != nil {
		return err
	}
	return c.Out(0, t.DT, reducedShape(t.Shape, reduced, a.Keepdims)...)
}

// reducedAxes marks the axes that are reduced: those named, or all when none is, unless the operator is told to reduce none then.
func reducedAxes(axes []int64, rank int, a *reduceAttrs) ([]bool, error) {
	marks := make([]bool, rank)
	if len(axes) == 0 {
		for i := range marks {
			marks[i] = !a.NoopWithEmptyAxes
		}
		return marks, nil
	}
	for _, k := range axes {
		// Naming an axis twice is no more than naming it: some exporters do.
		if k < int64(-rank) || k >= int64(rank) {
			return nil, errAxis("axes", k, rank)
		}
		marks[(int(k)+rank)%rank] = true
	}
	return marks, nil
}

func reducedShape(shape []ops.Dim, reduced []bool, keep bool) []ops.Dim {
	out := make([]ops.Dim, 0, len(shape))
	for i, d := range shape {
		if !reduced[i] {
			out = append(out, d)
		} else if keep {
			out = append(out, ops.Num(1))
		}
	}
	return out
}

// foldVals follows the value of a small integer vector that is folded to one number.
func foldVals(f func(a, b ops.Dim) ops.Dim, init int) func(c *ops.Infer) {
	return func(c *ops.Infer) {
		v, ok := known(c.In(0))
		if !ok || len(c.In(0).Shape) != 1 || !sized(c, 1) {
			return
		}
		acc := ops.Num(init)
		for _, d := range v {
			acc = f(acc, d)
		}
		if fits(acc, c.In(0).DT) {
			c.SetVal(0, []ops.Dim{acc})
		}
	}
}

// boundInts returns the elements of an integer input on which the output's shape depends, so that they are known when it is bound.
func boundInts(b *ops.Bind, i int) ([]int64, error) {
	t := b.In(i)
	if v, ok := sym.Ints(t.Val); t.Val != nil && ok {
		return v, nil
	}
	if t.Data != nil {
		return ops.Int64s(t.Data)
	}
	if d, ok := t.Dims(); ok && numel(d) == 0 {
		return nil, nil
	}
	return nil, errors.New("the value of an input that decides the output's shape isn't known")
}

func (l *reduceLoops) bind(b *ops.Bind, a *reduceAttrs) (ops.Kernel, error) {
	g, err := bindGeom(b, a)
	if err != nil {
		return nil, err
	}
	switch b.In(0).DT {
	case tensor.Float32:
		return newReduce(b, g, l.f32, nil, nil, finishFloat[float32](l.last, g.Count))
	case tensor.Float64:
		return newReduce(b, g, l.f64, nil, nil, finishFloat[float64](l.last, g.Count))
	case tensor.Int8:
		return newReduce(b, g, l.i8, nil, nil, nil)
	case tensor.Int32:
		return newReduce(b, g, l.i32, nil, nil, finishInt[int32](l.last, g.Count))
	case tensor.Int64:
		return newReduce(b, g, l.i64, nil, nil, finishInt[int64](l.last, g.Count))
	case tensor.Uint8:
		return newReduce(b, g, l.u8, nil, nil, nil)
	case tensor.Bool:
		return newReduce(b, g, l.bool, nil, nil, nil)
	case tensor.Uint32:
		return newReduce(b, g, l.u32, nil, nil, finishInt[uint32](l.last, g.Count))
	case tensor.Uint64:
		return newReduce(b, g, l.u64, nil, nil, finishInt[uint64](l.last, g.Count))
	}
	return newReduce(b, g, l.f32, hub32, num.Store32, finishFloat[float32](l.last, g.Count))
}

func bindGeom(b *ops.Bind, a *reduceAttrs) (reduce.Geom, error) {
	var axes []int64
	dims := b.Dims(0)
	if b.Has(1) && len(dims) > 0 {
		var err error
		if axes, err = boundInts(b, 1); err != nil {
			return reduce.Geom{}, err
		}
	}
	reduced, err := reducedAxes(axes, len(dims), a)
	return reduce.NewGeom(dims, reduced), err
}

func finishFloat[T elem.Float](f finish, count int) func(d []T) {
	switch f {
	case mean:
		return func(d []T) {
			for i := range d {
				d[i] /= T(count)
			}
		}
	case root:
		return func(d []T) {
			for i, v := range d {
				d[i] = T(math.Sqrt(float64(v)))
			}
		}
	case logarithm:
		return func(d []T) {
			for i, v := range d {
				d[i] = T(math.Log(float64(v)))
			}
		}
	}
	return nil
}

// finishInt truncates what isn't an integer. The mean of nothing is 0.
func finishInt[T int32 | int64 | uint32 | uint64](f finish, count int) func(d []T) {
	var fn func(float64) float64
	switch f {
	case mean:
		return func(d []T) {
			for i := range d {
				d[i] /= T(max(count, 1))
			}
		}
	case root:
		fn = math.Sqrt
	case logarithm:
		fn = math.Log
	default:
		return nil
	}
	return func(d []T) {
		for i, v := range d {
			d[i] = T(num.Int64(fn(float64(v))))
		}
	}
}

// reduceKernel folds in T. load and store are nil when that is the tensors' type.
type reduceKernel[T reduce.Number] struct {
	geom  reduce.Geom
	split reduce.Split
	loops reduce.Loops[T]
	store func(t *tensor.Tensor, off int, src []T) bool
	last  func(d []T)
	in    *tensor.Tensor
	src   reduce.Source[T]
	dst   []T
}

func newReduce[T reduce.Number](b *ops.Bind, g reduce.Geom, l reduce.Loops[T], load hub[T], store func(*tensor.Tensor, int, []T) bool, last func([]T)) (ops.Kernel, error) {
	if l.Run == nil {
		return nil, noLoop(b)
	}
	k := &reduceKernel[T]{geom: g, split: g.Split(), loops: l, store: store, last: last}
	if load != nil {
		k.src.Load = func(buf []T, off int) { load(buf, k.in, off) }
	}
	if load != nil || k.split.Parts > 1 {
		b.NeedScratch(g.Outputs() * k.split.Parts * elem.SizeOf[T]())
	}
	return k, nil
}

func (k *reduceKernel[T]) Run(c *ops.Call) error {
	out := c.Out(0)
	n := k.geom.Outputs()
	direct := k.src.Load == nil && k.split.Parts == 1
	if direct {
		k.dst = tensor.View[T](out)
	} else {
		k.dst = elem.Of[T](c.Scratch, n*k.split.Parts)
	}
	k.in = c.In(0)
	if k.src.Load == nil {
		k.src.Data = tensor.View[T](k.in)
	}
	if err := c.Parallel(k.split.Tiles*k.split.Parts, k); err != nil {
		return err
	}
	k.loops.Finish(&k.geom, k.split, k.dst)
	if k.last != nil {
		k.last(k.dst[:n])
	}
	switch {
	case direct:
	case k.store != nil:
		k.store(out, 0, k.dst[:n])
	default:
		copy(tensor.View[T](out), k.dst[:n])
	}
	return nil
}

func (k *reduceKernel[T]) Tile(w ops.Worker, i int) {
	k.loops.Fold(&k.geom, k.split, i, k.dst, &k.src, scratchOf[T](w, 2*reduce.Chunk))
}
