package ingot_test

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/internal/suite"
	"ingot/loader"
	"ingot/tensor"
)

// TestMutatedSuite changes the official suite's models of one node, and those with bodies and functions among them, in a few places each: they may
// be refused or fail, but without a panic.
func TestMutatedSuite(t *testing.T) {
	models := suiteModels(t, suite.Need(t))
	each := 2
	if testing.Short() {
		each = 1
	}
	for i, b := range models {
		for k := range each {
			tryMutant(t, b, uint64(i*100000+k))
		}
	}
}

// FuzzMutatedSuite is TestMutatedSuite without an end.
func FuzzMutatedSuite(f *testing.F) {
	dir, err := suite.Dir()
	if err != nil {
		f.Skip(err)
	}
	models := suiteModels(f, dir)
	for i := range models {
		f.Add(uint16(i), uint64(i))
	}
	f.Fuzz(func(t *testing.T, i uint16, seed uint64) { tryMutant(t, models[int(i)%len(models)], seed) })
}

func suiteModels(t testing.TB, dir string) [][]byte {
	paths, err := filepath.Glob(filepath.Join(dir, "node", "*", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	var models [][]byte
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < 1<<16 {
			models = append(models, b)
		}
	}
	return models
}

func tryMutant(t *testing.T, b []byte, seed uint64) {
	t.Helper()
	file, err := loader.Parse(b)
	if err != nil {
		return
	}
	defer file.Close()
	m := &mutator{rand.New(rand.NewPCG(seed, 2)), file}
	for range 1 + m.IntN(3) {
		m.mutate()
	}
	if b, err = onnxpb.Encode(file); err != nil {
		return
	}
	model, err := ingot.LoadBytes(b, ingot.WithMemoryLimit(32<<20), ingot.WithThreads(1))
	if err != nil {
		m.check(t, seed, err)
		return
	}
	defer model.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	in := map[string]tensor.Value{}
	for _, v := range file.Graph.Inputs {
		if !slices.ContainsFunc(model.Inputs(), func(i ingot.ValueInfo) bool { return i.Name == v.Name }) {
			continue
		}
		x := m.value(&v.Type)
		if x == nil {
			return
		}
		in[v.Name] = x
	}
	_, err = model.RunValues(ctx, in)
	m.check(t, seed, err)
}

// mutator changes a model.
type mutator struct {
	*rand.Rand
	file *loader.Model
}

func (m *mutator) check(t *testing.T, seed uint64, err error) {
	t.Helper()
	noFault(t, err)
	if t.Failed() {
		t.Fatalf("%s with seed %d: %s", m.file.Graph.Name, seed, m.file.Graph.Nodes[0].OpType)
	}
}

// nodes lists all nodes, those of bodies and functions included.
func (m *mutator) nodes() []*loader.Node {
	var out []*loader.Node
	var graph func(nodes []*loader.Node)
	graph = func(nodes []*loader.Node) {
		for _, n := range nodes {
			out = append(out, n)
			for _, a := range n.Attrs {
				for _, g := range a.Subgraphs() {
					graph(g.Nodes)
				}
			}
		}
	}
	graph(m.file.Graph.Nodes)
	for _, f := range m.file.Functions {
		graph(f.Nodes)
	}
	return out
}

func (m *mutator) integer() int64 {
	list := []int64{0, 1, 2, 3, 4, 7, -1, -2, 100, math.MaxInt64, math.MinInt64, 1 << 31, 1 << 40, -1 << 40}
	return list[m.IntN(len(list))]
}

// mutate makes one change.
func (m *mutator) mutate() {
	nodes := m.nodes()
	if len(nodes) == 0 {
		return
	}
	n := nodes[m.IntN(len(nodes))]
	switch m.IntN(10) {
	case 0, 1, 2:
		m.attr(n)
	case 3, 4, 5:
		m.input()
	case 6:
		if len(n.Inputs) > 0 {
			n.Inputs[m.IntN(len(n.Inputs))] = ""
		}
	case 7: // another value of the model, or one input more
		if other := nodes[m.IntN(len(nodes))]; len(other.Inputs) > 0 && len(n.Inputs) > 0 {
			n.Inputs[m.IntN(len(n.Inputs))] = other.Inputs[m.IntN(len(other.Inputs))]
		} else if len(m.file.Graph.Inputs) > 0 {
			n.Inputs = append(n.Inputs, m.file.Graph.Inputs[0].Name)
		}
	case 8:
		if k := len(n.Outputs); k > 0 && m.IntN(2) == 0 {
			n.Outputs = n.Outputs[:k-1]
		} else {
			n.Outputs = append(n.Outputs, "more")
		}
	default:
		for i := range m.file.Opsets {
			m.file.Opsets[i].Version = int64(1 + m.IntN(28))
		}
	}
}

// input changes what the file says of an input of the graph or of a body.
func (m *mutator) input() {
	graphs := []*loader.Graph{m.file.Graph}
	for _, n := range m.nodes() {
		for _, a := range n.Attrs {
			graphs = append(graphs, a.Subgraphs()...)
		}
	}
	g := graphs[m.IntN(len(graphs))]
	list := g.Inputs
	if m.IntN(4) == 0 {
		list = g.Outputs
	}
	if len(list) == 0 {
		return
	}
	ty := &list[m.IntN(len(list))].Type
	for ty.Elem != nil && m.IntN(3) > 0 {
		ty = ty.Elem
	}
	switch k := len(ty.Dims); m.IntN(5) {
	case 0:
		ty.DType = tensor.DType(1 + m.IntN(tensor.NumDTypes-1))
	case 1:
		ty.HasShape, ty.Dims = false, nil
	case 2:
		if k > 0 {
			ty.Dims = slices.Delete(slices.Clone(ty.Dims), 0, 1)
		}
	case 3:
		ty.Dims = append(slices.Clone(ty.Dims), loader.Dim{Size: int64(m.IntN(4))})
	default:
		if k > 0 {
			ty.Dims = slices.Clone(ty.Dims)
			ty.Dims[m.IntN(k)] = loader.Dim{Size: int64(m.IntN(5))}
		}
	}
}

// attr changes an attribute, or takes it away.
func (m *mutator) attr(n *loader.Node) {
	if len(n.Attrs) == 0 {
		return
	}
	i := m.IntN(len(n.Attrs))
	a := n.Attrs[i]
	if m.IntN(6) == 0 {
		n.Attrs = slices.Delete(n.Attrs, i, i+1)
		return
	}
	switch a.Type {
	case loader.AttrInt:
		a.I = m.integer()
	case loader.AttrFloat:
		a.F = []float32{0, -1, 1e38, float32(math.NaN()), float32(math.Inf(1)), 0.5}[m.IntN(6)]
	case loader.AttrInts:
		a.Ints = slices.Clone(a.Ints)
		if k := len(a.Ints); k > 0 && m.IntN(2) == 0 {
			a.Ints[m.IntN(k)] = m.integer()
		} else if k > 0 && m.IntN(2) == 0 {
			a.Ints = a.Ints[:k-1]
		} else {
			a.Ints = append(a.Ints, m.integer())
		}
	case loader.AttrFloats:
		a.Floats = a.Floats[:m.IntN(len(a.Floats)+1)]
	case loader.AttrStrings:
		a.Strings = a.Strings[:m.IntN(len(a.Strings)+1)]
	case loader.AttrString:
		a.S = []string{"", "nearest", "linear", "cubic", "SAME_UPPER", "VALID", "reverse", "\xff"}[m.IntN(8)]
	case loader.AttrTensor:
		if a.T.Rank() > 0 && a.T.Dims()[0] > 0 {
			if t, err := a.T.Slice(0, a.T.Dims()[0]-1); err == nil {
				a.T = t
			}
		}
	case loader.AttrGraph:
		switch g := a.G; m.IntN(4) {
		case 0:
			if len(g.Inputs) > 0 {
				g.Inputs = g.Inputs[:len(g.Inputs)-1]
			}
		case 1:
			if len(g.Outputs) > 0 {
				g.Outputs = g.Outputs[:len(g.Outputs)-1]
			}
		case 2:
			g.Outputs = append(g.Outputs, g.Outputs...)
		default:
			slices.Reverse(g.Outputs)
		}
	}
}

// value makes a value for an input; nil for one that would be too large.
func (m *mutator) value(ty *loader.TypeInfo) tensor.Value {
	switch ty.Kind {
	case loader.KindSequence:
		s := &tensor.Sequence{Elem: ty.Elem.DType}
		for range m.IntN(4) {
			if v := m.value(ty.Elem); v != nil {
				s.Items = append(s.Items, v)
			}
		}
		return s
	case loader.KindOptional:
		if m.IntN(3) == 0 {
			return &tensor.Optional{}
		}
		return &tensor.Optional{V: m.value(ty.Elem)}
	case loader.KindTensor:
		shape := []int{}
		for _, d := range ty.Dims {
			n := int(d.Size)
			if n < 0 {
				n = m.IntN(4)
			}
			shape = append(shape, n)
		}
		if !ty.HasShape {
			for range m.IntN(5) {
				shape = append(shape, m.IntN(4))
			}
		}
		if n, err := tensor.HeapBytes(ty.DType, shape); err != nil || n > 1<<20 {
			return nil
		}
		t, err := tensor.New(ty.DType, shape...)
		if err != nil {
			return nil
		}
		if b := t.Bytes(); ty.DType == tensor.Bool {
			for i := range b {
				b[i] = byte(m.IntN(2))
			}
		} else if ty.DType.Size() > 0 && ty.DType.Bits() >= 8 {
			for i := range b {
				if i%ty.DType.Size() == 0 {
					b[i] = byte(m.IntN(4)) // small integers; next to nothing as floats
				}
			}
			if m.IntN(4) == 0 {
				for i := range b {
					b[i] = byte(m.IntN(256))
				}
			}
		}
		return t
	}
	return nil
}
