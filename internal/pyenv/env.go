package pyenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"ingot/internal/proc"
	"ingot/internal/userdir"
)

// Spec says which environment is wanted.
type Spec struct {
	Python       Python   // makes the environment if there is none yet
	Requirements string   // a pip requirement file, every requirement with its hashes
	PipArgs      []string // further arguments of pip install, such as another index
	// First, if not nil, returns a command that installs something before the requirements, into the environment of the given interpreter.
	First func(python string) []string
	Line  func(string) // gets the progress; may be nil
}

// Env is a complete virtual environment.
type Env struct {
	Dir    string // to delete it, delete this folder
	Python string // its interpreter
	Fresh  bool   // it was made by this call
}

// marker is the file in an environment's folder that is written last.
const marker = ".complete"

// Installing gets this much time. PyTorch is 3 GB to download on Linux.
const installLimit = 45 * time.Minute

// Dir returns the folder of the environment for a requirement file with this
// content: two files with the same content share it, whatever clone they are in.
func Dir(requirements []byte) (string, error) {
	sum := sha256.Sum256(requirements)
	return userdir.Cache("py-" + hex.EncodeToString(sum[:])[:16])
}

// Lookup returns the environment for s if it is complete and works.
func Lookup(ctx context.Context, s Spec) (Env, bool, error) {
	content, err := os.ReadFile(s.Requirements)
	if err != nil {
		return Env{}, false, err
	}
	dir, err := Dir(content)
	if err != nil {
		return Env{}, false, err
	}
	env := Env{Dir: dir, Python: Interpreter(dir)}
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil {
		return env, false, nil
	}
	// An upgrade of the system's Python can take away what the environment links to.
	_, err = ask(ctx, []string{env.Python})
	return env, err == nil, ctx.Err()
}

// Ensure returns the environment for s and makes it if need be. Only one
// process at a time works on an environment, the others wait for it; one whose
// installation was interrupted is made anew.
func Ensure(ctx context.Context, s Spec) (Env, error) {
	line := s.Line
	if line == nil {
		line = func(string) {}
	}
	env, ok, err := Lookup(ctx, s)
	if ok || err != nil {
		return env, err
	}
	if err := os.MkdirAll(filepath.Dir(env.Dir), 0o755); err != nil {
		return env, err
	}
	unlock, err := lock(ctx, env.Dir+".lock", func() { line("waiting for another run that makes " + env.Dir) })
	if err != nil {
		return env, err
	}
	defer unlock()
	if env, ok, err = Lookup(ctx, s); ok || err != nil {
		return env, err // made while we waited
	}
	env.Fresh = true
	return env, install(ctx, env, s, line)
}

func install(ctx context.Context, env Env, s Spec, line func(string)) error {
	if err := os.RemoveAll(env.Dir); err != nil {
		return err
	}
	run := func(limit time.Duration, args ...string) error {
		out, err := proc.Run(ctx, proc.Command{
			Args: args, Line: line, Limit: limit, Unset: clean,
			Env: []string{"PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1", "PIP_PROGRESS_BAR=off", "PYTHONUTF8=1", "PYTHONNOUSERSITE=1"},
		})
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}
	line("making a virtual environment in " + env.Dir)
	if err := run(5*time.Minute, s.Python.Path, "-m", "venv", env.Dir); err != nil {
		return fmt.Errorf("making a virtual environment with %v: %w", s.Python, err)
	}
	if s.First != nil {
		if err := run(installLimit, s.First(env.Python)...); err != nil {
			return errors.Join(err, os.RemoveAll(env.Dir))
		}
	}
	args := append([]string{env.Python, "-m", "pip", "install", "--require-hashes", "-r", s.Requirements}, s.PipArgs...)
	if err := run(installLimit, args...); err != nil {
		return errors.Join(fmt.Errorf("installing %s: %w", s.Requirements, err), os.RemoveAll(env.Dir))
	}
	return os.WriteFile(filepath.Join(env.Dir, marker), []byte(s.Python.String()+"\n"), 0o644)
}

// Interpreter is the path of the interpreter in an environment's folder.
func Interpreter(dir string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(dir, "Scripts", "python.exe")
	}
	return filepath.Join(dir, "bin", "python")
}

// lock takes the lock at path, trying again until ctx ends; waiting is called
// once when another process has it. The system frees the lock of a process that
// dies, so none is ever stale; the empty file stays.
func lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		ok, err := tryLock(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
		}
		if ok {
			return func() { _ = f.Close() }, nil
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
