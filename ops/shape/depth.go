package shape

import (
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
)

type depthAttrs struct {
	Blocksize int    `onnx:",required"`
	Mode      string `onnx:",DCR"`
}

var (
	_ = Ops.Add(ops.Def(ops.Spec[depthAttrs]{
		Name: "DepthToSpace", In: "input:T", Out: "output:T", Types: "T=all4",
		Vers:  []ops.Ver{{Since: 28}, {Since: 13}, {Since: 11, Types: "T=all"}, {Since: 1, Attrs: "-mode"}},
		Infer: inferDepthToSpace, Layout: lastOf("DepthToSpaceNHWC"),
		View: func(c *ops.Infer, a *depthAttrs, _ int) (int, int, bool) { return 0, 0, a.Blocksize == 1 },
		Bind: func(b *ops.Bind, a *depthAttrs) (ops.Kernel, error) {
			d, k := b.Dims(0), a.Blocksize
			c := d[1] / (k * k)
			if a.Mode == "CRD" {
				return bindPerm(b, []int{d[0], c, k, k, d[2], d[3]}, []int{0, 1, 4, 2, 5, 3})
			}
			return bindPerm(b, []int{d[0], k, k, c, d[2], d[3]}, []int{0, 3, 4, 1, 5, 2})
		},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[depthAttrs]{
		Name: "SpaceToDepth", In: "input:T", Out: "output:T", Types: "T=all4",
		Vers:  []ops.Ver{{Since: 28}, {Since: 13, Attrs: "-mode"}, {Since: 1, Types: "T=all"}},
		Infer: inferSpaceToDepth, Layout: lastOf("SpaceToDepthNHWC"),
		View: func(c *ops.Infer, a *depthAttrs, _ int) (int, int, bool) { return 0, 0, a.Blocksize == 1 },
		Bind: func(b *ops.Bind, a *depthAttrs) (ops.Kernel, error) {
			d, k := b.Dims(0), a.Blocksize
			perm := []int{0, 3, 5, 1, 2, 4}
			if a.Mode == "CRD" {
				perm = []int{0, 1, 3, 5, 2, 4}
			}
			return bindPerm(b, []int{d[0], d[1], d[2] / k, k, d[3] / k, k}, perm)
		},
	}))
)

func inferDepthToSpace(c *ops.Infer, a *depthAttrs) error {
	return a.infer(c, func(d []ops.Dim, b ops.Dim) []ops.Dim {
		return []ops.Dim{d[0], d[1].FloorDiv(b.Mul(b)), d[2].Mul(b), d[3].Mul(b)}
	}, [4]bool{1: true})
}

func inferSpaceToDepth(c *ops.Infer, a *depthAttrs) error {
	return a.infer(c, func(d []ops.Dim, b ops.Dim) []ops.Dim {
		return []ops.Dim{d[0], d[1].Mul(b).Mul(b), d[2].FloorDiv(b), d[3].FloorDiv(b)}
	}, [4]bool{2: true, 3: true})
}

// infer checks the input and sets the output to what to makes of its shape. divide marks the dimensions that blocks must divide.
func (a *depthAttrs) infer(c *ops.Infer, to func([]ops.Dim, ops.Dim) []ops.Dim, divide [4]bool) error {
	if a.Mode != "DCR" && a.Mode != "CRD" {
		return fmt.Errorf(`attribute mode: %q, must be "DCR" or "CRD"`, a.Mode)
	}
	if a.Blocksize < 1 || a.Blocksize > 1<<15 {
		return fmt.Errorf("attribute blocksize: %d is out of range", a.Blocksize)
	}
	t := c.In(0)
	if !t.Ranked {
		return c.OutRank(0, t.DT, 4)
	}
	if len(t.Shape) != 4 {
		return fmt.Errorf("the input must have rank 4, not %d", len(t.Shape))
	}
	for i, d := range t.Shape {
		by := int64(a.Blocksize)
		if i == 1 {
			by *= by
		}
		if n, ok := d.Int(); ok && divide[i] && n%by != 0 {
			return fmt.Errorf("dimension %d of %s isn't divisible by %d", i, sym.ShapeString(t.Shape), by)
		}
	}
	return outSized(c, 0, t.DT, to(t.Shape, ops.Num(a.Blocksize))...)
}

// bindPerm transposes the input, seen with other dimensions.
func bindPerm(b *ops.Bind, dims, perm []int) (ops.Kernel, error) {
	return bindCopy(transposeOf(b.In(0).DT.Size(), dims, perm)), nil
}

type reverseAttrs struct {
	BatchAxis int `onnx:",1"`
	TimeAxis  int `onnx:",0"`
}

func opReverseSequence() *ops.Op {
	return ops.Def(ops.Spec[reverseAttrs]{
		Name: "ReverseSequence", In: "input:T, sequence_lens:int64", Out: "Y:T", Types: "T=all4", Vers: []ops.Ver{{Since: 28}, {Since: 10, Types: "T=all"}},
		Infer: func(c *ops.Infer, a *reverseAttrs) error {
			if a.BatchAxis+a.TimeAxis != 1 || a.BatchAxis*a.TimeAxis != 0 {
				return fmt.Errorf("attributes batch_axis %d and time_axis %d must be 0 and 1 in some order", a.BatchAxis, a.TimeAxis)
			}
			if t := c.In(0); t.Ranked && len(t.Shape) < 2 {
				return fmt.Errorf("the input must have rank 2 or more, not %d", len(t.Shape))
			}
			return c.OutLike(0, 0)
		},
		Eval: evalReverse,
	})
}

func evalReverse(c *ops.Call, a *reverseAttrs) error {
	x := c.In(0)
	d := x.Dims()
	lens, err := tensor64(c.In(1), d[a.BatchAxis], "sequence_lens")
	if err != nil {
		return err
	}
	run := numel(d[2:])
	at := make([]int, d[0]*d[1])
	for k := range at {
		i := [2]int{k / d[1], k % d[1]}
		n := lens[i[a.BatchAxis]]
		if n < 0 || n > int64(d[a.TimeAxis]) {
			return fmt.Errorf("sequence_lens: %d is outside of [0,%d]", n, d[a.TimeAxis])
		}
		if t := i[a.TimeAxis]; t < int(n) {
			i[a.TimeAxis] = int(n) - 1 - t
		}
		at[k] = (i[0]*d[1] + i[1]) * run
	}
	if run == 0 {
		return nil
	}
	dst, src := bufOf(c.Out(0)), bufOf(x)
	return c.For(len(at), max(1, move.TileLen(x.Len(), 1000)/run), func(lo, hi int) { move.Gather(dst, src, at, run, lo, hi) })
}
