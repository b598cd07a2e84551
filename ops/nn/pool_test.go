package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

// TestPoolShapes checks the sizes of results under each kind of padding and rounding.
func TestPoolShapes(t *testing.T) {
	for _, c := range []struct {
		in    int
		attrs []any
		want  string
	}{
		{7, []any{"kernel_shape", []int{3}}, "[1,1,5]"},
		{7, []any{"kernel_shape", []int{3}, "strides", []int{2}}, "[1,1,3]"},
		{8, []any{"kernel_shape", []int{3}, "strides", []int{2}, "ceil_mode", 1}, "[1,1,4]"},
		{8, []any{"kernel_shape", []int{3}, "strides", []int{2}, "ceil_mode", 0}, "[1,1,3]"},
		{5, []any{"kernel_shape", []int{1}, "strides", []int{3}, "pads", []int{0, 3}, "ceil_mode", 1}, "[1,1,3]"}, // of the windows that would begin in the padding behind, one is left out
		{5, []any{"kernel_shape", []int{3}, "strides", []int{3}, "pads", []int{0, 2}, "ceil_mode", 1}, "[1,1,2]"}, // so would a third here
		{7, []any{"kernel_shape", []int{3}, "strides", []int{2}, "auto_pad", "SAME_UPPER"}, "[1,1,4]"},
		{7, []any{"kernel_shape", []int{3}, "strides", []int{2}, "auto_pad", "VALID", "pads", []int{5, 5}}, "[1,1,3]"},
		{9, []any{"kernel_shape", []int{3}, "dilations", []int{3}, "pads", []int{1, 1}}, "[1,1,5]"},
	} {
		for _, op := range []*ops.Op{MaxPool, AveragePool, LpPool()} {
			x := optest.Of(t, tensor.Float32, make([]float64, c.in), 1, 1, c.in)
			if got := optest.Eval(t, op, optest.Attrs(c.attrs...), x); got.String() != "float32"+c.want {
				t.Errorf("%s of %d with %v: %s, want %s", op, c.in, c.attrs, got, c.want)
			}
		}
	}
}

// TestPoolSymbols checks that sizes follow symbols.
func TestPoolSymbols(t *testing.T) {
	x := sym.TensorType(tensor.Float32, sym.Symbol("n"), ops.Num(3), sym.Symbol("h"), ops.Num(8))
	out, err := optest.Infer(t, MaxPool, optest.Attrs("kernel_shape", []int{2, 2}, "strides", []int{2, 2}), 2, &x)
	if err != nil {
		t.Fatal(err)
	}
	for o, dt := range []tensor.DType{tensor.Float32, tensor.Int64} {
		if got := out[o]; got.DT != dt || got.Rank() != 4 || !got.Shape[0].Equal(x.Shape[0]) || !got.Shape[3].Is(4) || got.Shape[2].Known() {
			t.Errorf("output %d is %s", o, got.String())
		}
	}
	if out, err = optest.Infer(t, GlobalMaxPool, nil, 1, &ops.Type{DT: tensor.Float32}); err != nil || out[0].Ranked {
		t.Errorf("of an unknown rank: %v, %v", out, err)
	}
}

// TestPoolTypes compares every type, in both layouts, with the definition.
func TestPoolTypes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	attrs := optest.Attrs("kernel_shape", []int{3, 2}, "strides", []int{2, 1}, "pads", []int{1, 0, 1, 1}, "dilations", []int{1, 2})
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Int8, tensor.Uint8} {
		x := optest.Of(t, dt, slicesOf(2*17*6*7, func(int) float64 { return float64(r.IntN(100)) }), 2, 17, 6, 7)
		v := optest.Floats(x)
		var largest, mean, norm []float64
		var index []float64
		eachPlace([]int{2, 17, 3, 6}, func(o []int) {
			best, at, sum, sq, count := math.Inf(-1), 0, 0.0, 0.0, 0.0
			eachPlace([]int{3, 2}, func(k []int) {
				if i, ok := offsetOf([]int{o[0], o[1], o[2]*2 - 1 + k[0], o[3] + 2*k[1]}, []int{2, 17, 6, 7}); ok {
					if v[i] > best {
						best, at = v[i], i
					}
					sum, sq, count = sum+v[i], sq+v[i]*v[i], count+1
				}
			})
			largest, index, mean, norm = append(largest, best), append(index, float64(at)), append(mean, sum/count), append(norm, math.Sqrt(sq))
		})
		n := optest.Node{Op: MaxPool, Attrs: attrs, In: []*tensor.Tensor{x}, Out: 2}
		out := n.Run(t)
		nearly(t, fmt.Sprint("MaxPool ", dt), out[0], largest, 0)
		nearly(t, fmt.Sprint("indices ", dt), out[1], index, 0)
		n.Skip = []int{1}
		nearly(t, fmt.Sprint("MaxPool without indices ", dt), n.Run(t)[0], largest, 0)
		if dt.Size() == 1 {
			continue
		}
		tol := convTolerances[dt]
		nearly(t, fmt.Sprint("AveragePool ", dt), optest.Eval(t, AveragePool, attrs, x), mean, tol)
		nearly(t, fmt.Sprint("LpPool ", dt), optest.Eval(t, LpPool(), attrs, x), norm, tol)
		if dt == tensor.Float64 {
			continue
		}
		rows := toRowsOf(t, x)
		nearly(t, fmt.Sprint("MaxPoolNHWC ", dt), optest.Eval(t, ToNCHW, nil, optest.Eval(t, MaxPoolNHWC, attrs, rows)), largest, 0)
		nearly(t, fmt.Sprint("AveragePoolNHWC ", dt), optest.Eval(t, ToNCHW, nil, optest.Eval(t, AveragePoolNHWC, attrs, rows)), mean, tol)
	}
}

// TestGlobalPools compares every type, in both layouts, with the definition.
func TestGlobalPools(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	for dt, tol := range convTolerances {
		for _, shape := range [][]int{{2, 3, 5}, {1, 20, 7, 9}, {3, 1, 2, 3, 2}, {2, 5, 1, 1}, {1, 2, 300, 200}, {2, 7}} {
			x := randomTensor(t, r, dt, shape...)
			n := elements(shape[2:])
			var mean, top, norm []float64
			for p := range shape[0] * shape[1] {
				m, s, q := math.Inf(-1), 0.0, 0.0
				for _, v := range optest.Floats(x)[p*n:][:n] {
					m, s, q = max(m, v), s+v, q+math.Abs(v*v*v)
				}
				mean, top, norm = append(mean, s/float64(n)), append(top, m), append(norm, math.Cbrt(q))
			}
			what := fmt.Sprintf("%v %v", dt, shape)
			nearly(t, "mean of "+what, optest.Eval(t, GlobalAveragePool, nil, x), mean, tol)
			nearly(t, "maximum of "+what, optest.Eval(t, GlobalMaxPool, nil, x), top, 0)
			nearly(t, "norm of "+what, optest.Eval(t, GlobalLpPool(), optest.Attrs("p", 3), x), norm, tol)
			if len(shape) > 2 {
				rows := toRowsOf(t, x)
				nearly(t, "mean of rows of "+what, optest.Eval(t, GlobalAveragePoolNHWC, nil, rows), mean, tol)
				nearly(t, "maximum of rows of "+what, optest.Eval(t, GlobalMaxPoolNHWC, nil, rows), top, 0)
			}
		}
	}
}

// TestStorageOrder checks indices that count the first spatial dimension fastest.
func TestStorageOrder(t *testing.T) {
	x := optest.Of(t, tensor.Float32, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 1, 2, 2, 3)
	for order, want := range [][]float64{{4, 5, 10, 11}, {3, 5, 9, 11}} {
		n := optest.Node{Op: MaxPool, Attrs: optest.Attrs("kernel_shape", []int{2, 2}, "storage_order", order), In: []*tensor.Tensor{x}, Out: 2}
		nearly(t, fmt.Sprint("order ", order), n.Run(t)[1], want, 0)
	}
}

// TestMaxUnpool puts maxima back, into the image that was pooled and into a larger one.
func TestMaxUnpool(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16} {
		x := optest.Of(t, dt, []float64{5, 7, 2, 4}, 1, 2, 1, 2)
		at, err := tensor.FromSlice([]int64{2, 7, 8, 15}, 1, 2, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		attrs := optest.Attrs("kernel_shape", []int{2, 2}, "strides", []int{2, 2})
		got := optest.Eval(t, MaxUnpool(), attrs, x, at)
		optest.Check(t, "implied", got, dt, "[1,2,2,4]", []float64{0, 0, 5, 0, 0, 0, 0, 7, 2, 0, 0, 0, 0, 0, 0, 4}, 0)
		size, err := tensor.FromSlice([]int64{1, 2, 2, 5})
		if err != nil {
			t.Fatal(err)
		}
		got = optest.Eval(t, MaxUnpool(), attrs, x, at, size)
		optest.Check(t, "larger", got, dt, "[1,2,2,5]", []float64{0, 0, 5, 0, 0, 0, 0, 0, 7, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0}, 0)
	}
	x := optest.Of(t, tensor.Float32, []float64{5}, 1, 1, 1)
	for _, i := range []int64{-1, 2} {
		at, _ := tensor.FromSlice([]int64{i}, 1, 1, 1)
		optest.Fails(t, MaxUnpool(), optest.Attrs("kernel_shape", []int{2}), "outside", x, at)
	}
	small, _ := tensor.FromSlice([]int64{1, 1, 1})
	at, _ := tensor.FromSlice([]int64{0}, 1, 1, 1)
	optest.Fails(t, MaxUnpool(), optest.Attrs("kernel_shape", []int{2}), "smaller", x, at, small)
}

// TestRelayout checks both directions for every width, and that they undo each other.
func TestRelayout(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 3))
	for _, dt := range []tensor.DType{tensor.Uint8, tensor.Float16, tensor.Float32, tensor.Int64} {
		for _, shape := range [][]int{{1, 1, 5}, {2, 3, 4}, {2, 5, 3, 4}, {1, 33, 2, 3, 7}, {2, 4, 1, 1}} {
			v := slicesOf(elements(shape), func(int) float64 { return float64(r.IntN(100)) })
			x := optest.Of(t, dt, v, shape...)
			y := toRowsOf(t, x)
			n := elements(shape[2:])
			want := make([]float64, len(v))
			for i, e := range v {
				want[(i/n/shape[1]*n+i%n)*shape[1]+i/n%shape[1]] = e
			}
			nearly(t, fmt.Sprint(dt, shape), y, want, 0)
			if back := optest.Eval(t, ToNCHW, nil, y); !back.Equal(x) {
				t.Errorf("%v %v: there and back gives %v", dt, shape, optest.Floats(back))
			}
		}
	}
}

// TestHugeWindows checks that windows far larger than the image take no longer than the image.
func TestHugeWindows(t *testing.T) {
	const k = 1 << 12
	for rank := 1; rank <= 3; rank++ {
		shape, kernel, pads := []int{1, 2}, []int{}, []int{}
		for range rank {
			shape, kernel, pads = append(shape, 2), append(kernel, k), append(pads, k-2)
		}
		pads = append(pads, make([]int, rank)...)
		n := elements(shape)
		x := optest.Of(t, tensor.Float32, slicesOf(n, func(i int) float64 { return float64(i) }), shape...)
		attrs := optest.Attrs("kernel_shape", kernel, "pads", pads)
		for op, want := range map[*ops.Op][]float64{
			MaxPool:     {float64(n/2 - 1), float64(n - 1)},
			AveragePool: {float64(n/2-1) / 2, float64(n/2) + float64(n/2-1)/2},
		} {
			nearly(t, fmt.Sprint(op, " of rank ", rank), optest.Eval(t, op, attrs, x), want, 1e-6)
		}
	}
}
