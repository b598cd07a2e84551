package exprgraph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"sync/atomic"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/internal/config"
	"ingot/internal/sym"
	"ingot/loader"
)

// source is what a graph's nodes have in common: where they come from, and how that was to be compiled.
type source struct {
	model *loader.Model
	cfg   *config.Config
	types map[string]sym.Type // what was known of the values when the model was loaded
}

// with is the option that compiles as the source was to be compiled, but for what change says.
func (s *source) with(change func(c *config.Config)) ingot.Option {
	return func(c *config.Config) error {
		*c = *s.cfg
		change(c)
		return nil
	}
}

// derive returns a model with another graph. It doesn't hold the file open: its tensors do that.
func (s *source) derive(g *loader.Graph) *loader.Model {
	m := s.model
	return &loader.Model{File: m.File, IRVersion: m.IRVersion, ProducerName: m.ProducerName, ProducerVersion: m.ProducerVersion, Domain: m.Domain,
		ModelVersion: m.ModelVersion, Doc: m.Doc, Opsets: m.Opsets, Metadata: m.Metadata, Graph: g, Functions: m.Functions,
		HasTraining: m.HasTraining, Warnings: m.Warnings}
}

// identity makes an operator one of a kind. Gorgonia takes two nodes for the same when 32 bits of hash agree, and never looks at their
// operands; a number that no other operator has keeps it from merging what is different.
type identity struct{ id uint32 }

var lastID atomic.Uint32

func newIdentity() identity { return identity{lastID.Add(1)} }

// WriteHash writes the number.
func (i identity) WriteHash(h hash.Hash) {
	h.Write(binary.LittleEndian.AppendUint32([]byte("ingot"), i.id)) // a hash never fails
}

// Hashcode returns a hash of the number.
func (i identity) Hashcode() uint32 {
	h := fnv.New32a()
	i.WriteHash(h)
	return h.Sum32()
}

// plain has the answers that are the same for all our operators.
type plain struct{ identity }

// ReturnsPtr reports false: results are memory of their own.
func (plain) ReturnsPtr() bool { return false }

// CallsExtern reports false: everything is Go.
func (plain) CallsExtern() bool { return false }

// OverwritesInput returns -1: inputs stay as they are.
func (plain) OverwritesInput() int { return -1 }

// fnType is the type of an operator with n inputs, each of any type.
func fnType(n int, out hm.Type) hm.Type {
	ts := make([]hm.Type, 0, n+1)
	for i := range n {
		ts = append(ts, hm.TypeVariable('a'+rune(i)))
	}
	return hm.NewFnType(append(ts, out)...)
}

// Operator is a node of the model: the use of an ONNX operator or of one of the model's functions. Its operands are the node's
// inputs in order, an absent one being a node of its own, followed by what bodies (of If, Loop, Scan) take from outside of them.
type Operator struct {
	plain
	src      *source
	node     *loader.Node
	captures []string // names that bodies use and don't define, in the order of the operands after the node's own
	t        hm.Type
	shape    gt.Shape
	single   atomic.Pointer[evaluator]
}

// Node returns the node as the model's file has it. It must not be changed.
func (op *Operator) Node() *loader.Node { return op.node }

// Arity returns the number of operands.
func (op *Operator) Arity() int { return len(op.node.Inputs) + len(op.captures) }

// Type returns a function type: of anything, to what is known of the output.
func (op *Operator) Type() hm.Type { return fnType(op.Arity(), op.t) }

// InferShape returns the shape that was known when the model was loaded.
func (op *Operator) InferShape(...gorgonia.DimSizer) (gt.Shape, error) {
	if op.shape == nil {
		return nil, fmt.Errorf("%s: the shape isn't known before a run; ingot.WithDims fixes the open dimensions", op.node)
	}
	return op.shape.Clone(), nil
}

// String returns the operator's name.
func (op *Operator) String() string { return op.node.Op() }

// Do computes the operator alone. Several outputs come as one value, which the nodes behind it take apart.
func (op *Operator) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	e := op.single.Load()
	if e == nil {
		var err error
		if e, err = newEvaluator(op, in); err != nil {
			return nil, err
		}
		op.single.Store(e)
	}
	return e.do(in)
}

// selectOp picks an output of an operator that has several.
type selectOp struct {
	plain
	index int
	name  string // of the value in the model
	t     hm.Type
	shape gt.Shape
	from  hm.Type // of the operand; nil: any
}

func (op *selectOp) Arity() int { return 1 }
func (op *selectOp) Type() hm.Type {
	if op.from != nil {
		return hm.NewFnType(op.from, op.t)
	}
	return fnType(1, op.t)
}
func (op *selectOp) String() string {
	return fmt.Sprintf("output %d", op.index)
}
func (op *selectOp) InferShape(...gorgonia.DimSizer) (gt.Shape, error) {
	if op.shape == nil {
		return nil, fmt.Errorf("output %q: the shape isn't known before a run", op.name)
	}
	return op.shape.Clone(), nil
}
func (op *selectOp) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	if len(in) == 1 {
		if b, ok := in[0].(bundle); ok && op.index < len(b.values) && b.values[op.index] != nil {
			return b.values[op.index], nil
		}
	}
	return nil, fmt.Errorf("output %q: its operand isn't an operator with %d outputs", op.name, op.index+1)
}

// noneOp stands for an operand that is left out.
type noneOp struct{ plain }

func (*noneOp) Arity() int                                        { return 0 }
func (*noneOp) Type() hm.Type                                     { return anyType{"none"} }
func (*noneOp) String() string                                    { return "none" }
func (*noneOp) InferShape(...gorgonia.DimSizer) (gt.Shape, error) { return gt.ScalarShape(), nil }
func (*noneOp) Do(...gorgonia.Value) (gorgonia.Value, error)      { return Value{}, nil }

// outputOp marks its operand as an output of the model.
type outputOp struct {
	plain
	src  *source // nil for one that was added to a graph
	name string
	t    hm.Type
}

func (op *outputOp) Arity() int     { return 1 }
func (op *outputOp) Type() hm.Type  { return fnType(1, op.t) }
func (op *outputOp) String() string { return "output" }
func (op *outputOp) InferShape(in ...gorgonia.DimSizer) (gt.Shape, error) {
	if len(in) == 1 {
		if s, ok := in[0].(gt.Shape); ok {
			return s.Clone(), nil
		}
	}
	return nil, fmt.Errorf("output %q: the shape isn't known before a run", op.name)
}
func (op *outputOp) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("output %q has %d operands", op.name, len(in))
	}
	return in[0], nil
}

// DiffWRT reports that no operand of ours can be differentiated: Gorgonia may differentiate what comes after.
func (plain) DiffWRT(n int) []bool { return make([]bool, n) }

// SymDiff refuses.
func (plain) SymDiff(gorgonia.Nodes, *gorgonia.Node, *gorgonia.Node) (gorgonia.Nodes, error) {
	return nil, errors.New("operators of a loaded model can't be differentiated")
}
