package ml

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

type treeRegressorAttrs struct {
	AggregateFunction           string         `onnx:",SUM"`
	BaseValues                  []float32      `onnx:"base_values"`
	BaseValuesAsTensor          *tensor.Tensor `onnx:"base_values_as_tensor"`
	NTargets                    *int           `onnx:"n_targets"`
	NodesFalsenodeids           []int64        `onnx:"nodes_falsenodeids"`
	NodesFeatureids             []int64        `onnx:"nodes_featureids"`
	NodesHitrates               []float32      `onnx:"nodes_hitrates"`
	NodesHitratesAsTensor       *tensor.Tensor `onnx:"nodes_hitrates_as_tensor"`
	NodesMissingValueTracksTrue []int64        `onnx:"nodes_missing_value_tracks_true"`
	NodesModes                  []string       `onnx:"nodes_modes"`
	NodesNodeids                []int64        `onnx:"nodes_nodeids"`
	NodesTreeids                []int64        `onnx:"nodes_treeids"`
	NodesTruenodeids            []int64        `onnx:"nodes_truenodeids"`
	NodesValues                 []float32      `onnx:"nodes_values"`
	NodesValuesAsTensor         *tensor.Tensor `onnx:"nodes_values_as_tensor"`
	PostTransform               string         `onnx:",NONE"`
	TargetIds                   []int64        `onnx:"target_ids"`
	TargetNodeids               []int64        `onnx:"target_nodeids"`
	TargetTreeids               []int64        `onnx:"target_treeids"`
	TargetWeights               []float32      `onnx:"target_weights"`
	TargetWeightsAsTensor       *tensor.Tensor `onnx:"target_weights_as_tensor"`

	built builtForest
}

const treesOldAttrs = "-base_values_as_tensor -nodes_hitrates_as_tensor -nodes_values_as_tensor "

// TreeEnsembleRegressor is the forerunner of [TreeEnsemble]. Base values are added to what is aggregated, and then it is transformed; other
// runtimes leave a single target as it is unless the transform is PROBIT.
var TreeEnsembleRegressor = Ops.Add(ops.Def(ops.Spec[treeRegressorAttrs]{
	Name: "TreeEnsembleRegressor", Domain: Domain, In: "X:T", Out: "Y:float", Types: "T=" + inputTypes,
	Vers: []ops.Ver{{Since: 3}, {Since: 1, Attrs: treesOldAttrs + "-target_weights_as_tensor"}},
	Infer: func(c *ops.Infer, a *treeRegressorAttrs) error {
		if _, err := a.built.get(a.build); err != nil {
			return err
		}
		if _, err := parsePost(a.PostTransform); err != nil {
			return err
		}
		if _, err := parseAggregate(a.AggregateFunction); err != nil {
			return err
		}
		return outRows(c, 0, tensor.Float32, *a.NTargets)
	},
	Bind: func(b *ops.Bind, a *treeRegressorAttrs) (ops.Kernel, error) {
		f, err := a.built.get(a.build)
		if err != nil {
			return nil, err
		}
		p, err := parsePost(a.PostTransform)
		if err != nil {
			return nil, err
		}
		how, err := parseAggregate(a.AggregateFunction)
		if err != nil {
			return nil, err
		}
		base, err := listOr(a.BaseValues, a.BaseValuesAsTensor, "base_values")
		if err != nil {
			return nil, err
		}
		k, err := newForestKernel(b, f, how, *a.NTargets)
		if err != nil {
			return nil, err
		}
		var y []float32
		k.open = func(c *ops.Call) { y = tensor.View[float32](c.Out(0)) }
		k.each = func(row int, s []float64) {
			for i := range s {
				if len(base) > 0 {
					s[i] += base[i]
				}
			}
			p.apply(s)
			store(y[row*len(s):], s)
		}
		return k, nil
	},
}))

func (a *treeRegressorAttrs) build() (*forest, error) {
	if a.NTargets == nil || *a.NTargets < 1 {
		return nil, fmt.Errorf("attribute n_targets is missing or not positive")
	}
	base, err := listOr(a.BaseValues, a.BaseValuesAsTensor, "base_values")
	if err == nil && len(base) != 0 && len(base) != *a.NTargets {
		err = fmt.Errorf("attribute base_values has %d elements for %d targets", len(base), *a.NTargets)
	}
	if err != nil {
		return nil, err
	}
	weights, err := listOr(a.TargetWeights, a.TargetWeightsAsTensor, "target_weights")
	if err != nil {
		return nil, err
	}
	values, err := listOr(a.NodesValues, a.NodesValuesAsTensor, "nodes_values")
	if err != nil {
		return nil, err
	}
	t := treeNodes{a.NodesTreeids, a.NodesNodeids, a.NodesFeatureids, a.NodesTruenodeids, a.NodesFalsenodeids, a.NodesMissingValueTracksTrue,
		a.NodesModes, values}
	return t.build(a.TargetTreeids, a.TargetNodeids, a.TargetIds, weights, *a.NTargets)
}

type treeClassifierAttrs struct {
	BaseValues                  []float32      `onnx:"base_values"`
	BaseValuesAsTensor          *tensor.Tensor `onnx:"base_values_as_tensor"`
	ClassIds                    []int64        `onnx:"class_ids"`
	ClassNodeids                []int64        `onnx:"class_nodeids"`
	ClassTreeids                []int64        `onnx:"class_treeids"`
	ClassWeights                []float32      `onnx:"class_weights"`
	ClassWeightsAsTensor        *tensor.Tensor `onnx:"class_weights_as_tensor"`
	ClasslabelsInt64s           []int64        `onnx:"classlabels_int64s"`
	ClasslabelsStrings          []string       `onnx:"classlabels_strings"`
	NodesFalsenodeids           []int64        `onnx:"nodes_falsenodeids"`
	NodesFeatureids             []int64        `onnx:"nodes_featureids"`
	NodesHitrates               []float32      `onnx:"nodes_hitrates"`
	NodesHitratesAsTensor       *tensor.Tensor `onnx:"nodes_hitrates_as_tensor"`
	NodesMissingValueTracksTrue []int64        `onnx:"nodes_missing_value_tracks_true"`
	NodesModes                  []string       `onnx:"nodes_modes"`
	NodesNodeids                []int64        `onnx:"nodes_nodeids"`
	NodesTreeids                []int64        `onnx:"nodes_treeids"`
	NodesTruenodeids            []int64        `onnx:"nodes_truenodeids"`
	NodesValues                 []float32      `onnx:"nodes_values"`
	NodesValuesAsTensor         *tensor.Tensor `onnx:"nodes_values_as_tensor"`
	PostTransform               string         `onnx:",NONE"`

	built builtForest
}

// TreeEnsembleClassifier sums up votes for classes and takes the class of the greatest score.
//
// Of two classes, all trees may vote for one only, as boosted trees do: the score is then that of the second class. It is a probability if no
// weight is negative, and decides at a half; else a margin, which decides at 0. Votes under the first class's number give it the opposite score.
// A single class has its label where the score is positive, else 0 or "".
var TreeEnsembleClassifier = Ops.Add(ops.Def(ops.Spec[treeClassifierAttrs]{
	Name: "TreeEnsembleClassifier", Domain: Domain, In: "X:T1", Out: "Y:T2, Z:float", Types: "T1=" + inputTypes + "; T2=int64|string",
	Vers: []ops.Ver{{Since: 3}, {Since: 1, Attrs: treesOldAttrs + "-class_weights_as_tensor"}},
	Infer: func(c *ops.Infer, a *treeClassifierAttrs) error {
		if _, err := a.built.get(a.build); err != nil {
			return err
		}
		if _, err := parsePost(a.PostTransform); err != nil {
			return err
		}
		l := classes{a.ClasslabelsInt64s, a.ClasslabelsStrings}
		return l.infer(c, l.len())
	},
	Bind: func(b *ops.Bind, a *treeClassifierAttrs) (ops.Kernel, error) {
		f, err := a.built.get(a.build)
		if err != nil {
			return nil, err
		}
		v := &verdict{one: -1}
		if v.post, err = parsePost(a.PostTransform); err != nil {
			return nil, err
		}
		if v.base, err = listOr(a.BaseValues, a.BaseValuesAsTensor, "base_values"); err != nil {
			return nil, err
		}
		v.out.classes = &classes{a.ClasslabelsInt64s, a.ClasslabelsStrings}
		if err := v.examine(f); err != nil {
			return nil, err
		}
		k, err := newForestKernel(b, f, aggSum, v.out.len())
		if err != nil {
			return nil, err
		}
		k.open, k.each = v.out.open, v.row
		return k, nil
	},
}))

func (a *treeClassifierAttrs) build() (*forest, error) {
	l, err := newClasses(a.ClasslabelsInt64s, a.ClasslabelsStrings)
	if err != nil {
		return nil, err
	}
	base, err := listOr(a.BaseValues, a.BaseValuesAsTensor, "base_values")
	if err == nil && len(base) != 0 && len(base) != l.len() && (len(base) != 1 || l.len() != 2) {
		err = fmt.Errorf("attribute base_values has %d elements for %d classes", len(base), l.len())
	}
	if err != nil {
		return nil, err
	}
	weights, err := listOr(a.ClassWeights, a.ClassWeightsAsTensor, "class_weights")
	if err != nil {
		return nil, err
	}
	values, err := listOr(a.NodesValues, a.NodesValuesAsTensor, "nodes_values")
	if err != nil {
		return nil, err
	}
	t := treeNodes{a.NodesTreeids, a.NodesNodeids, a.NodesFeatureids, a.NodesTruenodeids, a.NodesFalsenodeids, a.NodesMissingValueTracksTrue,
		a.NodesModes, values}
	return t.build(a.ClassTreeids, a.ClassNodeids, a.ClassIds, weights, l.len())
}

// verdict turns the votes of a classifier's trees into a label and scores.
type verdict struct {
	post        post
	base        []float64
	out         writer
	one         int  // the only class of two that gets votes, -1 if both do
	probability bool // no weight is negative
}

// examine looks at the votes that there are.
func (v *verdict) examine(f *forest) error {
	v.probability = true
	only := int32(-1)
	if len(f.votes) > 0 {
		only = f.votes[0].target
	}
	for _, x := range f.votes {
		v.probability = v.probability && x.weight >= 0
		if x.target != only {
			only = -1
		}
	}
	if v.out.len() == 2 {
		v.one = int(only)
	}
	if len(v.base) == 1 && v.out.len() == 2 && v.one < 0 {
		return fmt.Errorf("attribute base_values has 1 element for 2 classes that both get votes")
	}
	return nil
}

func (v *verdict) row(row int, s []float64) {
	if v.one == 0 { // the base value of the class that the score is for
		if len(v.base) > 0 {
			s[0] += v.base[len(v.base)-1]
		}
		v.out.label(row, v.second(s[0]))
		v.post.pair(s, s[0], v.probability)
		v.out.score(row, s)
		return
	}
	for i, b := range v.base {
		s[i+len(s)-len(v.base)] += b
	}
	switch {
	case len(s) == 1:
		v.out.label(row, holds(s[0] > 0))
	case v.one == 1:
		v.out.label(row, v.second(s[1]))
	default:
		v.out.label(row, top(s))
	}
	v.post.apply(s)
	v.out.score(row, s)
}

// second tells which of two classes the score of the second decides for.
func (v *verdict) second(s float64) int {
	limit := 0.0
	if v.probability {
		limit = 0.5
	}
	if s > limit {
		return 1
	}
	return 0
}
