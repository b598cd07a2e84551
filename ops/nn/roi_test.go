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

// alignRegion is RoiAlign of one bin of one channel, as the standard's reference computes it.
func alignRegion(img []float64, h, w int, roi []float64, bins [2]int, bin [2]int, ratio int, scale, edge float64, most bool) float64 {
	var begin, size [2]float64 // of a bin: y, x
	var grid [2]int
	for d := range 2 {
		begin[d] = roi[1-d]*scale - edge
		size[d] = roi[3-d]*scale - edge - begin[d]
		if edge == 0 {
			size[d] = max(size[d], 1)
		}
		size[d] /= float64(bins[d])
		if grid[d] = ratio; ratio == 0 {
			grid[d] = max(0, int(math.Ceil(size[d])))
		}
	}
	sum, top, first := 0.0, 0.0, true
	for iy := range grid[0] {
		for ix := range grid[1] {
			y := begin[0] + float64(bin[0])*size[0] + (float64(iy)+0.5)*size[0]/float64(grid[0])
			x := begin[1] + float64(bin[1])*size[1] + (float64(ix)+0.5)*size[1]/float64(grid[1])
			var parts [4]float64
			if y >= -1 && y <= float64(h) && x >= -1 && x <= float64(w) {
				y, x = min(max(y, 0), float64(h-1)), min(max(x, 0), float64(w-1))
				y0, x0 := int(y), int(x)
				y1, x1 := min(y0+1, h-1), min(x0+1, w-1)
				fy, fx := y-float64(y0), x-float64(x0)
				parts = [4]float64{(1 - fy) * (1 - fx) * img[y0*w+x0], (1 - fy) * fx * img[y0*w+x1], fy * (1 - fx) * img[y1*w+x0], fy * fx * img[y1*w+x1]}
			}
			for _, p := range parts {
				sum += p
				if first || p > top {
					top, first = p, false
				}
			}
		}
	}
	if most {
		return top
	}
	return sum / float64(max(grid[0]*grid[1], 1))
}

func TestRoiAlign(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	const images, channels, h, w = 2, 70, 9, 12
	x := draw(rnd, images*channels*h*w)
	rois := []float64{0, 0, 8, 8, 2.5, 1.25, 20, 15.5, -30, -30, -20, -20, 5, 5, 4, 3, -10, 2, 300, 11, 6, 6, 6, 6}
	indices := []int64{0, 1, 1, 0, 1, 0}
	bins := [2]int{2, 3}
	for _, ratio := range []int{0, 2} {
		for _, mode := range []string{"avg", "max"} {
			for _, coords := range []string{"half_pixel", "output_half_pixel"} {
				edge := 0.5
				if coords == "output_half_pixel" {
					edge = 0
				}
				var want []float64
				for r, image := range indices {
					for c := range channels {
						for b := range bins[0] * bins[1] {
							img := x[(int(image)*channels+c)*h*w:]
							want = append(want, alignRegion(img, h, w, rois[4*r:], bins, [2]int{b / 3, b % 3}, ratio, 0.5, edge, mode == "max"))
						}
					}
				}
				for _, ty := range momentTypes {
					n := optest.Node{Op: RoiAlign, Out: 1, In: []*tensor.Tensor{
						optest.Of(t, ty.dt, x, images, channels, h, w), optest.Of(t, ty.dt, rois, 6, 4), tensor.Of(indices)},
						Attrs: optest.Attrs("output_height", 2, "output_width", 3, "sampling_ratio", ratio, "spatial_scale", 0.5, "mode", mode, "coordinate_transformation_mode", coords)}
					closeTo(t, fmt.Sprint(ty.dt, mode, coords, ratio), n.Run(t)[0], want, ty.tol)
				}
			}
		}
	}
}

// TestRoiAlignAbsurd has regions of no use: they must be dealt with in no time, and read nothing outside of the image.
func TestRoiAlignAbsurd(t *testing.T) {
	x := optest.Of(t, tensor.Float32, []float64{1, 2, 3, 4}, 1, 1, 2, 2)
	inf, nan := math.Inf(1), math.NaN()
	rois := optest.Of(t, tensor.Float32, []float64{-1e9, -1e9, 1e9, 1e9, nan, 0, 1, 1, -inf, -inf, inf, inf, 1e30, 0, 0, 1e30}, 4, 4)
	for _, mode := range []string{"avg", "max"} {
		for _, coords := range []string{"half_pixel", "output_half_pixel"} {
			for _, ratio := range []int{0, 3} {
				attrs := optest.Attrs("mode", mode, "coordinate_transformation_mode", coords, "sampling_ratio", ratio)
				got := optest.Eval(t, RoiAlign, attrs, x, rois, tensor.Of(make([]int64, 4)))
				for i, v := range optest.Floats(got) {
					if !(v >= 0 && v <= 4) {
						t.Errorf("%s %s %d: region %d gives %v", mode, coords, ratio, i, v)
					}
				}
			}
		}
	}
	got := optest.Eval(t, RoiAlign, nil, optest.Of(t, tensor.Float32, nil, 1, 1, 0, 3), optest.Of(t, tensor.Float32, []float64{0, 0, 2, 2}, 1, 4), tensor.Of([]int64{0}))
	optest.Check(t, "of nothing", got, tensor.Float32, "[1,1,1,1]", []float64{0}, 0)
	// A large region covers the image in 1/16 of its points.
	got = optest.Eval(t, RoiAlign, optest.Attrs("coordinate_transformation_mode", "output_half_pixel"), optest.Of(t, tensor.Float32, []float64{5, 5, 5, 5}, 1, 1, 2, 2),
		optest.Of(t, tensor.Float32, []float64{-1, -1, 399, 399}, 1, 4), tensor.Of([]int64{0}))
	optest.Check(t, "large", got, tensor.Float32, "[1,1,1,1]", []float64{5 * 9.0 / 160000}, 1e-5)
}

func TestMaxRoiPool(t *testing.T) {
	x := make([]float64, 2*2*4*5)
	for i := range x {
		x[i] = float64(i)
	}
	rois := []float64{
		0, 0, 0, 8, 6, // the whole image at scale ½
		1, 2.8, 1, 5.2, 3, // columns 1 to 3, rows 1 to 2 (halves go away from zero)
		1, 40, 40, 50, 50, // outside
		0, 6, 4, 0, 0, // begins behind its end: a single pixel
	}
	want := []float64{
		7, 9, 17, 19, 27, 29, 37, 39,
		47, 48, 52, 53, 67, 68, 72, 73,
		0, 0, 0, 0, 0, 0, 0, 0,
		13, 13, 13, 13, 33, 33, 33, 33,
	}
	for _, ty := range momentTypes {
		n := optest.Node{Op: MaxRoiPool(), Out: 1, Attrs: optest.Attrs("pooled_shape", []int{2, 2}, "spatial_scale", 0.5),
			In: []*tensor.Tensor{optest.Of(t, ty.dt, x, 2, 2, 4, 5), optest.Of(t, ty.dt, rois, 4, 5)}}
		closeTo(t, ty.dt.String(), n.Run(t)[0], want, 0)
	}
	absurd := optest.Of(t, tensor.Float32, []float64{0, math.NaN(), math.Inf(-1), math.Inf(1), 1e30}, 1, 5)
	got := optest.Eval(t, MaxRoiPool(), optest.Attrs("pooled_shape", []int{1, 1}), optest.Of(t, tensor.Float32, x, 2, 2, 4, 5), absurd)
	optest.Check(t, "absurd", got, tensor.Float32, "[1,2,1,1]", []float64{19, 39}, 0)
}

func TestRoiErrors(t *testing.T) {
	x := func(dims ...int) *tensor.Tensor {
		return optest.Of(t, tensor.Float32, make([]float64, volume(dims)), dims...)
	}
	at := func(v ...int64) *tensor.Tensor { return tensor.Of(v, len(v)) }
	two := optest.Attrs("pooled_shape", []int{2, 2})
	for _, c := range []struct {
		op    *ops.Op
		attrs ops.Attrs
		want  string
		in    []tensor.Value
	}{
		{RoiAlign, nil, "of image 1", []tensor.Value{x(1, 1, 2, 2), x(1, 4), at(1)}},
		{RoiAlign, nil, "of image -1", []tensor.Value{x(1, 1, 2, 2), x(1, 4), at(-1)}},
		{RoiAlign, nil, "4 columns", []tensor.Value{x(1, 1, 2, 2), x(1, 5), at(0)}},
		{RoiAlign, nil, "4 dimensions", []tensor.Value{x(1, 1, 2), x(1, 4), at(0)}},
		{RoiAlign, nil, "1 elements for 2 regions", []tensor.Value{x(1, 1, 2, 2), x(2, 4), at(0)}},
		{RoiAlign, optest.Attrs("mode", "min"), "attribute mode", []tensor.Value{x(1, 1, 2, 2), x(1, 4), at(0)}},
		{RoiAlign, optest.Attrs("coordinate_transformation_mode", "asymmetric"), "coordinate_transformation_mode", []tensor.Value{x(1, 1, 2, 2), x(1, 4), at(0)}},
		{RoiAlign, optest.Attrs("output_width", 0), "output_width", []tensor.Value{x(1, 1, 2, 2), x(1, 4), at(0)}},
		{RoiAlign, optest.Attrs("sampling_ratio", -1), "sampling_ratio", []tensor.Value{x(1, 1, 2, 2), x(1, 4), at(0)}},
		{MaxRoiPool(), two, "5 columns", []tensor.Value{x(1, 1, 2, 2), x(1, 4)}},
		{MaxRoiPool(), two, "of image 0, but X holds 0", []tensor.Value{x(0, 1, 2, 2), x(1, 5)}},
		{MaxRoiPool(), optest.Attrs("pooled_shape", []int{2}), "pooled_shape", []tensor.Value{x(1, 1, 2, 2), x(1, 5)}},
	} {
		optest.Fails(t, c.op, c.attrs, c.want, c.in...)
	}
}
