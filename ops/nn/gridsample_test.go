package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ingot/ops"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

// gridCase is a GridSample computed by recursion over dimensions.
type gridCase struct {
	dims    []int
	mode    string
	padding string
	corners bool
}

// mirror reflects x at lo and hi until it is between them.
func mirror(x, lo, hi float64) float64 {
	if lo == hi {
		return lo
	}
	for x < lo || x > hi {
		if x < lo {
			x = 2*lo - x
		} else {
			x = 2*hi - x
		}
	}
	return x
}

func (g *gridCase) bounds(n int) (lo, hi float64) {
	if g.corners {
		return 0, float64(n - 1)
	}
	return -0.5, float64(n) - 0.5
}

// sample reads an image of the given dimensions at x, in pixels.
func (g *gridCase) sample(img []float64, dims []int, x []float64) float64 {
	if len(dims) == 0 {
		return img[0]
	}
	n, step := dims[0], volume(dims[1:])
	pixel := func(i int) float64 {
		lo, hi := g.bounds(n)
		switch {
		case g.padding == "zeros" && (i < 0 || i >= n):
			return 0
		case g.padding == "border":
			i = max(0, min(i, n-1))
		case g.padding == "reflection":
			i = int(mirror(float64(i), lo, hi))
		}
		return g.sample(img[i*step:], dims[1:], x[1:])
	}
	v := x[0]
	if g.mode == "nearest" {
		v = math.RoundToEven(v)
	}
	if lo, hi := g.bounds(n); v < lo || v > hi {
		switch g.padding {
		case "border":
			if g.mode != "cubic" { // there each tap goes to the border by itself
				v = max(0, min(v, float64(n-1)))
			}
		case "reflection":
			v = mirror(v, lo, hi)
		}
	}
	first := int(math.Floor(v))
	f := v - float64(first)
	switch g.mode {
	case "nearest":
		return pixel(int(v))
	case "linear":
		return (1-f)*pixel(first) + f*pixel(first+1)
	}
	sum := 0.0
	for i := range 4 {
		d, w := math.Abs(f-float64(i-1)), 0.0
		if d <= 1 {
			w = 1.25*d*d*d - 2.25*d*d + 1
		} else {
			w = -0.75*d*d*d + 3.75*d*d - 6*d + 3
		}
		sum += w * pixel(first+i-1)
	}
	return sum
}

func TestGridSample(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 9))
	for _, dims := range [][]int{{5}, {4, 5}, {3, 4, 2}, {1, 6}, {40, 30}} {
		for _, mode := range []string{"nearest", "linear", "cubic"} {
			for _, padding := range []string{"zeros", "border", "reflection"} {
				for _, corners := range []bool{false, true} {
					g := gridCase{dims, mode, padding, corners}
					g.check(t, rnd, 200)
				}
			}
		}
	}
	(&gridCase{[]int{4, 5}, "linear", "zeros", false}).check(t, rnd, 5000)
}

func (g *gridCase) check(t *testing.T, rnd *rand.Rand, points int) {
	const images, channels = 2, 3
	r := len(g.dims)
	size := volume(g.dims)
	x := draw(rnd, images*channels*size)
	grid := make([]float64, images*points*r)
	for i := range grid {
		grid[i] = math.Round((rnd.Float64()*5-2.5)*1024+0.3) / 1024
	}
	shape := []int{images, points, r}
	if r == 2 {
		shape = []int{images, points / 10, 10, 2}
	} else if r == 3 {
		shape = []int{images, points / 20, 5, 4, 3}
	}
	var want []float64
	for plane := range images * channels {
		for p := range points {
			at := make([]float64, r)
			for d, n := range g.dims {
				v := float32(grid[(plane/channels*points+p)*r+r-1-d])
				if g.corners {
					at[d] = float64((v + 1) / 2 * float32(n-1))
				} else {
					at[d] = float64(((v+1)*float32(n) - 1) / 2)
				}
			}
			want = append(want, g.sample(x[plane*size:], g.dims, at))
		}
	}
	attrs := optest.Attrs("mode", g.mode, "padding_mode", g.padding, "align_corners", bit(g.corners))
	for _, ty := range []struct {
		x, grid tensor.DType
		tol     float64
	}{{tensor.Float32, tensor.Float32, 1e-5}, {tensor.Float16, tensor.Float32, 2e-3}, {tensor.Float64, tensor.Float32, 1e-9}, {tensor.Float64, tensor.Float64, 1e-3}} {
		if ty.grid == tensor.Float64 && g.mode == "nearest" {
			continue // halves may go another way than in float32
		}
		n := optest.Node{Op: GridSample, Attrs: attrs, Out: 1, In: []*tensor.Tensor{
			optest.Of(t, ty.x, x, append([]int{images, channels}, g.dims...)...), optest.Of(t, ty.grid, grid, shape...)}}
		closeTo(t, fmt.Sprint(*g, ty.x, ty.grid), n.Run(t)[0], want, ty.tol)
	}
}

// TestGridSampleTypes has elements that aren't floats: moved, or computed in float64 and truncated.
func TestGridSampleTypes(t *testing.T) {
	grid := optest.Of(t, tensor.Float32, []float64{-1, 0.4, 1, 9}, 1, 4, 1)
	nearest, linear := optest.Attrs("mode", "nearest", "align_corners", 1), optest.Attrs("align_corners", 1)
	for _, dt := range []tensor.DType{tensor.Int8, tensor.Uint8, tensor.Int16, tensor.Uint16, tensor.Int32, tensor.Uint32, tensor.Int64, tensor.Uint64, tensor.BFloat16} {
		x := optest.Of(t, dt, []float64{3, 5, 9}, 1, 1, 3)
		optest.Check(t, "nearest", optest.Eval(t, GridSample, nearest, x, grid), dt, "[1,1,4]", []float64{3, 5, 9, 0}, 0)
		mid := 6.0 // 6.6
		if dt == tensor.BFloat16 {
			mid = 6.59375
		}
		optest.Check(t, "linear", optest.Eval(t, GridSample, linear, x, grid), dt, "[1,1,4]", []float64{3, mid, 9, 0}, 0)
	}
	x := optest.Of(t, tensor.Bool, []float64{0, 0, 1}, 1, 1, 3)
	optest.Check(t, "bools", optest.Eval(t, GridSample, linear, x, grid), tensor.Bool, "[1,1,4]", []float64{0, 1, 1, 0}, 0)
	words := tensor.Of([]string{"a", "b", "c"}, 1, 1, 3)
	optest.Strings(t, "strings", optest.Eval(t, GridSample, nearest, words, grid), "[1,1,4]", "a", "b", "c", "")
	optest.Fails(t, GridSample, linear, "nearest only", words, grid)

	half := optest.Of(t, tensor.Float32, []float64{-0.5, 3}, 1, 2, 1)
	got := optest.Eval(t, GridSample, linear, tensor.Of([]complex64{1 + 2i, 3 - 4i, 5}, 1, 1, 3), half)
	if v := tensor.View[complex64](got); v[0] != 2-1i || v[1] != 0 {
		t.Errorf("complex64: %v", v)
	}
	got = optest.Eval(t, GridSample, linear, tensor.Of([]complex128{1 + 2i, 3 - 4i, 5}, 1, 1, 3), half)
	if v := tensor.View[complex128](got); v[0] != 2-1i || v[1] != 0 {
		t.Errorf("complex128: %v", v)
	}
	got = optest.Eval(t, GridSample, nearest, tensor.Of([]complex128{1 + 2i, 3 - 4i, 5}, 1, 1, 3), half)
	if v := tensor.View[complex128](got); v[0] != 1+2i || v[1] != 0 {
		t.Errorf("nearest of complex128: %v", v)
	}
}

// TestGridSampleAbsurd has grids that name no place at all, and infinities beside the border.
func TestGridSampleAbsurd(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	grid := optest.Of(t, tensor.Float32, []float64{nan, inf, -inf, 1e30, -1e30, 3e9}, 1, 6, 1)
	x := optest.Of(t, tensor.Float32, []float64{4, 7}, 1, 1, 2)
	for _, mode := range []string{"nearest", "linear", "cubic"} {
		got := optest.Eval(t, GridSample, optest.Attrs("mode", mode), x, grid)
		optest.Check(t, mode, got, tensor.Float32, "[1,1,6]", []float64{0, 0, 0, 0, 0, 0}, 0)
		got = optest.Eval(t, GridSample, optest.Attrs("mode", mode, "padding_mode", "border"), x, grid)
		optest.Check(t, mode+" border", got, tensor.Float32, "[1,1,6]", []float64{4, 7, 4, 7, 4, 7}, 1e-6)
		got = optest.Eval(t, GridSample, optest.Attrs("mode", mode, "padding_mode", "reflection"), x, grid)
		for i, v := range optest.Floats(got) {
			if !(v >= 3 && v <= 8) {
				t.Errorf("%s reflection: element %d is %v", mode, i, v)
			}
		}
	}
	edge := optest.Of(t, tensor.Float32, []float64{1}, 1, 1, 1)
	got := optest.Eval(t, GridSample, nil, optest.Of(t, tensor.Float32, []float64{1, inf}, 1, 1, 2), edge)
	optest.Check(t, "half outside", got, tensor.Float32, "[1,1,1]", []float64{inf}, 0)
	empty := optest.Eval(t, GridSample, optest.Attrs("padding_mode", "border"), optest.Of(t, tensor.Float32, nil, 1, 2, 0), edge)
	optest.Check(t, "of nothing", empty, tensor.Float32, "[1,2,1]", []float64{0, 0}, 0)
}

func TestGridErrors(t *testing.T) {
	x := func(dims ...int) *tensor.Tensor {
		return optest.Of(t, tensor.Float32, make([]float64, volume(dims)), dims...)
	}
	sizes := func(v ...int64) *tensor.Tensor { return tensor.Of(v, len(v)) }
	for _, c := range []struct {
		op    *ops.Op
		attrs ops.Attrs
		want  string
		a, b  tensor.Value
	}{
		{GridSample, optest.Attrs("mode", "bilinear"), "attribute mode", x(1, 1, 2, 2), x(1, 1, 1, 2)},
		{GridSample, optest.Attrs("padding_mode", "edge"), "attribute padding_mode", x(1, 1, 2, 2), x(1, 1, 1, 2)},
		{GridSample, nil, "rank 4, but grid has rank 3", x(1, 1, 2, 2), x(1, 1, 2)},
		{GridSample, nil, "last dimension must be 2", x(1, 1, 2, 2), x(1, 1, 1, 3)},
		{GridSample, nil, "for 2 images", x(1, 1, 2, 2), x(2, 1, 1, 2)},
		{GridSample, nil, "rank 2", x(1, 1), x(1, 0)},
		{AffineGrid(), nil, "[2,3] or [3,4]", x(1, 2, 4), sizes(1, 1, 2, 2)},
		{AffineGrid(), nil, "matrix for each image", x(2, 3), sizes(1, 1, 2, 2)},
		{AffineGrid(), nil, "3 elements", x(1, 2, 3), sizes(1, 1, 2)},
		{AffineGrid(), nil, "theta is for 2 dimensions", x(1, 2, 3), sizes(1, 1, 2, 2, 2)},
		{AffineGrid(), nil, "2 matrices for 1 images", x(2, 2, 3), sizes(1, 1, 2, 2)},
		{AffineGrid(), nil, "negative", x(1, 2, 3), sizes(1, 1, -2, 2)},
	} {
		optest.Fails(t, c.op, c.attrs, c.want, c.a, c.b)
	}
}

func TestAffineGrid(t *testing.T) {
	theta := []float64{1, 0, 0.5, 0, 2, 0, -1, 0.5, 0, 0, 1, 0.25}
	for _, dt := range []tensor.DType{tensor.Float16, tensor.BFloat16, tensor.Float32, tensor.Float64} {
		m := optest.Of(t, dt, theta, 2, 2, 3)
		got := optest.Eval(t, AffineGrid(), nil, m, tensor.Of([]int64{2, 7, 1, 2}))
		optest.Check(t, "edges", got, dt, "[2,1,2,2]", []float64{0, 0, 1, 0, 0.5, 0.25, -0.5, 0.25}, 0)
		got = optest.Eval(t, AffineGrid(), optest.Attrs("align_corners", 1), m, tensor.Of([]int64{2, 7, 1, 2}))
		optest.Check(t, "corners", got, dt, "[2,1,2,2]", []float64{-0.5, 0, 1.5, 0, 1, 0.25, -1, 0.25}, 0)
	}
	m := optest.Of(t, tensor.Float32, []float64{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}, 1, 3, 4)
	got := optest.Eval(t, AffineGrid(), optest.Attrs("align_corners", 1), m, tensor.Of([]int64{1, 1, 2, 1, 3}))
	optest.Check(t, "volume", got, tensor.Float32, "[1,2,1,3,3]", []float64{-1, 0, -1, 0, 0, -1, 1, 0, -1, -1, 0, 1, 0, 0, 1, 1, 0, 1}, 0)
	got = optest.Eval(t, AffineGrid(), nil, optest.Of(t, tensor.Float32, nil, 0, 2, 3), tensor.Of([]int64{0, 1, 2, 3}))
	optest.Check(t, "no images", got, tensor.Float32, "[0,2,3,2]", nil, 0)
}
