package exprgraph_test

import (
	"strings"
	"testing"

	"gonum.org/v1/gonum/graph"
	"gorgonia.org/gorgonia"

	"ingot/bridge/dense"
	"ingot/bridge/exprgraph"
)

// What the package's documentation says about Gorgonia is so: when one of these fails, Gorgonia got better, and the documentation and what works around
// it can go.
func TestUpstream(t *testing.T) {
	panics := func(f func()) (did bool) {
		defer func() { did = recover() != nil }()
		f()
		return false
	}
	t.Run("Let insists on the shape", func(t *testing.T) {
		g := load(t)
		three, err := dense.Of(image(3))
		if err != nil {
			t.Fatal(err)
		}
		one, err := dense.Of(image(1))
		if err != nil {
			t.Fatal(err)
		}
		n := exprgraph.Input(g, "image")
		if err := exprgraph.Let(n, one); err != nil {
			t.Fatal(err)
		}
		if gorgonia.Let(n, three) == nil {
			t.Error("it doesn't")
		}
	})
	t.Run("RemoveNode leaves a wrong index", func(t *testing.T) {
		g := load(t)
		last := exprgraph.Output(g, "probabilities")
		if list := graph.NodesOf(g.From(last.ID())); len(list) != 1 {
			t.Fatalf("%d operands", len(list))
		}
		g.RemoveNode(one(t, g, "/Relu_output_0"))
		if g.Node(last.ID()) == graph.Node(last) {
			t.Error("it is right")
		}
	})
	t.Run("Roots remembers", func(t *testing.T) {
		g := load(t)
		before := len(g.Roots())
		exprgraph.AddOutput(one(t, g, "/Relu_output_0"), "more")
		if len(g.Roots()) != before {
			t.Error("it looks anew")
		}
	})
	t.Run("TapeMachine panics on types that aren't tensors'", func(t *testing.T) {
		g := gorgonia.NewGraph()
		n := gorgonia.NewUniqueNode(gorgonia.WithType(exprgraph.Value{}.Type()), gorgonia.WithName("sequence"), gorgonia.In(g))
		if !panics(func() { n.Dims() }) || !panics(func() { n.Dtype() }) || !panics(func() { gorgonia.NewTapeMachine(g) }) {
			t.Error("it doesn't")
		}
	})
	t.Run("Set is refused", func(t *testing.T) {
		g := load(t)
		gorgonia.Set(exprgraph.Input(g, "dense2.bias"), exprgraph.Input(g, "dense2.bias"))
		if err := exprgraph.NewVM(g).RunAll(); err == nil || !strings.Contains(err.Error(), "statement") {
			t.Errorf("got error %v", err)
		}
	})
}
