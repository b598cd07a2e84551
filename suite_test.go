package ingot_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/cases"
	"ingot/internal/suite"
	"ingot/loader"
	_ "ingot/ops/all"
)

var (
	suiteDir    = flag.String("suite", "", "folder of cases to run instead of the official suite")
	suiteFilter = flag.String("suite-filter", "", "run only the cases whose name matches this regular expression, and print each failure")
)

// suiteFloor is the number of cases of the official suite that pass. It can only rise.
const suiteFloor = 2023

// TestOfficialSuite runs the cases of the ONNX backend suite, which officially compare at rtol 1e-3 and atol 1e-7.
func TestOfficialSuite(t *testing.T) {
	dir := *suiteDir
	if dir == "" {
		dir = suite.Need(t)
	}
	list, err := cases.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	filter, err := regexp.Compile(*suiteFilter)
	if err != nil {
		t.Fatal(err)
	}
	skip := readSkips(t, "suite-skips.txt")
	passed, failed := 0, 0
	reasons := map[string]int{}
	for _, c := range list {
		if !filter.MatchString(c.Name) || skip[c.Name] != "" {
			continue
		}
		if err := runCase(&c, cases.Tolerance{RTol: suite.RTol, ATol: suite.ATol}); err != nil {
			failed++
			if *suiteFilter != "" {
				t.Errorf("%s: %v", c.Name, err)
			}
			reasons[reason(err)]++
		} else {
			passed++
		}
	}
	for r, n := range reasons {
		t.Logf("%4d %s", n, r)
	}
	t.Logf("%d passed, %d failed, %d skipped", passed, failed, len(skip))
	if *suiteFilter == "" && *suiteDir == "" && passed < suiteFloor {
		t.Errorf("%d cases pass; the floor is %d", passed, suiteFloor)
	}
}

// readSkips reads a file of testdata: the cases that can't pass, with their reasons.
func readSkips(t *testing.T, file string) map[string]string {
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, why, ok := strings.Cut(line, " ")
		if !ok {
			t.Fatalf("skip %q has no reason", line)
		}
		out[name] = why
	}
	return out
}

func reason(err error) string {
	s := err.Error()
	if i := strings.Index(s, "can't be run:"); i >= 0 {
		return "unsupported: " + strings.TrimSpace(s[strings.LastIndex(s, ": ")-30:])
	}
	return s[:min(len(s), 100)]
}

// runCase runs a case on a model with the options; tol is for a case that says nothing of tolerances.
func runCase(c *cases.Case, tol cases.Tolerance, opts ...ingot.Option) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	info, err := loader.Open(c.Model)
	if err != nil {
		return err
	}
	defer info.Close()
	supplied, err := c.Overridable(info)
	if err != nil {
		return err
	}
	m, err := ingot.Load(c.Model, append(opts, ingot.WithOverridable(supplied...))...)
	if err != nil {
		return err
	}
	defer m.Close()
	for i := range c.Sets {
		if err := c.Sets[i].Run(context.Background(), info, m, c.Tolerances(tol), nil); err != nil {
			return fmt.Errorf("set %d: %w", i, err)
		}
	}
	return nil
}
