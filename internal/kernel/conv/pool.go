package conv

import (
	"fmt"

	"ingot/internal/kernel/cpu"
)

// Pool is the largest or the mean element of each channel under a window that slides over channels-last images. Use it like [Conv].
type Pool struct {
	Window
	End        []int // padding behind the last element, which IncludePad counts
	Images     int
	Channels   int
	Mean       bool // instead of the maximum, in which a NaN wins
	IncludePad bool // a mean divides by the elements of padding too

	X, Y []float32

	tier cpu.Tier
	plan depthPlan
}

// Prepare checks the operands and divides the work into tiles. It allocates only the first time.
func (p *Pool) Prepare() error {
	if err := p.check(); err != nil {
		return err
	}
	if len(p.End) != len(p.In) || p.Images < 0 || p.Channels < 0 {
		return fmt.Errorf("conv: pool of %d images with %d channels", p.Images, p.Channels)
	}
	if n := p.Images * product(p.In) * p.Channels; len(p.X) < n {
		return fmt.Errorf("conv: input has %d elements, the shape %d", len(p.X), n)
	}
	pixels := p.Images * product(p.Out)
	if len(p.Y) < pixels*p.Channels {
		return fmt.Errorf("conv: output has %d elements, the shape %d", len(p.Y), pixels*p.Channels)
	}
	p.tier = cpu.Current()
	last := len(p.Out) - 1
	p.plan.divide(pixels, p.Out[last], p.Taps()*p.Channels)
	p.plan.measure(&p.Window, p.Channels)
	return nil
}

// Tiles is the number of tiles. Prepare must have succeeded.
func (p *Pool) Tiles() int {
	if p.Channels == 0 {
		return 0
	}
	return p.plan.tiles
}

// Tile computes tile i.
func (p *Pool) Tile(i int) {
	q := &p.plan
	width := p.Out[len(p.Out)-1]
	for piece := i * q.grouped; piece < min((i+1)*q.grouped, q.lines*q.pieces); piece++ {
		x := piece % q.pieces * q.width
		p.line(piece/q.pieces, x, min(x+q.width, width))
	}
}

// line computes pixels [x,to) of line n.
func (p *Pool) line(n, x, to int) {
	last := len(p.Out) - 1
	l := line{op: maximum, channels: p.Channels, stepX: p.Dilation[last] * p.Channels, pixX: p.Stride[last] * p.Channels, pixY: p.Channels, rows: 1}
	if p.Mean {
		l.op = sum
	}
	if last > 1 {
		p.deepLine(&l, n, x, to)
		return
	}
	q := &p.plan
	at, counted := n*q.image, 1
	if last == 1 {
		oy := n % p.Out[0]
		lo, hi := p.span(0, oy)
		l.rows, l.rowX = hi-lo, p.Dilation[0]*q.strides[0]
		at = n/p.Out[0]*q.image + (oy*p.Stride[0]-p.Begin[0]+lo*p.Dilation[0])*q.strides[0]
		counted = p.counted(0, oy, l.rows)
	}
	lo, hi := p.inner(last)
	for x < to {
		a, b, m := 0, p.Kernel[last], 1
		if x >= lo && x < hi {
			m = min(to, hi) - x
		} else {
			a, b = p.span(last, x)
		}
		l.taps, l.pixels = b-a, m
		if l.rows > 0 && l.taps > 0 {
			l.x = p.X[at+(x*p.Stride[last]-p.Begin[last]+a*p.Dilation[last])*p.Channels:]
		}
		l.y = p.Y[(n*p.Out[last]+x)*p.Channels:]
		if p.Mean {
			l.count = float32(counted * p.counted(last, x, l.taps))
		}
		l.run(p.tier)
		x += m
	}
}

// counted is how many elements of a window a mean counts along dimension d for output o, of which inside lie in the image.
func (p *Pool) counted(d, o, inside int) int {
	if !p.IncludePad {
		return inside
	}
	return p.padded(d, o, p.End[d])
}

// padded is how many elements of the window lie inside of the image or of its padding.
func (w *Window) padded(d, o, end int) int {
	start := o*w.Stride[d] - w.Begin[d]
	return min(w.Kernel[d], max(0, ceilDiv(w.In[d]+end-start, w.Dilation[d])))
}

// deepLine is line for three and more dimensions: each pixel gathers its elements one by one.
func (p *Pool) deepLine(l *line, n, x, to int) {
	last := len(p.Out) - 1
	q := &p.plan
	var room [6]part
	parts := room[:]
	if last >= len(room) {
		parts = make([]part, last+1)
	}
	for ; x < to; x++ {
		y := p.Y[(n*p.Out[last]+x)*p.Channels:][:p.Channels]
		rest, count, inside := n, 1, 1
		for d := last; d >= 0; d-- {
			o := x
			if d < last {
				o = rest % p.Out[d]
				rest /= p.Out[d]
			}
			lo, hi := p.span(d, o)
			count *= p.counted(d, o, hi-lo)
			inside *= hi - lo
			parts[d] = part{n: hi - lo, first: (o*p.Stride[d] - p.Begin[d] + lo*p.Dilation[d]) * q.strides[d], step: p.Dilation[d] * q.strides[d]}
		}
		if inside == 0 {
			l.rows, l.taps, l.pixels, l.y = 0, 0, 1, y
			l.runGo(0)
			continue
		}
		for i := range inside {
			off, t := rest*q.image, i
			for d := last; d >= 0; d-- {
				off += parts[d].first + t%parts[d].n*parts[d].step
				t /= parts[d].n
			}
			in := p.X[off:][:p.Channels]
			switch {
			case i == 0:
				copy(y, in)
			case p.Mean:
				for c, v := range in {
					y[c] += v
				}
			default:
				for c, v := range in {
					if v > y[c] || v != v {
						y[c] = v
					}
				}
			}
		}
		if p.Mean && count > 0 {
			for c := range y {
				y[c] /= float32(count)
			}
		}
	}
}

// part is the part of a window along one dimension that lies inside of the image: n elements, from first on, step apart.
type part struct{ n, first, step int }

// FoldRows writes the sums of the columns of n rows of len(y) elements to y, or with largest their maxima, in which a NaN wins.
func FoldRows(y, x []float32, n int, largest bool) {
	const run = 1 << 12 // rows of a call
	l := line{op: sum, channels: len(y), pixels: 1, rows: 1, stepX: len(y), y: y}
	if largest {
		l.op = maximum
	}
	if n > run || len(y) == 0 {
		foldRowsGo(y, x, n, largest)
		return
	}
	l.taps, l.x = n, x
	l.run(cpu.Current())
}

func foldRowsGo(y, x []float32, n int, largest bool) {
	if n == 0 || len(y) == 0 {
		clear(y)
		return
	}
	copy(y, x)
	for i := 1; i < n; i++ {
		row := x[i*len(y):][:len(y)]
		for c, v := range row {
			if !largest {
				y[c] += v
			} else if v > y[c] || v != v {
				y[c] = v
			}
		}
	}
}
