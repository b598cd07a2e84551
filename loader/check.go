package loader

import (
	"fmt"
	"strings"
)

// newestIR is the newest version of the file format that this package was written for.
const newestIR = 14

// check finds what is wrong with a model beyond its encoding: names that nobody defines or two define, operators of domains that aren't
// imported, cycles. It puts nodes in topological order.
func (d *decoder) check(m *Model) error {
	switch {
	case m.IRVersion <= 0:
		d.warn("the file doesn't say which version of the format it has")
	case m.IRVersion > newestIR:
		d.warn("the file is of format version %d, newer than the newest known one, %d", m.IRVersion, newestIR)
	}
	if len(m.Opsets) == 0 && m.IRVersion < 3 {
		// Opset imports came with version 3 of the format. What is older uses the first version of the operators.
		m.Opsets = []OpsetImport{{Domain: "", Version: 1}}
		d.warn("the file is from before operators had versions: version 1 is assumed")
	}
	if d.negative > 0 {
		d.warn("%d dimensions are given as negative numbers and taken as unknown", d.negative)
	}
	for _, in := range m.Graph.Inputs {
		if in.Type.Kind == KindUnknown && m.Graph.Initializer(in.Name) == nil {
			return within(formatErr(in.off, "the file doesn't say which type it has"), "input "+quote(in.Name))
		}
	}
	c := checker{d: d, m: m, local: make(map[funcKey]*Function), domains: make(map[string]bool)}
	if err := c.functions(); err != nil {
		return err
	}
	c.imports, c.who = &m.Opsets, "the model"
	g := m.Graph
	free, err := c.body(&scope{inputs: valueNames(g.Inputs), inits: g.Initializers, nodes: g.Nodes, outputs: valueNames(g.Outputs)})
	if err != nil {
		return err
	}
	if len(free) > 0 {
		return free[0].error()
	}
	return c.size()
}

type funcKey struct{ domain, name, overload string }

// checker walks the graphs of a model.
type checker struct {
	d       *decoder
	m       *Model
	local   map[funcKey]*Function
	domains map[string]bool // domains of the model's own functions
	imports *[]OpsetImport  // of the model or the function that is being walked
	who     string
	inFunc  bool
}

func (c *checker) functions() error {
	for _, f := range c.m.Functions {
		key := funcKey{f.Domain, f.Name, f.Overload}
		if c.local[key] != nil {
			return formatErr(f.off, "function %s is defined twice", f)
		}
		c.local[key] = f
		c.domains[f.Domain] = true
	}
	c.inFunc = true
	for _, f := range c.m.Functions {
		c.imports, c.who = &f.Opsets, "the function"
		if len(f.Opsets) == 0 {
			c.imports, c.who = &c.m.Opsets, "the model"
		}
		free, err := c.body(&scope{inputs: f.Inputs, nodes: f.Nodes, outputs: f.Outputs, off: f.off})
		if err == nil && len(free) > 0 {
			err = free[0].error()
		}
		if err != nil {
			return within(err, "function "+f.String())
		}
	}
	c.inFunc = false
	return nil
}

// scope is the body of a graph or function: names that it defines, and nodes that use them.
type scope struct {
	inputs  []string
	inits   []*Initializer
	nodes   []*Node // reordered in place
	outputs []string
	off     int64
}

func valueNames(list []*ValueInfo) []string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = v.Name
	}
	return names
}

// use is a name that a graph uses without defining it: the graph around it must.
type use struct {
	name  string
	off   int64
	where string
}

func (u use) error() error {
	return within(formatErr(u.off, "nothing produces %s", quote(u.name)), u.where)
}

// body checks a scope, with the graphs inside its nodes, and returns the names that it takes from outside, each once.
func (c *checker) body(s *scope) (free []use, err error) {
	const given = -1 // by an input or initializer, not a node
	def := make(map[string]int, len(s.inputs)+len(s.inits)+len(s.nodes))
	for i, name := range s.inputs {
		if _, dup := def[name]; dup {
			return nil, formatErr(s.off, "input %d %s has the name of another input", i, quote(name))
		}
		def[name] = given
	}
	inits := make(map[string]bool, len(s.inits))
	for _, in := range s.inits {
		if inits[in.Name] {
			return nil, formatErr(in.off, "there are two initializers with the name %s", quote(in.Name))
		}
		inits[in.Name] = true
		def[in.Name] = given
	}
	for i, n := range s.nodes {
		for _, name := range n.Outputs {
			if name == "" {
				continue
			}
			if p, dup := def[name]; dup {
				by := "an input or initializer"
				if p != given {
					by = s.nodes[p].String()
				}
				return nil, within(formatErr(n.off, "%s is already produced by %s", quote(name), by), n.String())
			}
			def[name] = i
		}
	}
	captured := make(map[string]bool)
	sorted := true
	outer := make(map[*Node][]use) // what the graphs inside a node take from outside
	need := func(i int, u use) {
		if p, ok := def[u.name]; ok {
			sorted = sorted && p < i
		} else if !captured[u.name] {
			captured[u.name] = true
			free = append(free, u)
		}
	}
	for i, n := range s.nodes {
		if err := c.node(n); err != nil {
			return nil, within(err, n.String())
		}
		for _, name := range n.Inputs {
			if name == "" {
				continue
			}
			if _, ok := def[name]; ok || captured[name] {
				need(i, use{name: name})
			} else {
				need(i, use{name, n.off, n.String()})
			}
		}
		inner, err := c.subgraphs(n)
		if err != nil {
			return nil, within(err, n.String())
		}
		for _, u := range inner {
			need(i, u)
		}
		if len(inner) > 0 {
			outer[n] = inner
		}
	}
	for i, name := range s.outputs {
		if name == "" {
			return nil, formatErr(s.off, "output %d has no name", i)
		}
		need(len(s.nodes), use{name, s.off, fmt.Sprintf("output %d", i)})
	}
	if !sorted {
		if err := sortNodes(s.nodes, def, outer); err != nil {
			return nil, err
		}
		if !c.d.unsorted {
			c.d.warn("the nodes are not in topological order in the file")
		}
		c.d.unsorted = true
	}
	return free, nil
}

// subgraphs checks the graphs in a node's attributes, and returns the names that they take from outside.
func (c *checker) subgraphs(n *Node) ([]use, error) {
	var free []use
	for _, a := range n.Attrs {
		for k, g := range a.Subgraphs() {
			where := "attribute " + quote(a.Name)
			if a.G == nil {
				where += fmt.Sprintf(", graph %d", k)
			}
			inner, err := c.body(&scope{inputs: valueNames(g.Inputs), inits: g.Initializers, nodes: g.Nodes, outputs: valueNames(g.Outputs), off: n.off})
			if err != nil {
				return nil, within(err, where)
			}
			for i := range inner {
				inner[i].where = n.String() + ": " + where + ": " + inner[i].where
			}
			free = append(free, inner...)
		}
	}
	return free, nil
}

// node checks what can be checked of a node by itself.
func (c *checker) node(n *Node) error {
	if opset(*c.imports, n.Domain) == 0 && !c.domains[n.Domain] {
		switch {
		case n.Domain == "":
			return formatErr(n.off, "%s doesn't say which version of the standard operators it uses", c.who)
		case strings.HasPrefix(n.Domain, "ai.onnx."):
			return formatErr(n.off, "%s doesn't import the operators of domain %s", c.who, quote(n.Domain))
		}
		// Tools that fuse nodes forget to import the domain of what they put in; such domains have had one version so far.
		c.d.warn("%s doesn't import the operators of domain %s: version 1 is assumed", c.who, quote(n.Domain))
		*c.imports = append(*c.imports, OpsetImport{Domain: n.Domain, Version: 1})
	}
	for i, a := range n.Attrs {
		if i < 32 && attrNamed(n.Attrs[:i], a.Name) { // no operator has more; a longer list is refused when it is bound
			return formatErr(n.off, "there are two attributes with the name %s", quote(a.Name))
		}
		if a.RefAttrName != "" && !c.inFunc {
			return formatErr(n.off, "attribute %s refers to an attribute of a function, but this isn't in one", quote(a.Name))
		}
	}
	return nil
}

// size checks that no function calls itself, and that the model stays within the limit of nodes with all functions expanded: each
// function that calls the next twice doubles the model.
func (c *checker) size() error {
	const running = -1
	const maxCalls = 1000
	enough := c.d.lim.Nodes + 1 // no need to count on
	sizes := make(map[*Function]int)
	var count func(nodes []*Node, calls int) (int, error)
	count = func(nodes []*Node, calls int) (int, error) {
		if calls > maxCalls {
			return 0, formatErr(-1, "functions call functions more than %d levels deep", maxCalls)
		}
		total := 0
		add := func(n int) { total = min(total+n, enough) }
		for _, n := range nodes {
			f := c.local[funcKey{n.Domain, n.OpType, n.Overload}]
			size := 1
			if f != nil {
				var ok bool
				if size, ok = sizes[f]; !ok {
					sizes[f] = running
					var err error
					if size, err = count(f.Nodes, calls+1); err != nil {
						return 0, err
					}
					sizes[f] = size
				}
				if size == running {
					return 0, within(formatErr(n.off, "function %s calls itself", f), n.String())
				}
			}
			add(size)
			for _, a := range n.Attrs {
				for _, g := range a.Subgraphs() {
					inner, err := count(g.Nodes, calls)
					if err != nil {
						return 0, err
					}
					add(inner)
				}
			}
		}
		return total, nil
	}
	total, err := count(c.m.Graph.Nodes, 0)
	if err != nil {
		return err
	}
	if total > c.d.lim.Nodes {
		return formatErr(-1, "with its functions expanded the model has more than %d nodes", c.d.lim.Nodes)
	}
	return nil
}
