package picture

import "math"

// filter is a resampling kernel: a function of the distance, in pixels of the coarser picture, that is zero beyond support.
type filter struct {
	support float64
	weight  func(x float64) float64
	fixed   bool // never widened when shrinking: aliases, but that is what some networks were trained on
}

// The kernels of Pillow, and two more that have no kernel: nearest, and bilinear with just the four neighbours.
var (
	nearest   = &filter{}
	bilinear4 = &filter{1, triangle, true}
	box       = &filter{0.5, rect, false}
	bilinear  = &filter{1, triangle, false}
	bicubic   = &filter{2, keys, false}
	lanczos   = &filter{3, lanczos3, false}
)

func rect(x float64) float64 {
	if x > -0.5 && x <= 0.5 {
		return 1
	}
	return 0
}

func triangle(x float64) float64 { return max(0, 1-math.Abs(x)) }

// keys is the cubic of R. Keys (1981) with a = −1/2. The conversions keep the compiler from fusing a product into a sum, which would round
// otherwise on some machines; so do those below.
func keys(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64((float64((a+2)*x)-(a+3))*x*x) + 1
	case x < 2:
		return (float64((float64((x-5)*x)+8)*x) - 4) * a
	}
	return 0
}

func lanczos3(x float64) float64 {
	if x < -3 || x >= 3 {
		return 0
	}
	return sinc(x) * sinc(x/3)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// rectangle is a part of a picture, in pixels. Pillow passes it as single-precision numbers.
type rectangle struct{ x0, y0, x1, y1 float32 }

func (m *Image) whole() rectangle { return rectangle{0, 0, float32(m.W), float32(m.H)} }

// resize enlarges or shrinks the part of m inside from to w×h pixels, in two passes with 8-bit samples between them, as Pillow does.
func (m *Image) resize(w, h int, f *filter, from rectangle) *Image {
	if w == m.W && h == m.H && from == m.whole() {
		return m
	}
	if f == nearest {
		return m.resizeNearest(w, h, from)
	}
	rows := coefficients(m.H, h, from.y0, from.y1, f)
	across := func(m *Image, y0, y1 int) *Image {
		if w == m.W && from.x0 == 0 && from.x1 == float32(w) {
			return m
		}
		return m.across(coefficients(m.W, w, from.x0, from.x1, f), y0, y1)
	}
	down := func(m *Image) *Image {
		if h == m.H && from.y0 == 0 && from.y1 == float32(h) {
			return m
		}
		return m.down(rows)
	}
	// The order of the passes shows in the last bit. This rule is Pillow's since version 13; before, rows came first always.
	if lost := m.H - h; lost > 0 && lost > 2*(m.W-w) {
		return across(down(m), 0, h)
	}
	last := rows[len(rows)-1]
	return down(across(m, rows[0].first, last.first+len(last.k)))
}

// taps are the weights of the source samples from first on that make one sample, in 22-bit fixed point.
type taps struct {
	first int
	k     []int32
}

// precision leaves 8 bits for the sample, and 2 for weights beyond 1 and sums beyond 255.
const precision = 32 - 8 - 2

// coefficients gives each of n samples its taps, for a source of size samples of which those in [lo, hi) are used.
func coefficients(size, n int, lo, hi float32, f *filter) []taps {
	scale := float64(hi-lo) / float64(n)
	wide := max(1, scale)
	if f.fixed {
		wide = 1
	}
	support := f.support * wide
	out := make([]taps, n)
	w := make([]float64, 0, 2*int(math.Ceil(support))+1)
	for i := range out {
		center := float64(lo) + float64((float64(i)+0.5)*scale)
		first := max(0, int(center-support+0.5))
		end := min(size, int(center+support+0.5))
		w = w[:0]
		sum := 0.0
		for j := range end - first {
			v := f.weight((float64(j+first) - center + 0.5) * (1 / wide))
			w = append(w, v)
			sum += v
		}
		k := make([]int32, len(w))
		for j, v := range w {
			if sum != 0 {
				v /= sum
			}
			k[j] = int32(math.Copysign(math.Floor(math.Abs(float64(v*(1<<precision)))+0.5), v))
		}
		out[i] = taps{first, k}
	}
	return out
}

// across resamples the rows from y0 to y1; those before and after, which the other pass doesn't look at, become black.
func (m *Image) across(cols []taps, y0, y1 int) *Image {
	out := newImage(len(cols), m.H, m.C)
	for y := y0; y < y1; y++ {
		src := m.Pix[y*m.W*m.C : (y+1)*m.W*m.C]
		dst := out.Pix[y*out.W*m.C : (y+1)*out.W*m.C]
		for x, t := range cols {
			if m.C == 1 {
				s := int32(1 << (precision - 1))
				for j, v := range src[t.first:][:len(t.k)] {
					s += int32(v) * t.k[j]
				}
				dst[x] = clip8(s >> precision)
				continue
			}
			r, g, b := int32(1<<(precision-1)), int32(1<<(precision-1)), int32(1<<(precision-1))
			p := src[3*t.first:][:3*len(t.k)]
			for j, k := range t.k {
				q := p[3*j : 3*j+3 : 3*j+3]
				r += int32(q[0]) * k
				g += int32(q[1]) * k
				b += int32(q[2]) * k
			}
			dst[3*x], dst[3*x+1], dst[3*x+2] = clip8(r>>precision), clip8(g>>precision), clip8(b>>precision)
		}
	}
	return out
}

// down resamples the columns.
func (m *Image) down(rows []taps) *Image {
	out := newImage(m.W, len(rows), m.C)
	row := m.W * m.C
	sums := make([]int32, row)
	for y, t := range rows {
		for i := range sums {
			sums[i] = 1 << (precision - 1)
		}
		for j, k := range t.k {
			for i, v := range m.Pix[(t.first+j)*row:][:row] {
				sums[i] += int32(v) * k
			}
		}
		for i, s := range sums {
			out.Pix[y*row+i] = clip8(s >> precision)
		}
	}
	return out
}

// resizeNearest takes the sample at each new pixel's centre. The positions are summed up and not multiplied, as in Pillow, whose
// rounding decides between neighbours.
func (m *Image) resizeNearest(w, h int, from rectangle) *Image {
	xs, ys := centres(m.W, w, from.x0, from.x1), centres(m.H, h, from.y0, from.y1)
	out := newImage(w, h, m.C)
	for y, sy := range ys {
		for x, sx := range xs {
			copy(out.Pix[(y*w+x)*m.C:][:m.C], m.Pix[(sy*m.W+sx)*m.C:])
		}
	}
	return out
}

func centres(size, n int, lo, hi float32) []int {
	step := float64(hi-lo) / float64(n)
	at := float64(lo) + step*0.5 // half of a number is exact, fused or not
	out := make([]int, n)
	for i := range out {
		out[i] = max(0, min(size-1, int(at)))
		at += step
	}
	return out
}
