package contrib_test

import (
	"context"
	"flag"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/cases"
	"ingot/loader"
	"ingot/ops/contrib"
	_ "ingot/ops/more" // some of the operators are made of rare ones
)

var casesDir = flag.String("cases", "", "folder of cases to run instead of the archive")

// TestCases compares every operator with ONNX Runtime, optimised and as the model has it.
func TestCases(t *testing.T) {
	dir := *casesDir
	if dir == "" {
		dir = t.TempDir()
		if err := cases.Unpack("testdata/cases.tar.gz", dir); err != nil {
			t.Fatal(err)
		}
	}
	list, err := cases.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, c := range list {
		op, _, _ := strings.Cut(c.Name, "/")
		counts[op]++
		for _, optimize := range []bool{true, false} {
			if err := runCase(&c, optimize); err != nil {
				t.Errorf("%s (optimised: %t): %v", c.Name, optimize, err)
				break
			}
		}
	}
	for _, op := range contrib.Ops {
		if counts[op.Name] < 4 && *casesDir == "" {
			t.Errorf("%s has %d cases; each operator has at least 4", op, counts[op.Name])
		}
	}
}

func runCase(c *cases.Case, optimize bool) error {
	info, err := loader.Open(c.Model)
	if err != nil {
		return err
	}
	defer info.Close()
	var opts []ingot.Option
	if !optimize {
		opts = append(opts, ingot.WithoutPasses("all"), ingot.WithThreads(2))
	}
	m, err := ingot.Load(c.Model, opts...)
	if err != nil {
		return err
	}
	defer m.Close()
	for i := range c.Sets {
		if err := c.Sets[i].Run(context.Background(), info, m, c.Tolerances(cases.Tolerance{}), nil); err != nil {
			return err
		}
	}
	return nil
}
