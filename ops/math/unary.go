package math

import (
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// unaryLoops are the loops of a function of one element, by type; R is the result's element type where it isn't the operand's. The narrow
// floats are computed by the float32 loop. A signed integer without a loop of its own takes that of the unsigned type.
type unaryLoops struct {
	f32  func(d, s []float32)
	f64  func(d, s []float64)
	i8   func(d, s []int8)
	i16  func(d, s []int16)
	i32  func(d, s []int32)
	i64  func(d, s []int64)
	u8   func(d, s []uint8)
	u16  func(d, s []uint16)
	u32  func(d, s []uint32)
	u64  func(d, s []uint64)
	cost int // of a float32 element, in picoseconds
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

// withInts adds integer loops that compute in float64 and truncate. f's results must lie in the range of int64.
func (l unaryLoops) withInts(f func(float64) float64) unaryLoops {
	l.i8 = func(d, s []int8) { elem.MapInt(d, s, f) }
	l.i16 = func(d, s []int16) { elem.MapInt(d, s, f) }
	l.i32 = func(d, s []int32) { elem.MapInt(d, s, f) }
	l.i64 = func(d, s []int64) { elem.MapInt(d, s, f) }
	l.u8 = func(d, s []uint8) { elem.MapInt(d, s, f) }
	l.u16 = func(d, s []uint16) { elem.MapInt(d, s, f) }
	l.u32 = func(d, s []uint32) { elem.MapInt(d, s, f) }
	l.u64 = func(d, s []uint64) { elem.MapInt(d, s, f) }
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
	cost := max(l.cost, costMove)
	switch dt := b.In(0).DT; dt {
	case tensor.Float32:
		return bindUnary(b, l.f32, cost)
	case tensor.Float64:
		return bindUnary(b, l.f64, max(2*cost, costLoop))
	case tensor.Int8:
		if l.i8 != nil {
			return bindUnary(b, l.i8, costLoop)
		}
		return bindUnary(b, l.u8, costLoop)
	case tensor.Int16:
		if l.i16 != nil {
			return bindUnary(b, l.i16, costLoop)
		}
		return bindUnary(b, l.u16, costLoop)
	case tensor.Int32:
		if l.i32 != nil {
			return bindUnary(b, l.i32, costLoop)
		}
		return bindUnary(b, l.u32, costLoop)
	case tensor.Int64:
		if l.i64 != nil {
			return bindUnary(b, l.i64, costLoop)
		}
		return bindUnary(b, l.u64, costLoop)
	case tensor.Uint8, tensor.Bool:
		return bindUnary(b, l.u8, costLoop)
	case tensor.Uint16:
		return bindUnary(b, l.u16, costLoop)
	case tensor.Uint32:
		return bindUnary(b, l.u32, costLoop)
	case tensor.Uint64:
		return bindUnary(b, l.u64, costLoop)
	default:
		if num.Narrow.Has(dt) {
			return bindNarrowUnary(b, l.f32, cost)
		}
	}
	return nil, noLoop(b)
}

func noLoop(b *ops.Bind) error {
	return fmt.Errorf("no computation for elements of type %s", b.In(0).DT)
}

// unaryKernel runs a loop over ranges of the elements.
type unaryKernel[T, R any] struct {
	loop   func(d []R, s []T)
	d      []R
	s      []T
	n, per int
}

func bindUnary[T, R any](b *ops.Bind, loop func([]R, []T), cost int) (ops.Kernel, error) {
	if loop == nil {
		return nil, noLoop(b)
	}
	n := numel(b.Dims(0))
	return &unaryKernel[T, R]{loop: loop, n: n, per: tileLen(n, cost)}, nil
}

func (k *unaryKernel[T, R]) Run(c *ops.Call) error {
	k.d, k.s = tensor.View[R](c.Out(0)), tensor.View[T](c.In(0))
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *unaryKernel[T, R]) Tile(_ ops.Worker, i int) {
	lo, hi := i*k.per, min(k.n, (i+1)*k.per)
	k.loop(k.d[lo:hi], k.s[lo:hi])
}

// narrowUnary runs a float32 loop over blocks of a type that is stored narrower. R is float32, or uint8 for a bool result.
type narrowUnary[R any] struct {
	loop   func(d []R, s []float32)
	in     *tensor.Tensor
	out    *tensor.Tensor
	n, per int
}

func bindNarrowUnary[R any](b *ops.Bind, loop func([]R, []float32), cost int) (ops.Kernel, error) {
	if loop == nil {
		return nil, noLoop(b)
	}
	n := numel(b.Dims(0))
	return &narrowUnary[R]{loop: loop, n: n, per: tileLen(n, cost+costLoop)}, nil
}

func (k *narrowUnary[R]) Run(c *ops.Call) error {
	k.in, k.out = c.In(0), c.Out(0)
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *narrowUnary[R]) Tile(w ops.Worker, i int) {
	buf := elem.Of[float32](w.Scratch(4*num.Block), num.Block)
	hi := min(k.n, (i+1)*k.per)
	for lo := i * k.per; lo < hi; lo += num.Block {
		x := buf[:min(num.Block, hi-lo)]
		num.Load32(x, k.in, lo)
		switch loop := any(k.loop).(type) {
		case func([]float32, []float32):
			loop(x, x)
			num.Store32(k.out, lo, x)
		case func([]uint8, []float32):
			loop(tensor.View[uint8](k.out)[lo:][:len(x)], x)
		}
	}
}
