package loader

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"

	"ingot/internal/endian"
	"ingot/internal/mem"
	"ingot/tensor"
)

// tensor makes the tensor. The payload is shared when its address and form allow it.
func (p *tensorProto) tensor(src *source) (*tensor.Tensor, error) {
	if p.dt == tensor.String {
		return p.strings()
	}
	raw, owner, err := p.payload(src)
	if err != nil {
		return nil, err
	}
	return src.fromRaw(p.dt, p.dims, p.n, raw, owner)
}

// payload returns the elements in raw_data's form, and what keeps them alive.
func (p *tensorProto) payload(src *source) ([]byte, *mem.Block, error) {
	switch {
	case p.n == 0:
		return []byte{}, nil, nil
	case p.ext != nil:
		b, owner, err := src.ext.read(p.ext, p.size, src.alloc)
		if err != nil {
			return nil, nil, &FormatError{File: src.file, Offset: p.at, Msg: externalMsg(p.ext), Err: err}
		}
		return b, owner, nil
	case p.raw != nil:
		return p.raw, src.block, nil
	}
	b, owner, err := src.alloc(p.size)
	if err != nil {
		return nil, nil, err
	}
	return b, owner, p.collect(b)
}

// collect gathers the numbers of a typed field in raw_data's form. Their count was checked.
func (p *tensorProto) collect(out []byte) error {
	width := p.size / p.count // bytes a number takes; sub-byte elements come packed into a byte a number
	at := 0
	var m message
	put := func(v uint64) {
		if at+width > len(out) {
			m.fail("there are more numbers than the shape asks for")
			return
		}
		if !fits(p.dt, v, width) {
			m.fail("the number %d doesn't fit %s", int64(v), p.dt)
			return
		}
		switch width {
		case 1:
			if p.dt == tensor.Bool && v != 0 {
				v = 1
			}
			out[at] = byte(v)
		case 2:
			binary.LittleEndian.PutUint16(out[at:], uint16(v))
		case 4:
			binary.LittleEndian.PutUint32(out[at:], uint32(v))
		case 8:
			binary.LittleEndian.PutUint64(out[at:], v)
		}
		at += width
	}
	for m = newMessage(p.body, p.at); m.next(); {
		switch {
		case m.num != p.field:
		case m.typ != protowire.BytesType:
			put(m.num64)
		case p.field == fieldFloat || p.field == fieldDouble:
			at += copy(out[at:], m.val)
		default:
			m.varints(put)
		}
	}
	return m.err
}

// fits reports whether a number from the file, sign-extended or not, has a meaning in that many bytes. Floats come as bits.
func fits(dt tensor.DType, v uint64, width int) bool {
	if width == 8 || dt == tensor.Float32 || dt == tensor.Complex64 || dt == tensor.Bool {
		return true
	}
	s := int64(v)
	return s >= -1<<(8*width-1) && s < 1<<(8*width)
}

// strings collects string_data.
func (p *tensorProto) strings() (*tensor.Tensor, error) {
	list := make([]string, 0, p.n)
	m := newMessage(p.body, p.at)
	for p.n > 0 && m.next() {
		if m.num == fieldString {
			list = append(list, m.str())
		}
	}
	if m.err != nil {
		return nil, m.err
	}
	return tensor.FromSlice(list, p.dims...)
}

// fromRaw makes a tensor of n elements from raw_data's form: little-endian, elements below 8 bits packed. It shares b when that is
// also the form in memory; owner then keeps it alive.
func (s *source) fromRaw(dt tensor.DType, dims []int, n int, b []byte, owner *mem.Block) (*tensor.Tensor, error) {
	if len(b) != rawSize(dt, n) {
		return nil, fmt.Errorf("%w: %d bytes for %s%s", tensor.ErrShape, len(b), dt, tensor.ShapeString(dims))
	}
	var convert func(dst, src []byte)
	switch {
	case dt.Bits() < 8:
		convert = func(dst, src []byte) { unpack(dt, dst, src) }
	case dt == tensor.Bool && !isBool(b):
		convert = normalise
	case endian.Big && endian.Unit(dt) > 0:
		convert = func(dst, src []byte) { endian.Swap(dst, src, endian.Unit(dt)) }
	case uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(tensor.Align(dt)) != 0:
		convert = func(dst, src []byte) { copy(dst, src) }
	}
	if convert != nil && n > 0 {
		dst, block, err := s.alloc(n * dt.Size())
		if err != nil {
			return nil, err
		}
		convert(dst, b)
		runtime.KeepAlive(owner)
		b, owner = dst, block
	}
	return tensor.FromBytes(dt, dims, b, hold(owner))
}

// unpack gives each 4- or 2-bit element a byte of its own, sign-extended if the type is signed.
func unpack(dt tensor.DType, dst, packed []byte) {
	width := dt.Bits()
	per := 8 / width
	var table [256][4]byte // what a packed byte becomes
	for v := range table {
		for i := range per {
			e := byte(v>>(i*width)) << (8 - width)
			if dt == tensor.Int4 || dt == tensor.Int2 {
				table[v][i] = byte(int8(e) >> (8 - width))
			} else {
				table[v][i] = e >> (8 - width)
			}
		}
	}
	for _, v := range packed {
		k := copy(dst[:min(per, len(dst))], table[v][:])
		dst = dst[k:]
	}
}

// isBool tells whether all bytes are 0 or 1, as Go wants them for bools.
func isBool(b []byte) bool {
	for _, v := range b {
		if v > 1 {
			return false
		}
	}
	return true
}

// normalise makes bools of bytes: what isn't 0 is true.
func normalise(dst, src []byte) {
	for i, v := range src {
		dst[i] = min(v, 1)
	}
}

// RawData returns the elements of t as raw_data and external files hold them: little-endian, 4- and 2-bit elements packed. It shares t's
// memory when that is the form already. Strings have none.
func RawData(t *tensor.Tensor) ([]byte, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	dt := t.DType()
	switch {
	case dt == tensor.String:
		return nil, fmt.Errorf("%w: strings have no raw form", tensor.ErrDType)
	case dt.Bits() < 8:
		width := dt.Bits()
		per := 8 / width
		out := make([]byte, rawSize(dt, t.Len()))
		for i, v := range t.Bytes() {
			out[i/per] |= v & (1<<width - 1) << (i % per * width)
		}
		return out, nil
	case endian.Big && endian.Unit(dt) > 0:
		out := make([]byte, len(t.Bytes()))
		endian.Swap(out, t.Bytes(), endian.Unit(dt))
		return out, nil
	}
	return t.Bytes(), nil
}
