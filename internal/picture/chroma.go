package picture

import "image"

// fromYCbCr turns luma and chroma into red, green and blue. Go's own conversion repeats chroma samples and rounds otherwise than the
// libraries that pictures for training went through, so theirs is used: libjpeg's for JPEG, libwebp's, with its narrower range, for WebP.
func fromYCbCr(img *image.YCbCr, format string) *Image {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	up, rgb := upsampleJPEG, rgbJPEG
	if format == "webp" {
		up, rgb = upsampleWebP, rgbWebP
	}
	cw, ch, fx, fy := chromaSize(img.SubsampleRatio, w, h)
	at := img.COffset(b.Min.X, b.Min.Y)
	cb := plane{img.Cb[at:], img.CStride, cw, ch, fx, fy}
	cr := plane{img.Cr[at:], img.CStride, cw, ch, fx, fy}
	rowB, rowR := make([]uint8, w+8), make([]uint8, w+8) // a row of chroma samples is rounded up to the factor
	return fromRows(w, h, func(y int, dst []uint8) {
		up(rowB, cb, y, w)
		up(rowR, cr, y, w)
		for x, v := range img.Y[img.YOffset(b.Min.X, b.Min.Y+y):][:w] {
			dst[3*x], dst[3*x+1], dst[3*x+2] = rgb(int32(v), int32(rowB[x]), int32(rowR[x]))
		}
	})
}

// plane is a chroma channel: w×h samples, each for fx×fy pixels.
type plane struct {
	pix          []uint8
	stride, w, h int
	fx, fy       int
}

func (p plane) row(y int) []uint8 { y = max(0, min(p.h-1, y)); return p.pix[y*p.stride:][:p.w] }

func chromaSize(r image.YCbCrSubsampleRatio, w, h int) (cw, ch, fx, fy int) {
	fx, fy = 1, 1
	switch r {
	case image.YCbCrSubsampleRatio422:
		fx = 2
	case image.YCbCrSubsampleRatio420:
		fx, fy = 2, 2
	case image.YCbCrSubsampleRatio440:
		fy = 2
	case image.YCbCrSubsampleRatio411:
		fx = 4
	case image.YCbCrSubsampleRatio410:
		fx, fy = 4, 2
	}
	return (w + fx - 1) / fx, (h + fy - 1) / fy, fx, fy
}

// upsampleJPEG makes row y of the full-size channel as libjpeg does: halved directions are interpolated with weights 3/4 and 1/4 ("fancy
// upsampling"), others repeated.
func upsampleJPEG(dst []uint8, p plane, y, _ int) {
	near := p.row(y / p.fy)
	far, down := p.row(y/2-1), false // the other row that a pixel of a halved column lies between
	if y%2 == 1 {
		far, down = p.row(y/2+1), true
	}
	switch {
	case p.fx == 2 && p.w > 2 && p.fy == 2:
		sum := func(i int) int32 { return 3*int32(near[i]) + int32(far[i]) }
		last := p.w - 1
		for i := range p.w {
			this := sum(i)
			left, right := this, this
			if i > 0 {
				left = sum(i - 1)
			}
			if i < last {
				right = sum(i + 1)
			}
			dst[2*i] = uint8((3*this + left + 8) >> 4)
			dst[2*i+1] = uint8((3*this + right + 7) >> 4)
		}
	case p.fx == 2 && p.w > 2:
		last := p.w - 1
		for i, v := range near {
			this := 3 * int32(v)
			dst[2*i] = uint8((this + int32(near[max(0, i-1)]) + 1) >> 2)
			dst[2*i+1] = uint8((this + int32(near[min(last, i+1)]) + 2) >> 2)
		}
	case p.fx == 1 && p.fy == 2:
		bias := int32(1)
		if down {
			bias = 2
		}
		for i, v := range near {
			dst[i] = uint8((3*int32(v) + int32(far[i]) + bias) >> 2)
		}
	default:
		for i, v := range near {
			for k := range p.fx {
				dst[p.fx*i+k] = v
			}
		}
	}
}

// upsampleWebP makes row y of a channel that is halved both ways, with libwebp's weights of 9, 3, 3 and 1 sixteenths and its rounding.
func upsampleWebP(dst []uint8, p plane, y, w int) {
	near, far := p.row(y/2), p.row(y/2-1)
	if y%2 == 1 {
		far = p.row(y/2 + 1)
	}
	for x := range w {
		i, j := x/2, x/2-1
		if x%2 == 1 {
			j = i + 1
		}
		n, v := int32(near[i]), int32(far[i])
		if j < 0 || j >= p.w {
			dst[x] = uint8((3*n + v + 2) >> 2)
			continue
		}
		h, d := int32(near[j]), int32(far[j])
		dst[x] = uint8((n + (n+h+v+d+8+2*(h+v))>>3) >> 1)
	}
}

// rgbJPEG is the conversion of JFIF in 16-bit fixed point, rounded as libjpeg does.
func rgbJPEG(y, cb, cr int32) (r, g, b uint8) {
	cb -= 128
	cr -= 128
	return clip8(y + (91881*cr+32768)>>16), clip8(y + (-22554*cb-46802*cr+32768)>>16), clip8(y + (116130*cb+32768)>>16)
}

// rgbWebP is the conversion of BT.601 with luma in 16…235, in libwebp's 14-bit fixed point.
func rgbWebP(y, u, v int32) (r, g, b uint8) {
	y = 19077 * y >> 8
	return clip8((y + 26149*v>>8 - 14234) >> 6), clip8((y - 6419*u>>8 - 13320*v>>8 + 8708) >> 6), clip8((y + 33050*u>>8 - 17685) >> 6)
}
