package onnxgo

import (
	"os"
	"testing"

	onnx "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	gt "gorgonia.org/tensor"

	"ingot/internal/onnxpb"
	"ingot/loader"
)

// FuzzCalls reads bytes as calls of the backend's functions, in any order: errors are fine, panics aren't.
func FuzzCalls(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 1, 1, 1, 2, 5, 0, 3, 1, 0, 4, 2, 6, 7})
	f.Add([]byte{0, 1, 0, 0, 2, 0, 1, 0, 3, 0, 0, 4, 0, 5, 6, 7, 5, 6})
	names := []string{"", "x", "y", "w", "x/input"}
	operators := []string{"Neg", "Add", "Split", "Constant", "Softmax", "RandomNormal", "Nothing", wholeModel}
	f.Fuzz(func(t *testing.T, calls []byte) {
		b := NewBackend()
		var nodes []graph.Node
		next := func(n int) int {
			if len(calls) == 0 || n == 0 {
				return 0
			}
			v := int(calls[0]) % n
			calls = calls[1:]
			return v
		}
		some := func() graph.Node {
			if len(nodes) == 0 {
				return nil
			}
			return nodes[next(len(nodes))]
		}
		for len(calls) > 0 && len(nodes) < 64 {
			switch next(9) {
			case 0:
				n := b.NewNode()
				nodes = append(nodes, n)
				b.AddNode(n)
			case 1:
				if n, ok := some().(*Node); ok {
					n.SetName(names[next(len(names))])
				}
			case 2:
				if n, ok := some().(*Node); ok {
					n.SetTensor(vec(make([]float32, 1+next(4))...))
				}
			case 3:
				b.SetWeightedEdge(b.NewWeightedEdge(some(), some(), float64(next(3))))
			case 4:
				outs := []graph.Node{some(), some()}
				b.ApplyOperation(onnx.Operation{Name: operators[next(len(operators))]}, outs[:next(3)]...)
			case 5:
				if b.Run() == nil && len(b.ops) == 0 {
					t.Error("an empty graph runs")
				}
			case 6:
				if n, ok := some().(*Node); ok {
					_ = n.GetTensor()
				}
			case 7:
				b.Node(int64(next(4)))
				b.Nodes()
			case 8:
				nodes = append(nodes, b.NewNode())
			}
		}
	})
}

// FuzzModel gives both ways of decoding changed files. onnx-go's decoder panics on some; the backend never does, and what runs gives outputs.
func FuzzModel(f *testing.F) {
	digits, err := os.ReadFile("../../testdata/digits/digits.onnx")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(digits[len(digits)-2000:])
	f.Add(bytesOf(f, &loader.Graph{
		Inputs: []*loader.ValueInfo{f32("w", 2), f32("x", 2)}, Outputs: []*loader.ValueInfo{f32("y", 2), f32("a", 2)},
		Initializers: []*loader.Initializer{weight("w", 10, 20), weight("v", 1, 1)},
		Nodes:        []*loader.Node{node("Mul", "x w", "a"), onnxpb.Node("Clip", []string{"a", "", ""}, []string{"b"}), node("Add", "b v", "y")},
	}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			t.Skip()
		}
		for _, whole := range []bool{false, true} {
			b := NewBackend()
			m := onnx.NewModel(b)
			err := error(nil)
			if whole {
				err = b.Unmarshal(m, data)
			} else if m, err = decode(b, data); m == nil {
				continue
			}
			if err != nil {
				continue
			}
			for i, in := range m.GetInputTensors() {
				if d, ok := in.(*gt.Dense); ok && d.Size() < 1<<12 {
					m.SetInput(i, d)
				}
			}
			if b.Run() != nil {
				continue
			}
			out, err := m.GetOutputTensors()
			if err != nil {
				t.Error(err)
			}
			for i, d := range out {
				if d == nil && !whole {
					t.Errorf("output %d of a run is nil", i)
				}
			}
		}
	})
}
