package reduce

import (
	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
)

// Arg finds places of extremes. A NaN counts as more extreme than any number.
type Arg struct {
	Min  bool // the least element, not the greatest
	Last bool // of equal ones the last, not the first
}

func better[T Number](a Arg, v, best T) bool {
	switch {
	case v == best:
		return a.Last
	case v != v:
		return a.Last || best == best
	case a.Min:
		return v < best
	}
	return v > best
}

// ArgRow returns the place of the extreme among n contiguous elements from off on. buf holds [Chunk] elements.
func ArgRow[T Number](a Arg, src *Source, off, n int, buf elem.Raw) int64 {
	var best T
	at := 0
	for lo := 0; lo < n; lo += Chunk {
		for i, v := range elem.View[T](src.at(off+lo, min(Chunk, n-lo), buf)) {
			if lo+i == 0 || better(a, v, best) {
				best, at = v, lo+i
			}
		}
	}
	return int64(at)
}

// ArgRow32 is [ArgRow] for float32: a chunk is searched only if its extreme is better than what was before.
func ArgRow32(a Arg, src *Source, off, n int, buf elem.Raw) int64 {
	extreme := vec.MaxOf
	if a.Min {
		extreme = vec.MinOf
	}
	var best float32
	at := 0
	for lo := 0; lo < n; lo += Chunk {
		x := elem.View[float32](src.at(off+lo, min(Chunk, n-lo), buf))
		if top := extreme(x); lo == 0 || better(a, top, best) {
			best, at = top, lo+find(x, top, a.Last)
		}
	}
	return int64(at)
}

// find returns the first or last place of v, which is there. Zeros of either sign, and NaN of any kind, are the same.
func find(x []float32, v float32, last bool) int {
	if last {
		for i := len(x) - 1; i > 0; i-- {
			if x[i] == v || v != v && x[i] != x[i] {
				return i
			}
		}
		return 0
	}
	for i, u := range x {
		if u == v || v != v && u != u {
			return i
		}
	}
	return 0
}

// ArgColumns sets idx to the places of the extremes in len(idx) columns of rows that lie stride apart, from off on. len(idx) is at most
// [Chunk], of which buf holds two.
func ArgColumns[T Number](a Arg, idx []int64, src *Source, off, rows, stride int, buf elem.Raw) {
	best := elem.View[T](buf)[Chunk:][:len(idx)]
	clear(idx)
	for r := range rows {
		for i, v := range elem.View[T](src.at(off+r*stride, len(idx), buf)) {
			if r == 0 || better(a, v, best[i]) {
				best[i], idx[i] = v, int64(r)
			}
		}
	}
}
