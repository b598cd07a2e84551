package tensor

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// Tensor is a dense array in C order. The zero Tensor is invalid; make one with [Of], [New], [FromSlice] or [FromBytes].
type Tensor struct {
	dt    DType
	shape []int
	b     []byte   // numeric payload
	str   []string // payload of strings: the GC must see it, so it is never in a mapping or an arena
	own   any      // what keeps b alive, a mapping say; nil when b is on the Go heap
	err   error    // why Of couldn't make it
}

// Errors that the constructors and accessors of this package wrap.
var (
	ErrShape = errors.New("shape error")
	ErrDType = errors.New("dtype error")
)

// NumElements returns the product of the dimensions. It fails on a negative dimension and on a product that an int can't hold.
func NumElements(shape []int) (int, error) {
	n := uint64(1)
	zero := false
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("%w: negative dimension in %s", ErrShape, ShapeString(shape))
		}
		if d == 0 {
			zero = true
			continue
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("%w: %s has too many elements", ErrShape, ShapeString(shape))
		}
		n = lo
	}
	if zero {
		return 0, nil
	}
	return int(n), nil
}

// NumBytes returns the bytes that a tensor of this type and shape takes in memory; 0 for strings, which take [HeapBytes]. It fails on what
// no address space holds.
func NumBytes(dt DType, shape []int) (int, error) {
	n, err := HeapBytes(dt, shape)
	if dt == String {
		n = 0
	}
	return n, err
}

// HeapBytes is NumBytes that counts the headers of strings too.
func HeapBytes(dt DType, shape []int) (int, error) {
	n, err := NumElements(shape)
	if err != nil {
		return 0, err
	}
	size := uint64(dt.Size())
	if dt == String {
		size = uint64(unsafe.Sizeof(""))
	}
	hi, lo := bits.Mul64(uint64(n), size)
	if hi != 0 || lo > maxBytes || runtime.GOARCH == "wasm" && lo > math.MaxInt32 {
		return 0, fmt.Errorf("%w: %s%s is larger than the address space", ErrShape, dt, ShapeString(shape))
	}
	return int(lo), nil
}

// maxBytes is more than any process has, and less than what makes Go's allocator panic.
const maxBytes = min(math.MaxInt-1<<16, 1<<46)

// ShapeString formats a shape as "[1,3,224,224]"; a scalar's is "[]".
func ShapeString(shape []int) string {
	var sb strings.Builder
	sb.WriteByte('[')
	for i, d := range shape {
		if i > 0 {
			sb.WriteByte(',')
		}
		sb.WriteString(strconv.Itoa(d))
	}
	sb.WriteByte(']')
	return sb.String()
}

// New returns a tensor of zeros (empty strings, false) on the Go heap.
func New(dt DType, shape ...int) (*Tensor, error) {
	if !dt.Valid() {
		return nil, fmt.Errorf("%w: %s isn't an element type", ErrDType, dt)
	}
	size, err := NumBytes(dt, shape)
	if err != nil {
		return nil, err
	}
	t := &Tensor{dt: dt, shape: slices.Clone(shape)}
	if dt == String {
		n, _ := NumElements(shape)
		t.str = make([]string, n)
		return t, nil
	}
	t.b = AlignedBytes(size)
	return t, nil
}

// AlignedBytes returns n zero bytes on the Go heap whose address is a multiple of 64, what vector kernels like best.
func AlignedBytes(n int) []byte {
	if n == 0 {
		return []byte{}
	}
	b := make([]byte, n+63)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & 63)
	return b[off : off+n : off+n]
}

// FromSlice returns a tensor that shares data. Without a shape it is a vector; len(data) must be the product of the shape.
func FromSlice[T Element](data []T, shape ...int) (*Tensor, error) {
	if shape == nil {
		shape = []int{len(data)}
	}
	n, err := NumElements(shape)
	if err != nil {
		return nil, err
	}
	if n != len(data) {
		return nil, fmt.Errorf("%w: %d elements don't fill %s, which has %d", ErrShape, len(data), ShapeString(shape), n)
	}
	t := &Tensor{dt: DTypeOf[T](), shape: slices.Clone(shape)}
	if s, ok := any(data).([]string); ok {
		t.str = s
		return t, nil
	}
	t.b = bytesOf(data)
	return t, nil
}

// Of is [FromSlice] for use inside an expression: when data and shape don't fit, the tensor it returns carries the error,
// which [Tensor.Err] tells and every model refuses with.
//
//	ingot.Inputs{"x": tensor.Of(pixels, 1, 3, 224, 224)}
func Of[T Element](data []T, shape ...int) *Tensor {
	t, err := FromSlice(data, shape...)
	if err != nil {
		return &Tensor{err: err}
	}
	return t
}

// Scalar returns a tensor of rank 0 with the element v.
func Scalar[T Element](v T) *Tensor { return Of([]T{v}, []int{}...) }

// FromBytes returns a tensor over b, which holds the elements in memory form and in the machine's byte order. owner, if not nil, is kept
// reachable as long as the tensor is. Bool bytes must be 0 or 1. The address of b must suit the element type.
func FromBytes(dt DType, shape []int, b []byte, owner any) (*Tensor, error) {
	if !dt.Valid() || dt == String {
		return nil, fmt.Errorf("%w: no bytes make a tensor of %s", ErrDType, dt)
	}
	size, err := NumBytes(dt, shape)
	if err != nil {
		return nil, err
	}
	if size != len(b) {
		return nil, fmt.Errorf("%w: %s%s takes %d bytes, not %d", ErrShape, dt, ShapeString(shape), size, len(b))
	}
	if align := Align(dt); size > 0 && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(align) != 0 {
		return nil, fmt.Errorf("%w: %s needs an address that is a multiple of %d", ErrShape, dt, align)
	}
	return &Tensor{dt: dt, shape: slices.Clone(shape), b: b, own: owner}, nil
}

// Align returns the alignment in bytes that elements of dt need: their size, at most 8.
func Align(dt DType) int { return max(1, min(8, dt.Size())) }

func bytesOf[T any](data []T) []byte {
	if len(data) == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), len(data)*int(unsafe.Sizeof(data[0])))
}

// Err tells why [Of] couldn't make the tensor; nil for a good one.
func (t *Tensor) Err() error {
	if t == nil {
		return fmt.Errorf("%w: the tensor is nil", ErrShape)
	}
	if t.err == nil && t.dt == Invalid {
		return fmt.Errorf("%w: the tensor was not made by this package's constructors", ErrDType)
	}
	return t.err
}

// DType returns the element type.
func (t *Tensor) DType() DType { return t.dt }

// Shape returns a copy of the dimensions.
func (t *Tensor) Shape() []int { return slices.Clone(t.shape) }

// Dims returns the dimensions without copying them; the caller must not write to them.
func (t *Tensor) Dims() []int { return t.shape }

// Rank returns the number of dimensions.
func (t *Tensor) Rank() int { return len(t.shape) }

// Len returns the number of elements.
func (t *Tensor) Len() int {
	if t.dt == String {
		return len(t.str)
	}
	if s := t.dt.Size(); s > 0 {
		return len(t.b) / s
	}
	return 0
}

// Bytes returns the payload in memory form and in the machine's byte order, shared; nil for strings.
func (t *Tensor) Bytes() []byte { return t.b }

// Owner returns what keeps the payload alive, if it isn't on the Go heap.
func (t *Tensor) Owner() any { return t.own }

// Data returns the elements of t as a slice that shares its buffer. T must be the Go type of t's DType.
func Data[T Element](t *Tensor) ([]T, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	if want := DTypeOf[T](); want != t.dt {
		return nil, fmt.Errorf("%w: the tensor holds %s, not %s", ErrDType, t.dt, want)
	}
	return View[T](t), nil
}

// View is [Data] without the check, for kernels that have dispatched on the DType already. T must have the size of t's elements
// (string for strings); T's kind is not checked, so bits may be viewed as integers of their width. It returns nil when the sizes differ.
func View[T any](t *Tensor) []T {
	var z T
	if _, ok := any(z).(string); ok {
		s, _ := any(t.str).([]T)
		return s
	}
	size := int(unsafe.Sizeof(z))
	if size == 0 || t.dt.Size() != size || len(t.b) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(t.b))), len(t.b)/size)
}

// Reshape returns a view of the same elements with another shape of equal size.
func (t *Tensor) Reshape(shape ...int) (*Tensor, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	n, err := NumElements(shape)
	if err != nil {
		return nil, err
	}
	if n != t.Len() {
		return nil, fmt.Errorf("%w: %s can't become %s", ErrShape, ShapeString(t.shape), ShapeString(shape))
	}
	v := *t
	v.shape = append([]int{}, shape...)
	return &v, nil
}

// Slice returns a view of rows [i, j) of the first dimension.
func (t *Tensor) Slice(i, j int) (*Tensor, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	if len(t.shape) == 0 || i < 0 || j < i || j > t.shape[0] {
		return nil, fmt.Errorf("%w: no rows [%d,%d) in %s", ErrShape, i, j, ShapeString(t.shape))
	}
	v := *t
	v.shape = slices.Clone(t.shape)
	v.shape[0] = j - i
	row := 0
	if t.shape[0] > 0 {
		row = t.Len() / t.shape[0]
	}
	if t.dt == String {
		v.str = t.str[i*row : j*row : j*row]
		return &v, nil
	}
	row *= t.dt.Size()
	v.b = t.b[i*row : j*row : j*row]
	return &v, nil
}

// Clone returns a copy on the Go heap.
func (t *Tensor) Clone() *Tensor {
	v := &Tensor{dt: t.dt, shape: slices.Clone(t.shape), err: t.err}
	if t.dt == String {
		v.str = slices.Clone(t.str)
		return v
	}
	v.b = AlignedBytes(len(t.b))
	copy(v.b, t.b)
	return v
}

// Equal reports whether both have the same type, shape and elements; floating-point elements are compared by their bits.
func (t *Tensor) Equal(u *Tensor) bool {
	return t.dt == u.dt && slices.Equal(t.shape, u.shape) && string(t.b) == string(u.b) && slices.Equal(t.str, u.str)
}

// String describes the tensor without its elements: "float32[1,3,224,224]".
func (t *Tensor) String() string {
	if err := t.Err(); err != nil {
		return err.Error()
	}
	return t.dt.String() + ShapeString(t.shape)
}
