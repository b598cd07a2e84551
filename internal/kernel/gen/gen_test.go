// Package gen is the module of the assembly generators; see package asm.
package gen

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommittedFilesAreCurrent runs every go:generate line of the kernel packages that calls a generator of this module,
// with its outputs sent to a temporary folder, and compares them with the committed files.
func TestCommittedFilesAreCurrent(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		for _, line := range generateLines(t, file) {
			found++
			t.Run(line[0], func(t *testing.T) { regenerate(t, line) })
		}
	}
	if found == 0 {
		t.Error("no go:generate line calls a generator")
	}
}

// generateLines returns the words after "go run -C ../gen" of each go:generate line of a file.
func generateLines(t *testing.T, file string) (lines [][]string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if words, ok := strings.CutPrefix(s.Text(), "//go:generate go run -C ../gen "); ok {
			lines = append(lines, strings.Fields(words))
		}
	}
	return lines
}

func regenerate(t *testing.T, words []string) {
	folder := t.TempDir()
	args := []string{"run"}
	var outputs []string
	for i, w := range words {
		if i > 0 && (words[i-1] == "-out" || words[i-1] == "-stubs") {
			outputs = append(outputs, w)
			w = filepath.Join(folder, filepath.Base(w))
		}
		args = append(args, w)
	}
	if text, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	for _, committed := range outputs {
		want, err := os.ReadFile(committed)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := os.ReadFile(filepath.Join(folder, filepath.Base(committed)))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(withoutCommand(got), withoutCommand(want)) {
			t.Errorf("%s differs from what its generator writes; run go generate ./internal/kernel/...", committed)
		}
	}
}

// withoutCommand drops the first line, which repeats the command line with its paths.
func withoutCommand(text []byte) []byte {
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	return rest
}
