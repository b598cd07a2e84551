package standard_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ingot/ops"
	"ingot/ops/contrib"
	"ingot/ops/standard"
	"ingot/tensor"
)

// schema is an operator version as onnx.defs has it.
type schema struct {
	Domain, Name    string
	Since           int
	Deprecated      bool
	Inputs, Outputs []struct {
		Name, Type, Option string
		Homogeneous        *bool
		Min                int
	}
	Types      map[string][]string
	Attributes []struct {
		Name, Type string
		Required   bool
		Default    any
	}
}

func schemas(t *testing.T) map[string][]schema {
	f, err := os.Open("../../testdata/schema/onnx-1.23.2.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Schemas []schema }
	if err := json.NewDecoder(z).Decode(&all); err != nil {
		t.Fatal(err)
	}
	out := map[string][]schema{}
	for _, s := range all.Schemas {
		key := s.Domain + ":" + s.Name
		out[key] = append(out[key], s)
	}
	return out
}

// TestDeclarations compares every declared operator with its history in the standard.
func TestDeclarations(t *testing.T) {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	defs := schemas(t)
	compared := 0
	for _, op := range set.All() {
		if op.Domain != "" && !strings.HasPrefix(op.Domain, "ai.onnx") {
			continue
		}
		history := defs[op.Domain+":"+op.Name]
		if history == nil && slices.Contains(contrib.Ops, op) {
			continue // files of ONNX Runtime have operators of its own in the standard's domain
		}
		if history == nil {
			t.Errorf("%s isn't in the standard", op)
			continue
		}
		compared++
		var have, want []int
		var versions []*ops.Version
		for _, v := range op.Versions {
			if !v.Extra {
				have, versions = append(have, v.Since), append(versions, v)
			}
		}
		// A deprecated version is not an operator any more, but models that have it may be run nevertheless.
		history = slices.DeleteFunc(slices.Clone(history), func(s schema) bool { return s.Deprecated && !slices.Contains(have, s.Since) })
		for _, s := range history {
			want = append(want, s.Since)
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s has versions %v, the standard %v", op, have, want)
			continue
		}
		for i, v := range versions {
			for _, diff := range compareVersion(v, &history[i]) {
				t.Errorf("%s-%d: %s", op, v.Since, diff)
			}
		}
	}
	t.Logf("%d operators of %d", compared, len(defs))
}

func compareVersion(v *ops.Version, s *schema) (diffs []string) {
	add := func(format string, args ...any) { diffs = append(diffs, fmt.Sprintf(format, args...)) }
	for _, side := range []struct {
		what string
		have []ops.Param
		want []struct {
			Name, Type, Option string
			Homogeneous        *bool
			Min                int
		}
	}{{"input", v.In, s.Inputs}, {"output", v.Out, s.Outputs}} {
		if len(side.have) != len(side.want) {
			add("%d %ss, the standard has %d", len(side.have), side.what, len(side.want))
			continue
		}
		for i, p := range side.have {
			w := side.want[i]
			if p.Optional != (w.Option == "optional") || p.Variadic != (w.Option == "variadic") {
				add("%s %s: optional %t variadic %t, the standard has %q", side.what, p.Name, p.Optional, p.Variadic, w.Option)
			}
			if p.Variadic && (p.Min != w.Min || p.Hetero != (w.Homogeneous != nil && !*w.Homogeneous)) {
				add("%s %s: min %d, hetero %t; the standard has min %d, homogeneous %v", side.what, p.Name, p.Min, p.Hetero, w.Min, w.Homogeneous)
			}
			have, want := v.TypeSet(p.Type), typeSet(s, w.Type)
			if have != want {
				add("%s %s: has too much: %s; lacks: %s", side.what, p.Name, minus(have, want), minus(want, have))
			}
		}
	}
	for _, w := range s.Attributes {
		i := slices.IndexFunc(v.Attrs, func(a ops.AttrSchema) bool { return a.Name == w.Name })
		if i < 0 {
			add("lacks the attribute %s", w.Name)
			continue
		}
		a := v.Attrs[i]
		if a.Kind.String() != w.Type || a.Required != w.Required {
			add("attribute %s: %s, required %t; the standard has %s, %t", a.Name, a.Kind, a.Required, w.Type, w.Required)
		}
		if !sameDefault(a.Default, w.Default) {
			add("attribute %s: default %q; the standard has %v", a.Name, a.Default, w.Default)
		}
	}
	for _, a := range v.Attrs {
		if !slices.ContainsFunc(s.Attributes, func(w struct {
			Name, Type string
			Required   bool
			Default    any
		}) bool {
			return w.Name == a.Name
		}) {
			add("has an attribute %s of its own", a.Name)
		}
	}
	return diffs
}

// typeSet reads the standard's notation. float6 is left out: no tensor here has it.
func typeSet(s *schema, name string) ops.TypeSet {
	names, ok := s.Types[name]
	if !ok {
		names = []string{name}
	}
	var ts ops.TypeSet
	for _, n := range names {
		dst := &ts.Tensor
		switch {
		case strings.HasPrefix(n, "optional(seq("):
			dst = &ts.OptSeq
		case strings.HasPrefix(n, "optional("):
			dst = &ts.Opt
		case strings.HasPrefix(n, "seq(map("), strings.HasPrefix(n, "map("):
			ts.Map = true
			continue
		case strings.HasPrefix(n, "seq("):
			dst = &ts.Seq
		}
		inner := n[strings.LastIndex(n, "(")+1:]
		inner = strings.TrimRight(inner, ")")
		if dt, err := tensor.ParseDType(inner); err == nil {
			*dst |= tensor.TypesOf(dt)
		}
	}
	return ts
}

func sameDefault(have string, want any) bool {
	switch w := want.(type) {
	case nil:
		return have == ""
	case float64:
		f, err := strconv.ParseFloat(have, 64)
		return err == nil && (float32(f) == float32(w))
	case string:
		return have == w
	case []any:
		fields := strings.Fields(have)
		if len(fields) != len(w) {
			return false
		}
		for i := range w {
			if !sameDefault(fields[i], w[i]) {
				return false
			}
		}
		return true
	}
	return false
}

func minus(a, b ops.TypeSet) ops.TypeSet {
	return ops.TypeSet{Tensor: a.Tensor &^ b.Tensor, Seq: a.Seq &^ b.Seq, Opt: a.Opt &^ b.Opt, OptSeq: a.OptSeq &^ b.OptSeq, Map: a.Map && !b.Map}
}
