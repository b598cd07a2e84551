package ingot_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/internal/suite"
	"ingot/loader"
	"ingot/tensor"
)

// FuzzRun loads and runs whatever the fuzzer makes of small models: every outcome is fine but a panic.
func FuzzRun(f *testing.F) {
	for _, g := range []*loader.Graph{addRelu(), endless()} {
		b, err := onnxpb.Encode(&loader.Model{IRVersion: 10, Opsets: []loader.OpsetImport{{Version: 21}}, Graph: g})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	seeds, err := filepath.Glob("loader/testdata/fuzz/FuzzParse/*")
	if err != nil {
		f.Fatal(err)
	}
	if dir, err := suite.Dir(); err == nil { // one model for each way to call each operator
		nodes, err := filepath.Glob(filepath.Join(dir, "node", "*", "model.onnx"))
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, nodes...)
	}
	for _, s := range seeds {
		if b, err := os.ReadFile(s); err == nil && len(b) < 4096 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ingot.LoadBytes(b, ingot.WithMemoryLimit(32<<20), ingot.WithThreads(1))
		if err != nil {
			noFault(t, err)
			return
		}
		defer m.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		in := ingot.Inputs{}
		for _, v := range m.Inputs() {
			shape := make([]int, len(v.Dims))
			for i, d := range v.Dims {
				if shape[i] = int(d.Size); d.Sym != "" {
					shape[i] = 2
				}
			}
			if n, err := tensor.NumBytes(v.DType, shape); err != nil || n > 1<<20 {
				return
			}
			x, err := tensor.New(v.DType, shape...)
			if err != nil {
				return
			}
			in[v.Name] = x
		}
		_, err = m.Run(ctx, in)
		noFault(t, err)
	})
}

// noFault fails the test for an error that stands for a panic.
func noFault(t *testing.T, err error) {
	if err != nil && strings.Contains(err.Error(), "internal error") {
		t.Error(err)
	}
}
