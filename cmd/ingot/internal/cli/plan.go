package cli

import (
	"fmt"
	"log/slog"
	"slices"

	"ingot/cmd/ingot/internal/feed"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/ops/standard"
	"ingot/runtime"
)

// compiled is a model with its program, for those who look inside.
type compiled struct {
	file *loader.Model
	prog *runtime.Program
}

// compile compiles a model that was opened. The options that matter here are passes and outputs.
func compile(m *loader.Model, opts runtime.Options) (*compiled, error) {
	set, err := standard.Set()
	if err != nil {
		return nil, err
	}
	opts.Ops = set
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	p, err := runtime.Compile(m, opts)
	if err != nil {
		return nil, err
	}
	return &compiled{m, p}, nil
}

// tellPlan tells what the compiled model is like, and what a run with these inputs takes.
func (a *app) tellPlan(path string, f *runFlags, in *feed.Feed) {
	m, err := openModel(path)
	if err != nil {
		return // loading it tells
	}
	defer m.Close()
	opts := runtime.Options{NewerOpset: f.newer}
	if f.noOptimize {
		opts.DisablePasses = []string{"all"}
	}
	c, err := compile(m, opts)
	if err != nil {
		return
	}
	types := make([]sym.Type, 0, len(in.Values))
	for _, v := range c.prog.Inputs() {
		t := sym.Type{Kind: sym.None}
		if x := in.Values[v.Name]; x != nil {
			t = sym.TypeOf(x, false)
		}
		types = append(types, t)
	}
	e, err := c.prog.Estimate(types)
	if err != nil {
		a.detail("no plan for these inputs: %v", err)
		return
	}
	a.detail("%d nodes in the file, %d when compiled; weights %s; values %s%s in an arena and %s in outputs", nodeCount(m), e.Nodes,
		byteSize(e.Weights), atLeast(e.Complete), byteSize(e.Arena), byteSize(e.Outputs))
}

func atLeast(complete bool) string {
	if complete {
		return ""
	}
	return "at least "
}

// nodeCount counts the nodes of all graphs in the file.
func nodeCount(m *loader.Model) int {
	n := 0
	for _, c := range m.Operators() {
		n += c.Count
	}
	return n
}

// multiplyAdds counts the multiply-adds of the steps that have many: convolutions, matrix products and recurrent networks. The steps of which too
// little is known are counted in unknown.
func multiplyAdds(steps []runtime.Step) (total float64, unknown int) {
	for i := range steps {
		s := &steps[i]
		f := costs[s.Op.Name]
		if f == nil {
			continue
		}
		n, ok := f(s)
		if !ok {
			unknown++
		}
		total += n
	}
	return total, unknown
}

// costs are formulas in the shapes of operands, by the operator's name; its domain doesn't matter.
var costs = map[string]func(*runtime.Step) (float64, bool){
	"Conv":                  convCost(1),
	"FusedConv":             convCost(1),
	"ConvInteger":           convCost(1),
	"DeformConv":            convCost(1),
	"QLinearConv":           convCost(3),
	"ConvTranspose":         transposeCost,
	"MatMul":                productCost(0),
	"MatMulInteger":         productCost(0),
	"QLinearMatMul":         productCost(0),
	"FusedMatMul":           productCost(0),
	"Gemm":                  gemmCost,
	"LSTM":                  recurrentCost,
	"GRU":                   recurrentCost,
	"RNN":                   recurrentCost,
	"MatMulNBits":           productCost(0),
	"DynamicQuantizeMatMul": productCost(0),
}

// elements is the product of the dimensions from the given one on.
func elements(t *sym.Type, from int) (float64, bool) {
	d, ok := t.Dims()
	if !ok || t.Kind != sym.Tensor || len(d) < from {
		return 0, false
	}
	n := 1.0
	for _, v := range d[from:] {
		n *= float64(v)
	}
	return n, true
}

// each reads the operands that a formula needs.
func each(s *runtime.Step, in ...int) ([]*sym.Type, bool) {
	var out []*sym.Type
	for _, i := range in {
		if i >= len(s.In) {
			return nil, false
		}
		out = append(out, &s.In[i])
	}
	return out, len(s.Out) > 0
}

// convCost: each output element is a sum over the weights of its channel, W[i,:,…].
func convCost(w int) func(*runtime.Step) (float64, bool) {
	return func(s *runtime.Step) (float64, bool) {
		in, ok := each(s, w)
		if !ok {
			return 0, false
		}
		out, ok1 := elements(&s.Out[0], 0)
		k, ok2 := elements(in[0], 1)
		return out * k, ok1 && ok2
	}
}

// transposeCost: each input element is spread over the weights of its channel.
func transposeCost(s *runtime.Step) (float64, bool) {
	in, ok := each(s, 0, 1)
	if !ok {
		return 0, false
	}
	x, ok1 := elements(in[0], 0)
	k, ok2 := elements(in[1], 1)
	return x * k, ok1 && ok2
}

// productCost: each output element is a sum over the last axis of A.
func productCost(a int) func(*runtime.Step) (float64, bool) {
	return func(s *runtime.Step) (float64, bool) {
		in, ok := each(s, a)
		if !ok {
			return 0, false
		}
		d, known := in[0].Dims()
		out, ok1 := elements(&s.Out[0], 0)
		if !known || !ok1 || len(d) == 0 {
			return 0, false
		}
		return out * float64(d[len(d)-1]), true
	}
}

// gemmCost: A has M·K elements, whichever way round.
func gemmCost(s *runtime.Step) (float64, bool) {
	in, ok := each(s, 0)
	if !ok {
		return 0, false
	}
	a, ok1 := elements(in[0], 0)
	y, ok2 := s.Out[0].Dims()
	if !ok1 || !ok2 || len(y) != 2 {
		return 0, false
	}
	return a * float64(y[1]), true
}

// recurrentCost: each step multiplies with all weights, W and R.
func recurrentCost(s *runtime.Step) (float64, bool) {
	in, ok := each(s, 0, 1, 2)
	if !ok {
		return 0, false
	}
	d, known := in[0].Dims()
	w, ok1 := elements(in[1], 0)
	r, ok2 := elements(in[2], 0)
	if !known || !ok1 || !ok2 || len(d) != 3 {
		return 0, false
	}
	return float64(d[0]) * float64(d[1]) * (w + r), true
}

// openTypes are the inputs' types with every open dimension settled as feed does it.
func openTypes(p *runtime.Program, size func(input string, axis int) (int64, bool)) (types []sym.Type, ones []string) {
	for _, v := range p.Inputs() {
		t := v.Type
		t.Shape = slices.Clone(t.Shape)
		changed := false
		for k, d := range t.Shape {
			if d.Known() {
				continue
			}
			n, ok := size(v.Name, k)
			if !ok {
				n, changed = 1, true
			}
			t.Shape[k] = sym.Num(n)
		}
		if changed {
			ones = append(ones, fmt.Sprintf("%s %s", v.Name, t.String()))
		}
		types = append(types, t)
	}
	return types, ones
}
