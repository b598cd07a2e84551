package recurrent

import (
	"fmt"

	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// geometry is the sizes of a layer.
type geometry struct {
	steps, batch, width, hidden int
	dirs, gates                 int
	backward                    [2]bool
	batchFirst                  bool
}

// gateWidth is the elements of all gates of one sequence in one direction.
func (g *geometry) gateWidth() int { return g.gates * g.hidden }

// inputRow is the place of step t of sequence n among the rows of X.
func (g *geometry) inputRow(n, t int) int {
	if g.batchFirst {
		return n*g.steps + t
	}
	return t*g.batch + n
}

// outputAt is where Y has the hidden state of sequence n at step t.
func (g *geometry) outputAt(dir, n, t int) int {
	if g.batchFirst {
		return ((n*g.steps+t)*g.dirs + dir) * g.hidden
	}
	return ((t*g.dirs+dir)*g.batch + n) * g.hidden
}

// stateAt is where a state of sequence n is among the initial and the last states.
func (g *geometry) stateAt(dir, n int) int {
	if g.batchFirst {
		return (n*g.dirs + dir) * g.hidden
	}
	return (dir*g.batch + n) * g.hidden
}

// part is a product with some of the recurrent weights: count gates from the first one on.
type part struct {
	first, count int
	input        bool // the products of the inputs are added
}

// kernel computes a layer.
type kernel[T real.Float] struct {
	*real.Loops[T]
	geometry
	limit T // of what goes into activations; 0: none
	apart int

	x, w, r, b, h0, c0, p wide.Operand[T]
	y, yh, yc             wide.Result[T]

	input  product[T] // of all inputs with the input weights
	sums   wide.Buffer
	bias   wide.Buffer // what is added to the inputs' products
	rbias  wide.Buffer // what is added to the recurrent products: the bias of the last gates, when apart
	packs  [][]pack[T] // recurrent weights by direction and part
	units  []unit[T]
	group  int  // units of a tile
	spread bool // the tiles are those of each product, not sequences

	// Of the run at hand.
	lens              []int32
	xw                []T // the inputs' products
	yData, hEnd, cEnd []T
}

// product is a matrix product as a job.
type product[T real.Float] struct{ gemm.Matmul[T] }

// Tile implements [ops.Job].
func (p *product[T]) Tile(w ops.Worker, i int) {
	p.Matmul.Tile(i, wide.Scratchpad[T](w, p.ScratchLen()))
}

// pack is recurrent weights: packed for good when they are constant, else in each run.
type pack[T real.Float] struct {
	b    *gemm.PackedB[T]
	room wide.Buffer
}

const (
	forkAt    = 20_000 // nanoseconds below which nobody else is asked to help
	spreadAt  = 1 << 20
	leastRows = 24 // sequences that a product should have to be efficient
)

// bind prepares a layer. fit gives a direction's unit its cell.
func bind[T real.Float](b *ops.Bind, o *options, p places, parts []part, fit func(*kernel[T], *unit[T])) (ops.Kernel, error) {
	k := &kernel[T]{Loops: real.For[T]()}
	x, r := b.Dims(inX), b.Dims(inR)
	if len(x) != 3 || len(r) != 3 {
		return nil, fmt.Errorf("input X has shape %s and R %s; both must have rank 3", tensor.ShapeString(x), tensor.ShapeString(r))
	}
	k.steps, k.batch, k.width, k.hidden, k.gates = x[0], x[1], x[2], r[2], p.gates
	if o.layout == 1 {
		k.steps, k.batch, k.batchFirst = x[1], x[0], true
	}
	if _, err := tensor.NumElements([]int{k.steps, k.batch, 2 * k.gateWidth()}); err != nil {
		return nil, fmt.Errorf("the gates of all steps: %w", err)
	}
	var err error
	if k.dirs, k.backward, err = o.dirs(); err != nil {
		return nil, err
	}
	if o.clip != nil {
		k.limit = T(*o.clip)
	}
	if !parts[len(parts)-1].input {
		k.apart = 1 // the hidden gate's recurrent bias belongs to its recurrent product
	}
	var room wide.Room[T]
	k.operands(b, &room, p)
	if err := k.weights(b, &room, parts); err != nil {
		return nil, err
	}
	k.divide(&room, parts, p.c0 > 0, fit)
	room.Claim(b)
	return k, nil
}

// operands lays out what is read and written.
func (k *kernel[T]) operands(b *ops.Bind, room *wide.Room[T], p places) {
	k.x, k.b, k.h0 = room.In(b, inX), room.In(b, inB), room.In(b, inH0)
	k.c0, k.p = wide.None[T](), wide.None[T]()
	k.y, k.yh = room.Out(b, outY), room.Out(b, outH)
	k.yc = wide.Unwanted[T]()
	if p.c0 > 0 {
		k.c0, k.p, k.yc = room.In(b, p.c0), room.In(b, p.peepholes), room.Out(b, p.cState)
	}
	row := k.dirs * k.gateWidth()
	k.sums = room.Buffer(k.steps * k.batch * row)
	if b.Has(inB) {
		k.bias = room.Buffer(row)
		if k.apart > 0 {
			k.rbias = room.Buffer(row)
		}
	}
}

// weights packs the constant ones, and lays out room for the others.
func (k *kernel[T]) weights(b *ops.Bind, room *wide.Room[T], parts []part) error {
	g := &k.input.Matmul
	g.M, g.K, g.N = k.steps*k.batch, k.width, k.dirs*k.gateWidth()
	g.LDA, g.LDB, g.LDC, g.TransB = g.K, g.K, g.N, true
	if b.Constant(inW) == nil {
		k.w = room.In(b, inW)
	} else {
		k.w = wide.None[T]()
		form, err := b.Packed(inW, "recurrent inputs", func(t *tensor.Tensor) (any, int, error) {
			p, err := gemm.Pack(g.K, g.N, wide.Values[T](t), g.LDB, true)
			if err != nil {
				return nil, 0, err
			}
			return p, p.Bytes(), nil
		})
		if err != nil {
			return err
		}
		g.Packed, _ = form.(*gemm.PackedB[T])
	}
	if b.Constant(inR) == nil {
		k.r = room.In(b, inR)
		for range k.dirs {
			var packs []pack[T]
			for _, p := range parts {
				packs = append(packs, pack[T]{new(gemm.PackedB[T]), room.Buffer(gemm.PackedLen[T](k.hidden, p.count*k.hidden))})
			}
			k.packs = append(k.packs, packs)
		}
		return nil
	}
	k.r = wide.None[T]()
	form, err := b.Packed(inR, fmt.Sprintf("recurrent %d %v", k.gates, parts), func(t *tensor.Tensor) (any, int, error) {
		return k.packRecurrent(wide.Values[T](t), parts)
	})
	if err != nil {
		return err
	}
	k.packs, _ = form.([][]pack[T])
	return nil
}

func (k *kernel[T]) packRecurrent(r []T, parts []part) (any, int, error) {
	var out [][]pack[T]
	size := 0
	for d := range k.dirs {
		var packs []pack[T]
		for _, p := range parts {
			b, err := gemm.Pack(k.hidden, p.count*k.hidden, k.recurrent(r, d, p), k.hidden, true)
			if err != nil {
				return nil, 0, err
			}
			packs = append(packs, pack[T]{b: b})
			size += b.Bytes()
		}
		out = append(out, packs)
	}
	return out, size, nil
}

// recurrent returns a part of the recurrent weights.
func (k *kernel[T]) recurrent(r []T, dir int, p part) []T {
	return r[(dir*k.gates+p.first)*k.hidden*k.hidden:][:p.count*k.hidden*k.hidden]
}

// divide makes the units: the sequences are independent, and so are the directions.
func (k *kernel[T]) divide(room *wide.Room[T], parts []part, cell bool, fit func(*kernel[T], *unit[T])) {
	rows := k.batch
	weights := k.gateWidth() * k.hidden * 4
	// Weights that don't stay in a core's cache are read by all cores together, a part each, in every step.
	k.spread = weights >= spreadAt
	if !k.spread {
		rows = max(leastRows, ((k.batch+7)/8+11)/12*12)
	}
	for d := range k.dirs {
		for n := 0; n == 0 || n < k.batch; n += rows {
			k.units = append(k.units, unit[T]{kernel: k, dir: d, first: n, rows: min(rows, k.batch-n)})
		}
	}
	for i := range k.units {
		u := &k.units[i]
		u.layOut(room, parts, cell)
		fit(k, u)
	}
	k.group = 1
	perStep := 300*len(k.units) + 2*k.dirs*k.batch*k.gateWidth()*k.hidden/30
	if k.steps*perStep < forkAt {
		k.group = len(k.units)
	}
}

// clip limits what goes into an activation.
func (k *kernel[T]) clip(x []T) {
	if k.limit > 0 {
		k.Clip(x, x, -k.limit, k.limit)
	}
}

// Run computes the layer.
func (k *kernel[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	if err := k.loadLens(c); err != nil {
		return err
	}
	g := &k.input.Matmul
	k.xw = s.Part(k.sums)
	g.A, g.C = k.x.Load(c, s), k.xw
	if g.Packed == nil {
		g.B = k.w.Load(c, s)
	}
	bias := k.b.Load(c, s)
	if bias != nil {
		k.addBias(s, bias)
		g.Bias = s.Part(k.bias)
	}
	if err := g.Prepare(); err != nil {
		return err
	}
	if err := c.Parallel(g.Tiles(), &k.input); err != nil {
		return err
	}
	k.packWeights(s, k.r.Load(c, s))
	h0, c0, p := k.h0.Load(c, s), k.c0.Load(c, s), k.p.Load(c, s)
	k.yData, k.hEnd, k.cEnd = k.y.Elements(c, s), k.yh.Elements(c, s), k.yc.Elements(c, s)
	for i := range k.units {
		if err := k.units[i].begin(s, h0, c0, p); err != nil {
			return err
		}
	}
	if err := k.sequences(c); err != nil {
		return err
	}
	k.y.Store(c, s)
	k.yh.Store(c, s)
	k.yc.Store(c, s)
	return nil
}

// sequences runs all steps of all units.
func (k *kernel[T]) sequences(c *ops.Call) error {
	if !k.spread {
		return c.Parallel((len(k.units)+k.group-1)/k.group, k)
	}
	for i := range k.units {
		if err := k.units[i].spreadSteps(c); err != nil {
			return err
		}
	}
	return nil
}

// Tile implements [ops.Job]: a tile is a group of units.
func (k *kernel[T]) Tile(w ops.Worker, i int) {
	for n := i * k.group; n < min(len(k.units), (i+1)*k.group); n++ {
		k.units[n].run(w)
	}
}

func (k *kernel[T]) loadLens(c *ops.Call) error {
	k.lens = nil
	if !c.Has(inLens) {
		return nil
	}
	k.lens = tensor.View[int32](c.In(inLens))
	for n, l := range k.lens {
		if l < 0 || int(l) > k.steps {
			return fmt.Errorf("sequence_lens[%d] is %d; X has %d steps", n, l, k.steps)
		}
	}
	return nil
}

// addBias adds up the biases of input and recurrent weights, but those that are apart.
func (k *kernel[T]) addBias(s wide.Scratch[T], b []T) {
	n := k.gateWidth()
	sum := s.Part(k.bias)
	for d := range k.dirs {
		wb, rb := b[2*d*n:][:n], b[(2*d+1)*n:][:n]
		dst := sum[d*n:][:n]
		if k.apart == 0 {
			k.Add(dst, wb, rb)
			continue
		}
		joint := n - k.apart*k.hidden
		k.Add(dst, wb[:joint], rb[:joint])
		copy(dst[joint:], wb[joint:])
		r := s.Part(k.rbias)[d*n:][:n]
		clear(r[:joint])
		copy(r[joint:], rb[joint:])
	}
}

// packWeights packs recurrent weights that aren't constant.
func (k *kernel[T]) packWeights(s wide.Scratch[T], r []T) {
	if !k.r.Present() {
		return
	}
	for d := range k.packs {
		for i := range k.packs[d] {
			p, part := &k.packs[d][i], k.units[0].phases[i].part
			p.b.Over(k.hidden, part.count*k.hidden, s.Part(p.room))
			for t := range p.b.Tiles() {
				p.b.PackTile(t, k.recurrent(r, d, part), k.hidden, true)
			}
		}
	}
}
