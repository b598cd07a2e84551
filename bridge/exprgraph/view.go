package exprgraph

import (
	"gorgonia.org/gorgonia"
)

// Role says what a node of a graph is there for, as far as that can't be seen from its operator.
type Role uint8

// The roles.
const (
	IsOperator Role = iota // of the model's or of Gorgonia's
	IsInput                // of the model, or a node without an operator that was added
	IsWeight               // of the model
	IsSelect               // picks one output of an operator that has several: see View.Output
	IsAbsent               // stands for operands that are left out
	IsOutput               // of the model
)

// View is what is known of a node, for those who walk graphs and show them.
type View struct {
	Role     Role
	Operands gorgonia.Nodes // in order; they must not be changed. Gorgonia's own ExprGraph.From walks the graph for each node
	Output   int            // for one that selects, which output of its operand
	Captures []string       // of an If, Loop or Scan: what the last operands are called in its bodies
	Names    []string       // of the values that it computes or is, as the model's file has them; "" for one that is left out
}

// Views returns a function that says what is known of the nodes of a graph.
func Views(g *gorgonia.ExprGraph) func(*gorgonia.Node) View {
	inputs := map[*gorgonia.Node]bool{}
	for _, n := range Inputs(g) {
		inputs[n] = true
	}
	return func(n *gorgonia.Node) View {
		v := View{Operands: operandsOf(n), Names: []string{n.Name()}}
		switch op := n.Op().(type) {
		case nil:
			v.Role = IsWeight
			if inputs[n] {
				v.Role = IsInput
			}
		case *Operator:
			v.Captures, v.Names = op.captures, op.node.Outputs
		case *selectOp:
			v.Role, v.Output, v.Names = IsSelect, op.index, []string{op.name}
		case *noneOp:
			v.Role, v.Names = IsAbsent, nil
		case *outputOp:
			v.Role, v.Names = IsOutput, []string{op.name}
		}
		return v
	}
}

// Types returns what was known of the values of the graph's model when it was loaded, by their names in its file:
// "float32[batch,3,224,224]". Gorgonia's types, which nodes have, know no names of open dimensions.
func Types(g *gorgonia.ExprGraph) map[string]string {
	s := sourceIn(g)
	if s == nil {
		return nil
	}
	text := make(map[string]string, len(s.types))
	for name, t := range s.types {
		text[name] = t.String()
	}
	return text
}
