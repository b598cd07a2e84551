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

// at returns the element of an operand that is broadcast to dims, for position pos there.
func broadcastAt(v []float64, shape, dims []int, pos int) float64 {
	at, step := 0, 1
	for i := len(dims) - 1; i >= 0; i-- {
		x := pos % dims[i]
		pos /= dims[i]
		if j := i - len(dims) + len(shape); j >= 0 {
			if shape[j] > 1 {
				at += x * step
			}
			step *= shape[j]
		}
	}
	return v[at]
}

// normalise is the definition of both operators. beta is nil for RMS.
func normalise(x, gamma, beta []float64, dims, gShape, bShape []int, axis int, eps float64, rms bool) (y, mean, inv []float64) {
	n := volume(dims[axis:])
	y = make([]float64, len(x))
	for r := 0; r < len(x)/max(n, 1); r++ {
		row := x[r*n:][:n]
		m, v := 0.0, 0.0
		for _, e := range row {
			m += e / float64(n)
		}
		if rms {
			m = 0
		}
		for _, e := range row {
			v += (e - m) * (e - m) / float64(n)
		}
		i := 1 / math.Sqrt(v+eps)
		mean, inv = append(mean, m), append(inv, i)
		for k, e := range row {
			o := (e - m) * i * broadcastAt(gamma, gShape, dims, r*n+k)
			if beta != nil {
				o += broadcastAt(beta, bShape, dims, r*n+k)
			}
			y[r*n+k] = o
		}
	}
	return y, mean, inv
}

func TestNormalization(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 7))
	for _, c := range []struct {
		dims, gamma, beta []int // no beta: nil
		axis              int
	}{
		{[]int{3, 40}, []int{40}, []int{40}, -1},
		{[]int{3, 40}, []int{40}, nil, 1},
		{[]int{2, 3, 5}, []int{3, 5}, []int{3, 5}, 1},
		{[]int{2, 3, 5}, []int{5}, []int{1}, 1},       // broadcast within a row
		{[]int{2, 3, 5}, []int{1, 3, 1}, nil, -2},     // the same
		{[]int{2, 3, 5}, []int{3, 5}, []int{3, 1}, 2}, // differs from row to row
		{[]int{2, 3, 5}, []int{}, []int{2, 1, 5}, 2},
		{[]int{2, 3, 5}, []int{2, 3, 5}, []int{2, 3, 5}, 0},
		{[]int{300, 700}, []int{700}, []int{700}, -1}, // several tiles
		{[]int{0, 4}, []int{4}, []int{4}, -1},
	} {
		x, g := draw(rnd, volume(c.dims)), draw(rnd, volume(c.gamma))
		var b []float64
		if c.beta != nil {
			b = draw(rnd, volume(c.beta))
		}
		axis, _ := ops.Axis(c.axis, len(c.dims))
		for dt, tol := range map[tensor.DType]float64{tensor.Float32: 2e-5, tensor.Float64: 1e-6, tensor.Float16: 2e-3, tensor.BFloat16: 1e-2} {
			for _, rms := range []bool{false, true} {
				t.Run(fmt.Sprint(c, dt, rms), func(t *testing.T) {
					n := &optest.Node{Op: LayerNormalization, Out: 3, Attrs: optest.Attrs("axis", c.axis, "epsilon", 0.01)}
					n.In = []*tensor.Tensor{optest.Of(t, dt, x, c.dims...), optest.Of(t, dt, g, c.gamma...), nil}
					if len(c.gamma) == 0 {
						n.In[1], _ = n.In[1].Reshape()
					}
					if rms {
						n.Op, n.Out, n.In = RMSNormalization, 1, n.In[:2]
						y, _, _ := normalise(x, g, nil, c.dims, c.gamma, nil, axis, float64(float32(0.01)), true)
						closeTo(t, "Y", n.Run(t)[0], y, tol)
						return
					}
					if b != nil {
						n.In[2] = optest.Of(t, dt, b, c.beta...)
					}
					out := n.Run(t)
					y, mean, inv := normalise(x, g, b, c.dims, c.gamma, c.beta, axis, float64(float32(0.01)), false)
					closeTo(t, "Y", out[0], y, tol)
					closeTo(t, "Mean", out[1], mean, 1e-5)
					closeTo(t, "InvStdDev", out[2], inv, 1e-4)
					if out[1].DType() != tensor.Float32 {
						t.Errorf("Mean is %s", out[1].DType())
					}
				})
			}
		}
	}
}

// TestNormalizationTypes has stash types, and RMSNormalization with two types.
func TestNormalizationTypes(t *testing.T) {
	x, g := []float64{1, 2, 4, 8}, []float64{1, 0.5, 2, 1}
	y, mean, _ := normalise(x, g, nil, []int{4}, []int{4}, nil, 0, float64(float32(1e-5)), false)
	n := &optest.Node{Op: LayerNormalization, Out: 2, Attrs: optest.Attrs("stash_type", 16), In: []*tensor.Tensor{optest.Of(t, tensor.Float32, x), optest.Of(t, tensor.Float32, g)}}
	out := n.Run(t)
	closeTo(t, "Y", out[0], y, 1e-5)
	if closeTo(t, "Mean", out[1], mean, 1e-2); out[1].DType() != tensor.BFloat16 {
		t.Errorf("Mean is %s", out[1].DType())
	}
	y, _, _ = normalise(x, g, nil, []int{4}, []int{4}, nil, 0, float64(float32(1e-5)), true)
	types := RMSNormalization.Newest().TypeSet("T").Tensor.List()
	for _, a := range types {
		for _, b := range types {
			for _, stash := range types {
				n := &optest.Node{Op: RMSNormalization, Out: 1, Attrs: ops.Attrs{"stash_type": ops.IntAttr(stash)}, In: []*tensor.Tensor{optest.Of(t, a, x), optest.Of(t, b, g)}}
				out := n.Run(t)[0]
				if closeTo(t, fmt.Sprint(a, b, stash), out, y, 1e-2); out.DType() != b {
					t.Errorf("Y of %s and %s is %s", a, b, out.DType())
				}
			}
		}
	}
}

func TestNormalizationErrors(t *testing.T) {
	x := optest.Of(t, tensor.Float32, make([]float64, 6), 2, 3)
	row := optest.Of(t, tensor.Float32, make([]float64, 3))
	short := optest.Of(t, tensor.Float32, make([]float64, 2))
	optest.Fails(t, LayerNormalization, optest.Attrs("axis", 2), "axis 2 is outside of rank 2", x, row)
	optest.Fails(t, LayerNormalization, optest.Attrs("stash_type", 10), "stash_type is 10", x, row)
	optest.Fails(t, RMSNormalization, optest.Attrs("stash_type", 7), "stash_type is 7", x, row)
	optest.Fails(t, LayerNormalization, nil, "Scale is [2], which can't be broadcast", x, short)
	optest.Fails(t, LayerNormalization, nil, "B is [2], which can't be broadcast", x, row, short)
	optest.Fails(t, RMSNormalization, nil, "scale is [2,3,1]", row, optest.Of(t, tensor.Float32, make([]float64, 6), 2, 3, 1))
}

// TestNormalizationSymbols infers shapes that aren't known yet.
func TestNormalizationSymbols(t *testing.T) {
	x := sym.TensorType(tensor.Float16, sym.Symbol("n"), sym.Num(8))
	outs, err := optest.Infer(t, LayerNormalization, nil, 3, &x, &ops.Type{DT: tensor.Float16})
	if err != nil || outs[0].String() != "float16[n,8]" || outs[1].String() != "float32[n,1]" {
		t.Errorf("%v %v", outs, err)
	}
	outs, err = optest.Infer(t, LayerNormalization, nil, 3, &ops.Type{DT: tensor.Float16}, &ops.Type{DT: tensor.Float16})
	if err != nil || outs[0].Ranked || outs[2].DT != tensor.Float32 {
		t.Errorf("%v %v", outs, err)
	}
}

func benchNorm(t testing.TB) *optest.Bound {
	n := &optest.Node{Op: LayerNormalization, Out: 1, In: []*tensor.Tensor{optest.Of(t, tensor.Float32, make([]float64, 128*384), 1, 128, 384),
		optest.Of(t, tensor.Float32, make([]float64, 384)), optest.Of(t, tensor.Float32, make([]float64, 384))}}
	b, err := n.Bind(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Again(); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNormalizationAllocatesNothing(t *testing.T) {
	b := benchNorm(t)
	if n := testing.AllocsPerRun(3, func() { b.Again() }); n != 0 {
		t.Errorf("LayerNormalization allocates %v times a run", n)
	}
}

func BenchmarkLayerNorm128x384(b *testing.B) {
	n := benchNorm(b)
	for b.Loop() {
		if err := n.Again(); err != nil {
			b.Fatal(err)
		}
	}
}
