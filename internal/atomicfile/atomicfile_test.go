package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func fillWith(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWriteReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	for _, s := range []string{"one", "two"} {
		if err := Write(path, fillWith(s)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != s {
			t.Errorf("holds %q, want %q", got, s)
		}
	}
	if es, _ := os.ReadDir(dir); len(es) != 1 {
		t.Errorf("%d files are left, want 1", len(es))
	}
}

func TestFailureLeavesOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := Write(path, fillWith("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, "half")
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("err = %v", err)
	}
	if got := content(t, path); got != "old" {
		t.Errorf("holds %q", got)
	}
	if es, _ := os.ReadDir(dir); len(es) != 1 {
		t.Errorf("%d files are left, want 1", len(es))
	}
}

// TestErrorNamesTheFile: the temporary name means nothing to a reader.
func TestErrorNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	err := Write(path, func(w io.Writer) error {
		w.(io.Closer).Close() // as good as a full disk: the next write fails
		_, err := io.WriteString(w, "x")
		return err
	})
	var pe *fs.PathError
	if !errors.As(err, &pe) || pe.Path != path || !errors.Is(err, os.ErrClosed) {
		t.Errorf("err = %v, want one of %s", err, path)
	}
}

func TestRemovePending(t *testing.T) {
	dir := t.TempDir()
	err := Write(filepath.Join(dir, "a"), func(io.Writer) error {
		RemovePending()
		if es, _ := os.ReadDir(dir); len(es) != 0 && runtime.GOOS != "windows" {
			t.Errorf("%d files are left, want none", len(es))
		}
		return errors.New("interrupted")
	})
	if err == nil {
		t.Error("no error")
	}
}

func TestBadTargets(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, fillWith("x")); err == nil {
		t.Error("wrote over a folder")
	}
	path := filepath.Join(dir, "no", "such", "a")
	err := Write(path, fillWith("x"))
	var pe *fs.PathError
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &pe) || pe.Path != path {
		t.Errorf("err = %v", err)
	}
}

func TestSymlinkAndMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links need a privilege there")
	}
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, fillWith("new")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, file); got != "new" {
		t.Errorf("the target holds %q", got)
	}
	st, err := os.Lstat(link)
	if err != nil || st.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", st, err)
	}
	if st, _ := os.Stat(file); st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", st.Mode())
	}
}
