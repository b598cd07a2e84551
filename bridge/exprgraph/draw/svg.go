package draw

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"ingot/internal/layered"
)

// Sizes of what is written, in pixels.
const (
	titleSize, lineSize, typeSize = 12.0, 10.0, 9.0
	lineHeight                    = 13.0
	boxPadding                    = 8.0
	bold                          = 1.08 // times as wide
	fewOutputs                    = 4    // that have their types beside one another
)

// SVG lays the drawing out and writes it as a picture. Pointing at something shows its full name.
func (d *Drawing) SVG(w io.Writer) error {
	g := &layered.Graph{}
	for i := range d.Scopes {
		s := &d.Scopes[i]
		g.Clusters = append(g.Clusters, layered.Cluster{Parent: s.Parent, W: width(s.Label, lineSize)})
	}
	outs := d.outputs()
	for i := range d.Nodes {
		g.Nodes = append(g.Nodes, d.size(i, outs[i]))
	}
	for _, e := range d.Edges {
		g.Edges = append(g.Edges, layered.Edge{From: e.From, To: e.To, FromX: outs[e.From].at(e.Output)})
	}
	l := layered.Of(g)
	s := &svg{Writer: bufio.NewWriter(w), d: d, l: l, outs: outs}
	s.write()
	return s.Flush()
}

// ports are the outputs of a node that are used: where they are, from the middle of the box, and their types.
type ports struct {
	outputs []int
	x       []float64
	types   []string
}

func (p *ports) at(output int) float64 {
	if i := slices.Index(p.outputs, output); i >= 0 {
		return p.x[i]
	}
	return 0
}

// outputs finds the ports of each node.
func (d *Drawing) outputs() []ports {
	all := make([]ports, len(d.Nodes))
	types := make([]map[int]string, len(d.Nodes))
	for _, e := range d.Edges {
		p := &all[e.From]
		if types[e.From] == nil {
			types[e.From] = map[int]string{}
		}
		if _, ok := types[e.From][e.Output]; !ok {
			p.outputs = append(p.outputs, e.Output)
		}
		if types[e.From][e.Output] == "" {
			types[e.From][e.Output] = e.Type
		}
	}
	for i := range all {
		p := &all[i]
		slices.Sort(p.outputs)
		step := 14.0
		for _, o := range p.outputs {
			t := shortType(types[i][o])
			p.types = append(p.types, t)
			if len(p.outputs) <= fewOutputs {
				step = max(step, width(t, typeSize)+10)
			}
		}
		for k := range p.outputs {
			p.x = append(p.x, (float64(k)-float64(len(p.outputs)-1)/2)*step)
		}
		if n := len(p.outputs); n > fewOutputs { // the types can't stand beside one another: one for all, or none
			common := p.types[0]
			if slices.ContainsFunc(p.types, func(t string) bool { return t != common }) {
				common = ""
			} else if common != "" {
				common = fmt.Sprintf("%d × %s", n, common)
			}
			p.types = make([]string, n)
			p.types[n-1] = common
		}
	}
	return all
}

// size measures a node.
func (d *Drawing) size(i int, p ports) layered.Node {
	n := &d.Nodes[i]
	box := layered.Node{Cluster: n.Scope, W: width(n.Title, titleSize) * bold, H: 2*boxPadding + lineHeight - 2}
	for _, line := range n.text() {
		box.W = max(box.W, width(line, lineSize))
		box.H += lineHeight
	}
	box.W += 2 * boxPadding
	if n.Kind == Input || n.Kind == Output {
		box.W += 12
	}
	if k := len(p.x); k > 0 {
		box.W = max(box.W, p.x[k-1]-p.x[0]+2*boxPadding)
		if t := width(p.types[k-1], typeSize); t > 0 {
			box.Right = p.x[k-1] + t + 6
		}
		box.Foot = lineHeight
	}
	return box
}

// svg writes a picture.
type svg struct {
	*bufio.Writer
	d    *Drawing
	l    *layered.Layout
	outs []ports
}

const svgStyle = `text{font-family:Helvetica,Arial,"Liberation Sans",sans-serif;font-size:10px;fill:#222}
.t{font-size:12px;font-weight:bold}.n{fill:#777}.m{text-anchor:middle}
.y,.s{stroke:#fff;stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.y{font-size:9px;fill:#555}.s{fill:#4a5468;font-style:italic;pointer-events:none}
.e path{fill:none;stroke:#666}.e .a{fill:#666;stroke:none}.e:hover path{stroke:#d22;stroke-width:2.5}.e:hover .a{fill:#d22}
.r path{stroke-dasharray:5 3}
`

func (s *svg) write() {
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s">`+"\n", px(s.l.W), px(s.l.H), px(s.l.W), px(s.l.H))
	fmt.Fprintf(s, "<title>%s</title>\n<style>%s</style>\n", escape(s.d.Name), svgStyle)
	fmt.Fprintf(s, `<rect width="%s" height="%s" fill="#fff"/>`+"\n", px(s.l.W), px(s.l.H))
	for i, r := range s.l.Clusters {
		s.scope(&s.d.Scopes[i], r)
	}
	for i, points := range s.l.Edges {
		if len(points) > 1 {
			s.edge(&s.d.Edges[i], points)
		}
	}
	for i, r := range s.l.Clusters {
		if r.W > 0 {
			fmt.Fprintf(s, `<text class="s" x="%s" y="%s">%s</text>`+"\n", px(r.X+7), px(r.Y+13), escape(s.d.Scopes[i].Label))
		}
	}
	for i, r := range s.l.Nodes {
		s.node(i, r)
	}
	fmt.Fprintln(s, "</svg>")
}

func (s *svg) scope(f *Scope, r layered.Rect) {
	look := `fill="#64748b" fill-opacity="0.05" stroke="#b5bccb"`
	if f.Body {
		look = `fill="#a33b88" fill-opacity="0.03" stroke="#a33b88" stroke-dasharray="4 3"`
	}
	fmt.Fprintf(s, `<g><title>%s</title><rect x="%s" y="%s" width="%s" height="%s" rx="6" %s/></g>`+"\n", escape(f.Name), px(r.X), px(r.Y), px(r.W), px(r.H), look)
}

// edge draws an arrow. Between points that aren't above one another it is an S that begins and ends vertically.
func (s *svg) edge(e *Edge, points []layered.Point) {
	const head = 5.0
	class := "e"
	if e.Result {
		class = "e r"
	}
	last := len(points) - 1
	end, dir := points[last], 1.0
	if points[last-1].Y > end.Y {
		dir = -1
	}
	fmt.Fprintf(s, `<g class="%s"><title>%s</title><path d="M%s %s`, class, escape(strings.TrimSpace(e.Value+" "+e.Type)), px(points[0].X), px(points[0].Y))
	for i, p := range points[1:] {
		q := points[i]
		if i+1 == last {
			p.Y -= head * dir
		}
		if p.X == q.X {
			fmt.Fprintf(s, "V%s", px(p.Y))
			continue
		}
		y := (p.Y + q.Y) / 2
		fmt.Fprintf(s, "C%s %s %s %s %s %s", px(q.X), px(y), px(p.X), px(y), px(p.X), px(p.Y))
	}
	fmt.Fprintf(s, `"/><path class="a" d="M%s %sl-3 %sh6z"/></g>`+"\n", px(end.X), px(end.Y), px(-head*dir))
}

func (s *svg) node(i int, r layered.Rect) {
	n := &s.d.Nodes[i]
	c := colours[n.family]
	radius, more := 4.0, ""
	switch n.Kind {
	case Input, Output:
		radius = r.H / 2
	case Weight:
		radius = 0
	case Folded:
		more = ` stroke-width="2"`
	case Beyond:
		more = ` stroke-dasharray="3 3"`
	}
	fmt.Fprintf(s, `<g><title>%s</title><rect x="%s" y="%s" width="%s" height="%s" rx="%s" fill="%s" stroke="%s"%s/>`,
		escape(n.tooltip()), px(r.X), px(r.Y), px(r.W), px(r.H), px(radius), c[0], c[1], more)
	mid, y := r.X+r.W/2, r.Y+boxPadding+9
	fmt.Fprintf(s, `<text class="t m" x="%s" y="%s">%s</text>`, px(mid), px(y), escape(n.Title))
	for k, line := range n.text() {
		class := "m"
		if k >= len(n.Lines) {
			class = "n m"
		}
		y += lineHeight
		fmt.Fprintf(s, `<text class="%s" x="%s" y="%s">%s</text>`, class, px(mid), px(y), escape(line))
	}
	for k, t := range s.outs[i].types {
		if t != "" {
			fmt.Fprintf(s, `<text class="y" x="%s" y="%s">%s</text>`, px(mid+s.outs[i].x[k]+4), px(r.Y+r.H+10), escape(t))
		}
	}
	fmt.Fprintln(s, "</g>")
}

// px writes a length with one decimal at most.
func px(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

func escape(text string) string {
	var sb strings.Builder
	_ = xml.EscapeText(&sb, []byte(text)) // a Builder never fails
	return sb.String()
}

// width estimates how wide text is in Helvetica, which the reader's font may differ from by some percent.
func width(text string, size float64) float64 {
	sum := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune("iljtf.,:;|!'/[]()I ", r):
			sum += 0.3
		case strings.ContainsRune("mwMW", r):
			sum += 0.87
		case r >= 'A' && r <= 'Z', r == '×', r == '…':
			sum += 0.69
		case r > 0x2e80: // CJK and the like
			sum += 1.05
		default:
			sum += 0.565
		}
	}
	return sum * size
}
