package exprgraph

import (
	"reflect"
	"unsafe"

	"gonum.org/v1/gonum/graph"
	"gorgonia.org/gorgonia"
)

// childrenField is where a node keeps its operands. Gorgonia gives them out by ExprGraph.From only, which finds nodes by an index that is
// wrong after ExprGraph.RemoveNode, and takes time in proportion to the graph for each node that it sees first.
var childrenField, childrenThere = func() (uintptr, bool) {
	f, ok := reflect.TypeFor[gorgonia.Node]().FieldByName("children")
	return f.Offset, ok && f.Type == reflect.TypeFor[gorgonia.Nodes]()
}()

// operandsOf returns a node's operands. The slice must not be changed.
func operandsOf(n *gorgonia.Node) gorgonia.Nodes {
	if childrenThere {
		return *(*gorgonia.Nodes)(unsafe.Add(unsafe.Pointer(n), childrenField))
	}
	var list gorgonia.Nodes
	if n.Graph() != nil {
		for _, c := range graph.NodesOf(n.Graph().From(n.ID())) {
			if c, ok := c.(*gorgonia.Node); ok {
				list = append(list, c)
			}
		}
	}
	return list
}

// readTarget returns where gorgonia.Read is to put the value of its operand, nil for any other operator.
func readTarget(op gorgonia.Op) *gorgonia.Value {
	v := reflect.ValueOf(op)
	if v.Kind() != reflect.Struct || v.Type().String() != "gorgonia.readOp" || v.NumField() != 1 {
		return nil
	}
	if f := v.Field(0); f.Type() == reflect.TypeFor[*gorgonia.Value]() {
		return (*gorgonia.Value)(f.UnsafePointer())
	}
	return nil
}
