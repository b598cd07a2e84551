package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// fakePython makes the test binary answer as a Python interpreter; see convert_test.go.
const fakePython = "INGOT_TEST_FAKE_PYTHON"

// TestMain lets the test binary be what ingot test and ingot convert start: a child that runs cases, and a Python.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == casesVerb:
		misbehave()
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
	case os.Getenv(fakePython) != "":
		os.Exit(pretendPython(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// result is what a command did.
type result struct {
	code     int
	out, err string
}

// ingot runs a command with an empty environment.
func runCLI(t *testing.T, args ...string) result {
	t.Helper()
	return runIn(t, context.Background(), nil, "", args...)
}

func runIn(t *testing.T, ctx context.Context, env map[string]string, stdin string, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	code := Main(ctx, args, strings.NewReader(stdin), &out, &err, func(name string) string { return env[name] })
	return result{code, out.String(), err.String()}
}

// want checks the exit code, and that the outputs hold some text.
func (r result) want(t *testing.T, code int, out, err string) result {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	if !strings.Contains(r.out, out) {
		t.Errorf("standard output lacks %q", out)
	}
	if !strings.Contains(r.err, err) {
		t.Errorf("standard error lacks %q", err)
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", r.out, r.err)
	}
	return r
}

// decode reads the JSON result.
func (r result) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.out), v); err != nil {
		t.Fatalf("%v in:\n%s", err, r.out)
	}
}

// model is a small model, by its parts.
type model struct {
	in, out  []*loader.ValueInfo
	nodes    []*loader.Node
	weights  []*loader.Initializer
	metadata loader.Props
	opset    int64
}

// file writes the model into a temporary folder and returns its path.
func (m model) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	m.write(t, path)
	return path
}

func (m model) write(t *testing.T, path string) {
	t.Helper()
	if m.opset == 0 {
		m.opset = 20
	}
	b, err := onnxpb.Encode(&loader.Model{
		IRVersion: 9, ProducerName: "test", Opsets: []loader.OpsetImport{{Version: m.opset}, {Domain: "strange", Version: 1}}, Metadata: m.metadata,
		Graph: &loader.Graph{Name: "g", Inputs: m.in, Outputs: m.out, Nodes: m.nodes, Initializers: m.weights},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func value(name string, dt tensor.DType, dims ...any) *loader.ValueInfo {
	return onnxpb.Value(name, dt, dims...)
}

func node(op, in, out string) *loader.Node {
	return onnxpb.Node(op, strings.Fields(in), strings.Fields(out))
}

// doubling is y = x + x.
func doubling() model {
	return model{
		in:    []*loader.ValueInfo{value("x", tensor.Float32, "batch", 4)},
		out:   []*loader.ValueInfo{value("y", tensor.Float32, "batch", 4)},
		nodes: []*loader.Node{node("Add", "x x", "y")},
	}
}

// mixed takes a float vector and an int64 scalar.
func mixed() model {
	return model{
		in:    []*loader.ValueInfo{value("signal", tensor.Float32, "batch", "time"), value("rate", tensor.Int64)},
		out:   []*loader.ValueInfo{value("loud", tensor.Float32, "batch", "time"), value("twice", tensor.Int64)},
		nodes: []*loader.Node{node("Neg", "signal", "loud"), node("Add", "rate rate", "twice")},
	}
}

// unsupported has two nodes that no operator is there for.
func unsupported() model {
	m := doubling()
	a, b := node("Frobnicate", "x", "f"), node("Frobnicate", "f", "g")
	a.Domain, b.Domain = "strange", "strange"
	a.Name, b.Name = "first", "second"
	m.nodes = []*loader.Node{a, b, node("Add", "x g", "y")}
	return m
}

// write puts a file into a temporary folder.
func writeTemp(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
