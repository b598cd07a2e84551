package nn

import (
	"fmt"

	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
)

type affineGridAttrs struct {
	AlignCorners bool `onnx:",0"`
}

// AffineGrid makes the places that GridSample is to read for an affine image of each input: theta times the places of the output's own pixels,
// which span -1 to 1 in each dimension, x first.
func AffineGrid() *ops.Op {
	return ops.Def(ops.Spec[affineGridAttrs]{
		Name: "AffineGrid", In: "theta:T1, size:T2", Out: "grid:T1", Types: "T1=floats4; T2=int64", Vers: []ops.Ver{{Since: 20}},
		Infer: inferAffineGrid,
		Bind: func(b *ops.Bind, a *affineGridAttrs) (ops.Kernel, error) {
			d := b.OutDims(0)
			return &affineGrid{images: d[0], dims: d[1 : len(d)-1], corners: a.AlignCorners}, nil
		},
	})
}

func inferAffineGrid(c *ops.Infer, _ *affineGridAttrs) error {
	theta := c.In(0)
	size, known := c.Vals(1)
	rank := -1 // of the images, spatial dimensions only
	if s := theta.Shape; theta.Ranked {
		if len(s) != 3 {
			return fmt.Errorf("theta is %s; it must be a matrix for each image", sym.ShapeString(s))
		}
		for _, n := range []int{2, 3} {
			if s[1].Is(int64(n)) || s[2].Is(int64(n+1)) {
				rank = n
			}
		}
		if s[1].Known() && s[2].Known() && (rank < 0 || !s[1].Is(int64(rank)) || !s[2].Is(int64(rank+1))) {
			return fmt.Errorf("theta holds matrices of %s; they must be [2,3] or [3,4]", sym.ShapeString(s[1:]))
		}
	}
	if n, ok := sizeOf(c.In(1)); ok {
		if n != 4 && n != 5 {
			return fmt.Errorf("size has %d elements; it must have 4 or 5", n)
		}
		if rank >= 0 && rank != n-2 {
			return fmt.Errorf("size has %d elements, but theta is for %d dimensions", n, rank)
		}
		rank = n - 2
	}
	switch {
	case rank < 0:
		return c.OutUnranked(0, theta.DT)
	case !known:
		return c.OutRank(0, theta.DT, rank+2)
	}
	for _, d := range size {
		if n, ok := d.Int(); ok && n < 0 {
			return fmt.Errorf("size is %s; none of it may be negative", sym.ShapeString(size))
		}
	}
	if len(size) != rank+2 {
		return fmt.Errorf("size has %d elements; it must have %d", len(size), rank+2)
	}
	if s := theta.Shape; theta.Ranked && s[0].Known() && size[0].Known() && !s[0].Equal(size[0]) {
		return fmt.Errorf("theta has %s matrices for %s images", s[0], size[0])
	}
	shape := append([]ops.Dim{size[0]}, size[2:]...)
	return c.Out(0, theta.DT, append(shape, ops.Num(rank))...)
}

// sizeOf returns the number of elements of a vector.
func sizeOf(t *ops.Type) (int, bool) {
	if !t.Ranked || len(t.Shape) != 1 {
		return 0, false
	}
	n, ok := t.Shape[0].Int()
	return int(n), ok
}

// gridPlace returns the place of pixel i of n between -1 and 1: the centres of the first and the last one, or else their outer edges, are at the
// ends. A single pixel is in the middle.
func gridPlace(i, n int, corners bool) float64 {
	if corners && n > 1 {
		return float64(2*i-n+1) / float64(n-1)
	}
	return float64(2*i+1-n) / float64(n)
}

// affineGrid computes in float64: the sums nearly cancel in the middle of an image.
type affineGrid struct {
	images  int
	dims    []int
	corners bool
	call    *ops.Call
}

// Run computes the grid, a row of places at a time.
func (k *affineGrid) Run(c *ops.Call) error {
	k.call = c
	return c.Parallel(k.images*elements(k.dims[:len(k.dims)-1]), k)
}

// Tile implements [ops.Job].
func (k *affineGrid) Tile(w ops.Worker, i int) {
	n := len(k.dims)
	width := k.dims[n-1]
	scratch := ops.Scratch[float64](w, n*(n+1)+n*width)
	theta, row := scratch[:n*(n+1)], scratch[n*(n+1):]
	rows := elements(k.dims[:n-1])
	num.Load64(theta, k.call.In(0), i/rows*n*(n+1))
	var at [3]float64 // x, y, z
	for d, r := n-2, i%rows; d >= 0; d-- {
		at[n-1-d] = gridPlace(r%k.dims[d], k.dims[d], k.corners)
		r /= k.dims[d]
	}
	for x := range width {
		at[0] = gridPlace(x, width, k.corners)
		for d := range n {
			m := theta[d*(n+1):][:n+1]
			v := m[n]
			for j, p := range at[:n] {
				v += m[j] * p
			}
			row[x*n+d] = v
		}
	}
	num.Store64(k.call.Out(0), i*width*n, row)
}
