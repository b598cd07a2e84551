// Package endian turns numbers between the byte order of files, which is nearly always little-endian, and the machine's.
package endian

import (
	"encoding/binary"
	"math/bits"

	"ingot/tensor"
)

// Big tells that this machine stores the most significant byte first.
var Big = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// Unit returns how many bytes of an element change places when the order does: the element's size, for complex numbers that of a part, and 0
// where there is nothing to change.
func Unit(dt tensor.DType) int {
	n := dt.Size()
	if dt.IsComplex() {
		n /= 2
	}
	if n == 1 {
		return 0
	}
	return n
}

// Swap writes src to dst with the bytes of each unit of 2, 4 or 8 reversed; other units change nothing. dst may be src; both hold whole units.
func Swap(dst, src []byte, unit int) {
	switch unit {
	case 2:
		for i := 0; i+2 <= len(src); i += 2 {
			binary.NativeEndian.PutUint16(dst[i:], bits.ReverseBytes16(binary.NativeEndian.Uint16(src[i:])))
		}
	case 4:
		for i := 0; i+4 <= len(src); i += 4 {
			binary.NativeEndian.PutUint32(dst[i:], bits.ReverseBytes32(binary.NativeEndian.Uint32(src[i:])))
		}
	case 8:
		for i := 0; i+8 <= len(src); i += 8 {
			binary.NativeEndian.PutUint64(dst[i:], bits.ReverseBytes64(binary.NativeEndian.Uint64(src[i:])))
		}
	default:
		copy(dst, src)
	}
}
