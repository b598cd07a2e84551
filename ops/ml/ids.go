package ml

import "math"

// nodeIDs finds nodes by their tree and their number in it. Numbers that begin at 0 and have few gaps, as they nearly always do, are places in a
// slice.
type nodeIDs struct {
	trees map[int64]*treeIDs
	id    int64 // of the last tree asked for
	tree  *treeIDs
}

type treeIDs struct {
	dense []int32
	rare  map[int64]int32
}

// noNode is what dense has in gaps.
const noNode = math.MinInt32

func (n *nodeIDs) at(tree int64) *treeIDs {
	if n.tree == nil || n.id != tree {
		t := n.trees[tree]
		if t == nil {
			t = &treeIDs{rare: map[int64]int32{}}
			if n.trees == nil {
				n.trees = map[int64]*treeIDs{}
			}
			n.trees[tree] = t
		}
		n.id, n.tree = tree, t
	}
	return n.tree
}

func (t *treeIDs) get(id int64) (int32, bool) {
	if id >= 0 && id < int64(len(t.dense)) && t.dense[id] != noNode {
		return t.dense[id], true
	}
	v, ok := t.rare[id]
	return v, ok
}

// set gives a node a value; its number may be set once.
func (t *treeIDs) set(id int64, v int32) {
	if id < 0 || id > int64(2*len(t.dense)+16) {
		t.rare[id] = v
		return
	}
	for int64(len(t.dense)) <= id {
		t.dense = append(t.dense, noNode)
	}
	t.dense[id] = v
}
