package nn

import (
	"math"

	"ingot/internal/kernel/real"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type maxRoiPoolAttrs struct {
	PooledShape  []int   `onnx:",required"`
	SpatialScale float32 `onnx:",1.0"`
}

// MaxRoiPool pools regions of images, rounded to whole pixels, into bins of one size each: the maximum of a bin's pixels, or 0 if it has none.
// A region is the number of its image, then its first and its last pixel.
func MaxRoiPool() *ops.Op {
	return ops.Def(ops.Spec[maxRoiPoolAttrs]{
		Name: "MaxRoiPool", In: "X:T, rois:T", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 22}, {Since: 1, Types: "T=floats"}},
		Infer: func(c *ops.Infer, a *maxRoiPoolAttrs) error {
			return inferRois(c, "pooled_shape", a.PooledShape, 5, sym.Unknown())
		},
		Bind: func(b *ops.Bind, a *maxRoiPoolAttrs) (ops.Kernel, error) {
			if b.In(0).DT == tensor.Float64 {
				return &maxRoiPool[float64]{newRoiKernel[float64](b, a.SpatialScale)}, nil
			}
			return &maxRoiPool[float32]{newRoiKernel[float32](b, a.SpatialScale)}, nil
		},
	})
}

type maxRoiPool[T real.Float] struct{ roiKernel[T] }

// Run pools.
func (k *maxRoiPool[T]) Run(c *ops.Call) error {
	// Types that aren't T are widened by run, so the images are checked on the tensor itself.
	var image [1]float64
	for i := range k.regions {
		num.Load64(image[:], c.In(1), 5*i)
		if err := k.checkImage("rois", i, num.Int64(image[0])); err != nil {
			return err
		}
	}
	return k.run(c, k)
}

// Tile implements [ops.Job].
func (k *maxRoiPool[T]) Tile(_ ops.Worker, i int) {
	region, group := i/k.groups, i%k.groups
	r := k.r[5*region:][:5]
	image := int(num.Int64(float64(r[0]))) // as Run has checked it
	left, top := wholePixel(r[1]*k.scale), wholePixel(r[2]*k.scale)
	across, down := max(wholePixel(r[3]*k.scale)-left+1, 1), max(wholePixel(r[4]*k.scale)-top+1, 1)
	pixels := k.height * k.width
	for c := group * k.group; c < min(k.channels, (group+1)*k.group); c++ {
		src := k.x[(image*k.channels+c)*pixels:][:pixels]
		dst := k.y[(region*k.channels+c)*k.rows*k.cols:][:k.rows*k.cols]
		for by := range k.rows {
			y0, y1 := binPixels[T](by, k.rows, top, down, k.height)
			for bx := range k.cols {
				x0, x1 := binPixels[T](bx, k.cols, left, across, k.width)
				best := T(math.Inf(-1))
				if y0 >= y1 || x0 >= x1 {
					best = 0
				}
				for y := y0; y < y1; y++ {
					for x := x0; x < x1; x++ {
						best = max(best, src[y*k.width+x])
					}
				}
				dst[by*k.cols+bx] = best
			}
		}
	}
}

// wholePixel rounds to the nearest pixel, halves away from zero. What is far outside of any image stays there.
func wholePixel[T real.Float](x T) int {
	const far = 1 << 28
	if v := math.Round(float64(x)); v == v {
		return int(max(-far, min(v, far)))
	}
	return 0
}

// binPixels returns the pixels of bin b of n, which share size pixels from begin on, as far as they are in an image of the given extent.
func binPixels[T real.Float](b, n, begin, size, extent int) (lo, hi int) {
	bin := T(size) / T(n)
	lo = begin + int(math.Floor(float64(T(b)*bin)))
	hi = begin + int(math.Ceil(float64(T(b+1)*bin)))
	return max(0, min(lo, extent)), max(0, min(hi, extent))
}
