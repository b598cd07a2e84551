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

func TestLosses(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 11))
	for _, dims := range [][]int{{4, 5}, {3, 4, 6}, {2, 3, 2, 2, 3}, {1, 1}, {0, 3}} {
		batch, classes, inner := dims[0], dims[1], volume(dims[2:])
		x := draw(rnd, volume(dims))
		logs := make([]float64, len(x))
		for i := range x {
			n, d := i/(classes*inner), i%inner
			sum := 0.0
			for c := range classes {
				sum += math.Exp(x[(n*classes+c)*inner+d])
			}
			logs[i] = x[i] - math.Log(sum)
		}
		labels := make([]int64, batch*inner)
		for i := range labels {
			labels[i] = rnd.Int64N(int64(classes))
		}
		weights := make([]float64, classes)
		for c := range weights {
			weights[c] = float64(c+1) / 4
		}
		labelDims := append([]int{batch}, dims[2:]...)
		for _, ignore := range []int64{math.MinInt64, 0, -1} {
			for _, weighted := range []bool{false, true} {
				for _, reduction := range []string{"none", "sum", "mean"} {
					for _, softmax := range []bool{false, true} {
						from := x
						if softmax {
							from = logs
						}
						ls := append([]int64{}, labels...)
						if ignore == -1 && len(ls) > 1 {
							ls[0] = -1
						}
						var each []float64
						sum, total := 0.0, 0.0
						for i, l := range ls {
							w := 1.0
							if l == ignore {
								each = append(each, 0)
								continue
							}
							if weighted {
								w = weights[l]
							}
							v := -from[(i/inner*classes+int(l))*inner+i%inner] * w
							each, sum, total = append(each, v), sum+v, total+w
						}
						want := each
						if reduction == "sum" {
							want = []float64{sum}
						} else if reduction == "mean" {
							want = []float64{sum / total}
						}
						for dt, tol := range tolerances {
							n := &optest.Node{Op: NegativeLogLikelihoodLoss(), Out: 1, Attrs: optest.Attrs("reduction", reduction)}
							n.In = []*tensor.Tensor{optest.Of(t, dt, x, dims...), tensor.Of(ls, labelDims...)}
							if ignore != math.MinInt64 {
								n.Attrs["ignore_index"] = ops.IntAttr(ignore)
							}
							if weighted {
								n.In = append(n.In, optest.Of(t, dt, weights))
							}
							if softmax {
								n.Op, n.Out = SoftmaxCrossEntropyLoss(), 2
							}
							out := n.Run(t)
							what := fmt.Sprint(dims, ignore, weighted, reduction, softmax, dt)
							if len(want) == 1 && math.IsNaN(want[0]) { // no sample counts
								if v := optest.Floats(out[0])[0]; !math.IsNaN(v) {
									t.Errorf("%s: %v", what, v)
								}
								continue
							}
							closeTo(t, what, out[0], want, tol)
							if softmax {
								closeTo(t, what+" log_prob", out[1], logs, tol)
							}
						}
					}
				}
			}
		}
	}
}

func TestLossErrors(t *testing.T) {
	x := optest.Of(t, tensor.Float32, make([]float64, 6), 2, 3)
	good := tensor.Of([]int64{0, 2}, 2)
	for _, op := range []*ops.Op{NegativeLogLikelihoodLoss(), SoftmaxCrossEntropyLoss()} {
		optest.Fails(t, op, optest.Attrs("reduction", "most"), "reduction is \"most\"", x, good)
		optest.Fails(t, op, nil, "the class at 1 is 3; there are 3", x, tensor.Of([]int64{0, 3}, 2))
		optest.Fails(t, op, nil, "the class at 0 is -1", x, tensor.Of([]int32{-1, 0}, 2))
		optest.Fails(t, op, nil, "is [3]; it must be [2]", x, tensor.Of([]int64{0, 0, 0}, 3))
		optest.Fails(t, op, nil, "is [2]; it must be [3]", x, good, optest.Of(t, tensor.Float32, []float64{1, 2}))
		optest.Fails(t, op, nil, "a dimension of samples and one of classes", optest.Of(t, tensor.Float32, []float64{1, 2}), good)
	}
}
