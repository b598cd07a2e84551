package layered

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// random makes a graph of n nodes in nested clusters, edges mostly forwards.
func random(seed uint64, n int) *Graph {
	r := rand.New(rand.NewPCG(seed, 1))
	g := &Graph{}
	clusters := r.IntN(n/3 + 1)
	for c := range clusters {
		g.Clusters = append(g.Clusters, Cluster{Parent: r.IntN(c+1) - 1, W: float64(r.IntN(80))})
	}
	for range n {
		g.Nodes = append(g.Nodes, Node{Cluster: r.IntN(clusters+1) - 1, W: float64(20 + r.IntN(100)), H: float64(15 + r.IntN(40)),
			Right: float64(r.IntN(90)), Foot: float64(r.IntN(15))})
	}
	for range n + r.IntN(n) {
		a, b := r.IntN(n), r.IntN(n)
		if a > b && r.IntN(10) > 0 {
			a, b = b, a
		}
		g.Edges = append(g.Edges, Edge{From: a, To: b, FromX: float64(r.IntN(3)-1) * 5})
	}
	return g
}

// residual is a chain of blocks that are skipped by edges, with a value that is used all along it.
func residual(blocks int) *Graph {
	g := &Graph{Nodes: []Node{{Cluster: -1, W: 60, H: 30}, {Cluster: -1, W: 60, H: 30}}}
	at := 0
	for b := range blocks {
		g.Clusters = append(g.Clusters, Cluster{Parent: -1, W: 40})
		begin := at
		for range 5 {
			g.Nodes = append(g.Nodes, Node{Cluster: b, W: 80, H: 40, Right: 90, Foot: 12})
			g.Edges = append(g.Edges, Edge{From: at, To: len(g.Nodes) - 1})
			at = len(g.Nodes) - 1
		}
		g.Edges = append(g.Edges, Edge{From: begin, To: at}, Edge{From: 1, To: at - 2})
	}
	return g
}

func overlap(a, b Rect) bool {
	const eps = 1e-6
	return a.X+a.W > b.X+eps && b.X+b.W > a.X+eps && a.Y+a.H > b.Y+eps && b.Y+b.H > a.Y+eps
}

func inside(a, b Rect) bool {
	return a.X >= b.X && a.Y >= b.Y && a.X+a.W <= b.X+b.W && a.Y+a.H <= b.Y+b.H
}

// holds reports whether cluster c is around what stands in cluster of.
func (g *Graph) holds(c, of int) bool {
	for ; of >= 0; of = g.Clusters[of].Parent {
		if of == c {
			return true
		}
	}
	return false
}

// TestNothingOverlaps checks what every drawing promises, on random graphs.
func TestNothingOverlaps(t *testing.T) {
	for seed := range uint64(300) {
		g := random(seed, 2+int(seed%60))
		l := Of(g)
		if err := check(g, l); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(l, Of(g)) {
			t.Fatalf("seed %d: another layout the second time", seed)
		}
	}
}

func check(g *Graph, l *Layout) error {
	space := Rect{0, 0, l.W, l.H}
	for i, a := range l.Nodes {
		if !inside(a, space) {
			return fmt.Errorf("node %d at %v is outside of %v", i, a, space)
		}
		for j, b := range l.Nodes[:i] {
			if overlap(a, b) {
				return fmt.Errorf("nodes %d and %d overlap: %v %v", i, j, a, b)
			}
		}
		for c, b := range l.Clusters {
			switch {
			case g.holds(c, g.Nodes[i].Cluster):
				if !inside(a, b) {
					return fmt.Errorf("node %d at %v is outside of its cluster %d at %v", i, a, c, b)
				}
			case overlap(a, b):
				return fmt.Errorf("node %d at %v is in cluster %d at %v", i, a, c, b)
			}
		}
	}
	for i, a := range l.Clusters {
		for j, b := range l.Clusters[:i] {
			switch {
			case a.W == 0 || b.W == 0:
			case g.holds(j, i):
				if !inside(a, b) {
					return fmt.Errorf("cluster %d at %v is outside of %d at %v", i, a, j, b)
				}
			case overlap(a, b):
				return fmt.Errorf("clusters %d and %d overlap: %v %v", i, j, a, b)
			}
		}
		if a.W > 0 && a.W < g.Clusters[i].W {
			return fmt.Errorf("cluster %d at %v has no room for its title", i, a)
		}
	}
	for i, e := range g.Edges {
		points := l.Edges[i]
		if e.From == e.To {
			if points != nil {
				return fmt.Errorf("loop %d has points", i)
			}
			continue
		}
		for k, p := range points {
			if p.X < 0 || p.X > l.W {
				return fmt.Errorf("edge %d leaves the space at %v", i, p)
			}
			if k == 0 || p.X != points[k-1].X {
				continue
			}
			line := Rect{p.X - 0.5, min(p.Y, points[k-1].Y), 1, math.Abs(p.Y - points[k-1].Y)}
			for v, r := range l.Nodes {
				if overlap(line, r) {
					return fmt.Errorf("edge %d crosses node %d", i, v)
				}
			}
		}
		from, to := l.Nodes[e.From], l.Nodes[e.To]
		first, last := points[0], points[len(points)-1]
		if down := from.Y < to.Y; down && (first != Point{from.X + from.W/2 + e.FromX, from.Y + from.H} || last != Point{to.X + to.W/2, to.Y}) ||
			!down && (first != Point{from.X + from.W/2, from.Y} || last != Point{to.X + to.W/2, to.Y + to.H}) {
			return fmt.Errorf("edge %d from %v to %v has the ends %v and %v", i, from, to, first, last)
		}
	}
	return nil
}

// TestChain: what can be straight is.
func TestChain(t *testing.T) {
	g := &Graph{Nodes: []Node{{Cluster: -1, W: 40, H: 20}, {Cluster: -1, W: 90, H: 20}, {Cluster: -1, W: 10, H: 20}}, Edges: []Edge{{From: 0, To: 1}, {From: 1, To: 2}}}
	l := Of(g)
	for i, points := range l.Edges {
		if len(points) != 2 || points[0].X != points[1].X {
			t.Errorf("edge %d isn't one straight line: %v", i, points)
		}
	}
	if empty := Of(&Graph{}); empty.W <= 0 || empty.H <= 0 {
		t.Errorf("an empty graph has no space: %+v", empty)
	}
}

// TestNestedBranches: graphs that can be drawn without crossings are.
func TestNestedBranches(t *testing.T) {
	g := residual(12)
	l := newLayering(g)
	l.rank()
	l.makeLanes()
	l.order()
	if n := l.crossings(); n > 12 { // the value that all use crosses one edge of each block at most
		t.Errorf("%d crossings", n)
	}
	if n := slowCrossings(l); n != l.crossings() {
		t.Errorf("%d crossings are counted, there are %d", l.crossings(), n)
	}
}

func slowCrossings(l *layering) int {
	n := 0
	for _, rank := range l.ranked() {
		for i, a := range rank {
			for _, b := range rank[i+1:] {
				for r := range l.ranks - 1 {
					if r < l.leaves[a].first || r > l.leaves[a].last || r < l.leaves[b].first || r > l.leaves[b].last || r != rankOf(l, rank) {
						continue
					}
					for _, x := range l.below(a, r) {
						for _, y := range l.below(b, r) {
							if l.leaves[x].pos > l.leaves[y].pos {
								n++
							}
						}
					}
				}
			}
		}
	}
	return n
}

func rankOf(l *layering, rank []int) int {
	for r, list := range l.ranked() {
		if len(list) > 0 && &list[0] == &rank[0] || reflect.DeepEqual(list, rank) {
			return r
		}
	}
	return -1
}

// TestGain: moving an item past another takes away as many crossings as was said.
func TestGain(t *testing.T) {
	moves := 0
	for seed := range uint64(60) {
		l := newLayering(random(seed, 30))
		l.rank()
		l.makeLanes()
		l.follow()
		l.number()
		for _, list := range l.lists() {
			for i := range list {
				j := l.rival(list, i)
				if j < 0 {
					continue
				}
				before, gain := l.crossings(), l.gain(list[i], list[j])
				it := list[i]
				copy(list[i:j], list[i+1:j+1])
				list[j] = it
				l.number()
				if after := l.crossings(); before-after != gain {
					t.Fatalf("seed %d: %d crossings became %d, not %d fewer", seed, before, after, gain)
				}
				moves++
			}
		}
	}
	if moves < 100 {
		t.Errorf("%d moves", moves)
	}
}

// TestSimplex compares the optimum with that of trying all values.
func TestSimplex(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		const n, most = 5, 8
		var arcs []arc
		for v := 1; v < n; v++ {
			arcs = append(arcs, arc{r.IntN(v), v, r.IntN(3), r.IntN(4)})
		}
		for range r.IntN(6) {
			a := r.IntN(n - 1)
			arcs = append(arcs, arc{a, a + 1 + r.IntN(n-a-1), r.IntN(3), r.IntN(4)})
		}
		for _, balance := range []bool{false, true} {
			got, ok := cost(simplex(n, arcs, balance), arcs)
			if !ok {
				t.Fatalf("seed %d: an arc is too short", seed)
			}
			best := math.MaxInt
			try(make([]int, n), 0, most, func(v []int) {
				if c, ok := cost(v, arcs); ok {
					best = min(best, c)
				}
			})
			if got != best {
				t.Fatalf("seed %d: cost %d, possible %d", seed, got, best)
			}
		}
	}
}

func cost(v []int, arcs []arc) (sum int, ok bool) {
	for _, a := range arcs {
		d := v[a.to] - v[a.from]
		if d < a.length {
			return 0, false
		}
		sum += a.weight * d
	}
	return sum, true
}

func try(v []int, i, most int, f func([]int)) {
	if i == len(v) {
		f(v)
		return
	}
	for v[i] = 0; v[i] <= most; v[i]++ {
		try(v, i+1, most, f)
	}
}

func BenchmarkOf(b *testing.B) {
	for _, blocks := range []int{100, 400, 1600} {
		g := residual(blocks)
		b.Run(fmt.Sprintf("%d nodes", len(g.Nodes)), func(b *testing.B) {
			for b.Loop() {
				Of(g)
			}
		})
	}
}
