package runtime_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"ingot/internal/cases"
	"ingot/internal/suite"
	"ingot/loader"
	"ingot/ops"
	_ "ingot/ops/all"
	"ingot/ops/standard"
	"ingot/runtime"
	"ingot/tensor"
)

// session runs a program by names.
type session struct{ p *runtime.Program }

func (s session) RunValues(ctx context.Context, in map[string]tensor.Value) (map[string]tensor.Value, error) {
	var ins []tensor.Value
	for _, v := range s.p.Inputs() {
		ins = append(ins, in[v.Name])
	}
	outs := s.p.Outputs()
	res := make([]tensor.Value, len(outs))
	if err := s.p.Run(ctx, ins, nil, res); err != nil {
		return nil, err
	}
	out := map[string]tensor.Value{}
	for i, v := range outs {
		out[v.Name] = res[i]
	}
	return out, nil
}

// modes are ways to run a model that must give equal bits.
var modes = []struct {
	name string
	set  func(*runtime.Options)
}{
	{"1 thread", func(o *runtime.Options) { o.Threads = 1 }},
	{"2 threads", func(o *runtime.Options) { o.Threads = 2 }},
	{"3 threads", func(o *runtime.Options) { o.Threads = 3 }},
	{"7 threads", func(o *runtime.Options) { o.Threads = 7 }},
	{"poison", func(o *runtime.Options) { o.Threads, o.Poison = 2, true }},
	{"heap", func(o *runtime.Options) { o.Threads, o.Heap = 2, true }},
}

// TestModesAgree runs every case of the suite, and every real model that is there, in all modes, twice each and from several goroutines: the
// outputs have equal bits. Without any pass, they agree within the tolerance of float32.
func TestModesAgree(t *testing.T) {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	dirs := []string{suite.Need(t)}
	if extra := os.Getenv("INGOT_CASES"); extra != "" {
		dirs = filepath.SplitList(extra)
	}
	list, err := cases.Find(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, c := range list {
		if strings.HasPrefix(c.Name, "real/") && testing.Short() {
			continue
		}
		ok, err := modesAgree(&c, set)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		if ok {
			ran++
		}
	}
	if ran == 0 {
		t.Error("no case ran")
	}
	t.Logf("%d cases in %d modes", ran, len(modes)+2)
}

// modesAgree reports whether the case could be run at all.
func modesAgree(c *cases.Case, set *ops.Set) (bool, error) {
	info, err := loader.Open(c.Model)
	if err != nil {
		return false, nil // the suite's own test reports it
	}
	defer info.Close()
	if random(info.Graph) {
		return false, nil
	}
	in, err := c.Sets[0].Values(info.Graph)
	if err != nil {
		return false, nil
	}
	var want map[string]tensor.Value
	for _, m := range modes {
		opts := runtime.Options{Ops: set}
		m.set(&opts)
		p, err := runtime.Compile(info, opts)
		if err != nil {
			return false, nil
		}
		for range 2 {
			got, err := session{p}.RunValues(context.Background(), in)
			if err != nil {
				if want == nil {
					return false, nil
				}
				return true, fmt.Errorf("%s: %w", m.name, err)
			}
			if want == nil {
				want = got
			}
			if err := equalBits(want, got); err != nil {
				return true, fmt.Errorf("%s: %w", m.name, err)
			}
		}
		if err := concurrent(p, in, want); err != nil {
			return true, fmt.Errorf("%s, 4 goroutines: %w", m.name, err)
		}
		p.Close()
	}
	return true, unoptimised(info, set, in, want)
}

func random(g *loader.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n *loader.Node) bool {
		return strings.HasPrefix(n.OpType, "Random") || n.OpType == "Bernoulli" || n.OpType == "Multinomial"
	})
}

func equalBits(want, got map[string]tensor.Value) error {
	for name, w := range want {
		if !cases.Equal(w, got[name]) {
			return fmt.Errorf("output %q has other bits: %v", name, cases.Compare(w, got[name], 0, 0))
		}
	}
	return nil
}

func concurrent(p *runtime.Program, in, want map[string]tensor.Value) error {
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			got, err := session{p}.RunValues(context.Background(), in)
			if err == nil {
				err = equalBits(want, got)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func unoptimised(info *loader.Model, set *ops.Set, in, want map[string]tensor.Value) error {
	p, err := runtime.Compile(info, runtime.Options{Ops: set, DisablePasses: []string{"all"}})
	if err != nil {
		return fmt.Errorf("unoptimised: %w", err)
	}
	defer p.Close()
	got, err := session{p}.RunValues(context.Background(), in)
	if err != nil {
		return fmt.Errorf("unoptimised: %w", err)
	}
	for name, w := range want {
		if err := cases.Compare(w, got[name], 1e-3, 1e-4*largest(w)+1e-7); err != nil {
			return fmt.Errorf("unoptimised: output %q: %w", name, err)
		}
	}
	return nil
}

func largest(v tensor.Value) float64 {
	t, ok := v.(*tensor.Tensor)
	if !ok || t.DType() != tensor.Float32 {
		return 1
	}
	m := 0.0
	for _, f := range tensor.View[float32](t) {
		m = max(m, float64(max(f, -f)))
	}
	return m
}
