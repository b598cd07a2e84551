package main

import (
	"errors"
	"strings"
	"testing"
)

// events writes a line of go test -json for each "action package test output".
func events(lines ...[4]string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(`{"Action":"` + l[0] + `","Package":"` + l[1] + `"`)
		if l[2] != "" {
			b.WriteString(`,"Test":"` + l[2] + `"`)
		}
		if l[3] != "" {
			b.WriteString(`,"Output":"` + l[3] + `\n"`)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func TestGoTests(t *testing.T) {
	exit := errors.New("exit status 1")
	tests := []struct {
		name     string
		stream   string
		err      error
		want     counts
		failures []string // a part of each title
		output   string   // a part of the failures' output
	}{
		{
			name: "leaves count, parents do not",
			stream: events([4]string{"run", "p", "TestA"}, [4]string{"run", "p", "TestA/x"}, [4]string{"run", "p", "TestA/y/z"},
				[4]string{"pass", "p", "TestA/x"}, [4]string{"skip", "p", "TestA/y/z"}, [4]string{"pass", "p", "TestA"},
				[4]string{"run", "p", "TestB"}, [4]string{"pass", "p", "TestB"}, [4]string{"pass", "p"}),
			want: counts{2, 0, 1},
		},
		{
			name: "a failed leaf fails its parents once",
			stream: events([4]string{"run", "p", "TestA"}, [4]string{"run", "p", "TestA/x"}, [4]string{"output", "p", "TestA/x", "why"},
				[4]string{"fail", "p", "TestA/x"}, [4]string{"fail", "p", "TestA"}, [4]string{"fail", "p"}),
			err: exit, want: counts{0, 1, 0}, failures: []string{"p TestA/x", "p TestA"}, output: "why",
		},
		{
			name: "a parent that fails by itself counts",
			stream: events([4]string{"run", "p", "TestA"}, [4]string{"run", "p", "TestA/x"}, [4]string{"pass", "p", "TestA/x"},
				[4]string{"output", "p", "TestA", "floor"}, [4]string{"fail", "p", "TestA"}, [4]string{"fail", "p"}),
			err: exit, want: counts{1, 1, 0}, failures: []string{"p TestA"}, output: "floor",
		},
		{
			name: "a panic ends the running test",
			stream: events([4]string{"run", "p", "TestA"}, [4]string{"pass", "p", "TestA"}, [4]string{"run", "p", "TestB"},
				[4]string{"output", "p", "", "panic: x"}, [4]string{"fail", "p"}),
			err: exit, want: counts{1, 1, 0}, failures: []string{"p TestB", "p"}, output: "panic: x",
		},
		{
			name: "a package that does not build",
			stream: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"p.go:1: undefined: y\n"}` + "\n" +
				`{"ImportPath":"p [p.test]","Action":"build-fail"}` + "\n" +
				`{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}` + "\n" +
				`{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}` + "\n" +
				events([4]string{"run", "q", "TestA"}, [4]string{"pass", "q", "TestA"}, [4]string{"pass", "q"}),
			err: exit, want: counts{1, 1, 0}, failures: []string{"p"}, output: "undefined: y",
		},
		{
			name:   "packages without tests count nothing",
			stream: events([4]string{"skip", "p"}, [4]string{"run", "q", "TestA"}, [4]string{"pass", "q", "TestA"}, [4]string{"pass", "q"}),
			want:   counts{1, 0, 0},
		},
		{
			name:   "the command was ended",
			stream: events([4]string{"run", "p", "TestA"}),
			err:    errors.New("took too long"), want: counts{0, 1, 0}, failures: []string{"p TestA", "p did not finish"},
		},
		{
			name: "the command failed before any test", stream: "go: no such module\n",
			err: exit, want: counts{0, 1, 0}, failures: []string{"exit status 1"}, output: "no such module",
		},
		{
			name: "nothing ran", stream: events([4]string{"skip", "p"}),
			want: counts{0, 1, 0}, failures: []string{"no test ran"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := &goTests{}
			// In pieces, as a pipe gives it.
			for s := tt.stream; s != ""; {
				n := min(len(s), 7)
				_, _ = g.Write([]byte(s[:n]))
				s = s[n:]
			}
			r := g.result(tt.err, nil)
			if r.counts != tt.want {
				t.Errorf("counts %v, want %v", r.counts, tt.want)
			}
			if len(r.failures) != len(tt.failures) {
				t.Fatalf("failures %+v, want %q", r.failures, tt.failures)
			}
			var output strings.Builder
			for i, f := range r.failures {
				if !strings.Contains(f.title, tt.failures[i]) {
					t.Errorf("failure %d is %q, want %q", i, f.title, tt.failures[i])
				}
				output.WriteString(f.output)
			}
			if !strings.Contains(output.String(), tt.output) {
				t.Errorf("output %q lacks %q", output.String(), tt.output)
			}
		})
	}
}

func TestGoTestsShowWhatRuns(t *testing.T) {
	var last string
	g := &goTests{Line: func(s string) { last = s }}
	_, _ = g.Write([]byte(events([4]string{"run", "p", "TestA"}, [4]string{"run", "q", "TestB"}, [4]string{"pass", "q", "TestB"})))
	if last != "1 passed, 0 failed, 0 skipped; running p TestA" {
		t.Errorf("line %q", last)
	}
}

func TestSkipReason(t *testing.T) {
	output := "=== RUN   TestA\n    a_test.go:3: no AVX-512 here\n--- SKIP: TestA (0.00s)\n"
	if got := reason(output); got != "(no AVX-512 here)" {
		t.Errorf("reason %q", got)
	}
}
