package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A rule says what the packages at a path may import beside the standard
// library. Paths are relative to the module; "x/..." means x and all below it.
// The first rule whose path fits a package holds for it.
type rule struct {
	packages string
	imports  []string // "*": anything
}

// table is the whole architecture: data moves from files to the right, and no
// package is imported by one to its left.
//
//	tensor ← internal/sym ← ops ← ops/<family>, internal/ir ← internal/passes ← runtime ← the root
//
// A package that no rule fits fails the test: who adds one says here what it is
// for.
var table = []rule{
	// What users import.
	{".", []string{"runtime", "loader", "tensor", "ops", "internal/config", "internal/near", "internal/sym"}},
	{"tensor", nil},
	{"npy/internal/...", []string{"npy", "tensor"}},
	{"npy", []string{"tensor", "internal/atomicfile", "internal/endian", "github.com/sbinet/npyio/..."}},
	{"loader", []string{"tensor", "internal/endian", "internal/mem", protowire, "golang.org/x/sys/..."}},

	// Operators. Families know neither each other nor the runtime; those that
	// need more than kernels are not part of the default set.
	{"ops", []string{"tensor", "internal/sym"}},
	{"ops/standard", []string{"ops/..."}},
	{"ops/all", []string{"ops/..."}},
	{"ops/more", []string{"ops/..."}},
	{"ops/contrib", append(family, "ops/contrib/internal/...", "ops/more")},
	{"ops/image", append(family, "internal/picture", "golang.org/x/image/...")},
	{"ops/text", append(family, "golang.org/x/text/...")},
	{"ops/...", family},

	// Compiling and running.
	{"internal/sym", []string{"tensor"}},
	{"internal/ir", []string{"ops", "tensor", "internal/sym"}},
	{"internal/passes", []string{"ops", "tensor", "internal/sym", "internal/ir"}},
	{"internal/mem", []string{"golang.org/x/sys/..."}},
	{"internal/parallel", nil},
	{"internal/kernel/...", []string{"internal/kernel/...", "golang.org/x/sys/cpu"}},
	{"runtime", []string{
		"ops", "loader", "tensor", "internal/sym", "internal/ir", "internal/passes",
		"internal/kernel/...", "internal/mem", "internal/num", "internal/parallel",
	}},

	{"internal/config", []string{"runtime", "loader", "ops", "ops/standard"}},

	// Small helpers.
	{"internal/atomicfile", []string{"golang.org/x/sys/..."}},
	{"internal/endian", []string{"tensor"}},
	{"internal/num", []string{"tensor", "internal/kernel/..."}},
	{"internal/safetensors", []string{"tensor", "internal/atomicfile", "internal/endian"}},
	{"internal/proc", []string{"golang.org/x/sys/..."}},
	{"internal/near", nil},
	{"internal/layered", nil},
	{"internal/userdir", nil},
	{"internal/pyenv", []string{"internal/proc", "internal/userdir", "golang.org/x/sys/..."}},

	{"internal/picture", []string{"tensor", "golang.org/x/image/..."}},

	// What only tests and tools import.
	{"internal/arch/consumer/...", []string{"*"}},
	{"internal/arch", nil},
	{"internal/calls", []string{"ops", "tensor", "loader", "internal/num", "internal/onnxpb"}},
	{"internal/suite", []string{"internal/proc", "internal/userdir"}},
	{"internal/cases", []string{"tensor", "npy", "loader", "internal/num"}},
	{"internal/onnxpb", []string{"tensor", "loader", protowire}},

	// The Python package, embedded for the command line.
	{"convert", nil},

	// Ends of the graph: nothing imports them, but for bridges, which programs do.
	{"bridge/...", []string{"*"}},
	{"cmd/...", []string{"*"}},
	{"examples/...", []string{"*"}},
	{"tools/...", []string{"*"}},
	{"testdata/...", []string{"*"}},
}

// family is what the operators of a family import.
var family = []string{"ops", "ops/internal/...", "tensor", "internal/sym", "internal/num", "internal/kernel/..."}

const protowire = "google.golang.org/protobuf/encoding/protowire"

// ends are the packages that no other package may import, whatever its rule;
// bridges may be imported by other ends.
var (
	ends    = append([]string{"cmd/...", "examples/...", "internal/arch/consumer/...", "testdata/...", "tools/..."}, bridges...)
	bridges = []string{"bridge/..."}
)

// linked is all that a program which imports the root package may link beside
// the standard library and this module: every module here costs each user
// bytes and trust.
var linked = []string{"golang.org/x/sys/...", protowire, "google.golang.org/protobuf/internal/..."}

// fits reports whether a path is one of the patterns.
func fits(name string, patterns []string) bool {
	for _, p := range patterns {
		prefix, below := strings.CutSuffix(p, "/...")
		if p == "*" || name == prefix || below && strings.HasPrefix(name, prefix+"/") {
			return true
		}
	}
	return false
}

// ruleFor is the first rule that fits a package.
func ruleFor(pkg string) (rule, bool) {
	for _, r := range table {
		if fits(pkg, []string{r.packages}) {
			return r, true
		}
	}
	return rule{}, false
}

// standard reports whether an import path is the standard library's: only its
// first element has no dot, and it is not this module.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// module returns the folder and the path of this module.
func module(t *testing.T) (dir, path string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}\n{{.Path}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir, path, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	return dir, path
}

// local turns an import path of this module into a path of the table.
func local(importPath, module string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// sources calls visit with each Go file of the module that is not a test, for
// whatever system it is: the go command would show only those for this one.
func sources(root string, visit func(pkg, file string) error) error {
	return filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, inner := os.Stat(filepath.Join(file, "go.mod"))
			if file != root && (inner == nil || strings.ContainsRune("._", rune(d.Name()[0]))) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		relative, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(relative), file)
	})
}

// TestImports compares every import of every file with the table.
func TestImports(t *testing.T) {
	root, name := module(t)
	known := map[string]bool{}
	err := sources(root, func(pkg, file string) error {
		r, ok := ruleFor(pkg)
		if !ok {
			if !known[pkg] {
				t.Errorf("the table does not know the package %s: say there what it may import", pkg)
			}
			known[pkg] = true
			return nil
		}
		known[pkg] = true
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range tree.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			own, inside := local(imported, name)
			switch {
			case imported == "C":
				t.Errorf("%s uses cgo", path.Join(pkg, filepath.Base(file)))
			case inside && fits(own, ends) && !mayEnd(pkg, own):
				t.Errorf("%s imports %s, which nothing may import", path.Join(pkg, filepath.Base(file)), own)
			case inside && !fits(own, r.imports):
				t.Errorf("%s imports %s; %s may import %q of this module", path.Join(pkg, filepath.Base(file)), own, r.packages, r.imports)
			case !inside && !standard(imported) && !fits(imported, r.imports):
				t.Errorf("%s imports %s; %s may not", path.Join(pkg, filepath.Base(file)), imported, r.packages)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !known["tensor"] || !known["internal/arch"] {
		t.Errorf("the walk missed packages: it found %d", len(known))
	}
}

// mayEnd reports whether a package may import one that is an end: because both
// are parts of the same end, a command and the packages below it, or because an
// end uses a bridge.
func mayEnd(pkg, end string) bool {
	sameTree := strings.HasPrefix(pkg+"/", end+"/") || strings.HasPrefix(end+"/", pkg+"/") || path.Dir(pkg) == path.Dir(end)
	return sameTree || fits(end, bridges) && fits(pkg, ends)
}

// TestRootLinksLittle lists what a program links that imports the root package,
// on systems that differ in their build tags.
func TestRootLinksLittle(t *testing.T) {
	root, name := module(t)
	if files, _ := filepath.Glob(filepath.Join(root, "*.go")); len(files) == 0 {
		t.Skip("there is no root package yet")
	}
	for _, system := range []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64", "js/wasm", "wasip1/wasm"} {
		t.Run(strings.ReplaceAll(system, "/", "-"), func(t *testing.T) {
			goos, goarch, _ := strings.Cut(system, "/")
			for _, dep := range dependencies(t, root, goos, goarch) {
				own, inside := local(dep, name)
				switch {
				case inside && fits(own, ends):
					t.Errorf("the root package links %s", own)
				case inside && fits(own, []string{"npy", "convert", "internal/suite", "internal/pyenv", "internal/proc", "internal/arch"}):
					t.Errorf("the root package links %s, which running a model does not need", own)
				case !inside && !fits(dep, linked):
					t.Errorf("the root package links %s", dep)
				}
			}
		})
	}
}

// dependencies are all packages outside the standard library that the root
// package links, itself included.
func dependencies(t *testing.T, root, goos, goarch string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	list := strings.Fields(string(out))
	if len(list) == 0 {
		t.Fatal("go list found no package")
	}
	return list
}

// TestRules checks the table itself against its reading.
func TestRules(t *testing.T) {
	tests := []struct {
		pkg, imported string
		want          bool
	}{
		{".", "runtime", true},
		{".", "npy", false},
		{"tensor", "internal/sym", false},
		{"tensor", "golang.org/x/sys/cpu", false},
		{"ops", "internal/kernel", false},
		{"ops/nn", "internal/kernel/gemm", true},
		{"ops/nn", "runtime", false},
		{"ops/nn", "ops/math", false},
		{"ops/nn", "golang.org/x/image/draw", false},
		{"ops/image", "golang.org/x/image/draw", true},
		{"ops/standard", "ops/nn", true},
		{"internal/kernel/gemm", "internal/kernel/cpu", true},
		{"internal/kernel/gemm", "internal/parallel", false},
		{"internal/kernel/gemm", "golang.org/x/sys/unix", false},
		{"internal/parallel", "tensor", false},
		{"runtime", "internal/suite", false},
		{"loader", "runtime", false},
		{"cmd/ingot", "github.com/spf13/cobra", true},
	}
	for _, tt := range tests {
		r, ok := ruleFor(tt.pkg)
		if !ok {
			t.Errorf("no rule for %s", tt.pkg)
		} else if got := fits(tt.imported, r.imports); got != tt.want {
			t.Errorf("%s imports %s: %v, want %v", tt.pkg, tt.imported, got, tt.want)
		}
	}
	endings := []struct {
		pkg, end string
		want     bool
	}{
		{"cmd/ingot/internal/cli", "bridge/exprgraph", true},
		{"cmd/ingot", "cmd/ingot/internal/cli", true},
		{"bridge/onnxgo", "bridge/dense", true},
		{"runtime", "bridge/dense", false},
		{"bridge/dense", "cmd/ingot", false},
	}
	for _, tt := range endings {
		if got := mayEnd(tt.pkg, tt.end); got != tt.want {
			t.Errorf("%s may import %s: %v, want %v", tt.pkg, tt.end, got, tt.want)
		}
	}
	for i, r := range table {
		for _, earlier := range table[:i] {
			if fits(strings.Replace(r.packages, "...", "some", 1), []string{earlier.packages}) {
				t.Errorf("the rule for %s is never reached: %s comes first", r.packages, earlier.packages)
			}
		}
	}
	if slices.Contains(linked, "*") {
		t.Error("the root package may link anything")
	}
}
