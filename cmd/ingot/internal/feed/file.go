package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ingot"
	"ingot/internal/cases"
	"ingot/internal/near"
	"ingot/internal/picture"
	"ingot/internal/safetensors"
	"ingot/loader"
	"ingot/npy"
	"ingot/tensor"
)

// kind is what a file is, told by its first bytes.
type kind int

const (
	unknownFile kind = iota
	npyFile
	npzFile
	safetensorsFile
	pictureFile
	protoFile
	pipeFile // which can be read once, so nobody looks into it before
)

// sniff tells what kind of file it is.
func sniff(path string) (kind, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fileError(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fileError(path, err)
	}
	if info.IsDir() {
		return 0, &Error{What: "is a folder", File: path, Hint: "--data reads a folder of test data"}
	}
	if !info.Mode().IsRegular() {
		return pipeFile, nil
	}
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		if err == io.EOF {
			return 0, &Error{What: "the file is empty", File: path}
		}
		return 0, fileError(path, err)
	}
	return sniffBytes(head[:n], path), nil
}

func sniffBytes(b []byte, path string) kind {
	has := func(s string) bool { return bytes.HasPrefix(b, []byte(s)) }
	switch {
	case has("\x93NUMPY"):
		return npyFile
	case has("PK\x03\x04"), has("PK\x05\x06"):
		return npzFile
	case has("\x89PNG"), has("\xff\xd8\xff"), has("GIF8"), has("BM"), has("II*\x00"), has("MM\x00*"), has("RIFF") && bytes.Contains(b, []byte("WEBP")):
		return pictureFile
	case len(b) > 8 && b[8] == '{':
		return safetensorsFile
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npy":
		return npyFile
	case ".npz":
		return npzFile
	case ".safetensors":
		return safetensorsFile
	case ".pb":
		return protoFile
	case ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".jp2", ".j2k", ".pnm", ".pbm", ".pgm", ".ppm":
		return pictureFile
	}
	return unknownFile
}

func fileError(path string, err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) && errors.As(err, &pe):
		return &Error{What: "no such file", File: path}
	case errors.As(err, &pe):
		err = pe.Err
	}
	return &Error{What: err.Error(), File: path}
}

// file reads @FILE or @FILE:KEY for one input.
func (b *builder) file(v *ingot.ValueInfo, name string) (tensor.Value, error) {
	if name == "-" {
		return b.stream(v, b.req.Stdin, "standard input")
	}
	path, key := splitKey(name)
	k, err := sniff(path)
	if err != nil {
		return nil, err
	}
	if key != "" && k != npzFile && k != safetensorsFile {
		return nil, &Error{What: fmt.Sprintf("holds one value, so there is no %q in it", key), File: path}
	}
	if v.Kind != ingot.KindTensor && k != protoFile {
		return nil, wrong("input %q is %s; it can only come from a .pb file or --data", v.Name, v)
	}
	switch k {
	case npyFile:
		t, err := npy.ReadFileAs(path, v.DType)
		if err != nil {
			return nil, npyError(path, err)
		}
		return t, nil
	case npzFile:
		return readNpz(path, pick(v.Name, key), v.DType)
	case safetensorsFile:
		return readSafetensors(path, pick(v.Name, key))
	case pictureFile:
		f, err := os.Open(path)
		if err != nil {
			return nil, fileError(path, err)
		}
		defer f.Close()
		return b.picture(v, f, path)
	case pipeFile:
		f, err := os.Open(path)
		if err != nil {
			return nil, fileError(path, err)
		}
		defer f.Close()
		return b.stream(v, f, path)
	case protoFile:
		f := cases.File{Path: path}
		t, err := f.Load(TypeInfo(v))
		if err != nil {
			return nil, &Error{What: err.Error(), File: path}
		}
		return t, nil
	}
	return nil, &Error{What: "neither an array (.npy, .npz, .safetensors, .pb) nor a picture", File: path}
}

// mostStream is how much is read from a pipe, in bytes.
const mostStream = 4 << 30

// stream reads an array or a picture from standard input, or from a pipe.
func (b *builder) stream(v *ingot.ValueInfo, r io.Reader, name string) (tensor.Value, error) {
	if r == nil {
		return nil, wrong("there is no %s", name)
	}
	data, err := io.ReadAll(io.LimitReader(r, mostStream))
	if err != nil {
		return nil, fileError(name, err)
	}
	if sniffBytes(data[:min(len(data), 16)], "") == pictureFile {
		return b.picture(v, bytes.NewReader(data), name)
	}
	t, err := npy.ReadAs(bytes.NewReader(data), v.DType)
	if err != nil {
		return nil, npyError(name, err)
	}
	return t, nil
}

// splitKey separates FILE:KEY; a file whose name has a colon is one.
func splitKey(name string) (path, key string) {
	if _, err := os.Stat(name); err == nil {
		return name, ""
	}
	for i := len(name) - 1; i > 0; i-- {
		if name[i] != ':' {
			continue
		}
		if _, err := os.Stat(name[:i]); err == nil {
			return name[:i], name[i+1:]
		}
	}
	return name, ""
}

// choice picks an array out of several names.
type choice func(names []string) (string, *Error)

// pick chooses the key, or without one the input's name or the only array there is.
func pick(input, key string) choice {
	return func(have []string) (string, *Error) {
		want := key
		if want == "" {
			want = input
		}
		for _, n := range have {
			if n == want {
				return n, nil
			}
		}
		if key == "" && len(have) == 1 {
			return have[0], nil
		}
		return "", wrong("no array %q in it", want).hint("%s", near.DidYouMean(want, have))
	}
}

func readNpz(path string, choose choice, hint tensor.DType) (*tensor.Tensor, error) {
	z, err := npy.OpenNpz(path)
	if err != nil {
		return nil, npyError(path, err)
	}
	defer z.Close()
	name, missing := choose(z.Names())
	if missing != nil {
		missing.File = path
		return nil, missing
	}
	t, err := z.ReadAs(name, hint)
	if err != nil {
		return nil, npyError(path, err)
	}
	return t, nil
}

func readSafetensors(path string, choose choice) (*tensor.Tensor, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, npyError(path, err)
	}
	defer f.Close()
	name, missing := choose(f.Names())
	if missing != nil {
		missing.File = path
		return nil, missing
	}
	t, err := f.Tensor(name)
	if err != nil {
		return nil, npyError(path, err)
	}
	return t, nil
}

// npyError tells of an array that can't be read, its file's name once.
func npyError(path string, err error) error {
	var nf *npy.FormatError
	var sf *safetensors.FormatError
	switch {
	case errors.As(err, &nf):
		short := *nf
		short.File = ""
		return &Error{What: short.Error(), File: path}
	case errors.As(err, &sf):
		short := *sf
		short.File = ""
		return &Error{What: short.Error(), File: path}
	}
	return fileError(path, err)
}

// whole reads a file that supplies inputs by their names, or the only one.
func (b *builder) whole(path string) error {
	k, err := sniff(path)
	if err != nil {
		return err
	}
	var have []string
	switch k {
	case npzFile:
		z, err := npy.OpenNpz(path)
		if err != nil {
			return npyError(path, err)
		}
		have = z.Names()
		z.Close()
	case safetensorsFile:
		f, err := safetensors.Open(path)
		if err != nil {
			return npyError(path, err)
		}
		have = f.Names()
		f.Close()
	}
	if len(have) <= 1 && len(b.model.Inputs) == 1 { // no name is needed
		v, err := b.file(&b.model.Inputs[0], path)
		if err != nil {
			return err
		}
		return b.set(&b.model.Inputs[0], v)
	}
	if have == nil {
		return &Error{What: "which input is this for?", File: path, Hint: b.example()}
	}
	for _, name := range have {
		v, err := b.input(name)
		if err != nil {
			var e *Error
			if errors.As(err, &e) {
				e.File = path
			}
			return err
		}
		val, err := b.file(v, path)
		if err != nil {
			return err
		}
		if err := b.set(v, val); err != nil {
			return err
		}
	}
	return nil
}

// data reads a folder: the inputs of a set of test data, or of the first set of a case.
func (b *builder) data(dir string) error {
	set, err := cases.ReadSet(dir)
	if err != nil {
		return fileError(dir, err)
	}
	for i := range set.Inputs {
		f := &set.Inputs[i]
		v, err := b.inputOf(f)
		if err != nil {
			return err
		}
		val, err := f.Load(TypeInfo(v))
		if err != nil {
			return fileError(f.Path, err)
		}
		if err := b.set(v, val); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) inputOf(f *cases.File) (*ingot.ValueInfo, error) {
	if f.Name != "" {
		return b.input(f.Name)
	}
	if f.Index < len(b.model.Inputs) {
		return &b.model.Inputs[f.Index], nil
	}
	return nil, &Error{What: fmt.Sprintf("is for input %d, and the model has %d", f.Index, len(b.model.Inputs)), File: f.Path}
}

// TypeInfo is as much of a value's type as reading it from a file needs.
func TypeInfo(v *ingot.ValueInfo) loader.TypeInfo {
	t := loader.TypeInfo{Kind: loader.KindTensor, DType: v.DType}
	switch v.Kind {
	case ingot.KindSequence:
		t.Kind = loader.KindSequence
	case ingot.KindOptional:
		t.Kind = loader.KindOptional
	case ingot.KindMap:
		t.Kind = loader.KindMap
	}
	return t
}

// picture makes an input of a picture.
func (b *builder) picture(v *ingot.ValueInfo, r io.Reader, path string) (*tensor.Tensor, error) {
	spec, err := b.imageSpec(v)
	if err != nil {
		return nil, err
	}
	var shape []int
	if v.Dims != nil {
		shape = make([]int, len(v.Dims))
		for k := range v.Dims {
			shape[k] = -1
			if n, ok := b.dims.size(v, k); ok && n < 1<<30 {
				shape[k] = int(n)
			}
		}
	}
	dt := v.DType
	if dt == tensor.Invalid {
		dt = tensor.Float32
	}
	t, err := spec.Tensor(r, dt, shape)
	var se *picture.SpecError
	switch {
	case errors.As(err, &se):
		return nil, wrong("a picture for input %q, %s: %v", v.Name, v, se).hint("--image '%s:rgb,224x224' says how the picture is to be prepared", v.Name)
	case err != nil:
		return nil, fileError(path, err)
	}
	return t, nil
}
