package loader

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message walks the fields of one protobuf message:
//
//	for m.next() {
//		switch m.num {
//		case 1:
//			x.Name = m.str()
//		}
//	}
//	return m.err
//
// A field that nobody asks for is skipped. The accessors fail the message when the field has another wire type than the schema gives it.
type message struct {
	rest []byte // not yet read
	pos  int64  // offset of rest in the file

	num   protowire.Number // of the current field
	typ   protowire.Type
	at    int64  // offset of the current field's tag
	num64 uint64 // value of a varint or fixed field
	val   []byte // value of a length-delimited field
	err   error  // the first failure
}

func newMessage(b []byte, off int64) message { return message{rest: b, pos: off, err: nil} }

// fail ends the walk with an error about the current field.
func (m *message) fail(format string, args ...any) {
	if m.err == nil {
		m.err = formatErr(m.at, format, args...)
	}
}

func (m *message) take(n int) {
	m.rest = m.rest[n:]
	m.pos += int64(n)
}

// next reads the next field. It returns false at the end and after a failure.
func (m *message) next() bool {
	for len(m.rest) > 0 && m.err == nil {
		m.at = m.pos
		tag, n := protowire.ConsumeVarint(m.rest)
		if n < 0 {
			m.badVarint(n, "a field's tag")
			return false
		}
		m.num, m.typ = protowire.DecodeTag(tag)
		if m.num < protowire.MinValidNumber || tag>>3 > uint64(protowire.MaxValidNumber) {
			m.fail("invalid field number %d", tag>>3)
			return false
		}
		m.take(n)
		switch m.typ {
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(m.rest)
			if n < 0 {
				m.badVarint(n, "a number")
				return false
			}
			m.num64, m.val = v, nil
			m.take(n)
		case protowire.Fixed32Type:
			if len(m.rest) < 4 {
				m.fail("the file ends inside a number")
				return false
			}
			m.num64, m.val = uint64(binary.LittleEndian.Uint32(m.rest)), nil
			m.take(4)
		case protowire.Fixed64Type:
			if len(m.rest) < 8 {
				m.fail("the file ends inside a number")
				return false
			}
			m.num64, m.val = binary.LittleEndian.Uint64(m.rest), nil
			m.take(8)
		case protowire.BytesType:
			size, n := protowire.ConsumeVarint(m.rest)
			if n < 0 {
				m.badVarint(n, "a field's length")
				return false
			}
			m.take(n)
			if size > uint64(len(m.rest)) {
				m.fail("field %d claims %d bytes, but only %d are left: the file is cut short or damaged", m.num, size, len(m.rest))
				return false
			}
			m.val = m.rest[:size:size]
			m.take(int(size))
		case protowire.StartGroupType:
			n := protowire.ConsumeFieldValue(m.num, m.typ, m.rest)
			if n < 0 {
				m.fail("malformed group in field %d: %v", m.num, protowire.ParseError(n))
				return false
			}
			m.take(n)
			continue // ONNX has no groups, so it is unknown
		default:
			m.fail("field %d has the invalid wire type %d", m.num, m.typ)
			return false
		}
		return true
	}
	return false
}

func (m *message) badVarint(code int, what string) {
	if len(m.rest) < binary.MaxVarintLen64 {
		m.fail("the file ends inside %s", what)
		return
	}
	m.fail("malformed %s: %v", what, protowire.ParseError(code))
}

// is checks the wire type.
func (m *message) is(t protowire.Type) bool {
	if m.typ == t {
		return true
	}
	m.fail("field %d has wire type %d where %d belongs", m.num, m.typ, t)
	return false
}

// valueAt is the offset of val in the file.
func (m *message) valueAt() int64 { return m.pos - int64(len(m.val)) }

func (m *message) bytes() []byte {
	if !m.is(protowire.BytesType) {
		return nil
	}
	return m.val
}

// str copies the value, so that it outlives the mapping.
func (m *message) str() string { return string(m.bytes()) }

func (m *message) sub() message { return newMessage(m.bytes(), m.valueAt()) }

func (m *message) int64() int64 {
	if !m.is(protowire.VarintType) {
		return 0
	}
	return int64(m.num64)
}

func (m *message) float32() float32 {
	if !m.is(protowire.Fixed32Type) {
		return 0
	}
	return math.Float32frombits(uint32(m.num64))
}

// ints appends the numbers of a repeated varint field, be it packed or not.
func (m *message) ints(dst []int64) []int64 {
	if m.typ != protowire.BytesType {
		return append(dst, m.int64())
	}
	if dst == nil && len(m.val) > 0 {
		dst = make([]int64, 0, terminators(m.val))
	}
	m.varints(func(v uint64) { dst = append(dst, int64(v)) })
	return dst
}

// varints calls f with each number of a packed field.
func (m *message) varints(f func(v uint64)) {
	for b := m.val; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			m.fail("malformed list of numbers in field %d: %v", m.num, protowire.ParseError(n))
			return
		}
		f(v)
		b = b[n:]
	}
}

// terminators counts the bytes that end a varint, which is how many a packed field holds.
func terminators(b []byte) int {
	n := 0
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	return n
}

// float32s appends the numbers of a repeated float field, be it packed or not.
func (m *message) float32s(dst []float32) []float32 {
	if m.typ != protowire.BytesType {
		return append(dst, m.float32())
	}
	if len(m.val)%4 != 0 {
		m.fail("a list of floats takes %d bytes, which isn't a multiple of 4", len(m.val))
		return dst
	}
	if dst == nil && len(m.val) > 0 {
		dst = make([]float32, 0, len(m.val)/4)
	}
	for b := m.val; len(b) > 0; b = b[4:] {
		dst = append(dst, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return dst
}
