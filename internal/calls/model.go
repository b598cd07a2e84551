package calls

import (
	"fmt"
	"slices"
	"strings"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops"
	"ingot/tensor"
)

// Told is how much the file of a model tells about its inputs.
type Told int

const (
	Shapes    Told = iota // dtypes and shapes
	Ranks                 // dtypes and, for the dimensions, symbols
	Kinds                 // dtypes only
	Constants             // some inputs are constants; of the others, as Ranks
)

// Model makes a model of the call's node: input i of the node is the input or the constant "i" and its number, output o is "o" and its number.
// consts tells, a bit an input, which of them [Constants] means. nil when no file can express the call: one with bodies, say, as random ones
// don't say much.
func (c *Call) Model(told Told, consts int) *loader.Model {
	g := &loader.Graph{Name: "g"}
	n := &loader.Node{OpType: c.Op.Name, Domain: c.Op.Domain}
	for i, v := range c.In {
		name := ""
		if v != nil {
			name = fmt.Sprintf("i%d", i)
			x, isTensor := v.(*tensor.Tensor)
			if told == Constants && isTensor && (consts>>i)&1 == 1 {
				g.Initializers = append(g.Initializers, loader.NewInitializer(name, x))
			} else {
				g.Inputs = append(g.Inputs, &loader.ValueInfo{Name: name, Type: FileType(v, told, name)})
			}
		}
		n.Inputs = append(n.Inputs, name)
	}
	for o, w := range c.Wants {
		name := ""
		if w {
			name = fmt.Sprintf("o%d", o)
			g.Outputs = append(g.Outputs, &loader.ValueInfo{Name: name})
		}
		n.Outputs = append(n.Outputs, name)
	}
	if len(g.Outputs) == 0 {
		return nil
	}
	for name, a := range c.Attrs {
		f := fileAttr(name, a)
		if f == nil {
			return nil
		}
		n.Attrs = append(n.Attrs, f)
	}
	slices.SortFunc(n.Attrs, func(a, b *loader.Attr) int { return strings.Compare(a.Name, b.Name) })
	g.Nodes = []*loader.Node{n}
	sets := []loader.OpsetImport{{Domain: c.Op.Domain, Version: int64(c.Ver.Since)}}
	if c.Op.Domain != "" {
		sets = append(sets, loader.OpsetImport{Version: 21})
	}
	return &loader.Model{IRVersion: 10, Opsets: sets, Graph: g}
}

// FileType describes a value as a file does. name is what the symbols of its dimensions begin with.
func FileType(v tensor.Value, told Told, name string) loader.TypeInfo {
	switch v := v.(type) {
	case *tensor.Tensor:
		ty := loader.TypeInfo{Kind: loader.KindTensor, DType: v.DType(), HasShape: told != Kinds}
		for k, d := range v.Dims() {
			switch told {
			case Shapes:
				ty.Dims = append(ty.Dims, loader.Dim{Size: int64(d)})
			case Ranks, Constants:
				ty.Dims = append(ty.Dims, loader.Dim{Size: -1, Sym: fmt.Sprintf("%s_%d", name, k)})
			}
		}
		return ty
	case *tensor.Sequence:
		elem := loader.TypeInfo{Kind: loader.KindTensor, DType: v.Elem}
		if len(v.Items) > 0 {
			elem = FileType(v.Items[0], Kinds, name)
		}
		return loader.TypeInfo{Kind: loader.KindSequence, Elem: &elem}
	case *tensor.Optional:
		elem := loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}
		if v.V != nil {
			elem = FileType(v.V, Kinds, name)
		}
		return loader.TypeInfo{Kind: loader.KindOptional, Elem: &elem}
	case *tensor.Map:
		return loader.TypeInfo{Kind: loader.KindMap, Key: v.Keys.DType(), Elem: &loader.TypeInfo{Kind: loader.KindTensor, DType: v.Values.DType()}}
	}
	return loader.TypeInfo{}
}

// fileAttr returns nil for bodies and types.
func fileAttr(name string, a *ops.Attr) *loader.Attr {
	switch a.Kind {
	case ops.AttrFloat:
		return onnxpb.Attr(name, a.F)
	case ops.AttrInt:
		return onnxpb.Attr(name, a.I)
	case ops.AttrString:
		return onnxpb.Attr(name, a.S)
	case ops.AttrTensor:
		return onnxpb.Attr(name, a.T)
	case ops.AttrFloats:
		return onnxpb.Attr(name, a.Floats)
	case ops.AttrInts:
		return onnxpb.Attr(name, a.Ints)
	case ops.AttrStrings:
		return onnxpb.Attr(name, a.Strings)
	case ops.AttrTensors:
		return onnxpb.Attr(name, a.Tensors)
	}
	return nil
}
