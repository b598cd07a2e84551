package exprgraph

import (
	"errors"
	"fmt"
	"sync"

	"gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"ingot/loader"
	"ingot/ops"
	"ingot/tensor"
)

// foreignDomain is the domain of Gorgonia's operators in the model that a graph becomes.
const foreignDomain = "gorgonia.org"

// foreignNode adds a node of Gorgonia's own: a constant, or an operator that is called as Gorgonia's machine would call it.
func (c *compiler) foreignNode(n *gorgonia.Node, op gorgonia.Op, operands gorgonia.Nodes) error {
	if k, ok := op.(interface{ Value() gorgonia.Value }); ok && len(operands) == 0 {
		if err := c.constant(n, k.Value(), c.name("constant/")); err != nil {
			return fmt.Errorf("constant %q: %w", n.Name(), err)
		}
		return nil
	}
	if readTarget(op) != nil {
		return fmt.Errorf("node %q reads a value and has none itself", n.Name())
	}
	if _, ok := op.(interface{ CUDAFuncName() string }); !ok && op.Type() == nil {
		return fmt.Errorf("node %q: statement %v has no meaning for this machine", n.Name(), op)
	}
	if t, ok := op.(gorgonia.TrainModeOp); ok {
		if err := t.SetTraining(false); err != nil {
			return fmt.Errorf("node %q: %v: %w", n.Name(), op, err)
		}
	}
	f := &foreign{op: op, name: n.Name(), out: dtypeOf(n.Type()), rank: n.Type()}
	if f.out == tensor.Invalid {
		return fmt.Errorf("node %q: %v gives values of type %v, which no tensor has", n.Name(), op, n.Type())
	}
	node := &loader.Node{Name: n.Name(), OpType: fmt.Sprintf("op%d", len(c.foreign)), Domain: foreignDomain, Index: len(c.file.Nodes)}
	for _, v := range operands {
		name, err := c.value(n, v)
		if err != nil {
			return err
		}
		node.Inputs = append(node.Inputs, name)
		_, isScalar := v.Type().(gt.Dtype)
		f.scalar = append(f.scalar, isScalar)
	}
	node.Outputs = []string{c.name(n.Name())}
	c.outs[n] = node.Outputs
	c.file.Nodes = append(c.file.Nodes, node)
	c.foreign = append(c.foreign, f.declare(node.OpType))
	return nil
}

// foreign is an operator of Gorgonia's.
type foreign struct {
	op     gorgonia.Op
	name   string
	scalar []bool // which operands Gorgonia wants as scalars of its own
	out    tensor.DType
	rank   any
	mu     sync.Mutex // operators of Gorgonia's may keep something from call to call
}

// declare makes an operator of ours that calls it.
func (f *foreign) declare(name string) *ops.Op {
	s := ops.Spec[struct{}]{
		Name: name, Domain: foreignDomain, Out: "y:T", Types: "T=all4",
		Vers:  []ops.Ver{{Since: 1}},
		Flags: ops.Random, // it may be
		Infer: func(c *ops.Infer, _ *struct{}) error {
			if t, ok := f.rank.(gorgonia.TensorType); ok {
				return c.OutRank(0, f.out, t.Dims)
			}
			return c.Out(0, f.out)
		},
		Eval: func(c *ops.Call, _ *struct{}) error { return f.call(c) },
	}
	for i := range f.scalar {
		if i > 0 {
			s.In += ", "
		}
		s.In += fmt.Sprintf("x%d:T%d", i, i)
		s.Types += fmt.Sprintf("; T%d=all4", i)
	}
	return ops.Def(s)
}

// call computes. What Gorgonia's operator returns may be the memory of an operand, or be written to later: it is copied then.
func (f *foreign) call(c *ops.Call) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("Gorgonia's %v panicked: %v", f.op, r)
		}
	}()
	in := make([]gorgonia.Value, len(f.scalar))
	for i := range in {
		t := c.In(i)
		if t == nil {
			return fmt.Errorf("operand %d isn't a tensor", i)
		}
		if f.scalar[i] {
			if s, ok := scalarValue(t); ok {
				in[i] = s
				continue
			}
		}
		v, err := ValueOf(t.Clone()) // operators of Gorgonia's are known to write to their operands
		if err != nil {
			return err
		}
		in[i] = v
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	v, err := f.op.Do(in...)
	if err != nil {
		return err
	}
	t, err := tensorOf(v)
	if err != nil {
		return err
	}
	if t.DType() != f.out {
		return fmt.Errorf("Gorgonia's %v gave %s instead of %s", f.op, t, f.out)
	}
	out, err := c.OutOrAlloc(0, f.out, t.Dims()...)
	if err != nil {
		return err
	}
	copy(tensor.View[string](out), tensor.View[string](t))
	copy(out.Bytes(), t.Bytes())
	return nil
}

// tensorOf is FromValue for what must be a tensor.
func tensorOf(v gorgonia.Value) (*tensor.Tensor, error) {
	got, err := FromValue(v)
	if err != nil {
		return nil, err
	}
	t, ok := got.(*tensor.Tensor)
	if !ok {
		return nil, errors.New("the value isn't a tensor")
	}
	return t, nil
}
