package conv

import "math"

// operation is what is done with the elements of a window.
type operation uint8

const (
	multiply operation = iota
	maximum
	sum
)

// line is a run of output pixels of one line, which all see the same part of the window. For each channel c
//
//	for p := range pixels {
//		v := bias[c]                                                  // or 0; for a maximum −Inf
//		for r := range rows { for t := range taps {
//			v += x[p·pixX + r·rowX + t·stepX + c] · w[r·rowW + t·stepW + c]   // or v = max(v, x[…]) or v += x[…]
//		} }
//		v += res[p·pixY + c]                                          // res
//		v = min(max(v, lo), hi)                                       // clip; NaN stays
//		v /= count                                                    // count
//		y[p·pixY + c] = v
//	}
//
// in this order; the assembly fuses multiplications and additions. The slices begin with the operands of the first pixel.
type line struct {
	op                operation
	channels          int
	pixels            int
	rows, taps        int
	stepX, rowX, pixX int
	stepW, rowW       int
	pixY              int
	x, w, bias, y     []float32
	res               []float32
	clip              bool
	lo, hi            float32
	count             float32 // what a sum is divided by, if not 0
}

// runGo is the portable kernel, for channels [from, channels).
func (l *line) runGo(from int) {
	var acc [64]float32
	for c0 := from; c0 < l.channels; c0 += len(acc) {
		n := min(len(acc), l.channels-c0)
		a := acc[:n]
		for p := range l.pixels {
			switch {
			case l.op == maximum:
				for c := range a {
					a[c] = float32(math.Inf(-1))
				}
			case l.bias != nil:
				copy(a, l.bias[c0:])
			default:
				clear(a)
			}
			for r := range l.rows {
				for t := range l.taps {
					x := l.x[p*l.pixX+r*l.rowX+t*l.stepX+c0:][:n]
					switch l.op {
					case multiply:
						w := l.w[r*l.rowW+t*l.stepW+c0:][:n]
						for c, v := range x {
							a[c] += v * w[c]
						}
					case maximum:
						for c, v := range x {
							if v > a[c] || v != v {
								a[c] = v
							}
						}
					case sum:
						for c, v := range x {
							a[c] += v
						}
					}
				}
			}
			if l.res != nil {
				for c, v := range l.res[p*l.pixY+c0:][:n] {
					a[c] += v
				}
			}
			if l.clip {
				for c, v := range a {
					if v < l.lo {
						v = l.lo
					}
					if v > l.hi {
						v = l.hi
					}
					a[c] = v
				}
			}
			if l.count != 0 {
				for c := range a {
					a[c] /= l.count
				}
			}
			copy(l.y[p*l.pixY+c0:][:n], a)
		}
	}
}
