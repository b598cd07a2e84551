package loader_test

import (
	"testing"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// A sample is a small model that shows one part of the format.
type sample struct {
	name  string
	model *loader.Model
}

func samples() []sample {
	return []sample{
		{"minimal", minimal()},
		{"everything", everything()},
		{"subgraphs", subgraphs()},
		{"functions", functions()},
		{"types", types()},
		{"dtypes", allDTypes()},
		{"sparse", sparse()},
		{"attributes", attributes()},
		{"external", external(loader.ExternalData{Location: "w.bin", Offset: 64, Length: 16})},
		{"unsorted", unsorted()},
		{"empty-tensors", emptyTensors()},
		{"chain", chain(40)},
	}
}

func encode(t testing.TB, m *loader.Model) []byte {
	t.Helper()
	b, err := onnxpb.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func model(g *loader.Graph) *loader.Model {
	return &loader.Model{IRVersion: 8, Opsets: []loader.OpsetImport{{Version: 17}}, Graph: g}
}

func minimal() *loader.Model {
	return model(&loader.Graph{
		Inputs:  []*loader.ValueInfo{onnxpb.Value("x", tensor.Float32, "batch", 4)},
		Outputs: []*loader.ValueInfo{onnxpb.Value("y", tensor.Float32, "batch", 4)},
		Nodes:   []*loader.Node{onnxpb.Node("Relu", []string{"x"}, []string{"y"})},
	})
}

// everything sets each field that isn't of another sample's kind.
func everything() *loader.Model {
	x := onnxpb.Value("x", tensor.Float32, "batch", 3, -1)
	x.Doc, x.Metadata = "the input", loader.Props{{Key: "unit", Value: "m"}}
	x.Type.Denotation, x.Type.Dims[0].Denotation = "TENSOR", "DATA_BATCH"
	n := onnxpb.Node("Clip", []string{"x", "", "top"}, []string{"mid", ""}, onnxpb.Attr("note", "a\xffb"))
	n.Name, n.Doc, n.Metadata = "clip", "cuts", loader.Props{{Key: "namespace", Value: "a/b"}, {Key: "empty", Value: ""}}
	n.Attrs[0].Doc = "bytes, not text"
	custom := &loader.Node{OpType: "Gelu", Domain: "com.microsoft", Overload: "v2", Inputs: []string{"mid"}, Outputs: []string{"y"}}
	top := loader.NewInitializer("top", tensor.Scalar[float32](6))
	top.Doc, top.Metadata = "upper bound", loader.Props{{Key: "k", Value: "v"}}
	return &loader.Model{
		IRVersion: 10, ProducerName: "maker", ProducerVersion: "1.2", Domain: "org.example", ModelVersion: -3, Doc: "Überblick",
		Opsets:   []loader.OpsetImport{{Version: 21}, {Domain: "com.microsoft", Version: 1}},
		Metadata: loader.Props{{Key: "labels", Value: "a,b"}, {Key: "a", Value: ""}},
		Graph: &loader.Graph{
			Name: "main", Doc: "all of it", Nodes: []*loader.Node{n, custom},
			Inputs:       []*loader.ValueInfo{x},
			Outputs:      []*loader.ValueInfo{{Name: "y"}},
			ValueInfo:    []*loader.ValueInfo{{Name: "mid", Type: loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}}},
			Initializers: []*loader.Initializer{top},
			Quant:        []loader.QuantAnnotation{{Tensor: "mid", Params: loader.Props{{Key: "SCALE_TENSOR", Value: "s"}}}},
			Metadata:     loader.Props{{Key: "g", Value: "1"}},
		},
	}
}

func subgraphs() *loader.Model {
	inner := func(op string) *loader.Graph {
		return &loader.Graph{
			Name:         op + " branch",
			Nodes:        []*loader.Node{onnxpb.Node(op, []string{"x", "two"}, []string{"r"})}, // x from outside
			Initializers: []*loader.Initializer{loader.NewInitializer("two", tensor.Of([]float32{2}))},
			Outputs:      []*loader.ValueInfo{onnxpb.Value("r", tensor.Float32, 4)},
		}
	}
	nested := &loader.Graph{
		Nodes: []*loader.Node{onnxpb.Node("If", []string{"c"}, []string{"q"},
			onnxpb.Attr("then_branch", inner("Mul")), onnxpb.Attr("else_branch", inner("Div")))},
		Outputs: []*loader.ValueInfo{onnxpb.Value("q", tensor.Float32, 4)},
	}
	return model(&loader.Graph{
		Name:   "main",
		Inputs: []*loader.ValueInfo{onnxpb.Value("c", tensor.Bool), onnxpb.Value("x", tensor.Float32, 4)},
		Nodes: []*loader.Node{onnxpb.Node("If", []string{"c"}, []string{"y"},
			onnxpb.Attr("then_branch", inner("Add")), onnxpb.Attr("else_branch", nested))},
		Outputs: []*loader.ValueInfo{onnxpb.Value("y", tensor.Float32, 4)},
	})
}

func functions() *loader.Model {
	alpha := onnxpb.Attr("alpha", float32(0.5))
	ref := &loader.Attr{Name: "value_float", Type: loader.AttrFloat, RefAttrName: "alpha"}
	call := &loader.Node{OpType: "Scale", Domain: "my", Inputs: []string{"x"}, Outputs: []string{"y"}, Attrs: []*loader.Attr{alpha}}
	twice := &loader.Node{OpType: "Twice", Domain: "my", Inputs: []string{"y"}, Outputs: []string{"z"}}
	half := &loader.Node{OpType: "Scale", Domain: "my", Inputs: []string{"a"}, Outputs: []string{"b"}}
	m := model(&loader.Graph{
		Inputs:  []*loader.ValueInfo{onnxpb.Value("x", tensor.Float32, "n")},
		Outputs: []*loader.ValueInfo{onnxpb.Value("z", tensor.Float32, "n")},
		Nodes:   []*loader.Node{call, twice},
	})
	m.Opsets = append(m.Opsets, loader.OpsetImport{Domain: "my", Version: 1})
	m.Functions = []*loader.Function{
		{
			Name: "Scale", Domain: "my", Inputs: []string{"a"}, Outputs: []string{"b"}, Defaults: []*loader.Attr{onnxpb.Attr("alpha", float32(2))},
			Attributes: []string{"unused"}, Doc: "multiplies", Opsets: []loader.OpsetImport{{Version: 15}},
			Nodes: []*loader.Node{
				onnxpb.Node("Constant", nil, []string{"c"}, ref),
				onnxpb.Node("Mul", []string{"a", "c"}, []string{"b"}),
			},
			ValueInfo: []*loader.ValueInfo{onnxpb.Value("c", tensor.Float32)}, Metadata: loader.Props{{Key: "k", Value: "v"}},
		},
		{
			Name: "Twice", Domain: "my", Inputs: []string{"a"}, Outputs: []string{"b"},
			Opsets: []loader.OpsetImport{{Version: 15}, {Domain: "my", Version: 1}}, Nodes: []*loader.Node{half},
		},
	}
	return m
}

func types() *loader.Model {
	f32 := &loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32, HasShape: true, Dims: []loader.Dim{{Size: -1}, {Size: 0}, {Size: -1, Sym: "n"}}}
	seq := &loader.TypeInfo{Kind: loader.KindSequence, Elem: f32}
	in := func(name string, t loader.TypeInfo) *loader.ValueInfo { return &loader.ValueInfo{Name: name, Type: t} }
	return model(&loader.Graph{
		Inputs: []*loader.ValueInfo{
			in("seq", *seq),
			in("opt", loader.TypeInfo{Kind: loader.KindOptional, Elem: seq}),
			in("map", loader.TypeInfo{Kind: loader.KindMap, Key: tensor.String, Elem: f32}),
			in("sparse", loader.TypeInfo{Kind: loader.KindSparse, DType: tensor.Int64, HasShape: true}),
			in("opaque", loader.TypeInfo{Kind: loader.KindOpaque}),
			in("noshape", loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.String}),
		},
		Outputs: []*loader.ValueInfo{in("y", loader.TypeInfo{Kind: loader.KindUnknown})},
		Nodes:   []*loader.Node{onnxpb.Node("Identity", []string{"seq"}, []string{"y"})},
	})
}

// element makes a tensor of five elements with bit patterns that are valid for the type and differ from each other.
func element(dt tensor.DType) *tensor.Tensor {
	if dt == tensor.String {
		return tensor.Of([]string{"", "a", "bc", "ü", "\xff"})
	}
	raw := make([]byte, (5*dt.Bits()+7)/8)
	for i := range raw {
		raw[i] = byte(37*i + 200)
	}
	switch {
	case dt == tensor.Bool:
		copy(raw, []byte{1, 0, 0, 1, 1})
	case dt.Bits() == 4: // what is left of the last byte is zero
		copy(raw, []byte{0xf1, 0x20, 0x0e})
	case dt.Bits() == 2:
		copy(raw, []byte{0xb1, 0x03})
	}
	_, t, err := loader.DecodeTensor(wire{}.num(1, 5).num(2, int64(dt)).msg(9, raw))
	if err != nil {
		panic(err)
	}
	return t
}

func allDTypes() *loader.Model {
	m := minimal()
	for _, dt := range tensor.AllTypes.List() {
		m.Graph.Initializers = append(m.Graph.Initializers, loader.NewInitializer("c_"+dt.String(), element(dt)))
	}
	return m
}

func sparseTensor() *loader.SparseTensor {
	return &loader.SparseTensor{
		Shape:   []int{3, 4},
		Values:  loader.NewInitializer("", tensor.Of([]float32{1, 2, 3})),
		Indices: loader.NewInitializer("", tensor.Of([]int64{1, 6, 11})),
	}
}

func sparse() *loader.Model {
	pairs := sparseTensor()
	pairs.Indices = loader.NewInitializer("", tensor.Of([]int64{0, 1, 1, 2, 2, 3}, 3, 2))
	m := minimal()
	m.Graph.Initializers = []*loader.Initializer{{Name: "flat", Sparse: sparseTensor()}, {Name: "pairs", Sparse: pairs}}
	m.Graph.Nodes = append(m.Graph.Nodes, onnxpb.Node("Constant", nil, []string{"c"}, onnxpb.Attr("sparse_value", sparseTensor())))
	return m
}

func attributes() *loader.Model {
	g := func() *loader.Graph {
		return &loader.Graph{Outputs: []*loader.ValueInfo{{Name: "x"}}}
	}
	typ := &onnxpb.Value("", tensor.Int8, "n").Type
	m := minimal()
	m.Graph.Nodes[0].Attrs = []*loader.Attr{
		onnxpb.Attr("f", float32(-0.5)), onnxpb.Attr("f0", float32(0)), onnxpb.Attr("i", -7), onnxpb.Attr("s", "text"), onnxpb.Attr("s0", ""),
		onnxpb.Attr("t", tensor.Of([]int64{1, -2})), onnxpb.Attr("g", g()), onnxpb.Attr("floats", []float32{1, 2.5}), onnxpb.Attr("floats0", []float32{}),
		onnxpb.Attr("ints", []int64{1, -1, 1 << 40}), onnxpb.Attr("strings", []string{"a", "", "c"}),
		onnxpb.Attr("tensors", []*tensor.Tensor{tensor.Scalar("s"), tensor.Of([]uint8{1, 2}, 1, 2)}), onnxpb.Attr("graphs", []*loader.Graph{g(), g()}),
		onnxpb.Attr("sparse", sparseTensor()), onnxpb.Attr("sparses", []*loader.SparseTensor{sparseTensor()}),
		onnxpb.Attr("type", typ), onnxpb.Attr("types", []*loader.TypeInfo{typ, typ}),
	}
	return m
}

func external(e loader.ExternalData) *loader.Model {
	m := minimal()
	m.Graph.Initializers = []*loader.Initializer{{Name: "w", DType: tensor.Float32, Shape: []int{2, 2}, External: &e}}
	return m
}

func unsorted() *loader.Model {
	m := minimal()
	m.Graph.Nodes = []*loader.Node{
		onnxpb.Node("Add", []string{"b", "c"}, []string{"y"}),
		onnxpb.Node("Neg", []string{"a"}, []string{"b"}),
		onnxpb.Node("Abs", []string{"x"}, []string{"a"}),
		onnxpb.Node("Exp", []string{"x"}, []string{"c"}),
	}
	return m
}

func emptyTensors() *loader.Model {
	m := minimal()
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Int4, tensor.String, tensor.Bool} {
		empty, _ := tensor.New(dt, 2, 0, 3)
		m.Graph.Initializers = append(m.Graph.Initializers, loader.NewInitializer("e_"+dt.String(), empty))
	}
	m.Graph.Initializers = append(m.Graph.Initializers, loader.NewInitializer("scalar", tensor.Scalar[int64](1)))
	return m
}

func chain(n int) *loader.Model {
	names := []string{"x"}
	var nodes []*loader.Node
	for i := range n {
		names = append(names, string(rune('a'+i%26))+string(rune('A'+i/26)))
		nodes = append(nodes, onnxpb.Node("Relu", names[i:i+1], names[i+1:i+2]))
	}
	return model(&loader.Graph{
		Inputs:  []*loader.ValueInfo{onnxpb.Value("x", tensor.Float32, 4)},
		Outputs: []*loader.ValueInfo{onnxpb.Value(names[n], tensor.Float32, 4)},
		Nodes:   nodes,
	})
}
