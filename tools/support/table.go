package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"ingot/internal/suite"
	"ingot/ops"
	_ "ingot/ops/all"
	"ingot/ops/standard"
	"ingot/tensor"
)

// schemas returns the operators of the standard, by domain and name; those that its newest version has given up are false.
func schemas(root string) (map[string]bool, error) {
	var all struct {
		Schemas []struct {
			Domain, Name string
			Deprecated   bool
		}
	}
	if err := readJSON(filepath.Join(root, "testdata", "schema", "onnx-"+suite.Version+".json.gz"), &all); err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, s := range all.Schemas { // newest version first
		if _, ok := out[key(s.Domain, s.Name)]; !ok {
			out[key(s.Domain, s.Name)] = !s.Deprecated
		}
	}
	return out, nil
}

const head = `# Operators that run

Written by ` + "`go run ./tools/support`" + ` from the operators' declarations; a test keeps it so. Do not edit.

**Versions** are the opset versions that brought a change; a model of any opset from the first on runs, up to the newest. **Types** are those of the newest version, for each of its type variables; older
versions take fewer, as the standard says. **Cases** are the models with the operator in the official ONNX suite %s (%d of %d, the rest is skipped), and in our own of
ai.onnx.ml and contributed operators, whose results ONNX Runtime computed. What has none, but for the random operators, has tests of its own package only.

An operator with * isn't in every program: the command line has all of them, a program of yours imports a package for it, which the refusal names, or ` + "`ingot/ops/all`" + `. An operator with † isn't in the standard,
although files have it in the standard's domain.

| short | types |
|---|---|
| float | float16, float32, float64, bfloat16 |
| float8 | the four kinds with a mantissa: e4m3fn, e4m3fnuz, e5m2, e5m2fnuz |
| int, uint | of 8, 16, 32 and 64 bits |
| complex | complex64, complex128 |
| any | all of these, bool and string |
| any+ | any, and float8, int4, uint4, int2, uint2, float4_e2m1, float8_e8m0 |
`

// table writes the page. dir holds the official suite.
func table(root, dir string) ([]byte, error) {
	set, err := standard.Set()
	if err != nil {
		return nil, err
	}
	small, err := standard.Default()
	if err != nil {
		return nil, err
	}
	known, err := schemas(root)
	if err != nil {
		return nil, err
	}
	skip, err := skips(root)
	if err != nil {
		return nil, err
	}
	n := counter{}
	for _, count := range []func() error{
		func() error { return n.folder(dir, skip) },
		func() error { return n.folder(filepath.Join(root, "testdata", "differential"), nil) },
		func() error { return n.classic(root) },
		func() error { return n.contributed(root) },
	} {
		if err := count(); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, head, suite.Version, suite.Cases-len(skip), suite.Cases)
	domains := map[string][]*ops.Op{}
	for _, op := range set.All() {
		if op.Domain != ops.Internal { // not for files
			domains[op.Domain] = append(domains[op.Domain], op)
		}
	}
	names := make([]string, 0, len(domains))
	for d := range domains {
		names = append(names, d)
	}
	slices.Sort(names)
	for _, d := range names {
		title := d
		if d == "" {
			title = "ai.onnx"
		}
		fmt.Fprintf(&b, "\n## %s: %d operators\n\n| operator | versions | types | cases |\n|---|---|---|---|\n", title, len(domains[d]))
		for _, op := range domains[d] {
			mark := ""
			if small.Lookup(op.Domain, op.Name) == nil {
				mark += " *"
			}
			if _, ok := known[key(op.Domain, op.Name)]; !ok && (d == "" || strings.HasPrefix(d, "ai.onnx")) {
				mark += " †"
			}
			k := key(op.Domain, op.Name)
			fmt.Fprintf(&b, "| %s%s | %s | %s | %d |\n", op.Name, mark, versions(op), types(op.Newest()), n[k])
		}
	}
	var missing []string
	for k, current := range known {
		if d, name, _ := strings.Cut(k, ":"); current && set.Lookup(d, name) == nil {
			missing = append(missing, strings.TrimPrefix(d+"."+name, "."))
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		fmt.Fprintf(&b, "\nOf the standard's operators, these don't run: %s.\n", strings.Join(missing, ", "))
	}
	return b.Bytes(), nil
}

func versions(op *ops.Op) string {
	var out []string
	for _, v := range slices.Backward(op.Versions) {
		out = append(out, fmt.Sprint(v.Since))
	}
	return strings.Join(out, " ")
}

// types tells the type sets of a version, those with the same types together.
func types(v *ops.Version) string {
	var order []string
	by := map[string][]string{}
	for _, p := range slices.Concat(v.In, v.Out) {
		name := p.Type
		if _, ok := v.Types[name]; !ok {
			name = "" // written out
		}
		s := typeSet(v.TypeSet(p.Type))
		if by[s] == nil {
			order = append(order, s)
		}
		if name != "" && !slices.Contains(by[s], name) || name == "" && by[s] == nil {
			by[s] = append(by[s], name)
		}
	}
	var out []string
	for _, s := range order {
		if names := strings.Trim(strings.Join(by[s], " "), " "); names != "" && len(order) > 1 {
			s = names + ": " + s
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

// groups are the sets that have a short name, the largest first.
var groups = []struct {
	name string
	set  tensor.Types
}{
	{"any+", tensor.AllTypes},
	{"any", tensor.Floats16 | tensor.Ints | complexes | 1<<tensor.Bool | 1<<tensor.String},
	{"float", tensor.Floats16},
	{"float8", tensor.Floats8 &^ tensor.Floats16 &^ (1 << tensor.Float8E8M0)},
	{"int", tensor.SignedInts},
	{"uint", tensor.UnsignedInts},
	{"complex", complexes},
}

const complexes = 1<<tensor.Complex64 | 1<<tensor.Complex128

func short(s tensor.Types) string {
	var out []string
	for _, g := range groups {
		if s&g.set == g.set {
			out = append(out, g.name)
			s &^= g.set
		}
	}
	for _, dt := range s.List() {
		out = append(out, dt.String())
	}
	return strings.Join(out, ", ")
}

func typeSet(ts ops.TypeSet) string {
	var out []string
	add := func(format string, s tensor.Types) {
		if s != 0 {
			out = append(out, fmt.Sprintf(format, short(s)))
		}
	}
	add("%s", ts.Tensor)
	add("sequence of %s", ts.Seq)
	add("optional %s", ts.Opt)
	add("optional sequence of %s", ts.OptSeq)
	if ts.Map {
		out = append(out, "map")
	}
	return strings.Join(out, ", ")
}
