package cli

import (
	"context"
	"fmt"

	"ingot"
	"ingot/cmd/ingot/internal/feed"
	"ingot/loader"
	"ingot/runtime"
	"ingot/tensor"
)

// bared is a model of which every value of the main graph is an output.
type bared struct {
	*compiled
	names []string   // of the outputs, in the order in which they are computed
	node  []string   // the node that computes each
	ins   [][]string // that node's operands
	value map[string]tensor.Value
}

// bare opens a model, makes outputs of its values, and compiles it.
func bare(path string, opts runtime.Options) (*bared, error) {
	m, err := loader.Open(path)
	if err != nil {
		return nil, loading(err)
	}
	b := &bared{value: map[string]tensor.Value{}}
	m.Graph.Outputs = nil
	seen := map[string]bool{}
	for _, n := range m.Graph.Nodes {
		for _, out := range n.Outputs {
			if out == "" || seen[out] {
				continue
			}
			seen[out] = true
			m.Graph.Outputs = append(m.Graph.Outputs, &loader.ValueInfo{Name: out})
			b.names, b.node, b.ins = append(b.names, out), append(b.node, n.String()), append(b.ins, n.Inputs)
		}
	}
	if len(b.names) == 0 {
		m.Close()
		return nil, usage("the model has no nodes to compare")
	}
	if b.compiled, err = compile(m, opts); err != nil {
		m.Close()
		return nil, loading(err)
	}
	return b, nil
}

func (b *bared) close() {
	b.prog.Close()
	b.file.Close()
}

// run computes all values.
func (b *bared) run(ctx context.Context, in map[string]tensor.Value) error {
	var ins []tensor.Value
	for _, v := range b.prog.Inputs() {
		ins = append(ins, in[v.Name])
	}
	res := make([]tensor.Value, len(b.names))
	if err := b.prog.Run(ctx, ins, nil, res); err != nil {
		if cause := ctxError(ctx); cause != nil {
			return cause
		}
		return err
	}
	for i, name := range b.names {
		b.value[name] = res[i]
	}
	return nil
}

// comparePerNode compares values in the order in which A computes them, and stops at the first that differs.
func (a *app) comparePerNode(ctx context.Context, paths []string, f *compareFlags, res *compareJSON) error {
	m, err := f.load(a, paths[0])
	if err != nil {
		return err
	}
	in, err := f.build(a, m, "rand")
	m.Close()
	if err != nil {
		return err
	}
	if len(in.Random) > 0 {
		res.Seed = &f.seed
	}
	x, y, err := f.pair(ctx, a, paths, in)
	if err != nil {
		return err
	}
	for i, name := range x.names {
		want, ok := y.value[name]
		if !ok {
			res.Only++
			continue
		}
		res.Compared++
		c := compareValue(name, x.value[name], want, f.rtol, f.atol)
		c.Node = x.node[i]
		if c.Pass {
			continue
		}
		for _, operand := range x.ins[i] { // how far its operands are apart, which didn't matter by themselves
			if v, w := x.value[operand], y.value[operand]; v != nil && w != nil {
				res.Outputs = append(res.Outputs, compareValue(operand, v, w, f.rtol, f.atol))
			}
		}
		res.Outputs = append(res.Outputs, c)
		break
	}
	if res.Compared == 0 {
		return usage("the models have no values of the same name")
	}
	return a.tellPerNode(res)
}

// pair runs both models, or both forms of one, with all their values.
func (f *compareFlags) pair(ctx context.Context, a *app, paths []string, in *feed.Feed) (x, y *bared, err error) {
	opts := runtime.Options{Threads: f.threads, Logger: a.log, NewerOpset: f.newer, DisablePasses: []string{"all"}}
	first := opts
	if len(paths) == 1 {
		first.DisablePasses = nil
	}
	for i, b := range []**bared{&x, &y} {
		path, o := paths[min(i, len(paths)-1)], opts
		if i == 0 {
			o = first
		}
		if *b, err = bare(path, o); err != nil {
			return nil, nil, err
		}
		defer (*b).close()
		a.live.set("running %s", path)
		values := in.Values
		if i == 1 && len(paths) == 2 {
			if values, err = f.secondInputs(path, a, paths[0], in); err != nil {
				return nil, nil, err
			}
		}
		if err = (*b).run(ctx, values); err != nil {
			return nil, nil, err
		}
	}
	a.live.wipe()
	return x, y, nil
}

// secondInputs are the inputs of the second model.
func (f *compareFlags) secondInputs(path string, a *app, firstPath string, in *feed.Feed) (map[string]tensor.Value, error) {
	var models [2]*ingot.Model
	for i, p := range []string{firstPath, path} {
		m, err := f.load(a, p)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		models[i] = m
	}
	out, err := matchInputs(models[0], models[1], in)
	if err != nil {
		return nil, err
	}
	return out.Values, nil
}

// tellPerNode prints the first divergence, if there is one.
func (a *app) tellPerNode(res *compareJSON) error {
	if len(res.Outputs) == 0 && !a.json {
		fmt.Fprintf(a.out, "%s compared, none differs", plural(res.Compared, "value"))
		if res.Only > 0 {
			fmt.Fprintf(a.out, "; %d have no counterpart", res.Only)
		}
		fmt.Fprintln(a.out)
		return nil
	}
	if !a.json {
		last := res.Outputs[len(res.Outputs)-1]
		fmt.Fprintf(a.out, "the first difference, after %s that agree: %q of %s\n", plural(res.Compared-1, "value"), last.Name, last.Node)
	}
	return a.tellComparison(res)
}
