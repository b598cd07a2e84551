package layered

// breakCycles makes links of the edges, turning those around that would close a cycle, and leaving out loops.
func (l *layering) breakCycles() {
	out := make([][]int, len(l.g.Nodes))
	for i, e := range l.g.Edges {
		out[e.From] = append(out[e.From], i)
	}
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(l.g.Nodes))
	back := make([]bool, len(l.g.Edges))
	var visit func(v int)
	visit = func(v int) {
		state[v] = open
		for _, i := range out[v] {
			switch w := l.g.Edges[i].To; state[w] {
			case unseen:
				visit(w)
			case open:
				back[i] = true
			}
		}
		state[v] = done
	}
	for v := range l.g.Nodes {
		if state[v] == unseen {
			visit(v)
		}
	}
	for i, e := range l.g.Edges {
		switch {
		case e.From == e.To:
		case back[i]:
			l.edges = append(l.edges, link{edge: i, up: e.To, down: e.From, reversed: true, lane: -1})
		default:
			l.edges = append(l.edges, link{edge: i, up: e.From, down: e.To, lane: -1})
		}
	}
}

// rank gives each node its rank: edges lead downwards and are as short as can be, those inside of a cluster above all. What counts of edges that
// begin at the same place is the longest, as they share a lane.
func (l *layering) rank() {
	n := len(l.g.Nodes)
	if n == 0 {
		return
	}
	arcs := make([]arc, 0, 2*len(l.edges)+n)
	hasIn := make([]bool, n)
	uses := map[port]int{}
	for i := range l.edges {
		uses[l.portOf(i)]++
	}
	ends := map[port]int{} // variables that are at least the ranks of the uses
	next := n + 1
	for i, e := range l.edges {
		weight := 2
		if c := l.g.Nodes[e.up].Cluster; c >= 0 && c == l.g.Nodes[e.down].Cluster {
			weight = 4
		}
		hasIn[e.down] = true
		p := l.portOf(i)
		if uses[p] == 1 {
			arcs = append(arcs, arc{e.up, e.down, 1, weight})
			continue
		}
		end, ok := ends[p]
		if !ok {
			end = next
			next++
			ends[p] = end
			arcs = append(arcs, arc{e.up, end, 1, 2})
		}
		arcs = append(arcs, arc{e.up, e.down, 1, 0}, arc{e.down, end, 0, 0})
	}
	for v, in := range hasIn { // one more variable above all connects what nothing else does
		if !in {
			arcs = append(arcs, arc{n, v, 0, 0})
		}
	}
	ranks := simplex(next, arcs, false)[:n]
	// Ranks that nobody has are left out.
	most := 0
	for _, r := range ranks {
		most = max(most, r)
	}
	taken := make([]int, most+1)
	for _, r := range ranks {
		taken[r] = 1
	}
	for r := range taken {
		used := taken[r] > 0
		taken[r] = l.ranks
		if used {
			l.ranks++
		}
	}
	for v, r := range ranks {
		l.rankN[v] = taken[r]
	}
}

// makeLanes makes the leaves, with a lane for edges over more than one rank, and the tree of clusters above them.
func (l *layering) makeLanes() {
	for v := range l.g.Nodes {
		n := &l.g.Nodes[v]
		l.leaves = append(l.leaves, leaf{first: l.rankN[v], last: l.rankN[v], cluster: n.Cluster,
			left: n.W/2 + nodeGap/2, right: max(n.W/2, n.Right) + nodeGap/2})
	}
	lanes := map[port]int{}
	for i := range l.edges {
		e := &l.edges[i]
		from, to := l.rankN[e.up], l.rankN[e.down]
		if to-from < 2 {
			l.join(e.up, e.down)
			continue
		}
		cluster := l.common(l.g.Nodes[e.up].Cluster, l.g.Nodes[e.down].Cluster)
		p := l.portOf(i)
		lane, ok := lanes[p]
		if !ok {
			lane = len(l.leaves)
			lanes[p] = lane
			l.leaves = append(l.leaves, leaf{first: from + 1, cluster: cluster, left: laneGap / 2, right: laneGap / 2})
			l.join(e.up, lane)
		}
		e.lane = lane
		f := &l.leaves[lane]
		f.last, f.cluster = max(f.last, to-1), l.common(f.cluster, cluster)
		l.join(lane, e.down)
	}
	l.joinRanks()
	l.span = make([][2]int, len(l.g.Clusters))
	l.at = make([]map[int][]int, len(l.g.Clusters))
	for c := range l.span {
		l.span[c] = [2]int{l.ranks, -1}
		l.at[c] = map[int][]int{}
	}
	for i := range l.leaves {
		f := &l.leaves[i]
		for c := f.cluster; c >= 0; c = l.parent(c) {
			l.span[c] = [2]int{min(l.span[c][0], f.first), max(l.span[c][1], f.last)}
			for r := f.first; r <= f.last; r++ {
				l.at[c][r] = append(l.at[c][r], i)
			}
		}
	}
}

func (l *layering) join(up, down int) {
	l.leaves[up].downs = append(l.leaves[up].downs, down)
	l.leaves[down].ups = append(l.leaves[down].ups, up)
}

// joinRanks finds out what leaves are joined to, rank by rank.
func (l *layering) joinRanks() {
	l.selves = make([]int, len(l.leaves))
	for i := range l.leaves {
		l.selves[i] = i
	}
	for i := range l.leaves {
		f := &l.leaves[i]
		f.belows = make([][]int, f.last-f.first+1)
		for r := f.first; r < f.last; r++ {
			f.belows[r-f.first] = l.selves[i : i+1 : i+1]
		}
		for _, d := range f.downs {
			k := l.leaves[d].first - 1 - f.first
			f.belows[k] = append(f.belows[k], d)
		}
	}
}
