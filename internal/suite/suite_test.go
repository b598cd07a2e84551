package suite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ingot/internal/userdir"
)

func TestCountsAddUp(t *testing.T) {
	sum := 0
	for _, n := range Kinds {
		sum += n
	}
	if sum != Cases {
		t.Errorf("the kinds have %d cases, Cases says %d", sum, Cases)
	}
	if !strings.Contains(string(script), `VERSION = "`+Version+`"`) {
		t.Errorf("export.py is for another version than %s", Version)
	}
}

// cacheIn makes the user's cache folder one that the test owns.
func cacheIn(t *testing.T, dir string) {
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, dir)
	}
}

func TestDirSaysHowToGetTheSuite(t *testing.T) {
	cacheIn(t, t.TempDir())
	_, err := Dir()
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), Command) {
		t.Errorf("error %v", err)
	}
}

func TestCheckFindsLostCases(t *testing.T) {
	dir := t.TempDir()
	for kind, n := range Kinds {
		for i := range n {
			if kind == "simple" && i == 0 {
				continue
			}
			if err := os.MkdirAll(filepath.Join(dir, kind, strconv.Itoa(i)), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := check(dir); err == nil || !strings.Contains(err.Error(), "22 simple cases") {
		t.Errorf("error %v", err)
	}
}

func TestFailedExportLeavesNothing(t *testing.T) {
	cacheIn(t, t.TempDir())
	_, err := Prepare(context.Background(), filepath.Join(t.TempDir(), "no-python"), nil)
	if err == nil {
		t.Fatal("no error without Python")
	}
	all, err := userdir.Cache("*")
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(all); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestReplaceOldSuite(t *testing.T) {
	root := t.TempDir()
	from, to := filepath.Join(root, "tmp", "suite"), filepath.Join(root, "onnx-suite")
	for path, text := range map[string]string{filepath.Join(from, marker): fingerprint(), filepath.Join(to, marker): "another script"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if complete(to) {
		t.Error("the output of another script counts as complete")
	}
	if err := replace(from, to); err != nil || !complete(to) {
		t.Errorf("replace: %v, complete: %v", err, complete(to))
	}
}

func TestListWhole(t *testing.T) {
	cases, err := List(Need(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != Cases {
		t.Errorf("%d cases, want %d", len(cases), Cases)
	}
	if err := check(Need(t)); err != nil {
		t.Error(err)
	}
	for _, c := range cases {
		if _, err := os.Stat(c.Model()); err != nil || len(c.Sets) == 0 {
			t.Errorf("%s/%s: %d data sets, model: %v", c.Kind, c.Name, len(c.Sets), err)
		}
	}
}
