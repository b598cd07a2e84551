package dense

import (
	"fmt"
	"math"

	gt "gorgonia.org/tensor"

	"ingot/internal/kernel/move"
	"ingot/tensor"
)

// A layout is where the elements of a Dense lie: element i at Σ i[k]·strides[k] elements from the start of its memory.
type layout struct {
	shape   []int
	strides []int
	n       int  // elements, of which memory has as many at least
	rows    bool // the elements lie in C order and without gaps
}

// layoutOf reads the shape and strides of a Dense with have elements in memory. They can say anything, so that all is checked.
func layoutOf(ap *gt.AP, have int) (layout, error) {
	shape, strides := ap.Shape(), ap.Strides()
	n, err := tensor.NumElements(shape)
	if err != nil {
		return layout{}, fmt.Errorf("dense: %w", err)
	}
	l := layout{shape: shape, strides: strides, n: n, rows: true}
	if n == 0 {
		return l, nil
	}
	if n > have {
		return layout{}, fmt.Errorf("dense: %w: %s has %d elements, the memory of the Dense %d", tensor.ErrShape, tensor.ShapeString(shape), n, have)
	}
	if len(strides) != len(shape) {
		// gorgonia/tensor gives column vectors in column-major order one stride, and what has but one element none.
		if !vector(shape) || ap.DataOrder().IsNotContiguous() {
			return layout{}, fmt.Errorf("dense: %w: %d strides for %s", tensor.ErrShape, len(strides), tensor.ShapeString(shape))
		}
		return l, nil
	}
	last, place := 0, 1
	for k := len(shape) - 1; k >= 0; k-- {
		d, stride := shape[k], strides[k]
		if d == 1 {
			continue // its stride is never used, and often odd
		}
		if stride < 0 || stride > (math.MaxInt-last)/(d-1) || last+stride*(d-1) >= have {
			return layout{}, fmt.Errorf("dense: %w: strides %v lead %s out of the %d elements that the Dense has in memory",
				tensor.ErrShape, strides, tensor.ShapeString(shape), have)
		}
		last += stride * (d - 1)
		l.rows = l.rows && stride == place
		place *= d
	}
	return l, nil
}

// vector reports whether at most one dimension differs from 1.
func vector(shape []int) bool {
	n := 0
	for _, d := range shape {
		if d != 1 {
			n++
		}
	}
	return n <= 1
}

// gather returns the elements of src in C order. layoutOf has checked that they are there.
func (l *layout) gather(src move.Buf) move.Buf {
	dst := move.Buf{Width: src.Width}
	if src.Width == 0 {
		dst.Strings = make([]string, l.n)
	} else {
		dst.Bytes = tensor.AlignedBytes(l.n * src.Width)
	}
	if l.rows {
		copy(dst.Strings, src.Strings)
		copy(dst.Bytes, src.Bytes)
		return dst
	}
	dims := make([]move.Dim, len(l.shape))
	for k, place := len(dims)-1, 1; k >= 0; k-- {
		dims[k] = move.Dim{N: l.shape[k], Dst: place, Src: l.strides[k]}
		place *= l.shape[k]
	}
	c := move.NewCopy(src.Width, 0, 0, dims...)
	for i := range c.Tiles() {
		c.Tile(dst, src, i)
	}
	return dst
}
