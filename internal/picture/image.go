package picture

// Image is a picture of 8-bit samples, row by row, the channels of a pixel side by side.
type Image struct {
	W, H int
	C    int // channels: 1 is grey, 3 is red, green, blue
	Pix  []uint8
}

func newImage(w, h, c int) *Image { return &Image{w, h, c, make([]uint8, w*h*c)} }

// Gray returns the picture as grey levels, 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point, as Pillow's mode L.
func (m *Image) Gray() *Image {
	if m.C == 1 {
		return m
	}
	out := newImage(m.W, m.H, 1)
	for i := range out.Pix {
		p := m.Pix[3*i : 3*i+3 : 3*i+3]
		out.Pix[i] = uint8((uint32(p[0])*19595 + uint32(p[1])*38470 + uint32(p[2])*7471 + 0x8000) >> 16)
	}
	return out
}

// RGB returns the picture with three channels.
func (m *Image) RGB() *Image {
	if m.C == 3 {
		return m
	}
	out := newImage(m.W, m.H, 3)
	for i, v := range m.Pix {
		out.Pix[3*i], out.Pix[3*i+1], out.Pix[3*i+2] = v, v, v
	}
	return out
}

// pad puts the picture on a black one of w×h, its upper left corner at x, y.
func (m *Image) pad(w, h, x, y int) *Image {
	out := newImage(w, h, m.C)
	row := m.W * m.C
	for i := range m.H {
		copy(out.Pix[((y+i)*w+x)*m.C:], m.Pix[i*row:(i+1)*row])
	}
	return out
}

// orient undoes what EXIF's orientation tag says was done to the picture: 1 is upright, 2 to 4 are mirrored or turned by 180°, 5 to 8 lie on
// their side.
func (m *Image) orient(tag int) *Image {
	if tag < 2 || tag > 8 {
		return m
	}
	swap := tag >= 5
	flipX := tag == 2 || tag == 3 || tag == 7 || tag == 8 // of what is stored
	flipY := tag == 3 || tag == 4 || tag == 6 || tag == 7
	out := newImage(m.W, m.H, m.C)
	if swap {
		out.W, out.H = m.H, m.W
	}
	for y := range out.H {
		for x := range out.W {
			sx, sy := x, y
			if swap {
				sx, sy = y, x
			}
			if flipX {
				sx = m.W - 1 - sx
			}
			if flipY {
				sy = m.H - 1 - sy
			}
			copy(out.Pix[(y*out.W+x)*m.C:][:m.C], m.Pix[(sy*m.W+sx)*m.C:])
		}
	}
	return out
}
