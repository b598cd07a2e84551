package math

import (
	"slices"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/gemm"
	"ingot/ops"
)

// einsumPlan collects the steps of a contraction for concrete shapes.
type einsumPlan struct {
	loops *einsumLoops
	size  map[label]int
	out   []label
	steps []einsumStep
	used  int // elements of scratch
}

// gemmLeast is the number of multiplications in a product below which plain loops are as good.
const gemmLeast = 64

// bindEinsum plans the contraction. via is nil where the loops' type is the tensors' own.
func bindEinsum(b *ops.Bind, a *einsumAttrs, loops *einsumLoops, via *exchange) (ops.Kernel, error) {
	eq, err := parseEquation(a.Equation)
	if err != nil {
		return nil, err
	}
	shapes := make([][]ops.Dim, len(b.Ins))
	for i := range shapes {
		shapes[i] = b.In(i).Shape
	}
	e, err := eq.resolve(shapes)
	if err != nil {
		return nil, err
	}
	p := &einsumPlan{loops: loops, size: map[label]int{}, out: e.out}
	for l, d := range e.size {
		n, _ := d.Int()
		p.size[l] = int(n)
	}
	k := &einsumKernel{width: loops.width, via: via, ins: make([]elem.Raw, len(b.Ins)), total: numel(b.OutDims(0))}
	var views []view
	for i, ls := range e.in {
		v := operandView(ls, b.Dims(i), i)
		if via != nil {
			k.loads = append(k.loads, p.used)
			v.input, v.base = -1, p.alloc(numel(b.Dims(i)))
		}
		views = append(views, v)
	}
	target := denseView(e.out, p.size, 0)
	if via != nil {
		target.base = p.alloc(k.total)
		k.result = target.base
	} else {
		target.input = outputView
	}
	p.contract(views, target)
	k.steps = p.steps
	b.NeedScratch(p.used * loops.width.Bytes())
	return k, nil
}

func (p *einsumPlan) alloc(n int) int {
	off := p.used
	p.used += n
	return off
}

// count is the product of the sizes of labels.
func (p *einsumPlan) count(ls []label) int {
	n := 1
	for _, l := range ls {
		n *= p.size[l]
	}
	return n
}

func (p *einsumPlan) contract(vs []view, target view) {
	acc := vs[0]
	if len(vs) == 1 {
		p.sum(acc, target)
		return
	}
	for i := 1; i < len(vs); i++ {
		needed := func(l label) bool {
			return slices.Contains(p.out, l) || slices.ContainsFunc(vs[i+1:], func(v view) bool { return v.index(l) >= 0 })
		}
		next := vs[i]
		a := p.without(acc, func(l label) bool { return next.index(l) < 0 && !needed(l) })
		b := p.without(next, func(l label) bool { return a.index(l) < 0 && !needed(l) })
		acc = p.pair(a, b, needed, target, i == len(vs)-1)
	}
}

// without sums a view over the labels that nobody else has.
func (p *einsumPlan) without(v view, drop func(label) bool) view {
	var keep []label
	for _, l := range v.labels() {
		if !drop(l) {
			keep = append(keep, l)
		}
	}
	if len(keep) == len(v.axes) {
		return v
	}
	return p.dense(v, keep)
}

// dense copies a view in the order of ls, broadcast to full size and summed over the labels that ls lacks.
func (p *einsumPlan) dense(v view, ls []label) view {
	d := denseView(ls, p.size, p.alloc(p.count(ls)))
	p.sum(v, d)
	return d
}

// sum adds a step that sums v over the labels that d lacks.
func (p *einsumPlan) sum(v, d view) {
	ls := d.labels()
	var rest []label
	for _, l := range v.labels() {
		if !slices.Contains(ls, l) {
			rest = append(rest, l)
		}
	}
	p.steps = append(p.steps, &sumStep{tile: p.loops.sum, from: v, to: d, rows: newRows(ls, p.size, &v, &d), over: newWalk(rest, p.size, &v)})
}

// pair contracts two views, into target if this is the last pair.
func (p *einsumPlan) pair(a, b view, needed func(label) bool, target view, last bool) view {
	var batch, m, n, k []label
	for _, l := range a.labels() {
		switch inB := b.index(l) >= 0; {
		case inB && needed(l):
			batch = append(batch, l)
		case inB:
			k = append(k, l)
		default:
			m = append(m, l)
		}
	}
	for _, l := range b.labels() {
		if a.index(l) < 0 {
			n = append(n, l)
		}
	}
	c := target
	if !last {
		ls := slices.Concat(batch, m, n)
		c = denseView(ls, p.size, p.alloc(p.count(ls)))
	}
	if mnk := p.count(m) * p.count(n) * p.count(k); mnk < gemmLeast || p.count(k) == 1 {
		ls := c.labels()
		p.steps = append(p.steps, &pairStep{tile: p.loops.pair, a: a, b: b, c: c, rows: newRows(ls, p.size, &a, &b, &c), over: newWalk(k, p.size, &a, &b)})
		return c
	}
	p.product(a, b, c, batch, m, n, k)
	return c
}

// product adds a batch of matrix products, and copies of the operands that don't lie as a product needs them.
func (p *einsumPlan) product(a, b, c view, batch, m, n, k []label) {
	var s matrixProduct
	s.M, s.N, s.K = p.count(m), p.count(n), p.count(k)
	lda, transA, ok := matrix(&a, m, k, p.size)
	if !ok {
		a = p.dense(a, slices.Concat(batch, m, k))
		lda, transA = s.K, false
	}
	ldb, transB, ok := matrix(&b, k, n, p.size)
	if !ok {
		b = p.dense(b, slices.Concat(batch, k, n))
		ldb, transB = s.N, false
	}
	to := c
	ldc, transC, ok := matrix(&c, m, n, p.size)
	if !ok || transC {
		ls := slices.Concat(batch, m, n)
		to = denseView(ls, p.size, p.alloc(p.count(ls)))
		ldc = s.N
	}
	s.LDA, s.TransA, s.LDB, s.TransB, s.LDC = lda, transA, ldb, transB, ldc
	s.a, s.b, s.c = a, b, to
	w := newWalk(batch, p.size, &a, &b, &to)
	for i := range w.count {
		s.Batch = append(s.Batch, gemm.Offset{A: w.at(0, i), B: w.at(1, i), C: w.at(2, i)})
	}
	p.steps = append(p.steps, p.loops.product(s))
	if !ok || transC {
		p.sum(to, c)
	}
}

// matrix tells how a view holds the matrix of rows × cols: the distance of its lines, and whether those are columns.
func matrix(v *view, rows, cols []label, size map[label]int) (ld int, trans, ok bool) {
	r, okR := merged(v, rows, size)
	c, okC := merged(v, cols, size)
	nr, nc := 1, 1
	for _, l := range rows {
		nr *= size[l]
	}
	for _, l := range cols {
		nc *= size[l]
	}
	switch {
	case !okR || !okC:
		return 0, false, false
	case (c == 1 || nc == 1) && (r >= nc || nr == 1):
		return max(r, nc), false, true
	case (r == 1 || nr == 1) && (c >= nr || nc == 1):
		return max(c, nr), true, true
	}
	return 0, false, false
}
