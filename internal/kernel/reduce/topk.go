package reduce

// TopK selects the k most extreme of vals: their places go to idx, which holds k, in order. Of equal values the one with the lower place
// comes first. A NaN counts as greater than any number.
//
// idx is a heap whose root is the worst of those selected so far; taking the roots in turn sorts it in the end.
func TopK[T Number](vals []T, idx []int32, largest bool) {
	k := len(idx)
	if k == 0 {
		return
	}
	for i := range idx {
		idx[i] = int32(i)
	}
	for i := k/2 - 1; i >= 0; i-- {
		sift(vals, idx, i, largest)
	}
	for i := k; i < len(vals); i++ {
		if ahead(vals, int32(i), idx[0], largest) {
			idx[0] = int32(i)
			sift(vals, idx, 0, largest)
		}
	}
	for n := k - 1; n > 0; n-- {
		idx[0], idx[n] = idx[n], idx[0]
		sift(vals, idx[:n], 0, largest)
	}
}

// ahead reports whether place i comes before place j.
func ahead[T Number](vals []T, i, j int32, largest bool) bool {
	a, b := vals[i], vals[j]
	switch {
	case a > b:
		return largest
	case a < b:
		return !largest
	case a == b:
		return i < j
	}
	switch aNaN, bNaN := a != a, b != b; {
	case aNaN && bNaN:
		return i < j
	default:
		return aNaN == largest
	}
}

// sift restores the heap below i.
func sift[T Number](vals []T, idx []int32, i int, largest bool) {
	for {
		c := 2*i + 1
		if c >= len(idx) {
			return
		}
		if c+1 < len(idx) && ahead(vals, idx[c], idx[c+1], largest) {
			c++
		}
		if !ahead(vals, idx[i], idx[c], largest) {
			return
		}
		idx[i], idx[c] = idx[c], idx[i]
		i = c
	}
}
