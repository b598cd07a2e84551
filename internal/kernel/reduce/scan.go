package reduce

// Scan is a running sum or product along the first dimension of a block, as [Softmax32] has it.
type Scan struct {
	Exclusive bool // leave an element out of its own result
	Reverse   bool // run from the last element to the first
}

// order returns the first offset and the step of a run through rows.
func (s Scan) order(rows, stride int) (first, step int) {
	if s.Reverse {
		return (rows - 1) * stride, -stride
	}
	return 0, stride
}

// Sums replaces each element by the sum of those up to it. d may be x; tmp holds n elements.
func Sums[T Number](s Scan, d, x []T, rows, n, stride int, tmp []T) {
	if n == 1 {
		sumLine(s, d, x, rows, stride)
		return
	}
	acc := tmp[:n]
	clear(acc)
	off, step := s.order(rows, stride)
	for range rows {
		x, d := x[off:][:n], d[off:][:n]
		for i, v := range x {
			sum := acc[i] + v
			d[i] = sum
			if s.Exclusive {
				d[i] = acc[i]
			}
			acc[i] = sum
		}
		off += step
	}
}

// Products is [Sums] for products.
func Products[T Number](s Scan, d, x []T, rows, n, stride int, tmp []T) {
	if n == 1 {
		productLine(s, d, x, rows, stride)
		return
	}
	acc := tmp[:n]
	for i := range acc {
		acc[i] = 1
	}
	off, step := s.order(rows, stride)
	for range rows {
		x, d := x[off:][:n], d[off:][:n]
		for i, v := range x {
			prod := acc[i] * v
			d[i] = prod
			if s.Exclusive {
				d[i] = acc[i]
			}
			acc[i] = prod
		}
		off += step
	}
}

func sumLine[T Number](s Scan, d, x []T, rows, stride int) {
	var acc T
	off, step := s.order(rows, stride)
	for range rows {
		sum := acc + x[off]
		d[off] = sum
		if s.Exclusive {
			d[off] = acc
		}
		acc = sum
		off += step
	}
}

func productLine[T Number](s Scan, d, x []T, rows, stride int) {
	acc := T(1)
	off, step := s.order(rows, stride)
	for range rows {
		prod := acc * x[off]
		d[off] = prod
		if s.Exclusive {
			d[off] = acc
		}
		acc = prod
		off += step
	}
}
