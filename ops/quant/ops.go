// Package quant holds the operators of quantised networks: to integers of few bits and back, and products of 8-bit matrices.
//
// Quantisation is by one scale for a tensor, one for each place along an axis, or one for each block along an axis; a grid tells which scale an
// element has. Integer products are exact: they run on the 8-bit kernels of internal/kernel/gemm, and are rescaled while they are in the cache.
package quant

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

// Ops are the operators of this family.
var Ops ops.Family

// cost is the time of an element in picoseconds, by order of magnitude: it decides how work is shared.
const cost = 500

func elements(dims []int) int {
	n, _ := tensor.NumElements(dims)
	return n
}

// grid tells which scale the elements of a tensor have.
type grid struct {
	n      int  // elements
	scales int  // number of scales
	dim    int  // length of the quantised axis; 0: one scale for all
	inner  int  // elements behind it
	block  int  // places on the axis that share a scale
	blocks int  // scales along the axis
	outer  bool // scales differ along the dimensions before the axis: blocked quantisation
}

// newGrid checks a scale's shape against that of the tensor. A scale of one element counts for all.
func newGrid(x, scale []int, axis, block int) (grid, error) {
	g := grid{n: elements(x), scales: elements(scale)}
	if block < 0 {
		return g, fmt.Errorf("attribute block_size is %d; must be positive, or 0 for none", block)
	}
	if len(scale) == 0 || g.scales == 1 && len(scale) == 1 {
		return g, nil
	}
	axis, err := ops.Axis(axis, len(x))
	if err != nil {
		return g, fmt.Errorf("attribute axis: %w", err)
	}
	g.dim, g.inner, g.block = x[axis], elements(x[axis+1:]), max(block, 1)
	g.blocks = g.dim
	if block == 0 {
		if len(scale) != 1 || scale[0] != g.dim {
			return g, fmt.Errorf("the scale has shape %s; without block_size it must be a scalar or [%d], the length of axis %d",
				tensor.ShapeString(scale), g.dim, axis)
		}
		return g, nil
	}
	g.outer = true
	g.blocks = (g.dim + block - 1) / block
	want := append([]int{}, x...)
	want[axis] = g.blocks
	if tensor.ShapeString(want) != tensor.ShapeString(scale) {
		return g, fmt.Errorf("the scale has shape %s; blocks of %d along axis %d of %s need %s",
			tensor.ShapeString(scale), block, axis, tensor.ShapeString(x), tensor.ShapeString(want))
	}
	return g, nil
}

// run returns how many elements from pos on are of one kind, and the place of the first one's scale. The others have the same scale or, with
// each set, the scales behind it.
func (g *grid) run(pos int) (n, at int, each bool) {
	if g.dim == 0 {
		return g.n - pos, 0, false
	}
	if g.inner == 1 && !g.outer {
		at = pos % g.dim
		return g.dim - at, at, true
	}
	i := pos % g.inner
	row := pos / g.inner
	d := row % g.dim
	if !g.outer {
		return g.inner - i, d, false
	}
	at = (row/g.dim*g.blocks+d/g.block)*g.inner + i
	if g.inner == 1 {
		return min(g.block-d%g.block, g.dim-d), at, false
	}
	return g.inner - i, at, true
}

// checkZero verifies that a zero point has as many elements as the scale.
func checkZero(zero []int, scales int) error {
	if n := elements(zero); n != scales {
		return fmt.Errorf("the zero point has shape %s, %d elements; the scale has %d", tensor.ShapeString(zero), n, scales)
	}
	return nil
}

// checkShapes runs newGrid as soon as all shapes are known.
func checkShapes(c *ops.Infer, axis, block int) error {
	x, okX := c.In(0).Dims()
	s, okS := c.In(1).Dims()
	if !okX || !okS {
		return nil
	}
	g, err := newGrid(x, s, axis, block)
	if err != nil || !c.Has(2) {
		return err
	}
	if z, ok := c.In(2).Dims(); ok {
		return checkZero(z, g.scales)
	}
	return nil
}
