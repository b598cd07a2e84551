package ml

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// mode is the comparison at a node, numbered as TreeEnsemble does.
type mode uint8

const (
	modeLEQ mode = iota
	modeLT
	modeGTE
	modeGT
	modeEQ
	modeNEQ
	modeMember
	modeLeaf // in the older operators only
)

var modeNames = []string{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"}

// node is an inner node of a tree. Where it leads is the number of a node, or the complement of a leaf's.
type node struct {
	value   float64 // what the feature is compared with; the number of a set for modeMember
	feature int32
	yes, no int32
	mode    mode
	missing bool // where NaN goes
}

// vote is what a leaf adds to a target.
type vote struct {
	target int32
	weight float64
}

// forest is an ensemble of trees, flattened. Everything is compared in float64, which holds every type of features but the largest int64.
type forest struct {
	nodes    []node
	roots    []int32 // a node or the complement of a leaf
	votes    []vote  // of the leaves, one after the other
	leaves   []int32 // where each leaf's votes begin, and the end
	sets     [][]float64
	features int  // one more than the largest feature
	simple   bool // each node asks whether a feature is at most a value, and NaN isn't
}

// finish checks the flattened trees, so that evaluation needn't, and derives what it wants to know.
func (f *forest) finish(targets int) error {
	f.simple = true
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.feature < 0 {
			return fmt.Errorf("attribute nodes_featureids has the element %d", n.feature)
		}
		f.features = max(f.features, int(n.feature)+1)
		f.simple = f.simple && n.mode == modeLEQ && !n.missing
		for _, next := range [2]int32{n.yes, n.no} {
			if next >= 0 && int(next) >= len(f.nodes) || next < 0 && int(^next) >= len(f.leaves)-1 {
				return fmt.Errorf("node %d leads out of its tree", i)
			}
		}
	}
	for _, v := range f.votes {
		if v.target < 0 || int(v.target) >= targets {
			return fmt.Errorf("a leaf votes for target %d of %d", v.target, targets)
		}
	}
	return f.checkCycles()
}

// checkCycles walks each tree depth first: a node that is met again below itself would be an endless loop.
func (f *forest) checkCycles() error {
	const open, done = 1, 2
	state := make([]uint8, len(f.nodes))
	var stack []int32
	for _, root := range f.roots {
		stack = append(stack[:0], root)
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			if i < 0 || state[i] == done {
				stack = stack[:len(stack)-1]
				continue
			}
			if state[i] == open {
				state[i] = done
				stack = stack[:len(stack)-1]
				continue
			}
			state[i] = open
			for _, next := range [2]int32{f.nodes[i].yes, f.nodes[i].no} {
				if next >= 0 && state[next] == open {
					return errors.New("a tree has a cycle")
				}
				stack = append(stack, next)
			}
		}
	}
	return nil
}

// leaf returns the leaf that a row of features comes to from a root.
func (f *forest) leaf(root int32, x []float64) int32 {
	i := root
	if f.simple {
		for i >= 0 {
			if n := &f.nodes[i]; x[n.feature] <= n.value {
				i = n.yes
			} else {
				i = n.no
			}
		}
		return ^i
	}
	for i >= 0 {
		n := &f.nodes[i]
		v := x[n.feature]
		yes := n.missing
		if v == v {
			yes = f.holds(n, v)
		}
		if i = n.no; yes {
			i = n.yes
		}
	}
	return ^i
}

func (f *forest) holds(n *node, v float64) bool {
	switch n.mode {
	case modeLEQ:
		return v <= n.value
	case modeLT:
		return v < n.value
	case modeGTE:
		return v >= n.value
	case modeGT:
		return v > n.value
	case modeEQ:
		return v == n.value
	case modeNEQ:
		return v != n.value
	}
	_, found := slices.BinarySearch(f.sets[int(n.value)], v)
	return found
}

// aggregate is how the votes of all trees become one number, numbered as TreeEnsemble does.
type aggregate uint8

const (
	aggAverage aggregate = iota
	aggSum
	aggMin
	aggMax
)

func parseAggregate(name string) (aggregate, error) {
	switch name {
	case "AVERAGE":
		return aggAverage, nil
	case "SUM":
		return aggSum, nil
	case "MIN":
		return aggMin, nil
	case "MAX":
		return aggMax, nil
	}
	return 0, fmt.Errorf("attribute aggregate_function: %q, must be AVERAGE, SUM, MIN or MAX", name)
}

// add counts the votes of a leaf.
func (f *forest) add(acc []float64, leaf int32, how aggregate) {
	for _, v := range f.votes[f.leaves[leaf]:f.leaves[leaf+1]] {
		a := &acc[v.target]
		switch {
		case how <= aggSum:
			*a += v.weight
		case *a != *a: // the first vote
			*a = v.weight
		case how == aggMin:
			*a = min(*a, v.weight)
		default:
			*a = max(*a, v.weight)
		}
	}
}

// forestKernel runs a forest over rows. Trees go in the outer loop, so that each stays in the cache for all rows of a tile.
type forestKernel struct {
	*forest
	how        aggregate
	targets    int
	rows, cols int
	per        int
	in         *tensor.Tensor
	open       func(c *ops.Call)
	each       func(row int, scores []float64) // takes the sums of a row
}

// newForestKernel prepares a forest for the shape of input 0.
func newForestKernel(b *ops.Bind, f *forest, how aggregate, targets int) (*forestKernel, error) {
	k := &forestKernel{forest: f, how: how, targets: targets}
	k.rows, k.cols = matrixDims(b.Dims(0))
	if f.features > k.cols {
		return nil, fmt.Errorf("input has %d features; the trees ask for %d", k.cols, f.features)
	}
	// A tree takes some 50 ns a row: a tile is to take 20 µs at least, and to fit the cache.
	k.per = max(1, min(64, 400/max(1, len(f.roots))))
	return k, nil
}

func (k *forestKernel) Run(c *ops.Call) error {
	k.in = c.In(0)
	k.open(c)
	return c.Parallel((k.rows+k.per-1)/k.per, k)
}

func (k *forestKernel) Tile(w ops.Worker, i int) {
	lo := i * k.per
	n := min(k.rows-lo, k.per)
	s := ops.Scratch[float64](w, n*(k.cols+k.targets))
	x, acc := s[:n*k.cols], s[n*k.cols:]
	num.Load64(x, k.in, lo*k.cols)
	start := 0.0
	if k.how > aggSum {
		start = math.NaN()
	}
	for j := range acc {
		acc[j] = start
	}
	for _, root := range k.roots {
		for r := range n {
			k.add(acc[r*k.targets:][:k.targets], k.leaf(root, x[r*k.cols:][:k.cols]), k.how)
		}
	}
	for j, v := range acc {
		switch {
		case k.how == aggAverage:
			acc[j] = v / float64(len(k.roots))
		case k.how > aggSum && v != v:
			acc[j] = 0 // no leaf voted
		}
	}
	for r := range n {
		k.each(lo+r, acc[r*k.targets:][:k.targets])
	}
}
