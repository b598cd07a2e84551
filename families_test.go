package ingot_test

import (
	"errors"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops/standard"
	"ingot/runtime"
	"ingot/tensor"
)

// A refusal of an operator that isn't in the default set tells which package has it, for each one that the command line has and the default
// set lacks.
func TestRefusalsNameTheFamily(t *testing.T) {
	all, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	small, err := standard.Default()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, op := range all.All() {
		if small.Lookup(op.Domain, op.Name) != nil {
			continue
		}
		g := &loader.Graph{Outputs: []*loader.ValueInfo{onnxpb.Value("y", tensor.Float32)},
			Nodes: []*loader.Node{{OpType: op.Name, Domain: op.Domain, Outputs: []string{"y"}}}}
		m := &loader.Model{IRVersion: 10, Opsets: []loader.OpsetImport{{Version: 28}, {Domain: op.Domain, Version: 1}}, Graph: g}
		_, err := runtime.Compile(m, runtime.Options{Ops: small})
		var ue *ingot.UnsupportedError
		if !errors.As(err, &ue) || !strings.Contains(ue.Nodes[0].Reason, `"ingot/ops/`) {
			t.Errorf("%s: %v", op, err)
		}
		checked++
	}
	if checked < 20 {
		t.Errorf("only %d operators are outside of the default set", checked)
	}
}
