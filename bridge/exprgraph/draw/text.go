package draw

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ingot/loader"
	"ingot/ops"
	"ingot/tensor"
)

// shorten cuts text to n characters, in the middle: names differ at their ends.
func shorten(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	head := (n - 1) / 3
	return string(r[:head]) + "…" + string(r[len(r)-(n-1-head):])
}

// paramName is what the operator calls operand k; its number for one that isn't known.
func paramName(spec *ops.Op, k int) string {
	if spec != nil {
		in := spec.Newest().In
		switch last := len(in) - 1; {
		case k < last, k == last && !in[last].Variadic:
			return in[k].Name
		case last >= 0 && in[last].Variadic:
			return fmt.Sprintf("%s%d", in[last].Name, k-last)
		}
	}
	return fmt.Sprintf("#%d", k)
}

// shortNames are attributes that are on most convolutions: their values say enough.
var shortNames = map[string]string{"kernel_shape": "kernel", "strides": "stride", "dilations": "dilation", "pads": "pad", "hidden_size": "hidden"}

// attributes are those of a node that tell it from others, those at their defaults left out, in few lines.
func attributes(n *loader.Node, spec *ops.Op) []string {
	defaults := map[string]string{}
	if spec != nil {
		for _, v := range spec.Versions {
			for _, a := range v.Attrs {
				if _, ok := defaults[a.Name]; !ok {
					defaults[a.Name] = a.Default
				}
			}
		}
	}
	var lines []string
	line := ""
	const width = 34
	for _, a := range n.Attrs {
		text := attrText(a)
		if text == "" || len(a.Subgraphs()) > 0 || usual(a, text, defaults[a.Name]) {
			continue
		}
		name := a.Name
		switch {
		case shortNames[name] != "":
			text = shortNames[name] + " " + sizes(a.Ints, text)
		case a.Type == loader.AttrInt && a.Name == "to":
			text = "to " + tensor.DType(a.I).String()
		default:
			text = name + " " + text
		}
		text = shorten(text, width)
		if line != "" && len(line)+2+len(text) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += ", "
		}
		line += text
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// usual reports whether an attribute says what it would be without it.
func usual(a *loader.Attr, text, byDefault string) bool {
	only := func(v int64) bool { return !slices.ContainsFunc(a.Ints, func(i int64) bool { return i != v }) }
	switch a.Name {
	case "strides", "dilations":
		return only(1)
	case "pads":
		return only(0)
	case "group":
		return a.I == 1
	case "auto_pad":
		return a.S == "NOTSET"
	}
	if f, err := strconv.ParseFloat(byDefault, 32); err == nil && a.Type == loader.AttrFloat {
		return float32(f) == a.F
	}
	return text == byDefault || a.Type == loader.AttrInt && a.I == 0 && byDefault == ""
}

// sizes writes [3,3] as 3×3, and pads that are all the same as one.
func sizes(list []int64, otherwise string) string {
	if len(list) == 0 {
		return otherwise
	}
	if len(list) > 3 && !slices.ContainsFunc(list, func(v int64) bool { return v != list[0] }) {
		return strconv.FormatInt(list[0], 10)
	}
	text := make([]string, len(list))
	for i, v := range list {
		text[i] = strconv.FormatInt(v, 10)
	}
	if len(list) > 3 {
		return strings.Join(text, ",")
	}
	return strings.Join(text, "×")
}

// attrText is an attribute's value, in one line; "" for a graph.
func attrText(a *loader.Attr) string {
	switch a.Type {
	case loader.AttrFloat:
		return number(a.F)
	case loader.AttrInt:
		return strconv.FormatInt(a.I, 10)
	case loader.AttrString:
		return shorten(strconv.QuoteToGraphic(a.S), 60)
	case loader.AttrTensor:
		if a.T == nil {
			return ""
		}
		if text, ok := elements(a.T); ok {
			return text
		}
		return a.T.DType().String() + tensor.ShapeString(a.T.Dims())
	case loader.AttrFloats:
		return list(a.Floats, number)
	case loader.AttrInts:
		return list(a.Ints, integer)
	case loader.AttrStrings:
		return list(a.Strings, strconv.QuoteToGraphic)
	}
	return ""
}

// integer writes a number; the largest and the smallest are those of a Slice without an end.
func integer(v int64) string {
	switch v {
	case math.MaxInt64:
		return "max"
	case math.MinInt64:
		return "min"
	}
	return strconv.FormatInt(v, 10)
}

func number(v float32) string { return strconv.FormatFloat(float64(v), 'g', 5, 32) }

// fewElements is how many elements are shown.
const fewElements = 8

func list[T any](v []T, format func(T) string) string {
	var parts []string
	for i, x := range v {
		if i == fewElements {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, format(x))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// shortType leaves long expressions out of a type: "float32[batch,64,…,…]".
func shortType(t string) string {
	head, shape, ok := strings.Cut(t, "[")
	if !ok || !strings.HasSuffix(shape, "]") {
		return shorten(t, 40)
	}
	const long, most = 14, 8
	var dims []string
	depth, begin := 0, 0
	shape = strings.TrimSuffix(shape, "]") + ","
	for i, r := range shape { // commas inside of max(a,b) don't part dimensions
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			dim := shape[begin:i]
			begin = i + 1
			switch {
			case len(dim) <= long:
			case strings.ContainsAny(dim, "+-*/("):
				dim = "…"
			default:
				dim = shorten(dim, long)
			}
			dims = append(dims, dim)
		}
	}
	if len(dims) > most {
		dims = append(dims[:most-1], "…")
	}
	return head + "[" + strings.Join(dims, ",") + "]"
}

// elements shows a small constant's elements: what a Reshape, a Clip or an Add of a number needs.
func elements(t *tensor.Tensor) (string, bool) {
	if t.Rank() > 1 && t.Len() > 1 || t.Len() > fewElements {
		return "", false
	}
	var text string
	switch t.DType() {
	case tensor.Int64:
		text = list(tensor.View[int64](t), integer)
	case tensor.Int32:
		text = list(tensor.View[int32](t), func(v int32) string { return strconv.FormatInt(int64(v), 10) })
	case tensor.Float32:
		text = list(tensor.View[float32](t), number)
	case tensor.Float64:
		text = list(tensor.View[float64](t), func(v float64) string { return number(float32(v)) })
	case tensor.Uint8:
		text = list(tensor.View[uint8](t), func(v uint8) string { return strconv.Itoa(int(v)) })
	case tensor.Bool:
		text = list(tensor.View[bool](t), strconv.FormatBool)
	case tensor.String:
		text = list(tensor.View[string](t), strconv.QuoteToGraphic)
	default:
		return "", false
	}
	if t.Rank() == 0 || t.Rank() > 1 {
		text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	}
	return text, true
}

// weightLine is the line of an operator for a weight that it uses: "W float32[64,3,7,7]", or "shape [1,-1]".
func weightLine(param string, v value) string {
	text := v.typ
	if v.weight != nil {
		var ok bool
		if text, ok = elements(v.weight); !ok {
			text = v.weight.DType().String() + tensor.ShapeString(v.weight.Dims())
		}
	}
	if text == "" {
		text = v.name
	}
	return shorten(strings.TrimSpace(param+" "+text), 40)
}

// constantTensor is the value of a Constant, nil if its attribute isn't one that a tensor can be made of here.
func constantTensor(a *loader.Attr) *tensor.Tensor {
	switch a.Type {
	case loader.AttrTensor:
		return a.T
	case loader.AttrInt:
		return tensor.Scalar(a.I)
	case loader.AttrFloat:
		return tensor.Scalar(a.F)
	case loader.AttrInts:
		return tensor.Of(a.Ints, len(a.Ints))
	case loader.AttrFloats:
		return tensor.Of(a.Floats, len(a.Floats))
	case loader.AttrString:
		return tensor.Scalar(a.S)
	case loader.AttrStrings:
		return tensor.Of(a.Strings, len(a.Strings))
	}
	return nil
}
