package arch

import (
	"debug/buildinfo"
	"encoding/binary"
	"encoding/json"
	"image/color"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// coreModules are the modules that a program with the root package alone has in its binary. TestRootLinksLittle holds the packages.
var coreModules = []string{"golang.org/x/sys", "google.golang.org/protobuf"}

// bridgeModules are the modules for whose sake a bridge exists.
var bridgeModules = map[string][]string{
	"dense":     {"gorgonia.org/tensor"},
	"exprgraph": {"gorgonia.org/gorgonia", "gorgonia.org/tensor"},
	"onnxgo":    {"github.com/owulveryck/onnx-go", "gorgonia.org/tensor"},
}

// pins are modules that nothing imports directly, in versions that others don't ask for. Without the first, each program that
// links gorgonia.org/tensor panics at its start; without the second, linux/riscv64 doesn't build.
var pins = []string{"go4.org/unsafe/assume-no-moving-gc", "github.com/chewxy/math32"}

// ways are the commands by which a new module comes to package pkg of this module, which is called name. Tidy is told to require it, or
// it would ask the net for the newest version of all that the program imports, and the test would depend on what that is today.
var ways = map[string]func(name, pkg string) [][]string{
	"get": func(_, pkg string) [][]string {
		return [][]string{{"get", pkg}}
	},
	"tidy": func(name, _ string) [][]string {
		return [][]string{{"mod", "edit", "-require=" + name + "@v0.0.0"}, {"mod", "tidy"}}
	},
}

// TestFreshModule makes modules that require this one, as a user would, and builds and runs a program in each: one with the root
// package alone, one for each bridge. All print the same numbers; what is in the binaries is what this module was tested with.
func TestFreshModule(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds eight programs")
	}
	root, name := module(t)
	tested := requirements(t, root)
	model, pixels := filepath.Join(root, "testdata/digits/digits.onnx"), picture(t, filepath.Join(root, "testdata/digits/three.png"))

	var want []byte // what the program without a bridge printed
	for _, program := range append([]string{"core"}, bridgeNames(t, root)...) {
		pkg := name + "/bridge/" + program
		if program == "core" {
			pkg = name
		}
		for _, way := range slices.Sorted(maps.Keys(ways)) {
			t.Run(program+"-"+way, func(t *testing.T) {
				dir := t.TempDir()
				source, err := os.ReadFile(filepath.Join(root, "internal/arch/consumer", program, "main.go"))
				if err != nil {
					t.Fatal("each bridge needs a program that uses it: ", err)
				}
				if err := os.WriteFile(filepath.Join(dir, "main.go"), source, 0o644); err != nil {
					t.Fatal(err)
				}
				command(t, dir, "go", "mod", "init", "example.com/user")
				command(t, dir, "go", "mod", "edit", "-replace="+name+"="+root)
				for _, args := range ways[way](name, pkg) {
					command(t, dir, "go", args...)
				}
				command(t, dir, "go", "build", "-o", "user.exe", ".")

				got := command(t, dir, filepath.Join(dir, "user.exe"), model, pixels)
				if want == nil && program == "core" {
					want = got
					checkDigit(t, got, 3)
				}
				if string(got) != string(want) {
					t.Errorf("it prints %s, and without the bridge %s", got, want)
				}

				linked := linkedModules(t, filepath.Join(dir, "user.exe"), name)
				for path, version := range linked {
					if tested[path] != version {
						t.Errorf("it links %s %s; this module is tested with %q", path, version, tested[path])
					}
				}
				required := requirements(t, dir)
				if program == "core" {
					delete(required, name)
					checkLean(t, dir, way, linked, required)
					return
				}
				for _, path := range bridgeModules[program] {
					if linked[path] == "" {
						t.Errorf("it doesn't link %s: it has %v", path, linked)
					}
				}
				for _, path := range pins {
					if tested[path] == "" || required[path] != tested[path] {
						t.Errorf("it requires %s %q; this module has %q", path, required[path], tested[path])
					}
				}
			})
		}
	}
}

// checkLean checks what the root package brings along: to the binary, to go.mod and to go.sum.
func checkLean(t *testing.T, dir, way string, linked, required map[string]string) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(linked)); !slices.Equal(got, coreModules) {
		t.Errorf("the binary has %v, want %v", got, coreModules)
	}
	if got := slices.Sorted(maps.Keys(required)); !slices.Equal(got, coreModules) {
		t.Errorf("go.mod requires %v, want %v", got, coreModules)
	}
	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	// A module has two lines, one of them for its go.mod. Tidy adds what the tests of an imported package import.
	limit := 2 * len(coreModules)
	if way == "tidy" {
		limit += 10
	}
	lines := strings.Count(string(sums), "\n")
	t.Logf("go.sum has %d lines", lines)
	if lines > limit {
		t.Errorf("go.sum has %d lines, limit %d:\n%s", lines, limit, sums)
	}
}

// bridgeNames are the folders below bridge that have a package.
func bridgeNames(t *testing.T, root string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "bridge"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if files, _ := filepath.Glob(filepath.Join(root, "bridge", e.Name(), "*.go")); len(files) > 0 {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatal("there are no bridges")
	}
	return names
}

// command runs a program in a folder, without cgo and as nobody's settings for another module would have it, and returns what it
// prints. Checksums aren't asked for on the net: go.sum of this module has those of all that is linked.
func command(t *testing.T, dir, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOSUMDB=off")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, complaints.String())
	}
	return out
}

// requirements are the versions of the modules that the go.mod in a folder requires.
func requirements(t *testing.T, dir string) map[string]string {
	t.Helper()
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(command(t, dir, "go", "mod", "edit", "-json"), &mod); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, r := range mod.Require {
		versions[r.Path] = r.Version
	}
	return versions
}

// linkedModules are the modules that have a package in a binary, without ours.
func linkedModules(t *testing.T, bin, ours string) map[string]string {
	t.Helper()
	info, err := buildinfo.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, m := range info.Deps {
		versions[m.Path] = m.Version
	}
	if versions[ours] == "" {
		t.Fatalf("the binary doesn't have %s itself: %v", ours, versions)
	}
	delete(versions, ours)
	return versions
}

// picture writes a picture of 128×128 points as the 16×16 numbers that the digit model reads, the means of its cells, and returns
// the file.
func picture(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]float32, 16*16)
	for y := range 128 {
		for x := range 128 {
			pixels[y/8*16+x/8] += float32(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y) / (255 * 64)
		}
	}
	raw, err := binary.Append(nil, binary.LittleEndian, pixels)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "pixels")
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// checkDigit checks that what a program printed are ten scores, of which that of a digit is near 1.
func checkDigit(t *testing.T, printed []byte, digit int) {
	t.Helper()
	var scores []float32
	list := strings.Join(strings.Fields(string(printed)), ",")
	if err := json.Unmarshal([]byte(list), &scores); err != nil || len(scores) != 10 {
		t.Fatalf("it prints %s, not ten scores (%v)", printed, err)
	}
	if scores[digit] < 0.9 {
		t.Errorf("the score of %d is %v: %v", digit, scores[digit], scores)
	}
}
