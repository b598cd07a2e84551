package ingot_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// TestOperatorsGuide compiles and runs the code of docs/operators.md: what is of this module laid over its files, and the rest as a module of
// its own that knows this one by its public packages only.
func TestOperatorsGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	text, err := os.ReadFile(filepath.Join("docs", "operators.md"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	inside, outside := map[string]string{}, map[string]string{}
	for _, m := range regexp.MustCompile("(?ms)^```[a-z]+ (\\S+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if name, ok := strings.CutPrefix(m[1], "frames/"); ok {
			outside[name] = m[2]
		} else {
			inside[m[1]] = m[2]
		}
	}
	if len(inside) != 3 || len(outside) != 4 {
		t.Fatalf("the guide has %d files of this module and %d of another", len(inside), len(outside))
	}
	t.Run("inside", func(t *testing.T) { declaresInside(t, root, inside) })
	t.Run("outside", func(t *testing.T) { declaresOutside(t, root, outside) })
}

// hypotTest runs what the guide declares.
const hypotTest = `package math

import (
	"testing"

	"ingot/tensor"
)

func TestHypot(t *testing.T) {
	for _, name := range []string{"Hypot", "HypotLong"} {
		out, err := try(t, name, nil, 1, tensor.Of([]float32{5, 9}, 2, 1), tensor.Of([]float32{12}))
		if err != nil || !out[0].Equal(tensor.Of([]float32{13, 15}, 2, 1)) {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
}
`

func declaresInside(t *testing.T, root string, files map[string]string) {
	for name, code := range files {
		if _, declaration, ok := strings.Cut(code, "\nvar "); ok && strings.Count(declaration, "\n") >= 12 {
			t.Errorf("%s: the declaration has %d lines", name, strings.Count(declaration, "\n"))
		}
	}
	files["ops/math/hypot_test.go"] = hypotTest
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for name, code := range files {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		write(t, file, []byte(code))
		overlay.Replace[filepath.Join(root, filepath.FromSlash(name))] = file
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), b)
	goCommand(t, root, "", "test", "-overlay", filepath.Join(dir, "overlay.json"), "-run", "^TestHypot$", "-v", "./ops/math")
}

func declaresOutside(t *testing.T, root string, files map[string]string) {
	dir := t.TempDir()
	want := files["output.txt"]
	delete(files, "output.txt")
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	files["go.sum"] = string(sum)
	files["go.mod"] = "module frames\n\ngo 1.26.0\n\nrequire ingot v0.0.0\n\nreplace ingot => " + filepath.ToSlash(root) + "\n"
	for name, code := range files {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), []byte(code))
	}
	size, hop := onnxpb.Attr("size", int64(4)), onnxpb.Attr("hop", int64(2))
	x := onnxpb.Value("x", tensor.Float32, "batch", "n")
	models := []struct {
		name  string
		x     *loader.ValueInfo
		in    []string
		attrs []*loader.Attr
	}{
		{"good.onnx", x, []string{"x"}, []*loader.Attr{size, hop}},
		{"default.onnx", x, []string{"x"}, []*loader.Attr{size}},
		{"attribute.onnx", x, []string{"x"}, []*loader.Attr{size, onnxpb.Attr("width", int64(2))}},
		{"type.onnx", onnxpb.Value("x", tensor.Int64, "batch", "n"), []string{"x"}, []*loader.Attr{size}},
		{"arity.onnx", x, []string{"x", "x"}, []*loader.Attr{size}},
		{"rank.onnx", onnxpb.Value("x", tensor.Float32, "batch", "n", 2), []string{"x"}, []*loader.Attr{size}},
	}
	args := []string{"run", "./cmd"}
	for _, m := range models {
		n := &loader.Node{OpType: "Frames", Domain: "com.example", Inputs: m.in, Outputs: []string{"y"}, Attrs: m.attrs}
		b, err := onnxpb.Encode(&loader.Model{IRVersion: 10, Opsets: []loader.OpsetImport{{Version: 21}, {Domain: "com.example", Version: 1}},
			Graph: &loader.Graph{Name: "g", Inputs: []*loader.ValueInfo{m.x}, Outputs: []*loader.ValueInfo{{Name: "y"}}, Nodes: []*loader.Node{n}}})
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, m.name), b)
		args = append(args, m.name)
	}
	goCommand(t, dir, "-mod=mod", "vet", "./...")
	goCommand(t, dir, "-mod=mod", "test", "./...")
	if got := goCommand(t, dir, "-mod=mod", args...); got != want {
		t.Errorf("the program prints\n%s\nthe guide says\n%s", got, want)
	}
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// goCommand runs the go command without a network and returns what it prints.
func goCommand(t *testing.T, dir, flags string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOFLAGS="+flags)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
