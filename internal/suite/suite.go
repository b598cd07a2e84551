// Package suite gives tests the official ONNX backend suite as folders.
//
// The suite is not part of this repository. The pinned onnx package of the
// test environment holds it, partly as Python definitions; [Prepare] writes all
// 2033 cases once into the user's cache folder, and `go run ./tools/test` calls
// it. Tests then find the cases through [Need] or [Dir]:
//
//	func TestOfficial(t *testing.T) {
//		cases, err := suite.List(suite.Need(t))
//		…
//	}
package suite

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ingot/internal/proc"
	"ingot/internal/userdir"
)

// Version is the version of the onnx package that the suite comes from.
const Version = "1.23.2"

// Kinds are the subfolders of the suite with the number of cases in each.
var Kinds = map[string]int{"node": 1884, "pytorch-converted": 82, "pytorch-operator": 35, "simple": 23, "real": 9}

// Cases is the number of cases of all kinds.
const Cases = 2033

// RTol and ATol are the tolerances of a case without a data.json.
const (
	RTol = 1e-3
	ATol = 1e-7
)

// Required is the environment variable that makes [Need] fail a test instead
// of skipping it. The test tool sets it, so that a suite that got lost can't
// pass as green.
const Required = "INGOT_REQUIRE_SUITE"

// Command is what a person types to get the suite.
const Command = "go run ./tools/test --only suite"

// marker is written last. It holds the hash of the script that wrote the
// suite, so that a changed script writes it anew.
const marker = ".complete"

//go:embed export.py
var script []byte

// ErrMissing is what [Dir] returns, wrapped, when the suite is not there yet.
var ErrMissing = errors.New("the ONNX backend suite is not prepared on this machine")

// Dir returns the folder of the complete suite, which has the subfolders of
// [Kinds]. Its error tells the command that makes it.
func Dir() (string, error) {
	dir, err := userdir.Cache("onnx-suite-" + Version)
	if err != nil {
		return "", err
	}
	if !complete(dir) {
		return "", fmt.Errorf("%w: type `%s`", ErrMissing, Command)
	}
	return dir, nil
}

// Need is [Dir] for tests: without the suite it skips the test and says how to
// get it, or fails the test where [Required] is set.
func Need(tb testing.TB) string {
	tb.Helper()
	dir, err := Dir()
	switch {
	case err == nil:
	case os.Getenv(Required) != "":
		tb.Fatal(err)
	default:
		tb.Skip(err)
	}
	return dir
}

// Prepare makes the suite with a Python interpreter that has the pinned onnx
// package, unless it is there already, and returns its folder. It takes about
// ten seconds; line gets the progress and may be nil. An interrupted run leaves
// nothing that looks complete, and two runs at a time do not disturb each other.
func Prepare(ctx context.Context, python string, line func(string)) (string, error) {
	if dir, err := Dir(); err == nil || !errors.Is(err, ErrMissing) {
		return dir, err
	}
	dir, err := userdir.Cache("onnx-suite-" + Version)
	if err != nil {
		return "", err
	}
	return dir, write(ctx, dir, python, line)
}

// write exports into a folder beside dir and renames it when it is complete.
func write(ctx context.Context, dir, python string, line func(string)) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	// MkdirTemp makes the folder private; the suite is not.
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	source := filepath.Join(temp, "export.py")
	if err := os.WriteFile(source, script, 0o644); err != nil {
		return err
	}
	target := filepath.Join(temp, "suite")
	out, err := proc.Run(ctx, proc.Command{
		Args:  []string{python, source, target},
		Env:   []string{"PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1"},
		Unset: []string{"PYTHONPATH", "PYTHONHOME"},
		Limit: 10 * time.Minute,
		Line:  line,
	})
	if err != nil {
		return fmt.Errorf("writing the ONNX suite: %w\n%s", err, out)
	}
	if err := check(target); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(target, marker), []byte(fingerprint()), 0o644); err != nil {
		return err
	}
	return replace(target, dir)
}

// check compares the number of cases below dir with [Kinds]: fewer of them mean
// that some were lost, for example to a dependency that could not be imported.
func check(dir string) error {
	cases, err := List(dir)
	if err != nil {
		return err
	}
	got := map[string]int{}
	for _, c := range cases {
		got[c.Kind]++
	}
	for kind, want := range Kinds {
		if got[kind] != want {
			return fmt.Errorf("the ONNX suite has %d %s cases, onnx %s should give %d", got[kind], kind, Version, want)
		}
	}
	return nil
}

// replace puts the folder from in the place of to. What stood there before is
// moved away first: a folder can't be renamed onto one that is not empty.
func replace(from, to string) error {
	old := from + ".old" // in the temporary folder, which the caller removes
	if err := os.Rename(to, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := os.Rename(from, to)
	if err != nil && complete(to) {
		return nil // another run was quicker
	}
	return err
}

func complete(dir string) bool {
	mark, err := os.ReadFile(filepath.Join(dir, marker))
	return err == nil && string(mark) == fingerprint()
}

func fingerprint() string {
	sum := sha256.Sum256(script)
	return hex.EncodeToString(sum[:])
}
