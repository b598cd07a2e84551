package loader

import (
	"ingot/tensor"
)

// SparseTensor is a tensor of which the file holds only the elements that aren't zero.
type SparseTensor struct {
	Shape   []int
	Values  *Initializer // vector of the elements
	Indices *Initializer // int64; [n]: positions in the flattened tensor, or [n, rank]: an index for each dimension

	maxBytes int64
}

// Dense returns the tensor with all its elements. It fails when an index is outside the shape, and when the dense form is larger than
// [Limits].DenseBytes.
func (s *SparseTensor) Dense() (*tensor.Tensor, error) {
	values, err := s.Values.Tensor()
	if err != nil {
		return nil, err
	}
	indices, err := s.Indices.Tensor()
	if err != nil {
		return nil, err
	}
	index, err := tensor.Data[int64](indices)
	if err != nil {
		return nil, err
	}
	if b := denseBytes(values.DType(), s.Shape); s.maxBytes > 0 && b > uint64(s.maxBytes) {
		return nil, formatErr(s.Values.off, "the dense form of the sparse tensor takes %d bytes, more than the limit of %d", b, s.maxBytes)
	}
	out, err := tensor.New(values.DType(), s.Shape...)
	if err != nil {
		return nil, err
	}
	width := 1
	if indices.Rank() == 2 {
		width = len(s.Shape)
	}
	strs, _ := tensor.Data[string](values)
	dst, _ := tensor.Data[string](out)
	size := values.DType().Size()
	for i := range values.Len() {
		at, ok := flatIndex(index[i*width:(i+1)*width], s.Shape, out.Len(), indices.Rank() == 2)
		if !ok {
			return nil, formatErr(s.Indices.off, "index %d of the sparse tensor is outside its shape %s", i, tensor.ShapeString(s.Shape))
		}
		if strs != nil {
			dst[at] = strs[i]
			continue
		}
		copy(out.Bytes()[at*size:], values.Bytes()[i*size:(i+1)*size])
	}
	return out, nil
}

// flatIndex turns one index into the position in the flattened tensor of n elements.
func flatIndex(index []int64, shape []int, n int, tuple bool) (at int, ok bool) {
	if !tuple {
		return int(index[0]), index[0] >= 0 && index[0] < int64(n)
	}
	for k, v := range index {
		if v < 0 || v >= int64(shape[k]) {
			return 0, false
		}
		at = at*shape[k] + int(v)
	}
	return at, at < n
}

// sparse reads a SparseTensorProto.
func (d *decoder) sparse(m message) (*SparseTensor, error) {
	s := &SparseTensor{maxBytes: d.lim.DenseBytes}
	start := m.pos
	var dims []int64
	for m.next() {
		switch m.num {
		case 1:
			s.Values = d.sparsePart(&m, "values")
		case 2:
			s.Indices = d.sparsePart(&m, "indices")
		case 3:
			dims = m.ints(dims)
		}
	}
	if m.err != nil {
		return s, m.err
	}
	if s.Values == nil {
		return s, formatErr(start, "the sparse tensor has no values")
	}
	if s.Indices == nil { // an empty int64 tensor has nothing to write but its type and shape
		return s, formatErr(start, "the sparse tensor has no indices")
	}
	p := tensorProto{dt: s.Values.DType}
	if err := p.shape(dims); err != nil {
		return s, formatErr(start, "%v", err)
	}
	s.Shape = p.dims
	v, ix := s.Values.Shape, s.Indices.Shape
	switch {
	case len(v) != 1:
		return s, formatErr(start, "the values of a sparse tensor are a vector, not of shape %s", tensor.ShapeString(v))
	case s.Indices.DType != tensor.Int64:
		return s, formatErr(start, "the indices of a sparse tensor are int64, not %s", s.Indices.DType)
	case len(ix) != 1 && len(ix) != 2 || ix[0] != v[0] || len(ix) == 2 && ix[1] != len(dims):
		return s, formatErr(start, "indices of shape %s don't fit %d values of a tensor of shape %s", tensor.ShapeString(ix), v[0], tensor.ShapeString(s.Shape))
	}
	return s, nil
}

func (d *decoder) sparsePart(m *message, what string) *Initializer {
	p, err := d.tensorProto(m.sub())
	m.adopt(err, what)
	in := d.newInitializer(p)
	in.off = m.at
	return in
}

// sparseInitializer reads an initializer that is a sparse tensor; its name is that of its values.
func (d *decoder) sparseInitializer(m message) (*Initializer, error) {
	start := m.pos
	s, err := d.sparse(m)
	in := &Initializer{Sparse: s, Shape: s.Shape, src: d.src}
	if s.Values != nil {
		in.Name, in.DType = s.Values.Name, s.Values.DType
	}
	if err == nil && in.Name == "" {
		err = formatErr(start, "the sparse initializer has no name")
	}
	return in, err
}
