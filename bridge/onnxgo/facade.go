package onnxgo

import (
	"context"
	"errors"
	"fmt"

	onnx "github.com/owulveryck/onnx-go"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/dense"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// wholeModel is the operator of the graph that onnx-go's decoder gets in place of a file that it can't read.
const wholeModel = "ingot.Model"

// maxPlaceholder bounds the bytes of the zeros that stand for an input without a value.
const maxPlaceholder = 256 << 20

// facade is a compiled model that shows onnx-go its inputs and outputs only.
type facade struct {
	model     *ingot.Model
	in, out   []ingot.ValueInfo
	ins, outs []*value // once the decoder has been here
}

// Unmarshal takes the place of m.UnmarshalBinary: the file is read by package loader and not by onnx-go's decoder, which gets a graph of one operator
// with the inputs and outputs of the file, in its order. So everything that Ingot reads can be run: subgraphs, half precision,
// functions, other domains, whatever opset. m must have been made with this backend, which must be new.
//
// Inputs and outputs must be tensors. data must not be written to as long as the model is in use. The errors are those of [ingot.LoadBytes].
func (b *Backend) Unmarshal(m *onnx.Model, data []byte) error {
	model, err := ingot.LoadBytes(data, b.set.model...)
	if err != nil {
		return err
	}
	return b.attachOwn(m, model)
}

// UnmarshalFile is [Backend.Unmarshal] for a file, and the files that its weights are in.
func (b *Backend) UnmarshalFile(m *onnx.Model, path string) error {
	model, err := ingot.Load(path, b.set.model...)
	if err != nil {
		return err
	}
	return b.attachOwn(m, model)
}

func (b *Backend) attachOwn(m *onnx.Model, model *ingot.Model) error {
	err := b.Attach(m, model)
	if err != nil {
		model.Close()
	}
	return err
}

// Attach makes m run a model that was loaded already. Any number of backends may run one model at the same time: one each for goroutines
// that keep their onnx.Model. The backend's options for compiling have no effect.
func (b *Backend) Attach(m *onnx.Model, model *ingot.Model) error {
	if b.err != nil {
		return b.err
	}
	if b.fact != nil || len(b.nodes) > 0 {
		return errors.New("onnxgo: the backend has a model: it is for one")
	}
	if m == nil || model == nil {
		return errors.New("onnxgo: the model is nil")
	}
	f := &facade{model: model, in: model.Inputs(), out: model.Outputs()}
	g := &loader.Graph{Name: "ingot", Nodes: []*loader.Node{{OpType: wholeModel}}}
	for _, list := range [][]ingot.ValueInfo{f.in, f.out} {
		for _, v := range list {
			if v.Kind != ingot.KindTensor {
				return fmt.Errorf("onnxgo: %q isn't a tensor but a %v, which onnx-go has no type for: use package ingot", v.Name, v.Kind)
			}
		}
	}
	n := g.Nodes[0]
	for _, v := range f.in {
		g.Inputs, n.Inputs = append(g.Inputs, &loader.ValueInfo{Name: v.Name}), append(n.Inputs, v.Name)
	}
	for _, v := range f.out {
		g.Outputs, n.Outputs = append(g.Outputs, &loader.ValueInfo{Name: v.Name}), append(n.Outputs, v.Name)
	}
	stub, err := onnxpb.Encode(&loader.Model{IRVersion: 8, Opsets: []loader.OpsetImport{{Version: 1}}, Graph: g})
	if err != nil {
		return fmt.Errorf("onnxgo: %w", err)
	}
	b.fact = f
	if err := m.UnmarshalBinary(stub); err != nil {
		b.err = err
		return fmt.Errorf("onnxgo: onnx-go's decoder refuses the model's inputs and outputs: %w", err)
	}
	if f.ins == nil {
		b.fail("the onnx.Model has another backend")
	}
	return b.err
}

// apply is called by the decoder for the one operator.
func (f *facade) apply(b *Backend, o onnx.Operation, op *operation) error {
	if o.Name != wholeModel || f.ins != nil || len(b.nodes) < len(f.in)+len(f.out) {
		return errors.New("onnxgo: the backend has a model: it is for one")
	}
	f.ins, f.outs = make([]*value, len(f.in)), make([]*value, len(f.out))
	for i := range f.ins {
		f.ins[i] = b.nodes[i].v
	}
	for i := range f.outs {
		f.outs[i] = b.nodes[len(f.in)+i].v
		f.outs[i].maker = op
	}
	return nil
}

// take returns the value of a node: placeholders have the dimensions that the model declares, 1 for those that it leaves open.
func (f *facade) take(b *Backend, n *Node) *gt.Dense {
	v := n.v
	if b.ran && v.maker != nil {
		return v.result
	}
	if v.given != nil {
		return v.given
	}
	if v.declared == nil {
		v.declared = f.placeholder(v)
	}
	return v.declared
}

func (f *facade) placeholder(v *value) *gt.Dense {
	for i, list := range [][]*value{f.ins, f.outs} {
		for j, w := range list {
			if w != v {
				continue
			}
			info := [][]ingot.ValueInfo{f.in, f.out}[i][j]
			shape := make([]int, len(info.Dims))
			for k, d := range info.Dims {
				shape[k] = 1
				if d.Sym == "" && d.Size >= 0 {
					shape[k] = int(d.Size)
				}
			}
			if n, err := tensor.NumElements(shape); err != nil || info.DType == tensor.Invalid || n > maxPlaceholder/16 {
				return nil
			}
			t, err := tensor.New(info.DType, shape...)
			if err != nil {
				return nil
			}
			d, err := dense.Of(t)
			if err != nil {
				return nil
			}
			return d
		}
	}
	return nil
}

// run runs the model. Inputs without a value are left out: package ingot says which of them it needs.
func (f *facade) run(ctx context.Context, b *Backend) error {
	for _, v := range f.outs {
		v.result = nil
	}
	b.ran = true
	if b.err != nil {
		return b.err
	}
	in := make(ingot.Inputs, len(f.ins))
	for i, v := range f.ins {
		if v.given == nil {
			continue
		}
		t, err := dense.Tensor(v.given)
		if err != nil {
			return fmt.Errorf("onnxgo: input %q: %w", f.in[i].Name, err)
		}
		in[f.in[i].Name] = t
	}
	out, err := f.model.Run(ctx, in)
	if err != nil {
		return err
	}
	for i, v := range f.outs {
		if v.result, err = dense.Of(out[f.out[i].Name]); err != nil {
			return fmt.Errorf("onnxgo: output %q: %w", f.out[i].Name, err)
		}
	}
	return nil
}
