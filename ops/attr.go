package ops

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unsafe"

	"ingot/tensor"
)

// AttrKind is the kind of an attribute's value.
type AttrKind uint8

// The kinds of attributes of the standard.
const (
	AttrFloat AttrKind = iota + 1
	AttrInt
	AttrString
	AttrTensor
	AttrGraph
	AttrFloats
	AttrInts
	AttrStrings
	AttrTensors
	AttrGraphs
	AttrSparse
	AttrType
)

var attrKindNames = [...]string{"", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings", "tensors", "graphs", "sparse_tensor", "type_proto"}

// String returns the kind's name in declarations: "ints".
func (k AttrKind) String() string { return attrKindNames[k] }

// Attr is an attribute of a node.
type Attr struct {
	Kind    AttrKind
	F       float32
	I       int64
	S       string
	T       *tensor.Tensor // also a sparse tensor, made dense
	G       *Subgraph
	Floats  []float32
	Ints    []int64
	Strings []string
	Tensors []*tensor.Tensor
	Graphs  []*Subgraph
	Type    *Type
}

// SparseTensor is the value of a sparse_tensor attribute, made dense: convert it to a *tensor.Tensor.
type SparseTensor tensor.Tensor

// Attrs are a node's attributes by name.
type Attrs map[string]*Attr

// IntAttr returns an int attribute.
func IntAttr[T ~int | ~int64 | ~uint8](v T) *Attr { return &Attr{Kind: AttrInt, I: int64(v)} }

// IntsAttr returns an ints attribute.
func IntsAttr(v ...int64) *Attr { return &Attr{Kind: AttrInts, Ints: v} }

// FloatAttr returns a float attribute.
func FloatAttr(v float32) *Attr { return &Attr{Kind: AttrFloat, F: v} }

// StringAttr returns a string attribute.
func StringAttr(v string) *Attr { return &Attr{Kind: AttrString, S: v} }

// TensorAttr returns a tensor attribute.
func TensorAttr(v *tensor.Tensor) *Attr { return &Attr{Kind: AttrTensor, T: v} }

// Subgraph is an operator's handle on a body: the graph in an attribute of If, Loop or Scan. [Call.RunBody] runs it.
type Subgraph struct {
	Index   int // place among the node's bodies
	NumIn   int // inputs of the body itself, without what it captures
	NumOut  int
	InRanks []int   // ranks that the body declares for its inputs, -1 for none: hints
	InDims  [][]int // the dimensions too, -1 for those that aren't numbers
}

// AttrSchema is an attribute in a version's schema.
type AttrSchema struct {
	Name     string
	Kind     AttrKind
	Required bool
	Flag     bool   // an int that is 0 or 1: a bool in the attribute struct
	Default  string // as written in the declaration; "" for none
}

// attrStruct is what reflection finds in an attribute struct, once a declaration.
type attrStruct struct {
	typ    reflect.Type
	fields []attrField
}

type attrField struct {
	AttrSchema
	index int
	ptr   bool
}

func parseAttrStruct(typ reflect.Type) (*attrStruct, error) {
	s := &attrStruct{typ: typ}
	if typ.Kind() != reflect.Struct {
		return nil, fmt.Errorf("attributes %s aren't a struct", typ)
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag := f.Tag.Get("onnx")
		if tag == "-" || !f.IsExported() {
			continue
		}
		name, def, _ := strings.Cut(tag, ",")
		if name == "" {
			name = snake(f.Name)
		}
		af := attrField{index: i, AttrSchema: AttrSchema{Name: name, Default: def}}
		if def == "required" {
			af.Required, af.Default = true, ""
		}
		ft := f.Type
		if ft.Kind() == reflect.Pointer && ft.Elem().Kind() != reflect.Struct {
			af.ptr, ft = true, ft.Elem()
		}
		af.Kind, af.Flag = kindOf(ft), ft.Kind() == reflect.Bool
		if af.Kind == 0 {
			return nil, fmt.Errorf("attribute %s has a Go type that no attribute has: %s", name, f.Type)
		}
		s.fields = append(s.fields, af)
		if af.Default != "" {
			a, err := parseDefault(af.Kind, af.Default)
			if err == nil {
				err = af.set(reflect.New(typ).Elem(), a)
			}
			if err != nil {
				return nil, fmt.Errorf("default of attribute %s: %w", name, err)
			}
		}
	}
	return s, nil
}

func snake(name string) string {
	var sb strings.Builder
	rs := []rune(name)
	for i, r := range rs {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(rs[i-1]) || (i+1 < len(rs) && unicode.IsLower(rs[i+1]))) {
			sb.WriteByte('_')
		}
		sb.WriteRune(unicode.ToLower(r))
	}
	return sb.String()
}

func kindOf(t reflect.Type) AttrKind {
	switch t {
	case reflect.TypeFor[*tensor.Tensor]():
		return AttrTensor
	case reflect.TypeFor[*SparseTensor]():
		return AttrSparse
	case reflect.TypeFor[*Subgraph]():
		return AttrGraph
	case reflect.TypeFor[*Type]():
		return AttrType
	case reflect.TypeFor[[]*tensor.Tensor]():
		return AttrTensors
	case reflect.TypeFor[[]*Subgraph]():
		return AttrGraphs
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Bool, reflect.Uint8:
		return AttrInt
	case reflect.Float32:
		return AttrFloat
	case reflect.String:
		return AttrString
	case reflect.Slice:
		switch t.Elem().Kind() {
		case reflect.Int, reflect.Int64:
			return AttrInts
		case reflect.Float32:
			return AttrFloats
		case reflect.String:
			return AttrStrings
		}
	}
	return 0
}

func parseDefault(k AttrKind, s string) (*Attr, error) {
	a := &Attr{Kind: k}
	var err error
	switch k {
	case AttrInt:
		a.I, err = strconv.ParseInt(s, 10, 64)
	case AttrFloat:
		var f float64
		f, err = strconv.ParseFloat(s, 32)
		a.F = float32(f)
	case AttrString:
		a.S = s
	case AttrInts, AttrFloats, AttrStrings:
		for _, f := range strings.Fields(s) {
			e, ferr := parseDefault(map[AttrKind]AttrKind{AttrInts: AttrInt, AttrFloats: AttrFloat, AttrStrings: AttrString}[k], f)
			if ferr != nil {
				return nil, ferr
			}
			a.Ints, a.Floats, a.Strings = append(a.Ints, e.I), append(a.Floats, e.F), append(a.Strings, e.S)
		}
	default:
		err = fmt.Errorf("a %s has no default in a declaration", k)
	}
	return a, err
}

func (s *attrStruct) schema() []AttrSchema {
	out := make([]AttrSchema, len(s.fields))
	for i, f := range s.fields {
		out[i] = f.AttrSchema
	}
	return out
}

// parse fills a new attribute struct. Unknown attributes, wrong kinds and missing ones are errors.
func (s *attrStruct) parse(attrs Attrs) (any, error) {
	p := reflect.New(s.typ)
	seen := 0
	for i := range s.fields {
		f := &s.fields[i]
		a, ok := attrs[f.Name]
		if ok {
			seen++
		} else if f.Required {
			return nil, fmt.Errorf("attribute %s is missing", f.Name)
		} else if f.Default == "" {
			continue
		} else if a, _ = parseDefault(f.Kind, f.Default); a == nil {
			continue
		}
		if err := f.set(p.Elem(), a); err != nil {
			return nil, fmt.Errorf("attribute %s: %w", f.Name, err)
		}
	}
	if seen < len(attrs) {
		for name := range attrs {
			if !slices.ContainsFunc(s.fields, func(f attrField) bool { return f.Name == name }) {
				return nil, fmt.Errorf("unknown attribute %s", name)
			}
		}
	}
	return p.Interface(), nil
}

func (f *attrField) set(st reflect.Value, a *Attr) error {
	if a.Kind != f.Kind && !(f.Kind == AttrTensor && a.Kind == AttrSparse) && !emptyList(a, f.Kind) {
		return fmt.Errorf("is of kind %s, must be %s", a.Kind, f.Kind)
	}
	v := st.Field(f.index)
	if f.ptr {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch f.Kind {
	case AttrInt:
		switch v.Kind() {
		case reflect.Bool:
			if a.I != 0 && a.I != 1 { // runtimes take other numbers for either
				return fmt.Errorf("is %d, must be 0 or 1", a.I)
			}
			v.SetBool(a.I == 1)
		case reflect.Uint8:
			if a.I < 0 || a.I > 255 {
				return fmt.Errorf("%d is out of range", a.I)
			}
			v.SetUint(uint64(a.I))
		default:
			if v.OverflowInt(a.I) {
				return fmt.Errorf("%d is out of range", a.I)
			}
			v.SetInt(a.I)
		}
	case AttrFloat:
		v.SetFloat(float64(a.F))
	case AttrString:
		v.SetString(a.S)
	case AttrInts:
		sl := reflect.MakeSlice(v.Type(), len(a.Ints), len(a.Ints))
		for i, n := range a.Ints {
			if sl.Index(i).OverflowInt(n) {
				return fmt.Errorf("%d is out of range", n)
			}
			sl.Index(i).SetInt(n)
		}
		v.Set(sl)
	case AttrFloats:
		v.Set(reflect.ValueOf(slices.Clone(a.Floats)))
	case AttrStrings:
		v.Set(reflect.ValueOf(slices.Clone(a.Strings)))
	case AttrTensor, AttrSparse:
		v.Set(reflect.NewAt(v.Type().Elem(), unsafe.Pointer(a.T))) // a *SparseTensor is a *tensor.Tensor
	case AttrGraph:
		v.Set(reflect.ValueOf(a.G))
	case AttrType:
		v.Set(reflect.ValueOf(a.Type))
	case AttrTensors:
		v.Set(reflect.ValueOf(a.Tensors))
	case AttrGraphs:
		v.Set(reflect.ValueOf(a.Graphs))
	}
	return nil
}

// emptyList allows an empty list of another kind: some writers can't tell an empty ints from an empty floats.
func emptyList(a *Attr, want AttrKind) bool {
	isList := func(k AttrKind) bool { return k == AttrInts || k == AttrFloats || k == AttrStrings }
	return isList(a.Kind) && isList(want) && len(a.Ints)+len(a.Floats)+len(a.Strings) == 0
}

// changeAttrs applies the changes of an older version, see [Ver.Attrs], to a newer version's attributes.
func changeAttrs(newer []AttrSchema, changes string) ([]AttrSchema, error) {
	out := slices.Clone(newer)
	for _, f := range strings.Split(changes, " ") {
		if f == "" {
			continue
		}
		if name, gone := strings.CutPrefix(f, "-"); gone {
			n := len(out)
			out = slices.DeleteFunc(out, func(a AttrSchema) bool { return a.Name == name })
			if len(out) == n {
				return nil, fmt.Errorf("no attribute %s to take away", name)
			}
			continue
		}
		f, added := strings.CutPrefix(f, "+")
		name, rest, _ := strings.Cut(f, ":")
		kind, def, _ := strings.Cut(rest, "=")
		k := slices.Index(attrKindNames[:], kind)
		if k <= 0 {
			return nil, fmt.Errorf("attribute change %q: unknown kind %q", f, kind)
		}
		a := AttrSchema{Name: name, Kind: AttrKind(k), Default: strings.ReplaceAll(def, ",", " ")}
		if def == "required" {
			a.Required, a.Default = true, ""
		}
		i := slices.IndexFunc(out, func(o AttrSchema) bool { return o.Name == name })
		if added == (i >= 0) {
			return nil, fmt.Errorf("attribute change %q: + adds what isn't there, none changes what is", f)
		}
		if added {
			out = append(out, a)
		} else {
			out[i] = a
		}
	}
	return out, nil
}

// CheckAttrs checks attributes against this version and sets the defaults in which it differs from newer versions.
func (v *Version) CheckAttrs(attrs Attrs, newest *Version) error {
	for name, a := range attrs {
		i := slices.IndexFunc(v.Attrs, func(s AttrSchema) bool { return s.Name == name })
		if i < 0 {
			return fmt.Errorf("unknown attribute %s; version %d of the operator has %s", name, v.Since, attrNames(v.Attrs))
		}
		if s := v.Attrs[i]; a.Kind != s.Kind && !(s.Kind == AttrTensor && a.Kind == AttrSparse) && !emptyList(a, s.Kind) {
			return fmt.Errorf("attribute %s is of kind %s, must be %s", name, a.Kind, s.Kind)
		}
	}
	for _, s := range v.Attrs {
		if _, ok := attrs[s.Name]; ok {
			continue
		}
		if s.Required {
			return fmt.Errorf("attribute %s is missing", s.Name)
		}
		same := slices.ContainsFunc(newest.Attrs, func(n AttrSchema) bool { return n.Name == s.Name && n.Default == s.Default })
		if s.Default != "" && !same {
			a, err := parseDefault(s.Kind, s.Default)
			if err != nil {
				return fmt.Errorf("attribute %s: %w", s.Name, err)
			}
			attrs[s.Name] = a
		}
	}
	return nil
}

func attrNames(list []AttrSchema) string {
	if len(list) == 0 {
		return "none"
	}
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.Name
	}
	return strings.Join(names, ", ")
}

// Attrs returns the attributes that an attribute struct holds, those that are absent left out: the inverse of ParseAttrs, for passes that
// read attributes of operators whose struct they don't know.
func (op *Op) Attrs(a any) Attrs {
	out := Attrs{}
	st := reflect.ValueOf(a).Elem()
	for i := range op.attrs.fields {
		f := &op.attrs.fields[i]
		v := st.Field(f.index)
		if f.ptr {
			if v.IsNil() {
				continue
			}
			v = v.Elem()
		}
		if at := f.get(v); at != nil {
			out[f.Name] = at
		}
	}
	return out
}

func (f *attrField) get(v reflect.Value) *Attr {
	a := &Attr{Kind: f.Kind}
	switch f.Kind {
	case AttrInt:
		switch v.Kind() {
		case reflect.Bool:
			if v.Bool() {
				a.I = 1
			}
		case reflect.Uint8:
			a.I = int64(v.Uint())
		default:
			a.I = v.Int()
		}
	case AttrFloat:
		a.F = float32(v.Float())
	case AttrString:
		a.S = v.String()
	case AttrInts:
		for i := range v.Len() {
			a.Ints = append(a.Ints, v.Index(i).Int())
		}
	case AttrFloats:
		a.Floats, _ = v.Interface().([]float32)
	case AttrStrings:
		a.Strings, _ = v.Interface().([]string)
	case AttrTensor, AttrSparse:
		a.T = (*tensor.Tensor)(v.UnsafePointer())
	case AttrGraph:
		a.G, _ = v.Interface().(*Subgraph)
	case AttrType:
		a.Type, _ = v.Interface().(*Type)
	case AttrTensors:
		a.Tensors, _ = v.Interface().([]*tensor.Tensor)
	case AttrGraphs:
		a.Graphs, _ = v.Interface().([]*Subgraph)
	}
	if v.Kind() == reflect.Slice && v.Len() == 0 || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return a
}
