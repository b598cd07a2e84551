package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"ingot/internal/endian"
	"ingot/tensor"
)

func reference(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/reference.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	out := tensor.AlignedBytes(len(b))
	copy(out, b)
	return out
}

func file(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func all(t *testing.T, f *File) []Named {
	t.Helper()
	var out []Named
	for _, name := range f.Names() {
		x, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Named{name, x})
	}
	return out
}

// What the reference implementation wrote is read, from memory and from disk, and written again to the same bytes.
func TestReference(t *testing.T) {
	want := reference(t)
	mem, err := Parse(want, nil)
	if err != nil {
		t.Fatal(err)
	}
	disk, err := Open("testdata/reference.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	for _, f := range []*File{mem, disk} {
		if !maps.Equal(f.Metadata, map[string]string{"format": "np", "a": "<&>"}) {
			t.Errorf("metadata %v", f.Metadata)
		}
		xs := all(t, f)
		if len(xs) != len(kinds)+3 {
			t.Errorf("%d tensors", len(xs))
		}
		for _, x := range xs {
			if dt, err := tensor.ParseDType(strings.TrimSuffix(x.Name, "_x2")); err == nil && dt != x.Tensor.DType() {
				t.Errorf("%s is %v", x.Name, x.Tensor)
			}
		}
		slices.Reverse(xs) // the order of what is given mustn't matter
		var buf bytes.Buffer
		if err := Write(&buf, xs, f.Metadata); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(buf.Bytes(), want) {
			t.Errorf("written\n%q\nwant\n%q", buf.Bytes(), want)
		}
	}
}

func TestKnownValues(t *testing.T) {
	f, err := Parse(reference(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*tensor.Tensor{
		"scalar":            tensor.Scalar(float32(1)),
		"empty":             tensor.Of([]float32{}, 0, 3),
		"odd \"name\"\n<é>": tensor.Of([]uint8{1, 2, 3}),
		"bool":              tensor.Of([]bool{false, true, false, true, false, true}, 3, 2),
		"uint16":            tensor.Of([]uint16{0x2211, 0x4433, 0x6655, 0x8877, 0xaa99, 0xccbb}, 3, 2),
		"float4_e2m1fn_x2":  tensor.Of([]tensor.F4E2M1{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}, 3, 4),
	} {
		if x, err := f.Tensor(name); err != nil || !x.Equal(want) {
			t.Errorf("%s: %v, %v, want %v", name, x, err, want)
		}
	}
	if _, err := f.Tensor("nope"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v", err)
	}
}

func TestSharing(t *testing.T) {
	b, owner := reference(t), new(int)
	f, err := Parse(b, owner)
	if err != nil {
		t.Fatal(err)
	}
	x, err := f.Tensor("float64")
	if err != nil {
		t.Fatal(err)
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(x.Bytes()))) - uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	if inside := at < uintptr(len(b)); inside == endian.Big {
		t.Errorf("shared: %v", inside)
	}
	if !endian.Big && x.Owner() != any(owner) {
		t.Error("the owner isn't kept")
	}
	odd := tensor.AlignedBytes(len(b) + 1)[1:] // nothing in it is aligned
	copy(odd, b)
	g, err := Parse(odd, nil)
	if err != nil {
		t.Fatal(err)
	}
	if y, err := g.Tensor("float64"); err != nil || !y.Equal(x) {
		t.Errorf("%v, %v", y, err)
	}
}

func TestBoolIsNormalised(t *testing.T) {
	b := file(`{"x":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}`, "\x00\x02\xff")
	f, err := Parse(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if x, err := f.Tensor("x"); err != nil || !x.Equal(tensor.Of([]bool{false, true, true})) {
		t.Errorf("%v, %v", x, err)
	}
	if b[len(b)-1] != 0xff {
		t.Error("the caller's bytes were changed")
	}
}

func TestBadFiles(t *testing.T) {
	one := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"x":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":       {nil, "ends within"},
		"long":        {[]byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), "too long"},
		"cut":         {[]byte("\x10\x00\x00\x00\x00\x00\x00\x00{}"), "cut off"},
		"no header":   {file("", ""), "JSON object"},
		"list":        {file("[]", ""), "JSON object"},
		"not UTF-8":   {file("{\"\xff\":1}", ""), "JSON object"},
		"open":        {file(`{"x":`, ""), "unexpected EOF"},
		"more":        {file(`{} {}`, ""), "something after"},
		"twice":       {file(`{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""), "twice"},
		"no shape":    {file(`{"x":{"dtype":"U8","data_offsets":[0,0]}}`, ""), "missing"},
		"one offset":  {file(one("U8", "[0]", "[0]"), ""), "missing"},
		"backwards":   {file(one("U8", "[0]", "[1,0]"), "a"), "bad data_offsets"},
		"negative":    {file(one("U8", "[0]", "[-1,0]"), "a"), "bad data_offsets"},
		"gap":         {file(one("U8", "[1]", "[1,2]"), "ab"), "should start at 0"},
		"overlap":     {file(`{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "abc"), "should start at 2"},
		"beyond":      {file(one("U8", "[9]", "[0,9]"), "abc"), "cut off after 3 of 9"},
		"far beyond":  {file(one("U8", "[9]", "[0,9223372036854775807]"), "abc"), "cut off"},
		"left over":   {file(one("U8", "[1]", "[0,1]"), "abc"), "belong to none"},
		"wrong size":  {file(one("F32", "[1]", "[0,2]"), "ab"), "doesn't take 2 bytes"},
		"half a byte": {file(one("F4", "[3]", "[0,1]"), "a"), "doesn't take 1 bytes"},
		"shape":       {file(one("U8", "[-1]", "[0,1]"), "a"), "negative"},
		"huge":        {file(one("U8", "[1073741824,1073741824,1073741824]", "[0,1]"), "a"), "too many"},
		"unknown":     {file(one("F6_E2M3", "[4]", "[0,3]"), "abc"), "F6_E2M3 isn't supported"},
		"metadata":    {file(`{"__metadata__":{"a":1}}`, ""), "bad header"},
	} {
		f, err := Parse(c.data, nil)
		if err == nil {
			_, err = f.Tensor("x")
		}
		var fe *FormatError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a FormatError about %q", name, err, c.want)
		}
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err = Open(path)
		if err == nil {
			_, err = f.Tensor("x")
			f.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: from disk: %v", name, err)
		}
	}
}

func TestTruncated(t *testing.T) {
	good := reference(t)
	for n := range good {
		if _, err := Parse(good[:n], nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	u8 := tensor.Of([]uint8{1})
	for name, xs := range map[string][]Named{
		"text":        {{"x", tensor.Of([]string{"a"})}},
		"complex128":  {{"x", tensor.Of([]complex128{1})}},
		"int4":        {{"x", tensor.Of([]tensor.I4{1, 2})}},
		"half a byte": {{"x", tensor.Of([]tensor.F4E2M1{1})}},
		"twice":       {{"x", u8}, {"x", u8}},
		"reserved":    {{metadataKey, u8}},
		"not UTF-8":   {{"\xff", u8}},
		"nil":         {{"x", nil}},
	} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := WriteFile(path, xs, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: left a file", name)
		}
	}
}

func TestEmptyFile(t *testing.T) {
	for _, meta := range []map[string]string{nil, {}, {"a": "b"}} {
		var buf bytes.Buffer
		if err := Write(&buf, nil, meta); err != nil {
			t.Fatal(err)
		}
		f, err := Parse(buf.Bytes(), nil)
		if err != nil || len(f.Names()) != 0 || !maps.Equal(f.Metadata, meta) {
			t.Errorf("%v: %+v, %v", meta, f, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(reference(f))
	f.Add(file(`{"x":{"dtype":"F4","shape":[2],"data_offsets":[0,1]},"__metadata__":{"a":"b"}}`, "a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data, nil)
		if err != nil {
			var fe *FormatError
			if !errors.As(err, &fe) {
				t.Fatalf("%v isn't a FormatError", err)
			}
			return
		}
		var xs []Named
		for _, in := range p.Infos() {
			x, err := p.Tensor(in.Name)
			if err != nil {
				if in.DType == tensor.Invalid {
					return
				}
				t.Fatal(err)
			}
			xs = append(xs, Named{in.Name, x})
		}
		var buf bytes.Buffer
		if err := Write(&buf, xs, p.Metadata); err != nil {
			t.Fatal(err)
		}
		q, err := Parse(buf.Bytes(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range xs {
			if y, err := q.Tensor(x.Name); err != nil || !y.Equal(x.Tensor) {
				t.Fatalf("%s: %v came back as %v, %v", x.Name, x.Tensor, y, err)
			}
		}
	})
}
