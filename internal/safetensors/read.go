package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"slices"
	"unicode/utf8"
	"unsafe"

	"ingot/internal/endian"
	"ingot/tensor"
)

const (
	prefixLen   = 8         // the length of the header, little-endian
	maxHeader   = 100 << 20 // what the reference implementation accepts
	metadataKey = "__metadata__"
)

// FormatError says what is wrong with a file.
type FormatError struct {
	File   string // empty for bytes in memory
	Tensor string // empty when the fault isn't one tensor's
	Offset int64  // byte in the file, as near as is known
	Reason string
	Err    error // the cause from below, if any
}

func (e *FormatError) Error() string {
	s := "safetensors: "
	if e.File != "" {
		s += e.File + ": "
	}
	if e.Tensor != "" {
		s += fmt.Sprintf("tensor %q: ", e.Tensor)
	}
	s += fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// Info is what the header says about a tensor.
type Info struct {
	Name   string
	DType  tensor.DType // Invalid for a kind that package tensor lacks
	Kind   string       // the format's name of the element type: "F32"
	Shape  []int
	Offset int64 // of the payload, from the start of the file
	Size   int64 // of the payload, in bytes
}

// File is an open file or a block of bytes whose header was checked. It may be used by several goroutines.
type File struct {
	Metadata map[string]string // nil when the file has none

	name  string
	infos []Info // in the order of their payloads
	index map[string]int
	mem   []byte // the whole file, when in memory
	owner any
	disk  *os.File
}

// Parse reads the header of the file in b. The tensors that it makes share b where they can, so b must not change; owner, if not
// nil, is kept reachable with them.
func Parse(b []byte, owner any) (*File, error) {
	f := &File{mem: b, owner: owner}
	if err := f.readHeader(bytes.NewReader(b), int64(len(b))); err != nil {
		return nil, err
	}
	return f, nil
}

// Open opens the file at path and reads its header. Its Close must be called.
func Open(path string) (*File, error) {
	d, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := d.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("isn't a regular file")}
	}
	f := &File{name: path, disk: d}
	if err == nil {
		err = f.readHeader(d, st.Size())
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return f, nil
}

// Close closes the file that [Open] opened. Tensors stay valid.
func (f *File) Close() error {
	if f.disk == nil {
		return nil
	}
	return f.disk.Close()
}

// Infos returns what the header says about the tensors, in the order of their payloads. The caller must not change it.
func (f *File) Infos() []Info { return f.infos }

// Names returns the tensors' names in the order of their payloads.
func (f *File) Names() []string {
	names := make([]string, len(f.infos))
	for i, in := range f.infos {
		names[i] = in.Name
	}
	return names
}

// Tensor returns the tensor: a view of the bytes that were parsed, when they are aligned and in the machine's form, else a copy. An
// unknown name is an error that wraps [fs.ErrNotExist].
func (f *File) Tensor(name string) (*tensor.Tensor, error) {
	i, ok := f.index[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	in := f.infos[i]
	if in.DType == tensor.Invalid {
		return nil, f.fail(in.Name, in.Offset, nil, "element type %s isn't supported", in.Kind)
	}
	if in.Size > int64(^uint(0)>>1)-64 {
		return nil, f.fail(in.Name, in.Offset, nil, "%d bytes are more than this machine can address", in.Size)
	}
	var b []byte
	shared := f.disk == nil
	if shared {
		b = f.mem[in.Offset:][:in.Size:in.Size]
	} else {
		b = tensor.AlignedBytes(int(in.Size))
		if _, err := f.disk.ReadAt(b, in.Offset); err != nil {
			if err == io.EOF {
				return nil, f.fail(in.Name, in.Offset, io.ErrUnexpectedEOF, "the file was cut off after it was opened")
			}
			return nil, err
		}
	}
	b, owner := f.native(b, in.DType, shared)
	t, err := tensor.FromBytes(in.DType, in.Shape, b, owner)
	if err != nil {
		return nil, f.fail(in.Name, in.Offset, err, "bad tensor")
	}
	return t, nil
}

// native returns b in the form that elements have in memory. It writes to b unless it is shared.
func (f *File) native(b []byte, dt tensor.DType, shared bool) ([]byte, any) {
	switch {
	case dt == tensor.Float4E2M1:
		out := tensor.AlignedBytes(2 * len(b))
		for i, v := range b { // the first of a pair is in the low half
			out[2*i], out[2*i+1] = v&15, v>>4
		}
		return out, nil
	case dt == tensor.Bool && slices.ContainsFunc(b, func(v byte) bool { return v > 1 }):
		out := tensor.AlignedBytes(len(b))
		for i, v := range b {
			out[i] = min(v, 1)
		}
		return out, nil
	case endian.Big && endian.Unit(dt) != 0:
		out := tensor.AlignedBytes(len(b))
		endian.Swap(out, b, endian.Unit(dt))
		return out, nil
	case !shared:
		return b, nil
	case len(b) > 0 && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(tensor.Align(dt)) != 0:
		out := tensor.AlignedBytes(len(b))
		copy(out, b)
		return out, nil
	}
	return b, f.owner
}

func (f *File) fail(tensorName string, off int64, cause error, format string, args ...any) error {
	return &FormatError{File: f.name, Tensor: tensorName, Offset: off, Reason: fmt.Sprintf(format, args...), Err: cause}
}

func (f *File) readHeader(r io.ReaderAt, size int64) error {
	if size < prefixLen {
		return f.fail("", size, io.ErrUnexpectedEOF, "the file ends within the first %d bytes", prefixLen)
	}
	var pre [prefixLen]byte
	if _, err := r.ReadAt(pre[:], 0); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(pre[:])
	if n > maxHeader {
		return f.fail("", 0, nil, "a header of %d bytes is too long (limit %d): is it a safetensors file?", n, maxHeader)
	}
	if int64(n) > size-prefixLen {
		return f.fail("", size, io.ErrUnexpectedEOF, "the header is cut off after %d of %d bytes", size-prefixLen, n)
	}
	text := make([]byte, n)
	if _, err := r.ReadAt(text, prefixLen); err != nil && n > 0 {
		return err
	}
	if !utf8.Valid(text) || n == 0 || text[0] != '{' {
		return f.fail("", prefixLen, nil, "the header isn't a JSON object")
	}
	if err := f.parseHeader(text); err != nil {
		return err
	}
	return f.checkLayout(prefixLen+int64(n), size)
}

// parseHeader reads the JSON object key by key, since a map would hide that a name stands twice.
func (f *File) parseHeader(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	bad := func(name string, err error) error {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return f.fail(name, prefixLen+dec.InputOffset(), err, "bad header")
	}
	if _, err := dec.Token(); err != nil { // the brace
		return bad("", err)
	}
	f.index = map[string]int{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return bad("", err)
		}
		name := tok.(string) // the decoder lets nothing else stand for a key
		if name == metadataKey {
			if f.Metadata != nil {
				return f.fail("", prefixLen+dec.InputOffset(), nil, "%s stands twice", metadataKey)
			}
			if err := dec.Decode(&f.Metadata); err != nil {
				return bad("", err)
			}
			continue
		}
		if _, dup := f.index[name]; dup {
			return f.fail(name, prefixLen+dec.InputOffset(), nil, "the name stands twice")
		}
		var e struct {
			DType   string  `json:"dtype"`
			Shape   []int   `json:"shape"`
			Offsets []int64 `json:"data_offsets"`
		}
		if err := dec.Decode(&e); err != nil {
			return bad(name, err)
		}
		if e.DType == "" || e.Shape == nil || len(e.Offsets) != 2 {
			return f.fail(name, prefixLen+dec.InputOffset(), nil, "dtype, shape or data_offsets is missing")
		}
		if e.Offsets[0] < 0 || e.Offsets[1] < e.Offsets[0] {
			return f.fail(name, prefixLen+dec.InputOffset(), nil, "bad data_offsets %v", e.Offsets)
		}
		dt, _ := dtypeOf(e.DType)
		f.index[name] = -1
		f.infos = append(f.infos, Info{name, dt, e.DType, e.Shape, e.Offsets[0], e.Offsets[1] - e.Offsets[0]})
	}
	if _, err := dec.Token(); err != nil {
		return bad("", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return f.fail("", prefixLen+dec.InputOffset(), nil, "there is something after the header's JSON object")
	}
	return nil
}

// checkLayout makes sure that the payloads fill the rest of the file without gaps or overlaps, as the format demands, and have the size
// that their shapes ask for. It turns offsets into those in the file.
func (f *File) checkLayout(start, size int64) error {
	slices.SortStableFunc(f.infos, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Size, b.Size)) // empty ones first
	})
	at := int64(0)
	for i := range f.infos {
		in := &f.infos[i]
		if in.Offset != at {
			return f.fail(in.Name, start+at, nil, "the data should start at %d, where the data before ends, not at %d", at, in.Offset)
		}
		if in.Size > size-start-at {
			return f.fail(in.Name, size, io.ErrUnexpectedEOF, "the data is cut off after %d of %d bytes", size-start-at, in.Size)
		}
		n, err := tensor.NumElements(in.Shape)
		if err != nil {
			return f.fail(in.Name, start+at, err, "bad shape")
		}
		if in.DType != tensor.Invalid {
			hi, lo := bits.Mul64(uint64(n), uint64(in.DType.Bits()))
			if hi != 0 || lo%8 != 0 || lo/8 != uint64(in.Size) {
				return f.fail(in.Name, start+at, nil, "%s%s doesn't take %d bytes", in.Kind, tensor.ShapeString(in.Shape), in.Size)
			}
		}
		at += in.Size
		in.Offset += start
		f.index[in.Name] = i
	}
	if start+at != size {
		return f.fail("", start+at, nil, "%d bytes after the last tensor belong to none", size-start-at)
	}
	return nil
}
