package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"ingot/internal/suite"
)

// TestTable compares the committed table with what the declarations and the suites say.
func TestTable(t *testing.T) {
	dir := suite.Need(t)
	root := filepath.Join("..", "..")
	want, err := table(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join(root, target))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(have, want) {
		return
	}
	a, b := bytes.Split(have, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			t.Fatalf("docs/support.md isn't what `go run ./tools/support` writes; line %d is\n%s\nand would be\n%s", i+1, a[i], b[i])
		}
	}
	t.Fatalf("docs/support.md isn't what `go run ./tools/support` writes: it has %d lines and would have %d", len(a), len(b))
}
