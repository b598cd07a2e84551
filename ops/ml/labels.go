package ml

import (
	"errors"
	"fmt"
	"math"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type labelEncoderAttrs struct {
	DefaultFloat  float32        `onnx:",-0.0"`
	DefaultInt64  int64          `onnx:"default_int64,-1"`
	DefaultString string         `onnx:",_Unused"`
	DefaultTensor *tensor.Tensor `onnx:"default_tensor"`
	KeysFloats    []float32      `onnx:"keys_floats"`
	KeysInt64s    []int64        `onnx:"keys_int64s"`
	KeysStrings   []string       `onnx:"keys_strings"`
	KeysTensor    *tensor.Tensor `onnx:"keys_tensor"`
	ValuesFloats  []float32      `onnx:"values_floats"`
	ValuesInt64s  []int64        `onnx:"values_int64s"`
	ValuesStrings []string       `onnx:"values_strings"`
	ValuesTensor  *tensor.Tensor `onnx:"values_tensor"`
}

// LabelEncoder looks elements up in a table. NaN is a key like any other; of equal keys the last counts.
var LabelEncoder = Ops.Add(ops.Def(ops.Spec[labelEncoderAttrs]{
	Name: "LabelEncoder", Domain: Domain, In: "X:T1", Out: "Y:T2",
	Types: "T1=" + inputTypes + "|int16|string; T2=" + inputTypes + "|int16|string",
	Vers: []ops.Ver{{Since: 4}, {Since: 2, Types: "T1=float|int64|string; T2=float|int64|string",
		Attrs: "-default_tensor -keys_tensor -values_tensor"},
		{Since: 1, Types: "T1=int64|string; T2=int64|string",
			Attrs: "-default_float -keys_floats -keys_int64s -keys_strings -values_floats -values_int64s -values_strings +classes_strings:strings",
			Up:    encodeClasses}},
	Infer: func(c *ops.Infer, a *labelEncoderAttrs) error {
		t, err := a.table()
		if err != nil {
			return err
		}
		x := c.In(0)
		if x.DT != tensor.Invalid && x.DT != t.keys.DType() {
			return fmt.Errorf("input is %s but the keys are %s", x.DT, t.keys.DType())
		}
		return c.OutType(0, ops.Type{DT: t.values.DType(), Shape: x.Shape, Ranked: x.Ranked})
	},
	Bind: func(_ *ops.Bind, a *labelEncoderAttrs) (ops.Kernel, error) {
		t, err := a.table()
		if err != nil {
			return nil, err
		}
		return t.kernel(), nil
	},
}))

// encodeClasses makes the list of version 1 a table: strings become their places in it, integers the strings there.
func encodeClasses(r *ops.Rewrite) error {
	classes := r.Take("classes_strings")
	if classes == nil {
		return errors.New("attribute classes_strings is missing")
	}
	places := &ops.Attr{Kind: ops.AttrInts}
	for i := range classes.Strings {
		places.Ints = append(places.Ints, int64(i))
	}
	switch r.Type(0).DT {
	case tensor.String:
		r.Attrs["keys_strings"], r.Attrs["values_int64s"] = classes, places
	case tensor.Int64:
		r.Attrs["keys_int64s"], r.Attrs["values_strings"] = places, classes
	default:
		return errors.New("the input's type isn't known, which decides the direction")
	}
	return nil
}

// table is a list of keys with their values, and the value of what isn't among them.
type table struct{ keys, values, def *tensor.Tensor }

func (a *labelEncoderAttrs) table() (table, error) {
	var t table
	set := func(dst **tensor.Tensor, what string, candidates ...*tensor.Tensor) error {
		for _, x := range candidates {
			if x == nil {
				continue
			}
			if *dst != nil {
				return fmt.Errorf("has more than one of the attributes %s_*", what)
			}
			*dst = x
		}
		if *dst == nil {
			return fmt.Errorf("has none of the attributes %s_*", what)
		}
		return nil
	}
	err := set(&t.keys, "keys", listTensor(a.KeysFloats), listTensor(a.KeysInt64s), listTensor(a.KeysStrings), a.KeysTensor)
	if err == nil {
		err = set(&t.values, "values", listTensor(a.ValuesFloats), listTensor(a.ValuesInt64s), listTensor(a.ValuesStrings), a.ValuesTensor)
	}
	if err != nil {
		return t, err
	}
	if t.keys.Len() != t.values.Len() {
		return t, fmt.Errorf("has %d keys and %d values", t.keys.Len(), t.values.Len())
	}
	dt := t.values.DType()
	switch {
	case a.DefaultTensor != nil && a.ValuesTensor != nil:
		if t.def = a.DefaultTensor; t.def.Len() != 1 || t.def.DType() != dt {
			return t, fmt.Errorf("attribute default_tensor is %s; must be one %s", t.def, dt)
		}
		return t, nil
	case dt == tensor.String:
		t.def = tensor.Scalar(a.DefaultString)
		return t, nil
	}
	if t.def, err = tensor.New(dt, 1); err != nil {
		return t, err
	}
	if dt.IsFloat() {
		num.Store32(t.def, 0, []float32{a.DefaultFloat})
	} else {
		num.StoreInt(t.def, 0, []int64{a.DefaultInt64})
	}
	return t, nil
}

// listTensor is a list as a vector, nil for none.
func listTensor[T tensor.Element](l []T) *tensor.Tensor {
	if len(l) == 0 {
		return nil
	}
	return tensor.Of(l)
}

// kernel makes the loop for the types of keys and values.
func (t *table) kernel() ops.Kernel {
	switch t.keys.DType() {
	case tensor.String:
		return kernelOf(t, tensor.View[string](t.keys), false)
	case tensor.Float32, tensor.Float64:
		f := make([]float64, t.keys.Len())
		num.Load64(f, t.keys, 0)
		return kernelOf(t, f, true)
	}
	n := make([]int64, t.keys.Len())
	num.LoadInt(n, t.keys, 0)
	return kernelOf(t, n, false)
}

func kernelOf[K comparable](t *table, keys []K, nan bool) ops.Kernel {
	l := lookup[K]{at: make(map[K]int32, len(keys)), nan: -1}
	for i, k := range keys {
		if k != k {
			l.nan = int32(i)
		} else {
			l.at[k] = int32(i)
		}
	}
	switch t.values.DType().Size() {
	case 0:
		return newEncoder[K, string](l, t)
	case 2:
		return newEncoder[K, uint16](l, t)
	case 4:
		return newEncoder[K, uint32](l, t)
	}
	return newEncoder[K, uint64](l, t)
}

// lookup finds the places of keys, -1 for what is none.
type lookup[K comparable] struct {
	at  map[K]int32
	nan int32 // of NaN, which no map finds
}

func (l *lookup[K]) find(k K) int32 {
	if p, ok := l.at[k]; ok {
		return p
	}
	if k != k {
		return l.nan
	}
	return -1
}

// encoder moves values by their width.
type encoder[K comparable, V any] struct {
	lookup[K]
	values []V
	def    V
	in     *tensor.Tensor
	out    []V
}

func newEncoder[K comparable, V any](l lookup[K], t *table) ops.Kernel {
	return &encoder[K, V]{lookup: l, values: tensor.View[V](t.values), def: tensor.View[V](t.def)[0]}
}

// perLookup is the number of elements that a worker looks up at a time.
const perLookup = 1024

func (e *encoder[K, V]) Run(c *ops.Call) error {
	e.in, e.out = c.In(0), tensor.View[V](c.Out(0))
	return c.Parallel((len(e.out)+perLookup-1)/perLookup, e)
}

func (e *encoder[K, V]) Tile(w ops.Worker, i int) {
	lo, hi := i*perLookup, min(len(e.out), (i+1)*perLookup)
	for j, k := range keysOf[K](w, e.in, lo, hi) {
		e.out[lo+j] = e.def
		if p := e.find(k); p >= 0 {
			e.out[lo+j] = e.values[p]
		}
	}
}

// keysOf returns elements lo to hi of a tensor as keys: as they are, or widened into scratch.
func keysOf[K comparable](w ops.Worker, t *tensor.Tensor, lo, hi int) []K {
	if v := tensor.View[K](t); v != nil {
		return v[lo:hi]
	}
	if f, ok := any(ops.Scratch[float64](w, hi-lo)).([]K); ok {
		num.Load64(any(f).([]float64), t, lo)
		return f
	}
	n := ops.Scratch[int64](w, hi-lo)
	num.LoadInt(n, t, lo)
	out, _ := any(n).([]K)
	return out
}

type categoryMapperAttrs struct {
	CatsInt64s    []int64  `onnx:"cats_int64s"`
	CatsStrings   []string `onnx:"cats_strings"`
	DefaultInt64  int64    `onnx:"default_int64,-1"`
	DefaultString string   `onnx:",_Unused"`
}

// CategoryMapper turns strings into integers by a table, or integers into strings.
var CategoryMapper = Ops.Add(ops.Def(ops.Spec[categoryMapperAttrs]{
	Name: "CategoryMapper", Domain: Domain, In: "X:T1", Out: "Y:T2", Types: "T1=int64|string; T2=int64|string", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *categoryMapperAttrs) error {
		if len(a.CatsInt64s) != len(a.CatsStrings) || len(a.CatsInt64s) == 0 {
			return fmt.Errorf("attributes cats_int64s and cats_strings have %d and %d elements; must be as many, and not none", len(a.CatsInt64s), len(a.CatsStrings))
		}
		x := c.In(0)
		dt := tensor.Invalid
		switch x.DT {
		case tensor.String:
			dt = tensor.Int64
		case tensor.Int64:
			dt = tensor.String
		}
		return c.OutType(0, ops.Type{DT: dt, Shape: x.Shape, Ranked: x.Ranked})
	},
	Bind: func(b *ops.Bind, a *categoryMapperAttrs) (ops.Kernel, error) {
		ints, strings := tensor.Of(a.CatsInt64s), tensor.Of(a.CatsStrings)
		t := table{ints, strings, tensor.Scalar(a.DefaultString)}
		if b.In(0).DT == tensor.String {
			t = table{strings, ints, tensor.Scalar(a.DefaultInt64)}
		}
		return t.kernel(), nil
	},
}))

type oneHotAttrs struct {
	CatsInt64s  []int64  `onnx:"cats_int64s"`
	CatsStrings []string `onnx:"cats_strings"`
	Zeros       bool     `onnx:",1"`
}

// OneHotEncoder gives each element a dimension of its own, with a 1 at its category. Floats are truncated to integers first. What is no category
// is all zeros, or an error.
var OneHotEncoder = Ops.Add(ops.Def(ops.Spec[oneHotAttrs]{
	Name: "OneHotEncoder", Domain: Domain, In: "X:T", Out: "Y:float", Types: "T=" + inputTypes + "|string", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *oneHotAttrs) error {
		l, err := newClasses(a.CatsInt64s, a.CatsStrings)
		if err != nil {
			return fmt.Errorf("categories: %w", err)
		}
		x := c.In(0)
		if x.DT != tensor.Invalid && (x.DT == tensor.String) != (l.dtype() == tensor.String) {
			return fmt.Errorf("input is %s but the categories are %s", x.DT, l.dtype())
		}
		if !x.Ranked {
			return c.OutUnranked(0, tensor.Float32)
		}
		return c.Out(0, tensor.Float32, append(append([]ops.Dim{}, x.Shape...), ops.Num(l.len()))...)
	},
	Eval: func(c *ops.Call, a *oneHotAttrs) error {
		x, y := c.In(0), tensor.View[float32](c.Out(0))
		clear(y)
		if len(a.CatsStrings) > 0 {
			return a.fill(y, places(a.CatsStrings, tensor.View[string](x)), len(a.CatsStrings))
		}
		n := make([]int64, x.Len())
		num.LoadInt(n, x, 0)
		if x.DType().IsFloat() { // a NaN would become 0
			f := make([]float64, x.Len())
			num.Load64(f, x, 0)
			at := places(a.CatsInt64s, n)
			for i, v := range f {
				if math.IsNaN(v) {
					at[i] = -1
				}
			}
			return a.fill(y, at, len(a.CatsInt64s))
		}
		return a.fill(y, places(a.CatsInt64s, n), len(a.CatsInt64s))
	},
}))

func (a *oneHotAttrs) fill(y []float32, at []int, n int) error {
	for i, p := range at {
		if p >= 0 {
			y[i*n+p] = 1
		} else if !a.Zeros {
			return fmt.Errorf("element %d is none of the %d categories", i, n)
		}
	}
	return nil
}
