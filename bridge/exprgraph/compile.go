package exprgraph

import (
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"ingot"
	"ingot/internal/config"
	"ingot/loader"
	"ingot/ops"
)

// Compile compiles the graph as it is now, with the options that it was loaded with, to a model that any number of goroutines may run.
// Inputs are the graph's nodes without operator that aren't weights of the loaded model. Outputs are those of the loaded
// model, and the values of Gorgonia's operators that nothing uses.
//
// The model shares the memory of the weights, but not changes that are made later.
func Compile(g *gorgonia.ExprGraph) (*ingot.Model, error) {
	c, err := compile(g)
	if err != nil {
		return nil, err
	}
	return c.model, nil
}

// compiled is a graph's model, and which nodes its inputs and outputs are.
type compiled struct {
	model   *ingot.Model
	inputs  map[string]*gorgonia.Node
	outputs []binding
	weights []weight
}

// binding says where an output goes: to a node, and where gorgonia.Read wants it.
type binding struct {
	name string
	node *gorgonia.Node
	into *gorgonia.Value
}

// weight is a weight with the value that was compiled.
type weight struct {
	node  *gorgonia.Node
	value gorgonia.Value
}

// compiler turns a graph into a model like that of a file.
type compiler struct {
	g       *gorgonia.ExprGraph
	src     *source
	in      map[*gorgonia.Node]bool // nodes of the graph
	state   map[*gorgonia.Node]int8
	outs    map[*gorgonia.Node][]string // names of a node's values
	taken   map[string]bool
	fresh   int
	inputs  map[string]*loader.ValueInfo // of the loaded model
	marks   map[string]*gorgonia.Node    // the nodes of outputs, by the outputs' names
	file    *loader.Graph                // that is made
	foreign []*ops.Op
	added   []string // outputs beside those of the loaded model
	res     compiled
}

// States of a node.
const (
	unseen int8 = iota
	live
	open
	done
)

func compile(g *gorgonia.ExprGraph) (_ *compiled, err error) {
	if g == nil {
		return nil, errors.New("exprgraph: the graph is nil")
	}
	c := &compiler{
		g: g, in: map[*gorgonia.Node]bool{}, state: map[*gorgonia.Node]int8{}, outs: map[*gorgonia.Node][]string{}, taken: map[string]bool{},
		inputs: map[string]*loader.ValueInfo{}, marks: map[string]*gorgonia.Node{}, res: compiled{inputs: map[string]*gorgonia.Node{}},
	}
	file := ""
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a panic of Gorgonia's: %v", r)
		}
		var model *ingot.ModelError
		var node *ingot.NodeError
		var unsupported *ingot.UnsupportedError
		if err != nil && !errors.As(err, &model) && !errors.As(err, &node) && !errors.As(err, &unsupported) {
			err = &ingot.ModelError{File: file, Err: err}
		}
	}()
	if err := c.findSource(); err != nil {
		return nil, err
	}
	file = c.src.model.File
	if err := c.build(); err != nil {
		return nil, err
	}
	m := c.src.derive(c.file)
	m.Opsets = c.opsets()
	c.res.model, err = ingot.Compile(m, c.src.with(func(cfg *config.Config) {
		cfg.Extra = append(slices.Clone(cfg.Extra), c.foreign...)
		if len(cfg.Run.Outputs) > 0 {
			cfg.Run.Outputs = append(slices.Clone(cfg.Run.Outputs), c.added...)
		}
	}))
	if err != nil {
		return nil, err
	}
	return &c.res, nil
}

// sourceOf returns the model that a node of ours comes from.
func sourceOf(n *gorgonia.Node) *source {
	switch op := n.Op().(type) {
	case *Operator:
		return op.src
	case *outputOp:
		return op.src
	}
	return nil
}

// sourceIn returns the model that a graph comes from; nil when all of its nodes are Gorgonia's.
func sourceIn(g *gorgonia.ExprGraph) *source {
	for _, n := range g.AllNodes() {
		if s := sourceOf(n); s != nil {
			return s
		}
	}
	return nil
}

// findSource finds out which model the graph comes from.
func (c *compiler) findSource() error {
	for _, n := range c.g.AllNodes() {
		c.in[n] = true
		s := sourceOf(n)
		switch {
		case s == nil:
		case c.src == nil:
			c.src = s
		case c.src != s:
			return fmt.Errorf("the graph holds nodes of two models, %q and %q: opsets and functions of one can't be told from the other's", c.src.model.File, s.model.File)
		}
	}
	if c.src == nil { // Gorgonia's nodes alone
		cfg, err := config.New[ingot.Option](nil)
		if err != nil {
			return err
		}
		c.src = &source{model: &loader.Model{IRVersion: 10, Graph: &loader.Graph{}}, cfg: cfg}
	}
	for _, in := range c.src.model.Graph.Inputs {
		c.inputs[in.Name] = in
	}
	return nil
}

func (c *compiler) opsets() []loader.OpsetImport {
	list := append([]loader.OpsetImport{}, c.src.model.Opsets...)
	if c.src.model.Opset("") == 0 {
		list = append(list, loader.OpsetImport{Version: 21})
	}
	if len(c.foreign) > 0 {
		list = append(list, loader.OpsetImport{Domain: foreignDomain, Version: 1})
	}
	return list
}

// build makes the graph of the model: what outputs need, in the order in which the nodes were made as far as operands allow.
func (c *compiler) build() error {
	old := c.src.model.Graph
	c.file = &loader.Graph{Name: old.Name, Doc: old.Doc, Metadata: old.Metadata}
	roots := c.roots()
	if len(roots) == 0 {
		return errors.New("the graph has no outputs")
	}
	for _, n := range roots {
		if op, ok := n.Op().(*outputOp); ok {
			if c.marks[op.name] != nil {
				return fmt.Errorf("the graph has two outputs of the name %q", op.name)
			}
			c.taken[op.name], c.marks[op.name] = true, n
		}
		c.mark(n)
	}
	for name := range c.inputs {
		c.taken[name] = true
	}
	for _, in := range old.Initializers {
		c.taken[in.Name] = true
	}
	for _, n := range c.g.AllNodes() { // inputs that nothing uses are inputs all the same
		if n.Op() == nil && c.inputs[n.Name()] != nil {
			c.mark(n)
		}
	}
	for _, n := range c.g.AllNodes() {
		if c.state[n] == live {
			if _, isOutput := n.Op().(*outputOp); isOutput || readTarget(n.Op()) != nil {
				continue
			}
			if err := c.emit(n); err != nil {
				return err
			}
		}
	}
	for _, n := range roots {
		if err := c.output(n); err != nil {
			return err
		}
	}
	return nil
}

// roots returns the nodes whose values are wanted: outputs of the model in its order, those that were added, what gorgonia.Read reads, and Gorgonia's
// operators that nothing uses.
func (c *compiler) roots() []*gorgonia.Node {
	used := map[*gorgonia.Node]bool{}
	for _, n := range c.g.AllNodes() {
		if readTarget(n.Op()) != nil {
			continue
		}
		for _, v := range operandsOf(n) {
			used[v] = true
		}
	}
	var list []*gorgonia.Node
	for _, n := range c.g.AllNodes() {
		switch n.Op().(type) {
		case *outputOp:
			list = append(list, n)
		case nil, *Operator, *selectOp, *noneOp:
		default:
			if !used[n] {
				list = append(list, n)
			}
		}
	}
	return list
}

func (c *compiler) mark(n *gorgonia.Node) {
	if c.state[n] != unseen {
		return
	}
	c.state[n] = live
	for _, v := range operandsOf(n) {
		if v != nil {
			c.mark(v)
		}
	}
}
