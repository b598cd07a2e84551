package ops

import (
	"context"
	"fmt"
	"slices"
	"unsafe"

	"ingot/tensor"
)

// Kernel is an operator prepared for concrete types. It belongs to one run at a time.
type Kernel interface {
	Run(c *Call) error
}

// Job is work cut into tiles. Tile may be called from several goroutines at once, for each index exactly once. What a tile computes must
// not depend on who computes it, nor on how many do.
type Job interface {
	Tile(w Worker, i int)
}

// Worker is who runs a tile.
type Worker interface {
	// Scratch returns n bytes, 64-byte aligned, that are the tile's own until it returns. Their contents are undefined.
	Scratch(n int) []byte
}

// Env is what a run offers to kernels.
type Env interface {
	Context() context.Context
	Parallel(tiles int, j Job) error
	RunBody(g *Subgraph, in []tensor.Value) ([]tensor.Value, error)
	Alloc(dt tensor.DType, shape []int) (*tensor.Tensor, error)
	Seed() uint64 // differs from node to node, the same in each run
}

// Call is one execution of a kernel: its inputs and outputs, and the run that it is part of.
type Call struct {
	Ins     []tensor.Value // nil: absent
	Outs    []tensor.Value // tensors to be filled where the plan knows the shape; the others are for Set and Alloc
	Wanted  []bool         // which outputs are used
	Types   []Type         // of the outputs, as far as the plan knew
	Env     Env
	Scratch []byte // what Bind asked for with NeedScratch; contents undefined
}

// Has reports whether input i is there.
func (c *Call) Has(i int) bool { return i < len(c.Ins) && c.Ins[i] != nil }

// Wants reports whether output o is used.
func (c *Call) Wants(o int) bool { return o < len(c.Wanted) && c.Wanted[o] }

// In returns input i, nil when it is absent or no tensor.
func (c *Call) In(i int) *tensor.Tensor {
	if i >= len(c.Ins) {
		return nil
	}
	t, _ := c.Ins[i].(*tensor.Tensor)
	return t
}

// Value returns input i, nil when it is absent.
func (c *Call) Value(i int) tensor.Value {
	if i >= len(c.Ins) {
		return nil
	}
	return c.Ins[i]
}

// Out returns the tensor that output o is to be written to, nil when the output isn't used or its shape wasn't known.
func (c *Call) Out(o int) *tensor.Tensor {
	if o >= len(c.Outs) {
		return nil
	}
	t, _ := c.Outs[o].(*tensor.Tensor)
	return t
}

// Set makes v output o. A tensor that was handed out by Out can't be replaced; v may share memory with an input only if the operator's
// shape rule left the output unknown.
func (c *Call) Set(o int, v tensor.Value) {
	if o < len(c.Outs) {
		c.Outs[o] = v
	}
}

// Alloc makes output o: a new tensor whose elements are zero. For outputs whose shape only the kernel knows.
func (c *Call) Alloc(o int, dt tensor.DType, shape ...int) (*tensor.Tensor, error) {
	t, err := c.Env.Alloc(dt, shape)
	if err != nil {
		return nil, err
	}
	c.Set(o, t)
	return t, nil
}

// OutOrAlloc returns the planned tensor of output o, or allocates it when its shape wasn't known. A plan of another shape is an error.
func (c *Call) OutOrAlloc(o int, dt tensor.DType, shape ...int) (*tensor.Tensor, error) {
	t := c.Out(o)
	if t == nil {
		return c.Alloc(o, dt, shape...)
	}
	if !slices.Equal(t.Dims(), shape) || t.DType() != dt {
		return nil, fmt.Errorf("output %d was planned as %s but is %s%s", o, t, dt, tensor.ShapeString(shape))
	}
	return t, nil
}

// EmptyShape returns dtype and shape for an output without elements: the planned one, with 0 for what wasn't known.
func (c *Call) EmptyShape(o int) (tensor.DType, []int) {
	t := &c.Types[o]
	shape := make([]int, len(t.Shape))
	for i, d := range t.Shape {
		if n, ok := d.Int(); ok {
			shape[i] = int(n)
		}
	}
	if !t.Ranked {
		shape = []int{0}
	}
	return t.DT, shape
}

// Context returns the run's context. Kernels that loop for long outside of Parallel poll it.
func (c *Call) Context() context.Context { return c.Env.Context() }

// Parallel runs all tiles of j, on the caller and on idle workers. The number of tiles must be a function of shapes only. It returns
// the context's error when the run is cancelled meanwhile; outputs are undefined then.
func (c *Call) Parallel(tiles int, j Job) error { return c.Env.Parallel(tiles, j) }

// For is [Call.Parallel] over ranges of [0, n): f is called with ranges of at most grain. It allocates; a bound kernel has its own Job.
func (c *Call) For(n, grain int, f func(lo, hi int)) error {
	if n <= 0 {
		return nil
	}
	grain = max(grain, 1)
	tiles := (n-1)/grain + 1
	return c.Env.Parallel(tiles, rangeJob{n, grain, f})
}

type rangeJob struct {
	n, grain int
	f        func(lo, hi int)
}

func (j rangeJob) Tile(_ Worker, i int) { j.f(i*j.grain, min(j.n, (i+1)*j.grain)) }

// RunBody runs a body on values for its inputs.
func (c *Call) RunBody(g *Subgraph, in []tensor.Value) ([]tensor.Value, error) {
	return c.Env.RunBody(g, in)
}

// Bind is what an operator is prepared with: concrete types, and the constants among the inputs.
type Bind struct {
	Ins    []*Type // nil: absent
	Outs   []Type
	Wanted []bool
	Packs  Packer
	Strict bool // no arithmetic that trades accuracy for speed

	scratch int
}

// Packer keeps packed forms of constants.
type Packer interface {
	// Packed returns the form that pack made of input i, which must be constant. It is made once for each key and constant, shared by
	// all plans and runs. bytes, what pack returns second, is its size for memory accounting.
	Packed(i int, key string, pack func(t *tensor.Tensor) (form any, bytes int, err error)) (any, error)
	// Constant returns input i if it is a constant of the model, else nil.
	Constant(i int) *tensor.Tensor
}

// idle reports whether there is nothing to compute: no output has elements. The other dimensions of a tensor without elements may be huge, which
// no kernel needs to be ready for.
func (b *Bind) idle() bool {
	for o := range b.Outs {
		if b.Wants(o) {
			dims, ok := b.Outs[o].Dims()
			if b.Outs[o].Kind != KindTensor || !ok || !slices.Contains(dims, 0) {
				return false
			}
		}
	}
	return true
}

// In returns the type of input i; of kind KindNone when it is absent.
//
//go:noinline
func (b *Bind) In(i int) *Type {
	if !b.Has(i) {
		return &noType
	}
	return b.Ins[i]
}

// Out returns the type of output o.
//
//go:noinline
func (b *Bind) Out(o int) *Type { return &b.Outs[o] }

// Has reports whether input i is there.
//
//go:noinline
func (b *Bind) Has(i int) bool { return i < len(b.Ins) && b.Ins[i] != nil }

// Wants reports whether output o is used.
//
//go:noinline
func (b *Bind) Wants(o int) bool { return o < len(b.Wanted) && b.Wanted[o] }

// Dims returns the dimensions of input i; nil when they aren't known, which happens only to inputs that aren't tensors.
//
//go:noinline
func (b *Bind) Dims(i int) []int {
	d, _ := b.In(i).Dims()
	return d
}

// OutDims returns the dimensions of output o; nil when they depend on the data.
//
//go:noinline
func (b *Bind) OutDims(o int) []int {
	d, _ := b.Outs[o].Dims()
	return d
}

// Constant returns input i if it is a constant of the model, else nil.
//
//go:noinline
func (b *Bind) Constant(i int) *tensor.Tensor {
	if b.Packs == nil || !b.Has(i) {
		return nil
	}
	return b.Packs.Constant(i)
}

// Packed returns a packed form of the constant input i, see [Packer].
//
//go:noinline
func (b *Bind) Packed(i int, key string, pack func(t *tensor.Tensor) (any, int, error)) (any, error) {
	return b.Packs.Packed(i, key, pack)
}

// NeedScratch asks for at least n bytes in [Call.Scratch]. They are shared with other nodes: nothing survives from run to run.
//
//go:noinline
func (b *Bind) NeedScratch(n int) { b.scratch = max(b.scratch, n) }

// ScratchLen returns what NeedScratch asked for.
func (b *Bind) ScratchLen() int { return b.scratch }

// Scratch returns n elements of a worker's scratch. T must not hold pointers.
func Scratch[T uint8 | int8 | uint16 | int32 | int64 | uint32 | uint64 | float32 | float64](w Worker, n int) []T {
	return Elements[T](w.Scratch(n * int(unsafe.Sizeof(*new(T)))))
}

// Elements views bytes, aligned for T, as elements. T must not hold pointers.
func Elements[T uint8 | int8 | uint16 | int32 | int64 | uint32 | uint64 | float32 | float64](b []byte) []T {
	n := len(b) / int(unsafe.Sizeof(*new(T)))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}
