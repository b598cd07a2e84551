package loader

import (
	"sync"

	"ingot/tensor"
)

// Initializer is a constant of a graph. Its tensor is made when it is asked for.
type Initializer struct {
	Name     string
	DType    tensor.DType
	Shape    []int
	Doc      string
	Metadata Props
	External *ExternalData // where the payload is, when it isn't in the model's file
	Sparse   *SparseTensor // what the file holds, when that isn't a dense tensor

	off   int64
	src   *source
	proto *tensorProto
	once  sync.Once
	t     *tensor.Tensor
	err   error
}

// NewInitializer returns an initializer that holds t.
func NewInitializer(name string, t *tensor.Tensor) *Initializer {
	in := &Initializer{Name: name, t: t, err: t.Err()}
	if in.err == nil {
		in.DType, in.Shape = t.DType(), t.Shape()
	}
	in.once.Do(func() {})
	return in
}

// Tensor returns the initializer's value, the same tensor each time. It may be called from any number of goroutines. The payload
// is shared with the file when it is aligned for its type there; so the tensor must not be written to, nor used after
// [Model.Close]. After Close, Tensor gives [ErrClosed], unless it gave a tensor before.
func (in *Initializer) Tensor() (*tensor.Tensor, error) {
	in.once.Do(func() {
		if in.Sparse != nil {
			in.t, in.err = in.Sparse.Dense()
		} else {
			in.t, in.err = in.make()
		}
		if in.err != nil {
			in.err = in.src.blame(within(in.err, "initializer "+quote(in.Name)))
		}
	})
	return in.t, in.err
}

func (in *Initializer) make() (*tensor.Tensor, error) {
	if in.proto == nil {
		return nil, formatErr(-1, "the initializer has no data")
	}
	if err := in.src.enter(); err != nil {
		return nil, err
	}
	defer in.src.leave()
	return in.proto.tensor(in.src)
}

// Raw returns the payload as the file holds it, whatever its alignment: little-endian, elements of 4 and 2 bits packed from the lowest bits
// up. It is for those who repack weights anyway and would copy twice. It returns nil for strings, sparse tensors, and payloads that the
// file stores in another form; [Initializer.Tensor] has those. The bytes must not be written to, nor used after [Model.Close].
func (in *Initializer) Raw() ([]byte, error) {
	if in.proto == nil || in.DType == tensor.String || in.proto.raw == nil && in.proto.ext == nil {
		return nil, nil
	}
	if err := in.src.enter(); err != nil {
		return nil, err
	}
	defer in.src.leave()
	b, _, err := in.proto.payload(in.src)
	if err != nil {
		return nil, in.src.blame(within(err, "initializer "+quote(in.Name)))
	}
	return b, nil
}

// Owner returns what must be kept reachable as long as bytes from [Initializer.Raw] are used; nil when nothing must.
func (in *Initializer) Owner() any {
	if in.src == nil {
		return nil
	}
	return in.src
}

// NumElements returns the number of elements.
func (in *Initializer) NumElements() int {
	n, err := tensor.NumElements(in.Shape)
	if err != nil {
		return 0
	}
	return n
}

// initializer returns what it could read along with an error.
func (d *decoder) initializer(m message) (*Initializer, error) {
	start := m.pos
	p, err := d.tensorProto(m)
	in := d.newInitializer(p)
	if err == nil && in.Name == "" {
		err = formatErr(start, "the initializer has no name")
	}
	return in, err
}

func (d *decoder) newInitializer(p *tensorProto) *Initializer {
	return &Initializer{Name: p.name, DType: p.dt, Shape: p.dims, Doc: p.doc, Metadata: p.meta, External: p.ext, src: d.src, proto: p}
}

// attrTensor reads a tensor that is an attribute's value, at once.
func (d *decoder) attrTensor(m message) (*tensor.Tensor, error) {
	p, err := d.tensorProto(m)
	if err != nil {
		return nil, err
	}
	return p.tensor(d.src)
}
