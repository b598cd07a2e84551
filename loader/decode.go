package loader

import (
	"fmt"
	"unicode/utf8"
)

// decoder turns a file's bytes into a Model. Its methods follow the messages of onnx.proto; the numbers in the switches are the
// field numbers there.
type decoder struct {
	src      *source
	lim      Limits
	nodes    int
	names    map[string]string // each name once, however often the file repeats it
	warnings []string
	negative int  // dimensions below zero in types
	badNames bool // one was there
	unsorted bool // a graph was
}

// warn keeps a remark, of the first hundred.
func (d *decoder) warn(format string, args ...any) {
	const most = 100
	switch n := len(d.warnings); {
	case n < most:
		d.warnings = append(d.warnings, fmt.Sprintf(format, args...))
	case n == most:
		d.warnings = append(d.warnings, "more warnings are left out")
	}
}

// name reads a name. Names repeat (a value's producer, its consumers, its type), so equal ones share their memory.
func (d *decoder) name(m *message) string {
	b := m.bytes()
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	s := string(b)
	d.names[s] = s
	if !d.badNames && !utf8.ValidString(s) {
		d.badNames = true
		d.warn("the name %s (at byte %d) isn't UTF-8; such names are used as they are", quote(s), m.at)
	}
	return s
}

// prop reads a StringStringEntryProto.
func (d *decoder) prop(m message) (Prop, error) {
	var p Prop
	for m.next() {
		switch m.num {
		case 1:
			p.Key = m.str()
		case 2:
			p.Value = m.str()
		}
	}
	return p, m.err
}

// props appends the current field's property.
func (d *decoder) props(list *Props, m *message) {
	p, err := d.prop(m.sub())
	m.adopt(err, "metadata")
	*list = append(*list, p)
}

// adopt ends the walk with the error of a part, if there is one.
func (m *message) adopt(err error, where string) {
	if m.err == nil && err != nil {
		if where != "" {
			err = within(err, where)
		}
		m.err = err
	}
}

func (d *decoder) model(m message) (*Model, error) {
	mod := &Model{File: d.src.file, src: d.src}
	for m.next() {
		switch m.num {
		case 1:
			mod.IRVersion = m.int64()
		case 2:
			mod.ProducerName = m.str()
		case 3:
			mod.ProducerVersion = m.str()
		case 4:
			mod.Domain = m.str()
		case 5:
			mod.ModelVersion = m.int64()
		case 6:
			mod.Doc = m.str()
		case 7:
			if mod.Graph == nil {
				mod.Graph = &Graph{}
			} // a second one adds to the first: so protobuf defines it
			m.adopt(d.graph(mod.Graph, m.sub(), 1), "")
		case 8:
			o, err := d.opsetImport(m.sub())
			m.adopt(err, "opset import")
			mod.Opsets = d.addOpset(mod.Opsets, o, "the model")
		case 14:
			d.props(&mod.Metadata, &m)
		case 20:
			m.bytes()
			mod.HasTraining = true
		case 25:
			f, err := d.function(m.sub())
			m.adopt(err, fmt.Sprintf("function %d %s", len(mod.Functions), quote(f.Name)))
			f.off = m.at
			mod.Functions = append(mod.Functions, f)
		}
	}
	if m.err != nil {
		return nil, m.err
	}
	if mod.HasTraining {
		d.warn("the training information in the file is ignored")
	}
	return mod, nil
}

func (d *decoder) opsetImport(m message) (OpsetImport, error) {
	var o OpsetImport
	for m.next() {
		switch m.num {
		case 1:
			o.Domain = normalDomain(d.name(&m))
		case 2:
			o.Version = m.int64()
		}
	}
	return o, m.err
}

// addOpset adds an import. Of two for one domain the higher counts, as the standard says.
func (d *decoder) addOpset(list []OpsetImport, o OpsetImport, who string) []OpsetImport {
	for i := range list {
		if list[i].Domain != o.Domain {
			continue
		}
		if list[i].Version != o.Version {
			d.warn("%s imports versions %d and %d of domain %s; the higher one counts", who, list[i].Version, o.Version, quote(o.Domain))
			list[i].Version = max(list[i].Version, o.Version)
		}
		return list
	}
	return append(list, o)
}

// graph adds the message's content to g. depth is 1 for the main graph.
func (d *decoder) graph(g *Graph, m message, depth int) error {
	if depth > d.lim.Depth {
		return formatErr(m.pos, "subgraphs are nested deeper than %d levels", d.lim.Depth)
	}
	for m.next() {
		switch m.num {
		case 1:
			n, err := d.node(m.sub(), depth)
			n.Index, n.off = len(g.Nodes), m.at
			if err != nil {
				m.adopt(err, n.String())
			}
			g.Nodes = append(g.Nodes, n)
		case 2:
			g.Name = d.name(&m)
		case 5:
			in, err := d.initializer(m.sub())
			if err != nil {
				m.adopt(err, fmt.Sprintf("initializer %d %s", len(g.Initializers), quote(in.Name)))
			}
			in.off = m.at
			g.Initializers = append(g.Initializers, in)
		case 10:
			g.Doc = m.str()
		case 11:
			g.Inputs = d.addValue(g.Inputs, &m, "input")
		case 12:
			g.Outputs = d.addValue(g.Outputs, &m, "output")
		case 13:
			g.ValueInfo = d.addValue(g.ValueInfo, &m, "value")
		case 14:
			q, err := d.quant(m.sub())
			m.adopt(err, "quantization annotation")
			g.Quant = append(g.Quant, q)
		case 15:
			in, err := d.sparseInitializer(m.sub())
			if err != nil {
				m.adopt(err, fmt.Sprintf("sparse initializer %s", quote(in.Name)))
			}
			in.off = m.at
			g.Initializers = append(g.Initializers, in)
		case 16:
			d.props(&g.Metadata, &m)
		}
	}
	return m.err
}

func (d *decoder) addValue(list []*ValueInfo, m *message, what string) []*ValueInfo {
	v, err := d.valueInfo(m.sub())
	if err != nil {
		m.adopt(err, fmt.Sprintf("%s %d %s", what, len(list), quote(v.Name)))
	}
	v.off = m.at
	return append(list, v)
}

func (d *decoder) quant(m message) (QuantAnnotation, error) {
	var q QuantAnnotation
	for m.next() {
		switch m.num {
		case 1:
			q.Tensor = d.name(&m)
		case 2:
			d.props(&q.Params, &m)
		}
	}
	return q, m.err
}

// node returns what it could read along with an error, so that the message can name the node.
func (d *decoder) node(m message, depth int) (*Node, error) {
	n := &Node{}
	start := m.pos
	if d.nodes++; d.nodes > d.lim.Nodes {
		return n, formatErr(start, "the model has more than %d nodes", d.lim.Nodes)
	}
	// The name often follows the attributes; an error inside these wants it.
	look := m
	for look.next() {
		switch look.num {
		case 3:
			n.Name = d.name(&look)
		case 4:
			n.OpType = d.name(&look)
		case 7:
			n.Domain = normalDomain(d.name(&look))
		}
	}
	m.err = look.err
	for m.next() {
		switch m.num {
		case 1:
			n.Inputs = append(n.Inputs, d.name(&m))
		case 2:
			n.Outputs = append(n.Outputs, d.name(&m))
		case 5:
			a, err := d.attr(m.sub(), depth)
			if err != nil {
				m.adopt(err, "attribute "+quote(a.Name))
			}
			n.Attrs = append(n.Attrs, a)
		case 6:
			n.Doc = m.str()
		case 8:
			n.Overload = d.name(&m)
		case 9:
			d.props(&n.Metadata, &m)
		}
	}
	if m.err != nil {
		return n, m.err
	}
	if n.OpType == "" {
		return n, formatErr(start, "the node doesn't say which operator it is")
	}
	return n, nil
}

func (d *decoder) function(m message) (*Function, error) {
	f := &Function{}
	for m.next() {
		switch m.num {
		case 1:
			f.Name = d.name(&m)
		case 4:
			f.Inputs = append(f.Inputs, d.name(&m))
		case 5:
			f.Outputs = append(f.Outputs, d.name(&m))
		case 6:
			f.Attributes = append(f.Attributes, d.name(&m))
		case 7:
			n, err := d.node(m.sub(), 1)
			n.Index, n.off = len(f.Nodes), m.at
			if err != nil {
				m.adopt(err, n.String())
			}
			f.Nodes = append(f.Nodes, n)
		case 8:
			f.Doc = m.str()
		case 9:
			o, err := d.opsetImport(m.sub())
			m.adopt(err, "opset import")
			f.Opsets = d.addOpset(f.Opsets, o, "function "+quote(f.Name))
		case 10:
			f.Domain = normalDomain(d.name(&m))
		case 11:
			a, err := d.attr(m.sub(), 1)
			if err != nil {
				m.adopt(err, "attribute "+quote(a.Name))
			}
			f.Defaults = append(f.Defaults, a)
		case 12:
			f.ValueInfo = d.addValue(f.ValueInfo, &m, "value")
		case 13:
			f.Overload = d.name(&m)
		case 14:
			d.props(&f.Metadata, &m)
		}
	}
	if m.err == nil && f.Name == "" {
		m.err = formatErr(m.pos, "the function has no name")
	}
	return f, m.err
}
