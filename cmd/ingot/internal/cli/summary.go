package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/tensor"
)

// namedValue is an output.
type namedValue struct {
	name  string
	value tensor.Value
}

// feedOutputs are a model's outputs in its order.
type feedOutputs []namedValue

// summary is what is told of an output. Min, max and mean are of the finite elements.
type summary struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	Type  string `json:"type,omitempty"` // of what isn't a tensor
	Min   number `json:"min"`
	Max   number `json:"max"`
	Mean  number `json:"mean"`
	NaN   int    `json:"nan"`
	Inf   int    `json:"inf"`
	Head  []any  `json:"head"` // the first elements

	numeric bool
	words   []string
}

// heads is how many elements are shown.
const heads = 5

func summarise(v namedValue) summary {
	t, ok := v.value.(*tensor.Tensor)
	if !ok {
		ty := sym.TypeOf(v.value, false)
		s := summary{Name: v.name, Type: ty.String(), Shape: []int{}}
		if seq, ok := v.value.(*tensor.Sequence); ok {
			s.Type += fmt.Sprintf(" of %d", len(seq.Items))
		}
		return s
	}
	s := summary{Name: v.name, DType: t.DType().String(), Shape: append([]int{}, t.Dims()...), Head: []any{}}
	s.head(t)
	if num.Numeric.Has(t.DType()) {
		s.numeric = true
		s.measure(t)
	}
	return s
}

// measure goes through all elements.
func (s *summary) measure(t *tensor.Tensor) {
	lo, hi, sum, n := math.Inf(1), math.Inf(-1), 0.0, 0
	var block [num.Block]float64
	for off := 0; off < t.Len(); off += len(block) {
		part := block[:min(len(block), t.Len()-off)]
		num.Load64(part, t, off)
		for _, v := range part {
			switch {
			case math.IsNaN(v):
				s.NaN++
			case math.IsInf(v, 0):
				s.Inf++
			default:
				lo, hi, sum = min(lo, v), max(hi, v), sum+v
				n++
			}
		}
	}
	if n == 0 {
		lo, hi = math.NaN(), math.NaN()
	}
	s.Min, s.Max, s.Mean = number(lo), number(hi), number(sum/float64(n))
}

func (s *summary) head(t *tensor.Tensor) {
	n := min(heads, t.Len())
	add := func(v any, word string) { s.Head, s.words = append(s.Head, v), append(s.words, word) }
	for i := range n {
		switch dt := t.DType(); {
		case dt == tensor.String:
			v := tensor.View[string](t)[i]
			add(v, cutText(strconv.Quote(v), 40))
		case dt == tensor.Bool:
			v := t.Bytes()[i] != 0
			add(v, strconv.FormatBool(v))
		case dt.IsSigned():
			var v [1]int64
			num.LoadInt(v[:], t, i)
			add(v[0], strconv.FormatInt(v[0], 10))
		case dt.IsUnsigned():
			var v [1]uint64
			num.LoadUint(v[:], t, i)
			add(v[0], strconv.FormatUint(v[0], 10))
		case dt == tensor.Complex64:
			v := complex128(tensor.View[complex64](t)[i])
			add([]number{number(real(v)), number(imag(v))}, fmt.Sprintf("%.4g", v))
		case dt == tensor.Complex128:
			v := tensor.View[complex128](t)[i]
			add([]number{number(real(v)), number(imag(v))}, fmt.Sprintf("%.4g", v))
		default:
			var v [1]float64
			num.Load64(v[:], t, i)
			add(number(v[0]), short(v[0]))
		}
	}
	if n < t.Len() {
		s.words = append(s.words, "…")
	}
}

// printSummaries prints the table of outputs.
func (a *app) printSummaries(list []summary) {
	t := newTable(a.out)
	t.row("OUTPUT", "DTYPE", "SHAPE", "MIN", "MEAN", "MAX", "NAN", "INF", "FIRST VALUES")
	for _, s := range list {
		dtype, lo, mean, hi := s.DType, "-", "-", "-"
		if s.Type != "" {
			dtype = s.Type
		}
		if s.numeric && !math.IsNaN(float64(s.Min)) {
			lo, mean, hi = short(float64(s.Min)), short(float64(s.Mean)), short(float64(s.Max))
		}
		shape := tensor.ShapeString(s.Shape)
		if s.Type != "" {
			shape = "-"
		}
		t.row(s.Name, dtype, shape, lo, mean, hi, s.NaN, s.Inf, strings.Join(s.words, " "))
	}
	t.flush()
}
