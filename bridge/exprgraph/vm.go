package exprgraph

import (
	"context"
	"errors"
	"fmt"

	"gorgonia.org/gorgonia"

	"ingot"
	"ingot/tensor"
)

// NewVM returns a machine that compiles the graph with all of Ingot's passes, plans and kernels, and runs it. The graph is what runs: weights
// that were given other values and nodes that were rewired count as they are now; a weight that is given another value
// later is compiled in by the next run, while other changes of the graph need another machine.
//
// Before a run, each input needs a value, of whatever batch size: see [Let]. After it, the nodes of the model's outputs have theirs, and
// so do Gorgonia's operators that nothing uses and what gorgonia.Read was told to fill. Each run's values are memory of their
// own. A graph that can't be compiled makes a machine whose runs return that error; [Compile] tells it at once.
//
// The machine is a *[VM]. It is for one goroutine at a time, as its values live in the graph; models from [Compile] aren't.
func NewVM(g *gorgonia.ExprGraph) gorgonia.VM {
	vm := &VM{graph: g}
	vm.c, vm.err = compile(g)
	return vm
}

// VM is what [NewVM] returns.
type VM struct {
	graph *gorgonia.ExprGraph
	c     *compiled
	err   error
}

var _ gorgonia.VM = (*VM)(nil)

// Model returns the compiled model, or the error that NewVM couldn't.
func (vm *VM) Model() (*ingot.Model, error) {
	if vm.err != nil {
		return nil, vm.err
	}
	return vm.c.model, nil
}

// RunAll runs the graph with the values that its inputs have.
func (vm *VM) RunAll() error { return vm.Run(context.Background()) }

// Run is RunAll with a context; when that ends, Run returns its cause soon after.
func (vm *VM) Run(ctx context.Context) error {
	if err := vm.refresh(); err != nil {
		return err
	}
	in := make(map[string]tensor.Value, len(vm.c.inputs))
	for name, n := range vm.c.inputs {
		v := n.Value()
		if v == nil {
			continue // the model says that it is missing
		}
		t, err := FromValue(v)
		if err != nil {
			return &ingot.InputError{Name: name, Msg: err.Error()}
		}
		in[name] = t
	}
	out, err := vm.c.model.RunValues(ctx, in)
	if err != nil {
		return err
	}
	for _, b := range vm.c.outputs {
		res, ok := out[b.name]
		if !ok {
			continue // left out by ingot.WithOutputs
		}
		v, err := ValueOf(res)
		if err == nil && b.into != nil {
			*b.into = v
		} else if err == nil {
			err = bind(b.node, v)
		}
		if err != nil {
			return fmt.Errorf("output %q: %w", b.name, err)
		}
	}
	return nil
}

// refresh compiles again when a weight has another value than before.
func (vm *VM) refresh() error {
	if vm.err != nil {
		return vm.err
	}
	for _, w := range vm.c.weights {
		if w.node.Value() != w.value {
			old := vm.c.model
			vm.c, vm.err = compile(vm.graph)
			return errors.Join(old.Close(), vm.err)
		}
	}
	return nil
}

// Reset does nothing: runs leave nothing behind that the next would trip over.
func (vm *VM) Reset() {}

// Close frees what the machine holds. The graph and its values stay.
func (vm *VM) Close() error {
	if vm.err != nil {
		return nil
	}
	vm.err = ingot.ErrClosed
	return vm.c.model.Close()
}
