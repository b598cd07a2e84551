package ops

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Set is a collection of operators, at most one of each domain and name.
type Set struct{ ops map[opKey]*Op }

type opKey struct{ domain, name string }

// NewSet collects operators. A declaration that is wrong, and two of the same name, are errors.
func NewSet(lists ...[]*Op) (*Set, error) {
	s := &Set{ops: map[opKey]*Op{}}
	for _, list := range lists {
		for _, op := range list {
			if op.err != nil {
				return nil, op.err
			}
			k := opKey{NormalDomain(op.Domain), op.Name}
			if s.ops[k] != nil {
				return nil, fmt.Errorf("operator %s is declared twice", op)
			}
			s.ops[k] = op
		}
	}
	return s, nil
}

// With returns a set with more operators; one of a name that s has takes its place.
func (s *Set) With(list ...*Op) (*Set, error) {
	more, err := NewSet(list)
	if err != nil {
		return nil, err
	}
	out := &Set{ops: maps.Clone(s.ops)}
	maps.Copy(out.ops, more.ops)
	return out, nil
}

// NormalDomain maps "ai.onnx" to "", the other name of the default domain.
func NormalDomain(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

// Lookup returns the operator, or nil.
func (s *Set) Lookup(domain, name string) *Op { return s.ops[opKey{NormalDomain(domain), name}] }

// All returns the operators by domain and name.
func (s *Set) All() []*Op {
	return slices.SortedFunc(maps.Values(s.ops), func(a, b *Op) int {
		return cmp.Or(strings.Compare(a.Domain, b.Domain), strings.Compare(a.Name, b.Name))
	})
}

var defaults struct {
	sync.Mutex
	lists [][]*Op
}

// RegisterDefaults adds a family to the operators that every model gets. A package calls it from its init function, so that a blank import
// is enough to have its operators.
func RegisterDefaults(list []*Op) {
	defaults.Lock()
	defer defaults.Unlock()
	defaults.lists = append(defaults.lists, list)
}

// Defaults returns the families that RegisterDefaults was given.
func Defaults() [][]*Op {
	defaults.Lock()
	defer defaults.Unlock()
	return slices.Clone(defaults.lists)
}

// UnsupportedNode is a node that a model can't be run for.
type UnsupportedNode struct {
	Node   string // name, or place in the graph
	Op     string
	Domain string
	Opset  int
	Reason string
}

// UnsupportedError lists every node of a model that isn't supported.
type UnsupportedError struct {
	File  string
	Nodes []UnsupportedNode
}

func (e *UnsupportedError) Error() string {
	var sb strings.Builder
	if e.File != "" {
		sb.WriteString(e.File + ": ")
	}
	fmt.Fprintf(&sb, "%d of the model's nodes can't be run:", len(e.Nodes))
	for _, n := range e.Nodes {
		name := n.Op
		if n.Domain != "" {
			name = n.Domain + "." + n.Op
		}
		fmt.Fprintf(&sb, "\n  node %s: %s (opset %d): %s", n.Node, name, n.Opset, n.Reason)
	}
	return sb.String()
}

// Family is a list of operators that declarations add themselves to, so that an operator is written down in one place:
//
//	var Ops ops.Family
//
//	var _ = Ops.Add(ops.Def(…))
type Family []*Op

// Add adds an operator and returns it. It isn't inlined: it is called by each declaration there is.
//
//go:noinline
func (f *Family) Add(op *Op) *Op {
	*f = append(*f, op)
	return op
}
