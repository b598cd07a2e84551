package loader_test

import (
	"os"
	"path/filepath"
	"testing"

	"ingot/loader"
	"ingot/tensor"
)

// BenchmarkOpen opens a model of 200 MB: time and memory must be those of its graph, not of its weights.
func BenchmarkOpen(b *testing.B) {
	m := chain(50)
	for i := range 50 {
		w, err := tensor.New(tensor.Float32, 1024, 1024)
		if err != nil {
			b.Fatal(err)
		}
		m.Graph.Initializers = append(m.Graph.Initializers, loader.NewInitializer(string(rune('α'+i)), w))
	}
	file := filepath.Join(b.TempDir(), "m.onnx")
	if err := os.WriteFile(file, encode(b, m), 0o644); err != nil {
		b.Fatal(err)
	}
	m = nil
	for name, opts := range map[string][]loader.Option{"map": nil, "copy": {loader.WithCopy()}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := loader.Open(file, opts...)
				if err != nil {
					b.Fatal(err)
				}
				m.Close()
			}
		})
	}
	b.Run("tensors", func(b *testing.B) { // those that aren't aligned in the file are copied
		b.ReportAllocs()
		for b.Loop() {
			m, err := loader.Open(file)
			if err != nil {
				b.Fatal(err)
			}
			for _, in := range m.Graph.Initializers {
				if _, err := in.Tensor(); err != nil {
					b.Fatal(err)
				}
			}
			m.Close()
		}
	})
}

// BenchmarkParse reads a graph of 10000 nodes.
func BenchmarkParse(b *testing.B) {
	m := chain(26)
	m.Graph.Nodes = nil
	name := func(i int) string {
		return string([]byte{'v', byte('0' + i%60), byte('0' + i/60%60), byte('0' + i/3600%60)})
	}
	for i := range 10000 {
		n := &loader.Node{OpType: "Add", Inputs: []string{name(i), "x"}, Outputs: []string{name(i + 1)}, Name: "node_" + name(i)}
		m.Graph.Nodes = append(m.Graph.Nodes, n)
	}
	m.Graph.Inputs[0].Name, m.Graph.Outputs[0].Name = name(0), name(10000)
	m.Graph.Inputs = append(m.Graph.Inputs, minimal().Graph.Inputs[0])
	data := encode(b, m)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := loader.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
