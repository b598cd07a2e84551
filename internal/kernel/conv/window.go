package conv

import "fmt"

// Window says how a kernel slides over the spatial dimensions of an image. All slices have one element a dimension.
type Window struct {
	In, Out  []int // sizes of the image and of the result
	Kernel   []int
	Stride   []int
	Dilation []int // distance of neighbouring kernel elements in the image
	Begin    []int // padding before the first element; what is needed behind the last one follows from Out
}

// Taps is the number of elements of the kernel.
func (w *Window) Taps() int { return product(w.Kernel) }

// check reports sizes that no kernel loop could work with.
func (w *Window) check() error {
	r := len(w.In)
	if r == 0 || len(w.Out) != r || len(w.Kernel) != r || len(w.Stride) != r || len(w.Dilation) != r || len(w.Begin) != r {
		return fmt.Errorf("conv: a window with %d, %d, %d, %d, %d and %d dimensions", r, len(w.Out), len(w.Kernel), len(w.Stride), len(w.Dilation), len(w.Begin))
	}
	for d := range r {
		if w.In[d] < 0 || w.Out[d] < 0 || w.Kernel[d] < 1 || w.Stride[d] < 1 || w.Dilation[d] < 1 {
			return fmt.Errorf("conv: bad window in dimension %d: input %d, output %d, kernel %d, stride %d, dilation %d",
				d, w.In[d], w.Out[d], w.Kernel[d], w.Stride[d], w.Dilation[d])
		}
	}
	return nil
}

// pointwise reports whether each output pixel is computed from the input pixel of the same place.
func (w *Window) pointwise() bool {
	for d, k := range w.Kernel {
		if k != 1 || w.Stride[d] != 1 || w.Begin[d] != 0 || w.In[d] != w.Out[d] {
			return false
		}
	}
	return true
}

// inner returns the outputs [lo,hi) along dimension d for which no kernel element falls outside of the image.
func (w *Window) inner(d int) (lo, hi int) {
	lo = ceilDiv(max(w.Begin[d], 0), w.Stride[d])
	last := w.In[d] - 1 - (w.Kernel[d]-1)*w.Dilation[d] + w.Begin[d] // the largest start that fits
	if last >= 0 {
		hi = last/w.Stride[d] + 1
	}
	hi = min(hi, w.Out[d])
	return min(lo, hi), hi
}

// span returns the kernel elements [lo,hi) that fall inside of the image for output o along dimension d.
func (w *Window) span(d, o int) (lo, hi int) {
	start := o*w.Stride[d] - w.Begin[d]
	dil := w.Dilation[d]
	if start < 0 {
		lo = ceilDiv(-start, dil)
	}
	if room := w.In[d] - start; room > 0 {
		hi = min(w.Kernel[d], ceilDiv(room, dil))
	}
	return min(lo, hi), hi
}

// Shape is the shape of a convolution.
type Shape struct {
	Window
	Images   int
	Channels int // of the input
	Filters  int // channels of the result
	Groups   int
}

// pixels returns the number of output pixels of all images.
func (s *Shape) pixels() int { return s.Images * product(s.Out) }

func (s *Shape) check() error {
	if err := s.Window.check(); err != nil {
		return err
	}
	if s.Images < 0 || s.Channels < 0 || s.Filters < 0 || s.Groups < 1 || s.Channels%s.Groups != 0 || s.Filters%s.Groups != 0 {
		return fmt.Errorf("conv: %d channels and %d filters in %d groups", s.Channels, s.Filters, s.Groups)
	}
	return nil
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
