package ingot_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"ingot/tensor"
)

// TestResize compares small calls in every mode with the numbers in testdata/numerics, whose README says where they come from.
func TestResize(t *testing.T) {
	b, err := os.ReadFile("testdata/numerics/resize.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Attrs       map[string]any
		X, Want     []float64
		Shape, Dims []int
		Scales, ROI []float64
		Sizes       []int64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		n := numeric{op: "Resize", opset: 19, tol: 2e-6, atol: 1e-5, in: make([]*tensor.Tensor, 4), want: list(shaped(f32(c.Want...), c.Dims...))}
		n.in[0] = shaped(f32(c.X...), c.Shape...)
		if c.ROI != nil {
			n.in[1] = f32(c.ROI...)
		}
		if c.Scales != nil {
			n.in[2] = f32(c.Scales...)
		}
		if c.Sizes != nil {
			n.in[3] = i64(c.Sizes...)
		}
		for name, v := range c.Attrs {
			if f, ok := v.(float64); ok && name != "cubic_coeff_a" && name != "extrapolation_value" {
				v = int(f)
			}
			n.attrs = append(n.attrs, attrs(name, v)...)
		}
		t.Run(fmt.Sprint(i, c.Attrs, c.Scales, c.Sizes), n.check)
	}
	if len(cases) < 500 {
		t.Errorf("only %d cases", len(cases))
	}
}

// TestResizeForNearest has the transformation that only version 11 knows, (i+½)/scale.
func TestResizeForNearest(t *testing.T) {
	for _, c := range []struct {
		rounding string
		scale    float64
		want     []float64 // the indices, since the elements are 0, 1, …
	}{
		// 0.82 2.46 4.10
		{"floor", 0.61, []float64{0, 2, 4}},
		{"round_prefer_floor", 0.61, []float64{1, 2, 4}},
		{"round_prefer_ceil", 0.61, []float64{1, 2, 4}},
		{"ceil", 0.61, []float64{1, 3, 4}},
		// 0.31 0.94 1.56 2.19 2.81 3.44 4.06 4.69
		{"floor", 1.6, []float64{0, 0, 1, 2, 2, 3, 4, 4}},
		{"round_prefer_floor", 1.6, []float64{0, 1, 2, 2, 3, 3, 4, 4}},
		{"ceil", 1.6, []float64{1, 1, 2, 3, 3, 4, 4, 4}},
	} {
		n := numeric{op: "Resize", opset: 11, in: list(f32(0, 1, 2, 3, 4), f32(), f32(c.scale)), want: list(f32(c.want...)),
			attrs: attrs("coordinate_transformation_mode", "tf_half_pixel_for_nn", "mode", "nearest", "nearest_mode", c.rounding)}
		t.Run(fmt.Sprint(c.rounding, c.scale), n.check)
	}
}
