package contrib

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/vec"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// The inputs of DynamicQuantizeLSTM.
const (
	lstmX, lstmW, lstmR, lstmB, lstmLens, lstmH0, lstmC0, lstmP = 0, 1, 2, 3, 4, 5, 6, 7
	lstmScaleW, lstmZeroW, lstmScaleR, lstmZeroR                = 8, 9, 10, 11
)

// lstmOps are recurrent layers.
var lstmOps = []*ops.Op{
	ops.Def(ops.Spec[lstmAttrs]{
		Name: "DynamicQuantizeLSTM", Domain: domain, Vers: since1,
		In:  "X:T, W:T2, R:T2, B:T?, sequence_lens:T1?, initial_h:T?, initial_c:T?, P:T?, W_scale:T, W_zero_point:T2, R_scale:T, R_zero_point:T2",
		Out: "Y:T?, Y_h:T?, Y_c:T?", Types: "T=float; T1=int32; T2=int8|uint8",
		Infer: inferLSTM, Eval: evalLSTM,
	}),
}

type lstmAttrs struct {
	ActivationAlpha []float32
	ActivationBeta  []float32
	Activations     []string
	Clip            float32 `onnx:",0"`
	Direction       string  `onnx:",forward"`
	HiddenSize      int     `onnx:",0"`
	InputForget     bool    `onnx:",0"`
}

// lstmFunctions are the activations, with their usual parameters.
var lstmFunctions = map[string]func(dst, src []float32){
	"sigmoid": vec.Sigmoid, "tanh": vec.Tanh, "relu": vec.Relu, "softsign": vec.Softsign, "softplus": vec.Softplus,
	"hardsigmoid":     func(dst, src []float32) { vec.HardSigmoid(dst, src, 0.2, 0.5) },
	"leakyrelu":       func(dst, src []float32) { vec.LeakyRelu(dst, src, 0.01) },
	"elu":             func(dst, src []float32) { vec.Elu(dst, src, 1) },
	"thresholdedrelu": func(dst, src []float32) { vec.ThresholdedRelu(dst, src, 1) },
}

func (a *lstmAttrs) dirs() int {
	if a.Direction == "bidirectional" {
		return 2
	}
	return 1
}

func (a *lstmAttrs) check() error {
	if a.Direction != "forward" && a.Direction != "reverse" && a.Direction != "bidirectional" {
		return fmt.Errorf("direction is %q; it must be forward, reverse or bidirectional", a.Direction)
	}
	for d := range a.dirs() {
		if _, err := a.functions(d); err != nil {
			return err
		}
	}
	return nil
}

// functions returns the three activations of a direction.
func (a *lstmAttrs) functions(dir int) ([]func(dst, src []float32), error) {
	names := a.Activations
	if len(names) == 0 {
		names = slices.Repeat([]string{"Sigmoid", "Tanh", "Tanh"}, a.dirs())
	}
	if len(names) != 3*a.dirs() {
		return nil, fmt.Errorf("activations is %v; there must be %d", names, 3*a.dirs())
	}
	if len(a.ActivationAlpha)+len(a.ActivationBeta) > 0 {
		return nil, fmt.Errorf("activation_alpha and activation_beta are there; only activations with their usual parameters are computed")
	}
	var out []func(dst, src []float32)
	for _, n := range names[3*dir:][:3] {
		f := lstmFunctions[strings.ToLower(n)]
		if f == nil {
			return nil, fmt.Errorf("the activation %s isn't computed", n)
		}
		out = append(out, f)
	}
	return out, nil
}

func inferLSTM(c *ops.Infer, a *lstmAttrs) error {
	if err := a.check(); err != nil {
		return err
	}
	x, ok1 := c.Shape(lstmX)
	r, ok2 := c.Shape(lstmR)
	if !ok1 || !ok2 {
		for o := range 3 {
			c.OutRank(o, tensor.Float32, 4-min(o, 1))
		}
		return nil
	}
	if len(x) != 3 || len(r) != 3 {
		return fmt.Errorf("inputs X and R are %s and %s; both must have 3 dimensions", sym.ShapeString(x), sym.ShapeString(r))
	}
	dirs, hidden := ops.Num(a.dirs()), r[1]
	if a.HiddenSize != 0 && differ(hidden, ops.Num(a.HiddenSize)) {
		return fmt.Errorf("hidden_size is %d, but R is %s", a.HiddenSize, sym.ShapeString(r))
	}
	gates := hidden.Mul(ops.Num(4))
	for _, p := range []struct {
		i    int
		name string
		want []ops.Dim
	}{{lstmW, "W", []ops.Dim{dirs, x[2], gates}}, {lstmR, "R", []ops.Dim{dirs, hidden, gates}}, {lstmB, "B", []ops.Dim{dirs, gates.Mul(ops.Num(2))}},
		{lstmLens, "sequence_lens", []ops.Dim{x[1]}}, {lstmH0, "initial_h", []ops.Dim{dirs, x[1], hidden}}, {lstmC0, "initial_c", []ops.Dim{dirs, x[1], hidden}},
		{lstmP, "P", []ops.Dim{dirs, hidden.Mul(ops.Num(3))}}} {
		if err := checkDims(c, p.i, p.name, p.want...); err != nil {
			return err
		}
	}
	for i := lstmScaleW; i <= lstmZeroR; i++ {
		s, ok := c.Shape(i)
		if ok && (len(s) < 1 || len(s) > 2 || differ(s[0], dirs) || len(s) == 2 && differ(s[1], gates)) {
			return fmt.Errorf("input %d is %s; it must be [%s] or [%[3]s,%s]", i, sym.ShapeString(s), dirs, gates)
		}
	}
	c.Out(0, tensor.Float32, x[0], dirs, x[1], hidden)
	c.Out(1, tensor.Float32, dirs, x[1], hidden)
	return c.Out(2, tensor.Float32, dirs, x[1], hidden)
}

// integers are the weights of one direction less their zero points, which float32 holds exactly, and the scales of their columns.
type integers struct {
	packed *gemm.PackedB[float32]
	scale  []float32
	rows   []float32 // of the other operand
}

func newIntegers(c *ops.Call, weights, scale, zero, dir int) (*integers, error) {
	t := c.In(weights)
	k, n := t.Dims()[1], t.Dims()[2]
	w := make([]float32, k*n)
	num.Load32(w, t, dir*k*n)
	spread := func(i int) []float32 {
		s := c.In(i)
		out, from := make([]float32, n), widened(s)
		for j := range out {
			if s.Rank() == 2 {
				out[j] = from[dir*n+j]
			} else {
				out[j] = from[dir]
			}
		}
		return out
	}
	zeros := spread(zero)
	for i := range k {
		vec.Sub(w[i*n:][:n], w[i*n:][:n], zeros)
	}
	p, err := gemm.Pack(k, n, w, n, false)
	return &integers{packed: p, scale: spread(scale)}, err
}

// multiply is dst = x·W for rows of x, which is quantised to 8 bits by its range.
func (w *integers) multiply(dst, x []float32, rows int) {
	n := w.packed.N
	clear(dst)
	lo, hi := float32(0), float32(0)
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	scale := (hi - lo) / 255
	if scale == 0 {
		scale = 1
	}
	zero := float32(math.RoundToEven(float64(max(0, min(255, -lo/scale)))))
	w.rows = slices.Grow(w.rows[:0], len(x))[:len(x)]
	for i, v := range x {
		q := float32(math.RoundToEven(float64(v/scale))) + zero
		w.rows[i] = max(0, min(255, q)) - zero
	}
	if rows == 0 || n == 0 {
		return
	}
	if w.packed.K > 0 {
		gemm.Multiply(w.packed, rows, w.rows, w.packed.K, dst, n)
	}
	for r := range rows {
		row := dst[r*n:][:n]
		for j, v := range row {
			row[j] = v * (scale * w.scale[j])
		}
	}
}

func evalLSTM(c *ops.Call, a *lstmAttrs) error {
	x := c.In(lstmX)
	steps, batch, hidden := x.Dims()[0], x.Dims()[1], c.In(lstmR).Dims()[1]
	lens, err := seqLens(c, steps, batch)
	if err != nil {
		return err
	}
	var y []float32
	if c.Wants(0) {
		y = tensor.View[float32](c.Out(0))
		clear(y)
	}
	for dir := range a.dirs() {
		l := &lstm{attrs: a, dir: dir, dirs: a.dirs(), steps: steps, batch: batch, hidden: hidden, lens: lens, y: y, reverse: a.Direction == "reverse" || dir == 1}
		if err := l.prepare(c); err != nil {
			return err
		}
		if err := l.run(c); err != nil {
			return err
		}
		l.give(c)
	}
	return nil
}

// seqLens returns how many steps each batch has.
func seqLens(c *ops.Call, steps, batch int) ([]int32, error) {
	if c.Has(lstmLens) {
		lens := tensor.View[int32](c.In(lstmLens))
		return lens, checkLens("sequence_lens", lens, 0, steps)
	}
	return slices.Repeat([]int32{int32(steps)}, batch), nil
}

// lstm is one direction of a run.
type lstm struct {
	attrs                *lstmAttrs
	dir, dirs            int
	steps, batch, hidden int
	reverse              bool
	lens                 []int32
	w, r                 *integers
	f                    []func(dst, src []float32)
	bias, peep           []float32
	h, c, y              []float32
}

func (l *lstm) prepare(c *ops.Call) (err error) {
	if l.w, err = newIntegers(c, lstmW, lstmScaleW, lstmZeroW, l.dir); err != nil {
		return err
	}
	if l.r, err = newIntegers(c, lstmR, lstmScaleR, lstmZeroR, l.dir); err != nil {
		return err
	}
	return l.states(c)
}

// states prepares what doesn't depend on how the weights are kept.
func (l *lstm) states(c *ops.Call) (err error) {
	if l.f, err = l.attrs.functions(l.dir); err != nil {
		return err
	}
	gates, size := 4*l.hidden, l.batch*l.hidden
	l.bias = make([]float32, gates)
	if c.Has(lstmB) {
		b := tensor.View[float32](c.In(lstmB))[l.dir*2*gates:]
		vec.Add(l.bias, b[:gates], b[gates:][:gates])
	}
	if c.Has(lstmP) {
		l.peep = tensor.View[float32](c.In(lstmP))[l.dir*3*l.hidden:][:3*l.hidden]
	}
	l.h, l.c = make([]float32, size), make([]float32, size)
	for i, state := range [][]float32{l.h, l.c} {
		if c.Has(lstmH0 + i) {
			copy(state, tensor.View[float32](c.In(lstmH0 + i))[l.dir*size:])
		}
	}
	return nil
}

func (l *lstm) run(c *ops.Call) error {
	gates := 4 * l.hidden
	all := make([]float32, l.steps*l.batch*gates)
	l.w.multiply(all, tensor.View[float32](c.In(lstmX)), l.steps*l.batch)
	rec, row, tmp := make([]float32, l.batch*gates), make([]float32, gates), make([]float32, l.hidden)
	for t := range l.steps {
		if err := c.Context().Err(); err != nil {
			return err
		}
		l.r.multiply(rec, l.h, l.batch)
		for b := range l.batch {
			if t >= int(l.lens[b]) {
				continue
			}
			at := l.at(t, b)
			vec.Add(row, all[(at*l.batch+b)*gates:][:gates], rec[b*gates:][:gates])
			l.step(at, b, row, tmp)
		}
	}
	return nil
}

// at is the place of a step in the sequence of a batch.
func (l *lstm) at(t, b int) int {
	if n := int(l.lens[b]); l.reverse && t < n {
		return n - 1 - t
	}
	return t
}

// step advances the state of a batch by a row of gates that lack their bias, and keeps what it gives.
func (l *lstm) step(at, b int, row, tmp []float32) {
	vec.Add(row, row, l.bias)
	h := l.h[b*l.hidden:][:l.hidden]
	l.cell(row, tmp, h, l.c[b*l.hidden:][:l.hidden])
	if l.y != nil {
		copy(l.y[((at*l.dirs+l.dir)*l.batch+b)*l.hidden:], h)
	}
}

// give hands over the last states.
func (l *lstm) give(c *ops.Call) {
	for o, state := range [][]float32{l.h, l.c} {
		if c.Wants(1 + o) {
			copy(tensor.View[float32](c.Out(1 + o))[l.dir*len(state):], state)
		}
	}
}

// cell advances one state by a row of gates: input, output, forget, cell.
func (l *lstm) cell(row, tmp, h, c []float32) {
	n := l.hidden
	i, o, f, g := row[:n], row[n:2*n], row[2*n:3*n], row[3*n:]
	peep := func(gate []float32, k int) {
		if l.peep != nil {
			vec.Mul(tmp, l.peep[k*n:][:n], c)
			vec.Add(gate, gate, tmp)
		}
		if l.attrs.Clip > 0 {
			vec.Clip(gate, gate, -l.attrs.Clip, l.attrs.Clip)
		}
		l.f[0](gate, gate)
	}
	peep(i, 0)
	if l.attrs.InputForget {
		vec.RSubS(f, i, 1)
	} else {
		peep(f, 2)
	}
	if l.attrs.Clip > 0 {
		vec.Clip(g, g, -l.attrs.Clip, l.attrs.Clip)
	}
	l.f[1](g, g)
	vec.Mul(c, c, f)
	vec.Mul(g, g, i)
	vec.Add(c, c, g)
	peep(o, 1)
	l.f[2](tmp, c)
	vec.Mul(h, o, tmp)
}
