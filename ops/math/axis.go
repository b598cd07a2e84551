package math

import (
	"unsafe"

	"ingot/internal/kernel/elem"
	"ingot/ops"
	"ingot/tensor"
)

// axisLoop computes a block of rows × n elements along its first dimension; see package reduce. d may be x; tmp holds 4·n elements.
type axisLoop func(d, x elem.Raw, rows, n, stride int, tmp elem.Raw)

func axisLoopOf[T any](f func(d, x []T, rows, n, stride int, tmp []T)) axisLoop {
	return *(*axisLoop)(unsafe.Pointer(&f)) // as elem.Loop1Of does
}

// axisKernel runs a loop along an axis for results of the operand's shape. Around the axis stand outer and inner dimensions: the block of a
// tile is some neighbouring columns of one outer index, or, when there are no inner dimensions, some outer indices one after
// another. Types that must be converted go through scratch, block by block.
type axisKernel struct {
	loop               axisLoop
	via                *exchange // of the loop's type
	direct             bool      // that is the tensors' own
	cost               int
	outer, rows, inner int
	cols, group        int // columns, and outer indices, in a tile
	in, out            *tensor.Tensor
	x, d               elem.Raw
}

// place sets the axis.
func (k *axisKernel) place(dims []int, axis int) {
	k.outer, k.rows, k.inner = numel(dims[:axis]), dims[axis], numel(dims[axis+1:])
	per := tileLen(numel(dims), k.cost)
	k.cols, k.group = k.inner, 1
	if k.inner == 1 || k.inner*k.rows*2 <= per {
		k.group = max(1, per/max(1, k.rows*k.inner))
	} else {
		// Columns enough for vectors, few enough that a block that must be converted stays in the cache.
		k.cols = min(k.inner, 512, max(64, 1<<15/max(1, k.rows)&^15))
	}
}

func (k *axisKernel) perOuter() int { return tileCount(k.inner, max(1, k.cols)) }

func (k *axisKernel) run(c *ops.Call) error {
	k.in, k.out = c.In(0), c.Out(0)
	if k.direct {
		k.x, k.d = rawOf(k.in), rawOf(k.out)
	}
	if k.rows == 0 {
		return nil
	}
	return c.Parallel(tileCount(k.outer, k.group)*k.perOuter(), k)
}

// Tile implements [ops.Job].
func (k *axisKernel) Tile(w ops.Worker, i int) {
	per := k.perOuter()
	col := i % per * k.cols
	n := min(k.cols, k.inner-col)
	first := i / per * k.group
	block := 0
	if !k.direct {
		block = k.rows * n
	}
	width := k.via.width
	scratch := rawScratch(w, width, 4*n+block)
	tmp, buf := scratch.Slice(width, 0, 4*n), scratch.Slice(width, 4*n, 4*n+block)
	for o := first; o < min(k.outer, first+k.group); o++ {
		off := o*k.rows*k.inner + col
		if k.direct {
			k.loop(k.d.Slice(width, off, k.d.Len()), k.x.Slice(width, off, k.x.Len()), k.rows, n, k.inner, tmp)
			continue
		}
		if n == k.inner {
			k.via.get(buf, k.in, off)
		} else {
			for r := range k.rows {
				k.via.get(buf.Slice(width, r*n, (r+1)*n), k.in, off+r*k.inner)
			}
		}
		k.loop(buf, buf, k.rows, n, n, tmp)
		if n == k.inner {
			k.via.put(k.out, off, buf)
			continue
		}
		for r := range k.rows {
			k.via.put(k.out, off+r*k.inner, buf.Slice(width, r*n, (r+1)*n))
		}
	}
}

// fixedAxis is an axisKernel whose axis is known when it is bound.
type fixedAxis struct{ axisKernel }

func (k *fixedAxis) Run(c *ops.Call) error { return k.run(c) }

// bindAxis returns a kernel for the axis of input 0.
func bindAxis(b *ops.Bind, axis int, k axisKernel) (ops.Kernel, error) {
	f := &fixedAxis{k}
	f.place(b.Dims(0), axis)
	return f, nil
}
