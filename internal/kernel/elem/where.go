package elem

// Where computes elements lo … hi of d: x where c isn't zero, else y. It copies, whatever the elements are.
func Where(w Width, d Raw, c []uint8, x, y Raw, mc, mx, my *Map, lo, hi int) {
	for lo < hi {
		oc, sc, rc := mc.At(lo)
		ox, sx, rx := mx.At(lo)
		oy, sy, ry := my.At(lo)
		n := min(hi-lo, rc, rx, ry)
		out, c, x, y := d.Slice(w, lo, lo+n), c[oc:], x.Slice(w, ox, x.n), y.Slice(w, oy, y.n)
		lo += n
		switch {
		case sc == 0 && c[0] != 0:
			spread(w, out, x, sx)
		case sc == 0:
			spread(w, out, y, sy)
		case w == 1:
			choose(View[uint8](out), c, View[uint8](x), View[uint8](y), sx, sy)
		case w == 2:
			choose(View[uint16](out), c, View[uint16](x), View[uint16](y), sx, sy)
		case w == 4:
			choose(View[uint32](out), c, View[uint32](x), View[uint32](y), sx, sy)
		case w == 8:
			choose(View[uint64](out), c, View[uint64](x), View[uint64](y), sx, sy)
		case w == 16:
			choose(View[[2]uint64](out), c, View[[2]uint64](x), View[[2]uint64](y), sx, sy)
		case w == Text:
			choose(View[string](out), c, View[string](x), View[string](y), sx, sy)
		}
	}
}

func spread(w Width, d, s Raw, step int) {
	if step == 0 {
		d.Fill(w, s)
		return
	}
	d.Copy(w, s)
}

// choose takes a run; an operand whose step is 0 has one element for all of it.
func choose[T any](d []T, c []uint8, x, y []T, sx, sy int) {
	c = c[:len(d)]
	switch {
	case sx == 1 && sy == 1:
		x, y = x[:len(d)], y[:len(d)]
		for i := range d {
			v := y[i]
			if c[i] != 0 {
				v = x[i]
			}
			d[i] = v
		}
	case sx == 1:
		x, y := x[:len(d)], y[0]
		for i := range d {
			v := y
			if c[i] != 0 {
				v = x[i]
			}
			d[i] = v
		}
	case sy == 1:
		x, y := x[0], y[:len(d)]
		for i := range d {
			v := x
			if c[i] == 0 {
				v = y[i]
			}
			d[i] = v
		}
	default:
		x, y := x[0], y[0]
		for i, b := range c {
			d[i] = y
			if b != 0 {
				d[i] = x
			}
		}
	}
}
