package cases

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Unpack writes the files of a .tar.gz archive to a folder. Names that lead out of it are refused.
func Unpack(archive, dir string) error {
	return EachFile(archive, func(name string, b []byte) error {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%q leads out of the folder", name)
		}
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(name, b, 0o644)
	})
}

// EachFile calls f with the name and the contents of each regular file in a .tar.gz archive, up to the first error.
func EachFile(archive string, f func(name string, b []byte) error) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := eachFile(file, f); err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	return nil
}

func eachFile(file io.Reader, f func(name string, b []byte) error) error {
	z, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := f(h.Name, b); err != nil {
			return err
		}
	}
}
