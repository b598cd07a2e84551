package feed

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"ingot"
	"ingot/internal/num"
	"ingot/tensor"
)

// literal makes a tensor of numbers or text that were typed.
func (b *builder) literal(g given) (*tensor.Tensor, error) {
	v := g.info
	if v.Kind != ingot.KindTensor {
		return nil, wrong("input %q is %s; it can only come from --data", v.Name, v)
	}
	dt := v.DType
	if dt == tensor.Invalid {
		dt = tensor.Float32
		if strings.HasPrefix(g.text, `"`) {
			dt = tensor.String
		}
	}
	if dt != tensor.String && strings.TrimSpace(g.text) == "" {
		return nil, wrong("input %q has no value", v.Name)
	}
	words, shape, err := parseWords(g.text, dt)
	if err != nil {
		return nil, wrong("input %q: %v", v.Name, err).hint("%s", b.example())
	}
	if shape == nil {
		if shape, err = b.fit(v, len(words)); err != nil {
			return nil, err
		}
	}
	t, err := tensor.New(dt, shape...)
	if err != nil {
		return nil, wrong("input %q: %v", v.Name, err)
	}
	for i, w := range words {
		if err := store(t, i, w); err != nil {
			return nil, wrong("input %q takes %s, and %q isn't one", v.Name, dt, w).hint("%s", b.example())
		}
	}
	return t, nil
}

// parseWords splits 1,2,3 or "a","b", or nested lists; the shape is nil when the text has none.
func parseWords(text string, dt tensor.DType) (words []string, shape []int, err error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "["):
		return parseNested(trimmed)
	case dt != tensor.String:
		for _, w := range strings.Split(text, ",") {
			words = append(words, strings.TrimSpace(w))
		}
		return words, nil, nil
	case strings.HasPrefix(trimmed, `"`):
		words, _, err = parseNested("[" + trimmed + "]")
		return words, nil, err
	}
	return []string{text}, nil, nil // text without quotes, all of it
}

// parseNested reads lists of lists in JSON's notation, all of one shape.
func parseNested(text string) (words []string, shape []int, err error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, nil, wrong("%s isn't a list of numbers or strings: %v", text, err)
	}
	if dec.More() {
		return nil, nil, wrong("%s has something after the list", text)
	}
	for l, ok := v.([]any); ok; l, ok = l[0].([]any) {
		shape = append(shape, len(l))
		if len(l) == 0 {
			break
		}
	}
	words, err = flatten(nil, v, shape)
	return words, shape, err
}

func flatten(words []string, v any, shape []int) ([]string, error) {
	l, isList := v.([]any)
	if isList != (len(shape) > 0) || isList && len(l) != shape[0] {
		return nil, wrong("the lists aren't all of the same length")
	}
	if isList {
		var err error
		for _, x := range l {
			if words, err = flatten(words, x, shape[1:]); err != nil {
				return nil, err
			}
		}
		return words, nil
	}
	switch v := v.(type) {
	case json.Number:
		return append(words, v.String()), nil
	case string:
		return append(words, v), nil
	case bool:
		return append(words, strconv.FormatBool(v)), nil
	}
	return nil, wrong("%v is neither a number nor a string", v)
}

// fit finds the shape that n elements have in an input: of its open dimensions the last takes what the others leave.
func (b *builder) fit(v *ingot.ValueInfo, n int) ([]int, error) {
	if v.Dims == nil {
		return []int{n}, nil
	}
	shape := make([]int, len(v.Dims))
	rest, open := n, -1
	for k := range v.Dims {
		d, ok := b.dims.size(v, k)
		if !ok {
			d = 1
			open = k
		}
		if d > math.MaxInt32 {
			d = math.MaxInt32
		}
		shape[k] = int(d)
	}
	for k, d := range shape {
		if k == open {
			continue
		}
		if d == 0 || rest%d != 0 {
			rest = -1
			break
		}
		rest /= d
	}
	if open >= 0 && rest > 0 {
		shape[open] = rest
		rest = 1
	}
	if rest != 1 {
		return nil, wrong("input %q is %s; %d values don't fill it", v.Name, v, n).hint("-i %s=@x.npy reads an array from a file", v.Name)
	}
	return shape, nil
}

// store puts a word into t, exactly.
func store(t *tensor.Tensor, i int, w string) error {
	dt := t.DType()
	switch {
	case dt == tensor.String:
		tensor.View[string](t)[i] = w
	case dt == tensor.Bool:
		v, err := strconv.ParseBool(w)
		if err != nil {
			return err
		}
		tensor.View[bool](t)[i] = v
	case dt.IsSigned():
		v, err := strconv.ParseInt(w, 10, dt.Bits())
		if err != nil {
			return err
		}
		num.StoreInt(t, i, []int64{v})
	case dt.IsUnsigned():
		v, err := strconv.ParseUint(w, 10, dt.Bits())
		if err != nil {
			return err
		}
		num.StoreUint(t, i, []uint64{v})
	case dt == tensor.Complex64:
		v, err := strconv.ParseComplex(w, 64)
		if err != nil {
			return err
		}
		tensor.View[complex64](t)[i] = complex64(v)
	case dt == tensor.Complex128:
		v, err := strconv.ParseComplex(w, 128)
		if err != nil {
			return err
		}
		tensor.View[complex128](t)[i] = v
	default:
		bits := 64
		if dt == tensor.Float32 {
			bits = 32
		}
		v, err := strconv.ParseFloat(w, bits)
		if err != nil {
			return err
		}
		num.Store64(t, i, []float64{v})
	}
	return nil
}
