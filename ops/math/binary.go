package math

import (
	"fmt"

	"ingot/internal/kernel/elem"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// binaryLoops are the loops of a function of two elements, by type; see unaryLoops.
type binaryLoops struct {
	f32  func(d, a, b []float32)
	vs   func(d, a []float32, s float32) // f32 with a scalar; or nil
	sv   func(d []float32, s float32, b []float32)
	f64  func(d, a, b []float64)
	u8   func(d, a, b []uint8)
	i32  func(d, a, b []int32)
	i64  func(d, a, b []int64)
	u32  func(d, a, b []uint32)
	u64  func(d, a, b []uint64)
	cost int
}

// of returns the loop for elements of dt, or nil.
func (l *binaryLoops) of(dt tensor.DType) elem.Loop2 {
	var f elem.Loop2
	switch dt {
	case tensor.Float32:
		return elem.Loop2Of(l.f32)
	case tensor.Float64:
		return elem.Loop2Of(l.f64)
	case tensor.Int8, tensor.Uint8, tensor.Bool:
		return elem.Loop2Of(l.u8)
	case tensor.Int32:
		f = elem.Loop2Of(l.i32)
	case tensor.Int64:
		f = elem.Loop2Of(l.i64)
	}
	switch {
	case f != nil:
		return f
	case dt == tensor.Int32 || dt == tensor.Uint32:
		return elem.Loop2Of(l.u32)
	case dt == tensor.Int64 || dt == tensor.Uint64:
		return elem.Loop2Of(l.u64)
	}
	return nil
}

func (l *binaryLoops) bind(b *ops.Bind) (ops.Kernel, error) {
	dt, w := b.In(0).DT, widthOf(b.In(0).DT)
	cost := max(l.cost, costMove)
	if dt == tensor.Float32 {
		return bindBinary(b, elem.Binary{VV: l.of(dt), VS: l.vs, SV: l.sv, In: w, Result: w}, cost)
	}
	if f := l.of(dt); f != nil {
		return bindBinary(b, elem.Binary{VV: f, In: w, Result: w}, max(l.cost, costLoop))
	}
	switch {
	case num.Narrow.Has(dt):
		return bindBlocks(b, &via32, l.of(tensor.Float32), via32.put, via32.width, cost)
	case dt.IsInteger():
		return bindBlocks(b, &viaInt, l.of(tensor.Int64), viaInt.put, viaInt.width, max(l.cost, costLoop))
	}
	return nil, noLoop(b)
}

// compareLoops are the loops of a comparison of two elements, by type.
type compareLoops struct {
	f32  func(d []uint8, a, b []float32)
	f64  func(d []uint8, a, b []float64)
	u8   func(d, a, b []uint8)
	i32  func(d []uint8, a, b []int32)
	i64  func(d []uint8, a, b []int64)
	u64  func(d []uint8, a, b []uint64)
	str  func(d []uint8, a, b []string)
	swap bool // b is compared with a
}

// of returns the loop for elements of dt, or nil.
func (l *compareLoops) of(dt tensor.DType) elem.Loop2 {
	switch dt {
	case tensor.Float32:
		return elem.Loop2Of(l.f32)
	case tensor.Float64:
		return elem.Loop2Of(l.f64)
	case tensor.Uint8, tensor.Bool:
		return elem.Loop2Of(l.u8)
	case tensor.Int32:
		return elem.Loop2Of(l.i32)
	case tensor.Int64:
		return elem.Loop2Of(l.i64)
	case tensor.Uint64:
		return elem.Loop2Of(l.u64)
	case tensor.String:
		return elem.Loop2Of(l.str)
	}
	return nil
}

// swapped compares the second operand with the first.
func (l compareLoops) swapped() compareLoops {
	l.swap = true
	return l
}

func (l *compareLoops) bind(b *ops.Bind) (ops.Kernel, error) {
	dt := b.In(0).DT
	cost := costLoop
	if dt == tensor.String {
		cost = 10 * costLoop
	}
	f, via := l.of(dt), (*exchange)(nil)
	if f == nil {
		switch {
		case num.Narrow.Has(dt):
			f, via = l.of(tensor.Float32), &via32
		case dt.IsInteger():
			f, via = l.of(tensor.Int64), &viaInt
		}
	}
	if f == nil {
		return nil, noLoop(b)
	}
	if loop := f; l.swap {
		f = func(d, a, b elem.Raw) { loop(d, b, a) }
	}
	if via != nil {
		return bindBlocks(b, via, f, storeBytes, 1, cost)
	}
	return bindBinary(b, elem.Binary{VV: f, In: widthOf(dt), Result: 1}, cost)
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
type binaryKernel struct {
	loops   elem.Binary
	ma, mb  elem.Map
	a, b, d elem.Raw
	n, per  int
	spare   []string // instead of scratch, for strings: the garbage collector must see them
}

func bindBinary(b *ops.Bind, loops elem.Binary, cost int) (ops.Kernel, error) {
	if loops.VV == nil {
		return nil, noLoop(b)
	}
	ma, mb, n, err := binaryMaps(b)
	if err != nil {
		return nil, err
	}
	k := &binaryKernel{loops: loops, ma: ma, mb: mb, n: n, per: tileLen(n, cost)}
	if loops.In == elem.Text {
		k.spare, k.per = make([]string, 2*elem.Block), max(n, 1) // one tile, since it is shared
	}
	return k, nil
}

func (k *binaryKernel) Run(c *ops.Call) error {
	k.a, k.b, k.d = rawOf(c.In(0)), rawOf(c.In(1)), rawOf(c.Out(0))
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *binaryKernel) Tile(w ops.Worker, i int) {
	lo, hi := i*k.per, min(k.n, (i+1)*k.per)
	scratch := elem.RawOf(k.spare)
	if k.spare == nil {
		scratch = rawScratch(w, k.loops.In, 2*elem.Block)
	}
	k.loops.Range(k.d, k.a, k.b, &k.ma, &k.mb, lo, hi, scratch)
}

// blockKernel computes in one type whatever the operands' types are, block by block.
type blockKernel struct {
	via     *exchange
	loop    elem.Loop2
	put     func(t *tensor.Tensor, off int, src elem.Raw) bool
	result  elem.Width // of what put takes
	ma, mb  elem.Map
	a, b, d *tensor.Tensor
	n, per  int
}

func bindBlocks(b *ops.Bind, via *exchange, loop elem.Loop2, put func(*tensor.Tensor, int, elem.Raw) bool, result elem.Width, cost int) (ops.Kernel, error) {
	if loop == nil {
		return nil, noLoop(b)
	}
	ma, mb, n, err := binaryMaps(b)
	if err != nil {
		return nil, err
	}
	return &blockKernel{via: via, loop: loop, put: put, result: result, ma: ma, mb: mb, n: n, per: tileLen(n, cost+2*costLoop)}, nil
}

func (k *blockKernel) Run(c *ops.Call) error {
	k.a, k.b, k.d = c.In(0), c.In(1), c.Out(0)
	return c.Parallel(tileCount(k.n, k.per), k)
}

func (k *blockKernel) Tile(w ops.Worker, i int) {
	const block = num.Block
	width := k.via.width
	scratch := rawScratch(w, width, 3*block)
	x, y, z := scratch.Slice(width, 0, block), scratch.Slice(width, block, 2*block), scratch.Slice(width, 2*block, 3*block)
	hi := min(k.n, (i+1)*k.per)
	for lo := i * k.per; lo < hi; lo += block {
		n := min(block, hi-lo)
		a, b, d := x.Slice(width, 0, n), y.Slice(width, 0, n), z.Slice(k.result, 0, n)
		k.via.load(a, k.a, &k.ma, lo)
		k.via.load(b, k.b, &k.mb, lo)
		k.loop(d, a, b)
		k.put(k.d, lo, d)
	}
}
