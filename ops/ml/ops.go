// Package ml holds the domain ai.onnx.ml: the operators of classical machine learning, as converters of scikit-learn, XGBoost and LightGBM emit
// them.
//
// Scores are computed in float64 and stored as float32. Where the standard leaves the result open, or speaks of a case that no other runtime
// treats as it says, the comments name what is done. The family isn't in the default set:
//
//	import _ "ingot/ops/ml"
//
// adds its operators to those that every model gets.
package ml

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Domain is the operators' domain.
const Domain = "ai.onnx.ml"

// Ops are the operators of this family.
var Ops ops.Family

func init() { ops.RegisterDefaults(Ops) }

// inputTypes are what most of the operators take.
const inputTypes = "double|float|int32|int64"

// rowsOf reads input 0 as rows of features: [N,C], or [C] as one row. known tells whether its rank is.
func rowsOf(c *ops.Infer) (rows, cols ops.Dim, known bool, err error) {
	s, ranked := c.Shape(0)
	switch {
	case !ranked:
		return rows, cols, false, nil
	case len(s) == 1:
		return ops.Num(1), s[0], true, nil
	case len(s) == 2:
		return s[0], s[1], true, nil
	}
	return rows, cols, false, fmt.Errorf("input has shape %s; must be [N,C] or [C]", sym.ShapeString(s))
}

// outRows sets output o to [N, cols], for N rows of input 0.
func outRows(c *ops.Infer, o int, dt tensor.DType, cols int) error {
	rows, _, known, err := rowsOf(c)
	if err != nil {
		return err
	}
	if !known {
		return c.OutRank(o, dt, 2)
	}
	return c.Out(o, dt, rows, ops.Num(cols))
}

// matrixDims is rowsOf for concrete shapes.
func matrixDims(dims []int) (rows, cols int) {
	if len(dims) == 1 {
		return 1, dims[0]
	}
	return dims[0], dims[1]
}

// classes are the labels of a classifier.
type classes struct {
	ints    []int64
	strings []string
}

func newClasses(ints []int64, strings []string) (classes, error) {
	if len(ints) > 0 == (len(strings) > 0) {
		return classes{}, fmt.Errorf("has %d class labels that are integers and %d that are strings; must have one kind", len(ints), len(strings))
	}
	return classes{ints, strings}, nil
}

func (l *classes) len() int { return len(l.ints) + len(l.strings) }

func (l *classes) dtype() tensor.DType {
	if len(l.strings) > 0 {
		return tensor.String
	}
	return tensor.Int64
}

// tensor returns the labels as a vector.
func (l *classes) tensor() *tensor.Tensor {
	if len(l.strings) > 0 {
		return tensor.Of(l.strings)
	}
	return tensor.Of(l.ints)
}

// infer sets output 0 to a label for each row, and output 1 to their scores.
func (l *classes) infer(c *ops.Infer, scores int) error {
	rows, _, known, err := rowsOf(c)
	if err != nil {
		return err
	}
	if !known {
		rows = c.Fresh()
	}
	_ = c.Out(0, l.dtype(), rows)
	return c.Out(1, tensor.Float32, rows, ops.Num(scores))
}

// writer stores the results of rows. Outputs that nobody wants are left out.
type writer struct {
	*classes
	labels []string
	ids    []int64
	scores []float32
}

func (w *writer) open(c *ops.Call) {
	w.labels, w.ids, w.scores = nil, nil, nil
	if t := c.Out(0); t != nil {
		w.labels, w.ids = tensor.View[string](t), tensor.View[int64](t)
	}
	if t := c.Out(1); t != nil {
		w.scores = tensor.View[float32](t)
	}
}

// label stores class k as the label of a row; -1 says that the only class there is doesn't hold, which is 0 or "".
func (w *writer) label(row, k int) {
	switch {
	case w.labels != nil && k < 0:
		w.labels[row] = ""
	case w.labels != nil:
		w.labels[row] = w.strings[k]
	case w.ids != nil && k < 0:
		w.ids[row] = 0
	case w.ids != nil:
		w.ids[row] = w.ints[k]
	}
}

// score stores a row's scores.
func (w *writer) score(row int, s []float64) {
	if w.scores != nil {
		store(w.scores[row*len(s):], s)
	}
}

func store(dst []float32, s []float64) {
	for i, v := range s {
		dst[i] = float32(v)
	}
}

// top is the first of the greatest scores.
func top(s []float64) int {
	k := 0
	for i, v := range s {
		if v > s[k] {
			k = i
		}
	}
	return k
}
