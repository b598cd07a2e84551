package cli

import (
	"fmt"

	"github.com/spf13/pflag"

	"ingot"
	"ingot/bridge/exprgraph"
)

// via is the way from a file to a model that runs: through a Gorgonia graph, or straight. The zero value is through the graph.
type via struct{ plain bool }

var _ pflag.Value = (*via)(nil)

// String returns what the flag was given.
func (v *via) String() string {
	if v.plain {
		return "plain"
	}
	return "graph"
}

// Type returns how help names the value.
func (v *via) Type() string { return "graph|plain" }

// Set takes the flag's value.
func (v *via) Set(s string) error {
	switch s {
	case "graph", "plain":
		v.plain = s == "plain"
		return nil
	}
	return fmt.Errorf("there is no way %q: graph or plain", s)
}

func (v *via) register(s *pflag.FlagSet) {
	s.Var(v, "via", "run the model as a Gorgonia graph, or without one: the same kernels and bits")
}

// load loads a model. nodes is the size of its Gorgonia graph, weights and inputs included; 0 without one.
func (v via) load(path string, opts ...ingot.Option) (m *ingot.Model, nodes int, err error) {
	if v.plain {
		m, err = ingot.Load(path, opts...)
		return m, 0, err
	}
	g, err := exprgraph.Load(path, opts...)
	if err != nil {
		return nil, 0, err
	}
	m, err = exprgraph.Compile(g)
	return m, len(g.AllNodes()), err
}
