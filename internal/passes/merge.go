package passes

import (
	"bytes"
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
			if m.Dead() || m.Op != n.Op || len(m.Out) != len(n.Out) || !same(reflect.ValueOf(m.Attr), reflect.ValueOf(n.Attr)) {
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

// same reports whether attributes are equal. Of kinds that no attribute has, only what is absent is.
func same(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() || !a.IsValid() {
		return !a.IsValid() && !b.IsValid()
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Bool:
		return a.Bool() == b.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return a.Int() == b.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return a.Uint() == b.Uint()
	case reflect.Float32, reflect.Float64:
		return a.Float() == b.Float()
	case reflect.String:
		return a.String() == b.String()
	case reflect.Pointer:
		if a.UnsafePointer() == b.UnsafePointer() {
			return true
		}
		return !a.IsNil() && !b.IsNil() && same(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() || a.IsNil() != b.IsNil() {
			return false
		}
		if a.Type().Elem().Kind() == reflect.Uint8 {
			return bytes.Equal(a.Bytes(), b.Bytes())
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Interface:
		return same(a.Elem(), b.Elem())
	}
	return a.IsZero() && b.IsZero()
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
