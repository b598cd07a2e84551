package nn

import (
	"math"

	"ingot/internal/kernel/real"
	"ingot/internal/kernel/vec"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// walk lists places in a tensor: those of a few nested dimensions, outermost first.
type walk []struct{ n, step int }

// len is the number of places.
func (w walk) len() int {
	n := 1
	for _, d := range w {
		n *= d.n
	}
	return n
}

// at returns place i.
func (w walk) at(i int) (off int) {
	for d := len(w) - 1; d >= 0; d-- {
		off += i % w[d].n * w[d].step
		i /= w[d].n
	}
	return off
}

// grouping says which elements of a tensor are normalised together. A group has one run of width elements at each place of runs, counted
// from a place of groups. Or, with side, that many groups stand side by side there, which have an element each in every run.
type grouping struct {
	groups, runs walk
	width        int
	side         bool
}

// reduceAxes groups elements by the axes that aren't marked.
func reduceAxes(dims []int, reduced []bool) grouping {
	g := grouping{width: 1}
	step := 1
	for i := len(dims) - 1; i >= 0; i-- {
		n, w := dims[i], &g.groups
		if reduced[i] {
			w = &g.runs
		}
		switch {
		case n == 1:
			continue
		case step == 1:
			g.width, g.side = n, !reduced[i]
		case step == g.width && reduced[i] != g.side:
			g.width *= n
		case len(*w) > 0 && (*w)[0].n*(*w)[0].step == step:
			(*w)[0].n *= n
		default:
			*w = append(walk{{n, step}}, *w...)
		}
		step *= n
	}
	return g
}

// size is the number of elements of a group.
func (g *grouping) size() int {
	if g.side {
		return g.runs.len()
	}
	return g.runs.len() * g.width
}

// measure is what the elements of a group are divided by.
type measure uint8

const (
	rootOfVariance measure = iota // √(variance + ε)
	deviation                     // √variance + ε
	norm1                         // the sum of magnitudes; 1 if that is 0
	norm2                         // the root of the sum of squares; 1 if that is 0
)

// centred reports whether the mean is subtracted before.
func (m measure) centred() bool { return m <= deviation }

// moments divides groups of elements by a measure of themselves, then scales and shifts them:
//
//	y = (x - mean) / measure · scale[p] + shift[p]
//
// where p, the element's place among the parameters, is group%period·perGroup + (element's place in its run)/plane. Of groups that
// stand side by side it is the place in the run.
type moments[T real.Float] struct {
	grouping
	measure                 measure
	eps                     T
	scale, shift            []T // nil: not scaled
	period, perGroup, plane int
	mean, variance          []T // of each group, where they are wanted

	loops   *real.Loops[T]
	convert bool // x and y are of another type than T
	cols    int  // groups of a block, when they stand side by side
	per     int  // groups or blocks of a tile
	count   int  // groups or blocks
	in, out *tensor.Tensor
	x, y    []T
}

const (
	momentsPiece = 4096 // elements that are worked on at a time: they stay in the first-level cache
	momentsCols  = 512  // groups side by side that are worked on at a time
)

// prepare completes m for input and output 0 of b.
func (m *moments[T]) prepare(b *ops.Bind) {
	m.loops = real.For[T]()
	m.convert = b.In(0).DT != wide.DType[T]()
	m.count = m.groups.len()
	size := m.size()
	if m.side {
		m.cols = max(1, min(m.width, momentsCols))
		m.count *= (m.width-1)/m.cols + 1
		size *= m.cols
	}
	m.per = rowsOfTile(m.count, size)
}

// run normalises all groups.
func (m *moments[T]) run(c *ops.Call) error {
	if m.count == 0 {
		return nil
	}
	m.in, m.out = c.In(0), c.Out(0)
	if !m.convert {
		m.x, m.y = tensor.View[T](m.in), tensor.View[T](m.out)
	}
	return c.Parallel((m.count-1)/m.per+1, m)
}

// Tile implements [ops.Job].
func (m *moments[T]) Tile(w ops.Worker, i int) {
	for g := i * m.per; g < min(m.count, (i+1)*m.per); g++ {
		if m.side {
			m.block(wide.Scratchpad[T](w, 4*m.cols), g)
			continue
		}
		var scratch []T
		if m.convert {
			scratch = wide.Scratchpad[T](w, min(m.width, momentsPiece))
		}
		m.group(scratch, g)
	}
}

// load returns n elements as T; those of another type by way of buf.
func (m *moments[T]) load(buf []T, off, n int) []T {
	if !m.convert {
		return m.x[off:][:n]
	}
	wide.Load(buf[:n], m.in, off)
	return buf[:n]
}

// target returns where n results are to be written: load's buffer, or the output itself.
func (m *moments[T]) target(buf []T, off, n int) []T {
	if !m.convert {
		return m.y[off:][:n]
	}
	return buf[:n]
}

// store completes what was written to target's slice.
func (m *moments[T]) store(off int, y []T) {
	if m.convert {
		wide.Store(m.out, off, y)
	}
}

// sums are what is added up of a group's elements.
type sums uint8

const (
	plain      sums = iota
	magnitudes      // |x|
	deviations      // x - mean
	squares         // (x - mean)²
)

// second is what a measure is made of, behind the mean.
func (m measure) second() sums {
	if m == norm1 {
		return magnitudes
	}
	return squares
}

// finish makes a measure of such a sum over n elements.
func finish[T real.Float](m measure, sum, n, eps T) T {
	switch m {
	case rootOfVariance:
		return T(math.Sqrt(float64(sum/n + eps)))
	case deviation:
		return T(math.Sqrt(float64(sum/n))) + eps
	case norm2:
		sum = T(math.Sqrt(float64(sum)))
	}
	if sum == 0 {
		return 1
	}
	return sum
}

// group normalises a group whose elements stand in runs.
func (m *moments[T]) group(buf []T, g int) {
	begin, size := m.groups.at(g), T(m.size())
	var mean T
	if m.measure.centred() {
		mean = m.fold(buf, begin, plain, 0) / size
	}
	sum := m.fold(buf, begin, m.measure.second(), mean)
	if m.measure.centred() && sum/size < mean*mean*vec.SmallVariance { // as vec.LayerNorm does
		mean += m.fold(buf, begin, deviations, mean) / size
		sum = m.fold(buf, begin, squares, mean)
	}
	if m.mean != nil {
		m.mean[g], m.variance[g] = mean, sum/size
	}
	div := finish(m.measure, sum, size, m.eps)
	plane := m.width
	if m.scale != nil {
		plane = m.plane
	}
	for r := range m.runs.len() {
		off := begin + m.runs.at(r)
		for o, n := 0, 0; o < m.width; o += n {
			n = min(momentsPiece, plane-o%plane)
			x, y := m.load(buf, off+o, n), m.target(buf, off+o, n)
			if m.measure.centred() {
				m.loops.AddS(y, x, -mean)
				x = y
			}
			if m.scale != nil {
				p := g%m.period*m.perGroup + o/plane
				m.loops.MulAddS(y, x, m.scale[p]/div, m.shift[p])
			} else {
				m.loops.DivS(y, x, div)
			}
			m.store(off+o, y)
		}
	}
}

// fold adds up the elements of the group that begins at an offset.
func (m *moments[T]) fold(buf []T, begin int, what sums, mean T) (sum T) {
	for r := range m.runs.len() {
		off := begin + m.runs.at(r)
		for o := 0; o < m.width; o += momentsPiece {
			x := m.load(buf, off+o, min(momentsPiece, m.width-o))
			switch what {
			case plain:
				sum += m.loops.Sum(x)
			case magnitudes:
				sum += m.loops.SumAbs(x)
			case deviations:
				sum += m.loops.SumDev(x, mean)
			case squares:
				sum += m.loops.SumSqDev(x, mean)
			}
		}
	}
	return sum
}

// anySmall reports whether one of the sums of squares makes a variance that is small beside its mean.
func anySmall[T real.Float](squares, mean []T, n T) bool {
	for j, s := range squares {
		if s/n < mean[j]*mean[j]*vec.SmallVariance {
			return true
		}
	}
	return false
}

// block normalises groups that stand side by side.
func (m *moments[T]) block(scratch []T, i int) {
	blocks := (m.width-1)/m.cols + 1
	col := i % blocks * m.cols
	n := min(m.cols, m.width-col)
	begin, size := m.groups.at(i/blocks)+col, T(m.size())
	mean, div, tmp, buf := scratch[:n], scratch[m.cols:][:n], scratch[2*m.cols:][:n], scratch[3*m.cols:]
	clear(mean)
	l := m.loops
	for r := 0; r < m.runs.len() && m.measure.centred(); r++ {
		l.Add(mean, mean, m.load(buf, begin+m.runs.at(r), n))
	}
	l.DivS(mean, mean, size)
	second := func(what sums) {
		clear(div)
		for r := range m.runs.len() {
			x := m.load(buf, begin+m.runs.at(r), n)
			if what == magnitudes {
				for j, v := range x {
					tmp[j] = max(v, -v)
				}
			} else {
				l.Sub(tmp, x, mean)
			}
			if what == squares {
				l.Mul(tmp, tmp, tmp)
			}
			l.Add(div, div, tmp)
		}
	}
	second(m.measure.second())
	if m.measure.centred() && anySmall(div, mean, size) {
		second(deviations)
		l.DivS(div, div, size)
		l.Add(mean, mean, div)
		second(squares)
	}
	if m.mean != nil {
		copy(m.mean[i/blocks*m.width+col:], mean)
		l.DivS(m.variance[i/blocks*m.width+col:], div, size)
	}
	for j, sum := range div {
		div[j] = finish(m.measure, sum, size, m.eps)
	}
	if m.scale != nil {
		l.Div(div, m.scale[col:][:n], div)
	}
	for r := range m.runs.len() {
		off := begin + m.runs.at(r)
		x, y := m.load(buf, off, n), m.target(buf, off, n)
		if m.measure.centred() {
			l.Sub(y, x, mean)
			x = y
		}
		if m.scale != nil {
			l.MulAdd(y, x, div, m.shift[col:][:n])
		} else {
			l.Div(y, x, div)
		}
		m.store(off, y)
	}
}
