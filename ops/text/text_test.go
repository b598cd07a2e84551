package text

import (
	"fmt"
	"strings"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

var attrs = optest.Attrs

// words makes a tensor of strings; without a shape, a vector.
func words(list []string, shape ...int) *tensor.Tensor { return tensor.Of(list, shape...) }

func vector(list ...string) *tensor.Tensor { return words(list, len(list)) }

func TestConcat(t *testing.T) {
	x := words([]string{"a", "b", "c"}, 3, 1)
	got := optest.Eval(t, StringConcat, nil, x, vector("x", ""))
	optest.Strings(t, "broadcast", got, "[3,2]", "ax", "a", "bx", "b", "cx", "c")
	scalar := words([]string{"ö"}, []int{}...)
	optest.Strings(t, "scalars", optest.Eval(t, StringConcat, nil, scalar, scalar), "[]", "öö")
	optest.Strings(t, "empty", optest.Eval(t, StringConcat, nil, words(nil, 0, 2), scalar), "[0,2]")
	many := make([]string, 3*1000)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for i, s := range tensor.View[string](optest.Eval(t, StringConcat, nil, words(many, 3, 1000), words(many[:3], 3, 1))) {
		if want := many[i] + many[i/1000]; s != want {
			t.Fatalf("element %d is %s, want %s", i, s, want)
		}
	}
	optest.Fails(t, StringConcat, nil, "don't broadcast", vector("a", "b"), vector("a", "b", "c"))
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		in    string
		attrs []any
		want  string // joined by |
		count int64
	}{
		{"a b  c", nil, "a|b|c", 3}, {"  a\tb\n", nil, "a|b", 2}, {"", nil, "", 0}, {" \u00a0 ", nil, "", 0},
		{"a b  c ", []any{"maxsplit", 1}, "a|b  c ", 2}, {"  a b", []any{"maxsplit", 0}, "a b", 1}, {"a b", []any{"maxsplit", -1}, "a|b", 2},
		{"a,b,,c", []any{"delimiter", ","}, "a|b||c", 4}, {"", []any{"delimiter", ","}, "", 1}, {",", []any{"delimiter", ","}, "|", 2},
		{"a,b,c", []any{"delimiter", ",", "maxsplit", 1}, "a|b,c", 2}, {"a,b", []any{"delimiter", ",", "maxsplit", 0}, "a,b", 1},
		{"a,b", []any{"delimiter", ",", "maxsplit", 1 << 30}, "a|b", 2}, {"axxbx", []any{"delimiter", "xx"}, "a|bx", 2},
		{"a b", []any{"delimiter", ""}, "a|b", 2},
	} {
		outs, err := optest.Try(t, StringSplit, attrs(c.attrs...), 2, vector(c.in))
		if err != nil {
			t.Fatal(err)
		}
		parts, n := tensor.View[string](outs[0].(*tensor.Tensor)), tensor.View[int64](outs[1].(*tensor.Tensor))
		if strings.Join(parts, "|") != c.want || n[0] != c.count || len(parts) != int(c.count) {
			t.Errorf("%q %v: %q, %d", c.in, c.attrs, parts, n[0])
		}
	}
	outs, err := optest.Try(t, StringSplit, nil, 2, words([]string{"a", "b c d", "", "e f"}, 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	optest.Strings(t, "padded", outs[0].(*tensor.Tensor), "[2,2,3]", "a", "", "", "b", "c", "d", "", "", "", "e", "f", "")
	optest.Check(t, "counts", outs[1].(*tensor.Tensor), tensor.Int64, "[2,2]", []float64{1, 3, 0, 2}, 0)
	optest.Strings(t, "nothing", optest.Eval(t, StringSplit, nil, words(nil, 3, 0)), "[3,0,0]")
}

func TestRegex(t *testing.T) {
	for _, c := range []struct {
		pattern string
		in      []string
		want    []float64
	}{
		{`a|ab`, []string{"a", "ab", "abc", "ba"}, []float64{1, 1, 0, 0}},
		{`\w+@(gmail|yahoo)\.com`, []string{"x@gmail.com", "x@gmail.com.", "x@y.com"}, []float64{1, 0, 0}},
		{`(?i)straße`, []string{"STRAßE", "strasse"}, []float64{1, 0}},
		{`(?m)^a$`, []string{"a", "a\na", "a\n"}, []float64{1, 0, 0}},
		{``, []string{"", "a"}, []float64{1, 0}},
		{`.*`, []string{"", "a\nb"}, []float64{1, 0}},
	} {
		got := optest.Eval(t, RegexFullMatch, attrs("pattern", c.pattern), vector(c.in...))
		optest.Check(t, c.pattern, got, tensor.Bool, fmt.Sprintf("[%d]", len(c.in)), c.want, 0)
	}
	optest.Fails(t, RegexFullMatch, attrs("pattern", "a)|(b"), "attribute pattern", vector("a"))
	optest.Fails(t, RegexFullMatch, attrs("pattern", `(?<!a)b`), "attribute pattern", vector("a"))
}

func TestNormalizer(t *testing.T) {
	week := []string{"monday", "Tuesday", "MONDAY", "wednesday"}
	for _, c := range []struct {
		attrs []any
		in    []string
		want  []string
	}{
		{nil, []string{"Straße", ""}, []string{"Straße", ""}},
		{[]any{"case_change_action", "UPPER"}, []string{"Straße", "i"}, []string{"STRASSE", "I"}},
		{[]any{"case_change_action", "UPPER", "locale", "tr_TR.UTF-8"}, []string{"i", "ı"}, []string{"İ", "I"}},
		{[]any{"case_change_action", "LOWER", "locale", "tr"}, []string{"I"}, []string{"ı"}},
		{[]any{"case_change_action", "LOWER", "locale", "C"}, []string{"ÄI"}, []string{"äi"}},
		{[]any{"stopwords", []string{"monday"}}, week, []string{"Tuesday", "wednesday"}},
		{[]any{"stopwords", []string{"monday"}, "is_case_sensitive", 1}, week, []string{"Tuesday", "MONDAY", "wednesday"}},
		{[]any{"stopwords", []string{"monday"}, "is_case_sensitive", 1, "case_change_action", "LOWER"}, week, []string{"tuesday", "monday", "wednesday"}},
		{[]any{"stopwords", []string{"MONDAY"}, "case_change_action", "UPPER"}, week, []string{"TUESDAY", "WEDNESDAY"}},
		{[]any{"stopwords", []string{"monday"}}, []string{"Monday"}, []string{""}},
		{nil, nil, []string{""}},
	} {
		got := optest.Eval(t, StringNormalizer, attrs(c.attrs...), vector(c.in...))
		optest.Strings(t, fmt.Sprint(c.attrs), got, fmt.Sprintf("[%d]", len(c.want)), c.want...)
		got = optest.Eval(t, StringNormalizer, attrs(c.attrs...), words(c.in, 1, len(c.in)))
		optest.Strings(t, fmt.Sprint(c.attrs), got, fmt.Sprintf("[1,%d]", len(c.want)), c.want...)
	}
	optest.Fails(t, StringNormalizer, attrs("case_change_action", "lower"), "case_change_action", vector("a"))
	optest.Fails(t, StringNormalizer, attrs("locale", "no such place"), "attribute locale", vector("a"))
	optest.Fails(t, StringNormalizer, nil, "must be of shape [C] or [1,C]", words([]string{"a", "b"}, 2, 1))
	optest.Fails(t, StringNormalizer, nil, "must be of shape [C] or [1,C]", words([]string{"a"}, []int{}...))
}

// grams are the attributes of a vectorizer for 1- and 2-grams over a pool of both.
func grams(mode string, skip, least, most int, more ...any) ops.Attrs {
	return attrs(append([]any{"mode", mode, "max_skip_count", skip, "min_gram_length", least, "max_gram_length", most, "ngram_counts", []int{0, 4},
		"ngram_indexes", []int{0, 1, 2, 3, 4, 5, 6}, "pool_int64s", []int{2, 3, 5, 4, 5, 6, 7, 8, 6, 7}}, more...)...)
}

func TestTfIdf(t *testing.T) {
	x := []float64{1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8}
	for _, c := range []struct {
		attrs ops.Attrs
		shape []int
		want  []float64
	}{
		{grams("TF", 0, 1, 1), []int{12}, []float64{0, 3, 1, 0, 0, 0, 0}},
		{grams("TF", 0, 2, 2), []int{12}, []float64{0, 0, 0, 0, 1, 1, 1}},
		{grams("TF", 0, 1, 2), []int{2, 6}, []float64{0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1}},
		{grams("TF", 5, 1, 2), []int{12}, []float64{0, 3, 1, 0, 1, 3, 1}},
		{grams("IDF", 0, 1, 1), []int{12}, []float64{0, 1, 1, 0, 0, 0, 0}},
		{grams("IDF", 0, 1, 1, "weights", []float64{2, 3, 4, 5, 6, 7, 8}), []int{12}, []float64{0, 3, 4, 0, 0, 0, 0}},
		{grams("TFIDF", 0, 1, 1, "weights", []float64{2, 3, 4, 5, 6, 7, 8}), []int{12}, []float64{0, 9, 4, 0, 0, 0, 0}},
		{grams("TFIDF", 0, 1, 1), []int{12}, []float64{0, 3, 1, 0, 0, 0, 0}},
	} {
		for _, dt := range []tensor.DType{tensor.Int32, tensor.Int64} {
			got := optest.Eval(t, TfIdfVectorizer, c.attrs, optest.Of(t, dt, x, c.shape...))
			shape := "[7]"
			if len(c.shape) == 2 {
				shape = fmt.Sprintf("[%d,7]", c.shape[0])
			}
			optest.Check(t, fmt.Sprint(c.attrs["mode"].S, c.attrs["max_skip_count"].I, dt), got, tensor.Float32, shape, c.want, 0)
		}
	}
	got := optest.Eval(t, TfIdfVectorizer, attrs("mode", "TF", "max_skip_count", 0, "min_gram_length", 1, "max_gram_length", 2, "ngram_counts", []int{0, 1},
		"ngram_indexes", []int{2, 0}, "pool_strings", []string{"a", "b", "a"}), vector("b", "a", "b", "a"))
	optest.Check(t, "strings", got, tensor.Float32, "[3]", []float64{2, 0, 2}, 0)
	optest.Check(t, "no words", optest.Eval(t, TfIdfVectorizer, grams("TF", 3, 1, 2), optest.Of(t, tensor.Int64, nil, 2, 0)), tensor.Float32, "[2,7]",
		make([]float64, 14), 0)

	ids := optest.Of(t, tensor.Int64, x)
	optest.Fails(t, TfIdfVectorizer, grams("tf", 0, 1, 1), "attribute mode", ids)
	optest.Fails(t, TfIdfVectorizer, grams("TF", -1, 1, 1), "max_skip_count is -1", ids)
	optest.Fails(t, TfIdfVectorizer, grams("TF", 0, 2, 1), "min_gram_length and max_gram_length", ids)
	optest.Fails(t, TfIdfVectorizer, grams("TF", 0, 1, 1, "ngram_counts", []int{0, 5}), "no list of 2-grams", ids)
	optest.Fails(t, TfIdfVectorizer, grams("TF", 0, 1, 1, "ngram_counts", []int{0, 14}), "ngram_counts", ids)
	optest.Fails(t, TfIdfVectorizer, grams("TF", 0, 1, 1, "ngram_indexes", []int{1}), "the pool has 7", ids)
	optest.Fails(t, TfIdfVectorizer, grams("TF", 0, 1, 1, "ngram_indexes", []int{1, 1, 1, 1, 1, 1, -1}), "negative", ids)
	optest.Fails(t, TfIdfVectorizer, grams("IDF", 0, 1, 1, "weights", []float64{1}), "attribute weights", ids)
	optest.Fails(t, TfIdfVectorizer, grams("TF", 0, 1, 1), "the pool is of integers", vector("a"))
	optest.Fails(t, TfIdfVectorizer, grams("TF", 0, 1, 1), "rank 3", optest.Of(t, tensor.Int64, nil, 0, 1, 1))
}

func TestShapes(t *testing.T) {
	n := sym.Symbol("n")
	x := sym.TensorType(tensor.String, ops.Num(1), n)
	for _, c := range []struct {
		op   *ops.Op
		a    ops.Attrs
		want string
	}{
		{StringNormalizer, nil, "string[1,?]"}, {StringSplit, nil, "string[1,n,?]"}, {RegexFullMatch, nil, "bool[1,n]"},
	} {
		outs, err := optest.Infer(t, c.op, c.a, len(c.op.Newest().Out), &x)
		got := outs[0].String()
		if i := strings.IndexByte(got, '?'); i >= 0 { // an unknown has a number
			got = got[:i+1] + "]"
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.op, got, err, c.want)
		}
	}
}
