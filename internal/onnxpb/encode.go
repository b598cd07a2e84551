// Package onnxpb writes what package loader reads: models and tensors in ONNX's protobuf form. It is for tests and tools that make small
// models.
//
//	m := &loader.Model{IRVersion: 8, Opsets: []loader.OpsetImport{{Version: 17}}, Graph: &loader.Graph{
//		Name:    "g",
//		Inputs:  []*loader.ValueInfo{onnxpb.Value("x", tensor.Float32, "batch", 4)},
//		Outputs: []*loader.ValueInfo{onnxpb.Value("y", tensor.Float32, "batch", 4)},
//		Nodes:   []*loader.Node{onnxpb.Node("Relu", []string{"x"}, []string{"y"})},
//	}}
//	b, err := onnxpb.Encode(m)
//
// What the types of package loader can't hold isn't written: unknown fields, training information, and the form of each tensor, which
// becomes raw data.
package onnxpb

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"ingot/loader"
	"ingot/tensor"
)

// Encode returns the model as an ONNX file. Initializers that are external stay so: their files are not written.
func Encode(m *loader.Model) ([]byte, error) {
	e := &encoder{}
	b := e.int(nil, 1, m.IRVersion)
	b = e.str(b, 2, m.ProducerName)
	b = e.str(b, 3, m.ProducerVersion)
	b = e.str(b, 4, m.Domain)
	b = e.int(b, 5, m.ModelVersion)
	b = e.str(b, 6, m.Doc)
	if m.Graph != nil {
		b = e.msg(b, 7, e.graph(m.Graph))
	}
	b = e.opsets(b, 8, m.Opsets)
	b = e.props(b, 14, m.Metadata)
	for _, f := range m.Functions {
		b = e.msg(b, 25, e.function(f))
	}
	return b, e.err
}

// encoder keeps the first error; what is encoded after it doesn't matter.
type encoder struct{ err error }

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// int writes a number, and nothing for 0.
func (e *encoder) int(b []byte, num protowire.Number, v int64) []byte {
	if v == 0 {
		return b
	}
	return e.item(b, num, v)
}

// item writes a number that may be 0: of a list, or where 0 isn't the default.
func (e *encoder) item(b []byte, num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
}

// str writes a string, and nothing for the empty one.
func (e *encoder) str(b []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return e.text(b, num, s)
}

// text writes a string that may be empty.
func (e *encoder) text(b []byte, num protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), s)
}

func (e *encoder) strs(b []byte, num protowire.Number, list []string) []byte {
	for _, s := range list {
		b = e.text(b, num, s)
	}
	return b
}

func (e *encoder) msg(b []byte, num protowire.Number, sub []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), sub)
}

func (e *encoder) props(b []byte, num protowire.Number, props loader.Props) []byte {
	for _, p := range props {
		b = e.msg(b, num, e.text(e.text(nil, 1, p.Key), 2, p.Value))
	}
	return b
}

func (e *encoder) opsets(b []byte, num protowire.Number, list []loader.OpsetImport) []byte {
	for _, o := range list {
		b = e.msg(b, num, e.int(e.text(nil, 1, o.Domain), 2, o.Version))
	}
	return b
}

// packed writes a list of numbers in one field; nothing for an empty list.
func (e *encoder) packed(b []byte, num protowire.Number, list []int64) []byte {
	if len(list) == 0 {
		return b
	}
	var sub []byte
	for _, v := range list {
		sub = protowire.AppendVarint(sub, uint64(v))
	}
	return e.msg(b, num, sub)
}

func (e *encoder) graph(g *loader.Graph) []byte {
	if g == nil {
		e.fail(errors.New("an attribute's graph is nil"))
		return nil
	}
	var b []byte
	for _, n := range g.Nodes {
		b = e.msg(b, 1, e.node(n))
	}
	b = e.str(b, 2, g.Name)
	for _, in := range g.Initializers {
		if in.Sparse != nil {
			b = e.msg(b, 15, e.sparse(in.Sparse, in.Name))
		} else {
			b = e.msg(b, 5, e.initializer(in, in.Name))
		}
	}
	b = e.str(b, 10, g.Doc)
	b = e.values(b, 11, g.Inputs)
	b = e.values(b, 12, g.Outputs)
	b = e.values(b, 13, g.ValueInfo)
	for _, q := range g.Quant {
		b = e.msg(b, 14, e.props(e.text(nil, 1, q.Tensor), 2, q.Params))
	}
	return e.props(b, 16, g.Metadata)
}

func (e *encoder) node(n *loader.Node) []byte {
	b := e.strs(nil, 1, n.Inputs)
	b = e.strs(b, 2, n.Outputs)
	b = e.str(b, 3, n.Name)
	b = e.str(b, 4, n.OpType)
	b = e.attrs(b, 5, n.Attrs)
	b = e.str(b, 6, n.Doc)
	b = e.str(b, 7, n.Domain)
	b = e.str(b, 8, n.Overload)
	return e.props(b, 9, n.Metadata)
}

func (e *encoder) function(f *loader.Function) []byte {
	b := e.str(nil, 1, f.Name)
	b = e.strs(b, 4, f.Inputs)
	b = e.strs(b, 5, f.Outputs)
	b = e.strs(b, 6, f.Attributes)
	for _, n := range f.Nodes {
		b = e.msg(b, 7, e.node(n))
	}
	b = e.str(b, 8, f.Doc)
	b = e.opsets(b, 9, f.Opsets)
	b = e.str(b, 10, f.Domain)
	b = e.attrs(b, 11, f.Defaults)
	b = e.values(b, 12, f.ValueInfo)
	b = e.str(b, 13, f.Overload)
	return e.props(b, 14, f.Metadata)
}

func (e *encoder) attrs(b []byte, num protowire.Number, list []*loader.Attr) []byte {
	for _, a := range list {
		b = e.msg(b, num, e.attr(a))
	}
	return b
}

func (e *encoder) attr(a *loader.Attr) []byte {
	b := e.str(nil, 1, a.Name)
	b = e.str(b, 13, a.Doc)
	b = e.int(b, 20, int64(a.Type))
	if a.RefAttrName != "" {
		return e.str(b, 21, a.RefAttrName)
	}
	switch a.Type {
	case loader.AttrFloat:
		b = protowire.AppendFixed32(protowire.AppendTag(b, 2, protowire.Fixed32Type), math.Float32bits(a.F))
	case loader.AttrInt:
		b = e.item(b, 3, a.I)
	case loader.AttrString:
		b = e.text(b, 4, a.S)
	case loader.AttrTensor:
		b = e.msg(b, 5, e.tensor(a.T, ""))
	case loader.AttrGraph:
		b = e.msg(b, 6, e.graph(a.G))
	case loader.AttrFloats:
		var sub []byte
		for _, v := range a.Floats {
			sub = protowire.AppendFixed32(sub, math.Float32bits(v))
		}
		if len(sub) > 0 {
			b = e.msg(b, 7, sub)
		}
	case loader.AttrInts:
		b = e.packed(b, 8, a.Ints)
	case loader.AttrStrings:
		b = e.strs(b, 9, a.Strings)
	case loader.AttrTensors:
		for _, t := range a.Tensors {
			b = e.msg(b, 10, e.tensor(t, ""))
		}
	case loader.AttrGraphs:
		for _, g := range a.Graphs {
			b = e.msg(b, 11, e.graph(g))
		}
	case loader.AttrTypeInfo:
		b = e.msg(b, 14, e.typ(a.TP))
	case loader.AttrTypeInfos:
		for _, t := range a.Types {
			b = e.msg(b, 15, e.typ(t))
		}
	case loader.AttrSparseTensor:
		b = e.msg(b, 22, e.sparse(a.Sparse, ""))
	case loader.AttrSparseTensors:
		for _, s := range a.SparseTensors {
			b = e.msg(b, 23, e.sparse(s, ""))
		}
	default:
		e.fail(fmt.Errorf("attribute %q has no type", a.Name))
	}
	return b
}

func (e *encoder) values(b []byte, num protowire.Number, list []*loader.ValueInfo) []byte {
	for _, v := range list {
		sub := e.str(nil, 1, v.Name)
		if v.Type.Kind != loader.KindUnknown {
			sub = e.msg(sub, 2, e.typ(&v.Type))
		}
		sub = e.str(sub, 3, v.Doc)
		b = e.msg(b, num, e.props(sub, 4, v.Metadata))
	}
	return b
}

func (e *encoder) typ(t *loader.TypeInfo) []byte {
	var b, sub []byte
	elem := func(num protowire.Number) {
		if t.Elem != nil {
			sub = e.msg(sub, num, e.typ(t.Elem))
		}
	}
	num := protowire.Number(0)
	switch t.Kind {
	case loader.KindTensor, loader.KindSparse:
		num = 1
		if t.Kind == loader.KindSparse {
			num = 8
		}
		sub = e.int(sub, 1, int64(t.DType))
		if t.HasShape {
			var dims []byte
			for _, d := range t.Dims {
				dims = e.msg(dims, 1, e.dim(d))
			}
			sub = e.msg(sub, 2, dims)
		}
	case loader.KindSequence:
		num = 4
		elem(1)
	case loader.KindMap:
		num = 5
		sub = e.int(sub, 1, int64(t.Key))
		elem(2)
	case loader.KindOpaque:
		num = 7
	case loader.KindOptional:
		num = 9
		elem(1)
	}
	if num != 0 {
		b = e.msg(b, num, sub)
	}
	return e.str(b, 6, t.Denotation)
}

func (e *encoder) dim(d loader.Dim) []byte {
	var b []byte
	if d.Size >= 0 {
		b = e.item(b, 1, d.Size)
	} else {
		b = e.str(b, 2, d.Sym)
	}
	return e.str(b, 3, d.Denotation)
}

func (e *encoder) initializer(in *loader.Initializer, name string) []byte {
	var b []byte
	if x := in.External; x != nil {
		b = e.head(in.DType, in.Shape, name)
		entries := loader.Props{{Key: "location", Value: x.Location}}
		if x.Offset != 0 {
			entries = append(entries, loader.Prop{Key: "offset", Value: strconv.FormatInt(x.Offset, 10)})
		}
		if x.Length >= 0 {
			entries = append(entries, loader.Prop{Key: "length", Value: strconv.FormatInt(x.Length, 10)})
		}
		b = e.item(e.props(b, 13, entries), 14, 1)
	} else {
		t, err := in.Tensor()
		if err != nil {
			e.fail(err)
			return nil
		}
		b = e.tensor(t, name)
	}
	return e.props(e.str(b, 12, in.Doc), 16, in.Metadata)
}

func (e *encoder) sparse(s *loader.SparseTensor, name string) []byte {
	b := e.msg(nil, 1, e.initializer(s.Values, name))
	b = e.msg(b, 2, e.initializer(s.Indices, ""))
	return e.packed(b, 3, ints(s.Shape))
}

// head writes what a tensor has beside its data.
func (e *encoder) head(dt tensor.DType, shape []int, name string) []byte {
	b := e.packed(nil, 1, ints(shape))
	b = e.int(b, 2, int64(dt))
	return e.str(b, 8, name)
}

func ints(shape []int) []int64 {
	list := make([]int64, len(shape))
	for i, d := range shape {
		list[i] = int64(d)
	}
	return list
}
