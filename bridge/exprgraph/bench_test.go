package exprgraph_test

import (
	"fmt"
	"testing"

	"gorgonia.org/gorgonia"

	"ingot"
	"ingot/bridge/exprgraph"
	"ingot/loader"
	"ingot/tensor"
)

// chain is a model of n operators, one after another, each with a weight of its own.
func chain(n int) *loader.Model {
	g := &loader.Graph{Name: "chain", Inputs: []*loader.ValueInfo{{Name: "x", Type: loader.TypeInfo{
		Kind: loader.KindTensor, DType: tensor.Float32, HasShape: true, Dims: []loader.Dim{{Size: -1, Sym: "n"}},
	}}}}
	last := "x"
	for i := range n / 2 {
		w, y := fmt.Sprintf("w%d", i), fmt.Sprintf("y%d", i)
		g.Initializers = append(g.Initializers, loader.NewInitializer(w, tensor.Of([]float32{float32(i)}, 1)))
		g.Nodes = append(g.Nodes, &loader.Node{Name: y, OpType: "Add", Inputs: []string{last, w}, Outputs: []string{y}, Index: i})
		last = y
	}
	g.Outputs = []*loader.ValueInfo{{Name: last}}
	return &loader.Model{IRVersion: 10, Opsets: []loader.OpsetImport{{Version: 21}}, Graph: g}
}

// BenchmarkNew builds the graph of a model with that many operators and weights.
func BenchmarkNew(b *testing.B) {
	for _, n := range []int{1000, 8000, 16000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := chain(n)
			for b.Loop() {
				g, err := exprgraph.New(m)
				if err != nil {
					b.Fatal(err)
				}
				if got := len(g.AllNodes()); got != n+2 {
					b.Fatalf("%d nodes", got)
				}
			}
		})
	}
}

// BenchmarkCompile compiles such a graph.
func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{1000, 8000, 16000} {
		m := chain(n)
		g, err := exprgraph.New(m)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint("graph/", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := exprgraph.Compile(g); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprint("plain/", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := ingot.Compile(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGorgonia builds a graph of the same form with Gorgonia's functions alone: its own share of BenchmarkNew.
func BenchmarkGorgonia(b *testing.B) {
	for _, n := range []int{1000, 8000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				g := gorgonia.NewGraph()
				y := gorgonia.NewVector(g, gorgonia.Float32, gorgonia.WithShape(1), gorgonia.WithName("x"))
				for i := range n / 2 {
					w := gorgonia.NewVector(g, gorgonia.Float32, gorgonia.WithShape(1), gorgonia.WithName(fmt.Sprint("w", i)))
					y = gorgonia.Must(gorgonia.Add(y, w))
				}
			}
		})
	}
}
