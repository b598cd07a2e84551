package picture

// coefficient is a number of a wavelet transform: int32 for the reversible one, float32 for the other.
type coefficient interface{ int32 | float32 }

// synthesize undoes a component's wavelet transform in place. a holds the bands of each resolution beside and below the resolution before.
func synthesize[T coefficient](a []T, c *j2kTileComp, lift func(line []T, k, first int)) {
	stride := c.x1 - c.x0
	const group = 16 // columns at a time
	line := make([]T, max(stride, group*(c.y1-c.y0)))
	for r := 1; r < len(c.levels); r++ {
		l, below := &c.levels[r], &c.levels[r-1]
		w, h := l.x1-l.x0, l.y1-l.y0
		lowW, lowH := below.x1-below.x0, below.y1-below.y0
		for y := range h {
			row := a[y*stride:][:w]
			for x, v := range row {
				line[interleaved(x, lowW, l.x0)] = v
			}
			lift(line[:w], 1, l.x0)
			copy(row, line)
		}
		for x := 0; x < w; x += group {
			k := min(group, w-x)
			for y := range h {
				copy(line[interleaved(y, lowH, l.y0)*k:][:k], a[y*stride+x:])
			}
			lift(line[:h*k], k, l.y0)
			for y := range h {
				copy(a[y*stride+x:][:k], line[y*k:])
			}
		}
	}
}

// interleaved is where the i-th coefficient goes, if n of them are low-pass ones, which belong at even places, and the line begins at place first.
func interleaved(i, n, first int) int {
	if i < n {
		return 2*i + first&1
	}
	return 2*(i-n) + 1 - first&1
}

// lift53 is the reversible transform of lines that lie side by side, k of them; first is the place of the beginning.
func lift53(line []int32, k, first int) {
	n := len(line) / k
	odd := first & 1
	if n == 1 {
		if odd == 1 {
			for i := range line {
				line[i] /= 2
			}
		}
		return
	}
	for i := odd; i < n; i += 2 {
		x, a, b := around(line, i, n, k)
		for j := range x {
			x[j] -= (a[j] + b[j] + 2) >> 2
		}
	}
	for i := 1 - odd; i < n; i += 2 {
		x, a, b := around(line, i, n, k)
		for j := range x {
			x[j] += (a[j] + b[j]) >> 1
		}
	}
}

// around returns element i of k lines and its neighbours; at the ends, the one there is stands for both.
func around[T coefficient](line []T, i, n, k int) (x, a, b []T) {
	l, r := i-1, i+1
	if l < 0 {
		l = r
	}
	if r >= n {
		r = l
	}
	return line[i*k:][:k], line[l*k:][:k], line[r*k:][:k]
}

// The lifting steps of the irreversible transform, the last first, and the scales of its bands.
var lift97Steps = [4]float32{0.443506852, 0.882911075, -0.052980118, -1.586134342}

const (
	lift97Low  = 1.230174105
	lift97High = 1.625732422
)

// lift97 is lift53 for the irreversible transform.
func lift97(line []float32, k, first int) {
	n := len(line) / k
	odd := first & 1
	if n == 1 {
		return
	}
	for i := range n {
		scale := float32(lift97Low)
		if i&1 != odd {
			scale = lift97High
		}
		for j := i * k; j < (i+1)*k; j++ {
			line[j] *= scale
		}
	}
	for s, f := range lift97Steps {
		for i := (odd + s) & 1; i < n; i += 2 {
			x, a, b := around(line, i, n, k)
			for j := range x {
				x[j] -= float32(f * (a[j] + b[j])) // rounded, so that the difference isn't fused with it
			}
		}
	}
}
