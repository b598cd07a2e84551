package npy

import (
	"archive/zip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/sbinet/npyio/npz"

	"ingot/internal/atomicfile"
	"ingot/tensor"
)

// Named is an array with the name that it has in an archive.
type Named struct {
	Name   string
	Tensor *tensor.Tensor
}

// Npz is an open .npz archive. It reads an array when asked for it. It may be used by several goroutines.
type Npz struct {
	file  string
	zip   *npz.Reader
	names []string
	entry map[string]string // array name → name in the archive
	close func() error
}

// OpenNpz opens the archive at path. Its Close must be called.
func OpenNpz(path string) (*Npz, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	z, err := newNpz(f, st.Size(), path)
	if err != nil {
		f.Close()
		return nil, err
	}
	z.close = f.Close
	return z, nil
}

// NewNpz opens the archive in the first size bytes of r.
func NewNpz(r io.ReaderAt, size int64) (*Npz, error) { return newNpz(r, size, "") }

func newNpz(r io.ReaderAt, size int64, file string) (*Npz, error) {
	rd, err := npz.NewReader(r, size)
	if err != nil {
		return nil, zipErr(err, r, size, file)
	}
	z := &Npz{file: file, zip: rd, entry: map[string]string{}, close: func() error { return nil }}
	for _, key := range rd.Keys() {
		if strings.HasSuffix(key, "/") {
			continue // a folder
		}
		name := strings.TrimSuffix(key, ".npy")
		if _, dup := z.entry[name]; dup {
			return nil, &FormatError{File: file, Reason: fmt.Sprintf("the archive holds two arrays named %q", name)}
		}
		z.entry[name] = key
		z.names = append(z.names, name)
	}
	return z, nil
}

func zipErr(err error, r io.ReaderAt, size int64, file string) error {
	if !errors.Is(err, zip.ErrFormat) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, zip.ErrAlgorithm) {
		return err
	}
	reason := "not an .npz file, or cut off: no zip directory at its end"
	var start [len(magic)]byte
	switch n, _ := r.ReadAt(start[:min(size, int64(len(start)))], 0); {
	case size == 0:
		reason = "the file is empty"
	case string(start[:n]) == magic:
		reason = "this is a single .npy array, not an .npz archive"
	}
	return &FormatError{File: file, Offset: size, Reason: reason, Err: err}
}

// Names returns the arrays' names in the archive's order, without ".npy".
func (z *Npz) Names() []string { return append([]string(nil), z.names...) }

// Close closes the file that [OpenNpz] opened.
func (z *Npz) Close() error { return z.close() }

// Header reads the header of the array.
func (z *Npz) Header(name string) (*Header, error) {
	rc, err := z.open(name)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	h, err := ReadHeader(rc)
	return h, inFile(err, z.path(name))
}

// Read reads the array. An unknown name is an error that wraps [fs.ErrNotExist].
func (z *Npz) Read(name string) (*tensor.Tensor, error) { return z.ReadAs(name, tensor.Invalid) }

// ReadAs is Read with the hint of the package's [ReadAs].
func (z *Npz) ReadAs(name string, hint tensor.DType) (*tensor.Tensor, error) {
	rc, err := z.open(name)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	t, end, err := read(rc, hint)
	if err == nil {
		err = readEnd(rc, end)
	}
	if err != nil {
		if errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) {
			err = &FormatError{Offset: end, Reason: "the archive is damaged", Err: err}
		}
		return nil, inFile(err, z.path(name))
	}
	return t, nil
}

// readEnd makes sure that the entry ends here, which is also when its checksum is compared.
func readEnd(r io.Reader, off int64) error {
	var one [1]byte
	switch _, err := io.ReadFull(r, one[:]); err {
	case io.EOF:
		return nil
	case nil:
		return formatErr(off, nil, "there is data after the array")
	default:
		return err
	}
}

func (z *Npz) open(name string) (io.ReadCloser, error) {
	key, ok := z.entry[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: z.path(name), Err: fs.ErrNotExist}
	}
	rc, err := z.zip.Open(key)
	if err != nil {
		return nil, &FormatError{File: z.path(name), Reason: "the archive is damaged or uses another compression than deflate", Err: err}
	}
	return rc, nil
}

func (z *Npz) path(name string) string {
	if z.file == "" {
		return name
	}
	return z.file + ":" + name
}

// ReadNpz reads all arrays of the archive at path, in its order.
func ReadNpz(path string) ([]Named, error) {
	z, err := OpenNpz(path)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	out := make([]Named, len(z.names))
	for i, name := range z.names {
		t, err := z.Read(name)
		if err != nil {
			return nil, err
		}
		out[i] = Named{name, t}
	}
	return out, nil
}

// WriteNpz writes an uncompressed archive of the arrays, in their order, as numpy.savez does. The same arrays give the same bytes: the
// archive holds no times. Names must be unique and not empty.
func WriteNpz(w io.Writer, arrays []Named) error {
	seen := map[string]bool{}
	for _, a := range arrays {
		switch {
		case a.Name == "" || strings.HasSuffix(a.Name, "/"):
			return fmt.Errorf("npy: %q can't be an array's name", a.Name)
		case seen[a.Name]:
			return fmt.Errorf("npy: two arrays are named %q", a.Name)
		}
		seen[a.Name] = true
	}
	zw := zip.NewWriter(w)
	for _, a := range arrays {
		if err := addEntry(zw, a); err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
	}
	return zw.Close()
}

// WriteNpzFile is [WriteNpz] to the file at path, whole or not at all as in [WriteFile].
func WriteNpzFile(path string, arrays []Named) error {
	return atomicfile.Write(path, func(w io.Writer) error { return WriteNpz(w, arrays) })
}

func addEntry(zw *zip.Writer, a Named) error {
	arr, err := newArray(a.Tensor)
	if err != nil {
		return err
	}
	fh := &zip.FileHeader{
		Name:           a.Name + ".npy",
		Method:         zip.Store,
		CreatorVersion: 20,
		ReaderVersion:  20,
	}
	//lint:ignore SA1019 CreateRaw doesn't look at Modified, and CreateHeader would spend an extra field on it
	fh.ModifiedDate = 1<<5 | 1 // 1 January 1980, the first day that zip knows and the one that NumPy writes
	var body io.Writer
	if size := arr.size(); size < math.MaxUint32 {
		// Sizes and checksum stand before the data, for simple readers (cnpy) that don't look at the directory.
		sum := crc32.NewIEEE()
		if err := arr.writeTo(sum); err != nil {
			return err
		}
		fh.Flags = 0x800 // names are UTF-8
		fh.CRC32, fh.CompressedSize64, fh.UncompressedSize64 = sum.Sum32(), uint64(size), uint64(size)
		body, err = zw.CreateRaw(fh)
	} else {
		body, err = zw.CreateHeader(fh)
	}
	if err != nil {
		return err
	}
	return arr.writeTo(body)
}
