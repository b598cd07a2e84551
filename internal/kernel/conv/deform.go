package conv

import "math"

// Deform yields the patches of a deformable convolution as the rows of a matrix, like [Patches]: each kernel element looks at a place of its
// own for each output pixel, between pixels of the image, and its sample may be weighted. Two spatial dimensions.
type Deform[T Number] struct {
	Window
	X        []T // all images as rows of channels
	Channels int // of a pixel
	First    int // the first channel of the group
	Count    int // channels of the group

	Offset []T // of each image and offset group: planes of y and x for each kernel element
	Mask   []T // of each image and offset group: a plane for each kernel element; nil: ones
	Groups int // offset groups, which share the channels
}

// PackA implements gemm.ASource.
func (d *Deform[T]) PackA(dst []T, ld, i0, rows, k0, cols int) {
	pixels, taps := product(d.Out), d.Taps()
	per := d.Channels / d.Groups
	for i := range rows {
		row := dst[i*ld:][:cols]
		image, o := (i0+i)/pixels, (i0+i)%pixels
		for done := 0; done < cols; {
			t, c := (k0+done)/d.Count, (k0+done)%d.Count
			n := min(d.Count-c, cols-done)
			c += d.First
			g := c / per
			n = min(n, (g+1)*per-c)
			plane := (image*d.Groups+g)*taps + t
			y := T(o/d.Out[1]*d.Stride[0]-d.Begin[0]+t/d.Kernel[1]*d.Dilation[0]) + d.Offset[2*plane*pixels+o]
			x := T(o%d.Out[1]*d.Stride[1]-d.Begin[1]+t%d.Kernel[1]*d.Dilation[1]) + d.Offset[(2*plane+1)*pixels+o]
			weight := T(1)
			if d.Mask != nil {
				weight = d.Mask[plane*pixels+o]
			}
			d.sample(row[done:done+n], image, c, y, x, weight)
			done += n
		}
	}
}

// sample writes channels from c on of an image at a place, interpolated between its four neighbours; zeros lie around the image.
func (d *Deform[T]) sample(dst []T, image, c int, y, x, weight T) {
	clear(dst)
	height, width := d.In[0], d.In[1]
	if !(y > -1 && y < T(height) && x > -1 && x < T(width)) {
		return
	}
	y0, x0 := int(math.Floor(float64(y))), int(math.Floor(float64(x)))
	fy, fx := y-T(y0), x-T(x0)
	for _, n := range [4]struct {
		y, x int
		w    T
	}{{y0, x0, (1 - fy) * (1 - fx)}, {y0, x0 + 1, (1 - fy) * fx}, {y0 + 1, x0, fy * (1 - fx)}, {y0 + 1, x0 + 1, fy * fx}} {
		if n.y < 0 || n.y >= height || n.x < 0 || n.x >= width || n.w == 0 {
			continue
		}
		w := n.w * weight
		for j, v := range d.X[((image*height+n.y)*width+n.x)*d.Channels+c:][:len(dst)] {
			dst[j] += w * v
		}
	}
}
