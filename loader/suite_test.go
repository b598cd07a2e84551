package loader_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ingot/internal/suite"
	"ingot/loader"
)

// Every model of the official suite loads, its tensors can be made, and its test data can be read.
func TestOfficialSuite(t *testing.T) {
	cases, err := suite.List(suite.Need(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		m, err := loader.Open(c.Model())
		if err != nil {
			t.Error(err)
			continue
		}
		m.Graph.Walk(func(g *loader.Graph) {
			for _, in := range g.Initializers {
				if _, err := in.Tensor(); err != nil {
					t.Error(err)
				}
			}
		})
		files, err := filepath.Glob(filepath.Join(filepath.Dir(c.Model()), "test_data_set_*", "*.pb"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			readValue(t, m, file)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// readValue reads the file of an input or output as the type that the model gives it.
func readValue(t *testing.T, m *loader.Model, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	list := m.Graph.Inputs
	name := filepath.Base(file)
	if strings.HasPrefix(name, "output_") {
		list = m.Graph.Outputs
	}
	index := 0
	for _, r := range name {
		if r >= '0' && r <= '9' {
			index = 10*index + int(r-'0')
		}
	}
	if index >= len(list) {
		t.Errorf("%s: the model has no such value", file)
		return
	}
	if _, _, err := loader.DecodeValue(b, list[index].Type); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}
