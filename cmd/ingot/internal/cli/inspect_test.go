package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// convolution has a convolution with 3·3·2 weights for each of 4 channels, and a matrix product.
func convolution() model {
	kernel, _ := tensor.New(tensor.Float32, 4, 2, 3, 3)
	dense, _ := tensor.New(tensor.Float32, 4, 5)
	pool := node("GlobalAveragePool", "c", "p")
	return model{
		in:  []*loader.ValueInfo{value("x", tensor.Float32, "batch", 2, 8, 8)},
		out: []*loader.ValueInfo{value("y", tensor.Float32, "batch", 5)},
		nodes: []*loader.Node{
			onnxpb.Node("Conv", []string{"x", "w"}, []string{"c"}, onnxpb.Attr("kernel_shape", []int64{3, 3})),
			pool, node("Flatten", "p", "f"), node("MatMul", "f d", "y"),
		},
		weights:  []*loader.Initializer{loader.NewInitializer("w", kernel), loader.NewInitializer("d", dense)},
		metadata: loader.Props{{Key: "author", Value: "someone"}},
	}
}

func TestInspect(t *testing.T) {
	path := convolution().file(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	r := runCLI(t, "inspect", path)
	want := strings.Join([]string{
		path + "  " + byteSize(info.Size()) + ", ONNX IR 9, opset ai.onnx 20, strange 1, made by test",
		"92 parameters, 368 B (float32 368 B)",
		"",
		"input   x  float32[batch,2,8,8]",
		"output  y  float32[batch,5]",
		"",
		"OPERATOR           COUNT  RUNS",
		"Conv               1      yes",
		"Flatten            1      yes",
		"GlobalAveragePool  1      yes",
		"MatMul             1      yes",
		"",
		"runs: yes",
		"a run with x float32[1,2,8,8] takes about 2612 multiply-adds (5224 FLOP)", // 6·6·4 outputs of 18, and 5 of 4
	}, "\n")
	if r.code != 0 || !strings.HasPrefix(r.out, want) {
		t.Errorf("exit code %d\n%s%s\nwant\n%s", r.code, r.out, r.err, want)
	}
	if lines := strings.Count(r.out, "\n"); lines > 40 {
		t.Errorf("%d lines are more than a screen", lines)
	}
}

func TestInspectParts(t *testing.T) {
	path := convolution().file(t)
	runCLI(t, "inspect", path, "--metadata").want(t, 0, "author  someone", "")
	runCLI(t, "inspect", path, "--weights").want(t, 0, "w       float32  [4,2,3,3]  288 B", "")
	runCLI(t, "inspect", path, "--nodes").want(t, 0, "float32[1,4,6,6]", "")
	runCLI(t, "inspect", path, "-d", "batch=10").want(t, 0, "26.12 k multiply-adds", "")
	runCLI(t, "inspect", path, "-d", "bach=10").want(t, 2, "", `did you mean "batch"?`)
}

func TestInspectJSON(t *testing.T) {
	var doc inspectJSON
	runCLI(t, "inspect", convolution().file(t), "--json", "--nodes", "--weights", "--metadata").want(t, 0, "", "").decode(t, &doc)
	if doc.Schema != "ingot.inspect/1" || !doc.Supported || doc.Parameters != 92 || len(doc.Nodes) != 4 || len(doc.WeightList) != 2 || doc.Metadata["author"] != "someone" {
		t.Errorf("%+v", doc)
	}
	if doc.Estimate == nil || doc.Estimate.MultiplyAdds != 2612 || !doc.Estimate.Complete || doc.Estimate.WeightBytes != 368 {
		t.Errorf("%+v", doc.Estimate)
	}
}

// TestInspectNamelessDims: a dimension without a name is set by its number, in the estimate as in a run.
func TestInspectNamelessDims(t *testing.T) {
	m := convolution()
	m.in = []*loader.ValueInfo{value("x", tensor.Float32, -1, 2, 8, 8)}
	path := m.file(t)
	runCLI(t, "inspect", path, "-d", "x.0=10").want(t, 0, "x float32[10,2,8,8] takes about 26.12 k multiply-adds", "")
	runCLI(t, "inspect", path).want(t, 0, "x float32[1,2,8,8] takes about 2612 multiply-adds", "")
	runCLI(t, "inspect", path, "-d", "x.1=10").want(t, 2, "", `no dimension "1" of input "x" is open`)
	var doc struct {
		Inputs []struct{ Shape []any }
	}
	runCLI(t, "inspect", path, "--json").want(t, 0, "", "").decode(t, &doc)
	if want := []any{"?", 2.0, 8.0, 8.0}; len(doc.Inputs) != 1 || !slices.Equal(doc.Inputs[0].Shape, want) {
		t.Errorf("%v, want %v", doc.Inputs, want)
	}
}

// TestInspectUnsupported lists every node that doesn't run, and the exit code says so.
func TestInspectUnsupported(t *testing.T) {
	r := runCLI(t, "inspect", unsupported().file(t)).want(t, ExitUnsupported, "runs: no, 2 nodes not supported", "")
	for _, want := range []string{"strange.Frobnicate  2      no", "  first   strange.Frobnicate  opset 1", "  second  strange.Frobnicate  opset 1"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is missing in\n%s", want, r.out)
		}
	}
	var doc inspectJSON
	runCLI(t, "inspect", unsupported().file(t), "--json").want(t, ExitUnsupported, "", "").decode(t, &doc)
	if doc.Supported || len(doc.Unsupported) != 2 || doc.Unsupported[1].Node != "second" {
		t.Errorf("%+v", doc.Unsupported)
	}
}

// TestInspectBodies counts what is in the bodies of If.
func TestInspectBodies(t *testing.T) {
	branch := func() *loader.Graph {
		return &loader.Graph{Name: "b", Outputs: []*loader.ValueInfo{value("r", tensor.Float32)}, Nodes: []*loader.Node{node("MatMul", "x w", "r")}}
	}
	w, _ := tensor.New(tensor.Float32, 4, 3)
	m := model{
		in:      []*loader.ValueInfo{value("c", tensor.Bool), value("x", tensor.Float32, 2, 4)},
		out:     []*loader.ValueInfo{value("y", tensor.Float32, 2, 3)},
		nodes:   []*loader.Node{onnxpb.Node("If", []string{"c"}, []string{"y"}, onnxpb.Attr("then_branch", branch()), onnxpb.Attr("else_branch", branch()))},
		weights: []*loader.Initializer{loader.NewInitializer("w", w)},
	}
	var doc inspectJSON
	runCLI(t, "inspect", m.file(t), "--json").want(t, 0, "", "").decode(t, &doc)
	if doc.Estimate == nil || doc.Estimate.MultiplyAdds != 2*2*3*4 {
		t.Errorf("%+v", doc.Estimate)
	}
}

func TestInspectDigits(t *testing.T) {
	runCLI(t, "inspect", filepath.Join("..", "..", "..", "..", "testdata", "digits", "digits.onnx"), "--metadata").want(t, 0, "image          float32[batch,1,16,16]", "")
}
