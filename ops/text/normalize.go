package text

import (
	"fmt"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"ingot/ops"
	"ingot/tensor"
)

type normalizerAttrs struct {
	CaseChangeAction string `onnx:",NONE"`
	IsCaseSensitive  bool   `onnx:",0"`
	Locale           string
	Stopwords        []string
}

// StringNormalizer removes stop words from a list of words, [C] or [1,C], and then changes the case of the others by the rules of a locale.
// When none is left, the result is one empty string.
var StringNormalizer = Ops.Add(ops.Def(ops.Spec[normalizerAttrs]{
	Name: "StringNormalizer", In: "X:string", Out: "Y:string", Vers: []ops.Ver{{Since: 10}},
	Infer: func(c *ops.Infer, a *normalizerAttrs) error {
		switch a.CaseChangeAction {
		case "LOWER", "UPPER", "NONE":
		default:
			return fmt.Errorf(`attribute case_change_action: %q, must be "LOWER", "UPPER" or "NONE"`, a.CaseChangeAction)
		}
		if _, err := parseLocale(a.Locale); err != nil {
			return err
		}
		x, ranked := c.Shape(0)
		if !ranked {
			return c.OutUnranked(0, tensor.String)
		}
		n, known := ops.Dim{}, false
		if len(x) == 2 {
			n, known = x[0], x[0].Known()
		}
		if len(x) != 1 && len(x) != 2 || known && !n.Is(1) {
			t := c.In(0)
			return fmt.Errorf("input is %s; must be of shape [C] or [1,C]", t)
		}
		out := append([]ops.Dim{}, x...)
		out[0] = ops.Num(1)
		if len(a.Stopwords) > 0 || !x[len(x)-1].Known() || x[len(x)-1].Is(0) {
			out[len(x)-1] = c.Fresh()
		} else {
			out[len(x)-1] = x[len(x)-1]
		}
		return c.Out(0, tensor.String, out...)
	},
	Eval: func(c *ops.Call, a *normalizerAttrs) error {
		tag, err := parseLocale(a.Locale)
		if err != nil {
			return err
		}
		lower, upper := cases.Lower(tag), cases.Upper(tag)
		change, fold := func(s string) string { return s }, lower.String
		switch a.CaseChangeAction {
		case "LOWER":
			change = lower.String
		case "UPPER":
			change, fold = upper.String, upper.String
		}
		if a.IsCaseSensitive {
			fold = func(s string) string { return s }
		}
		stop := make(map[string]bool, len(a.Stopwords))
		for _, w := range a.Stopwords {
			stop[fold(w)] = true
		}
		var kept []string
		for _, s := range tensor.View[string](c.In(0)) {
			if len(stop) == 0 || !stop[fold(s)] {
				kept = append(kept, change(s))
			}
		}
		if len(kept) == 0 {
			kept = []string{""}
		}
		shape := []int{1, len(kept)}
		y, err := c.OutOrAlloc(0, tensor.String, shape[2-c.In(0).Rank():]...)
		if err != nil {
			return err
		}
		copy(tensor.View[string](y), kept)
		return nil
	},
}))

// parseLocale reads names such as "en_US", "tr-TR.UTF-8" and "C". An empty one has no rules beyond Unicode's.
func parseLocale(name string) (language.Tag, error) {
	base, _, _ := strings.Cut(name, ".")
	base, _, _ = strings.Cut(base, "@")
	if base == "" || base == "C" || base == "POSIX" {
		return language.Und, nil
	}
	tag, err := language.Parse(base)
	if err != nil {
		return tag, fmt.Errorf("attribute locale: %q: %w", name, err)
	}
	return tag, nil
}
