package ml

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
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
	features int // one more than the largest feature
}

// finish checks the flattened trees, so that evaluation needn't, and derives what it wants to know.
func (f *forest) finish(targets int) error {
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.feature < 0 {
			return fmt.Errorf("attribute nodes_featureids has the element %d", n.feature)
		}
		f.features = max(f.features, int(n.feature)+1)
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

// isSimple reports whether each node asks whether a feature is at most a value, which NaN isn't.
func (f *forest) isSimple() bool {
	return !slices.ContainsFunc(f.nodes, func(n node) bool { return n.mode != modeLEQ || n.missing })
}

// step is a node of a simple forest: to next[0] if the key of the feature is at most key, else to next[1].
type step struct {
	key     uint64
	next    [2]int32
	feature int32
}

// key maps a number to an integer that is ordered alike. NaN is above all others: no comparison with it holds.
func key(v float64) uint64 {
	b := math.Float64bits(v + 0) // −0 becomes 0
	switch {
	case v != v:
		return math.MaxUint64
	case b>>63 != 0:
		return ^b
	}
	return b | 1<<63
}

// steps are the nodes of a simple forest.
func (f *forest) steps() []step {
	out := make([]step, len(f.nodes))
	for i := range f.nodes {
		n := &f.nodes[i]
		out[i] = step{key(n.value), [2]int32{n.yes, n.no}, n.feature}
		if n.value != n.value {
			out[i].key = 0 // below all keys of numbers
		}
	}
	return out
}

// leaves4 goes down four ways in a simple forest, each from a root of its own and by the keys of a row of its own, and returns the leaves. No
// branch predictor can tell where a row turns, so the way is computed: the borrow of a subtraction. Four ways at a time hide the
// latency of each step.
func leaves4(steps []step, from [4]int32, x *[4][]uint64) [4]int32 {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	i0, i1, i2, i3 := from[0], from[1], from[2], from[3]
	for i0 >= 0 && i1 >= 0 && i2 >= 0 && i3 >= 0 {
		s0, s1, s2, s3 := &steps[i0], &steps[i1], &steps[i2], &steps[i3]
		_, b0 := bits.Sub64(s0.key, x0[s0.feature], 0)
		_, b1 := bits.Sub64(s1.key, x1[s1.feature], 0)
		_, b2 := bits.Sub64(s2.key, x2[s2.feature], 0)
		_, b3 := bits.Sub64(s3.key, x3[s3.feature], 0)
		i0, i1, i2, i3 = s0.next[b0&1], s1.next[b1&1], s2.next[b2&1], s3.next[b3&1]
	}
	return [4]int32{leaf1(steps, i0, x0), leaf1(steps, i1, x1), leaf1(steps, i2, x2), leaf1(steps, i3, x3)}
}

// leaf1 is leaves4 for a row.
func leaf1(steps []step, i int32, x []uint64) int32 {
	for i >= 0 {
		s := &steps[i]
		_, b := bits.Sub64(s.key, x[s.feature], 0)
		i = s.next[b&1]
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
	simple     []step // nil if the forest isn't
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
	if f.isSimple() {
		k.simple = f.steps()
	}
	if f.features > k.cols {
		return nil, fmt.Errorf("input has %d features; the trees ask for %d", k.cols, f.features)
	}
	// A tile has as many rows as take 20 µs, at 50 ns a tree, and more if there are enough for 16 tiles: a forest is larger than a cache, and each
	// tile reads all of it.
	k.per = min(64, max(1, 400/max(1, len(f.roots)), k.rows/16))
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
	size := n * k.cols
	b := w.Scratch(8 * (2*size + n*k.targets))
	x, keys, acc := ops.Elements[float64](b[:8*size]), ops.Elements[uint64](b[8*size:16*size]), ops.Elements[float64](b[16*size:])
	num.Load64(x, k.in, lo*k.cols)
	start := 0.0
	if k.how > aggSum {
		start = math.NaN()
	}
	for j := range acc {
		acc[j] = start
	}
	if k.simple != nil {
		for j, v := range x {
			keys[j] = key(v)
		}
		k.walk(n, keys, acc)
	} else {
		for _, root := range k.roots {
			for r := range n {
				k.add(acc[r*k.targets:][:k.targets], k.leaf(root, x[r*k.cols:][:k.cols]), k.how)
			}
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

// walk counts the votes of a simple forest for n rows, those of each row in the order of the trees. Four rows go down one tree at a time, and the
// rows that are left four trees.
func (k *forestKernel) walk(n int, keys []uint64, acc []float64) {
	row := func(r int) []uint64 { return keys[r*k.cols:][:k.cols] }
	count := func(r int, leaf int32) { k.add(acc[r*k.targets:][:k.targets], leaf, k.how) }
	whole := n &^ 3
	for _, root := range k.roots {
		for r := 0; r < whole; r += 4 {
			x := [4][]uint64{row(r), row(r + 1), row(r + 2), row(r + 3)}
			for j, leaf := range leaves4(k.simple, [4]int32{root, root, root, root}, &x) {
				count(r+j, leaf)
			}
		}
	}
	for r := whole; r < n; r++ {
		x := [4][]uint64{row(r), row(r), row(r), row(r)}
		t := 0
		for ; t+4 <= len(k.roots); t += 4 {
			for _, leaf := range leaves4(k.simple, [4]int32(k.roots[t:]), &x) {
				count(r, leaf)
			}
		}
		for ; t < len(k.roots); t++ {
			count(r, leaf1(k.simple, k.roots[t], x[0]))
		}
	}
}
