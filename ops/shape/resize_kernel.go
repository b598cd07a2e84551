package shape

import (
	"errors"
	"fmt"
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/move"
	"ingot/internal/kernel/resample"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

func bindResize(b *ops.Bind, s *resample.Spec, f frame, outside float32) (ops.Kernel, error) {
	g, err := f.numbers(b.Dims(0))
	if err != nil {
		return nil, err
	}
	return bindGeometry(b, s, g, outside)
}

func bindGeometry(b *ops.Bind, s *resample.Spec, g *geometry, outside float32) (ops.Kernel, error) {
	axes := g.axesFor(s)
	dt := b.In(0).DT
	if s.Filter == resample.Nearest {
		fill, err := oneOf(dt, outside)
		return &nearestKernel{Pick: nearestPick(dt, g, axes), fill: fill}, err
	}
	switch {
	case dt == tensor.String:
		return nil, fmt.Errorf("%s can't be interpolated", dt)
	case dt == tensor.Complex64:
		return bindTaps[float32](b, withParts(axes), outside, true)
	case dt == tensor.Complex128:
		return bindTaps[float64](b, withParts(axes), outside, true)
	case dt == tensor.Float32, num.Narrow.Has(dt):
		return bindTaps[float32](b, axes, outside, dt == tensor.Float32)
	}
	return bindTaps[float64](b, axes, outside, dt == tensor.Float64)
}

// oneOf returns a tensor of one element.
func oneOf(dt tensor.DType, v float32) (move.Buf, error) {
	if v == 0 {
		return move.Buf{}, nil
	}
	t, err := tensor.New(dt, 1)
	if err != nil {
		return move.Buf{}, err
	}
	if dt.IsComplex() || dt == tensor.String {
		return move.Buf{}, errors.New("attribute extrapolation_value: must be 0 for " + dt.String())
	}
	num.Store64(t, 0, []float64{float64(v)})
	return bufOf(t), nil
}

// nearestKernel picks the nearest elements, whatever they are.
type nearestKernel struct {
	move.Pick
	d, s, fill move.Buf
}

func nearestPick(dt tensor.DType, g *geometry, axes []resample.Axis) move.Pick {
	step := strides(g.in)
	list := make([]move.Axis, len(axes))
	for i := range axes {
		a := &axes[i]
		list[i] = move.Axis{N: a.Out, Step: step[i]}
		if a.Identity {
			continue
		}
		list[i].Table = make([]int, a.Out)
		for k, at := range a.At {
			list[i].Table[k] = at * step[i]
			if a.Outside != nil && a.Outside[k] {
				list[i].Table[k] = -1
			}
		}
	}
	return move.NewPick(dt.Size(), list...)
}

func (k *nearestKernel) Run(c *ops.Call) error {
	k.d, k.s = bufOf(c.Out(0)), bufOf(c.In(0))
	return c.Parallel(k.Tiles(), k)
}

func (k *nearestKernel) Tile(_ ops.Worker, i int) { k.Pick.Tile(k.d, k.s, k.fill, i) }

// withParts adds the two parts of complex numbers as an innermost axis.
func withParts(axes []resample.Axis) []resample.Axis {
	return append(axes, resample.Axis{In: 2, Out: 2, Identity: true, Taps: 1})
}

// tapsKernel resizes one axis after the other, in T: each stage reads what the one before wrote. The last stage does two axes at once, rows of
// the innermost of them as they are needed.
type tapsKernel[T resample.Float] struct {
	stages  []stage[T]
	direct  bool // the tensors' elements are of type T
	x, y    *tensor.Tensor
	buf     [2][]T // between stages
	bufLen  [2]int
	cur     int
	outside T
	bounds  [2]float64 // of an integer type
	whole   bool       // an integer type
}

// stage resizes an axis across, whose rows are of the axis along; along is an identity in all but the last.
type stage[T resample.Float] struct {
	outer         int
	across, along resample.Taps[T]
	band, bands   int // output rows of a tile, tiles of a plane
	group         int // planes of a tile, where it does whole ones
	src, dst      []T // nil: the tensor
}

func bindTaps[T resample.Float](b *ops.Bind, axes []resample.Axis, outside float32, direct bool) (ops.Kernel, error) {
	k := &tapsKernel[T]{direct: direct, outside: T(outside)}
	if dt := b.In(0).DT; dt.IsInteger() {
		k.whole = true
		k.bounds = intBounds(dt)
	}
	last, rest := resample.Axis{In: 1, Out: 1, Identity: true, Taps: 1}, axes
	if n := len(axes); n > 0 {
		last, rest = axes[n-1], axes[:n-1]
	}
	work := -1 // the innermost of the others that changes
	for i := range rest {
		if !rest[i].Identity {
			work = i
		}
	}
	dims := make([]int, len(rest))
	for i := range rest {
		dims[i] = rest[i].In
	}
	// All but that one, outermost first, with everything behind them as rows.
	for i := range rest {
		if a := rest[i]; !a.Identity && i != work {
			row := numel(dims[i+1:]) * last.In
			k.add(numel(dims[:i]), a, resample.Axis{In: row, Out: row, Identity: true, Taps: 1})
			dims[i] = a.Out
		}
	}
	switch {
	case work == len(rest)-1 && work >= 0:
		k.add(numel(dims[:work]), rest[work], last)
	case last.Identity && work >= 0:
		row := numel(dims[work+1:]) * last.In
		k.add(numel(dims[:work]), rest[work], resample.Axis{In: row, Out: row, Identity: true, Taps: 1})
	default:
		if work >= 0 {
			row := numel(dims[work+1:]) * last.In
			k.add(numel(dims[:work]), rest[work], resample.Axis{In: row, Out: row, Identity: true, Taps: 1})
			dims[work] = rest[work].Out
		}
		k.add(1, resample.Axis{In: numel(dims), Out: numel(dims), Identity: true, Taps: 1}, last)
	}
	for i := range k.stages[:len(k.stages)-1] {
		s := &k.stages[i]
		k.bufLen[i%2] = max(k.bufLen[i%2], s.outer*s.across.Out*s.along.Out)
	}
	b.NeedScratch((k.bufLen[0] + k.bufLen[1]) * elem.SizeOf[T]())
	return k, nil
}

func intBounds(dt tensor.DType) [2]float64 {
	bits := dt.Bits()
	if dt.IsUnsigned() {
		return [2]float64{0, math.Ldexp(1, bits) - 1}
	}
	return [2]float64{-math.Ldexp(1, bits-1), math.Ldexp(1, bits-1) - 1}
}

func (k *tapsKernel[T]) add(outer int, across, along resample.Axis) {
	s := stage[T]{outer: outer, across: resample.TapsOf[T](&across), along: resample.TapsOf[T](&along)}
	if n := outer * across.Out * along.Out; n > 0 {
		// The rows that a band shares with the one before are made twice, so a band isn't short.
		rows := move.TileLen(n, costTaps) / along.Out
		s.band = min(across.Out, max(8, rows))
		s.bands = move.TileCount(across.Out, s.band)
		s.group = max(1, rows/across.Out)
	}
	k.stages = append(k.stages, s)
}

func (k *tapsKernel[T]) Run(c *ops.Call) error {
	k.x, k.y = c.In(0), c.Out(0)
	scratch := elem.Of[T](c.Scratch, k.bufLen[0]+k.bufLen[1])
	k.buf[0], k.buf[1] = scratch[:k.bufLen[0]], scratch[k.bufLen[0]:]
	for i := range k.stages {
		s := &k.stages[i]
		s.src, s.dst = nil, nil
		if i > 0 {
			s.src = k.buf[(i-1)%2]
		} else if k.direct {
			s.src = tensor.View[T](k.x)
			if k.x.DType().IsComplex() {
				s.src = partsOf[T](k.x)
			}
		}
		if i < len(k.stages)-1 {
			s.dst = k.buf[i%2]
		} else if k.direct {
			s.dst = tensor.View[T](k.y)
			if k.y.DType().IsComplex() {
				s.dst = partsOf[T](k.y)
			}
		}
		if k.cur = i; s.across.Out == 0 || s.along.Out == 0 {
			return nil
		}
		if err := c.Parallel(move.TileCount(s.outer, s.group)*s.bands, k); err != nil {
			return err
		}
	}
	return nil
}

// partsOf views complex numbers as pairs of T.
func partsOf[T resample.Float](t *tensor.Tensor) []T {
	return elem.Of[T](t.Bytes(), len(t.Bytes())/elem.SizeOf[T]())
}

// Tile does a band of output rows of a plane, or a number of whole planes.
func (k *tapsKernel[T]) Tile(w ops.Worker, i int) {
	s := &k.stages[k.cur]
	n := s.across.Taps * s.along.Out
	converted := 0
	if s.src == nil {
		converted = s.along.In
	}
	all := n + converted + s.along.Out
	scratch := elem.Of[T](w.Scratch(all*elem.SizeOf[T]()), all)
	r := rowCache[T]{k: k, s: s, ring: scratch[:n], in: scratch[n : n+converted]}
	first := i / s.bands * s.group
	for p := first; p < min(first+s.group, s.outer); p++ {
		k.plane(&r, p, i%s.bands*s.band, scratch[n+converted:])
	}
}

// plane does a band of output rows of one plane. Rows of the input that have been resized along are kept as long as the next output row may
// need them.
func (k *tapsKernel[T]) plane(r *rowCache[T], p, lo int, out []T) {
	s := r.s
	r.plane, r.held = p*s.across.In, [maxTaps]int{}
	var rows [maxTaps][]T
	for y := lo; y < min(lo+s.band, s.across.Out); y++ {
		d := out
		at := (p*s.across.Out + y) * s.along.Out
		if s.dst != nil {
			d = s.dst[at : at+s.along.Out]
		}
		k.row(d, r, y, rows[:0])
		if s.dst == nil {
			k.store(d, at)
		}
	}
}

// costTaps is the cost of an interpolated element in picoseconds.
const costTaps = 1500

// maxTaps is the number of taps up to which a tile allocates nothing.
const maxTaps = 16

// row makes one output row.
func (k *tapsKernel[T]) row(d []T, r *rowCache[T], y int, list [][]T) {
	s := r.s
	switch n := s.across.Taps; {
	case s.across.Outside != nil && s.across.Outside[y]:
		move.Fill(d, k.outside)
		return
	case s.across.Identity:
		copy(d, r.row(y))
	case n == 1:
		copy(d, r.row(s.across.At[y]))
	default:
		for _, at := range s.across.At[y*n : (y+1)*n] {
			list = append(list, r.row(at))
		}
		resample.Across(d, list, s.across.W[y*n:(y+1)*n])
	}
	for x, out := range s.along.Outside {
		if out {
			d[x] = k.outside
		}
	}
}

// store rounds a row into the output tensor.
func (k *tapsKernel[T]) store(d []T, at int) {
	if f, ok := any(d).([]float32); ok {
		num.Store32(k.y, at, f)
		return
	}
	f, _ := any(d).([]float64)
	if k.whole {
		for i, v := range f {
			f[i] = max(k.bounds[0], min(math.RoundToEven(v), k.bounds[1]))
		}
	}
	num.Store64(k.y, at, f)
}

// rowCache holds the input rows, resized along, that the taps of an output row need.
type rowCache[T resample.Float] struct {
	k     *tapsKernel[T]
	s     *stage[T]
	plane int // first row of the plane
	ring  []T
	held  [maxTaps]int // 1 more than the row in each place
	in    []T
}

// row returns row y of the plane.
func (r *rowCache[T]) row(y int) []T {
	s := r.s
	n := s.along.In
	if s.along.Identity && s.src != nil {
		return s.src[(r.plane+y)*n : (r.plane+y+1)*n]
	}
	// Rows in use at a time are neighbours, so each has a place of its own.
	place := y % s.across.Taps
	d := r.ring[place*s.along.Out : (place+1)*s.along.Out]
	if place < maxTaps && r.held[place] == y+1 {
		return d
	}
	src := r.in
	if s.src != nil {
		src = s.src[(r.plane+y)*n : (r.plane+y+1)*n]
	} else if f, ok := any(src).([]float32); ok {
		num.Load32(f, r.k.x, (r.plane+y)*n)
	} else if f, ok := any(src).([]float64); ok {
		num.Load64(f, r.k.x, (r.plane+y)*n)
	}
	resample.Along(d, src, &s.along)
	if place < maxTaps {
		r.held[place] = y + 1
	}
	return d
}
