package exprgraph

import (
	"fmt"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"

	"ingot/loader"
)

// name returns a name that no other value has; the wanted one if possible.
func (c *compiler) name(want string) string {
	name := want
	for name == "" || c.taken[name] {
		c.fresh++
		name = fmt.Sprintf("%s/%d", strings.TrimSuffix(want, "/"), c.fresh)
	}
	c.taken[name] = true
	return name
}

// emit adds what computes a node to the model, after what its operands need.
func (c *compiler) emit(n *gorgonia.Node) error {
	switch c.state[n] {
	case done:
		return nil
	case open:
		return fmt.Errorf("node %q depends on itself", n.Name())
	}
	c.state[n] = open
	if !c.in[n] {
		return fmt.Errorf("node %q is used but was removed from the graph", n.Name())
	}
	operands := operandsOf(n)
	for i, v := range operands {
		if v == nil {
			return fmt.Errorf("operand %d of node %q is nil", i, n.Name())
		}
		if err := c.emit(v); err != nil {
			return err
		}
	}
	var err error
	switch op := n.Op().(type) {
	case nil:
		err = c.leaf(n)
	case *Operator:
		err = c.operator(n, op, operands)
	case *selectOp:
		err = c.selected(n, op, operands)
	case *noneOp:
		c.outs[n] = []string{""}
	case *outputOp: // used as an operand: it stands for its own
		if len(operands) != 1 {
			return fmt.Errorf("output %q has %d operands", op.name, len(operands))
		}
		c.outs[n] = c.outs[operands[0]]
	default:
		err = c.foreignNode(n, op, operands)
	}
	c.state[n] = done
	return err
}

// leaf adds an input or a weight.
func (c *compiler) leaf(n *gorgonia.Node) error {
	name := n.Name()
	if c.src.model.Graph.Initializer(name) != nil {
		if err := c.constant(n, n.Value(), name); err != nil {
			return fmt.Errorf("weight %q: %w", name, err)
		}
		in := c.inputs[name]
		if in != nil {
			c.file.Inputs = append(c.file.Inputs, in)
		}
		if in != nil && slices.Contains(c.src.cfg.Run.Overridable, name) {
			c.res.inputs[name] = n // with the value that it has now as its default
		} else {
			c.res.weights = append(c.res.weights, weight{n, n.Value()})
		}
		return nil
	}
	in := c.inputs[name]
	if in == nil {
		info, err := fileType(n.Type())
		if err != nil {
			return fmt.Errorf("node %q: %w", name, err)
		}
		in = &loader.ValueInfo{Name: c.name(name), Type: info}
	}
	c.file.Inputs = append(c.file.Inputs, in)
	c.res.inputs[in.Name] = n
	c.outs[n] = []string{in.Name}
	return nil
}

// constant adds an initializer.
func (c *compiler) constant(n *gorgonia.Node, v gorgonia.Value, name string) error {
	t, err := tensorOf(v)
	if err != nil {
		return err
	}
	c.outs[n] = []string{name}
	c.taken[name] = true
	c.file.Initializers = append(c.file.Initializers, loader.NewInitializer(name, t))
	return nil
}

// value returns the name of an operand.
func (c *compiler) value(user, n *gorgonia.Node) (string, error) {
	if len(c.outs[n]) != 1 {
		return "", fmt.Errorf("node %q uses %q, which has %d outputs: use the nodes that select one", user.Name(), n.Name(), len(c.outs[n]))
	}
	return c.outs[n][0], nil
}

// operator adds a node of the loaded model.
func (c *compiler) operator(n *gorgonia.Node, op *Operator, operands gorgonia.Nodes) error {
	own := len(operands) - len(op.captures)
	if own < 0 {
		return fmt.Errorf("%s has %d operands, fewer than its bodies use: %q", op.node, len(operands), op.captures)
	}
	node := *op.node
	captured := map[string]string{}
	node.Inputs = make([]string, own)
	for i, v := range operands {
		name, err := c.value(n, v)
		if err != nil {
			return err
		}
		if i < own {
			node.Inputs[i] = name
			continue
		}
		if name == "" {
			return fmt.Errorf("%s: what its bodies call %q can't be left out", op.node, op.captures[i-own])
		}
		if old := op.captures[i-own]; old != name {
			captured[old] = name
		}
	}
	if len(captured) > 0 {
		c.recapture(&node, captured)
	}
	node.Outputs = make([]string, len(op.node.Outputs))
	for i, name := range op.node.Outputs {
		if name != "" {
			node.Outputs[i] = c.outputName(n, i, name)
		}
	}
	c.outs[n] = node.Outputs
	c.file.Nodes = append(c.file.Nodes, &node)
	return nil
}

// recapture makes the bodies of a node use other values, by names that nothing in them has.
func (c *compiler) recapture(node *loader.Node, captured map[string]string) {
	inside := map[string]bool{}
	for _, a := range node.Attrs {
		for _, g := range a.Subgraphs() {
			g.Walk(func(g *loader.Graph) {
				for name := range definitions(g) {
					inside[name] = true
				}
			})
		}
	}
	for old, name := range captured {
		alias := c.name("captured/")
		for inside[alias] {
			alias = c.name("captured/")
		}
		c.identity(name, alias)
		captured[old] = alias
	}
	*node = *rename(node, captured)
}

func (c *compiler) identity(from, to string) {
	c.file.Nodes = append(c.file.Nodes, &loader.Node{Name: to, OpType: "Identity", Inputs: []string{from}, Outputs: []string{to}, Index: len(c.file.Nodes)})
}

// outputName names value i of a node. It keeps the name that it had in the file, unless an output of the model that is something else has it now.
func (c *compiler) outputName(n *gorgonia.Node, i int, name string) string {
	if !c.taken[name] || c.isOutput(n, i, name) {
		c.taken[name] = true
		return name
	}
	return c.name(name)
}

// isOutput reports whether the output of that name is still value i of the node.
func (c *compiler) isOutput(n *gorgonia.Node, i int, name string) bool {
	if c.marks[name] == nil {
		return false
	}
	v := operandsOf(c.marks[name])
	if len(v) != 1 || v[0] == nil {
		return false
	}
	if s, ok := v[0].Op().(*selectOp); ok {
		all := operandsOf(v[0])
		return len(all) == 1 && all[0] == n && s.index == i
	}
	return v[0] == n
}

func (c *compiler) selected(n *gorgonia.Node, op *selectOp, operands gorgonia.Nodes) error {
	if len(operands) != 1 {
		return fmt.Errorf("node %q picks an output of %d operands instead of one", n.Name(), len(operands))
	}
	outs := c.outs[operands[0]]
	if op.index >= len(outs) || outs[op.index] == "" {
		return fmt.Errorf("node %q picks output %d of %q, which doesn't have it", n.Name(), op.index, operands[0].Name())
	}
	c.outs[n] = outs[op.index : op.index+1]
	return nil
}

// output adds an output.
func (c *compiler) output(n *gorgonia.Node) error {
	op, ok := n.Op().(*outputOp)
	if !ok && readTarget(n.Op()) == nil {
		c.addOutput(binding{name: c.outs[n][0], node: n}, nil)
		return nil
	}
	operands := operandsOf(n)
	if len(operands) != 1 {
		return fmt.Errorf("node %q, an output, has %d operands instead of one", n.Name(), len(operands))
	}
	if operands[0] == nil {
		return fmt.Errorf("the operand of node %q, an output, is nil", n.Name())
	}
	if err := c.emit(operands[0]); err != nil {
		return err
	}
	value, err := c.value(n, operands[0])
	if err != nil {
		return err
	}
	if value == "" {
		return fmt.Errorf("node %q, an output, has no value", n.Name())
	}
	if !ok {
		alias := c.name("read/")
		c.identity(value, alias)
		c.addOutput(binding{name: alias, into: readTarget(n.Op())}, nil)
		return nil
	}
	if value != op.name {
		c.identity(value, op.name)
	}
	var info *loader.ValueInfo
	for _, out := range c.src.model.Graph.Outputs {
		if out.Name == op.name {
			info = out
		}
	}
	c.addOutput(binding{name: op.name, node: n}, info)
	return nil
}

func (c *compiler) addOutput(b binding, info *loader.ValueInfo) {
	if info == nil {
		info = &loader.ValueInfo{Name: b.name}
		c.added = append(c.added, b.name)
	}
	c.file.Outputs = append(c.file.Outputs, info)
	c.res.outputs = append(c.res.outputs, b)
}
