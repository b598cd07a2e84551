package nn

import (
	"fmt"
	"unsafe"

	"ingot/internal/kernel/move"
	"ingot/internal/kernel/real"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type noAttrs struct{}

// ToNHWC turns images given as planes into rows of channels; ToNCHW turns them back. Their values have the shapes that they physically have:
// (N, C, spatial…) and (N, spatial…, C).
var (
	ToNHWC = Ops.Add(relayout("ToNHWC", planes, rows))
	ToNCHW = Ops.Add(relayout("ToNCHW", rows, planes))
)

func relayout(name string, from, to layout) *ops.Op {
	return ops.Def(ops.Spec[noAttrs]{
		Name: name, Domain: ops.Internal, In: "X:T", Out: "Y:T", Types: "T=all13", Vers: []ops.Ver{{Since: 1}},
		Infer: func(c *ops.Infer, _ *noAttrs) error {
			x, ok := c.Shape(0)
			if !ok {
				return c.OutUnranked(0, c.In(0).DT)
			}
			if len(x) < 3 {
				return fmt.Errorf("input X has rank %d; images have at least 3 dimensions", len(x))
			}
			return c.Out(0, c.In(0).DT, to.shape(x[0], x[from.channels(len(x))], spatial(from, x))...)
		},
		View: func(c *ops.Infer, _ *noAttrs, _ int) (int, int, bool) {
			d, ok := c.In(0).Dims()
			if !ok || d[from.channels(len(d))] != 1 && elements(spatial(from, d)) != 1 {
				return 0, 0, false
			}
			return 0, 0, true
		},
		Bind: func(b *ops.Bind, _ *noAttrs) (ops.Kernel, error) {
			d := b.Dims(0)
			channels, pixels := d[from.channels(len(d))], elements(spatial(from, d))
			return &relayoutKernel{turnJob{c: turnOf(b.In(0).DT.Size(), d[0], channels, pixels, to)}}, nil
		},
	})
}

type relayoutKernel struct{ job turnJob }

// Run moves the elements.
func (k *relayoutKernel) Run(c *ops.Call) error {
	k.job.src, k.job.dst = bufferOf(c.In(0)), bufferOf(c.Out(0))
	return c.Parallel(k.job.c.Tiles(), &k.job)
}

func bufferOf(t *tensor.Tensor) move.Buf {
	if t.DType() == tensor.String {
		return move.Buf{Strings: tensor.View[string](t)}
	}
	return move.Buf{Bytes: t.Bytes(), Width: t.DType().Size()}
}

// turnOf is the copy that turns images into a layout.
func turnOf(width, images, channels, pixels int, to layout) move.Copy {
	size := channels * pixels
	if to == rows {
		return move.NewCopy(width, 0, 0, move.Dim{N: images, Dst: size, Src: size}, move.Dim{N: pixels, Dst: channels, Src: 1}, move.Dim{N: channels, Dst: 1, Src: pixels})
	}
	return move.NewCopy(width, 0, 0, move.Dim{N: images, Dst: size, Src: size}, move.Dim{N: channels, Dst: pixels, Src: 1}, move.Dim{N: pixels, Dst: 1, Src: channels})
}

type turnJob struct {
	c        move.Copy
	dst, src move.Buf
}

// Tile moves some elements.
func (j *turnJob) Tile(_ ops.Worker, i int) { j.c.Tile(j.dst, j.src, i) }

// turn is a change of layout before or behind a kernel that works on rows of channels, by way of scratch; the zero turn is none.
type turn[T real.Float] struct {
	job turnJob
	buf wide.Buffer
}

// toRows is for inputs; it is none where both layouts are the same bytes.
func toRows[T real.Float](r *wide.Room[T], images, channels, pixels int) turn[T] {
	return newTurn(r, images, channels, pixels, rows)
}

// toPlanes is for outputs.
func toPlanes[T real.Float](r *wide.Room[T], images, channels, pixels int) turn[T] {
	return newTurn(r, images, channels, pixels, planes)
}

func newTurn[T real.Float](r *wide.Room[T], images, channels, pixels int, to layout) turn[T] {
	if channels == 1 || pixels == 1 {
		return turn[T]{}
	}
	var zero T
	return turn[T]{turnJob{c: turnOf(int(unsafe.Sizeof(zero)), images, channels, pixels, to)}, r.Buffer(images * channels * pixels)}
}

// before returns an input as rows.
func (t *turn[T]) before(c *ops.Call, s wide.Scratch[T], x []T) ([]T, error) {
	if t.buf.Len() == 0 {
		return x, nil
	}
	to := s.Part(t.buf)
	t.job.dst, t.job.src = slice(to), slice(x)
	return to, c.Parallel(t.job.c.Tiles(), &t.job)
}

// room returns where the rows of output y are to be written.
func (t *turn[T]) room(s wide.Scratch[T], y []T) []T {
	if t.buf.Len() == 0 {
		return y
	}
	return s.Part(t.buf)
}

// after makes planes of the rows of an output.
func (t *turn[T]) after(c *ops.Call, from, y []T) error {
	if t.buf.Len() == 0 {
		return nil
	}
	t.job.dst, t.job.src = slice(y), slice(from)
	return c.Parallel(t.job.c.Tiles(), &t.job)
}

// slice views elements as a buffer of their width.
func slice[T real.Float](s []T) move.Buf {
	var zero T
	w := int(unsafe.Sizeof(zero))
	return move.Buf{Bytes: unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*w), Width: w}
}

// asSigned views bytes as int8.
func asSigned(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}
