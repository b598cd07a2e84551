package math

import (
	"ingot/internal/kernel/elem"
	"ingot/ops"
	"ingot/tensor"
)

// axisLoop computes a block of rows × n elements along its first dimension; see package reduce. d may be x; tmp holds 4·n elements.
type axisLoop[T any] func(d, x []T, rows, n, stride int, tmp []T)

// axisKernel runs a loop along an axis for results of the operand's shape. Around the axis stand outer and inner dimensions: the block of a
// tile is some neighbouring columns of one outer index, or, when there are no inner dimensions, some outer indices one after
// another. Types that must be converted go through scratch, block by block.
type axisKernel[T any] struct {
	loop               axisLoop[T]
	load               hub[T] // nil: the tensor's own type
	store              func(t *tensor.Tensor, off int, src []T) bool
	cost               int
	outer, rows, inner int
	cols, group        int // columns, and outer indices, in a tile
	in, out            *tensor.Tensor
	x, d               []T
}

// place sets the axis.
func (k *axisKernel[T]) place(dims []int, axis int) {
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

func (k *axisKernel[T]) perOuter() int { return tileCount(k.inner, max(1, k.cols)) }

func (k *axisKernel[T]) run(c *ops.Call) error {
	k.in, k.out = c.In(0), c.Out(0)
	if k.load == nil {
		k.x, k.d = tensor.View[T](k.in), tensor.View[T](k.out)
	}
	if k.rows == 0 {
		return nil
	}
	return c.Parallel(tileCount(k.outer, k.group)*k.perOuter(), k)
}

// Tile implements [ops.Job].
func (k *axisKernel[T]) Tile(w ops.Worker, i int) {
	per := k.perOuter()
	col := i % per * k.cols
	n := min(k.cols, k.inner-col)
	first := i / per * k.group
	block := 0
	if k.load != nil {
		block = k.rows * n
	}
	scratch := scratchOf[T](w, 4*n+block)
	tmp, buf := scratch[:4*n], scratch[4*n:]
	for o := first; o < min(k.outer, first+k.group); o++ {
		off := o*k.rows*k.inner + col
		if k.load == nil {
			k.loop(k.d[off:], k.x[off:], k.rows, n, k.inner, tmp)
			continue
		}
		if n == k.inner {
			k.load(buf, k.in, off)
		} else {
			for r := range k.rows {
				k.load(buf[r*n:][:n], k.in, off+r*k.inner)
			}
		}
		k.loop(buf, buf, k.rows, n, n, tmp)
		if n == k.inner {
			k.store(k.out, off, buf)
			continue
		}
		for r := range k.rows {
			k.store(k.out, off+r*k.inner, buf[r*n:][:n])
		}
	}
}

// fixedAxis is an axisKernel whose axis is known when it is bound.
type fixedAxis[T any] struct{ axisKernel[T] }

func (k *fixedAxis[T]) Run(c *ops.Call) error { return k.run(c) }

// bindAxis returns a kernel for the axis of input 0.
func bindAxis[T elem.Number](b *ops.Bind, axis int, k axisKernel[T]) (ops.Kernel, error) {
	f := &fixedAxis[T]{k}
	f.place(b.Dims(0), axis)
	return f, nil
}
