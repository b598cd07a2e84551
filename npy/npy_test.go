package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"ingot/tensor"
)

// file makes a version 1.0 file from a header as it stands and a payload.
func file(header, payload string) []byte {
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(append(b, header...), payload...)
}

func head(descr, shape string) string {
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape)
}

func encode(t *testing.T, x *tensor.Tensor) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, x); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// samples holds a tensor of each type, with awkward shapes among them.
func samples(t *testing.T) []*tensor.Tensor {
	t.Helper()
	var out []*tensor.Tensor
	for i, dt := range tensor.AllTypes.List() {
		shape := [][]int{{}, {5}, {2, 3}, {2, 0, 3}, {2, 1, 2, 3}}[i%5]
		x, err := tensor.New(dt, shape...)
		if err != nil {
			t.Fatal(err)
		}
		for j := range x.Bytes() {
			x.Bytes()[j] = byte(37*j + 11)
		}
		normalise(x.Bytes(), dt)
		for j, s := range tensor.View[string](x) {
			tensor.View[string](x)[j] = s + strings.Repeat("ж", j)
		}
		out = append(out, x)
	}
	return out
}

func TestRoundTripAllTypes(t *testing.T) {
	dir := t.TempDir()
	for _, x := range samples(t) {
		b := encode(t, x)
		if i := bytes.IndexByte(b, '\n') + 1; i%64 != 0 {
			t.Errorf("%v: the data starts at %d", x, i)
		}
		y, err := ReadAs(bytes.NewReader(b), x.DType())
		if err != nil || !y.Equal(x) {
			t.Errorf("%v came back as %v, %v", x, y, err)
		}
		path := filepath.Join(dir, "x.npy")
		if err := WriteFile(path, x); err != nil {
			t.Fatal(err)
		}
		if y, err = ReadFileAs(path, x.DType()); err != nil || !y.Equal(x) {
			t.Errorf("%v came back from a file as %v, %v", x, y, err)
		}
	}
}

// The bytes of a file, so that a machine of the other byte order can't agree with itself only.
func TestKnownBytes(t *testing.T) {
	for _, c := range []struct {
		descr, payload string
		hint           tensor.DType
		want           *tensor.Tensor
	}{
		{"<i2", "\x01\x02\x03\x04", 0, tensor.Of([]int16{0x0201, 0x0403})},
		{">i2", "\x01\x02\x03\x04", 0, tensor.Of([]int16{0x0102, 0x0304})},
		{"<f4", "\x00\x00\x80\x3f\x00\x00\x00\xc0", 0, tensor.Of([]float32{1, -2})},
		{">f8", "\x3f\xf0\x00\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x00", 0, tensor.Of([]float64{1, -2})},
		{"<u8", "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02", 0, tensor.Of([]uint64{1, 2 << 56})},
		{">c8", "\x3f\x80\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x00\x3f\x80\x00\x00", 0, tensor.Of([]complex64{1 - 2i, 1i})},
		{"|b1", "\x00\x02", 0, tensor.Of([]bool{false, true})},
		{"?", "\x01\xff", 0, tensor.Of([]bool{true, true})},
		{"<V2", "\x80\x3f\x00\xc0", tensor.BFloat16, tensor.Of([]tensor.BF16{0x3f80, 0xc000})},
		{"|V2", "\x80\x3f\x00\xc0", tensor.BFloat16, tensor.Of([]tensor.BF16{0x3f80, 0xc000})},
		{">V2", "\x3f\x80\xc0\x00", tensor.BFloat16, tensor.Of([]tensor.BF16{0x3f80, 0xc000})},
		{"|V1", "\x0f\x07", tensor.Int4, tensor.Of([]tensor.I4{-1, 7})},
		{"|V1", "\xff\xf7", tensor.Int4, tensor.Of([]tensor.I4{-1, 7})},
		{"|V1", "\x03\x01", tensor.Int2, tensor.Of([]tensor.I2{-1, 1})},
		{"|V1", "\xff\xf7", tensor.Uint4, tensor.Of([]tensor.U4{15, 7})},
		{"|V1", "\x38\xb8", tensor.Float8E4M3FN, tensor.Of([]tensor.F8E4M3FN{0x38, 0xb8})},
		{"<f1", "\x3c\xbc", tensor.Float8E5M2, tensor.Of([]tensor.F8E5M2{0x3c, 0xbc})},
		{"<f1", "\x3c\xbc", 0, tensor.Of([]tensor.F8E5M2{0x3c, 0xbc})},
		{"<U2", "a\x00\x00\x00\x00\x00\x00\x00\x42\xf6\x01\x00b\x00\x00\x00", 0, tensor.Of([]string{"a", "🙂b"})},
		{">U1", "\x00\x00\x00a\x00\x00\x00\x00", 0, tensor.Of([]string{"a", ""})},
		{"|S2", "ab\xff\x00", 0, tensor.Of([]string{"ab", "\xff"})},
		{"<f4", "\x00\x00\x80\x3f\x00\x00\x00\xc0", tensor.BFloat16, tensor.Of([]float32{1, -2})}, // the hint is for raw bytes only
	} {
		got, err := ReadAs(bytes.NewReader(file(head(c.descr, "(2,)"), c.payload)), c.hint)
		if err != nil || !got.Equal(c.want) {
			t.Errorf("%s: %v, %v, want %v", c.descr, got, err, c.want)
		}
	}
	want := "\x00\x00\x80\x3f\x00\x00\x00\xc0"
	if b := encode(t, tensor.Of([]float32{1, -2})); !strings.HasSuffix(string(b), "\n"+want) {
		t.Errorf("written as % x", b)
	}
	if b := encode(t, tensor.Of([]complex128{1 - 2i})); !strings.HasSuffix(string(b), "\n\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\xc0") {
		t.Errorf("written as % x", b)
	}
	if b := encode(t, tensor.Of([]tensor.I4{-1, 7})); !strings.HasSuffix(string(b), "\n\x0f\x07") {
		t.Errorf("written as % x", b)
	}
}

func TestHeaderSpellings(t *testing.T) {
	for _, h := range []string{
		"{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n",
		"{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3)}",
		`{"shape":(2,3),"fortran_order":True,"descr":"<i2"}` + "   \n",
		"{ 'fortran_order' : True , 'shape' : (2L, 3L) , 'descr' : '<i2' }\n",
	} {
		x, err := Read(bytes.NewReader(file(h, "\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00")))
		if err != nil || !x.Equal(tensor.Of([]int16{1, 3, 5, 2, 4, 6}, 2, 3)) {
			t.Errorf("%q: %v, %v", h, x, err)
		}
	}
}

func TestFortranOrder(t *testing.T) {
	shape := []int{3, 2, 17, 19}
	n, _ := tensor.NumElements(shape)
	src := make([]uint32, n)
	for i := range src {
		src[i] = uint32(i)
	}
	dst := make([]uint32, n)
	transpose(dst, src, shape)
	for i, v := range dst {
		rest, at, stride := i, 0, n
		for k := len(shape) - 1; k >= 0; k-- { // from the last index on, each strides over the product of those before it
			stride /= shape[k]
			at += rest % shape[k] * stride
			rest /= shape[k]
		}
		if v != uint32(at) {
			t.Fatalf("element %d is number %d of the file, want %d", i, v, at)
		}
	}
}

func TestBadFiles(t *testing.T) {
	good := string(encode(t, tensor.Of([]float32{1, 2, 3})))
	for name, c := range map[string]struct{ data, want string }{
		"empty":           {"", "empty"},
		"other":           {"hello, world, hello", "not a .npy file"},
		"zip":             {"PK\x03\x04 and so on", "zip"},
		"version":         {magic + "\x09\x00\x10\x00{}abcdefgh", "version 9.0"},
		"long header":     {magic + "\x02\x00\xff\xff\xff\x7f", "too long"},
		"short header":    {magic + "\x01\x00\x01\x00{}", "too short"},
		"cut header":      {good[:40], "cut off"},
		"cut prefix":      {good[:8], "ends within"},
		"cut data":        {good[:len(good)-1], "promises 12 bytes"},
		"no dictionary":   {string(file("[1, 2]\n", "")), "dictionary"},
		"key missing":     {string(file("{'descr': '<f4', 'shape': (), }\n", "abcd")), `"fortran_order" is missing`},
		"key twice":       {string(file("{'descr': '<f4', 'descr': '<f4', 'shape': (), 'fortran_order': False}\n", "abcd")), "twice"},
		"key too many":    {string(file("{'descr': '<f4', 'x': 1, 'shape': (), 'fortran_order': False}\n", "abcd")), "beside"},
		"order":           {string(file("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (), }\n", "abcd")), "fortran_order"},
		"negative":        {string(file(head("<f4", "(-1,)"), "")), "negative"},
		"not a number":    {string(file(head("<f4", "(1, x)"), "")), "bad header"},
		"two in one":      {string(file(head("<f4", "(1 2,)"), "")), "bad header"},
		"no tuple":        {string(file(head("<f4", "3"), "")), "tuple"},
		"huge":            {string(file(head("<f4", "(1073741824, 1073741824, 1073741824)"), "")), "too many"},
		"huge bytes":      {string(file(head("<f8", fmt.Sprintf("(%d,)", math.MaxInt/2)), "")), "address space"},
		"lie":             {string(file(head("<f4", "(100000000,)"), "abcd")), "promises 400000000 bytes of data, the file holds 4"},
		"lie in text":     {string(file(head("<U50000000", "(2,)"), "abcd")), "the file holds 4"},
		"empty strings":   {string(file(head("|S0", "(99999999,)"), "")), "width 0"},
		"object":          {string(file(head("|O", "(1,)"), "abcd")), "pickle"},
		"structured":      {string(file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", "abcd")), "structured"},
		"void":            {string(file(head("|V2", "(2,)"), "abcd")), "bfloat16"},
		"negative void":   {string(file(head("|V-2", "(2,)"), "abcd")), "isn't an element type"},
		"unknown":         {string(file(head("<q7", "(2,)"), "abcd")), "isn't supported"},
		"order only":      {string(file(head("<", "(2,)"), "abcd")), "isn't an element type"},
		"no character":    {string(file(head("<U1", "(1,)"), "\x00\x00\x11\x00")), "Unicode"},
		"surrogate":       {string(file(head("<U1", "(1,)"), "\x00\xd8\x00\x00")), "Unicode"},
		"quote in type":   {string(file(`{"descr": "<f4'", 'fortran_order': False, 'shape': (1,), }`, "abcd")), "isn't an element type"},
		"open string":     {string(file("{'descr': '<f4, }\n", "")), "bad header"},
		"open bracket":    {string(file("{'descr': '<f4', 'fortran_order': False, 'shape': (1, }\n", "")), "brackets"},
		"nothing at all":  {string(file("{'descr': , 'fortran_order': False, 'shape': (1,), }\n", "")), "missing"},
		"tuple of commas": {string(file(head("<f4", "("), "")), "brackets"},
	} {
		x, err := Read(strings.NewReader(c.data))
		var fe *FormatError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v, want a FormatError about %q", name, x, err, c.want)
		}
	}
}

// Each prefix of a file is an error at the byte where it ends.
func TestTruncated(t *testing.T) {
	good := encode(t, tensor.Of([]int64{1, 2, 3}, 3, 1))
	for n := range good {
		for _, r := range []io.Reader{bytes.NewReader(good[:n]), iotest.OneByteReader(bytes.NewReader(good[:n]))} {
			_, err := Read(r)
			var fe *FormatError
			if !errors.As(err, &fe) || !errors.Is(err, io.ErrUnexpectedEOF) || fe.Offset != int64(n) {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
	}
}

// A reader whose end isn't known mustn't make a lying header costly.
func TestLyingHeaderAllocatesLittle(t *testing.T) {
	data := file(head("<f4", "(250000000,)"), strings.Repeat("x", 3<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(iotest.HalfReader(bytes.NewReader(data)))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("err = %v", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
		t.Errorf("%d bytes were allocated for 3 MiB", got)
	}
}

func TestReadErrorsPassThrough(t *testing.T) {
	good := encode(t, tensor.Of(make([]float64, 100)))
	boom := errors.New("boom")
	for _, n := range []int{0, 5, 20, 128, 500} {
		_, err := Read(io.MultiReader(bytes.NewReader(good[:n]), iotest.ErrReader(boom)))
		if err != boom {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// Arrays may follow each other in a stream, as with numpy.save to an open file.
func TestArraysInARow(t *testing.T) {
	var buf bytes.Buffer
	xs := samples(t)
	for _, x := range xs {
		buf.Write(encode(t, x))
	}
	for _, x := range xs {
		y, err := ReadAs(&buf, x.DType())
		if err != nil || !y.Equal(x) {
			t.Fatalf("%v came back as %v, %v", x, y, err)
		}
	}
	if buf.Len() != 0 {
		t.Errorf("%d bytes are left", buf.Len())
	}
}

func TestFileNamesInErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.npy")
	if err := os.WriteFile(path, []byte("nonsense, nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("err = %v", err)
	}
	if _, err := ReadFile(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("err = %v", err)
	}
}

func TestUnwritable(t *testing.T) {
	for name, x := range map[string]*tensor.Tensor{
		"nil":       nil,
		"error":     tensor.Of([]float32{1}, 2),
		"not UTF-8": tensor.Of([]string{"a\xff"}),
		"zero":      tensor.Of([]string{"a\x00"}),
	} {
		path := filepath.Join(t.TempDir(), "x.npy")
		if err := WriteFile(path, x); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: left a file", name)
		}
	}
}

func TestReadHeader(t *testing.T) {
	r := bytes.NewReader(encode(t, tensor.Of([]int32{1, 2, 3, 4}, 2, 1, 2)))
	h, err := ReadHeader(r)
	want := &Header{Descr: "<i4", DType: tensor.Int32, Shape: []int{2, 1, 2}}
	if err != nil || !reflect.DeepEqual(h, want) || r.Len() != 16 {
		t.Errorf("%+v, %v, %d bytes left", h, err, r.Len())
	}
	h, err = ReadHeader(bytes.NewReader(file(head("|V2", "()"), "ab")))
	if err != nil || h.DType != tensor.Invalid || h.Shape == nil {
		t.Errorf("%+v, %v", h, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(head("<f4", "(1, 2)"), "abcdefgh"), uint8(0))
	f.Add(file(head("<U2", "(1,)"), "a\x00\x00\x00b\x00\x00\x00"), uint8(0))
	f.Add(file("{'descr': '>c8', 'fortran_order': True, 'shape': (2, 2), }\n", strings.Repeat("01234567", 4)), uint8(0))
	f.Add(file(head("|V1", "(3,)"), "abc"), uint8(tensor.Int4))
	f.Fuzz(func(t *testing.T, data []byte, hint uint8) {
		x, err := ReadAs(bytes.NewReader(data), tensor.DType(hint%tensor.NumDTypes))
		y, err2 := ReadAs(iotest.OneByteReader(bytes.NewReader(data)), tensor.DType(hint%tensor.NumDTypes))
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%v, but as a stream %v", err, err2)
		}
		if err != nil {
			var fe *FormatError
			if !errors.As(err, &fe) {
				t.Fatalf("%v isn't a FormatError", err)
			}
			return
		}
		if !x.Equal(y) {
			t.Fatal("a stream gives another array")
		}
		var buf bytes.Buffer
		if err := Write(&buf, x); err != nil {
			if x.DType() == tensor.String {
				return // text that NumPy's fixed width can't hold
			}
			t.Fatal(err)
		}
		if z, err := ReadAs(&buf, x.DType()); err != nil || !z.Equal(x) {
			t.Fatalf("%v came back as %v, %v", x, z, err)
		}
	})
}
