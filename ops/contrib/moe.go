package contrib

import (
	"fmt"
	"math"

	"ingot/internal/kernel/quant"
	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// moeOps are mixtures of experts: each token goes through the few that a router finds best for it.
var moeOps = []*ops.Op{
	ops.Def(ops.Spec[moeAttrs]{
		Name: "MoE", Domain: domain, Vers: since1,
		In:  "input:T, router_probs:T, fc1_experts_weights:T, fc1_experts_bias:T?, fc2_experts_weights:T, fc2_experts_bias:T?, fc3_experts_weights:T?, fc3_experts_bias:T?",
		Out: "output:T", Types: "T=float|float16|bfloat16",
		Infer: func(c *ops.Infer, a *moeAttrs) error {
			m, err := a.mixture()
			if err != nil {
				return err
			}
			return m.infer(c)
		},
		Bind: func(b *ops.Bind, a *moeAttrs) (ops.Kernel, error) {
			m, err := a.mixture()
			if err != nil {
				return nil, err
			}
			return m.bind(b)
		},
	}),
	ops.Def(ops.Spec[qmoeAttrs]{
		Name: "QMoE", Domain: domain, Vers: since1,
		In: "input:T, router_probs:T, fc1_experts_weights:T1, fc1_scales:T2?, fc1_experts_bias:T?, fc2_experts_weights:T1, fc2_scales:T2?, fc2_experts_bias:T?, " +
			"fc3_experts_weights:T1?, fc3_scales:T2?, fc3_experts_bias:T?, fc1_zero_points:T1?, fc2_zero_points:T1?, fc3_zero_points:T1?, router_weights:T?, " +
			"fc1_global_scale:T4?, fc2_global_scale:T4?, fc1_act_scale:T4?, fc2_act_scale:T4?, fc1_act_block_scale:T2?, fc2_act_block_scale:T2?",
		Out: "output:T", Types: "T=float|float16|bfloat16; T1=uint8|float8e4m3fn; T2=float|float16|bfloat16|float8e8m0|float8e4m3fn; T4=float",
		Infer: func(c *ops.Infer, a *qmoeAttrs) error {
			for i := 15; i < c.NumIn(); i++ {
				if c.Has(i) {
					return fmt.Errorf("input %d is there; only weights of integers are computed, which have no such scale", i)
				}
			}
			m, err := a.mixture()
			if err != nil {
				return err
			}
			return m.infer(c)
		},
		Bind: func(b *ops.Bind, a *qmoeAttrs) (ops.Kernel, error) {
			m, err := a.mixture()
			if err != nil {
				return nil, err
			}
			return m.bind(b)
		},
	}),
}

type moeAttrs struct {
	ActivationAlpha            float32 `onnx:",1"`
	ActivationBeta             float32 `onnx:",0"`
	ActivationType             string  `onnx:",relu"`
	K                          int     `onnx:",1"`
	NormalizeRoutingWeights    bool    `onnx:",0"`
	SwigluFusion               int     `onnx:",0"`
	SwigluLimit                *float32
	SwigluLimitAfterActivation bool `onnx:",0"`
	UseSparseMixer             bool `onnx:",0"`
}

type qmoeAttrs struct {
	AccuracyLevel              int     `onnx:",0"` // the least: float32 is enough for any
	ActivationAlpha            float32 `onnx:",1"`
	ActivationBeta             float32 `onnx:",0"`
	ActivationType             string  `onnx:",relu"`
	BlockSize                  *int
	ExpertWeightBits           int `onnx:",4"`
	Fc1ExpertWeightBits        *int
	Fc2ExpertWeightBits        *int
	Fc3ExpertWeightBits        *int
	K                          int    `onnx:",1"`
	NormalizeRoutingWeights    bool   `onnx:",0"`
	QuantType                  string `onnx:",int"`
	SwigluFusion               int    `onnx:",0"`
	SwigluLimit                *float32
	SwigluLimitAfterActivation bool `onnx:",0"`
	UseSparseMixer             bool `onnx:",0"`
	WeightsPrepacked           int  `onnx:",-1"`
}

// layer says where a layer's weights, bias, scales and zero points are among the inputs, 0 for what it doesn't have, and how wide its weights are.
type layer struct{ weights, bias, scales, zeros, bits int }

// mixture is what both operators say of themselves.
type mixture struct {
	moeAttrs
	layers  [3]layer
	routing int // the input of the experts' weights, 0: they come from router_probs
	block   int // 0: a scale for each row

	// renormalize tells that the weights of the chosen experts add up to 1 whatever the attribute says, unless they are given: ONNX Runtime takes
	// QMoE's probabilities over the chosen experts only.
	renormalize bool
}

func (a *moeAttrs) mixture() (*mixture, error) {
	m := &mixture{moeAttrs: *a, layers: [3]layer{{weights: 2, bias: 3}, {weights: 4, bias: 5}, {weights: 6, bias: 7}}}
	return m, m.check()
}

func (a *qmoeAttrs) mixture() (*mixture, error) {
	m := &mixture{routing: 14, renormalize: true, moeAttrs: moeAttrs{a.ActivationAlpha, a.ActivationBeta, a.ActivationType, a.K, a.NormalizeRoutingWeights, a.SwigluFusion, a.SwigluLimit,
		a.SwigluLimitAfterActivation, a.UseSparseMixer}}
	if a.QuantType != "int" {
		return nil, fmt.Errorf("quant_type is %q; only int is computed", a.QuantType)
	}
	if a.WeightsPrepacked != -1 && a.WeightsPrepacked != 0 {
		return nil, fmt.Errorf("weights_prepacked is %d; weights in the layout of a graphics processor can't be read", a.WeightsPrepacked)
	}
	if a.AccuracyLevel < 0 || a.AccuracyLevel > 4 {
		return nil, fmt.Errorf("accuracy_level is %d; it must be 0 to 4", a.AccuracyLevel)
	}
	if a.BlockSize != nil {
		if m.block = *a.BlockSize; m.block < 16 || m.block&(m.block-1) != 0 {
			return nil, fmt.Errorf("block_size is %d; it must be a power of two and at least 16", m.block)
		}
	}
	for i, bits := range []*int{a.Fc1ExpertWeightBits, a.Fc2ExpertWeightBits, a.Fc3ExpertWeightBits} {
		m.layers[i] = layer{weights: 2 + 3*i, scales: 3 + 3*i, bias: 4 + 3*i, zeros: 11 + i, bits: a.ExpertWeightBits}
		if bits != nil {
			m.layers[i].bits = *bits
		}
		if b := m.layers[i].bits; b != 2 && b != 4 && b != 8 {
			return nil, fmt.Errorf("the weights of layer %d have %d bits; they must have 2, 4 or 8", i+1, b)
		}
	}
	return m, m.check()
}

func (m *mixture) check() error {
	switch {
	case m.K < 1:
		return fmt.Errorf("k is %d; it must be positive", m.K)
	case m.UseSparseMixer:
		return fmt.Errorf("use_sparse_mixer is set; only the experts' own probabilities are computed")
	case m.SwigluFusion < 0 || m.SwigluFusion > 2 || m.SwigluFusion != 0 && m.ActivationType != "swiglu" && m.ActivationType != "geglu":
		return fmt.Errorf("swiglu_fusion is %d; it must be 0 to 2, and 0 for the activation %s", m.SwigluFusion, m.ActivationType)
	case m.SwigluLimitAfterActivation && (m.ActivationType != "swiglu" || m.SwigluLimit == nil):
		return fmt.Errorf("swiglu_limit_after_activation is set; it is for swiglu with a limit")
	case m.ActivationType == "geglu" && m.SwigluFusion == 0:
		return fmt.Errorf("activation_type is geglu; it needs swiglu_fusion 1 or 2")
	}
	switch m.ActivationType {
	case "relu", "relu2", "gelu", "silu", "identity", "swiglu", "geglu":
		return nil
	}
	return fmt.Errorf("activation_type is %q; it must be relu, relu2, gelu, silu, identity, swiglu or geglu", m.ActivationType)
}

// fused is the number of rows that layer 1 has for each number inside.
func (m *mixture) fused() int64 {
	if m.SwigluFusion != 0 {
		return 2
	}
	return 1
}

func (m *mixture) infer(c *ops.Infer) error {
	if third := c.Has(m.layers[2].weights); third != (m.ActivationType == "swiglu" && m.SwigluFusion == 0) {
		return fmt.Errorf("activation_type is %s and swiglu_fusion %d; fc3_experts_weights must be there for swiglu with 0, and only then", m.ActivationType, m.SwigluFusion)
	}
	x, ok := c.Shape(0)
	w1, ok1 := c.Shape(m.layers[0].weights)
	w2, ok2 := c.Shape(m.layers[1].weights)
	if !ok || !ok1 || !ok2 {
		return c.OutLike(0, 0)
	}
	if len(x) != 2 && len(x) != 3 || len(w1) != 3 || len(w2) != 3 {
		return fmt.Errorf("input is %s and the experts' weights %s and %s; they must have 2 or 3, 3 and 3 dimensions", sym.ShapeString(x), sym.ShapeString(w1), sym.ShapeString(w2))
	}
	experts, hidden := w1[0], x[len(x)-1]
	inner := w1[1].FloorDiv(ops.Num(m.fused()))
	tokens := sym.Prod(x[:len(x)-1])
	for i, l := range m.layers {
		rows, cols := w1[1], hidden
		switch i {
		case 1:
			rows, cols = hidden, inner
		case 2:
			rows = inner
		}
		packed := cols
		if l.bits != 0 {
			packed = cols.Mul(ops.Num(l.bits)).CeilDiv(ops.Num(8))
			if c.Has(l.weights) && (!c.Has(l.scales) || c.In(l.weights).DT != tensor.Uint8 || c.In(l.scales).DT.Size() == 1) {
				return fmt.Errorf("layer %d must have weights of uint8, and scales of a float type", i+1)
			}
		}
		if err := checkDims(c, l.weights, fmt.Sprintf("fc%d_experts_weights", i+1), experts, rows, packed); err != nil {
			return err
		}
		if err := checkDims(c, l.bias, fmt.Sprintf("fc%d_experts_bias", i+1), experts, rows); err != nil {
			return err
		}
		if l.bits == 0 {
			continue
		}
		scales, zeros := []ops.Dim{experts, rows}, []ops.Dim{experts, rows.Mul(ops.Num(l.bits)).CeilDiv(ops.Num(8))}
		if m.block > 0 {
			blocks := cols.CeilDiv(ops.Num(m.block))
			scales, zeros = append(scales, blocks), []ops.Dim{experts, rows, blocks.Mul(ops.Num(l.bits)).CeilDiv(ops.Num(8))}
		}
		if err := checkDims(c, l.scales, fmt.Sprintf("fc%d_scales", i+1), scales...); err != nil {
			return err
		}
		if err := checkDims(c, l.zeros, fmt.Sprintf("fc%d_zero_points", i+1), zeros...); err != nil {
			return err
		}
	}
	if err := checkDims(c, 1, "router_probs", tokens, experts); err != nil {
		return err
	}
	if m.routing != 0 {
		if err := checkDims(c, m.routing, "router_weights", tokens, experts); err != nil {
			return err
		}
	}
	if n, known := experts.Int(); known && int64(m.K) > n {
		return fmt.Errorf("k is %d, but there are %d experts", m.K, n)
	}
	return c.OutLike(0, 0)
}

type moeKernel struct {
	*mixture
	tokens, hidden, inner, experts int
	x, probs, routes               wide.Operand[float32]
	y                              wide.Result[float32]
	layers                         [3]moeLayer
	gathered, first, third, second wide.Buffer
	product                        rowsOfBits
	chosen                         [][]share // for each expert, the tokens that come to it
}

// share is a token's share of an expert.
type share struct {
	token  int
	weight float32
}

// moeLayer is the weights of a layer, of all experts.
type moeLayer struct {
	layer
	rows, cols, block int
	weights, bias     wide.Operand[float32]
	scales            fixed

	real, add, scale []float32
	packed, zeros    []byte
}

func (m *mixture) bind(b *ops.Bind) (ops.Kernel, error) {
	x, w1 := b.Dims(0), b.Dims(m.layers[0].weights)
	k := &moeKernel{mixture: m, tokens: wide.Elements(x[:len(x)-1]), hidden: x[len(x)-1], inner: w1[1] / int(m.fused()), experts: w1[0]}
	if k.K > k.experts {
		return nil, fmt.Errorf("k is %d, but there are %d experts", k.K, k.experts)
	}
	var room wide.Room[float32]
	k.x, k.probs, k.routes, k.y = room.In(b, 0), room.In(b, 1), wide.None[float32](), room.Out(b, 0)
	if m.routing != 0 {
		k.routes = room.In(b, m.routing)
	}
	for i := range k.layers {
		l := &k.layers[i]
		*l = moeLayer{layer: m.layers[i], rows: w1[1], cols: k.hidden, block: m.block}
		switch i {
		case 1:
			l.rows, l.cols = k.hidden, k.inner
		case 2:
			l.rows = k.inner
		}
		l.weights, l.bias, l.scales.Operand = wide.None[float32](), room.In(b, l.layer.bias), wide.None[float32]()
		if l.bits == 0 {
			l.weights = room.In(b, l.layer.weights)
		} else if b.Has(l.layer.scales) {
			var err error
			if l.scales, err = fixedIn(b, &room, l.layer.scales); err != nil {
				return nil, err
			}
		}
	}
	k.gathered, k.first, k.second = room.Buffer(k.tokens*k.hidden), room.Buffer(k.tokens*w1[1]), room.Buffer(k.tokens*k.hidden)
	if b.Has(m.layers[2].weights) {
		k.third = room.Buffer(k.tokens * k.inner)
	}
	k.chosen = make([][]share, k.experts)
	room.Claim(b)
	return k, nil
}

// load fetches a layer's operands.
func (l *moeLayer) load(c *ops.Call, s wide.Scratch[float32]) {
	l.real, l.add, l.scale, l.packed, l.zeros = l.weights.Load(c, s), l.bias.Load(c, s), l.scales.load(c, s), nil, nil
	if l.bits != 0 && c.Has(l.layer.weights) {
		l.packed = tensor.View[uint8](c.In(l.layer.weights))
		if c.Has(l.layer.zeros) {
			l.zeros = tensor.View[uint8](c.In(l.layer.zeros))
		}
	}
}

// row writes row n of an expert's weights.
func (l *moeLayer) row(dst []float32, expert, n int) {
	at := expert*l.rows + n
	if l.bits == 0 {
		copy(dst, l.real[at*l.cols:][:l.cols])
		return
	}
	bytes := (l.cols*l.bits + 7) / 8
	packed := l.packed[at*bytes:][:bytes]
	block, blocks := l.cols, 1
	if l.block > 0 {
		block, blocks = l.block, (l.cols+l.block-1)/l.block
	}
	for i := range blocks {
		zero := float32(int(1) << (l.bits - 1))
		if l.zeros != nil && l.block > 0 {
			zero = float32(quant.Bits(l.zeros[at*((blocks*l.bits+7)/8):], i, l.bits))
		} else if l.zeros != nil {
			zero = float32(quant.Bits(l.zeros[expert*((l.rows*l.bits+7)/8):], n, l.bits))
		}
		lo := i * block
		quant.Unpack(dst[lo:min(l.cols, lo+block)], packed[lo*l.bits/8:], l.bits, l.scale[at*blocks+i], zero)
	}
}

// apply is y = x·Wᵀ + bias for rows of x.
func (k *moeKernel) apply(c *ops.Call, l *moeLayer, expert int, y, x []float32, rows int) error {
	k.product = rowsOfBits{m: rows, n: l.rows, k: l.cols, per: max(16, min(64, 1<<17/max(1, l.cols)/16*16)), a: x, c: y,
		unpack: func(dst []float32, n int) { l.row(dst, expert, n) }}
	if l.add != nil {
		k.product.add = l.add[expert*l.rows:][:l.rows]
	}
	if l.rows == 0 {
		return nil
	}
	return c.Parallel((l.rows-1)/k.product.per+1, &k.product)
}

// Run computes the experts one after the other, each on its tokens.
func (k *moeKernel) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	x, y := k.x.Load(c, s), k.y.Elements(c, s)
	clear(y)
	k.route(k.probs.Load(c, s), k.routes.Load(c, s))
	for i := range k.layers {
		k.layers[i].load(c, s)
	}
	gathered, first, third, second := s.Part(k.gathered), s.Part(k.first), s.Part(k.third), s.Part(k.second)
	for e, shares := range k.chosen {
		if len(shares) == 0 {
			continue
		}
		for r, t := range shares {
			copy(gathered[r*k.hidden:][:k.hidden], x[t.token*k.hidden:])
		}
		n := len(shares)
		err := k.apply(c, &k.layers[0], e, first, gathered, n)
		if err == nil && len(third) > 0 {
			err = k.apply(c, &k.layers[2], e, third, gathered, n)
		}
		if err == nil {
			k.activate(first[:n*k.layers[0].rows], third)
			err = k.apply(c, &k.layers[1], e, second, first, n)
		}
		if err != nil {
			return err
		}
		for r, t := range shares {
			vec.Axpy(y[t.token*k.hidden:][:k.hidden], t.weight, second[r*k.hidden:][:k.hidden])
		}
	}
	k.y.Store(c, s)
	return nil
}

// route chooses each token's experts: those of the largest scores, of equal ones the first.
func (k *moeKernel) route(scores, given []float32) {
	for e := range k.chosen {
		k.chosen[e] = k.chosen[e][:0]
	}
	for t := range k.tokens {
		row := scores[t*k.experts:][:k.experts]
		top := float32(math.Inf(-1))
		for _, v := range row {
			top = max(top, v)
		}
		all, sum := float32(0), float32(0)
		for _, v := range row {
			all += float32(math.Exp(float64(v - top)))
		}
		weight := func(e int) float32 {
			if given != nil {
				return given[t*k.experts+e]
			}
			return float32(math.Exp(float64(row[e]-top))) / all
		}
		last, lastAt := float32(math.Inf(1)), -1
		picked := make([]int, 0, 8)
		for range k.K { // the largest that comes behind the last one
			at := -1
			for e, v := range row {
				if (v < last || v == last && e > lastAt) && (at < 0 || v > row[at]) {
					at = e
				}
			}
			if at < 0 {
				break
			}
			last, lastAt = row[at], at
			picked = append(picked, at)
			sum += weight(at)
		}
		for _, e := range picked {
			w := weight(e)
			if (k.NormalizeRoutingWeights || k.renormalize && given == nil) && sum != 0 {
				w /= sum
			}
			k.chosen[e] = append(k.chosen[e], share{t, w})
		}
	}
}

// activate replaces what layer 1 gave by what layer 2 takes, in place; up is what layer 3 gave, if there is one.
func (k *moeKernel) activate(x, up []float32) {
	switch k.ActivationType {
	case "relu":
		vec.Relu(x, x)
	case "relu2":
		vec.Relu(x, x)
		vec.Mul(x, x, x)
	case "gelu":
		vec.GeluTanh(x, x)
	case "silu":
		vec.SiLU(x, x)
	case "swiglu", "geglu":
		k.gate(x, up)
	}
}

func (k *moeKernel) gate(x, up []float32) {
	n := k.inner
	limit := float32(math.Inf(1))
	if k.SwigluLimit != nil {
		limit = *k.SwigluLimit
	}
	one := func(g, l float32) float32 {
		if k.ActivationType == "geglu" {
			v := [1]float32{g}
			vec.GeluTanh(v[:], v[:])
			return v[0] * l
		}
		if !k.SwigluLimitAfterActivation {
			g = min(g, limit)
		}
		l = max(-limit, min(l, limit))
		v := g / (1 + float32(math.Exp(float64(-k.ActivationAlpha*g))))
		if k.SwigluLimitAfterActivation {
			v = min(v, limit)
		}
		return v * (l + k.ActivationBeta)
	}
	if n == 0 {
		return
	}
	for r := range len(x) / (n * int(k.fused())) {
		dst := x[r*n:][:n]
		for i := range dst {
			switch k.SwigluFusion {
			case 0:
				dst[i] = one(dst[i], up[r*n+i])
			case 1:
				dst[i] = one(x[2*(r*n+i)], x[2*(r*n+i)+1])
			case 2: // what is read lies behind what was written: row r's parts begin at 2·r·n
				g, l := x[2*r*n+i], x[2*r*n+n+i]
				dst[i] = one(g, l)
			}
		}
	}
}
