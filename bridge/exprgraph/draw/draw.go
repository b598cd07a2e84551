// Package draw draws graphs of package exprgraph, as SVG and in Graphviz's language DOT.
//
//	g, err := exprgraph.Load("resnet50.onnx")
//	if err != nil { … }
//	d, err := draw.New(g, draw.Options{})
//	if err != nil { … }
//	err = d.SVG(file)
//
// Operators are boxes with what sets them apart: attributes that aren't at their defaults, the shapes of weights, small constants. Edges say the
// type and shape of the value. What belongs together by name stands in a frame: "/encoder/layer.0/attention/MatMul" is in attention, in
// layer.0, in encoder; where nodes have no such names, those of their weights are taken ("encoder.layer.0.query.weight"), and for what
// has no weights the scope that what comes before and after have in common. The bodies of If, Loop and Scan are frames too, whose results
// lead to the operator.
//
// The graph may have been changed, and may have Gorgonia's own operators. The same graph gives the same bytes.
package draw

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"ingot/bridge/exprgraph"
)

// Options say what is drawn. The zero value draws everything but weights.
type Options struct {
	Title string // of the drawing

	Weights bool // weights and constants are nodes, instead of lines in the operators that use them
	Closed  bool // the bodies of If, Loop and Scan aren't drawn
	Flat    bool // no frames, but for bodies

	// Depth is how many frames may stand in one another; 0 is no limit. Fold makes a single node of what stands in each frame of that depth
	// instead, 0 of none.
	Depth, Fold int

	// Scope draws only what is in that scope, and Node only the operators, inputs, outputs and values of that name with what is Hops edges away
	// from them; what is beyond is hinted at.
	Scope string
	Node  string
	Hops  int
}

// NameError says that a graph has no node or scope of a name.
type NameError struct {
	What  string // "node" or "scope"
	Name  string
	Known []string // what there is
}

func (e *NameError) Error() string { return fmt.Sprintf("the graph has no %s %q", e.What, e.Name) }

// Kind is what a node of a drawing stands for.
type Kind string

// The kinds.
const (
	Input    Kind = "input"
	Output   Kind = "output"
	Operator Kind = "operator"
	Weight   Kind = "weight"
	Folded   Kind = "scope"  // everything in a scope
	Beyond   Kind = "beyond" // what isn't drawn, beyond Hops or outside of Scope
)

// Drawing is what is drawn, without places.
type Drawing struct {
	Name   string  `json:"name"`
	Nodes  []Node  `json:"nodes"`
	Edges  []Edge  `json:"edges"`
	Scopes []Scope `json:"scopes"`
}

// Node is a node of the drawing.
type Node struct {
	Kind  Kind     `json:"kind"`
	Title string   `json:"title"` // the operator; the name for inputs and outputs
	Name  string   `json:"name"`
	Lines []string `json:"lines,omitempty"` // attributes, weights
	Scope int      `json:"scope"`           // index of the innermost, -1 for none

	family family
	outs   []string // names of its values
	path   path
	tip    []string // what doesn't fit into Lines
	short  string   // what is shown of the name, if not its end
}

// Edge is the use of a value.
type Edge struct {
	From   int    `json:"from"` // indices of nodes
	To     int    `json:"to"`
	Output int    `json:"output"` // which of From's
	Value  string `json:"value"`  // name
	Type   string `json:"type"`   // "float32[batch,1000]"; "" where nothing is known
	Result bool   `json:"result,omitempty"`
}

// Scope is a frame.
type Scope struct {
	Name   string `json:"name"`   // in full
	Label  string `json:"label"`  // without that of the parent
	Parent int    `json:"parent"` // index, -1 for none; less than the scope's own
	Body   bool   `json:"body,omitempty"`
}

// New finds out what is to be drawn. An error is a [*NameError], or one of the model.
func New(g *gorgonia.ExprGraph, o Options) (*Drawing, error) {
	b, err := newBuilder(g, o)
	if err != nil {
		return nil, err
	}
	b.types = exprgraph.Types(g)
	b.build(g)
	b.scopes()
	d := b.d
	if o.Scope != "" {
		if err := d.within(o.Scope); err != nil {
			return nil, err
		}
	}
	if o.Node != "" {
		if err := d.around(o.Node, o.Hops); err != nil {
			return nil, err
		}
	}
	d.nest(o)
	return d, nil
}
