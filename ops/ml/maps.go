package ml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type zipMapAttrs struct {
	ClasslabelsInt64s  []int64  `onnx:"classlabels_int64s"`
	ClasslabelsStrings []string `onnx:"classlabels_strings"`
}

// ZipMap turns each row of scores into a map from class labels.
var ZipMap = Ops.Add(ops.Def(ops.Spec[zipMapAttrs]{
	Name: "ZipMap", Domain: Domain, In: "X:float", Out: "Z:T", Types: "T=map", Vers: []ops.Ver{{Since: 1}}, Flags: ops.Escapes,
	Infer: func(c *ops.Infer, a *zipMapAttrs) error {
		l, err := newClasses(a.ClasslabelsInt64s, a.ClasslabelsStrings)
		if err != nil {
			return err
		}
		_, cols, known, err := rowsOf(c)
		if err != nil {
			return err
		}
		if known && cols.Known() && !cols.Is(int64(l.len())) {
			return fmt.Errorf("input has %s columns for %d class labels", cols, l.len())
		}
		return c.OutType(0, ops.Type{Kind: sym.Sequence, Elem: &ops.Type{Kind: sym.Map, Key: l.dtype(), Elem: &ops.Type{DT: tensor.Float32}}})
	},
	Eval: func(c *ops.Call, a *zipMapAttrs) error {
		l := classes{a.ClasslabelsInt64s, a.ClasslabelsStrings}
		rows, cols := matrixDims(c.In(0).Dims())
		if cols != l.len() {
			return fmt.Errorf("input has %d columns for %d class labels", cols, l.len())
		}
		keys, x := l.tensor(), slices.Clone(tensor.View[float32](c.In(0)))
		seq := &tensor.Sequence{Items: make([]tensor.Value, rows)}
		for i := range rows {
			seq.Items[i] = &tensor.Map{Keys: keys, Values: tensor.Of(x[i*cols : (i+1)*cols : (i+1)*cols])}
		}
		c.Set(0, seq)
		return nil
	},
}))

type dictVectorizerAttrs struct {
	Int64Vocabulary  []int64  `onnx:"int64_vocabulary"`
	StringVocabulary []string `onnx:"string_vocabulary"`
}

// DictVectorizer puts the values of a map where a vocabulary has their keys, in one row. The standard speaks of a vector; other runtimes give a
// row, which is what the operators behind it want. Keys outside of the vocabulary are left out.
var DictVectorizer = Ops.Add(ops.Def(ops.Spec[dictVectorizerAttrs]{
	Name: "DictVectorizer", Domain: Domain, In: "X:T1", Out: "Y:T2", Types: "T1=map; T2=double|float|int64|string", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *dictVectorizerAttrs) error {
		l, err := newClasses(a.Int64Vocabulary, a.StringVocabulary)
		if err != nil {
			return fmt.Errorf("vocabulary: %w", err)
		}
		key, value := mapTypes(c.In(0))
		if key != tensor.Invalid && key != l.dtype() {
			return fmt.Errorf("the map's keys are %s, the vocabulary's %s", key, l.dtype())
		}
		return c.Out(0, value, ops.Num(1), ops.Num(l.len()))
	},
	Eval: func(c *ops.Call, a *dictVectorizerAttrs) error {
		m, err := mapIn(c)
		if err != nil {
			return err
		}
		l := classes{a.Int64Vocabulary, a.StringVocabulary}
		if m.Keys.DType() != l.dtype() {
			return fmt.Errorf("the map's keys are %s, the vocabulary's %s", m.Keys.DType(), l.dtype())
		}
		y, err := c.OutOrAlloc(0, m.Values.DType(), 1, l.len())
		if err != nil {
			return err
		}
		if len(l.strings) > 0 {
			return scatterValues(y, m.Values, places(l.strings, tensor.View[string](m.Keys)))
		}
		return scatterValues(y, m.Values, places(l.ints, tensor.View[int64](m.Keys)))
	},
}))

// mapTypes returns what is known of a map's keys and values.
func mapTypes(t *ops.Type) (key, value tensor.DType) {
	if t.Kind != sym.Map {
		return tensor.Invalid, tensor.Invalid
	}
	if t.Elem != nil {
		value = t.Elem.DT
	}
	return t.Key, value
}

func mapIn(c *ops.Call) (*tensor.Map, error) {
	m, ok := c.Value(0).(*tensor.Map)
	if !ok || m.Keys == nil || m.Values == nil || m.Keys.Len() != m.Values.Len() {
		return nil, errors.New("the input isn't a map")
	}
	return m, nil
}

// places returns where the vocabulary has each key, -1 for nowhere. Of words that stand there twice, the last counts.
func places[K comparable](vocabulary, keys []K) []int {
	at := make(map[K]int, len(vocabulary))
	for i, w := range vocabulary {
		at[w] = i
	}
	out := make([]int, len(keys))
	for i, k := range keys {
		p, ok := at[k]
		if !ok {
			p = -1
		}
		out[i] = p
	}
	return out
}

func scatterValues(y, values *tensor.Tensor, at []int) error {
	switch values.DType() {
	case tensor.String:
		scatter(tensor.View[string](y), tensor.View[string](values), at)
	case tensor.Float32:
		scatter(tensor.View[float32](y), tensor.View[float32](values), at)
	case tensor.Float64:
		scatter(tensor.View[float64](y), tensor.View[float64](values), at)
	case tensor.Int64:
		scatter(tensor.View[int64](y), tensor.View[int64](values), at)
	default:
		return fmt.Errorf("a map's values can't be %s", values.DType())
	}
	return nil
}

// scatter sets y[at[i]] to the i-th value and the rest to zero.
func scatter[T any](y, values []T, at []int) {
	clear(y)
	for i, p := range at {
		if p >= 0 {
			y[p] = values[i]
		}
	}
}

type castMapAttrs struct {
	CastTo  string `onnx:",TO_FLOAT"`
	MapForm string `onnx:",DENSE"`
	MaxMap  int    `onnx:",1"`
}

// CastMap turns a map into a row of its values: in the order of the keys, or each at the place that its key says.
var CastMap = Ops.Add(ops.Def(ops.Spec[castMapAttrs]{
	Name: "CastMap", Domain: Domain, In: "X:T1", Out: "Y:T2", Types: "T1=map; T2=float|int64|string", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *castMapAttrs) error {
		dt, err := a.dtype()
		if err != nil {
			return err
		}
		if key, _ := mapTypes(c.In(0)); key != tensor.Invalid && key != tensor.Int64 {
			return fmt.Errorf("the map's keys are %s; must be int64", key)
		}
		switch {
		case a.MapForm == "DENSE":
			return c.Out(0, dt, ops.Num(1), c.Fresh())
		case a.MapForm != "SPARSE":
			return fmt.Errorf("attribute map_form: %q, must be DENSE or SPARSE", a.MapForm)
		case a.MaxMap < 1:
			return fmt.Errorf("attribute max_map is %d; must be positive", a.MaxMap)
		}
		return c.Out(0, dt, ops.Num(1), ops.Num(a.MaxMap))
	},
	Eval: evalCastMap,
}))

func (a *castMapAttrs) dtype() (tensor.DType, error) {
	switch a.CastTo {
	case "TO_FLOAT":
		return tensor.Float32, nil
	case "TO_STRING":
		return tensor.String, nil
	case "TO_INT64":
		return tensor.Int64, nil
	}
	return 0, fmt.Errorf("attribute cast_to: %q, must be TO_FLOAT, TO_STRING or TO_INT64", a.CastTo)
}

func evalCastMap(c *ops.Call, a *castMapAttrs) error {
	m, err := mapIn(c)
	if err != nil {
		return err
	}
	dt, err := a.dtype()
	if err != nil {
		return err
	}
	keys := tensor.View[int64](m.Keys)
	at, n := make([]int, len(keys)), a.MaxMap
	if a.MapForm == "DENSE" {
		n = len(keys)
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(i, j int) int { return cmp.Compare(keys[i], keys[j]) })
		for p, i := range order {
			at[i] = p
		}
	} else {
		for i, k := range keys {
			if k < 0 || k >= int64(n) {
				return fmt.Errorf("the map has the key %d; must be less than max_map, %d, and not negative", k, n)
			}
			at[i] = int(k)
		}
	}
	y, err := c.OutOrAlloc(0, dt, 1, n)
	if err != nil {
		return err
	}
	values := m.Values
	if values.DType() != dt {
		if values, err = castValues(values, dt); err != nil {
			return err
		}
	}
	return scatterValues(y, values, at)
}

// castValues converts the values of a map. Floats become strings as C prints them, with six digits after the point.
func castValues(v *tensor.Tensor, dt tensor.DType) (*tensor.Tensor, error) {
	out, err := tensor.New(dt, v.Len())
	if err != nil {
		return nil, err
	}
	switch {
	case dt == tensor.String:
		f := make([]float64, v.Len())
		if !num.Load64(f, v, 0) {
			return nil, fmt.Errorf("a map's values can't be %s", v.DType())
		}
		for i := range f {
			tensor.View[string](out)[i] = strconv.FormatFloat(f[i], 'f', 6, 64)
		}
	case v.DType() == tensor.String:
		for i, s := range tensor.View[string](v) {
			s = strings.TrimSpace(s)
			if dt == tensor.Int64 {
				tensor.View[int64](out)[i], err = strconv.ParseInt(s, 10, 64)
			} else {
				var f float64
				f, err = strconv.ParseFloat(s, 32)
				tensor.View[float32](out)[i] = float32(f)
			}
			if err != nil {
				return nil, fmt.Errorf("a value of the map is no number: %w", err)
			}
		}
	default:
		if !(num.Rules{}).Convert(out, v, 0, v.Len()) {
			return nil, fmt.Errorf("a map's values can't be %s", v.DType())
		}
	}
	return out, nil
}
