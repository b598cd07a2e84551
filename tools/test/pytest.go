package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// pytest's last line, with = signs around it or not:
//
//	===== 1 failed, 12 passed, 2 skipped, 1 warning in 3.21s =====
var (
	pytestSummary = regexp.MustCompile(`^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s\b`)
	pytestCount   = regexp.MustCompile(`(\d+) ([a-z]+)`)
)

// pytestCounts reads pytest's closing line. An expected failure counts as
// skipped, an unexpected pass and an error as failed; deselected tests and
// warnings don't count. ok is false where there is no such line.
func pytestCounts(output string) (c counts, ok bool) {
	for line := range strings.Lines(output) {
		m := pytestSummary.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		c, ok = counts{}, true // the last such line counts
		for _, part := range pytestCount.FindAllStringSubmatch(m[1], -1) {
			n, err := strconv.Atoi(part[1])
			if err != nil {
				return counts{}, false
			}
			switch part[2] {
			case "passed":
				c.passed += n
			case "failed", "error", "errors", "xpassed":
				c.failed += n
			case "skipped", "xfailed":
				c.skipped += n
			}
		}
	}
	return c, ok
}

// pytestResult is what a run of pytest that ended with err comes to.
func pytestResult(output string, err error) result {
	c, ok := pytestCounts(output)
	switch {
	case !ok:
		return failed(fmt.Sprintf("no closing line from pytest (%v)", err), output)
	case c == counts{}:
		return failed("pytest ran no test", output)
	case err != nil && c.failed == 0:
		c.failed++ // it failed beside the tests
	}
	r := result{counts: c}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "SKIPPED ") || strings.HasPrefix(line, "XFAIL ") {
			r.details = append(r.details, strings.TrimSpace(line))
		}
	}
	if c.failed > 0 {
		r.failures = []failure{{fmt.Sprintf("%d Python tests", c.failed), withoutPassed(output)}}
	}
	return r
}

// withoutPassed drops the lines of the tests that passed, of which there are
// many.
func withoutPassed(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if !strings.Contains(line, " PASSED ") {
			b.WriteString(line)
		}
	}
	return b.String()
}
