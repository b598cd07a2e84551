package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ingot/ops"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

// index returns the coordinates of element pos.
func index(pos int, dims []int) []int {
	out := make([]int, len(dims))
	for i := len(dims) - 1; i >= 0; i-- {
		out[i] = pos % dims[i]
		pos /= dims[i]
	}
	return out
}

// groupStats returns means and variances of the elements that key gives one name.
func groupStats(x []float64, key func(pos int) string) (mean, variance map[string]float64) {
	mean, variance = map[string]float64{}, map[string]float64{}
	n := map[string]float64{}
	for i, v := range x {
		mean[key(i)] += v
		n[key(i)]++
	}
	for k := range mean {
		mean[k] /= n[k]
	}
	for i, v := range x {
		d := v - mean[key(i)]
		variance[key(i)] += d * d / n[key(i)]
	}
	return mean, variance
}

var momentTypes = []struct {
	dt  tensor.DType
	tol float64
}{{tensor.Float64, 1e-10}, {tensor.Float32, 2e-4}, {tensor.Float16, 4e-3}, {tensor.BFloat16, 3e-2}}

func TestBatchNormalization(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, dims := range [][]int{{2, 3, 4, 5}, {4, 3}, {5}, {1, 2, 300, 200}, {3, 700, 1}, {2, 3, 2, 3, 2}, {0, 3, 4}, {2, 3, 0}, {40000, 5}} {
		channels, pixels := 1, 1
		if len(dims) > 1 {
			channels, pixels = dims[1], volume(dims[2:])
		}
		x := draw(rnd, volume(dims))
		gamma, beta, mean, variance := draw(rnd, channels), draw(rnd, channels), draw(rnd, channels), draw(rnd, channels)
		for i, v := range variance {
			variance[i] = math.Abs(v) + 0.25
		}
		channel := func(pos int) int { return pos / max(pixels, 1) % channels }
		for _, ty := range momentTypes {
			vec := func(v []float64) *tensor.Tensor { return optest.Of(t, ty.dt, v) }
			n := optest.Node{Op: BatchNormalization, Attrs: optest.Attrs("epsilon", 0.125), Out: 1,
				In: []*tensor.Tensor{optest.Of(t, ty.dt, x, dims...), vec(gamma), vec(beta), vec(mean), vec(variance)}}
			want := make([]float64, len(x))
			for i, v := range x {
				c := channel(i)
				want[i] = (v-mean[c])/math.Sqrt(variance[c]+0.125)*gamma[c] + beta[c]
			}
			closeTo(t, fmt.Sprint("inference ", ty.dt, dims), n.Run(t)[0], want, ty.tol)

			if len(x) == 0 {
				continue
			}
			n.Attrs = optest.Attrs("epsilon", 0.125, "momentum", 0.75, "training_mode", 1)
			n.Out = 3
			m, v := groupStats(x, func(pos int) string { return fmt.Sprint(channel(pos)) })
			newMean, newVariance := make([]float64, channels), make([]float64, channels)
			for c := range channels {
				key := fmt.Sprint(c)
				newMean[c], newVariance[c] = 0.75*mean[c]+0.25*m[key], 0.75*variance[c]+0.25*v[key]
			}
			for i, e := range x {
				c := channel(i)
				key := fmt.Sprint(c)
				want[i] = (e-m[key])/math.Sqrt(v[key]+0.125)*gamma[c] + beta[c]
			}
			got := n.Run(t)
			what := fmt.Sprint("training ", ty.dt, dims)
			closeTo(t, what, got[0], want, ty.tol)
			closeTo(t, what+" mean", got[1], newMean, ty.tol)
			closeTo(t, what+" variance", got[2], newVariance, ty.tol)
			n.Skip = []int{1}
			closeTo(t, what+" variance alone", n.Run(t)[2], newVariance, ty.tol)
		}
	}
}

// TestBatchNormalizationMixed has types of parameters that differ from that of the images.
func TestBatchNormalizationMixed(t *testing.T) {
	one := func(dt tensor.DType, v float64) *tensor.Tensor { return optest.Of(t, dt, []float64{v}) }
	n := optest.Node{Op: BatchNormalization, Out: 3, Attrs: optest.Attrs("epsilon", 0.0, "training_mode", 1, "momentum", 0.0), In: []*tensor.Tensor{
		optest.Of(t, tensor.Float16, []float64{1, 3}, 2, 1), one(tensor.Float32, 2), one(tensor.Float32, 5), one(tensor.Float64, 0), one(tensor.Float64, 0)}}
	got := n.Run(t)
	optest.Check(t, "Y", got[0], tensor.Float16, "[2,1]", []float64{3, 7}, 0)
	optest.Check(t, "running_mean", got[1], tensor.Float64, "[1]", []float64{2}, 0)
	optest.Check(t, "running_var", got[2], tensor.Float64, "[1]", []float64{1}, 0)
}

func TestInstanceAndGroupNormalization(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		dims   []int
		groups int // 0: InstanceNormalization
	}{
		{[]int{2, 3, 4}, 0}, {[]int{2, 3, 50, 100}, 0}, {[]int{1, 2, 1}, 0}, {[]int{1, 3, 130, 130}, 0}, {[]int{2, 2, 2, 3, 2}, 0},
		{[]int{2, 6, 5, 5}, 2}, {[]int{2, 6, 5, 5}, 6}, {[]int{2, 6, 5, 5}, 1}, {[]int{3, 8}, 4}, {[]int{1, 4, 90, 90}, 2}, {[]int{0, 4, 2}, 2},
	} {
		channels, pixels := c.dims[1], volume(c.dims[2:])
		x, gamma, beta := draw(rnd, volume(c.dims)), draw(rnd, channels), draw(rnd, channels)
		for i := range x {
			x[i] += 2
		}
		op, attrs, per := InstanceNormalization, optest.Attrs("epsilon", 0.0625), 1
		if c.groups > 0 {
			op, attrs, per = GroupNormalization, optest.Attrs("epsilon", 0.0625, "num_groups", c.groups), channels/c.groups
		}
		key := func(pos int) string { return fmt.Sprint(pos / (per * pixels)) }
		mean, variance := groupStats(x, key)
		want := make([]float64, len(x))
		for i, v := range x {
			ch := i / pixels % channels
			want[i] = (v-mean[key(i)])/math.Sqrt(variance[key(i)]+0.0625)*gamma[ch] + beta[ch]
		}
		for _, ty := range momentTypes {
			n := optest.Node{Op: op, Attrs: attrs, Out: 1,
				In: []*tensor.Tensor{optest.Of(t, ty.dt, x, c.dims...), optest.Of(t, ty.dt, gamma), optest.Of(t, ty.dt, beta)}}
			closeTo(t, fmt.Sprint(op, ty.dt, c.dims, c.groups), n.Run(t)[0], want, ty.tol*4)
		}
	}
}

// TestFarFromZero has a mean that is large against the deviation, where E[x²] - mean² would have no digit left.
func TestFarFromZero(t *testing.T) {
	x := optest.Of(t, tensor.Float32, []float64{40001, 40003, 39999, 39997}, 1, 1, 4)
	one, zero := optest.Of(t, tensor.Float32, []float64{1}), optest.Of(t, tensor.Float32, []float64{0})
	root := math.Sqrt(5)
	want := []float64{1 / root, 3 / root, -1 / root, -3 / root}
	got := optest.Eval(t, InstanceNormalization, optest.Attrs("epsilon", 0.0), x, one, zero)
	optest.Check(t, "InstanceNormalization", got, tensor.Float32, "[1,1,4]", want, 1e-6)
	got = optest.Eval(t, MeanVarianceNormalization(), optest.Attrs("axes", []int{-1}), x)
	optest.Check(t, "MeanVarianceNormalization", got, tensor.Float32, "[1,1,4]", want, 1e-6)
}

func TestNormalizationAlongAxes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		dims, axes []int
		p          int // 0: MeanVarianceNormalization()
	}{
		{[]int{2, 3, 4, 5}, nil, 0}, {[]int{2, 3, 4, 5}, []int{1}, 0}, {[]int{2, 3, 4, 5}, []int{0, 2}, 0}, {[]int{2, 3, 4, 5}, []int{-1, -3}, 0},
		{[]int{2, 3, 4, 5}, []int{3}, 0}, {[]int{2, 3, 4, 5}, []int{0, 1, 2, 3}, 0}, {[]int{3, 1200}, []int{0}, 0}, {[]int{4, 20000}, []int{1}, 0},
		{[]int{2, 1, 3, 1}, []int{1, 2}, 0}, {[]int{3, 4}, []int{}, 0},
		{[]int{2, 3, 4}, []int{0}, 1}, {[]int{2, 3, 4}, []int{1}, 2}, {[]int{2, 3, 4}, []int{-1}, 1}, {[]int{2, 3, 4}, []int{2}, 2},
		{[]int{2, 5, 700}, []int{1}, 2}, {[]int{300, 300}, []int{1}, 2}, {[]int{300, 300}, []int{0}, 1}, {[]int{1}, []int{0}, 2}, {[]int{2, 0, 3}, []int{1}, 2},
	} {
		axes := c.axes
		if axes == nil {
			axes = []int{0, 2, 3}
		}
		x := draw(rnd, volume(c.dims))
		key := func(pos int) string {
			at := index(pos, c.dims)
			for _, a := range axes {
				at[(a+len(at))%len(at)] = -1
			}
			return fmt.Sprint(at)
		}
		want := make([]float64, len(x))
		op, attrs := LpNormalization(), ops.Attrs{}
		if c.p == 0 {
			op = MeanVarianceNormalization()
			if c.axes != nil {
				attrs = ops.Attrs{"axes": optest.Attr(c.axes)}
			}
			mean, variance := groupStats(x, key)
			for i, v := range x {
				want[i] = (v - mean[key(i)]) / (math.Sqrt(variance[key(i)]) + 1e-9)
			}
		} else {
			attrs = optest.Attrs("axis", c.axes[0], "p", c.p)
			norm := map[string]float64{}
			for i, v := range x {
				norm[key(i)] += math.Pow(math.Abs(v), float64(c.p))
			}
			for i, v := range x {
				if n := norm[key(i)]; n != 0 {
					want[i] = v / math.Pow(n, 1/float64(c.p))
				}
			}
		}
		for _, ty := range momentTypes {
			n := optest.Node{Op: op, Attrs: attrs, Out: 1, In: []*tensor.Tensor{optest.Of(t, ty.dt, x, c.dims...)}}
			closeTo(t, fmt.Sprint(op, ty.dt, c.dims, c.axes, c.p), n.Run(t)[0], want, ty.tol)
		}
	}
	zeros := optest.Of(t, tensor.Float32, make([]float64, 4), 2, 2)
	for _, axis := range []int{0, 1} {
		got := optest.Eval(t, LpNormalization(), optest.Attrs("axis", axis), zeros)
		optest.Check(t, "norm of zeros", got, tensor.Float32, "[2,2]", []float64{0, 0, 0, 0}, 0)
	}
}

func TestLRN(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for _, c := range []struct {
		dims []int
		size int
		beta float64
	}{{[]int{2, 7, 3, 3}, 3, 0.75}, {[]int{1, 5, 2}, 4, 0.75}, {[]int{1, 5, 2}, 1, 2}, {[]int{2, 3}, 99, 0.3}, {[]int{1, 4, 60, 60}, 5, 0.75},
		{[]int{1, 0, 4}, 3, 1}, {[]int{0, 4}, 3, 1}} {
		x := draw(rnd, volume(c.dims))
		pixels := volume(c.dims[2:])
		want := make([]float64, len(x))
		for i, v := range x {
			ch, sum := i/pixels%c.dims[1], 0.0
			for j := max(0, ch-(c.size-1)/2); j <= min(c.dims[1]-1, ch+c.size/2); j++ {
				sum += x[i+(j-ch)*pixels] * x[i+(j-ch)*pixels]
			}
			want[i] = v / math.Pow(1.5+0.5/float64(c.size)*sum, float64(float32(c.beta)))
		}
		for _, ty := range momentTypes {
			n := optest.Node{Op: LRN(), Attrs: optest.Attrs("size", c.size, "alpha", 0.5, "bias", 1.5, "beta", c.beta), Out: 1,
				In: []*tensor.Tensor{optest.Of(t, ty.dt, x, c.dims...)}}
			closeTo(t, fmt.Sprint(ty.dt, c.dims, c.size, c.beta), n.Run(t)[0], want, ty.tol)
		}
	}
}

func TestNormalizerErrors(t *testing.T) {
	x := func(dims ...int) *tensor.Tensor {
		return optest.Of(t, tensor.Float32, make([]float64, volume(dims)), dims...)
	}
	for _, c := range []struct {
		op    *ops.Op
		attrs ops.Attrs
		want  string
		in    []*tensor.Tensor
	}{
		{BatchNormalization, nil, "B is [2]", []*tensor.Tensor{x(1, 3, 2), x(3), x(2), x(3), x(3)}},
		{BatchNormalization, nil, "input_var is [3,1]", []*tensor.Tensor{x(1, 3, 2), x(3), x(3), x(3), x(3, 1)}},
		{BatchNormalization, nil, "training_mode", []*tensor.Tensor{x(1, 3, 2), x(3), x(3), x(3), x(3)}},
		{BatchNormalization, nil, "scalar", []*tensor.Tensor{optest.Scalar(t, tensor.Float32, 1), x(1), x(1), x(1), x(1)}},
		{InstanceNormalization, nil, "rank 2", []*tensor.Tensor{x(1, 3), x(3), x(3)}},
		{InstanceNormalization, nil, "scale is [1]", []*tensor.Tensor{x(1, 3, 2), x(1), x(3)}},
		{GroupNormalization, optest.Attrs("num_groups", 2), "3 channels", []*tensor.Tensor{x(1, 3, 2), x(3), x(3)}},
		{GroupNormalization, optest.Attrs("num_groups", 0), "num_groups", []*tensor.Tensor{x(1, 3, 2), x(3), x(3)}},
		{GroupNormalization, optest.Attrs("num_groups", 2), "scale is [2]", []*tensor.Tensor{x(1, 4, 2), x(2), x(4)}},
		{GroupNormalization, optest.Attrs("num_groups", 2, "stash_type", 7), "stash_type", []*tensor.Tensor{x(1, 4, 2), x(4), x(4)}},
		{MeanVarianceNormalization(), nil, "axis 3", []*tensor.Tensor{x(1, 4, 2)}},
		{MeanVarianceNormalization(), optest.Attrs("axes", []int{0, -2}), "twice", []*tensor.Tensor{x(4, 2)}},
		{LpNormalization(), optest.Attrs("axis", 2), "axis 2", []*tensor.Tensor{x(4, 2)}},
		{LpNormalization(), optest.Attrs("p", 3), "attribute p", []*tensor.Tensor{x(4, 2)}},
		{LRN(), optest.Attrs("size", 0), "attribute size", []*tensor.Tensor{x(4, 2)}},
		{LRN(), optest.Attrs("size", 1), "channels", []*tensor.Tensor{x(4)}},
	} {
		in := make([]tensor.Value, len(c.in))
		for i, v := range c.in {
			in[i] = v
		}
		optest.Fails(t, c.op, c.attrs, c.want, in...)
	}
}

func TestNormalizersAllocateNothing(t *testing.T) {
	x := optest.Of(t, tensor.Float32, make([]float64, 2*6*70*70), 2, 6, 70, 70)
	half := optest.Of(t, tensor.Float16, make([]float64, 2*6*9), 2, 6, 9)
	v := optest.Of(t, tensor.Float32, slices.Repeat([]float64{1}, 6))
	for _, n := range []optest.Node{
		{Op: BatchNormalization, In: []*tensor.Tensor{x, v, v, v, v}},
		{Op: BatchNormalization, In: []*tensor.Tensor{half, v, v, v, v}},
		{Op: InstanceNormalization, In: []*tensor.Tensor{x, v, v}},
		{Op: GroupNormalization, Attrs: optest.Attrs("num_groups", 3), In: []*tensor.Tensor{x, v, v}},
		{Op: MeanVarianceNormalization(), In: []*tensor.Tensor{x}},
		{Op: LpNormalization(), Attrs: optest.Attrs("axis", 1), In: []*tensor.Tensor{half}},
		{Op: LRN(), Attrs: optest.Attrs("size", 5), In: []*tensor.Tensor{x}},
	} {
		n.Out = 1
		b, err := n.Bind(0)
		if err != nil {
			t.Fatal(err)
		}
		if got := testing.AllocsPerRun(3, func() { err = b.Again() }); got != 0 || err != nil {
			t.Errorf("%s: %v allocations a run, %v", n.Op, got, err)
		}
	}
}

func BenchmarkBatchNorm(b *testing.B) {
	x := optest.Of(b, tensor.Float32, make([]float64, 64*56*56), 1, 64, 56, 56)
	v := optest.Of(b, tensor.Float32, slices.Repeat([]float64{1}, 64))
	for _, n := range []optest.Node{
		{Op: BatchNormalization, Out: 1, In: []*tensor.Tensor{x, v, v, v, v}},
		{Op: InstanceNormalization, Out: 1, In: []*tensor.Tensor{x, v, v}},
		{Op: LRN(), Out: 1, Attrs: optest.Attrs("size", 5), In: []*tensor.Tensor{x}},
	} {
		k, err := n.Bind(0)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(n.Op.Name, func(b *testing.B) {
			b.SetBytes(int64(8 * x.Len()))
			for b.Loop() {
				k.Again()
			}
		})
	}
}
