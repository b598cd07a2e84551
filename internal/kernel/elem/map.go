package elem

// Map tells which element of an operand belongs to an element of the output that the operand is broadcast to. Both are numbered in C
// order. The zero Map is for an output without elements.
type Map struct {
	dims []int // of the output, outermost first; neighbours that the operand runs through alike are merged
	step []int // how far the operand moves along each; 0 where it is broadcast
}

// NewMap returns the map of an operand of shape in, broadcast to shape out by NumPy's rule. It reports false when it can't be.
func NewMap(out, in []int) (Map, bool) {
	if len(in) > len(out) {
		return Map{}, false
	}
	var m Map
	step := 1
	// From the innermost dimension outwards; m is built reversed.
	for i := len(out) - 1; i >= 0; i-- {
		d, s := out[i], 0
		if j := i - (len(out) - len(in)); j >= 0 {
			if in[j] == d {
				s = step
			} else if in[j] != 1 {
				return Map{}, false
			}
			step *= in[j]
		}
		if d == 1 {
			continue
		}
		if k := len(m.dims) - 1; k >= 0 && (s == m.step[k]*m.dims[k] && s != 0 || s == 0 && m.step[k] == 0) {
			m.dims[k] *= d
			continue
		}
		m.dims, m.step = append(m.dims, d), append(m.step, s)
	}
	for i, j := 0, len(m.dims)-1; i < j; i, j = i+1, j-1 {
		m.dims[i], m.dims[j] = m.dims[j], m.dims[i]
		m.step[i], m.step[j] = m.step[j], m.step[i]
	}
	return m, true
}

// Whole reports whether the operand has the output's elements one by one.
func (m *Map) Whole() bool { return len(m.dims) == 0 || len(m.dims) == 1 && m.step[0] == 1 }

// Scalar reports whether one element of the operand serves the whole output.
func (m *Map) Scalar() bool { return len(m.dims) == 0 || len(m.dims) == 1 && m.step[0] == 0 }

// At returns where the operand's element for position pos of the output is, whether the following ones lie beside it (step 1) or are the
// same (step 0), and for how many positions, itself included, that holds.
func (m *Map) At(pos int) (off, step, run int) {
	k := len(m.dims) - 1
	if k < 0 {
		return 0, 0, 1
	}
	if k == 0 {
		return pos * m.step[0], m.step[0], m.dims[0] - pos
	}
	inner := m.dims[k]
	r := pos / inner
	c := pos - r*inner
	off = c * m.step[k]
	for i := k - 1; i > 0; i-- {
		q := r / m.dims[i]
		off += (r - q*m.dims[i]) * m.step[i]
		r = q
	}
	return off + r*m.step[0], m.step[k], inner - c
}

// Gather sets dst to the operand's elements for the positions from pos on. T holds no pointers, unless it is string.
func Gather[T any](dst, src []T, m *Map, pos int) {
	gather(WidthOf[T](), RawOf(dst), RawOf(src), m, pos)
}

func gather(w Width, dst, src Raw, m *Map, pos int) {
	switch w {
	case 1:
		gatherRuns(View[uint8](dst), View[uint8](src), m, pos)
	case 2:
		gatherRuns(View[uint16](dst), View[uint16](src), m, pos)
	case 4:
		gatherRuns(View[uint32](dst), View[uint32](src), m, pos)
	case 8:
		gatherRuns(View[uint64](dst), View[uint64](src), m, pos)
	case 16:
		gatherRuns(View[[2]uint64](dst), View[[2]uint64](src), m, pos)
	case Text:
		gatherRuns(View[string](dst), View[string](src), m, pos)
	}
}

func gatherRuns[T any](dst, src []T, m *Map, pos int) {
	k := len(m.dims) - 1
	if k == 1 && m.step[0] == 0 {
		repeat(dst, src[:m.dims[1]], pos%m.dims[1])
		return
	}
	for len(dst) > 0 {
		off, step, run := m.At(pos)
		// Rows that follow each other need no division to be found.
		rows, next := 1, 0
		if k > 0 {
			r := pos / m.dims[k] % m.dims[k-1]
			rows, next = m.dims[k-1]-r, m.step[k-1]-(m.dims[k]-run)*step
		}
		for ; rows > 0 && len(dst) > 0; rows-- {
			n := min(run, len(dst))
			if step == 0 {
				Fill(dst[:n], src[off])
			} else {
				for i := 0; i < n; i++ { // runs are short: a loop beats a call
					dst[i] = src[off+i]
				}
			}
			dst, pos = dst[n:], pos+n
			off += next
			run, next = m.inner(), m.row()
		}
	}
}

// repeat sets dst to src over and over, from src[phase] on.
func repeat[T any](dst, src []T, phase int) {
	n := copy(dst, src[phase:])
	n += copy(dst[n:], src[:phase])
	for n < len(dst) {
		n += copy(dst[n:], dst[:n])
	}
}

// inner is the length of a run, row the way from one run to the next.
func (m *Map) inner() int {
	if k := len(m.dims); k > 0 {
		return m.dims[k-1]
	}
	return 1
}

func (m *Map) row() int {
	if k := len(m.dims); k > 1 {
		return m.step[k-2]
	}
	return 0
}

// Fill sets all of dst to v.
func Fill[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}
