package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/npy"
	"ingot/tensor"
)

// newCase writes a case in the ONNX suite's layout.
func newCase(t *testing.T, dir string, m model, in, out []float32) string {
	t.Helper()
	m.write(t, filepath.Join(dir, "model.onnx"))
	for name, x := range map[string]*tensor.Tensor{"input_0.pb": tensor.Of(in, 1, len(in)), "output_0.pb": tensor.Of(out, 1, len(out))} {
		b, err := onnxpb.EncodeTensor(x, name)
		if err != nil {
			t.Fatal(err)
		}
		set := filepath.Join(dir, "test_data_set_0")
		if err := os.MkdirAll(set, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(set, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newIndexCase writes a case in our layout.
func newIndexCase(t *testing.T, dir, index string, in, out []float32) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]*tensor.Tensor{"in.npy": tensor.Of(in, 1, len(in)), "out.npy": tensor.Of(out, 1, len(out))} {
		if err := npy.WriteFile(filepath.Join(dir, name), x); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(index), 0o644); err != nil {
		t.Fatal(err)
	}
}

// misbehaviours are what a child does that meets a case of that name: what a faulty kernel may do to a process.
var misbehaviours = map[string]func(){
	"crash":  func() { go func() { panic("a kernel's fault") }(); time.Sleep(time.Minute) },
	"exit":   func() { os.Exit(9) },
	"hang":   func() { time.Sleep(time.Minute) },
	"memory": takeMemory,
}

// takeMemory allocates until something ends it.
func takeMemory() {
	var held [][]byte
	for {
		b := make([]byte, 16<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
		if len(held) > 256 { // 4 GiB: nothing watches
			os.Exit(8)
		}
		time.Sleep(time.Millisecond)
	}
}

// misbehave makes a child of a test do something bad when it comes to a case of such a name.
func misbehave() {
	beforeCase = func(name string) {
		if f := misbehaviours[filepath.Base(name)]; f != nil {
			f()
		}
	}
}

func TestTest(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	in, out := []float32{1, 2, 3, 4}, []float32{2, 4, 6, 8}
	newCase(t, at("suite/good"), doubling(), in, out)
	newCase(t, at("suite/wrong"), doubling(), in, []float32{2, 4, 6, 9})
	newCase(t, at("suite/missing"), unsupported(), in, out)
	newCase(t, at("suite/shape"), doubling(), in, []float32{2, 4})
	newIndexCase(t, at("ours/loose"), `{"model":"../../suite/good/model.onnx","inputs":[{"name":"x","file":"in.npy"}],"outputs":[{"name":"y","file":"out.npy"}],"rtol":0.5}`, in, []float32{2, 4, 6, 9})
	r := runCLI(t, "test", dir)
	r.want(t, ExitDiffers, "\n2 passed, 3 failed, 0 skipped\n", "")
	for _, want := range []string{"FAIL     1  unsupported operator strange.Frobnicate", "FAIL     1  values differ", "FAIL     1  shape differs", "suite/wrong"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is missing in\n%s", want, r.out)
		}
	}
	runCLI(t, "test", dir, "--filter", "good|loose").want(t, 0, "2 passed, 0 failed, 0 skipped\n", "")
	runCLI(t, "test", dir, "--filter", "good", "--bits", "--no-optimize", "--jobs", "1", "--threads", "2").want(t, 0, "1 passed", "")
	runCLI(t, "test", dir, "--filter", "loose|wrong", "--rtol", "0.2").want(t, 0, "2 passed, 0 failed, 0 skipped\n", "")
	runCLI(t, "test", dir, "--filter", "loose", "--rtol", "0").want(t, ExitDiffers, "0 passed, 1 failed, 0 skipped\n", "")
	runCLI(t, "test", dir, "--filter", "wrong", "--atol", "1").want(t, 0, "1 passed", "")
	runCLI(t, "test", dir, "-v").want(t, ExitDiffers, `suite/wrong: output "y": values: 1 of 4 elements differ`, "")

	skips := writeTemp(t, "skips.txt", "# why\nsuite/wrong  is wrong\nsuite/missing nobody knows it\nsuite/shape no\nsuite/gone no longer there\n")
	runCLI(t, "test", dir, "--skip-file", skips).want(t, 0, "2 passed, 0 failed, 3 skipped\n", `"suite/gone", which isn't there`)
	runCLI(t, "test", dir, "--skip-file", writeTemp(t, "s", "suite/wrong\n")).want(t, 2, "", "without a reason")
	runCLI(t, "test", at("nowhere")).want(t, 2, "", "no such file")
	runCLI(t, "test", t.TempDir()).want(t, 2, "", "no cases")
	runCLI(t, "test", dir, "--filter", "(").want(t, 2, "", "--filter")
	runCLI(t, "test", dir, "--jobs", "0").want(t, 2, "", "--jobs")

	var doc testJSON
	runCLI(t, "test", dir, "--json").want(t, ExitDiffers, "", "").decode(t, &doc)
	if doc.Schema != "ingot.test/1" || doc.Passed != 2 || doc.Failed != 3 || len(doc.Cases) != 5 || len(doc.Failures) != 3 {
		t.Errorf("%+v", doc)
	}
}

// TestTestBroken: a case that can't be read fails alone, and says why.
func TestTestBroken(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	in, out := []float32{1, 2, 3, 4}, []float32{2, 4, 6, 8}
	newCase(t, at("good"), doubling(), in, out)
	newIndexCase(t, at("syntax"), `{`, in, out)
	newIndexCase(t, at("nothing"), `{}`, in, out)
	newIndexCase(t, at("astray"), `{"model":"../gone/model.onnx","inputs":[{"name":"x","file":"in.npy"}],"outputs":[{"name":"y","file":"out.npy"}]}`, in, out)
	newCase(t, at("modelless"), doubling(), in, out)
	if err := os.Remove(filepath.Join(dir, "modelless", "model.onnx")); err != nil {
		t.Fatal(err)
	}
	r := runCLI(t, "test", dir, "-v").want(t, ExitDiffers, "\n1 passed, 4 failed, 0 skipped\n", "")
	for _, want := range []string{"syntax: ", "nothing: ", "modelless: ", "astray: " + filepath.Join(dir, "gone", "model.onnx") + ": no such file"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is missing in\n%s", want, r.out)
		}
	}
	// The reason may follow a tab or a colon.
	skips := writeTemp(t, "skips.txt", "syntax\tisn't JSON\nnothing: is empty\nastray  a\nmodelless b\n")
	runCLI(t, "test", dir, "--skip-file", skips).want(t, 0, "1 passed, 0 failed, 4 skipped\n", "")
	runCLI(t, "test", dir, "--filter", "nowhere").want(t, 2, "", `none of the 5 cases has a name that "nowhere" matches`)
}

// TestTestSurvives: a case that crashes, ends or hangs its process, or takes all memory, fails alone.
func TestTestSurvives(t *testing.T) {
	dir := t.TempDir()
	in, out := []float32{1, 2, 3, 4}, []float32{2, 4, 6, 8}
	for _, name := range []string{"a", "crash", "d", "exit", "g", "hang", "i", "memory", "z"} {
		newCase(t, filepath.Join(dir, name), doubling(), in, out)
	}
	args := []string{"test", dir, "--timeout", "3s", "--json"}
	want := map[string]string{"crash": "crashed: panic: a kernel's fault", "exit": "crashed", "hang": "timeout"}
	if now, _ := resident(os.Getpid()); now == 0 || isOther() {
		args = append(args, "--filter", "^([adgiz]|crash|exit|hang)$") // no way to watch another process's memory
	} else {
		args = append(args, "--memory-limit", "300MB")
		want["memory"] = "memory limit"
	}
	var doc testJSON
	runCLI(t, args...).want(t, ExitDiffers, "", "").decode(t, &doc)
	if doc.Passed != 5 || doc.Failed != len(want) {
		t.Errorf("%d passed, %d failed", doc.Passed, doc.Failed)
	}
	for _, c := range doc.Cases {
		if c.Reason != want[c.Name] {
			t.Errorf("%s: %q, want %q (%s)", c.Name, c.Reason, want[c.Name], c.Detail)
		}
	}
}

// isOther reports whether this system doesn't tell about other processes.
func isOther() bool {
	now, _ := resident(os.Getppid())
	return now == 0
}

// TestReason: failures are grouped by what they have in common, without names and numbers.
func TestReason(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{fmt.Errorf(`output "y": %w`, fmt.Errorf("values: 3 of 12 elements differ")), "values differ from what is expected"},
		{fmt.Errorf(`output "y": shape: want [1], got [2]`), "shape differs from what is expected"},
		{fmt.Errorf(`output "y": %w`, errBits), errBits.Error()},
		{fmt.Errorf(`nothing computes "/a/b_12" at 3.5e-7`), `nothing computes "…" at N`},
		{&loader.FormatError{Msg: "the tensor has 65 dimensions", Offset: 12}, "model file: the tensor has N dimensions"},
	}
	for _, tt := range tests {
		if got := reason(tt.err); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestTestInterrupted(t *testing.T) {
	dir := t.TempDir()
	newCase(t, filepath.Join(dir, "hang"), doubling(), []float32{1, 2, 3, 4}, []float32{2, 4, 6, 8})
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(200*time.Millisecond, func() { cancel(ErrInterrupted) })
	runIn(t, ctx, nil, "", "test", dir).want(t, ExitInterrupted, "", "interrupted")
}
