package exprgraph

import (
	"ingot/loader"
)

// captures returns the names that the bodies of a node take from outside of them, in the order in which they come up.
func captures(n *loader.Node) []string {
	var list []string
	seen := map[string]bool{}
	for _, a := range n.Attrs {
		for _, g := range a.Subgraphs() {
			free(g, nil, func(name string) {
				if !seen[name] {
					seen[name] = true
					list = append(list, name)
				}
			})
		}
	}
	return list
}

// scope is what a body and those around it define.
type scope struct {
	outer *scope
	names map[string]bool
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] {
			return true
		}
	}
	return false
}

// free calls found with each name that a body uses and doesn't define.
func free(g *loader.Graph, outer *scope, found func(string)) {
	s := &scope{outer, definitions(g)}
	use := func(name string) {
		if name != "" && !s.has(name) {
			found(name)
		}
	}
	for _, n := range g.Nodes {
		for _, name := range n.Inputs {
			use(name)
		}
		for _, a := range n.Attrs {
			for _, sub := range a.Subgraphs() {
				free(sub, s, found)
			}
		}
	}
	for _, out := range g.Outputs {
		use(out.Name)
	}
}

func definitions(g *loader.Graph) map[string]bool {
	names := map[string]bool{}
	for _, in := range g.Inputs {
		names[in.Name] = true
	}
	for _, in := range g.Initializers {
		names[in.Name] = true
	}
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			names[out] = true
		}
	}
	return names
}

// rename returns a copy of a node whose bodies use other names for what they take from outside.
func rename(n *loader.Node, to map[string]string) *loader.Node {
	c := *n
	c.Attrs = renameAttrs(n.Attrs, nil, to)
	return &c
}

func renameAttrs(list []*loader.Attr, s *scope, to map[string]string) []*loader.Attr {
	out := make([]*loader.Attr, len(list))
	for i, a := range list {
		out[i] = a
		if len(a.Subgraphs()) == 0 {
			continue
		}
		c := *a
		if a.G != nil {
			c.G = renameGraph(a.G, s, to)
		}
		c.Graphs = nil
		for _, g := range a.Graphs {
			c.Graphs = append(c.Graphs, renameGraph(g, s, to))
		}
		out[i] = &c
	}
	return out
}

func renameGraph(g *loader.Graph, outer *scope, to map[string]string) *loader.Graph {
	s := &scope{outer, definitions(g)}
	name := func(old string) string {
		if new, ok := to[old]; ok && !s.has(old) {
			return new
		}
		return old
	}
	c := &loader.Graph{Name: g.Name, Doc: g.Doc, Inputs: g.Inputs, ValueInfo: g.ValueInfo, Initializers: g.Initializers, Quant: g.Quant, Metadata: g.Metadata}
	for _, n := range g.Nodes {
		m := *n
		m.Inputs = make([]string, len(n.Inputs))
		for i, in := range n.Inputs {
			m.Inputs[i] = name(in)
		}
		m.Attrs = renameAttrs(n.Attrs, s, to)
		c.Nodes = append(c.Nodes, &m)
	}
	for _, out := range g.Outputs {
		o := *out
		o.Name = name(out.Name)
		c.Outputs = append(c.Outputs, &o)
	}
	return c
}
