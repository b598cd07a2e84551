package onnxpb

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"ingot/loader"
	"ingot/tensor"
)

// Form is one of the ways in which the standard lets a tensor's elements be written.
type Form int

// The forms of elements.
const (
	Raw      Form = iota // raw_data; string_data for strings
	Packed               // the field for the type, its numbers packed, as today's writers do
	Unpacked             // the field for the type, a tag for each number, as the first writers did
)

// EncodeTensor returns a tensor as a TensorProto, its elements as raw data.
func EncodeTensor(t *tensor.Tensor, name string) ([]byte, error) { return EncodeTensorAs(t, name, Raw) }

// EncodeTensorAs returns a tensor as a TensorProto with its elements in the given form.
func EncodeTensorAs(t *tensor.Tensor, name string, form Form) ([]byte, error) {
	e := &encoder{}
	b := e.tensorAs(t, name, form)
	return b, e.err
}

func (e *encoder) tensor(t *tensor.Tensor, name string) []byte { return e.tensorAs(t, name, Raw) }

func (e *encoder) tensorAs(t *tensor.Tensor, name string, form Form) []byte {
	if err := t.Err(); err != nil {
		e.fail(err)
		return nil
	}
	b := e.head(t.DType(), t.Shape(), name)
	if t.DType() == tensor.String {
		s, _ := tensor.Data[string](t)
		return e.strs(b, 6, s)
	}
	raw, err := loader.RawData(t)
	if err != nil {
		e.fail(err)
		return nil
	}
	switch form {
	case Raw:
		return e.msg(b, 9, raw)
	case Packed, Unpacked:
		return e.typed(b, t.DType(), raw, form)
	}
	e.fail(fmt.Errorf("there is no form %d of a tensor", form))
	return nil
}

// typed writes elements, given as raw data, to the field for their type.
func (e *encoder) typed(b []byte, dt tensor.DType, raw []byte, form Form) []byte {
	num, wire, width := protowire.Number(5), protowire.VarintType, 1
	switch dt {
	case tensor.Float32, tensor.Complex64:
		num, wire, width = 4, protowire.Fixed32Type, 4
	case tensor.Float64, tensor.Complex128:
		num, wire, width = 10, protowire.Fixed64Type, 8
	case tensor.Int64:
		num, width = 7, 8
	case tensor.Uint32:
		num, width = 11, 4
	case tensor.Uint64:
		num, width = 11, 8
	default:
		width = max(1, dt.Bits()/8)
	}
	signed := dt.IsSigned() && dt.Bits() >= 8
	var list []byte
	for ; len(raw) >= width; raw = raw[width:] {
		if form == Unpacked {
			b = protowire.AppendTag(b, num, wire)
		}
		dst := &list
		if form == Unpacked {
			dst = &b
		}
		if wire != protowire.VarintType {
			*dst = append(*dst, raw[:width]...)
			continue
		}
		*dst = protowire.AppendVarint(*dst, number(raw[:width], signed))
	}
	if len(list) > 0 {
		b = e.msg(b, num, list)
	}
	return b
}

// number reads a little-endian number, sign-extended if it is signed.
func number(b []byte, signed bool) uint64 {
	var full [8]byte
	copy(full[:], b)
	v := binary.LittleEndian.Uint64(full[:])
	if shift := 64 - 8*len(b); signed {
		return uint64(int64(v<<shift) >> shift)
	}
	return v
}

// EncodeValue returns a value in the form that the standard's test data has: TensorProto, SequenceProto, OptionalProto or MapProto.
func EncodeValue(v tensor.Value, name string) ([]byte, error) {
	e := &encoder{}
	b := e.value(v, name)
	return b, e.err
}

// Fields of SequenceProto and OptionalProto for the kinds of values, and the numbers of these kinds, which the messages also hold.
const (
	fieldTensor, kindTensor     = 3, 1
	fieldSequence, kindSequence = 5, 3
	fieldMap, kindMap           = 6, 4
	fieldOptional, kindOptional = 7, 5
)

func place(v tensor.Value) (field protowire.Number, kind int64) {
	switch v.(type) {
	case *tensor.Tensor:
		return fieldTensor, kindTensor
	case *tensor.Sequence:
		return fieldSequence, kindSequence
	case *tensor.Map:
		return fieldMap, kindMap
	}
	return fieldOptional, kindOptional
}

func (e *encoder) value(v tensor.Value, name string) []byte {
	switch v := v.(type) {
	case *tensor.Tensor:
		return e.tensor(v, name)
	case *tensor.Sequence:
		b := e.str(nil, 1, name)
		kind := int64(kindTensor)
		if len(v.Items) > 0 {
			_, kind = place(v.Items[0])
		}
		b = e.int(b, 2, kind)
		for _, item := range v.Items {
			field, _ := place(item)
			b = e.msg(b, field, e.value(item, ""))
		}
		return b
	case *tensor.Optional:
		b := e.str(nil, 1, name)
		if v.V != nil {
			field, kind := place(v.V)
			b = e.msg(e.int(b, 2, kind), field, e.value(v.V, ""))
		}
		return b
	case *tensor.Map:
		return e.mapping(v, name)
	}
	e.fail(fmt.Errorf("no value to encode"))
	return nil
}

func (e *encoder) mapping(v *tensor.Map, name string) []byte {
	b := e.int(e.str(nil, 1, name), 2, int64(v.Keys.DType()))
	if keys, err := tensor.Data[string](v.Keys); err == nil {
		b = e.strs(b, 4, keys)
	} else if keys, err := tensor.Data[int64](v.Keys); err == nil {
		b = e.packed(b, 3, keys)
	} else {
		e.fail(err)
	}
	seq := &tensor.Sequence{Elem: v.Values.DType()}
	for i := range v.Values.Len() {
		item, err := v.Values.Slice(i, i+1)
		if err == nil {
			item, err = item.Reshape([]int{}...)
		}
		if err != nil {
			e.fail(err)
			return nil
		}
		seq.Items = append(seq.Items, item)
	}
	return e.msg(b, 5, e.value(seq, ""))
}
