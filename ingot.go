// Package ingot runs ONNX models, exported from PyTorch say, in pure Go.
//
//	model, err := ingot.Load("resnet50.onnx")
//	if err != nil { … }
//	defer model.Close() // optional
//	out, err := model.Run(ctx, ingot.Inputs{"input": tensor.Of(pixels, 1, 3, 224, 224)})
//	if err != nil { … }
//	logits, err := tensor.Data[float32](out["output"]) // a []float32, no copy
//
// A [Model] doesn't change after it was loaded: any number of goroutines may call Run at once. There is no global state, nothing to
// initialise and no shared library. What can't be run is refused by Load, with every unsupported node listed in an
// [*UnsupportedError].
package ingot

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"ingot/internal/config"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/runtime"
	"ingot/tensor"
)

// Inputs are the tensors that a run reads, by the names of the model's inputs. A run doesn't write to them.
type Inputs map[string]*tensor.Tensor

// Outputs are the tensors that a run made, by the names of the model's outputs. They belong to the caller.
type Outputs map[string]*tensor.Tensor

// Model is a loaded model. It is safe for concurrent use.
type Model struct {
	prog    *runtime.Program
	file    *loader.Model
	in      []ValueInfo
	out     []ValueInfo
	inIndex map[string]int
}

// Load loads a model from a file. The file is mapped into memory, so that its weights are shared with other processes and read
// when they are first needed; it must not be truncated while the model is in use.
//
// The errors are a *fs.PathError when the file can't be opened, [*FormatError] when it isn't an ONNX model, [*ModelError] and
// [*NodeError] when the model contradicts the standard, and [*UnsupportedError] when it is valid but can't be run.
func Load(path string, opts ...Option) (*Model, error) {
	return load(opts, func(o ...loader.Option) (*loader.Model, error) { return loader.Open(path, o...) })
}

// LoadFS loads a model, and its external data, from a file system such as an embed.FS.
func LoadFS(fsys fs.FS, name string, opts ...Option) (*Model, error) {
	return load(opts, func(o ...loader.Option) (*loader.Model, error) { return loader.OpenFS(fsys, name, o...) })
}

// LoadBytes loads a model from memory. The model may keep b and read it at any time: it must not be written to before Close.
func LoadBytes(b []byte, opts ...Option) (*Model, error) {
	return load(opts, func(o ...loader.Option) (*loader.Model, error) { return loader.Parse(b, o...) })
}

// load opens a model in one of the three ways, and compiles it.
func load(opts []Option, open func(...loader.Option) (*loader.Model, error)) (*Model, error) {
	c, err := config.New(opts)
	if err != nil {
		return nil, err
	}
	file, err := open(c.Loader...)
	if err != nil {
		return nil, err
	}
	m, err := compile(file, c)
	if err != nil {
		file.Close()
	}
	return m, err
}

// Compile makes a model of what package loader has read, or a program has put together. Options about reading files have no
// effect. Closing the model closes file. The errors are those of [Load] that don't concern reading; file stays open then.
func Compile(file *loader.Model, opts ...Option) (*Model, error) {
	c, err := config.New(opts)
	if err != nil {
		return nil, err
	}
	return compile(file, c)
}

func compile(file *loader.Model, c *config.Config) (*Model, error) {
	for _, w := range file.Warnings {
		if c.Run.Logger != nil {
			c.Run.Logger.Warn(w, "model", file.File)
		}
	}
	prog, err := runtime.Compile(file, c.Run)
	if err != nil {
		return nil, err
	}
	m := &Model{prog: prog, file: file, inIndex: map[string]int{}}
	for i, v := range prog.Inputs() {
		m.in = append(m.in, newValueInfo(v))
		m.inIndex[v.Name] = i
	}
	for _, v := range prog.Outputs() {
		m.out = append(m.out, newValueInfo(v))
	}
	return m, nil
}

// Close frees what the model holds: it waits for running Runs, then unmaps the file. Using the model after that is an error. Close may be
// called more than once, and not at all: what is forgotten is freed with the model.
func (m *Model) Close() error {
	m.prog.Close()
	return m.file.Close()
}

// Inputs describes the inputs in the model's order. Symbolic dimensions keep their names.
func (m *Model) Inputs() []ValueInfo { return slices.Clone(m.in) }

// Outputs describes the outputs in the model's order, as far as they are known before a run.
func (m *Model) Outputs() []ValueInfo { return slices.Clone(m.out) }

// OutputsFor describes the outputs of a run whose inputs have the given shapes: what the buffers for [Model.RunInto] have to be. Inputs that aren't
// named keep their open dimensions; what depends on the inputs' elements stays open too.
func (m *Model) OutputsFor(shapes map[string][]int) ([]ValueInfo, error) {
	in := make([]sym.Type, len(m.in))
	for i := range m.in {
		in[i] = m.in[i].typ
	}
	for name, shape := range shapes {
		i, ok := m.inIndex[name]
		if !ok {
			return nil, m.unknownInput(name)
		}
		given := sym.Type{Kind: sym.Tensor, DT: in[i].DT, Ranked: true, Shape: sym.Nums(shape)}
		if _, err := tensor.NumElements(shape); err != nil || in[i].Kind != sym.Tensor || !admits(&in[i], shape) {
			return nil, &InputError{Name: name, Want: in[i].String(), Got: given.String()}
		}
		in[i] = given
	}
	e, err := m.prog.Estimate(in)
	if err != nil {
		return nil, err
	}
	out := make([]ValueInfo, len(e.Out))
	for i := range e.Out {
		out[i] = newValueInfo(runtime.Value{Name: m.out[i].Name, Type: e.Out[i]})
	}
	return out, nil
}

// admits reports whether a tensor of such a shape can be of type t.
func admits(t *sym.Type, shape []int) bool {
	if !t.Ranked {
		return true
	}
	if len(t.Shape) != len(shape) {
		return false
	}
	for i, d := range t.Shape {
		if n, ok := d.Int(); ok && n != int64(shape[i]) {
			return false
		}
	}
	return true
}

// Metadata returns the model's own key-value pairs.
func (m *Model) Metadata() map[string]string {
	out := map[string]string{}
	for _, p := range m.file.Metadata {
		out[p.Key] = p.Value
	}
	return out
}

// Run computes the outputs. Every input must be given, with the right dtype, rank and fixed dimensions; the error is an [*InputError]
// otherwise. When ctx ends, Run returns its cause soon after. Models whose outputs aren't all tensors need [Model.RunValues].
func (m *Model) Run(ctx context.Context, in Inputs) (Outputs, error) {
	ins, err := bindInputs(m, in)
	if err != nil {
		return nil, err
	}
	res := make([]tensor.Value, len(m.out))
	if err := m.prog.Run(ctx, ins, nil, res); err != nil {
		return nil, err
	}
	out := make(Outputs, len(res))
	for i, v := range res {
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("output %q is a %T, which only RunValues returns", m.out[i].Name, v)
		}
		out[m.out[i].Name] = t
	}
	return out, nil
}

// RunValues is Run for models with inputs or outputs that are sequences, optionals or maps.
func (m *Model) RunValues(ctx context.Context, in map[string]tensor.Value) (map[string]tensor.Value, error) {
	ins, err := bindInputs(m, in)
	if err != nil {
		return nil, err
	}
	res := make([]tensor.Value, len(m.out))
	if err := m.prog.Run(ctx, ins, nil, res); err != nil {
		return nil, err
	}
	out := make(map[string]tensor.Value, len(res))
	for i, v := range res {
		out[m.out[i].Name] = v
	}
	return out, nil
}

// RunInto is Run with the caller's buffers: the outputs named in out are written into its tensors, which must have the right dtype and
// shape; others are not returned. A buffer may overlap an input. In steady state, with shapes seen before, a model of static
// shape allocates nothing.
func (m *Model) RunInto(ctx context.Context, in Inputs, out Outputs) error {
	return m.NewState().RunInto(ctx, in, out)
}

// bindInputs puts the inputs into the model's order.
func bindInputs[V tensor.Value](m *Model, in map[string]V) ([]tensor.Value, error) {
	ins := make([]tensor.Value, len(m.in))
	return ins, m.order(ins, len(in), func(name string) (tensor.Value, bool) {
		v, ok := in[name]
		return v, ok
	}, func() []string { return slices.Sorted(maps.Keys(in)) })
}

// order fills ins by name; names lists what was given, for the error that one of them is unknown.
func (m *Model) order(ins []tensor.Value, given int, get func(string) (tensor.Value, bool), names func() []string) error {
	found := 0
	var missing *ValueInfo
	for i := range m.in {
		v, ok := get(m.in[i].Name)
		if !ok {
			if missing == nil && !m.prog.HasDefault(m.in[i].Name) {
				missing = &m.in[i]
			}
			continue
		}
		found++
		ins[i] = v
	}
	if found < given {
		for _, name := range names() {
			if _, ok := m.inIndex[name]; !ok {
				return m.unknownInput(name)
			}
		}
	}
	if missing != nil {
		return &InputError{Name: missing.Name, Want: missing.String(), Msg: "is missing; the model takes " + missing.String()}
	}
	return nil
}
