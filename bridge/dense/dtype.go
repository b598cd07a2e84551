package dense

import (
	"fmt"
	"reflect"

	gt "gorgonia.org/tensor"

	"ingot/tensor"
)

// A kind is how one element type looks on the other side.
type kind struct {
	dtype   gt.Dtype
	backing func(*tensor.Tensor) any // the elements as a []T that shares the tensor's memory, never nil
}

// kinds has an entry for each DType. What gorgonia/tensor lacks, half precision say, goes by the Go type that package tensor stores it in:
// Dtype is open to any.
var kinds = [tensor.NumDTypes]kind{
	tensor.Float32:        kindOf[float32](),
	tensor.Uint8:          kindOf[uint8](),
	tensor.Int8:           kindOf[int8](),
	tensor.Uint16:         kindOf[uint16](),
	tensor.Int16:          kindOf[int16](),
	tensor.Int32:          kindOf[int32](),
	tensor.Int64:          kindOf[int64](),
	tensor.String:         kindOf[string](),
	tensor.Bool:           kindOf[bool](),
	tensor.Float16:        kindOf[tensor.F16](),
	tensor.Float64:        kindOf[float64](),
	tensor.Uint32:         kindOf[uint32](),
	tensor.Uint64:         kindOf[uint64](),
	tensor.Complex64:      kindOf[complex64](),
	tensor.Complex128:     kindOf[complex128](),
	tensor.BFloat16:       kindOf[tensor.BF16](),
	tensor.Float8E4M3FN:   kindOf[tensor.F8E4M3FN](),
	tensor.Float8E4M3FNUZ: kindOf[tensor.F8E4M3FNUZ](),
	tensor.Float8E5M2:     kindOf[tensor.F8E5M2](),
	tensor.Float8E5M2FNUZ: kindOf[tensor.F8E5M2FNUZ](),
	tensor.Uint4:          kindOf[tensor.U4](),
	tensor.Int4:           kindOf[tensor.I4](),
	tensor.Float4E2M1:     kindOf[tensor.F4E2M1](),
	tensor.Float8E8M0:     kindOf[tensor.F8E8M0](),
	tensor.Uint2:          kindOf[tensor.U2](),
	tensor.Int2:           kindOf[tensor.I2](),
}

func kindOf[T tensor.Element]() kind {
	return kind{
		dtype: gt.Dtype{Type: reflect.TypeFor[T]()},
		backing: func(t *tensor.Tensor) any {
			if s := tensor.View[T](t); s != nil {
				return s
			}
			return []T{}
		},
	}
}

// dtypes is kinds the other way round, with Go's int and uint besides.
var dtypes = func() map[reflect.Type]tensor.DType {
	m := map[reflect.Type]tensor.DType{reflect.TypeFor[int](): tensor.Int64, reflect.TypeFor[uint](): tensor.Uint64}
	for dt, k := range kinds {
		if k.dtype.Type != nil {
			m[k.dtype.Type] = tensor.DType(dt)
		}
	}
	return m
}()

// Dtype returns the element type that a Dense made from elements of dt has: gorgonia/tensor's own for its 14 (int64 and not int, uint64
// and not uint), and for others the Go type that package tensor stores them in, such as [tensor.F16].
func Dtype(dt tensor.DType) (gt.Dtype, error) {
	if !dt.Valid() {
		return gt.Dtype{}, fmt.Errorf("dense: %w: %s isn't an element type", tensor.ErrDType, dt)
	}
	return kinds[dt].dtype, nil
}

// DType returns the element type that a tensor made from a Dense of dt has.
func DType(dt gt.Dtype) (tensor.DType, error) {
	if dt.Type == nil {
		return tensor.Invalid, fmt.Errorf("dense: %w: the Dense has no element type", tensor.ErrDType)
	}
	if d, ok := dtypes[dt.Type]; ok {
		return d, nil
	}
	advice := "give the Dense a backing of plain Go numbers, bools or strings; half and 8-bit floats go as package ingot/tensor's F16, BF16, …"
	switch dt.Kind() {
	case reflect.Uintptr, reflect.UnsafePointer, reflect.Pointer:
		advice = "addresses can't be a model's values"
	}
	return tensor.Invalid, fmt.Errorf("dense: %w: elements of Go type %s have no counterpart in ONNX: %s", tensor.ErrDType, dt.Type, advice)
}
