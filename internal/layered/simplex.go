package layered

import (
	"math"
	"slices"
)

// arc says that the value of to is at least length more than that of from, and that each unit beyond costs weight.
type arc struct{ from, to, length, weight int }

// simplex finds integers for n variables that keep to all arcs, at the least cost. The arcs must have no cycle and connect all variables. With
// balance, what can be moved at no cost stands in the middle of where it could be.
//
// It is the network simplex method: a spanning tree of arcs without slack gives the values; an arc of the tree that has a negative cut value
// is replaced by another, until there is none, or until much work has been done: then the values keep to the arcs, but may not be the best.
func simplex(n int, arcs []arc, balance bool) []int {
	if n == 0 {
		return nil
	}
	s := &tree{arcs: arcs, value: make([]int, n), out: make([][]int, n), in: make([][]int, n), adj: make([][]int, n),
		isTree: make([]bool, len(arcs)), cut: make([]int, len(arcs)), up: make([]int, n), low: slices.Repeat([]int{-1}, n), lim: make([]int, n), byLim: make([]int, n)}
	for i, a := range arcs {
		s.out[a.from] = append(s.out[a.from], i)
		s.in[a.to] = append(s.in[a.to], i)
	}
	s.feasible()
	s.tight()
	s.number(0, -1, 0)
	s.cuts()
	for s.work < muchWork {
		e := s.leaving()
		if e < 0 {
			break
		}
		f := s.entering(e)
		if f < 0 {
			break
		}
		s.exchange(e, f)
	}
	if balance {
		s.balance()
	}
	least := math.MaxInt
	for _, v := range s.value {
		least = min(least, v)
	}
	for i := range s.value {
		s.value[i] -= least
	}
	return s.value
}

// muchWork is how many nodes are numbered anew at most. It takes some seconds, and is enough for graphs of about 5,000 nodes.
const muchWork = 60_000_000

// tree is a spanning tree of the arcs. Its nodes are numbered in postorder: the nodes below v are those with numbers from low[v] to lim[v].
type tree struct {
	arcs    []arc
	value   []int
	out, in [][]int // arcs of a node
	adj     [][]int // arcs of the tree at a node
	isTree  []bool
	list    []int // arcs of the tree
	cut     []int
	up      []int // arc of the tree towards the root, -1 at the root
	low     []int
	lim     []int
	byLim   []int // node of a number
	next    int   // where the search for a leaving arc goes on
	work    int   // nodes that were numbered
}

func (s *tree) slack(i int) int {
	a := &s.arcs[i]
	return s.value[a.to] - s.value[a.from] - a.length
}

// other is the end of an arc that isn't v.
func (s *tree) other(i, v int) int {
	if s.arcs[i].from == v {
		return s.arcs[i].to
	}
	return s.arcs[i].from
}

// feasible gives each variable the least value that the arcs allow.
func (s *tree) feasible() {
	wait := make([]int, len(s.value))
	var ready []int
	for v := range wait {
		if wait[v] = len(s.in[v]); wait[v] == 0 {
			ready = append(ready, v)
		}
	}
	for len(ready) > 0 {
		v := ready[0]
		ready = ready[1:]
		for _, i := range s.out[v] {
			a := &s.arcs[i]
			s.value[a.to] = max(s.value[a.to], s.value[v]+a.length)
			if wait[a.to]--; wait[a.to] == 0 {
				ready = append(ready, a.to)
			}
		}
	}
}

// tight makes a spanning tree of arcs without slack: it grows from node 0, and is moved as a whole towards the nearest node when none is in
// reach.
func (s *tree) tight() {
	inTree := make([]bool, len(s.value))
	var members, border []int // border: arcs with one end in the tree, and some that no longer have that
	var grow func(v int)
	grow = func(v int) {
		inTree[v] = true
		members = append(members, v)
		for _, list := range [2][]int{s.out[v], s.in[v]} {
			for _, i := range list {
				w := s.other(i, v)
				switch {
				case inTree[w]:
				case s.slack(i) == 0:
					s.addTree(i)
					grow(w)
				default:
					border = append(border, i)
				}
			}
		}
	}
	grow(0)
	for len(members) < len(s.value) {
		best, least := -1, math.MaxInt
		kept := border[:0]
		for _, i := range border {
			if inTree[s.arcs[i].from] == inTree[s.arcs[i].to] {
				continue
			}
			kept = append(kept, i)
			if d := s.slack(i); d < least {
				best, least = i, d
			}
		}
		border = kept
		if best < 0 {
			return // not connected, against the rule
		}
		w := s.arcs[best].to
		if inTree[w] {
			w, least = s.arcs[best].from, -least
		}
		for _, v := range members {
			s.value[v] += least
		}
		s.addTree(best)
		grow(w)
	}
}

func (s *tree) addTree(i int) {
	s.isTree[i] = true
	s.list = append(s.list, i)
	s.adj[s.arcs[i].from] = append(s.adj[s.arcs[i].from], i)
	s.adj[s.arcs[i].to] = append(s.adj[s.arcs[i].to], i)
}

// number numbers the nodes below v from next on, and returns the number after the last.
func (s *tree) number(v, up, next int) int {
	if s.up[v] == up && s.low[v] == next && up >= 0 {
		return s.lim[v] + 1 // nothing below has changed
	}
	s.work++
	s.up[v], s.low[v] = up, next
	for _, i := range s.adj[v] {
		if i != up {
			next = s.number(s.other(i, v), i, next)
		}
	}
	s.lim[v], s.byLim[next] = next, v
	return next + 1
}

// below reports whether v is below w, or w itself.
func (s *tree) below(v, w int) bool { return s.low[w] <= s.lim[v] && s.lim[v] <= s.lim[w] }

// cuts computes the cut value of each arc of the tree: the weight of the arcs from its tail's side of the tree to its head's, less that of those
// which lead back. What flows out of the part below a node is the sum of what its nodes give, as arcs inside give and take the same.
func (s *tree) cuts() {
	flow := make([]int, len(s.value))
	for i := range s.arcs {
		flow[s.arcs[i].from] += s.arcs[i].weight
		flow[s.arcs[i].to] -= s.arcs[i].weight
	}
	for _, v := range s.byLim {
		e := s.up[v]
		if e < 0 {
			continue
		}
		s.cut[e] = flow[v]
		if s.arcs[e].to == v {
			s.cut[e] = -flow[v]
		}
		flow[s.other(e, v)] += flow[v]
	}
}

// leaving is an arc of the tree whose replacement makes the cost less, -1 if there is none: the best of the first few.
func (s *tree) leaving() int {
	const enough = 30
	best, found := -1, 0
	for range s.list {
		if s.next >= len(s.list) {
			s.next = 0
		}
		i := s.list[s.next]
		s.next++
		if s.cut[i] < 0 {
			if best < 0 || s.cut[i] < s.cut[best] {
				best = i
			}
			if found++; found == enough {
				break
			}
		}
	}
	return best
}

// entering is the arc with the least slack that leads from the head's side of e to the tail's.
func (s *tree) entering(e int) int {
	a := &s.arcs[e]
	v, outwards := a.to, true // the part below v is the head's side
	if s.lim[a.from] < s.lim[a.to] {
		v, outwards = a.from, false
	}
	best, least := -1, math.MaxInt
	for _, w := range s.byLim[s.low[v] : s.lim[v]+1] {
		list := s.in[w]
		if outwards {
			list = s.out[w]
		}
		for _, i := range list {
			if s.isTree[i] || s.below(s.other(i, w), v) {
				continue
			}
			if d := s.slack(i); d < least {
				best, least = i, d
			}
		}
	}
	return best
}

// exchange replaces arc e of the tree by f.
func (s *tree) exchange(e, f int) {
	a := &s.arcs[e]
	v, delta := a.to, s.slack(f)
	if s.lim[a.from] < s.lim[a.to] {
		v, delta = a.from, -delta
	}
	for _, w := range s.byLim[s.low[v] : s.lim[v]+1] {
		s.value[w] += delta
	}
	cut := s.cut[e]
	top := s.shift(s.arcs[f].from, s.arcs[f].to, cut, true)
	s.shift(s.arcs[f].to, s.arcs[f].from, cut, false)
	s.cut[f], s.cut[e] = -cut, 0
	s.isTree[e], s.isTree[f] = false, true
	for k, i := range s.list {
		if i == e {
			s.list[k] = f
			break
		}
	}
	for _, v := range [2]int{a.from, a.to} {
		for k, i := range s.adj[v] {
			if i == e {
				s.adj[v] = append(s.adj[v][:k], s.adj[v][k+1:]...)
				break
			}
		}
	}
	s.adj[s.arcs[f].from] = append(s.adj[s.arcs[f].from], f)
	s.adj[s.arcs[f].to] = append(s.adj[s.arcs[f].to], f)
	low := s.low[top]
	for _, v := range [2]int{s.arcs[f].from, s.arcs[f].to} {
		for ; v != top; v = s.other(s.up[v], v) {
			s.low[v] = -1 // what is below has changed
		}
	}
	s.low[top] = -1
	s.number(top, s.up[top], low)
}

// balance moves each part of the tree that may move at no cost to the middle of where it may be.
func (s *tree) balance() {
	for _, e := range s.list {
		if s.cut[e] != 0 {
			continue
		}
		f := s.entering(e)
		if f < 0 {
			continue
		}
		a := &s.arcs[e]
		v, delta := a.to, s.slack(f)/2
		if s.lim[a.from] < s.lim[a.to] {
			v, delta = a.from, -delta
		}
		for _, w := range s.byLim[s.low[v] : s.lim[v]+1] {
			s.value[w] += delta
		}
	}
}

// shift corrects the cut values from v up to the first node that w is below too, and returns that node.
func (s *tree) shift(v, w, cut int, forward bool) int {
	for !s.below(w, v) {
		e := s.up[v]
		if (s.arcs[e].from == v) == forward {
			s.cut[e] += cut
		} else {
			s.cut[e] -= cut
		}
		v = s.other(e, v)
	}
	return v
}
