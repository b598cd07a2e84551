package math

import (
	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/gemm"
	"ingot/ops"
	"ingot/tensor"
)

// outputView marks a view of the output tensor.
const outputView = -2

type einsumKernel[T gemm.Number] struct {
	load         hub[T]
	store        func(t *tensor.Tensor, off int, src []T) bool
	loads        []int // where in scratch each input is converted to
	result       int   // where in scratch the output is converted from
	total        int   // elements of the output
	steps        []einsumStep[T]
	ins          [][]T
	out, scratch []T
}

// einsumStep is a part of a contraction: tiles that may run at once, in a step after the steps before.
type einsumStep[T gemm.Number] interface {
	ops.Job
	bind(k *einsumKernel[T]) (tiles int, err error)
}

func (k *einsumKernel[T]) Run(c *ops.Call) error {
	k.scratch = elem.Of[T](c.Scratch, len(c.Scratch)/elem.SizeOf[T]())
	for i := range k.ins {
		if k.load == nil {
			k.ins[i] = tensor.View[T](c.In(i))
		} else {
			k.load(k.scratch[k.loads[i]:][:c.In(i).Len()], c.In(i), 0)
		}
	}
	if k.store == nil {
		k.out = tensor.View[T](c.Out(0))
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
	if k.store != nil {
		k.store(c.Out(0), 0, k.scratch[k.result:][:k.total])
	}
	return nil
}

// data returns the slice that a view's elements are in.
func (k *einsumKernel[T]) data(v *view) []T {
	switch v.input {
	case -1:
		return k.scratch[v.base:]
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
type sumStep[T gemm.Number] struct {
	from, to view
	rows     rows // operands: from, to
	over     walk
	x, d     []T
}

func (s *sumStep[T]) bind(k *einsumKernel[T]) (int, error) {
	s.x, s.d = k.data(&s.from), k.data(&s.to)
	return s.rows.cut(2 * costLoop * max(1, min(s.over.count, 1000))), nil
}

// Tile implements [ops.Job].
func (s *sumStep[T]) Tile(_ ops.Worker, i int) {
	for r := i * s.rows.tile; r < min(s.rows.outer.count, (i+1)*s.rows.tile); r++ {
		x, d := s.rows.outer.at(0, r), s.rows.outer.at(1, r)
		for range s.rows.n {
			var acc T
			for o := range s.over.count {
				acc += s.x[x+s.over.at(0, o)]
			}
			s.d[d] = acc
			x, d = x+s.rows.step[0], d+s.rows.step[1]
		}
	}
}

// pairStep multiplies two operands element by element, summed over some labels.
type pairStep[T gemm.Number] struct {
	a, b, c view
	rows    rows // operands: a, b, c
	over    walk // operands: a, b
	x, y, d []T
}

func (s *pairStep[T]) bind(k *einsumKernel[T]) (int, error) {
	s.x, s.y, s.d = k.data(&s.a), k.data(&s.b), k.data(&s.c)
	return s.rows.cut(2 * costLoop * max(1, min(s.over.count, 1000))), nil
}

// Tile implements [ops.Job].
func (s *pairStep[T]) Tile(_ ops.Worker, i int) {
	for r := i * s.rows.tile; r < min(s.rows.outer.count, (i+1)*s.rows.tile); r++ {
		x, y, d := s.rows.outer.at(0, r), s.rows.outer.at(1, r), s.rows.outer.at(2, r)
		for range s.rows.n {
			var acc T
			if s.over.count == 1 {
				acc = s.x[x] * s.y[y]
			} else {
				for o := range s.over.count {
					acc += s.x[x+s.over.at(0, o)] * s.y[y+s.over.at(1, o)]
				}
			}
			s.d[d] = acc
			x, y, d = x+s.rows.step[0], y+s.rows.step[1], d+s.rows.step[2]
		}
	}
}

// productStep is a batch of matrix products.
type productStep[T gemm.Number] struct {
	a, b, c view
	g       gemm.Matmul[T]
}

func (s *productStep[T]) bind(k *einsumKernel[T]) (int, error) {
	s.g.A, s.g.B, s.g.C = k.data(&s.a), k.data(&s.b), k.data(&s.c)
	if err := s.g.Prepare(); err != nil {
		return 0, err
	}
	return s.g.Tiles(), nil
}

// Tile implements [ops.Job].
func (s *productStep[T]) Tile(w ops.Worker, i int) {
	s.g.Tile(i, scratchOf[T](w, s.g.ScratchLen()))
}
