package loader

import (
	"fmt"

	"ingot/tensor"
)

// Values by themselves, as the standard's test data has them: a file a value (TensorProto, SequenceProto, OptionalProto, MapProto).

// DecodeTensor reads a serialized TensorProto. The tensor shares b when its payload is aligned there. External data is refused.
func DecodeTensor(b []byte) (name string, t *tensor.Tensor, err error) {
	return decodeValue(b, (*decoder).tensorValue)
}

// DecodeSequence reads a serialized SequenceProto.
func DecodeSequence(b []byte) (name string, s *tensor.Sequence, err error) {
	return decodeValue(b, (*decoder).sequenceValue)
}

// DecodeOptional reads a serialized OptionalProto.
func DecodeOptional(b []byte) (name string, o *tensor.Optional, err error) {
	return decodeValue(b, (*decoder).optionalValue)
}

// DecodeMap reads a serialized MapProto. Its values must be scalars of one type.
func DecodeMap(b []byte) (name string, m *tensor.Map, err error) {
	return decodeValue(b, (*decoder).mapValue)
}

// DecodeValue reads a value of the kind that the type says; a sequence of unknown element type gets it from the type.
func DecodeValue(b []byte, t TypeInfo) (name string, v tensor.Value, err error) {
	switch t.Kind {
	case KindTensor:
		return asValue(DecodeTensor(b))
	case KindSparse:
		return asValue(decodeValue(b, func(d *decoder, m message, _ int) (string, *tensor.Tensor, error) {
			s, err := d.sparse(m)
			if err != nil {
				return "", nil, err
			}
			dense, err := s.Dense()
			return s.Values.Name, dense, err
		}))
	case KindSequence:
		name, s, err := DecodeSequence(b)
		if err == nil && s.Elem == tensor.Invalid && t.Elem != nil && t.Elem.Kind == KindTensor {
			s.Elem = t.Elem.DType
		}
		return asValue(name, s, err)
	case KindOptional:
		return asValue(DecodeOptional(b))
	case KindMap:
		return asValue(DecodeMap(b))
	}
	return "", nil, fmt.Errorf("no value of kind %s can be read", t.Kind)
}

// asValue keeps a typed nil out of the interface.
func asValue[T tensor.Value](name string, v T, err error) (string, tensor.Value, error) {
	if err != nil {
		return "", nil, err
	}
	return name, v, nil
}

func decodeValue[T tensor.Value](b []byte, read func(*decoder, message, int) (string, T, error)) (string, T, error) {
	d := &decoder{src: &source{data: b}, lim: Limits{}.withDefaults(), names: make(map[string]string)}
	return read(d, newMessage(b, 0), 1)
}

func (d *decoder) tensorValue(m message, _ int) (string, *tensor.Tensor, error) {
	p, err := d.tensorProto(m)
	if err != nil {
		return "", nil, within(err, "tensor "+quote(p.name))
	}
	t, err := p.tensor(d.src)
	return p.name, t, err
}

// content reads the fields that SequenceProto (repeated) and OptionalProto (once) share: they have the same numbers.
func content[T tensor.Value](list []tensor.Value, m *message, read func(message, int) (string, T, error), depth int) []tensor.Value {
	_, v, err := read(m.sub(), depth+1)
	m.adopt(err, fmt.Sprintf("element %d", len(list)))
	return append(list, v)
}

func (d *decoder) contents(m *message, name *string, depth int) ([]tensor.Value, error) {
	if depth > d.lim.Depth {
		return nil, formatErr(m.pos, "values are nested deeper than %d levels", d.lim.Depth)
	}
	var list []tensor.Value
	for m.next() {
		switch m.num {
		case 1:
			*name = m.str()
		case 3:
			list = content(list, m, d.tensorValue, depth)
		case 4:
			m.fail("sparse tensors inside other values aren't supported")
		case 5:
			list = content(list, m, d.sequenceValue, depth)
		case 6:
			list = content(list, m, d.mapValue, depth)
		case 7:
			list = content(list, m, d.optionalValue, depth)
		}
	}
	return list, m.err
}

func (d *decoder) sequenceValue(m message, depth int) (name string, s *tensor.Sequence, err error) {
	list, err := d.contents(&m, &name, depth)
	if err != nil {
		return "", nil, err
	}
	s = &tensor.Sequence{Items: list}
	for i, v := range list {
		t, ok := v.(*tensor.Tensor)
		switch {
		case !ok:
			return name, s, nil
		case i > 0 && t.DType() != s.Elem:
			return "", nil, formatErr(m.pos, "element %d of the sequence is %s, the first is %s", i, t.DType(), s.Elem)
		}
		s.Elem = t.DType()
	}
	return name, s, nil
}

func (d *decoder) optionalValue(m message, depth int) (name string, o *tensor.Optional, err error) {
	list, err := d.contents(&m, &name, depth)
	if err != nil {
		return "", nil, err
	}
	o = &tensor.Optional{}
	if len(list) > 0 {
		o.V = list[len(list)-1]
	}
	return name, o, nil
}

func (d *decoder) mapValue(m message, depth int) (name string, v *tensor.Map, err error) {
	var ints []int64
	var strs []string
	var values *tensor.Sequence
	key := tensor.Invalid
	for m.next() {
		switch m.num {
		case 1:
			name = m.str()
		case 2:
			key = m.dtype()
		case 3:
			ints = m.ints(ints)
		case 4:
			strs = append(strs, m.str())
		case 5:
			var verr error
			_, values, verr = d.sequenceValue(m.sub(), depth+1)
			m.adopt(verr, "values")
		}
	}
	if m.err != nil {
		return "", nil, m.err
	}
	v = &tensor.Map{}
	switch key {
	case tensor.String:
		v.Keys = tensor.Of(strs)
	case tensor.Int64:
		v.Keys = tensor.Of(ints)
	case tensor.Int8, tensor.Int16, tensor.Int32, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64:
		v.Keys = tensor.Of(ints) // the runtime's maps know one kind of integer
	default:
		return "", nil, formatErr(m.pos, "keys of a map can't be %s", key)
	}
	if values == nil {
		values = &tensor.Sequence{}
	}
	if v.Values, err = joinScalars(values); err != nil {
		return "", nil, formatErr(m.pos, "values of the map: %v", err)
	}
	if v.Keys.Len() != v.Values.Len() {
		return "", nil, formatErr(m.pos, "the map has %d keys and %d values", v.Keys.Len(), v.Values.Len())
	}
	return name, v, nil
}

// joinScalars makes a vector of a sequence of single elements.
func joinScalars(s *tensor.Sequence) (*tensor.Tensor, error) {
	dt := s.Elem
	if dt == tensor.Invalid && len(s.Items) == 0 {
		dt = tensor.Float32
	}
	out, err := tensor.New(dt, len(s.Items))
	if err != nil {
		return nil, err
	}
	strs, _ := tensor.Data[string](out)
	for i, v := range s.Items {
		t, ok := v.(*tensor.Tensor)
		if !ok || t.Len() != 1 {
			return nil, fmt.Errorf("element %d isn't a single number or string", i)
		}
		if strs != nil {
			strs[i] = tensor.View[string](t)[0]
			continue
		}
		copy(out.Bytes()[i*dt.Size():], t.Bytes())
	}
	return out, nil
}
