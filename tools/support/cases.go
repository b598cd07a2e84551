package main

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"

	"ingot/internal/cases"
	"ingot/loader"
	"ingot/ops"
)

// counter counts the cases that an operator stands in, by domain and name.
type counter map[string]int

func key(domain, name string) string { return ops.NormalDomain(domain) + ":" + name }

// add counts a case.
func (n counter) add(m *loader.Model) {
	seen := map[string]bool{}
	var nodes func(list []*loader.Node)
	nodes = func(list []*loader.Node) {
		for _, node := range list {
			seen[key(node.Domain, node.OpType)] = true
			for _, a := range node.Attrs {
				for _, g := range a.Subgraphs() {
					nodes(g.Nodes)
				}
			}
		}
	}
	nodes(m.Graph.Nodes)
	for _, f := range m.Functions {
		nodes(f.Nodes)
	}
	for k := range seen {
		n[k]++
	}
}

// folder counts the cases in a folder, but for those of the names in skip.
func (n counter) folder(dir string, skip map[string]bool) error {
	list, err := cases.Find(dir)
	if err != nil {
		return err
	}
	for i := range list {
		if skip[list[i].Name] {
			continue
		}
		m, err := loader.Open(list[i].Model)
		if err != nil {
			return err
		}
		n.add(m)
		if err := m.Close(); err != nil {
			return err
		}
	}
	return nil
}

// skips returns the names of the official suite's cases that are skipped.
func skips(root string) (map[string]bool, error) {
	b, err := os.ReadFile(filepath.Join(root, "testdata", "suite-skips.txt"))
	if err != nil {
		return nil, err
	}
	skip := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			name, _, _ := strings.Cut(line, " ")
			skip[name] = true
		}
	}
	return skip, nil
}

// classic counts the nodes of ai.onnx.ml in the archive of package ml.
func (n counter) classic(root string) error {
	var list []struct{ Op string }
	err := readJSON(filepath.Join(root, "ops", "ml", "testdata", "golden.json.gz"), &list)
	for _, c := range list {
		n[key("ai.onnx.ml", c.Op)]++
	}
	return err
}

// contributed counts the cases in the archive of package contrib.
func (n counter) contributed(root string) error {
	return cases.EachFile(filepath.Join(root, "ops", "contrib", "testdata", "cases.tar.gz"), func(name string, b []byte) error {
		if path.Base(name) != "model.onnx" {
			return nil
		}
		m, err := loader.Parse(b)
		if err != nil {
			return err
		}
		n.add(m)
		return nil
	})
}

// readJSON reads a gzipped file of JSON.
func readJSON(file string, v any) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	return json.NewDecoder(z).Decode(v)
}
