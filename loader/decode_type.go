package loader

import (
	"fmt"

	"ingot/tensor"
)

// dtypeNames are element types of the standard that tensors can't hold yet, for messages.
var dtypeNames = map[int64]string{27: "float6e2m3", 28: "float6e3m2"}

// dtype reads a TensorProto.DataType.
func (m *message) dtype() tensor.DType {
	v := m.int64()
	switch {
	case m.err != nil || v == 0:
		return tensor.Invalid
	case v > 0 && v < tensor.NumDTypes:
		return tensor.DType(v)
	case dtypeNames[v] != "":
		m.fail("the element type %s isn't supported", dtypeNames[v])
	default:
		m.fail("there is no element type with the number %d", v)
	}
	return tensor.Invalid
}

func (d *decoder) valueInfo(m message) (*ValueInfo, error) {
	v := &ValueInfo{}
	for m.next() {
		switch m.num {
		case 1:
			v.Name = d.name(&m)
		case 2:
			m.adopt(d.typeInfo(&v.Type, m.sub(), 1), "")
		case 3:
			v.Doc = m.str()
		case 4:
			d.props(&v.Metadata, &m)
		}
	}
	if m.err == nil && v.Name == "" {
		m.err = formatErr(m.pos, "the value has no name")
	}
	return v, m.err
}

// typeInfo reads a TypeProto.
func (d *decoder) typeInfo(t *TypeInfo, m message, depth int) error {
	if depth > d.lim.Depth {
		return formatErr(m.pos, "types are nested deeper than %d levels", d.lim.Depth)
	}
	for m.next() {
		switch m.num {
		case 1:
			t.Kind = KindTensor
			m.adopt(d.tensorType(t, m.sub()), "")
		case 4:
			t.Kind = KindSequence
			m.adopt(d.elemType(t, m.sub(), 1, depth), "")
		case 5:
			t.Kind = KindMap
			m.adopt(d.elemType(t, m.sub(), 2, depth), "")
		case 6:
			t.Denotation = m.str()
		case 7:
			t.Kind = KindOpaque
		case 8:
			t.Kind = KindSparse
			m.adopt(d.tensorType(t, m.sub()), "")
		case 9:
			t.Kind = KindOptional
			m.adopt(d.elemType(t, m.sub(), 1, depth), "")
		}
	}
	return m.err
}

// elemType reads the types that are made of another, which is in field number elem; a map's key type is in field 1.
func (d *decoder) elemType(t *TypeInfo, m message, elem int, depth int) error {
	for m.next() {
		switch {
		case int(m.num) == elem:
			t.Elem = &TypeInfo{}
			m.adopt(d.typeInfo(t.Elem, m.sub(), depth+1), "")
		case m.num == 1:
			t.Key = m.dtype()
		}
	}
	return m.err
}

func (d *decoder) tensorType(t *TypeInfo, m message) error {
	for m.next() {
		switch m.num {
		case 1:
			t.DType = m.dtype()
		case 2:
			t.HasShape = true
			s := m.sub()
			for s.next() {
				if s.num == 1 {
					dim, err := d.dim(s.sub())
					if err != nil {
						s.adopt(err, fmt.Sprintf("dimension %d", len(t.Dims)))
					}
					t.Dims = append(t.Dims, dim)
				}
			}
			m.adopt(s.err, "")
		}
	}
	return m.err
}

func (d *decoder) dim(m message) (Dim, error) {
	dim := Dim{Size: -1}
	for m.next() {
		switch m.num {
		case 1:
			dim.Size, dim.Sym = m.int64(), ""
			if dim.Size < 0 { // what some exporters write for a size that they don't know
				d.negative++
				dim.Size = -1
			}
		case 2:
			dim.Size, dim.Sym = -1, d.name(&m)
		case 3:
			dim.Denotation = m.str()
		}
	}
	return dim, m.err
}
