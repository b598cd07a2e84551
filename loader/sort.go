package loader

import (
	"container/heap"
	"sort"
)

// sortNodes puts nodes in topological order: of those whose inputs are there, the one that comes first in the file comes first. def
// gives for each name the index of the node that produces it, negative for names that are given; outer the names that a node's
// subgraphs use. A cycle is an error.
func sortNodes(nodes []*Node, def map[string]int, outer map[*Node][]use) error {
	waits := make([]int, len(nodes))     // inputs that are not there yet
	feeds := make([][]int32, len(nodes)) // nodes that wait for this one, once for each such input
	for i, n := range nodes {
		after := func(name string) {
			if p, ok := def[name]; ok && p >= 0 {
				waits[i]++
				feeds[p] = append(feeds[p], int32(i))
			}
		}
		for _, name := range n.Inputs {
			after(name)
		}
		for _, u := range outer[n] {
			after(u.name)
		}
	}
	ready := &intHeap{}
	for i, w := range waits {
		if w == 0 {
			ready.IntSlice = append(ready.IntSlice, i)
		}
	}
	order := make([]*Node, 0, len(nodes))
	for ready.Len() > 0 {
		i := heap.Pop(ready).(int)
		order = append(order, nodes[i])
		for _, j := range feeds[i] {
			if waits[j]--; waits[j] == 0 {
				heap.Push(ready, int(j))
			}
		}
	}
	if len(order) < len(nodes) {
		n := onCycle(nodes, waits, feeds)
		return within(formatErr(n.off, "the node depends on its own output"), n.String())
	}
	copy(nodes, order)
	return nil
}

// onCycle finds a node of a cycle: following any waiting node backwards long enough ends in one.
func onCycle(nodes []*Node, waits []int, feeds [][]int32) *Node {
	from := make([]int32, len(nodes)) // for a waiting node, one that it waits for
	last := int32(0)
	for i, list := range feeds {
		if waits[i] == 0 {
			continue
		}
		for _, j := range list {
			if waits[j] > 0 {
				from[j], last = int32(i), j
			}
		}
	}
	for range nodes {
		last = from[last]
	}
	return nodes[last]
}

// intHeap gives the smallest first.
type intHeap struct{ sort.IntSlice }

// Push appends v.
func (h *intHeap) Push(v any) { h.IntSlice = append(h.IntSlice, v.(int)) }

// Pop takes the last off.
func (h *intHeap) Pop() any {
	n := len(h.IntSlice) - 1
	v := h.IntSlice[n]
	h.IntSlice = h.IntSlice[:n]
	return v
}
