package runtime

import (
	"math/rand/v2"
	"testing"
)

// No two roots whose lifetimes touch may share a byte, and the arena is never larger than all of them together.
func TestPackOffsets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		roots := make([]root, 1+r.IntN(60))
		order := make([]int, len(roots))
		sum := 0
		for i := range roots {
			first := r.IntN(40)
			roots[i] = root{class: classArena, size: 1 + r.IntN(1000), first: first, last: first + r.IntN(10)}
			order[i] = i
			sum += alignUp(roots[i].size)
		}
		size, err := packOffsets(roots, order)
		if err != nil || size > sum {
			t.Fatalf("%d bytes for %d, %v", size, sum, err)
		}
		for i, a := range roots {
			if a.off%arenaAlign != 0 || a.off+a.size > size {
				t.Fatalf("root %d at %d+%d of %d", i, a.off, a.size, size)
			}
			for _, b := range roots[:i] {
				if a.first <= b.last && b.first <= a.last && a.off < b.off+b.size && b.off < a.off+a.size {
					t.Fatalf("%+v and %+v overlap", a, b)
				}
			}
		}
	}
}
