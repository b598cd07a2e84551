package calls

import (
	"testing"

	"ingot/ops"
	_ "ingot/ops/all"
	"ingot/ops/standard"
)

// TestTemplates makes each operator's calls from its templates: all of them must be of operators that there are, and name attributes that those
// have.
func TestTemplates(t *testing.T) {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]*ops.Op{}
	for _, op := range set.All() {
		known[op.String()] = op
	}
	for name, list := range templates {
		op := known[name]
		if op == nil {
			t.Errorf("there is no operator %s", name)
			continue
		}
		attrs := map[string]bool{}
		for _, v := range op.Versions {
			for _, a := range v.Attrs {
				attrs[a.Name] = true
			}
		}
		for _, s := range list {
			tm := parseTemplate(s)
			if _, most := ops.Arity(op.Newest().In); len(tm.shapes) == 0 || most >= 0 && len(tm.shapes) > most {
				t.Errorf("%s: template %q has %d operands", name, s, len(tm.shapes))
			}
			for a := range tm.attrs {
				if !attrs[a] {
					t.Errorf("%s: template %q names an attribute %s", name, s, a)
				}
			}
		}
	}
}

// TestSameBytesSameCall draws a call twice.
func TestSameBytesSameCall(t *testing.T) {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	for i, op := range set.All() {
		b := []byte{byte(i), 7, 1, 0, 5}
		if x, y := New(op, op.Newest(), b).String(), New(op, op.Newest(), b).String(); x != y {
			t.Errorf("%s, then %s", x, y)
		}
	}
}
