package shape

import (
	"errors"
	"fmt"

	"ingot/internal/kernel/move"
	"ingot/internal/sym"
	"ingot/ops"
)

type tensorScatterAttrs struct {
	Axis int    `onnx:",-2"`
	Mode string `onnx:",linear"`
}

// opTensorScatter writes new rows into a cache. Where nothing else needs the old cache, it is updated in place.
func opTensorScatter() *ops.Op {
	return ops.Def(ops.Spec[tensorScatterAttrs]{
		Name: "TensorScatter", In: "past_cache:T, update:T, write_indices:int64?", Out: "present_cache:T", Types: "T=all12", Vers: []ops.Ver{{Since: 24}},
		Infer: func(c *ops.Infer, a *tensorScatterAttrs) error {
			if a.Mode != "linear" && a.Mode != "circular" {
				return fmt.Errorf(`attribute mode: %q, must be "linear" or "circular"`, a.Mode)
			}
			past, up := c.In(0), c.In(1)
			if past.Ranked && up.Ranked {
				axis, err := cacheAxis(a.Axis, len(past.Shape))
				if err != nil {
					return err
				}
				if err := joinShape(append([]ops.Dim{}, past.Shape...), up.Shape, axis); err != nil {
					return fmt.Errorf("update has shape %s, which doesn't fit the cache of %s: %w", sym.ShapeString(up.Shape), sym.ShapeString(past.Shape), err)
				}
				n, okN := up.Shape[axis].Int()
				m, okM := past.Shape[axis].Int()
				if okN && okM && n > m {
					return fmt.Errorf("update has %d rows, more than the cache's %d", n, m)
				}
			}
			return c.OutLike(0, 0)
		},
		Bind: func(b *ops.Bind, a *tensorScatterAttrs) (ops.Kernel, error) {
			past, up := b.Dims(0), b.Dims(1)
			axis, err := cacheAxis(a.Axis, len(past))
			if err != nil {
				return nil, err
			}
			k := &tensorScatterKernel{circular: a.Mode == "circular", batches: past[0], prefix: numel(past[1:axis]), rows: past[axis], news: up[axis], run: numel(past[axis+1:])}
			k.copy.add(0, 0, move.NewCopy(b.In(0).DT.Size(), 0, 0, move.Dim{N: numel(past), Dst: 1, Src: 1}))
			return k, nil
		},
		InPlace: [][2]int8{{0, 0}},
	})
}

func cacheAxis(axis, rank int) (int, error) {
	k, err := ops.Axis(axis, rank)
	if err == nil && k == 0 {
		err = errors.New("axis 0 is the batch")
	}
	if err != nil {
		return 0, fmt.Errorf("attribute axis: %w", err)
	}
	return k, nil
}

type tensorScatterKernel struct {
	copy                             copyKernel
	circular                         bool
	batches, prefix, rows, news, run int
}

func (k *tensorScatterKernel) Run(c *ops.Call) error {
	var begin []int64
	if c.Has(2) {
		var err error
		if begin, err = tensor64(c.In(2), k.batches, "write_indices"); err != nil {
			return err
		}
		for _, b := range begin {
			if b < 0 || !k.circular && b > int64(k.rows-k.news) {
				return fmt.Errorf("write_indices: %d rows from %d on don't fit into a cache of %d", k.news, b, k.rows)
			}
		}
	}
	if !sameMemory(c.In(0), c.Out(0)) {
		if err := k.copy.Run(c); err != nil {
			return err
		}
	}
	dst, src := bufOf(c.Out(0)), bufOf(c.In(1))
	for p := range k.batches * k.prefix {
		at := 0
		if begin != nil && k.rows > 0 {
			at = int(begin[p/k.prefix] % int64(max(k.rows, 1)))
			if !k.circular {
				at = int(begin[p/k.prefix])
			}
		}
		head := min(k.news, k.rows-at) // the rest wraps around
		copyRun(dst, src, (p*k.rows+at)*k.run, p*k.news*k.run, head*k.run)
		copyRun(dst, src, p*k.rows*k.run, (p*k.news+head)*k.run, (k.news-head)*k.run)
	}
	return nil
}
