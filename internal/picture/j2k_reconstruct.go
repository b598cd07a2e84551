package picture

import "math"

// samples are a component's coefficients, then its samples, of a tile.
type samples struct {
	ints   []int32   // of the reversible transform
	floats []float32 // of the irreversible one
}

// reconstruct decodes the code blocks of a tile and makes samples of them.
func (t *j2kTile) reconstruct(s *j2kStream) error {
	var d blockDecoder
	all := make([]samples, len(t.comps))
	for i := range t.comps {
		c := &t.comps[i]
		n := (c.x1 - c.x0) * (c.y1 - c.y0)
		if c.levels == nil {
			continue
		}
		if c.reversible {
			all[i].ints = make([]int32, n)
		} else {
			all[i].floats = make([]float32, n)
		}
		for r := range c.levels {
			l := &c.levels[r]
			for k := range l.precincts {
				for j := range l.precincts[k].bands {
					for m := range l.precincts[k].bands[j].list {
						if b := &l.precincts[k].bands[j].list[m]; b.passes > 0 {
							all[i].place(c, &l.bands[j], b, d.decode(b, l.bands[j].orientation, c.style))
						}
					}
				}
			}
			l.precincts = nil
		}
		if c.reversible {
			synthesize(all[i].ints, c, lift53)
		} else {
			synthesize(all[i].floats, c, lift97)
		}
	}
	if t.mix {
		if err := unmix(all); err != nil {
			return err
		}
	}
	for i := range t.comps {
		all[i].store(&t.comps[i], &s.comps[i])
	}
	return nil
}

// place puts the doubled coefficients of a block where they belong.
func (s *samples) place(c *j2kTileComp, band *j2kBand, b *j2kBlock, values []int32) {
	stride, w := c.x1-c.x0, b.x1-b.x0
	for y := b.y0; y < b.y1; y++ {
		row := values[(y-b.y0)*w:][:w]
		at := band.at + (y-band.y0)*stride + b.x0 - band.x0
		if c.region > 0 {
			lower(row, c.region)
		}
		if c.reversible {
			for x, v := range row {
				s.ints[at+x] = v / 2 // towards zero
			}
		} else {
			for x, v := range row {
				s.floats[at+x] = float32(v) * band.step
			}
		}
	}
}

// lower moves the coefficients of a region of interest, which are raised above all others, back.
func lower(row []int32, by int) {
	for x, v := range row {
		if m := max(v, -v); by < 31 && m>>1 >= 1<<by {
			m >>= by
			if v < 0 {
				m = -m
			}
			row[x] = m
		}
	}
}

// unmix makes red, green and blue of the first three components (annex G).
func unmix(all []samples) error {
	if len(all) < 3 {
		return errJ2KDamage
	}
	a, b, c := &all[0], &all[1], &all[2]
	if len(a.ints) != len(b.ints) || len(b.ints) != len(c.ints) || len(a.floats) != len(b.floats) || len(b.floats) != len(c.floats) {
		return errJ2KDamage // of other sizes, or by another transform
	}
	for i, y := range a.ints {
		u, v := b.ints[i], c.ints[i]
		g := y - (u+v)>>2
		a.ints[i], b.ints[i], c.ints[i] = v+g, g, u+g
	}
	for i, y := range a.floats {
		u, v := b.floats[i], c.floats[i]
		a.floats[i] = y + float32(v*1.402)
		b.floats[i] = y - float32(u*0.34413) - float32(v*0.71414)
		c.floats[i] = y + float32(u*1.772)
	}
	return nil
}

// store writes samples in 8 bits to the picture's component.
func (s *samples) store(c *j2kTileComp, out *j2kComp) {
	if c.levels == nil {
		return
	}
	w := c.x1 - c.x0
	shift := func(v int32) uint8 {
		v = max(0, min(1<<out.depth-1, v+1<<(out.depth-1)))
		if out.depth < 8 {
			return uint8(v << (8 - out.depth))
		}
		return uint8(v >> (out.depth - 8))
	}
	for y := c.y0; y < c.y1; y++ {
		dst := out.pix[(y-out.y0)*(out.x1-out.x0)+c.x0-out.x0:][:w]
		at := (y - c.y0) * w
		if c.reversible {
			for x, v := range s.ints[at : at+w] {
				dst[x] = shift(v)
			}
		} else {
			for x, v := range s.floats[at : at+w] {
				dst[x] = shift(int32(max(-1<<20, min(1<<20, math.RoundToEven(float64(v))))))
			}
		}
	}
}
