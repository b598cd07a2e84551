package ml

import (
	"fmt"
	"slices"
	"sync"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// builtForest is the forest of a node, made when it is first asked for.
type builtForest struct {
	once sync.Once
	f    *forest
	err  error
}

func (b *builtForest) get(build func() (*forest, error)) (*forest, error) {
	b.once.Do(func() { b.f, b.err = build() })
	return b.f, b.err
}

// treeNodes are the nodes of the older operators, which are named by their tree and a number.
type treeNodes struct {
	trees, ids, features, yes, no, missing []int64
	modes                                  []string
	values                                 []float64
}

// listOr returns a list of floats, or the tensor that may stand in its place.
func listOr(list []float32, t *tensor.Tensor, name string) ([]float64, error) {
	if t == nil {
		out := make([]float64, len(list))
		for i, v := range list {
			out[i] = float64(v)
		}
		return out, nil
	}
	if len(list) > 0 {
		return nil, fmt.Errorf("has both attributes %s and %s_as_tensor", name, name)
	}
	return numbers(t, name)
}

func numbers(t *tensor.Tensor, name string) ([]float64, error) {
	if t == nil {
		return nil, nil
	}
	out := make([]float64, t.Len())
	if !num.Load64(out, t, 0) {
		return nil, fmt.Errorf("attribute %s is %s", name, t.DType())
	}
	return out, nil
}

// build flattens the trees. Leaves are numbered in the order of their nodes; the votes name theirs by tree and number.
func (t *treeNodes) build(voteTrees, voteIDs, targets []int64, weights []float64, numTargets int) (*forest, error) {
	n := len(t.trees)
	for name, l := range map[string]int{"nodes_nodeids": len(t.ids), "nodes_featureids": len(t.features), "nodes_truenodeids": len(t.yes),
		"nodes_falsenodeids": len(t.no), "nodes_modes": len(t.modes), "nodes_values": len(t.values)} {
		if l != n {
			return nil, fmt.Errorf("attribute %s has %d elements, nodes_treeids %d", name, l, n)
		}
	}
	if l := len(t.missing); l != 0 && l != n {
		return nil, fmt.Errorf("attribute nodes_missing_value_tracks_true has %d elements, nodes_treeids %d", l, n)
	}
	if len(voteIDs) != len(voteTrees) || len(targets) != len(voteTrees) || len(weights) != len(voteTrees) {
		return nil, fmt.Errorf("the attributes of votes have %d, %d, %d and %d elements", len(voteTrees), len(voteIDs), len(targets), len(weights))
	}
	var at nodeIDs // the number of a node, or the complement of a leaf's
	f := &forest{}
	seen := map[int64]bool{}
	leaves := int32(0)
	for i := range n {
		tree := at.at(t.trees[i])
		if _, twice := tree.get(t.ids[i]); twice {
			return nil, fmt.Errorf("tree %d has two nodes %d", t.trees[i], t.ids[i])
		}
		v := ^leaves
		m := mode(max(0, slices.Index(modeNames, t.modes[i])))
		if m == modeLeaf {
			leaves++
		} else if modeNames[m] != t.modes[i] || m == modeMember {
			return nil, fmt.Errorf("attribute nodes_modes has the element %q", t.modes[i])
		} else {
			v = int32(len(f.nodes))
			f.nodes = append(f.nodes, node{value: t.values[i], feature: int32(min(max(t.features[i], -1), 1<<30)), mode: m,
				missing: len(t.missing) > 0 && t.missing[i] != 0})
		}
		tree.set(t.ids[i], v)
		if !seen[t.trees[i]] {
			seen[t.trees[i]] = true
			f.roots = append(f.roots, v)
		}
	}
	inner := 0
	for i := range n {
		if t.modes[i] == modeNames[modeLeaf] {
			continue
		}
		tree := at.at(t.trees[i])
		yes, okYes := tree.get(t.yes[i])
		no, okNo := tree.get(t.no[i])
		if !okYes || !okNo {
			return nil, fmt.Errorf("node %d of tree %d leads to a node that isn't there", t.ids[i], t.trees[i])
		}
		f.nodes[inner].yes, f.nodes[inner].no = yes, no
		inner++
	}
	return f, f.setVotes(int(leaves), len(voteTrees), func(i int) (int32, vote, error) {
		p, ok := at.at(voteTrees[i]).get(voteIDs[i])
		if !ok {
			return 0, vote{}, fmt.Errorf("a vote names node %d of tree %d, which isn't there", voteIDs[i], voteTrees[i])
		}
		return ^p, vote{int32(min(max(targets[i], -1), 1<<30)), weights[i]}, nil
	}, numTargets)
}

// setVotes sorts votes by leaf, in the order in which they come, and checks the forest. Votes at inner nodes, with a negative leaf, never count.
func (f *forest) setVotes(leaves, n int, get func(i int) (int32, vote, error), targets int) error {
	f.leaves = make([]int32, leaves+1)
	at, all := make([]int32, n), make([]vote, n)
	for i := range n {
		var err error
		if at[i], all[i], err = get(i); err != nil {
			return err
		}
		if at[i] >= 0 {
			f.leaves[at[i]+1]++
		}
	}
	for i := range leaves {
		f.leaves[i+1] += f.leaves[i]
	}
	f.votes = make([]vote, f.leaves[leaves])
	next := slices.Clone(f.leaves)
	for i, l := range at {
		if l >= 0 {
			f.votes[next[l]] = all[i]
			next[l]++
		}
	}
	return f.finish(targets)
}

type ensembleAttrs struct {
	AggregateFunction           int            `onnx:",1"`
	LeafTargetids               []int64        `onnx:"leaf_targetids,required"`
	LeafWeights                 *tensor.Tensor `onnx:",required"`
	MembershipValues            *tensor.Tensor
	NTargets                    *int           `onnx:"n_targets"`
	NodesFalseleafs             []int64        `onnx:"nodes_falseleafs,required"`
	NodesFalsenodeids           []int64        `onnx:"nodes_falsenodeids,required"`
	NodesFeatureids             []int64        `onnx:"nodes_featureids,required"`
	NodesHitrates               *tensor.Tensor // how often nodes are met: no one needs it
	NodesMissingValueTracksTrue []int64
	NodesModes                  *tensor.Tensor `onnx:",required"`
	NodesSplits                 *tensor.Tensor `onnx:",required"`
	NodesTrueleafs              []int64        `onnx:"nodes_trueleafs,required"`
	NodesTruenodeids            []int64        `onnx:"nodes_truenodeids,required"`
	PostTransform               int            `onnx:",0"`
	TreeRoots                   []int64        `onnx:",required"`

	built builtForest
}

// TreeEnsemble sums up, or aggregates otherwise, what the leaves say that each row comes to. NaN goes where its node sends it. A target for which
// no leaf votes is 0.
var TreeEnsemble = Ops.Add(ops.Def(ops.Spec[ensembleAttrs]{
	Name: "TreeEnsemble", Domain: Domain, In: "X:T", Out: "Y:T", Types: "T=double|float|float16", Vers: []ops.Ver{{Since: 5}},
	Infer: func(c *ops.Infer, a *ensembleAttrs) error {
		if _, err := a.built.get(a.build); err != nil {
			return err
		}
		if a.AggregateFunction < 0 || a.AggregateFunction > int(aggMax) {
			return fmt.Errorf("attribute aggregate_function is %d; must be 0 to %d", a.AggregateFunction, aggMax)
		}
		if a.PostTransform < 0 || a.PostTransform > int(postProbit) {
			return fmt.Errorf("attribute post_transform is %d; must be 0 to %d", a.PostTransform, postProbit)
		}
		return outRows(c, 0, c.In(0).DT, a.targets())
	},
	Bind: func(b *ops.Bind, a *ensembleAttrs) (ops.Kernel, error) {
		f, err := a.built.get(a.build)
		if err != nil {
			return nil, err
		}
		k, err := newForestKernel(b, f, aggregate(a.AggregateFunction), a.targets())
		if err != nil {
			return nil, err
		}
		var y *tensor.Tensor
		k.open = func(c *ops.Call) { y = c.Out(0) }
		k.each = func(row int, s []float64) {
			post(a.PostTransform).apply(s)
			num.Store64(y, row*len(s), s)
		}
		return k, nil
	},
}))

// targets is the number of targets: n_targets, or as many as the leaves name.
func (a *ensembleAttrs) targets() int {
	if a.NTargets != nil {
		return *a.NTargets
	}
	n := int64(1)
	for _, t := range a.LeafTargetids {
		n = max(n, t+1)
	}
	return int(min(n, 1<<30))
}

func (a *ensembleAttrs) build() (*forest, error) {
	n := len(a.NodesFeatureids)
	splits, err := numbers(a.NodesSplits, "nodes_splits")
	if err != nil {
		return nil, err
	}
	modes, err := numbers(a.NodesModes, "nodes_modes")
	if err != nil {
		return nil, err
	}
	weights, err := numbers(a.LeafWeights, "leaf_weights")
	if err != nil {
		return nil, err
	}
	for name, l := range map[string]int{"nodes_splits": len(splits), "nodes_modes": len(modes), "nodes_trueleafs": len(a.NodesTrueleafs),
		"nodes_falseleafs": len(a.NodesFalseleafs), "nodes_truenodeids": len(a.NodesTruenodeids), "nodes_falsenodeids": len(a.NodesFalsenodeids)} {
		if l != n {
			return nil, fmt.Errorf("attribute %s has %d elements, nodes_featureids %d", name, l, n)
		}
	}
	if l := len(a.NodesMissingValueTracksTrue); l != 0 && l != n {
		return nil, fmt.Errorf("attribute nodes_missing_value_tracks_true has %d elements, nodes_featureids %d", l, n)
	}
	if len(weights) != len(a.LeafTargetids) {
		return nil, fmt.Errorf("attribute leaf_weights has %d elements, leaf_targetids %d", len(weights), len(a.LeafTargetids))
	}
	if a.NTargets != nil && *a.NTargets < 1 {
		return nil, fmt.Errorf("attribute n_targets is %d; must be positive", *a.NTargets)
	}
	f := &forest{nodes: make([]node, n)}
	if err := f.readSets(a.MembershipValues); err != nil {
		return nil, err
	}
	members := 0
	for i := range f.nodes {
		m := modes[i]
		if m < 0 || m > float64(modeMember) {
			return nil, fmt.Errorf("attribute nodes_modes has the element %v", m)
		}
		f.nodes[i] = node{value: splits[i], feature: int32(min(max(a.NodesFeatureids[i], -1), 1<<30)), mode: mode(m),
			yes: branch(a.NodesTruenodeids[i], a.NodesTrueleafs[i]), no: branch(a.NodesFalsenodeids[i], a.NodesFalseleafs[i]),
			missing: len(a.NodesMissingValueTracksTrue) > 0 && a.NodesMissingValueTracksTrue[i] != 0}
		if mode(m) == modeMember {
			f.nodes[i].value = float64(members)
			members++
		}
	}
	if members > len(f.sets) {
		return nil, fmt.Errorf("attribute membership_values has %d sets for %d nodes", len(f.sets), members)
	}
	for _, r := range a.TreeRoots {
		if r < 0 || r >= int64(n) {
			return nil, fmt.Errorf("attribute tree_roots has the element %d; there are %d nodes", r, n)
		}
		f.roots = append(f.roots, int32(r))
	}
	return f, f.setVotes(len(weights), len(weights), func(i int) (int32, vote, error) {
		return int32(i), vote{int32(min(max(a.LeafTargetids[i], -1), 1<<30)), weights[i]}, nil
	}, a.targets())
}

// branch makes one number of a node or leaf and the flag that tells which. What no list is long enough for stays so.
func branch(id, leaf int64) int32 {
	if id < 0 || id > 1<<30 {
		id = 1 << 30
	}
	if leaf != 0 {
		return ^int32(id)
	}
	return int32(id)
}

// readSets reads sets that end with NaN each; the last one may lack it.
func (f *forest) readSets(t *tensor.Tensor) error {
	values, err := numbers(t, "membership_values")
	if err != nil {
		return err
	}
	var set []float64
	end := func() {
		slices.Sort(set)
		f.sets, set = append(f.sets, set), nil
	}
	for _, v := range values {
		if v != v {
			end()
		} else {
			set = append(set, v)
		}
	}
	if len(set) > 0 {
		end()
	}
	return nil
}
