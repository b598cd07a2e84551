package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// spec is a convolution in a test.
type spec struct {
	images, channels, filters, groups           int
	in, kernel, stride, dilation, before, after []int
}

// shape completes a spec with the sizes that follow.
func (s spec) shape() Shape {
	r := len(s.in)
	or := func(v []int, d int) []int {
		if v != nil {
			return v
		}
		v = make([]int, r)
		for i := range v {
			v[i] = d
		}
		return v
	}
	w := Window{In: s.in, Kernel: s.kernel, Stride: or(s.stride, 1), Dilation: or(s.dilation, 1), Begin: or(s.before, 0), Out: make([]int, r)}
	after := or(s.after, 0)
	if s.after == nil {
		after = w.Begin
	}
	for d := range r {
		w.Out[d] = (s.in[d]+w.Begin[d]+after[d]-(s.kernel[d]-1)*w.Dilation[d]-1)/w.Stride[d] + 1
	}
	return Shape{Window: w, Images: s.images, Channels: s.channels, Filters: s.filters, Groups: max(s.groups, 1)}
}

func (s spec) String() string {
	return fmt.Sprintf("%d×%v×%d→%d/%d k%v s%v d%v p%v", s.images, s.in, s.channels, s.filters, max(s.groups, 1), s.kernel, s.stride, s.dilation, s.before)
}

// specs are awkward shapes: one pixel, kernels larger than the image, strides larger than the kernel, dilation, groups, odd channel counts.
var specs = func() (list []spec) {
	for _, c := range []int{1, 3, 5, 16, 17, 64} {
		list = append(list,
			spec{images: 1, channels: c, filters: 7, in: []int{1, 1}, kernel: []int{1, 1}},
			spec{images: 2, channels: c, filters: 33, in: []int{5, 6}, kernel: []int{1, 1}},
			spec{images: 1, channels: c, filters: 16, in: []int{5, 6}, kernel: []int{1, 1}, stride: []int{2, 3}},
			spec{images: 2, channels: c, filters: 9, in: []int{2, 1}, kernel: []int{5, 3}, before: []int{3, 2}},
			spec{images: 1, channels: c, filters: 32, in: []int{9, 11}, kernel: []int{3, 3}, before: []int{1, 1}},
			spec{images: 1, channels: c, filters: 5, in: []int{13, 10}, kernel: []int{3, 2}, stride: []int{2, 4}, dilation: []int{2, 3}, before: []int{1, 2}},
			spec{images: 3, channels: c, filters: 4, in: []int{17}, kernel: []int{4}, stride: []int{2}, before: []int{3}, after: []int{0}},
			spec{images: 1, channels: c, filters: 6, in: []int{4, 5, 6}, kernel: []int{3, 2, 3}, stride: []int{1, 2, 1}, before: []int{1, 0, 1}, dilation: []int{1, 1, 2}},
			spec{images: 1, channels: 2 * c, filters: 4 * c, groups: 2, in: []int{7, 8}, kernel: []int{3, 3}, before: []int{1, 1}},
			spec{images: 1, channels: 3 * c, filters: 3, groups: 3, in: []int{3, 4}, kernel: []int{1, 1}},
			spec{images: 1, channels: 1, filters: 1, in: []int{2, 3, 2, 3, 2}, kernel: []int{2, 2, 1, 2, 2}, before: []int{1, 0, 0, 1, 0}},
		)
	}
	for _, c := range []int{2, 3, 5, 8, 16, 17, 24, 40, 64} {
		for _, k := range []int{1, 3, 5, 7} {
			for _, s := range []int{1, 2, 3} {
				list = append(list, spec{images: 2, channels: c, filters: c, groups: c, in: []int{6, 21}, kernel: []int{k, k}, stride: []int{s, s}, before: []int{k / 2, k / 2}})
			}
		}
		list = append(list,
			spec{images: 1, channels: c, filters: c, groups: c, in: []int{1, 1}, kernel: []int{3, 3}, before: []int{1, 1}},
			spec{images: 1, channels: c, filters: c, groups: c, in: []int{2, 3}, kernel: []int{3, 3}, before: []int{4, 4}}, // whole windows outside
			spec{images: 1, channels: c, filters: c, groups: c, in: []int{9, 14}, kernel: []int{3, 3}, dilation: []int{2, 3}, before: []int{2, 2}},
			spec{images: 2, channels: c, filters: c, groups: c, in: []int{70}, kernel: []int{9}, before: []int{4}},
			spec{images: 1, channels: c, filters: c, groups: c, in: []int{3, 4, 5}, kernel: []int{3, 3, 3}, before: []int{1, 1, 1}},
			spec{images: 1, channels: c, filters: 2 * c, groups: c, in: []int{4, 5}, kernel: []int{3, 3}, before: []int{1, 1}},
		)
	}
	for _, c := range []int{16, 24, 32, 64, 80} {
		list = append(list,
			spec{images: 1, channels: c, filters: 16, in: []int{16, 16}, kernel: []int{3, 3}, before: []int{1, 1}},
			spec{images: 2, channels: c, filters: 40, in: []int{13, 18}, kernel: []int{3, 3}, before: []int{0, 2}},
			spec{images: 1, channels: 32, filters: c, in: []int{30, 9}, kernel: []int{3, 3}, before: []int{1, 1}},
			spec{images: 1, channels: c, filters: c/8 + 7, in: []int{17, 19}, kernel: []int{3, 3}, before: []int{1, 1}},
		)
	}
	return list
}()

func floats[T Number](r *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.Float64()*2 - 1)
	}
	return x
}

// naive computes a convolution in float64, and what the absolute values of its terms add up to.
func naive[T Number](s *Shape, x, w []T) (y, size []float64) {
	out, taps := product(s.Out), s.Taps()
	n, og := s.Channels/s.Groups, s.Filters/s.Groups
	y, size = make([]float64, s.Images*out*s.Filters), make([]float64, s.Images*out*s.Filters)
	coords := func(i int, dims []int) []int {
		c := make([]int, len(dims))
		for d := len(dims) - 1; d >= 0; d-- {
			c[d] = i % dims[d]
			i /= dims[d]
		}
		return c
	}
	for img := range s.Images {
		for o := range out {
			oc := coords(o, s.Out)
			for t := range taps {
				tc := coords(t, s.Kernel)
				at, ok := 0, true
				for d := range oc {
					p := oc[d]*s.Stride[d] - s.Begin[d] + tc[d]*s.Dilation[d]
					ok = ok && p >= 0 && p < s.In[d]
					at = at*s.In[d] + p
				}
				if !ok {
					continue
				}
				for f := range s.Filters {
					g := f / og
					for c := range n {
						v := float64(x[(img*product(s.In)+at)*s.Channels+g*n+c]) * float64(w[(f*n+c)*taps+t])
						y[(img*out+o)*s.Filters+f] += v
						size[(img*out+o)*s.Filters+f] += math.Abs(v)
					}
				}
			}
		}
	}
	return y, size
}

func runConv[T Number](t *testing.T, c *Conv[T]) {
	t.Helper()
	if err := c.Prepare(); err != nil {
		t.Fatal(err)
	}
	scratch := make([]T, c.ScratchLen())
	for i := range c.Tiles() {
		for j := range scratch {
			scratch[j] = T(math.NaN())
		}
		c.Tile(i, scratch)
	}
}

func formats[T Number](s *Shape) []Format {
	f := Choose[T](s, Options{})
	if f == Product {
		return []Format{f}
	}
	return []Format{f, Product}
}

// relative bounds an error by the sum of the absolute values of a result's terms, which a sum of k terms in any order is within k·ε/2 of;
// random errors add up to much less. For Winograd, where a result depends on its whole patch, that sum is taken with the largest input in the place of each.
func relative[T Number](f Format, s *Shape) float64 {
	eps := 1.2e-7
	if sizeOf[T]() == 8 {
		eps = 2.3e-16
	}
	if f == Winograd {
		return 4 * eps
	}
	return eps * math.Max(4, math.Sqrt(float64(s.Taps()*s.Channels/s.Groups)))
}

// largestTerms returns the sum of the absolute weights of each result, times the largest input.
func largestTerms[T Number](s *Shape, x, w []T, n int) []float64 {
	top := 0.0
	for _, v := range x {
		top = max(top, math.Abs(float64(v)))
	}
	per := len(w) / s.Filters
	out := make([]float64, n)
	for i := range out {
		for _, v := range w[i%s.Filters*per:][:per] {
			out[i] += top * math.Abs(float64(v))
		}
	}
	return out
}

func testSpecs[T Number](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, sp := range specs {
		s := sp.shape()
		x, w := floats[T](r, s.Images*product(s.In)*s.Channels), floats[T](r, s.Filters*s.Channels/s.Groups*s.Taps())
		bias := floats[T](r, s.Filters)
		want, terms := naive(&s, x, w)
		size := terms
		res := floats[T](r, len(want))
		for _, f := range formats[T](&s) {
			if f == Winograd {
				size = largestTerms(&s, x, w, len(want))
			} else {
				size = terms
			}
			p, err := Pack(&s, f, w)
			if err != nil {
				t.Fatalf("%v: %v", sp, err)
			}
			for _, e := range []string{"plain", "bias", "all"} {
				c := Conv[T]{Shape: s, Weights: p, X: x, Y: make([]T, len(want))}
				if e != "plain" {
					c.Bias = bias
				}
				if e == "all" {
					copy(c.Y, res)
					c.Residual = c.Y // in place
					c.Clip, c.Lo, c.Hi = true, 0, 1
				}
				runConv(t, &c)
				bound := relative[T](f, &s)
				worst := 0.0
				for i, v := range c.Y {
					y, extra := want[i], 0.0
					if e != "plain" {
						y += float64(bias[i%s.Filters])
						extra++
					}
					if e == "all" {
						y = min(max(y+float64(res[i]), 0), 1)
						extra++
					}
					if d := math.Abs(float64(v)-y) / (size[i] + extra); !(d <= bound) && !(d != d && float64(v) == y) {
						t.Fatalf("%v, format %d, %s: element %d is %v, want %v", sp, f, e, i, v, y)
					} else {
						worst = max(worst, d)
					}
				}
				if f == Winograd {
					t.Logf("%v, %s: largest error %.1f ε of the terms' size", sp, e, worst/1.2e-7)
				}
			}
		}
	}
}

func TestFloat32(t *testing.T) { testSpecs[float32](t) }
func TestFloat64(t *testing.T) { testSpecs[float64](t) }

// TestNoAllocations checks that Prepare and Tile allocate nothing the second time.
func TestNoAllocations(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, sp := range []spec{
		{images: 1, channels: 16, filters: 16, in: []int{16, 16}, kernel: []int{3, 3}, before: []int{1, 1}},
		{images: 1, channels: 16, filters: 16, groups: 16, in: []int{16, 16}, kernel: []int{3, 3}, before: []int{1, 1}},
		{images: 1, channels: 3, filters: 16, in: []int{16, 16}, kernel: []int{3, 3}, stride: []int{2, 2}, before: []int{1, 1}},
		{images: 1, channels: 8, filters: 16, groups: 2, in: []int{16, 16}, kernel: []int{1, 1}},
	} {
		s := sp.shape()
		w, err := Pack(&s, Choose[float32](&s, Options{}), floats[float32](r, s.Filters*s.Channels/s.Groups*s.Taps()))
		if err != nil {
			t.Fatal(err)
		}
		c := Conv[float32]{Shape: s, Weights: w, X: floats[float32](r, s.Images*product(s.In)*s.Channels), Y: make([]float32, s.pixels()*s.Filters)}
		runConv(t, &c)
		scratch := make([]float32, c.ScratchLen())
		n := testing.AllocsPerRun(5, func() {
			if err := c.Prepare(); err != nil {
				t.Error(err)
			}
			for i := range c.Tiles() {
				c.Tile(i, scratch)
			}
		})
		if n != 0 {
			t.Errorf("%v: %v allocations", sp, n)
		}
	}
}

// TestNaN checks that a NaN reaches the results whose windows see it, and no others: but for Winograd, which spreads it over a tile, and Merged, over groups.
func TestNaN(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, sp := range specs {
		s := sp.shape()
		x, w := floats[float32](r, s.Images*product(s.In)*s.Channels), floats[float32](r, s.Filters*s.Channels/s.Groups*s.Taps())
		x[len(x)/2] = float32(math.NaN())
		want, _ := naive(&s, x, w)
		for _, f := range formats[float32](&s) {
			if f == Winograd || f == Merged {
				continue
			}
			p, err := Pack(&s, f, w)
			if err != nil {
				t.Fatal(err)
			}
			c := Conv[float32]{Shape: s, Weights: p, X: x, Y: make([]float32, len(want))}
			c.Clip, c.Lo, c.Hi = true, -1e9, 1e9
			runConv(t, &c)
			for i, v := range c.Y {
				if (v != v) != (want[i] != want[i]) {
					t.Fatalf("%v, format %d: element %d is %v, want %v", sp, f, i, v, want[i])
				}
			}
		}
	}
}

// TestInt8 compares 8-bit convolutions with the definition, exactly.
func TestInt8(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	for i, sp := range specs {
		s := sp.shape()
		if s.Images*product(s.In)*s.Channels*s.Filters > 1<<17 {
			continue
		}
		signedX, signedW := i%2 == 0, i%3 == 0
		value := func(b byte, signed bool) float64 {
			if signed {
				return float64(int8(b))
			}
			return float64(b)
		}
		x, w := make([]byte, s.Images*product(s.In)*s.Channels), make([]byte, s.Filters*s.Channels/s.Groups*s.Taps())
		for _, b := range [][]byte{x, w} {
			for j := range b {
				b[j] = byte(r.IntN(256))
			}
		}
		zeroX, zeroW := byte(r.IntN(256)), make([]byte, []int{0, 1, s.Filters}[i%3])
		for j := range zeroW {
			zeroW[j] = byte(r.IntN(256))
		}
		fx, fw := make([]float64, len(x)), make([]float64, len(w))
		for j, b := range x {
			fx[j] = value(b, signedX) - value(zeroX, signedX)
		}
		for j, b := range w {
			fw[j] = value(b, signedW)
			if len(zeroW) > 0 {
				fw[j] -= value(zeroW[min(j*s.Filters/len(w), len(zeroW)-1)], signedW)
			}
		}
		want, _ := naive(&s, fx, fw)
		p, err := Pack8(&s, signedW, w)
		if err != nil {
			t.Fatal(err)
		}
		c := Conv8{Shape: s, Weights: p, X: x, SignedX: signedX, ZeroX: zeroX, ZeroW: zeroW, Y: make([]int32, len(want))}
		seen := make([]int, len(want))
		c.Done = func(i, j int, run []int32) {
			for k := range run {
				seen[i*s.Filters+j+k]++
			}
		}
		if err := c.Prepare(); err != nil {
			t.Fatal(err)
		}
		scratch := make([]int32, c.ScratchLen())
		for i := range c.Tiles() {
			c.Tile(i, scratch)
		}
		for j, v := range c.Y {
			if float64(v) != want[j] || seen[j] != 1 {
				t.Fatalf("%v: element %d is %v, want %v; Done saw it %d times", sp, j, v, want[j], seen[j])
			}
		}
	}
}
