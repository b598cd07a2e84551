package shape

import (
	"errors"
	"fmt"
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/move"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// tensor64 returns the n elements of an integer tensor.
func tensor64(t *tensor.Tensor, n int, what string) ([]int64, error) {
	if t.Len() != n {
		return nil, fmt.Errorf("%s has %d elements, must have %d", what, t.Len(), n)
	}
	return ops.Int64s(t)
}

type eyeLikeAttrs struct {
	Dtype *tensor.DType
	K     int `onnx:",0"`
}

var _ = Ops.Add(ops.Def(ops.Spec[eyeLikeAttrs]{
	Name: "EyeLike", In: "input:T1", Out: "output:T2", Types: "T1=bool|num4; T2=bool|num4",
	Vers: []ops.Ver{{Since: 22}, {Since: 9, Types: "T1=bool|num; T2=bool|num"}},
	Infer: func(c *ops.Infer, a *eyeLikeAttrs) error {
		t := c.In(0)
		dt, err := dtypeOr(a.Dtype, t.DT, tensor.Ints|tensor.Floats16|tensor.TypesOf(tensor.Bool))
		if err != nil {
			return err
		}
		if !t.Ranked {
			return c.OutRank(0, dt, 2)
		}
		if len(t.Shape) != 2 {
			return fmt.Errorf("the input must have rank 2, not %d", len(t.Shape))
		}
		return c.Out(0, dt, t.Shape...)
	},
	Eval: func(c *ops.Call, a *eyeLikeAttrs) error {
		y := c.Out(0)
		clear(y.Bytes())
		rows, cols := y.Dims()[0], y.Dims()[1]
		k := max(-rows, min(a.K, cols)) // further away there is nothing either
		for i := max(0, -k); i < rows && i+k < cols; i++ {
			num.StoreInt(y, i*cols+i+k, []int64{1})
		}
		return nil
	},
}))

// dtypeOr returns the type that an attribute names, or another when it is absent. Only the types in may are allowed.
func dtypeOr(attr *tensor.DType, or tensor.DType, may tensor.Types) (tensor.DType, error) {
	if attr != nil {
		if !may.Has(*attr) {
			return 0, fmt.Errorf("attribute dtype: %s is none of %s", *attr, may)
		}
		return *attr, nil
	}
	if or != tensor.Invalid && !may.Has(or) {
		return 0, fmt.Errorf("attribute dtype is missing, and %s is none of %s", or, may)
	}
	return or, nil
}

type axisLastAttrs struct {
	Axis int `onnx:",-1"`
}

var _ = Ops.Add(ops.Def(ops.Spec[axisLastAttrs]{
	Name: "OneHot", In: "indices:T1, depth:T2, values:T3", Out: "output:T3", Types: "T1=num; T2=num; T3=all4",
	Vers:  []ops.Ver{{Since: 28}, {Since: 11, Types: "T3=all"}, {Since: 9}},
	Infer: inferOneHot, Bind: bindOneHot,
}))

func inferOneHot(c *ops.Infer, a *axisLastAttrs) error {
	t, dt := c.In(0), c.In(2).DT
	depth := sym.Unknown()
	if v := c.In(1).Val; len(v) == 1 {
		depth = v[0]
	}
	if d := c.Data(1); d != nil {
		v, err := scalar64(d, "depth")
		if err != nil {
			return err
		}
		if !(v >= 0 && v <= math.MaxInt32) {
			return fmt.Errorf("depth %g is out of range", v)
		}
		depth = ops.Num(int64(v))
	}
	if !t.Ranked {
		return c.OutUnranked(0, dt)
	}
	axis, err := ops.Axis(a.Axis, len(t.Shape)+1)
	if err != nil {
		return fmt.Errorf("attribute axis: %w", err)
	}
	out := append([]ops.Dim{}, t.Shape[:axis]...)
	return outSized(c, 0, dt, append(append(out, depth), t.Shape[axis:]...)...)
}

// oneHotKernel fills rows of the output and sets one place in each.
type oneHotKernel struct {
	n, depth, inner int // indices; places of the new axis; indices behind it
	per             int // outer rows of a tile
	at              []int64
	d, v            move.Buf
}

func bindOneHot(b *ops.Bind, a *axisLastAttrs) (ops.Kernel, error) {
	out := b.OutDims(0)
	if out == nil {
		return nil, errLate("depth")
	}
	axis, err := ops.Axis(a.Axis, len(out))
	if err != nil {
		return nil, err
	}
	k := &oneHotKernel{n: numel(b.Dims(0)), depth: out[axis], inner: numel(out[axis+1:])}
	k.per = max(1, move.TileLen(numel(out), 60*max(1, b.Out(0).DT.Size()))/max(1, k.depth*k.inner))
	b.NeedScratch(k.n * 8)
	return k, nil
}

func (k *oneHotKernel) Run(c *ops.Call) error {
	k.at = elem.Of[int64](c.Scratch, k.n)
	num.LoadInt(k.at, c.In(0), 0)
	if c.In(0).DType() == tensor.Uint64 {
		for i, v := range k.at {
			if v < 0 { // more than an int64 holds, not a place from the end
				k.at[i] = math.MaxInt64
			}
		}
	}
	k.d, k.v = bufOf(c.Out(0)), bufOf(c.In(2))
	if k.v.Len() != 2 {
		return fmt.Errorf("values must be two elements, not %s", c.In(2))
	}
	if k.n == 0 || k.depth == 0 {
		return nil
	}
	return c.Parallel(move.TileCount(k.n/k.inner, k.per), k)
}

func (k *oneHotKernel) Tile(_ ops.Worker, i int) {
	lo, hi := i*k.per, min(k.n/k.inner, (i+1)*k.per)
	size := k.depth * k.inner
	move.FillBuf(k.d, k.v, lo*size, hi*size)
	on := k.v
	if on.Width == 0 {
		on.Strings = on.Strings[1:]
	} else {
		on.Bytes = on.Bytes[on.Width:]
	}
	for j, v := range k.at[lo*k.inner : hi*k.inner] {
		if v < 0 {
			v += int64(k.depth)
		}
		if v >= 0 && v < int64(k.depth) {
			p := (lo+j/k.inner)*size + int(v)*k.inner + j%k.inner
			move.FillBuf(k.d, on, p, p+1)
		}
	}
}

type triluAttrs struct {
	Upper bool `onnx:",1"`
}

var _ = Ops.Add(ops.Def(ops.Spec[triluAttrs]{
	Name: "Trilu", In: "input:T, k:int64?", Out: "output:T", Types: "T=all4", Vers: []ops.Ver{{Since: 14}},
	Infer: func(c *ops.Infer, _ *triluAttrs) error {
		if t := c.In(0); t.Ranked && len(t.Shape) < 2 {
			return fmt.Errorf("the input must have rank 2 or more, not %d", len(t.Shape))
		}
		return c.OutLike(0, 0)
	},
	Eval: evalTrilu, InPlace: [][2]int8{{0, 0}},
}))

func evalTrilu(c *ops.Call, a *triluAttrs) error {
	x, y := c.In(0), c.Out(0)
	diagonal := 0
	if c.Has(1) {
		v, err := tensor64(c.In(1), 1, "k")
		if err != nil {
			return err
		}
		diagonal = int(max(-math.MaxInt32, min(v[0], math.MaxInt32)))
	}
	d := x.Dims()
	rows, cols := d[len(d)-2], d[len(d)-1]
	if x.Len() == 0 {
		return nil
	}
	dst, src := bufOf(y), bufOf(x)
	return c.For(x.Len()/cols, max(1, move.TileLen(x.Len(), 300)/cols), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			// Columns from on stay in the upper triangle, those before to in the lower.
			cut := max(0, min(r%rows+diagonal, cols))
			keep, end := cut, cols
			if !a.Upper {
				keep, end = 0, max(0, min(r%rows+diagonal+1, cols))
			}
			at := r * cols
			copyRun(dst, src, at+keep, at+keep, end-keep)
			move.FillBuf(dst, move.Buf{}, at, at+keep)
			move.FillBuf(dst, move.Buf{}, at+end, at+cols)
		}
	})
}

// copyRun copies n elements.
func copyRun(dst, src move.Buf, to, from, n int) {
	if dst.Width == 0 {
		copy(dst.Strings[to:to+n], src.Strings[from:])
		return
	}
	w := dst.Width
	copy(dst.Bytes[to*w:(to+n)*w], src.Bytes[from*w:])
}

type centerCropPadAttrs struct {
	Axes []int
}

func opCenterCropPad() *ops.Op {
	return ops.Def(ops.Spec[centerCropPadAttrs]{
		Name: "CenterCropPad", In: "input_data:T, shape:Tind", Out: "output_data:T", Types: "T=all4; Tind=int32|int64", Vers: []ops.Ver{{Since: 18}},
		Infer: func(c *ops.Infer, a *centerCropPadAttrs) error {
			t := c.In(0)
			c.Ints(1)
			want, ok := c.Vals(1)
			if !t.Ranked {
				return c.OutUnranked(0, t.DT)
			}
			axes, err := axesOr(a.Axes, len(t.Shape))
			if err != nil {
				return err
			}
			if n, isNum := sym.Prod(c.In(1).Shape).Int(); c.In(1).Ranked && isNum && n != int64(len(axes)) {
				return fmt.Errorf("shape has %d sizes for %d axes", n, len(axes))
			}
			ok = ok && len(want) == len(axes)
			out := append([]ops.Dim{}, t.Shape...)
			for i, x := range axes {
				out[x] = sym.Unknown()
				if ok {
					out[x] = want[i]
				}
				if n, isNum := out[x].Int(); isNum && n < 0 {
					return errors.New("shape has a negative size")
				}
			}
			return outSized(c, 0, t.DT, out...)
		},
		Bind: func(b *ops.Bind, _ *centerCropPadAttrs) (ops.Kernel, error) {
			in, out := b.Dims(0), b.OutDims(0)
			step := strides(in)
			axes := make([]move.Axis, len(in))
			for i, n := range out {
				axes[i] = move.Axis{N: n, Step: step[i]}
				if n != in[i] {
					begin := (n - in[i]) / 2 // places added before, rounded toward zero either way
					axes[i].Table = padTable("constant", in[i], n, begin, step[i])
				}
			}
			return &padKernel{Pick: move.NewPick(b.In(0).DT.Size(), axes...)}, nil
		},
	})
}

// axesOr returns the axes that an attribute names, or all of them when it is absent.
func axesOr(axes []int, rank int) ([]int, error) {
	if axes == nil {
		for i := range rank {
			axes = append(axes, i)
		}
		return axes, nil
	}
	out, err := ops.Axes(axes, rank)
	if err != nil {
		return nil, fmt.Errorf("attribute axes: %w", err)
	}
	return out, nil
}
