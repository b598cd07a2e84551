package onnxpb

import (
	"fmt"

	"ingot/loader"
	"ingot/tensor"
)

// Node returns a node of the standard's own domain.
func Node(op string, inputs, outputs []string, attrs ...*loader.Attr) *loader.Node {
	return &loader.Node{OpType: op, Inputs: inputs, Outputs: outputs, Attrs: attrs}
}

// Value returns the name of a tensor with its type. Dimensions are numbers (int; negative for unknown) and the names of symbols (string).
func Value(name string, dt tensor.DType, dims ...any) *loader.ValueInfo {
	t := loader.TypeInfo{Kind: loader.KindTensor, DType: dt, HasShape: true}
	for _, d := range dims {
		switch d := d.(type) {
		case int:
			t.Dims = append(t.Dims, loader.Dim{Size: int64(max(-1, d))})
		case string:
			t.Dims = append(t.Dims, loader.Dim{Size: -1, Sym: d})
		default:
			t.Dims = append(t.Dims, loader.Dim{Size: -1, Sym: fmt.Sprint(d)})
		}
	}
	return &loader.ValueInfo{Name: name, Type: t}
}

// Attr returns an attribute. Its type follows from the value's: float32, int (or int64), string, *tensor.Tensor, *loader.Graph,
// *loader.SparseTensor, *loader.TypeInfo, or a slice of one of these. Another type gives an attribute that Encode refuses.
func Attr(name string, value any) *loader.Attr {
	a := &loader.Attr{Name: name}
	switch v := value.(type) {
	case float32:
		a.Type, a.F = loader.AttrFloat, v
	case int:
		a.Type, a.I = loader.AttrInt, int64(v)
	case int64:
		a.Type, a.I = loader.AttrInt, v
	case string:
		a.Type, a.S = loader.AttrString, v
	case *tensor.Tensor:
		a.Type, a.T = loader.AttrTensor, v
	case *loader.Graph:
		a.Type, a.G = loader.AttrGraph, v
	case *loader.SparseTensor:
		a.Type, a.Sparse = loader.AttrSparseTensor, v
	case *loader.TypeInfo:
		a.Type, a.TP = loader.AttrTypeInfo, v
	case []float32:
		a.Type, a.Floats = loader.AttrFloats, v
	case []int:
		a.Type, a.Ints = loader.AttrInts, ints(v)
	case []int64:
		a.Type, a.Ints = loader.AttrInts, v
	case []string:
		a.Type, a.Strings = loader.AttrStrings, v
	case []*tensor.Tensor:
		a.Type, a.Tensors = loader.AttrTensors, v
	case []*loader.Graph:
		a.Type, a.Graphs = loader.AttrGraphs, v
	case []*loader.SparseTensor:
		a.Type, a.SparseTensors = loader.AttrSparseTensors, v
	case []*loader.TypeInfo:
		a.Type, a.Types = loader.AttrTypeInfos, v
	}
	return a
}
