package ingot

import (
	"ingot/internal/near"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/ops"
	"ingot/runtime"
	"ingot/tensor"
)

// Errors that loading and running return, for errors.As.
type (
	// FormatError says what is wrong with a file, and at which byte or node.
	FormatError = loader.FormatError
	// ModelError says why a model that could be read contradicts the standard.
	ModelError = runtime.ModelError
	// NodeError is an error about a node of the model.
	NodeError = runtime.NodeError
	// UnsupportedError lists every node of a valid model that can't be run.
	UnsupportedError = ops.UnsupportedError
	// OpsetError says that a model uses operators of a newer version than any known; WithNewerOpset tries it all the same.
	OpsetError = runtime.OpsetError
	// InputError says which input is wrong, what the model takes and what it got.
	InputError = runtime.InputError
	// OutputError says which buffer doesn't fit its output.
	OutputError = runtime.OutputError
)

// ErrClosed is what running a closed model gives.
var ErrClosed = runtime.ErrClosed

// Kind tells tensors from the other kinds of values.
type Kind = sym.Kind

// The kinds of values that inputs and outputs have.
const (
	KindTensor   = sym.Tensor
	KindSequence = sym.Sequence
	KindOptional = sym.Optional
	KindMap      = sym.Map
	KindUnknown  = sym.None
)

// ValueInfo describes an input or an output.
type ValueInfo struct {
	Name  string
	Kind  Kind
	DType tensor.DType // of a tensor's elements; Invalid when it isn't known
	Dims  []Dim        // nil when the rank isn't known, which a scalar's empty slice tells apart
	typ   sym.Type
}

// Dim is a dimension of an input or output: a size, or the name of what isn't known before a run.
type Dim struct {
	Size int64  // -1 when Sym says more
	Sym  string // "batch", "2*seq+1"; "" for a number
}

// String returns the number or the name.
func (d Dim) String() string {
	if d.Sym != "" {
		return d.Sym
	}
	return sym.Num(d.Size).String()
}

// String formats the type: "float32[batch,3,224,224]".
func (v ValueInfo) String() string { return v.typ.String() }

func newValueInfo(v runtime.Value) ValueInfo {
	out := ValueInfo{Name: v.Name, Kind: v.Type.Kind, DType: v.Type.DT, typ: v.Type}
	if v.Type.Ranked {
		out.Dims = make([]Dim, len(v.Type.Shape))
		for i, d := range v.Type.Shape {
			if n, ok := d.Int(); ok {
				out.Dims[i].Size = n
			} else {
				out.Dims[i] = Dim{-1, d.String()}
			}
		}
	}
	return out
}

func (m *Model) unknownInput(name string) error {
	for _, v := range m.file.Graph.Inputs {
		if v.Name == name {
			return &InputError{Name: name, Msg: "is a constant of the model; to supply it, load the model with WithOverridable(\"" + name + "\")"}
		}
	}
	return &InputError{Name: name, Msg: "the model has no such input" + didYouMean(name, m.in)}
}

// didYouMean suggests the nearest name, or lists the names when none is near.
func didYouMean(name string, known []ValueInfo) string {
	names := make([]string, len(known))
	for i, v := range known {
		names[i] = v.Name
	}
	return "; " + near.DidYouMean(name, names)
}
