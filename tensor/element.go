package tensor

// Element lists the Go types that a tensor's elements have. Each stands for one DType, but for the standard's Go types it is the
// obvious one.
type Element interface {
	float32 | uint8 | int8 | uint16 | int16 | int32 | int64 | string | bool | float64 | uint32 | uint64 | complex64 | complex128 |
		F16 | BF16 | F8E4M3FN | F8E4M3FNUZ | F8E5M2 | F8E5M2FNUZ | F8E8M0 | F4E2M1 | U4 | I4 | U2 | I2
}

// Storage types of the elements that Go has no type for. They hold the bits; arithmetic happens in float32.
type (
	F16        uint16 // IEEE 754 binary16
	BF16       uint16 // bfloat16: the upper half of a float32
	F8E4M3FN   uint8  // 4 exponent bits, bias 7, no infinities, NaN 0x7f and 0xff
	F8E4M3FNUZ uint8  // 4 exponent bits, bias 8, no infinities, NaN 0x80
	F8E5M2     uint8  // 5 exponent bits, bias 15, infinities as in IEEE 754
	F8E5M2FNUZ uint8  // 5 exponent bits, bias 16, no infinities, NaN 0x80
	F8E8M0     uint8  // a power of two, 2^(bits-127), NaN 0xff
	F4E2M1     uint8  // ±{0, 0.5, 1, 1.5, 2, 3, 4, 6}, in the low 4 bits
	U4         uint8  // 0 … 15
	I4         int8   // -8 … 7
	U2         uint8  // 0 … 3
	I2         int8   // -2 … 1
)

// DTypeOf returns the DType that T stands for.
func DTypeOf[T Element]() DType {
	var z T
	switch any(z).(type) {
	case float32:
		return Float32
	case uint8:
		return Uint8
	case int8:
		return Int8
	case uint16:
		return Uint16
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case string:
		return String
	case bool:
		return Bool
	case float64:
		return Float64
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case complex64:
		return Complex64
	case complex128:
		return Complex128
	case F16:
		return Float16
	case BF16:
		return BFloat16
	case F8E4M3FN:
		return Float8E4M3FN
	case F8E4M3FNUZ:
		return Float8E4M3FNUZ
	case F8E5M2:
		return Float8E5M2
	case F8E5M2FNUZ:
		return Float8E5M2FNUZ
	case F8E8M0:
		return Float8E8M0
	case F4E2M1:
		return Float4E2M1
	case U4:
		return Uint4
	case I4:
		return Int4
	case U2:
		return Uint2
	case I2:
		return Int2
	}
	return Invalid
}
