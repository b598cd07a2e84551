package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ingot/internal/proc"
)

// modules lists the folders of the modules inside the repository that have Go
// files, without the main module.
func modules(root string) ([]string, error) {
	found := map[string]bool{}
	err := walkGo(root, false, func(path string) error {
		for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
			if isFile(filepath.Join(root, dir, "go.mod")) {
				found[dir] = true
				break
			}
		}
		return nil
	})
	var dirs []string
	for dir := range found {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs, err
}

// checkModules checks that all go.mod and go.sum say what `go mod tidy` would,
// and builds, vets and tests the modules inside the repository, such as
// benchmarks and generators, which `./...` passes over.
func checkModules(ctx context.Context, w *workspace) result {
	dirs, err := modules(w.root)
	if err != nil {
		return failed(err.Error(), "")
	}
	for _, dir := range append([]string{"."}, dirs...) {
		if out, err := w.exec(ctx, proc.Command{Dir: dir, Args: []string{"go", "mod", "tidy", "-diff"}}); err != nil {
			return failed("in "+dir+": `go mod tidy` would change go.mod or go.sum", string(out)+err.Error())
		}
	}
	total := passed(strings.Join(dirs, ", "))
	for _, dir := range dirs {
		for _, verb := range [][]string{{"build", "-o", os.DevNull}, {"vet"}} { // a module of one command would leave its binary in the tree
			out, err := w.exec(ctx, proc.Command{Dir: dir, Args: slices.Concat([]string{"go"}, verb, []string{"./..."})})
			if err != nil {
				return failed("in "+dir+": "+err.Error(), string(out))
			}
		}
		if !hasTests(filepath.Join(w.root, dir)) {
			continue
		}
		r := w.goTest(ctx, dir, nil, "-short", "-timeout", "5m", "./...")
		total.counts = total.counts.add(r.counts)
		total.failures = append(total.failures, r.failures...)
		total.details = append(total.details, r.details...)
	}
	return total
}

// hasTests reports whether a module has test files.
func hasTests(dir string) bool {
	found := false
	err := walkGo(dir, true, func(path string) error {
		found = found || strings.HasSuffix(path, "_test.go")
		return nil
	})
	return found && err == nil
}
