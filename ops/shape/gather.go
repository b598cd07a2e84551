package shape

import (
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type axis0Attrs struct {
	Axis int `onnx:",0"`
}

var _ = Ops.Add(ops.Def(ops.Spec[axis0Attrs]{
	Name: "Gather", In: "data:T, indices:Tind", Out: "output:T", Types: "T=all4; Tind=int32|int64",
	Vers:  []ops.Ver{{Since: 13}, {Since: 11, Types: "T=all"}, {Since: 1}},
	Infer: inferGather, View: viewGather, Bind: bindGather,
}))

func inferGather(c *ops.Infer, a *axis0Attrs) error {
	t, ix := c.In(0), c.In(1)
	if !t.Ranked || !ix.Ranked {
		return c.OutUnranked(0, t.DT)
	}
	axis, err := ops.Axis(a.Axis, len(t.Shape))
	if err != nil {
		return fmt.Errorf("attribute axis: %w", err)
	}
	out := make([]ops.Dim, 0, len(t.Shape)+len(ix.Shape))
	out = append(append(append(out, t.Shape[:axis]...), ix.Shape...), t.Shape[axis+1:]...)
	if err := outSized(c, 0, t.DT, out...); err != nil {
		return err
	}
	gatherVals(c, axis)
	return nil
}

// gatherVals picks elements of a small integer value. An index that is out of range is the kernel's to report.
func gatherVals(c *ops.Infer, axis int) {
	v, ix := c.In(0).Val, c.In(1).Val
	dims, ok := c.In(0).Dims()
	if v == nil || ix == nil || !ok || len(v) != numel(dims) {
		return
	}
	outer, d, inner := numel(dims[:axis]), dims[axis], numel(dims[axis+1:])
	if outer*len(ix)*inner > sym.MaxValue {
		return
	}
	out := make([]ops.Dim, 0, outer*len(ix)*inner)
	for o := range outer {
		for _, i := range ix {
			k, ok := i.Int()
			if k < 0 {
				k += int64(d)
			}
			if !ok || k < 0 || k >= int64(d) {
				return
			}
			at := (o*d + int(k)) * inner
			out = append(out, v[at:at+inner]...)
		}
	}
	c.SetVal(0, out)
}

// viewGather finds the one row that is asked for, where rows are in one piece.
func viewGather(c *ops.Infer, a *axis0Attrs, _ int) (int, int, bool) {
	t := c.In(0)
	dims, okD := t.Dims()
	ix, okI := sym.Ints(c.In(1).Val)
	axis, err := ops.Axis(a.Axis, len(dims))
	if !okD || !okI || err != nil || len(ix) != 1 || numel(dims[:axis]) != 1 {
		return 0, 0, false
	}
	k := ix[0]
	if k < 0 {
		k += int64(dims[axis])
	}
	if k < 0 || k >= int64(dims[axis]) {
		return 0, 0, false
	}
	return 0, int(k) * numel(dims[axis+1:]) * t.DT.Size(), true
}

// readIndices sets dst to a tensor of int32 or int64, negative ones counted from the end of bound.
func readIndices(dst []int, t *tensor.Tensor, bound int) error {
	bad := -1
	var v int64
	if t.DType() == tensor.Int32 {
		if bad = normalise(dst, tensor.View[int32](t), bound); bad >= 0 {
			v = int64(tensor.View[int32](t)[bad])
		}
	} else if bad = normalise(dst, tensor.View[int64](t), bound); bad >= 0 {
		v = tensor.View[int64](t)[bad]
	}
	if bad >= 0 {
		return fmt.Errorf("index %d (place %d of the indices) is outside of [%d,%d]", v, bad, -bound, bound-1)
	}
	return nil
}

// normalise returns the place of the first index that is out of bounds, or -1.
func normalise[T int32 | int64](dst []int, src []T, bound int) int {
	dst = dst[:len(src)]
	n := int64(bound)
	for i, s := range src {
		v := int64(s)
		if v < 0 {
			v += n
		}
		if uint64(v) >= uint64(n) {
			return i
		}
		dst[i] = int(v)
	}
	return -1
}

// gatherKernel picks rows by indices.
type gatherKernel struct {
	move.Rows
	n    int
	at   []int
	d, s move.Buf
}

func bindGather(b *ops.Bind, a *axis0Attrs) (ops.Kernel, error) {
	dims := b.Dims(0)
	axis, err := ops.Axis(a.Axis, len(dims))
	if err != nil {
		return nil, err
	}
	k := &gatherKernel{n: numel(b.Dims(1))}
	k.Rows = move.NewRows(b.In(0).DT.Size(), numel(dims[:axis]), dims[axis], k.n, numel(dims[axis+1:]))
	b.NeedScratch(k.n * elem.SizeOf[int]())
	return k, nil
}

func (k *gatherKernel) Run(c *ops.Call) error {
	k.at = elem.Of[int](c.Scratch, k.n)
	if err := readIndices(k.at, c.In(1), k.Axis); err != nil {
		return err
	}
	k.d, k.s = bufOf(c.Out(0)), bufOf(c.In(0))
	return c.Parallel(k.Tiles(), k)
}

func (k *gatherKernel) Tile(_ ops.Worker, i int) { k.Rows.Tile(k.d, k.s, k.at, i) }
