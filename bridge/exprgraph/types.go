package exprgraph

import (
	"fmt"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	gt "gorgonia.org/tensor"

	"ingot/bridge/dense"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/tensor"
)

// anyType is the type of nodes that Gorgonia's types can't describe: tensors of unknown rank, sequences, optionals, maps, the bundle of
// an operator's outputs, and what is absent. Gorgonia compares types only to tell whether a value fits a node; here that is
// found out when the graph is compiled or run.
type anyType struct{ name string }

var _ hm.Type = anyType{}

func (t anyType) Name() string                                  { return t.name }
func (t anyType) Apply(hm.Subs) hm.Substitutable                { return t }
func (t anyType) FreeTypeVar() hm.TypeVarSet                    { return nil }
func (t anyType) Normalize(_, _ hm.TypeVarSet) (hm.Type, error) { return t, nil }
func (t anyType) Types() hm.Types                               { return nil }
func (t anyType) Eq(hm.Type) bool                               { return true }
func (t anyType) String() string                                { return t.name }
func (t anyType) Format(s fmt.State, _ rune)                    { fmt.Fprint(s, t.name) }

// nodeType returns Gorgonia's type for what is known of a value, and the shape if all of that is known.
func nodeType(t *sym.Type) (hm.Type, gt.Shape) {
	if t.Kind != sym.Tensor || !t.Ranked {
		return anyType{t.String()}, nil
	}
	dt, err := dense.Dtype(t.DT)
	if err != nil {
		return anyType{t.String()}, nil
	}
	if len(t.Shape) == 0 {
		return dt, gt.ScalarShape()
	}
	shape := make(gt.Shape, len(t.Shape))
	for i, d := range t.Shape {
		n, ok := d.Int()
		if !ok {
			shape = nil
			break
		}
		shape[i] = int(n)
	}
	return gorgonia.TensorType{Dims: len(t.Shape), Of: dt}, shape
}

// withType are the options that give a node a type, and a shape if one is known.
func withType(t hm.Type, shape gt.Shape) []gorgonia.NodeConsOpt {
	opts := []gorgonia.NodeConsOpt{gorgonia.WithType(t)}
	if shape != nil {
		opts = append(opts, gorgonia.WithShape(shape...))
	}
	return opts
}

// fileType is a type of Gorgonia's as a model's file would have it. Dimensions stay open: a node's shape is the one that it was built with.
func fileType(t hm.Type) (loader.TypeInfo, error) {
	info := loader.TypeInfo{Kind: loader.KindTensor, HasShape: true}
	var err error
	switch t := t.(type) {
	case gt.Dtype:
		info.DType, err = dense.DType(t)
	case gorgonia.TensorType:
		of, ok := t.Of.(gt.Dtype)
		if !ok {
			return info, fmt.Errorf("the element type %v is no dtype", t.Of)
		}
		info.DType, err = dense.DType(of)
		for range t.Dims {
			info.Dims = append(info.Dims, loader.Dim{Size: -1})
		}
	default:
		return info, fmt.Errorf("%v says neither dtype nor rank", t)
	}
	return info, err
}

// dtypeOf returns the dtype of a type of Gorgonia's; Invalid when it has none.
func dtypeOf(t hm.Type) tensor.DType {
	info, err := fileType(t)
	if err != nil {
		return tensor.Invalid
	}
	return info.DType
}
