package elem

// Where computes elements lo … hi of d: x where c isn't zero, else y. It copies, whatever the elements are.
func Where[T any](d []T, c []uint8, x, y []T, mc, mx, my *Map, lo, hi int) {
	for lo < hi {
		oc, sc, rc := mc.At(lo)
		ox, sx, rx := mx.At(lo)
		oy, sy, ry := my.At(lo)
		n := min(hi-lo, rc, rx, ry)
		out := d[lo : lo+n]
		lo += n
		switch {
		case sc == 0 && c[oc] != 0:
			spread(out, x[ox:], sx)
		case sc == 0:
			spread(out, y[oy:], sy)
		case sx == 1 && sy == 1:
			pick(out, c[oc:], x[ox:], y[oy:])
		case sx == 1:
			pickX(out, c[oc:], x[ox:], y[oy])
		case sy == 1:
			pickY(out, c[oc:], x[ox], y[oy:])
		default:
			p, q := x[ox], y[oy]
			for i, b := range c[oc:][:n] {
				out[i] = q
				if b != 0 {
					out[i] = p
				}
			}
		}
	}
}

func spread[T any](d, s []T, step int) {
	if step == 0 {
		Fill(d, s[0])
		return
	}
	copy(d, s)
}

func pick[T any](d []T, c []uint8, x, y []T) {
	c, x, y = c[:len(d)], x[:len(d)], y[:len(d)]
	for i := range d {
		v := y[i]
		if c[i] != 0 {
			v = x[i]
		}
		d[i] = v
	}
}

func pickX[T any](d []T, c []uint8, x []T, y T) {
	c, x = c[:len(d)], x[:len(d)]
	for i := range d {
		v := y
		if c[i] != 0 {
			v = x[i]
		}
		d[i] = v
	}
}

func pickY[T any](d []T, c []uint8, x T, y []T) {
	c, y = c[:len(d)], y[:len(d)]
	for i := range d {
		v := x
		if c[i] == 0 {
			v = y[i]
		}
		d[i] = v
	}
}
