package exprgraph

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/chewxy/hm"
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
	f := &foreign{op: op, outs: []hm.Type{n.Type()}}
	if m, ok := op.(*modelOp); ok {
		f.outs = nil
		for _, o := range m.outs {
			f.outs = append(f.outs, o.t)
		}
	}
	for _, t := range f.outs {
		if dtypeOf(t) == tensor.Invalid {
			return fmt.Errorf("node %q: %v gives values of type %v, which no tensor has", n.Name(), op, t)
		}
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
	for range f.outs {
		node.Outputs = append(node.Outputs, c.name(n.Name()))
	}
	c.outs[n] = node.Outputs
	c.file.Nodes = append(c.file.Nodes, node)
	c.foreign = append(c.foreign, f.declare(node.OpType))
	return nil
}

// foreign is an operator of Gorgonia's.
type foreign struct {
	op     gorgonia.Op
	scalar []bool     // which operands Gorgonia wants as scalars of its own
	outs   []hm.Type  // of the outputs: one, but for a whole model
	mu     sync.Mutex // operators of Gorgonia's may keep something from call to call
}

// declare makes an operator of ours that calls it.
func (f *foreign) declare(name string) *ops.Op {
	s := ops.Spec[struct{}]{
		Name: name, Domain: foreignDomain,
		Vers:  []ops.Ver{{Since: 1}},
		Flags: ops.Random, // it may be
		Infer: f.infer,
		Eval:  func(c *ops.Call, _ *struct{}) error { return f.call(c) },
	}
	var in, out, types []string
	for i := range f.scalar {
		in, types = append(in, fmt.Sprintf("x%d:T%d", i, i)), append(types, fmt.Sprintf("T%d=all4", i))
	}
	for i := range f.outs {
		out, types = append(out, fmt.Sprintf("y%d:U%d", i, i)), append(types, fmt.Sprintf("U%d=all4", i))
	}
	s.In, s.Out, s.Types = strings.Join(in, ", "), strings.Join(out, ", "), strings.Join(types, "; ")
	return ops.Def(s)
}

// infer tells dtype and rank. Shapes are told by the run: a node's shape is that of the batch that it was built with.
func (f *foreign) infer(c *ops.Infer, _ *struct{}) error {
	for i, t := range f.outs {
		dt, rank := dtypeOf(t), 0
		if t, ok := t.(gorgonia.TensorType); ok {
			rank = t.Dims
		}
		if err := c.OutRank(i, dt, rank); err != nil {
			return err
		}
	}
	return nil
}

// call computes. What Gorgonia's operator returns may be the memory of an operand, or be written to later: it is copied then.
func (f *foreign) call(c *ops.Call) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a panic in Gorgonia's %v: %v", f.op, r)
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
	results := []gorgonia.Value{v}
	if b, ok := v.(bundle); ok {
		results = b.values
	}
	for i, v := range results {
		if err := f.put(c, i, v); err != nil {
			return err
		}
	}
	return nil
}

// put copies a result into output i.
func (f *foreign) put(c *ops.Call, i int, v gorgonia.Value) error {
	t, err := tensorOf(v)
	if err != nil {
		return err
	}
	if want := dtypeOf(f.outs[i]); t.DType() != want {
		return fmt.Errorf("operator %v of Gorgonia's gave %s instead of %s", f.op, t, want)
	}
	out, err := c.OutOrAlloc(i, t.DType(), t.Dims()...)
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
