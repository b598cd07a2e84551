package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"ingot/loader"
	"ingot/npy"
	"ingot/tensor"
)

// scaled is y = x·k, then z = y + x.
func scaled(k float32) model {
	return model{
		in:      []*loader.ValueInfo{value("x", tensor.Float32, "batch", 2)},
		out:     []*loader.ValueInfo{value("z", tensor.Float32, "batch", 2)},
		nodes:   []*loader.Node{node("Neg", "x", "n"), node("Mul", "n k", "y"), node("Add", "y x", "z")},
		weights: []*loader.Initializer{loader.NewInitializer("k", tensor.Of([]float32{k}))},
	}
}

func TestCompareModels(t *testing.T) {
	a, b := scaled(3).file(t), scaled(3.5).file(t)
	r := runCLI(t, "compare", a, a, "-i", "x=1,2")
	want := "OUTPUT  TYPE          MAX ABS  MAX REL  COSINE       RESULT\nz       float32[1,2]  0        0        1.000000000  PASS\n"
	if r.code != 0 || r.out != want {
		t.Errorf("%+v, want %q", r, want)
	}
	runCLI(t, "compare", a, b, "-i", "x=1,2").want(t, ExitDiffers, "z       float32[1,2]  1        0.2      1.000000000  FAIL", "")
	runCLI(t, "compare", a, b, "-i", "x=1,2", "--rtol", "0.5").want(t, 0, "PASS", "")
	runCLI(t, "compare", a, b).want(t, ExitDiffers, "FAIL", "random inputs: x (seed 0)")
	runCLI(t, "compare", a, doubling().file(t), "-i", "x=1,2").want(t, 2, "", "float32[batch,4]")
	runCLI(t, "compare", a, mixed().file(t)).want(t, 2, "", `has an input "signal"`)
	var doc compareJSON
	runCLI(t, "compare", a, b, "-i", "x=1,2", "--json").want(t, ExitDiffers, "", "").decode(t, &doc)
	if doc.Schema != "ingot.compare/1" || doc.Pass || doc.Outputs[0].MaxAbs != 1 || doc.Outputs[0].Pass {
		t.Errorf("%+v", doc)
	}
}

// TestCompareNames: models whose names differ are compared by position.
func TestCompareNames(t *testing.T) {
	a, b := scaled(3), scaled(3)
	b.in = []*loader.ValueInfo{value("input", tensor.Float32, "batch", 2)}
	b.out = []*loader.ValueInfo{value("output", tensor.Float32, "batch", 2)}
	b.nodes = []*loader.Node{node("Neg", "input", "n"), node("Mul", "n k", "y"), node("Add", "y input", "output")}
	runCLI(t, "compare", a.file(t), b.file(t)).want(t, 0, "PASS", "")
}

func TestCompareExpect(t *testing.T) {
	path := scaled(3).file(t)
	dir := t.TempDir()
	good, bad, short := filepath.Join(dir, "good.npy"), filepath.Join(dir, "bad.npz"), filepath.Join(dir, "short.npz")
	if err := npy.WriteFile(good, tensor.Of([]float32{-2, -4}, 1, 2)); err != nil {
		t.Fatal(err)
	}
	if err := npy.WriteNpzFile(bad, []npy.Named{{Name: "z", Tensor: tensor.Of([]float32{-2, 5}, 1, 2)}}); err != nil {
		t.Fatal(err)
	}
	if err := npy.WriteNpzFile(short, []npy.Named{{Name: "z", Tensor: tensor.Of([]float32{-2}, 1, 1)}}); err != nil {
		t.Fatal(err)
	}
	runCLI(t, "compare", path, "--expect", good, "-i", "x=1,2").want(t, 0, "PASS", "")
	runCLI(t, "compare", path, "--expect", bad, "-i", "x=1,2").want(t, ExitDiffers, "FAIL z: values: 1 of 2 elements differ", "")
	runCLI(t, "compare", path, "--expect", short, "-i", "x=1,2").want(t, ExitDiffers, "shape: want [1,1], got [1,2]", "")
	runCLI(t, "compare", path, "--expect", filepath.Join(dir, "none.npz"), "-i", "x=1,2").want(t, 2, "", "no such file")
	runCLI(t, "compare", path, "--expect", path, "-i", "x=1,2").want(t, 2, "", "expected outputs come from")
	runCLI(t, "compare", path, path, "--expect", good).want(t, 2, "", "not both")
	c := newCase(t, filepath.Join(dir, "case"), scaled(3), []float32{1, 2}, []float32{-2, -4})
	runCLI(t, "compare", path, "--expect", filepath.Join(c, "test_data_set_0")).want(t, 0, "PASS", "")
}

func TestComparePerNode(t *testing.T) {
	a, b := scaled(3).file(t), scaled(3.5).file(t)
	r := runCLI(t, "compare", a, b, "--per-node", "-i", "x=1,2").want(t, ExitDiffers, `"y" of node 1 (Mul)`, "")
	if strings.Contains(r.out, "\nz ") {
		t.Errorf("it doesn't stop at the first difference:\n%s", r.out)
	}
	runCLI(t, "compare", a, "--per-node").want(t, 0, "3 values compared, none differs", "")
	runCLI(t, "compare", a, a, "--per-node").want(t, 0, "3 values compared, none differs", "")
	runCLI(t, "compare", a, "--per-node", "--expect", a).want(t, 2, "", "files hold no values in between")
	runCLI(t, "compare", a, doubling().file(t), "--per-node", "-i", "x=1,2").want(t, 2, "", "")
}

// TestCompareForms: with one model, its default form against the one without optimisation.
func TestCompareForms(t *testing.T) {
	runCLI(t, "compare", convolution().file(t)).want(t, 0, "PASS", "")
}
