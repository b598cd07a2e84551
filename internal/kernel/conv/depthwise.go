package conv

import "ingot/internal/kernel/cpu"

// depthPlan is how a depthwise convolution is divided: into lines of output pixels and pieces of them.
type depthPlan struct {
	tier    cpu.Tier
	lines   int // of all images
	grouped int // lines of a tile
	pieces  int // of a line
	width   int // of a piece
	tiles   int
	strides []int // of the image's dimensions
	image   int
}

// depthWork is the multiply-adds that a tile should have at least: some 10 µs.
const depthWork = 1 << 18

// depthLanes is the multiple that rows of packed weights are padded to, so that the last vector can be read whole.
const depthLanes = 16

func depthPitch(channels int) int { return (channels + depthLanes - 1) &^ (depthLanes - 1) }

// packDepth turns [channels, 1, kernel…] into rows of channels.
func packDepth[T Number](s *Shape, w, storage []T) []T {
	taps, pitch := s.Taps(), depthPitch(s.Channels)
	out := storage[:taps*pitch]
	clear(out)
	for c := range s.Channels {
		for t := range taps {
			out[t*pitch+c] = w[c*taps+t]
		}
	}
	return out
}

func (c *Conv[T]) prepareDepth() {
	p := &c.depth
	p.tier = cpu.Current()
	last := len(c.Out) - 1
	p.divide(c.pixels(), c.Out[last], c.Taps()*c.Channels)
	p.measure(&c.Window, c.Channels)
}

// measure works out the distances of neighbours in the input.
func (p *depthPlan) measure(w *Window, channels int) {
	if p.strides == nil {
		p.strides = make([]int, len(w.In))
	}
	p.image = channels
	for d := len(w.In) - 1; d >= 0; d-- {
		p.strides[d] = p.image
		p.image *= w.In[d]
	}
}

// divide cuts lines of width pixels, each of some work, into tiles.
func (p *depthPlan) divide(pixels, width, work int) {
	p.tiles = 0
	if pixels == 0 {
		return
	}
	p.lines = pixels / width
	p.pieces, p.width = 1, width
	if per := max(16, ceilDiv(depthWork, max(work, 1))); per < width {
		p.pieces = width / per
		p.width = (ceilDiv(width, p.pieces) + 7) &^ 7
		p.pieces = ceilDiv(width, p.width)
	}
	p.grouped = max(1, depthWork/max(1, p.width*work))
	p.tiles = ceilDiv(p.lines*p.pieces, p.grouped)
}

// tileDepth computes a tile: some pieces, one after another.
func (c *Conv[T]) tileDepth(i int) {
	p := &c.depth
	lo, hi := i*p.grouped, min((i+1)*p.grouped, p.lines*p.pieces)
	width := c.Out[len(c.Out)-1]
	for piece := lo; piece < hi; piece++ {
		n, x := piece/p.pieces, piece%p.pieces*p.width
		to := min(x+p.width, width)
		c.depthLine(n, x, to)
		if c.Map != nil {
			c.Map(c.Y[(n*width+x)*c.Filters : (n*width+to)*c.Filters])
		}
	}
}

// depthLine computes pixels [x,to) of line n.
func (c *Conv[T]) depthLine(n, x, to int) {
	last := len(c.Out) - 1
	if f, ok := any(c).(*Conv[float32]); ok && last <= 1 {
		depthLine32(f, n, x, to)
		return
	}
	for ; x < to; x++ {
		c.depthPixel(n, x)
	}
}

// depthLine32 is depthLine for one and two dimensions.
func depthLine32(f *Conv[float32], n, x, to int) {
	last := len(f.Out) - 1
	p := &f.depth
	pitch := depthPitch(f.Channels)
	l := line{
		op: multiply, channels: f.Channels, stepX: f.Dilation[last] * f.Channels, pixX: f.Stride[last] * f.Channels,
		stepW: pitch, rowW: f.Kernel[last] * pitch, pixY: f.Filters, rows: 1, clip: f.Clip, lo: f.Lo, hi: f.Hi,
	}
	if f.Bias != nil {
		l.bias = f.Bias
	}
	at, ky := n*p.image, 0
	if last == 1 {
		oy := n % f.Out[0]
		lo, hi := f.span(0, oy)
		l.rows, ky = hi-lo, lo
		l.rowX = f.Dilation[0] * p.strides[0]
		at = n/f.Out[0]*p.image + (oy*f.Stride[0]-f.Begin[0]+lo*f.Dilation[0])*p.strides[0]
	}
	lo, hi := f.inner(last)
	for x < to {
		a, b := 0, f.Kernel[last]
		m := 1
		if x >= lo && x < hi {
			m = min(to, hi) - x
		} else {
			a, b = f.span(last, x)
		}
		l.taps, l.pixels = b-a, m
		if l.rows > 0 && l.taps > 0 {
			l.x = f.X[at+(x*f.Stride[last]-f.Begin[last]+a*f.Dilation[last])*f.Channels:]
			l.w = f.Weights.depth[(ky*f.Kernel[last]+a)*pitch:]
		}
		y := (n*f.Out[last] + x) * f.Filters
		l.y = f.Y[y:]
		if f.Residual != nil {
			l.res = f.Residual[y:]
		}
		l.run(p.tier)
		x += m
	}
}

// depthPixel computes one pixel, for any number of dimensions and either type.
func (c *Conv[T]) depthPixel(n, x int) {
	last := len(c.Out) - 1
	out := (n*c.Out[last] + x) * c.Filters
	y := c.Y[out:][:c.Filters]
	pitch := depthPitch(c.Channels)
	// The residual may be y itself, so the sum of its block comes together aside.
	var room [64]T
	for c0 := 0; c0 < len(y); c0 += len(room) {
		acc := room[:min(len(room), len(y)-c0)]
		clear(acc)
		if c.Bias != nil {
			copy(acc, c.Bias[c0:])
		}
		for t := range c.Taps() {
			off, ok := c.depth.tapOffset(&c.Window, n, x, t)
			if !ok {
				continue
			}
			in, w := c.X[off+c0:][:len(acc)], c.Weights.depth[t*pitch+c0:][:len(acc)]
			for i, v := range in {
				acc[i] += v * w[i]
			}
		}
		if c.Residual != nil {
			for i, v := range c.Residual[out+c0:][:len(acc)] {
				acc[i] += v
			}
		}
		if c.Clip {
			for i, v := range acc {
				if v < c.Lo {
					v = c.Lo
				}
				if v > c.Hi {
					v = c.Hi
				}
				acc[i] = v
			}
		}
		copy(y[c0:], acc)
	}
}

// tapOffset is where the pixel lies that output pixel x of line n sees under kernel element t, and whether there is one.
func (p *depthPlan) tapOffset(w *Window, n, x, t int) (int, bool) {
	last := len(w.Out) - 1
	at := x*w.Stride[last] - w.Begin[last] + t%w.Kernel[last]*w.Dilation[last]
	if at < 0 || at >= w.In[last] {
		return 0, false
	}
	off := at * p.strides[last]
	t /= w.Kernel[last]
	for d := last - 1; d >= 0; d-- {
		y := n%w.Out[d]*w.Stride[d] - w.Begin[d] + t%w.Kernel[d]*w.Dilation[d]
		n /= w.Out[d]
		t /= w.Kernel[d]
		if y < 0 || y >= w.In[d] {
			return 0, false
		}
		off += y * p.strides[d]
	}
	return off + n*p.image, true
}
