package contrib

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

var tokenizerOps = []*ops.Op{
	ops.Def(ops.Spec[tokenizerAttrs]{
		Name: "Tokenizer", Domain: domain, Vers: since1, In: "X:T", Out: "Y:T", Types: "T=string",
		Infer: func(c *ops.Infer, a *tokenizerAttrs) error {
			if _, err := a.cutter(); err != nil {
				return err
			}
			x, ok := c.Shape(0)
			if !ok {
				return c.OutUnranked(0, tensor.String)
			}
			if len(x) != 1 && len(x) != 2 {
				return fmt.Errorf("input X is %s; it must have 1 or 2 dimensions", sym.ShapeString(x))
			}
			switch last := x[len(x)-1]; {
			case last.Is(0):
				return c.OutLike(0, 0)
			case !last.Known(): // it may turn out to be 0
				return c.OutUnranked(0, tensor.String)
			}
			return c.Out(0, tensor.String, append(append([]ops.Dim{}, x...), c.Fresh())...)
		},
		Eval: evalTokenizer,
	}),
}

type tokenizerAttrs struct {
	Mark       int    `onnx:",required"`
	Mincharnum int    `onnx:",required"`
	PadValue   string `onnx:",required"`
	Separators []string
	Tokenexp   *string
}

// The marks in front of a text's tokens and behind them.
const startOfText, endOfText = "\x02", "\x03"

// cutter returns what cuts a text into tokens: at separators, at matches of an expression, or at each character. Expressions are of RE2's syntax, and
// match as much as they can.
func (a *tokenizerAttrs) cutter() (func(text string) []string, error) {
	if a.Mincharnum < 1 {
		return nil, fmt.Errorf("mincharnum is %d; it must be positive", a.Mincharnum)
	}
	if (a.Tokenexp != nil) == (len(a.Separators) > 0) {
		return nil, fmt.Errorf("there must be either separators or tokenexp")
	}
	if a.Tokenexp != nil && *a.Tokenexp == "." || len(a.Separators) == 1 && a.Separators[0] == "" {
		if a.Mincharnum > 1 {
			return nil, fmt.Errorf("mincharnum is %d, but the tokens are single characters", a.Mincharnum)
		}
		return characters, nil
	}
	if a.Tokenexp != nil {
		e, err := compileLongest("tokenexp", *a.Tokenexp)
		return func(text string) []string { return matches(e, text, a.Mincharnum) }, err
	}
	var list []*regexp.Regexp
	for _, s := range a.Separators {
		e, err := compileLongest("separators", s)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return func(text string) []string {
		parts := []string{text}
		for _, e := range list {
			var next []string
			for _, p := range parts {
				next = append(next, between(e, p, a.Mincharnum)...)
			}
			parts = next
		}
		return parts
	}, nil
}

func compileLongest(attr, expr string) (*regexp.Regexp, error) {
	e, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("attribute %s has %q: %w", attr, expr, err)
	}
	e.Longest()
	return e, nil
}

func characters(text string) []string {
	out := make([]string, 0, len(text))
	for _, r := range text {
		out = append(out, string(r))
	}
	return out
}

// matchAt finds the first match at a place or behind it.
func matchAt(e *regexp.Regexp, text string, from int) (lo, hi int, ok bool) {
	m := e.FindStringIndex(text[from:])
	if m == nil {
		return 0, 0, false
	}
	return from + m[0], from + m[1], true
}

// matches are the matches that are long enough. Behind one that is too short the search goes on with the next character.
func matches(e *regexp.Regexp, text string, least int) (out []string) {
	for at := 0; at <= len(text); {
		lo, hi, ok := matchAt(e, text, at)
		switch {
		case !ok:
			return out
		case utf8.RuneCountInString(text[lo:hi]) >= least:
			out = append(out, text[lo:hi])
			at = hi
		default:
			_, n := utf8.DecodeRuneInString(text[lo:])
			at = lo + max(n, 1)
		}
	}
	return out
}

// between are the parts between matches that are long enough. An empty match separates in front of a character, which is lost.
func between(e *regexp.Regexp, text string, least int) (out []string) {
	keep := func(s string) {
		if utf8.RuneCountInString(s) >= least {
			out = append(out, s)
		}
	}
	at := 0
	for at <= len(text) {
		lo, hi, ok := matchAt(e, text, at)
		if !ok {
			keep(text[at:])
			return out
		}
		keep(text[at:lo])
		if at = hi; lo == hi {
			_, n := utf8.DecodeRuneInString(text[lo:])
			at += max(n, 1)
		}
	}
	return out
}

func evalTokenizer(c *ops.Call, a *tokenizerAttrs) error {
	cut, err := a.cutter()
	if err != nil {
		return err
	}
	x := c.In(0)
	shape := x.Shape()
	if x.Len() == 0 {
		if shape[len(shape)-1] != 0 {
			shape = append(shape, 0)
		}
		_, err := c.OutOrAlloc(0, tensor.String, shape...)
		return err
	}
	most := 0
	tokens := make([][]string, x.Len())
	for i, s := range tensor.View[string](x) {
		if !utf8.ValidString(s) {
			return fmt.Errorf("element %d of X, %q, isn't UTF-8", i, s)
		}
		tokens[i] = cut(s)
		most = max(most, len(tokens[i]))
	}
	marked := a.Mark != 0 && most > 0
	if marked {
		most += 2
	}
	y, err := c.OutOrAlloc(0, tensor.String, append(shape, most)...)
	if err != nil {
		return err
	}
	out := tensor.View[string](y)
	for i, list := range tokens {
		row := out[i*most:][:most]
		if marked {
			list = append(append([]string{startOfText}, list...), endOfText)
		}
		for k := range row {
			row[k] = a.PadValue
		}
		copy(row, list)
	}
	return nil
}
