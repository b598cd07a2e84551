package picture

// picture makes an image of the components: grey, or red, green and blue.
func (f *jpegFile) picture() (*Image, error) {
	if f.progressive {
		for _, p := range f.parts {
			p.transform()
		}
	}
	n := len(f.parts)
	out := newImage(f.w, f.h, min(n, 3))
	var rows [4]jpegRow
	for i, p := range f.parts {
		rows[i] = newJPEGRow(p, f.maxH/p.h, f.maxV/p.v)
	}
	color := f.isYCC()
	for y := range f.h {
		dst := out.Pix[y*f.w*out.C:][:f.w*out.C]
		a := rows[0].at(y)[:f.w]
		if n == 1 {
			copy(dst, a)
			continue
		}
		b, c := rows[1].at(y)[:f.w], rows[2].at(y)[:f.w]
		if color {
			fromYCC(dst, a, b, c)
		} else {
			for x, v := range a {
				dst[3*x], dst[3*x+1], dst[3*x+2] = v, b[x], c[x]
			}
		}
		if n == 4 {
			onPaper(dst, rows[3].at(y)[:f.w], color)
		}
	}
	return out, nil
}

// isYCC tells whether the first three components are luma and chroma: what the file says, or else a guess, libjpeg's.
func (f *jpegFile) isYCC() bool {
	id := func(i int) int { return f.parts[i].id }
	switch {
	case len(f.parts) == 4:
		return f.adobe > 0
	case len(f.parts) == 1:
		return false
	case f.jfif:
		return true
	case f.adobe >= 0:
		return f.adobe != 0
	}
	return id(0) != 'R' || id(1) != 'G' || id(2) != 'B'
}

// fromYCC converts a row of luma and chroma, in 16-bit fixed point as JFIF has it.
func fromYCC(dst, luma, cb, cr []uint8) {
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	dst = dst[:3*len(luma)]
	for x, v := range luma {
		y, b, r := int32(v), int32(cb[x])-128, int32(cr[x])-128
		px := (*[3]uint8)(dst[3*x:])
		px[0] = clip8(y + (91881*r+32768)>>16)
		px[1] = clip8(y + (-22554*b-46802*r+32768)>>16)
		px[2] = clip8(y + (116130*b+32768)>>16)
	}
}

// onPaper makes colours of inks. As Adobe's programs have it, samples say how much white is left, also those of black; those that came as luma
// and chroma are the contrary of what the conversion gave.
func onPaper(dst, black []uint8, converted bool) {
	for x, white := range black {
		px := (*[3]uint8)(dst[3*x:])
		for i, v := range px {
			if converted {
				v = 255 - v
			}
			px[i] = uint8(max(0, int(white)-int(mul255(255-v, white))))
		}
	}
}

// jpegRow makes rows of a component in the picture's size.
type jpegRow struct {
	*jpegPart
	fx, fy int // how many times smaller it is
	dst    []uint8
}

func newJPEGRow(p *jpegPart, fx, fy int) jpegRow {
	r := jpegRow{jpegPart: p, fx: fx, fy: fy}
	if fx > 1 || fy > 1 {
		r.dst = make([]uint8, p.w*fx)
	}
	return r
}

// stored returns a row as it is stored, the nearest one to y.
func (r *jpegRow) stored(y int) []uint8 {
	return r.pix[max(0, min(r.rows-1, y))*r.across*8:][:r.w]
}

// at returns row y of the picture. As libjpeg does it, halved directions are interpolated with weights 3/4 and 1/4 ("fancy upsampling"), others
// repeated, and so is the width of a component of one or two samples.
func (r *jpegRow) at(y int) []uint8 {
	near := r.stored(y / r.fy)
	far, bias := r.stored(y/2-1), int32(1) // the other row that a pixel of a halved column lies between
	if y%2 == 1 {
		far, bias = r.stored(y/2+1), 2
	}
	switch {
	case r.fx == 1 && r.fy == 1:
		return near
	case r.fx == 2 && r.fy == 2 && r.w > 2:
		doubleBoth(r.dst, near, far)
	case r.fx == 2 && r.fy == 1 && r.w > 2:
		doubleWide(r.dst, near)
	case r.fx == 1 && r.fy == 2:
		dst, far := r.dst[:len(near)], far[:len(near)]
		for i, v := range near {
			dst[i] = uint8((3*int32(v) + int32(far[i]) + bias) >> 2)
		}
	default:
		for i, v := range near {
			for k := range r.fx {
				r.dst[r.fx*i+k] = v
			}
		}
	}
	return r.dst
}

// doubleBoth interpolates between four samples; near and far are the rows above and below, with weights 3 and 1.
func doubleBoth(dst, near, far []uint8) {
	far = far[:len(near)]
	dst = dst[:2*len(near)]
	left := 3*int32(near[0]) + int32(far[0])
	this := left
	for i := range near {
		right := this
		if i+1 < len(near) {
			right = 3*int32(near[i+1]) + int32(far[i+1])
		}
		px := (*[2]uint8)(dst[2*i:])
		px[0], px[1] = uint8((3*this+left+8)>>4), uint8((3*this+right+7)>>4)
		left, this = this, right
	}
}

// doubleWide interpolates along a row.
func doubleWide(dst, near []uint8) {
	dst = dst[:2*len(near)]
	left := int32(near[0])
	this := left
	for i := range near {
		right := this
		if i+1 < len(near) {
			right = int32(near[i+1])
		}
		px := (*[2]uint8)(dst[2*i:])
		px[0], px[1] = uint8((3*this+left+1)>>2), uint8((3*this+right+2)>>2)
		left, this = this, right
	}
}
