package conv

import (
	"fmt"

	"ingot/internal/kernel/cpu"
	"ingot/internal/kernel/gemm"
)

// Winograd's F(4×4, 3×3) computes a tile of 4×4 results from 6×6 inputs with 36 multiplications instead of 144: both are transformed, the
// multiplications are 36 matrix products over channels, and their results are transformed back (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015).
//
// The points are 0, ±5/8, ±3/2 and ∞ instead of the usual 0, ±1, ±2 and ∞: as their powers stay close to 1, transforms lose less, and
// their squares and products are exact in float32. Measured on random data, the largest error falls from 5–10 to 1.2–1.4 units of 2⁻²³
// times the sum of the absolute weights times the largest input, the mean square from 0.42 to 0.18; the costs are equal. Tests hold results
// within 4 units. A NaN or an infinity spreads over the results of its tile.
const (
	winoPoints = 36
	winoTile   = 4 // results
	winoPatch  = 6 // inputs
)

// winoPlan is how the tiles of results are divided into parts that are computed at once.
type winoPlan struct {
	tier       cpu.Tier
	lanes      int // of the transforms
	filters    int // a multiple of lanes
	bias       []float32
	down, wide int // tiles of 4×4 results of an image
	part       int // of them that are computed at once
	tiles      int // parts
	pitchV     int // distance of the rows of transformed inputs
	pitchM     int // and of products
	scratch    int
}

// winogradPays tells whether Winograd is faster than a product over patches, which has 9 multiply-adds a result to 2.25 of Winograd's (the
// transforms cost about 0.4 times as much again) but a quarter of its weights. What weights cost depends on whether they stay in a cache.
//
// Measured in µs, one thread, product against Winograd:
//
//	3×3 kernel on      AVX2           AVX-512
//	112²×32            1994   730     1135   430
//	56²×64             2475   714     1049   332
//	56²×24              338   150      214    86
//	28²×128            1943   593      995   304
//	28²×16               36    20       25    17
//	14²×256            1955   784     1024   365
//	14²×512            8842  5378     4310  3898
func winogradPays[T Number](s *Shape) bool {
	if sizeOf[T]() != 4 || len(s.In) != 2 || s.Groups != 1 || s.Channels%8 != 0 || s.Channels < 16 || s.Filters < 8 {
		return false
	}
	for d := range 2 {
		if s.Kernel[d] != 3 || s.Stride[d] != 1 || s.Dilation[d] != 1 || s.Begin[d] < 0 {
			return false
		}
	}
	tiles := float64(s.Images * ceilDiv(s.Out[0], winoTile) * ceilDiv(s.Out[1], winoTile))
	if tiles < 16 {
		return false
	}
	// By the pair of a channel and a filter: nanoseconds of arithmetic that are saved, and of reading more weights.
	speed := 100.
	switch cpu.Current() {
	case cpu.Generic:
		return true // weights don't count beside portable arithmetic
	case cpu.AVX512:
		speed = 220
	}
	saved := 2 * (9*float64(s.pixels()) - 1.4*winoPoints*tiles) / speed
	bandwidth := 40.0
	if winoPoints*4*s.Channels*s.Filters > 10<<20 {
		bandwidth = 16
	}
	return saved > 1.5*4*(winoPoints-9)/bandwidth
}

// packWinograd transforms the filters: U = G·g·Gᵀ, a matrix of channels × filters for each point.
func packWinograd[T Number](out *Weights[T], s *Shape, w, storage, temp []T) error {
	n, og := s.Channels, s.Filters
	for o := range og {
		for c := range n {
			u := transformFilter(w[(o*n+c)*9:][:9])
			for i, v := range u {
				temp[(i*n+c)*og+o] = T(v)
			}
		}
	}
	if len(out.panels) != winoPoints {
		out.panels = make([]gemm.PackedB[T], winoPoints)
	}
	size := gemm.PackedLen[T](n, og)
	for i := range out.panels {
		if err := packOver(&out.panels[i], n, og, storage[i*size:][:size], temp[i*n*og:][:n*og], og, false); err != nil {
			return err
		}
	}
	return nil
}

// The finite points other than 0, up to their sign, and their powers.
const (
	near, far    = 5. / 8, 3. / 2
	near2, far2  = near * near, far * far
	sumPoints    = near2 + far2
	prodPoints   = near2 * far2
	nearScale    = 1 / (2 * near2 * (near2 - far2))
	farScale     = 1 / (2 * far2 * (far2 - near2))
	near3, far3  = near2 * near, far2 * far
	originFactor = 1 / prodPoints
)

// filterPoints is G.
var filterPoints = [winoPatch][3]float64{
	{originFactor, 0, 0},
	{nearScale, near * nearScale, near2 * nearScale}, {nearScale, -near * nearScale, near2 * nearScale},
	{farScale, far * farScale, far2 * farScale}, {farScale, -far * farScale, far2 * farScale},
	{0, 0, 1},
}

func transformFilter[T Number](g []T) (u [winoPoints]float64) {
	var t [winoPatch][3]float64
	for i, p := range filterPoints {
		for x := range 3 {
			t[i][x] = p[0]*float64(g[x]) + p[1]*float64(g[3+x]) + p[2]*float64(g[6+x])
		}
	}
	for i := range t {
		for j, p := range filterPoints {
			u[i*winoPatch+j] = p[0]*t[i][0] + p[1]*t[i][1] + p[2]*t[i][2]
		}
	}
	return u
}

// How many tiles are computed at once: enough to use each panel of weights well, but with inputs and products that stay in the L2 cache.
const (
	winoBytes = 1 << 20
	winoMost  = 96
	winoLeast = 12
)

func (c *Conv[T]) prepareWinograd() error {
	p := &c.wino
	if len(c.In) != 2 || c.Groups != 1 || c.Channels%8 != 0 || len(c.Weights.panels) != winoPoints {
		return fmt.Errorf("conv: no Winograd for %d channels, %d filters in %d groups", c.Channels, c.Filters, c.Groups)
	}
	p.tier = cpu.Current()
	p.lanes = 8
	if p.tier == cpu.AVX512 && c.Channels%16 == 0 && c.Filters%16 == 0 {
		p.lanes = 16
	}
	p.filters = ceilDiv(c.Filters, p.lanes) * p.lanes
	p.padBias(c.Bias, c.Filters)
	p.down, p.wide = ceilDiv(c.Out[0], winoTile), ceilDiv(c.Out[1], winoTile)
	total := c.Images * p.down * p.wide
	p.tiles = 0
	if total == 0 {
		return nil
	}
	const line = 16 // elements; a row more than a power of two keeps rows out of each other's cache sets
	p.pitchV, p.pitchM = c.Channels+line, p.filters+line
	most := min(max(winoBytes/(winoPoints*(p.pitchV+p.pitchM)*sizeOf[T]()), winoLeast), winoMost)
	most = min(most, max(winoLeast, ceilDiv(total, 8)))
	p.tiles = ceilDiv(total, most)
	p.part = ceilDiv(total, p.tiles)
	p.tiles = ceilDiv(total, p.part)
	p.scratch = winoPoints*p.part*(p.pitchV+p.pitchM) + winoPoints*c.Channels + winoTile*winoTile*p.filters
	return nil
}

// padBias keeps a copy of the bias that whole vectors can be read from, if the filters don't fill them.
func (p *winoPlan) padBias(bias any, filters int) {
	b, _ := bias.([]float32)
	if b == nil || p.filters == filters {
		p.bias = b
		return
	}
	if len(p.bias) != p.filters || &p.bias[0] == &b[0] {
		p.bias = make([]float32, p.filters)
	}
	copy(p.bias, b[:filters])
}

// tileWinograd computes one part.
func (c *Conv[T]) tileWinograd(i int, scratch []T) {
	f, ok := any(c).(*Conv[float32])
	if !ok {
		return
	}
	s, _ := any(scratch).([]float32)
	winogradPart(f, i, s)
}

// winogradPart is tileWinograd for the one type that it is chosen for.
func winogradPart(c *Conv[float32], i int, scratch []float32) {
	p := &c.wino
	lo := i * p.part
	n := min(p.part, c.Images*p.down*p.wide-lo)
	take := func(size int) []float32 {
		s := scratch[:size:size]
		scratch = scratch[size:]
		return s
	}
	v, m := take(winoPoints*n*p.pitchV), take(winoPoints*n*p.pitchM)
	patch, out := take(winoPoints*c.Channels), take(winoTile*winoTile*p.filters)
	for t := range n {
		winogradInput(c, lo+t, v[t*p.pitchV:], n*p.pitchV, patch)
	}
	for k := range winoPoints {
		gemm.Multiply(&c.Weights.panels[k], n, v[k*n*p.pitchV:], p.pitchV, m[k*n*p.pitchM:], p.pitchM)
	}
	for t := range n {
		winogradOutput(c, lo+t, m[t*p.pitchM:], n*p.pitchM, out)
	}
}

// place returns a tile's image and its place in it.
func (p *winoPlan) place(t int) (image, y, x int) {
	x = t % p.wide
	t /= p.wide
	return t / p.down, t % p.down * winoTile, x * winoTile
}

// winogradInput transforms the inputs of a tile. patch is room for a tile that reaches over the border.
func winogradInput(c *Conv[float32], t int, v []float32, point int, patch []float32) {
	p := &c.wino
	image, y, x := p.place(t)
	y, x = y-c.Begin[0], x-c.Begin[1]
	height, width, n := c.In[0], c.In[1], c.Channels
	in := c.X[image*height*width*n:][:height*width*n]
	row := width * n
	if y >= 0 && x >= 0 && y+winoPatch <= height && x+winoPatch <= width {
		in = in[(y*width+x)*n:]
	} else {
		clear(patch)
		a, b := max(x, 0), min(x+winoPatch, width)
		for r := max(y, 0); r < min(y+winoPatch, height) && a < b; r++ {
			copy(patch[((r-y)*winoPatch+a-x)*n:], in[(r*width+a)*n:(r*width+b)*n])
		}
		in, row = patch, winoPatch*n
	}
	transformInput(p.tier, p.lanes, v, point, in, row, n, n)
}

// winogradOutput transforms the products of a tile into results. out is room for a tile that reaches over the border.
func winogradOutput(c *Conv[float32], t int, m []float32, point int, out []float32) {
	p := &c.wino
	image, y, x := p.place(t)
	height, width, n := c.Out[0], c.Out[1], c.Filters
	first := ((image*height+y)*width + x) * n
	h, w := min(winoTile, height-y), min(winoTile, width-x)
	e := finish{bias: p.bias, clip: c.Clip, lo: c.Lo, hi: c.Hi}
	if m0 := p.filters; h == winoTile && w == winoTile && m0 == n {
		if c.Residual != nil {
			e.res = c.Residual[first:]
		}
		transformOutput(p.tier, p.lanes, c.Y[first:], width*n, n, m, point, n, &e)
	} else {
		if c.Residual != nil {
			e.res = out
			for r := range h {
				copyRows(p.tier, out[r*winoTile*m0:], m0, c.Residual[first+r*width*n:], n, n, w)
			}
		}
		transformOutput(p.tier, p.lanes, out, winoTile*m0, m0, m, point, m0, &e)
		for r := range h {
			copyRows(p.tier, c.Y[first+r*width*n:], n, out[r*winoTile*m0:], m0, n, w)
		}
	}
	if c.Map != nil {
		for r := range h {
			c.Map(c.Y[first+r*width*n:][:w*n])
		}
	}
}

// finish is what happens to transformed results: bias, then residual, then the limits.
type finish struct {
	bias, res []float32
	clip      bool
	lo, hi    float32
}

// transformInputGo is the portable transform of channels of one tile: v[i*point+c] for the points i is Bᵀ·x·B of x[y*row+x*pixel+c].
func transformInputGo(v []float32, point int, in []float32, row, pixel, channels int) {
	for c := range channels {
		var t [winoPatch][winoPatch]float32
		for x := range winoPatch {
			var d [winoPatch]float32
			for y := range d {
				d[y] = in[y*row+x*pixel+c]
			}
			for y, o := range inputPoints(&d) {
				t[y][x] = o
			}
		}
		for y := range t {
			for x, o := range inputPoints(&t[y]) {
				v[(y*winoPatch+x)*point+c] = o
			}
		}
	}
}

// inputPoints is Bᵀ·d.
func inputPoints(d *[winoPatch]float32) [winoPatch]float32 {
	p, q := d[4]-far2*d[2], d[3]-far2*d[1]
	r, s := d[4]-near2*d[2], d[3]-near2*d[1]
	return [winoPatch]float32{
		d[4] - sumPoints*d[2] + prodPoints*d[0],
		p + near*q, p - near*q, r + far*s, r - far*s,
		d[5] - sumPoints*d[3] + prodPoints*d[1],
	}
}

// transformOutputGo is the portable transform of one tile: y[r*row+x*pixel+c] is Aᵀ·m·A of m[i*point+c], finished.
func transformOutputGo(y []float32, row, pixel int, m []float32, point, filters int, e *finish) {
	for c := range filters {
		var t [winoPatch][winoTile]float32
		for r := range t {
			var in [winoPatch]float32
			for x := range in {
				in[x] = m[(r*winoPatch+x)*point+c]
			}
			t[r] = outputPoints(&in)
		}
		for x := range winoTile {
			var in [winoPatch]float32
			for r := range in {
				in[r] = t[r][x]
			}
			for r, v := range outputPoints(&in) {
				at := r*row + x*pixel + c
				if e.bias != nil {
					v += e.bias[c]
				}
				if e.res != nil {
					v += e.res[at]
				}
				if e.clip {
					if v < e.lo {
						v = e.lo
					}
					if v > e.hi {
						v = e.hi
					}
				}
				y[at] = v
			}
		}
	}
}

// outputPoints is Aᵀ·m.
func outputPoints(m *[winoPatch]float32) [winoTile]float32 {
	a, b := m[1]+m[2], m[1]-m[2]
	c, e := m[3]+m[4], m[3]-m[4]
	return [winoTile]float32{m[0] + a + c, near*b + far*e, near2*a + far2*c, m[5] + near3*b + far3*e}
}
