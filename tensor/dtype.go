package tensor

import (
	"fmt"
	"math/bits"
	"strings"
)

// DType is the type of a tensor's elements. Its numbers are those of ONNX's TensorProto.DataType.
type DType uint8

// The element types of the ONNX standard.
const (
	Invalid        DType = 0
	Float32        DType = 1
	Uint8          DType = 2
	Int8           DType = 3
	Uint16         DType = 4
	Int16          DType = 5
	Int32          DType = 6
	Int64          DType = 7
	String         DType = 8
	Bool           DType = 9
	Float16        DType = 10
	Float64        DType = 11
	Uint32         DType = 12
	Uint64         DType = 13
	Complex64      DType = 14
	Complex128     DType = 15
	BFloat16       DType = 16
	Float8E4M3FN   DType = 17
	Float8E4M3FNUZ DType = 18 // E4M3FNUZ: no negative zero, bias 8
	Float8E5M2     DType = 19
	Float8E5M2FNUZ DType = 20 // E5M2FNUZ: no negative zero, bias 16
	Uint4          DType = 21
	Int4           DType = 22
	Float4E2M1     DType = 23
	Float8E8M0     DType = 24
	Uint2          DType = 25
	Int2           DType = 26
)

// NumDTypes is one more than the largest DType, the size of a table indexed by one.
const NumDTypes = 27

type dtypeInfo struct {
	name string // NumPy's or ml_dtypes's name, which is what inputs on the command line use
	onnx string // the name in the standard's type constraints
	size int    // bytes an element in memory; 0 for strings
	bits int    // bits an element in a file
}

var dtypes = [NumDTypes]dtypeInfo{
	Invalid:        {"invalid", "undefined", 0, 0},
	Float32:        {"float32", "float", 4, 32},
	Uint8:          {"uint8", "uint8", 1, 8},
	Int8:           {"int8", "int8", 1, 8},
	Uint16:         {"uint16", "uint16", 2, 16},
	Int16:          {"int16", "int16", 2, 16},
	Int32:          {"int32", "int32", 4, 32},
	Int64:          {"int64", "int64", 8, 64},
	String:         {"string", "string", 0, 0},
	Bool:           {"bool", "bool", 1, 8},
	Float16:        {"float16", "float16", 2, 16},
	Float64:        {"float64", "double", 8, 64},
	Uint32:         {"uint32", "uint32", 4, 32},
	Uint64:         {"uint64", "uint64", 8, 64},
	Complex64:      {"complex64", "complex64", 8, 64},
	Complex128:     {"complex128", "complex128", 16, 128},
	BFloat16:       {"bfloat16", "bfloat16", 2, 16},
	Float8E4M3FN:   {"float8_e4m3fn", "float8e4m3fn", 1, 8},
	Float8E4M3FNUZ: {"float8_e4m3fnuz", "float8e4m3fnuz", 1, 8},
	Float8E5M2:     {"float8_e5m2", "float8e5m2", 1, 8},
	Float8E5M2FNUZ: {"float8_e5m2fnuz", "float8e5m2fnuz", 1, 8},
	Uint4:          {"uint4", "uint4", 1, 4},
	Int4:           {"int4", "int4", 1, 4},
	Float4E2M1:     {"float4_e2m1fn", "float4e2m1", 1, 4},
	Float8E8M0:     {"float8_e8m0fnu", "float8e8m0", 1, 8},
	Uint2:          {"uint2", "uint2", 1, 2},
	Int2:           {"int2", "int2", 1, 2},
}

// Valid reports whether d is an element type of the standard.
func (d DType) Valid() bool { return d > Invalid && d < NumDTypes }

func (d DType) info() *dtypeInfo {
	if d >= NumDTypes {
		d = Invalid
	}
	return &dtypes[d]
}

// String returns NumPy's name of the type (ml_dtypes's for those that NumPy lacks): "float32", "bfloat16".
func (d DType) String() string {
	if d >= NumDTypes {
		return fmt.Sprintf("dtype(%d)", uint8(d))
	}
	return dtypes[d].name
}

// ONNX returns the name that the standard's type constraints use: "float", "double", "float8e4m3fn".
func (d DType) ONNX() string { return d.info().onnx }

// Size returns the bytes that an element takes in memory; 0 for strings.
func (d DType) Size() int { return d.info().size }

// Bits returns the bits that an element takes in a file: 4 for Int4, 0 for strings.
func (d DType) Bits() int { return d.info().bits }

// IsFloat reports whether d is a binary floating-point type, of any width, real.
func (d DType) IsFloat() bool { return Floats8.Has(d) || d == Float4E2M1 }

// IsInteger reports whether d is a signed or unsigned integer type, of any width. Bool isn't one.
func (d DType) IsInteger() bool { return (Ints | 1<<Int4 | 1<<Int2 | 1<<Uint4 | 1<<Uint2).Has(d) }

// IsSigned reports whether d is a signed integer type.
func (d DType) IsSigned() bool { return (SignedInts | 1<<Int4 | 1<<Int2).Has(d) }

// IsUnsigned reports whether d is an unsigned integer type.
func (d DType) IsUnsigned() bool { return (UnsignedInts | 1<<Uint4 | 1<<Uint2).Has(d) }

// IsComplex reports whether d is a complex type.
func (d DType) IsComplex() bool { return d == Complex64 || d == Complex128 }

// ParseDType returns the type with the given NumPy, ml_dtypes or ONNX name.
func ParseDType(name string) (DType, error) {
	for d := Float32; d < NumDTypes; d++ {
		if name == dtypes[d].name || name == dtypes[d].onnx {
			return d, nil
		}
	}
	return Invalid, fmt.Errorf("unknown dtype %q (known: %s)", name, AllTypes)
}

// Types is a set of element types.
type Types uint32

func typesOf(ds ...DType) Types {
	var s Types
	for _, d := range ds {
		s |= 1 << d
	}
	return s
}

// TypesOf returns the set of the given types.
func TypesOf(ds ...DType) Types { return typesOf(ds...) }

// Named sets of element types.
const (
	SignedInts   Types = 1<<Int8 | 1<<Int16 | 1<<Int32 | 1<<Int64
	UnsignedInts Types = 1<<Uint8 | 1<<Uint16 | 1<<Uint32 | 1<<Uint64
	Ints         Types = SignedInts | UnsignedInts
	Floats16     Types = 1<<Float16 | 1<<Float32 | 1<<Float64 | 1<<BFloat16
	Floats8      Types = Floats16 | 1<<Float8E4M3FN | 1<<Float8E4M3FNUZ | 1<<Float8E5M2 | 1<<Float8E5M2FNUZ | 1<<Float8E8M0
	AllTypes     Types = 1<<NumDTypes - 2
)

// Has reports whether d is in the set.
func (s Types) Has(d DType) bool { return s>>d&1 != 0 }

// List returns the members in the order of their numbers.
func (s Types) List() []DType {
	out := make([]DType, 0, bits.OnesCount32(uint32(s)))
	for d := Float32; d < NumDTypes; d++ {
		if s.Has(d) {
			out = append(out, d)
		}
	}
	return out
}

// String lists the members' names, separated by commas.
func (s Types) String() string {
	names := make([]string, 0, 8)
	for _, d := range s.List() {
		names = append(names, d.String())
	}
	return strings.Join(names, ", ")
}
