package onnxgo

import (
	"fmt"
	"maps"
	"slices"

	gt "gorgonia.org/tensor"

	"ingot/bridge/dense"
	"ingot/loader"
)

// attrsOf turns an operation's attributes into those of a node, by name.
func attrsOf(attrs map[string]any) ([]*loader.Attr, error) {
	out := make([]*loader.Attr, 0, len(attrs))
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		a := &loader.Attr{Name: name}
		switch v := attrs[name].(type) {
		case float32:
			a.Type, a.F = loader.AttrFloat, v
		case int64:
			a.Type, a.I = loader.AttrInt, v
		case int:
			a.Type, a.I = loader.AttrInt, int64(v)
		case string:
			a.Type, a.S = loader.AttrString, v
		case gt.Tensor:
			d, ok := v.(*gt.Dense)
			if !ok {
				return nil, fmt.Errorf("attribute %q: a *tensor.Dense is needed, not a %T", name, v)
			}
			t, err := dense.Tensor(d)
			if err != nil {
				return nil, fmt.Errorf("attribute %q: %w", name, err)
			}
			a.Type, a.T = loader.AttrTensor, t
		case []float32:
			a.Type, a.Floats = loader.AttrFloats, v
		case []int64:
			a.Type, a.Ints = loader.AttrInts, v
		case []string:
			a.Type, a.Strings = loader.AttrStrings, v
		case struct{}:
			return nil, fmt.Errorf("attribute %q: the file doesn't give its type, so onnx-go's decoder lost its value", name)
		default:
			return nil, fmt.Errorf("attribute %q: a value of type %T isn't known", name, v)
		}
		out = append(out, a)
	}
	return out, nil
}
