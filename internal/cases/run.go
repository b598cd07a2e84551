package cases

import (
	"context"
	"fmt"
	"slices"

	"ingot/loader"
	"ingot/tensor"
)

// Session is what runs a case's model.
type Session interface {
	RunValues(ctx context.Context, in map[string]tensor.Value) (map[string]tensor.Value, error)
}

// Tolerance is how far outputs may be from the expected ones.
type Tolerance struct{ RTol, ATol float64 }

// Tolerances returns the case's own tolerances, and the defaults for those that it doesn't have.
func (c *Case) Tolerances(def Tolerance) Tolerance {
	if c.RTol != nil {
		def.RTol = *c.RTol
	}
	if c.ATol != nil {
		def.ATol = *c.ATol
	}
	return def
}

// Values reads the inputs of a set for a model, by their names.
func (s *Set) Values(g *loader.Graph) (map[string]tensor.Value, error) {
	in := map[string]tensor.Value{}
	for _, f := range s.Inputs {
		decl, err := f.Input(g)
		if err != nil {
			return nil, err
		}
		if in[decl.Name], err = f.Load(decl.Type); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Run runs the set on a session of the model that info describes, and compares the outputs. check, if not nil, is called with the
// outputs too.
func (s *Set) Run(ctx context.Context, info *loader.Model, sess Session, tol Tolerance, check func(map[string]tensor.Value) error) error {
	in, err := s.Values(info.Graph)
	if err != nil {
		return err
	}
	out, err := sess.RunValues(ctx, in)
	if err != nil {
		return err
	}
	for _, f := range s.Outputs {
		decl, err := f.Output(info.Graph)
		if err != nil {
			return err
		}
		want, err := f.Load(decl.Type)
		if err != nil {
			return err
		}
		if out[decl.Name] == nil {
			return fmt.Errorf("output %q wasn't computed", decl.Name)
		}
		if err := Compare(want, out[decl.Name], tol.RTol, tol.ATol); err != nil {
			return fmt.Errorf("output %q: %w", decl.Name, err)
		}
	}
	if check != nil {
		return check(out)
	}
	return nil
}

// Overridable returns the initializers that the case supplies values for: a model must be loaded so that these stay inputs.
func (c *Case) Overridable(info *loader.Model) ([]string, error) {
	var names []string
	for _, s := range c.Sets {
		for _, f := range s.Inputs {
			decl, err := f.Input(info.Graph)
			if err != nil {
				return nil, err
			}
			if info.Graph.Initializer(decl.Name) != nil && !slices.Contains(names, decl.Name) {
				names = append(names, decl.Name)
			}
		}
	}
	return names, nil
}
