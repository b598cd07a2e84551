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

// reduceLoops are a reduction's loops by type; narrow floats take the float32 loops, narrow integers those of int64.
type reduceLoops struct {
	f32, f64, i64, u64 reduce.Loops
	least, most        bool // the result of none is the least or the most that the type can hold
	last               finish
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
	sumLoops    = reduceLoops{f32: reduce.Sum32, f64: reduce.Sum[float64](), i64: reduce.Sum[int64](), u64: reduce.Sum[int64]()}
	squareLoops = reduceLoops{f32: reduce.SumSq32, f64: reduce.SumSq[float64](), i64: reduce.SumSq[int64](), u64: reduce.SumSq[int64]()}

	_ = Ops.Add(reduction("ReduceSum", "T=math4", sinceReduceSum, sumLoops, foldVals(ops.Dim.Add, 0)))
	_ = Ops.Add(reduction("ReduceMean", "T=math4", sinceReduce, sumLoops.then(mean), nil))
	_ = Ops.Add(reduction("ReduceLogSum", "T=floats4", sinceReduceLog, sumLoops.then(logarithm), nil))
	_ = Ops.Add(reduction("ReduceSumSquare", "T=math4", sinceReduce, squareLoops, nil))
	_ = Ops.Add(reduction("ReduceL2", "T=math4", sinceReduce, squareLoops.then(root), nil))
	_ = Ops.Add(reduction("ReduceL1", "T=math4", sinceReduce, reduceLoops{
		f32: reduce.SumAbs32, f64: reduce.SumAbs[float64](), i64: reduce.SumAbs[int64](), u64: reduce.Sum[int64]()}, nil))
	_ = Ops.Add(reduction("ReduceProd", "T=math4", sinceReduce, reduceLoops{
		f32: reduce.Prod32, f64: reduce.Prod[float64](), i64: reduce.Prod[int64](), u64: reduce.Prod[int64]()}, foldVals(ops.Dim.Mul, 1)))
	_ = Ops.Add(reduction("ReduceMax", "T=math4|int8|uint8|bool", sinceReduceMost, reduceLoops{least: true,
		f32: reduce.Max32, f64: reduce.Max(math.Inf(-1)), i64: reduce.Max[int64](math.MinInt64), u64: reduce.Max[uint64](0)}, nil))
	_ = Ops.Add(reduction("ReduceMin", "T=math4|int8|uint8|bool", sinceReduceMost, reduceLoops{most: true,
		f32: reduce.Min32, f64: reduce.Min(math.Inf(1)), i64: reduce.Min[int64](math.MaxInt64), u64: reduce.Min[uint64](math.MaxUint64)}, nil))
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
	case !known && a.Keepdims && t.Rank() > 0:
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
	switch dt := b.In(0).DT; {
	case dt == tensor.Float32:
		return newReduce(b, g, l.f32, nil, finishFloat[float32](l.last, g.Count))
	case dt == tensor.Float64:
		return newReduce(b, g, l.f64, nil, finishFloat[float64](l.last, g.Count))
	case dt == tensor.Int64:
		return newReduce(b, g, l.i64, nil, finishInt[int64](l.last, g.Count))
	case dt == tensor.Uint64:
		return newReduce(b, g, l.u64, nil, finishInt[uint64](l.last, g.Count))
	case dt == tensor.Bool || dt.IsInteger():
		loops := l.i64
		if least, most := bounds(dt); l.least {
			loops.Init = elem.RawOf([]int64{least})
		} else if l.most {
			loops.Init = elem.RawOf([]int64{most})
		}
		k, err := newReduce(b, g, loops, &viaInt, finishInt[int64](l.last, g.Count))
		k.wraps = l.last != mean
		return k, err
	}
	return newReduce(b, g, l.f32, &via32, finishFloat[float32](l.last, g.Count))
}

// bounds are the ends of the range of a type of at most 32 bits.
func bounds(dt tensor.DType) (least, most int64) {
	switch {
	case dt == tensor.Bool:
		return 0, 1
	case dt.IsUnsigned():
		return 0, 1<<dt.Bits() - 1
	}
	return -1 << (dt.Bits() - 1), 1<<(dt.Bits()-1) - 1
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

// finishFloat returns what sets results to their final values; or nil.
func finishFloat[T elem.Float](f finish, count int) elem.Loop1 {
	switch f {
	case mean:
		return divider[T](true, count)
	case root:
		return elem.Loop1Of(func(d, s []T) {
			for i, v := range s {
				d[i] = T(math.Sqrt(float64(v)))
			}
		})
	case logarithm:
		return elem.Loop1Of(func(d, s []T) {
			for i, v := range s {
				d[i] = T(math.Log(float64(v)))
			}
		})
	}
	return nil
}

// finishInt truncates what isn't an integer. The mean of nothing is 0.
func finishInt[T int64 | uint64](f finish, count int) elem.Loop1 {
	var fn func(float64) float64
	switch f {
	case mean:
		return elem.Loop1Of(func(d, s []T) {
			for i, v := range s {
				d[i] = v / T(max(count, 1))
			}
		})
	case root:
		fn = math.Sqrt
	case logarithm:
		fn = math.Log
	default:
		return nil
	}
	return elem.Loop1Of(func(d, s []T) {
		for i, v := range s {
			d[i] = T(num.Int64(fn(float64(v))))
		}
	})
}

// reduceKernel folds in the loops' type. via is nil when that is the tensors'.
type reduceKernel struct {
	geom  reduce.Geom
	split reduce.Split
	loops reduce.Loops
	via   *exchange
	last  elem.Loop1 // or nil
	wraps bool       // what is finished is what the tensors' type can hold: a mean is in its range, though the sum may not be
	in    *tensor.Tensor
	src   reduce.Source
	dst   elem.Raw
}

func newReduce(b *ops.Bind, g reduce.Geom, l reduce.Loops, via *exchange, last elem.Loop1) (*reduceKernel, error) {
	k := &reduceKernel{geom: g, split: g.Split(), loops: l, via: via, last: last}
	k.src.Width = l.Width
	if via != nil {
		k.src.Load = func(buf elem.Raw, off int) { via.get(buf, k.in, off) }
	}
	if via != nil || k.split.Parts > 1 {
		b.NeedScratch(g.Outputs() * k.split.Parts * l.Width.Bytes())
	}
	return k, nil
}

func (k *reduceKernel) Run(c *ops.Call) error {
	out := c.Out(0)
	n := k.geom.Outputs()
	direct := k.via == nil && k.split.Parts == 1
	if direct {
		k.dst = rawOf(out)
	} else {
		k.dst = elem.RawBytes(c.Scratch, k.loops.Width)
	}
	k.in = c.In(0)
	if k.via == nil {
		k.src.Data = rawOf(k.in)
	}
	if err := c.Parallel(k.split.Tiles*k.split.Parts, k); err != nil {
		return err
	}
	k.loops.Finish(&k.geom, k.split, k.dst)
	res := k.dst.Slice(k.loops.Width, 0, n)
	if k.last != nil {
		if k.wraps {
			k.via.put(out, 0, res)
			k.via.get(res, out, 0)
		}
		k.last(res, res)
	}
	switch {
	case direct:
	case k.via != nil:
		k.via.put(out, 0, res)
	default:
		rawOf(out).Copy(k.loops.Width, res)
	}
	return nil
}

func (k *reduceKernel) Tile(w ops.Worker, i int) {
	k.loops.Fold(&k.geom, k.split, i, k.dst, &k.src, rawScratch(w, k.loops.Width, 2*reduce.Chunk))
}
