package image

import (
	"bytes"
	stdimage "image"
	"image/color"
	"image/png"
	"testing"

	"ingot/ops/internal/optest"
	"ingot/tensor"
)

func stream(b []byte) *tensor.Tensor { return tensor.Of(b, len(b)) }

func TestImageDecoder(t *testing.T) {
	m := stdimage.NewNRGBA(stdimage.Rect(0, 0, 2, 1))
	m.Set(0, 0, color.NRGBA{10, 20, 30, 255})
	m.Set(1, 0, color.NRGBA{200, 100, 50, 255})
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		format, shape string
		file          []byte
		want          []float64
	}{
		{"RGB", "[1,2,3]", file.Bytes(), []float64{10, 20, 30, 200, 100, 50}},
		{"BGR", "[1,2,3]", file.Bytes(), []float64{30, 20, 10, 50, 100, 200}},
		{"Grayscale", "[1,2,1]", file.Bytes(), []float64{18, 124}},
		{"RGB", "[1,1,3]", []byte("P5 1 1 255\n\x07"), []float64{7, 7, 7}},
		{"Grayscale", "[1,1,1]", []byte("P6 1 1 255\n\x07\x07\x07"), []float64{7}},
		{"RGB", "[0,0,3]", file.Bytes()[:40], nil},
		{"Grayscale", "[0,0,1]", nil, nil},
		{"BGR", "[0,0,3]", []byte("no picture"), nil},
		{"RGB", "[0,0,3]", []byte("\xff\x4f\xff\x51\x00"), nil}, // the beginning of a JPEG 2000 file
	} {
		got := optest.Eval(t, ImageDecoder, optest.Attrs("pixel_format", c.format), stream(c.file))
		optest.Check(t, c.format, got, tensor.Uint8, c.shape, c.want, 0)
	}
	optest.Fails(t, ImageDecoder, nil, "arithmetic-coded files aren't supported", stream([]byte("\xff\xd8\xff\xc9\x00\x02")))
	optest.Fails(t, ImageDecoder, nil, "more than the limit", stream([]byte("P5 20000 20000 255\n\x00")))
	optest.Fails(t, ImageDecoder, optest.Attrs("pixel_format", "rgb"), "pixel_format", stream(nil))
	optest.Fails(t, ImageDecoder, nil, "must be a vector", tensor.Of([]uint8{1}, 1, 1))
}
