package training_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops/training"
	"ingot/tensor"
)

// load makes a model of one node with the inputs R (float32[1]), T and those given, and n outputs.
func load(op string, in []*tensor.Tensor, n int, attrs ...*loader.Attr) (*ingot.Model, error) {
	g := &loader.Graph{Name: "g", Inputs: []*loader.ValueInfo{onnxpb.Value("R", tensor.Float32, 1), onnxpb.Value("T", tensor.Int64)}}
	names, outs := []string{"R", "T"}, []string{}
	for i, t := range in {
		dims := []any{}
		for _, d := range t.Dims() {
			dims = append(dims, d)
		}
		names = append(names, fmt.Sprint("x", i))
		g.Inputs = append(g.Inputs, onnxpb.Value(names[2+i], t.DType(), dims...))
	}
	for i := range n {
		outs = append(outs, fmt.Sprint("y", i))
		g.Outputs = append(g.Outputs, onnxpb.Value(outs[i], tensor.Invalid))
	}
	node := onnxpb.Node(op, names, outs, attrs...)
	node.Domain = training.Domain
	g.Nodes = []*loader.Node{node}
	b, err := onnxpb.Encode(&loader.Model{IRVersion: 10, Opsets: []loader.OpsetImport{{Version: 20}, {Domain: training.Domain, Version: 1}}, Graph: g})
	if err != nil {
		return nil, err
	}
	return ingot.LoadBytes(b)
}

// TestSteps updates a scalar in float64 and two numbers in float32 together, first and later, and compares with the formulas.
func TestSteps(t *testing.T) {
	const norm, alpha, beta, eps, decay, post = 0.25, 0.5, 0.75, 0.125, 0.5, 0.0625 // exact in either type
	const rate = 0.5
	attr := func(name string, v any) *loader.Attr { return onnxpb.Attr(name, v) }
	common := []*loader.Attr{attr("norm_coefficient", float32(norm))}
	both := append(common[:1:1], attr("alpha", float32(alpha)), attr("beta", float32(beta)))
	first := func(t, then, atFirst float64) float64 {
		if t > 0 {
			return then
		}
		return atFirst
	}
	for _, c := range []struct {
		name   string
		op     string
		attrs  []*loader.Attr
		states int
		step   func(t, x, g float64, s []float64) []float64 // the new x and states
	}{
		{"Adagrad", "Adagrad", append(common[:1:1], attr("decay_factor", float32(decay)), attr("epsilon", float32(eps))), 1, func(t, x, g float64, s []float64) []float64 {
			g += norm * x
			h := s[0] + g*g
			return []float64{x - rate/(1+t*decay)*g/(math.Sqrt(h)+eps), h}
		}},
		{"Adam", "Adam", append(both[:3:3], attr("norm_coefficient_post", float32(post)), attr("epsilon", float32(eps))), 2, func(t, x, g float64, s []float64) []float64 {
			g += norm * x
			v, h := alpha*s[0]+(1-alpha)*g, beta*s[1]+(1-beta)*g*g
			r := first(t, rate*math.Sqrt(1-math.Pow(beta, t))/(1-math.Pow(alpha, t)), rate)
			return []float64{(1 - post) * (x - r*v/(math.Sqrt(h)+eps)), v, h}
		}},
		{"standard", "Momentum", append(both[:3:3], attr("mode", "standard")), 1, func(t, x, g float64, s []float64) []float64 {
			g += norm * x
			v := alpha*s[0] + first(t, beta, 1)*g
			return []float64{x - rate*v, v}
		}},
		{"Nesterov", "Momentum", append(both[:3:3], attr("mode", "nesterov")), 1, func(t, x, g float64, s []float64) []float64 {
			g += norm * x
			v := alpha*s[0] + first(t, beta, 1)*g
			return []float64{x - rate*(g+alpha*v), v}
		}},
	} {
		var in []*tensor.Tensor
		var values [][]float64 // by input: the scalar, then the two numbers
		for k := range 2 + c.states {
			v := []float64{2 - float64(k), 1.5 * float64(k+1), 0.375 + float64(k)}
			values = append(values, v)
			in = append(in, tensor.Scalar(v[0]), tensor.Of([]float32{float32(v[1]), float32(v[2])}))
		}
		m, err := load(c.op, in, 2*(1+c.states), c.attrs...)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, count := range []int64{0, 3} {
			inputs := ingot.Inputs{"R": tensor.Of([]float32{rate}), "T": tensor.Scalar(count)}
			for i, x := range in {
				inputs[fmt.Sprint("x", i)] = x
			}
			out, err := m.Run(context.Background(), inputs)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			for e := range 3 {
				var s []float64
				for k := range c.states {
					s = append(s, values[2+k][e])
				}
				for k, want := range c.step(float64(count), values[0][e], values[1][e], s) {
					var got float64
					if e == 0 {
						y := out[fmt.Sprint("y", 2*k)]
						if got = tensor.View[float64](y)[0]; y.Rank() != 0 {
							t.Errorf("%s: a scalar became %v", c.name, y.Dims())
						}
					} else {
						got = float64(tensor.View[float32](out[fmt.Sprint("y", 2*k+1)])[e-1])
					}
					if math.Abs(got-want) > 1e-6 {
						t.Errorf("%s after %d steps, output %d, element %d: %v, want %v", c.name, count, k, e, got, want)
					}
				}
			}
		}
		m.Close()
	}
}

func TestRefused(t *testing.T) {
	x := tensor.Of([]float32{1})
	attr := func(name string, v any) *loader.Attr { return onnxpb.Attr(name, v) }
	momentum := []*loader.Attr{attr("alpha", float32(1)), attr("beta", float32(1)), attr("norm_coefficient", float32(0))}
	for _, c := range []struct {
		op      string
		in, out int
		attrs   []*loader.Attr
		want    string
	}{
		{"Adam", 5, 2, nil, "groups of 4"},
		{"Adagrad", 3, 3, nil, "nothing computes output 2"},
		{"Momentum", 3, 2, append(momentum[:3:3], attr("mode", "fast")), "standard or nesterov"},
		{"Momentum", 3, 2, momentum, "mode"},
		{"Gradient", 1, 1, nil, "Gradient"},
	} {
		in := []*tensor.Tensor{}
		for range c.in {
			in = append(in, x)
		}
		if _, err := load(c.op, in, c.out, c.attrs...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %d tensors: %v, want %q", c.op, c.in, err, c.want)
		}
	}
}
