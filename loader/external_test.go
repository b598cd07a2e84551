package loader_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// write puts files into a folder, by their slash-separated paths, and returns the folder.
func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExternalData(t *testing.T) {
	data := append(make([]byte, 64), floatBytes(1, 2, 3, 4)...)
	odd := append([]byte{9}, floatBytes(1, 2, 3, 4)...)
	want := tensor.Of([]float32{1, 2, 3, 4}, 2, 2)
	dir := write(t, map[string][]byte{"m/w.bin": data, "m/sub/w.bin": data, "m/odd.bin": odd, "w.bin": data})
	for _, c := range []struct {
		name string
		at   loader.ExternalData
		err  string // of loading; "" when it must work
	}{
		{"beside", loader.ExternalData{Location: "w.bin", Offset: 64, Length: 16}, ""},
		{"without a length", loader.ExternalData{Location: "w.bin", Offset: 64, Length: -1}, ""},
		{"below", loader.ExternalData{Location: "sub/../sub/./w.bin", Offset: 64, Length: 16}, ""},
		{"unaligned", loader.ExternalData{Location: "odd.bin", Offset: 1, Length: 16}, ""},
		{"missing", loader.ExternalData{Location: "none.bin", Length: 16}, "none.bin"},
		{"short", loader.ExternalData{Location: "w.bin", Offset: 65, Length: 16}, "80 bytes, too few"},
		{"beyond", loader.ExternalData{Location: "w.bin", Offset: math.MaxInt64, Length: 16}, "too few"},
		{"wrong length", loader.ExternalData{Location: "w.bin", Offset: 64, Length: 12}, "takes 16 bytes"},
		{"above", loader.ExternalData{Location: "../w.bin", Offset: 64, Length: 16}, "outside"},
		{"far above", loader.ExternalData{Location: "sub/../../../../etc/passwd", Length: 16}, "outside"},
		{"absolute", loader.ExternalData{Location: filepath.ToSlash(filepath.Join(dir, "w.bin")), Length: 16}, "relative"},
		{"backslash", loader.ExternalData{Location: `..\w.bin`, Length: 16}, "slash-separated"},
		{"a folder", loader.ExternalData{Location: "sub", Length: 16}, "is a folder"},
		{"the folder itself", loader.ExternalData{Location: ".", Length: 16}, "is a folder"},
		{"in memory", loader.ExternalData{Location: "*/_ORT_MEM_ADDR_/*", Length: 16}, "_ORT_MEM_ADDR_"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(dir, "m", "model.onnx")
			if err := os.WriteFile(file, encode(t, external(c.at)), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, opts := range [][]loader.Option{nil, {loader.WithCopy()}} {
				m, err := loader.Open(file, opts...)
				if c.err != "" {
					var fe *loader.FormatError
					if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.err) || !strings.Contains(fe.Where, `"w"`) || fe.File != file {
						t.Errorf("error %v, want a FormatError about \"w\" with %q", err, c.err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				got, err := m.Graph.Initializers[0].Tensor()
				if err != nil || !got.Equal(want) {
					t.Errorf("%v, %v", got, err)
				}
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			}
			if c.err == "" || c.name == "wrong length" {
				return
			}
			m, err := loader.Open(file, loader.WithLazyExternal())
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			var fe *loader.FormatError
			if _, err := m.Graph.Initializers[0].Tensor(); !errors.As(err, &fe) || fe.File != file || !strings.Contains(err.Error(), c.err) {
				t.Errorf("late: %v, want a FormatError with %q", err, c.err)
			}
		})
	}
}

// TestExternalDataInFS: a file system that is larger than the model's folder opens no way out of the folder.
func TestExternalDataInFS(t *testing.T) {
	data := floatBytes(1, 2, 3, 4)
	at := func(location string) []byte {
		return encode(t, external(loader.ExternalData{Location: location, Length: 16}))
	}
	dir := write(t, map[string][]byte{
		"w.bin": data, "m/w.bin": data, "m/beside.onnx": at("w.bin"), "m/above.onnx": at("../w.bin"), "m/back.onnx": at("../m/w.bin"), "m/missing.onnx": at("none.bin"),
	})
	for name, want := range map[string]string{
		"m/beside.onnx": "", "m/above.onnx": "outside", "m/back.onnx": "outside", "m/missing.onnx": `"none.bin": no such file`,
	} {
		m, err := loader.OpenFS(os.DirFS(dir), name)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			m.Close()
			continue
		}
		var fe *loader.FormatError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a FormatError with %q", name, err, want)
		}
	}
}

func TestLinksCannotLeadOut(t *testing.T) {
	dir := write(t, map[string][]byte{
		"blobs/1":     append(make([]byte, 64), floatBytes(1, 2, 3, 4)...),
		"snap/m.onnx": encode(t, external(loader.ExternalData{Location: "w.bin", Offset: 64, Length: 16})),
	})
	if err := os.Symlink(filepath.Join("..", "blobs", "1"), filepath.Join(dir, "snap", "w.bin")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	file := filepath.Join(dir, "snap", "m.onnx")
	var fe *loader.FormatError
	if _, err := loader.Open(file); !errors.As(err, &fe) || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("a link out of the folder: %v", err)
	}
	m, err := loader.Open(file, loader.WithDataRoot(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got, err := m.Graph.Initializers[0].Tensor(); err != nil || got.Len() != 4 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := loader.Open(file, loader.WithDataRoot(filepath.Join(dir, "blobs"))); !errors.As(err, &fe) {
		t.Errorf("a root that doesn't hold the model: %v", err)
	}
}

func TestExternalPipeDoesNotHang(t *testing.T) {
	dir := write(t, map[string][]byte{"m.onnx": encode(t, external(loader.ExternalData{Location: "pipe", Length: 16}))})
	if err := makePipe(filepath.Join(dir, "pipe")); err != nil {
		t.Skip("no pipes here:", err)
	}
	var fe *loader.FormatError
	if _, err := loader.Open(filepath.Join(dir, "m.onnx")); !errors.As(err, &fe) || !strings.Contains(err.Error(), "regular") {
		t.Errorf("%v", err)
	}
}

func TestExternalFS(t *testing.T) {
	b := encode(t, external(loader.ExternalData{Location: "w.bin", Length: 16}))
	dir := write(t, map[string][]byte{"w.bin": floatBytes(1, 2, 3, 4)})
	for name, fsys := range map[string]fs.FS{"folder": os.DirFS(dir), "no section reads": plainFS{os.DirFS(dir)}} {
		m, err := loader.Parse(b, loader.WithExternalFS(fsys))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := m.Graph.Initializers[0].Tensor(); err != nil || !got.Equal(tensor.Of([]float32{1, 2, 3, 4}, 2, 2)) {
			t.Errorf("%s: %v %v", name, got, err)
		}
		m.Close()
	}
}

// plainFS hides what its files can do beyond reading in order.
type plainFS struct{ fs.FS }

func (p plainFS) Open(name string) (fs.File, error) {
	f, err := p.FS.Open(name)
	return struct{ fs.File }{f}, err
}

// Files beyond 2 GB: what a 32-bit offset or length would spoil. They are sparse files that take no space.
func TestLargeFiles(t *testing.T) {
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd", "android":
	default:
		t.Skip("files with holes take their full size on", runtime.GOOS)
	}
	if math.MaxInt == math.MaxInt32 {
		t.Skip("no room for them in 32-bit addresses")
	}
	const hole int64 = 5 << 29 // 2.5 GiB
	tail := floatBytes(1, 2, 3, 4)
	want := tensor.Of([]float32{1, 2, 3, 4}, 2, 2)

	t.Run("external", func(t *testing.T) {
		dir := write(t, map[string][]byte{"m.onnx": encode(t, external(loader.ExternalData{Location: "w.bin", Offset: hole, Length: 16}))})
		sparseFile(t, filepath.Join(dir, "w.bin"), nil, hole, tail)
		m, err := loader.Open(filepath.Join(dir, "m.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if got, err := m.Graph.Initializers[0].Tensor(); err != nil || !got.Equal(want) {
			t.Errorf("%v, %v", got, err)
		}
	})
	t.Run("inside", func(t *testing.T) {
		// A model whose first initializer is the hole, and whose second follows it.
		first := wire{}.num(1, hole/4).num(2, 1).str(8, "large")
		first = protowire.AppendVarint(protowire.AppendTag(first, 9, protowire.BytesType), uint64(hole))
		second, err := onnxpb.EncodeTensor(want, "w")
		if err != nil {
			t.Fatal(err)
		}
		after := wire{}.msg(5, second)
		graph := protowire.AppendVarint(protowire.AppendTag(nil, 5, protowire.BytesType), uint64(len(first))+uint64(hole))
		graph = append(graph, first...)
		head := protowire.AppendVarint(protowire.AppendTag(wire{}.num(1, 8), 7, protowire.BytesType), uint64(len(graph)+len(after))+uint64(hole))
		head = append(head, graph...)
		file := filepath.Join(t.TempDir(), "m.onnx")
		sparseFile(t, file, head, hole, after)
		m, err := loader.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if got, err := m.Graph.Initializer("w").Tensor(); err != nil || !got.Equal(want) {
			t.Errorf("%v, %v", got, err)
		}
		if raw, err := m.Graph.Initializer("large").Raw(); err != nil || int64(len(raw)) != hole || raw[len(raw)-1] != 0 {
			t.Errorf("%d bytes, %v", len(raw), err)
		}
	})
}

func sparseFile(t *testing.T, name string, head []byte, hole int64, tail []byte) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(head); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(tail, int64(len(head))+hole); err != nil {
		t.Fatal(err)
	}
}

// Whoever holds a tensor holds its memory, also when the model was forgotten without Close.
func TestTensorOutlivesForgottenModel(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file can't be deleted there as long as it is mapped")
	}
	big, err := tensor.New(tensor.Float32, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	tensor.View[float32](big)[1<<20-1] = 7
	for pad := range 8 { // at each alignment, so that some are shared and some copied
		m := minimal()
		m.Doc = strings.Repeat("d", pad)
		m.Graph.Initializers = []*loader.Initializer{loader.NewInitializer("w", big)}
		dir := write(t, map[string][]byte{"m.onnx": encode(t, m)})
		var got *tensor.Tensor
		func() {
			m, err := loader.Open(filepath.Join(dir, "m.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			if got, err = m.Graph.Initializers[0].Tensor(); err != nil {
				t.Fatal(err)
			}
		}()
		for range 3 {
			runtime.GC()
		}
		if !got.Equal(big) {
			t.Errorf("padding %d: the elements changed", pad)
		}
		runtime.KeepAlive(got)
	}
}
