// Package layered places the boxes of a directed graph in layers from top to bottom, nested clusters around them, and the edges between.
//
// It is the method of Sugiyama in four steps, each in a file: every node gets a rank so that edges lead downwards and are short (rank.go);
// what stands in a rank gets an order with few crossings (order.go); then places are found (place.go). Ranks and horizontal places are both
// optimal solutions of the same linear problem, by the network simplex method of Gansner, Koutsofios, North and Vo, "A
// Technique for Drawing Directed Graphs" (simplex.go).
//
// Where it differs from Graphviz, which has the same parents: edges over several ranks run in straight vertical lanes instead of chains of
// points, those that begin at the same place in one lane, and the order is one of the whole tree of clusters instead of one a rank. A
// drawing needs fewer variables then, clusters can't get interlocked, and no edge crosses a node. The price is that lanes
// cross others at their ends only.
//
// The same graph gives the same layout.
package layered

// Node is a box. Edges end in the middle of its top and begin at its bottom.
type Node struct {
	Cluster int     // index of the innermost cluster, -1 for none
	W, H    float64 // of the box
	Right   float64 // room that is kept right of the middle, when more than W/2: for what stands below the box
	Foot    float64 // room that is kept below the box: edges cross it straight down
}

// Edge is an arrow between nodes.
type Edge struct {
	From, To int     // indices of nodes
	FromX    float64 // where it begins, from the middle of the box's bottom
}

// Cluster is a frame around nodes and other clusters.
type Cluster struct {
	Parent int     // index, -1 for none; less than the cluster's own
	W      float64 // least width, for a title
}

// Graph is what is drawn.
type Graph struct {
	Nodes    []Node
	Edges    []Edge
	Clusters []Cluster
}

// Point is a place; y grows downwards.
type Point struct{ X, Y float64 }

// Rect is a rectangle by its upper left corner and size.
type Rect struct{ X, Y, W, H float64 }

// Layout is a placed graph, in the space from 0,0 to W,H.
type Layout struct {
	W, H     float64
	Nodes    []Rect
	Clusters []Rect // of no size for one without nodes
	// Edges are the points of each edge, from its beginning to its end. It passes each of them vertically: between points above one another
	// it is straight, between others an S. An edge of a node to itself has none.
	Edges [][]Point
}

// Distances.
const (
	nodeGap   = 18.0 // between what stands side by side
	laneGap   = 10.0 // beside a lane
	rankGap   = 22.0 // between ranks, at least
	mostGap   = 90.0 // between ranks, when edges go far to the side
	steepness = 0.12 // of the way to the side that is added to the gap
	padding   = 9.0  // inside of a cluster's frame
	titleRoom = 18.0 // for its title
	margin    = 12.0 // around everything
)

// Of lays out a graph.
func Of(g *Graph) *Layout {
	l := newLayering(g)
	l.rank()
	l.makeLanes()
	l.order()
	return l.place()
}

// layering is a layout that is being made.
type layering struct {
	g     *Graph
	edges []link // one for each edge of the graph that isn't a loop
	rankN []int  // of nodes
	ranks int

	leaves   []leaf // nodes, then lanes
	selves   []int  // the index of each leaf
	root     []item // what stands in no cluster, in order
	children [][]item
	span     [][2]int        // first and last rank of each cluster; the first is greater than the last for one without leaves
	at       []map[int][]int // the leaves of each cluster in each rank
}

// link is an edge that leads downwards.
type link struct {
	edge     int // in the graph
	up, down int // nodes
	reversed bool
	lane     int // a leaf, -1 for an edge between neighbouring ranks
}

// leaf is what takes room in ranks: a node, or a lane.
type leaf struct {
	first, last int // ranks
	cluster     int
	left, right float64
	ups, downs  []int   // leaves that edges come from and go to
	belows      [][]int // for each of its ranks, the leaves of the next that it is joined to; a lane is joined to itself
	key         float64
	pos         int // in the order of all leaves
}

// item is a leaf or a cluster.
type item struct {
	cluster bool
	i       int
}

func newLayering(g *Graph) *layering {
	l := &layering{g: g, rankN: make([]int, len(g.Nodes))}
	l.breakCycles()
	return l
}

// port is where edges begin.
type port struct {
	node int
	x    float64
}

// portOf is where an edge begins. Edges that were turned around don't share theirs.
func (l *layering) portOf(i int) port {
	e := &l.edges[i]
	if e.reversed {
		return port{-1 - i, 0}
	}
	return port{e.up, l.g.Edges[e.edge].FromX}
}

// parent is the cluster around a cluster, -1 for none.
func (l *layering) parent(c int) int { return l.g.Clusters[c].Parent }

// common is the innermost cluster around both.
func (l *layering) common(a, b int) int {
	for a != b { // parents have smaller indices
		if a > b {
			a = l.parent(a)
		} else {
			b = l.parent(b)
		}
	}
	return a
}
