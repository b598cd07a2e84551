package draw_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"ingot/bridge/exprgraph"
	"ingot/bridge/exprgraph/draw"
	"ingot/internal/cases"
	"ingot/internal/onnxpb"
	"ingot/internal/suite"
	"ingot/loader"
	_ "ingot/ops/all"
	"ingot/tensor"
)

var update = flag.Bool("update-golden", false, "write testdata anew")

const digits = "../../../testdata/digits/digits.onnx"

// TestDigits compares a drawing with what it was.
func TestDigits(t *testing.T) {
	g, err := exprgraph.Load(digits)
	if err != nil {
		t.Fatal(err)
	}
	d := drawing(t, g, draw.Options{Title: "digits"})
	for name, write := range map[string]func(io.Writer) error{"digits.dot": d.DOT, "digits.svg": d.SVG} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s isn't what it was; if that is right: go test ./bridge/exprgraph/draw -run TestDigits -update-golden\n%s", name, got.Bytes())
		}
	}
}

func drawing(t *testing.T, g *gorgonia.ExprGraph, o draw.Options) *draw.Drawing {
	t.Helper()
	d, err := draw.New(g, o)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, d)
	return d
}

// valid checks what all drawings promise: indices are right, and the SVG is XML that names every node.
func valid(t *testing.T, d *draw.Drawing) {
	t.Helper()
	for _, e := range d.Edges {
		if e.From < 0 || e.To < 0 || e.From >= len(d.Nodes) || e.To >= len(d.Nodes) {
			t.Fatalf("edge %+v of %d nodes", e, len(d.Nodes))
		}
	}
	for _, n := range d.Nodes {
		if n.Scope < -1 || n.Scope >= len(d.Scopes) {
			t.Fatalf("node %+v of %d scopes", n, len(d.Scopes))
		}
	}
	for i, s := range d.Scopes {
		if s.Parent >= i {
			t.Fatalf("scope %d %+v", i, s)
		}
	}
	var svg, dot bytes.Buffer
	if err := errors.Join(d.SVG(&svg), d.DOT(&dot)); err != nil {
		t.Fatal(err)
	}
	boxes := 0
	for dec := xml.NewDecoder(&svg); ; {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "rect" {
			boxes++
		}
	}
	if want := 1 + len(d.Nodes) + len(d.Scopes); boxes != want {
		t.Fatalf("the SVG has %d boxes, want %d", boxes, want)
	}
	if n := strings.Count(dot.String(), "\n"); n < len(d.Nodes)+len(d.Edges)+2*len(d.Scopes) {
		t.Fatalf("the DOT has %d lines", n)
	}
}

// load makes a graph of a model in parts. Weights are those of the names that no node computes and that aren't inputs.
func load(t *testing.T, in, out []*loader.ValueInfo, weights map[string][]int, nodes ...*loader.Node) *gorgonia.ExprGraph {
	t.Helper()
	g := &loader.Graph{Name: "g", Inputs: in, Outputs: out, Nodes: nodes}
	for name, shape := range weights {
		w, err := tensor.New(tensor.Float32, shape...)
		if err != nil {
			t.Fatal(err)
		}
		g.Initializers = append(g.Initializers, loader.NewInitializer(name, w))
	}
	slices.SortFunc(g.Initializers, func(a, b *loader.Initializer) int { return strings.Compare(a.Name, b.Name) })
	b, err := onnxpb.Encode(&loader.Model{IRVersion: 9, Opsets: []loader.OpsetImport{{Version: 20}}, Graph: g})
	if err != nil {
		t.Fatal(err)
	}
	eg, err := exprgraph.LoadBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return eg
}

func floats(name string, dims ...any) *loader.ValueInfo {
	return onnxpb.Value(name, tensor.Float32, dims...)
}

func infos(v ...*loader.ValueInfo) []*loader.ValueInfo { return v }

// node is a node of that name; it computes a value of the same name.
func node(op, name, in string, attrs ...*loader.Attr) *loader.Node {
	n := onnxpb.Node(op, strings.Fields(in), []string{name}, attrs...)
	n.Name = name
	return n
}

// frames tells in which frames each node is: "Relu a > b".
func frames(d *draw.Drawing) []string {
	var list []string
	for _, n := range d.Nodes {
		path := ""
		for s := n.Scope; s >= 0; s = d.Scopes[s].Parent {
			path = " > " + d.Scopes[s].Label + path
		}
		list = append(list, n.Title+path)
	}
	return list
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestScopesOfNames: frames nest as names do; those around one node, around nothing but another, or around everything aren't drawn.
func TestScopesOfNames(t *testing.T) {
	g := load(t, infos(floats("x", "n")), infos(floats("y", "n")), nil,
		node("Relu", "/net/enc/layers.0/act/Relu", "x"), node("Neg", "/net/enc/layers.0/Neg", "/net/enc/layers.0/act/Relu"),
		node("Relu", "/net/enc/layers.1/Relu", "/net/enc/layers.0/Neg"), node("Neg", "/net/enc/layers.1/Neg", "/net/enc/layers.1/Relu"),
		node("Exp", "/net/dec/only/Exp", "/net/enc/layers.1/Neg"), node("Abs", "/net/dec/only/Abs", "/net/dec/only/Exp"), node("Neg", "y", "/net/dec/only/Abs"))
	d := drawing(t, g, draw.Options{})
	equal(t, frames(d), "x", "Relu > enc > layers.0", "Neg > enc > layers.0", "Relu > enc > layers.1", "Neg > enc > layers.1", "Exp > dec/only", "Abs > dec/only", "Neg", "y")
	if s := d.Scopes[len(d.Scopes)-1]; s.Name != "net/dec/only" {
		t.Errorf("the last scope is %+v", s)
	}
	equal(t, frames(drawing(t, g, draw.Options{Depth: 1})), "x", "Relu > enc", "Neg > enc", "Relu > enc", "Neg > enc", "Exp > dec/only", "Abs > dec/only", "Neg", "y")
	equal(t, frames(drawing(t, g, draw.Options{Flat: true})), "x", "Relu", "Neg", "Relu", "Neg", "Exp", "Abs", "Neg", "y")
	d = drawing(t, g, draw.Options{Fold: 1})
	equal(t, frames(d), "x", "Neg", "y", "enc", "dec/only")
	if n := d.Nodes[3]; n.Kind != draw.Folded || n.Name != "net/enc" || !slices.Equal(n.Lines, []string{"2× Relu", "2× Neg"}) {
		t.Errorf("folded: %+v", n)
	}
	if len(d.Edges) != 4 {
		t.Errorf("%d edges: %+v", len(d.Edges), d.Edges)
	}
	equal(t, frames(drawing(t, g, draw.Options{Fold: 2})), "x", "Exp > dec/only", "Abs > dec/only", "Neg", "y", "layers.0 > enc", "layers.1 > enc")
	for _, scope := range []string{"enc/layers.1", "/net/enc/layers.1", "net.enc.layers.1", "layers.1"} {
		equal(t, frames(drawing(t, g, draw.Options{Scope: scope})), "Relu > layers.1", "Neg > layers.1", "… Neg", "Exp …")
	}
}

// TestScopesOfWeights: where nodes have no scopes in their names, their weights say where they are, and neighbours where the others are.
func TestScopesOfWeights(t *testing.T) {
	g := load(t, infos(floats("x", "n", 4)), infos(floats("y", "n", 4)),
		map[string][]int{"m.block.0.fc.bias": {4}, "val_7": {4, 4}, "m.block.0.out.weight": {4, 4}, "m.block.1.fc.weight": {4, 4}, "m.block.1.out.weight": {4, 4}, "p.constant.1": {1, 4}},
		node("MatMul", "a", "x val_7"), node("Add", "b", "a m.block.0.fc.bias"), node("Relu", "c", "b"), node("MatMul", "d", "c m.block.0.out.weight"),
		node("MatMul", "e", "d m.block.1.fc.weight"), node("Relu", "f", "e"), node("MatMul", "g", "f m.block.1.out.weight"), node("Mul", "y", "g p.constant.1"))
	d := drawing(t, g, draw.Options{})
	equal(t, frames(d), "x", "MatMul > block.0 > fc", "Add > block.0 > fc", "Relu > block.0", "MatMul > block.0", "MatMul > block.1", "Relu > block.1", "MatMul > block.1", "Mul", "y")
	equal(t, d.Nodes[4].Lines, "B float32[4,4]")
}

// TestWeights: they are lines or nodes.
func TestWeights(t *testing.T) {
	k := tensor.Of([]int64{2, 2}, 2)
	g := load(t, infos(floats("x", 4)), infos(floats("y", 2, 2)), map[string][]int{"w": {4, 4}},
		node("MatMul", "a", "x w"), node("Constant", "shape", "", onnxpb.Attr("value", k)), node("Reshape", "y", "a shape"))
	d := drawing(t, g, draw.Options{})
	equal(t, frames(d), "x", "MatMul", "Reshape", "y")
	equal(t, append(d.Nodes[1].Lines, d.Nodes[2].Lines...), "B float32[4,4]", "shape [2,2]")
	d = drawing(t, g, draw.Options{Weights: true})
	equal(t, frames(d), "x", "w", "MatMul", "shape", "Reshape", "y")
	if len(d.Edges) != 5 || d.Nodes[1].Kind != draw.Weight || len(d.Nodes[2].Lines) > 0 {
		t.Errorf("%+v", d)
	}
}

// TestOutputs: operators with several outputs are one node, operands that are left out are none, and types are on the edges.
func TestOutputs(t *testing.T) {
	split := onnxpb.Node("Split", []string{"x"}, []string{"a", "b", "c"}, onnxpb.Attr("axis", 1), onnxpb.Attr("num_outputs", 3))
	clip := onnxpb.Node("Clip", []string{"b", "", "lim"}, []string{"d"})
	g := load(t, infos(floats("x", "batch", 6), floats("lim")), infos(floats("a", "batch", 2), floats("y", "batch", 4)), nil, split, clip, node("Concat", "y", "d c", onnxpb.Attr("axis", -1)))
	d := drawing(t, g, draw.Options{})
	var edges []string
	for _, e := range d.Edges {
		edges = append(edges, fmt.Sprintf("%s.%d>%s %s %s", d.Nodes[e.From].Title, e.Output, d.Nodes[e.To].Title, e.Value, e.Type))
	}
	equal(t, edges, "x.0>Split x float32[batch,6]", "Split.1>Clip b float32[batch,2]", "lim.0>Clip lim float32[]", "Clip.0>Concat d float32[batch,2]",
		"Split.2>Concat c float32[batch,2]", "Split.0>a a float32[batch,2]", "Concat.0>y y float32[batch,4]")
}

// TestBodies: bodies are frames whose results lead to their operator, and what they take from outside comes from there.
func TestBodies(t *testing.T) {
	branch := func(op string) *loader.Graph {
		return &loader.Graph{Name: "b", Outputs: infos(floats("r", 4)), Nodes: []*loader.Node{node(op, op, "h w"), node("Neg", "r", op)}}
	}
	n := onnxpb.Node("If", []string{"c"}, []string{"y"}, onnxpb.Attr("then_branch", branch("Add")), onnxpb.Attr("else_branch", branch("Mul")))
	n.Name = "pick"
	g := load(t, infos(onnxpb.Value("c", tensor.Bool), floats("x", 4)), infos(floats("y", 4)), map[string][]int{"w": {4, 4}}, node("Abs", "h", "x"), n)
	d := drawing(t, g, draw.Options{})
	equal(t, frames(d), "c", "x", "Abs", "If > If pick", "Add > If pick > then_branch", "Neg > If pick > then_branch", "Mul > If pick > else_branch", "Neg > If pick > else_branch", "y")
	results := 0
	for _, e := range d.Edges {
		if e.Result && d.Nodes[e.To].Title == "If" {
			results++
		}
	}
	if results != 2 || len(d.Edges) != 9 {
		t.Errorf("%d results, %d edges: %+v", results, len(d.Edges), d.Edges)
	}
	equal(t, d.Nodes[4].Lines, "B float32[4,4]")
	d = drawing(t, g, draw.Options{Closed: true})
	equal(t, frames(d), "c", "x", "Abs", "If", "y")
	if len(d.Edges) != 4 {
		t.Errorf("%+v", d.Edges)
	}
}

// TestNear: a node and what is some edges away, with hints at the rest.
func TestNear(t *testing.T) {
	g := load(t, infos(floats("x", 4)), infos(floats("y", 4)), nil,
		node("Abs", "a", "x"), node("Relu", "b", "a"), node("Neg", "c", "b"), node("Exp", "d", "a"), node("Sum", "y", "c d d"))
	equal(t, frames(drawing(t, g, draw.Options{Node: "b"})), "Relu", "… Abs", "Neg …")
	equal(t, frames(drawing(t, g, draw.Options{Node: "b", Hops: 1})), "Abs", "Relu", "Neg", "… x", "Exp …", "Sum …")
	equal(t, frames(drawing(t, g, draw.Options{Node: "b", Hops: 9})), "x", "Abs", "Relu", "Neg", "Exp", "Sum", "y")
	equal(t, frames(drawing(t, g, draw.Options{Node: "a"})), "Abs", "… x", "2 uses …")
	for _, o := range []draw.Options{{Node: "q"}, {Scope: "q"}} {
		_, err := draw.New(g, o)
		var missing *draw.NameError
		if !errors.As(err, &missing) || missing.Name != "q" {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestChangedGraph: a graph with operators of Gorgonia's, rewired so that an operand is younger than its user.
func TestChangedGraph(t *testing.T) {
	g := load(t, infos(floats("x", 2, 4)), infos(floats("y", 2, 4)), map[string][]int{"w": {4, 4}}, node("MatMul", "h", "x w"), node("Relu", "y", "h"))
	square, err := gorgonia.Square(g.ByName("h")[0])
	if err != nil {
		t.Fatal(err)
	}
	gorgonia.WithChildren(gorgonia.Nodes{square})(g.ByName("y:1")[0])
	d := drawing(t, g, draw.Options{})
	if len(d.Nodes) != 5 || len(d.Edges) != 4 {
		t.Fatalf("%q, %+v", frames(d), d.Edges)
	}
	var list []string
	for _, e := range d.Edges {
		list = append(list, d.Nodes[e.From].Title+">"+d.Nodes[e.To].Title+" "+e.Type)
	}
	sq := d.Nodes[2].Title
	equal(t, list, "x>MatMul float32[2,4]", "MatMul>"+sq+" float32[2,4]", sq+">Relu float32[2,4]", "Relu>y float32[2,4]")
}

// TestHostileNames: names may hold anything.
func TestHostileNames(t *testing.T) {
	name := "a\"b\\c\n<d>&\x01\x00 ]]> é 猫/../--"
	var nodes []*loader.Node
	in := "x"
	for i := range 3 {
		n := onnxpb.Node("Abs", []string{in}, []string{fmt.Sprint(name, i)})
		n.Name, in = n.Outputs[0], n.Outputs[0]
		nodes = append(nodes, n)
	}
	g := load(t, infos(floats("x", 4)), infos(floats(in, 4)), nil, nodes...)
	d := drawing(t, g, draw.Options{Title: name})
	var out bytes.Buffer
	if err := d.DOT(&out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(out.String(), "\n") {
		quotes := strings.Count(strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\"`, ""), `"`)
		if quotes%2 != 0 {
			t.Errorf("a quote isn't closed: %s", line)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestWriteErrors(t *testing.T) {
	d := drawing(t, load(t, infos(floats("x", 4)), infos(floats("y", 4)), nil, node("Abs", "y", "x")), draw.Options{})
	if d.SVG(full{}) == nil || d.DOT(full{}) == nil {
		t.Error("what can't be written was")
	}
}

// TestEveryModel draws every model of the official suite, and of other runtimes' tests, or those in the folders that INGOT_CASES
// lists, in two ways.
func TestEveryModel(t *testing.T) {
	dirs := []string{suite.Need(t), "../../../testdata/differential", "../../../testdata/digits"}
	if extra := os.Getenv("INGOT_CASES"); extra != "" {
		dirs = filepath.SplitList(extra)
	}
	list, err := cases.Find(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	for i := range list {
		g, err := exprgraph.Load(list[i].Model)
		if err != nil {
			continue // the graph's own tests know which may fail
		}
		for _, o := range []draw.Options{{}, {Weights: true, Closed: true, Depth: 2, Fold: 1}} {
			d, err := draw.New(g, o)
			if err != nil {
				t.Errorf("%s: %v", list[i].Name, err)
				continue
			}
			valid(t, d)
			drawn++
		}
	}
	t.Logf("%d drawings of %d models", drawn, len(list))
	if drawn == 0 {
		t.Error("nothing was drawn")
	}
}
