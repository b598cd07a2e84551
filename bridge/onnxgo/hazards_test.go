package onnxgo

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/reflect/protoregistry"

	"ingot/loader"
)

// TestHazards looks at the defects of onnx-go that the package comment and docs/from-onnx-go.md tell of, as far as nothing else here meets them: one
// that is gone needs no word any more.
func TestHazards(t *testing.T) {
	if _, err := protoregistry.GlobalFiles.FindDescriptorByName("onnx.ModelProto"); err != nil {
		t.Errorf("onnx-go registers no messages: %v", err)
	}
	g := &loader.Graph{
		Inputs: []*loader.ValueInfo{f32("w", 2), f32("x", "batch", 2)}, Outputs: []*loader.ValueInfo{f32("y", "batch", 2), f32("x", "batch", 2)},
		Initializers: []*loader.Initializer{weight("w", 10, 20)}, Nodes: []*loader.Node{node("Mul", "x w", "y")},
	}
	b, m := decoded(t, bytesOf(t, g), false)
	if len(m.Input) != 1 || m.Input[0] == b.nodes[0].id {
		t.Fatalf("inputs %v", m.Input) // SetInput(0) asks for node 0, which is "w" in the order of the nodes
	}
	var names []string
	for _, n := range b.nodes {
		names = append(names, n.name)
	}
	if !slices.Equal(names, []string{"w", "x", "y", "x"}) {
		t.Errorf("nodes %q", names)
	}
	if n := b.nodes[1]; n.users != 0 || len(n.v.declared.Shape()) != 1 || b.nodes[3].users != 1 {
		t.Error("the first node of an input that is an output too is connected, or dimensions keep their places")
	}
	if b.Node(0).(*Node).name != "x" {
		t.Error("node 0 isn't the first input")
	}
}
