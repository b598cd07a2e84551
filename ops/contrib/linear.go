package contrib

import (
	"fmt"
	"math"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// linearOps are attention by a state that each token decays, corrects and adds to, and the convolutions in front of it.
var linearOps = []*ops.Op{
	expand("LinearAttention", "query:T, key:T, value:T, past_state:S?, decay:T?, beta:T?", "output:T, present_state:S", "T="+floatT+"; S="+floatT, expandLinearAttention),
	expand("CausalConvWithState", "input:T, weight:T, bias:T?, past_state:T?", "output:T, present_state:T, state_update:T?", "T="+floatT, expandCausalConv),
	ops.Def(ops.Spec[deltaNetAttrs]{
		Name: "GatedDeltaNet", Domain: domain, Vers: since1,
		In:  "query:T, key:T?, value:T?, cu_seqlens:TI?, decay:TG?, beta:TG?, initial_state:TS?, a_log:TS?, dt_bias:TS?, capture_count:TI?, state_update_active:TI?",
		Out: "output:T, final_state:TS?, state_update:TS?", Types: "T=" + floatT + "; TS=float; TG=" + floatT + "; TI=int32",
		Infer: inferDeltaNet, Eval: evalDeltaNet,
	}),
	ops.Def(ops.Spec[varlenConvAttrs]{
		Name: "VarlenCausalConvWithState", Domain: domain, Vers: since1,
		In:  "input:T, weight:T, cumulative_sequence_length:M, bias:T?, initial_state:T, capture_count:M?, kernel_delta:T?, previous_mask:T?",
		Out: "output:T, final_state:T, state_update:T?", Types: "T=" + floatT + "; M=int32",
		Infer: inferVarlenConv, Eval: evalVarlenConv,
	}),
}

type linearAttentionAttrs struct {
	ChunkSize   int     `onnx:",64"`
	KvNumHeads  int     `onnx:",required"`
	QNumHeads   int     `onnx:",required"`
	Scale       float32 `onnx:",0"`
	StateWindow int     `onnx:",0"`
	UpdateRule  string  `onnx:",gated_delta"`
}

// expandLinearAttention makes the operator that the standard took over. That one has as many heads of keys as of values, and at least as many of
// queries: heads that several states share are repeated.
func expandLinearAttention(g graph, a *linearAttentionAttrs) error {
	if a.StateWindow != 0 {
		return fmt.Errorf("state_window is %d; states of several tokens aren't computed", a.StateWindow)
	}
	if a.KvNumHeads < 1 || a.QNumHeads < 1 || a.QNumHeads%a.KvNumHeads != 0 && a.KvNumHeads%a.QNumHeads != 0 {
		return fmt.Errorf("q_num_heads is %d and kv_num_heads %d; one must be a multiple of the other", a.QNumHeads, a.KvNumHeads)
	}
	heads := a.QNumHeads
	q, k := g.In(0), g.In(1)
	if a.KvNumHeads > heads {
		q = g.repeatHeads(q, heads, a.KvNumHeads/heads)
		heads = a.KvNumHeads
	}
	if tq, tk := g.Type(0), g.Type(1); tq.Ranked && tk.Ranked && len(tq.Shape) == 3 && len(tk.Shape) == 3 {
		wq, ok1 := tq.Shape[2].Int()
		wk, ok2 := tk.Shape[2].Int()
		if ok1 && ok2 && wq%int64(a.QNumHeads) == 0 && wq > 0 {
			size := wq / int64(a.QNumHeads)
			n := wk / size
			if wk%size != 0 || n == 0 || int64(a.KvNumHeads)%n != 0 {
				return fmt.Errorf("key is %s, which isn't heads of %d elements that %d states can share", sym.ShapeString(tk.Shape), size, a.KvNumHeads)
			}
			if int(n) != a.KvNumHeads {
				k = g.repeatHeads(k, int(n), a.KvNumHeads/int(n))
			}
		}
	}
	at := attrs("q_num_heads", heads, "kv_num_heads", a.KvNumHeads, "scale", a.Scale, "update_rule", a.UpdateRule, "chunk_size", a.ChunkSize)
	out := g.Ops("LinearAttention", at, 2, q, k, g.In(2), g.In(3), g.In(4), g.In(5))
	if err := g.SetOut(1, out[1]); err != nil {
		return err
	}
	return g.SetOut(0, out[0])
}

// repeatHeads repeats each of n heads that stand side by side in the last of three dimensions.
func (g graph) repeatHeads(x ops.Ref, n, times int) ops.Ref {
	apart := g.Op("Reshape", nil, x, g.ints(0, 0, int64(n), 1, -1))
	return g.Op("Reshape", nil, g.Op("Tile", nil, apart, g.ints(1, 1, 1, int64(times), 1)), g.ints(0, 0, -1))
}

type causalConvAttrs struct {
	Activation          string `onnx:",none"`
	ChannelsLast        bool   `onnx:",0"`
	Dilation            int    `onnx:",1"`
	InputChannelOffset  int    `onnx:",0"`
	InputChannels       int    `onnx:",0"`
	Ndim                int    `onnx:",1"`
	StateChannelsLast   int    `onnx:",-1"`
	StateLength         int    `onnx:",0"`
	StateUpdateCapacity int    `onnx:",0"`
	StateWindow         int    `onnx:",0"`
}

// expandCausalConv makes the operator that the standard took over, with the channels in front and zeros between the taps of a dilated kernel: what
// that one keeps is as long as this one's state.
func expandCausalConv(g graph, a *causalConvAttrs) error {
	switch {
	case a.Ndim != 1:
		return fmt.Errorf("ndim is %d; only sequences, 1, are computed", a.Ndim)
	case a.Dilation < 1:
		return fmt.Errorf("dilation is %d; it must be positive", a.Dilation)
	case a.StateWindow != 0 || a.StateUpdateCapacity != 0 || a.StateLength != 0 || a.InputChannels != 0 || a.InputChannelOffset != 0 || a.StateChannelsLast != -1 || g.Wants(2):
		return fmt.Errorf("state_window, state_update_capacity, state_length, state_channels_last, input_channels and input_channel_offset aren't computed")
	}
	x, w, past := g.In(0), g.In(1), g.In(3)
	if a.Dilation > 1 {
		d := int64(a.Dilation)
		w = g.Op("Pad", nil, g.Op("Unsqueeze", nil, w, g.ints(3)), g.ints(0, 0, 0, 0, 0, 0, 0, d-1))
		w = g.Op("Slice", nil, g.Op("Reshape", nil, w, g.ints(0, 0, -1)), g.ints(0), g.ints(1-d), g.ints(2))
	}
	first := func(v ops.Ref) ops.Ref { // channels, which may be several dimensions, in front
		if v == nil {
			return nil
		}
		return g.Op("Transpose", attrs("perm", []int{0, 2, 1}), g.Op("Reshape", nil, v, g.ints(0, 0, -1)))
	}
	last := func(v, like ops.Ref) ops.Ref {
		shape := g.Op("Concat", attrs("axis", 0), g.ints(0, -1), g.Op("Shape", attrs("start", 2), like))
		return g.Op("Reshape", nil, g.Op("Transpose", attrs("perm", []int{0, 2, 1}), v), shape)
	}
	if a.ChannelsLast {
		x, past = first(x), first(past)
	}
	out := g.Ops("CausalConvWithState", attrs("activation", a.Activation), 2, x, w, g.In(2), past)
	if a.ChannelsLast {
		out[0], out[1] = last(out[0], g.In(0)), last(out[1], g.In(0))
	}
	if err := g.SetOut(1, out[1]); err != nil {
		return err
	}
	return g.SetOut(0, out[0])
}

// checkCapture checks how many transitions of a state are to be given.
func checkCapture(capacity int, counted bool) error {
	if capacity < 0 || capacity > 8 || counted != (capacity > 0) {
		return fmt.Errorf("state_update_capacity is %d; it must be 0 to 8, and capture_count must be there exactly when it isn't 0 (there: %t)", capacity, counted)
	}
	return nil
}

// spans returns where the sequences of a packed batch begin, and where the last ends; at least so many tokens are in each.
func spans(name string, ends []int32, tokens, least int) error {
	if len(ends) == 0 || ends[0] != 0 || int(ends[len(ends)-1]) != tokens {
		return fmt.Errorf("%s is %v; it must begin with 0 and end with the number of tokens, %d", name, ends, tokens)
	}
	for i, e := range ends[1:] {
		if int(e)-int(ends[i]) < least {
			return fmt.Errorf("%s is %v; sequence %d has fewer tokens than %d", name, ends, i, least)
		}
	}
	return nil
}

type varlenConvAttrs struct {
	Activation          string `onnx:",none"`
	DeltaOffset         int    `onnx:",0"`
	Dilation            int    `onnx:",1"`
	GroupSize           int    `onnx:",1"`
	StateUpdateCapacity int    `onnx:",0"`
}

func inferVarlenConv(c *ops.Infer, a *varlenConvAttrs) error {
	switch {
	case a.Activation != "none" && a.Activation != "silu" && a.Activation != "swish":
		return fmt.Errorf("activation is %q; it must be none, silu or swish", a.Activation)
	case a.Dilation < 1:
		return fmt.Errorf("dilation is %d; it must be positive", a.Dilation)
	case c.Has(6) || c.Has(7) || a.DeltaOffset != 0 || a.GroupSize != 1:
		return fmt.Errorf("kernel_delta and previous_mask, a kernel that changes with the token, aren't computed")
	}
	if err := checkCapture(a.StateUpdateCapacity, c.Has(5)); err != nil {
		return err
	}
	dt := c.In(0).DT
	x, ok1 := c.Shape(0)
	w, ok2 := c.Shape(1)
	ends, ok3 := c.Shape(2)
	if !ok1 || !ok2 || !ok3 {
		c.OutLike(0, 0)
		c.OutRank(1, dt, 3)
		return c.OutRank(2, dt, 3)
	}
	if len(x) != 2 || len(w) != 3 || len(ends) != 1 || differ(w[0], x[1]) || differ(w[1], ops.Num(1)) || w[2].Is(0) {
		return fmt.Errorf("input is %s, weight %s and cumulative_sequence_length %s; they must be [tokens,channels], [channels,1,kernel] and [batch+1]",
			sym.ShapeString(x), sym.ShapeString(w), sym.ShapeString(ends))
	}
	batch := ends[0].Sub(ops.Num(1))
	state := []ops.Dim{batch, x[1], w[2].Sub(ops.Num(1)).Mul(ops.Num(a.Dilation))}
	if err := checkDims(c, 3, "bias", x[1]); err != nil {
		return err
	}
	if err := checkDims(c, 4, "initial_state", state...); err != nil {
		return err
	}
	if err := checkDims(c, 5, "capture_count", batch); err != nil {
		return err
	}
	c.OutLike(0, 0)
	c.Out(1, dt, state...)
	return c.Out(2, dt, batch, ops.Num(a.StateUpdateCapacity), x[1])
}

// evalVarlenConv convolves each channel of each sequence with what came before.
func evalVarlenConv(c *ops.Call, a *varlenConvAttrs) error {
	x, w, past := floatsOf(c.In(0)), floatsOf(c.In(1)), floatsOf(c.In(4))
	tokens, channels, kernel := c.In(0).Dims()[0], c.In(0).Dims()[1], c.In(1).Dims()[2]
	ends := tensor.View[int32](c.In(2))
	if err := spans("cumulative_sequence_length", ends, tokens, 1); err != nil {
		return err
	}
	var bias []float32
	if c.Has(3) {
		bias = floatsOf(c.In(3))
	}
	keep := (kernel - 1) * a.Dilation
	y, state := make([]float32, len(x)), make([]float32, len(past))
	err := c.For((len(ends)-1)*channels, max(1, 1<<14/max(1, tokens*kernel)), func(lo, hi int) {
		row := make([]float32, keep+tokens)
		for i := lo; i < hi; i++ {
			b, ch := i/channels, i%channels
			from, n := int(ends[b]), int(ends[b+1]-ends[b])
			copy(row, past[i*keep:][:keep])
			for t := range n {
				row[keep+t] = x[(from+t)*channels+ch]
			}
			for t := range n {
				sum := float32(0)
				if bias != nil {
					sum = bias[ch]
				}
				for k, f := range w[ch*kernel:][:kernel] {
					sum += f * row[t+k*a.Dilation]
				}
				if a.Activation != "none" {
					sum = float32(float64(sum) / (1 + math.Exp(-float64(sum))))
				}
				y[(from+t)*channels+ch] = sum
			}
			copy(state[i*keep:][:keep], row[n:])
		}
	})
	if err != nil {
		return err
	}
	store(c, 0, y)
	store(c, 1, state)
	if !c.Wants(2) {
		return nil
	}
	update := make([]float32, (len(ends)-1)*a.StateUpdateCapacity*channels)
	for b, n := range captured(c, 5, a.StateUpdateCapacity, ends) {
		copy(update[b*a.StateUpdateCapacity*channels:], x[int(ends[b])*channels:][:n*channels])
	}
	store(c, 2, update)
	return nil
}

// captured is how many tokens of each sequence are to be told of.
func captured(c *ops.Call, i, capacity int, ends []int32) []int {
	out := make([]int, len(ends)-1)
	if capacity == 0 {
		return out
	}
	for b, n := range tensor.View[int32](c.In(i)) {
		out[b] = max(0, min(int(n), capacity, int(ends[b+1]-ends[b])))
	}
	return out
}

// store rounds elements to the type of an output, if that is wanted.
func store(c *ops.Call, o int, src []float32) {
	if c.Wants(o) {
		storeFloats(c.Out(o), src)
	}
}
