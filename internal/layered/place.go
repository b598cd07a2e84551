package layered

import (
	"cmp"
	"math"
	"slices"
)

// place finds the places of everything once ranks and order are known.
func (l *layering) place() *Layout {
	p := &placing{layering: l, x: l.across()}
	p.down()
	out := &Layout{Nodes: make([]Rect, len(l.g.Nodes)), Clusters: make([]Rect, len(l.g.Clusters)), Edges: make([][]Point, len(l.g.Edges))}
	for v := range l.g.Nodes {
		n := &l.g.Nodes[v]
		out.Nodes[v] = Rect{p.x[v] - n.W/2, p.top[l.rankN[v]], n.W, n.H}
	}
	for c := range l.g.Clusters {
		if s := l.span[c]; s[0] <= s[1] {
			left, right := p.x[l.side(c, 0)], p.x[l.side(c, 1)]
			top := p.top[s[0]] - titleRoom*float64(p.opened[c])
			out.Clusters[c] = Rect{left, top, right - left, p.bottom[s[1]] + padding*float64(p.closed[c]) - top}
		}
	}
	for i := range l.edges {
		out.Edges[l.edges[i].edge] = p.route(&l.edges[i])
	}
	out.trim(l.g)
	return out
}

// side is the variable of a cluster's left (0) or right (1) side.
func (l *layering) side(c, k int) int { return len(l.leaves) + 2*c + k }

// placing is a layout whose horizontal places are known.
type placing struct {
	*layering
	x              []float64 // of the middle of leaves, then of the sides of clusters
	top, bottom    []float64 // of ranks
	opened, closed []int     // how many frames begin, or end, inside of a cluster's at the same rank, itself among them
}

// across finds the horizontal places: edges are as straight and clusters as narrow as the order and the room for everything allow.
func (l *layering) across() []float64 {
	n := len(l.leaves) + 2*len(l.g.Clusters)
	s := &spacing{layering: l, least: map[[2]int]int{}}
	s.list(l.root, -1)
	for c, list := range l.children {
		s.list(list, c)
	}
	arcs := make([]arc, 0, len(s.least)+2*len(l.leaves)+len(l.g.Clusters))
	for k, length := range s.least {
		arcs = append(arcs, arc{k[0], k[1], length, 0})
	}
	slices.SortFunc(arcs, func(a, b arc) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for c := range l.g.Clusters {
		arcs = append(arcs, arc{l.side(c, 0), l.side(c, 1), int(math.Ceil(l.g.Clusters[c].W + 2*padding)), 1})
	}
	// A piece of an edge is a variable of its own that pulls at both ends.
	pull := func(a, b int, offset float64, weight int) {
		d := int(math.Round(offset))
		arcs = append(arcs, arc{n, a, max(0, -d), weight}, arc{n, b, max(0, d), weight})
		n++
	}
	begun := map[int]bool{}
	for i := range l.edges {
		e := &l.edges[i]
		weight := 1
		if len(l.leaves[e.up].downs) == 1 {
			weight++
		}
		if len(l.leaves[e.down].ups) == 1 {
			weight++
		}
		if e.lane < 0 {
			pull(e.up, e.down, l.begin(e), 2*weight)
			continue
		}
		if !begun[e.lane] {
			begun[e.lane] = true
			pull(e.up, e.lane, l.begin(e), weight)
		}
		pull(e.lane, e.down, 0, weight)
	}
	hasIn := make([]bool, n)
	for _, a := range arcs {
		hasIn[a.to] = true
	}
	for v, in := range hasIn { // one more variable left of all connects what nothing else does
		if !in {
			arcs = append(arcs, arc{n, v, 0, 0})
		}
	}
	values := simplex(n+1, arcs, true)
	x := make([]float64, len(l.leaves)+2*len(l.g.Clusters))
	for i := range x {
		x[i] = float64(values[i])
	}
	return x
}

// begin is where an edge leaves the upper node, from its middle.
func (l *layering) begin(e *link) float64 {
	if e.reversed {
		return 0
	}
	return l.g.Edges[e.edge].FromX
}

// spacing gathers how far apart things must be.
type spacing struct {
	*layering
	least map[[2]int]int
}

func (s *spacing) apart(a, b int, d float64) {
	k := [2]int{a, b}
	s.least[k] = max(s.least[k], int(math.Ceil(d)))
}

// list keeps apart what stands in a cluster (-1: in none), rank by rank: neighbours from each other, the first and the last from its sides.
func (s *spacing) list(list []item, c int) {
	first, last := 0, s.ranks-1
	if c >= 0 {
		first, last = s.span[c][0], s.span[c][1]
	}
	if first > last {
		return
	}
	type end struct {
		of   int
		room float64
	}
	ends := make([]end, last-first+1) // of what stands last in each rank so far
	for i := range ends {
		ends[i].of = -1
		if c >= 0 {
			ends[i] = end{s.side(c, 0), padding - nodeGap/2}
		}
	}
	for _, it := range list {
		left, right, room, after := it.i, it.i, 0.0, 0.0
		if it.cluster {
			left, right, room, after = s.side(it.i, 0), s.side(it.i, 1), nodeGap/2, nodeGap/2
		} else {
			room, after = s.leaves[it.i].left, s.leaves[it.i].right
		}
		f, t := s.reach(it)
		for r := f; r <= t; r++ {
			if e := &ends[r-first]; e.of >= 0 {
				s.apart(e.of, left, e.room+room)
			}
			ends[r-first] = end{right, after}
		}
	}
	if c >= 0 {
		for _, e := range ends {
			s.apart(e.of, s.side(c, 1), e.room+padding-nodeGap/2)
		}
	}
}

// down finds the vertical places of the ranks: there is room for the frames that begin and end between them, and for edges that go far to
// the side.
func (p *placing) down() {
	p.top, p.bottom = make([]float64, p.ranks), make([]float64, p.ranks)
	p.opened, p.closed = make([]int, len(p.g.Clusters)), make([]int, len(p.g.Clusters))
	opening, closing := make([]int, p.ranks), make([]int, p.ranks)
	for c := len(p.g.Clusters) - 1; c >= 0; c-- {
		s := p.span[c]
		if s[0] > s[1] {
			continue
		}
		p.opened[c]++
		p.closed[c]++
		opening[s[0]], closing[s[1]] = max(opening[s[0]], p.opened[c]), max(closing[s[1]], p.closed[c])
		if o := p.parent(c); o >= 0 {
			if p.span[o][0] == s[0] {
				p.opened[o] = max(p.opened[o], p.opened[c])
			}
			if p.span[o][1] == s[1] {
				p.closed[o] = max(p.closed[o], p.closed[c])
			}
		}
	}
	aside := make([]float64, p.ranks) // how far edges go to the side below each rank
	far := func(r, a, b int, offset float64) { aside[r] = max(aside[r], math.Abs(p.x[a]+offset-p.x[b])) }
	for i := range p.edges {
		e := &p.edges[i]
		if e.lane < 0 {
			far(p.rankN[e.up], e.up, e.down, p.begin(e))
			continue
		}
		far(p.rankN[e.up], e.up, e.lane, p.begin(e))
		far(p.rankN[e.down]-1, e.lane, e.down, 0)
	}
	height := make([]float64, p.ranks)
	for v := range p.g.Nodes {
		r := p.rankN[v]
		height[r] = max(height[r], p.g.Nodes[v].H+p.g.Nodes[v].Foot)
	}
	y := 0.0
	for r := range p.ranks {
		y += titleRoom * float64(opening[r])
		p.top[r], p.bottom[r] = y, y+height[r]
		y = p.bottom[r] + padding*float64(closing[r]) + min(mostGap, rankGap+float64(steepness*aside[r])) // unfused, for the same layout on all machines
	}
}

// route finds the points of an edge.
func (p *placing) route(e *link) []Point {
	up, down := p.rankN[e.up], p.rankN[e.down]
	from, to := p.x[e.up]+p.begin(e), p.x[e.down]
	all := []Point{{from, p.top[up] + p.g.Nodes[e.up].H}, {from, p.bottom[up]}}
	if e.lane >= 0 {
		x := p.x[e.lane]
		all = append(all, Point{x, p.top[up+1]}, Point{x, p.bottom[down-1]})
	}
	all = append(all, Point{to, p.top[down]})
	points := all[:1]
	for i, pt := range all[1:] {
		if prev := points[len(points)-1]; pt == prev {
			continue
		} else if i+2 < len(all) && pt.X == prev.X && pt.X == all[i+2].X {
			continue // in the middle of a straight line
		}
		points = append(points, pt)
	}
	if e.reversed {
		slices.Reverse(points)
	}
	return points
}

// trim moves everything to where the space begins, and measures it.
func (out *Layout) trim(g *Graph) {
	lo, hi := Point{math.Inf(1), math.Inf(1)}, Point{math.Inf(-1), math.Inf(-1)}
	for _, list := range [2][]Rect{out.Nodes, out.Clusters} {
		for _, r := range list {
			if r.W > 0 || r.H > 0 {
				lo = Point{min(lo.X, r.X), min(lo.Y, r.Y)}
				hi = Point{max(hi.X, r.X+r.W), max(hi.Y, r.Y+r.H)}
			}
		}
	}
	for v, r := range out.Nodes {
		hi.X = max(hi.X, r.X+r.W/2+g.Nodes[v].Right)
	}
	if lo.X > hi.X {
		out.W, out.H = 2*margin, 2*margin
		return
	}
	for _, points := range out.Edges {
		for _, p := range points {
			lo.X, hi.X = min(lo.X, p.X), max(hi.X, p.X)
		}
	}
	dx, dy := margin-lo.X, margin-lo.Y
	out.W, out.H = hi.X-lo.X+2*margin, hi.Y-lo.Y+2*margin
	for _, list := range [2][]Rect{out.Nodes, out.Clusters} {
		for i := range list {
			if list[i].W > 0 || list[i].H > 0 {
				list[i].X += dx
				list[i].Y += dy
			}
		}
	}
	for _, points := range out.Edges {
		for i := range points {
			points[i].X += dx
			points[i].Y += dy
		}
	}
}
