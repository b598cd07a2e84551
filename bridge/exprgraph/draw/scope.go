package draw

import (
	"slices"
	"strings"

	"ingot/loader"
)

// part is a scope's own name, within the scope around it.
type part struct {
	key, label string
	sep        string // what stands before it in names
	body       bool   // the frame of an operator with bodies, or of a body
}

// path is what is known of where a node stands.
type path struct {
	own     []part   // the scope that its name gives
	known   bool     // own is right, even if it is empty
	weights []string // names of its weights
	owner   int      // the operator of the model in whose bodies it is, -1 if it is in none
	body    []part   // frames of bodies around it
	all     []part   // everything, from the outermost on
}

// scopeOf is the scope that a node's name gives: "/encoder/layer.0/MatMul", "encoder/layer_0/MatMul:0" or, where PyTorch's exporter noted it,
// what the metadata say.
func scopeOf(n *loader.Node) (scope []part, known bool) {
	for _, p := range n.Metadata {
		if p.Key == "pkg.torch.onnx.name_scopes" {
			// A list as Python prints it: ['', 'encoder', 'encoder.layer.0', 'linear'].
			names := strings.Split(strings.Trim(p.Value, "[] "), ",")
			if len(names) < 2 {
				return nil, true
			}
			return parts(strings.Trim(strings.TrimSpace(names[len(names)-2]), `'"`), "."), true
		}
	}
	i := strings.LastIndexByte(n.Name, '/')
	if i < 0 {
		return nil, false
	}
	return parts(n.Name[:i], "/"), true
}

// parts splits the name of a scope.
func parts(name, sep string) []part {
	var list []part
	for s := range strings.SplitSeq(name, sep) {
		if s != "" {
			list = append(list, part{key: s, label: s, sep: sep})
		}
	}
	return list
}

// weightScope is the scope that the names of weights give, "encoder.layer.0" for "encoder.layer.0.weight": what they have in common.
func weightScope(names []string) ([]part, bool) {
	var scope []part
	found := false
	for _, name := range names {
		sep := "."
		if strings.Contains(name, "/") {
			sep = "/"
		}
		i := strings.LastIndex(name, sep)
		if i <= 0 || strings.Contains(name, "::") || strings.Trim(name[i+1:], "0123456789") == "" { // "onnx::Conv_760", "helper.constant.38"
			continue
		}
		s := parts(name[:i], sep)
		if found {
			s = s[:same(scope, s)]
		}
		scope, found = s, true
	}
	return scope, found
}

// same is how many parts two scopes have in common.
func same(a, b []part) int {
	n := 0
	for n < len(a) && n < len(b) && a[n].key == b[n].key {
		n++
	}
	return n
}

// scopes finds out which scope each node is in.
func (b *builder) scopes() {
	nodes := b.d.Nodes
	if !b.o.Flat {
		anything := false
		for i := range nodes {
			p := &nodes[i].path
			if nodes[i].Kind == Operator && !p.known && p.owner < 0 {
				p.own, p.known = weightScope(p.weights)
			}
			anything = anything || len(p.own) > 0
		}
		if anything {
			b.products()
			b.between()
		}
	}
	for i := range nodes {
		p := &nodes[i].path
		name := p.own
		if p.owner >= 0 {
			name = nodes[p.owner].path.own
		}
		if b.o.Flat {
			name = nil
		}
		p.all = append(slices.Clone(name), p.body...)
	}
}

// products gives a product with a weight whose name says nothing the scope of its only user, the sum with the bias: exporters transpose the
// weights of linear layers, and give them other names.
func (b *builder) products() {
	nodes := b.d.Nodes
	user := make([]int, len(nodes)) // -1 for several
	for _, e := range b.d.Edges {
		if user[e.From] == 0 {
			user[e.From] = e.To
		} else {
			user[e.From] = -1
		}
	}
	for i := range nodes {
		p := &nodes[i].path
		if nodes[i].Title == "MatMul" && !p.known && p.owner < 0 && len(p.weights) > 0 && user[i] > 0 {
			if u := &nodes[user[i]]; u.Title == "Add" && u.path.known {
				p.own, p.known = u.path.own, true
			}
		}
	}
}

// between gives operators without a scope the innermost one that something before them and something after them have in common.
func (b *builder) between() {
	nodes := b.d.Nodes
	ups, downs := make([][]int, len(nodes)), make([][]int, len(nodes))
	for _, e := range b.d.Edges {
		ups[e.To] = append(ups[e.To], e.From)
		downs[e.From] = append(downs[e.From], e.To)
	}
	open := func(i int) bool { return nodes[i].Kind == Operator && !nodes[i].path.known && nodes[i].path.owner < 0 }
	before, after := make([][]part, len(nodes)), make([][]part, len(nodes))
	for i := range nodes { // operands stand before their users
		if before[i] = nodes[i].path.own; open(i) {
			before[i] = deepest(before, ups[i])
		}
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if after[i] = nodes[i].path.own; open(i) {
			after[i] = deepest(after, downs[i])
		}
	}
	for i := range nodes {
		if !open(i) {
			continue
		}
		var best []part
		for _, u := range ups[i] {
			for _, d := range downs[i] {
				if n := same(before[u], after[d]); n > len(best) {
					best = before[u][:n]
				}
			}
		}
		nodes[i].path.own = best
	}
}

// deepest is the scope with most parts.
func deepest(scopes [][]part, of []int) []part {
	var best []part
	for _, i := range of {
		if len(scopes[i]) > len(best) {
			best = scopes[i]
		}
	}
	return best
}

// frame is a scope while frames are being found.
type frame struct {
	part
	label    string // of the parts that it stands for
	name     string // in full
	parent   *frame
	children []*frame
	nodes    []int // that are in no child
	index    int
}

func (f *frame) size() int {
	n := len(f.nodes)
	for _, c := range f.children {
		n += c.size()
	}
	return n
}

// nest makes the frames: those around a single node go, and so do those around nothing but another frame.
func (d *Drawing) nest(o Options) {
	root := &frame{index: -1}
	for i := range d.Nodes {
		f := root
		for _, p := range d.Nodes[i].path.all {
			f = f.child(p)
		}
		f.nodes = append(f.nodes, i)
	}
	root.dissolve(d)
	root.open()
	root.merge()
	if o.Depth > 0 {
		root.limit(o.Depth)
	}
	if o.Fold > 0 {
		d.fold(root, o.Fold)
	}
	d.Scopes = []Scope{}
	d.number(root)
}

func (f *frame) child(p part) *frame {
	for _, c := range f.children {
		if c.key == p.key && c.body == p.body {
			return c
		}
	}
	c := &frame{part: p, label: p.label, name: p.label, parent: f}
	if f.name != "" && !p.body {
		c.name = f.name + p.sep + p.label
		if strings.Trim(p.label, "0123456789") == "" { // "layer.0" says more than "0"
			c.label = f.part.label + p.sep + p.label
		}
	}
	f.children = append(f.children, c)
	return c
}

// dissolve takes away frames around one node, which is told by the frame's name then.
func (f *frame) dissolve(d *Drawing) {
	var kept []*frame
	for _, c := range f.children {
		c.dissolve(d)
		if c.body || c.size() > 1 && !d.scattered(c) {
			kept = append(kept, c)
			continue
		}
		for _, i := range c.nodes {
			f.nodes = append(f.nodes, i)
			n := &d.Nodes[i]
			if len(n.path.weights) == 0 {
				continue // its own name says more than what it was found to be in
			}
			short := c.label
			if n.short != "" {
				short += c.sep + n.short
			}
			n.short = short
		}
	}
	f.children = kept
	slices.Sort(f.nodes)
}

// open takes away a frame that all others are in: it parts nothing.
func (f *frame) open() {
	for len(f.children) == 1 && !f.children[0].body && len(f.children[0].children) > 0 {
		c := f.children[0]
		f.nodes, f.children = append(f.nodes, c.nodes...), c.children
		for _, g := range f.children {
			g.parent = f
		}
	}
	slices.Sort(f.nodes)
}

// scattered reports whether a scope is of many operators that have nothing to do with each other, whatever their names have in common.
func (d *Drawing) scattered(f *frame) bool {
	const few = 6
	if len(f.nodes) <= few || len(f.children) > 0 {
		return false
	}
	for _, e := range d.Edges {
		_, from := slices.BinarySearch(f.nodes, e.From)
		_, to := slices.BinarySearch(f.nodes, e.To)
		if from && to {
			return false
		}
	}
	return true
}

// merge makes one frame of those around nothing but another one.
func (f *frame) merge() {
	for _, c := range f.children {
		for !c.body && len(c.nodes) == 0 && len(c.children) == 1 && !c.children[0].body {
			only := c.children[0]
			c.label += only.sep + only.part.label
			c.part.label, c.name, c.nodes, c.children = only.part.label, only.name, only.nodes, only.children
			for _, g := range c.children {
				g.parent = c
			}
		}
		c.merge()
	}
}

// limit takes away frames more than depth deep, but for those of bodies.
func (f *frame) limit(depth int) {
	var kept []*frame
	for _, c := range f.children {
		c.limit(depth - 1)
		if depth > 0 || c.body {
			kept = append(kept, c)
			continue
		}
		f.nodes = append(f.nodes, c.nodes...)
		kept = append(kept, c.children...)
	}
	f.children = kept
	slices.Sort(f.nodes)
}

// number lists the frames, outer ones first.
func (d *Drawing) number(f *frame) {
	for _, i := range f.nodes {
		d.Nodes[i].Scope = f.index
	}
	for _, c := range f.children {
		c.index = len(d.Scopes)
		d.Scopes = append(d.Scopes, Scope{Name: c.name, Label: c.label, Parent: f.index, Body: c.body})
		d.number(c)
	}
}
