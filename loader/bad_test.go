package loader_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// wantFormatError fails the test unless err is a FormatError whose text has all the words.
func wantFormatError(t *testing.T, err error, words ...string) {
	t.Helper()
	var fe *loader.FormatError
	if !errors.As(err, &fe) {
		t.Errorf("error %v, want a FormatError", err)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q doesn't say %q", err, w)
		}
	}
}

// A model that is cut anywhere is refused. Only what stands behind all that counts can get lost without a trace.
func TestTruncated(t *testing.T) {
	for _, s := range samples() {
		whole := encode(t, s.model)
		m := *s.model
		m.Opsets, m.Metadata, m.Functions = nil, nil, nil // the encoder writes these after the graph
		graph := len(encode(t, &m))
		for n := 0; n < len(whole); n += max(1, len(whole)/200) {
			_, err := loader.Parse(whole[:n:n], loader.WithLazyExternal())
			if err != nil || n <= graph && s.name != "functions" { // whose main graph has no standard operator
				wantFormatError(t, err)
			}
		}
	}
}

func TestBadModels(t *testing.T) {
	relu := func(in, out string) *loader.Node { return onnxpb.Node("Relu", []string{in}, []string{out}) }
	with := func(change func(m *loader.Model)) *loader.Model {
		m := minimal()
		change(m)
		return m
	}
	nodes := func(list ...*loader.Node) *loader.Model {
		return with(func(m *loader.Model) { m.Graph.Nodes = list })
	}
	one := func(name string) *loader.Initializer { return loader.NewInitializer(name, tensor.Scalar[float32](1)) }
	branch := func(n *loader.Node) *loader.Attr {
		return onnxpb.Attr("then_branch", &loader.Graph{Nodes: []*loader.Node{n}, Outputs: []*loader.ValueInfo{{Name: n.Outputs[0]}}})
	}
	var tooDeep *loader.Graph
	for range 70 {
		g := &loader.Graph{}
		if tooDeep != nil {
			g.Nodes = []*loader.Node{onnxpb.Node("If", []string{"x"}, nil, onnxpb.Attr("b", tooDeep))}
		}
		tooDeep = g
	}
	deepType := &loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}
	for range 70 {
		deepType = &loader.TypeInfo{Kind: loader.KindSequence, Elem: deepType}
	}
	bomb := with(func(m *loader.Model) { // each function calls the next twice
		for i := range 40 {
			name, next := "F"+string(rune('0'+i)), "F"+string(rune('0'+i+1))
			call := func(in, out string) *loader.Node {
				return &loader.Node{OpType: next, Domain: "f", Inputs: []string{in}, Outputs: []string{out}}
			}
			m.Functions = append(m.Functions, &loader.Function{Name: name, Domain: "f", Inputs: []string{"a"}, Outputs: []string{"c"},
				Nodes: []*loader.Node{call("a", "b"), call("b", "c")}})
		}
		m.Graph.Nodes[0].Domain, m.Graph.Nodes[0].OpType = "f", "F0"
	})
	function := func(f *loader.Function) *loader.Model {
		return with(func(m *loader.Model) { m.Functions = append(m.Functions, f) })
	}
	for _, c := range []struct {
		name  string
		m     *loader.Model
		words []string
	}{
		{"no graph", &loader.Model{IRVersion: 8}, []string{"no graph"}},
		{"no operator", nodes(onnxpb.Node("", []string{"x"}, []string{"y"})), []string{"node 0", "which operator"}},
		{"missing input", nodes(relu("q", "y")), []string{"node 0 (Relu)", `nothing produces "q"`}},
		{"missing output", nodes(relu("x", "z")), []string{`output 0`, `nothing produces "y"`}},
		{"missing input of a branch", nodes(onnxpb.Node("If", []string{"x"}, []string{"y"}, branch(relu("q", "r")))),
			[]string{`node 0 (If): attribute "then_branch": node 0 (Relu)`, `nothing produces "q"`}},
		{"a name of a branch used outside", nodes(onnxpb.Node("If", []string{"x"}, []string{"y"}, branch(relu("x", "r"))), relu("r", "s")), []string{`nothing produces "r"`}},
		{"produced twice", nodes(relu("x", "y"), relu("x", "y")), []string{"node 1", "already produced by node 0 (Relu)"}},
		{"produces an input", nodes(relu("x", "x"), relu("x", "y")), []string{"already produced by an input"}},
		{"two inputs", with(func(m *loader.Model) { m.Graph.Inputs = append(m.Graph.Inputs, m.Graph.Inputs[0]) }), []string{"another input"}},
		{"two initializers", with(func(m *loader.Model) { m.Graph.Initializers = []*loader.Initializer{one("w"), one("w")} }), []string{"two initializers", `"w"`}},
		{"nameless initializer", with(func(m *loader.Model) { m.Graph.Initializers = []*loader.Initializer{one("")} }), []string{"initializer 0", "no name"}},
		{"nameless input", with(func(m *loader.Model) { m.Graph.Inputs[0].Name = "" }), []string{"input 0", "no name"}},
		{"typeless input", with(func(m *loader.Model) { m.Graph.Inputs[0].Type = loader.TypeInfo{} }), []string{`input "x"`, "which type"}},
		{"cycle", nodes(relu("b", "a"), relu("a", "b"), relu("x", "y")), []string{"depends on its own output"}},
		{"node that uses itself", nodes(relu("y", "y")), []string{"node 0", "its own output"}},
		{"cycle through a branch", nodes(onnxpb.Node("If", []string{"x"}, []string{"y"}, branch(relu("z", "r"))), relu("y", "z")), []string{"its own output"}},
		{"no opset", with(func(m *loader.Model) { m.Opsets = nil }), []string{"which version"}},
		{"no opset of a domain", with(func(m *loader.Model) { m.Graph.Nodes[0].Domain = "ai.onnx.ml" }), []string{"ai.onnx.ml"}},
		{"two attributes", nodes(onnxpb.Node("Relu", []string{"x"}, []string{"y"}, onnxpb.Attr("a", 1), onnxpb.Attr("a", 2))), []string{`two attributes with the name "a"`}},
		{"reference outside a function", nodes(onnxpb.Node("Relu", []string{"x"}, []string{"y"}, &loader.Attr{Name: "a", Type: loader.AttrInt, RefAttrName: "b"})), []string{"attribute of a function"}},
		{"deep graphs", nodes(onnxpb.Node("If", []string{"x"}, []string{"y"}, onnxpb.Attr("b", tooDeep))), []string{"deeper than 64"}},
		{"deep types", with(func(m *loader.Model) { m.Graph.Outputs[0].Type = *deepType }), []string{"deeper than 64"}},
		{"function that calls itself", with(func(m *loader.Model) {
			m.Graph.Nodes[0].Domain, m.Graph.Nodes[0].OpType = "f", "F"
			call := &loader.Node{OpType: "F", Domain: "f", Inputs: []string{"a"}, Outputs: []string{"b"}}
			m.Functions = []*loader.Function{{Name: "F", Domain: "f", Inputs: []string{"a"}, Outputs: []string{"b"}, Nodes: []*loader.Node{call}}}
		}), []string{"calls itself"}},
		{"functions that double", bomb, []string{"expanded", "more than 1048576 nodes"}},
		{"nameless function", function(&loader.Function{}), []string{"function 0", "no name"}},
		{"function whose input is missing", function(&loader.Function{Name: "F", Nodes: []*loader.Node{relu("a", "b")}}), []string{"function F", `nothing produces "a"`}},
		{"the same function twice", with(func(m *loader.Model) { m.Functions = []*loader.Function{{Name: "F"}, {Name: "F"}} }), []string{"defined twice"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := loader.Parse(encode(t, c.m))
			wantFormatError(t, err, c.words...)
		})
	}
}

func TestBadAttributes(t *testing.T) {
	for _, c := range []struct {
		attr wire
		want string
	}{
		{wire{}.num(3, 1).num(20, 2), "no name"},
		{wire{}.str(1, "a").num(3, 1).num(20, 1), "says that it is float but holds int"},
		{wire{}.str(1, "a").num(20, 99), "no attribute type with the number 99"},
		{wire{}.str(1, "a").num(3, 1).str(4, "s"), "which type"},
		{wire{}.str(1, "a").num(20, 4), "says that it is tensor but holds none"},
		{wire{}.str(1, "a").num(20, 5), "says that it is graph but holds none"},
		{wire{}.str(1, "a").num(20, 7).msg(8, wire{0xff}), "list of numbers"},
		{wire{}.str(1, "a").num(20, 6).msg(7, wire{1, 2, 3}), "multiple of 4"},
		{wire{}.str(1, "a").num(20, 4).msg(5, wire{}.num(2, 1).num(1, 3)), `attribute "a": float32[3] has no data`},
	} {
		b := wire{}.num(1, 8).msg(7, wire{}.msg(1, wire{}.str(4, "Op").msg(5, c.attr))).msg(8, wire{}.num(2, 17))
		_, err := loader.Parse(b)
		wantFormatError(t, err, "node 0 (Op)", c.want)
	}
	// The first writers gave no type: the field tells.
	b := wire{}.num(1, 1).msg(7, wire{}.msg(1, wire{}.str(4, "Op").msg(5, wire{}.str(1, "a").num(8, 3).num(8, 4))))
	m, err := loader.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if a := m.Graph.Nodes[0].Attrs[0]; a.Type != loader.AttrInts || !slices.Equal(a.Ints, []int64{3, 4}) {
		t.Errorf("%+v", a)
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	b := wire(encode(t, minimal()))
	b = b.num(1000, 5).str(999, "new").num(500, 1)
	b = append(b, 0xab, 0x06, 0x08, 0x01, 0xac, 0x06) // a group in field 101
	if _, err := loader.Parse(b); err != nil {
		t.Error(err)
	}
}

func TestBadWire(t *testing.T) {
	ff := bytes.Repeat([]byte{0xff}, 1<<16)
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"nothing", nil, "empty"},
		{"0xff", ff, "same byte"},
		{"zeros", make([]byte, 1000), "same byte"},
		{"0xff after a good start", append([]byte{8, 8}, ff...), "at byte 2"},
		{"length beyond the end", []byte{8, 8, 0x3a, 100, 1}, "claims 100 bytes, but only 1"},
		{"length beyond 64 bits", append([]byte{8, 8, 0x3a}, ff[:11]...), "at byte 2"},
		{"cut in a tag", []byte{8, 8, 0x80}, "ends inside a field's tag"},
		{"cut in a number", []byte{8, 0x80}, "ends inside a number"},
		{"cut in a length", []byte{8, 8, 0x3a, 0x80}, "ends inside a field's length"},
		{"cut in a float", []byte{8, 8, 0x0d, 1, 2}, "ends inside a number"},
		{"cut in a double", []byte{8, 8, 0x09, 1, 2}, "ends inside a number"},
		{"field 0", []byte{8, 8, 0x00, 1}, "field number 0"},
		{"wire type 7", []byte{8, 8, 0x0f}, "wire type 7"},
		{"a group that doesn't end", []byte{8, 8, 0x0b, 8, 8}, "group"},
		{"the end of a group that didn't start", []byte{8, 8, 0x0c}, "wire type 4"},
		{"groups in groups", append([]byte{8, 8}, bytes.Repeat([]byte{0x0b}, 1<<20)...), "group"},
		{"graph as a number", []byte{8, 8, 0x38, 1}, "wire type 0 where 2 belongs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := loader.Parse(c.b)
			wantFormatError(t, err, c.want)
		})
	}
}

func TestRecognise(t *testing.T) {
	zip := func(name string) string {
		return "PK\x03\x04\x14\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 20) + name
	}
	one, err := onnxpb.EncodeTensor(tensor.Of([]float32{1, 2}), "w")
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR":                         "PNG",
		"\xff\xd8\xff\xe0\x00\x10JFIF":                                "JPEG",
		"<!DOCTYPE html>\n<html>":                                     "web page",
		" \n<HTML><head>":                                             "web page",
		"version https://git-lfs.github.com/spec/v1\noid sha256:0":    "Git LFS",
		zip("model/data.pkl"):                                         "PyTorch",
		zip("arr_0.npy"):                                              "NumPy archive",
		zip("readme.txt"):                                             "zip",
		"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.":  "pickle",
		"\x10\x00\x00\x00\x00\x00\x00\x00{\"w\":{\"dtype\":\"F32\"}}": "safetensors",
		"\x1f\x8b\x08\x00":                                            "gzip",
		"GGUF\x03\x00\x00\x00":                                        "GGUF",
		"\x1c\x00\x00\x00TFL3\x00":                                    "TensorFlow Lite",
		"ir_version: 8\ngraph {\n}\n":                                 "text",
		"{\"a\": 1}":                                                  "text",
		string(one):                                                   `single tensor, "w" float32[2]`,
	} {
		dir := write(t, map[string][]byte{"m.onnx": []byte(content)})
		_, err := loader.Open(filepath.Join(dir, "m.onnx"))
		wantFormatError(t, err, "m.onnx", "not an ONNX model", want)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := write(t, map[string][]byte{"empty.onnx": nil, "m.onnx": encode(t, minimal())})
	if _, err := loader.Open(filepath.Join(dir, "none.onnx")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	var pe *fs.PathError
	if _, err := loader.Open(dir); !errors.As(err, &pe) || !strings.Contains(err.Error(), "folder") {
		t.Errorf("folder: %v", err)
	}
	_, err := loader.Open(filepath.Join(dir, "empty.onnx"))
	wantFormatError(t, err, "empty.onnx", "empty")
	if _, err := loader.Open(filepath.Join(dir, "m.onnx"), loader.WithCopy(), loader.WithLimits(loader.Limits{FileBytes: 10})); !errors.As(err, &pe) {
		t.Errorf("larger than the limit: %v", err)
	}
	_, err = loader.Parse(encode(t, chain(40)), loader.WithLimits(loader.Limits{Nodes: 39}))
	wantFormatError(t, err, "more than 39 nodes")
	// A pipe has no size and can't be mapped, and is a model nevertheless.
	r, w, err := os.Pipe()
	if err != nil {
		t.Skip("no pipes here:", err)
	}
	defer r.Close()
	b := encode(t, minimal())
	go func() { w.Write(b); w.Close() }()
	if m, err := loader.OpenFS(pipeFS{r}, "m"); err != nil || len(m.Graph.Nodes) != 1 {
		t.Errorf("pipe: %v", err)
	}
}

type pipeFS struct{ f *os.File }

func (p pipeFS) Open(string) (fs.File, error) { return p.f, nil }

func TestSort(t *testing.T) {
	m, err := loader.Parse(encode(t, unsorted()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range m.Graph.Nodes {
		got = append(got, n.OpType)
	}
	if want := []string{"Abs", "Neg", "Exp", "Add"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	if m.Graph.Nodes[0].Index != 2 {
		t.Errorf("index %d of the node that came third", m.Graph.Nodes[0].Index)
	}
	// Also by what a node's subgraph takes from outside.
	u := unsorted()
	u.Graph.Nodes = []*loader.Node{
		onnxpb.Node("If", []string{"x"}, []string{"y"}, onnxpb.Attr("b", &loader.Graph{Outputs: []*loader.ValueInfo{{Name: "late"}}})),
		onnxpb.Node("Neg", []string{"x"}, []string{"late"}),
	}
	if m, err = loader.Parse(encode(t, u)); err != nil {
		t.Fatal(err)
	}
	if m.Graph.Nodes[0].OpType != "Neg" {
		t.Error("the If comes before what its branch uses")
	}
}

// A long list of unsorted nodes, and deep nests of captures, take time in proportion.
func TestNoQuadraticTime(t *testing.T) {
	m := chain(26)
	m.Graph.Nodes = nil
	const n = 60000
	name := func(i int) string {
		return string([]byte{'v', byte('0' + i%60), byte('0' + i/60%60), byte('0' + i/3600%60)})
	}
	for i := n; i > 0; i-- {
		m.Graph.Nodes = append(m.Graph.Nodes, onnxpb.Node("Relu", []string{name(i - 1)}, []string{name(i)}))
	}
	m.Graph.Inputs[0].Name, m.Graph.Outputs[0].Name = name(0), name(n)
	got, err := loader.Parse(encode(t, m)) // quadratic: minutes
	if err != nil {
		t.Fatal(err)
	}
	if got.Graph.Nodes[0].Index != n-1 {
		t.Errorf("first node %v", got.Graph.Nodes[0])
	}
}
