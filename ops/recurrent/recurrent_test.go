package recurrent

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

var opByName = map[string]*ops.Op{"LSTM": LSTM, "GRU": GRU, "RNN": RNN}

var defaults = map[string][]string{"LSTM": {"Sigmoid", "Tanh", "Tanh"}, "GRU": {"Sigmoid", "Tanh"}, "RNN": {"Tanh"}}

// put makes a tensor of a type from float64 values.
func put(t testing.TB, dt tensor.DType, v []float64, dims ...int) *tensor.Tensor {
	t.Helper()
	if v == nil {
		return nil
	}
	x, err := tensor.New(dt, dims...)
	if err != nil {
		t.Fatal(err)
	}
	if x.Len() != len(v) {
		t.Fatalf("%d values for %v", len(v), dims)
	}
	num.Store64(x, 0, v)
	return x
}

// swap exchanges the first two dimensions of rows.
func swap(v []float64, a, b, row int) []float64 {
	if v == nil {
		return nil
	}
	out := make([]float64, len(v))
	for i := range a {
		for j := range b {
			copy(out[(j*a+i)*row:], v[(i*b+j)*row:][:row])
		}
	}
	return out
}

// node makes the operator's node from a layer.
func (l *layer) node(t testing.TB, dt tensor.DType) *optest.Node {
	d, g := l.dirs(), gatesOf[l.kind]*l.hidden
	x, h0, c0 := l.x, l.h0, l.c0
	xd, sd := []int{l.steps, l.batch, l.width}, []int{d, l.batch, l.hidden}
	if l.layout == 1 {
		x, h0, c0 = swap(x, l.steps, l.batch, l.width), swap(h0, d, l.batch, l.hidden), swap(c0, d, l.batch, l.hidden)
		xd, sd = []int{l.batch, l.steps, l.width}, []int{l.batch, d, l.hidden}
	}
	n := &optest.Node{Op: opByName[l.kind], Out: 2, Attrs: ops.Attrs{"direction": ops.StringAttr(l.direction), "layout": ops.IntAttr(l.layout), "hidden_size": ops.IntAttr(l.hidden)}}
	var lens *tensor.Tensor
	if l.lens != nil {
		lens, _ = tensor.New(tensor.Int32, l.batch)
		for i, v := range l.lens {
			tensor.View[int32](lens)[i] = int32(v)
		}
	}
	n.In = []*tensor.Tensor{put(t, dt, x, xd...), put(t, dt, l.w, d, g, l.width), put(t, dt, l.r, d, g, l.hidden), put(t, dt, l.b, d, 2*g), lens, put(t, dt, h0, sd...)}
	if l.kind == "LSTM" {
		n.Out = 3
		n.In = append(n.In, put(t, dt, c0, sd...), put(t, dt, l.p, d, 3*l.hidden))
		n.Attrs["input_forget"] = ops.IntAttr(bit(l.coupled))
	}
	if l.kind == "GRU" {
		n.Attrs["linear_before_reset"] = ops.IntAttr(bit(l.linear))
	}
	if l.clip > 0 {
		n.Attrs["clip"] = ops.FloatAttr(float32(l.clip))
	}
	if l.acts == nil {
		for range d {
			l.acts = append(l.acts, defaults[l.kind]...)
		}
	} else {
		n.Attrs["activations"] = &ops.Attr{Kind: ops.AttrStrings, Strings: l.acts}
		for name, list := range map[string][]float64{"activation_alpha": l.alpha, "activation_beta": l.beta} {
			if list != nil {
				n.Attrs[name] = &ops.Attr{Kind: ops.AttrFloats, Floats: narrow(list)}
			}
		}
	}
	return n
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i := range v {
		out[i] = float32(v[i])
	}
	return out
}

// want returns the reference's outputs in the layer's layout.
func (l *layer) want() [][]float64 {
	y, yh, yc := l.run()
	d := l.dirs()
	if l.layout == 1 {
		y = swap(y, l.steps, d*l.batch, l.hidden) // [D·N, S, H]
		var out []float64
		for n := range l.batch {
			for s := range l.steps {
				for k := range d {
					out = append(out, y[((k*l.batch+n)*l.steps+s)*l.hidden:][:l.hidden]...)
				}
			}
		}
		y, yh, yc = out, swap(yh, d, l.batch, l.hidden), swap(yc, d, l.batch, l.hidden)
	}
	return [][]float64{y, yh, yc}
}

func near(t *testing.T, what string, got *tensor.Tensor, want []float64, tol float64) {
	t.Helper()
	if got.Len() != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, got.Len(), len(want))
	}
	v := make([]float64, got.Len())
	num.Load64(v, got, 0)
	for i := range v {
		if !(math.Abs(v[i]-want[i]) <= tol*(1+math.Abs(want[i]))) {
			t.Fatalf("%s[%d] is %v, want %v", what, i, v[i], want[i])
		}
	}
}

func TestAgainstEquations(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	type edit func(*layer)
	edits := map[string]edit{
		"plain":           func(*layer) {},
		"bias":            func(l *layer) { l.hasB = true },
		"states":          func(l *layer) { l.hasB, l.hasH0, l.hasC0 = true, true, true },
		"lengths":         func(l *layer) { l.hasLen, l.hasH0, l.hasC0 = true, true, true },
		"peepholes":       func(l *layer) { l.hasP, l.hasC0 = true, true },
		"clip":            func(l *layer) { l.clip, l.hasB = 0.3, true },
		"clip, peepholes": func(l *layer) { l.clip, l.hasP, l.hasC0 = 0.3, true, true },
		"coupled":         func(l *layer) { l.coupled = true },
		"linear":          func(l *layer) { l.linear, l.hasB, l.hasH0 = true, true, true },
		"batch first":     func(l *layer) { l.layout, l.hasB, l.hasH0, l.hasC0, l.hasLen = 1, true, true, true, true },
		"one step":        func(l *layer) { l.steps, l.batch = 1, 1 },
		"many sequences":  func(l *layer) { l.batch, l.steps, l.hidden, l.hasLen = 61, 4, 20, true },
		"wide":            func(l *layer) { l.hidden, l.steps, l.hasB = 300, 3, true }, // weights beyond spreadAt for LSTM and GRU
		"all": func(l *layer) {
			l.hasB, l.hasP, l.hasH0, l.hasC0, l.hasLen, l.linear, l.layout = true, true, true, true, true, true, 1
		},
	}
	for kind := range opByName {
		for name, e := range edits {
			for _, direction := range []string{"forward", "reverse", "bidirectional"} {
				l := &layer{kind: kind, steps: 5, batch: 3, width: 7, hidden: 9, direction: direction}
				e(l)
				if kind != "LSTM" && (l.coupled || l.hasP && name != "all") || kind != "GRU" && name == "linear" {
					continue
				}
				l.hasC0, l.hasP = l.hasC0 && kind == "LSTM", l.hasP && kind == "LSTM"
				l.fill(rnd)
				for _, constant := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s/%s/%t", kind, name, direction, constant), func(t *testing.T) {
						n := l.node(t, tensor.Float32)
						if constant {
							n.Const = []int{inW, inR, inB}
						}
						want := l.want()
						for o, y := range n.Run(t) {
							near(t, fmt.Sprint("output ", o), y, want[o], 2e-5)
						}
					})
				}
			}
		}
	}
}

func TestActivations(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, a := range known {
		for _, params := range []bool{false, true} {
			for kind := range opByName {
				l := &layer{kind: kind, steps: 3, batch: 2, width: 3, hidden: 5, direction: "bidirectional", hasB: true}
				l.fill(rnd)
				for i := range 2 * len(defaults[kind]) {
					l.acts = append(l.acts, a.name)
					if params {
						l.alpha, l.beta = append(l.alpha, 0.3+float64(i)/8), append(l.beta, 0.1+float64(i)/16)
					}
				}
				t.Run(fmt.Sprint(kind, a.name, params), func(t *testing.T) {
					for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
						for o, y := range l.node(t, dt).Run(t) {
							near(t, fmt.Sprint("output ", o), y, l.want()[o], 1e-4)
						}
					}
				})
			}
		}
	}
}

// TestParameterLists has lists that are consumed by the activations which take a parameter.
func TestParameterLists(t *testing.T) {
	o := options{activations: []string{"Sigmoid", "LeakyRelu", "hardsigmoid"}, alpha: []float32{0.5, 0.25}, beta: []float32{0.125}}
	got, err := o.functions(3)
	if err != nil {
		t.Fatal(err)
	}
	if got[1] != (activation{"LeakyRelu", 0.5, 0}) || got[2] != (activation{"HardSigmoid", 0.25, 0.125}) {
		t.Errorf("got %v", got)
	}
}

func TestTypes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	tol := map[tensor.DType]float64{tensor.Float16: 2e-3, tensor.BFloat16: 2e-2, tensor.Float32: 1e-5, tensor.Float64: 1e-12}
	for kind, op := range opByName {
		for _, dt := range op.Newest().TypeSet("T").Tensor.List() {
			l := &layer{kind: kind, steps: 3, batch: 2, width: 4, hidden: 5, direction: "bidirectional", hasB: true, hasH0: true}
			l.hasC0, l.hasP = kind == "LSTM", kind == "LSTM"
			l.fill(rnd)
			for _, v := range [][]float64{l.x, l.w, l.r, l.b, l.h0, l.c0, l.p} {
				for i := range v {
					v[i] = math.Round(v[i]*32) / 32 // exact in every type
				}
			}
			for _, constant := range [][]int{nil, {inW, inR}} {
				n := l.node(t, dt)
				n.Const = constant
				for o, y := range n.Run(t) {
					if y.DType() != dt {
						t.Errorf("%s of %s gives %s", kind, dt, y.DType())
					}
					near(t, fmt.Sprint(kind, dt, o), y, l.want()[o], tol[dt])
				}
			}
		}
	}
}

func TestEmpty(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for kind := range opByName {
		for _, size := range [][4]int{{0, 2, 3, 4}, {2, 0, 3, 4}, {2, 2, 0, 4}, {2, 2, 3, 0}, {0, 0, 0, 0}} {
			for _, layout := range []int{0, 1} {
				l := &layer{kind: kind, steps: size[0], batch: size[1], width: size[2], hidden: size[3], direction: "bidirectional", hasB: true, hasH0: true, layout: layout}
				l.fill(rnd)
				n := l.node(t, tensor.Float32)
				for o, y := range n.Run(t) {
					near(t, fmt.Sprint(kind, size, o), y, l.want()[o], 1e-5)
				}
			}
		}
	}
}

// TestUnwanted leaves out outputs.
func TestUnwanted(t *testing.T) {
	l := &layer{kind: "LSTM", steps: 3, batch: 2, width: 3, hidden: 4, direction: "forward"}
	l.fill(rand.New(rand.NewPCG(9, 10)))
	for _, skip := range [][]int{{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}} {
		n := l.node(t, tensor.Float16)
		n.Skip = skip
		for o, y := range n.Run(t) {
			if y != nil {
				near(t, fmt.Sprint(skip, o), y, l.want()[o], 2e-3)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	base := func() (*layer, *optest.Node) {
		l := &layer{kind: "LSTM", steps: 3, batch: 2, width: 3, hidden: 4, direction: "forward", hasB: true, hasH0: true, hasC0: true, hasP: true, hasLen: true}
		l.fill(rand.New(rand.NewPCG(11, 12)))
		return l, l.node(t, tensor.Float32)
	}
	zeros := func(dims ...int) *tensor.Tensor {
		x, _ := tensor.New(tensor.Float32, dims...)
		return x
	}
	strs := func(s ...string) *ops.Attr { return &ops.Attr{Kind: ops.AttrStrings, Strings: s} }
	for want, edit := range map[string]func(*optest.Node){
		"direction is \"up\"":           func(n *optest.Node) { n.Attrs["direction"] = ops.StringAttr("up") },
		"layout is 2":                   func(n *optest.Node) { n.Attrs["layout"] = ops.IntAttr(2) },
		"clip is -1":                    func(n *optest.Node) { n.Attrs["clip"] = ops.FloatAttr(-1) },
		"hidden_size is 5, but R has 4": func(n *optest.Node) { n.Attrs["hidden_size"] = ops.IntAttr(5) },
		"activations names 1 functions": func(n *optest.Node) { n.Attrs["activations"] = strs("Tanh") },
		"\"Gelu\", which isn't":         func(n *optest.Node) { n.Attrs["activations"] = strs("Gelu", "Tanh", "Tanh") },
		"activation_alpha has 1 values": func(n *optest.Node) {
			n.Attrs["activation_alpha"] = &ops.Attr{Kind: ops.AttrFloats, Floats: []float32{1}}
			n.Attrs["activations"] = strs("Tanh", "Tanh", "Tanh")
		},
		"X has rank 2":                           func(n *optest.Node) { n.In[inX] = zeros(3, 2) },
		"dimension 2 of W is 5; it must be 3":    func(n *optest.Node) { n.In[inW] = zeros(1, 16, 5) },
		"dimension 0 of W is 2; it must be 1":    func(n *optest.Node) { n.In[inW] = zeros(2, 16, 3) },
		"dimension 1 of W is 12; it must be 16":  func(n *optest.Node) { n.In[inW] = zeros(1, 12, 3) },
		"R has rank 2":                           func(n *optest.Node) { n.In[inR] = zeros(16, 4) },
		"dimension 1 of B is 16; it must be 32":  func(n *optest.Node) { n.In[inB] = zeros(1, 16) },
		"dimension 1 of initial_h is 3":          func(n *optest.Node) { n.In[inH0] = zeros(1, 3, 4) },
		"dimension 1 of initial_c is 3":          func(n *optest.Node) { n.In[6] = zeros(1, 3, 4) },
		"dimension 1 of P is 16; it must be 12":  func(n *optest.Node) { n.In[7] = zeros(1, 16) },
		"sequence_lens[1] is 4; X has 3 steps":   func(n *optest.Node) { tensor.View[int32](n.In[inLens])[1] = 4 },
		"sequence_lens[0] is -1":                 func(n *optest.Node) { tensor.View[int32](n.In[inLens])[0] = -1 },
		"dimension 0 of sequence_lens is 3":      func(n *optest.Node) { n.In[inLens], _ = tensor.New(tensor.Int32, 3) },
		"has dtype float16, but T is float32 in": func(n *optest.Node) { n.In[inB], _ = tensor.New(tensor.Float16, 1, 32) },
	} {
		_, n := base()
		edit(n)
		if _, err := n.Try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// small is a layer of the size that voice detectors have.
func small(t testing.TB, kind string, steps int) *optest.Bound {
	l := &layer{kind: kind, steps: steps, batch: 1, width: 128, hidden: 128, direction: "forward", hasB: true, hasH0: true, hasC0: kind == "LSTM"}
	l.fill(rand.New(rand.NewPCG(13, 14)))
	n := l.node(t, tensor.Float32)
	n.Const = []int{inW, inR, inB}
	b, err := n.Bind(0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNoAllocations(t *testing.T) {
	for kind := range opByName {
		b := small(t, kind, 3)
		if n := testing.AllocsPerRun(10, func() {
			if err := b.Again(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times a run", kind, n)
		}
	}
}

func BenchmarkSmall(b *testing.B) {
	for kind := range opByName {
		for _, steps := range []int{1, 32} {
			b.Run(fmt.Sprint(kind, steps), func(b *testing.B) {
				n := small(b, kind, steps)
				for b.Loop() {
					if err := n.Again(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestOldVersions upgrades nodes of version 1, whose default direction the standard misspells for GRU.
func TestOldVersions(t *testing.T) {
	for kind, op := range opByName {
		attrs := ops.Attrs{"output_sequence": ops.IntAttr(1)}
		v, at := op.At(1)
		if err := v.CheckAttrs(attrs, op.Newest()); err != nil {
			t.Fatal(err)
		}
		for ; at > 0; at-- {
			if up := op.Versions[at].Up; up != nil {
				if err := up(&ops.Rewrite{Attrs: attrs}); err != nil {
					t.Fatal(err)
				}
			}
		}
		a, err := op.ParseAttrs(attrs)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if g, ok := a.(*gruAttrs); ok && g.Direction != "forward" {
			t.Errorf("GRU of version 1 runs %q", g.Direction)
		}
	}
}

// TestUnknownShapes infers from symbols and from nothing.
func TestUnknownShapes(t *testing.T) {
	none := &ops.Type{DT: tensor.Float32}
	x := sym.TensorType(tensor.Float32, sym.Symbol("s"), sym.Symbol("n"), sym.Num(3))
	r := sym.TensorType(tensor.Float32, sym.Num(2), sym.Num(16), sym.Num(4))
	attrs := optest.Attrs("direction", "bidirectional")
	outs, err := optest.Infer(t, LSTM, attrs, 3, &x, none, &r)
	if err != nil || outs[0].String() != "float32[s,2,n,4]" || outs[2].String() != "float32[2,n,4]" {
		t.Errorf("%v %v", outs, err)
	}
	attrs["layout"] = ops.IntAttr(1)
	outs, err = optest.Infer(t, LSTM, attrs, 3, &x, none, &r)
	if err != nil || outs[0].String() != "float32[s,n,2,4]" || outs[1].String() != "float32[s,2,4]" {
		t.Errorf("%v %v", outs, err)
	}
	for kind, op := range opByName {
		outs, err := optest.Infer(t, op, nil, 2, none, none, none, none, &ops.Type{DT: tensor.Int32}, none)
		if err != nil || outs[0].Rank() != 4 || outs[1].Rank() != 3 {
			t.Errorf("%s: %v %v", kind, outs, err)
		}
	}
}
