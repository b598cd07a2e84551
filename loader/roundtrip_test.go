package loader_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// What the encoder wrote and the loader read, written again, is the same file.
func TestRoundTrip(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			want := encode(t, s.model)
			m, err := loader.Parse(want, loader.WithLazyExternal())
			if err != nil {
				t.Fatal(err)
			}
			if s.name == "unsorted" {
				return // reading changes the order; see TestSort
			}
			if got := encode(t, m); !bytes.Equal(got, want) {
				t.Errorf("wrote %q, then %q", want, got)
			}
			if s.name != "everything" && len(m.Warnings) > 0 {
				t.Errorf("warnings: %q", m.Warnings)
			}
		})
	}
}

// The same model by the loader's own words: the encoder can't hide a fault that it shares.
func TestFields(t *testing.T) {
	m, err := loader.Parse(encode(t, everything()))
	if err != nil {
		t.Fatal(err)
	}
	want := everything()
	for _, c := range []struct{ name, got, want any }{
		{"ir version", m.IRVersion, int64(10)},
		{"producer", m.ProducerName + " " + m.ProducerVersion, "maker 1.2"},
		{"domain", m.Domain, "org.example"},
		{"version", m.ModelVersion, int64(-3)},
		{"doc", m.Doc, "Überblick"},
		{"opset", m.Opset("ai.onnx"), int64(21)},
		{"opset", m.Opset("com.microsoft"), int64(1)},
		{"opset", m.Opset("other"), int64(0)},
		{"metadata", m.Metadata, want.Metadata},
		{"graph", m.Graph.Name + ": " + m.Graph.Doc, "main: all of it"},
		{"quant", m.Graph.Quant, want.Graph.Quant},
		{"graph metadata", m.Graph.Metadata, want.Graph.Metadata},
		{"input type", m.Graph.Inputs[0].Type.String(), "float32[batch,3,?]"},
		{"input type", m.Graph.Inputs[0].Type, want.Graph.Inputs[0].Type},
		{"value type", m.Graph.FindValue("mid").Type.String(), "float32"},
		{"output type", m.Graph.FindValue("y").Type.Kind, loader.KindUnknown},
		{"unknown value", m.Graph.FindValue("z") == nil, true},
		{"node", m.Graph.Nodes[0].String(), `node 0 "clip" (Clip)`},
		{"node", m.Graph.Nodes[1].String(), `node 1 (com.microsoft.Gelu)`},
		{"inputs", m.Graph.Nodes[0].Inputs, []string{"x", "", "top"}},
		{"outputs", m.Graph.Nodes[0].Outputs, []string{"mid", ""}},
		{"attribute", m.Graph.Nodes[0].Attr("note").S, "a\xffb"},
		{"attribute", m.Graph.Nodes[0].Attr("other") == nil, true},
		{"overload", m.Graph.Nodes[1].Overload, "v2"},
		{"initializer doc", m.Graph.Initializer("top").Doc, "upper bound"},
		{"no initializer", m.Graph.Initializer("x") == nil, true},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if v, ok := m.Metadata.Get("labels"); !ok || v != "a,b" {
		t.Errorf("labels: %q, %v", v, ok)
	}
}

func TestAttributes(t *testing.T) {
	m, err := loader.Parse(encode(t, attributes()))
	if err != nil {
		t.Fatal(err)
	}
	n := m.Graph.Nodes[0]
	if a := n.Attr("ints"); !slices.Equal(a.Ints, []int64{1, -1, 1 << 40}) {
		t.Errorf("ints: %v", a.Ints)
	}
	if a := n.Attr("floats"); !slices.Equal(a.Floats, []float32{1, 2.5}) {
		t.Errorf("floats: %v", a.Floats)
	}
	if a := n.Attr("f0"); a.Type != loader.AttrFloat || a.F != 0 {
		t.Errorf("f0: %+v", a)
	}
	if a := n.Attr("t"); !a.T.Equal(tensor.Of([]int64{1, -2})) {
		t.Errorf("t: %v", a.T)
	}
	if a := n.Attr("tensors"); len(a.Tensors) != 2 || !a.Tensors[0].Equal(tensor.Scalar("s")) {
		t.Errorf("tensors: %v", a.Tensors)
	}
	if a := n.Attr("types"); len(a.Types) != 2 || a.Types[1].String() != "int8[n]" {
		t.Errorf("types: %v", a.Types)
	}
	d, err := n.Attr("sparse").Sparse.Dense()
	if err != nil || !d.Equal(tensor.Of([]float32{0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3}, 3, 4)) {
		t.Errorf("sparse: %v, %v", d, err)
	}
	if a := n.Attr("graphs"); len(a.Subgraphs()) != 2 || len(n.Attr("g").Subgraphs()) != 1 || n.Attr("i").Subgraphs() != nil {
		t.Error("Subgraphs doesn't find them")
	}
}

func TestTypeStrings(t *testing.T) {
	m, err := loader.Parse(encode(t, types()))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"sequence(float32[?,0,n])", "optional(sequence(float32[?,0,n]))", "map(string,float32[?,0,n])", "sparse int64[]", "opaque", "string"}
	for i, v := range m.Graph.Inputs {
		if got := v.Type.String(); got != want[i] {
			t.Errorf("%s is %s, want %s", v.Name, got, want[i])
		}
	}
}

func TestFunctions(t *testing.T) {
	m, err := loader.Parse(encode(t, functions()))
	if err != nil {
		t.Fatal(err)
	}
	f := m.Function("my", "Scale", "")
	if f == nil || f.Opset("") != 15 || len(f.Nodes) != 2 || f.Nodes[0].Attrs[0].RefAttrName != "alpha" || f.Defaults[0].F != 2 {
		t.Fatalf("function: %+v", f)
	}
	if m.Function("my", "Other", "") != nil {
		t.Error("a function that doesn't exist")
	}
}

// The graph of a file may come in several pieces; protobuf has them merged.
func TestMergedGraph(t *testing.T) {
	a, b := minimal(), minimal()
	b.IRVersion, b.Opsets = 0, nil
	b.Graph.Inputs, b.Graph.Outputs = nil, nil
	b.Graph.Nodes = []*loader.Node{onnxpb.Node("Neg", []string{"y"}, []string{"z"})}
	m, err := loader.Parse(append(encode(t, a), encode(t, b)...))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Graph.Nodes) != 2 || m.Graph.Nodes[1].Index != 1 {
		t.Errorf("nodes: %v", m.Graph.Nodes)
	}
}

func TestWarnings(t *testing.T) {
	badUTF8 := minimal()
	badUTF8.Graph.Nodes[0].Name = "\xff"
	newer := minimal()
	newer.IRVersion = 99
	noDomain := minimal()
	noDomain.Graph.Nodes[0].Domain = "com.microsoft"
	two := minimal()
	two.Opsets = append(two.Opsets, loader.OpsetImport{Domain: "ai.onnx", Version: 18})
	ancient := minimal()
	ancient.IRVersion, ancient.Opsets = 1, nil
	training := append(encode(t, minimal()), 0xa2, 0x01, 0x00) // field 20, empty
	dim := wire{}.msg(1, wire{}.num(1, -1))                    // the encoder writes no negative ones
	typ := wire{}.msg(1, wire{}.num(1, 1).msg(2, dim))
	negative := wire(encode(t, minimal())).msg(7, wire{}.msg(13, wire{}.str(1, "v").msg(2, typ)))
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"utf-8", encode(t, badUTF8), "isn't UTF-8"},
		{"newer", encode(t, newer), "format version 99"},
		{"domain", encode(t, noDomain), `domain "com.microsoft": version 1 is assumed`},
		{"two imports", encode(t, two), "imports versions 17 and 18"},
		{"ancient", encode(t, ancient), "version 1 is assumed"},
		{"training", training, "training information"},
		{"unsorted", encode(t, unsorted()), "not in topological order"},
		{"negative", negative, "negative numbers"},
	} {
		m, err := loader.Parse(c.b)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(m.Warnings) != 1 || !strings.Contains(m.Warnings[0], c.want) {
			t.Errorf("%s: warnings %q, want one with %q", c.name, m.Warnings, c.want)
		}
		if c.name == "training" && !m.HasTraining {
			t.Error("HasTraining is false")
		}
		if c.name == "two imports" && m.Opset("") != 18 {
			t.Errorf("opset %d of 17 and 18", m.Opset(""))
		}
	}
}

func TestFacts(t *testing.T) {
	m, err := loader.Parse(encode(t, subgraphs()))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Params(), []loader.ParamCount{{DType: tensor.Float32, Tensors: 3, Elements: 3, Bytes: 12}}; !slices.Equal(got, want) {
		t.Errorf("params %v, want %v", got, want)
	}
	want := []loader.OpCount{{OpType: "If", Count: 2}, {OpType: "Add", Count: 1}, {OpType: "Div", Count: 1}, {OpType: "Mul", Count: 1}}
	if got := m.Operators(); !slices.Equal(got, want) {
		t.Errorf("operators %v, want %v", got, want)
	}
	graphs := 0
	m.Graph.Walk(func(*loader.Graph) { graphs++ })
	if graphs != 5 {
		t.Errorf("%d graphs, want 5", graphs)
	}
}

func TestOpenFS(t *testing.T) {
	fsys := fstest.MapFS{
		"sub/m.onnx": {Data: encode(t, external(loader.ExternalData{Location: "./w.bin", Offset: 4, Length: -1}))},
		"sub/w.bin":  {Data: append([]byte{9, 9, 9, 9}, floatBytes(1, 2, 3, 4)...)},
	}
	m, err := loader.OpenFS(fsys, "sub/m.onnx")
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Graph.Initializers[0].Tensor()
	if err != nil || !got.Equal(tensor.Of([]float32{1, 2, 3, 4}, 2, 2)) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := loader.OpenFS(fsys, "missing"); err == nil {
		t.Error("a missing file opens")
	}
}
