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

// Tests of the layers around attention: rotary embeddings, linear attention, causal convolution, and FlexAttention().

var tolerances = map[tensor.DType]float64{tensor.Float32: 2e-5, tensor.Float64: 1e-9, tensor.Float16: 4e-3, tensor.BFloat16: 3e-2}

func TestRotary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 9))
	const batch, heads, seq, size, positions = 2, 3, 4, 10, 9
	for _, rotated := range []int{0, 6} {
		for _, interleaved := range []bool{false, true} {
			for _, packed := range []bool{false, true} {
				for _, byID := range []bool{false, true} {
					half := size / 2
					if rotated > 0 {
						half = rotated / 2
					}
					x, ids := draw(rnd, batch*heads*seq*size), make([]int64, batch*seq)
					rows := batch * seq
					if byID {
						rows = positions
					}
					cos, sin := draw(rnd, rows*half), draw(rnd, rows*half)
					want := append([]float64{}, x...)
					for b := range batch {
						for s := range seq {
							at := b*seq + s
							if byID {
								ids[at] = rnd.Int64N(positions)
								at = int(ids[at])
							}
							for h := range heads {
								row := ((b*heads+h)*seq + s) * size
								for i := range half {
									p, q := row+i, row+i+half
									if interleaved {
										p, q = row+2*i, row+2*i+1
									}
									c, n := cos[at*half+i], sin[at*half+i]
									want[p], want[q] = c*x[p]-n*x[q], n*x[p]+c*x[q]
								}
							}
						}
					}
					for _, dt := range RotaryEmbedding.Newest().TypeSet("T").Tensor.List() {
						n := &optest.Node{Op: RotaryEmbedding, Out: 1, Attrs: optest.Attrs("interleaved", bit(interleaved), "rotary_embedding_dim", rotated)}
						n.In = []*tensor.Tensor{optest.Of(t, dt, x, batch, heads, seq, size)}
						if byID {
							n.In = append(n.In, optest.Of(t, dt, cos, positions, half), optest.Of(t, dt, sin, positions, half), tensor.Of(ids, batch, seq))
						} else {
							n.In = append(n.In, optest.Of(t, dt, cos, batch, seq, half), optest.Of(t, dt, sin, batch, seq, half))
						}
						w := want
						if packed {
							n.Attrs["num_heads"] = ops.IntAttr(heads)
							n.In[0] = optest.Of(t, dt, foldHeads(x, batch, heads, seq, size), batch, seq, heads*size)
							w = foldHeads(want, batch, heads, seq, size)
						}
						closeTo(t, fmt.Sprint(rotated, interleaved, packed, byID, dt), n.Run(t)[0], w, tolerances[dt])
					}
				}
			}
		}
	}
}

// TestRotaryShared has caches of batch 1, whose angles are a quarter turn and none, and two elements in the batch.
func TestRotaryShared(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	for _, dims := range [][]int{{2, 1, 2, 2}, {2, 2, 2}} { // heads before positions, and within the last dimension
		for dt, cos := range map[tensor.DType]*tensor.Tensor{
			tensor.Float32: optest.Of(t, tensor.Float32, []float64{0, 1}, 1, 2, 1), tensor.Float16: optest.Of(t, tensor.Float16, []float64{0, 1}, 1, 2, 1),
		} {
			n := &optest.Node{Op: RotaryEmbedding, Out: 1, Attrs: optest.Attrs("num_heads", 1),
				In: []*tensor.Tensor{optest.Of(t, dt, x, dims...), cos, optest.Of(t, dt, []float64{1, 0}, 1, 2, 1)}}
			closeTo(t, fmt.Sprint(dt, dims), n.Run(t)[0], []float64{-2, 1, 3, 4, -6, 5, 7, 8}, 1e-6)
		}
	}
}

func TestRotaryErrors(t *testing.T) {
	z := func(dims ...int) *tensor.Tensor {
		return optest.Of(t, tensor.Float32, make([]float64, volume(dims)), dims...)
	}
	x, cache := z(1, 2, 3, 4), z(1, 3, 2)
	ids := tensor.Of([]int64{0, 5, 1}, 1, 3)
	optest.Fails(t, RotaryEmbedding, nil, "the attribute num_heads is needed", z(1, 3, 8), cache, cache)
	optest.Fails(t, RotaryEmbedding, nil, "the head size 3 is odd", z(1, 2, 3, 3), cache, cache)
	optest.Fails(t, RotaryEmbedding, optest.Attrs("rotary_embedding_dim", 3), "must be even", x, cache, cache)
	optest.Fails(t, RotaryEmbedding, optest.Attrs("rotary_embedding_dim", 6), "at most the head size", x, cache, cache)
	optest.Fails(t, RotaryEmbedding, nil, "cos_cache is [1,3,3]; it must be [1,3,2]", x, z(1, 3, 3), cache)
	optest.Fails(t, RotaryEmbedding, nil, "they must have one shape", x, z(6, 2), z(5, 2), ids)
	optest.Fails(t, RotaryEmbedding, nil, "position_ids has 5 at 1; the caches have 5 positions", x, z(5, 2), z(5, 2), ids)
	optest.Fails(t, RotaryEmbedding, nil, "position_ids is [3]", x, z(5, 2), z(5, 2), tensor.Of([]int64{0, 0, 0}, 3))
}

func TestLinearAttention(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 9))
	const batch, seq, heads, kvHeads, dk, dv = 2, 5, 4, 2, 3, 6
	for _, rule := range []string{"linear", "gated", "delta", "gated_delta"} {
		for _, past := range []bool{false, true} {
			for _, narrow := range []bool{false, true} { // one gate for a head; one rate for all heads
				q, k, v := draw(rnd, batch*seq*heads*dk), draw(rnd, batch*seq*kvHeads*dk), draw(rnd, batch*seq*kvHeads*dv)
				decays, betas := kvHeads*dk, kvHeads
				if narrow {
					decays, betas = kvHeads, 1
				}
				g, beta := draw(rnd, batch*seq*decays), draw(rnd, batch*seq*betas)
				state := make([]float64, batch*kvHeads*dk*dv)
				first := draw(rnd, len(state))
				if past {
					copy(state, first)
				}
				gated, delta := rule == "gated" || rule == "gated_delta", rule == "delta" || rule == "gated_delta"
				want := make([]float64, batch*seq*heads*dv)
				for b := range batch {
					for h := range kvHeads {
						s := state[(b*kvHeads+h)*dk*dv:][:dk*dv]
						for i := range seq {
							at := b*seq + i
							key, val := k[(at*kvHeads+h)*dk:][:dk], append([]float64{}, v[(at*kvHeads+h)*dv:][:dv]...)
							for d := range dk {
								for m := range dv {
									if gated && narrow {
										s[d*dv+m] *= math.Exp(g[at*decays+h])
									} else if gated {
										s[d*dv+m] *= math.Exp(g[at*decays+h*dk+d])
									}
								}
							}
							if delta {
								for m := range dv {
									read := 0.0
									for d := range dk {
										read += s[d*dv+m] * key[d]
									}
									val[m] = beta[at*betas+h%betas] * (val[m] - read)
								}
							}
							for d := range dk {
								for m := range dv {
									s[d*dv+m] += key[d] * val[m]
								}
							}
							for x := h * heads / kvHeads; x < (h+1)*heads/kvHeads; x++ {
								for m := range dv {
									for d := range dk {
										want[(at*heads+x)*dv+m] += 0.5 * q[(at*heads+x)*dk+d] * s[d*dv+m]
									}
								}
							}
						}
					}
				}
				for _, dt := range LinearAttention().Newest().TypeSet("T").Tensor.List() {
					n := &optest.Node{Op: LinearAttention(), Out: 2, In: make([]*tensor.Tensor, 6), Attrs: optest.Attrs("q_num_heads", heads, "kv_num_heads", kvHeads, "update_rule", rule, "scale", 0.5)}
					n.In[0], n.In[1], n.In[2] = optest.Of(t, dt, q, batch, seq, heads*dk), optest.Of(t, dt, k, batch, seq, kvHeads*dk), optest.Of(t, dt, v, batch, seq, kvHeads*dv)
					if past {
						n.In[linPast] = optest.Of(t, tensor.Float32, first, batch, kvHeads, dk, dv)
					}
					if gated {
						n.In[linDecay] = optest.Of(t, dt, g, batch, seq, decays)
					}
					if delta {
						n.In[linBeta] = optest.Of(t, dt, beta, batch, seq, betas)
					}
					out := n.Run(t)
					what := fmt.Sprint(rule, past, narrow, dt)
					closeTo(t, what, out[0], want, tolerances[dt])
					closeTo(t, what+" state", out[1], state, tolerances[dt])
					if past && out[1].DType() != tensor.Float32 {
						t.Errorf("%s: the state is %s", what, out[1].DType())
					}
				}
			}
		}
	}
}

func TestLinearAttentionErrors(t *testing.T) {
	z := func(dims ...int) *tensor.Tensor {
		return optest.Of(t, tensor.Float32, make([]float64, volume(dims)), dims...)
	}
	q, k, v := z(1, 2, 12), z(1, 2, 6), z(1, 2, 8)
	attrs := func(rule string) ops.Attrs {
		return optest.Attrs("q_num_heads", 4, "kv_num_heads", 2, "update_rule", rule)
	}
	optest.Fails(t, LinearAttention(), attrs("fast"), "update_rule is \"fast\"", q, k, v)
	optest.Fails(t, LinearAttention(), attrs("gated"), "decay given: false", q, k, v)
	optest.Fails(t, LinearAttention(), attrs("linear"), "decay given: true", q, k, v, nil, z(1, 2, 2))
	optest.Fails(t, LinearAttention(), attrs("delta"), "beta given: false", q, k, v)
	optest.Fails(t, LinearAttention(), optest.Attrs("q_num_heads", 3, "kv_num_heads", 2, "update_rule", "linear"), "must be a positive multiple", q, k, v)
	optest.Fails(t, LinearAttention(), attrs("linear"), "isn't a multiple of the 4 heads", z(1, 2, 13), k, v)
	optest.Fails(t, LinearAttention(), attrs("linear"), "don't fit", z(1, 3, 12), k, v)
	optest.Fails(t, LinearAttention(), attrs("linear"), "past_state is [1,2,3,3]; it must be [1,2,3,4]", q, k, v, z(1, 2, 3, 3))
	optest.Fails(t, LinearAttention(), attrs("gated"), "decay is [1,2,3]", q, k, v, nil, z(1, 2, 3))
	optest.Fails(t, LinearAttention(), attrs("delta"), "beta is [1,2,3]", q, k, v, nil, nil, z(1, 2, 3))
}

func TestCausalConv(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 9))
	for _, size := range [][4]int{{2, 3, 5, 4}, {1, 2, 1, 4}, {2, 2, 40, 3}, {2, 2, 6, 1}, {0, 2, 3, 2}, {2, 0, 3, 2}, {2, 3, 0, 3}} {
		batch, channels, length, kernel := size[0], size[1], size[2], size[3]
		for _, full := range []bool{false, true} {
			x, w := draw(rnd, batch*channels*length), draw(rnd, channels*kernel)
			bias, past := draw(rnd, channels), draw(rnd, batch*channels*(kernel-1))
			var want, state []float64
			for r := range batch * channels {
				row := append(make([]float64, kernel-1), x[r*length:][:length]...)
				if full {
					copy(row, past[r*(kernel-1):][:kernel-1])
				}
				for i := range length {
					s := 0.0
					for j := range kernel {
						s += w[r%channels*kernel+j] * row[i+j]
					}
					if full {
						s += bias[r%channels]
						s /= 1 + math.Exp(-s)
					}
					want = append(want, s)
				}
				state = append(state, row[length:]...)
			}
			for _, dt := range CausalConvWithState().Newest().TypeSet("T").Tensor.List() {
				n := &optest.Node{Op: CausalConvWithState(), Out: 2, Attrs: ops.Attrs{}}
				n.In = []*tensor.Tensor{optest.Of(t, dt, x, batch, channels, length), optest.Of(t, dt, w, channels, 1, kernel)}
				if full {
					n.In = append(n.In, optest.Of(t, dt, bias, channels), optest.Of(t, dt, past, batch, channels, kernel-1))
					n.Attrs["activation"] = ops.StringAttr("silu")
				}
				out := n.Run(t)
				closeTo(t, fmt.Sprint(size, full, dt), out[0], want, tolerances[dt])
				closeTo(t, fmt.Sprint(size, full, dt, " state"), out[1], state, 0)
			}
		}
	}
	z := func(dims ...int) *tensor.Tensor {
		return optest.Of(t, tensor.Float32, make([]float64, volume(dims)), dims...)
	}
	optest.Fails(t, CausalConvWithState(), optest.Attrs("activation", "relu"), "activation is \"relu\"", z(1, 2, 3), z(2, 1, 2))
	optest.Fails(t, CausalConvWithState(), nil, "both must have 3 dimensions", z(2, 3), z(2, 1, 2))
	optest.Fails(t, CausalConvWithState(), nil, "weight is [3,1,2]; it must be [2,1,2]", z(1, 2, 3), z(3, 1, 2))
	optest.Fails(t, CausalConvWithState(), nil, "the kernel is empty", z(1, 2, 3), z(2, 1, 0))
	optest.Fails(t, CausalConvWithState(), nil, "bias is [3]", z(1, 2, 3), z(2, 1, 2), z(3))
	optest.Fails(t, CausalConvWithState(), nil, "past_state is [1,2,2]; it must be [1,2,1]", z(1, 2, 3), z(2, 1, 2), nil, z(1, 2, 2))
}

// TestFlexAttention has a body that doubles: as score_mod it doubles the scale, as prob_mod the result.
func TestFlexAttention(t *testing.T) {
	a := attCase{batch: 2, heads: 4, kvHeads: 2, queries: 5, keys: 6, size: 8, vSize: 3, left: -1, right: -1, scale: 0.25}
	a.fill(rand.New(rand.NewPCG(4, 9)))
	double := func(_ *ops.Subgraph, in []tensor.Value) ([]tensor.Value, error) {
		x := in[0].(*tensor.Tensor).Clone()
		v := optest.Floats(x)
		for i := range v {
			v[i] *= 2
		}
		return []tensor.Value{optest.Of(t, x.DType(), v, x.Dims()...)}, nil
	}
	body := &ops.Attr{Kind: ops.AttrGraph, G: &ops.Subgraph{NumIn: 1, NumOut: 1}}
	for _, dt := range FlexAttention().Newest().TypeSet("T1").Tensor.List() {
		for _, precision := range []tensor.DType{tensor.Invalid, tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16} {
			for _, mods := range []string{"", "score_mod", "prob_mod"} {
				n := a.node(t, dt)
				n.Op, n.Out, n.Skip, n.In, n.Body = FlexAttention(), 1, nil, n.In[:3], double
				n.Attrs = ops.Attrs{"scale": ops.FloatAttr(0.25)}
				if precision != tensor.Invalid {
					n.Attrs["softmax_precision"] = ops.IntAttr(precision)
				}
				ref := a
				if mods != "" {
					n.Attrs[mods] = body
				}
				if mods == "score_mod" {
					ref.scale = 0.5
				}
				want, _ := ref.run()
				if mods == "prob_mod" {
					for i := range want {
						want[i] *= 2
					}
				}
				tol := tolerances[dt]
				if precision != tensor.Invalid {
					tol = max(tol, tolerances[precision])
				}
				closeTo(t, fmt.Sprint(dt, precision, mods), n.Run(t)[0], want, 2*tol)
			}
		}
	}
	n := a.node(t, tensor.Float32)
	optest.Fails(t, FlexAttention(), optest.Attrs("softmax_precision", 3), "softmax_precision is 3", n.In[0], n.In[1], n.In[2])
	flat := optest.Of(t, tensor.Float32, make([]float64, 8), 1, 2, 4)
	optest.Fails(t, FlexAttention(), nil, "must have 4 dimensions", flat, flat, flat)
}

// TestFlexAttentionHidden has a row without any finite score: NaN, as Softmax has it.
func TestFlexAttentionHidden(t *testing.T) {
	inf := math.Inf(-1)
	q, k := optest.Of(t, tensor.Float32, []float64{1}, 1, 1, 1, 1), optest.Of(t, tensor.Float32, []float64{inf, inf}, 1, 1, 2, 1)
	n := &optest.Node{Op: FlexAttention(), Out: 1, In: []*tensor.Tensor{q, k, optest.Of(t, tensor.Float32, []float64{1, 2}, 1, 1, 2, 1)}}
	if v := optest.Floats(n.Run(t)[0])[0]; !math.IsNaN(v) {
		t.Errorf("FlexAttention gives %v", v)
	}
	n.Op = Attention()
	if v := optest.Floats(n.Run(t)[0])[0]; v != 0 {
		t.Errorf("Attention gives %v", v)
	}
}
