package shape

import (
	"ingot/internal/kernel/move"
	"ingot/ops"
)

// The operators below are twins of those that convolutional models have between convolutions, for data that is channels-last. Everything
// but the data is as in the operator itself: attributes, and inputs that go by dimension, speak of channels-first order.

// toFirst puts what goes by dimension into channels-first order.
func toFirst[T any](last []T) []T {
	n := len(last)
	if n < 3 {
		return append([]T{}, last...)
	}
	out := append(make([]T, 0, n), last[0], last[n-1])
	return append(out, last[1:n-1]...)
}

// toLast puts what goes by dimension into channels-last order.
func toLast[T any](first []T) []T {
	if len(first) < 3 {
		return append([]T{}, first...)
	}
	out := append(make([]T, 0, len(first)), first[0])
	return append(append(out, first[2:]...), first[1])
}

// inferLast makes the shape rule of a twin.
func inferLast[A any](rule func(*ops.Infer, *A) error) func(*ops.Infer, *A) error {
	return func(c *ops.Infer, a *A) error {
		ins := make([]*ops.Type, c.NumIn())
		for i := range ins {
			if c.Has(i) {
				ins[i] = c.In(i)
			}
		}
		x := *c.In(0)
		x.Shape, x.Val = toFirst(x.Shape), nil
		ins[0] = &x
		f := ops.NewInfer(ins, []bool{true}, nil)
		if err := rule(f, a); err != nil {
			return err
		}
		if err := f.Err(); err != nil {
			return err
		}
		for i, need := range f.Needs() {
			if need && i > 0 {
				c.Data(i)
			}
		}
		out := f.Outs()[0]
		out.Shape, out.Val = toLast(out.Shape), nil
		return c.OutType(0, out)
	}
}

// lastOf is the layout of an operator that has a twin.
func lastOf(twin string) ops.Layout { return ops.Layout{Kind: ops.Spatial, Twin: twin} }

var lastVers = []ops.Ver{{Since: 1}}

var (
	_ = Ops.Add(ops.Def(ops.Spec[padAttrs]{
		Name: "PadNHWC", Domain: ops.Internal, In: "data:T, pads:int64, constant_value:T?, axes:Tind?", Out: "output:T", Types: "T=all13" + padTypes, Vers: lastVers,
		Infer: inferLast(inferPad),
		View:  func(c *ops.Infer, _ *padAttrs, _ int) (int, int, bool) { return 0, 0, unpadded(c) },
		Bind: func(b *ops.Bind, a *padAttrs) (ops.Kernel, error) {
			begin, _, err := padsOf(b.In(1), b.In(3), b.Has(3), len(b.Dims(0)))
			if err != nil {
				return nil, err
			}
			return padBy(b, a, toLast(begin)), nil
		},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[resizeAttrs]{
		Name: "ResizeNHWC", Domain: ops.Internal, In: "X:T1, roi:T2?, scales:float?, sizes:int64?", Out: "Y:T1", Types: "T1=all4; T2=floats", Vers: lastVers,
		Infer: inferLast(inferResize),
		Bind: func(b *ops.Bind, a *resizeAttrs) (ops.Kernel, error) {
			s, err := a.spec()
			if err != nil {
				return nil, err
			}
			f := a.frame(b.In)
			x := *f.x
			x.Shape = toFirst(x.Shape)
			f.x = &x
			dims, _ := x.Dims()
			g, err := f.numbers(dims)
			if err != nil {
				return nil, err
			}
			g = &geometry{in: toLast(g.in), out: toLast(g.out), scale: toLast(g.scale), begin: toLast(g.begin), end: toLast(g.end)}
			return bindGeometry(b, &s, g, a.ExtrapolationValue)
		},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[noAttrs]{
		Name: "SliceNHWC", Domain: ops.Internal, In: "data:T, starts:Tind, ends:Tind, axes:Tind?, steps:Tind?", Out: "output:T", Types: "T=all4; Tind=int32|int64", Vers: lastVers,
		Infer: inferLast(inferSlice),
		View: func(c *ops.Infer, _ *noAttrs, _ int) (int, int, bool) {
			dims, ok := c.In(0).Dims()
			g, err := sliceLast(c.In, c.Has, dims)
			if !ok || err != nil {
				return 0, 0, false
			}
			off, ok := viewOf(c.In(0), g)
			return 0, off, ok
		},
		Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
			g, err := sliceLast(b.In, b.Has, b.Dims(0))
			if err != nil {
				return nil, err
			}
			return bindCopy(g), nil
		},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[depthAttrs]{
		Name: "DepthToSpaceNHWC", Domain: ops.Internal, In: "input:T", Out: "output:T", Types: "T=all4", Vers: lastVers,
		Infer: inferLast(inferDepthToSpace),
		Bind: func(b *ops.Bind, a *depthAttrs) (ops.Kernel, error) {
			d, k := b.Dims(0), a.Blocksize
			c := d[3] / (k * k)
			if a.Mode == "CRD" {
				return bindPerm(b, []int{d[0], d[1], d[2], c, k, k}, []int{0, 1, 4, 2, 5, 3})
			}
			return bindPerm(b, []int{d[0], d[1], d[2], k, k, c}, []int{0, 1, 3, 2, 4, 5})
		},
	}))
	_ = Ops.Add(ops.Def(ops.Spec[depthAttrs]{
		Name: "SpaceToDepthNHWC", Domain: ops.Internal, In: "input:T", Out: "output:T", Types: "T=all4", Vers: lastVers,
		Infer: inferLast(inferSpaceToDepth),
		Bind: func(b *ops.Bind, a *depthAttrs) (ops.Kernel, error) {
			d, k := b.Dims(0), a.Blocksize
			perm := []int{0, 1, 3, 2, 4, 5}
			if a.Mode == "CRD" {
				perm = []int{0, 1, 3, 5, 2, 4}
			}
			return bindPerm(b, []int{d[0], d[1] / k, k, d[2] / k, k, d[3]}, perm)
		},
	}))
)

// sliceLast is the copy of a Slice whose data is channels-last.
func sliceLast(in func(int) *ops.Type, has func(int) bool, dims []int) (move.Copy, error) {
	cuts, err := sliceCuts(in, has, toFirst(dims))
	if err != nil {
		return move.Copy{}, err
	}
	return cutCopy(in(0).DT.Size(), dims, toLast(cuts)), nil
}
