package draw

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// DOT writes the drawing in Graphviz's language: `dot -Tsvg` draws it.
func (d *Drawing) DOT(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "digraph %s {\n", dotQuote(d.Name))
	fmt.Fprintln(out, `	graph [fontname="Helvetica", fontsize=11, labeljust=l, nodesep=0.25, ranksep=0.35]`)
	fmt.Fprintln(out, `	node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=10, margin="0.1,0.05", height=0.2]`)
	fmt.Fprintln(out, `	edge [fontname="Helvetica", fontsize=8, arrowsize=0.6, color="#666666", fontcolor="#555555"]`)
	members, inner := d.members()
	var scope func(i int, indent string)
	scope = func(i int, indent string) {
		for _, n := range members[i+1] {
			d.dotNode(out, n, indent)
		}
		for _, s := range inner[i+1] {
			style := `style=rounded, color="#b5bccb"`
			if d.Scopes[s].Body {
				style = `style=dashed, color="#a33b88"`
			}
			fmt.Fprintf(out, "%ssubgraph cluster_%d {\n%s\tgraph [label=%s, tooltip=%s, %s]\n", indent, s, indent, dotQuote(d.Scopes[s].Label), dotQuote(d.Scopes[s].Name), style)
			scope(s, indent+"\t")
			fmt.Fprintf(out, "%s}\n", indent)
		}
	}
	scope(-1, "\t")
	for _, e := range d.Edges {
		style := ""
		if e.Result {
			style = ", style=dashed"
		}
		fmt.Fprintf(out, "\tn%d -> n%d [label=%s, tooltip=%s%s]\n", e.From, e.To, dotQuote(shortType(e.Type)), dotQuote(strings.TrimSpace(e.Value+" "+e.Type)), style)
	}
	fmt.Fprintln(out, "}")
	return out.Flush()
}

// members lists the nodes and the scopes of each scope; those of none come first.
func (d *Drawing) members() (nodes, scopes [][]int) {
	nodes, scopes = make([][]int, len(d.Scopes)+1), make([][]int, len(d.Scopes)+1)
	for i := range d.Nodes {
		s := d.Nodes[i].Scope + 1
		nodes[s] = append(nodes[s], i)
	}
	for i := range d.Scopes {
		s := d.Scopes[i].Parent + 1
		scopes[s] = append(scopes[s], i)
	}
	return nodes, scopes
}

func (d *Drawing) dotNode(out *bufio.Writer, i int, indent string) {
	n := &d.Nodes[i]
	label := strings.Join(append([]string{n.Title}, n.text()...), "\n")
	extra := ""
	switch n.Kind {
	case Input, Output:
		extra = ", shape=ellipse"
	case Weight:
		extra = `, shape=note, style=filled`
	case Folded:
		extra = ", shape=box3d, style=filled"
	case Beyond:
		extra = `, style="rounded,dashed"`
	}
	c := colours[n.family]
	fmt.Fprintf(out, "%sn%d [label=%s, tooltip=%s, fillcolor=%q, color=%q%s]\n", indent, i, dotQuote(label), dotQuote(n.tooltip()), c[0], c[1], extra)
}

// text is what stands below a node's title.
func (n *Node) text() []string {
	lines := n.Lines
	if name := n.label(); name != "" && name != n.Title && (n.Name != n.Title || n.short != "") {
		lines = append(lines[:len(lines):len(lines)], name)
	}
	return lines
}

// label is the name as it is shown: its end, where the frames say the rest.
func (n *Node) label() string {
	if n.short != "" {
		return shorten(n.short, 36)
	}
	name := n.Name
	if i := strings.LastIndexByte(name, '/'); i >= 0 && len(n.path.own) > 0 && i+1 < len(name) {
		name = name[i+1:]
	}
	return shorten(name, 36)
}

// tooltip is everything that is known of a node.
func (n *Node) tooltip() string {
	lines := []string{n.Title}
	if n.Name != n.Title {
		lines[0] = strings.TrimSpace(n.Title + " " + n.Name)
	}
	if len(n.tip) == 0 {
		lines = append(lines, n.Lines...)
	}
	return strings.Join(append(lines, n.tip...), "\n")
}

// dotEscapes: a backslash would begin an escape of Graphviz's own.
var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", "", "\x00", "")

// dotQuote writes a string in quotes.
func dotQuote(s string) string { return `"` + dotEscapes.Replace(strings.ToValidUTF8(s, "�")) + `"` }
