package main

import (
	"errors"
	"strings"
	"testing"
)

func TestPytestCounts(t *testing.T) {
	tests := []struct {
		line string
		want counts
		ok   bool
	}{
		{"============ 12 passed in 3.21s ============", counts{12, 0, 0}, true},
		{"= 1 failed, 12 passed, 2 skipped, 3 deselected, 1 warning in 63.21s (0:01:03) =", counts{12, 1, 2}, true},
		{"3 passed, 2 errors in 0.5s", counts{3, 2, 0}, true},
		{"1 error in 0.50s", counts{0, 1, 0}, true},
		{"4 passed, 1 xfailed, 1 xpassed in 1s", counts{4, 1, 1}, true},
		{"no tests ran in 0.01s", counts{}, false},
		{"test_x.py::test_5 PASSED", counts{}, false},
		{"converted 3 models in 5s", counts{}, false},
	}
	for _, tt := range tests {
		got, ok := pytestCounts("collected\n" + tt.line + "\n")
		if got != tt.want || ok != tt.ok {
			t.Errorf("%q: %v %v, want %v %v", tt.line, got, ok, tt.want, tt.ok)
		}
	}
}

func TestPytestResult(t *testing.T) {
	exit := errors.New("exit status 1")
	output := "a.py::test_a PASSED [ 50%]\na.py::test_b FAILED [100%]\n= 1 failed, 1 passed in 1s =\n"
	r := pytestResult(output, exit)
	if r.counts != (counts{1, 1, 0}) || len(r.failures) != 1 {
		t.Fatalf("%+v", r)
	}
	if text := r.failures[0].output; strings.Contains(text, "test_a") || !strings.Contains(text, "test_b") {
		t.Errorf("output %q", text)
	}
	if r := pytestResult("Traceback\n", exit); r.failed != 1 {
		t.Errorf("a crash gives %v", r.counts)
	}
	if r := pytestResult("= 3 deselected in 1s =\n", nil); r.failed != 1 {
		t.Errorf("no test gives %v", r.counts)
	}
	// Coverage limits and the like fail the run beside the tests.
	if r := pytestResult("= 2 passed in 1s =\n", exit); r.counts != (counts{2, 1, 0}) || len(r.failures) != 1 {
		t.Errorf("a failure beside the tests gives %+v", r)
	}
}
