package ops

import (
	"context"
	"errors"
	"fmt"

	"ingot/internal/sym"
	"ingot/tensor"
)

// Evaluate computes one node from values, without a plan: what constant folding, planning, tests and foreign graphs need. a is what
// [Op.ParseAttrs] returned, a nil input is absent, and wants tells which outputs are to be computed. env may be nil for operators without
// bodies; everything runs on the caller then.
func Evaluate(ctx context.Context, op *Op, a any, in []tensor.Value, wants []bool, env Env, body BodyInferer) ([]tensor.Value, error) {
	types := make([]*Type, len(in))
	for i, v := range in {
		if v != nil {
			t := sym.TypeOf(v, true)
			if x, ok := v.(*tensor.Tensor); ok {
				t.Data = x
			}
			types[i] = &t
		}
	}
	c := NewInfer(types, wants, body)
	if err := op.InferTypes(c, a); err != nil {
		return nil, err
	}
	if env == nil {
		env = serialEnv{ctx}
	}
	call := &Call{Ins: in, Outs: make([]tensor.Value, len(wants)), Wanted: wants, Types: c.Outs(), Env: env}
	for o := range wants { // before anything is prepared for sizes that can't be had
		if t := &c.Outs()[o]; wants[o] && t.Known() {
			d, _ := t.Dims()
			out, err := env.Alloc(t.DT, d)
			if err != nil {
				return nil, err
			}
			call.Outs[o] = out
		}
	}
	b := &Bind{Ins: types, Outs: c.Outs(), Wanted: wants, Packs: valuePacker(in)}
	k, err := op.BindKernel(b, a)
	if err != nil {
		return nil, err
	}
	if n := b.ScratchLen(); n > 0 {
		s, err := env.Alloc(tensor.Uint8, []int{n})
		if err != nil {
			return nil, fmt.Errorf("scratch memory: %w", err)
		}
		call.Scratch = s.Bytes()
	}
	if err := k.Run(call); err != nil {
		return nil, err
	}
	for o := range wants {
		if wants[o] && call.Outs[o] == nil {
			return nil, fmt.Errorf("%s left output %d unset", op, o)
		}
	}
	return call.Outs, nil
}

// valuePacker packs anew each time: the values of one evaluation aren't worth keeping.
type valuePacker []tensor.Value

func (p valuePacker) Constant(int) *tensor.Tensor { return nil }

func (p valuePacker) Packed(i int, _ string, pack func(*tensor.Tensor) (any, int, error)) (any, error) {
	t, ok := p[i].(*tensor.Tensor)
	if !ok {
		return nil, fmt.Errorf("input %d isn't a tensor", i)
	}
	form, _, err := pack(t)
	return form, err
}

type serialEnv struct{ ctx context.Context }

func (e serialEnv) Context() context.Context { return e.ctx }
func (e serialEnv) Seed() uint64             { return 0 }

func (e serialEnv) Parallel(tiles int, j Job) error {
	w := &serialWorker{}
	for i := range tiles {
		if err := e.ctx.Err(); err != nil {
			return context.Cause(e.ctx)
		}
		j.Tile(w, i)
	}
	return nil
}

func (e serialEnv) RunBody(*Subgraph, []tensor.Value) ([]tensor.Value, error) {
	return nil, errors.New("no bodies can be run here")
}

func (e serialEnv) Alloc(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	return tensor.New(dt, shape...)
}

type serialWorker struct{ b []byte }

func (w *serialWorker) Scratch(n int) []byte {
	if len(w.b) < n {
		w.b = tensor.AlignedBytes(n)
	}
	return w.b[:n]
}
