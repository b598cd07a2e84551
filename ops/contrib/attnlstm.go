package contrib

import (
	"fmt"

	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// The inputs of AttnLSTM behind those of an LSTM.
const attnQW, attnMW, attnV, attnM, attnLens, attnAW = 8, 9, 10, 11, 12, 13

// attnLSTM is an LSTM that looks at a memory in each step: its input is a token and what it saw in the memory one step before.
var attnLSTM = ops.Def(ops.Spec[lstmAttrs]{
	Name: "AttnLSTM", Domain: domain, Vers: since1,
	In:  "X:T, W:T, R:T, B:T?, sequence_lens:T1?, initial_h:T?, initial_c:T?, P:T?, QW:T?, MW:T?, V:T?, M:T?, memory_seq_lens:T1?, AW:T?",
	Out: "Y:T?, Y_h:T?, Y_c:T?", Types: "T=float; T1=int32",
	Infer: inferAttnLSTM, Eval: evalAttnLSTM,
})

func inferAttnLSTM(c *ops.Infer, a *lstmAttrs) error {
	if err := a.check(); err != nil {
		return err
	}
	for i, name := range map[int]string{attnQW: "QW", attnMW: "MW", attnV: "V", attnM: "M"} {
		if !c.Has(i) {
			return fmt.Errorf("input %s is absent; there is no attention without it", name)
		}
	}
	x, ok1 := c.Shape(lstmX)
	r, ok2 := c.Shape(lstmR)
	mw, ok3 := c.Shape(attnMW)
	m, ok4 := c.Shape(attnM)
	aw, ok5 := c.Shape(attnAW)
	if !ok1 || !ok2 || !ok3 || !ok4 || c.Has(attnAW) && !ok5 {
		for o := range 3 {
			c.OutRank(o, tensor.Float32, 4-min(o, 1))
		}
		return nil
	}
	if len(x) != 3 || len(r) != 3 || len(mw) != 3 || len(m) != 3 || ok5 && len(aw) != 3 {
		return fmt.Errorf("inputs X, R, MW and M are %s, %s, %s and %s; these, and AW, must have 3 dimensions", sym.ShapeString(x), sym.ShapeString(r), sym.ShapeString(mw), sym.ShapeString(m))
	}
	dirs, hidden := ops.Num(a.dirs()), r[2]
	if a.HiddenSize != 0 && differ(hidden, ops.Num(a.HiddenSize)) {
		return fmt.Errorf("hidden_size is %d, but R is %s", a.HiddenSize, sym.ShapeString(r))
	}
	gates, attention := hidden.Mul(ops.Num(4)), m[2]
	if ok5 {
		attention = aw[2]
	}
	for _, p := range []struct {
		i    int
		name string
		want []ops.Dim
	}{{lstmW, "W", []ops.Dim{dirs, gates, x[2].Add(attention)}}, {lstmR, "R", []ops.Dim{dirs, gates, hidden}}, {lstmB, "B", []ops.Dim{dirs, gates.Mul(ops.Num(2))}},
		{lstmLens, "sequence_lens", []ops.Dim{x[1]}}, {lstmH0, "initial_h", []ops.Dim{dirs, x[1], hidden}}, {lstmC0, "initial_c", []ops.Dim{dirs, x[1], hidden}},
		{lstmP, "P", []ops.Dim{dirs, hidden.Mul(ops.Num(3))}}, {attnQW, "QW", []ops.Dim{dirs, hidden, mw[2]}}, {attnMW, "MW", []ops.Dim{dirs, m[2], mw[2]}},
		{attnV, "V", []ops.Dim{dirs, mw[2]}}, {attnM, "M", []ops.Dim{x[1], m[1], m[2]}}, {attnLens, "memory_seq_lens", []ops.Dim{x[1]}},
		{attnAW, "AW", []ops.Dim{dirs, m[2].Add(hidden), attention}}} {
		if err := checkDims(c, p.i, p.name, p.want...); err != nil {
			return err
		}
	}
	c.Out(0, tensor.Float32, x[0], dirs, x[1], hidden)
	c.Out(1, tensor.Float32, dirs, x[1], hidden)
	return c.Out(2, tensor.Float32, dirs, x[1], hidden)
}

// multiply is dst = x·P for rows of x.
func multiply(p *gemm.PackedB[float32], dst, x []float32, rows int) {
	if p.K == 0 {
		clear(dst)
		return
	}
	if rows > 0 {
		gemm.Multiply(p, rows, x, p.K, dst, p.N)
	}
}

// memory is what an LSTM looks at (Bahdanau's attention).
type memory struct {
	batch, steps, depth, size int // steps of depth elements, and the size of a key
	values, keys, v           []float32
	lens                      []int32
	query, layer              *gemm.PackedB[float32] // layer, if there is one, makes the state from query and context

	pq, align, context, joined []float32
}

// look sets state to what the queries [batch, hidden] see.
func (m *memory) look(state, queries []float32, hidden int) {
	multiply(m.query, m.pq, queries, m.batch)
	tmp := make([]float32, m.size)
	for b := range m.batch {
		align := m.align[:m.lens[b]]
		for s := range align {
			vec.Add(tmp, m.keys[(b*m.steps+s)*m.size:][:m.size], m.pq[b*m.size:][:m.size])
			vec.Tanh(tmp, tmp)
			align[s] = vec.Dot(tmp, m.v)
		}
		vec.Softmax(align, align)
		context := m.context[b*m.depth:][:m.depth]
		clear(context)
		for s, p := range align {
			vec.Axpy(context, p, m.values[(b*m.steps+s)*m.depth:][:m.depth])
		}
	}
	if m.layer == nil {
		copy(state, m.context)
		return
	}
	for b := range m.batch {
		row := m.joined[b*(hidden+m.depth):]
		copy(row[:hidden], queries[b*hidden:])
		copy(row[hidden:][:m.depth], m.context[b*m.depth:])
	}
	multiply(m.layer, state, m.joined, m.batch)
}

func newMemory(c *ops.Call, dir, hidden int) (*memory, error) {
	d := c.In(attnM).Dims()
	m := &memory{batch: d[0], steps: d[1], depth: d[2], size: c.In(attnMW).Dims()[2], values: tensor.View[float32](c.In(attnM))}
	part := func(i, n int) []float32 { return tensor.View[float32](c.In(i))[dir*n:][:n] }
	m.lens = make([]int32, m.batch)
	for b := range m.lens {
		m.lens[b] = int32(m.steps)
	}
	if c.Has(attnLens) {
		m.lens = tensor.View[int32](c.In(attnLens))
	}
	if err := checkLens("memory_seq_lens", m.lens, 1, m.steps); err != nil {
		return nil, err
	}
	m.keys = make([]float32, m.batch*m.steps*m.size)
	pack := func(i, k, n int) (*gemm.PackedB[float32], error) { return gemm.Pack(k, n, part(i, k*n), n, false) }
	keys, err := pack(attnMW, m.depth, m.size)
	if err != nil {
		return nil, err
	}
	multiply(keys, m.keys, m.values, m.batch*m.steps)
	m.v = part(attnV, m.size)
	if m.query, err = pack(attnQW, hidden, m.size); err != nil {
		return nil, err
	}
	m.pq, m.align, m.context = make([]float32, m.batch*m.size), make([]float32, m.steps), make([]float32, m.batch*m.depth)
	if c.Has(attnAW) {
		n := c.In(attnAW).Dims()[2]
		if m.layer, err = pack(attnAW, hidden+m.depth, n); err != nil {
			return nil, err
		}
		m.joined = make([]float32, m.batch*(hidden+m.depth))
	}
	return m, nil
}

func evalAttnLSTM(c *ops.Call, a *lstmAttrs) error {
	x := c.In(lstmX)
	steps, batch, size, hidden := x.Dims()[0], x.Dims()[1], x.Dims()[2], c.In(lstmR).Dims()[2]
	lens, err := seqLens(c, steps, batch)
	if err != nil {
		return err
	}
	var y []float32
	if c.Wants(0) {
		y = tensor.View[float32](c.Out(0))
		clear(y)
	}
	gates := 4 * hidden
	for dir := range a.dirs() {
		l := &lstm{attrs: a, dir: dir, dirs: a.dirs(), steps: steps, batch: batch, hidden: hidden, lens: lens, y: y, reverse: a.Direction == "reverse" || dir == 1}
		if err := l.states(c); err != nil {
			return err
		}
		m, err := newMemory(c, dir, hidden)
		if err != nil {
			return err
		}
		width := c.In(lstmW).Dims()[2]
		w, err := gemm.Pack(width, gates, tensor.View[float32](c.In(lstmW))[dir*gates*width:][:gates*width], width, true)
		if err != nil {
			return err
		}
		r, err := gemm.Pack(hidden, gates, tensor.View[float32](c.In(lstmR))[dir*gates*hidden:][:gates*hidden], hidden, true)
		if err != nil {
			return err
		}
		state := make([]float32, batch*(width-size))
		in, out, rec := make([]float32, batch*width), make([]float32, batch*gates), make([]float32, batch*gates)
		tmp, data := make([]float32, hidden), tensor.View[float32](x)
		for t := range steps {
			if err := c.Context().Err(); err != nil {
				return err
			}
			for b := range batch {
				row := in[b*width:][:width]
				copy(row[:size], data[(l.at(t, b)*batch+b)*size:])
				copy(row[size:], state[b*(width-size):])
			}
			multiply(w, out, in, batch)
			multiply(r, rec, l.h, batch)
			vec.Add(out, out, rec)
			for b := range batch {
				if t < int(lens[b]) {
					l.step(l.at(t, b), b, out[b*gates:][:gates], tmp)
				}
			}
			m.look(state, l.h, hidden)
		}
		l.give(c)
	}
	return nil
}
