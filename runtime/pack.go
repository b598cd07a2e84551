package runtime

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// arenaAlign is the alignment of values in the arena, in bytes: a cache line.
const arenaAlign = 64

var errArena = errors.New("the run's values don't fit into the address space")

// packOffsets gives the named roots offsets such that no two whose lifetimes touch overlap, and returns the bytes needed. Greedy by
// size: largest first, each at the lowest offset that is free over its life (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural
// Net Inference", 2020, "greedy by size").
func packOffsets(roots []root, order []int) (int, error) {
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(roots[b].size, roots[a].size) })
	var placed []int // by offset
	total := 0
	for _, i := range order {
		r := &roots[i]
		if r.size > math.MaxInt-2*arenaAlign-total {
			return 0, errArena
		}
		off := 0
		for _, j := range placed {
			q := &roots[j]
			if q.last < r.first || r.last < q.first {
				continue
			}
			if off+r.size <= q.off {
				break
			}
			off = max(off, alignUp(q.off+q.size))
		}
		r.off = off
		total = max(total, alignUp(off+r.size))
		at, _ := slices.BinarySearchFunc(placed, off, func(j, off int) int { return cmp.Compare(roots[j].off, off) })
		placed = slices.Insert(placed, at, i)
	}
	return total, nil
}

func alignUp(n int) int { return (n + arenaAlign - 1) &^ (arenaAlign - 1) }
