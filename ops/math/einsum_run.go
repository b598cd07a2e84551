package math

import (
	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/reduce"
	"ingot/ops"
)

// outputView marks a view of the output tensor.
const outputView = -2

// einsumLoops are what contractions need of an element type.
type einsumLoops struct {
	width   elem.Width
	sum     func(s *sumStep, i int)
	pair    func(s *pairStep, i int)
	product func(p matrixProduct) einsumStep
}

var (
	einsum32  = einsumLoopsOf[float32]()
	einsum64  = einsumLoopsOf[float64]()
	einsumInt = einsumLoops{8, sumTile[int64], pairTile[int64], newIntStep}
)

func einsumLoopsOf[T gemm.Number]() einsumLoops {
	return einsumLoops{elem.WidthOf[T](), sumTile[T], pairTile[T], newProductStep[T]}
}

type einsumKernel struct {
	width        elem.Width
	via          *exchange
	loads        []int // where in scratch each input is converted to
	result       int   // where in scratch the output is converted from
	total        int   // elements of the output
	steps        []einsumStep
	ins          []elem.Raw
	out, scratch elem.Raw
}

// einsumStep is a part of a contraction: tiles that may run at once, in a step after the steps before.
type einsumStep interface {
	ops.Job
	bind(k *einsumKernel) (tiles int, err error)
}

func (k *einsumKernel) Run(c *ops.Call) error {
	k.scratch = elem.RawBytes(c.Scratch, k.width)
	for i := range k.ins {
		if k.via == nil {
			k.ins[i] = rawOf(c.In(i))
		} else {
			k.via.get(k.scratch.Slice(k.width, k.loads[i], k.loads[i]+c.In(i).Len()), c.In(i), 0)
		}
	}
	if k.via == nil {
		k.out = rawOf(c.Out(0))
	}
	if k.total == 0 {
		return nil
	}
	for _, s := range k.steps {
		tiles, err := s.bind(k)
		if err == nil {
			err = c.Parallel(tiles, s)
		}
		if err != nil {
			return err
		}
	}
	if k.via != nil {
		k.via.put(c.Out(0), 0, k.scratch.Slice(k.width, k.result, k.result+k.total))
	}
	return nil
}

// data returns the slice that a view's elements are in.
func (k *einsumKernel) data(v *view) elem.Raw {
	switch v.input {
	case -1:
		return k.scratch.Slice(k.width, v.base, k.scratch.Len())
	case outputView:
		return k.out
	}
	return k.ins[v.input]
}

// rows is a nest of loops whose innermost one is a row.
type rows struct {
	outer walk
	n     int
	step  []int
	tile  int // rows in a tile
}

func newRows(ls []label, size map[label]int, vs ...*view) rows {
	r := rows{n: 1, step: make([]int, len(vs))}
	if k := len(ls) - 1; k >= 0 {
		for i, v := range vs {
			r.step[i] = v.stride(ls[k])
		}
		r.n, ls = size[ls[k]], ls[:k]
	}
	r.outer = newWalk(ls, size, vs...)
	return r
}

// cut divides the rows into tiles, when each element costs that many picoseconds.
func (r *rows) cut(cost int) int {
	r.tile = max(1, tileLen(r.outer.count*r.n, cost)/max(1, r.n))
	return tileCount(r.outer.count, r.tile)
}

// sumStep sets each element of to to the sum over some labels of from.
type sumStep struct {
	tile     func(s *sumStep, i int)
	from, to view
	rows     rows // operands: from, to
	over     walk
	x, d     elem.Raw
}

func (s *sumStep) bind(k *einsumKernel) (int, error) {
	s.x, s.d = k.data(&s.from), k.data(&s.to)
	return s.rows.cut(2 * costLoop * max(1, min(s.over.count, 1000))), nil
}

// Tile implements [ops.Job].
func (s *sumStep) Tile(_ ops.Worker, i int) { s.tile(s, i) }

func sumTile[T reduce.Number](s *sumStep, i int) {
	from, to := elem.View[T](s.x), elem.View[T](s.d)
	for r := i * s.rows.tile; r < min(s.rows.outer.count, (i+1)*s.rows.tile); r++ {
		x, d := s.rows.outer.at(0, r), s.rows.outer.at(1, r)
		for range s.rows.n {
			var acc T
			for o := range s.over.count {
				acc += from[x+s.over.at(0, o)]
			}
			to[d] = acc
			x, d = x+s.rows.step[0], d+s.rows.step[1]
		}
	}
}

// pairStep multiplies two operands element by element, summed over some labels.
type pairStep struct {
	tile    func(s *pairStep, i int)
	a, b, c view
	rows    rows // operands: a, b, c
	over    walk // operands: a, b
	x, y, d elem.Raw
}

func (s *pairStep) bind(k *einsumKernel) (int, error) {
	s.x, s.y, s.d = k.data(&s.a), k.data(&s.b), k.data(&s.c)
	return s.rows.cut(2 * costLoop * max(1, min(s.over.count, 1000))), nil
}

// Tile implements [ops.Job].
func (s *pairStep) Tile(_ ops.Worker, i int) { s.tile(s, i) }

func pairTile[T reduce.Number](s *pairStep, i int) {
	a, b, c := elem.View[T](s.x), elem.View[T](s.y), elem.View[T](s.d)
	for r := i * s.rows.tile; r < min(s.rows.outer.count, (i+1)*s.rows.tile); r++ {
		x, y, d := s.rows.outer.at(0, r), s.rows.outer.at(1, r), s.rows.outer.at(2, r)
		for range s.rows.n {
			var acc T
			if s.over.count == 1 {
				acc = a[x] * b[y]
			} else {
				for o := range s.over.count {
					acc += a[x+s.over.at(0, o)] * b[y+s.over.at(1, o)]
				}
			}
			c[d] = acc
			x, y, d = x+s.rows.step[0], y+s.rows.step[1], d+s.rows.step[2]
		}
	}
}

// matrixProduct is the geometry of a batch of matrix products.
type matrixProduct struct {
	a, b, c view
	gemm.Geometry
}

// productStep is a batch of matrix products.
type productStep[T gemm.Number] struct {
	a, b, c view
	g       gemm.Matmul[T]
}

func newProductStep[T gemm.Number](p matrixProduct) einsumStep {
	return &productStep[T]{p.a, p.b, p.c, gemm.Matmul[T]{M: p.M, N: p.N, K: p.K, LDA: p.LDA, TransA: p.TransA, LDB: p.LDB, TransB: p.TransB,
		LDC: p.LDC, Batch: p.Batch}}
}

func (s *productStep[T]) bind(k *einsumKernel) (int, error) {
	s.g.A, s.g.B, s.g.C = elem.View[T](k.data(&s.a)), elem.View[T](k.data(&s.b)), elem.View[T](k.data(&s.c))
	if err := s.g.Prepare(); err != nil {
		return 0, err
	}
	return s.g.Tiles(), nil
}

// Tile implements [ops.Job].
func (s *productStep[T]) Tile(w ops.Worker, i int) {
	s.g.Tile(i, scratchOf[T](w, s.g.ScratchLen()))
}

// intStep is a batch of products of integers.
type intStep struct {
	a, b, c view
	g       gemm.Ints
}

func newIntStep(p matrixProduct) einsumStep {
	return &intStep{p.a, p.b, p.c, gemm.Ints{Geometry: p.Geometry, Alpha: 1}}
}

func (s *intStep) bind(k *einsumKernel) (int, error) {
	s.g.A, s.g.B, s.g.C = elem.View[int64](k.data(&s.a)), elem.View[int64](k.data(&s.b)), elem.View[int64](k.data(&s.c))
	return s.g.Tiles(), nil
}

// Tile implements [ops.Job].
func (s *intStep) Tile(_ ops.Worker, i int) { s.g.Tile(i) }
