package onnxpb_test

import (
	"slices"
	"testing"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// What the bytes are is fixed by onnx.proto: these were worked out by hand from its field numbers.
func TestBytes(t *testing.T) {
	one, err := onnxpb.EncodeTensor(tensor.Of([]int16{-2, 3}), "w")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want []byte
	}{
		{"tensor", one, []byte{0x0a, 1, 2, 0x10, 5, 0x42, 1, 'w', 0x4a, 4, 0xfe, 0xff, 3, 0}},
		{"packed", tensorAs(t, tensor.Of([]int16{-2, 3}), onnxpb.Packed),
			[]byte{0x0a, 1, 2, 0x10, 5, 0x2a, 11, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 3}},
		{"unpacked", tensorAs(t, tensor.Of([]uint32{7, 8}), onnxpb.Unpacked), []byte{0x0a, 1, 2, 0x10, 12, 0x58, 7, 0x58, 8}},
		{"floats", tensorAs(t, tensor.Of([]float32{1}), onnxpb.Unpacked), []byte{0x0a, 1, 1, 0x10, 1, 0x25, 0, 0, 0x80, 0x3f}},
		{"half", tensorAs(t, tensor.Of([]tensor.F16{0xbc00}), onnxpb.Packed), []byte{0x0a, 1, 1, 0x10, 10, 0x2a, 3, 0x80, 0xf8, 2}},
		{"strings", tensorAs(t, tensor.Of([]string{"", "a"}), onnxpb.Packed), []byte{0x0a, 1, 2, 0x10, 8, 0x32, 0, 0x32, 1, 'a'}},
		{"int4", tensorAs(t, tensor.Of([]tensor.I4{-1, 2, 7}), onnxpb.Raw), []byte{0x0a, 1, 3, 0x10, 22, 0x4a, 2, 0x2f, 7}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %x, want %x", c.name, c.got, c.want)
		}
	}
	m := &loader.Model{IRVersion: 8, Opsets: []loader.OpsetImport{{Version: 17}}, Graph: &loader.Graph{
		Nodes: []*loader.Node{onnxpb.Node("Op", []string{"x"}, []string{"y"}, onnxpb.Attr("a", 3))}}}
	got, err := onnxpb.Encode(m)
	want := []byte{0x08, 8, 0x3a, 22, 0x0a, 20, 0x0a, 1, 'x', 0x12, 1, 'y', 0x22, 2, 'O', 'p', 0x2a, 8, 0x0a, 1, 'a', 0xa0, 1, 2, 0x18, 3, 0x42, 4, 0x0a, 0, 0x10, 17}

	if err != nil || !slices.Equal(got, want) {
		t.Errorf("model: %x, %v, want %x", got, err, want)
	}
}

func tensorAs(t *testing.T, x *tensor.Tensor, form onnxpb.Form) []byte {
	t.Helper()
	b, err := onnxpb.EncodeTensorAs(x, "", form)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatCannotBeEncoded(t *testing.T) {
	node := func(a *loader.Attr) *loader.Model {
		return &loader.Model{Graph: &loader.Graph{Nodes: []*loader.Node{onnxpb.Node("Op", nil, nil, a)}}}
	}
	for name, m := range map[string]*loader.Model{
		"attribute of no type":     node(&loader.Attr{Name: "a"}),
		"attribute of a Go type":   node(onnxpb.Attr("a", struct{}{})),
		"attribute without graph":  node(&loader.Attr{Name: "a", Type: loader.AttrGraph}),
		"attribute without data":   node(&loader.Attr{Name: "a", Type: loader.AttrTensor}),
		"initializer without data": {Graph: &loader.Graph{Initializers: []*loader.Initializer{{Name: "w"}}}},
		"initializer with an error": {Graph: &loader.Graph{Initializers: []*loader.Initializer{
			loader.NewInitializer("w", tensor.Of([]float32{1}, 2))}}},
	} {
		if b, err := onnxpb.Encode(m); err == nil {
			t.Errorf("%s: %x", name, b)
		}
	}
	if b, err := onnxpb.EncodeValue(nil, "v"); err == nil {
		t.Errorf("nil value: %x", b)
	}
}
