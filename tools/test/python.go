package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"ingot/internal/proc"
	"ingot/internal/pyenv"
	"ingot/internal/suite"
)

// requirements pins everything that the Python side of the tests imports.
const requirements = "convert/requirements-test.txt"

func preparePython(ctx context.Context, w *workspace) result {
	spec := pyenv.Spec{Requirements: filepath.Join(w.root, filepath.FromSlash(requirements)), Line: w.screen.line}
	// An environment that is complete needs no other Python.
	env, ok, err := pyenv.Lookup(ctx, spec)
	if err == nil && !ok {
		if spec.Python, err = pyenv.Find(ctx, ""); err == nil {
			w.screen.line("installing " + requirements + " (a few GB, once)")
			env, err = pyenv.Ensure(ctx, spec)
		}
	}
	if err != nil {
		return failed(err.Error(), "")
	}
	w.python = env.Python
	if env.Fresh {
		return passed("made " + env.Dir + "; to get rid of it, delete that folder")
	}
	return passed("reused " + env.Dir)
}

func prepareSuite(ctx context.Context, w *workspace) result {
	dir, err := suite.Prepare(ctx, w.python, w.screen.line)
	if err != nil {
		return failed(err.Error(), "")
	}
	return passed(dir)
}

// script runs a Python program of the repository in the environment.
func (w *workspace) script(args ...string) proc.Command {
	return proc.Command{
		Args:  append([]string{w.python}, args...),
		Env:   []string{"PYTHONDONTWRITEBYTECODE=1", "PYTHONNOUSERSITE=1", "PYTHONUTF8=1", "PYTHONUNBUFFERED=1"},
		Unset: []string{"PYTHONPATH", "PYTHONHOME"},
	}
}

func checkSchema(ctx context.Context, w *workspace) result {
	return w.command(ctx, w.script("tools/schema/dump.py", "--check"))
}

func testPython(ctx context.Context, w *workspace) result {
	c := w.script("-m", "pytest", "-v", "-rsxX", "--color=no", "-p", "no:cacheprovider", "convert", "npy/tests")
	c.Limit = 25 * time.Minute
	out, err := w.exec(ctx, c)
	return pytestResult(string(out), err)
}

// convertDigits takes the way of a newcomer: PyTorch file in, verified ONNX file
// out, which then has to equal the committed one.
func convertDigits(ctx context.Context, w *workspace) result {
	ingot, r := w.buildCLI(ctx)
	if r.failed > 0 {
		return r
	}
	target := filepath.Join(w.temp, "digits.onnx")
	for _, args := range [][]string{
		{ingot, "convert", "testdata/digits/digits.pt", "-o", target, "--python", w.python},
		{ingot, "compare", target, "testdata/digits/digits.onnx"},
	} {
		if r := w.command(ctx, proc.Command{Args: args, Limit: 5 * time.Minute}); r.failed > 0 {
			return r
		}
	}
	return passed()
}

// buildCLI builds the command line as users get it.
func (w *workspace) buildCLI(ctx context.Context) (path string, r result) {
	path = filepath.Join(w.temp, "ingot")
	if os.PathSeparator == '\\' {
		path += ".exe"
	}
	return path, w.command(ctx, proc.Command{Args: []string{"go", "build", "-o", path, "./cmd/ingot"}, Limit: 5 * time.Minute})
}
