package cli

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/term"

	"ingot/convert"
	"ingot/internal/proc"
	"ingot/internal/pyenv"
	"ingot/internal/userdir"
)

// pythonFlags say which Python converts.
type pythonFlags struct {
	python string
	yes    bool
	index  string
}

// indexVariable names the environment variable with the address of a package index that has PyTorch for CPUs only.
const indexVariable = "INGOT_TORCH_INDEX"

// converter is a Python with all that the conversion tool needs.
type converter struct {
	python string
	tool   string // folder with the package ingot_convert
	env    string // folder of the environment, when it is one that ingot made
}

// pythonProbe prints which of the tool's dependencies an interpreter lacks, without importing them.
const pythonProbe = `import importlib.util, json, sys
need = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy", "safetensors")
print(json.dumps({"version": list(sys.version_info[:2]), "missing": [m for m in need if importlib.util.find_spec(m) is None]}))`

type probed struct {
	Version [2]int   `json:"version"`
	Missing []string `json:"missing"`
}

// probe asks an interpreter what it lacks.
func probe(ctx context.Context, python string) (probed, error) {
	var p probed
	var out strings.Builder
	if _, err := proc.Run(ctx, proc.Command{Args: []string{python, "-c", pythonProbe}, Limit: time.Minute, Stdout: &out}); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(out.String()), &p); err != nil {
		return p, fmt.Errorf("it answered %q", out.String())
	}
	if p.Version[0] != 3 || p.Version[1] < pyenv.MinMinor {
		return p, fmt.Errorf("it is Python %d.%d, and 3.%d or newer is needed", p.Version[0], p.Version[1], pyenv.MinMinor)
	}
	return p, nil
}

// findConverter finds a Python with PyTorch, or makes an environment with one.
func (f *pythonFlags) findConverter(ctx context.Context, a *app) (*converter, error) {
	tool, err := extractTool()
	if err != nil {
		return nil, err
	}
	chosen := f.python
	if chosen == "" {
		chosen = a.getenv(pyenv.Variable)
	}
	if chosen != "" {
		p, err := probe(ctx, chosen)
		switch {
		case err != nil:
			return nil, explainPython(ctx, chosen, err)
		case len(p.Missing) == 0:
			return &converter{python: chosen, tool: tool}, nil
		case f.python != "":
			return nil, usage("%s lacks %s", chosen, strings.Join(p.Missing, ", ")).withHint(
				"%s -m pip install %s; or leave out --python, and ingot makes an environment of its own", chosen, strings.Join(p.Missing, " "))
		}
	}
	for _, python := range a.candidates() {
		p, err := probe(ctx, python)
		if ctx.Err() != nil {
			return nil, ctxError(ctx)
		}
		if err == nil && len(p.Missing) == 0 {
			return &converter{python: python, tool: tool}, nil
		}
		if err == nil && p.Missing[0] != "torch" {
			a.note("%s has PyTorch, but lacks %s", python, strings.Join(p.Missing, ", "))
		}
	}
	return f.ownEnvironment(ctx, a, tool)
}

func explainPython(ctx context.Context, python string, err error) error {
	if cause := ctxError(ctx); cause != nil {
		return cause
	}
	var failure *proc.Error
	if errors.As(err, &failure) && failure.Missing {
		return usage("there is no Python at %s", python)
	}
	return usage("%s can't be used: %v", python, err)
}

// candidates are interpreters that a user may have put PyTorch into.
func (a *app) candidates() []string {
	var list []string
	if env := a.getenv("VIRTUAL_ENV"); env != "" {
		list = append(list, pyenv.Interpreter(env))
	}
	return append(list, "python3", "python")
}

// ownEnvironment returns an environment from the user's cache folder, made if the user agrees.
func (f *pythonFlags) ownEnvironment(ctx context.Context, a *app, tool string) (*converter, error) {
	var specs []pyenv.Spec
	if first := f.cpuOnly(a, tool); first != nil {
		specs = append(specs, pyenv.Spec{Requirements: filepath.Join(tool, cpuRequirements), First: first, Line: a.installLine})
	}
	specs = append(specs, pyenv.Spec{Requirements: filepath.Join(tool, requirements), Line: a.installLine})
	for _, s := range []string{cpuRequirements, requirements} { // whichever was made before
		env, ok, err := pyenv.Lookup(ctx, pyenv.Spec{Requirements: filepath.Join(tool, s)})
		if err != nil {
			return nil, err
		}
		if ok {
			return &converter{env.Python, tool, env.Dir}, nil
		}
	}
	if python, dir := otherEnvironment(ctx); python != "" {
		return &converter{python, tool, dir}, nil
	}
	dir, _, err := pyenv.Lookup(ctx, specs[0])
	if err != nil {
		return nil, err
	}
	if err := f.agree(a, dir.Dir, len(specs) > 1); err != nil {
		return nil, err
	}
	base, err := pyenv.Find(ctx, "")
	if err != nil {
		var missing *pyenv.NotFoundError
		if errors.As(err, &missing) {
			return nil, usage("%v", err)
		}
		return nil, err
	}
	for i, s := range specs {
		s.Python = base
		env, err := pyenv.Ensure(ctx, s)
		a.live.wipe()
		switch {
		case err == nil:
			a.note("made an environment with PyTorch in %s; to get rid of it, delete that folder", env.Dir)
			return &converter{env.Python, tool, env.Dir}, nil
		case ctx.Err() != nil:
			return nil, ctxError(ctx)
		case i == len(specs)-1:
			return nil, &failure{code: ExitFailed, what: "PyTorch can't be installed", err: err, hint: "--python names an interpreter that has it"}
		}
		a.warn("PyTorch for CPUs only can't be installed, so the ordinary one is: %s", firstLine(err.Error()))
	}
	return nil, nil
}

// otherEnvironment finds an environment of ingot's that was made for other requirements but has all there is need for, the newest one.
func otherEnvironment(ctx context.Context) (python, dir string) {
	cache, err := userdir.Cache()
	if err != nil {
		return "", ""
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		return "", ""
	}
	var newest time.Time
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || !strings.HasPrefix(e.Name(), "py-") || !info.ModTime().After(newest) {
			continue
		}
		env := filepath.Join(cache, e.Name())
		if p, err := probe(ctx, pyenv.Interpreter(env)); err == nil && len(p.Missing) == 0 {
			python, dir, newest = pyenv.Interpreter(env), env, info.ModTime()
		}
	}
	return python, dir
}

func (a *app) installLine(line string) { a.live.set("installing PyTorch: %s", line) }

// agree asks before gigabytes are downloaded.
func (f *pythonFlags) agree(a *app, dir string, small bool) error {
	size := "about 5.5 GB on Linux, 1 GB elsewhere"
	if small {
		size = "about 1 GB"
	}
	what := fmt.Sprintf("no Python with PyTorch was found; ingot can make an environment for it in %s (%s)", dir, size)
	if f.yes {
		a.note("making an environment with PyTorch in %s (%s)", dir, size)
		return nil
	}
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) || !a.err.terminal {
		return usage("%s", what).withHint("add --yes to let it, or name an interpreter that has PyTorch with --python")
	}
	fmt.Fprintf(a.err, "%s.\nMake it? [Y/n] ", what)
	answer, err := bufio.NewReader(in).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	if err != nil || answer != "" && answer != "y" && answer != "yes" {
		return usage("nothing was installed").withHint("--python names an interpreter that has PyTorch")
	}
	return nil
}

// cpuOnly returns the command that installs PyTorch without its gigabytes for GPUs: from the index that the user named, or with uv, which knows
// where that is. It returns nil where there is no such way, or no need, as PyTorch is for CPUs anyway.
func (f *pythonFlags) cpuOnly(a *app, tool string) func(python string) []string {
	list := filepath.Join(tool, torchRequirements)
	index := f.index
	if index == "" {
		index = a.getenv(indexVariable)
	}
	if index != "" {
		return func(python string) []string {
			return []string{python, "-m", "pip", "install", "--no-deps", "--index-url", index, "-r", list}
		}
	}
	if runtime.GOOS != "linux" {
		return nil
	}
	uv, err := exec.LookPath("uv")
	if err != nil {
		return nil
	}
	return func(python string) []string {
		return []string{uv, "pip", "install", "--python", python, "--no-deps", "--torch-backend=cpu", "-r", list}
	}
}

// Files beside the package in the tool's folder. The pinned requirements are split for installations where PyTorch comes from elsewhere: its
// wheels there have other hashes, and need none of the packages for GPUs.
const (
	requirements      = "requirements.txt"
	cpuRequirements   = "requirements-cpu.txt"
	torchRequirements = "requirements-torch.txt"
)

// extractTool writes the conversion tool into the user's cache folder, once for each version of it, and returns its folder.
func extractTool() (string, error) {
	files := map[string][]byte{}
	h := sha256.New()
	err := fs.WalkDir(convert.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := convert.Files.ReadFile(name)
		files[name] = b
		fmt.Fprintf(h, "%s %d\n", name, len(b))
		h.Write(b)
		return err
	})
	if err != nil {
		return "", err
	}
	files[cpuRequirements], files[torchRequirements] = splitRequirements(files[requirements])
	dir, err := userdir.Cache("convert-" + hex.EncodeToString(h.Sum(nil))[:16])
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, writeFolder(dir, files)
}

// writeFolder makes a folder with files, all of them or none.
func writeFolder(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return writing(err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".new-")
	if err != nil {
		return writing(err)
	}
	defer os.RemoveAll(temp)
	for name, b := range files {
		path := filepath.Join(temp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return writing(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return writing(err)
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return writing(err)
	}
	if err := os.Rename(temp, dir); err != nil && !isFolder(dir) { // another run may have been quicker
		return writing(err)
	}
	return nil
}

// splitRequirements divides pinned requirements: those that PyTorch for CPUs needs as well, hashes and all, and PyTorch itself without them.
func splitRequirements(all []byte) (cpu, torch []byte) {
	name := ""
	for line := range strings.Lines(string(all)) {
		if line[0] != ' ' && line[0] != '#' { // a requirement; its hashes follow, indented
			name, _, _ = strings.Cut(line, "==")
		}
		switch {
		case name == "torch":
			if line[0] != ' ' {
				torch = append(torch, strings.TrimRight(strings.TrimSpace(line), "\\ ")+"\n"...)
			}
		case name == "triton", strings.HasPrefix(name, "nvidia-"), strings.HasPrefix(name, "cuda-"):
		default:
			cpu = append(cpu, line...)
		}
	}
	return cpu, torch
}
