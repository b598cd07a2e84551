package ml

import (
	"errors"
	"fmt"
	"math"

	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// perTile is the number of elements that a worker takes at a time in cheap operators.
const perTile = 1 << 14

type binarizerAttrs struct {
	Threshold float32 `onnx:",0.0"`
}

// Binarizer is 1 for what is greater than a threshold, else 0.
var Binarizer = Ops.Add(ops.Def(ops.Spec[binarizerAttrs]{
	Name: "Binarizer", Domain: Domain, In: "X:T", Out: "Y:T", Types: "T=" + inputTypes, Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, _ *binarizerAttrs) error { return c.OutLike(0, 0) },
	Eval: func(c *ops.Call, a *binarizerAttrs) error {
		switch x := c.In(0); x.DType() {
		case tensor.Float32:
			return binarize[float32](c, a.Threshold)
		case tensor.Float64:
			return binarize[float64](c, a.Threshold)
		case tensor.Int32:
			return binarize[int32](c, a.Threshold)
		default:
			return binarize[int64](c, a.Threshold)
		}
	},
	InPlace: [][2]int8{{0, 0}},
}))

func binarize[T float32 | float64 | int32 | int64](c *ops.Call, threshold float32) error {
	x, y := tensor.View[T](c.In(0)), tensor.View[T](c.Out(0))
	return c.For(len(x), perTile, func(lo, hi int) {
		for i, v := range x[lo:hi] {
			y[lo+i] = 0
			if float64(v) > float64(threshold) {
				y[lo+i] = 1
			}
		}
	})
}

type scalerAttrs struct{ Offset, Scale []float32 }

// Scaler is (x − offset)·scale, with one of each for all or for each feature. What is missing does nothing.
var Scaler = Ops.Add(ops.Def(ops.Spec[scalerAttrs]{
	Name: "Scaler", Domain: Domain, In: "X:T", Out: "Y:float", Types: "T=" + inputTypes, Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *scalerAttrs) error {
		x := c.In(0)
		if len(a.Offset) > 0 && len(a.Scale) > 0 && len(a.Offset) != len(a.Scale) {
			return fmt.Errorf("attribute offset has %d elements and scale %d; must be as many", len(a.Offset), len(a.Scale))
		}
		for _, l := range [][]float32{a.Offset, a.Scale} {
			if err := checkFeatures("attributes offset and scale", len(l), x); err != nil {
				return err
			}
		}
		return c.OutType(0, ops.Type{DT: tensor.Float32, Shape: x.Shape, Ranked: x.Ranked})
	},
	Eval: func(c *ops.Call, a *scalerAttrs) error {
		y := tensor.View[float32](c.Out(0))
		offset, scale := widened(a.Offset, 0), widened(a.Scale, 1)
		return c.For(len(y), perTile, func(lo, hi int) {
			var buf [num.Block]float64
			for lo < hi {
				part := buf[:min(num.Block, hi-lo)]
				num.Load64(part, c.In(0), lo)
				for i, v := range part {
					y[lo+i] = float32((v - offset[(lo+i)%len(offset)]) * scale[(lo+i)%len(scale)])
				}
				lo += len(part)
			}
		})
	},
}))

// checkFeatures verifies that a list has one element, one for each feature, or none.
func checkFeatures(what string, n int, x *ops.Type) error {
	if n <= 1 || !x.Ranked {
		return nil
	}
	if len(x.Shape) == 0 {
		return fmt.Errorf("%s: %d elements for a scalar", what, n)
	}
	last := x.Shape[len(x.Shape)-1]
	if last.Known() && !last.Is(int64(n)) {
		return fmt.Errorf("%s: %d elements; must be 1 or %s, the number of features", what, n, last)
	}
	return nil
}

// widened returns a list as float64, or one default.
func widened(l []float32, def float64) []float64 {
	if len(l) == 0 {
		return []float64{def}
	}
	out := make([]float64, len(l))
	for i, v := range l {
		out[i] = float64(v)
	}
	return out
}

type normalizerAttrs struct {
	Norm string `onnx:",MAX"`
}

// Normalizer divides rows by their greatest element, the sum of their magnitudes, or their length. A divisor of 0 leaves a row as it is.
var Normalizer = Ops.Add(ops.Def(ops.Spec[normalizerAttrs]{
	Name: "Normalizer", Domain: Domain, In: "X:T", Out: "Y:float", Types: "T=" + inputTypes, Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *normalizerAttrs) error {
		if a.Norm != "MAX" && a.Norm != "L1" && a.Norm != "L2" {
			return fmt.Errorf("attribute norm: %q, must be MAX, L1 or L2", a.Norm)
		}
		x := c.In(0)
		if _, _, _, err := rowsOf(c); err != nil {
			return err
		}
		return c.OutType(0, ops.Type{DT: tensor.Float32, Shape: x.Shape, Ranked: x.Ranked})
	},
	Eval: func(c *ops.Call, a *normalizerAttrs) error {
		rows, cols := matrixDims(c.In(0).Dims())
		y := tensor.View[float32](c.Out(0))
		return c.For(rows, max(1, perTile/max(cols, 1)), func(lo, hi int) {
			row := make([]float64, cols)
			for r := lo; r < hi; r++ {
				num.Load64(row, c.In(0), r*cols)
				d := divisor(row, a.Norm)
				for i, v := range row {
					y[r*cols+i] = float32(v / d)
				}
			}
		})
	},
}))

func divisor(row []float64, norm string) float64 {
	d := 0.0
	if norm == "MAX" {
		d = math.Inf(-1)
	}
	for _, v := range row {
		switch norm {
		case "MAX":
			d = max(d, v)
		case "L1":
			d += math.Abs(v)
		default:
			d += v * v
		}
	}
	if norm == "L2" {
		d = math.Sqrt(d)
	}
	if d == 0 {
		return 1
	}
	return d
}

type imputerAttrs struct {
	ImputedValueFloats []float32 `onnx:"imputed_value_floats"`
	ImputedValueInt64s []int64   `onnx:"imputed_value_int64s"`
	ReplacedValueFloat float32   `onnx:",0.0"`
	ReplacedValueInt64 int64     `onnx:"replaced_value_int64,0"`
}

// Imputer replaces the elements that equal a value, NaN included, by another: one for all, or one for each feature.
var Imputer = Ops.Add(ops.Def(ops.Spec[imputerAttrs]{
	Name: "Imputer", Domain: Domain, In: "X:T", Out: "Y:T", Types: "T=" + inputTypes, Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *imputerAttrs) error {
		x := c.In(0)
		n := len(a.ImputedValueInt64s)
		if x.DT.IsFloat() {
			n = len(a.ImputedValueFloats)
		}
		if n == 0 && x.DT != tensor.Invalid {
			return fmt.Errorf("has no imputed values for %s", x.DT)
		}
		if err := checkFeatures("imputed values", n, x); err != nil {
			return err
		}
		return c.OutLike(0, 0)
	},
	Eval: func(c *ops.Call, a *imputerAttrs) error {
		switch c.In(0).DType() {
		case tensor.Float32:
			return impute[float32](c, a.ImputedValueFloats, a.ReplacedValueFloat)
		case tensor.Float64:
			return impute[float64](c, a.ImputedValueFloats, a.ReplacedValueFloat)
		case tensor.Int32:
			return impute[int32](c, a.ImputedValueInt64s, a.ReplacedValueInt64)
		default:
			return impute[int64](c, a.ImputedValueInt64s, a.ReplacedValueInt64)
		}
	},
	InPlace: [][2]int8{{0, 0}},
}))

func impute[T float32 | float64 | int32 | int64, V float32 | int64](c *ops.Call, values []V, replaced V) error {
	x, y := tensor.View[T](c.In(0)), tensor.View[T](c.Out(0))
	old, nan := T(replaced), replaced != replaced
	if V(old) != replaced && !nan { // no int32 is that number
		copy(y, x)
		return nil
	}
	return c.For(len(x), perTile, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			v := x[i]
			if v == old || nan && v != v {
				v = T(values[i%len(values)])
			}
			y[i] = v
		}
	})
}

type vectorizerAttrs struct {
	Inputdimensions []int `onnx:"inputdimensions"`
}

// FeatureVectorizer joins rows of features. What an input lacks of its number of features is filled with zeros, what is too much left out.
var FeatureVectorizer = Ops.Add(ops.Def(ops.Spec[vectorizerAttrs]{
	Name: "FeatureVectorizer", Domain: Domain, In: "X:T1*", Out: "Y:float", Types: "T1=" + inputTypes, Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *vectorizerAttrs) error {
		if n := len(a.Inputdimensions); n > 0 && n != c.NumIn() {
			return fmt.Errorf("attribute inputdimensions has %d elements for %d inputs", n, c.NumIn())
		}
		rows, cols := c.Fresh(), ops.Num(0)
		for i := range c.NumIn() {
			s, ranked := c.Shape(i)
			if ranked && len(s) != 1 && len(s) != 2 {
				return fmt.Errorf("input %d has shape %s; must be [N,C] or [C]", i, sym.ShapeString(s))
			}
			n, width := c.Fresh(), c.Fresh()
			if ranked {
				n, width = ops.Num(1), s[len(s)-1]
				if len(s) == 2 {
					n = s[0]
				}
			}
			if rows.Known() && n.Known() && !n.Equal(rows) {
				return fmt.Errorf("input %d has %s rows, others %s", i, n, rows)
			}
			if n.Known() || i == 0 {
				rows = n
			}
			if len(a.Inputdimensions) > 0 {
				if a.Inputdimensions[i] < 0 {
					return errors.New("attribute inputdimensions has a negative element")
				}
				width = ops.Num(a.Inputdimensions[i])
			}
			cols = cols.Add(width)
		}
		return c.Out(0, tensor.Float32, rows, cols)
	},
	Eval: func(c *ops.Call, a *vectorizerAttrs) error {
		y := tensor.View[float32](c.Out(0))
		rows, total := matrixDims(c.Out(0).Dims())
		clear(y)
		at := 0
		for i := range c.Ins {
			n, cols := matrixDims(c.In(i).Dims())
			if n != rows {
				return fmt.Errorf("input %d has %d rows, others %d", i, n, rows)
			}
			width := cols
			if len(a.Inputdimensions) > 0 {
				width = a.Inputdimensions[i]
			}
			for r := range rows {
				num.Load32(y[r*total+at:][:min(width, cols)], c.In(i), r*cols)
			}
			at += width
		}
		return nil
	},
}))

type noAttrs struct{}

// ArrayFeatureExtractor picks features. A vector gives one row.
var ArrayFeatureExtractor = Ops.Add(ops.Def(ops.Spec[noAttrs]{
	Name: "ArrayFeatureExtractor", Domain: Domain, In: "X:T, Y:int64", Out: "Z:T", Types: "T=" + inputTypes + "|string", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, _ *noAttrs) error {
		x, ranked := c.Shape(0)
		if !ranked {
			return c.OutUnranked(0, c.In(0).DT)
		}
		if len(x) == 0 {
			return errors.New("input is a scalar; must have features")
		}
		n := c.Fresh()
		if y, ok := c.Shape(1); ok {
			n = sym.Prod(y)
		}
		out := append([]ops.Dim{}, x[:len(x)-1]...)
		if len(x) == 1 {
			out = append(out, ops.Num(1))
		}
		return c.Out(0, c.In(0).DT, append(out, n)...)
	},
	Eval: func(c *ops.Call, _ *noAttrs) error {
		index, d := tensor.View[int64](c.In(1)), c.In(0).Dims()
		for _, i := range index {
			if i < 0 || i >= int64(d[len(d)-1]) {
				return fmt.Errorf("index %d is outside of %d features", i, d[len(d)-1])
			}
		}
		switch c.In(0).DType().Size() {
		case 0:
			pick[string](c, index)
		case 4:
			pick[uint32](c, index)
		default:
			pick[uint64](c, index)
		}
		return nil
	},
}))

func pick[T any](c *ops.Call, index []int64) {
	x, z := tensor.View[T](c.In(0)), tensor.View[T](c.Out(0))
	d := c.In(0).Dims()
	cols := d[len(d)-1]
	for i := range z {
		z[i] = x[i/len(index)*cols+int(index[i%len(index)])]
	}
}
