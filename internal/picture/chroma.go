package picture

import "image"

// fromYCbCr turns the luma and chroma of a WebP picture, whose chroma is halved both ways, into red, green and blue. Go's own conversion repeats
// chroma samples and takes a wider range of luma than libwebp, which pictures for training went through, so that one's is used.
func fromYCbCr(img *image.YCbCr) *Image {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	at := img.COffset(b.Min.X, b.Min.Y)
	cb := plane{img.Cb[at:], img.CStride, (w + 1) / 2, (h + 1) / 2}
	cr := plane{img.Cr[at:], img.CStride, (w + 1) / 2, (h + 1) / 2}
	rowB, rowR := make([]uint8, w), make([]uint8, w)
	return fromRows(w, h, func(y int, dst []uint8) {
		cb.double(rowB, y)
		cr.double(rowR, y)
		for x, v := range img.Y[img.YOffset(b.Min.X, b.Min.Y+y):][:w] {
			dst[3*x], dst[3*x+1], dst[3*x+2] = rgbWebP(int32(v), int32(rowB[x]), int32(rowR[x]))
		}
	})
}

// plane is a chroma channel of w×h samples.
type plane struct {
	pix          []uint8
	stride, w, h int
}

func (p *plane) row(y int) []uint8 { y = max(0, min(p.h-1, y)); return p.pix[y*p.stride:][:p.w] }

// double makes row y of the full-size channel, with libwebp's weights of 9, 3, 3 and 1 sixteenths and its rounding.
func (p *plane) double(dst []uint8, y int) {
	near, far := p.row(y/2), p.row(y/2-1)
	if y%2 == 1 {
		far = p.row(y/2 + 1)
	}
	for x := range dst {
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

// rgbWebP is the conversion of BT.601 with luma in 16…235, in libwebp's 14-bit fixed point.
func rgbWebP(y, u, v int32) (r, g, b uint8) {
	y = 19077 * y >> 8
	return clip8((y + 26149*v>>8 - 14234) >> 6), clip8((y - 6419*u>>8 - 13320*v>>8 + 8708) >> 6), clip8((y + 33050*u>>8 - 17685) >> 6)
}
