package contrib

import (
	"fmt"
	"math"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// fusedOps are what ONNX Runtime's optimisers make for graphics processors: patterns of standard operators under one name. It has no kernels of
// them for a CPU.
var fusedOps = []*ops.Op{
	expand("BiasSoftmax", "data:T, bias:T", "output:T", "T=floats", func(g graph, a *biasSoftmaxAttrs) error {
		sum := g.add(g.In(0), g.In(1)) // whether the bias is broadcast inside or outside follows from its shape
		flat := g.Op("Softmax", nil, g.Op("Flatten", attrs("axis", a.Axis), sum))
		return g.SetOut(0, g.Op("Reshape", nil, flat, g.Op("Shape", nil, g.In(0))))
	}),
	expand("BiasDropout", "data:T, bias:T, residual:T?, ratio:T1?, training_mode:T2?", "output:T, mask:T2?", "T=floats4; T1=floats4; T2=bool", func(g graph, a *dropoutAttrs) error {
		return a.dropout(g, g.add(g.In(0), g.In(1)), 2)
	}),
	expand("BitmaskBiasDropout", "data:T, bias:T, residual:T?, ratio:T1?, training_mode:T2?", "output:T, mask:T3?", "T=floats4; T1=floats4; T2=bool; T3=uint32", func(g graph, a *dropoutAttrs) error {
		if g.Wants(1) {
			return errBitmask
		}
		return a.dropout(g, g.add(g.In(0), g.In(1)), 2)
	}),
	expand("BitmaskDropout", "data:T, ratio:T1?, training_mode:T2?", "output:T, mask:T3?", "T=floats4; T1=floats4; T2=bool; T3=uint32", func(g graph, a *dropoutAttrs) error {
		if g.Wants(1) {
			return errBitmask
		}
		return a.dropout(g, g.In(0), 0)
	}),
	expand("ComplexMul", "A:T, B:T", "C:T", "T=floats", func(g graph, _ *noAttrs) error { return g.complexMul(1) }),
	expand("ComplexMulConj", "A:T, B:T", "C:T", "T=floats", func(g graph, _ *noAttrs) error { return g.complexMul(-1) }),
	expand("GemmaRotaryEmbedding", "emb:U, q:T, q_rot:T, k:T, k_rot:T", "output1:T, output2:T", "T=float16; U=float", func(g graph, _ *noAttrs) error {
		factor := func(name string) ops.Ref {
			return g.Op("Unsqueeze", nil, g.cast(g.Op(name, nil, g.In(0)), tensor.Float16), g.ints(1))
		}
		sin, cos := factor("Sin"), factor("Cos")
		for o := range 2 {
			if err := g.SetOut(o, g.add(g.mul(g.In(1+2*o), cos), g.mul(g.In(2+2*o), sin))); err != nil {
				return err
			}
		}
		return nil
	}),
	expand("IsAllFinite", "input:V*", "output:T", "V=floats4; T=bool", func(g graph, a *allFiniteAttrs) error {
		if a.IsinfOnly && a.IsnanOnly {
			return fmt.Errorf("isinf_only and isnan_only are both set")
		}
		var bad ops.Ref
		for i := 0; g.Has(i); i++ {
			x := g.wide(g.In(i))
			for _, test := range []struct {
				name string
				skip bool
			}{{"IsInf", a.IsnanOnly}, {"IsNaN", a.IsinfOnly}} {
				if !test.skip {
					bad = g.add(bad, g.Op("ReduceSum", attrs("keepdims", 0), g.cast(g.Op(test.name, nil, x), tensor.Float32)))
				}
			}
		}
		return g.SetOut(0, g.Op("Equal", nil, bad, g.Const(tensor.Scalar(float32(0)))))
	}),
	expand("RelativePositionBias", "bias_table:T, query_length:U, key_length:U", "output:T", "T=float|float16; U=int64", expandPositionBias),
	expand("GatedRelativePositionBias", "query_layer:T, query_bias:T, rel_pos:T, weight:T, bias:T, eco_a:T, token_offset:M?", "output:T", "T=float|float16; M=int32", expandGatedBias),
	expand("LongformerAttention", "input:T, weight:T, bias:T, mask:T, global_weight:T, global_bias:T, global:G", "output:T", "T=float|float16; G=int32", expandLongformer),
	expand("TorchEmbedding", "weight:T, indices:int64, padding_idx:int64?, scale_grad_by_freq:bool?", "Y:T", "T=ints|floats4", func(g graph, _ *noAttrs) error {
		return g.SetOut(0, g.Op("Gather", nil, g.In(0), g.In(1))) // the others concern gradients
	}),
	expand("SwiGLU", "gate:T, up:T?", "output:T", "T="+floatT, expandSwiGLU),
	expand("MatMulNBitsMlp", "A:T1, skip:T1?, norm_scale:T1?, gate_B:T2, gate_scales:T1, gate_bias:T1?, up_B:T2, up_scales:T1, up_bias:T1?", "Y:T1, input_skip_bias_sum:T1?",
		"T1="+floatT+"; T2=uint8", expandBitsMlp),
	expand("MatMulNBitsQkv", "A:T1, skip:T1?, norm_scale:T1, q_B:T2, q_scales:T1, q_bias:T1?, k_B:T2, k_scales:T1, k_bias:T1?, v_B:T2, v_scales:T1, v_bias:T1?",
		"Q:T1, K:T1, V:T1, input_skip_bias_sum:T1?", "T1="+floatT+"; T2=uint8", expandBitsQkv),
	removePadding, restorePadding,
}

type biasSoftmaxAttrs struct {
	Axis             int `onnx:",1"`
	IsInnerBroadcast int `onnx:",required"`
}

type dropoutAttrs struct{ Seed *int }

var errBitmask = fmt.Errorf("output mask is named; masks of bits, which only training needs, aren't computed")

// dropout adds a residual to what is left of x; ratio and training_mode stand behind that. Without training everything is.
func (a *dropoutAttrs) dropout(g graph, x ops.Ref, residual int) error {
	at := ops.Attrs{}
	if a.Seed != nil {
		at["seed"] = ops.IntAttr(*a.Seed)
	}
	out := g.Ops("Dropout", at, 2, x, g.In(residual+1), g.In(residual+2))
	if g.Wants(1) {
		if err := g.SetOut(1, out[1]); err != nil {
			return err
		}
	}
	if residual > 0 {
		return g.SetOut(0, g.add(out[0], g.In(residual)))
	}
	return g.SetOut(0, out[0])
}

// complexMul multiplies pairs of a real and an imaginary part, the last dimension; sign is that of B's imaginary part.
func (g graph) complexMul(sign float64) error {
	a, b := g.Ops("Split", attrs("axis", -1, "num_outputs", 2), 2, g.In(0)), g.Ops("Split", attrs("axis", -1, "num_outputs", 2), 2, g.In(1))
	if sign < 0 {
		b[1] = g.Op("Neg", nil, b[1])
	}
	re := g.Op("Sub", nil, g.mul(a[0], b[0]), g.mul(a[1], b[1]))
	im := g.add(g.mul(a[0], b[1]), g.mul(a[1], b[0]))
	return g.SetOut(0, g.Op("Concat", attrs("axis", -1), re, im))
}

type allFiniteAttrs struct {
	IsinfOnly bool `onnx:",0"`
	IsnanOnly bool `onnx:",0"`
}

type positionBiasAttrs struct {
	IsBidirectional bool `onnx:",0"`
	MaxDistance     int  `onnx:",required"`
}

// expandPositionBias looks a bias up for each distance of a query from a key: small distances have a bucket each, larger ones share those that are
// left, in equal steps of their logarithm. The table has a row of buckets for each head, whatever its shape says.
func expandPositionBias(g graph, a *positionBiasAttrs) error {
	t := g.Type(0)
	if !t.Ranked {
		return fmt.Errorf("the shape of bias_table must be known")
	}
	if len(t.Shape) != 2 {
		return fmt.Errorf("bias_table is %s; it must be [buckets,heads]", t)
	}
	n, known := t.Shape[0].Int()
	if !known || n < 2 || n > 1<<20 {
		return fmt.Errorf("bias_table is %s; the number of buckets must be known when the model is loaded, and at least 2", t)
	}
	buckets := int(n)
	if a.IsBidirectional {
		buckets /= 2
	}
	exact := buckets / 2
	if exact < 1 || a.MaxDistance <= exact {
		return fmt.Errorf("max_distance is %d; for %d buckets it must be more than %d, which must be positive", a.MaxDistance, n, exact)
	}
	number := func(v int64) ops.Ref { return g.Const(tensor.Scalar(v)) }
	single := func(v float64) ops.Ref { return g.Const(tensor.Scalar(float32(v))) }
	places := func(i int) ops.Ref {
		return g.Op("Range", nil, number(0), g.Op("Reshape", nil, g.In(i), g.Const(tensor.Of([]int64{}, 0))), number(1))
	}
	at := g.Op("Sub", nil, places(2), g.Op("Unsqueeze", nil, places(1), g.ints(1))) // [queries, keys]
	far := g.Op("Abs", nil, at)
	logs := g.Op("Log", nil, g.Op("Div", nil, g.cast(g.Op("Max", nil, far, number(1)), tensor.Float32), single(float64(exact))))
	step := float64(float32(math.Log(float64(float32(a.MaxDistance) / float32(exact)))))
	large := g.mul(g.Op("Div", nil, logs, single(step)), single(float64(buckets-exact)))
	large = g.Op("Min", nil, g.add(g.cast(large, tensor.Int64), number(int64(exact))), number(int64(buckets-1)))
	bucket := g.Op("Where", nil, g.Op("Less", nil, far, number(int64(exact))), far, large)
	if a.IsBidirectional {
		bucket = g.Op("Where", nil, g.Op("Greater", nil, at, number(0)), g.add(bucket, number(int64(buckets))), bucket)
	}
	table := g.Op("Reshape", nil, g.In(0), g.ints(1, -1, n))
	return g.SetOut(0, g.Op("Gather", attrs("axis", 2), table, bucket))
}

type gatedBiasAttrs struct {
	NumHeads int `onnx:",required"`
}

// expandGatedBias multiplies a bias of positions by gates that the queries make.
func expandGatedBias(g graph, a *gatedBiasAttrs) error {
	if a.NumHeads < 1 {
		return fmt.Errorf("num_heads is %d; it must be positive", a.NumHeads)
	}
	q := g.In(0)
	if g.Has(6) {
		q = g.Op(domain+".RestorePadding", nil, q, g.In(6))
	}
	q = g.headsOf(g.add(g.wide(q), g.wide(g.In(1))), a.NumHeads)
	parts := g.add(g.Op("MatMul", nil, q, g.wide(g.In(3))), g.wide(g.In(4)))
	sums := g.Op("ReduceSum", attrs("keepdims", 0), g.Op("Reshape", nil, parts, g.ints(0, 0, 0, 2, -1)), g.ints(-1))
	ur := g.Ops("Split", attrs("axis", -1, "num_outputs", 2), 2, g.Op("Sigmoid", nil, sums))
	one, two := g.Const(tensor.Scalar(float32(1))), g.Const(tensor.Scalar(float32(2)))
	gate := g.add(g.mul(ur[0], g.Op("Sub", nil, g.mul(ur[1], g.wide(g.In(5))), one)), two)
	return g.outLike(0, g.mul(gate, g.wide(g.In(2))), g.In(2))
}

// headsOf turns [batch, tokens, heads·size] into [batch, heads, tokens, size].
func (g graph) headsOf(x ops.Ref, heads int) ops.Ref {
	return g.Op("Transpose", attrs("perm", []int{0, 2, 1, 3}), g.Op("Reshape", nil, x, g.ints(0, 0, int64(heads), -1)))
}

type longformerAttrs struct {
	NumHeads int `onnx:",required"`
	Window   int `onnx:",required"`
}

// expandLongformer is attention where a token sees its neighbours and the global tokens; a global token sees all, with weights of its own.
func expandLongformer(g graph, a *longformerAttrs) error {
	if a.NumHeads < 1 || a.Window < 1 {
		return fmt.Errorf("num_heads is %d and window %d; both must be positive", a.NumHeads, a.Window)
	}
	x := g.wide(g.In(0))
	mask := g.Op("Unsqueeze", nil, g.wide(g.In(3)), g.ints(1, 2)) // [batch, 1, 1, keys]
	attend := func(weight, bias int, hidden ops.Ref) ops.Ref {
		all := g.Ops("Split", attrs("axis", -1, "num_outputs", 3), 3, g.add(g.Op("MatMul", nil, x, g.wide(g.In(weight))), g.wide(g.In(bias))))
		q, k, v := g.headsOf(all[0], a.NumHeads), g.headsOf(all[1], a.NumHeads), g.headsOf(all[2], a.NumHeads)
		size := g.cast(g.Op("Shape", attrs("start", 3), q), tensor.Float32)
		scores := g.Op("Div", nil, g.matmul(q, k, false, true, 1), g.Op("Sqrt", nil, size))
		return g.Op("MatMul", nil, g.Op("Softmax", nil, g.add(scores, mask, hidden)), v)
	}
	number := func(v int64) ops.Ref { return g.Const(tensor.Scalar(v)) }
	places := g.Op("Range", nil, number(0), g.Op("Squeeze", nil, g.Op("Shape", attrs("start", 1, "end", 2), g.In(0))), number(1))
	near := g.Op("LessOrEqual", nil, g.Op("Abs", nil, g.Op("Sub", nil, places, g.Op("Unsqueeze", nil, places, g.ints(1)))), number(int64(a.Window)))
	global := g.Op("Greater", nil, g.In(6), g.Const(tensor.Scalar(int32(0))))
	seen := g.Op("Or", nil, near, g.Op("Unsqueeze", nil, global, g.ints(1, 2))) // [batch, 1, queries, keys]
	zero := g.Const(tensor.Scalar(float32(0)))
	local := attend(1, 2, g.Op("Where", nil, seen, zero, g.Const(tensor.Scalar(float32(math.Inf(-1))))))
	y := g.Op("Where", nil, g.Op("Unsqueeze", nil, global, g.ints(1, 3)), attend(4, 5, nil), local)
	y = g.Op("Reshape", nil, g.Op("Transpose", attrs("perm", []int{0, 2, 1, 3}), y), g.Op("Shape", nil, x))
	return g.outLike(0, y, g.In(0))
}

type swiGLUAttrs struct {
	ActivationAlpha float32 `onnx:",1"`
	ActivationBeta  float32 `onnx:",0"`
	Limit           float32 `onnx:",0"`
	RoundActivation bool    `onnx:",0"`
}

func expandSwiGLU(g graph, a *swiGLUAttrs) error {
	gate, up := g.wide(g.In(0)), g.wide(g.In(1))
	if up == nil {
		parts := g.Ops("Split", attrs("axis", -1, "num_outputs", 2), 2, gate)
		gate, up = parts[0], parts[1]
	}
	if a.Limit > 0 {
		hi := g.Const(tensor.Scalar(a.Limit))
		gate, up = g.Op("Clip", nil, gate, nil, hi), g.Op("Clip", nil, up, g.Const(tensor.Scalar(-a.Limit)), hi)
	}
	gate = g.swish(gate, a.ActivationAlpha)
	if a.RoundActivation {
		gate = g.wide(g.cast(gate, g.Type(0).DT))
	}
	if a.ActivationBeta != 0 {
		up = g.add(up, g.Const(tensor.Scalar(a.ActivationBeta)))
	}
	return g.outLike(0, g.mul(gate, up), g.In(0))
}

type bitsMlpAttrs struct {
	AccuracyLevel int     `onnx:",0"`
	Activation    string  `onnx:",required"`
	Bits          int     `onnx:",4"`
	BlockSize     int     `onnx:",required"`
	Epsilon       float32 `onnx:",1e-5"`
	K             int     `onnx:"K,required"`
	N             int     `onnx:"N,required"`
}

type bitsQkvAttrs struct {
	AccuracyLevel int     `onnx:",0"`
	Bits          int     `onnx:",4"`
	BlockSize     int     `onnx:",required"`
	Epsilon       float32 `onnx:",1e-6"`
	K             int     `onnx:"K,required"`
	Nkv           int     `onnx:"Nkv,required"`
	Nq            int     `onnx:"Nq,required"`
}

// normed is input A with input skip added and normalised by input norm_scale, as far as these are there; sum is the output for what was normalised.
func (g graph) normed(epsilon float32, sum int) (ops.Ref, error) {
	x := g.In(0)
	if !g.Has(2) {
		if g.Has(1) || g.Wants(sum) {
			return nil, fmt.Errorf("skip is there, or its sum named, but not norm_scale")
		}
		return x, nil
	}
	if !g.Has(1) {
		if g.Wants(sum) {
			return nil, fmt.Errorf("output input_skip_bias_sum is named, but there is no skip")
		}
		return g.Op("RMSNormalization", attrs("epsilon", epsilon), x, g.In(2)), nil
	}
	total := g.add(g.wide(x), g.wide(g.In(1)))
	if err := g.outLike(sum, total, x); err != nil {
		return nil, err
	}
	y := g.Op("RMSNormalization", attrs("epsilon", epsilon), total, g.wide(g.In(2)))
	return g.cast(y, g.TypeOf(x).DT), nil
}

// bits multiplies by weights whose packed form is input i, with scales and bias behind it.
func (g graph) bits(x ops.Ref, at ops.Attrs, n, i int) ops.Ref {
	own := attrs("N", n)
	for name, v := range at {
		own[name] = v
	}
	return g.Op(domain+".MatMulNBits", own, x, g.In(i), g.In(i+1), nil, nil, g.In(i+2))
}

func expandBitsMlp(g graph, a *bitsMlpAttrs) error {
	if a.Activation != "silu" && a.Activation != "swish" {
		return fmt.Errorf("activation is %q; only silu is computed", a.Activation)
	}
	x, err := g.normed(a.Epsilon, 1)
	if err != nil {
		return err
	}
	at := attrs("K", a.K, "bits", a.Bits, "block_size", a.BlockSize, "accuracy_level", a.AccuracyLevel)
	return g.SetOut(0, g.mul(g.swish(g.bits(x, at, a.N, 3), 1), g.bits(x, at, a.N, 6)))
}

func expandBitsQkv(g graph, a *bitsQkvAttrs) error {
	x, err := g.normed(a.Epsilon, 3)
	if err != nil {
		return err
	}
	at := attrs("K", a.K, "bits", a.Bits, "block_size", a.BlockSize, "accuracy_level", a.AccuracyLevel)
	for o, n := range []int{a.Nq, a.Nkv, a.Nkv} {
		if err := g.SetOut(o, g.bits(x, at, n, 3+3*o)); err != nil {
			return err
		}
	}
	return nil
}

// removePadding takes padded rows out of sequences and tells where all rows were.
var removePadding = ops.Def(ops.Spec[noAttrs]{
	Name: "RemovePadding", Domain: domain, Vers: since1, In: "input:T, sequence_token_count:M",
	Out: "output:T, token_offset:M, cumulated_seq_len:M, max_seq_len:M", Types: "T=float|float16; M=int32",
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		dt := c.In(0).DT
		x, ok := c.Shape(0)
		c.Out(3, tensor.Int32, ops.Num(1))
		if !ok {
			c.OutRank(0, dt, 2)
			c.OutRank(1, tensor.Int32, 2)
			return c.OutRank(2, tensor.Int32, 1)
		}
		if len(x) != 3 {
			return fmt.Errorf("input is %s; it must be [batch,tokens,size]", sym.ShapeString(x))
		}
		if err := checkDims(c, 1, "sequence_token_count", x[0]); err != nil {
			return err
		}
		c.Out(0, dt, c.Fresh(), x[2])
		c.Out(1, tensor.Int32, x[0], x[1])
		return c.Out(2, tensor.Int32, x[0].Add(ops.Num(1)))
	},
	Eval: func(c *ops.Call, _ *noAttrs) error {
		x := c.In(0)
		d, counts := x.Dims(), tensor.View[int32](c.In(1))
		if err := checkLens("sequence_token_count", counts, 0, d[1]); err != nil {
			return err
		}
		var kept, gone []int32
		ends, most := []int32{0}, int32(0)
		for b, n := range counts {
			for t := range d[1] {
				at := int32(b*d[1] + t)
				if t < int(n) {
					kept = append(kept, at)
				} else {
					gone = append(gone, at)
				}
			}
			ends, most = append(ends, int32(len(kept))), max(most, n)
		}
		for o, list := range [][]int32{1: append(kept[:len(kept):len(kept)], gone...), 2: ends, 3: {most}} {
			if o > 0 && c.Wants(o) {
				copy(tensor.View[int32](c.Out(o)), list)
			}
		}
		if !c.Wants(0) {
			return nil
		}
		y, err := c.OutOrAlloc(0, x.DType(), len(kept), d[2])
		if err != nil {
			return err
		}
		row := d[2] * x.DType().Size()
		for i, at := range kept {
			copy(y.Bytes()[i*row:][:row], x.Bytes()[int(at)*row:])
		}
		return nil
	},
})

// restorePadding puts rows where they were, and zeros in between.
var restorePadding = ops.Def(ops.Spec[noAttrs]{
	Name: "RestorePadding", Domain: domain, Vers: since1, In: "input:T, token_offset:M", Out: "output:T", Types: "T=float|float16; M=int32",
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		x, ok1 := c.Shape(0)
		at, ok2 := c.Shape(1)
		if ok1 && len(x) != 2 || ok2 && len(at) != 2 {
			return fmt.Errorf("input is %s and token_offset %s; they must be [tokens,size] and [batch,tokens]", sym.ShapeString(x), sym.ShapeString(at))
		}
		if !ok1 || !ok2 {
			return c.OutRank(0, c.In(0).DT, 3)
		}
		return c.Out(0, c.In(0).DT, at[0], at[1], x[1])
	},
	Eval: func(c *ops.Call, _ *noAttrs) error {
		x, y := c.In(0), c.Out(0)
		places, n := tensor.View[int32](c.In(1)), x.Dims()[0]
		if n > len(places) {
			return fmt.Errorf("input is %s, but token_offset has only %d places", x, len(places))
		}
		if err := checkLens("token_offset", places, 0, len(places)-1); err != nil {
			return err
		}
		row := x.Dims()[1] * x.DType().Size()
		clear(y.Bytes())
		for i, at := range places[:n] {
			copy(y.Bytes()[int(at)*row:][:row], x.Bytes()[i*row:])
		}
		return nil
	},
})
