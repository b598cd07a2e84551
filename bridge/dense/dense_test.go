package dense

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	gt "gorgonia.org/tensor"

	"ingot/tensor"
)

// address is where the elements of a tensor begin.
func address(t *tensor.Tensor) unsafe.Pointer {
	if t.DType() == tensor.String {
		return unsafe.Pointer(unsafe.SliceData(tensor.View[string](t)))
	}
	return unsafe.Pointer(unsafe.SliceData(t.Bytes()))
}

func start(d *gt.Dense) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(d.Raw)) }

// sample makes a tensor with elements that differ, as far as the type allows.
func sample(t testing.TB, dt tensor.DType, shape ...int) *tensor.Tensor {
	t.Helper()
	x, err := tensor.New(dt, shape...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Bytes() {
		x.Bytes()[i] = byte(37*i + 11)
	}
	normalise(dt, x.Bytes())
	for i := range tensor.View[string](x) {
		tensor.View[string](x)[i] = fmt.Sprint("no. ", i)
	}
	return x
}

// TestAllTypes: every element type goes to a Dense and back, in the same memory.
func TestAllTypes(t *testing.T) {
	for _, dt := range tensor.AllTypes.List() {
		for _, shape := range [][]int{{}, {1}, {5}, {2, 3}, {1, 4}, {4, 1}, {2, 1, 2, 3}, {1, 1, 1, 1, 2, 1, 1, 1, 3, 1}} {
			x := sample(t, dt, shape...)
			d, err := Of(x)
			if err != nil {
				t.Fatalf("%v: %v", x, err)
			}
			if want, _ := Dtype(dt); d.Dtype() != want || !slices.Equal(d.Shape(), shape) || d.Size() != x.Len() {
				t.Errorf("%v became %v%v", x, d.Dtype(), d.Shape())
			}
			if start(d) != address(x) {
				t.Errorf("%v was copied on its way out", x)
			}
			for name, back := range map[string]func(*gt.Dense) (*tensor.Tensor, error){"Tensor": Tensor, "View": View} {
				y, err := back(d)
				if err != nil || !y.Equal(x) || address(y) != address(x) || y.Owner() != nil {
					t.Errorf("%v: %s gave %v, %v; shared: %v", x, name, y, err, err == nil && address(y) == address(x))
				}
			}
		}
	}
}

// TestData: a Go program finds in the Dense what it expects, and what it writes there is in the tensor.
func TestData(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6}
	d, err := Of(tensor.Of(x, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	got := d.Data().([]float32)
	if &got[0] != &x[0] || len(got) != 6 {
		t.Error("Data isn't the tensor's slice")
	}
	if err := d.SetAt(float32(42), 1, 2); err != nil || x[5] != 42 {
		t.Errorf("%v, %v", err, x)
	}
	scalar, err := Of(tensor.Scalar(int64(7)))
	if err != nil || !scalar.IsScalar() || scalar.ScalarValue() != int64(7) || scalar.Data() != int64(7) {
		t.Errorf("%v, %v", scalar, err)
	}
	strs := []string{"a", "b"}
	d, err = Of(tensor.Of(strs))
	if err != nil || !reflect.DeepEqual(d.Data(), strs) {
		t.Errorf("%v, %v", d, err)
	}
	halves := []tensor.F16{tensor.ToF16(1), tensor.ToF16(2)}
	d, err = Of(tensor.Of(halves))
	if err != nil || &d.Data().([]tensor.F16)[0] != &halves[0] {
		t.Errorf("%v, %v", d, err)
	}
}

// TestFromDense: what the options of gorgonia/tensor make, by the way a program makes it.
func TestFromDense(t *testing.T) {
	f := []float64{1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		name string
		d    *gt.Dense
		want *tensor.Tensor
	}{
		{"backing", gt.New(gt.WithBacking(f)), tensor.Of(f)},
		{"shape", gt.New(gt.WithShape(3, 2), gt.WithBacking(f)), tensor.Of(f, 3, 2)},
		{"made", gt.New(gt.WithShape(2, 2), gt.Of(gt.Float32)), tensor.Of(make([]float32, 4), 2, 2)},
		{"scalar", gt.New(gt.FromScalar(int32(5))), tensor.Scalar(int32(5))},
		{"scalar string", gt.New(gt.FromScalar("x")), tensor.Scalar("x")},
		{"zero scalar", gt.New(gt.Of(gt.Float64), gt.WithShape()), tensor.Scalar(0.0)},
		{"one element", gt.New(gt.WithShape(1), gt.WithBacking([]float64{9})), tensor.Of([]float64{9})},
		{"bool", gt.New(gt.WithBacking([]bool{true, false})), tensor.Of([]bool{true, false})},
		{"engine", gt.New(gt.WithShape(2), gt.WithBacking([]float32{1, 2}), gt.WithEngine(gt.Float32Engine{})), tensor.Of([]float32{1, 2})},
		{"ones", gt.Ones(gt.Int16, 2, 2), tensor.Of([]int16{1, 1, 1, 1}, 2, 2)},
		{"no mask set", gt.New(gt.WithBacking(f, make([]bool, 6))), tensor.Of(f)},
	} {
		x, err := View(c.d)
		if err != nil || !x.Equal(c.want) || address(x) != start(c.d) {
			t.Errorf("%s: %v, %v", c.name, x, err)
		}
	}
}

// TestInts: Go's int is int64, and uint uint64.
func TestInts(t *testing.T) {
	i, u := []int{-1, 2, 3}, []uint{1, 2, ^uint(0)}
	x, err := Tensor(gt.New(gt.WithBacking(i)))
	if err != nil || !x.Equal(tensor.Of([]int64{-1, 2, 3})) {
		t.Fatalf("%v, %v", x, err)
	}
	y, err := Tensor(gt.New(gt.WithBacking(u)))
	if err != nil || !y.Equal(tensor.Of([]uint64{1, 2, uint64(^uint(0))})) {
		t.Fatalf("%v, %v", y, err)
	}
	wide := unsafe.Sizeof(0) == 8
	if shared := address(x) == unsafe.Pointer(&i[0]) && address(y) == unsafe.Pointer(&u[0]); shared != wide {
		t.Errorf("shared: %v", shared)
	}
	if _, err := View(gt.New(gt.WithBacking(i))); errors.Is(err, ErrCopy) == wide {
		t.Errorf("err = %v", err)
	}
}

func seq[T any](n int, at func(int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = at(i)
	}
	return out
}

// slicer is a range of an axis.
type slicer struct{ start, end, step int }

func (s slicer) Start() int { return s.start }
func (s slicer) End() int   { return s.end }
func (s slicer) Step() int  { return s.step }

func cut(t *testing.T, d *gt.Dense, slices ...gt.Slice) *gt.Dense {
	t.Helper()
	v, err := d.Slice(slices...)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*gt.Dense)
}

// check compares the tensor of d, element by element, with what At says.
func check(t *testing.T, name string, d *gt.Dense) *tensor.Tensor {
	t.Helper()
	x, err := Tensor(d)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil
	}
	if !slices.Equal(x.Dims(), d.Shape()) {
		t.Errorf("%s: shape %v, the Dense's is %v", name, x.Dims(), d.Shape())
		return x
	}
	y, err := Of(x)
	if err != nil {
		t.Fatal(err)
	}
	flat := reflect.ValueOf(y.Data())
	if x.Rank() == 0 {
		if d.Data() != y.Data() {
			t.Errorf("%s: %v, want %v", name, y.Data(), d.Data())
		}
		return x
	}
	at := make([]int, x.Rank())
	for i := range x.Len() {
		rest := i
		for k := len(at) - 1; k >= 0; k-- {
			at[k], rest = rest%x.Dims()[k], rest/x.Dims()[k]
		}
		want, err := d.At(at...)
		if err != nil {
			t.Fatal(err)
		}
		if got := flat.Index(i).Interface(); got != want {
			t.Errorf("%s: element %v is %v, want %v", name, at, got, want)
			return x
		}
	}
	return x
}

func TestSlices(t *testing.T) {
	data := seq(5*6*7, func(i int) float32 { return float32(i) })
	d := gt.New(gt.WithShape(5, 6, 7), gt.WithBacking(data))
	for _, c := range []struct {
		name   string
		cut    []gt.Slice
		shared bool
	}{
		{"rows", []gt.Slice{slicer{1, 3, 1}}, true},
		{"a row", []gt.Slice{slicer{2, 3, 1}}, true},
		{"a row of a row", []gt.Slice{slicer{2, 3, 1}, slicer{1, 2, 1}}, true},
		{"one element", []gt.Slice{slicer{2, 3, 1}, slicer{1, 2, 1}, slicer{4, 5, 1}}, true},
		{"columns", []gt.Slice{nil, slicer{1, 4, 1}}, false},
		{"a column", []gt.Slice{nil, slicer{1, 2, 1}}, false},
		{"last axis", []gt.Slice{nil, nil, slicer{2, 5, 1}}, false},
		{"a box", []gt.Slice{slicer{1, 4, 1}, slicer{2, 5, 1}, slicer{0, 6, 1}}, false},
		{"every second", []gt.Slice{nil, nil, slicer{0, 6, 2}}, false},
		{"every second row", []gt.Slice{slicer{0, 4, 2}}, false},
	} {
		v := cut(t, d, c.cut...)
		x := check(t, c.name, v)
		_, err := View(v)
		if got := x != nil && address(x) == start(v); got != c.shared || (err == nil) != c.shared || err != nil && !errors.Is(err, ErrCopy) {
			t.Errorf("%s: shared: %v, want %v; View: %v", c.name, got, c.shared, err)
		}
	}
	s := gt.New(gt.WithShape(2, 3), gt.WithBacking([]string{"a", "b", "c", "d", "e", "f"}))
	check(t, "strings", cut(t, s, nil, slicer{1, 3, 1}))
	c := gt.New(gt.WithShape(2, 3), gt.WithBacking([]complex128{1, 2i, 3, 4, 5, 6}))
	check(t, "complex", cut(t, c, nil, slicer{1, 3, 1}))
}

func TestTransposes(t *testing.T) {
	for _, shape := range [][]int{{2, 3}, {1, 4}, {4, 1}, {2, 3, 4}, {3, 1, 2, 5}, {70, 90}} {
		n, _ := tensor.NumElements(shape)
		d := gt.New(gt.WithShape(shape...), gt.WithBacking(seq(n, func(i int) int32 { return int32(i) })))
		if err := d.T(); err != nil {
			t.Fatal(err)
		}
		x := check(t, fmt.Sprint("T of ", shape), d)
		if shared := address(x) == start(d); shared != vector(shape) {
			t.Errorf("T of %v: shared: %v", shape, shared)
		}
		check(t, fmt.Sprint("slice of T of ", shape), cut(t, d, slicer{0, 1, 1}))
		if err := d.Transpose(); err != nil {
			t.Fatal(err)
		}
		y, err := View(d)
		if err != nil || !y.Equal(x) {
			t.Errorf("Transpose of %v: %v, %v", shape, y, err)
		}
	}
	d := gt.New(gt.WithShape(2, 3, 4), gt.WithBacking(seq(24, func(i int) bool { return i%3 == 0 })))
	if err := d.T(1, 2, 0); err != nil {
		t.Fatal(err)
	}
	check(t, "permuted", d)
}

func TestColumnMajor(t *testing.T) {
	for _, shape := range [][]int{{2, 3}, {3, 1}, {1, 3}, {1, 1}, {4}, {2, 3, 4}} {
		n, _ := tensor.NumElements(shape)
		data := seq(n, func(i int) uint16 { return uint16(i) })
		d := gt.New(gt.WithShape(shape...), gt.AsFortran(data))
		x, err := Tensor(d)
		if err != nil {
			t.Errorf("%v: %v", shape, err)
			continue
		}
		if len(shape) <= 2 && !x.Equal(tensor.Of(seq(n, func(i int) uint16 { return uint16(i) }), shape...)) {
			t.Errorf("%v: %v", shape, tensor.View[uint16](x))
		}
		if _, err := View(d); errors.Is(err, ErrCopy) == vector(shape) {
			t.Errorf("%v: View: %v", shape, err)
		}
	}
	d := gt.New(gt.WithShape(2, 3), gt.AsFortran(nil), gt.WithBacking([]float64{1, 4, 2, 5, 3, 6}))
	if x, err := Tensor(d); err != nil || !x.Equal(tensor.Of([]float64{1, 2, 3, 4, 5, 6}, 2, 3)) {
		t.Errorf("%v, %v", x, err)
	}
	check(t, "slice", cut(t, d, nil, slicer{1, 3, 1}))
	check(t, "row", cut(t, d, slicer{1, 2, 1}))
}

func TestMasked(t *testing.T) {
	mask := []bool{false, true, false, false, false, false}
	d := gt.New(gt.WithShape(2, 3), gt.WithBacking([]float32{1, 2, 3, 4, 5, 6}, mask))
	if x, err := Tensor(d); err == nil || !strings.Contains(err.Error(), "SetMask(nil)") {
		t.Errorf("%v, %v", x, err)
	}
	if x, err := Tensor(cut(t, d, slicer{1, 2, 1})); err != nil || !x.Equal(tensor.Of([]float32{4, 5, 6})) {
		t.Errorf("a row without masked elements: %v, %v", x, err)
	}
	if x, err := Tensor(cut(t, d, nil, slicer{0, 3, 2})); err != nil || !x.Equal(tensor.Of([]float32{1, 3, 4, 6}, 2, 2)) {
		t.Errorf("around the masked element: %v, %v", x, err)
	}
	if err := d.SetAt(float32(0), 0, 1); err != nil {
		t.Fatal(err)
	}
	d.SetMask(nil)
	if x, err := View(d); err != nil || !x.Equal(tensor.Of([]float32{1, 0, 3, 4, 5, 6}, 2, 3)) {
		t.Errorf("%v, %v", x, err)
	}
}

// TestEmpty: a dimension of 0 survives both ways.
func TestEmpty(t *testing.T) {
	for _, dt := range tensor.AllTypes.List() {
		for _, shape := range [][]int{{0}, {0, 3}, {2, 0, 3}} {
			x := sample(t, dt, shape...)
			d, err := Of(x)
			if err != nil || d.Size() != 0 || !slices.Equal(d.Shape(), shape) {
				t.Fatalf("%v: %v", x, err)
			}
			for _, y := range []*gt.Dense{d, gt.New(gt.WithShape(shape...), gt.Of(kinds[dt].dtype))} {
				if y, err := Tensor(y); err != nil || !y.Equal(x) {
					t.Errorf("%v came back as %v, %v", x, y, err)
				}
			}
		}
	}
}
