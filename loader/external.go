package loader

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"strings"
	"sync"

	"ingot/internal/mem"
)

// externals are the files beside a model that hold payloads. They are looked up in a file system that can't be left: an os.Root for
// models from a folder, else what the caller gave.
type externals struct {
	open    folderFunc // nil: there is no external data
	copy    bool       // read, don't map
	private bool       // map so that tensors may be written to
	free    bool       // WithDataRoot: a location may lead out of the model's folder, though not out of the file system

	mu     sync.Mutex
	fsys   fs.FS
	dir    string // the model's folder in fsys
	closer io.Closer
	files  map[string]*extFile
}

type extFile struct {
	name  string
	size  int64
	block *mem.Block // the whole file, when it is mapped
	err   error
}

// check tells whether a payload of size bytes is where e says.
func (x *externals) check(e *ExternalData, size int) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, err := x.file(e, size)
	return err
}

// read returns a payload, and what keeps it alive when it isn't on the Go heap.
func (x *externals) read(e *ExternalData, size int, alloc func(int) ([]byte, *mem.Block, error)) ([]byte, *mem.Block, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f, err := x.file(e, size)
	if err != nil {
		return nil, nil, err
	}
	if f.block != nil {
		return f.block.Bytes()[e.Offset : e.Offset+int64(size) : e.Offset+int64(size)], f.block, nil
	}
	b, block, err := alloc(size)
	if err != nil {
		return nil, nil, err
	}
	return b, block, readSection(b, x.fsys, f.name, e.Offset)
}

// file opens the file of e once and checks the section.
func (x *externals) file(e *ExternalData, size int) (*extFile, error) {
	f := x.files[e.Location]
	if f == nil {
		f = &extFile{}
		f.err = x.openFile(f, e.Location)
		if x.files == nil {
			x.files = make(map[string]*extFile)
		}
		x.files[e.Location] = f
	}
	if f.err != nil {
		return nil, f.err
	}
	if e.Offset > f.size || int64(size) > f.size-e.Offset {
		return nil, fmt.Errorf("the file has %d bytes, too few for %d from offset %d", f.size, size, e.Offset)
	}
	return f, nil
}

func (x *externals) openFile(f *extFile, location string) error {
	if x.open == nil {
		return errors.New("the model was given without the files beside it")
	}
	if x.fsys == nil {
		fsys, dir, closer, err := x.open()
		if err != nil {
			return err
		}
		x.fsys, x.dir, x.closer = fsys, dir, closer
	}
	// Joining first would turn "/etc/passwd" into a file of the folder.
	if path.IsAbs(location) || strings.Contains(location, `\`) {
		return errors.New("the location must be a slash-separated path relative to the model's folder")
	}
	f.name = path.Join(x.dir, location)
	if !fs.ValidPath(f.name) || !x.free && !fs.ValidPath(path.Clean(location)) {
		return errors.New("the location is outside the folder that external data may come from")
	}
	info, err := fs.Stat(x.fsys, f.name)
	if err != nil {
		return plainError(err)
	}
	if err := regular(info); err != nil {
		return err
	}
	f.size = info.Size()
	if x.copy || f.size > math.MaxInt {
		return nil
	}
	file, err := x.fsys.Open(f.name)
	if err != nil {
		return err
	}
	defer file.Close()
	if osFile, ok := file.(*os.File); ok {
		// A failure to map isn't one to read: sections are read then.
		if b, err := mem.MapFile(osFile, f.size, x.private); err == nil {
			f.block = b
		}
	}
	return nil
}

// plainError leaves out the system call and the name, which the caller gives: "no such file or directory".
func plainError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// readSection fills b from a place in a file.
func readSection(b []byte, fsys fs.FS, name string, off int64) error {
	file, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	switch f := file.(type) {
	case io.ReaderAt:
		_, err = io.ReadFull(io.NewSectionReader(f, off, int64(len(b))), b)
	case io.Seeker:
		if _, err = f.Seek(off, io.SeekStart); err == nil {
			_, err = io.ReadFull(file, b)
		}
	default:
		if _, err = io.CopyN(io.Discard, file, off); err == nil {
			_, err = io.ReadFull(file, b)
		}
	}
	return err
}

func (x *externals) close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range x.files {
		f.block.Free()
	}
	var err error
	if x.closer != nil {
		err = x.closer.Close()
	}
	x.files, x.fsys, x.closer, x.open = nil, nil, nil, nil
	return err
}
