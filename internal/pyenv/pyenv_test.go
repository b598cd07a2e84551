package pyenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestDirDependsOnContentOnly(t *testing.T) {
	a, err := Dir([]byte("numpy==2.4.6 --hash=sha256:00\n"))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := Dir([]byte("numpy==2.4.6 --hash=sha256:01\n"))
	if a == b {
		t.Error("another hash gives the same folder")
	}
	// sha256 of the empty string.
	if empty, _ := Dir(nil); filepath.Base(empty) != "py-e3b0c44298fc1c14" {
		t.Errorf("folder of an empty file: %s", empty)
	}
}

func TestNotFoundSaysWhatToDo(t *testing.T) {
	python := Python{Path: "/opt/python3", Version: [3]int{3, 12, 1}}
	bare := python
	bare.Missing = []string{"ensurepip"}
	old := python
	old.Version[1] = 9
	tests := []struct {
		name string
		err  NotFoundError
		want []string
	}{
		{"none", NotFoundError{Absent: []string{"python3", "python"}}, []string{"3.10 or newer", "none on the PATH", Variable}},
		{"old", NotFoundError{Old: []Python{old}}, []string{"3.9.1", "/opt/python3", "3.10 or newer"}},
		{"bare beats old", NotFoundError{Old: []Python{old}, Bare: []Python{bare}}, []string{"3.12.1", "lacks ensurepip"}},
		{"chosen", NotFoundError{Chosen: "/x/python", Absent: []string{"/x/python"}}, []string{"no Python at /x/python"}},
		{"broken", NotFoundError{Broken: []string{"python3 does not work: exit status 1"}}, []string{"does not work"}},
	}
	for _, tt := range tests {
		for _, want := range tt.want {
			if got := tt.err.Error(); !strings.Contains(got, want) {
				t.Errorf("%s: %q lacks %q", tt.name, got, want)
			}
		}
	}
}

// fake writes a program that answers like a Python; its venv makes a folder
// with such a program in it, its pip fails when the requirements say so.
func fake(t *testing.T, answer string) string {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in is a shell script")
	}
	path := filepath.Join(t.TempDir(), "python")
	text := `#!/bin/sh
case "$2" in
venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo made ;;
pip) ! grep -q broken "$6" ;;
*) echo '` + answer + `' ;;
esac
`
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

const good = `{"path": "PATH", "version": [3, 11, 7], "missing": []}`

func TestFind(t *testing.T) {
	tests := []struct{ name, answer, want string }{
		{"good", good, ""},
		{"old", `{"path": "p", "version": [3, 9, 0], "missing": []}`, "too old"},
		{"bare", `{"path": "p", "version": [3, 13, 0], "missing": ["venv", "ensurepip"]}`, "lacks venv and ensurepip"},
		{"silent", ``, "does not work"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(Variable, fake(t, tt.answer))
			p, err := Find(t.Context(), "")
			if tt.want == "" {
				if err != nil || p.Version != [3]int{3, 11, 7} {
					t.Fatalf("%v, %v", p, err)
				}
				return
			}
			var missing *NotFoundError
			if !errors.As(err, &missing) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestEnsure(t *testing.T) {
	base := fake(t, good)
	for _, name := range []string{"XDG_CACHE_HOME", "HOME"} {
		t.Setenv(name, t.TempDir())
	}
	requirements := filepath.Join(t.TempDir(), "requirements.txt")
	write := func(text string) {
		if err := os.WriteFile(requirements, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	spec := Spec{Python: Python{Path: base}, Requirements: requirements}

	write("good")
	env, err := Ensure(t.Context(), spec)
	if err != nil || !env.Fresh {
		t.Fatalf("first: %+v, %v", env, err)
	}
	again, err := Ensure(t.Context(), spec)
	if err != nil || again.Fresh || again.Dir != env.Dir {
		t.Fatalf("second: %+v, %v", again, err)
	}
	// An interrupted installation leaves no marker.
	if err := os.Remove(filepath.Join(env.Dir, marker)); err != nil {
		t.Fatal(err)
	}
	if again, err = Ensure(t.Context(), spec); err != nil || !again.Fresh {
		t.Fatalf("after an interruption: %+v, %v", again, err)
	}
	// The interpreter that the environment links to is gone.
	if err := os.Remove(env.Python); err != nil {
		t.Fatal(err)
	}
	if again, err = Ensure(t.Context(), spec); err != nil || !again.Fresh {
		t.Fatalf("without its interpreter: %+v, %v", again, err)
	}

	write("broken")
	env, err = Ensure(t.Context(), spec)
	if err == nil {
		t.Fatal("pip failed, and there is no error")
	}
	if _, err := os.Stat(env.Dir); !os.IsNotExist(err) {
		t.Errorf("the half-made environment is left: %v", err)
	}
}

func TestLockWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("nobody has it") })
	if err != nil {
		t.Fatal(err)
	}
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd", "windows":
	default:
		t.Skip("no locks here")
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("second lock: %v", err)
	}
	unlock()
	unlock, err = lock(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
