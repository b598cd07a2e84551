package passes

import (
	"fmt"
	"reflect"
	"strings"

	"ingot/internal/ir"
	"ingot/ops"
	"ingot/tensor"
)

var mergeEqual = &Pass{
	Name: "merge-equal",
	Why:  "two pure nodes with the same operator, attributes and operands have the same outputs",
	Try: func(p *Patch, n *ir.Node) bool {
		if n.Op.Flags&ops.Random != 0 || len(n.Subs) > 0 {
			return false
		}
		if p.memo == nil {
			p.memo = map[string][]*ir.Node{}
		}
		key := operands(n)
		for _, m := range p.memo[key] {
			if m.Dead() || m.Op != n.Op || len(m.Out) != len(n.Out) || !reflect.DeepEqual(m.Attr, n.Attr) {
				continue
			}
			for o, v := range n.Out {
				if v != nil && (m.Out[o] == nil || !p.Replace(v, m.Out[o])) {
					return false
				}
			}
			return true
		}
		p.memo[key] = append(p.memo[key], n)
		return false
	},
}

// operands names the operator and its operands. Two values may be the same constant.
func operands(n *ir.Node) string {
	var sb strings.Builder
	sb.WriteString(n.Op.String())
	for _, v := range n.In {
		switch {
		case v == nil:
			sb.WriteString(" -")
		case v.Const != nil && v.Const.T.Len() <= 64:
			fmt.Fprintf(&sb, " %s:%x", v.Const.T, v.Const.T.Bytes())
			for _, s := range stringsOf(v) {
				fmt.Fprintf(&sb, "%q", s)
			}
		case v.Const != nil:
			fmt.Fprintf(&sb, " %p", v.Const)
		default:
			fmt.Fprintf(&sb, " %d", v.ID)
		}
	}
	return sb.String()
}

func stringsOf(v *ir.Value) []string { return tensor.View[string](v.Const.T) }
