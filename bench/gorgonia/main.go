// Command gorgonia compares the ways to run a model in Go's Gorgonia world.
//
//	cd bench && go run ./gorgonia DIR…       models as Gorgonia graphs on our machine, against the same models without a graph
//	cd bench && go run ./gorgonia -ops       single operators: our machine against Gorgonia's TapeMachine
//
// The two sides take turns within one run, so that what else the machine does hits both alike; figures are medians. Each DIR is searched
// for reference cases. Outputs are compared before anything is measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"ingot"
	"ingot/bridge/exprgraph"
	"ingot/internal/cases"
	"ingot/loader"
	_ "ingot/ops/all"
)

func main() {
	threads := flag.Int("threads", 1, "goroutines that work for one run")
	rounds := flag.Int("rounds", 15, "turns that each side takes")
	slice := flag.Duration("slice", 100*time.Millisecond, "length of a turn")
	single := flag.Bool("ops", false, "compare single operators with Gorgonia's TapeMachine")
	flag.Parse()
	var err error
	if *single {
		err = operators(*threads, *rounds, *slice)
	} else {
		err = models(flag.Args(), *threads, *rounds, *slice)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gorgonia:", err)
		os.Exit(1)
	}
}

// duel measures two functions turn by turn and returns the median of a call of each.
func duel(rounds int, slice time.Duration, a, b func() error) (float64, float64, error) {
	var times [2][]float64
	for range rounds {
		for i, f := range []func() error{a, b} {
			calls := 0
			began := time.Now()
			for time.Since(began) < slice {
				start := time.Now()
				if err := f(); err != nil {
					return 0, 0, err
				}
				times[i] = append(times[i], time.Since(start).Seconds()*1e3)
				calls++
			}
		}
	}
	return median(times[0]), median(times[1]), nil
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// models compares models as graphs with plain ones.
func models(dirs []string, threads, rounds int, slice time.Duration) error {
	if len(dirs) == 0 {
		return errors.New("name the folders with the cases")
	}
	list, err := cases.Find(dirs...)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d thread(s)\tplain ms\tgraph ms\tgraph/plain\tplain load\tgraph load\tnodes\t\n", threads)
	logs, n, worst := 0.0, 0, 0.0
	for i := range list {
		r, err := model(&list[i], threads, rounds, slice)
		if err != nil {
			return fmt.Errorf("%s: %w", list[i].Name, err)
		}
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%d\t\n", list[i].Name, r.plain, r.graph, r.graph/r.plain, r.plainLoad, r.graphLoad, r.nodes)
		if r.plain > 1 {
			worst = max(worst, r.graph/r.plain)
			logs += math.Log(r.graph / r.plain)
			n++
		}
	}
	if n > 0 {
		fmt.Fprintf(w, "geometric mean of the %d over 1 ms\t\t\t%.3f\t\t\t\t\nlargest of these\t\t\t%.3f\t\t\t\t\n", n, math.Exp(logs/float64(n)), worst)
	}
	return w.Flush()
}

type result struct {
	plain, graph         float64 // ms a run
	plainLoad, graphLoad float64 // ms
	nodes                int
}

func model(c *cases.Case, threads, rounds int, slice time.Duration) (r result, err error) {
	info, err := loader.Open(c.Model)
	if err != nil {
		return r, err
	}
	defer info.Close()
	in, err := c.Sets[0].Values(info.Graph)
	if err != nil {
		return r, err
	}
	began := time.Now()
	plain, err := ingot.Load(c.Model, ingot.WithThreads(threads))
	if err != nil {
		return r, err
	}
	defer plain.Close()
	r.plainLoad = time.Since(began).Seconds() * 1e3
	began = time.Now()
	g, err := exprgraph.Load(c.Model, ingot.WithThreads(threads))
	if err != nil {
		return r, err
	}
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	r.graphLoad = time.Since(began).Seconds() * 1e3
	r.nodes = len(g.AllNodes())
	for name, v := range in {
		if err := exprgraph.Let(exprgraph.Input(g, name), v); err != nil {
			return r, err
		}
	}
	out, err := plain.RunValues(context.Background(), in)
	if err != nil {
		return r, err
	}
	if err := vm.RunAll(); err != nil {
		return r, err
	}
	for name, want := range out {
		got, err := exprgraph.FromValue(exprgraph.Output(g, name).Value())
		if err != nil {
			return r, err
		}
		if err := cases.Compare(want, got, 0, 0); err != nil {
			return r, fmt.Errorf("output %q: %w", name, err)
		}
	}
	r.plain, r.graph, err = duel(rounds, slice, func() error {
		_, err := plain.RunValues(context.Background(), in)
		return err
	}, vm.RunAll)
	return r, err
}
