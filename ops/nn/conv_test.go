package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

// randoms makes numbers that every float type holds exactly.
func randoms(r *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(r.IntN(33)-16) / 8
	}
	return out
}

func randomTensor(t testing.TB, r *rand.Rand, dt tensor.DType, shape ...int) *tensor.Tensor {
	return optest.Of(t, dt, randoms(r, elements(shape)), shape...)
}

// places visits all index vectors of a shape.
func eachPlace(shape []int, f func(at []int)) {
	at := make([]int, len(shape))
	for range elements(shape) {
		f(at)
		for d := len(at) - 1; d >= 0; d-- {
			if at[d]++; at[d] < shape[d] {
				break
			}
			at[d] = 0
		}
	}
}

func offsetOf(at, shape []int) (off int, ok bool) {
	for d, n := range shape {
		if at[d] < 0 || at[d] >= n {
			return 0, false
		}
		off = off*n + at[d]
	}
	return off, true
}

// convCase is a convolution of planes in a test.
type convCase struct {
	x, w                           []int // shapes
	group                          int
	strides, dilations, begin, end []int
}

func (c convCase) attrs() []any {
	out := []any{"group", max(c.group, 1)}
	for _, l := range []struct {
		name string
		v    []int
	}{{"strides", c.strides}, {"dilations", c.dilations}} {
		if l.v != nil {
			out = append(out, l.name, l.v)
		}
	}
	if c.begin != nil {
		out = append(out, "pads", append(append([]int{}, c.begin...), c.end...))
	}
	return out
}

func (c convCase) at(v []int, d, def int) int {
	if v == nil {
		return def
	}
	return v[d]
}

// naive is the definition of a convolution, transposed or not: for each pair of elements of input and kernel it adds their product.
func (c convCase) naive(x, w, bias []float64, out []int, transposed bool) []float64 {
	y := make([]float64, elements(out))
	group := max(c.group, 1)
	n := len(c.x) - 2
	per := c.w[1] // channels of a group, or filters of one if transposed
	for i := range y {
		if bias != nil {
			y[i] = bias[i/elements(out[2:])%out[1]]
		}
	}
	eachPlace(c.w, func(k []int) {
		wo, _ := offsetOf(k, c.w)
		eachPlace(append([]int{c.x[0]}, map[bool][]int{false: out[2:], true: c.x[2:]}[transposed]...), func(p []int) {
			at := make([]int, n)
			from, to := []int{p[0], 0}, []int{p[0], 0}
			if transposed { // p is in the input
				g := k[0] / (c.x[1] / group)
				from[1], to[1] = k[0], g*per+k[1]
				for d := range n {
					at[d] = p[d+1]*c.at(c.strides, d, 1) + k[d+2]*c.at(c.dilations, d, 1) - c.at(c.begin, d, 0)
				}
				from, to = append(from, p[1:]...), append(to, at...)
			} else {
				g := k[0] / (c.w[0] / group)
				from[1], to[1] = g*per+k[1], k[0]
				for d := range n {
					at[d] = p[d+1]*c.at(c.strides, d, 1) + k[d+2]*c.at(c.dilations, d, 1) - c.at(c.begin, d, 0)
				}
				from, to = append(from, at...), append(to, p[1:]...)
			}
			a, okA := offsetOf(from, c.x)
			b, okB := offsetOf(to, out)
			if okA && okB {
				y[b] += x[a] * w[wo]
			}
		})
	})
	return y
}

var convCases = []convCase{
	{x: []int{1, 1, 1}, w: []int{1, 1, 1}},
	{x: []int{2, 3, 7}, w: []int{5, 3, 3}, begin: []int{1}, end: []int{1}},
	{x: []int{1, 3, 8, 9}, w: []int{16, 3, 3, 3}, strides: []int{2, 2}, begin: []int{1, 1}, end: []int{1, 1}},
	{x: []int{1, 17, 6, 5}, w: []int{4, 17, 1, 1}},
	{x: []int{2, 16, 5, 6}, w: []int{16, 1, 3, 3}, group: 16, begin: []int{1, 1}, end: []int{1, 1}},
	{x: []int{1, 6, 5, 6}, w: []int{4, 3, 2, 3}, group: 2, dilations: []int{2, 1}, begin: []int{0, 2}, end: []int{1, 0}},
	{x: []int{1, 2, 3, 4, 5}, w: []int{3, 2, 2, 2, 3}, strides: []int{1, 2, 1}, begin: []int{1, 0, 1}, end: []int{0, 1, 1}},
	{x: []int{1, 16, 16, 16}, w: []int{16, 16, 3, 3}, begin: []int{1, 1}, end: []int{1, 1}},
	{x: []int{1, 4, 2, 2}, w: []int{2, 4, 5, 5}, begin: []int{2, 2}, end: []int{2, 2}},
	{x: []int{1, 2, 2, 3}, w: []int{2, 2, 1, 1}, strides: []int{3, 2}},
}

func outShape(t *testing.T, op *ops.Op, attrs ops.Attrs, in ...*tensor.Tensor) []int {
	t.Helper()
	var types []*ops.Type
	for _, x := range in {
		ty := sym.TypeOf(x, true)
		types = append(types, &ty)
	}
	out, err := optest.Infer(t, op, attrs, 1, types...)
	if err != nil {
		t.Fatal(err)
	}
	d, ok := out[0].Dims()
	if !ok {
		t.Fatalf("%s: shape %s isn't known", op, out[0].String())
	}
	return d
}

var convTolerances = map[tensor.DType]float64{tensor.Float32: 2e-5, tensor.Float64: 1e-12, tensor.Float16: 1e-3, tensor.BFloat16: 8e-3}

// nearly compares within a tolerance relative to the largest element.
func nearly(t *testing.T, what string, got *tensor.Tensor, want []float64, tol float64) {
	t.Helper()
	top := 1.0
	for _, v := range want {
		top = max(top, math.Abs(v))
	}
	if got.Len() != len(want) {
		t.Fatalf("%s: %s has %d elements, want %d", what, got, got.Len(), len(want))
	}
	for i, v := range optest.Floats(got) {
		if !(math.Abs(v-want[i]) <= tol*top) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, v, want[i])
		}
	}
}

func TestConv(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range convCases {
		for dt, tol := range convTolerances {
			x, w, b := randomTensor(t, r, dt, c.x...), randomTensor(t, r, dt, c.w...), randomTensor(t, r, dt, c.w[0])
			attrs := optest.Attrs(c.attrs()...)
			out := outShape(t, Conv, attrs, x, w, b)
			want := c.naive(optest.Floats(x), optest.Floats(w), optest.Floats(b), out, false)
			for _, constant := range [][]int{nil, {1, 2}} {
				n := optest.Node{Op: Conv, Attrs: attrs, In: []*tensor.Tensor{x, w, b}, Out: 1, Const: constant}
				nearly(t, fmt.Sprintf("%v of %v by %v, constants %v", dt, c.x, c.w, constant), n.Run(t)[0], want, tol)
			}
		}
	}
}

// toRowsOf is a tensor's channels-last form.
func toRowsOf(t *testing.T, x *tensor.Tensor) *tensor.Tensor { return optest.Eval(t, ToNHWC, nil, x) }

// TestConvNHWC compares the fused twin with Conv and what it fuses.
func TestConvNHWC(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	acts := map[string]func(float64) float64{
		"":        func(v float64) float64 { return v },
		"Relu":    func(v float64) float64 { return max(v, 0) },
		"Clip":    func(v float64) float64 { return min(max(v, -1), 2) },
		"Sigmoid": func(v float64) float64 { return 1 / (1 + math.Exp(-v)) },
	}
	for _, c := range convCases {
		x, w, b := randomTensor(t, r, tensor.Float32, c.x...), randomTensor(t, r, tensor.Float32, c.w...), randomTensor(t, r, tensor.Float32, c.w[0])
		attrs := optest.Attrs(c.attrs()...)
		out := outShape(t, Conv, attrs, x, w, b)
		res := randomTensor(t, r, tensor.Float32, out...)
		plain := c.naive(optest.Floats(x), optest.Floats(w), optest.Floats(b), out, false)
		for act, f := range acts {
			attrs := optest.Attrs(append(c.attrs(), "act", act, "act_alpha", -1.0, "act_beta", 2.0)...)
			n := optest.Node{Op: ConvNHWC, Attrs: attrs, In: []*tensor.Tensor{toRowsOf(t, x), w, b, toRowsOf(t, res)}, Out: 1, Const: []int{1, 2}}
			want := make([]float64, len(plain))
			for i, v := range optest.Floats(res) {
				want[i] = f(plain[i] + v)
			}
			got := optest.Eval(t, ToNCHW, nil, n.Run(t)[0])
			nearly(t, fmt.Sprintf("%q of %v by %v", act, c.x, c.w), got, want, 2e-5)
		}
	}
}

// TestStrict checks that the bits of a strict convolution aren't Winograd's.
func TestStrict(t *testing.T) {
	c := convCases[7]
	for _, strict := range []bool{false, true} {
		x, w, y := ops.Type{DT: tensor.Float32, Shape: sym.Nums(c.x), Ranked: true}, ops.Type{DT: tensor.Float32, Shape: sym.Nums(c.w), Ranked: true}, ops.Type{}
		y = x
		b := &ops.Bind{Ins: []*ops.Type{&x, &w}, Outs: []ops.Type{y}, Wanted: []bool{true}, Strict: strict}
		a, err := Conv.ParseAttrs(optest.Attrs(c.attrs()...))
		if err != nil {
			t.Fatal(err)
		}
		k, err := Conv.BindKernel(b, a)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.(*convKernel[float32]).format == 0; got != strict {
			t.Errorf("strict %t: format %d", strict, k.(*convKernel[float32]).format)
		}
	}
}

func TestConvTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		convCase
		extra, shape []int
		auto         string
	}{
		{convCase: convCase{x: []int{1, 1, 3, 3}, w: []int{1, 2, 3, 3}}},
		{convCase: convCase{x: []int{2, 3, 5}, w: []int{3, 4, 3}, strides: []int{2}, begin: []int{1}, end: []int{1}}, extra: []int{1}},
		{convCase: convCase{x: []int{1, 16, 4, 5}, w: []int{16, 8, 2, 2}, strides: []int{2, 2}}},
		{convCase: convCase{x: []int{1, 4, 4, 5}, w: []int{4, 3, 4, 4}, strides: []int{2, 2}, begin: []int{1, 1}, end: []int{1, 1}}},
		{convCase: convCase{x: []int{1, 4, 3, 4}, w: []int{4, 3, 2, 3}, strides: []int{3, 4}}},                                                 // gaps between kernels
		{convCase: convCase{x: []int{1, 4, 3, 4}, w: []int{4, 3, 3, 2}, strides: []int{2, 3}, dilations: []int{3, 2}}},                         // taps that don't meet all remainders
		{convCase: convCase{x: []int{1, 4, 3, 4}, w: []int{4, 3, 3, 3}, strides: []int{4, 2}, dilations: []int{2, 4}}},                         // a common divisor
		{convCase: convCase{x: []int{1, 6, 4, 4}, w: []int{6, 1, 4, 4}, group: 6, strides: []int{2, 2}, begin: []int{1, 1}, end: []int{1, 1}}}, // depthwise
		{convCase: convCase{x: []int{1, 6, 3, 4}, w: []int{6, 2, 3, 3}, group: 2, strides: []int{2, 1}}},
		{convCase: convCase{x: []int{1, 2, 2, 3, 2}, w: []int{2, 3, 2, 2, 3}, strides: []int{2, 1, 2}}},
		{convCase: convCase{x: []int{1, 16, 16, 16}, w: []int{16, 16, 3, 3}, begin: []int{1, 1}, end: []int{1, 1}}},
		{convCase: convCase{x: []int{1, 2, 3, 3}, w: []int{2, 2, 3, 3}, strides: []int{2, 2}, begin: []int{0, 0}}, shape: []int{8, 6}, auto: "SAME_UPPER"},
		{convCase: convCase{x: []int{1, 2, 3, 3}, w: []int{2, 2, 3, 3}, strides: []int{2, 2}, begin: []int{1, 1}}, shape: []int{6, 6}},
	} {
		for dt, tol := range convTolerances {
			if c.shape != nil && c.auto == "" {
				c.begin = nil
			}
			pairs := []any{}
			for i, v := range c.attrs() {
				if s, ok := v.(string); c.shape == nil || ok && s != "pads" || i%2 == 1 && c.attrs()[i-1] != "pads" {
					pairs = append(pairs, v)
				}
			}
			if c.extra != nil {
				pairs = append(pairs, "output_padding", c.extra)
			}
			if c.shape != nil {
				pairs = append(pairs, "output_shape", c.shape)
			}
			if c.auto != "" {
				pairs = append(pairs, "auto_pad", c.auto)
			}
			attrs := optest.Attrs(pairs...)
			x, w, b := randomTensor(t, r, dt, c.x...), randomTensor(t, r, dt, c.w...), randomTensor(t, r, dt, c.w[1]*max(c.group, 1))
			out := outShape(t, ConvTranspose, attrs, x, w, b)
			ref := c.convCase
			if c.shape != nil && c.auto == "" {
				ref.begin = []int{1, 1} // of a cut of 1 element, the odd one goes first
			}
			want := ref.naive(optest.Floats(x), optest.Floats(w), optest.Floats(b), out, true)
			for _, constant := range [][]int{nil, {1}} {
				n := optest.Node{Op: ConvTranspose, Attrs: attrs, In: []*tensor.Tensor{x, w, b}, Out: 1, Const: constant}
				nearly(t, fmt.Sprintf("%v of %v by %v, strides %v, constants %v", dt, c.x, c.w, c.strides, constant), n.Run(t)[0], want, tol)
			}
			if dt == tensor.Float32 {
				n := optest.Node{Op: ConvTransposeNHWC, Attrs: attrs, In: []*tensor.Tensor{toRowsOf(t, x), w, b}, Out: 1, Const: []int{1}}
				nearly(t, "rows", optest.Eval(t, ToNCHW, nil, n.Run(t)[0]), want, tol)
			}
		}
	}
}

// TestDeformConv checks that without offsets it is a convolution, and that whole offsets shift it.
func TestDeformConv(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, group := range []int{1, 2} {
		for _, offsets := range []int{1, 2, 4} {
			for dt, tol := range convTolerances {
				c := convCase{x: []int{2, 4, 6, 7}, w: []int{6, 4 / group, 3, 2}, group: group, strides: []int{1, 2}, begin: []int{1, 0}, end: []int{1, 1}}
				x, w, b := randomTensor(t, r, dt, c.x...), randomTensor(t, r, dt, c.w...), randomTensor(t, r, dt, 6)
				out := outShape(t, Conv, optest.Attrs(c.attrs()...), x, w, b)
				move := make([]float64, 2*12*offsets*out[2]*out[3])
				for i := range move {
					if i/(out[2]*out[3])%2 == 0 {
						move[i] = 1 // one row further down
					}
				}
				offset := optest.Of(t, dt, move, 2, 12*offsets, out[2], out[3])
				half := make([]float64, len(move)/2)
				for i := range half {
					half[i] = 0.5
				}
				mask := optest.Of(t, dt, half, 2, 6*offsets, out[2], out[3])
				n := optest.Node{Op: DeformConv(), Attrs: optest.Attrs(append(c.attrs(), "offset_group", offsets)...), In: []*tensor.Tensor{x, w, offset, b, mask}, Out: 1}
				shifted := c
				shifted.begin = []int{0, 0}
				want := shifted.naive(optest.Floats(x), optest.Floats(w), nil, out, false)
				for i := range want {
					want[i] = want[i]/2 + optest.Floats(b)[i/(out[2]*out[3])%6]
				}
				nearly(t, fmt.Sprintf("%v, %d groups, %d offset groups", dt, group, offsets), n.Run(t)[0], want, tol)
			}
		}
	}
}

// TestQLinearConv compares with the definition; depthwise convolutions take another way.
func TestQLinearConv(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, c := range convCases {
		for i, types := range [][3]tensor.DType{{tensor.Uint8, tensor.Int8, tensor.Uint8}, {tensor.Int8, tensor.Uint8, tensor.Int8}} {
			whole := func(dt tensor.DType, n int, shape ...int) *tensor.Tensor {
				v := make([]float64, n)
				for i := range v {
					v[i] = float64(r.IntN(256))
					if dt == tensor.Int8 {
						v[i] -= 128
					}
				}
				return optest.Of(t, dt, v, shape...)
			}
			x, w := whole(types[0], elements(c.x), c.x...), whole(types[1], elements(c.w), c.w...)
			zx, zy := whole(types[0], 1, []int{}...), whole(types[2], 1, []int{}...)
			zw, sw := whole(types[1], 1, 1), optest.Of(t, tensor.Float32, []float64{0.25})
			if i == 1 {
				zw, sw = whole(types[1], c.w[0], c.w[0]), optest.Of(t, tensor.Float32, slicesOf(c.w[0], func(i int) float64 { return 0.25 + float64(i)/64 }))
			}
			sx, sy := optest.Scalar(t, tensor.Float32, 0.5), optest.Scalar(t, tensor.Float32, 16)
			bias := optest.Of(t, tensor.Int32, slicesOf(c.w[0], func(int) float64 { return float64(r.IntN(2000) - 1000) }))
			less := func(v, zero []float64, per int) []float64 {
				out := make([]float64, len(v))
				for i := range v {
					out[i] = v[i] - zero[min(i/per, len(zero)-1)]
				}
				return out
			}
			fx, fw := less(optest.Floats(x), optest.Floats(zx), len(optest.Floats(x))), less(optest.Floats(w), optest.Floats(zw), elements(c.w[1:]))
			attrs := optest.Attrs(c.attrs()...)
			out := outShape(t, ConvInteger(), attrs, x, w)
			sums := c.naive(fx, fw, nil, out, false)
			for _, constant := range [][]int{nil, {1}} {
				n := optest.Node{Op: ConvInteger(), Attrs: attrs, In: []*tensor.Tensor{x, w, zx, zw}, Out: 1, Const: constant}
				nearly(t, fmt.Sprintf("ConvInteger of %v by %v", c.x, c.w), n.Run(t)[0], sums, 0)
			}
			lo, hi := 0.0, 255.0
			if types[2] == tensor.Int8 {
				lo, hi = -128, 127
			}
			want := make([]float64, len(sums))
			for i, v := range sums {
				f := i / elements(out[2:]) % out[1]
				scale := float32(0.5) * float32(optest.Floats(sw)[min(f, sw.Len()-1)]) / 16
				v = math.RoundToEven(float64(float32(v+optest.Floats(bias)[f])*scale)) + optest.Floats(zy)[0]
				want[i] = min(max(v, lo), hi)
			}
			for _, constant := range [][]int{nil, {3}} {
				n := optest.Node{Op: QLinearConv(), Attrs: attrs, In: []*tensor.Tensor{x, sx, zx, w, sw, zw, sy, zy, bias}, Out: 1, Const: constant}
				nearly(t, fmt.Sprintf("QLinearConv of %v by %v", c.x, c.w), n.Run(t)[0], want, 0)
			}
		}
	}
}

func slicesOf(n int, f func(i int) float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// TestConvAllocatesNothing runs bound convolutions and pools again.
func TestConvAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	f := func(shape ...int) *tensor.Tensor { return randomTensor(t, r, tensor.Float32, shape...) }
	kernel := optest.Attrs("kernel_shape", []int{3, 3}, "strides", []int{2, 2}, "pads", []int{1, 1, 1, 1})
	for _, n := range []optest.Node{
		{Op: Conv, Attrs: optest.Attrs("pads", []int{1, 1, 1, 1}), In: []*tensor.Tensor{f(1, 16, 16, 16), f(16, 16, 3, 3), f(16)}, Const: []int{1}},
		{Op: Conv, Attrs: optest.Attrs("strides", []int{2, 2}), In: []*tensor.Tensor{f(1, 3, 16, 16), f(16, 3, 3, 3)}, Const: []int{1}},
		{Op: Conv, In: []*tensor.Tensor{f(1, 3, 16, 16), f(16, 3, 3, 3)}},
		{Op: ConvNHWC, Attrs: optest.Attrs("group", 16, "act", "SiLU"), In: []*tensor.Tensor{f(1, 16, 16, 16), f(16, 1, 3, 3), f(16)}, Const: []int{1}},
		{Op: ConvNHWC, In: []*tensor.Tensor{f(1, 9, 9, 16), f(32, 16, 1, 1), f(32), f(1, 9, 9, 32)}, Const: []int{1}},
		{Op: ConvTranspose, Attrs: optest.Attrs("strides", []int{2, 2}), In: []*tensor.Tensor{f(1, 8, 9, 9), f(8, 4, 2, 2)}, Const: []int{1}},
		{Op: MaxPool, Attrs: kernel, In: []*tensor.Tensor{f(1, 16, 16, 16)}},
		{Op: AveragePoolNHWC, Attrs: kernel, In: []*tensor.Tensor{f(1, 16, 16, 16)}},
		{Op: GlobalAveragePool, In: []*tensor.Tensor{f(1, 16, 16, 16)}},
		{Op: GlobalAveragePoolNHWC, In: []*tensor.Tensor{f(1, 16, 16, 16)}},
		{Op: BatchNormalizationNHWC, In: []*tensor.Tensor{f(1, 16, 16, 16), f(16), f(16), f(16), optest.Of(t, tensor.Float32, slicesOf(16, func(int) float64 { return 1 }))}},
		{Op: ToNHWC, In: []*tensor.Tensor{f(1, 16, 16, 16)}},
	} {
		n.Out = 1
		b, err := n.Bind(0)
		if err != nil {
			t.Fatalf("%s: %v", n.Op, err)
		}
		if got := testing.AllocsPerRun(5, func() {
			if err := b.Again(); err != nil {
				t.Error(err)
			}
		}); got != 0 {
			t.Errorf("%s: %v allocations a run", n.Op, got)
		}
	}
}

// TestConvErrors checks that impossible nodes are refused in words that name what is wrong.
func TestConvErrors(t *testing.T) {
	f := func(shape ...int) *tensor.Tensor {
		return optest.Of(t, tensor.Float32, make([]float64, elements(shape)), shape...)
	}
	for _, c := range []struct {
		op    *ops.Op
		attrs ops.Attrs
		in    []tensor.Value
		want  string
	}{
		{Conv, nil, []tensor.Value{f(1, 3), f(2, 3)}, "spatial dimension"},
		{Conv, nil, []tensor.Value{f(1, 3, 5, 5), f(2, 4, 3, 3)}, "X has 3 channels"},
		{Conv, nil, []tensor.Value{f(1, 3, 5, 5), f(2, 3, 3)}, "rank"},
		{Conv, nil, []tensor.Value{f(1, 3, 2, 2), f(2, 3, 3, 3)}, "reaches over 3"},
		{Conv, optest.Attrs("strides", []int{0, 1}), []tensor.Value{f(1, 3, 5, 5), f(2, 3, 3, 3)}, "attribute strides"},
		{Conv, optest.Attrs("strides", []int{1}), []tensor.Value{f(1, 3, 5, 5), f(2, 3, 3, 3)}, "attribute strides"},
		{Conv, optest.Attrs("pads", []int{-1, 0, 0, 0}), []tensor.Value{f(1, 3, 5, 5), f(2, 3, 3, 3)}, "attribute pads"},
		{Conv, optest.Attrs("auto_pad", "SAME"), []tensor.Value{f(1, 3, 5, 5), f(2, 3, 3, 3)}, "attribute auto_pad"},
		{Conv, optest.Attrs("kernel_shape", []int{2, 2}), []tensor.Value{f(1, 3, 5, 5), f(2, 3, 3, 3)}, "attribute kernel_shape"},
		{Conv, optest.Attrs("group", 2), []tensor.Value{f(1, 4, 5, 5), f(3, 2, 3, 3)}, "3 filters"},
		{Conv, optest.Attrs("group", 0), []tensor.Value{f(1, 4, 5, 5), f(3, 2, 3, 3)}, "attribute group"},
		{Conv, nil, []tensor.Value{f(1, 3, 5, 5), f(2, 3, 3, 3), f(3)}, "B is [3]"},
		{Conv, nil, []tensor.Value{f(1, 3, 5, 5), f(2, 3, 0, 3)}, "no elements"},
		{ConvNHWC, optest.Attrs("act", "Nothing"), []tensor.Value{f(1, 5, 5, 3), f(2, 3, 3, 3)}, "Nothing"},
		{ConvNHWC, nil, []tensor.Value{f(1, 5, 5, 3), f(2, 3, 3, 3), f(2), f(1, 5, 5, 2)}, "R is"},
		{ConvTranspose, nil, []tensor.Value{f(1, 3, 5, 5), f(2, 3, 3, 3)}, "X has 3 channels"},
		{ConvTranspose, optest.Attrs("pads", []int{9, 9, 9, 9}), []tensor.Value{f(1, 2, 2, 2), f(2, 3, 3, 3)}, "would have"},
		{ConvTranspose, optest.Attrs("output_shape", []int{1}), []tensor.Value{f(1, 2, 2, 2), f(2, 3, 3, 3)}, "output_shape"},
		{DeformConv(), nil, []tensor.Value{f(1, 2, 4, 4), f(2, 2, 3, 3), f(1, 9, 2, 2)}, "offset is"},
		{MaxPool, optest.Attrs("kernel_shape", []int{3}), []tensor.Value{f(1, 2, 4, 4)}, "kernel_shape"},
		{AveragePool, optest.Attrs("kernel_shape", []int{0, 1}), []tensor.Value{f(1, 2, 4, 4)}, "kernel_shape"},
		{LpPool(), optest.Attrs("kernel_shape", []int{1, 1}, "p", 0), []tensor.Value{f(1, 2, 4, 4)}, "attribute p"},
		{GlobalMaxPool, nil, []tensor.Value{f(3)}, "rank"},
		{ToNHWC, nil, []tensor.Value{f(3, 4)}, "rank"},
		{BatchNormalizationNHWC, optest.Attrs("training_mode", 1), []tensor.Value{f(1, 2, 2, 3), f(3), f(3), f(3), f(3)}, "training_mode"},
	} {
		_, err := optest.Try(t, c.op, c.attrs, 1, c.in...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.op, err, c.want)
		}
	}
}

// TestConvEmpty runs convolutions and pools without elements.
func TestConvEmpty(t *testing.T) {
	f := func(shape ...int) *tensor.Tensor {
		return optest.Of(t, tensor.Float32, make([]float64, elements(shape)), shape...)
	}
	for _, c := range []struct {
		op    *ops.Op
		attrs ops.Attrs
		in    []tensor.Value
		want  string
	}{
		{Conv, nil, []tensor.Value{f(0, 3, 5, 5), f(2, 3, 3, 3)}, "float32[0,2,3,3]"},
		{Conv, nil, []tensor.Value{f(1, 3, 5, 5), f(0, 3, 3, 3)}, "float32[1,0,3,3]"},
		{Conv, nil, []tensor.Value{f(1, 0, 5, 5), f(2, 0, 3, 3), f(2)}, "float32[1,2,3,3]"},
		{Conv, nil, []tensor.Value{f(1, 3, 0, 5), f(2, 3, 3, 3)}, "float32[1,2,0,3]"},
		{ConvTranspose, nil, []tensor.Value{f(0, 3, 5, 5), f(3, 2, 3, 3)}, "float32[0,2,7,7]"},
		{MaxPool, optest.Attrs("kernel_shape", []int{2, 2}), []tensor.Value{f(0, 3, 5, 5)}, "float32[0,3,4,4]"},
		{GlobalAveragePool, nil, []tensor.Value{f(0, 3, 5, 5)}, "float32[0,3,1,1]"},
		{GlobalAveragePoolNHWC, nil, []tensor.Value{f(0, 5, 5, 3)}, "float32[0,1,1,3]"},
		{ToNHWC, nil, []tensor.Value{f(2, 0, 5)}, "float32[2,5,0]"},
	} {
		if got := optest.Eval(t, c.op, c.attrs, c.in...).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.op, got, c.want)
		}
	}
}
