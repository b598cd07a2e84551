package loader

import (
	"fmt"
	"sync"
)

// Model is an ONNX model as its file describes it. It is not changed after it was made and may be read from any number of goroutines.
type Model struct {
	File            string // as given to [Open] or [OpenFS]; empty after [Parse]
	IRVersion       int64
	ProducerName    string
	ProducerVersion string
	Domain          string
	ModelVersion    int64
	Doc             string
	Opsets          []OpsetImport // one for each domain
	Metadata        Props
	Graph           *Graph
	Functions       []*Function
	HasTraining     bool     // the file holds training information, which is ignored
	Warnings        []string // what is odd about the file but doesn't keep it from running

	src *source
}

// OpsetImport says which version of a domain's operators a model uses.
type OpsetImport struct {
	Domain  string // "" for the standard's own operators, which files may also call "ai.onnx"
	Version int64
}

// Prop is a key with its value.
type Prop struct{ Key, Value string }

// Props are named values, in the order of the file.
type Props []Prop

// Get returns the value of the first property with that key.
func (p Props) Get(key string) (string, bool) {
	for i := range p {
		if p[i].Key == key {
			return p[i].Value, true
		}
	}
	return "", false
}

// Graph is a model's graph or a subgraph of a node. Nodes are in topological order.
type Graph struct {
	Name         string
	Doc          string
	Nodes        []*Node
	Inputs       []*ValueInfo // those with an initializer of the same name have a default
	Outputs      []*ValueInfo
	ValueInfo    []*ValueInfo // what the file says of values in between; hints
	Initializers []*Initializer
	Quant        []QuantAnnotation
	Metadata     Props

	initIndex, valueIndex indexOf[int]
}

// QuantAnnotation names the tensors that hold the quantisation parameters of another: keys are "SCALE_TENSOR" and "ZERO_POINT_TENSOR".
type QuantAnnotation struct {
	Tensor string
	Params Props
}

// Node is the use of an operator.
type Node struct {
	Name     string // may be empty, and need not be unique
	OpType   string
	Domain   string // "" for the standard's own operators
	Overload string // distinguishes functions of the same name
	Inputs   []string
	Outputs  []string // in both, "" stands for one that is left out
	Attrs    []*Attr
	Doc      string
	Metadata Props
	Index    int // position in the file, which may differ from the position in Graph.Nodes

	off int64
}

// Function is a model-local function: an operator that is defined by the nodes of its body.
type Function struct {
	Name       string
	Domain     string
	Overload   string
	Inputs     []string
	Outputs    []string
	Attributes []string // names of attributes that have no default
	Defaults   []*Attr  // attributes with their defaults
	Nodes      []*Node  // in topological order
	Opsets     []OpsetImport
	ValueInfo  []*ValueInfo
	Doc        string
	Metadata   Props

	off int64
}

// Opset returns the version of a domain's operators that the model imports; 0 when it doesn't import the domain.
func (m *Model) Opset(domain string) int64 { return opset(m.Opsets, domain) }

// Opset returns the version of a domain's operators that the function imports; 0 when it doesn't import the domain.
func (f *Function) Opset(domain string) int64 { return opset(f.Opsets, domain) }

func opset(list []OpsetImport, domain string) int64 {
	domain = normalDomain(domain)
	for _, o := range list {
		if o.Domain == domain {
			return o.Version
		}
	}
	return 0
}

// normalDomain gives the shorter of the two names that the standard's own domain has.
func normalDomain(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

// Function returns the model-local function that a node with this domain, operator and overload calls, or nil.
func (m *Model) Function(domain, name, overload string) *Function {
	domain = normalDomain(domain)
	for _, f := range m.Functions {
		if f.Name == name && f.Domain == domain && f.Overload == overload {
			return f
		}
	}
	return nil
}

// Initializer returns the graph's initializer of that name, or nil. The lists of the graph must not be changed after the first call.
func (g *Graph) Initializer(name string) *Initializer {
	i, ok := g.initIndex.get(name, func(add func(string, int)) {
		for i, in := range g.Initializers {
			add(in.Name, i)
		}
	})
	if !ok {
		return nil
	}
	return g.Initializers[i]
}

// FindValue returns what the graph says of the value of that name: among its inputs, its outputs, then its other values. It returns nil
// when the graph says nothing. The lists of the graph must not be changed after the first call.
func (g *Graph) FindValue(name string) *ValueInfo {
	i, ok := g.valueIndex.get(name, func(add func(string, int)) {
		k := 0
		for _, list := range [...][]*ValueInfo{g.Inputs, g.Outputs, g.ValueInfo} {
			for _, v := range list {
				add(v.Name, k)
				k++
			}
		}
	})
	switch {
	case !ok:
		return nil
	case i < len(g.Inputs):
		return g.Inputs[i]
	case i < len(g.Inputs)+len(g.Outputs):
		return g.Outputs[i-len(g.Inputs)]
	}
	return g.ValueInfo[i-len(g.Inputs)-len(g.Outputs)]
}

// indexOf is a map from names that is filled on first use. The first of two equal names counts.
type indexOf[V any] struct {
	once sync.Once
	m    map[string]V
}

func (x *indexOf[V]) get(name string, fill func(add func(string, V))) (V, bool) {
	x.once.Do(func() {
		x.m = make(map[string]V)
		fill(func(name string, v V) {
			if _, ok := x.m[name]; !ok {
				x.m[name] = v
			}
		})
	})
	v, ok := x.m[name]
	return v, ok
}

// Attr returns the node's attribute of that name, or nil.
func (n *Node) Attr(name string) *Attr {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a
		}
	}
	return nil
}

func attrNamed(list []*Attr, name string) bool {
	for _, a := range list {
		if a.Name == name {
			return true
		}
	}
	return false
}

// Op returns the operator's name with its domain: "Conv", "com.microsoft.Gelu".
func (n *Node) Op() string {
	if n.Domain == "" {
		return n.OpType
	}
	return n.Domain + "." + n.OpType
}

// String tells which node it is: `node 12 "conv1" (Conv)`.
func (n *Node) String() string {
	s := fmt.Sprintf("node %d", n.Index)
	if n.Name != "" {
		s += " " + quote(n.Name)
	}
	if n.OpType != "" {
		s += " (" + cut(n.Op()) + ")"
	}
	return s
}

// String tells which function it is: "my.domain.Name".
func (f *Function) String() string {
	s := f.Name
	if f.Domain != "" {
		s = f.Domain + "." + s
	}
	if f.Overload != "" {
		s += ":" + f.Overload
	}
	return cut(s)
}

// cut shortens a name for a message.
func cut(s string) string {
	if q := quote(s); len(q) != len(s)+2 {
		return q // long, or with characters that need escapes
	}
	return s
}
