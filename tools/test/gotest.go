package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// goEvent is what `go test -json` prints, a line each (see `go doc test2json`).
type goEvent struct {
	Action      string
	Package     string
	Test        string
	Output      string
	ImportPath  string // of what was being built, for build-output and build-fail
	FailedBuild string // of the package event: what could not be built
}

// goTests reads the output of `go test -json` as it is written and adds it up.
//
// It counts the leaves: a test with subtests counts by them, and as one more
// failure when it failed though none of them did. A package that failed without
// a failed test (it does not build, it panicked outside a test, it ran out of
// time) counts as one failure.
type goTests struct {
	Line     func(string) // gets a line whenever a test begins or ends; may be nil
	packages map[string]*goPackage
	builds   map[string]*bytes.Buffer // output of the compiler by import path
	loose    bytes.Buffer             // lines that are no events
	rest     []byte
	sofar    counts
	running  []string // tests that have begun and not ended, in the order of their start
}

type goPackage struct {
	state  string // pass, fail, skip; empty: unfinished
	failed string // what could not be built
	output bytes.Buffer
	tests  map[string]*goTest
}

type goTest struct {
	state    string
	children bool
	output   bytes.Buffer
}

// Write takes the next bytes of output; it never fails.
func (g *goTests) Write(p []byte) (int, error) {
	g.rest = append(g.rest, p...)
	for {
		line, rest, found := bytes.Cut(g.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		g.take(line)
		g.rest = rest
	}
}

// take handles one line.
func (g *goTests) take(line []byte) {
	var e goEvent
	if len(line) == 0 {
		return
	}
	if err := json.Unmarshal(line, &e); err != nil || e.Action == "" {
		g.loose.Write(append(line, '\n'))
		return
	}
	switch {
	case strings.HasPrefix(e.Action, "build-"):
		g.build(e.ImportPath).WriteString(e.Output)
	case e.Test != "":
		g.test(e)
	default:
		p := g.pkg(e.Package)
		switch e.Action {
		case "output":
			p.output.WriteString(e.Output)
		case "pass", "fail", "skip":
			p.state, p.failed = e.Action, e.FailedBuild
		}
	}
}

// test handles an event of a test.
func (g *goTests) test(e goEvent) {
	tests := g.pkg(e.Package).tests
	t := tests[e.Test]
	if t == nil {
		t = &goTest{}
		tests[e.Test] = t
		for name := e.Test; ; {
			i := strings.LastIndexByte(name, '/')
			if i < 0 {
				break
			}
			name = name[:i]
			if parent := tests[name]; parent != nil {
				parent.children = true
			}
		}
	}
	switch e.Action {
	case "run":
		g.running = append(g.running, e.Package+" "+e.Test)
	case "output":
		t.output.WriteString(e.Output)
		return
	case "pass", "fail", "skip":
		t.state = e.Action
		if e.Action == "pass" {
			t.output = bytes.Buffer{} // thousands of tests pass: keep the rest only
		}
		g.ended(e, t)
	}
	if g.Line != nil && len(g.running) > 0 {
		g.Line(fmt.Sprintf("%v; running %s", g.sofar, g.running[len(g.running)-1]))
	}
}

// ended counts a test that has ended for the progress line; what is reported in
// the end is added up anew.
func (g *goTests) ended(e goEvent, t *goTest) {
	name := e.Package + " " + e.Test
	g.running = slices.DeleteFunc(g.running, func(s string) bool { return s == name })
	switch {
	case t.children:
	case e.Action == "pass":
		g.sofar.passed++
	case e.Action == "fail":
		g.sofar.failed++
	default:
		g.sofar.skipped++
	}
}

func (g *goTests) pkg(path string) *goPackage {
	if g.packages == nil {
		g.packages = map[string]*goPackage{}
	}
	p := g.packages[path]
	if p == nil {
		p = &goPackage{tests: map[string]*goTest{}}
		g.packages[path] = p
	}
	return p
}

func (g *goTests) build(path string) *bytes.Buffer {
	if g.builds == nil {
		g.builds = map[string]*bytes.Buffer{}
	}
	if g.builds[path] == nil {
		g.builds[path] = &bytes.Buffer{}
	}
	return g.builds[path]
}

// result adds everything up once the command has ended with err, having printed
// stderr beside the events.
func (g *goTests) result(err error, stderr []byte) result {
	if len(g.rest) > 0 {
		g.take(g.rest)
		g.rest = nil
	}
	var r result
	for _, path := range slices.Sorted(maps.Keys(g.packages)) {
		r = g.packages[path].addTo(r, path, g.builds)
	}
	if err != nil && r.failed == 0 {
		// The command failed before or beside the tests, or was ended.
		output := append(g.loose.Bytes(), stderr...)
		r.failed++
		r.failures = append(r.failures, failure{err.Error(), string(output)})
	}
	if err == nil && r.counts == (counts{}) {
		return failed("no test ran", g.loose.String()+string(stderr))
	}
	return r
}

func (p *goPackage) addTo(r result, path string, builds map[string]*bytes.Buffer) result {
	before := r.failed
	failedBelow := map[string]bool{}
	names := slices.Collect(maps.Keys(p.tests))
	// Children before their parents.
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(strings.Count(b, "/")-strings.Count(a, "/"), strings.Compare(a, b))
	})
	for _, name := range names {
		t := p.tests[name]
		state := t.state
		if state == "" {
			state = "fail" // it was running when its process ended
		}
		switch {
		case state == "fail" && failedBelow[name]:
			r.failures = append(r.failures, failure{path + " " + name, t.output.String()})
		case state == "fail":
			r.failed++
			r.failures = append(r.failures, failure{path + " " + name, t.output.String()})
		case t.children:
		case state == "skip":
			r.skipped++
			r.details = append(r.details, "skipped: "+path+" "+name+" "+reason(t.output.String()))
		default:
			r.passed++
		}
		if i := strings.LastIndexByte(name, '/'); i >= 0 && (state == "fail" || failedBelow[name]) {
			markAbove(failedBelow, name)
		}
	}
	if p.state == "pass" || p.state == "skip" {
		return r
	}
	output := p.output.String()
	if b := builds[p.failed]; b != nil {
		output = b.String() + output
	}
	title := path
	if p.state == "" {
		title += " did not finish"
	}
	switch {
	case r.failed == before:
		r.failed++
		r.failures = append(r.failures, failure{title, output})
	case strings.Contains(output, "panic:") || strings.Contains(output, "fatal error:") || p.state == "":
		// The stack belongs to no test, but explains why some failed.
		r.failures = append(r.failures, failure{title, output})
	}
	return r
}

// markAbove notes for all tests around name that one below them failed.
func markAbove(failed map[string]bool, name string) {
	for {
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return
		}
		name = name[:i]
		failed[name] = true
	}
}

// reason picks from a skipped test's output why it was skipped: the line that
// t.Skip printed, without its position.
func reason(output string) string {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if _, text, found := strings.Cut(line, ": "); found {
			return "(" + text + ")"
		}
		return "(" + line + ")"
	}
	return ""
}
