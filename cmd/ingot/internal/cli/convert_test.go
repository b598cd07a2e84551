package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ingot/convert"
	"ingot/internal/onnxpb"
	"ingot/internal/pyenv"
	"ingot/loader"
	"ingot/tensor"
)

// pretendPython is what the test binary does as a Python interpreter: it knows the two programs that ingot convert starts. The environment variable
// says how it is: "good", or "bare" without PyTorch.
func pretendPython(args []string) int {
	if os.Getenv(fakePython) == "maker" { // of environments; those have PyTorch
		if code, done := pretendMaker(args); done {
			return code
		}
	}
	if len(args) > 1 && args[0] == "-c" {
		missing := []string{}
		if os.Getenv(fakePython) == "bare" {
			missing = []string{"torch", "onnx"}
		}
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"version": []int{3, 12}, "missing": missing})
		return 0
	}
	if len(args) < 3 || args[0] != "-m" || args[1] != "ingot_convert" || !isFolder(filepath.Join(os.Getenv("PYTHONPATH"), "ingot_convert")) {
		fmt.Fprintln(os.Stderr, "Traceback: no such module")
		return 1
	}
	return pretendConvert(args[2], args[3:])
}

// pretendMaker makes environments: links to itself in folders that begin with py-. It notes what pip is asked for.
func pretendMaker(args []string) (code int, done bool) {
	inside := strings.Contains(os.Args[0], string(filepath.Separator)+"py-")
	switch {
	case len(args) > 1 && args[0] == "-c" && strings.Contains(args[1], "ensurepip"):
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"path": os.Args[0], "version": []int{3, 12, 1}, "missing": []string{}})
		return 0, true
	case len(args) > 1 && args[0] == "-c" && !inside:
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"version": []int{3, 12}, "missing": []string{"torch"}})
		return 0, true
	case len(args) > 2 && args[1] == "venv":
		python := pyenv.Interpreter(args[2])
		exe, err := os.Executable()
		if err != nil || os.MkdirAll(filepath.Dir(python), 0o755) != nil || os.Symlink(exe, python) != nil {
			return 1, true
		}
		return 0, true
	case len(args) > 2 && args[1] == "pip":
		f, err := os.OpenFile(os.Getenv(pipLog), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return 1, true
		}
		defer f.Close()
		fmt.Fprintln(f, strings.Join(args[2:], " "))
		if slices.Contains(args, "http://unreachable.invalid/") {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// pipLog names the file that the pretended pip notes its arguments in.
const pipLog = "INGOT_TEST_PIP_LOG"

// pretendConvert does what the source file says in one word, and notes its arguments beside it.
func pretendConvert(source string, args []string) int {
	event := func(v map[string]any) { _ = json.NewEncoder(os.Stderr).Encode(v) }
	b, err := os.ReadFile(source)
	if err != nil {
		return 2
	}
	if f, err := os.OpenFile(source+".args", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
		fmt.Fprintln(f, strings.Join(args, " "))
		f.Close()
	}
	event(map[string]any{"event": "stage", "name": "load", "text": "loading"})
	word := strings.TrimSpace(string(b))
	needsInput := word == "inputs" && !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--input=") })
	switch {
	case needsInput:
		event(map[string]any{"event": "error", "exit": 2, "what": "Sizes are not stored.", "why": "TorchScript keeps none.", "next": "See: python -m ingot_convert --help"})
		return 2
	case word == "differs":
		event(map[string]any{"event": "error", "exit": 3, "what": "It doesn't compute the same.", "why": "", "next": ""})
		return 3
	case word == "dies":
		fmt.Fprintln(os.Stderr, "Illegal instruction, perhaps")
		return 7
	case word == "hangs":
		time.Sleep(time.Minute)
	}
	out := args[slices.Index(args, "-o")+1]
	model, err := onnxpb.Encode(&loader.Model{IRVersion: 9, Opsets: []loader.OpsetImport{{Version: 20}}, Graph: &loader.Graph{
		Name:    "g",
		Inputs:  []*loader.ValueInfo{onnxpb.Value("x", tensor.Float32, "batch", 4)},
		Outputs: []*loader.ValueInfo{onnxpb.Value("y", tensor.Float32, "batch", 4)},
		Nodes:   []*loader.Node{onnxpb.Node("Neg", []string{"x"}, []string{"y"})},
	}})
	if err != nil || os.WriteFile(out, model, 0o644) != nil {
		return 1
	}
	event(map[string]any{"event": "warning", "text": "one size is fixed"})
	fmt.Println("OUTPUT  DTYPE    SHAPE      MAX ABS  MAX REL  OK\ny       float32  [batch,4]  0        0        ok")
	event(map[string]any{"event": "done", "output": out})
	return 0
}

// withPython makes this test binary the only Python, and the cache folder an empty one.
func withPython(t *testing.T, kind string) (python string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(fakePython, kind)
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	t.Setenv("LocalAppData", cache)
	t.Setenv("PATH", t.TempDir())
	return exe
}

func torchFile(t *testing.T, word string) string {
	t.Helper()
	return writeTemp(t, "net.pt", word)
}

func TestConvert(t *testing.T) {
	python := withPython(t, "good")
	source := torchFile(t, "good")
	out := filepath.Join(t.TempDir(), "model.onnx")
	r := runCLI(t, "convert", source, "-o", out, "--python", python, "-i", "x=float32[batch:2,4]", "--trust", "--opset", "18", "--code", "a.py", "--code", "b.py")
	r.want(t, 0, "MAX ABS", "warning: one size is fixed").want(t, 0, "", "wrote "+out)
	args, err := os.ReadFile(source + ".args")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-o " + out, "--input=x=float32[batch:2,4]", "--trust", "--opset=18", "--code=a.py", "--code=b.py", "--progress=json"} {
		if !strings.Contains(string(args), want) {
			t.Errorf("the tool wasn't given %q, but %s", want, args)
		}
	}
	if strings.Contains(string(args), "--seed") {
		t.Errorf("the tool was given what nobody asked for: %s", args)
	}
	runCLI(t, "run", out, "-i", "x=1,2,3,4").want(t, 0, "-1 -2 -3 -4", "")
}

// TestConvertExitCodes: the tool's exit codes are ours, and so are its words.
func TestConvertExitCodes(t *testing.T) {
	python := withPython(t, "good")
	out := filepath.Join(t.TempDir(), "model.onnx")
	tests := []struct {
		word string
		code int
		err  string
	}{
		{"inputs", 2, "error: Sizes are not stored.\n  TorchScript keeps none.\n  hint: See: ingot convert --help\n"},
		{"differs", 3, "error: It doesn't compute the same.\n"},
		{"dies", 7, "Illegal instruction, perhaps"},
	}
	for _, tt := range tests {
		runCLI(t, "convert", torchFile(t, tt.word), "-o", out, "--python", python).want(t, tt.code, "", tt.err)
	}
	runCLI(t, "convert", "no.pt", "--python", python).want(t, 2, "", "no such file")
	runCLI(t, "convert", torchFile(t, "good"), "-o", "no/such/folder/m.onnx", "--python", python).want(t, 2, "", "there is no folder")
	runCLI(t, "convert", torchFile(t, "good"), "--python", "no-such-python").want(t, 2, "", "there is no Python at no-such-python")
	if exists(out) {
		t.Error("a failed conversion left its output")
	}
}

func TestConvertInterrupted(t *testing.T) {
	python := withPython(t, "good")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(500*time.Millisecond, func() { cancel(ErrInterrupted) })
	dir := t.TempDir()
	runIn(t, ctx, nil, "", "convert", torchFile(t, "hangs"), "-o", filepath.Join(dir, "m.onnx"), "--python", python).want(t, ExitInterrupted, "", "interrupted")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("files are left: %v, %v", entries, err)
	}
}

// TestConvertWithoutTorch: no gigabytes are downloaded unasked, and the message says what to type.
func TestConvertWithoutTorch(t *testing.T) {
	python := withPython(t, "bare")
	source := torchFile(t, "good")
	runCLI(t, "convert", source, "--python", python).want(t, 2, "", "lacks torch, onnx")
	runCLI(t, "convert", source).want(t, 2, "", "add --yes to let it, or name an interpreter that has PyTorch with --python")
	env := filepath.Join(t.TempDir(), "venv")
	if err := os.MkdirAll(filepath.Dir(pyenv.Interpreter(env)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(python, pyenv.Interpreter(env)); err != nil {
		t.Skip(err)
	}
	t.Setenv(fakePython, "good")
	out := filepath.Join(t.TempDir(), "m.onnx")
	runIn(t, context.Background(), map[string]string{"VIRTUAL_ENV": env}, "", "convert", source, "-o", out).want(t, 0, "MAX ABS", "")
}

// TestConvertMakesEnvironment: with --yes an environment is made, once; PyTorch comes from the index for CPUs where that can be reached.
func TestConvertMakesEnvironment(t *testing.T) {
	tests := []struct {
		name, index string
		installs    []string // what pip is asked for, in order
		warning     string
	}{
		{"plain", "", []string{"--require-hashes -r …requirements.txt"}, ""},
		{"cpu", "http://index.invalid/", []string{"--no-deps --index-url http://index.invalid/ -r …requirements-torch.txt", "--require-hashes -r …requirements-cpu.txt"}, ""},
		{"unreachable", "http://unreachable.invalid/", []string{"--no-deps --index-url http://unreachable.invalid/ -r …requirements-torch.txt", "--require-hashes -r …requirements.txt"},
			"PyTorch for CPUs only can't be installed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			python := withPython(t, "maker")
			log := filepath.Join(t.TempDir(), "pip.log")
			t.Setenv(pipLog, log)
			if err := os.Symlink(python, filepath.Join(os.Getenv("PATH"), "python3")); err != nil {
				t.Skip(err)
			}
			source, out := torchFile(t, "good"), filepath.Join(t.TempDir(), "m.onnx")
			args := []string{"convert", source, "-o", out, "--yes"}
			if tt.index != "" {
				args = append(args, "--index-url", tt.index)
			}
			r := runCLI(t, args...).want(t, 0, "MAX ABS", tt.warning)
			if !strings.Contains(r.err, "made an environment with PyTorch in ") || !strings.Contains(r.err, "delete that folder") {
				t.Errorf("nobody learns where the environment is: %s", r.err)
			}
			got := installs(t, log)
			if !slices.Equal(got, tt.installs) {
				t.Errorf("pip was asked for %q, want %q", got, tt.installs)
			}
			runCLI(t, args...).want(t, 0, "MAX ABS", "")
			if again := installs(t, log); len(again) != len(got) {
				t.Errorf("the second conversion installs again: %q", again)
			}
		})
	}
}

// installs reads what pip was asked for, without the folders.
func installs(t *testing.T, log string) []string {
	t.Helper()
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		for i, w := range words {
			if strings.HasSuffix(w, ".txt") {
				words[i] = "…" + filepath.Base(w)
			}
		}
		list = append(list, strings.Join(words[1:], " "))
	}
	return list
}

// TestRunTorchFile: a PyTorch file runs as it is; it is converted once, and again with other options.
func TestRunTorchFile(t *testing.T) {
	python := withPython(t, "good")
	source := torchFile(t, "good")
	args := []string{"run", source, "-i", "x=1,2,3,4", "--python", python}
	r := runCLI(t, args...).want(t, 0, "-1 -2 -3 -4", "converting")
	if strings.Contains(r.out, "MAX ABS") {
		t.Errorf("the converter's table is in the result:\n%s", r.out)
	}
	if r := runCLI(t, args...).want(t, 0, "-1 -2 -3 -4", ""); r.err != "" {
		t.Errorf("converted again: %s", r.err)
	}
	runCLI(t, append(args, "--convert", "--opset 18")...).want(t, 0, "-1 -2 -3 -4", "converting")
	runCLI(t, append(args, "--convert", "'--opset")...).want(t, 2, "", "a quote isn't closed")
	runCLI(t, "run", doubling().file(t), "--convert", "--opset 18").want(t, 2, "", "--convert is for PyTorch files")
	// Where the file doesn't say what it takes, the run's inputs are the example.
	source = torchFile(t, "inputs")
	runCLI(t, "run", source, "-i", "x=rand[1,4]", "--python", python).want(t, 0, "OUTPUT", "")
	if b, err := os.ReadFile(source + ".args"); err != nil || !bytes.Contains(b, []byte("--input=x=float32[1,4]")) {
		t.Errorf("%s %v", b, err)
	}
	runCLI(t, "run", torchFile(t, "inputs"), "-i", "x=1,2,3,4", "--python", python).want(t, 2, "", "Sizes are not stored")
}

func TestSplitWords(t *testing.T) {
	got, err := splitWords(`--factory 'net.py:build({"a": 1})' --trust  --key "" -x"y z"`)
	want := []string{"--factory", `net.py:build({"a": 1})`, "--trust", "--key", "", "-xy z"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v", got, err)
	}
}

// TestSplitRequirements: the requirements for CPUs have everything but PyTorch and what only GPUs need.
func TestSplitRequirements(t *testing.T) {
	all, err := convert.Files.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	cpu, torch := splitRequirements(all)
	for line := range strings.Lines(string(torch)) {
		if !strings.HasPrefix(line, "torch==") || strings.Contains(line, "hash") || strings.Contains(line, `\`) {
			t.Errorf("PyTorch's requirement is %q", line)
		}
	}
	if len(torch) == 0 {
		t.Error("PyTorch isn't required")
	}
	for _, without := range []string{"\ntorch==", "\nnvidia-", "\ntriton==", "\ncuda-"} {
		if strings.Contains(string(cpu), without) {
			t.Errorf("%q is required for CPUs", without)
		}
	}
	for _, with := range []string{"\nonnx==", "\nonnxruntime==", "\nnumpy==", "\nsympy==", "--hash="} {
		if !strings.Contains(string(cpu), with) {
			t.Errorf("%q isn't required for CPUs", with)
		}
	}
}
