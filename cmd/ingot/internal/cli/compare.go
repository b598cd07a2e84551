package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ingot"
	"ingot/cmd/ingot/internal/feed"
	"ingot/internal/cases"
	"ingot/internal/near"
	"ingot/internal/num"
	"ingot/internal/safetensors"
	"ingot/npy"
	"ingot/tensor"
)

// compareFlags are those of ingot compare.
type compareFlags struct {
	inputFlags
	execFlags
	source     sourceFlags
	expect     string
	rtol, atol float64
	perNode    bool
}

func (a *app) compareCommand() *cobra.Command {
	f := &compareFlags{}
	cmd := &cobra.Command{
		Use:   "compare A [B | --expect FILE] [-i NAME=VALUE…]",
		Short: "Compare the outputs of two models, or of a model with files",
		Long: `Compare the outputs of model A with those of model B, or with what a file holds
(.npz, .npy, .safetensors, or a folder of test data), or, with neither, the outputs of A as it
runs by default with those of A without any optimisation.

An element passes when |a-b| ≤ atol + rtol·|b|; B or the file is b. Element type and shape must be
equal. The exit code is 3 when an output differs. Inputs that aren't given are random.

With --per-node all values in between are compared too, by name, in the order in which they are
computed, up to the first that differs. (A value that is looked at can't be fused away: the
optimised form is then the one that keeps all values.)`,
		Example: `  ingot compare a.onnx b.onnx
  ingot compare model.onnx --expect y.npz -i x=@x.npy
  ingot compare model.onnx --data test_data_set_0 --expect test_data_set_0
  ingot compare model.onnx --per-node`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 && f.expect == "" {
				return nil
			}
			if len(args) == 2 {
				return usage("a second model or --expect, not both")
			}
			return modelArg(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := f.limit(cmd.Context())
			defer cancel()
			return a.compare(ctx, args, f)
		},
	}
	f.inputFlags.register(a, cmd)
	f.execFlags.register(cmd)
	f.source.register(cmd)
	s := cmd.Flags()
	s.StringVar(&f.expect, "expect", "", "`file` or folder with the expected outputs")
	s.Float64Var(&f.rtol, "rtol", 1e-3, "relative tolerance, a `number`")
	s.Float64Var(&f.atol, "atol", 1e-5, "absolute tolerance, a `number`")
	s.BoolVar(&f.perNode, "per-node", false, "compare every value that the models compute")
	return cmd
}

// compareJSON is the result of ingot compare.
type compareJSON struct {
	Schema   string       `json:"schema"`
	A        string       `json:"a"`
	B        string       `json:"b"`
	Seed     *uint64      `json:"seed,omitempty"`
	RTol     float64      `json:"rtol"`
	ATol     float64      `json:"atol"`
	Pass     bool         `json:"pass"`
	Outputs  []comparison `json:"outputs"`
	Compared int          `json:"compared,omitempty"`  // values, with --per-node
	Only     int          `json:"unmatched,omitempty"` // values that one model alone has
}

// comparison is how far one output or value is from what it should be.
type comparison struct {
	Name   string `json:"name"`
	Node   string `json:"node,omitempty"`
	Type   string `json:"type"`
	MaxAbs number `json:"max_abs"`
	MaxRel number `json:"max_rel"`
	Cosine number `json:"cosine"`
	Pass   bool   `json:"pass"`
	Detail string `json:"detail,omitempty"`
	value  bool   // the three numbers mean something
}

// unoptimised is how the plain form of a model is called.
const unoptimised = "unoptimised"

func (a *app) compare(ctx context.Context, args []string, f *compareFlags) error {
	if !(f.rtol >= 0) || !(f.atol >= 0) {
		return usage("--rtol and --atol can't be negative")
	}
	paths := slices.Clone(args)
	for i := range paths {
		var err error
		if paths[i], err = f.source.model(ctx, a, paths[i], &f.inputFlags); err != nil {
			return err
		}
	}
	res := &compareJSON{Schema: a.schema(), A: paths[0], B: f.expect, RTol: f.rtol, ATol: f.atol, Outputs: []comparison{}}
	switch {
	case len(paths) == 2:
		res.B = paths[1]
	case f.expect == "":
		res.B = unoptimised
	}
	if f.perNode {
		if f.expect != "" {
			return usage("--per-node compares two models, or two forms of one; files hold no values in between")
		}
		return a.comparePerNode(ctx, paths, f, res)
	}
	m, err := f.load(a, paths[0])
	if err != nil {
		return err
	}
	defer m.Close()
	if f.data == "" && len(f.inputs) == 0 && isFolder(f.expect) && hasInputs(f.expect) {
		f.data = f.expect
	}
	in, err := f.build(a, m, "rand")
	if err != nil {
		return err
	}
	if len(in.Random) > 0 {
		res.Seed = &f.seed
	}
	a.live.set("running %s", paths[0])
	got, err := runModel(ctx, m, in)
	if err != nil {
		return err
	}
	want, err := a.expected(ctx, m, paths, f, in)
	if err != nil {
		return err
	}
	a.live.wipe()
	if res.Outputs, err = compareOutputs(got, want, f.rtol, f.atol); err != nil {
		return err
	}
	return a.tellComparison(res)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func hasInputs(dir string) bool {
	set, err := cases.ReadSet(dir)
	return err == nil && len(set.Inputs) > 0
}

// expected returns what the outputs of A are compared with.
func (a *app) expected(ctx context.Context, m *ingot.Model, paths []string, f *compareFlags, in *feed.Feed) (feedOutputs, error) {
	if f.expect != "" {
		return readExpected(f.expect, m)
	}
	exec := f.execFlags
	path := paths[0]
	if len(paths) == 2 {
		path = paths[1]
	} else {
		exec.noOptimize = true
	}
	b, err := exec.load(a, path)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	other, err := matchInputs(m, b, in)
	if err != nil {
		return nil, err
	}
	a.live.set("running %s", path)
	return runModel(ctx, b, other)
}

// matchInputs gives B the inputs of A: by name, or in the order of both where the names differ.
func matchInputs(m, b *ingot.Model, in *feed.Feed) (*feed.Feed, error) {
	from, to := m.Inputs(), b.Inputs()
	out := &feed.Feed{Values: map[string]tensor.Value{}}
	for i, v := range to {
		x, ok := in.Values[v.Name]
		if !ok && len(from) == len(to) && !slices.ContainsFunc(to, func(o ingot.ValueInfo) bool { return o.Name == from[i].Name }) {
			x, ok = in.Values[from[i].Name]
		}
		if !ok {
			return nil, usage("the second model has an input %q, %s, that the first one lacks", v.Name, v)
		}
		out.Values[v.Name] = x
	}
	return out, nil
}

// readExpected reads outputs from a file or folder.
func readExpected(path string, m *ingot.Model) (feedOutputs, error) {
	infos := m.Outputs()
	if isFolder(path) {
		return readExpectedDir(path, infos)
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npz":
		list, err := npy.ReadNpz(path)
		if err != nil {
			return nil, unreadable(path, err)
		}
		var outs feedOutputs
		for _, n := range list {
			outs = append(outs, namedValue{n.Name, n.Tensor})
		}
		return outs, nil
	case ".safetensors":
		file, err := safetensors.Open(path)
		if err != nil {
			return nil, unreadable(path, err)
		}
		defer file.Close()
		var outs feedOutputs
		for _, name := range file.Names() {
			t, err := file.Tensor(name)
			if err != nil {
				return nil, unreadable(path, err)
			}
			outs = append(outs, namedValue{name, t})
		}
		return outs, nil
	case ".npy":
		if len(infos) != 1 {
			return nil, usage("--expect %s: a .npy file holds one output, and the model has %d", path, len(infos))
		}
		t, err := npy.ReadFileAs(path, infos[0].DType)
		if err != nil {
			return nil, unreadable(path, err)
		}
		return feedOutputs{{infos[0].Name, t}}, nil
	}
	if !exists(path) {
		return nil, &failure{code: ExitUsage, what: "no such file", file: path}
	}
	return nil, &failure{code: ExitUsage, what: "expected outputs come from .npz, .npy, .safetensors, or a folder of test data", file: path}
}

func unreadable(path string, err error) error {
	f := explain(err)
	f.code, f.file = ExitUsage, path
	return f
}

// readExpectedDir reads output_M.pb, or what an index.json names.
func readExpectedDir(dir string, infos []ingot.ValueInfo) (feedOutputs, error) {
	set, err := cases.ReadSet(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	var outs feedOutputs
	for i := range set.Outputs {
		file := &set.Outputs[i]
		name := file.Name
		k := slices.IndexFunc(infos, func(v ingot.ValueInfo) bool { return v.Name == name })
		if name == "" && file.Index < len(infos) {
			k = file.Index
		}
		if k < 0 {
			return nil, &failure{code: ExitUsage, what: fmt.Sprintf("is for output %q (number %d), which the model doesn't have", name, file.Index), file: file.Path}
		}
		v, err := file.Load(feed.TypeInfo(&infos[k]))
		if err != nil {
			return nil, unreadable(file.Path, err)
		}
		outs = append(outs, namedValue{infos[k].Name, v})
	}
	return outs, nil
}

// compareOutputs compares by name; where no name fits and both have as many outputs, by position.
func compareOutputs(got, want feedOutputs, rtol, atol float64) ([]comparison, error) {
	find := func(name string) int {
		return slices.IndexFunc(got, func(v namedValue) bool { return v.name == name })
	}
	byPlace := len(got) == len(want) && !slices.ContainsFunc(want, func(v namedValue) bool { return find(v.name) >= 0 })
	var list []comparison
	for i, w := range want {
		k := find(w.name)
		if byPlace {
			k = i
		}
		if k < 0 {
			var names []string
			for _, v := range got {
				names = append(names, v.name)
			}
			return nil, usage("the model has no output %q to compare", w.name).withHint("%s", near.DidYouMean(w.name, names))
		}
		list = append(list, compareValue(got[k].name, got[k].value, w.value, rtol, atol))
	}
	if len(list) == 0 {
		return nil, usage("there is nothing to compare")
	}
	return list, nil
}

// compareValue measures and judges one value.
func compareValue(name string, got, want tensor.Value, rtol, atol float64) comparison {
	c := comparison{Name: name, Type: fmt.Sprint(got)}
	if err := cases.Compare(want, got, rtol, atol); err != nil {
		c.Detail = err.Error()
	} else {
		c.Pass = true
	}
	g, ok1 := got.(*tensor.Tensor)
	w, ok2 := want.(*tensor.Tensor)
	if !ok1 || !ok2 {
		c.Type = describeKind(got)
		return c
	}
	comparable := num.Numeric.Has(g.DType()) || g.DType().IsComplex()
	if comparable && g.DType() == w.DType() && g.Len() == w.Len() {
		d := cases.Difference(w, g, rtol, atol)
		c.MaxAbs, c.MaxRel, c.Cosine, c.value = number(d.MaxAbs), number(d.MaxRel), number(d.Cosine), true
	}
	return c
}

func describeKind(v tensor.Value) string {
	switch v.(type) {
	case *tensor.Sequence:
		return "sequence"
	case *tensor.Optional:
		return "optional"
	case *tensor.Map:
		return "map"
	case nil:
		return "nothing"
	}
	return fmt.Sprint(v)
}

// tellComparison prints the result, and makes it the exit code.
func (a *app) tellComparison(res *compareJSON) error {
	res.Pass = !slices.ContainsFunc(res.Outputs, func(c comparison) bool { return !c.Pass })
	if a.json {
		if err := a.printJSON(res); err != nil {
			return err
		}
	} else {
		a.printComparisons(res.Outputs)
	}
	if !res.Pass {
		return verdict(ExitDiffers)
	}
	return nil
}

func (a *app) printComparisons(list []comparison) {
	t := newTable(a.out)
	t.row("OUTPUT", "TYPE", "MAX ABS", "MAX REL", "COSINE", "RESULT")
	for _, c := range list {
		maxAbs, maxRel, cosine := "-", "-", "-"
		if c.value {
			maxAbs, maxRel, cosine = fmt.Sprintf("%.3g", c.MaxAbs), fmt.Sprintf("%.3g", c.MaxRel), fmt.Sprintf("%.9f", c.Cosine)
		}
		result := "PASS"
		if !c.Pass {
			result = "FAIL"
		}
		t.row(c.Name, c.Type, maxAbs, maxRel, cosine, result)
	}
	t.flush()
	for _, c := range list {
		if !c.Pass {
			fmt.Fprintf(a.out, "%s %s: %s\n", a.out.paint(red, "FAIL"), c.Name, c.Detail)
		}
	}
}
