package main

import (
	"bytes"
	"context"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ingot/internal/proc"
)

// walkGo calls visit with each Go file below root, by its path relative to root
// with slashes. Hidden folders, folders that the go command leaves out and, if
// mainOnly, modules inside the repository are passed over.
func walkGo(root string, mainOnly bool, visit func(path string) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if name[0] == '.' || name[0] == '_' || name == "testdata" || mainOnly && isFile(filepath.Join(path, "go.mod")) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(relative))
	})
}

// unformatted lists the Go files below root that gofmt would change or cannot
// read.
func unformatted(root string) ([]string, error) {
	var bad []string
	err := walkGo(root, false, func(path string) error {
		source, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		want, err := format.Source(source)
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s: %v", path, err))
		} else if !bytes.Equal(source, want) {
			bad = append(bad, path)
		}
		return nil
	})
	return bad, err
}

func checkFormat(_ context.Context, w *workspace) result {
	bad, err := unformatted(w.root)
	if err != nil {
		return failed(err.Error(), "")
	}
	if len(bad) > 0 {
		return failed(fmt.Sprintf("%d files; `gofmt -w .` formats them", len(bad)), strings.Join(bad, "\n"))
	}
	return passed()
}

func vet(ctx context.Context, w *workspace) result {
	return w.command(ctx, proc.Command{Args: []string{"go", "vet", "./..."}})
}

// staticcheck builds the linter in its own module, whose go.mod pins it, and
// runs it on the main module and the modules inside.
func staticcheck(ctx context.Context, w *workspace) result {
	tool := filepath.Join(w.temp, "staticcheck.exe") // a name that also Windows runs
	build := proc.Command{Dir: "tools/lint", Args: []string{"go", "build", "-o", tool, "honnef.co/go/tools/cmd/staticcheck"}, Limit: 8 * time.Minute}
	if out, err := w.exec(ctx, build); err != nil {
		return failedWith(err, out)
	}
	inner, err := modules(w.root)
	if err != nil {
		return failed(err.Error(), "")
	}
	for _, dir := range append([]string{"."}, inner...) {
		if out, err := w.exec(ctx, proc.Command{Dir: dir, Args: []string{tool, "./..."}}); err != nil {
			return failed("in "+dir, string(out)+err.Error())
		}
	}
	return passed()
}
