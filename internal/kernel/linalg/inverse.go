// Package linalg holds loops on small matrices, in float64.
package linalg

import "math"

// Inverse replaces the n×n matrix a by its inverse, by Gauss's and Jordan's elimination with the largest pivot of each column. It reports whether
// there is one. perm has n elements of scratch.
func Inverse(a []float64, n int, perm []int) bool {
	for c := range n {
		best, at := -1.0, c
		for r := c; r < n; r++ {
			if v := math.Abs(a[r*n+c]); v > best {
				best, at = v, r
			}
		}
		if !(best > 0) {
			return false
		}
		perm[c] = at
		row := a[c*n:][:n]
		if at != c {
			other := a[at*n:][:n]
			for j, v := range row {
				row[j], other[j] = other[j], v
			}
		}
		p := 1 / row[c]
		row[c] = 1
		for j := range row {
			row[j] *= p
		}
		for r := range n {
			if r == c {
				continue
			}
			line := a[r*n:][:n]
			f := line[c]
			if f == 0 {
				continue
			}
			line[c] = 0
			for j, v := range row {
				line[j] -= f * v
			}
		}
	}
	for c := n - 1; c >= 0; c-- { // rows that changed places are columns of the inverse that do
		if at := perm[c]; at != c {
			for r := range n {
				a[r*n+c], a[r*n+at] = a[r*n+at], a[r*n+c]
			}
		}
	}
	return true
}
