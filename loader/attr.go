package loader

import (
	"fmt"

	"ingot/tensor"
)

// AttrType says which field of an [Attr] holds its value. The numbers are those of ONNX's AttributeProto.AttributeType.
type AttrType uint8

// The types of attributes in the standard.
const (
	AttrUndefined     AttrType = 0
	AttrFloat         AttrType = 1
	AttrInt           AttrType = 2
	AttrString        AttrType = 3
	AttrTensor        AttrType = 4
	AttrGraph         AttrType = 5
	AttrFloats        AttrType = 6
	AttrInts          AttrType = 7
	AttrStrings       AttrType = 8
	AttrTensors       AttrType = 9
	AttrGraphs        AttrType = 10
	AttrSparseTensor  AttrType = 11
	AttrSparseTensors AttrType = 12
	AttrTypeInfo      AttrType = 13 // a TypeInfo as a value
	AttrTypeInfos     AttrType = 14
)

var attrTypeNames = [...]string{"undefined", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings", "tensors", "graphs",
	"sparse_tensor", "sparse_tensors", "type", "types"}

// String returns the name of the type: "ints".
func (t AttrType) String() string {
	if int(t) < len(attrTypeNames) {
		return attrTypeNames[t]
	}
	return fmt.Sprintf("attribute type %d", uint8(t))
}

// Attr is an attribute of a node. Type says which one of the value fields counts. Tensors share the file's memory where its
// layout allows it, so they must not be used after [Model.Close].
type Attr struct {
	Name string
	Type AttrType
	Doc  string

	// RefAttrName, inside a function only, names the attribute of the calling node that gives the value; the value fields are empty then.
	RefAttrName string

	F             float32
	I             int64
	S             string // bytes, usually UTF-8
	T             *tensor.Tensor
	G             *Graph
	Sparse        *SparseTensor
	TP            *TypeInfo
	Floats        []float32
	Ints          []int64
	Strings       []string
	Tensors       []*tensor.Tensor
	Graphs        []*Graph
	SparseTensors []*SparseTensor
	Types         []*TypeInfo
}

// Subgraphs returns the graphs that the attribute holds, one, many or none.
func (a *Attr) Subgraphs() []*Graph {
	if a.G != nil {
		return []*Graph{a.G}
	}
	return a.Graphs
}
