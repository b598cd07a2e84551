package math

import (
	"errors"
	"math"

	"ingot/internal/num"
	"ingot/ops"
)

// opDet computes determinants of square matrices by elimination with partial pivots, in float64.
func opDet() *ops.Op {
	return ops.Def(ops.Spec[noAttrs]{
		Name: "Det", In: "X:T", Out: "Y:T", Types: "T=floats4", Vers: []ops.Ver{{Since: 22}, {Since: 11, Types: "T=floats"}},
		Infer: func(c *ops.Infer, _ *noAttrs) error {
			t := c.In(0)
			if !t.Ranked {
				return c.OutUnranked(0, t.DT)
			}
			r := t.Rank()
			if r < 2 {
				return errors.New("input X must have at least two dimensions")
			}
			if m, n := t.Shape[r-2], t.Shape[r-1]; m.Known() && n.Known() && !m.Equal(n) {
				return errors.New("input X must hold square matrices")
			}
			return c.Out(0, t.DT, t.Shape[:r-2]...)
		},
		Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
			dims := b.Dims(0)
			return &detKernel{n: dims[len(dims)-1], count: numel(dims[:len(dims)-2])}, nil
		},
	})
}

type detKernel struct {
	n, count int
	c        *ops.Call
}

func (k *detKernel) Run(c *ops.Call) error {
	k.c = c
	return c.Parallel(k.count, k)
}

// Tile implements [ops.Job].
func (k *detKernel) Tile(w ops.Worker, i int) {
	m := scratchOf[float64](w, k.n*k.n+1)
	num.Load64(m[:k.n*k.n], k.c.In(0), i*k.n*k.n)
	d := m[k.n*k.n:]
	d[0] = det(m, k.n)
	num.Store64(k.c.Out(0), i, d)
}

// det destroys m, an n×n matrix.
func det(m []float64, n int) float64 {
	d := 1.0
	for c := range n {
		p := c
		for r := c + 1; r < n; r++ {
			if math.Abs(m[r*n+c]) > math.Abs(m[p*n+c]) {
				p = r
			}
		}
		if m[p*n+c] == 0 {
			return 0
		}
		if p != c {
			d = -d
			for j := range n {
				m[p*n+j], m[c*n+j] = m[c*n+j], m[p*n+j]
			}
		}
		d *= m[c*n+c]
		for r := c + 1; r < n; r++ {
			f := m[r*n+c] / m[c*n+c]
			for j := c + 1; j < n; j++ {
				m[r*n+j] -= f * m[c*n+j]
			}
		}
	}
	return d
}
