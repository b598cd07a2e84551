package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ingot/internal/proc"
)

func TestStepsNameEarlierSteps(t *testing.T) {
	var before []string
	for _, s := range steps {
		for _, other := range slices.Concat(s.needs, s.wants) {
			if !slices.Contains(before, other) {
				t.Errorf("%s needs or wants %s, which does not come before it", s.name, other)
			}
		}
		if s.limit == 0 || s.title == "" || s.run == nil {
			t.Errorf("%s is incomplete", s.name)
		}
		before = append(before, s.name)
	}
}

func TestChoose(t *testing.T) {
	all := []step{{name: "a"}, {name: "b", needs: []string{"a"}}, {name: "c", wants: []string{"b"}}, {name: "d"}}
	tests := []struct {
		only, skip string
		want       string // those that run
	}{
		{"", "", "a b c d"},
		{"d", "", "d"},
		{"c", "", "a b c"},
		{"b, d", "", "a b d"},
		{"", "a,d", "b c"},
		{"c", "b", "a c"},
	}
	for _, tt := range tests {
		plan, err := choose(all, tt.only, tt.skip)
		if err != nil || len(plan) != len(all) {
			t.Fatalf("%+v: %d steps, %v", tt, len(plan), err)
		}
		var got []string
		for _, p := range plan {
			if p.leftOut == "" {
				got = append(got, p.name)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("only %q, skip %q: %q, want %q", tt.only, tt.skip, got, tt.want)
		}
	}
	if _, err := choose(all, "", "x"); err == nil || !strings.Contains(err.Error(), "a, b, c, d") {
		t.Errorf("unknown step: %v", err)
	}
}

// play runs steps that say their result at once.
func play(t *testing.T, ctx context.Context, plan []planned) (code int, out string) {
	var b bytes.Buffer
	w := &workspace{root: t.TempDir(), temp: t.TempDir(), screen: newScreen(&b, false)}
	code = w.runAll(ctx, plan, &b, false)
	return code, b.String()
}

func says(name string, r result, needs ...string) planned {
	return planned{step: step{name: name, needs: needs, limit: 1 << 40, run: func(context.Context, *workspace) result { return r }}}
}

func TestRunAll(t *testing.T) {
	left := says("e", passed())
	left.leftOut = "left out by --skip"
	code, out := play(t, t.Context(), []planned{
		says("a", result{counts: counts{10, 0, 2}}),
		says("b", failed("broken", "the whole\noutput\n")),
		says("c", passed(), "b"),
		says("d", skipped("no compiler")),
		left,
		says("f", passed(), "e"),
	})
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if last := lines[len(lines)-1]; last != "10 passed, 1 failed, 6 skipped" {
		t.Errorf("last line %q", last)
	}
	for _, want := range []string{"FAILED b: broken\nthe whole\noutput\n", "needs the step b, which failed", "no compiler", "left out by --skip", "needs the step e, which was left out"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if code, _ := play(t, t.Context(), []planned{says("a", passed())}); code != 0 {
		t.Errorf("exit code %d when all is well", code)
	}
}

func TestRunAllInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stop := says("b", failed("killed", ""))
	stop.run = func(context.Context, *workspace) result { cancel(); return failed("killed", "") }
	code, out := play(t, ctx, []planned{says("a", failed("real", "")), stop, says("c", passed())})
	if code != 130 || !strings.HasSuffix(out, "interrupted in the step b; before it:\n0 passed, 1 failed, 0 skipped\n") ||
		!strings.Contains(out, "FAILED a: real") || strings.Contains(out, "killed") {
		t.Errorf("exit code %d, output %q", code, out)
	}
}

func TestRunUsage(t *testing.T) {
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--only", "nonsense"}, 2, `no step "nonsense"`},
		{[]string{"gofmt"}, 2, "--only"},
		{[]string{"--no-such-flag"}, 2, "no-such-flag"},
		{[]string{"--list"}, 0, "staticcheck"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		if code := run(t.Context(), tt.args, &out, &out); code != tt.code || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%q: exit code %d, output %q", tt.args, code, out.String())
		}
	}
}

// tree writes files below a temporary folder.
func tree(t *testing.T, files map[string]string) string {
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestWalks(t *testing.T) {
	root := tree(t, map[string]string{
		"go.mod":                    "module m\n",
		"good.go":                   "package m\n",
		"bad.go":                    "package  m\n",
		"broken.go":                 "pakage m\n",
		"testdata/bad.go":           "package  m\n",
		".hidden/bad.go":            "package  m\n",
		"bench/go.mod":              "module b\n",
		"bench/deep/bad.go":         "package  b\n",
		"bench/deep/b_test.go":      "package b\n\nfunc FuzzInner() {}\n",
		"tools/lint/go.mod":         "module l\n",
		"loader/loader_test.go":     "package loader\n\nfunc FuzzLoad() {}\n\nfunc TestX() {}\n",
		"loader/testdata/x_test.go": "package loader\n\nfunc FuzzNot() {}\n",
		"loader/loader.go":          "package loader\n\nfunc FuzzNeither() {}\n",
	})
	bad, err := unformatted(root)
	if err != nil || len(bad) != 3 || bad[0] != "bad.go" || bad[1] != "bench/deep/bad.go" || !strings.HasPrefix(bad[2], "broken.go: ") {
		t.Errorf("unformatted: %q, %v", bad, err)
	}
	if dirs, err := modules(root); err != nil || !slices.Equal(dirs, []string{"bench"}) {
		t.Errorf("modules: %q, %v", dirs, err)
	}
	for dir, want := range map[string]bool{"bench": true, "tools": false, ".": true} {
		if got := hasTests(filepath.Join(root, dir)); got != want {
			t.Errorf("%s has tests: %v", dir, got)
		}
	}
	if err := os.Remove(filepath.Join(root, "broken.go")); err != nil {
		t.Fatal(err)
	}
	if targets, err := fuzzTargets(root); err != nil || !slices.Equal(targets, []target{{"loader", "FuzzLoad"}}) {
		t.Errorf("fuzz targets: %q, %v", targets, err)
	}
}

func TestCommandShowsLastLine(t *testing.T) {
	w := &workspace{root: t.TempDir(), screen: newScreen(&bytes.Buffer{}, false)}
	if r := w.command(t.Context(), proc.Command{Args: []string{"go", "version"}}); r.failed > 0 || !strings.HasPrefix(w.screen.last, "go version") {
		t.Errorf("%+v, last line %q", r, w.screen.last)
	}
	if r := w.command(t.Context(), proc.Command{Args: []string{"go", "no-such-verb"}}); r.failed != 1 || !strings.Contains(r.failures[0].output, "unknown command") {
		t.Errorf("%+v", r)
	}
}

func TestEndedByClock(t *testing.T) {
	tests := map[string]bool{
		"--- FAIL: FuzzX (60.04s)\n    context deadline exceeded\n":                                 true,
		"--- FAIL: FuzzX\n    panic: index\n    context deadline exceeded\n":                        false,
		"--- FAIL: FuzzX\n    Failing input written to testdata/fuzz\n context deadline exceeded\n": false,
		"--- FAIL: FuzzX\n": false,
	}
	for output, want := range tests {
		if got := endedByClock(output); got != want {
			t.Errorf("%q: %v", output, got)
		}
	}
}

func TestPlainAndCut(t *testing.T) {
	if got := plain("\ta\tb\x1b\x07 "); got != "a b" {
		t.Errorf("plain gives %q", got)
	}
	if got := cut("größer", 4); got != "grö…" {
		t.Errorf("cut gives %q", got)
	}
}
