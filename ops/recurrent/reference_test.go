package recurrent

import (
	"math"
	"math/rand/v2"
	"slices"
)

// layer is a layer in the plainest form: float64, the equations of the standard, element by element.
type layer struct {
	kind                             string
	steps, batch, width, hidden      int
	direction                        string
	layout                           int
	acts                             []string
	alpha, beta                      []float64 // by activation
	clip                             float64   // 0: none
	coupled, linear                  bool
	x, w, r, b, h0, c0, p            []float64 // in layout 0; nil: absent
	lens                             []int
	hasB, hasH0, hasC0, hasP, hasLen bool
}

var gatesOf = map[string]int{"LSTM": 4, "GRU": 3, "RNN": 1}

func (l *layer) dirs() int {
	if l.direction == "bidirectional" {
		return 2
	}
	return 1
}

// fill draws the operands.
func (l *layer) fill(rnd *rand.Rand) {
	draw := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = float64(float32(rnd.Float64()*2 - 1))
		}
		return v
	}
	g, d := gatesOf[l.kind]*l.hidden, l.dirs()
	l.x, l.w, l.r = draw(l.steps*l.batch*l.width), draw(d*g*l.width), draw(d*g*l.hidden)
	state := d * l.batch * l.hidden
	if l.hasB {
		l.b = draw(d * 2 * g)
	}
	if l.hasH0 {
		l.h0 = draw(state)
	}
	if l.hasC0 {
		l.c0 = draw(state)
	}
	if l.hasP {
		l.p = draw(d * 3 * l.hidden)
	}
	if l.hasLen {
		for n := range l.batch {
			l.lens = append(l.lens, (n*3+1)%(l.steps+1))
		}
	}
}

func (l *layer) act(i int, x float64) float64 {
	if l.clip > 0 {
		x = min(max(x, -l.clip), l.clip)
	}
	at := func(v []float64, def float64) float64 {
		if v == nil {
			return def
		}
		return v[i]
	}
	switch l.acts[i] {
	case "Sigmoid":
		return 1 / (1 + math.Exp(-x))
	case "Tanh":
		return math.Tanh(x)
	case "Relu":
		return max(x, 0)
	case "Affine":
		return at(l.alpha, 1)*x + at(l.beta, 0)
	case "LeakyRelu":
		if x < 0 {
			return at(l.alpha, 0.01) * x
		}
		return x
	case "ThresholdedRelu":
		if x > at(l.alpha, 1) {
			return x
		}
		return 0
	case "ScaledTanh":
		return at(l.alpha, 1) * math.Tanh(at(l.beta, 1)*x)
	case "HardSigmoid":
		return min(max(at(l.alpha, 0.2)*x+at(l.beta, 0.5), 0), 1)
	case "Elu":
		if x < 0 {
			return at(l.alpha, 1) * (math.Exp(x) - 1)
		}
		return x
	case "Softsign":
		return x / (1 + math.Abs(x))
	case "Softplus":
		return math.Log(1 + math.Exp(x))
	}
	panic(l.acts[i])
}

// run returns Y, Y_h and Y_c in layout 0.
func (l *layer) run() (y, yh, yc []float64) {
	d, H := l.dirs(), l.hidden
	y = make([]float64, l.steps*d*l.batch*H)
	yh, yc = make([]float64, d*l.batch*H), make([]float64, d*l.batch*H)
	for dir := range d {
		for n := range l.batch {
			h, c := make([]float64, H), make([]float64, H)
			at := (dir*l.batch + n) * H
			copy(h, slices.Concat(l.h0, h)[min(at, len(l.h0)):])
			copy(c, slices.Concat(l.c0, c)[min(at, len(l.c0)):])
			length := l.steps
			if l.lens != nil {
				length = l.lens[n]
			}
			for s := range length {
				t := s
				if dir == 1 || l.direction == "reverse" {
					t = length - 1 - s
				}
				h, c = l.step(dir, l.x[(t*l.batch+n)*l.width:][:l.width], h, c)
				copy(y[((t*d+dir)*l.batch+n)*H:], h)
			}
			copy(yh[at:], h)
			copy(yc[at:], c)
		}
	}
	return y, yh, yc
}

func (l *layer) step(dir int, x, h, c []float64) (hNext, cNext []float64) {
	H, G := l.hidden, gatesOf[l.kind]
	hNext, cNext = make([]float64, H), make([]float64, H)
	w := func(g, j int) (s float64) {
		for i, v := range x {
			s += v * l.w[((dir*G+g)*H+j)*l.width+i]
		}
		if l.b != nil {
			s += l.b[(dir*2*G+g)*H+j]
		}
		return s
	}
	r := func(g, j int, h []float64) (s float64) {
		for i, v := range h {
			s += v * l.r[((dir*G+g)*H+j)*H+i]
		}
		if l.b != nil {
			s += l.b[((dir*2+1)*G+g)*H+j]
		}
		return s
	}
	p := func(g, j int) float64 {
		if l.p == nil {
			return 0
		}
		return l.p[(dir*3+g)*H+j]
	}
	switch l.kind {
	case "RNN":
		for j := range H {
			hNext[j] = l.act(dir, w(0, j)+r(0, j, h))
		}
	case "LSTM":
		f := 3 * dir
		for j := range H {
			it := l.act(f, w(0, j)+r(0, j, h)+p(0, j)*c[j])
			ft := l.act(f, w(2, j)+r(2, j, h)+p(2, j)*c[j])
			if l.coupled {
				ft = 1 - it
			}
			cNext[j] = ft*c[j] + it*l.act(f+1, w(3, j)+r(3, j, h))
			ot := l.act(f, w(1, j)+r(1, j, h)+p(1, j)*cNext[j])
			hNext[j] = ot * l.act(f+2, cNext[j])
		}
	case "GRU":
		f := 2 * dir
		reset := make([]float64, H)
		gated := make([]float64, H)
		for j := range H {
			reset[j] = l.act(f, w(1, j)+r(1, j, h))
			gated[j] = reset[j] * h[j]
		}
		for j := range H {
			z := l.act(f, w(0, j)+r(0, j, h))
			var g float64
			if l.linear {
				g = l.act(f+1, w(2, j)+reset[j]*r(2, j, h))
			} else {
				g = l.act(f+1, w(2, j)+r(2, j, gated))
			}
			hNext[j] = (1-z)*g + z*h[j]
		}
	}
	return hNext, cNext
}
