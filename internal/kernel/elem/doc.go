// Package elem holds element-wise loops and the geometry of broadcasting.
//
// A loop such as [Add] works on slices of equal length. [Map] tells where an operand that is broadcast finds the elements for a range of the
// output, and [Binary.Range] joins the two for a range that the caller chose: the package never forks and allocates nothing while computing.
//
// Loops are generic over Go's built-in types and use their operators only, so that each instance compiles to a plain loop. Where signed and
// unsigned integers give the same bits, only the unsigned instance is needed. float32 loops with assembly are in package vec.
package elem

import "unsafe"

// Signed are the signed integers.
type Signed interface{ int8 | int16 | int32 | int64 }

// Unsigned are the unsigned integers.
type Unsigned interface {
	uint8 | uint16 | uint32 | uint64
}

// Integer are the integers.
type Integer interface{ Signed | Unsigned }

// Float are the floating-point types that Go has.
type Float interface{ float32 | float64 }

// Number are the numeric types that Go has, complex ones apart.
type Number interface{ Integer | Float }

// Block is the number of elements that go through scratch at a time.
const Block = 512

// ShortRun is the length below which an operand's runs are gathered in scratch instead of being computed one by one.
const ShortRun = 48

// Of views scratch as n elements of T, which must hold no pointers. b must be aligned for T and large enough.
func Of[T any](b []byte, n int) []T {
	if n == 0 {
		return nil
	}
	var z T
	_ = b[n*int(unsafe.Sizeof(z))-1]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// SizeOf returns the bytes of a T.
func SizeOf[T any]() int {
	var z T
	return int(unsafe.Sizeof(z))
}
