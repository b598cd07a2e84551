package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A step is one thing that the command does.
type step struct {
	name  string
	title string
	// needs are steps without whose success this one can't run; wants are steps
	// that come with it when --only names it, and may fail.
	needs, wants []string
	limit        time.Duration // of the whole step
	run          func(context.Context, *workspace) result
}

// steps are all steps in their order: what others need, what is quick, the rest.
var steps = []step{
	{name: "python", title: "the Python environment from convert/requirements-test.txt", limit: 50 * time.Minute, run: preparePython},
	{name: "suite", title: "the official ONNX backend suite from the pinned onnx package", needs: []string{"python"}, limit: 10 * time.Minute, run: prepareSuite},
	{name: "gofmt", title: "all Go files are formatted", limit: time.Minute, run: checkFormat},
	{name: "vet", title: "go vet", limit: 10 * time.Minute, run: vet},
	{name: "staticcheck", title: "staticcheck, as pinned in tools/lint", limit: 10 * time.Minute, run: staticcheck},
	{name: "go", title: "all Go tests", wants: []string{"suite"}, limit: 25 * time.Minute, run: testGo},
	{name: "race", title: "Go tests of what runs concurrently, with the race detector", wants: []string{"suite"}, limit: 15 * time.Minute, run: testRace},
	{name: "tiers", title: "models and operators on portable kernels, and compiled for a newer amd64", wants: []string{"suite"}, limit: 20 * time.Minute, run: testTiers},
	{name: "fuzz", title: "each fuzz target for a while, the loader's for a minute", limit: 15 * time.Minute, run: fuzz},
	{name: "cross", title: "builds for all supported systems, without cgo", limit: 30 * time.Minute, run: crossBuild},
	{name: "ports", title: "tests of files and tensors, Gorgonia's too, on 32 bits and on a big-endian machine", limit: 15 * time.Minute, run: testPorts},
	{name: "modules", title: "go.mod files are tidy; the modules inside the repository: build, vet and tests", limit: 10 * time.Minute, run: checkModules},
	{name: "schema", title: "testdata/schema is what the pinned onnx package says", needs: []string{"python"}, limit: 5 * time.Minute, run: checkSchema},
	{name: "pytest", title: "the converter's Python tests", needs: []string{"python"}, limit: 30 * time.Minute, run: testPython},
	{name: "digits", title: "digits.pt converts through the command line to what is committed", needs: []string{"python"}, limit: 10 * time.Minute, run: convertDigits},
}

// counts are totals as the last line gives them.
type counts struct{ passed, failed, skipped int }

func (c counts) add(d counts) counts {
	return counts{c.passed + d.passed, c.failed + d.failed, c.skipped + d.skipped}
}

func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// failure is one thing that failed, with all that its command printed.
type failure struct{ title, output string }

// result is what came out of a step.
type result struct {
	counts
	notes    []string // a line each, shown with the step
	details  []string // a line each, shown only with -v
	failures []failure
}

// passed, failed and skipped are the results of steps that count as one.
func passed(notes ...string) result { return result{counts: counts{passed: 1}, notes: notes} }

func failed(title, output string) result {
	return result{counts: counts{failed: 1}, failures: []failure{{title, output}}}
}

func skipped(why string) result { return result{counts: counts{skipped: 1}, notes: []string{why}} }

// failedWith is the result of a step whose command ended with err.
func failedWith(err error, output []byte) result { return failed(err.Error(), string(output)) }

// planned is a step and whether it is left out.
type planned struct {
	step
	leftOut string // why the step does not run; empty: it runs
}

// choose applies --only and --skip. With --only, the steps that the named ones
// need or want run too.
func choose(all []step, only, skip string) ([]planned, error) {
	index := map[string]step{}
	var known []string
	for _, s := range all {
		index[s.name] = s
		known = append(known, s.name)
	}
	for _, name := range append(names(only), names(skip)...) {
		if _, ok := index[name]; !ok {
			return nil, fmt.Errorf("there is no step %q; the steps are %s", name, strings.Join(known, ", "))
		}
	}
	wanted := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if wanted[name] {
			return
		}
		wanted[name] = true
		for _, other := range slices.Concat(index[name].needs, index[name].wants) {
			add(other)
		}
	}
	for _, name := range names(only) {
		add(name)
	}
	plan := make([]planned, len(all))
	for i, s := range all {
		plan[i] = planned{step: s}
		switch {
		case slices.Contains(names(skip), s.name):
			plan[i].leftOut = "left out by --skip"
		case only != "" && !wanted[s.name]:
			plan[i].leftOut = "left out by --only"
		}
	}
	return plan, nil
}
