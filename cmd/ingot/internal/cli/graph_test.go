package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ingot/bridge/exprgraph/draw"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// scoped is two operators in each of two scopes.
func scoped() model {
	m := doubling()
	m.nodes = nil
	in := "x"
	for _, name := range []string{"/enc/Abs", "/enc/Neg", "/dec/Exp", "/dec/Relu"} {
		out := name
		if name == "/dec/Relu" {
			out = "y"
		}
		n := onnxpb.Node(filepath.Base(name), []string{in}, []string{out})
		n.Name, in = name, out
		m.nodes = append(m.nodes, n)
	}
	return m
}

func TestGraph(t *testing.T) {
	path := scoped().file(t)
	r := runCLI(t, "graph", path).want(t, 0, "digraph \"model.onnx\" {\n", "")
	for _, want := range []string{
		`subgraph cluster_0 {`, `graph [label="enc", tooltip="enc"`, `[label="Abs", tooltip="Abs /enc/Abs"`,
		`n0 -> n1 [label="float32[batch,4]", tooltip="x float32[batch,4]"]`, "shape=ellipse",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is missing in\n%s", want, r.out)
		}
	}
	runCLI(t, "graph", path, "--format", "svg", "-d", "batch=3").want(t, 0, ">float32[3,4]</text>", "")
	runCLI(t, "graph", path, "--node", "/enc/Neg", "--hops", "0").want(t, 0, `label="… Abs`, "")
	runCLI(t, "graph", path, "--scope", "dec").want(t, 0, `label="… Neg`, "")
	runCLI(t, "graph", path, "--fold", "1").want(t, 0, `label="enc\n1× Abs\n1× Neg\n2 nodes"`, "")
	if r := runCLI(t, "graph", path, "--flat"); strings.Contains(r.out, "subgraph") {
		t.Errorf("frames in\n%s", r.out)
	}
}

func TestGraphFiles(t *testing.T) {
	path, dir := scoped().file(t), t.TempDir()
	svg, dot := filepath.Join(dir, "g.svg"), filepath.Join(dir, "g.GV")
	r := runCLI(t, "graph", path, "-o", svg, "-o", dot).want(t, 0, "", "wrote "+svg)
	if r.out != "" {
		t.Errorf("standard output has %q", r.out)
	}
	for file, want := range map[string]string{svg: "<svg ", dot: "digraph "} {
		if b, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s begins with %.20q: %v", file, b, err)
		}
	}
	other := filepath.Join(dir, "picture")
	runCLI(t, "graph", path, "-o", other, "--format", "svg").want(t, 0, "", "")
	if b, err := os.ReadFile(other); err != nil || !strings.HasPrefix(string(b), "<svg ") {
		t.Errorf("it begins with %.20q: %v", b, err)
	}
}

func TestGraphJSON(t *testing.T) {
	var doc struct {
		Schema string
		Nodes  []draw.Node
		Edges  []draw.Edge
		Scopes []draw.Scope
		Files  []string
	}
	path := filepath.Join(t.TempDir(), "g.dot")
	runCLI(t, "graph", scoped().file(t), "--json", "-o", path).want(t, 0, "", "").decode(t, &doc)
	if doc.Schema != "ingot.graph/1" || len(doc.Nodes) != 6 || len(doc.Edges) != 5 || len(doc.Scopes) != 2 || len(doc.Files) != 1 {
		t.Errorf("%+v", doc)
	}
	if e := doc.Edges[1]; e.From != 1 || e.To != 2 || e.Value != "/enc/Abs" || e.Type != "float32[batch,4]" {
		t.Errorf("%+v", e)
	}
	if n := doc.Nodes[2]; n.Title != "Neg" || n.Kind != draw.Operator || doc.Scopes[n.Scope].Name != "enc" {
		t.Errorf("%+v", n)
	}
}

func TestGraphMistakes(t *testing.T) {
	path := scoped().file(t)
	noName := doubling()
	noName.in = []*loader.ValueInfo{value("x", tensor.Float32, -1, 4)}
	open := noName.file(t)
	for _, tt := range []struct {
		path string
		args []string
		code int
		err  string
	}{
		{path, []string{"-o", "g.png"}, ExitUsage, "what kind of file is that?\n  hint: drawings go to .svg"},
		{path, []string{"-o", "g"}, ExitUsage, "what kind of file is that?"},
		{path, []string{"-o", "no/such/folder/g.svg"}, ExitUsage, "there is no folder"},
		{path, []string{"--format", "pdf"}, ExitUsage, `--format is svg or dot, not "pdf"`},
		{path, []string{"--format", "svg", "--json"}, ExitUsage, "standard output takes one of them"},
		{path, []string{"--depth", "-1"}, ExitUsage, "--depth -1 is negative"},
		{path, []string{"--hops", "-1"}, ExitUsage, "--hops -1 is negative"},
		{path, []string{"--node", "/enc/Nag"}, ExitUsage, "the model has no node \"/enc/Nag\"\n  hint: did you mean \"/enc/Neg\"?"},
		{path, []string{"--scope", "end"}, ExitUsage, `did you mean "enc"?`},
		{path, []string{"-d", "bach=3"}, ExitUsage, `did you mean "batch"?`},
		{open, []string{"-d", "x.0=3"}, ExitUsage, "can't be set alone"},
		{unsupported().file(t), nil, ExitUnsupported, "second"},
		{writeTemp(t, "m.onnx", "hello, this is a text\n"), nil, ExitInvalid, "this is text"},
		{"no/such/model.onnx", nil, ExitUsage, "no such file"},
	} {
		r := runCLI(t, append([]string{"graph", tt.path}, tt.args...)...).want(t, tt.code, "", tt.err)
		if r.out != "" && !strings.Contains(strings.Join(tt.args, " "), "json") {
			t.Errorf("%v: standard output has %q", tt.args, r.out)
		}
	}
}
