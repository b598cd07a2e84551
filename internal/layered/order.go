package layered

import (
	"cmp"
	"slices"
)

// order finds an order with few crossings: one that following the edges in depth gives, which suits graphs of nested branches, then the
// better ones that come up when everything is moved to the middle of its neighbours, by turns with swaps of neighbours.
func (l *layering) order() {
	l.follow()
	l.number()
	l.swaps()
	best, order := l.crossings(), l.save()
	const rounds = 10
	for round := 0; round < rounds && best > 0; round++ {
		l.gather(round)
		l.swaps()
		if n := l.crossings(); n < best {
			best, order = n, l.save()
		}
	}
	l.restore(order)
}

// follow puts leaves and clusters in the order in which they are met following the edges in depth. A long edge's lane comes after all that lies
// behind the edges before it: outside of what it goes around.
func (l *layering) follow() {
	out := make([][]int, len(l.g.Nodes))
	for i := range l.edges {
		out[l.edges[i].up] = append(out[l.edges[i].up], i)
	}
	l.root, l.children = nil, make([][]item, len(l.g.Clusters))
	met := make([]bool, len(l.leaves))
	metCluster := make([]bool, len(l.g.Clusters))
	put := func(i int) {
		met[i] = true
		it := item{i: i}
		for c := l.leaves[i].cluster; ; c = l.parent(c) {
			if c < 0 {
				l.root = append(l.root, it)
				return
			}
			l.children[c] = append(l.children[c], it)
			if metCluster[c] {
				return
			}
			metCluster[c] = true
			it = item{true, c}
		}
	}
	var visit func(v int)
	visit = func(v int) {
		put(v)
		for _, long := range [2]bool{false, true} { // what goes around comes after what is next
			for _, i := range out[v] {
				e := &l.edges[i]
				if (e.lane >= 0) != long {
					continue
				}
				if !met[e.down] {
					visit(e.down)
				}
			}
		}
		for _, i := range out[v] {
			if lane := l.edges[i].lane; lane >= 0 && !met[lane] {
				put(lane)
			}
		}
	}
	var sources []int
	for v := range l.g.Nodes {
		if len(l.leaves[v].ups) == 0 {
			sources = append(sources, v)
		}
	}
	slices.SortStableFunc(sources, func(a, b int) int { return cmp.Compare(l.rankN[a], l.rankN[b]) })
	for _, v := range sources {
		visit(v)
	}
}

// number gives each leaf its position.
func (l *layering) number() {
	next := 0
	var walk func(list []item)
	walk = func(list []item) {
		for _, it := range list {
			if it.cluster {
				walk(l.children[it.i])
				continue
			}
			l.leaves[it.i].pos = next
			next++
		}
	}
	walk(l.root)
}

// lists are the lists of items: those of the root, then those of the clusters.
func (l *layering) lists() [][]item { return append([][]item{l.root}, l.children...) }

func (l *layering) save() [][]item {
	list := l.lists()
	for i := range list {
		list[i] = slices.Clone(list[i])
	}
	return list
}

func (l *layering) restore(saved [][]item) {
	l.root, l.children = slices.Clone(saved[0]), saved[1:]
	l.number()
}

// ranked returns the leaves of each rank, in order.
func (l *layering) ranked() [][]int {
	all := make([]int, len(l.leaves))
	for i := range all {
		all[l.leaves[i].pos] = i
	}
	list := make([][]int, l.ranks)
	for _, i := range all {
		for r := l.leaves[i].first; r <= l.leaves[i].last; r++ {
			list[r] = append(list[r], i)
		}
	}
	return list
}

// crossings counts the crossings of edges.
func (l *layering) crossings() int {
	total := 0
	index := make([]int, len(l.leaves)) // of the leaves of the rank below
	ranked := l.ranked()
	for r := 0; r+1 < len(ranked); r++ {
		for k, i := range ranked[r+1] {
			index[i] = k
		}
		sums := make([]int, len(ranked[r+1])+1) // Fenwick tree: how many edges end at an index or before
		seen := 0
		for _, i := range ranked[r] {
			ends := l.below(i, r)
			for _, d := range ends {
				before := 0
				for j := index[d] + 1; j > 0; j -= j & -j {
					before += sums[j]
				}
				total += seen - before
			}
			for _, d := range ends {
				for j := index[d] + 1; j < len(sums); j += j & -j {
					sums[j]++
				}
				seen++
			}
		}
	}
	return total
}

// gather sorts all lists by where the neighbours of their items are: those above, those below, or both, by turns.
func (l *layering) gather(round int) {
	place := make([]float64, len(l.leaves)) // the middle of the places that a leaf would have if each rank stood centred
	for _, rank := range l.ranked() {
		width := 0.0
		for _, i := range rank {
			width += l.leaves[i].left + l.leaves[i].right
		}
		x := -width / 2
		for _, i := range rank {
			f := &l.leaves[i]
			place[i] += (x + f.left) / float64(f.last-f.first+1)
			x += f.left + f.right
		}
	}
	for i := range l.leaves {
		f := &l.leaves[i]
		sum, n := 0.0, 0
		if round%3 != 1 {
			for _, j := range f.ups {
				sum, n = sum+place[j], n+1
			}
		}
		if round%3 != 0 {
			for _, j := range f.downs {
				sum, n = sum+place[j], n+1
			}
		}
		f.key = place[i]
		if n > 0 {
			f.key = sum / float64(n)
		}
	}
	keys := make([]float64, len(l.g.Clusters))
	counts := make([]float64, len(l.g.Clusters))
	for i := range l.leaves {
		f := &l.leaves[i]
		for c := f.cluster; c >= 0; c = l.parent(c) {
			keys[c] += f.key
			counts[c]++
		}
	}
	key := func(it item) float64 {
		if it.cluster {
			return keys[it.i] / counts[it.i]
		}
		return l.leaves[it.i].key
	}
	for _, list := range l.lists() {
		slices.SortStableFunc(list, func(a, b item) int { return cmp.Compare(key(a), key(b)) })
	}
	l.number()
}

// reach returns the ranks of an item.
func (l *layering) reach(it item) (first, last int) {
	if it.cluster {
		return l.span[it.i][0], l.span[it.i][1]
	}
	return l.leaves[it.i].first, l.leaves[it.i].last
}

// in returns the leaves of an item in a rank.
func (l *layering) in(it item, r int, one *[1]int) []int {
	if it.cluster {
		return l.at[it.i][r]
	}
	if f := &l.leaves[it.i]; r < f.first || f.last < r {
		return nil
	}
	one[0] = it.i
	return one[:]
}

// swaps moves items past the next one that shares a rank with them, as long as that takes crossings away.
func (l *layering) swaps() {
	const rounds = 12
	for range rounds {
		moved := false
		for _, list := range l.lists() {
			for i := 0; i < len(list); i++ {
				j := l.rival(list, i)
				if j < 0 || l.gain(list[i], list[j]) <= 0 {
					continue
				}
				it := list[i]
				copy(list[i:j], list[i+1:j+1])
				list[j] = it
				l.number()
				moved = true
				i-- // another stands here now
			}
		}
		if !moved {
			return
		}
	}
}

// rival is the next item of a list that shares a rank with item i, -1 if there is none.
func (l *layering) rival(list []item, i int) int {
	first, last := l.reach(list[i])
	for j := i + 1; j < len(list); j++ {
		if f, t := l.reach(list[j]); f <= last && first <= t {
			return j
		}
	}
	return -1
}

// gain is how many crossings go away when a, which stands before b, comes to stand after it.
func (l *layering) gain(a, b item) int {
	af, al := l.reach(a)
	bf, bl := l.reach(b)
	gain := 0
	var oneA, oneB [1]int
	for r := max(af, bf); r <= min(al, bl); r++ {
		as, bs := l.in(a, r, &oneA), l.in(b, r, &oneB)
		for _, i := range as {
			for _, j := range bs {
				gain += l.compare(l.above(i, r), l.above(j, r), a, b)
				gain += l.compare(l.below(i, r), l.below(j, r), a, b)
			}
		}
	}
	return gain
}

// compare counts the pairs of ends that stand the wrong way round, less those that stand right, when their other ends are those of a and b.
// Pairs that would change places with a and b cross as before.
func (l *layering) compare(as, bs []int, a, b item) int {
	n := 0
	for _, i := range as {
		for _, j := range bs {
			inA, inB := l.holds(a, i), l.holds(b, j)
			if inA && inB || l.holds(b, i) && l.holds(a, j) {
				continue
			}
			n += cmp.Compare(l.leaves[i].pos, l.leaves[j].pos)
		}
	}
	return n
}

// holds reports whether a leaf is the item or in it.
func (l *layering) holds(it item, i int) bool {
	if !it.cluster {
		return it.i == i
	}
	for c := l.leaves[i].cluster; c >= it.i; c = l.parent(c) {
		if c == it.i {
			return true
		}
	}
	return false
}

// above returns the leaves of the rank before r that a leaf of r is joined to; a lane is joined to itself.
func (l *layering) above(i, r int) []int {
	if f := &l.leaves[i]; f.first == r {
		return f.ups
	}
	return l.selves[i : i+1]
}

// below returns the leaves of the rank after r that a leaf of r is joined to.
func (l *layering) below(i, r int) []int { return l.leaves[i].belows[r-l.leaves[i].first] }
