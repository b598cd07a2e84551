package quant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ingot/internal/num"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

var (
	of    = optest.Of
	attrs = optest.Attrs
)

// random returns whole numbers from lo to hi.
func random(r *rand.Rand, n, lo, hi int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(lo + r.IntN(hi-lo+1))
	}
	return out
}

// TestGranularity compares every granularity with the definition, at sizes that cut runs, blocks and tiles at odd places.
func TestGranularity(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		x, scale    []int
		axis, block int
		at          func(i []int) int // of an element's scale
	}{
		{[]int{3, 70000}, []int{}, 1, 0, func([]int) int { return 0 }},
		{[]int{5}, []int{1}, 1, 0, func([]int) int { return 0 }},
		{[]int{2, 7, 900}, []int{7}, 1, 0, func(i []int) int { return i[1] }},
		{[]int{2, 7, 900}, []int{7}, -2, 0, func(i []int) int { return i[1] }},
		{[]int{40, 3, 701}, []int{701}, -1, 0, func(i []int) int { return i[2] }},
		{[]int{3, 1100, 2}, []int{3, 4, 2}, 1, 300, func(i []int) int { return (i[0]*4+i[1]/300)*2 + i[2] }},
		{[]int{3, 50, 601}, []int{3, 4, 601}, 1, 15, func(i []int) int { return (i[0]*4+i[1]/15)*601 + i[2] }},
		{[]int{9, 33}, []int{9, 5}, 1, 8, func(i []int) int { return i[0]*5 + i[1]/8 }},
		{[]int{33}, []int{5}, 0, 8, func(i []int) int { return i[0] / 8 }},
	} {
		n, scales := elements(c.x), elements(c.scale)
		q := random(r, n, -8, 7)
		s := make([]float64, scales)
		for i := range s {
			s[i] = float64(int(1)<<r.IntN(4)) / 4
		}
		z := random(r, scales, -3, 3)
		want := make([]float64, n)
		for i := range want {
			at, rest := make([]int, len(c.x)), i
			for d := len(c.x) - 1; d >= 0; d-- {
				at[d], rest = rest%c.x[d], rest/c.x[d]
			}
			p := c.at(at)
			want[i] = (q[i] - z[p]) * s[p]
		}
		a := attrs("axis", c.axis, "block_size", c.block)
		for _, dt := range []tensor.DType{tensor.Int8, tensor.Int4, tensor.Int16, tensor.Int32} {
			for _, to := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
				what := fmt.Sprintf("%v by %v, %s to %s", c.x, c.scale, dt, to)
				scale, zero := of(t, to, s, c.scale...), of(t, dt, z, c.scale...)
				y := optest.Eval(t, DequantizeLinear, a, of(t, dt, q, c.x...), scale, zero)
				optest.Check(t, what, y, to, tensor.ShapeString(c.x), want, 0)
				if dt == tensor.Int32 {
					continue
				}
				back := optest.Eval(t, QuantizeLinear, a, y, scale, zero)
				optest.Check(t, "back from "+what, back, dt, tensor.ShapeString(c.x), q, 0)
			}
		}
	}
}

func TestQuantizeTypes(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		x     tensor.DType
		scale tensor.DType
		to    tensor.DType
		attrs []any
		in    []float64
		s, z  float64
		want  []float64
	}{
		{tensor.Float32, tensor.Float32, tensor.Uint8, nil, []float64{0.5, 1.5, -1, 300, nan, inf, -inf}, 1, 0, []float64{0, 2, 0, 255, 0, 255, 0}},
		{tensor.Float32, tensor.Float32, tensor.Int8, nil, []float64{-0.5, -1.5, 200, -200}, 1, 3, []float64{3, 1, 127, -128}},
		{tensor.Float32, tensor.Float32, tensor.Uint16, nil, []float64{-1, 70000, 3e9}, 1, 100, []float64{99, 65535, 65535}},
		{tensor.Float32, tensor.Float32, tensor.Int2, nil, []float64{-9, -1, 0.5, 7}, 1, 0, []float64{-2, -1, 0, 1}},
		{tensor.Float32, tensor.Float32, tensor.Uint2, nil, []float64{-9, 1.5, 7}, 1, 1, []float64{0, 3, 3}},
		{tensor.Float32, tensor.Float32, tensor.Uint4, nil, []float64{-9, 1.5, 70}, 1, 0, []float64{0, 2, 15}},
		{tensor.Float32, tensor.Float32, tensor.Float8E4M3FN, nil, []float64{1e6, -1e6, 17, 0}, 1, 0, []float64{448, -448, 16, 0}},
		{tensor.Float32, tensor.Float32, tensor.Float8E4M3FN, []any{"saturate", 0}, []float64{1e6, 1}, 1, 0, []float64{nan, 1}},
		{tensor.Float32, tensor.Float32, tensor.Float8E5M2, []any{"saturate", 0}, []float64{1e6, 1}, 1, 0, []float64{inf, 1}},
		{tensor.Float16, tensor.Float16, tensor.Float8E5M2FNUZ, nil, []float64{8, -8}, 2, 0, []float64{4, -4}},
		{tensor.Float32, tensor.Float32, tensor.Float4E2M1, nil, []float64{100, -2.4, 0.2}, 1, 0, []float64{6, -2, 0}},
		// Quotients of more bits than the precision has.
		{tensor.Float32, tensor.BFloat16, tensor.Uint16, nil, []float64{257, 259}, 1, 0, []float64{256, 260}},
		{tensor.Float32, tensor.BFloat16, tensor.Uint16, []any{"precision", 1}, []float64{257, 259}, 1, 0, []float64{257, 259}},
		{tensor.Float32, tensor.Float32, tensor.Uint16, []any{"precision", 16}, []float64{257, 259}, 1, 0, []float64{256, 260}},
		{tensor.Float32, tensor.Float32, tensor.Uint16, []any{"precision", 10}, []float64{2049, 2051}, 1, 0, []float64{2048, 2052}},
		{tensor.Float32, tensor.Float32, tensor.Int16, []any{"precision", 11}, []float64{3, 5, nan, 1e30}, 2, 1, []float64{3, 3, -32768, 32767}},
		{tensor.Float32, tensor.Float8E8M0, tensor.Int8, nil, []float64{3, -6}, 0.5, 0, []float64{6, -12}},
		{tensor.Int32, tensor.Float32, tensor.Int8, nil, []float64{3, 1000}, 2, 0, []float64{2, 127}},
		{tensor.Int32, tensor.Int32, tensor.Int8, nil, []float64{2147483647, 7, 5}, 2147483647, 0, []float64{1, 0, 0}},
		{tensor.Int32, tensor.Int32, tensor.Uint4, nil, []float64{7, 5, 3}, 2, 1, []float64{5, 3, 3}},
		{tensor.Int32, tensor.Int32, tensor.Float8E4M3FN, nil, []float64{7, 5000}, 2, 0, []float64{3.5, 448}},
	} {
		what := fmt.Sprintf("%s by %s to %s %v", c.x, c.scale, c.to, c.attrs)
		y := optest.Eval(t, QuantizeLinear, attrs(c.attrs...), of(t, c.x, c.in), optest.Scalar(t, c.scale, c.s), optest.Scalar(t, c.to, c.z))
		optest.Check(t, what, y, c.to, fmt.Sprintf("[%d]", len(c.in)), c.want, 0)
		y = optest.Eval(t, QuantizeLinear, attrs(append(c.attrs, "output_dtype", int(c.to))...), of(t, c.x, c.in), optest.Scalar(t, c.scale, c.s))
		if c.z == 0 {
			optest.Check(t, what+" by output_dtype", y, c.to, fmt.Sprintf("[%d]", len(c.in)), c.want, 0)
		}
	}
	big := of(t, tensor.Int32, []float64{2147483647, -2147483648})
	y := optest.Eval(t, DequantizeLinear, nil, big, optest.Scalar(t, tensor.Float32, 2), optest.Scalar(t, tensor.Int32, -2147483648))
	optest.Check(t, "int32 with a zero point", y, tensor.Float32, "[2]", []float64{2 * 4294967295, 0}, 1e-7)
	y = optest.Eval(t, DequantizeLinear, attrs("output_dtype", 10), of(t, tensor.Uint2, []float64{0, 3}), optest.Scalar(t, tensor.Float8E8M0, 4),
		optest.Scalar(t, tensor.Uint2, 1))
	optest.Check(t, "uint2", y, tensor.Float16, "[2]", []float64{-4, 8}, 0)
	empty := optest.Eval(t, QuantizeLinear, nil, of(t, tensor.Float32, nil, 0, 3), of(t, tensor.Float32, []float64{1, 2, 3}))
	optest.Check(t, "empty", empty, tensor.Uint8, "[0,3]", nil, 0)
}

func TestQuantizeErrors(t *testing.T) {
	x, s := of(t, tensor.Float32, make([]float64, 6), 2, 3), optest.Scalar(t, tensor.Float32, 1)
	three := of(t, tensor.Float32, []float64{1, 2, 3})
	optest.Fails(t, QuantizeLinear, attrs("axis", 0), "the length of axis 0", x, three)
	optest.Fails(t, QuantizeLinear, attrs("axis", 2), "axis 2 is outside of rank 2", x, three)
	optest.Fails(t, QuantizeLinear, attrs("block_size", -1), "block_size is -1", x, s)
	optest.Fails(t, QuantizeLinear, attrs("block_size", 2), "blocks of 2 along axis 1 of [2,3] need [2,2]", x, three)
	optest.Fails(t, QuantizeLinear, attrs("output_dtype", 1), "output_dtype", x, s)
	optest.Fails(t, QuantizeLinear, attrs("output_dtype", 3), "the zero point is uint8", x, s, optest.Scalar(t, tensor.Uint8, 0))
	optest.Fails(t, QuantizeLinear, attrs("precision", 6), "precision", x, s)
	optest.Fails(t, QuantizeLinear, attrs("precision", -6), "precision", x, s)
	optest.Fails(t, QuantizeLinear, nil, "zero point has shape [2]", x, three, of(t, tensor.Int8, []float64{1, 2}))
	q := of(t, tensor.Int8, make([]float64, 6), 2, 3)
	optest.Fails(t, DequantizeLinear, nil, "without block_size", q, of(t, tensor.Float32, make([]float64, 4), 2, 2))
	optest.Fails(t, DequantizeLinear, attrs("output_dtype", 2), "output_dtype is 2", q, s)
	optest.Fails(t, DequantizeLinear, nil, "output_dtype is missing", q, optest.Scalar(t, tensor.Float8E8M0, 1))
}

func TestDynamicQuantize(t *testing.T) {
	const n = 100_001
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i%2000)/100 - 5
	}
	outs, err := optest.Try(t, DynamicQuantizeLinear, nil, 3, of(t, tensor.Float32, x))
	if err != nil {
		t.Fatal(err)
	}
	scale := float32(19.99) / 255
	optest.Check(t, "scale", outs[1].(*tensor.Tensor), tensor.Float32, "[]", []float64{float64(scale)}, 1e-6)
	optest.Check(t, "zero point", outs[2].(*tensor.Tensor), tensor.Uint8, "[]", []float64{64}, 0)
	for i, q := range optest.Floats(outs[0].(*tensor.Tensor)) {
		if want := math.RoundToEven(x[i]/float64(scale)) + 64; math.Abs(q-want) > 1 {
			t.Fatalf("element %d: %v became %v, want %v", i, x[i], q, want)
		}
	}
	for _, x := range [][]float64{{}, {0, 0}} {
		outs, err := optest.Try(t, DynamicQuantizeLinear, nil, 3, of(t, tensor.Float32, x))
		if err != nil {
			t.Fatal(err)
		}
		optest.Check(t, "y", outs[0].(*tensor.Tensor), tensor.Uint8, fmt.Sprintf("[%d]", len(x)), make([]float64, len(x)), 0)
		optest.Check(t, "scale", outs[1].(*tensor.Tensor), tensor.Float32, "[]", []float64{1}, 0)
	}
}

// matmul is the reference: a·b for stacks of matrices, whole numbers less zero points.
func matmul(a, b *tensor.Tensor, za, zb func(matrix, i int) float64) []float64 {
	l, r := newOperand(a.Dims(), false), newOperand(b.Dims(), true)
	fa, fb := optest.Floats(a), optest.Floats(b)
	var out []float64
	for _, p := range pairs(l.batch, r.batch) {
		for i := range l.rows {
			for j := range r.cols {
				sum := 0.0
				for k := range l.cols {
					sum += (fa[(p.a*l.rows+i)*l.cols+k] - za(p.a, i)) * (fb[(p.b*r.rows+k)*r.cols+j] - zb(p.b, j))
				}
				out = append(out, sum)
			}
		}
	}
	return out
}

func TestMatMulInteger(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ a, b, za, zb, y []int }{
		{[]int{5, 33}, []int{33, 40}, nil, nil, []int{5, 40}},
		{[]int{5, 33}, []int{33, 40}, []int{}, []int{1}, []int{5, 40}},
		{[]int{5, 33}, []int{33, 40}, []int{5}, []int{40}, []int{5, 40}},
		{[]int{2, 3, 5, 7}, []int{7, 4}, []int{2, 3, 5, 1}, []int{4}, []int{2, 3, 5, 4}},
		{[]int{2, 1, 5, 7}, []int{3, 7, 4}, []int{2, 1, 5, 1}, []int{3, 1, 4}, []int{2, 3, 5, 4}},
		{[]int{2, 1, 5, 7}, []int{3, 7, 4}, []int{5}, []int{1, 1, 4}, []int{2, 3, 5, 4}},
		{[]int{7}, []int{3, 7, 4}, nil, []int{4}, []int{3, 4}},
		{[]int{2, 5, 7}, []int{7}, []int{5}, nil, []int{2, 5}},
		{[]int{7}, []int{7}, nil, nil, []int{}},
		{[]int{0, 7}, []int{7, 3}, nil, nil, []int{0, 3}},
		{[]int{2, 0}, []int{0, 3}, nil, nil, []int{2, 3}},
		{[]int{130, 900}, []int{900, 70}, []int{130}, []int{70}, []int{130, 70}},
	} {
		for _, types := range [][2]tensor.DType{{tensor.Uint8, tensor.Int8}, {tensor.Int8, tensor.Uint8}, {tensor.Int8, tensor.Int8}, {tensor.Uint8, tensor.Uint8}} {
			make8 := func(dt tensor.DType, shape []int) *tensor.Tensor {
				if shape == nil {
					return nil
				}
				lo := 0
				if dt == tensor.Int8 {
					lo = -128
				}
				return of(t, dt, random(r, elements(shape), lo, lo+255), shape...)
			}
			a, b, za, zb := make8(types[0], c.a), make8(types[1], c.b), make8(types[0], c.za), make8(types[1], c.zb)
			param := func(z *tensor.Tensor, n int) func(m, i int) float64 {
				v := []float64{0}
				if z != nil {
					v = optest.Floats(z)
				}
				return func(m, i int) float64 { return v[(m*n+i)%len(v)] }
			}
			l, rt := newOperand(c.a, false), newOperand(c.b, true)
			want := matmul(a, b, param(za, l.rows), param(zb, rt.cols))
			got := optest.Eval(t, MatMulInteger, nil, a, b, za, zb)
			optest.Check(t, fmt.Sprintf("%s·%s", a, b), got, tensor.Int32, tensor.ShapeString(c.y), want, 0)

			// The same, quantised: scales that make few different results, and every type of result.
			s := optest.Scalar(t, tensor.Float32, 0.5)
			zero := func(z *tensor.Tensor, dt tensor.DType) *tensor.Tensor {
				if z == nil {
					return optest.Scalar(t, dt, 0)
				}
				return z
			}
			for _, to := range []tensor.DType{tensor.Int8, tensor.Uint8, tensor.Float8E5M2} {
				sb := s
				if len(c.zb) == 1 && c.zb[0] == rt.cols {
					sb = of(t, tensor.Float32, random(r, rt.cols, 1, 9))
				}
				sa := s
				if len(c.za) > 1 {
					sa = of(t, tensor.Float32, random(r, elements(c.za), 1, 9), c.za...)
				}
				wantQ := make([]float64, len(want))
				rowScale, colScale := param(sa, l.rows), param(sb, rt.cols)
				for i, p := range pairs(l.batch, rt.batch) {
					for row := range l.rows {
						for col := range rt.cols {
							at := (i*l.rows+row)*rt.cols + col
							wantQ[at] = want[at] * rowScale(p.a, row) * colScale(p.b, col) / 4096
						}
					}
				}
				finishReference(t, to, wantQ, 3)
				got := optest.Eval(t, QLinearMatMul, nil, a, sa, zero(za, types[0]), b, sb, zero(zb, types[1]), optest.Scalar(t, tensor.Float32, 4096),
					optest.Scalar(t, to, 3))
				optest.Check(t, fmt.Sprintf("%s·%s to %s", a, b, to), got, to, tensor.ShapeString(c.y), wantQ, 0)
			}
		}
	}
	optest.Fails(t, MatMulInteger, nil, "inner dimensions", of(t, tensor.Int8, make([]float64, 6), 2, 3), of(t, tensor.Int8, make([]float64, 4), 2, 2))
	optest.Fails(t, MatMulInteger, nil, "scalar", optest.Scalar(t, tensor.Int8, 1), of(t, tensor.Int8, make([]float64, 4), 2, 2))
	optest.Fails(t, MatMulInteger, nil, "the zero point of the left operand has shape", of(t, tensor.Int8, make([]float64, 6), 2, 3),
		of(t, tensor.Int8, make([]float64, 6), 3, 2), of(t, tensor.Int8, make([]float64, 3)))
}

// finishReference rounds to a type and adds the zero point, as the standard has it.
func finishReference(t *testing.T, to tensor.DType, v []float64, zero float64) {
	for i := range v {
		switch to {
		case tensor.Int8:
			v[i] = min(max(math.RoundToEven(v[i])+zero, -128), 127)
		case tensor.Uint8:
			v[i] = min(max(math.RoundToEven(v[i])+zero, 0), 255)
		default:
			x := of(t, to, []float64{v[i] + zero})
			num.Load64(v[i:i+1], x, 0)
		}
	}
}

// TestFloatQLinear has 8-bit floats on either side.
func TestFloatQLinear(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, types := range [][3]tensor.DType{{tensor.Float8E4M3FN, tensor.Float8E4M3FN, tensor.Float8E4M3FN}, {tensor.Float8E5M2, tensor.Int8, tensor.Uint8},
		{tensor.Uint8, tensor.Float8E4M3FNUZ, tensor.Float8E5M2FNUZ}} {
		a, b := of(t, types[0], random(r, 2*3*4, 0, 4), 2, 3, 4), of(t, types[1], random(r, 2*4*200, -0, 4), 2, 4, 200)
		za, zb := of(t, types[0], []float64{1, 2, 3}), of(t, types[1], random(r, 200, 0, 3))
		sa, sb := of(t, tensor.Float16, []float64{1, 2, 4}), of(t, tensor.Float16, random(r, 200, 1, 2))
		fza, fzb, fsa, fsb := optest.Floats(za), optest.Floats(zb), optest.Floats(sa), optest.Floats(sb)
		want := matmul(a, b, func(_, i int) float64 { return fza[i] }, func(_, j int) float64 { return fzb[j] })
		for i := range want {
			want[i] *= fsa[i/200%3] * fsb[i%200] / 2
		}
		finishReference(t, types[2], want, 1)
		got := optest.Eval(t, QLinearMatMul, nil, a, sa, za, b, sb, zb, optest.Scalar(t, tensor.Float16, 2), optest.Scalar(t, types[2], 1))
		optest.Check(t, fmt.Sprint(types), got, types[2], "[2,3,200]", want, 0)
	}
	s, z := optest.Scalar(t, tensor.Float32, 1), optest.Scalar(t, tensor.Int8, 0)
	m := of(t, tensor.Int8, make([]float64, 4), 2, 2)
	optest.Fails(t, QLinearMatMul, nil, "y_scale has shape [2]", m, s, z, m, s, z, of(t, tensor.Float32, []float64{1, 2}), z)
	optest.Fails(t, QLinearMatMul, nil, "b_scale has shape", m, s, z, m, of(t, tensor.Float32, []float64{1, 2, 3}), z, s, z)
}
