package draw

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// within keeps what is in a scope, whose name may be written with dots or slashes, and without its beginning.
func (d *Drawing) within(scope string) error {
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == '/' })
	}
	want := split(scope)
	var known []string
	keep := make([]bool, len(d.Nodes))
	found := false
	for i := range d.Nodes {
		name := ""
		for _, p := range d.Nodes[i].path.all {
			if !p.body {
				name += p.sep + p.label
				if full := strings.TrimLeft(name, "./"); !slices.Contains(known, full) {
					known = append(known, full)
				}
			}
		}
		got := split(name)
		for k := 0; k+len(want) <= len(got) && len(want) > 0; k++ {
			if slices.Equal(got[k:k+len(want)], want) {
				keep[i], found = true, true
			}
		}
	}
	if !found {
		return &NameError{"scope", scope, known}
	}
	d.keep(keep)
	return nil
}

// around keeps the nodes of a name and what is at most hops edges away.
func (d *Drawing) around(name string, hops int) error {
	distance := make([]int, len(d.Nodes))
	var known []string
	var next []int
	for i := range d.Nodes {
		n := &d.Nodes[i]
		distance[i] = -1
		if n.Name == name || slices.Contains(n.outs, name) {
			distance[i] = 0
			next = append(next, i)
		}
		known = append(append(known, n.Name), n.outs...)
	}
	if len(next) == 0 {
		return &NameError{"node", name, known}
	}
	joined := make([][]int, len(d.Nodes))
	for _, e := range d.Edges {
		joined[e.From] = append(joined[e.From], e.To)
		joined[e.To] = append(joined[e.To], e.From)
	}
	for len(next) > 0 {
		i := next[0]
		next = next[1:]
		for _, j := range joined[i] {
			if distance[j] < 0 && distance[i] < hops {
				distance[j] = distance[i] + 1
				next = append(next, j)
			}
		}
	}
	keep := make([]bool, len(d.Nodes))
	for i := range keep {
		keep[i] = distance[i] >= 0
	}
	d.keep(keep)
	return nil
}

// keep drops all other nodes. Values that come from outside, and those that go there, get a node that hints at it.
func (d *Drawing) keep(keep []bool) {
	old, edges := d.Nodes, d.Edges
	d.Nodes, d.Edges = nil, nil
	index := make([]int, len(old))
	for i := range old {
		if keep[i] {
			index[i] = len(d.Nodes)
			d.Nodes = append(d.Nodes, old[i])
		}
	}
	type end struct{ node, output int }
	sources, users := map[end]int{}, map[end]int{}
	counts := map[int]int{}
	hint := func(n Node) int {
		n.Kind, n.Scope, n.family, n.path = Beyond, -1, beyond, path{owner: -1}
		d.Nodes = append(d.Nodes, n)
		return len(d.Nodes) - 1
	}
	for _, e := range edges {
		from, to := e.From, e.To
		at := end{from, e.Output}
		switch {
		case keep[from] && keep[to]:
			e.From, e.To = index[from], index[to]
		case keep[to]:
			if _, ok := sources[at]; !ok {
				sources[at] = hint(Node{Title: "… " + old[from].Title, Name: old[from].second()})
			}
			e.From, e.To, e.Output = sources[at], index[to], 0
		case keep[from]:
			i, ok := users[at]
			if ok {
				counts[i]++
				continue
			}
			i = hint(Node{Title: old[to].Title + " …", Name: old[to].second()})
			users[at], counts[i] = i, 1
			e.From, e.To = index[from], i
		default:
			continue
		}
		d.Edges = append(d.Edges, e)
	}
	for i, n := range counts {
		if n > 1 {
			d.Nodes[i].Title, d.Nodes[i].Name = fmt.Sprintf("%d uses …", n), ""
		}
	}
}

// second is what there is to say of a node after its title.
func (n *Node) second() string {
	if n.Name == n.Title {
		return ""
	}
	return n.Name
}

// fold makes one node of what is in each frame of a depth.
func (d *Drawing) fold(root *frame, depth int) {
	to := make([]int, len(d.Nodes)) // the node that a node becomes part of
	for i := range to {
		to[i] = i
	}
	var walk func(f *frame, depth int)
	walk = func(f *frame, depth int) {
		for _, c := range f.children {
			if depth > 1 {
				walk(c, depth-1)
				continue
			}
			var all []int
			var gather func(f *frame)
			gather = func(f *frame) {
				all = append(all, f.nodes...)
				for _, g := range f.children {
					gather(g)
				}
			}
			gather(c)
			n := Node{Kind: Folded, Title: c.label, Name: c.name, Lines: d.census(all), Scope: -1, family: folded}
			n.short = fmt.Sprintf("%d nodes", len(all))
			d.Nodes = append(d.Nodes, n)
			to = append(to, len(d.Nodes)-1)
			for _, i := range all {
				to[i] = len(d.Nodes) - 1
			}
			f.nodes = append(f.nodes, len(d.Nodes)-1)
		}
		if depth <= 1 {
			f.children = nil
		}
	}
	walk(root, depth)
	// The nodes that are left move together.
	index := make([]int, len(d.Nodes))
	var kept []Node
	for i := range d.Nodes {
		if to[i] == i {
			index[i] = len(kept)
			kept = append(kept, d.Nodes[i])
		}
	}
	type use struct {
		value    string
		from, to int
	}
	seen := map[use]bool{}
	var edges []Edge
	for _, e := range d.Edges {
		from, at := to[e.From], to[e.To]
		if from == at {
			continue
		}
		if from != e.From {
			e.Output = 0
		}
		e.From, e.To = index[from], index[at]
		if u := (use{e.Value, e.From, e.To}); !seen[u] {
			seen[u] = true
			edges = append(edges, e)
		}
	}
	d.Nodes, d.Edges = kept, edges
	var renumber func(f *frame)
	renumber = func(f *frame) {
		for k, i := range f.nodes {
			f.nodes[k] = index[i]
		}
		for _, c := range f.children {
			renumber(c)
		}
	}
	renumber(root)
}

// census says which operators there are, the most frequent first.
func (d *Drawing) census(nodes []int) []string {
	counts := map[string]int{}
	var names []string
	for _, i := range nodes {
		if n := &d.Nodes[i]; n.Kind == Operator {
			if counts[n.Title] == 0 {
				names = append(names, n.Title)
			}
			counts[n.Title]++
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	const most = 6
	var lines []string
	for i, name := range names {
		if i == most {
			lines = append(lines, "…")
			break
		}
		lines = append(lines, fmt.Sprintf("%d× %s", counts[name], name))
	}
	return lines
}
