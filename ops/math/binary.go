package math

import (
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// binaryLoops are the loops of a function of two elements, by type; see unaryLoops. R is uint8 in comparisons.
type binaryLoops struct {
	f32  elem.Binary[float32, float32]
	f64  func(d, a, b []float64)
	i8   func(d, a, b []int8)
	i16  func(d, a, b []int16)
	i32  func(d, a, b []int32)
	i64  func(d, a, b []int64)
	u8   func(d, a, b []uint8)
	u16  func(d, a, b []uint16)
	u32  func(d, a, b []uint32)
	u64  func(d, a, b []uint64)
	cost int
}

// compareLoops are the loops of a comparison of two elements, by type.
type compareLoops struct {
	f32 func(d []uint8, a, b []float32)
	f64 func(d []uint8, a, b []float64)
	i8  func(d []uint8, a, b []int8)
	i16 func(d []uint8, a, b []int16)
	i32 func(d []uint8, a, b []int32)
	i64 func(d []uint8, a, b []int64)
	u8  func(d, a, b []uint8)
	u16 func(d []uint8, a, b []uint16)
	u32 func(d []uint8, a, b []uint32)
	u64 func(d []uint8, a, b []uint64)
	str func(d []uint8, a, b []string)
}

func (l *binaryLoops) bind(b *ops.Bind) (ops.Kernel, error) {
	cost := max(l.cost, costMove)
	loop := max(l.cost, costLoop)
	switch dt := b.In(0).DT; dt {
	case tensor.Float32:
		return bindBinary(b, l.f32, cost)
	case tensor.Float64:
		return bindVV(b, l.f64, loop)
	case tensor.Int8:
		if l.i8 != nil {
			return bindVV(b, l.i8, loop)
		}
		return bindVV(b, l.u8, loop)
	case tensor.Int16:
		if l.i16 != nil {
			return bindVV(b, l.i16, loop)
		}
		return bindVV(b, l.u16, loop)
	case tensor.Int32:
		if l.i32 != nil {
			return bindVV(b, l.i32, loop)
		}
		return bindVV(b, l.u32, loop)
	case tensor.Int64:
		if l.i64 != nil {
			return bindVV(b, l.i64, loop)
		}
		return bindVV(b, l.u64, loop)
	case tensor.Uint8, tensor.Bool:
		return bindVV(b, l.u8, loop)
	case tensor.Uint16:
		return bindVV(b, l.u16, loop)
	case tensor.Uint32:
		return bindVV(b, l.u32, loop)
	case tensor.Uint64:
		return bindVV(b, l.u64, loop)
	default:
		if num.Narrow.Has(dt) {
			return bindBlocks(b, hub32, l.f32.VV, num.Store32, cost)
		}
	}
	return nil, noLoop(b)
}

func (l *compareLoops) bind(b *ops.Bind) (ops.Kernel, error) {
	switch dt := b.In(0).DT; dt {
	case tensor.Float32:
		return bindVV(b, l.f32, costLoop)
	case tensor.Float64:
		return bindVV(b, l.f64, costLoop)
	case tensor.Int8:
		return bindVV(b, l.i8, costLoop)
	case tensor.Int16:
		return bindVV(b, l.i16, costLoop)
	case tensor.Int32:
		return bindVV(b, l.i32, costLoop)
	case tensor.Int64:
		return bindVV(b, l.i64, costLoop)
	case tensor.Uint8, tensor.Bool:
		return bindVV(b, l.u8, costLoop)
	case tensor.Uint16:
		return bindVV(b, l.u16, costLoop)
	case tensor.Uint32:
		return bindVV(b, l.u32, costLoop)
	case tensor.Uint64:
		return bindVV(b, l.u64, costLoop)
	case tensor.String:
		return bindVV(b, l.str, 10*costLoop)
	default:
		if num.Narrow.Has(dt) {
			return bindBlocks(b, hub32, l.f32, storeBytes, costLoop)
		}
	}
	return nil, noLoop(b)
}

// binaryMaps returns the maps of two operands to the output.
func binaryMaps(b *ops.Bind) (ma, mb elem.Map, n int, err error) {
	out := b.OutDims(0)
	ma, okA := elem.NewMap(out, b.Dims(0))
	mb, okB := elem.NewMap(out, b.Dims(1))
	if !okA || !okB {
		err = fmt.Errorf("shapes %s and %s don't broadcast to %s",
			tensor.ShapeString(b.Dims(0)), tensor.ShapeString(b.Dims(1)), tensor.ShapeString(out))
	}
	return ma, mb, numel(out), err
}

// binaryKernel runs loops over ranges of the output.
type binaryKernel[T, R any] struct {
	loops  elem.Binary[T, R]
	ma, mb elem.Map
	a, b   []T
	d      []R
	n, per int
	spare  []T // instead of scratch, for strings: the garbage collector must see them
}

func bindVV[T, R any](b *ops.Bind, vv func(d []R, a, b []T), cost int) (ops.Kernel, error) {
	return bindBinary(b, elem.Binary[T, R]{VV: vv}, cost)
}

func bindBinary[T, R any](b *ops.Bind, loops elem.Binary[T, R], cost int) (ops.Kernel, error) {
	if loops.VV == nil {
		return nil, noLoop(b)
	}
	ma, mb, n, err := binaryMaps(b)
	if err != nil {
		return nil, err
	}
	k := &binaryKernel[T, R]{loops: loops, ma: ma, mb: mb, n: n, per: tileLen(n, cost)}
	if b.In(0).DT == tensor.String {
		k.spare, k.per = make([]T, 2*elem.Block), max(n, 1) // one tile, since it is shared
	}
	return k, nil
}

func (k *binaryKernel[T, R]) Run(c *ops.Call) error {
	k.a, k.b, k.d = tensor.View[T](c.In(0)), tensor.View[T](c.In(1)), tensor.View[R](c.Out(0))
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *binaryKernel[T, R]) Tile(w ops.Worker, i int) {
	lo, hi := i*k.per, min(k.n, (i+1)*k.per)
	scratch := k.spare
	if scratch == nil {
		scratch = scratchOf[T](w, 2*elem.Block)
	}
	k.loops.Range(k.d, k.a, k.b, &k.ma, &k.mb, lo, hi, scratch)
}

// scratchOf returns n elements of the worker's scratch. T must hold no pointers.
func scratchOf[T any](w ops.Worker, n int) []T { return elem.Of[T](w.Scratch(n*elem.SizeOf[T]()), n) }

// hub is a computing type with the functions that load it from any other.
type hub[H any] func(dst []H, t *tensor.Tensor, off int) bool

var (
	hub32  hub[float32] = num.Load32
	hub64  hub[float64] = num.Load64
	hubInt hub[int64]   = num.LoadInt
)

// storeBytes puts the bytes of a bool result into its tensor.
func storeBytes(t *tensor.Tensor, off int, src []uint8) bool {
	return copy(tensor.View[uint8](t)[off:], src) == len(src)
}

// load sets dst to an operand's elements for the output's positions from pos on.
func (load hub[H]) load(dst []H, t *tensor.Tensor, m *elem.Map, pos int) {
	for len(dst) > 0 {
		off, step, run := m.At(pos)
		run = min(run, len(dst))
		if step == 0 {
			load(dst[:1], t, off)
			elem.Fill(dst[:run], dst[0])
		} else {
			load(dst[:run], t, off)
		}
		dst, pos = dst[run:], pos+run
	}
}

// blockKernel computes in H whatever the operands' types are, block by block.
type blockKernel[H, R any] struct {
	load   hub[H]
	loop   func(d []R, a, b []H)
	store  func(t *tensor.Tensor, off int, src []R) bool
	ma, mb elem.Map
	a, b   *tensor.Tensor
	d      *tensor.Tensor
	n, per int
}

func bindBlocks[H, R any](b *ops.Bind, load hub[H], loop func(d []R, a, b []H), store func(*tensor.Tensor, int, []R) bool, cost int) (ops.Kernel, error) {
	if loop == nil {
		return nil, noLoop(b)
	}
	ma, mb, n, err := binaryMaps(b)
	if err != nil {
		return nil, err
	}
	return &blockKernel[H, R]{load: load, loop: loop, store: store, ma: ma, mb: mb, n: n, per: tileLen(n, cost+2*costLoop)}, nil
}

func (k *blockKernel[H, R]) Run(c *ops.Call) error {
	k.a, k.b, k.d = c.In(0), c.In(1), c.Out(0)
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *blockKernel[H, R]) Tile(w ops.Worker, i int) {
	const block = num.Block
	sizeH := elem.SizeOf[H]()
	scratch := w.Scratch(block * (2*sizeH + elem.SizeOf[R]()))
	a, b := elem.Of[H](scratch, block), elem.Of[H](scratch[block*sizeH:], block)
	d := elem.Of[R](scratch[2*block*sizeH:], block)
	hi := min(k.n, (i+1)*k.per)
	for lo := i * k.per; lo < hi; lo += block {
		n := min(block, hi-lo)
		k.load.load(a[:n], k.a, &k.ma, lo)
		k.load.load(b[:n], k.b, &k.mb, lo)
		k.loop(d[:n], a[:n], b[:n])
		k.store(k.d, lo, d[:n])
	}
}
