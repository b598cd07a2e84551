package safetensors

import "ingot/tensor"

// kinds are the element types that the format and package tensor share, in the order by which the reference implementation lays tensors out:
// the last come first in the file, so that wide elements are aligned.
var kinds = []struct {
	name string
	dt   tensor.DType
}{
	{"BOOL", tensor.Bool},
	{"F4", tensor.Float4E2M1},
	{"U8", tensor.Uint8},
	{"I8", tensor.Int8},
	{"F8_E5M2", tensor.Float8E5M2},
	{"F8_E4M3", tensor.Float8E4M3FN},
	{"F8_E8M0", tensor.Float8E8M0},
	{"F8_E4M3FNUZ", tensor.Float8E4M3FNUZ},
	{"F8_E5M2FNUZ", tensor.Float8E5M2FNUZ},
	{"I16", tensor.Int16},
	{"U16", tensor.Uint16},
	{"F16", tensor.Float16},
	{"BF16", tensor.BFloat16},
	{"I32", tensor.Int32},
	{"U32", tensor.Uint32},
	{"F32", tensor.Float32},
	{"C64", tensor.Complex64},
	{"F64", tensor.Float64},
	{"I64", tensor.Int64},
	{"U64", tensor.Uint64},
}

func dtypeOf(name string) (tensor.DType, bool) {
	for _, k := range kinds {
		if k.name == name {
			return k.dt, true
		}
	}
	return tensor.Invalid, false
}

// rank returns the place of dt in kinds, -1 when the format lacks it.
func rank(dt tensor.DType) int {
	for i, k := range kinds {
		if k.dt == dt {
			return i
		}
	}
	return -1
}
