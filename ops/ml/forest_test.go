package ml

import (
	"math"
	"math/rand/v2"
	"testing"
)

// full returns a forest of full trees, whose leaves vote for one target.
func full(r *rand.Rand, trees, depth, features int, value func() float64) *forest {
	f := &forest{features: features}
	inner, leaves := 1<<depth-1, 1<<depth
	for t := range trees {
		at := func(i int) int32 {
			if i < inner {
				return int32(t*inner + i)
			}
			return ^int32(t*leaves + i - inner)
		}
		f.roots = append(f.roots, at(0))
		for i := range inner {
			f.nodes = append(f.nodes, node{value: value(), feature: int32(r.IntN(features)), yes: at(2*i + 1), no: at(2*i + 2), mode: modeLEQ})
		}
	}
	for i := range trees * leaves {
		f.leaves = append(f.leaves, int32(i))
		f.votes = append(f.votes, vote{0, r.NormFloat64()})
	}
	f.leaves = append(f.leaves, int32(trees*leaves))
	return f
}

// The two ways down a tree lead to the same leaf, whatever is compared.
func TestSimpleForest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	odd := []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, -math.MaxFloat64, 5e-324, -5e-324}
	value := func() float64 { return odd[r.IntN(len(odd))] }
	f := full(r, 40, 5, 4, value)
	steps := f.steps()
	for range 200 {
		x, keys := make([]float64, 16), make([]uint64, 16)
		for i := range x {
			x[i] = value()
			keys[i] = key(x[i])
		}
		for _, root := range f.roots {
			rows := [4][]uint64{keys[:4], keys[4:8], keys[8:12], keys[12:]}
			four := leaves4(steps, [4]int32{root, root, root, root}, &rows)
			for j, got := range four {
				row := x[4*j:][:4]
				want := f.leaf(root, row)
				if one := leaf1(steps, root, keys[4*j:][:4]); got != want || one != want {
					t.Fatalf("features %v: leaves %d and %d, want %d", row, got, one, want)
				}
			}
		}
	}
}

// BenchmarkForest runs 500 trees of depth 8 over 64 rows of 50 features.
func BenchmarkForest(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	f := full(r, 500, 8, 50, r.NormFloat64)
	k := &forestKernel{forest: f, simple: f.steps(), how: aggSum, targets: 1, cols: 50}
	keys, acc := make([]uint64, 64*50), make([]float64, 64)
	for i := range keys {
		keys[i] = key(r.NormFloat64())
	}
	for b.Loop() {
		k.walk(64, keys, acc)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(64*500), "ns/tree")
}

// Nodes are found whatever their numbers are.
func TestNodeIDs(t *testing.T) {
	var ids nodeIDs
	want := map[[2]int64]int32{}
	for i, id := range []int64{0, 1, 2, 40, 3, 41, 20, -1, math.MaxInt64, math.MinInt64, 1 << 40, 100, 99} {
		for tree := range int64(3) {
			v := int32(i) - 5*int32(tree)
			if _, ok := ids.at(tree).get(id); ok {
				t.Errorf("tree %d has a node %d before it was set", tree, id)
			}
			ids.at(tree).set(id, v)
			want[[2]int64{tree, id}] = v
		}
	}
	for k, v := range want {
		if got, ok := ids.at(k[0]).get(k[1]); !ok || got != v {
			t.Errorf("tree %d, node %d: got %d, %t, want %d", k[0], k[1], got, ok, v)
		}
	}
	if _, ok := ids.at(0).get(7); ok {
		t.Error("a node in a gap")
	}
}
