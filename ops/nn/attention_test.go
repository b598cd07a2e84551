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

// attCase is an attention in the plainest form: all operands in four dimensions, in float64.
type attCase struct {
	batch, heads, kvHeads, queries, keys, past, size, vSize int

	packed      bool // 3 dimensions
	causal      bool
	left, right int   // -1: none
	mask        []int // shape; nil: none
	boolMask    bool
	lens        []int64
	softcap     float64
	scale       float64 // 0: the default
	mode        int
	scores      bool // the output is wanted
	presents    bool

	q, k, v, pk, pv, m []float64
}

func (a *attCase) total() int { return a.past + a.keys }

func draw(rnd *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Round((rnd.Float64()*2-1)*64) / 64
	}
	return out
}

func volume(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func (a *attCase) fill(rnd *rand.Rand) {
	a.q = draw(rnd, a.batch*a.heads*a.queries*a.size)
	a.k, a.v = draw(rnd, a.batch*a.kvHeads*a.keys*a.size), draw(rnd, a.batch*a.kvHeads*a.keys*a.vSize)
	a.pk, a.pv = draw(rnd, a.batch*a.kvHeads*a.past*a.size), draw(rnd, a.batch*a.kvHeads*a.past*a.vSize)
	if a.mask != nil {
		a.m = draw(rnd, volume(a.mask))
		if a.boolMask {
			for i, v := range a.m {
				a.m[i] = 0
				if v > -0.3 {
					a.m[i] = 1
				}
			}
		}
	}
}

// pick returns element d of a key or value: of the past, or new.
func pick(past, now []float64, batchHead, j, d, nPast, nNow, size int) float64 {
	if j < nPast {
		return past[(batchHead*nPast+j)*size+d]
	}
	return now[(batchHead*nNow+j-nPast)*size+d]
}

// bias returns what is added to a score.
func (a *attCase) bias(b, h, i, j int) float64 {
	inf := math.Inf(-1)
	place := a.past + i
	if a.lens != nil {
		if j >= int(a.lens[b]) {
			return inf
		}
		place = int(a.lens[b]) - a.queries + i
	}
	if a.causal && j > place || a.left >= 0 && j < place-a.left || a.right >= 0 && j > place+a.right {
		return inf
	}
	if a.mask == nil {
		return 0
	}
	n := len(a.mask)
	if j >= a.mask[n-1] {
		return inf
	}
	at, step := j, a.mask[n-1]
	for k, x := range []int{i, h, b} {
		if d := n - 2 - k; d >= 0 {
			if a.mask[d] > 1 {
				at += x * step
			}
			step *= a.mask[d]
		}
	}
	if a.boolMask {
		if a.m[at] == 0 {
			return inf
		}
		return 0
	}
	return a.m[at]
}

// run returns Y as [batch, heads, queries, size], and the scores.
func (a *attCase) run() (y, scores []float64) {
	total := a.total()
	y = make([]float64, a.batch*a.heads*a.queries*a.vSize)
	scores = make([]float64, a.batch*a.heads*a.queries*total)
	scale := a.scale
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(a.size))
	}
	row, prob := make([]float64, total), make([]float64, total)
	for b := range a.batch {
		for h := range a.heads {
			kv := b*a.kvHeads + h/(a.heads/a.kvHeads)
			for i := range a.queries {
				r := (b*a.heads+h)*a.queries + i
				out := scores[r*total:][:total]
				top := math.Inf(-1)
				for j := range total {
					s := 0.0
					for d := range a.size {
						s += a.q[r*a.size+d] * pick(a.pk, a.k, kv, j, d, a.past, a.keys, a.size)
					}
					s *= scale
					if a.mode == scoresRaw {
						out[j] = s
					}
					if a.softcap > 0 {
						s = a.softcap * math.Tanh(s/a.softcap)
					}
					if a.mode == scoresCapped {
						out[j] = s
					}
					row[j] = s + a.bias(b, h, i, j)
					if a.mode == scoresBiased {
						out[j] = row[j]
					}
					top = max(top, row[j])
				}
				sum := 0.0
				for j, s := range row {
					prob[j] = 0
					if !math.IsInf(top, -1) {
						prob[j] = math.Exp(s - top)
					}
					sum += prob[j]
				}
				for j := range prob {
					if sum > 0 {
						prob[j] /= sum
					}
					for d := range a.vSize {
						y[r*a.vSize+d] += prob[j] * pick(a.pv, a.v, kv, j, d, a.past, a.keys, a.vSize)
					}
				}
				if a.mode == scoresSoftmax {
					copy(out, prob)
				}
			}
		}
	}
	return y, scores
}

// joined returns the past and the new elements of keys or values.
func (a *attCase) joined(past, now []float64, size int) []float64 {
	var out []float64
	for bh := range a.batch * a.kvHeads {
		out = append(out, past[bh*a.past*size:][:a.past*size]...)
		out = append(out, now[bh*a.keys*size:][:a.keys*size]...)
	}
	return out
}

// foldHeads turns [batch, heads, seq, size] into [batch, seq, heads·size].
func foldHeads(x []float64, batch, heads, seq, size int) []float64 {
	out := make([]float64, len(x))
	for b := range batch {
		for h := range heads {
			for s := range seq {
				copy(out[((b*seq+s)*heads+h)*size:], x[((b*heads+h)*seq+s)*size:][:size])
			}
		}
	}
	return out
}

func (a *attCase) node(t testing.TB, dt tensor.DType) *optest.Node {
	n := &optest.Node{Op: Attention(), Out: 4, Attrs: optest.Attrs("is_causal", bit(a.causal), "left_window_size", a.left, "right_window_size", a.right,
		"softcap", a.softcap, "qk_matmul_output_mode", a.mode)}
	if a.scale != 0 {
		n.Attrs["scale"] = ops.FloatAttr(float32(a.scale))
	}
	put := func(x []float64, heads, seq, size int) *tensor.Tensor {
		if a.packed {
			return optest.Of(t, dt, foldHeads(x, a.batch, heads, seq, size), a.batch, seq, heads*size)
		}
		return optest.Of(t, dt, x, a.batch, heads, seq, size)
	}
	if a.packed {
		n.Attrs["q_num_heads"], n.Attrs["kv_num_heads"] = ops.IntAttr(a.heads), ops.IntAttr(a.kvHeads)
	}
	n.In = make([]*tensor.Tensor, 7)
	n.In[attQ], n.In[attK], n.In[attV] = put(a.q, a.heads, a.queries, a.size), put(a.k, a.kvHeads, a.keys, a.size), put(a.v, a.kvHeads, a.keys, a.vSize)
	if a.mask != nil {
		mt := dt
		if a.boolMask {
			mt = tensor.Bool
		}
		n.In[attMask] = optest.Of(t, mt, a.m, a.mask...)
	}
	if a.past > 0 {
		n.In[attPastK] = optest.Of(t, dt, a.pk, a.batch, a.kvHeads, a.past, a.size)
		n.In[attPastV] = optest.Of(t, dt, a.pv, a.batch, a.kvHeads, a.past, a.vSize)
	}
	if a.lens != nil {
		n.In[attLens] = tensor.Of(a.lens, len(a.lens))
	}
	if !a.presents {
		n.Skip = append(n.Skip, attPresentK, attPresentV)
	}
	if !a.scores {
		n.Skip = append(n.Skip, attScores)
	}
	return n
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func closeTo(t *testing.T, what string, got *tensor.Tensor, want []float64, tol float64) {
	t.Helper()
	have := optest.Floats(got)
	if len(have) != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, len(have), len(want))
	}
	for i, w := range want {
		if have[i] != w && !(math.Abs(have[i]-w) <= tol*(1+math.Abs(w))) {
			t.Fatalf("%s[%d] is %v, want %v", what, i, have[i], w)
		}
	}
}

func (a *attCase) check(t *testing.T, dt tensor.DType, tol float64) {
	t.Helper()
	out := a.node(t, dt).Run(t)
	y, scores := a.run()
	if a.packed {
		y = foldHeads(y, a.batch, a.heads, a.queries, a.vSize)
	}
	closeTo(t, "Y", out[attY], y, tol)
	if a.scores {
		closeTo(t, "qk_matmul_output", out[attScores], scores, tol)
	}
	if a.presents {
		closeTo(t, "present_key", out[attPresentK], a.joined(a.pk, a.k, a.size), 0)
		closeTo(t, "present_value", out[attPresentV], a.joined(a.pv, a.v, a.vSize), 0)
	}
}

func TestAttention(t *testing.T) {
	cases := map[string]func(a *attCase){
		"plain":            func(a *attCase) {},
		"causal":           func(a *attCase) { a.causal = true },
		"past":             func(a *attCase) { a.past, a.causal = 5, true },
		"past, presents":   func(a *attCase) { a.past, a.causal, a.presents = 290, true, true },
		"presents":         func(a *attCase) { a.presents = true },
		"window":           func(a *attCase) { a.left, a.right = 3, 2 },
		"huge window":      func(a *attCase) { a.left, a.right = math.MaxInt32, math.MaxInt32 },
		"causal window":    func(a *attCase) { a.left, a.causal, a.past = 20, true, 300 },
		"cap":              func(a *attCase) { a.softcap = 0.5 },
		"scale":            func(a *attCase) { a.scale = 0.75 },
		"bools":            func(a *attCase) { a.mask, a.boolMask = []int{a.queries, a.keys}, true },
		"bools by head":    func(a *attCase) { a.mask, a.boolMask = []int{a.heads, a.queries, a.keys}, true },
		"floats":           func(a *attCase) { a.mask = []int{a.batch, 1, a.queries, a.keys} },
		"floats, one row":  func(a *attCase) { a.mask = []int{a.batch, 1, 1, a.keys} },
		"floats of rank 1": func(a *attCase) { a.mask, a.causal = []int{a.keys}, true },
		"short mask":       func(a *attCase) { a.mask = []int{a.queries, a.keys - 2} },
		"lengths":          func(a *attCase) { a.lens = []int64{1, int64(a.keys)}[:a.batch] },
		"lengths, causal":  func(a *attCase) { a.lens, a.causal = []int64{int64(a.keys) - 1, int64(a.keys)}[:a.batch], true },
		"no length":        func(a *attCase) { a.lens, a.causal = []int64{0, 2}[:a.batch], true },
		"raw scores":       func(a *attCase) { a.scores, a.causal, a.softcap = true, true, 2 },
		"capped scores":    func(a *attCase) { a.scores, a.mode, a.softcap = true, scoresCapped, 2 },
		"biased scores": func(a *attCase) {
			a.scores, a.mode, a.causal, a.mask = true, scoresBiased, true, []int{a.queries, a.keys}
		},
		"probabilities":      func(a *attCase) { a.scores, a.mode, a.left, a.right = true, scoresSoftmax, 2, 1 },
		"masked out, biased": func(a *attCase) { a.scores, a.mode, a.lens = true, scoresBiased, []int64{0, 1}[:a.batch] },
		"all": func(a *attCase) {
			a.causal, a.past, a.presents, a.scores, a.mode, a.softcap = true, 7, true, true, scoresSoftmax, 3
		},
	}
	sizes := []attCase{
		{batch: 2, heads: 4, kvHeads: 2, queries: 1, keys: 9, size: 8, vSize: 6},
		{batch: 2, heads: 3, kvHeads: 3, queries: 5, keys: 7, size: 5, vSize: 9},
		{batch: 1, heads: 4, kvHeads: 2, queries: 70, keys: 70, size: 16, vSize: 20},
		{batch: 2, heads: 2, kvHeads: 1, queries: 33, keys: 530, size: 7, vSize: 3},
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for name, edit := range cases {
		for i, a := range sizes {
			for _, packed := range []bool{false, true} {
				a.left, a.right, a.packed = -1, -1, packed
				edit(&a)
				if a.past > 0 && a.mask != nil || a.keys < 3 {
					continue
				}
				a.fill(rnd)
				t.Run(fmt.Sprintf("%s/%d/%t", name, i, packed), func(t *testing.T) {
					a.check(t, tensor.Float32, 2e-5)
					if i < 2 {
						a.check(t, tensor.Float64, 1e-12)
						a.check(t, tensor.Float16, 1e-2)
						a.check(t, tensor.BFloat16, 8e-2)
					}
				})
			}
		}
	}
}

// TestAttentionEmpty has dimensions of size 0.
func TestAttentionEmpty(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	base := attCase{batch: 2, heads: 2, kvHeads: 2, queries: 30, keys: 4, size: 3, vSize: 5, left: -1, right: -1, scores: true, presents: true}
	for _, edit := range []func(*attCase){
		func(a *attCase) { a.batch = 0 }, func(a *attCase) { a.queries = 0 }, func(a *attCase) { a.keys = 0 },
		func(a *attCase) { a.size = 0 }, func(a *attCase) { a.vSize = 0 }, func(a *attCase) { a.heads = 0 }, func(a *attCase) { a.keys, a.queries = 0, 2 },
		func(a *attCase) { a.keys, a.past = 0, 3 },
	} {
		a := base
		edit(&a)
		if a.size == 0 {
			a.scale = 1
		}
		a.fill(rnd)
		a.check(t, tensor.Float32, 1e-5)
		a.check(t, tensor.BFloat16, 1e-1)
	}
}

// TestAttentionHidden has NaNs where no query looks: in padded keys.
func TestAttentionHidden(t *testing.T) {
	a := attCase{batch: 1, heads: 1, kvHeads: 1, queries: 40, keys: 600, size: 4, vSize: 4, left: -1, right: -1, lens: []int64{250}}
	a.fill(rand.New(rand.NewPCG(3, 3)))
	want, _ := a.run()
	n := a.node(t, tensor.Float32)
	for i := range 300 * 4 {
		tensor.View[float32](n.In[attV])[300*4+i] = float32(math.NaN())
	}
	closeTo(t, "Y", n.Run(t)[attY], want, 2e-5)
}

func TestSoftmaxPrecision(t *testing.T) {
	a := attCase{batch: 1, heads: 2, kvHeads: 2, queries: 3, keys: 50, size: 8, vSize: 4, left: -1, right: -1}
	a.fill(rand.New(rand.NewPCG(4, 4)))
	want, _ := a.run()
	for _, dt := range Attention().Newest().TypeSet("T1").Tensor.List() {
		for precision, tol := range map[tensor.DType]float64{tensor.Float32: 1e-5, tensor.Float16: 2e-3, tensor.Float64: 1e-5, tensor.BFloat16: 3e-2} {
			n := a.node(t, dt)
			n.Attrs["softmax_precision"] = ops.IntAttr(precision)
			if dt == tensor.Float16 || dt == tensor.BFloat16 {
				tol = max(tol, map[tensor.DType]float64{tensor.Float16: 5e-3, tensor.BFloat16: 5e-2}[dt])
			}
			closeTo(t, fmt.Sprint(dt, " by ", precision), n.Run(t)[attY], want, tol)
		}
	}
}

func TestAttentionErrors(t *testing.T) {
	zeros := func(dims ...int) *tensor.Tensor {
		x, _ := tensor.New(tensor.Float32, dims...)
		return x
	}
	for want, edit := range map[string]func(n *optest.Node){
		"must have 3 or 4 dimensions":         func(n *optest.Node) { n.In[attQ] = zeros(2, 3) },
		"their ranks differ":                  func(n *optest.Node) { n.In[attQ] = zeros(2, 3, 8); n.Attrs["q_num_heads"] = ops.IntAttr(2) },
		"the attribute q_num_heads is needed": func(n *optest.Node) { n.In[attQ] = zeros(2, 3, 8) },
		"isn't a multiple of the 3 heads":     func(n *optest.Node) { n.In[attQ] = zeros(2, 3, 8); n.Attrs["q_num_heads"] = ops.IntAttr(3) },
		"q_num_heads is 0":                    func(n *optest.Node) { n.Attrs["q_num_heads"] = ops.IntAttr(0) },
		"but kv_num_heads is 3":               func(n *optest.Node) { n.Attrs["kv_num_heads"] = ops.IntAttr(3) },
		"their batches differ":                func(n *optest.Node) { n.In[attK] = zeros(1, 2, 5, 4) },
		"the head sizes of Q and K differ":    func(n *optest.Node) { n.In[attK] = zeros(2, 2, 5, 3) },
		"the lengths of K and V differ":       func(n *optest.Node) { n.In[attK] = zeros(2, 2, 6, 4) },
		"the numbers of heads of K and V":     func(n *optest.Node) { n.In[attK] = zeros(2, 1, 5, 4) },
		"aren't a multiple of the 2 of K":     func(n *optest.Node) { n.In[attQ] = zeros(2, 3, 3, 4) },
		"must come together":                  func(n *optest.Node) { n.In[attPastK] = zeros(2, 2, 1, 4) },
		"past_value is [2,2,2,4]":             func(n *optest.Node) { n.In[attPastK], n.In[attPastV] = zeros(2, 2, 1, 4), zeros(2, 2, 2, 4) },
		"for a cache outside": func(n *optest.Node) {
			n.In[attPastK], n.In[attPastV] = zeros(2, 2, 1, 4), zeros(2, 2, 1, 4)
			n.In[attLens] = tensor.Of([]int64{1, 1}, 2)
		},
		"nonpad_kv_seqlen is [3]":    func(n *optest.Node) { n.In[attLens] = tensor.Of([]int64{1, 1, 1}, 3) },
		"nonpad_kv_seqlen[1] is 6":   func(n *optest.Node) { n.In[attLens] = tensor.Of([]int64{1, 6}, 2) },
		"nonpad_kv_seqlen[0] is -1":  func(n *optest.Node) { n.In[attLens] = tensor.Of([]int64{-1, 1}, 2) },
		"attn_mask is [3,6]":         func(n *optest.Node) { n.In[attMask] = zeros(3, 6) },
		"attn_mask is [2,5]":         func(n *optest.Node) { n.In[attMask] = zeros(2, 5) },
		"attn_mask is []":            func(n *optest.Node) { n.In[attMask] = zeros() },
		"qk_matmul_output_mode is 4": func(n *optest.Node) { n.Attrs["qk_matmul_output_mode"] = ops.IntAttr(4) },
		"left_window_size is -2":     func(n *optest.Node) { n.Attrs["left_window_size"] = ops.IntAttr(-2) },
		"softcap is -1":              func(n *optest.Node) { n.Attrs["softcap"] = ops.FloatAttr(-1) },
		"softmax_precision is 7":     func(n *optest.Node) { n.Attrs["softmax_precision"] = ops.IntAttr(7) },
	} {
		n := &optest.Node{Op: Attention(), Attrs: ops.Attrs{}, Out: 4, In: make([]*tensor.Tensor, 7)}
		n.In[attQ], n.In[attK], n.In[attV] = zeros(2, 2, 3, 4), zeros(2, 2, 5, 4), zeros(2, 2, 5, 4)
		edit(n)
		if _, err := n.Try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// benchCases are attentions as models have them.
var benchCases = map[string]attCase{
	"encoder 128": {batch: 1, heads: 12, kvHeads: 12, queries: 128, keys: 128, size: 32, vSize: 32, left: -1, right: -1},
	"prefill 512": {batch: 1, heads: 8, kvHeads: 2, queries: 512, keys: 512, size: 64, vSize: 64, left: -1, right: -1, causal: true},
	"decode 1024": {batch: 1, heads: 8, kvHeads: 2, queries: 1, keys: 1024, size: 64, vSize: 64, left: -1, right: -1, causal: true, lens: []int64{1000}},
}

func TestAttentionAllocatesNothing(t *testing.T) {
	for name, a := range benchCases {
		a.fill(rand.New(rand.NewPCG(5, 5)))
		b, err := a.node(t, tensor.Float32).Bind(0)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Again(); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(3, func() { b.Again() }); n != 0 {
			t.Errorf("%s allocates %v times a run", name, n)
		}
	}
}

func BenchmarkAttention(b *testing.B) {
	for name, a := range benchCases {
		b.Run(name, func(b *testing.B) {
			a.fill(rand.New(rand.NewPCG(5, 5)))
			n, err := a.node(b, tensor.Float32).Bind(0)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := n.Again(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(a.batch*a.heads*a.queries*a.keys*(a.size+a.vSize)*2*b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// TestUnknownShapes infers the layers of sequences from symbols and from nothing.
func TestUnknownShapes(t *testing.T) {
	b, s, p := sym.Symbol("b"), sym.Symbol("s"), sym.Symbol("p")
	q := sym.TensorType(tensor.Float16, b, s, sym.Num(64))
	past := sym.TensorType(tensor.Float16, b, sym.Num(2), p, sym.Num(16))
	outs, err := optest.Infer(t, Attention(), optest.Attrs("q_num_heads", 4, "kv_num_heads", 2), 4, &q, &past, &past)
	if err == nil {
		t.Errorf("mixed ranks: %v", outs)
	}
	k := sym.TensorType(tensor.Float16, b, s, sym.Num(32))
	outs, err = optest.Infer(t, Attention(), optest.Attrs("q_num_heads", 4, "kv_num_heads", 2), 4, &q, &k, &k, nil, &past, &past)
	if err != nil || outs[attY].String() != "float16[b,s,64]" || outs[attPresentK].Shape[2].String() != "p+s" || outs[attScores].Rank() != 4 {
		t.Errorf("%v %v", outs, err)
	}
	attention, linear := Attention(), LinearAttention()
	for _, op := range []*ops.Op{attention, FlexAttention(), linear, CausalConvWithState(), RotaryEmbedding, NegativeLogLikelihoodLoss(), SoftmaxCrossEntropyLoss()} {
		ins := make([]*ops.Type, len(op.Newest().In))
		for i := range ins {
			if op != linear || i < 3 {
				ins[i] = &ops.Type{DT: tensor.Float32}
			}
		}
		if op == attention {
			ins[attLens] = nil
		}
		attrs := ops.Attrs{}
		if op == linear {
			attrs = optest.Attrs("q_num_heads", 1, "kv_num_heads", 1, "update_rule", "linear")
		}
		outs, err := optest.Infer(t, op, attrs, len(op.Newest().Out), ins...)
		if err != nil || outs[0].DT != tensor.Float32 {
			t.Errorf("%s: %v %v", op, outs, err)
		}
	}
}
