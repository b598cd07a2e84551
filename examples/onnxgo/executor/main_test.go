package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/tensor"
)

func TestExecutor(t *testing.T) {
	const model = "../../../testdata/digits/digits.onnx"
	dir := t.TempDir()
	write := func(name string, x *tensor.Tensor) string {
		b, err := onnxpb.EncodeTensor(x, name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name+".pb")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	m, err := ingot.Load(model)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	x := tensor.Of(make([]float32, 256), 1, 1, 16, 16)
	out, err := m.Run(context.Background(), ingot.Inputs{"image": x})
	if err != nil {
		t.Fatal(err)
	}
	input, output := write("input_0", x), write("output_0", out["probabilities"])
	var printed strings.Builder
	if err := run(model, input, output, &printed); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(printed.String(), "output shape:  (1, 10)\n") {
		t.Error(printed.String())
	}
	if err := run(model, input, write("other", tensor.Of(make([]float32, 10), 1, 10)), &printed); err == nil {
		t.Error("another output is taken for the expected one")
	}
}
