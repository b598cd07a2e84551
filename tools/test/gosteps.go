package main

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"ingot/internal/proc"
	"ingot/internal/suite"
)

// goTest runs `go test -json` in a folder with these arguments and adds up what
// it says.
func (w *workspace) goTest(ctx context.Context, dir string, env []string, args ...string) result {
	events := &goTests{Line: w.screen.line}
	out, err := w.exec(ctx, proc.Command{
		Dir:    dir,
		Args:   append([]string{"go", "test", "-json", "-vet=off"}, args...),
		Env:    env,
		Stdout: events,
	})
	return events.result(err, out)
}

func testGo(ctx context.Context, w *workspace) result {
	var env []string
	if _, err := suite.Dir(); err == nil {
		env = append(env, suite.Required+"=1")
	}
	return w.goTest(ctx, ".", env, "-timeout", "12m", "./...")
}

// concurrent are the packages whose tests run again with the race detector:
// those that share memory between goroutines. It slows the rest down tenfold and
// does not see into assembly.
var concurrent = []string{".", "internal/mem", "internal/parallel", "loader", "runtime"}

// raceSystems are the systems that the race detector supports.
var raceSystems = []string{"linux/amd64", "linux/arm64", "linux/ppc64le", "linux/s390x", "darwin/amd64", "darwin/arm64", "windows/amd64", "freebsd/amd64"}

func testRace(ctx context.Context, w *workspace) result {
	if system := runtime.GOOS + "/" + runtime.GOARCH; !slices.Contains(raceSystems, system) {
		return skipped("left out: there is no race detector for " + system)
	}
	out, err := w.exec(ctx, proc.Command{Args: []string{"go", "env", "CC"}})
	if err != nil {
		return failedWith(err, out)
	}
	compiler := strings.TrimSpace(string(out))
	if _, err := exec.LookPath(compiler); err != nil {
		return skipped("left out: the race detector needs a C compiler, and there is no " + compiler)
	}
	args := []string{"-race", "-short", "-timeout", "10m"}
	for _, dir := range concurrent {
		if hasGo(filepath.Join(w.root, dir)) {
			args = append(args, "./"+dir)
		}
	}
	return w.goTest(ctx, ".", []string{"CGO_ENABLED=1"}, args...)
}

func hasGo(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	return len(files) > 0
}

// target is a fuzz target.
type target struct{ dir, name string }

// fuzzTargets finds the fuzz targets of the main module.
func fuzzTargets(root string) ([]target, error) {
	var found []target
	err := walkGo(root, true, func(file string) error {
		if !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				found = append(found, target{path.Dir(file), f.Name.Name})
			}
		}
		return nil
	})
	return found, err
}

// Fuzzing time, shared by the targets of a package. What reads files from
// strangers gets the most.
const (
	loaderFuzz = 40 * time.Second
	otherFuzz  = 6 * time.Second
)

// fuzz looks for new failures. The committed corpus is part of the Go tests.
func fuzz(ctx context.Context, w *workspace) result {
	targets, err := fuzzTargets(w.root)
	if err != nil {
		return failed(err.Error(), "")
	}
	share := map[string]int{}
	for _, t := range targets {
		share[t.dir]++
	}
	var names []string
	for _, t := range targets {
		total := otherFuzz
		if t.dir == "loader" {
			total = loaderFuzz
		}
		each := total / time.Duration(share[t.dir])
		if r := w.fuzzOne(ctx, t, each); r.failed > 0 {
			return r
		}
		names = append(names, t.dir+"."+t.name)
	}
	if len(names) == 0 {
		return failed("there is no fuzz target", "")
	}
	return passed(strings.Join(names, ", "))
}

func (w *workspace) fuzzOne(ctx context.Context, t target, d time.Duration) result {
	c := proc.Command{
		Args:  []string{"go", "test", "-run", "^$", "-fuzz", "^" + t.name + "$", "-fuzztime", d.String(), "-fuzzminimizetime", "10s", "./" + t.dir},
		Limit: d + 5*time.Minute, // for the build with coverage
	}
	out, err := w.exec(ctx, c)
	if err != nil && endedByClock(string(out)) {
		out, err = w.exec(ctx, c)
	}
	if err != nil {
		return failed(t.dir+" "+t.name, string(out)+err.Error())
	}
	return passed()
}

// endedByClock reports whether a fuzzing run failed only because its time was up
// while an input was running, which the fuzzing engine at times takes for a
// failure of that input.
func endedByClock(output string) bool {
	return strings.Contains(output, "context deadline exceeded") &&
		!strings.Contains(output, "Failing input written to") && !strings.Contains(output, "panic:")
}

// systems are what Ingot builds for.
var systems = []string{
	"linux/amd64", "linux/arm64", "linux/arm", "linux/386", "linux/riscv64", "linux/s390x", "linux/mips",
	"darwin/arm64", "darwin/amd64", "windows/amd64", "windows/arm64", "freebsd/amd64", "android/arm64",
	"js/wasm", "wasip1/wasm",
}

// linked are the programs that crossBuild links for each system: the command
// line, and one that imports the root package and one for each bridge. Linking
// the others would take longer than compiling everything.
var linked = []string{"./cmd/...", "./internal/arch/consumer/..."}

// crossBuild compiles all packages but programs, and links those that are to
// run there, for each of the systems.
func crossBuild(ctx context.Context, w *workspace) result {
	var r result
	for _, system := range systems {
		w.screen.line(system)
		if out, err := w.buildFor(ctx, system); err != nil {
			r.failures = append(r.failures, failure{system, string(out) + err.Error()})
		}
	}
	if len(r.failures) > 0 {
		r.failed = 1
		return r
	}
	return passed(strings.Join(systems, " "))
}

func (w *workspace) buildFor(ctx context.Context, system string) ([]byte, error) {
	list := proc.Command{Args: []string{"go", "list", "-f", `{{if ne .Name "main"}}{{.ImportPath}}{{end}}`, "./..."}, Env: portEnv(system), Limit: time.Minute}
	out, err := w.exec(ctx, list)
	if err != nil {
		return out, err
	}
	// Without debug tables linking takes half as long.
	args := append([]string{"go", "build", "-ldflags=-w"}, linked...)
	for line := range strings.Lines(string(out)) {
		if pkg := strings.TrimSpace(line); pkg != "" && !strings.Contains(pkg, " ") { // what has spaces tells of downloads
			args = append(args, pkg)
		}
	}
	return w.exec(ctx, proc.Command{Args: args, Env: portEnv(system), Limit: 10 * time.Minute})
}

func portEnv(system string) []string {
	goos, goarch, _ := strings.Cut(system, "/")
	return []string{"CGO_ENABLED=0", "GOOS=" + goos, "GOARCH=" + goarch}
}
