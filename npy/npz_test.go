package npy

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ingot/tensor"
)

func archive(t *testing.T, arrays ...Named) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := WriteNpz(&buf, arrays); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func open(t *testing.T, b []byte) *Npz {
	t.Helper()
	z, err := NewNpz(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestNpzRoundTrip(t *testing.T) {
	var in []Named
	for i, x := range samples(t) {
		in = append(in, Named{strings.Repeat("n", 26-i) + "é", x}) // not in the order of the alphabet
	}
	path := filepath.Join(t.TempDir(), "a.npz")
	if err := WriteNpzFile(path, in); err != nil {
		t.Fatal(err)
	}
	z, err := OpenNpz(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for i, name := range z.Names() {
		x, err := z.ReadAs(name, in[i].Tensor.DType())
		if name != in[i].Name || err != nil || !x.Equal(in[i].Tensor) {
			t.Errorf("%s %v came back as %s %v, %v", in[i].Name, in[i].Tensor, name, x, err)
		}
	}
	b, _ := os.ReadFile(path)
	if !bytes.Equal(b, archive(t, in...)) {
		t.Error("the same arrays give other bytes")
	}
	if h, err := z.Header(in[0].Name); err != nil || h.DType != tensor.Float32 {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := z.Read("nope"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v", err)
	}
}

func TestReadNpz(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npz")
	in := []Named{{"b", tensor.Scalar(1.5)}, {"a", tensor.Of([]int8{1, 2})}}
	if err := WriteNpzFile(path, in); err != nil {
		t.Fatal(err)
	}
	out, err := ReadNpz(path)
	if err != nil || !slices.EqualFunc(in, out, func(a, b Named) bool { return a.Name == b.Name && a.Tensor.Equal(b.Tensor) }) {
		t.Errorf("%v, %v", out, err)
	}
}

func TestNpzDeflated(t *testing.T) {
	x := tensor.Of(make([]float64, 200000), 400, 500)
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	w, _ := zw.Create("x.npy")
	if err := Write(w, x); err != nil {
		t.Fatal(err)
	}
	zw.Close()
	if y, err := open(t, buf.Bytes()).Read("x"); err != nil || !y.Equal(x) {
		t.Errorf("%v, %v", y, err)
	}
}

func TestBadNpz(t *testing.T) {
	good := archive(t, Named{"x", tensor.Of([]float32{1, 2, 3})})
	flipped := bytes.Clone(good)
	flipped[bytes.LastIndex(flipped, []byte("\x00\x00\x40\x40"))] ^= 1 // a bit of the last element
	text := func() []byte {
		var buf bytes.Buffer
		zw := zip.NewWriter(&buf)
		w, _ := zw.Create("x")
		w.Write([]byte("just some text in a zip archive"))
		zw.Close()
		return buf.Bytes()
	}()
	twice := func() []byte {
		var buf bytes.Buffer
		zw := zip.NewWriter(&buf)
		zw.Create("x.npy")
		zw.Create("x")
		zw.Close()
		return buf.Bytes()
	}()
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":    {nil, "empty"},
		"npy":      {encode(t, tensor.Scalar(1.0)), "single .npy"},
		"text":     {[]byte("hello"), "not an .npz"},
		"cut":      {good[:len(good)-10], "cut off"},
		"checksum": {flipped, "checksum"},
		"no array": {text, "not a .npy file"},
		"twice":    {twice, "two arrays"},
	} {
		z, err := NewNpz(bytes.NewReader(c.data), int64(len(c.data)))
		if err == nil {
			_, err = z.Read("x")
		}
		var fe *FormatError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a FormatError about %q", name, err, c.want)
		}
	}
}

func TestNpzNames(t *testing.T) {
	x := tensor.Scalar(1.0)
	for _, bad := range [][]Named{{{"", x}}, {{"a", x}, {"a", x}}, {{"a/", x}}, {{"a", nil}}} {
		if err := WriteNpz(&bytes.Buffer{}, bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

func FuzzNpz(f *testing.F) {
	var buf bytes.Buffer
	WriteNpz(&buf, []Named{{"x", tensor.Of([]float32{1, 2})}, {"y", tensor.Of([]string{"a"})}})
	f.Add(buf.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		z, err := NewNpz(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, name := range z.Names() {
			if x, err := z.Read(name); err == nil && x.Err() != nil {
				t.Fatal(x.Err())
			}
		}
	})
}
