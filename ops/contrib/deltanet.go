package contrib

import (
	"fmt"
	"math"

	"ingot/internal/kernel/attn"
	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type deltaNetAttrs struct {
	BetaActivation      string  `onnx:",none"`
	ChunkSize           int     `onnx:",64"` // a hint for machines that work on chunks
	GateActivation      string  `onnx:",none"`
	GateLowerBound      float32 `onnx:",-5"`
	QkL2Norm            bool    `onnx:",0"`
	Scale               float32 `onnx:",0"`
	StateUpdateCapacity int     `onnx:",0"`
	UpdateRule          string  `onnx:",gated_delta"`
}

// The inputs of GatedDeltaNet behind query, key and value.
const (
	netEnds, netDecay, netBeta, netState, netALog, netBias, netCount, netActive = 3, 4, 5, 6, 7, 8, 9, 10
)

// rule returns what an update rule does besides writing k⊗v.
func (a *deltaNetAttrs) rule() (gated, delta bool, err error) {
	switch a.UpdateRule {
	case "linear":
	case "gated":
		gated = true
	case "delta":
		delta = true
	case "gated_delta":
		gated, delta = true, true
	default:
		err = fmt.Errorf("update_rule is %q; it must be linear, gated, delta or gated_delta", a.UpdateRule)
	}
	return gated, delta, err
}

// netShape is the sizes of the operands: tokens may be one dimension or two.
type netShape struct {
	tokens        []ops.Dim
	heads, values ops.Dim // heads of queries and keys, and of values
	size, vSize   ops.Dim
	batch         ops.Dim
	decayWidth    ops.Dim // elements of a token's decay
	decayOne      bool
}

// shape reads the layout; ok is false when it isn't known yet.
func (a *deltaNetAttrs) shape(in func(i int) *ops.Type, has func(i int) bool) (s netShape, ok bool, err error) {
	q := in(0)
	if !q.Ranked {
		return s, false, nil
	}
	if has(netState) {
		st := in(netState)
		if !st.Ranked {
			return s, false, nil
		}
		if len(st.Shape) != 4 {
			return s, false, fmt.Errorf("initial_state is %s; it must have 4 dimensions", sym.ShapeString(st.Shape))
		}
		s.batch, s.values, s.vSize, s.size = st.Shape[0], st.Shape[1], st.Shape[2], st.Shape[3]
	}
	if !has(1) {
		if has(2) || !has(netState) {
			return s, false, fmt.Errorf("key is absent, so value must be too, and initial_state there to tell the heads")
		}
		if len(q.Shape) < 2 || len(q.Shape) > 3 {
			return s, false, fmt.Errorf("query is %s; packed with key and value it must have 2 or 3 dimensions", sym.ShapeString(q.Shape))
		}
		s.tokens = q.Shape[:len(q.Shape)-1]
		rest := q.Shape[len(q.Shape)-1].Sub(s.values.Mul(s.vSize))
		if n, known := s.size.Int(); known && n == 0 {
			return s, false, fmt.Errorf("initial_state has heads of no elements")
		}
		s.heads = rest.FloorDiv(s.size.Mul(ops.Num(2)))
		if differ(s.heads.Mul(s.size).Mul(ops.Num(2)), rest) {
			return s, false, fmt.Errorf("query is %s, which isn't queries, keys and values for a state of %s heads of %s×%s", sym.ShapeString(q.Shape), s.values, s.vSize, s.size)
		}
	} else {
		k, v := in(1), in(2)
		if !has(2) {
			return s, false, fmt.Errorf("key and value come together")
		}
		if !k.Ranked || !v.Ranked {
			return s, false, nil
		}
		n := len(q.Shape)
		if n < 3 || n > 4 || len(k.Shape) != n || len(v.Shape) != n {
			return s, false, fmt.Errorf("query is %s, key %s and value %s; they must have 3 dimensions or 4, all as many", sym.ShapeString(q.Shape), sym.ShapeString(k.Shape), sym.ShapeString(v.Shape))
		}
		bad := differ(q.Shape[n-1], k.Shape[n-1]) || differ(q.Shape[n-2], k.Shape[n-2]) || has(netState) && (differ(v.Shape[n-2], s.values) || differ(v.Shape[n-1], s.vSize) || differ(q.Shape[n-1], s.size))
		for d := range n - 2 {
			bad = bad || differ(q.Shape[d], k.Shape[d]) || differ(q.Shape[d], v.Shape[d])
		}
		if bad {
			return s, false, fmt.Errorf("query is %s, key %s and value %s, which don't fit each other or initial_state", sym.ShapeString(q.Shape), sym.ShapeString(k.Shape), sym.ShapeString(v.Shape))
		}
		s.tokens, s.heads, s.size, s.values, s.vSize = q.Shape[:n-2], q.Shape[n-2], q.Shape[n-1], v.Shape[n-2], v.Shape[n-1]
	}
	if h, ok := s.heads.Int(); ok {
		if v, ok := s.values.Int(); ok && (h == 0 || v%h != 0) {
			return s, false, fmt.Errorf("there are %d heads of values and %d of queries; the one must be a multiple of the other", v, h)
		}
	}
	switch {
	case has(netEnds):
		e := in(netEnds)
		if !e.Ranked {
			return s, false, nil
		}
		if len(e.Shape) != 1 || len(s.tokens) != 1 || has(netState) && differ(e.Shape[0].Sub(ops.Num(1)), s.batch) {
			return s, false, fmt.Errorf("cu_seqlens is %s; it must be a vector with one element more than there are sequences, which the queries have in one dimension", sym.ShapeString(e.Shape))
		}
		s.batch = e.Shape[0].Sub(ops.Num(1))
	case !has(netState):
		return s, false, fmt.Errorf("there is neither cu_seqlens nor initial_state to tell the number of sequences")
	}
	return s, true, s.gates(in, has)
}

// gates reads how wide the decay is.
func (s *netShape) gates(in func(i int) *ops.Type, has func(i int) bool) error {
	s.decayWidth, s.decayOne = s.values, true
	if d := in(netDecay); has(netDecay) && d.Ranked {
		n := len(s.tokens)
		switch {
		case !s.perToken(d.Shape):
			return fmt.Errorf("decay is %s; it must have a row for each of the tokens, %s", sym.ShapeString(d.Shape), sym.ShapeString(s.tokens))
		case len(d.Shape) == n+1 && !differ(d.Shape[n], s.values):
		case len(d.Shape) == n+2 && !differ(d.Shape[n], s.values) && !differ(d.Shape[n+1], s.size):
			s.decayWidth, s.decayOne = s.values.Mul(s.size), false
		default:
			return fmt.Errorf("decay is %s; it must have an element for each of %s heads, or for each of their %s keys", sym.ShapeString(d.Shape), s.values, s.size)
		}
	}
	if b := in(netBeta); has(netBeta) && b.Ranked && (!s.perToken(b.Shape) || len(b.Shape) != len(s.tokens)+1 || differ(b.Shape[len(s.tokens)], s.values)) {
		return fmt.Errorf("beta is %s; it must have an element for each of %s heads, for each of the tokens, %s", sym.ShapeString(b.Shape), s.values, sym.ShapeString(s.tokens))
	}
	return nil
}

// perToken reports whether a shape may begin with the tokens' dimensions.
func (s *netShape) perToken(shape []ops.Dim) bool {
	for i, d := range s.tokens {
		if i >= len(shape) || differ(shape[i], d) {
			return false
		}
	}
	return true
}

func inferDeltaNet(c *ops.Infer, a *deltaNetAttrs) error {
	gated, delta, err := a.rule()
	fused := a.GateActivation != "none"
	switch {
	case err != nil:
		return err
	case gated != c.Has(netDecay) || delta != c.Has(netBeta):
		return fmt.Errorf("update_rule is %s; decay given: %t, beta given: %t", a.UpdateRule, c.Has(netDecay), c.Has(netBeta))
	case a.BetaActivation != "none" && a.BetaActivation != "sigmoid":
		return fmt.Errorf("beta_activation is %q; it must be none or sigmoid", a.BetaActivation)
	case a.GateActivation != "none" && a.GateActivation != "softplus" && a.GateActivation != "qwen" && a.GateActivation != "sigmoid" && a.GateActivation != "kda":
		return fmt.Errorf("gate_activation is %q; it must be none, softplus (or qwen) or sigmoid (or kda)", a.GateActivation)
	case fused && (!gated || !c.Has(netALog) || !c.Has(netBias)):
		return fmt.Errorf("gate_activation is %s, so decay, a_log and dt_bias must be there", a.GateActivation)
	}
	if err := checkCapture(a.StateUpdateCapacity, c.Has(netCount)); err != nil {
		return err
	}
	s, ok, err := a.shape(c.In, c.Has)
	if err != nil {
		return err
	}
	dt := c.In(0).DT
	if !ok {
		c.OutUnranked(0, dt)
		c.OutRank(1, tensor.Float32, 4)
		return c.OutRank(2, tensor.Float32, 2)
	}
	if err := checkDims(c, netALog, "a_log", s.values); err != nil {
		return err
	}
	if b, ok := c.Shape(netBias); ok && differ(sym.Prod(b), s.values) && differ(sym.Prod(b), s.values.Mul(s.size)) {
		return fmt.Errorf("dt_bias is %s; it must have an element for each of %s heads, or for each of their %s keys", sym.ShapeString(b), s.values, s.size)
	}
	if err := checkDims(c, netCount, "capture_count", s.batch); err != nil {
		return err
	}
	c.Out(0, dt, append(append([]ops.Dim{}, s.tokens...), s.values, s.vSize)...)
	c.Out(1, tensor.Float32, s.batch, s.values, s.vSize, s.size)
	row := s.decayWidth.Add(s.heads.Mul(s.size)).Add(s.values.Mul(s.vSize))
	return c.Out(2, tensor.Float32, s.batch, row.Mul(ops.Num(a.StateUpdateCapacity)))
}

// deltaNet is a run.
type deltaNet struct {
	attrs                      *deltaNetAttrs
	gated, delta               bool
	heads, values, size, vSize int
	group                      int // heads of values that share a key
	q, k, v                    []float32
	qStep, kStep, vStep        int // elements from token to token
	decay, beta, aLog, bias    []float32
	decays                     int // elements of a head's decay: 1, or one for each element of a key
	y, state, update           []float32
	ends                       []int32
	counts                     []int
	scale                      float32
}

func evalDeltaNet(c *ops.Call, a *deltaNetAttrs) error {
	types := make([]ops.Type, len(c.Ins))
	for i := range c.Ins {
		if t := c.In(i); t != nil {
			types[i] = sym.TypeOf(t, false)
		}
	}
	s, _, err := a.shape(func(i int) *ops.Type { return &types[i] }, c.Has)
	if err != nil {
		return err
	}
	n := func(d ops.Dim) int { v, _ := d.Int(); return int(v) }
	tokens := n(sym.Prod(s.tokens))
	k := &deltaNet{attrs: a, heads: n(s.heads), values: n(s.values), size: n(s.size), vSize: n(s.vSize), decays: 1, scale: a.Scale}
	k.gated, k.delta, _ = a.rule()
	k.group = k.values / max(1, k.heads)
	if k.scale == 0 {
		k.scale = float32(1 / math.Sqrt(float64(max(1, k.size))))
	}
	batch := n(s.batch)
	if c.Has(netEnds) {
		k.ends = tensor.View[int32](c.In(netEnds))
		if err := spans("cu_seqlens", k.ends, tokens, 0); err != nil {
			return err
		}
	} else {
		if batch == 0 || tokens%batch != 0 {
			return fmt.Errorf("%d tokens aren't %d sequences of one length", tokens, batch)
		}
		for b := range batch + 1 {
			k.ends = append(k.ends, int32(b*(tokens/batch)))
		}
	}
	k.q, k.qStep = floatsOf(c.In(0)), k.heads*k.size
	if c.Has(1) {
		k.k, k.v, k.kStep, k.vStep = floatsOf(c.In(1)), floatsOf(c.In(2)), k.qStep, k.values*k.vSize
	} else {
		k.qStep = 2*k.heads*k.size + k.values*k.vSize
		k.kStep, k.vStep = k.qStep, k.qStep
		k.k, k.v = k.q[min(len(k.q), k.heads*k.size):], k.q[min(len(k.q), 2*k.heads*k.size):]
	}
	for i, dst := range map[int]*[]float32{netDecay: &k.decay, netBeta: &k.beta, netALog: &k.aLog, netBias: &k.bias} {
		if c.Has(i) {
			*dst = floatsOf(c.In(i))
		}
	}
	if !s.decayOne {
		k.decays = k.size
	}
	k.y, k.state = make([]float32, tokens*k.values*k.vSize), make([]float32, batch*k.values*k.size*k.vSize)
	row := k.values*k.decays + k.heads*k.size + k.values*k.vSize
	if c.Wants(2) {
		k.update = make([]float32, batch*a.StateUpdateCapacity*row)
		if !c.Has(netActive) || tensor.View[int32](c.In(netActive))[0] != 0 {
			k.counts = captured(c, netCount, a.StateUpdateCapacity, k.ends)
		}
	}
	var past []float32
	if c.Has(netState) {
		past = tensor.View[float32](c.In(netState))
	}
	err = c.For(batch*k.values, max(1, 1<<14/max(1, tokens*k.size*k.vSize)), func(lo, hi int) {
		room := make([]float32, k.size*k.vSize+3*k.size+k.vSize)
		for i := lo; i < hi; i++ {
			k.head(i/k.values, i%k.values, past, room)
		}
	})
	if err != nil {
		return err
	}
	store(c, 0, k.y)
	store(c, 1, k.state)
	store(c, 2, k.update)
	return nil
}

// head runs the recurrence of one head of values of one sequence. What comes in and goes out has a row for each value, the state in between a row
// for each key.
func (k *deltaNet) head(b, h int, past, room []float32) {
	cells := k.size * k.vSize
	state := attn.State{S: room[:cells], V: k.vSize}
	q, key, decay, fix := room[cells:][:k.size], room[cells+k.size:][:k.size], room[cells+2*k.size:][:k.decays], room[cells+3*k.size:]
	clear(state.S)
	if past != nil {
		vec.TransposeF32(state.S, k.vSize, past[(b*k.values+h)*cells:][:cells], k.size, k.vSize, k.size)
	}
	kh := h / k.group
	for t := int(k.ends[b]); t < int(k.ends[b+1]); t++ {
		copy(q, k.q[t*k.qStep+kh*k.size:])
		copy(key, k.k[t*k.kStep+kh*k.size:])
		if k.attrs.QkL2Norm {
			unit(q)
			unit(key)
		}
		val := k.v[t*k.vStep+h*k.vSize:][:k.vSize]
		if k.gated {
			k.decayOf(decay, t, h)
			state.Decay(decay)
		}
		if k.delta {
			state.Read(fix, key, 1)
			vec.Sub(fix, val, fix)
			beta := k.beta[t*k.values+h]
			if k.attrs.BetaActivation == "sigmoid" {
				beta = float32(1 / (1 + math.Exp(-float64(beta))))
			}
			vec.MulS(fix, fix, beta)
			val = fix
		}
		state.Write(key, val)
		state.Read(k.y[(t*k.values+h)*k.vSize:][:k.vSize], q, k.scale)
		k.capture(b, h, t-int(k.ends[b]), decay, key, val)
	}
	vec.TransposeF32(k.state[(b*k.values+h)*cells:][:cells], k.size, state.S, k.vSize, k.size, k.vSize)
}

// decayOf sets dst to the factors of a head's state.
func (k *deltaNet) decayOf(dst []float32, t, h int) {
	copy(dst, k.decay[(t*k.values+h)*k.decays:])
	for i, x := range dst {
		g := float64(x)
		if k.attrs.GateActivation != "none" {
			at := h
			if len(k.bias) > k.values {
				at = h*k.size + i
			}
			a := math.Exp(float64(k.aLog[h]))
			g += float64(k.bias[at])
			switch k.attrs.GateActivation {
			case "softplus", "qwen":
				g = -a * (max(g, 0) + math.Log1p(math.Exp(-math.Abs(g))))
			default:
				g = float64(k.attrs.GateLowerBound) / (1 + math.Exp(-a*g))
			}
		}
		dst[i] = float32(math.Exp(g))
	}
}

// capture tells what a token did to the state: all its decays, keys and additions stand one kind after the other.
func (k *deltaNet) capture(b, h, at int, decay, key, val []float32) {
	if k.counts == nil || at >= k.counts[b] {
		return
	}
	c := k.attrs.StateUpdateCapacity
	wd, wk, wv := k.values*k.decays, k.heads*k.size, k.values*k.vSize
	rows := k.update[b*c*(wd+wk+wv):]
	if k.gated {
		copy(rows[at*wd+h*k.decays:], decay)
	} else {
		for i := range k.decays {
			rows[at*wd+h*k.decays+i] = 1
		}
	}
	if h%k.group == 0 {
		copy(rows[c*wd+at*wk+h/k.group*k.size:], key)
	}
	copy(rows[c*(wd+wk)+at*wv+h*k.vSize:], val)
}

// unit divides a vector by its length.
func unit(x []float32) {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	vec.MulS(x, x, float32(1/math.Sqrt(sum+1e-12)))
}
