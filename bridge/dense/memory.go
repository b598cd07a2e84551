package dense

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"ingot/internal/kernel/move"
	"ingot/tensor"
)

// memory is what a Dense has its elements in.
type memory struct {
	raw  []byte
	size int          // bytes an element
	dt   tensor.DType // what they become; its size is another one for int and uint of 32 bits
}

func (m *memory) addr() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(m.raw))) }

// aligned reports whether a tensor's elements may be at this address.
func (m *memory) aligned() bool {
	align := uintptr(tensor.Align(m.dt))
	if m.dt == tensor.String {
		align = unsafe.Alignof("")
	}
	return m.addr()%align == 0
}

// whyCopy says why the elements have to be copied; "" if they needn't.
func (m *memory) whyCopy(l *layout) string {
	switch {
	case !l.rows:
		return fmt.Sprintf("the strides %v of %s aren't those of C order (after T, in a slice, in column-major order)",
			l.strides, tensor.ShapeString(l.shape))
	case m.widens():
		return fmt.Sprintf("Go's int has %d bits on this machine, and the tensor's elements 64", 8*m.size)
	case !m.aligned():
		return fmt.Sprintf("elements of %s can't be at the address %#x", m.dt, m.addr())
	case loose(m.dt) && !canonical(m.dt, m.raw[:l.n]):
		return fmt.Sprintf("some bytes aren't values of %s", m.dt)
	}
	return ""
}

// widens reports whether the elements are of 32 bits and become 64.
func (m *memory) widens() bool { return m.dt != tensor.String && m.size != m.dt.Size() }

// share returns the tensor over the memory, whose first l.n elements are in order.
func (m *memory) share(l *layout, owner any) (*tensor.Tensor, error) {
	if m.dt == tensor.String {
		return tensor.FromSlice(m.strings()[:l.n:l.n], l.shape...)
	}
	n := l.n * m.size
	return tensor.FromBytes(m.dt, l.shape, m.raw[:n:n], owner)
}

// copy returns a tensor with memory of its own.
func (m *memory) copy(l *layout) (*tensor.Tensor, error) {
	if m.dt == tensor.String {
		return tensor.FromSlice(l.gather(move.Buf{Strings: m.strings()}).Strings, l.shape...)
	}
	raw := m.raw
	if !m.aligned() {
		raw = tensor.AlignedBytes(len(raw))
		copy(raw, m.raw)
	}
	b := l.gather(move.Buf{Bytes: raw, Width: m.size}).Bytes
	if m.widens() {
		b = widen(m.dt, b)
	}
	normalise(m.dt, b)
	return tensor.FromBytes(m.dt, l.shape, b, nil)
}

func (m *memory) strings() []string {
	return unsafe.Slice((*string)(unsafe.Pointer(unsafe.SliceData(m.raw))), len(m.raw)/m.size)
}

// widen turns the elements of 32 bits in b, int or uint, into 64.
func widen(dt tensor.DType, b []byte) []byte {
	out := tensor.AlignedBytes(2 * len(b))
	for i := 0; i < len(b); i += 4 {
		v := int64(int32(binary.NativeEndian.Uint32(b[i:])))
		if dt == tensor.Uint64 {
			v = int64(uint32(v))
		}
		binary.NativeEndian.PutUint64(out[2*i:], uint64(v))
	}
	return out
}

// loose reports whether a byte can hold what isn't a value of dt.
func loose(dt tensor.DType) bool { return dt == tensor.Bool || dt != tensor.String && dt.Bits() < 8 }

// canonical reports whether all bytes are values of a loose type.
func canonical(dt tensor.DType, b []byte) bool {
	if dt == tensor.Bool {
		const notBool = 0xfefefefefefefefe
		var seen uint64
		for ; len(b) >= 8; b = b[8:] {
			seen |= binary.NativeEndian.Uint64(b)
		}
		if seen&notBool != 0 {
			return false
		}
	}
	for _, v := range b {
		if v != canon(dt, v) {
			return false
		}
	}
	return true
}

func normalise(dt tensor.DType, b []byte) {
	if !loose(dt) {
		return
	}
	for i, v := range b {
		b[i] = canon(dt, v)
	}
}

// canon is the value of a loose type that a byte stands for: 1 for a bool that isn't 0, the lower bits of the smaller ones.
func canon(dt tensor.DType, v byte) byte {
	shift := 8 - dt.Bits()
	switch dt {
	case tensor.Bool:
		return min(v, 1)
	case tensor.Int4, tensor.Int2:
		return byte(int8(v<<shift) >> shift)
	}
	return v << shift >> shift
}
