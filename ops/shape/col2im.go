package shape

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type col2ImAttrs struct {
	Dilations []int
	Pads      []int
	Strides   []int
}

func opCol2Im() *ops.Op {
	return ops.Def(ops.Spec[col2ImAttrs]{
		Name: "Col2Im", In: "input:T, image_shape:int64, block_shape:int64", Out: "output:T", Types: "T=all4", Vers: []ops.Ver{{Since: 18}},
		Infer: inferCol2Im, Eval: evalCol2Im,
	})
}

func inferCol2Im(c *ops.Infer, a *col2ImAttrs) error {
	t := c.In(0)
	if t.DT == tensor.String {
		return fmt.Errorf("elements of %s can't be added", t.DT)
	}
	if t.Ranked && len(t.Shape) != 3 {
		return fmt.Errorf("the input must have rank 3, not %d", len(t.Shape))
	}
	image, okI := c.Ints(1)
	block, okB := c.Ints(2)
	if !okI || !okB || !t.Ranked {
		return c.OutUnranked(0, t.DT)
	}
	g, err := a.geometry(image, block)
	if err != nil {
		return err
	}
	if t.Shape[1].Known() && !t.Shape[1].FloorDiv(ops.Num(g.size)).Mul(ops.Num(g.size)).Equal(t.Shape[1]) {
		return fmt.Errorf("the channels of %s aren't a multiple of the block's %d places", sym.ShapeString(t.Shape), g.size)
	}
	if l := t.Shape[2]; l.Known() && !l.Is(int64(g.blocks)) {
		return fmt.Errorf("the input %s has %s blocks; image, block, strides, dilations and pads make %d", sym.ShapeString(t.Shape), l, g.blocks)
	}
	out := []ops.Dim{t.Shape[0], t.Shape[1].FloorDiv(ops.Num(g.size))}
	return outSized(c, 0, t.DT, append(out, sym.Nums(image)...)...)
}

// foldGeometry says where the places of blocks lie in an image.
type foldGeometry struct {
	image, block, grid       []int // sizes by axis; grid is the number of blocks
	stride, dilation, before []int
	size, blocks, pixels     int
}

func (a *col2ImAttrs) geometry(image, block []int64) (*foldGeometry, error) {
	n := len(image)
	if len(block) != n || n == 0 {
		return nil, fmt.Errorf("image_shape has %d sizes, block_shape %d", n, len(block))
	}
	g := &foldGeometry{size: 1, blocks: 1, pixels: 1, stride: ones(n), dilation: ones(n), before: make([]int, 2*n)}
	for what, list := range map[string]struct{ from, to []int }{"strides": {a.Strides, g.stride}, "dilations": {a.Dilations, g.dilation}, "pads": {a.Pads, g.before}} {
		if list.from == nil {
			continue
		}
		if copy(list.to, list.from) != len(list.to) || len(list.from) != len(list.to) {
			return nil, fmt.Errorf("attribute %s: has %d numbers, must have %d", what, len(list.from), len(list.to))
		}
	}
	const most = 1 << 30
	for i := range n {
		b, s, d := block[i], g.stride[i], g.dilation[i]
		if image[i] < 1 || image[i] > most || b < 1 || b > most || s < 1 || s > most || d < 1 || d > most || g.before[i] < 0 || g.before[i] > most || g.before[n+i] < 0 || g.before[n+i] > most {
			return nil, fmt.Errorf("axis %d: image %d, block %d, stride %d, dilation %d or pads %d and %d are out of range", i, image[i], b, s, d, g.before[i], g.before[n+i])
		}
		span := image[i] + int64(g.before[i]) + int64(g.before[n+i]) - int64(d)*(b-1) - 1
		if span < 0 {
			return nil, fmt.Errorf("axis %d: a block of %d, dilated by %d, is larger than the image of %d with its pads", i, b, d, image[i])
		}
		g.image, g.block, g.grid = append(g.image, int(image[i])), append(g.block, int(b)), append(g.grid, int(span)/s+1)
	}
	for _, p := range []struct {
		n    *int
		dims []int
	}{{&g.size, g.block}, {&g.blocks, g.grid}, {&g.pixels, g.image}} {
		v, err := tensor.NumElements(p.dims)
		if err != nil {
			return nil, err
		}
		*p.n = v
	}
	return g, nil
}

func ones(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// places returns the pixel of each place of each block, -1 in the pads: block places outermost, as the input has them.
func (g *foldGeometry) places() []int {
	at := make([]int, 0, g.size*g.blocks)
	step := strides(g.image)
	for p := range g.size {
	next:
		for b := range g.blocks {
			pixel, p, b := 0, p, b
			for i := len(g.image) - 1; i >= 0; i-- {
				x := b%g.grid[i]*g.stride[i] + p%g.block[i]*g.dilation[i] - g.before[i]
				p, b = p/g.block[i], b/g.grid[i]
				if x < 0 || x >= g.image[i] {
					at = append(at, -1)
					continue next
				}
				pixel += x * step[i]
			}
			at = append(at, pixel)
		}
	}
	return at
}

func evalCol2Im(c *ops.Call, a *col2ImAttrs) error {
	x := c.In(0)
	image, err := ops.Int64s(c.In(1))
	if err != nil {
		return err
	}
	block, err := ops.Int64s(c.In(2))
	if err != nil {
		return err
	}
	g, err := a.geometry(image, block)
	if err != nil {
		return err
	}
	d := x.Dims()
	if len(d) != 3 || d[1]%g.size != 0 || d[2] != g.blocks {
		return fmt.Errorf("the input %s doesn't consist of %d places of %d blocks", x, g.size, g.blocks)
	}
	channels := d[0] * (d[1] / g.size)
	y, err := c.OutOrAlloc(0, x.DType(), append([]int{d[0], d[1] / g.size}, g.image...)...)
	if err != nil {
		return err
	}
	clear(y.Bytes())
	if x.Len() == 0 {
		return nil
	}
	at := g.places()
	src, err := x.Reshape(channels, g.size*g.blocks)
	if err != nil {
		return err
	}
	dst, err := y.Reshape(channels, g.pixels)
	if err != nil {
		return err
	}
	errs := make([]error, channels)
	err = c.For(channels, max(1, 1<<14/len(at)), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			s, _ := src.Slice(i, i+1)
			d, _ := dst.Slice(i, i+1)
			errs[i] = combine("add", d, s, at, 1)
		}
	})
	for _, e := range errs {
		if err == nil {
			err = e
		}
	}
	return err
}
