package nn

import (
	"fmt"
	"math"

	"ingot/internal/kernel/real"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type roiAlignAttrs struct {
	CoordinateTransformationMode string  `onnx:",half_pixel"`
	Mode                         string  `onnx:",avg"`
	OutputHeight                 int     `onnx:",1"`
	OutputWidth                  int     `onnx:",1"`
	SamplingRatio                int     `onnx:",0"`
	SpatialScale                 float32 `onnx:",1.0"`
}

// RoiAlign pools regions of images into bins of one size each. A bin is the average, or the maximum, of points that are read between pixels.
var RoiAlign = Ops.Add(ops.Def(ops.Spec[roiAlignAttrs]{
	Name: "RoiAlign", In: "X:T1, rois:T1, batch_indices:T2", Out: "Y:T1", Types: "T1=floats4; T2=int64",
	Vers: []ops.Ver{{Since: 22}, {Since: 16, Types: "T1=floats"}, {Since: 10, Attrs: "-coordinate_transformation_mode",
		Up: ops.SetAttr("coordinate_transformation_mode", ops.StringAttr("output_half_pixel"))}},
	Infer: inferRoiAlign,
	Bind: func(b *ops.Bind, a *roiAlignAttrs) (ops.Kernel, error) {
		if b.In(0).DT == tensor.Float64 {
			return newRoiAlign[float64](b, a), nil
		}
		return newRoiAlign[float32](b, a), nil
	},
}))

// maxSampling bounds the points of a bin along a dimension.
const maxSampling = 1 << 16

func inferRoiAlign(c *ops.Infer, a *roiAlignAttrs) error {
	if m := a.CoordinateTransformationMode; m != "half_pixel" && m != "output_half_pixel" {
		return fmt.Errorf("attribute coordinate_transformation_mode: %q isn't half_pixel or output_half_pixel", m)
	}
	if a.Mode != "avg" && a.Mode != "max" {
		return fmt.Errorf("attribute mode: %q isn't avg or max", a.Mode)
	}
	if a.SamplingRatio < 0 || a.SamplingRatio > maxSampling {
		return fmt.Errorf("attribute sampling_ratio: %d; must be from 0 to %d", a.SamplingRatio, maxSampling)
	}
	indices, err := vectorOf(c, 2, "batch_indices", sym.Unknown())
	if err != nil {
		return err
	}
	return inferRois(c, "output_height and output_width", []int{a.OutputHeight, a.OutputWidth}, 4, indices)
}

// inferRois checks images and regions, the inputs 0 and 1. Each region has some columns and becomes an image of the given size. indices is how many
// regions another input is for, unknown if there is none.
func inferRois(c *ops.Infer, name string, size []int, columns int, indices ops.Dim) error {
	if len(size) != 2 || size[0] < 1 || size[1] < 1 || size[0] > maxWindow || size[1] > maxWindow {
		return fmt.Errorf("attribute %s: %v; must be two sizes of at least 1", name, size)
	}
	channels, regions := sym.Unknown(), indices
	if s, ok := c.Shape(0); ok {
		if len(s) != 4 {
			return fmt.Errorf("input X is %s; it must have 4 dimensions", sym.ShapeString(s))
		}
		channels = s[1]
	}
	if s, ok := c.Shape(1); ok {
		if len(s) != 2 || s[1].Known() && !s[1].Is(int64(columns)) {
			return fmt.Errorf("rois is %s; it must have %d columns", sym.ShapeString(s), columns)
		}
		if s[0].Known() && indices.Known() && !s[0].Equal(indices) {
			return fmt.Errorf("batch_indices has %s elements for %s regions", indices, s[0])
		}
		if !regions.Known() {
			regions = s[0]
		}
	}
	return c.Out(0, c.In(0).DT, regions, channels, ops.Num(size[0]), ops.Num(size[1]))
}

// roiKernel is the geometry of pooling regions. A tile is some channels of a region.
type roiKernel[T real.Float] struct {
	images, channels, height, width int
	regions, rows, cols             int // and the bins of each
	group, groups                   int // channels of a tile, and tiles of a region
	scale                           T

	in, rois wide.Operand[T]
	out      wide.Result[T]
	x, r, y  []T
}

func newRoiKernel[T real.Float](b *ops.Bind, scale float32) roiKernel[T] {
	d, out := b.Dims(0), b.OutDims(0)
	k := roiKernel[T]{images: d[0], channels: d[1], height: d[2], width: d[3], regions: out[0], rows: out[2], cols: out[3], scale: T(scale)}
	k.group = max(1, min(k.channels, 64))
	k.groups = (k.channels + k.group - 1) / k.group
	var room wide.Room[T]
	k.in, k.rois, k.out = room.In(b, 0), room.In(b, 1), room.Out(b, 0)
	room.Claim(b)
	return k
}

// run fetches the operands and runs the tiles of j.
func (k *roiKernel[T]) run(c *ops.Call, j ops.Job) error {
	s := wide.Open[T](c)
	k.x, k.r, k.y = k.in.Load(c, s), k.rois.Load(c, s), k.out.Elements(c, s)
	if err := c.Parallel(k.regions*k.groups, j); err != nil {
		return err
	}
	k.out.Store(c, s)
	return nil
}

// checkImage reports a region of an image that isn't there.
func (k *roiKernel[T]) checkImage(name string, region int, image int64) error {
	if image < 0 || image >= int64(k.images) {
		return fmt.Errorf("%s: region %d is of image %d, but X holds %d", name, region, image, k.images)
	}
	return nil
}

// roiAlign samples bilinearly: each point is between two rows and two columns, which are found once for all channels.
type roiAlign[T real.Float] struct {
	roiKernel[T]
	half    bool // regions are given in pixels' edges, not centres
	max     bool
	ratio   int
	indices []int64
}

func newRoiAlign[T real.Float](b *ops.Bind, a *roiAlignAttrs) ops.Kernel {
	return &roiAlign[T]{roiKernel: newRoiKernel[T](b, a.SpatialScale), half: a.CoordinateTransformationMode == "half_pixel", max: a.Mode == "max", ratio: a.SamplingRatio}
}

// Run pools.
func (k *roiAlign[T]) Run(c *ops.Call) error {
	k.indices = tensor.View[int64](c.In(2))
	for i, image := range k.indices {
		if err := k.checkImage("batch_indices", i, image); err != nil {
			return err
		}
	}
	return k.run(c, k)
}

// roiAxis are the points of a region along a dimension: grid of them in each bin.
type roiAxis[T real.Float] struct {
	begin, bin T
	bins, grid int
	pixels     int
}

// axis returns a region's points along a dimension, from its begin and end.
func (k *roiAlign[T]) axis(begin, end T, bins, pixels int) roiAxis[T] {
	var edge T
	if k.half {
		edge = 0.5
	}
	a := roiAxis[T]{begin: T(begin*k.scale) - edge, bins: bins, grid: k.ratio, pixels: pixels}
	size := T(end*k.scale) - edge - a.begin
	if !k.half {
		size = max(size, 1)
	}
	a.bin = size / T(bins)
	if a.grid == 0 {
		if g := math.Ceil(float64(a.bin)); g > 0 {
			a.grid = int(min(g, 1<<30))
		}
	}
	return a
}

// at returns point i of a bin.
func (a *roiAxis[T]) at(bin, i int) T {
	return a.begin + T(T(bin)*a.bin) + T((T(i)+0.5)*a.bin)/T(a.grid)
}

// span returns the points of a bin without those that are surely outside of the image: of a region that is much larger than it, nearly all.
func (a *roiAxis[T]) span(bin int) (lo, hi int) {
	step := float64(a.bin) / float64(a.grid)
	if a.grid <= 64 || step == 0 {
		return 0, min(a.grid, maxSampling)
	}
	from := (-1-float64(a.begin))/step - float64(bin)*float64(a.grid)
	to := (float64(a.pixels)-float64(a.begin))/step - float64(bin)*float64(a.grid)
	if step < 0 {
		from, to = to, from
	}
	if !(from < to) {
		return 0, 0
	}
	slack := 2 + 1e-6*float64(a.grid) // for what rounding adds to a distant point
	return int(max(0, min(from-slack, float64(a.grid)))), int(max(0, min(to+slack, float64(a.grid))))
}

// count returns the number of points that fill writes.
func (a *roiAxis[T]) count() (n int) {
	for bin := range a.bins {
		lo, hi := a.span(bin)
		n += hi - lo
	}
	return n
}

// fill writes, for each point inside of the image, the pixels before and behind it, times step, and their weights. ends gets the number of pairs up
// to the end of each bin.
func (a *roiAxis[T]) fill(at []int64, w []T, ends []int64, step int) {
	n := 0
	for bin := range a.bins {
		lo, hi := a.span(bin)
		for i := lo; i < hi; i++ {
			p := a.at(bin, i)
			if !(p >= -1 && p <= T(a.pixels)) || a.pixels == 0 {
				continue
			}
			p = max(p, 0)
			low := int(p)
			high, f := low+1, p-T(low)
			if low >= a.pixels-1 {
				low, high, f = a.pixels-1, a.pixels-1, 0
			}
			at[2*n], at[2*n+1] = int64(low*step), int64(high*step)
			w[2*n], w[2*n+1] = 1-f, f
			n++
		}
		ends[bin] = int64(n)
	}
}

// Tile implements [ops.Job].
func (k *roiAlign[T]) Tile(w ops.Worker, i int) {
	region, group := i/k.groups, i%k.groups
	r := k.r[4*region:][:4]
	xs, ys := k.axis(r[0], r[2], k.cols, k.width), k.axis(r[1], r[3], k.rows, k.height)
	nx, ny := xs.count(), ys.count()
	scratch := w.Scratch(8*(k.rows+k.cols) + 32*(nx+ny)) // int64 and T, which takes 8 bytes at most
	ints := ops.Elements[int64](scratch)
	rowEnds, colEnds, ints := ints[:k.rows], ints[k.rows:][:k.cols], ints[k.rows+k.cols:]
	rowAt, colAt := ints[:2*ny], ints[2*ny:][:2*nx]
	weights := ops.Elements[T](scratch[8*(k.rows+k.cols)+16*(nx+ny):])
	rowW, colW := weights[:2*ny], weights[2*ny:][:2*nx]
	ys.fill(rowAt, rowW, rowEnds, k.width)
	xs.fill(colAt, colW, colEnds, 1)
	all := int64(xs.grid) * int64(ys.grid)
	pixels := k.height * k.width
	for c := group * k.group; c < min(k.channels, (group+1)*k.group); c++ {
		src := k.x[(int(k.indices[region])*k.channels+c)*pixels:][:pixels]
		dst := k.y[(region*k.channels+c)*k.rows*k.cols:][:k.rows*k.cols]
		var rowBegin int64
		for by, rowEnd := range rowEnds {
			var colBegin int64
			for bx, colEnd := range colEnds {
				b := roiBin[T]{src, rowAt[2*rowBegin : 2*rowEnd], colAt[2*colBegin : 2*colEnd], rowW[2*rowBegin : 2*rowEnd], colW[2*colBegin : 2*colEnd]}
				if k.max {
					dst[by*k.cols+bx] = b.max((rowEnd-rowBegin)*(colEnd-colBegin) < all)
				} else {
					dst[by*k.cols+bx] = b.sum() / T(max(all, 1))
				}
				colBegin = colEnd
			}
			rowBegin = rowEnd
		}
	}
}

// roiBin are the points of a bin in a channel: the pairs of rows and columns around them, and their weights.
type roiBin[T real.Float] struct {
	src          []T
	rowAt, colAt []int64
	rowW, colW   []T
}

// sum adds up the points.
func (b *roiBin[T]) sum() (sum T) {
	for y := 0; y+1 < len(b.rowAt); y += 2 {
		low, high := b.src[b.rowAt[y]:], b.src[b.rowAt[y+1]:]
		wl, wh := b.rowW[y], b.rowW[y+1]
		for x := 0; x+1 < len(b.colAt); x += 2 {
			i, j := b.colAt[x], b.colAt[x+1]
			sum += wl*(b.colW[x]*low[i]+b.colW[x+1]*low[j]) + wh*(b.colW[x]*high[i]+b.colW[x+1]*high[j])
		}
	}
	return sum
}

// max is the largest of all pixels' shares in the points, which is what the standard's reference computes: not the largest point. Points outside of
// the image count as 0.
func (b *roiBin[T]) max(outside bool) T {
	top := T(math.Inf(-1))
	if outside || len(b.rowAt)*len(b.colAt) == 0 {
		top = 0
	}
	for y := 0; y+1 < len(b.rowAt); y += 2 {
		low, high := b.src[b.rowAt[y]:], b.src[b.rowAt[y+1]:]
		wl, wh := b.rowW[y], b.rowW[y+1]
		for x := 0; x+1 < len(b.colAt); x += 2 {
			i, j := b.colAt[x], b.colAt[x+1]
			top = max(top, wl*b.colW[x]*low[i], wl*b.colW[x+1]*low[j], wh*b.colW[x]*high[i], wh*b.colW[x+1]*high[j])
		}
	}
	return top
}
