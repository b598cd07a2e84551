package picture

import (
	"image"
	"image/color"
)

// fromImage copies img. The types that decoders return have loops of their own; all others go through color.NRGBA64.
func fromImage(img image.Image) *Image {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	switch img := img.(type) {
	case *image.Gray:
		out := newImage(w, h, 1)
		for y := range h {
			copy(out.Pix[y*w:(y+1)*w], img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):])
		}
		return out
	case *image.Gray16:
		out := newImage(w, h, 1)
		for y := range h {
			src := img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):]
			for x := range w {
				out.Pix[y*w+x] = src[2*x]
			}
		}
		return out
	case *image.YCbCr:
		return fromYCbCr(img)
	case *image.NYCbCrA:
		out := fromYCbCr(&img.YCbCr)
		for y := range h {
			for x := range w {
				onBlack(out.Pix[(y*w+x)*3:][:3], img.A[img.AOffset(b.Min.X+x, b.Min.Y+y)])
			}
		}
		return out
	case *image.RGBA: // premultiplied, which is on black already
		return fromRows(w, h, func(y int, dst []uint8) {
			src := img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):]
			for x := range w {
				copy(dst[3*x:3*x+3], src[4*x:])
			}
		})
	case *image.NRGBA:
		return fromRows(w, h, func(y int, dst []uint8) {
			src := img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):]
			for x := range w {
				copy(dst[3*x:3*x+3], src[4*x:])
				onBlack(dst[3*x:3*x+3], src[4*x+3])
			}
		})
	case *image.Paletted:
		return fromPaletted(img)
	case *image.CMYK:
		return fromRows(w, h, func(y int, dst []uint8) {
			src := img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):]
			for x := range w {
				white := 255 - src[4*x+3]
				for c := range 3 {
					dst[3*x+c] = white - mul255(src[4*x+c], white)
				}
			}
		})
	}
	return fromRows(w, h, func(y int, dst []uint8) {
		for x := range w {
			c := color.NRGBA64Model.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA64)
			dst[3*x], dst[3*x+1], dst[3*x+2] = uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8)
			onBlack(dst[3*x:3*x+3], uint8(c.A>>8))
		}
	})
}

func fromRows(w, h int, row func(y int, dst []uint8)) *Image {
	out := newImage(w, h, 3)
	for y := range h {
		row(y, out.Pix[y*w*3:(y+1)*w*3])
	}
	return out
}

func fromPaletted(img *image.Paletted) *Image {
	var table [256][3]uint8 // what lies beyond the palette is black
	for i, c := range img.Palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		table[i] = [3]uint8{n.R, n.G, n.B}
		onBlack(table[i][:], n.A)
	}
	b := img.Bounds()
	return fromRows(b.Dx(), b.Dy(), func(y int, dst []uint8) {
		for x, v := range img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] {
			copy(dst[3*x:], table[v][:])
		}
	})
}

// onBlack scales a pixel by its opacity.
func onBlack(p []uint8, alpha uint8) {
	if alpha == 255 {
		return
	}
	for i, v := range p {
		p[i] = mul255(v, alpha)
	}
}

// mul255 is a·b/255, rounded.
func mul255(a, b uint8) uint8 {
	t := uint32(a)*uint32(b) + 128
	return uint8((t>>8 + t) >> 8)
}

func clip8(v int32) uint8 { return uint8(max(0, min(255, v))) }
