// Package atomicfile writes a file whole or not at all: under a temporary name in the same folder, then by a rename. A full disk, an
// error or an interrupt leaves what was there before.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
)

var (
	mu      sync.Mutex
	pending = map[string]struct{}{}
)

// Write makes fill write the content of the file at path. When fill or the disk fails, the file stays as it was and the error is
// returned. An existing file keeps its permissions, a symbolic link stays and its target is replaced, and what isn't a regular file (a pipe,
// /dev/stdout) is written directly.
func Write(path string, fill func(w io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	perm := fs.FileMode(0o666) // less the umask, which the system applies
	old, err := os.Stat(path)
	switch {
	case err == nil && old.IsDir():
		return &fs.PathError{Op: "write", Path: path, Err: errors.New("is a folder")}
	case err == nil && !old.Mode().IsRegular():
		return writeDirect(path, fill)
	case err == nil:
		perm = old.Mode().Perm()
	}
	f, err := create(path, perm)
	if err != nil {
		return err
	}
	tmp := f.Name()
	defer func() {
		if err != nil {
			err = ofFile(err, tmp, path)
			f.Close() // a second Close does no harm
			os.Remove(tmp)
		}
		forget(tmp)
	}()
	if err = fill(f); err != nil {
		return err
	}
	if old != nil { // the umask may have narrowed what the file had
		if err = os.Chmod(tmp, perm); err != nil {
			return err
		}
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// RemovePending deletes the temporary files of writes that are under way. It is for the moment before the process exits on an interrupt.
func RemovePending() {
	mu.Lock()
	defer mu.Unlock()
	for name := range pending {
		os.Remove(name)
		delete(pending, name)
	}
}

func writeDirect(path string, fill func(w io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := fill(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// create makes a new file beside path. os.CreateTemp would give it mode 0600 whatever the umask says.
func create(path string, perm fs.FileMode) (*os.File, error) {
	dir, base := filepath.Split(path)
	var last error
	for range 100 {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if err == nil {
			mu.Lock()
			pending[name] = struct{}{}
			mu.Unlock()
			return f, nil
		}
		last = err
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	var pe *fs.PathError
	if errors.As(last, &pe) {
		return nil, ofFile(last, pe.Path, path)
	}
	return nil, last
}

// ofFile makes an error about a temporary file speak of the file that the caller asked for.
func ofFile(err error, tmp, path string) error {
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path == tmp {
		return &fs.PathError{Op: "write", Path: path, Err: pe.Err}
	}
	return err
}

func forget(name string) {
	mu.Lock()
	delete(pending, name)
	mu.Unlock()
}
