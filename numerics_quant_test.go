package ingot_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"ingot"
	"ingot/loader"
	"ingot/tensor"
)

func quantCases() []numeric {
	u8 := func(v ...float64) *tensor.Tensor { return vals(tensor.Uint8, v...) }
	i8 := func(v ...float64) *tensor.Tensor { return vals(tensor.Int8, v...) }
	scalar := func(v float64) *tensor.Tensor { return one(tensor.Float32, v) }
	out := []numeric{
		{what: "half to even, then the zero point", op: "QuantizeLinear", in: list(f32(0.5, 1.5, 2.5, -0.5, -1.5, 126.5), scalar(1), one(tensor.Uint8, 1)), want: list(u8(1, 3, 3, 1, 0, 127))},
		{what: "half to even", op: "QuantizeLinear", in: list(f32(0.25, 0.75, -0.25, -0.75, 1e9, -1e9, inf, -inf), scalar(0.5), one(tensor.Int8, 0)), want: list(i8(0, 2, 0, -2, 127, -128, 127, -128))},
		{what: "a quotient, not a product with a reciprocal", op: "QuantizeLinear", in: list(f32(4.5*float64(float32(0.3))), scalar(0.3), one(tensor.Uint8, 0)),
			want: list(u8(math.RoundToEven(float64(float32(float64(float32(4.5*float64(float32(0.3)))) / float64(float32(0.3)))))))},
		{what: "16 bits", op: "QuantizeLinear", in: list(f32(32767.5, 70000, -1), scalar(1), one(tensor.Uint16, 0)), want: list(vals(tensor.Uint16, 32768, 65535, 0))},
		{what: "4 bits", op: "QuantizeLinear", in: list(f32(7.5, 0.5, 1.5, -9), scalar(1), one(tensor.Int4, 0)), want: list(vals(tensor.Int4, 7, 0, 2, -8))},
		{what: "exact", op: "DequantizeLinear", in: list(u8(0, 128, 255), scalar(0.1), one(tensor.Uint8, 128)), want: list(f32(-128*float64(float32(0.1)), 0, float64(float32(127*float64(float32(0.1))))))},
		// x ∈ [-1, 2]: the scale is 3/255, the zero point round(85) = 85.
		{what: "range with zero", op: "DynamicQuantizeLinear", in: list(f32(-1, 2, 0.5)), want: list(u8(0, 255, 127), one(tensor.Float32, float64(float32(3)/255)), one(tensor.Uint8, 85))},
		{what: "all positive", op: "DynamicQuantizeLinear", in: list(f32(255, 1, 2.5)), want: list(u8(255, 1, 2), scalar(1), one(tensor.Uint8, 0))},
	}
	// Products of the largest bytes: pairs of them exceed int16, where instructions that saturate would show.
	for _, k := range []int{1, 2, 3, 4, 7, 8, 31, 64, 129, 1000} {
		n := float64(k)
		out = append(out,
			numeric{what: fmt.Sprint("no saturation, ", k), op: "MatMulInteger", in: list(matrix(tensor.Uint8, k, repeat(2*k, 255)...), shaped(i8(repeat(k, 127)...), k, 1)), want: list(shaped(i32(n*255*127, n*255*127), 2, 1))},
			numeric{what: fmt.Sprint("no saturation below, ", k), op: "MatMulInteger", in: list(matrix(tensor.Uint8, k, repeat(k, 255)...), matrix(tensor.Int8, 5, repeat(5*k, -128)...)), want: list(matrix(tensor.Int32, 5, repeat(5, -n*255*128)...))},
			numeric{what: fmt.Sprint("two unsigned, ", k), op: "MatMulInteger", in: list(matrix(tensor.Uint8, k, repeat(k, 255)...), shaped(u8(repeat(k, 255)...), k, 1)), want: list(shaped(i32(n*255*255), 1, 1))},
			numeric{what: fmt.Sprint("two signed, ", k), op: "MatMulInteger", in: list(matrix(tensor.Int8, k, repeat(k, -128)...), shaped(i8(repeat(k, -128)...), k, 1)), want: list(shaped(i32(n*128*128), 1, 1))},
			numeric{what: fmt.Sprint("zero points, ", k), op: "MatMulInteger", in: list(matrix(tensor.Uint8, k, repeat(k, 0)...), shaped(u8(repeat(k, 0)...), k, 1), one(tensor.Uint8, 255), one(tensor.Uint8, 255)), want: list(shaped(i32(n*255*255), 1, 1))},
			numeric{what: fmt.Sprint("no saturation, ", k), op: "ConvInteger", in: list(shaped(u8(repeat(k, 255)...), 1, k, 1), shaped(i8(repeat(k, 127)...), 1, k, 1)), want: list(shaped(i32(n*255*127), 1, 1, 1))},
			// The sum of 1's times 1's is k; with a scale of ½, odd numbers lie between two results.
			numeric{what: fmt.Sprint("half to even, ", k), op: "QLinearMatMul", in: list(matrix(tensor.Int8, k, repeat(k, 1)...), scalar(0.5), one(tensor.Int8, 0), shaped(i8(repeat(k, 1)...), k, 1), scalar(1), one(tensor.Int8, 0), scalar(1), one(tensor.Int8, 3)),
				want: list(shaped(i8(min(127, math.RoundToEven(n/2)+3)), 1, 1))},
			numeric{what: fmt.Sprint("half to even, ", k), op: "QLinearConv", in: list(shaped(u8(repeat(k, 1)...), 1, k, 1), scalar(0.5), one(tensor.Uint8, 0), shaped(i8(repeat(k, 1)...), 1, k, 1), scalar(1), one(tensor.Int8, 0), scalar(1), one(tensor.Uint8, 3)),
				want: list(shaped(u8(min(255, math.RoundToEven(n/2)+3)), 1, 1, 1))},
		)
	}
	return append(out,
		numeric{what: "wraps", op: "MatMul", in: list(matrix(tensor.Int32, 2, 65536, 1), shaped(i32(65536, 5), 2, 1)), want: list(shaped(i32(5), 1, 1))},
		numeric{what: "int64 beyond float64", op: "MatMul", in: list(shaped(i64(1<<53+1, 1), 1, 2), shaped(i64(1, 1), 2, 1)), want: list(shaped(i64(1<<53+2), 1, 1))},
	)
}

// TestQuantizedGraphs runs products between DequantizeLinear and QuantizeLinear, which an optimiser may turn into integer arithmetic: the results
// must be those of the nodes as they stand, where what lies in the middle of two numbers goes to the even one, and no sum saturates.
func TestQuantizedGraphs(t *testing.T) {
	for _, c := range []struct {
		what         string
		x, w         float64 // each element
		wScale       float64
		want         func(sum float64) float64
		zeroX, zeroY float64
	}{
		// The scale of x is ½ and that of y 1: odd sums lie in the middle.
		{"half to even", 1, 1, 1, func(s float64) float64 { return math.RoundToEven(s/2) + 3 }, 0, 3},
		{"half to even, below zero", 1, -1, 1, func(s float64) float64 { return math.RoundToEven(s/2) + 200 }, 0, 200},
		{"with a zero point", 0, -1, 1, func(s float64) float64 { return math.RoundToEven(s / 2) }, 1, 0},
		{"the largest products", 255, 127, 0x1p-16, func(s float64) float64 { return math.RoundToEven(s / 2 / 0x1p16) }, 0, 0},
		{"the least products", 255, -128, 0x1p-16, func(s float64) float64 { return math.RoundToEven(s/2/0x1p16) + 255 }, 0, 255},
	} {
		for _, k := range []int{1, 2, 3, 5, 16, 33, 64, 127, 500} {
			for _, op := range []string{"MatMul", "Conv"} {
				sum := float64(k) * (c.x - c.zeroX) * c.w
				want := max(0, min(255, c.want(sum)))
				t.Run(fmt.Sprint(op, "/", c.what, "/", k), func(t *testing.T) { quantizedGraph(t, op, k, c.x, c.w, c.wScale, c.zeroX, c.zeroY, want) })
			}
		}
	}
}

func quantizedGraph(t *testing.T, op string, k int, x, w, wScale, zeroX, zeroY, want float64) {
	const rows, cols = 3, 5
	xDims, wDims := []int{rows, k}, []int{k, cols}
	if op == "Conv" {
		xDims, wDims = []int{1, k, rows, 1}, []int{cols, k, 1, 1}
	}
	constant := loader.NewInitializer
	g := &loader.Graph{
		Inputs:  []*loader.ValueInfo{value("x", tensor.Uint8, anys(xDims)...)},
		Outputs: []*loader.ValueInfo{{Name: "y"}},
		Initializers: []*loader.Initializer{
			constant("w", shaped(vals(tensor.Int8, repeat(k*cols, w)...), wDims...)),
			constant("xs", one(tensor.Float32, 0.5)), constant("ws", one(tensor.Float32, wScale)), constant("ys", one(tensor.Float32, 1)),
			constant("xz", one(tensor.Uint8, zeroX)), constant("wz", one(tensor.Int8, 0)), constant("yz", one(tensor.Uint8, zeroY)),
		},
		Nodes: []*loader.Node{
			node("DequantizeLinear", []string{"x", "xs", "xz"}, []string{"xf"}), node("DequantizeLinear", []string{"w", "ws", "wz"}, []string{"wf"}),
			node(op, []string{"xf", "wf"}, []string{"yf"}), node("QuantizeLinear", []string{"yf", "ys", "yz"}, []string{"y"}),
		},
	}
	in := ingot.Inputs{"x": shaped(vals(tensor.Uint8, repeat(k*rows, x)...), xDims...)}
	for _, opts := range [][]ingot.Option{nil, {ingot.WithoutPasses("all")}} {
		out, err := load(t, g, opts...).Run(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		y := tensor.View[uint8](out["y"])
		if len(y) != rows*cols {
			t.Fatalf("%d elements", len(y))
		}
		for i, v := range y {
			if float64(v) != want {
				t.Fatalf("passes left out: %t; element %d is %d, want %v", opts != nil, i, v, want)
			}
		}
	}
}
