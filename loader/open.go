package loader

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"

	"ingot/internal/mem"
)

// Open maps the ONNX file of that name and reads the model in it. External data comes from the file's folder. A file that can't be
// opened gives the operating system's error, one that isn't a good model a [*FormatError].
func Open(name string, opts ...Option) (*Model, error) {
	o := newOptions(opts)
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return o.read(f, name, o.folder(filepath.Dir(name)))
}

// OpenFS is [Open] for a file of fsys; external data comes from the file's folder there. Files of the operating system are mapped, others read.
func OpenFS(fsys fs.FS, name string, opts ...Option) (*Model, error) {
	o := newOptions(opts)
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	return o.read(f, name, o.inFS(fsys, path.Dir(name)))
}

// folderFunc opens the file system that external data comes from, and tells which folder of it is the model's.
type folderFunc func() (fsys fs.FS, dir string, closer io.Closer, err error)

// read loads the model in f, and closes f.
func (o *options) read(f fs.File, name string, beside folderFunc) (*Model, error) {
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errFolder}
	}
	src := &source{file: name}
	src.ext.open = beside
	if osFile, ok := f.(*os.File); ok && info.Mode().IsRegular() && !o.copy && info.Size() > 0 && info.Size() <= math.MaxInt {
		// A file that can't be mapped (some file systems refuse) is read.
		if b, err := mem.MapFile(osFile, info.Size(), o.private); err == nil {
			src.block, src.data = b, b.Bytes()
			return o.load(src)
		}
	}
	if err := src.readAll(f, info, o.lim.FileBytes); err != nil {
		return nil, pathError(name, err)
	}
	return o.load(src)
}

// Parse reads the model in b. Tensors share b where alignment allows it, so b must not change as long as the model is in use; see
// [WithCopy]. External data needs [WithExternalFS].
func Parse(b []byte, opts ...Option) (*Model, error) {
	o := newOptions(opts)
	src := &source{data: b}
	if o.copy || o.private {
		block, err := mem.Alloc(len(b))
		if err != nil {
			return nil, err
		}
		copy(block.Bytes(), b)
		src.block, src.data = block, block.Bytes()
	}
	if o.external != nil {
		src.ext.open = o.inFS(o.external, ".")
	}
	return o.load(src)
}

func pathError(name string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return err
	}
	return &fs.PathError{Op: "read", Path: name, Err: err}
}

// readAll reads a file into memory that starts at an aligned address, so that payloads which are aligned in the file are so there.
func (s *source) readAll(r io.Reader, info fs.FileInfo, limit int64) error {
	size := info.Size()
	if size > limit || size > math.MaxInt {
		return fmt.Errorf("the file has %d bytes, more than the limit of %d", size, min(limit, math.MaxInt))
	}
	if info.Mode().IsRegular() {
		b, err := mem.Alloc(int(size))
		if err != nil {
			return err
		}
		n, err := io.ReadFull(r, b.Bytes())
		if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
			b.Free()
			return err
		}
		s.block, s.data = b, b.Bytes()[:n]
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r, limit)) // a pipe, whose size nobody knows
	if err == nil && int64(len(b)) == limit {
		err = fmt.Errorf("there are more than %d bytes", limit)
	}
	s.data = b
	return err
}

// folder returns how to get at a folder of the operating system in such a way that nothing leads out of it.
func (o *options) folder(dir string) folderFunc {
	if o.external != nil {
		return o.inFS(o.external, ".")
	}
	return func() (fs.FS, string, io.Closer, error) {
		base, rel := dir, "."
		if o.dataRoot != "" {
			var err error
			if rel, err = inside(o.dataRoot, dir); err != nil {
				return nil, "", nil, err
			}
			base = o.dataRoot
		}
		root, err := os.OpenRoot(base)
		if err != nil {
			return nil, "", nil, err
		}
		return root.FS(), rel, root, nil
	}
}

// inside returns the slash-separated path from base to dir, which must lie in it.
func inside(base, dir string) (string, error) {
	base, err := filepath.Abs(base)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	rel, err := filepath.Rel(base, dir)
	if err != nil {
		return "", err
	}
	rel = filepath.ToSlash(rel)
	if rel == ".." || strings.HasPrefix(rel, "../") {
		return "", fmt.Errorf("the model isn't in the folder %s that external data may come from", base)
	}
	return rel, nil
}

func (o *options) inFS(fsys fs.FS, dir string) folderFunc {
	if o.external != nil {
		fsys, dir = o.external, "."
	}
	return func() (fs.FS, string, io.Closer, error) { return fsys, dir, nil, nil }
}

// load decodes and checks the source, and closes it when it isn't a model.
func (o *options) load(src *source) (*Model, error) {
	src.ext.copy, src.ext.private, src.ext.free = o.copy, o.private, o.dataRoot != ""
	src.model = true
	m, err := o.decode(src)
	if err != nil {
		err = src.blame(err)
		src.close()
		return nil, err
	}
	return m, nil
}

func (o *options) decode(src *source) (*Model, error) {
	if len(src.data) == 0 {
		return nil, formatErr(0, "the file is empty")
	}
	d := &decoder{src: src, lim: o.lim, names: make(map[string]string)}
	m, err := d.model(newMessage(src.data, 0))
	if err == nil && m.Graph == nil {
		err = formatErr(-1, "there is no graph in the file")
	}
	if err != nil {
		if what := recognise(src.data); what != "" {
			return nil, formatErr(0, "not an ONNX model: %s", what)
		}
		return nil, err
	}
	if err := d.check(m); err != nil {
		return nil, err
	}
	m.Warnings = d.warnings
	return m, nil
}
