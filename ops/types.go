package ops

import (
	"fmt"
	"maps"
	"strings"

	"ingot/internal/sym"
	"ingot/tensor"
)

// The kinds of values.
const (
	KindTensor   = sym.Tensor
	KindSequence = sym.Sequence
	KindOptional = sym.Optional
	KindMap      = sym.Map
	KindNone     = sym.None
)

// TypeSet is a type constraint: the types that a parameter may have.
type TypeSet struct {
	Tensor, Seq, Opt, OptSeq tensor.Types
	Map                      bool
}

// Named sets of element types in declarations. The numbers are those of the standard's IR versions, as in onnx.defs.
var namedTypes = map[string]tensor.Types{
	"all":     allV1,
	"all4":    allV1 | 1<<tensor.BFloat16,
	"all9":    all9,
	"all10":   all10,
	"all11":   all10 | 1<<tensor.Float4E2M1,
	"all12":   all12,
	"all13":   all12 | 1<<tensor.Uint2 | 1<<tensor.Int2,
	"num":     tensor.Ints | floats,
	"num4":    tensor.Ints | tensor.Floats16,
	"floats":  floats,
	"floats4": tensor.Floats16,
	"float8":  float8,
	"ints":    tensor.Ints,
	"sints":   tensor.SignedInts,
	"uints":   tensor.UnsignedInts,
	"math":    math32 | floats,          // the "high precision" numeric types of reductions
	"math4":   math32 | tensor.Floats16, // the same with bfloat16
}

const (
	floats = 1<<tensor.Float16 | 1<<tensor.Float32 | 1<<tensor.Float64
	allV1  = tensor.Ints | floats | 1<<tensor.Bool | 1<<tensor.String | 1<<tensor.Complex64 | 1<<tensor.Complex128
	float8 = 1<<tensor.Float8E4M3FN | 1<<tensor.Float8E4M3FNUZ | 1<<tensor.Float8E5M2 | 1<<tensor.Float8E5M2FNUZ
	all9   = allV1 | 1<<tensor.BFloat16 | float8
	all10  = all9 | 1<<tensor.Uint4 | 1<<tensor.Int4
	all12  = all10 | 1<<tensor.Float4E2M1 | 1<<tensor.Float8E8M0
	math32 = 1<<tensor.Uint32 | 1<<tensor.Uint64 | 1<<tensor.Int32 | 1<<tensor.Int64
)

// parseTypes reads "T=floats4|int32; Tind=int32|int64" on top of the constraints of the next newer version.
func parseTypes(newer map[string]TypeSet, s string) (map[string]TypeSet, error) {
	out := maps.Clone(newer)
	for _, f := range strings.Split(s, ";") {
		f = strings.TrimSpace(f)
		if f == "" {
			continue
		}
		name, set, ok := strings.Cut(f, "=")
		if !ok {
			return nil, fmt.Errorf("type constraint %q has no types", f)
		}
		ts, err := parseTypeSet(strings.TrimSpace(set))
		if err != nil {
			return nil, err
		}
		out[strings.TrimSpace(name)] = ts
	}
	return out, nil
}

// parseTypeSet reads a union of names: element types as the standard calls them, named sets, and seq(…), optional(…), optional(seq(…)),
// map around those.
func parseTypeSet(s string) (TypeSet, error) {
	var ts TypeSet
	for _, name := range strings.Split(s, "|") {
		name = strings.TrimSpace(name)
		dst := &ts.Tensor
		switch {
		case name == "map":
			ts.Map = true
			continue
		case strings.HasPrefix(name, "optional(seq("):
			dst, name = &ts.OptSeq, strings.TrimSuffix(strings.TrimPrefix(name, "optional(seq("), "))")
		case strings.HasPrefix(name, "optional("):
			dst, name = &ts.Opt, strings.TrimSuffix(strings.TrimPrefix(name, "optional("), ")")
		case strings.HasPrefix(name, "seq(map"):
			ts.Map, name = true, "float"
			dst = &ts.Seq
		case strings.HasPrefix(name, "seq("):
			dst, name = &ts.Seq, strings.TrimSuffix(strings.TrimPrefix(name, "seq("), ")")
		}
		set, ok := namedTypes[name]
		if !ok {
			dt, err := tensor.ParseDType(name)
			if err != nil {
				return ts, fmt.Errorf("unknown type %q", name)
			}
			set = tensor.TypesOf(dt)
		}
		*dst |= set
	}
	return ts, nil
}

// Allows reports whether a value of type t, as far as t is known, may be passed.
func (ts TypeSet) Allows(t *Type) bool {
	in := func(set tensor.Types, dt tensor.DType) bool {
		return set != 0 && (dt == tensor.Invalid || set.Has(dt))
	}
	switch t.Kind {
	case KindTensor:
		return in(ts.Tensor, t.DT)
	case KindSequence:
		if t.Elem != nil && t.Elem.Kind == KindMap {
			return ts.Map
		}
		return ts.Seq != 0 && (t.Elem == nil || in(ts.Seq, t.Elem.DT))
	case KindOptional:
		if t.Elem == nil || t.Elem.Kind == KindNone {
			return ts.Opt|ts.OptSeq != 0
		}
		if t.Elem.Kind == KindSequence {
			return ts.OptSeq != 0
		}
		return in(ts.Opt, t.Elem.DT)
	case KindMap:
		return ts.Map
	}
	return true
}

// String lists the types.
func (ts TypeSet) String() string {
	var parts []string
	add := func(format string, set tensor.Types) {
		if set != 0 {
			parts = append(parts, fmt.Sprintf(format, set))
		}
	}
	add("%s", ts.Tensor)
	add("sequences of %s", ts.Seq)
	add("optionals of %s", ts.Opt)
	add("optional sequences of %s", ts.OptSeq)
	if ts.Map {
		parts = append(parts, "maps")
	}
	return strings.Join(parts, ", or ")
}
