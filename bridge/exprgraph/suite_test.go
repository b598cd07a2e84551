package exprgraph_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"gorgonia.org/gorgonia"

	"ingot"
	"ingot/bridge/exprgraph"
	"ingot/internal/cases"
	"ingot/internal/suite"
	"ingot/loader"
	_ "ingot/ops/all"
	"ingot/tensor"
)

// TestSameOutcome runs every case of the official suite, of contributed operators and of other runtimes' tests, or those in the folders that
// INGOT_CASES lists, as a plain model and as a graph on the graph's own machine: the outputs have equal bits, and what one
// refuses the other refuses in the same words.
func TestSameOutcome(t *testing.T) {
	contributed := t.TempDir()
	if err := cases.Unpack("../../ops/contrib/testdata/cases.tar.gz", contributed); err != nil {
		t.Fatal(err)
	}
	dirs := []string{suite.Need(t), contributed, "../../testdata/differential", "../../testdata/digits"}
	if extra := os.Getenv("INGOT_CASES"); extra != "" {
		dirs = filepath.SplitList(extra)
	}
	list, err := cases.Find(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for i := range list {
		if err := sameOutcome(&list[i], &ran); err != nil {
			t.Errorf("%s: %v", list[i].Name, err)
		}
	}
	if ran == 0 {
		t.Error("no case ran")
	}
	t.Logf("%d cases, %d of them ran", len(list), ran)
}

func sameOutcome(c *cases.Case, ran *int) error {
	info, err := loader.Open(c.Model)
	if err != nil {
		_, graphErr := exprgraph.Load(c.Model)
		return sameError(err, graphErr)
	}
	defer info.Close()
	supplied, err := c.Overridable(info)
	if err != nil {
		return nil // the case's own data can't be read
	}
	opts := []ingot.Option{ingot.WithOverridable(supplied...)}
	plain, plainErr := ingot.Load(c.Model, opts...)
	g, graphErr := exprgraph.Load(c.Model, opts...)
	if plainErr != nil || graphErr != nil {
		return sameError(plainErr, graphErr)
	}
	defer plain.Close()
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	for i := range c.Sets {
		in, err := c.Sets[i].Values(info.Graph)
		if err != nil {
			return nil // the case's own data can't be read
		}
		want, plainErr := plain.RunValues(context.Background(), in)
		got, graphErr := runGraph(g, vm, plain, in)
		if plainErr != nil || graphErr != nil {
			return sameError(plainErr, graphErr)
		}
		for name, w := range want {
			if !cases.Equal(w, got[name]) {
				return fmt.Errorf("output %q: other bits: %v", name, cases.Compare(w, got[name], 0, 0))
			}
		}
	}
	*ran++
	return nil
}

// runGraph gives the graph its inputs and takes its outputs as a user of Gorgonia would.
func runGraph(g *gorgonia.ExprGraph, vm gorgonia.VM, m *ingot.Model, in map[string]tensor.Value) (map[string]tensor.Value, error) {
	for name, v := range in {
		if err := exprgraph.Let(exprgraph.Input(g, name), v); err != nil {
			return nil, err
		}
	}
	if err := vm.RunAll(); err != nil {
		return nil, err
	}
	out := map[string]tensor.Value{}
	for _, v := range m.Outputs() {
		got, err := exprgraph.FromValue(exprgraph.Output(g, v.Name).Value())
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", v.Name, err)
		}
		out[v.Name] = got
	}
	return out, nil
}

func sameError(plain, graph error) error {
	if plain == nil || graph == nil || plain.Error() != graph.Error() {
		return fmt.Errorf("plain: %v; graph: %v", plain, graph)
	}
	return nil
}
