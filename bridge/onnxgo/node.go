package onnxgo

import (
	"fmt"

	onnx "github.com/owulveryck/onnx-go"
	gt "gorgonia.org/tensor"
)

// Node is a value of the model: an input, a weight, or what an operator computes. It is an onnx.Namer and an onnx.DataCarrier.
type Node struct {
	b       *Backend
	id      int64
	name    string
	v       *value
	early   bool // made before the first edge: an input, a described value, an output or an initializer
	decoded int  // tensors that the decoder gave it
	users   int  // edges that end here
}

var (
	_ onnx.Namer       = (*Node)(nil)
	_ onnx.DataCarrier = (*Node)(nil)
)

// value is what a name of the model stands for. onnx-go's decoder makes several nodes of a name that is declared more than once, an input
// that is an output too, say: they share the value.
type value struct {
	name  string // "" for one that is left out
	nodes []*Node
	maker *operation

	declared *gt.Dense // what the decoder made of the declaration, or an initializer's elements
	given    *gt.Dense // by the program, with SetTensor or SetInput
	open     bool      // as an input: values of other dimensions than the declared ones were given
	result   *gt.Dense // of the last run
}

// ID returns the node's number in the graph.
func (n *Node) ID() int64 { return n.id }

// GetName returns the name of the value in the model; empty for one that is left out.
func (n *Node) GetName() string { return n.name }

// SetName names the node. Nodes of one name share their value.
func (n *Node) SetName(name string) {
	n.name = name
	n.b.link(n, name)
}

// SetTensor gives the node a value, of whatever batch size, that runs from now on use. It isn't copied: what is written to an input's
// tensor before a run counts in that run. A weight that is given another tensor is compiled in by the next run; writing to the tensor of a weight
// isn't noticed. What an operator computes can't be set.
func (n *Node) SetTensor(t gt.Tensor) error {
	d, ok := t.(*gt.Dense)
	if !ok || d == nil {
		return fmt.Errorf("onnxgo: %s: a *tensor.Dense is needed, not a %T", n, t)
	}
	return n.b.give(n, d)
}

// GetTensor returns the node's value: what it was given, a weight, or after a run what was computed. Before that it is a placeholder, as
// in other backends of onnx-go: zeros of the declared type. It is nil where there is neither.
//
// Runs compute the model's outputs, and not what lies between inputs and outputs.
func (n *Node) GetTensor() gt.Tensor {
	if d := n.b.take(n); d != nil {
		return d
	}
	return nil // not a nil *Dense, which wouldn't equal nil
}

// String tells which node it is.
func (n *Node) String() string {
	if n.name == "" {
		return fmt.Sprintf("node %d", n.id)
	}
	return fmt.Sprintf("node %q", n.name)
}
