// Package image holds the operator that decodes pictures. It needs decoders, so it isn't in the default set:
//
//	import _ "ingot/ops/image"
//
// adds it to those that every model gets.
package image

import (
	"bytes"
	"errors"
	"fmt"

	"ingot/internal/picture"
	"ingot/ops"
	"ingot/tensor"
)

// Ops lists the family.
var Ops = []*ops.Op{ImageDecoder}

func init() { ops.RegisterDefaults(Ops) }

type decoderAttrs struct {
	PixelFormat string `onnx:",RGB"`
}

// ImageDecoder turns the bytes of a picture file into samples [height, width, channels]: BMP, JPEG, JPEG 2000, TIFF, PNG, WebP, Netpbm's formats, and
// the first frame of a GIF. The picture comes as it is stored, whatever orientation a camera noted; what is transparent comes on black.
//
// As the standard wants it, a stream that can't be decoded gives an empty picture, [0, 0, channels]. A JPEG or JPEG 2000 file of a rare kind that no
// decoder here reads is an error, and so is a picture of more than 100 million pixels.
var ImageDecoder = ops.Def(ops.Spec[decoderAttrs]{
	Name: "ImageDecoder", In: "encoded_stream:T1", Out: "image:T2", Types: "T1=uint8; T2=uint8", Vers: []ops.Ver{{Since: 20}},
	Infer: func(c *ops.Infer, a *decoderAttrs) error {
		n, err := a.channels()
		if err != nil {
			return err
		}
		if s, ranked := c.Shape(0); ranked && len(s) != 1 {
			return fmt.Errorf("encoded_stream has rank %d; must be a vector", len(s))
		}
		return c.Out(0, tensor.Uint8, c.Fresh(), c.Fresh(), ops.Num(n))
	},
	Eval: func(c *ops.Call, a *decoderAttrs) error {
		n, err := a.channels()
		if err != nil {
			return err
		}
		m, err := picture.DecodeStored(bytes.NewReader(c.In(0).Bytes()), picture.Limits{})
		if err != nil {
			if errors.Is(err, picture.ErrUnsupported) || errors.Is(err, picture.ErrTooLarge) {
				return err
			}
			_, err = c.Alloc(0, tensor.Uint8, 0, 0, n)
			return err
		}
		if n == 1 {
			m = m.Gray()
		} else {
			m = m.RGB()
		}
		out, err := c.Alloc(0, tensor.Uint8, m.H, m.W, n)
		if err != nil {
			return err
		}
		pix := tensor.View[uint8](out)
		copy(pix, m.Pix)
		if a.PixelFormat == "BGR" {
			for i := 0; i+2 < len(pix); i += 3 {
				pix[i], pix[i+2] = pix[i+2], pix[i]
			}
		}
		return nil
	},
})

// channels checks the pixel format and returns its number of channels.
func (a *decoderAttrs) channels() (int, error) {
	switch a.PixelFormat {
	case "RGB", "BGR":
		return 3, nil
	case "Grayscale":
		return 1, nil
	}
	return 0, fmt.Errorf("attribute pixel_format: %q, must be RGB, BGR or Grayscale", a.PixelFormat)
}
