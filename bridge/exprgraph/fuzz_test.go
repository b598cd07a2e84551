package exprgraph_test

import (
	"testing"

	"gorgonia.org/gorgonia"

	"ingot/bridge/exprgraph"
)

// FuzzEdits rewires, removes, adds and revalues nodes at random. Whatever comes of it runs or is refused: it never panics, and never hangs.
func FuzzEdits(f *testing.F) {
	f.Add([]byte{0, 5, 7, 0})
	f.Add([]byte{1, 9, 0, 0, 0, 20, 4, 0})
	f.Add([]byte{2, 11, 0, 0, 3, 12, 0, 0})
	f.Fuzz(func(t *testing.T, edits []byte) {
		g := load(t)
		nodes := append(gorgonia.Nodes{}, g.AllNodes()...)
		if err := exprgraph.Let(exprgraph.Input(g, "image"), image(1)); err != nil {
			t.Fatal(err)
		}
		for ; len(edits) >= 4 && len(nodes) < 100; edits = edits[4:] {
			n, other := nodes[int(edits[1])%len(nodes)], nodes[int(edits[2])%len(nodes)]
			switch edits[0] % 5 {
			case 0:
				gorgonia.WithChildren(gorgonia.Nodes{other})(n)
			case 1:
				g.RemoveNode(n)
			case 2:
				nodes = append(nodes, exprgraph.AddOutput(n, string('a'+rune(edits[3]%26))))
			case 3:
				gorgonia.WithChildren(gorgonia.Nodes{other, n, nodes[int(edits[3])%len(nodes)]})(n)
			case 4:
				_ = exprgraph.Let(n, other.Value())
			}
		}
		vm := exprgraph.NewVM(g)
		defer vm.Close()
		_ = vm.RunAll()
	})
}
