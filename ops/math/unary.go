package math

import (
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// unaryLoops are the loops of a function of one element, by type. A loop that signed integers lack is that of the unsigned ones of their
// width. The narrow floats are computed by the float32 loop, integers without any in int64.
type unaryLoops struct {
	f32  func(d, s []float32)
	f64  func(d, s []float64)
	u8   func(d, s []uint8)
	i32  func(d, s []int32)
	i64  func(d, s []int64)
	u32  func(d, s []uint32)
	u64  func(d, s []uint64)
	ints bool // integers are computed by the float64 loop
	cost int  // of a float32 element, in picoseconds
}

// of returns the loop for elements of dt, or nil.
func (l *unaryLoops) of(dt tensor.DType) elem.Loop1 {
	var f elem.Loop1
	switch dt {
	case tensor.Float32:
		return elem.Loop1Of(l.f32)
	case tensor.Float64:
		return elem.Loop1Of(l.f64)
	case tensor.Int8, tensor.Uint8, tensor.Bool:
		return elem.Loop1Of(l.u8)
	case tensor.Int32:
		f = elem.Loop1Of(l.i32)
	case tensor.Int64:
		f = elem.Loop1Of(l.i64)
	}
	switch {
	case f != nil:
		return f
	case dt == tensor.Int32 || dt == tensor.Uint32:
		return elem.Loop1Of(l.u32)
	case dt == tensor.Int64 || dt == tensor.Uint64:
		return elem.Loop1Of(l.u64)
	}
	return nil
}

// scalarLoops computes every float in float64, one by one.
func scalarLoops(f func(float64) float64) unaryLoops {
	return unaryLoops{
		f32:  func(d, s []float32) { elem.Map32(d, s, f) },
		f64:  func(d, s []float64) { elem.Map64(d, s, f) },
		cost: costScalar,
	}
}

// vectorLoops has an assembly loop for float32, and computes float64 one by one.
func vectorLoops(f32 func(d, s []float32), f64 func(float64) float64) unaryLoops {
	return unaryLoops{f32: f32, f64: func(d, s []float64) { elem.Map64(d, s, f64) }, cost: costVector}
}

func (l unaryLoops) at(cost int) unaryLoops {
	l.cost = cost
	return l
}

// withInts computes integers in float64 too, and truncates.
func (l unaryLoops) withInts() unaryLoops {
	l.ints = true
	return l
}

// noAttrs is the attribute struct of operators that have none.
type noAttrs struct{}

// unary declares a function of one element without attributes. sig names input and output.
func unary(name, in, out, types string, vers []ops.Ver, l unaryLoops) *ops.Op {
	return unaryWith(name, in, out, types, vers, func(*noAttrs) (unaryLoops, error) { return l, nil })
}

// unaryWith declares a function of one element whose loops are made for a node's attributes.
func unaryWith[A any](name, in, out, types string, vers []ops.Ver, loops func(a *A) (unaryLoops, error)) *ops.Op {
	return ops.Def(ops.Spec[A]{
		Name: name, In: in + ":T", Out: out + ":T", Types: types, Vers: vers,
		Infer: func(c *ops.Infer, a *A) error {
			if _, err := loops(a); err != nil {
				return err
			}
			return c.OutLike(0, 0)
		},
		Bind: func(b *ops.Bind, a *A) (ops.Kernel, error) {
			l, err := loops(a)
			if err != nil {
				return nil, err
			}
			return l.bind(b)
		},
		InPlace: [][2]int8{{0, 0}}, Layout: ops.Layout{Kind: ops.Agnostic},
	})
}

func (l *unaryLoops) bind(b *ops.Bind) (ops.Kernel, error) {
	dt := b.In(0).DT
	cost := max(l.cost, costMove)
	if f := l.of(dt); f != nil {
		switch dt {
		case tensor.Float32:
		case tensor.Float64:
			cost = max(2*cost, costLoop)
		default:
			cost = costLoop
		}
		return bindUnary(b, f, cost)
	}
	switch {
	case num.Narrow.Has(dt):
		return bindVia(b, &via32, l.of(tensor.Float32), cost)
	case dt.IsInteger() && l.ints:
		return bindVia(b, &via64, l.of(tensor.Float64), costLoop)
	case dt.IsInteger():
		return bindVia(b, &viaInt, l.of(tensor.Int64), costLoop)
	}
	return nil, noLoop(b)
}

func noLoop(b *ops.Bind) error {
	return fmt.Errorf("no computation for elements of type %s", b.In(0).DT)
}

// unaryKernel runs a loop over ranges of the elements.
type unaryKernel struct {
	loop       elem.Loop1
	s, d       elem.Raw
	in, result elem.Width
	n, per     int
}

func newUnary(b *ops.Bind, loop elem.Loop1, cost int) unaryKernel {
	n := numel(b.Dims(0))
	return unaryKernel{loop: loop, in: widthOf(b.In(0).DT), result: widthOf(b.Out(0).DT), n: n, per: tileLen(n, cost)}
}

func bindUnary(b *ops.Bind, loop elem.Loop1, cost int) (ops.Kernel, error) {
	if loop == nil {
		return nil, noLoop(b)
	}
	k := newUnary(b, loop, cost)
	return &k, nil
}

func (k *unaryKernel) Run(c *ops.Call) error {
	k.d, k.s = rawOf(c.Out(0)), rawOf(c.In(0))
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *unaryKernel) Tile(_ ops.Worker, i int) {
	lo, hi := i*k.per, min(k.n, (i+1)*k.per)
	k.loop(k.d.Slice(k.result, lo, hi), k.s.Slice(k.in, lo, hi))
}

// viaKernel runs a loop over blocks of a type that is computed in another. The result is of the computing type, or of bools.
type viaKernel struct {
	via    *exchange
	loop   elem.Loop1
	in     *tensor.Tensor
	out    *tensor.Tensor
	n, per int
}

func newVia(b *ops.Bind, via *exchange, loop elem.Loop1, cost int) viaKernel {
	n := numel(b.Dims(0))
	return viaKernel{via: via, loop: loop, n: n, per: tileLen(n, cost+costLoop)}
}

func bindVia(b *ops.Bind, via *exchange, loop elem.Loop1, cost int) (ops.Kernel, error) {
	if loop == nil {
		return nil, noLoop(b)
	}
	k := newVia(b, via, loop, cost)
	return &k, nil
}

func (k *viaKernel) Run(c *ops.Call) error {
	k.in, k.out = c.In(0), c.Out(0)
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *viaKernel) Tile(w ops.Worker, i int) {
	buf := rawScratch(w, k.via.width, num.Block)
	isBool := k.out.DType() == tensor.Bool
	hi := min(k.n, (i+1)*k.per)
	for lo := i * k.per; lo < hi; lo += num.Block {
		n := min(num.Block, hi-lo)
		x := buf.Slice(k.via.width, 0, n)
		k.via.get(x, k.in, lo)
		if isBool {
			k.loop(rawOf(k.out).Slice(1, lo, lo+n), x)
			continue
		}
		k.loop(x, x)
		k.via.put(k.out, lo, x)
	}
}
