package ml

import (
	"fmt"
	"math"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

var (
	of    = optest.Of
	attrs = optest.Attrs
)

func row(t *testing.T, v ...float64) *tensor.Tensor {
	t.Helper()
	return of(t, tensor.Float32, v, 1, len(v))
}

// stump is a tree with two leaves, at most 0.5 and above, and their votes.
func stump(prefix string, ids []int, weights []float64, more ...any) ops.Attrs {
	n := len(ids) / 2
	nodes := make([]int, len(ids))
	for i := range nodes {
		nodes[i] = 1 + i/n
	}
	return attrs(append([]any{"nodes_treeids", []int{0, 0, 0}, "nodes_nodeids", []int{0, 1, 2}, "nodes_featureids", []int{0, 0, 0},
		"nodes_values", []float64{0.5, 0, 0}, "nodes_modes", []string{"BRANCH_LEQ", "LEAF", "LEAF"}, "nodes_truenodeids", []int{1, 0, 0},
		"nodes_falsenodeids", []int{2, 0, 0}, prefix + "_treeids", make([]int, len(ids)), prefix + "_nodeids", nodes, prefix + "_ids", ids,
		prefix + "_weights", weights}, more...)...)
}

// TestTwoClasses has what the standard says where other runtimes differ from it or from each other.
func TestTwoClasses(t *testing.T) {
	x := of(t, tensor.Float32, []float64{0, 1}, 2, 1)
	labels := []any{"classlabels_int64s", []int{10, 20}}
	sigmoid := func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
	for _, c := range []struct {
		name    string
		ids     []int
		weights []float64
		more    []any
		label   []float64
		scores  []float64
	}{
		{"both", []int{0, 1, 0, 1}, []float64{.7, .3, .4, .6}, nil, []float64{10, 20}, []float64{.7, .3, .4, .6}},
		{"both with base", []int{0, 1, 0, 1}, []float64{.7, .3, .4, .6}, []any{"base_values", []float64{0, .5}}, []float64{20, 20}, []float64{.7, .8, .4, 1.1}},
		{"probability", []int{0, 0}, []float64{.7, .3}, nil, []float64{20, 10}, []float64{.3, .7, .7, .3}},
		{"margin", []int{0, 0}, []float64{.7, -.3}, nil, []float64{20, 10}, []float64{-.7, .7, .3, -.3}},
		{"margin with base", []int{0, 0}, []float64{.7, -.3}, []any{"base_values", []float64{5, .5}}, []float64{20, 20}, []float64{-1.2, 1.2, -.2, .2}},
		{"softmax", []int{0, 0}, []float64{.7, -.3}, []any{"post_transform", "SOFTMAX"}, []float64{20, 10},
			[]float64{sigmoid(-1.4), sigmoid(1.4), sigmoid(.6), sigmoid(-.6)}},
		{"second", []int{1, 1}, []float64{.7, .3}, nil, []float64{20, 10}, []float64{0, .7, 0, .3}},
	} {
		outs, err := optest.Try(t, TreeEnsembleClassifier, stump("class", c.ids, c.weights, append(labels, c.more...)...), 2, x)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		optest.Check(t, c.name, outs[0].(*tensor.Tensor), tensor.Int64, "[2]", c.label, 0)
		optest.Check(t, c.name, outs[1].(*tensor.Tensor), tensor.Float32, "[2,2]", c.scores, 1e-5)
	}
	outs, err := optest.Try(t, TreeEnsembleClassifier, stump("class", []int{0, 0}, []float64{.7, -.3}, "classlabels_int64s", []int{9}), 2, x)
	if err != nil {
		t.Fatal(err)
	}
	optest.Check(t, "one class", outs[0].(*tensor.Tensor), tensor.Int64, "[2]", []float64{9, 0}, 0)
	optest.Check(t, "one class", outs[1].(*tensor.Tensor), tensor.Float32, "[2,1]", []float64{.7, -.3}, 1e-6)

	outs, err = optest.Try(t, LinearClassifier, attrs("coefficients", []float64{1}, "classlabels_strings", []string{"no", "yes"}), 2,
		of(t, tensor.Float64, []float64{.3, -2}, 2, 1))
	if err != nil {
		t.Fatal(err)
	}
	optest.Strings(t, "linear", outs[0].(*tensor.Tensor), "[2]", "yes", "no")
	optest.Check(t, "linear", outs[1].(*tensor.Tensor), tensor.Float32, "[2,2]", []float64{-.3, .3, 2, -2}, 1e-6)
	outs, err = optest.Try(t, LinearClassifier, attrs("coefficients", []float64{1}, "classlabels_ints", []int{4}, "post_transform", "LOGISTIC"), 2, row(t, -3))
	if err != nil {
		t.Fatal(err)
	}
	optest.Check(t, "one linear class", outs[0].(*tensor.Tensor), tensor.Int64, "[1]", []float64{0}, 0)
	optest.Check(t, "one linear class", outs[1].(*tensor.Tensor), tensor.Float32, "[1,1]", []float64{sigmoid(-3)}, 1e-6)
}

// TestMissingValues sends NaN where the nodes say, whatever they ask.
func TestMissingValues(t *testing.T) {
	for _, mode := range []string{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"} {
		for track, want := range []float64{2, 1} {
			a := stump("target", []int{0, 0}, []float64{1, 2}, "n_targets", 1, "nodes_missing_value_tracks_true", []int{track, 0, 0})
			a["nodes_modes"] = optest.Attr([]string{mode, "LEAF", "LEAF"})
			got := optest.Eval(t, TreeEnsembleRegressor, a, row(t, math.NaN()))
			optest.Check(t, fmt.Sprint(mode, track), got, tensor.Float32, "[1,1]", []float64{want}, 0)
		}
	}
	a := stump("target", []int{0, 0}, []float64{1, 2}, "n_targets", 1, "post_transform", "LOGISTIC")
	optest.Check(t, "one transformed target", optest.Eval(t, TreeEnsembleRegressor, a, row(t, 0)), tensor.Float32, "[1,1]", []float64{1 / (1 + math.Exp(-1))}, 1e-6)
	vector := of(t, tensor.Float32, []float64{0})
	optest.Check(t, "a vector", optest.Eval(t, TreeEnsembleRegressor, stump("target", []int{0, 0}, []float64{1, 2}, "n_targets", 1), vector), tensor.Float32,
		"[1,1]", []float64{1}, 0)
}

func TestTreeErrors(t *testing.T) {
	x := row(t, 0)
	set := func(name string, v any) ops.Attrs {
		a := stump("target", []int{0, 0}, []float64{1, 2}, "n_targets", 1)
		a[name] = optest.Attr(v)
		return a
	}
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"nodes_truenodeids", []int{0, 0, 0}, "cycle"}, {"nodes_truenodeids", []int{7, 0, 0}, "isn't there"}, {"nodes_truenodeids", []int{1}, "1 elements"},
		{"nodes_nodeids", []int{0, 1, 1}, "two nodes 1"}, {"nodes_featureids", []int{-1, 0, 0}, "nodes_featureids"},
		{"nodes_featureids", []int{3, 0, 0}, "input has 1 features; the trees ask for 4"}, {"nodes_modes", []string{"X", "LEAF", "LEAF"}, "nodes_modes"},
		{"target_ids", []int{0, 1}, "target 1 of 1"}, {"target_ids", []int{0, -1}, "target -1"}, {"target_nodeids", []int{1, 9}, "isn't there"},
		{"target_weights", []float64{1}, "votes"}, {"n_targets", 0, "n_targets"}, {"aggregate_function", "MEAN", "aggregate_function"},
		{"post_transform", "LOG", "post_transform"}, {"base_values", []float64{1, 2}, "base_values"},
		{"nodes_missing_value_tracks_true", []int{1}, "nodes_missing_value_tracks_true"},
		{"nodes_values_as_tensor", of(t, tensor.Float64, []float64{1, 2, 3}), "both attributes"},
	} {
		optest.Fails(t, TreeEnsembleRegressor, set(c.name, c.v), c.want, x)
	}
	optest.Fails(t, TreeEnsembleRegressor, stump("target", []int{0, 0}, []float64{1, 2}, "n_targets", 1), "must be [N,C] or [C]", of(t, tensor.Float32, nil, 0, 1, 1))
	optest.Fails(t, TreeEnsembleClassifier, stump("class", []int{0, 0}, []float64{1, 2}), "class labels", x)
	optest.Fails(t, TreeEnsembleClassifier, stump("class", []int{0, 1}, []float64{1, 2}, "classlabels_int64s", []int{1, 2}, "base_values", []float64{1}),
		"base_values", x)

	ensemble := func(name string, v any) ops.Attrs {
		a := attrs("leaf_targetids", []int{0, 0}, "leaf_weights", of(t, tensor.Float32, []float64{1, 2}), "n_targets", 1, "nodes_falseleafs", []int{1},
			"nodes_falsenodeids", []int{1}, "nodes_trueleafs", []int{1}, "nodes_truenodeids", []int{0}, "nodes_featureids", []int{0},
			"nodes_modes", of(t, tensor.Uint8, []float64{6}), "nodes_splits", of(t, tensor.Float32, []float64{0}), "tree_roots", []int{0},
			"membership_values", of(t, tensor.Float32, []float64{0.5, 3}))
		if name != "" {
			a[name] = optest.Attr(v)
		}
		return a
	}
	got := optest.Eval(t, TreeEnsemble, ensemble("", nil), of(t, tensor.Float16, []float64{0.5, 1, 3, math.NaN()}, 4, 1))
	optest.Check(t, "members", got, tensor.Float16, "[4,1]", []float64{1, 2, 1, 2}, 0)
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"nodes_trueleafs", []int{0}, "cycle"}, {"nodes_truenodeids", []int{2}, "leads out"}, {"nodes_truenodeids", []int{-1}, "leads out"},
		{"nodes_truenodeids", []int{1 << 30}, "leads out"}, {"tree_roots", []int{1}, "tree_roots"}, {"leaf_targetids", []int{0, 1}, "target 1 of 1"},
		{"leaf_targetids", []int{0}, "leaf_weights"}, {"nodes_modes", of(t, tensor.Uint8, []float64{7}), "nodes_modes"},
		{"membership_values", of(t, tensor.Float32, nil), "0 sets for 1 nodes"}, {"aggregate_function", 4, "aggregate_function"},
		{"post_transform", -1, "post_transform"}, {"n_targets", 0, "n_targets"},
		{"nodes_splits", tensor.Of([]string{"x"}), "nodes_splits"},
	} {
		optest.Fails(t, TreeEnsemble, ensemble(c.name, c.v), c.want, row(t, 0))
	}
}

func TestMaps(t *testing.T) {
	out, err := optest.Try(t, ZipMap, attrs("classlabels_strings", []string{"a", "b"}), 1, of(t, tensor.Float32, []float64{1, 2, 3, 4}, 2, 2))
	if err != nil {
		t.Fatal(err)
	}
	seq := out[0].(*tensor.Sequence)
	if len(seq.Items) != 2 {
		t.Fatalf("%d maps", len(seq.Items))
	}
	m := seq.Items[1].(*tensor.Map)
	optest.Strings(t, "keys", m.Keys, "[2]", "a", "b")
	optest.Check(t, "values", m.Values, tensor.Float32, "[2]", []float64{3, 4}, 0)
	optest.Fails(t, ZipMap, attrs("classlabels_int64s", []int{1}), "2 columns for 1 class labels", of(t, tensor.Float32, []float64{1, 2}, 1, 2))
	optest.Fails(t, ZipMap, nil, "class labels", row(t, 1))

	dict := func(keys, values *tensor.Tensor) *tensor.Map { return &tensor.Map{Keys: keys, Values: values} }
	byName := dict(tensor.Of([]string{"c", "a", "q"}), of(t, tensor.Float64, []float64{8, 4, 9}))
	got := optest.Eval(t, DictVectorizer, attrs("string_vocabulary", []string{"a", "c", "b", "z"}), byName)
	optest.Check(t, "DictVectorizer", got, tensor.Float64, "[1,4]", []float64{4, 8, 0, 0}, 0)
	got = optest.Eval(t, DictVectorizer, attrs("int64_vocabulary", []int{7, 3}), dict(tensor.Of([]int64{3}), tensor.Of([]string{"x"})))
	optest.Strings(t, "DictVectorizer", got, "[1,2]", "", "x")
	optest.Fails(t, DictVectorizer, attrs("int64_vocabulary", []int{1}), "the map's keys are string", byName)
	optest.Fails(t, DictVectorizer, attrs("int64_vocabulary", []int{1}), "isn't a map", row(t, 1))

	numbers := dict(tensor.Of([]int64{3, 1}), of(t, tensor.Float32, []float64{4.5, -8}))
	strings := dict(tensor.Of([]int64{3, 1}), tensor.Of([]string{"4.5", " 8"}))
	for _, c := range []struct {
		attrs []any
		in    *tensor.Map
		shape string
		want  []float64
	}{
		{nil, numbers, "[1,2]", []float64{-8, 4.5}}, {[]any{"map_form", "SPARSE", "max_map", 5}, numbers, "[1,5]", []float64{0, -8, 0, 4.5, 0}},
		{nil, strings, "[1,2]", []float64{8, 4.5}},
	} {
		optest.Check(t, "CastMap", optest.Eval(t, CastMap, attrs(c.attrs...), c.in), tensor.Float32, c.shape, c.want, 0)
	}
	optest.Check(t, "CastMap", optest.Eval(t, CastMap, attrs("cast_to", "TO_INT64"), numbers), tensor.Int64, "[1,2]", []float64{-8, 4}, 0)
	optest.Strings(t, "CastMap", optest.Eval(t, CastMap, attrs("cast_to", "TO_STRING"), numbers), "[1,2]", "-8.000000", "4.500000")
	optest.Strings(t, "CastMap", optest.Eval(t, CastMap, attrs("cast_to", "TO_STRING"), strings), "[1,2]", " 8", "4.5")
	optest.Fails(t, CastMap, attrs("cast_to", "TO_INT64"), "no number", strings)
	optest.Fails(t, CastMap, attrs("cast_to", "FLOAT"), "cast_to", numbers)
	optest.Fails(t, CastMap, attrs("map_form", "dense"), "map_form", numbers)
	optest.Fails(t, CastMap, attrs("map_form", "SPARSE", "max_map", 3), "the key 3", numbers)
	optest.Fails(t, CastMap, nil, "keys are string", byName)
}

func TestLabels(t *testing.T) {
	nan := math.NaN()
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int16, tensor.Int32, tensor.Int64} {
		for _, to := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int16, tensor.Int32, tensor.Int64} {
			a := attrs("keys_tensor", of(t, dt, []float64{3, 5, 3}), "values_tensor", of(t, to, []float64{1, 2, 4}))
			want := []float64{4, 2, -1}
			if to.IsFloat() {
				want[2] = 0
			}
			optest.Check(t, fmt.Sprint(dt, to), optest.Eval(t, LabelEncoder, a, of(t, dt, []float64{3, 5, 6}, 1, 3)), to, "[1,3]", want, 0)
		}
		got := optest.Eval(t, LabelEncoder, attrs("keys_tensor", of(t, dt, []float64{3}), "values_strings", []string{"x"}), of(t, dt, []float64{3, 5}))
		optest.Strings(t, fmt.Sprint(dt), got, "[2]", "x", "_Unused")
	}
	got := optest.Eval(t, LabelEncoder, attrs("keys_floats", []float64{nan, 0}, "values_int64s", []int{7, 8}), of(t, tensor.Float32, []float64{nan, math.Copysign(0, -1), 1}))
	optest.Check(t, "NaN", got, tensor.Int64, "[3]", []float64{7, 8, -1}, 0)
	optest.Fails(t, LabelEncoder, attrs("keys_floats", []float64{1}, "keys_int64s", []int{1}, "values_floats", []float64{1}), "more than one", row(t, 1))
	optest.Fails(t, LabelEncoder, attrs("keys_floats", []float64{1}), "none of the attributes values_", row(t, 1))
	optest.Fails(t, LabelEncoder, attrs("keys_floats", []float64{1}, "values_floats", []float64{1, 2}), "1 keys and 2 values", row(t, 1))
	optest.Fails(t, LabelEncoder, attrs("keys_int64s", []int{1}, "values_floats", []float64{1}), "the keys are int64", row(t, 1))

	got = optest.Eval(t, OneHotEncoder, attrs("cats_int64s", []int{0, 1}), of(t, tensor.Float64, []float64{nan, 1.9}))
	optest.Check(t, "OneHotEncoder", got, tensor.Float32, "[2,2]", []float64{0, 0, 0, 1}, 0)
	got = optest.Eval(t, OneHotEncoder, attrs("cats_int64s", []int{0, 1}), of(t, tensor.Int32, []float64{1, 0}))
	optest.Check(t, "OneHotEncoder", got, tensor.Float32, "[2,2]", []float64{0, 1, 1, 0}, 0)
	optest.Fails(t, OneHotEncoder, attrs("cats_int64s", []int{0, 1}, "zeros", 0), "none of the 2 categories", of(t, tensor.Int64, []float64{5}))
	optest.Fails(t, OneHotEncoder, attrs("cats_strings", []string{"a"}), "the categories are string", of(t, tensor.Int64, []float64{5}))
	optest.Fails(t, CategoryMapper, attrs("cats_strings", []string{"a"}), "must be as many", of(t, tensor.Int64, []float64{5}))
}

// TestLabelEncoder1 upgrades a node of the first version.
func TestLabelEncoder1(t *testing.T) {
	v := LabelEncoder.Versions[len(LabelEncoder.Versions)-1]
	for dt, want := range map[tensor.DType]string{tensor.String: "values_int64s", tensor.Int64: "keys_int64s"} {
		r := &ops.Rewrite{Attrs: attrs("classes_strings", []string{"a", "b"}), In: []ops.Ref{0}, Graph: typed{t: ops.Type{DT: dt}}}
		if err := v.Up(r); err != nil {
			t.Fatal(err)
		}
		if a := r.Attrs[want]; a == nil || len(a.Ints) != 2 || a.Ints[1] != 1 || r.Attrs["classes_strings"] != nil {
			t.Errorf("%s: %v", dt, r.Attrs)
		}
	}
	if v.Up(&ops.Rewrite{Attrs: attrs("classes_strings", []string{"a"}), In: []ops.Ref{0}, Graph: typed{}}) == nil {
		t.Error("no error for an input of unknown type")
	}
}

// typed is a graph in which everything has one type.
type typed struct {
	ops.RewriteGraph
	t ops.Type
}

func (g typed) TypeOf(ops.Ref) *ops.Type { return &g.t }

func TestFeatures(t *testing.T) {
	x := of(t, tensor.Float32, []float64{1, -2, 3, 0, 0, 0}, 2, 3)
	optest.Check(t, "nothing to scale", optest.Eval(t, Scaler, nil, x), tensor.Float32, "[2,3]", optest.Floats(x), 0)
	optest.Fails(t, Scaler, attrs("scale", []float64{1, 2}), "3, the number of features", x)
	optest.Fails(t, Scaler, attrs("scale", []float64{1}, "offset", []float64{1, 2, 3}), "as many", x)
	optest.Fails(t, Normalizer, attrs("norm", "L3"), "attribute norm", x)
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Int32, tensor.Int64} {
		got := optest.Eval(t, Binarizer, attrs("threshold", 0.5), of(t, dt, []float64{1, 0, -1}))
		optest.Check(t, "Binarizer", got, dt, "[3]", []float64{1, 0, 0}, 0)
		a := attrs("imputed_value_int64s", []int{9}, "replaced_value_int64", 1)
		if dt == tensor.Float64 {
			a = attrs("imputed_value_floats", []float64{9}, "replaced_value_float", 1.0)
		}
		optest.Check(t, "Imputer", optest.Eval(t, Imputer, a, of(t, dt, []float64{1, 0, -1})), dt, "[3]", []float64{9, 0, -1}, 0)
	}
	beyond := attrs("imputed_value_int64s", []int{9})
	beyond["replaced_value_int64"] = ops.IntAttr(int64(1) << 32)
	got := optest.Eval(t, Imputer, beyond, of(t, tensor.Int32, []float64{0, 1}))
	optest.Check(t, "no int32", got, tensor.Int32, "[2]", []float64{0, 1}, 0)
	optest.Fails(t, Imputer, nil, "no imputed values for float32", x)
	optest.Fails(t, Imputer, attrs("imputed_value_floats", []float64{1, 2}), "number of features", x)
	got = optest.Eval(t, FeatureVectorizer, nil, x, x)
	optest.Check(t, "FeatureVectorizer", got, tensor.Float32, "[2,6]", []float64{1, -2, 3, 1, -2, 3, 0, 0, 0, 0, 0, 0}, 0)
	optest.Fails(t, FeatureVectorizer, attrs("inputdimensions", []int{1}), "1 elements for 2 inputs", x, x)
	optest.Fails(t, FeatureVectorizer, nil, "rows", x, row(t, 1))
	vector := of(t, tensor.Int64, []float64{5, 6, 7})
	got = optest.Eval(t, ArrayFeatureExtractor, nil, vector, of(t, tensor.Int64, []float64{2, 0}))
	optest.Check(t, "ArrayFeatureExtractor", got, tensor.Int64, "[1,2]", []float64{7, 5}, 0)
	got = optest.Eval(t, ArrayFeatureExtractor, nil, tensor.Of([]string{"a", "b"}, 2, 1), of(t, tensor.Int64, []float64{0, 0}))
	optest.Strings(t, "ArrayFeatureExtractor", got, "[2,2]", "a", "a", "b", "b")
	optest.Fails(t, ArrayFeatureExtractor, nil, "outside of 3 features", vector, of(t, tensor.Int64, []float64{-1}))
}

func TestMachineErrors(t *testing.T) {
	x := row(t, 1, 2)
	svc := func(pairs ...any) ops.Attrs {
		return attrs(append([]any{"coefficients", []float64{1, -1}, "support_vectors", []float64{1, 2, 3, 4}, "rho", []float64{0}, "vectors_per_class", []int{1, 1},
			"classlabels_ints", []int{0, 1}}, pairs...)...)
	}
	optest.Fails(t, SVMClassifier, svc("kernel_type", "COSINE"), "kernel_type", x)
	optest.Fails(t, SVMClassifier, svc("kernel_params", []float64{1}), "kernel_params", x)
	optest.Fails(t, SVMClassifier, svc("rho", []float64{1, 2}), "rho", x)
	optest.Fails(t, SVMClassifier, svc("coefficients", []float64{1}), "coefficients", x)
	optest.Fails(t, SVMClassifier, svc("vectors_per_class", []int{-1, 3}), "vectors_per_class", x)
	optest.Fails(t, SVMClassifier, svc("vectors_per_class", []int{2}), "vectors_per_class", x)
	optest.Fails(t, SVMClassifier, svc("prob_a", []float64{1}), "prob_a and prob_b", x)
	optest.Fails(t, SVMClassifier, svc(), "support_vectors has 4", row(t, 1))
	optest.Fails(t, SVMRegressor, attrs("rho", []float64{1}, "n_supports", 2, "coefficients", []float64{1, 2}), "don't fit", x)
	optest.Fails(t, SVMRegressor, attrs("n_supports", -1, "rho", []float64{1}), "n_supports is -1", x)
	optest.Fails(t, SVMRegressor, attrs("coefficients", []float64{1, 2}), "rho is missing", x)
	optest.Fails(t, LinearRegressor, attrs("coefficients", []float64{1}), "coefficients has 1 elements", x)
	optest.Fails(t, LinearRegressor, attrs("coefficients", []float64{1, 2}, "targets", 0), "targets is 0", x)
	optest.Fails(t, LinearClassifier, attrs("coefficients", []float64{1, 2}), "class labels", x)
	optest.Fails(t, LinearClassifier, attrs("coefficients", []float64{1, 2, 3}, "classlabels_ints", []int{1, 2}), "coefficients", x)
}

// TestUnknownShapes runs the shape rules on inputs of which nothing is known.
func TestUnknownShapes(t *testing.T) {
	n := sym.Symbol("n")
	rows := sym.TensorType(tensor.Float32, n, ops.Num(1))
	tree := stump("class", []int{0, 1}, []float64{1, 2}, "classlabels_strings", []string{"a", "b"})
	outs, err := optest.Infer(t, TreeEnsembleClassifier, tree, 2, &rows)
	if err != nil || outs[0].String() != "string[n]" || outs[1].String() != "float32[n,2]" {
		t.Errorf("%s, %s, %v", outs[0].String(), outs[1].String(), err)
	}
	for _, op := range Ops { // nothing panics
		_, _ = optest.Infer(t, op, nil, 2, &ops.Type{DT: tensor.Float32}, &ops.Type{DT: tensor.Int64})
	}
}
