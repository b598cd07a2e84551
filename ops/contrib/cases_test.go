package contrib_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/cases"
	"ingot/loader"
	"ingot/ops/contrib"
	_ "ingot/ops/more" // some of the operators are made of rare ones
)

var casesDir = flag.String("cases", "", "folder of cases to run instead of the archive")

// unpack writes the archive of cases to a folder.
func unpack(t *testing.T) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "cases.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCases compares every operator with ONNX Runtime, optimised and as the model has it.
func TestCases(t *testing.T) {
	dir := *casesDir
	if dir == "" {
		dir = unpack(t)
	}
	list, err := cases.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, c := range list {
		op, _, _ := strings.Cut(c.Name, "/")
		counts[op]++
		for _, optimize := range []bool{true, false} {
			if err := runCase(&c, optimize); err != nil {
				t.Errorf("%s (optimised: %t): %v", c.Name, optimize, err)
				break
			}
		}
	}
	for _, op := range contrib.Ops {
		if counts[op.Name] < 4 && *casesDir == "" {
			t.Errorf("%s has %d cases; each operator has at least 4", op, counts[op.Name])
		}
	}
}

func runCase(c *cases.Case, optimize bool) error {
	info, err := loader.Open(c.Model)
	if err != nil {
		return err
	}
	defer info.Close()
	var opts []ingot.Option
	if !optimize {
		opts = append(opts, ingot.WithoutPasses(), ingot.WithThreads(2))
	}
	m, err := ingot.Load(c.Model, opts...)
	if err != nil {
		return err
	}
	defer m.Close()
	for i := range c.Sets {
		if err := c.Sets[i].Run(context.Background(), info, m, c.Tolerances(cases.Tolerance{}), nil); err != nil {
			return err
		}
	}
	return nil
}
