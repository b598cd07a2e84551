package npy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	npyio "github.com/sbinet/npyio/npy"
	"github.com/sbinet/npyio/npy/float16"
	"github.com/sbinet/npyio/npz"
	"gonum.org/v1/gonum/mat"

	"ingot/tensor"
)

// These tests exchange arrays with npyio by its own functions, in both directions; what NumPy itself writes and reads is in
// tests/test_roundtrip.py.

var npyioShapes = [][]int{{}, {1}, {5}, {0}, {2, 3}, {3, 0, 2}, {2, 1, 2, 3}}

// filled has any bits but those of a NaN, which compares to nothing.
func filled(t *testing.T, dt tensor.DType, shape []int) *tensor.Tensor {
	t.Helper()
	x, err := tensor.New(dt, shape...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Bytes() {
		x.Bytes()[i] = byte(37*i+139) &^ 0x40
	}
	normalise(x.Bytes(), dt)
	return x
}

// TestNpyio goes through the types that npyio reads into Go slices and writes from them.
func TestNpyio(t *testing.T) {
	exchange[bool](t)
	exchange[int8](t)
	exchange[int16](t)
	exchange[int32](t)
	exchange[int64](t)
	exchange[uint8](t)
	exchange[uint16](t)
	exchange[uint32](t)
	exchange[uint64](t)
	exchange[float32](t)
	exchange[float64](t)
	exchange[complex64](t)
	exchange[complex128](t)
}

func exchange[T tensor.Element](t *testing.T) {
	t.Helper()
	dt := tensor.DTypeOf[T]()
	t.Run(dt.String(), func(t *testing.T) {
		for _, shape := range npyioShapes {
			x := filled(t, dt, shape)
			npyioReads[T](t, x)
			npyioWrites[T](t, x)
		}
		orders[T](t)
	})
}

// npyioReads has npyio read what this package writes, alone and in an archive.
func npyioReads[T tensor.Element](t *testing.T, x *tensor.Tensor) {
	t.Helper()
	file := encode(t, x)
	want := append([]T{}, tensor.View[T](x)...)
	rd, err := npyio.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("%v: %v", x, err)
	}
	if d := rd.Header.Descr; d.Type != descrOf(x.DType()) || d.Fortran || !slices.Equal(d.Shape, x.Dims()) {
		t.Errorf("%v: npyio reads the header as %v", x, rd.Header)
	}
	var got []T
	if err := rd.Read(&got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: npyio read %v, %v", x, got, err)
	}
	if x.Rank() == 0 {
		var v T
		if err := npyio.Read(bytes.NewReader(file), &v); err != nil || any(v) != any(want[0]) {
			t.Errorf("%v: npyio read %v, %v", x, v, err)
		}
	}
	if a := npyioArray(t, x, file); !reflect.DeepEqual(a.Data(), any(want)) {
		t.Errorf("%v: npyio's Array holds %v", x, a.Data())
	}
	b := archive(t, Named{"first", tensor.Scalar(1.5)}, Named{"x", x})
	z, err := npz.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if keys := z.Keys(); !slices.Equal(keys, []string{"first.npy", "x.npy"}) {
		t.Errorf("npyio lists the archive as %q", keys)
	}
	got = nil
	if err := z.Read("x.npy", &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: npyio read %v from an archive, %v", x, got, err)
	}
}

// npyioArray reads a file of x into npyio's type for any array.
func npyioArray(t *testing.T, x *tensor.Tensor, file []byte) npyio.Array {
	t.Helper()
	var a npyio.Array
	if err := npyio.Read(bytes.NewReader(file), &a); err != nil || !slices.Equal(a.Shape(), x.Dims()) || a.Fortran() {
		t.Fatalf("%v: npyio read %v, %v", x, a, err)
	}
	return a
}

// npyioWrites reads what npyio writes, alone and in an archive. npyio writes slices as vectors, and arrays in their shape.
func npyioWrites[T tensor.Element](t *testing.T, x *tensor.Tensor) {
	t.Helper()
	flat := tensor.View[T](x)
	if flat == nil {
		flat = []T{}
	}
	values := map[any]*tensor.Tensor{&flat: tensor.Of(flat)}
	if len(flat) > 0 {
		values[flat[0]] = tensor.Scalar(flat[0])
	}
	if len(flat) >= 6 {
		values[[2][3]T(reshaped(flat))] = tensor.Of(flat[:6], 2, 3)
	}
	for v, want := range values {
		if p, ok := v.(*[]T); ok { // a slice can't be a key of a map
			v = *p
		}
		var buf, zip bytes.Buffer
		if err := npyio.Write(&buf, v); err != nil {
			t.Fatalf("%v: npyio: %v", want, err)
		}
		if y, err := Read(&buf); err != nil || !y.Equal(want) || buf.Len() > 0 {
			t.Errorf("%v: read %v, %v, from npyio's file", want, y, err)
		}
		w := npz.NewWriter(&zip)
		if err := w.Write("x.npy", v); err != nil {
			t.Fatal(err)
		}
		if err := w.Write("no suffix", v); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		z := open(t, zip.Bytes())
		for _, name := range []string{"x", "no suffix"} {
			if y, err := z.Read(name); err != nil || !y.Equal(want) {
				t.Errorf("%v: read %v, %v, from npyio's archive", want, y, err)
			}
		}
	}
}

func reshaped[T any](flat []T) (m [2][3]T) {
	copy(m[0][:], flat)
	copy(m[1][:], flat[3:])
	return m
}

// orders has both read files in either byte order, with either index running fastest, that neither of them has written.
func orders[T tensor.Element](t *testing.T) {
	t.Helper()
	dt := tensor.DTypeOf[T]()
	x := tensor.View[T](filled(t, dt, []int{2, 3}))
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, fortran := range []string{"False", "True"} {
			descr := map[bool]string{false: "<", true: ">"}[order == binary.BigEndian] + strings.TrimLeft(descrOf(dt), "<|")
			if dt.Size() == 1 {
				descr = descrOf(dt)
			}
			var payload bytes.Buffer
			if err := binary.Write(&payload, order, x); err != nil {
				t.Fatal(err)
			}
			b := file(fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (2, 3), }\n", descr, fortran), payload.String())
			want := tensor.Of(x, 2, 3)
			if fortran == "True" {
				want = tensor.Of([]T{x[0], x[2], x[4], x[1], x[3], x[5]}, 2, 3)
			}
			if y, err := Read(bytes.NewReader(b)); err != nil || !y.Equal(want) {
				t.Errorf("%s, Fortran %s: %v, %v", descr, fortran, y, err)
			}
			var got []T // npyio leaves the elements in the file's order
			if err := npyio.Read(bytes.NewReader(b), &got); err != nil || !reflect.DeepEqual(got, x) {
				t.Errorf("%s, Fortran %s: npyio read %v, %v", descr, fortran, got, err)
			}
			var a npyio.Array
			if err := npyio.Read(bytes.NewReader(b), &a); err != nil || !reflect.DeepEqual(a.Data(), any(x)) || a.Fortran() != (fortran == "True") {
				t.Errorf("%s, Fortran %s: npyio's Array holds %v, %v", descr, fortran, a, err)
			}
			if dt != tensor.Float64 {
				continue
			}
			var m mat.Dense
			if err := npyio.Read(bytes.NewReader(b), &m); err != nil || !slices.Equal(m.RawMatrix().Data, tensor.View[float64](want)) {
				t.Errorf("%s, Fortran %s: npyio's matrix is %v, %v", descr, fortran, m, err)
			}
		}
	}
}

// TestNpyioMatrix exchanges npyio's own favourite, gonum's matrices.
func TestNpyioMatrix(t *testing.T) {
	x := tensor.Of([]float64{1, 2, 3, 4, 5, 6}, 2, 3)
	var m mat.Dense
	if err := npyio.Read(bytes.NewReader(encode(t, x)), &m); err != nil || !mat.Equal(&m, mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6})) {
		t.Errorf("npyio read %v, %v", m, err)
	}
	var buf bytes.Buffer
	if err := npyio.Write(&buf, m); err != nil {
		t.Fatal(err)
	}
	if y, err := Read(&buf); err != nil || !y.Equal(x) {
		t.Errorf("%v, %v", y, err)
	}
}

// TestNpyioRefuses: npyio has no half precision. Where this fails after an upgrade, exchange begins.
func TestNpyioRefuses(t *testing.T) {
	var a npyio.Array
	if err := npyio.Read(bytes.NewReader(encode(t, filled(t, tensor.Float16, []int{3}))), &a); err == nil {
		t.Error("npyio reads half precision now")
	}
	if err := npyio.Write(&bytes.Buffer{}, []float16.Num{float16.New(1)}); err == nil {
		t.Error("npyio writes half precision now")
	}
}

// TestNpyioText: npyio writes slices of strings. It reads text as if the 4 bytes of a character were UTF-8, so that ASCII comes with zeros
// between. What it writes for a single string isn't an array.
func TestNpyioText(t *testing.T) {
	for _, strs := range [][]string{{"a", "", "bcd"}, {"plain text\n", "x"}, {"grüße", "日本語", "🙂🙃", ""}} {
		var buf bytes.Buffer
		if err := npyio.Write(&buf, strs); err != nil {
			t.Fatal(err)
		}
		if y, err := Read(&buf); err != nil || !y.Equal(tensor.Of(strs)) {
			t.Errorf("read %q, %v, from npyio's file of %q", tensor.View[string](y), err, strs)
		}
		ascii := func(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 }
		if !ascii(strings.Join(strs, "")) {
			continue
		}
		var got []string
		if err := npyio.Read(bytes.NewReader(encode(t, tensor.Of(strs))), &got); err != nil {
			t.Errorf("%q: npyio: %v", strs, err)
		}
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], "\x00", "")
		}
		if !slices.Equal(got, strs) {
			t.Errorf("%q: npyio read %q", strs, got)
		}
	}
	b := file(head("|S3", "(2,)"), "ab\x00xyz")
	var got []string
	if err := npyio.Read(bytes.NewReader(b), &got); err != nil || !slices.Equal(got, []string{"ab", "xyz"}) {
		t.Errorf("npyio read %q, %v", got, err)
	}
	if y, err := Read(bytes.NewReader(b)); err != nil || !y.Equal(tensor.Of(got)) {
		t.Errorf("%v, %v", y, err)
	}
	var buf bytes.Buffer
	if err := npyio.Write(&buf, "text"); err != nil {
		t.Fatal(err)
	}
	if y, err := Read(&buf); err == nil {
		t.Errorf("npyio's file of a single string holds %v now: test what it writes", y)
	}
}
