package ingot_test

import (
	"os"
	"path/filepath"
	"testing"

	"ingot"
	"ingot/internal/cases"
)

// TestDifferential runs small models of which other runtimes told the outputs, at rtol 1e-3 and atol 1e-4, optimised and as they are. Those in
// testdata/differential always run; INGOT_DIFFERENTIAL is a list of folders with more. The ones in testdata/differential-skips.txt must fail:
// a skip that isn't needed any more is to go.
func TestDifferential(t *testing.T) {
	dirs := append([]string{filepath.Join("testdata", "differential")}, filepath.SplitList(os.Getenv("INGOT_DIFFERENTIAL"))...)
	list, err := cases.Find(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	skips := readSkips(t, "differential-skips.txt")
	passed := 0
	for i := range list {
		c := &list[i]
		err := runDifferential(c)
		switch why, skipped := skips[c.Name]; {
		case skipped && err == nil:
			t.Errorf("%s passes; differential-skips.txt says %q", c.Name, why)
		case !skipped && err != nil:
			t.Errorf("%s: %v", c.Name, err)
		case !skipped:
			passed++
		}
	}
	t.Logf("%d of %d cases passed", passed, len(list))
	if passed < 8 {
		t.Errorf("only %d cases passed", passed)
	}
}

func runDifferential(c *cases.Case) error {
	for _, opts := range [][]ingot.Option{{ingot.WithThreads(2)}, {ingot.WithThreads(1), ingot.WithoutPasses("all")}} {
		if err := runCase(c, cases.Tolerance{RTol: 1e-3, ATol: 1e-4}, opts...); err != nil {
			return err
		}
	}
	return nil
}
